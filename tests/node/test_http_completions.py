"""`/v1/completions` as a program sees it: the OpenAI SDK over a real server, scripted answers behind."""

from collections.abc import AsyncIterator

import openai
import pytest

from islandrun.errors import Interrupted, Unreachable
from islandrun.vocabulary import Finished, Message, Sampling, TextDelta, ToolCallDelta, Usage
from tests.node.http_kit import DECIDED, SECRET, Door, open_door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


async def ask(door: Door, **fields):
    async with door.client() as client:
        fields = {"model": "tiny", "prompt": SECRET} | fields
        return await client.completions.with_raw_response.create(**fields)


async def stream(door: Door, **fields) -> list[openai.types.Completion]:
    async with door.client() as client:
        fields = {"model": "tiny", "prompt": SECRET} | fields
        return [chunk async for chunk in await client.completions.create(stream=True, **fields)]


async def test_a_prompt_is_a_chat_of_one_message(door) -> None:
    raw = await ask(door, max_tokens=9, temperature=0, stop=["x"], seed=4, user="u", n=1, best_of=1)
    answer = raw.parse()
    assert answer.object == "text_completion"
    assert (answer.id, answer.model, answer.choices[0].text) == ("cmpl-r-1", "tiny", "Hello")
    assert (answer.choices[0].finish_reason, answer.usage.total_tokens) == ("stop", 10)
    assert raw.headers["x-islandrun-island"] == "office"
    asked = door.answerer.asked[0]
    assert asked.prompt.messages == (Message("user", SECRET),)
    assert asked.sampling == Sampling(0.0, None, 9, ("x",), 4)


async def test_each_of_several_prompts_is_its_own_request(door) -> None:
    answer = (await ask(door, prompt=["one", "two"], echo=True)).parse()
    assert [choice.text for choice in answer.choices] == ["oneHello", "twoHello"]
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[1].islandrun["receipt"] == "r-1"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (14, 6)
    assert [chat.prompt.messages[0].text for chat in door.answerer.asked] == ["one", "two"]


async def test_a_stream_of_two_prompts_ends_once_with_all_tokens(door) -> None:
    chunks = await stream(door, prompt=["one", "two"], echo=True, stream_options={"include_usage": True})
    texts = {0: "", 1: ""}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == {0: "oneHello", 1: "twoHello"}
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert reasons == ["stop", "stop"]
    assert (chunks[-1].choices, chunks[-1].usage.total_tokens) == ([], 20)
    assert {(chunk.object, chunk.id) for chunk in chunks} == {("text_completion", "cmpl-r-1")}


async def test_a_tool_call_is_no_text(door) -> None:
    door.answerer.script = [DECIDED, ToolCallDelta(0, "a", "f", "{}"), Finished("tool_calls", Usage(), "")]
    answer = (await ask(door)).parse()
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("", "stop")


async def test_a_stream_that_breaks_says_so(door) -> None:
    door.answerer.script = [DECIDED, TextDelta("half"), Interrupted("broke off")]
    with pytest.raises(openai.APIError, match="broke off"):
        await stream(door)


async def test_a_failure_before_the_first_piece_is_a_status(door) -> None:
    door.answerer.script = [DECIDED, Unreachable("away")]
    with pytest.raises(openai.InternalServerError) as caught:
        await ask(door)
    assert caught.value.status_code == 503


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2], [3]]}, "prompt"),
        ({"prompt": ["text", [1]]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["x"] * 33}, "prompt"),
        ({"prompt": "x" * (16 * 1024 * 1024 + 1)}, "prompt"),
        ({"suffix": SECRET}, "suffix"),
        ({"logprobs": 3}, "logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"n": 2}, "n"),
        ({"best_of": 2}, "best_of"),
        ({"model": "m" * 500}, "model"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stop": "x" * 1025}, "stop"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(door, fields, param) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(door, **fields)
    assert caught.value.param == param
    assert SECRET not in caught.value.response.text
    assert not door.answerer.asked
