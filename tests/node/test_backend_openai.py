"""The OpenAI dialect against real sockets on loopback that send any bytes, break, hang or refuse."""

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from islandrun.errors import (
    ConfigError,
    ForwardFailed,
    Interrupted,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from islandrun.vocabulary import (
    Finished,
    Message,
    ModelOffer,
    Ppm,
    Prompt,
    Sampling,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
    Usage,
)
from islandrun_node.backends.openai import OpenAiBackend
from islandrun_node.backends.turnstile import Turnstile

MODELS = (ModelOffer("m", 8192, Ppm(700_000)),)
FREE = Sampling()
PROMPT = Prompt((Message("user", "the planted words"),))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
DONE = b"data: [DONE]\n\n"


def event(content: object) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False).encode() + b"\n\n"


def delta(text: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


def end(reason: str = "stop") -> bytes:
    return event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


@dataclass
class Server:
    """Answers each request with the given parts, one write each; `None` waits for the client to leave."""

    parts: tuple[bytes | None, ...]
    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
        )
        self.requests.append(head + await reader.readexactly(length))
        self.asked.set()
        try:
            for part in self.parts:
                if part is None:
                    await reader.read()
                    self.client_left.set()
                    continue
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            self.client_left.set()
        finally:
            writer.close()


@asynccontextmanager
async def server(*parts: bytes | None):
    answers = Server(parts)
    listener = await asyncio.start_server(answers.serve, "127.0.0.1", 0, limit=1 << 20)
    answers.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    async with listener:
        yield answers


async def ask(url: str, prompt: Prompt = PROMPT, sampling: Sampling = FREE, **settings):
    backend = OpenAiBackend(url, MODELS, **settings)
    try:
        return [piece async for piece in backend.generate("m", prompt, sampling, ())]
    finally:
        await backend.close()


async def fails(kind: type[ForwardFailed], *parts: bytes | None, **settings) -> str:
    """Check that exactly this error comes, and that it repeats nothing of the prompt or the reply."""
    async with server(*parts) as answers:
        with pytest.raises(kind) as caught:
            await ask(answers.url, **settings)
    assert type(caught.value) is kind
    assert "planted" not in str(caught.value)
    return str(caught.value)


def text(pieces: list) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


async def test_an_answer_streams_with_usage_from_the_last_chunk():
    async with server(HEAD, delta("Grüße "), delta("🏝"), end(), event(USAGE), DONE) as answers:
        pieces = await ask(answers.url)
    assert pieces == [TextDelta("Grüße "), TextDelta("🏝"), Finished("stop", Usage(5, 2), "m")]


async def test_bytes_cut_anywhere_even_inside_a_character_give_the_same_answer():
    stream = delta("Grüße 🏝 [PERSON_1]") + end("length") + event(USAGE) + DONE
    async with server(HEAD, *(stream[at : at + 1] for at in range(len(stream)))) as answers:
        pieces = await ask(answers.url)
    assert pieces == [TextDelta("Grüße 🏝 [PERSON_1]"), Finished("length", Usage(5, 2), "m")]


