"""StatusService: what the node knows, for operators and programs; thin over `outlook.Outlook`.

Receipts are the origin's own business: on the mesh listener they are refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Final

import grpc

from islandrun.errors import BadRequest, Overloaded, RequestRefused
from islandrun.trust.claims import data_set_to_wire, model_to_wire
from islandrun.v1 import attestation_pb2, chat_pb2, status_pb2, status_pb2_grpc
from islandrun.vocabulary import IslandView
from islandrun.wire.load import load_to_wire
from islandrun_node.services.errors import abort, abort_with

if TYPE_CHECKING:
    from islandrun_node.outlook import Outlook

WATCHERS_MAX: Final = 64
PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 200
ID_CHARACTERS_MAX: Final = 64

StatusContext = grpc.aio.ServicerContext[status_pb2.GetMeshStatusRequest, status_pb2.GetMeshStatusResponse]
WatchContext = grpc.aio.ServicerContext[status_pb2.WatchMeshRequest, status_pb2.WatchMeshResponse]
IslandsContext = grpc.aio.ServicerContext[status_pb2.ListIslandsRequest, status_pb2.ListIslandsResponse]
ReceiptsContext = grpc.aio.ServicerContext[status_pb2.ListReceiptsRequest, status_pb2.ListReceiptsResponse]
WatchReceiptsContext = grpc.aio.ServicerContext[
    status_pb2.WatchReceiptsRequest, status_pb2.WatchReceiptsResponse
]
ReceiptContext = grpc.aio.ServicerContext[status_pb2.GetReceiptRequest, status_pb2.GetReceiptResponse]

BudgetContext = grpc.aio.ServicerContext[status_pb2.GetBudgetRequest, status_pb2.GetBudgetResponse]


class StatusService(status_pb2_grpc.StatusServiceServicer):
    """Serves one listener; `shows_receipts` and `budget` are for the local one only."""

    def __init__(
        self,
        outlook: Outlook,
        *,
        shows_receipts: bool,
        budget: Callable[[], status_pb2.Budget] | None = None,
    ) -> None:
        self._outlook = outlook
        self._budget = budget
        self._shows_receipts = shows_receipts
        self._watchers = 0

    async def GetMeshStatus(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.GetMeshStatusRequest, context: StatusContext
    ) -> status_pb2.GetMeshStatusResponse:
        """Return the node and its mesh in figures."""
        return status_pb2.GetMeshStatusResponse(status=self._outlook.mesh_status())

    async def WatchMesh(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.WatchMeshRequest, context: WatchContext
    ) -> AsyncIterator[status_pb2.WatchMeshResponse]:
        """Send the status now and after each change."""
        try:
            with self._watching():
                async with aclosing(self._outlook.changed()) as changes:
                    async for status in changes:
                        yield status_pb2.WatchMeshResponse(status=status)
        except Exception as error:
            await abort(context, error)

    async def ListIslands(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.ListIslandsRequest, context: IslandsContext
    ) -> status_pb2.ListIslandsResponse:
        """Return every island of the mesh as it looks from here."""
        return status_pb2.ListIslandsResponse(islands=[island(view) for view in self._outlook.islands()])

    async def ListReceipts(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.ListReceiptsRequest, context: ReceiptsContext
    ) -> status_pb2.ListReceiptsResponse:
        """Return a page of receipts, newest first; an empty token begins, and ends."""
        try:
            self._check_receipts()
            before = _position(request.page_token)
            size = min(request.page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
            await self._outlook.journal.log.settled()
            receipts, following = self._outlook.receipts(size, before)
            token = "" if following is None else str(following)
            return status_pb2.ListReceiptsResponse(receipts=receipts, next_page_token=token)
        except Exception as error:
            await abort(context, error)

    async def WatchReceipts(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.WatchReceiptsRequest, context: WatchReceiptsContext
    ) -> AsyncIterator[status_pb2.WatchReceiptsResponse]:
        """Send each new receipt; a reader that is too slow misses some."""
        try:
            self._check_receipts()
            with self._watching(), self._outlook.journal.listen() as following:
                await context.send_initial_metadata(())
                while True:
                    yield status_pb2.WatchReceiptsResponse(receipt=await following())
        except Exception as error:
            await abort(context, error)

    async def GetReceipt(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.GetReceiptRequest, context: ReceiptContext
    ) -> status_pb2.GetReceiptResponse:
        """Return one receipt."""
        receipt: chat_pb2.SignedReceipt | None = None
        try:
            self._check_receipts()
            await self._outlook.journal.log.settled()
            receipt = self._outlook.receipt(request.id[:ID_CHARACTERS_MAX])
        except Exception as error:
            await abort(context, error)
        if receipt is None:
            text = "no receipt has that id here; receipts lie on the node that took the request"
            await abort_with(context, grpc.StatusCode.NOT_FOUND, "RECEIPT_NOT_FOUND", text)
        return status_pb2.GetReceiptResponse(receipt=receipt)

    async def GetBudget(  # noqa: N802 - the name of the RPC
        self, request: status_pb2.GetBudgetRequest, context: BudgetContext
    ) -> status_pb2.GetBudgetResponse:
        """Return what was spent, is set aside and is left, and what was saved."""
        try:
            if self._budget is None:
                raise RequestRefused("money is shown on the node's own machine only")
            return status_pb2.GetBudgetResponse(budget=self._budget())
        except Exception as error:
            await abort(context, error)

    def _check_receipts(self) -> None:
        if not self._shows_receipts:
            raise RequestRefused("receipts are shown on the node's own machine only")

    @contextmanager
    def _watching(self) -> Iterator[None]:
        if self._watchers >= WATCHERS_MAX:
            raise Overloaded(f"{WATCHERS_MAX} programs watch this node already; close one")
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1


def island(view: IslandView) -> status_pb2.Island:
    """Return one island in its form on the wire."""
    return status_pb2.Island(
        key=view.key,
        id=view.id,
        name=view.name,
        tier=attestation_pb2.Tier.Name(view.tier),
        group=view.group,
        standing=f"STANDING_{view.standing.name}",
        reachability=f"REACHABILITY_{view.reachability.name}",
        trust_ppm=view.trust.ppm,
        trust_factors=[
            status_pb2.TrustFactor(name=factor.name, ppm=factor.ppm, detail=factor.detail)
            for factor in view.trust.factors
        ],
        models=[model_to_wire(offer) for offer in view.models],
        data_sets=[data_set_to_wire(offer) for offer in view.data_sets],
        jurisdictions=view.jurisdictions,
        endpoints=[attestation_pb2.Endpoint(address=address) for address in view.endpoints],
        is_self=view.is_self,
        front=view.front,
        admitted_until_ms=view.admitted_until_ms,
        through=view.through,
        load=load_to_wire(view.load) if view.load is not None else None,
    )


def _position(token: str) -> int | None:
    """Read a page token; it is the position that the page before told."""
    if not token:
        return None
    if not (token.isascii() and token.isdigit() and len(token) <= 18):
        raise BadRequest("page_token: not one that this node gave", "page_token")
    return int(token)
