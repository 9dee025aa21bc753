"""A process on this machine that plays a cloud API, and writes down every byte that it was sent.

It is no cloud and holds no language model: it quotes from short notes of general knowledge, or
from the prompt's own text. Its record is the point: what is not in that file did not leave.

    python -m islandrun_node.demo.cloud --port 0 --log received.bin
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import click
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from islandrun.errors import ForwardFailed, Overloaded, Refused
from islandrun.vocabulary import AnswerPiece, Finished, Message, Prompt, Sampling, TextDelta
from islandrun_node.backends.embedded import EmbeddedBackend
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.turnstile import Turnstile
from islandrun_node.demo import DOCUMENTS
from islandrun_node.stores.documents import DocumentIndex

MODEL = "demo-cloud"
KNOWLEDGE = "world"
BODY_BYTES_MAX = 32 << 20
MESSAGES_MAX = 4_096
REQUESTS_MAX = 16


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    response_format: msgspec.Raw = msgspec.Raw()


class Record:
    """The file of received bytes: private, only ever appended to, on its way to disk before any answer."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        path.chmod(0o600)

    def add(self, content: bytes) -> None:
        """Append bytes as they came from the wire."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def recording_protocol(record: Record) -> type[asyncio.Protocol]:
    """Return an HTTP protocol that records each read of a connection before it looks at it."""

    class Recording(H11Protocol):
        def data_received(self, data: bytes) -> None:
            record.add(data)
            super().data_received(data)

    return Recording


class Cloud:
    """The HTTP side: `/v1/models` and `/v1/chat/completions`."""

    def __init__(self, engine: Turnstile, key: str) -> None:
        self._engine = engine
        self._key = key

    async def models(self, request: Request) -> Response:
        """List the one model."""
        if not self._is_known(request):
            return _error(401, "the key is not known here")
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "this machine"}
        return JSONResponse({"object": "list", "data": [model]})

    async def chat(self, request: Request) -> Response:
        """Answer one chat, streamed or whole."""
        body = await _body(request)  # first, so that the record is whole before any answer
        if body is None:
            return _error(413, f"a body may have {BODY_BYTES_MAX} bytes")
        if not self._is_known(request):
            return _error(401, "the key is not known here")
        try:
            asked = msgspec.json.decode(body, type=_Request)
        except (msgspec.MsgspecError, RecursionError):
            return _error(400, "the body is not a chat completion request")
        if asked.model != MODEL:
            return _error(404, f"the only model here is {MODEL}")
        if not 0 < len(asked.messages) <= MESSAGES_MAX:
            return _error(400, f"a request has 1 to {MESSAGES_MAX} messages")
        pieces = self._engine.generate(MODEL, _prompt(asked), _sampling(asked), ())
        if not asked.stream:
            return await _whole(pieces)
        wants_usage = asked.stream_options is not None and asked.stream_options.include_usage
        return await _streamed(pieces, wants_usage)

    def _is_known(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").encode()
        return not self._key or hmac.compare_digest(given, f"Bearer {self._key}".encode())


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _prompt(asked: _Request) -> Prompt:
    messages = tuple(Message(message.role, _text(message.content)) for message in asked.messages)
    response_format = bytes(asked.response_format).decode()
    return Prompt(messages, response_format="" if response_format == "null" else response_format)


def _text(content: str | list[_Part] | None) -> str:
    if isinstance(content, list):
        return "\n".join(part.text for part in content if part.type == "text")
    return content or ""


def _sampling(asked: _Request) -> Sampling:
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    tokens_max = asked.max_completion_tokens if asked.max_tokens is None else asked.max_tokens
    return Sampling(tokens_max=None if tokens_max is None else max(0, tokens_max), stop=stop)


async def _whole(pieces: AsyncGenerator[AnswerPiece, None]) -> Response:
    text = ""
    end: Finished | None = None
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, TextDelta):
                    text += piece.text
                elif isinstance(piece, Finished):
                    end = piece
    except ForwardFailed as error:
        return _failed(error)
    assert end is not None
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": end.reason}
    return JSONResponse(_envelope("chat.completion", [choice]) | {"usage": _usage(end)})


async def _streamed(pieces: AsyncGenerator[AnswerPiece, None], wants_usage: bool) -> Response:
    try:
        first = await anext(pieces)
    except ForwardFailed as error:
        return _failed(error)
    return StreamingResponse(_events(first, pieces, wants_usage), media_type="text/event-stream")


async def _events(
    first: AnswerPiece, pieces: AsyncGenerator[AnswerPiece, None], wants_usage: bool
) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield _chunk(first)
        end = first
        try:
            async for piece in pieces:
                end = piece
                yield _chunk(piece)
        except ForwardFailed as error:
            yield _event({"error": {"message": str(error), "type": "server_error"}})
            return
    if wants_usage and isinstance(end, Finished):
        yield _event(_envelope("chat.completion.chunk", []) | {"usage": _usage(end)})
    yield b"data: [DONE]\n\n"


def _chunk(piece: AnswerPiece) -> bytes:
    delta = {"role": "assistant", "content": piece.text} if isinstance(piece, TextDelta) else {}
    reason = piece.reason if isinstance(piece, Finished) else None
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _event(_envelope("chat.completion.chunk", [choice]))


def _envelope(kind: str, choices: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": "chatcmpl-demo",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "choices": choices,
    }


def _usage(end: Finished) -> dict[str, int]:
    read, written = end.usage.input_tokens, end.usage.output_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _event(content: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False).encode() + b"\n\n"


def _failed(error: ForwardFailed) -> Response:
    status = 429 if isinstance(error, Overloaded) else 400 if isinstance(error, Refused) else 503
    return _error(status, str(error))


def _error(status: int, message: str) -> Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "code": None, "param": None}}
    return JSONResponse(body, status_code=status)


def application(key: str, port: int) -> Starlette:
    """Make the application; it reads its notes and prints the ready line when it starts."""
    embedder = Embedder()
    notes = DocumentIndex(":memory:", embedder)
    engine = Turnstile(EmbeddedBackend(embedder, notes, MODEL, (KNOWLEDGE,)), REQUESTS_MAX)
    cloud = Cloud(engine, key)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(notes.add_folder, KNOWLEDGE, DOCUMENTS / KNOWLEDGE)
        ready = {"schema": "islandrun.demo-cloud/v1", "port": port, "url": f"http://127.0.0.1:{port}/v1"}
        print(json.dumps(ready | {"model": MODEL, "pid": os.getpid()}), flush=True)
        yield
        notes.close()

    routes = [
        Route("/v1/models", cloud.models),
        Route("/v1/chat/completions", cloud.chat, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), required=True, help="Loopback port; 0 takes a free one."
)
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The record.")
@click.option("--key", default="", help="Bearer key that callers must send; empty: none.")
def main(port: int, log: Path, key: str) -> None:
    """Play a cloud API on this machine and record every byte received."""
    try:
        record = Record(log)
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        print(f"cannot start the demo's cloud: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    app = application(key, listener.getsockname()[1])
    config = uvicorn.Config(
        app,
        http=recording_protocol(record),
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])
    record.close()


if __name__ == "__main__":
    main()