async def test_a_server_without_usage_gives_an_estimate():
    async with server(HEAD, delta("four" * 3), end(), DONE) as answers:
        pieces = await ask(answers.url)
    assert pieces[-1] == Finished("stop", Usage(len("the planted words") // 4, 3, is_estimated=True), "m")


async def test_tool_calls_come_in_pieces():
    first = {"index": 1, "id": "c9", "function": {"name": "find", "arguments": '{"a'}}
    more = {"index": 1, "function": {"arguments": '":1}'}}
    calls = [event({"choices": [{"index": 0, "delta": {"tool_calls": [one]}}]}) for one in (first, more)]
    async with server(HEAD, *calls, end("tool_calls"), DONE) as answers:
        pieces = await ask(answers.url)
    assert pieces[:2] == [ToolCallDelta(1, "c9", "find", '{"a'), ToolCallDelta(1, "", "", '":1}')]
    assert pieces[2].reason == "tool_calls"


async def test_the_whole_prompt_and_the_key_go_out_once_and_nothing_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    prompt = Prompt(
        (
            Message("developer", "Be brief."),
            Message("user", "hé"),
            Message("assistant", "", (ToolCall("c1", "find", "{}"),)),
            Message("tool", "found", tool_call_id="c1"),
        ),
        (ToolDefinition("find", "finds", '{"type":"object"}'),),
        "required",
        '{"type":"json_object"}',
    )
    sampling = Sampling(0.5, 0.9, 7, ("END",), 3)
    async with server(HEAD, delta("x"), end(), DONE) as answers:
        await ask(answers.url, prompt, sampling, key=lambda: "k-123")
    head, _, body = answers.requests[0].partition(b"\r\n\r\n")
    assert b"authorization: bearer k-123" in head.lower()
    assert b"from-the-environment" not in head
    sent = json.loads(body)
    assert "hé".encode() in body
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][2]["content"] is None
    assert sent["messages"][3]["tool_call_id"] == "c1"
    assert sent["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert sent["stream_options"] == {"include_usage": True}
    chosen = {key: sent[key] for key in ("tool_choice", "temperature", "top_p", "max_tokens", "stop", "seed")}
    assert chosen == {
        "tool_choice": "required",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["END"],
        "seed": 3,
    }
    assert sent["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        ("429 Too Many\r\nretry-after: 17", Overloaded, "17 s"),
        ("401 Unauthorized", Refused, "key"),
        ("403 Forbidden", Refused, "key"),
        ("404 Not Found", Refused, "'m'"),
        ("400 Bad Request", Refused, "400"),
        ("500 Broken", Unreachable, "500"),
        ("503 Broken", Unreachable, "503"),
        ("307 Go\r\nlocation: http://127.0.0.1:9/", Refused, "not followed"),
    ],
)
async def test_a_status_becomes_the_right_error_and_the_reply_is_never_quoted(status, kind, says):
    reply = b'{"error":{"message":"you said: the planted words"}}'
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(reply)}\r\nconnection: close\r\n\r\n".encode()
    assert says in await fails(kind, head + reply)


async def test_an_error_inside_the_stream_is_a_failure_even_when_done_follows():
    error = event({"error": {"message": "EngineCore died: the planted words", "code": 500}})
    flat = event({"object": "error", "message": "the planted words"})
    for parts in (
        (error, DONE),
        (delta("a"), error, DONE),
        (delta("a"), end(), error, DONE),
        (delta("a"), end(), flat),
        (delta("a"), end(), event({"error": "planted"})),
        (delta("a"), end(), b"event: error\ndata: planted\n\n", DONE),
        (delta("a"), end(), b"event: error\ndata: {}\n\n", DONE),
    ):
        kind = ForwardFailed if parts[0] == error else Interrupted
        assert "the server reported an error" in await fails(kind, HEAD, *parts)
    harmless = event({"error": None, "choices": [{"delta": {"content": "b"}}]})
    async with server(HEAD, harmless, end(), DONE) as answers:
        assert text(await ask(answers.url)) == "b"


async def test_done_without_a_finish_reason_is_no_success():
    await fails(Interrupted, HEAD, delta("a"), DONE)
    await fails(Unreachable, HEAD, DONE)


async def test_a_stream_that_just_ends_was_cut_off():
    await fails(Interrupted, HEAD, delta("a"))
    await fails(Unreachable, HEAD)
    await fails(Unreachable, b"")


async def test_a_connection_that_breaks_in_the_middle_was_cut_off():
    chunked = HEAD.replace(b"connection: close", b"transfer-encoding: chunked")
    piece = delta("a")
    await fails(Interrupted, chunked, b"%x\r\n%s\r\n" % (len(piece), piece))
    await fails(Unreachable, chunked)


async def test_a_break_after_the_finish_reason_loses_nothing():
    chunked = HEAD.replace(b"connection: close", b"transfer-encoding: chunked")
    whole = delta("a") + end()
    async with server(chunked, b"%x\r\n%s\r\n" % (len(whole), whole)) as answers:
        assert text(await ask(answers.url)) == "a"


async def test_an_unknown_finish_reason_is_no_success():
    await fails(Interrupted, HEAD, delta("a"), end("abort"), DONE)


@pytest.mark.parametrize(
    "bad", [b"data: {planted\n\n", b"data: [1]\n\n", b'data: {"choices": [{"delta": {"content": 3}}]}\n\n']
)
async def test_what_is_not_the_dialect_is_a_failure(bad):
    await fails(ForwardFailed, HEAD, bad)
    await fails(Interrupted, HEAD, delta("a"), bad)


