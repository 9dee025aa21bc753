"""`POST /v1/embeddings`: vectors of texts. They are made on this island, so the texts leave nowhere.

They are judged all the same: the headers tell how sensitive they are, and a receipt is kept.
"""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from islandrun.errors import BadRequest, NobodyMaySee
from islandrun.vocabulary import ChatRequest, ModelOffer
from islandrun_node.http.body import decode, read_body
from islandrun_node.http.endpoint import Door, logged, until_cut
from islandrun_node.http.facts import answer_facts, answer_headers
from islandrun_node.http.guard import CALLER
from islandrun_node.http.hints import HintsBody, read_hints
from islandrun_node.http.meters import CUT
from islandrun_node.http.problems import unknown_model_or
from islandrun_node.http.settings import checked_model
from islandrun_node.knowledge import Vector, check_texts, read_here

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision


class SentenceModel(Protocol):
    """What makes the vectors."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        ...

    def offer(self) -> ModelOffer:
        """Return the model as the router judges it."""
        ...

    async def embed(self, texts: Sequence[str], field: str) -> tuple[Sequence[Vector], int]:
        """Return one vector a text, and how many tokens were read. Raises `BadRequest`."""
        ...


class _Body(msgspec.Struct):
    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: str | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    islandrun: HintsBody | None = None


class EmbeddingsEndpoint:
    """The endpoint as an ASGI application."""

    def __init__(self, door: Door, model: SentenceModel) -> None:
        self._door = door
        self._model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that goes away ends the work."""
        request = Request(scope, receive)
        try:
            asked = self._read(await read_body(request, self._door.body_bytes_max), request.headers)
        except ClientDisconnect:
            return
        except Exception as error:
            await self._failed(error, "", None)(scope, receive, send)
            return

        async def answer() -> None:
            await (await self._answer(*asked, scope[CALLER]))(scope, receive, send)

        await until_cut(answer(), receive)

    async def _answer(self, chat: ChatRequest, is_packed: bool, caller: str) -> Response:
        """Make the vectors; count the request however it ends."""
        decision: Decision | None = None
        try:
            async with self._door.requests.here(chat, self._model.offer(), caller) as decision:
                texts = [message.text for message in chat.prompt.messages]
                vectors, tokens = await self._model.embed(texts, "input")
        except asyncio.CancelledError:
            self._door.meters.ended(decision, CUT)
            raise
        except Exception as error:
            return self._failed(error, chat.model, decision)
        self._door.meters.ended(decision, "200")
        made = self._object(vectors, tokens, decision, is_packed)
        headers = dict(answer_headers(decision, self._door.outlook.me))
        return Response(msgspec.json.encode(made), headers=headers, media_type="application/json")

    def _read(self, content: bytes, headers: Headers) -> tuple[ChatRequest, bool]:
        """Return the texts as a request, and whether the vectors are wanted in base64."""
        body = decode(content, _Body)
        if body.encoding_format not in (None, "float", "base64"):
            raise BadRequest("encoding_format: neither float nor base64", "encoding_format")
        if body.dimensions not in (None, self._model.dimensions):
            raise BadRequest(
                f"dimensions: the model makes {self._model.dimensions} numbers; leave it out", "dimensions"
            )
        hints, _ = read_hints(body.islandrun, headers.items())
        chat = read_here(_texts(body.input), checked_model(body.model), hints)
        return chat, body.encoding_format == "base64"

    def _object(
        self, vectors: Sequence[Vector], tokens: int, decision: Decision, is_packed: bool
    ) -> dict[str, object]:
        return {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": _packed(vector) if is_packed else list(vector),
                }
                for index, vector in enumerate(vectors)
            ],
            "model": self._model.offer().name,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "islandrun": answer_facts(decision, self._door.outlook.me),
        }

    def _failed(self, error: Exception, model: str, decision: Decision | None) -> Response:
        """Return the error as an answer, with what was decided before it."""
        problem = logged(error)
        if isinstance(error, NobodyMaySee) and error.decision is not None:
            decision = error.decision  # type: ignore[assignment]  # errors know no routing type
            problem = unknown_model_or(problem, model, error.decision)
        self._door.meters.ended(decision, str(problem.status))
        return problem.response(answer_headers(decision, self._door.outlook.me) if decision else ())


def _texts(given: str | list[str | int | list[int]]) -> tuple[str, ...]:
    listed = [given] if isinstance(given, str) else given
    texts = tuple(text for text in listed if isinstance(text, str))
    if len(texts) < len(listed):
        raise BadRequest("input: lists of token ids cannot be judged; send text", "input")
    check_texts(texts, "input")
    return texts


def _packed(vector: Vector) -> str:
    """Return a vector as OpenAI packs it: 4-byte floats, little-endian, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
