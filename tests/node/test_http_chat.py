"""The HTTP door as a program sees it: the OpenAI SDK over a real server, scripted answers behind."""

import asyncio
import json
from collections.abc import AsyncIterator

import openai
import pytest

from islandrun.agents.agent import Veto, VetoReason
from islandrun.errors import Interrupted, NobodyMaySee, Overloaded, Unreachable
from islandrun.vocabulary import Finished, TextDelta, Tier, ToolCallDelta, Usage
from islandrun_node.request import Decided, Settled
from tests.node.http_kit import DECIDED, END, ME, SECRET, Door, decision, open_door, report, until


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


async def test_models_are_listed_and_found_with_slash_and_island(door) -> None:
    async with door.client() as client:
        names = [model.id async for model in await client.models.list()]
        assert names == ["tiny", "islandrun/auto", "islandrun/local", "islandrun/private", "letters"]
        assert (await client.models.retrieve("letters")).id == "letters"
        assert (await client.models.retrieve("islandrun/auto")).id == "islandrun/auto"
        assert (await client.models.retrieve("tiny@office")).created == 1_700_000_000
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("none")
    assert caught.value.code == "model_not_found"


async def test_a_whole_answer_has_usage_and_tells_its_decision(door) -> None:
    raw = await door.ask()
    answer = raw.parse()
    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        7,
        3,
        10,
    )
    told = {name: value for name, value in raw.headers.items() if name.startswith("x-islandrun-")}
    assert told == {
        "x-islandrun-island": "office",
        "x-islandrun-tier": "edge",
        "x-islandrun-decision": "masked",
        "x-islandrun-sensitivity": "confidential",
        "x-islandrun-redactions": "3",
        "x-islandrun-cost": "0.001250",
        "x-islandrun-receipt": "r-1",
    }
    assert answer.islandrun["redactions"] == 3
    assert answer.islandrun["cost"] == 0.00125
    assert door.answerer.closed.is_set()


@pytest.mark.parametrize(
    ("chosen", "word"),
    [
        (report(masked=False), "as_is"),
        (report("me", Tier.PERSONAL, masked=False, island=ME), "local"),
        (report("me", Tier.PERSONAL, masked=True, island=ME), "masked"),
    ],
)
async def test_the_decision_in_one_word(door, chosen, word) -> None:
    door.answerer.script[0] = Decided(decision(chosen))
    assert (await door.ask()).headers["x-islandrun-decision"] == word


async def test_what_an_answer_cost_and_saved_is_told_once_it_is_known(door: Door) -> None:
    door.answerer.script.append(Settled(1_234, -500))
    answer = await door.ask()
    assert answer.headers["x-islandrun-cost"] == "0.001234"
    assert answer.headers["x-islandrun-cost-saved"] == "-0.000500"
    assert json.loads(answer.content)["islandrun"]["cost"] == 0.001234
    assert "islandrun_cost_usd_total 0.001234" in door.counted()


async def test_a_name_that_is_no_header_text_still_gets_an_answer(door) -> None:
    door.answerer.script[0] = Decided(decision(report("bür\r\no")))
    assert (await door.ask()).headers["x-islandrun-island"] == "b?r??o"


async def test_a_stream_arrives_as_it_is_made_and_ends_with_usage(door) -> None:
    gate = asyncio.Event()
    door.answerer.script = [DECIDED, TextDelta("one "), gate, TextDelta("two"), END]
    async with door.client() as client:
        stream = await client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "x"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = []
        async for chunk in stream:
            chunks.append(chunk)
            if chunk.choices and chunk.choices[0].delta.content == "one ":
                gate.set()
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "one two"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:-1]] == ["stop"]
    assert (chunks[-1].choices, chunks[-1].usage.total_tokens) == ([], 10)
    assert chunks[-1].islandrun["island"] == "office"
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert {chunk.id for chunk in chunks} == {"chatcmpl-r-1"}


async def test_a_failover_before_the_first_piece_shows_only_the_island_that_answered(door) -> None:
    second = Decided(decision(report("laptop", Tier.PERSONAL, masked=False), attempt=2))
    door.answerer.script = [DECIDED, second, TextDelta("hi"), END]
    raw = await door.ask()
    assert raw.headers["x-islandrun-island"] == "laptop"
    assert raw.headers["x-islandrun-redactions"] == "0"
    assert 'islandrun_redactions_total{type="PERSON"} 2.0' in door.counted()


async def test_tool_calls_make_the_round_trip(door) -> None:
    door.answerer.script = [
        DECIDED,
        ToolCallDelta(0, "call_1", "weather", '{"ci'),
        ToolCallDelta(0, arguments='ty":"Oslo"}'),
        Finished("tool_calls", Usage(5, 5), "tiny"),
    ]
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    first = (await door.ask(tools=[tool], tool_choice="required")).parse().choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.content is None
    call = first.message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "weather", '{"city":"Oslo"}')
    asked = door.answerer.asked[0].prompt
    assert (asked.tools[0].name, asked.tools[0].parameters, asked.tool_choice) == (
        "weather", '{"type":"object"}', "required",
    )  # fmt: skip
    turns = [
        {"role": "user", "content": "weather?"},
        first.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": [{"type": "text", "text": "sunny"}]},
    ]
    await door.ask(messages=turns, tools=[tool])
    back = door.answerer.asked[1].prompt.messages
    assert (back[1].tool_calls[0].arguments, back[2].text, back[2].tool_call_id) == (
        '{"city":"Oslo"}', "sunny", "call_1",
    )  # fmt: skip


