"""`/v1/responses` as a program sees it: the OpenAI SDK over a real server, scripted answers behind."""

import asyncio
import json
from collections.abc import AsyncIterator

import openai
import pydantic
import pytest

from islandrun.errors import Interrupted
from islandrun.vocabulary import Finished, Message, TextDelta, ToolCall, ToolCallDelta, Usage
from tests.node.http_kit import DECIDED, END, SECRET, Door, open_door

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "asks",
    "parameters": {"type": "object"},
    "strict": False,
}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


async def ask(door: Door, **fields):
    async with door.client() as client:
        fields = {"model": "tiny", "input": SECRET} | fields
        return await client.responses.with_raw_response.create(**fields)


async def events(door: Door, **fields) -> list:
    async with door.client() as client:
        fields = {"model": "tiny", "input": SECRET} | fields
        return [event async for event in await client.responses.create(stream=True, **fields)]


async def test_a_whole_answer(door) -> None:
    raw = await ask(door, instructions="be brief", max_output_tokens=9, temperature=0.5, store=False)
    answer = raw.parse()
    assert (answer.id, answer.object, answer.status, answer.model) == (
        "resp_r-1",
        "response",
        "completed",
        "tiny",
    )
    assert answer.output_text == "Hello"
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (7, 3, 10)
    assert answer.islandrun["island"] == raw.headers["x-islandrun-island"] == "office"
    asked = door.answerer.asked[0]
    assert asked.prompt.messages == (Message("system", "be brief"), Message("user", SECRET))
    assert (asked.sampling.tokens_max, asked.sampling.temperature) == (9, 0.5)


async def test_a_stream_is_the_sequence_that_the_api_promises(door) -> None:
    gate = asyncio.Event()
    door.answerer.script = [DECIDED, TextDelta("Hel"), gate, TextDelta("lo"), END]
    async with door.client() as client:
        found = []
        async for event in await client.responses.create(model="tiny", input="x", stream=True):
            found.append(event)
            if event.type == "response.output_text.delta":
                gate.set()
    assert [event.type for event in found] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in found] == list(range(10))
    assert {event.item_id for event in found if hasattr(event, "item_id")} == {"msg_r-1_0"}
    assert found[-1].response.output_text == "Hello"
    assert found[-1].response.usage.total_tokens == 10


CALLS = [
    DECIDED,
    TextDelta("I look."),
    ToolCallDelta(0, "call_1", "weather", '{"ci'),
    ToolCallDelta(1, "call_2", "weather", "{}"),
    ToolCallDelta(0, arguments='ty":"Oslo"}'),
    Finished("tool_calls", Usage(5, 5), "tiny"),
]