async def test_limits_hold_on_lines_and_on_tool_calls():
    assert "longer than" in await fails(ForwardFailed, HEAD, *[b"x" * 65_536] * 18)
    call = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 128, "id": "a"}]}}]}
    assert "128 tool calls" in await fails(ForwardFailed, HEAD, event(call))


async def test_a_whole_json_answer_is_refused_since_it_cannot_stream():
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    assert "did not stream" in await fails(ForwardFailed, head)


async def test_a_silent_server_runs_into_the_idle_limit():
    await fails(TooSlow, None, idle_timeout_seconds=0.2)
    await fails(TooSlow, HEAD, None, idle_timeout_seconds=0.2)
    await fails(Interrupted, HEAD, delta("a"), None, idle_timeout_seconds=0.2)


async def test_comments_do_not_keep_a_dead_answer_alive():
    async def murmur(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + delta("a"))
        try:
            while True:
                writer.write(b": still here\n\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            writer.close()

    async with await asyncio.start_server(murmur, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        with pytest.raises(Interrupted, match="sent no event"):
            await ask(url, idle_timeout_seconds=0.3)


async def test_nobody_listening_is_unreachable():
    async with server() as answers:
        url = answers.url
    with pytest.raises(Unreachable, match="connection"):
        await ask(url)


async def test_closing_the_generator_closes_the_connection_and_frees_the_place():
    async with server(HEAD, delta("a"), None) as answers:
        backend = Turnstile(OpenAiBackend(answers.url, MODELS), 1)
        async with aclosing(backend.generate("m", PROMPT, Sampling(), ())) as pieces:
            assert await anext(pieces) == TextDelta("a")
            assert backend.load().running == 1
        await asyncio.wait_for(answers.client_left.wait(), 5)
        assert backend.load().running == 0
        assert backend.load().first_token_ms >= 0
        await backend.close()


async def test_cancelling_the_reader_closes_the_connection():
    async with server(HEAD, None) as answers:
        reading = asyncio.create_task(ask(answers.url))
        await asyncio.wait_for(answers.asked.wait(), 5)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(answers.client_left.wait(), 5)


async def test_probe_lists_names_and_refuses_what_is_no_list():
    body = b'{"data":[{"id":"b"},{"id":"a"},{"id":"bad\\nname"}]}'
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body) as answers:
        assert await OpenAiBackend(answers.url, ()).probe() == ("a", "b")
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]") as answers:
        with pytest.raises(ForwardFailed, match="not readable"):
            await OpenAiBackend(answers.url, ()).probe()


async def test_what_this_server_cannot_do_is_refused_before_a_byte_leaves():
    async with server(HEAD, delta("a"), end(), DONE) as answers:
        backend = OpenAiBackend(answers.url, MODELS)
        for model, data_sets, prompt in (
            ("other", (), PROMPT),
            ("m", ("office",), PROMPT),
            ("m", (), Prompt(PROMPT.messages, response_format="{planted")),
        ):
            with pytest.raises(Refused) as caught:
                await anext(backend.generate(model, prompt, Sampling(), data_sets))
            assert "planted" not in str(caught.value)
        assert answers.requests == []


@pytest.mark.parametrize(
    "url",
    ["ftp://h/v1", "http://", "https://user:pw@h/v1", "https://h/v1?key=pw", "http://192.0.2.7/v1", "//h"],
)
def test_a_url_that_could_leak_or_mean_nothing_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        OpenAiBackend(url, MODELS)
    assert "pw" not in str(caught.value)


def test_plain_http_beyond_loopback_needs_a_word_of_the_owner():
    backend = OpenAiBackend("http://192.0.2.7/v1/", MODELS, key=lambda: "k-1", is_plain_http_allowed=True)
    assert repr(backend) == "<OpenAiBackend http://192.0.2.7/v1>"


async def test_a_key_that_is_no_header_is_refused_and_not_shown():
    async with server(HEAD) as answers:
        with pytest.raises(Refused) as caught:
            await ask(answers.url, key=lambda: "pw\r\nx: y")
    assert "pw" not in str(caught.value)
