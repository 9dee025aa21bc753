"""ChatService: requests, plans, embeddings and passages for programs; thin over `request.Requests`.

On the mesh listener the caller is another island: it keeps conversations of its own, and it reads no data
set above the trust that the owner gives it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

import grpc

from islandrun.errors import BadRequest
from islandrun.v1 import chat_pb2, chat_pb2_grpc
from islandrun.vocabulary import (
    PPM_MAX,
    ChatRequest,
    Finished,
    ModelOffer,
    Passage,
    Ppm,
    TextDelta,
    ToolCallDelta,
)
from islandrun.wire import limits
from islandrun.wire.inference import (
    hints_from_wire,
    piece_to_wire,
    prompt_from_wire,
    prompt_to_wire,
    sampling_from_wire,
)
from islandrun.wire.passages import passage_to_wire
from islandrun_node.coalesce import coalesced
from islandrun_node.knowledge import Bound, Vector, check_reader, check_texts, read_here
from islandrun_node.local_callers import is_program
from islandrun_node.request import Decided, RequestEvent, Settled
from islandrun_node.services.errors import abort, abort_with

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision
    from islandrun_node.request import Requests

LOCAL: Final = "local"
RECEIPT: Final = "x-islandrun-receipt"
"""The trailing metadata that names the receipt of texts that were read here."""

COST: Final = "x-islandrun-cost"
"""The trailing metadata that tells what a whole answer cost, in US dollars."""

QUERY_CHARACTERS_MAX: Final = 65_536
PASSAGES_DEFAULT: Final = 8
PASSAGES_MAX: Final = 100
CONVERSATION_CHARACTERS_MAX: Final = 256

_PIECES = (TextDelta, ToolCallDelta, Finished)

ChatContext = grpc.aio.ServicerContext[chat_pb2.ChatRequest, chat_pb2.ChatResponse]
PlanContext = grpc.aio.ServicerContext[chat_pb2.PlanRequest, chat_pb2.PlanResponse]
EmbedContext = grpc.aio.ServicerContext[chat_pb2.EmbedRequest, chat_pb2.EmbedResponse]
RetrieveContext = grpc.aio.ServicerContext[chat_pb2.RetrieveRequest, chat_pb2.RetrieveResponse]
AnyContext = ChatContext | PlanContext | EmbedContext | RetrieveContext


class Knowledge(Protocol):
    """The documents and the sentence model of this island. Used from one event loop."""

    def offer(self) -> ModelOffer:
        """Return the sentence model."""
        ...

    async def embed(self, texts: Sequence[str], field: str) -> tuple[Sequence[Vector], int]:
        """Return one vector a text, and how many tokens were read. Raises `BadRequest`."""
        ...

    def bound(self, data_set: str) -> Bound | None:
        """Return who may read a data set, or None when it is not on this island."""
        ...

    async def retrieve(self, data_set: str, query: str, passages_max: int) -> Sequence[Passage]:
        """Return the best passages of a data set of this island, best first."""
        ...


def _local(_: AnyContext) -> str:
    return LOCAL


def _full_trust(_: str) -> Ppm:
    return PPM_MAX


def _nowhere(_: str) -> tuple[str, ...]:
    return ()


class ChatService(chat_pb2_grpc.ChatServiceServicer):
    """Serves programs on the local listener, and islands on the mesh listener.

    `caller` says who calls (on the mesh listener the island id), `trust_ppm` how far it is trusted here, and
    `places` where it lies.
    The defaults are those of the local listener: the owner's own programs, who may read everything.
    """

    def __init__(
        self,
        requests: Requests,
        knowledge: Knowledge,
        caller: Callable[[AnyContext], str] = _local,
        trust_ppm: Callable[[str], Ppm] = _full_trust,
        places: Callable[[str], tuple[str, ...]] = _nowhere,
    ) -> None:
        self._requests = requests
        self._knowledge = knowledge
        self._caller = caller
        self._trust_ppm = trust_ppm
        self._places = places

    async def Chat(  # noqa: N802 - the name of the RPC
        self, request: chat_pb2.ChatRequest, context: ChatContext
    ) -> AsyncIterator[chat_pb2.ChatResponse]:
        """Decide, run, restore and stream one request; the end of the call ends the work."""
        try:
            caller = self._caller(context)
            chat = _chat_request(request, context.time_remaining())
            self._check_data_sets(caller, chat.hints.data_sets)
            async with aclosing(coalesced(self._requests.answer(chat, caller))) as batches:
                async for batch in batches:
                    for response in responses(batch):
                        yield response
                    _tell_cost(context, batch)
        except Exception as error:
            await abort(context, error)

    async def Plan(  # noqa: N802 - the name of the RPC
        self, request: chat_pb2.PlanRequest, context: PlanContext
    ) -> chat_pb2.PlanResponse:
        """Decide and explain; nothing is sent."""
        try:
            caller = self._caller(context)
            chat = _chat_request(request, None)
            self._check_data_sets(caller, chat.hints.data_sets)
            plan = await self._requests.plan(chat, caller)
            visible = None if plan.visible_prompt is None else prompt_to_wire(plan.visible_prompt)
            return chat_pb2.PlanResponse(decision=plan.decision.to_wire(), visible_prompt=visible)
        except Exception as error:
            await abort(context, error)

    async def Embed(  # noqa: N802 - the name of the RPC
        self, request: chat_pb2.EmbedRequest, context: EmbedContext
    ) -> chat_pb2.EmbedResponse:
        """Return vectors of texts; the texts stay on this island."""
        try:
            texts = tuple(request.texts)
            check_texts(texts, "texts")
            offer = self._knowledge.offer()
            caller = self._caller(context)
            async with self._requests.here(read_here(texts), offer, caller) as decision:
                vectors, _ = await self._knowledge.embed(texts, "texts")
            _name_receipt(context, decision)
            return chat_pb2.EmbedResponse(
                model=offer.name, vectors=[chat_pb2.Vector(values=vector) for vector in vectors]
            )
        except Exception as error:
            await abort(context, error)

    async def Retrieve(  # noqa: N802 - the name of the RPC
        self, request: chat_pb2.RetrieveRequest, context: RetrieveContext
    ) -> chat_pb2.RetrieveResponse:
        """Return the best passages of a data set that lies on this island."""
        try:
            caller = self._caller(context)
            self._check_data_sets(caller, (request.data_set,))
            if not 0 < len(request.query) <= QUERY_CHARACTERS_MAX:
                raise BadRequest(f"query: 1 to {QUERY_CHARACTERS_MAX} characters", "query")
        except Exception as error:
            await abort(context, error)
        if self._knowledge.bound(request.data_set) is None:
            text = "the data set is not on this island; `islandrun-node islands` says where it is"
            await abort_with(context, grpc.StatusCode.NOT_FOUND, "DATA_SET_NOT_FOUND", text)
        try:
            wished = min(request.passages_max or PASSAGES_DEFAULT, PASSAGES_MAX)
            query, offer, sets = read_here((request.query,)), self._knowledge.offer(), (request.data_set,)
            async with self._requests.here(query, offer, caller, sets) as decision:
                passages = await self._knowledge.retrieve(request.data_set, request.query, wished)
            _name_receipt(context, decision)
            return chat_pb2.RetrieveResponse(passages=map(passage_to_wire, passages))
        except Exception as error:
            await abort(context, error)

    def _check_data_sets(self, caller: str, data_sets: Sequence[str]) -> None:
        if not is_program(caller):
            check_reader(data_sets, self._trust_ppm(caller), self._places(caller), self._knowledge.bound)


def _tell_cost(context: ChatContext, batch: Sequence[RequestEvent]) -> None:
    for item in batch:
        if isinstance(item, Settled):
            context.set_trailing_metadata(((COST, f"{item.cost_microusd / 1_000_000:.6f}"),))


def _name_receipt(context: EmbedContext | RetrieveContext, decision: Decision) -> None:
    context.set_trailing_metadata(((RECEIPT, decision.receipt_id),))


def responses(batch: Sequence[RequestEvent]) -> Iterator[chat_pb2.ChatResponse]:
    """Yield the messages for events that were ready together: pieces between two decisions are one."""
    chunks = chat_pb2.Chunks()
    for item in batch:
        if isinstance(item, _PIECES):
            chunks.chunks.append(piece_to_wire(item))
            continue
        if not isinstance(item, Decided):
            continue
        if chunks.chunks:
            yield chat_pb2.ChatResponse(chunks=chunks)
            chunks = chat_pb2.Chunks()
        yield chat_pb2.ChatResponse(decision=item.decision.to_wire())
    if chunks.chunks:
        yield chat_pb2.ChatResponse(chunks=chunks)


def _chat_request(
    message: chat_pb2.ChatRequest | chat_pb2.PlanRequest, seconds_left: float | None
) -> ChatRequest:
    """Read a request; the deadline of the call is one of its wishes."""
    if not message.prompt.messages:
        raise BadRequest("prompt.messages: empty; give at least one", "prompt.messages")
    if len(message.conversation) > CONVERSATION_CHARACTERS_MAX:
        raise BadRequest(f"conversation: over {CONVERSATION_CHARACTERS_MAX} characters", "conversation")
    if len(message.model) > 2 * limits.MODEL_NAME_CHARACTERS_MAX:
        raise BadRequest("model: longer than any name of a model", "model")
    hints = hints_from_wire(message.hints)
    if seconds_left is not None:
        left_ms = max(1, int(seconds_left * 1000))
        hints = replace(hints, deadline_ms=min(left_ms, hints.deadline_ms or left_ms))
    return ChatRequest(
        model=message.model,
        prompt=prompt_from_wire(message.prompt),
        sampling=sampling_from_wire(message.sampling),
        hints=hints,
        conversation=message.conversation,
    )
