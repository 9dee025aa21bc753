"""EnrollService: redeem a join token. Only its holders reach this, through the gate of the mesh listener."""

from __future__ import annotations

import logging

import grpc

from islandrun.errors import EnrolmentRefused, JoinUnconfirmed, RejectedMessage, StateError
from islandrun.v1 import enroll_pb2, enroll_pb2_grpc
from islandrun_node import world_clock
from islandrun_node.callers import join_token_of
from islandrun_node.issuer import Issuer

_log = logging.getLogger(__name__)


class EnrollService(enroll_pb2_grpc.EnrollServiceServicer):
    """Serves `Join`."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._waiting = b""

    async def Join(  # noqa: N802 - the name of the RPC
        self,
        request: enroll_pb2.JoinRequest,
        context: grpc.aio.ServicerContext[enroll_pb2.JoinRequest, enroll_pb2.JoinResponse],
    ) -> enroll_pb2.JoinResponse:
        """Admit the caller's key, once for each token."""
        try:
            return self._issuer.redeem(join_token_of(context), request, world_clock.now().wall_ms)
        except JoinUnconfirmed as error:
            self._say_who_waits(request)
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except EnrolmentRefused as error:
            _log.warning("a join was refused: %s", error)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        except RejectedMessage as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except StateError as error:
            _log.error("a join failed: %s", error)
            await context.abort(grpc.StatusCode.INTERNAL, "the issuer cannot write its state")

    def _say_who_waits(self, request: enroll_pb2.JoinRequest) -> None:
        """Tell the log once that somebody waits, not at each call."""
        if request.token_id != self._waiting:
            self._waiting = request.token_id
            name = request.token_id.hex()[:8]
            _log.warning("a machine waits to join; run `islandrun-node invites approve %s`", name)
