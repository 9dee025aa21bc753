"""MeshService: gossip of admitted islands, handed to the machine."""

from __future__ import annotations

import grpc

from islandrun.errors import RejectedMessage
from islandrun.v1 import mesh_pb2, mesh_pb2_grpc
from islandrun.wire.limits import EXCHANGE_MESSAGES_MAX
from islandrun_node.callers import caller_of
from islandrun_node.mesh_driver import MeshDriver
from islandrun_node.services.errors import abort


class MeshService(mesh_pb2_grpc.MeshServiceServicer):
    """Serves `Exchange`."""

    def __init__(self, driver: MeshDriver) -> None:
        self._driver = driver

    async def Exchange(  # noqa: N802 - the name of the RPC
        self,
        request: mesh_pb2.ExchangeRequest,
        context: grpc.aio.ServicerContext[mesh_pb2.ExchangeRequest, mesh_pb2.ExchangeResponse],
    ) -> mesh_pb2.ExchangeResponse:
        """Take in gossip and answer with what this island says to the caller."""
        if len(request.messages) > EXCHANGE_MESSAGES_MAX:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"more than {EXCHANGE_MESSAGES_MAX} messages"
            )
        try:
            replies = self._driver.receive(caller_of(context), request.messages)
        except RejectedMessage as error:
            await abort(context, error)
        return mesh_pb2.ExchangeResponse(messages=replies)
