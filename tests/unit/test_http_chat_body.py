"""The body of a chat request: what is read, what is refused, and that a mistake names its place only."""

import json

import pytest
from starlette.datastructures import Headers

from islandrun.errors import BadRequest
from islandrun.vocabulary import ChatRequest, Hints, Message, Sampling, ToolCall
from islandrun_node.http.body import decode
from islandrun_node.http.chat_body import ChatBody, chat_request, read_chat
from islandrun_node.http.problems import Rejected, problem_of

TEXT = {"type": "text", "text": "x"}
TURN = {"role": "user", "content": "hello"}
SECRET = "my own words"


def read(**fields: object) -> ChatRequest:
    return chat_request(decode(json.dumps({"messages": [TURN]} | fields).encode(), ChatBody), Hints(), "")


def problem(body: bytes):
    """Return how a body is refused."""
    with pytest.raises((BadRequest, Rejected)) as caught:
        chat_request(decode(body, ChatBody), Hints(), "")
    return problem_of(caught.value)


def test_a_short_body_takes_the_defaults() -> None:
    asked = read()
    assert asked.model == "islandrun/auto"
    assert asked.prompt.messages == (Message("user", "hello"),)
    assert asked.sampling == Sampling()


def test_every_setting_is_read() -> None:
    asked = read(
        model="tiny", temperature=0, top_p=0.5, max_tokens=9, max_completion_tokens=7, stop=["a", ""],
        seed=-3, n=1,
        response_format={"type": "json_object"}, tool_choice={"type": "function"}, user="u",
        logprobs=False, metadata={"a": SECRET}, store=True, logit_bias={},
    )  # fmt: skip
    assert asked.sampling == Sampling(0.0, 0.5, 7, ("a",), -3)
    assert asked.prompt.response_format == '{"type":"json_object"}'
    assert asked.prompt.tool_choice == '{"type":"function"}'
    assert read(stop="x").sampling.stop == ("x",)


def test_fields_that_are_null_are_fields_that_are_missing() -> None:
    nothing = dict.fromkeys(("model", "stop", "tools", "tool_choice", "n", "stream", "islandrun"))
    assert read(**nothing) == read()


def test_parts_of_text_are_joined_and_tool_turns_kept() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "developer", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]
    assert read(messages=turns).prompt.messages == (
        Message("developer", "a\nb"),
        Message("assistant", "", (ToolCall("c", "f", "{}"),)),
        Message("tool", "done", tool_call_id="c"),
    )


def test_how_the_answer_travels() -> None:
    body = {"messages": [TURN], "stream": True, "parallel_tool_calls": False}
    asked = read_chat(json.dumps(body).encode(), Headers())
    assert (asked.is_stream, asked.has_one_call) == (True, True)
    asked = read_chat(json.dumps({"messages": [TURN]}).encode(), Headers())
    assert (asked.is_stream, asked.has_one_call) == (False, False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"content": SECRET}]}, "messages[0].role"),
        ({"messages": [{"role": SECRET, "content": "x"}]}, "messages[0].role"),
        ({"messages": [TURN, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [TURN, {"role": "user", "content": 7}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [TEXT, {"type": "image_url"}]}]},
            "messages[0].content[1].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0].type",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]},
            "messages[0].tool_calls[0].function",
        ),
        ({"model": 5}, "model"),
        ({"model": "m" * 500}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": 10**12}, "max_completion_tokens"),
        ({"n": 2}, "n"),
        ({"n": "1"}, "n"),
        ({"seed": 2**63}, "seed"),
        ({"stop": 5}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": 1}}]}, "tools[0].function.name"),
        ({"tool_choice": SECRET}, "tool_choice"),
        ({"response_format": {"type": SECRET}}, "response_format.type"),
        ({"response_format": "json"}, "response_format"),
        ({"functions": []}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"islandrun": {"jurisdiction": "DE"}}, "islandrun.jurisdiction"),
        ({"islandrun": {"deadline_ms": "soon"}}, "islandrun.deadline_ms"),
        ({"islandrun": {"max_cost": -1}}, "islandrun.max_cost"),
    ],
)
def test_a_wrong_field_is_named_and_never_quoted(fields, param) -> None:
    found = problem(json.dumps({"messages": [TURN]} | fields).encode())
    assert (found.status, found.param) == (400, param)
    assert SECRET not in found.message


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", "invalid_json", "byte 0"),
        (b'{"messages": [', "invalid_json", "byte 14"),
        (b'{"messages": [}', "invalid_json", "byte 14"),
        (b'{"messages": []} x', "invalid_json", "byte 1"),
        (b'{"a": NaN}', "invalid_json", "byte 6"),
        (b'{"a": "\xff"}', "invalid_utf8", "byte 7"),
        (b"\xff\xfe{\x00", "invalid_utf8", "byte 0"),
        (b'{"messages": [{"role": "user", "content": "\\ud800 "}]}', "invalid_json", "byte"),
        (b'{"a": ' + b"[" * 100_000, "invalid_json", "deep"),
        (b"[]", "invalid_type", "the body"),
        (b'{"model": "x"}', "invalid_type", "messages"),
    ],
)
def test_a_broken_body_names_the_place(body, code, words) -> None:
    found = problem(body)
    assert (found.status, found.code) == (400, code)
    assert words in found.message


def test_too_much_text_is_refused_before_anything_reads_it() -> None:
    assert problem(json.dumps({"messages": [TURN] * 4097}).encode()).param == "messages"
    huge = {"role": "user", "content": "x" * (16 * 1024 * 1024 + 1)}
    assert problem(json.dumps({"messages": [huge]}).encode()).param == "messages"
