"""InferenceService: run what another island asks, after checking it again here (the receiver's check).

The caller masked the prompt for the target and told how sensitive it still is. This island believes neither:
it asks its own ledger (`routing.receiver`), and looks at the text itself where a rule can be certain. An
answer from documents goes back to the caller, so it must be trusted with them. Nothing of a refused request
is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass

import grpc

from islandrun.errors import ForwardFailed, MalformedMessage, NotOffered
from islandrun.locality.passages import Found
from islandrun.privacy.recheck import HARM_PPM, certain_ppm
from islandrun.routing.receiver import Forwarded, check_forwarded, check_seen
from islandrun.trust.naming import island_id
from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import (
    AnswerPiece,
    DataSetOffer,
    IslandId,
    Message,
    Ppm,
    Prompt,
    PublicKey,
    Sampling,
    Standing,
)
from islandrun.wire import limits
from islandrun.wire.inference import piece_from_wire, piece_to_wire, prompt_from_wire, sampling_from_wire
from islandrun.wire.passages import check_question, found_to_wire
from islandrun_node.backends.turnstile import Asker, Turnstile
from islandrun_node.coalesce import coalesced
from islandrun_node.runner import complete
from islandrun_node.services.errors import abort
from islandrun_node.spending import Purchase

Context = grpc.aio.ServicerContext[inference_pb2.GenerateRequest, inference_pb2.GenerateResponse]
FindContext = grpc.aio.ServicerContext[inference_pb2.FindPassagesRequest, inference_pb2.FindPassagesResponse]
Request = inference_pb2.GenerateRequest
Find = Callable[[Sequence[str], Prompt, int], Awaitable[Found]]
"""Reads data sets of this island for a prompt, and so many passages at most."""


@dataclass(frozen=True, slots=True)
class Vicinity:
    """What the receiver's check asks of this node: who calls, and what the ledger here says of whom."""

    caller: Callable[[Context | FindContext], IslandId]
    standing: Callable[[IslandId], Standing]
    trust_ppm: Callable[[IslandId], Ppm]
    own_ppm: Callable[[], Ppm]
    places: Callable[[IslandId], tuple[str, ...]]
    data_set: Callable[[str], DataSetOffer | None]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request of another island that may run here."""

    asker: Asker
    target: IslandId
    backend: Turnstile
    model: str
    prompt: Prompt
    sampling: Sampling
    data_sets: tuple[str, ...]


Buy = Callable[[Admitted], AbstractContextManager[Purchase]]
"""Takes the money of a request aside. Raises `Overloaded` when it is spent."""


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """Serves `Generate` for the islands of this node. `buy` None: nothing that they run costs money."""

    def __init__(
        self,
        backends: Mapping[IslandId, Turnstile],
        vicinity: Vicinity,
        find: Find,
        answer_seconds_max: float,
        buy: Buy | None = None,
    ) -> None:
        self._backends = backends
        self._vicinity = vicinity
        self._find = find
        self._answer_seconds_max = answer_seconds_max
        self._buy = buy

    async def Generate(  # noqa: N802 - the name of the RPC
        self, request: Request, context: Context
    ) -> AsyncIterator[inference_pb2.GenerateResponse]:
        """Stream the answer of one of our islands to an admitted caller."""
        try:
            pieces = self._run(await self._admit(request, context))
            await context.send_initial_metadata(())
            answer = complete(pieces, "this island", self._seconds(context))
            async with aclosing(coalesced(answer)) as batches:
                async for batch in batches:
                    yield inference_pb2.GenerateResponse(chunks=[_chunk(piece) for piece in batch])
        except Exception as error:
            await abort(context, error)

    async def _run(self, work: Admitted) -> AsyncGenerator[AnswerPiece]:
        """Stream the answer of an engine; what it costs is this node's to pay, within its owner's limits."""
        if self._buy is None:
            async with aclosing(_generate(work, work.sampling)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        with self._buy(work) as bought:
            metered = bought.metered(_generate(work, bought.capped(work.sampling)))
            async with aclosing(metered) as pieces:
                async for piece in pieces:
                    yield piece

    async def FindPassages(  # noqa: N802 - the name of the RPC
        self, request: inference_pb2.FindPassagesRequest, context: FindContext
    ) -> inference_pb2.FindPassagesResponse:
        """Read documents of this island for the question of an admitted caller that may see them."""
        try:
            check_question(request)
            _, _, target_ppm = self._checked(request, self._vicinity.caller(context))
            prompt = Prompt((Message("user", request.question),))
            await _look_again(prompt, target_ppm)
            found = await self._find(tuple(request.data_sets), prompt, request.passages_max)
            return found_to_wire(found.passages, found.bounds)
        except Exception as error:
            await abort(context, error)

    async def _admit(self, request: Request, context: Context) -> Admitted:
        """Return what may run. Raises `ForwardRefused` for what this island must not run or see."""
        sender = self._vicinity.caller(context)
        target, backend, target_ppm = self._checked(request, sender)
        prompt, sampling = prompt_from_wire(request.prompt), sampling_from_wire(request.sampling)
        await _look_again(prompt, target_ppm)
        if request.model not in {offer.name for offer in backend.offers()}:
            raise NotOffered("the target island does not have the model that was asked for")
        data_sets = tuple(request.data_sets)
        asker = Asker(sender, is_own=False, seconds_max=self._seconds(context))
        return Admitted(asker, target, backend, request.model, prompt, sampling, data_sets)

    def _seconds(self, context: Context) -> float:
        return min(self._answer_seconds_max, context.time_remaining() or self._answer_seconds_max)

    def _checked(
        self, request: Request | inference_pb2.FindPassagesRequest, sender: IslandId
    ) -> tuple[IslandId, Turnstile, Ppm]:
        """Return the target, its engine and how far it is trusted. Raises `ForwardRefused`."""
        target = island_id(PublicKey(request.target)) if len(request.target) == limits.KEY_BYTES else None
        backend = self._backends.get(target) if target is not None else None
        target_ppm = None
        if target is not None and backend is not None:
            # What the engine of a fronted island sees, this node has seen before.
            target_ppm = min(self._vicinity.trust_ppm(target), self._vicinity.own_ppm())
        data_sets = [self._vicinity.data_set(name) for name in request.data_sets]
        check_forwarded(
            Forwarded(
                sender=self._vicinity.standing(sender),
                sender_ppm=self._vicinity.trust_ppm(sender),
                target_ppm=target_ppm,
                sensitivity_ppm=request.sensitivity_ppm,
                hops_left=request.hops_left,
                data_sets_ppm=tuple(None if offer is None else offer.sensitivity_ppm for offer in data_sets),
                data_places=tuple(offer.jurisdiction for offer in data_sets if offer and offer.jurisdiction),
                sender_places=self._vicinity.places(sender),
            )
        )
        assert backend is not None, "the check refuses a target that is not here"
        assert target is not None
        assert target_ppm is not None
        return target, backend, target_ppm


def _generate(work: Admitted, sampling: Sampling) -> AsyncGenerator[AnswerPiece]:
    return work.backend.generate(work.model, work.prompt, sampling, work.data_sets, work.asker)


async def _look_again(prompt: Prompt, target_ppm: Ppm) -> None:
    """Refuse a text that holds what the target may not see, where a rule is certain of it."""
    if target_ppm < HARM_PPM:
        check_seen(await asyncio.to_thread(certain_ppm, prompt), target_ppm)


def _chunk(piece: AnswerPiece) -> inference_pb2.Chunk:
    """Return a piece of an answer as it travels; what no reader would take is our engine's failure.

    Sent as it is, it would count as this island's own offence.
    """
    try:
        chunk = piece_to_wire(piece)
        piece_from_wire(chunk)
    except MalformedMessage as error:
        raise ForwardFailed(f"the engine gave a piece that is no answer: {error}") from None
    return chunk
