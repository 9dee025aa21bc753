"""WitnessService: the heads of other islands' receipts, handed to `witnessing`."""

from __future__ import annotations

import grpc

from islandrun.v1 import audit_pb2, audit_pb2_grpc
from islandrun_node.callers import caller_of
from islandrun_node.services.errors import abort
from islandrun_node.witnessing import Witnessing


class WitnessService(audit_pb2_grpc.WitnessServiceServicer):
    """Serves `Witness`."""

    def __init__(self, witnessing: Witnessing) -> None:
        self._witnessing = witnessing

    async def Witness(  # noqa: N802 - the name of the RPC
        self,
        request: audit_pb2.WitnessRequest,
        context: grpc.aio.ServicerContext[audit_pb2.WitnessRequest, audit_pb2.WitnessResponse],
    ) -> audit_pb2.WitnessResponse:
        """Countersign the head of the caller's log, or say from where it must prove."""
        try:
            return self._witnessing.witness(caller_of(context), request)
        except Exception as error:
            await abort(context, error)
