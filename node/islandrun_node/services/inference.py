"""InferenceService: run what another island asks, after checking it again here (the receiver's check).

The caller masked the prompt for the target and told how sensitive it still is. This island believes neither
that it may see it nor that the hops are fine: it asks its own ledger. An answer from documents goes back to
the caller, so it must be trusted with them. Nothing of a refused request is kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing

import grpc

from islandrun.trust.naming import island_id
from islandrun.v1 import inference_pb2, inference_pb2_grpc
from islandrun.vocabulary import AnswerPiece, IslandId, Ppm, PublicKey
from islandrun.wire.inference import piece_to_wire, prompt_from_wire, sampling_from_wire
from islandrun_node.backends.backend import Backend
from islandrun_node.coalesce import coalesced
from islandrun_node.knowledge import check_reader
from islandrun_node.peers import HOPS_MAX
from islandrun_node.runner import complete
from islandrun_node.services.errors import abort

Context = grpc.aio.ServicerContext[inference_pb2.GenerateRequest, inference_pb2.GenerateResponse]


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """Serves `Generate` for the islands of this node."""

    def __init__(
        self,
        backends: Mapping[IslandId, Backend],
        trust_ppm: Callable[[IslandId], Ppm],
        answer_seconds_max: float,
        caller: Callable[[Context], IslandId],
        data_set_ppm: Callable[[str], Ppm | None],
    ) -> None:
        self._backends = backends
        self._trust_ppm = trust_ppm
        self._answer_seconds_max = answer_seconds_max
        self._caller = caller
        self._data_set_ppm = data_set_ppm

    async def Generate(  # noqa: N802 - the name of the RPC
        self, request: inference_pb2.GenerateRequest, context: Context
    ) -> AsyncIterator[inference_pb2.GenerateResponse]:
        """Stream the answer of one of our islands to an admitted caller."""
        backend = await self._admit(request, context)
        await context.send_initial_metadata(())
        seconds = min(self._answer_seconds_max, context.time_remaining() or self._answer_seconds_max)
        try:
            pieces = self._generate(backend, request)
            async with aclosing(coalesced(complete(pieces, "this island", seconds))) as batches:
                async for batch in batches:
                    yield inference_pb2.GenerateResponse(chunks=[piece_to_wire(piece) for piece in batch])
        except Exception as error:
            await abort(context, error)

    async def _admit(self, request: inference_pb2.GenerateRequest, context: Context) -> Backend:
        """Refuse what this island must not run or see."""
        target = island_id(PublicKey(request.target))
        backend = self._backends.get(target)
        if backend is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "the target island is not on this node")
            raise AssertionError("abort returns never")
        if not 0 < request.hops_left <= HOPS_MAX:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no hops left")
        if request.sensitivity_ppm > self._trust_ppm(target):
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "the request is more sensitive than the owner lets this island see",
            )
        if request.data_sets:
            try:
                trust = self._trust_ppm(self._caller(context))
                check_reader(request.data_sets, trust, self._data_set_ppm)
            except Exception as error:
                await abort(context, error)
        return backend

    @staticmethod
    def _generate(backend: Backend, request: inference_pb2.GenerateRequest) -> AsyncGenerator[AnswerPiece]:
        return backend.generate(
            request.model,
            prompt_from_wire(request.prompt),
            sampling_from_wire(request.sampling),
            tuple(request.data_sets),
        )