async def test_calls_are_streamed_in_their_order(door) -> None:
    door.answerer.script = CALLS
    found = await events(door, tools=[WEATHER], tool_choice={"type": "function", "name": "weather"})
    kinds = [event.type.removeprefix("response.") for event in found]
    assert kinds[6:] == [
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    answer = found[-1].response
    calls = [(item.call_id, item.name, item.arguments) for item in answer.output[1:]]
    assert calls == [("call_1", "weather", '{"city":"Oslo"}'), ("call_2", "weather", "{}")]
    assert [item.model_dump() for item in (await ask(door)).parse().output] == [
        item.model_dump() for item in answer.output
    ]
    asked = door.answerer.asked[0].prompt
    assert (asked.tools[0].name, asked.tools[0].parameters) == ("weather", '{"type":"object"}')
    assert json.loads(asked.tool_choice) == {"type": "function", "function": {"name": "weather"}}


async def test_calls_and_their_results_make_the_round_trip(door) -> None:
    door.answerer.script = CALLS
    answer = (await ask(door, tools=[WEATHER])).parse()
    outputs = [
        {"type": "function_call_output", "call_id": call, "output": "sun"} for call in ("call_1", "call_2")
    ]
    given = [
        {"role": "user", "content": "weather?"},
        *(item.model_dump() for item in answer.output),
        *outputs,
    ]
    await ask(door, input=given, tools=[WEATHER])
    assert door.answerer.asked[-1].prompt.messages == (
        Message("user", "weather?"),
        Message(
            "assistant",
            "I look.",
            (ToolCall("call_1", "weather", '{"city":"Oslo"}'), ToolCall("call_2", "weather", "{}")),
        ),
        Message("tool", "sun", tool_call_id="call_1"),
        Message("tool", "sun", tool_call_id="call_2"),
    )


async def test_the_stream_helper_of_the_sdk_puts_an_answer_together(door) -> None:
    class City(pydantic.BaseModel):
        city: str

    door.answerer.script = [DECIDED, TextDelta('{"city":'), TextDelta('"Oslo"}'), END]
    async with (
        door.client() as client,
        client.responses.stream(model="tiny", input="where?", text_format=City) as stream,
    ):
        answer = await stream.get_final_response()
    assert answer.output_parsed == City(city="Oslo")
    form = json.loads(door.answerer.asked[0].prompt.response_format)
    assert (form["type"], form["json_schema"]["name"]) == ("json_schema", "City")
    assert form["json_schema"]["schema"]["required"] == ["city"]


async def test_one_call_when_the_client_wants_no_parallel_calls(door) -> None:
    door.answerer.script = [
        DECIDED,
        ToolCallDelta(0, "a", "f", "{}"),
        ToolCallDelta(1, "b", "g", "{}"),
        Finished("tool_calls", Usage(1, 1), "tiny"),
    ]
    answer = (await ask(door, parallel_tool_calls=False)).parse()
    assert [item.name for item in answer.output] == ["f"]
    assert answer.parallel_tool_calls is False


@pytest.mark.parametrize("script", [[END], [TextDelta(""), END]])
async def test_an_empty_answer_is_an_empty_message(door, script) -> None:
    door.answerer.script = [DECIDED, *script]
    assert (await ask(door)).parse().output[0].content[0].text == ""
    assert (await events(door))[-1].response.output_text == ""


async def test_an_answer_that_was_too_long_is_incomplete(door) -> None:
    door.answerer.script = [DECIDED, TextDelta("x"), Finished("length", Usage(1, 1), "tiny")]
    for answer in ((await ask(door)).parse(), (await events(door))[-1].response):
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


async def test_a_stream_that_breaks_fails_and_raises(door) -> None:
    door.answerer.script = [DECIDED, TextDelta("half"), Interrupted("the answer broke off")]
    found = []
    async with door.client() as client:
        stream = await client.responses.create(model="tiny", input="x", stream=True)
        while not found or found[-1].type != "response.failed":
            found.append(await anext(stream))
        with pytest.raises(openai.APIError, match="broke off"):
            await anext(stream)
    assert found[-1].response.error.code == "answer_interrupted"
    assert 'code="interrupted"' in door.counted()


def item(**fields: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": "x"}, fields]


def part(**fields: object) -> list[dict[str, object]]:
    return item(role="user", content=[fields])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"truncation": "auto"}, "truncation"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [WEATHER, {"type": "mcp", "server_label": "x"}]}, "tools[1].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tool_choice": SECRET}, "tool_choice"),
        ({"text": {"format": {"type": SECRET}}}, "text.format.type"),
        ({"input": []}, "input"),
        ({"input": part(type="input_image", image_url="x")}, "input[1].content[0].type"),
        ({"input": part(type="input_file", file_id="x")}, "input[1].content[0].type"),
        ({"input": part(type="input_text")}, "input[1].content[0].text"),
        ({"input": item(role=SECRET, content="x")}, "input[1].role"),
        ({"input": item(role="user")}, "input[1].content"),
        ({"input": item(type="function_call", name="f", arguments="{}")}, "input[1].call_id"),
        ({"input": item(type="function_call_output", output="x")}, "input[1].call_id"),
        ({"input": item(type="item_reference", id="x")}, "input[1].type"),
        ({"input": item(type="web_search_call", id="x")}, "input[1].type"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused_by_name(door, fields, param) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(door, **fields)
    assert caught.value.param == param
    assert SECRET not in caught.value.response.text
    assert not door.answerer.asked