async def test_streamed_tool_calls_are_put_together_by_the_sdk(door) -> None:
    door.answerer.script = [
        DECIDED,
        TextDelta("I look."),
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(1, "b", "g", "{}"),
        ToolCallDelta(0, arguments='{"x":1}'),
        Finished("tool_calls", Usage(1, 1), "tiny"),
    ]
    async with (
        door.client() as client,
        client.chat.completions.stream(model="tiny", messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        answer = await stream.get_final_completion()
    message = answer.choices[0].message
    assert message.content == "I look."
    assert [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls] == [
        ("a", "f", '{"x":1}'),
        ("b", "g", "{}"),
    ]


async def test_nobody_may_see_it_names_every_island_and_its_reasons(door) -> None:
    veto = Veto(VetoReason.TRUST_BELOW_SENSITIVITY, "trust 0.20 < 0.60 still visible after masking")
    refused = decision(None, report("cloud", Tier.CLOUD, vetoes=(veto,)))
    door.answerer.script = [NobodyMaySee("nobody may see this", refused)]
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await door.ask()
    error = caught.value
    assert error.code == "no_eligible_island"
    assert error.body["islands"] == [
        {
            "island": "cloud",
            "tier": "cloud",
            "reasons": ["TRUST_BELOW_SENSITIVITY"],
            "details": ["trust 0.20 < 0.60 still visible after masking"],
        }
    ]
    assert error.response.headers["x-islandrun-decision"] == "refused"
    assert error.response.headers["x-islandrun-receipt"] == "r-1"
    assert SECRET not in error.response.text
    assert 'islandrun_requests_total{code="403",decision="refused",tier="none"} 1.0' in door.counted()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Overloaded("no room"), 429, "overloaded"),
        (Unreachable("office is away"), 503, "island_unreachable"),
        (Interrupted("broke off"), 502, "answer_interrupted"),
        (RuntimeError(SECRET), 500, "internal_error"),
    ],
)
async def test_a_failure_before_the_first_piece_is_a_status(door, caplog, error, status, code) -> None:
    door.answerer.script = [DECIDED, error]
    with pytest.raises(openai.APIStatusError) as caught:
        await door.ask(stream=True)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    headers = caught.value.response.headers
    assert headers["x-islandrun-island"] == "office"
    assert ("retry-after" in headers) == (status == 429)
    assert SECRET not in caught.value.response.text + caplog.text


async def test_a_stream_that_breaks_says_so_and_never_ends_as_if_whole(door) -> None:
    gate = asyncio.Event()
    door.answerer.script = [DECIDED, TextDelta("half"), gate, Interrupted("the answer of office broke off")]
    messages = [{"role": "user", "content": "x"}]
    async with door.client() as client:
        stream = aiter(await client.chat.completions.create(model="tiny", messages=messages, stream=True))
        assert (await anext(stream)).choices[0].delta.role == "assistant"
        assert (await anext(stream)).choices[0].delta.content == "half"
        gate.set()
        with pytest.raises(openai.APIError, match="broke off"):
            await anext(stream)
    assert 'code="interrupted"' in door.counted()


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_goes_away_before_the_first_piece_ends_the_work(door, stream) -> None:
    door.answerer.script = [DECIDED, asyncio.Event()]
    asking = asyncio.create_task(door.ask(stream=stream))
    await until(lambda: door.answerer.asked)
    assert not door.answerer.closed.is_set()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: door.answerer.closed.is_set() and 'code="499"' in door.counted())


async def test_a_client_that_goes_away_from_a_stream_ends_the_work(door) -> None:
    door.answerer.script = [DECIDED, TextDelta("x"), asyncio.Event()]
    async with door.client() as client:
        messages = [{"role": "user", "content": "x"}]
        stream = await client.chat.completions.create(model="tiny", messages=messages, stream=True)
        await anext(aiter(stream))
        assert not door.answerer.closed.is_set()
        await stream.close()
        await until(lambda: door.answerer.closed.is_set() and 'code="499"' in door.counted())


async def test_a_wrong_token_is_told_apart(door) -> None:
    async with door.client("wrong") as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            await client.models.list()
    assert caught.value.code == "invalid_api_key"
    assert not door.answerer.asked


async def test_one_call_at_a_time_when_the_client_wants_no_parallel_calls(door) -> None:
    door.answerer.script = [
        DECIDED,
        ToolCallDelta(0, "a", "f", "{}"),
        ToolCallDelta(1, "b", "g", "{}"),
        Finished("tool_calls", Usage(1, 1), "tiny"),
    ]
    for wish, count in [({}, 2), ({"parallel_tool_calls": False}, 1)]:
        answer = (await door.ask(**wish)).parse()
        assert len(answer.choices[0].message.tool_calls) == count


PARTS = [
    {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
    {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    {"type": "file", "file": {"file_id": "f"}},
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part["type"])
async def test_what_is_no_text_is_refused_before_anything_runs(door, part) -> None:
    with pytest.raises(openai.BadRequestError, match="nobody here can judge") as caught:
        await door.ask(messages=[{"role": "user", "content": [{"type": "text", "text": SECRET}, part]}])
    assert caught.value.param == "messages[0].content[1].type"
    assert not door.answerer.asked


async def test_names_developers_and_refusals_are_text_like_any_other(door) -> None:
    turns = [
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "refusal": "no"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "never"}]},
        {"role": "user", "name": "Anna", "content": "why"},
    ]
    await door.ask(messages=turns)
    read = [(turn.role, turn.text, turn.name) for turn in door.answerer.asked[0].prompt.messages]
    assert read == [
        ("developer", "a\nb", ""),
        ("assistant", "no", ""),
        ("assistant", "never", ""),
        ("user", "why", "Anna"),
    ]
