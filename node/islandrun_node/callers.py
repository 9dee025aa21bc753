"""Who is calling: checked anew for each call, and for as long as it runs.

A chain that ends at the owner is not enough: the leaf must have our form, the island it names must have
signed it, be admitted and not be revoked. A running call races against the caller's eviction, because
cancelling a handler sends no status and its client would wait for its deadline.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import grpc

from islandrun.errors import IslandRunError, RejectedMessage, StateError
from islandrun.routing.receiver import check_view
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import dns_name, island_id, island_of_spiffe_uri, join_name
from islandrun.trust.view import Reach
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun_node import world_clock
from islandrun_node.certificates import Leaf, check_leaf, fingerprint, join_uri, read_leaf
from islandrun_node.join_token import token_id
from islandrun_node.services.errors import abort
from islandrun_node.stores.tokens import OpenTokens

ENROLMENT = "/islandrun.v1.EnrollService/"
NEWS = (ENROLMENT, "/islandrun.v1.MeshService/", "/islandrun.v1.RelayService/")
"""What is served however old this node's view is: it brings a newer one, or carries what is sealed."""

REFUSED = "the caller is not an admitted island of this mesh"
EVICTED = "the owner has taken this island's admission away, or it has expired"
LEAVES_MAX = 4096
CALLS_PER_CALLER_MAX = 256
RECHECK_SECONDS = 5.0

_log = logging.getLogger(__name__)

Request = TypeVar("Request")
Response = TypeVar("Response")
Result = TypeVar("Result")
_Behaviour = Callable[[Request, grpc.aio.ServicerContext[Request, Response]], object]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a leaf belongs to: a member (`island`), or the holder of a join token (`token`); never both."""

    key: PublicKey
    island: IslandId | None
    token: bytes
    leaf: Leaf

    @property
    def who(self) -> str:
        """What its calls are counted under, whatever leaf they come with."""
        return self.island or self.token.hex()


_calling: contextvars.ContextVar[Caller] = contextvars.ContextVar("islandrun_caller")


def caller_of(context: object) -> IslandId:
    """Return the admitted island whose call is being served. Raises `RejectedMessage` outside of one."""
    caller = _calling.get(None)
    if caller is None or caller.island is None:
        raise RejectedMessage("this call does not come from an island")
    return caller.island


def join_token_of(context: object) -> bytes:
    """Return the id of the join token whose holder is being served. Raises `RejectedMessage` otherwise."""
    caller = _calling.get(None)
    if caller is None or not caller.token:
        raise RejectedMessage("this call does not come from the holder of a join token")
    return caller.token


def newcomer_of(context: object) -> PublicKey | None:
    """Return the join key of whoever is being served, if it is no island yet."""
    caller = _calling.get(None)
    return caller.key if caller is not None and caller.island is None else None


def caller_name() -> str:
    """Return what the calls of whoever is being served are counted under; empty outside of a call."""
    caller = _calling.get(None)
    return "" if caller is None else caller.who


class CallerGate(grpc.aio.ServerInterceptor):
    """The door of the mesh listener. Lives on the event loop; `run` re-checks what is open."""

    def __init__(
        self,
        ledger: Ledger,
        tokens: OpenTokens,
        reach: Callable[[], Reach] = lambda: Reach.EVERYBODY,
        for_newcomers: str = ENROLMENT,
    ) -> None:
        """`reach` says whom this node may trust by the age of its view; a relay carries whatever it is.

        `for_newcomers` begins the names of the methods that holders of join tokens may call.
        """
        self._ledger = ledger
        self._for_newcomers = for_newcomers
        self._reach = reach
        self._mesh_id = ledger.genesis.mesh_id
        self._tokens = tokens
        self._leaves: OrderedDict[bytes, Caller] = OrderedDict()
        self._calls: dict[str, dict[asyncio.Future[None], tuple[Caller, str]]] = {}
        self.refusals: Counter[str] = Counter()

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Request, Response] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        """Wrap the handler of a call; only inside it is the caller's certificate known."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return self._guarded(handler, handler_call_details.method)

    async def run(self) -> None:
        """End the calls of those who may not call any more, every five seconds, until cancelled."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            now_ms = world_clock.now().wall_ms
            open_calls = [call for calls in self._calls.values() for call in calls.items()]
            for evicted, (caller, method) in open_calls:
                try:
                    self._check_now(caller, now_ms)
                    self._check_view(method)
                except IslandRunError as error:
                    _log.warning("ending a call: %s", error)
                    _settle(evicted)

    def evict(self, island: IslandId) -> None:
        """End all calls of an island at once with `PERMISSION_DENIED`."""
        for evicted in self._calls.get(island, ()):
            _settle(evicted)

    def calls(self, island: IslandId) -> int:
        """Return how many calls of an island are running."""
        return len(self._calls.get(island, ()))

    # ------------------------------------------------------------ each call

    def _guarded(
        self, handler: grpc.RpcMethodHandler[Request, Response], method: str
    ) -> grpc.RpcMethodHandler[Request, Response]:
        behaviour = cast(
            "_Behaviour[Request, Response]",
            handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream,
        )

        async def unary(request: Request, context: grpc.aio.ServicerContext[Request, Response]) -> Response:
            return await self._serve(context, method, lambda: _awaited(behaviour, request, context))

        async def stream(request: Request, context: grpc.aio.ServicerContext[Request, Response]) -> None:
            await self._serve(context, method, lambda: _pumped(behaviour, request, context))

        makers = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        return makers[handler.request_streaming, handler.response_streaming](
            stream if handler.response_streaming else unary,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    async def _serve(
        self,
        context: grpc.aio.ServicerContext[Request, Response],
        method: str,
        start: Callable[[], Coroutine[object, object, Result]],
    ) -> Result:
        """Run a handler as one task and race it against the caller's eviction."""
        try:
            caller = self._identify(context.auth_context(), method)
        except IslandRunError as error:
            self.refusals[str(error)] += 1
            _log.warning("refused a caller: %s", error)
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSED)
        try:
            self._check_view(method)
        except IslandRunError as error:
            await abort(context, error)
        if len(self._calls.get(caller.who, ())) >= CALLS_PER_CALLER_MAX:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"more than {CALLS_PER_CALLER_MAX} calls at one time"
            )
        _calling.set(caller)
        with self._open_call(caller, method) as evicted:
            task = asyncio.get_running_loop().create_task(start())
            racing: set[asyncio.Future[Result] | asyncio.Future[None]] = {task, evicted}
            try:
                await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
                if not evicted.done():
                    return task.result()
                task.cancel()
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, EVICTED)
            finally:
                await _ended(task)
                # An error holds this frame, and this frame would hold the error: its request with it.
                racing.clear()
                del task

    @contextmanager
    def _open_call(self, caller: Caller, method: str) -> Iterator[asyncio.Future[None]]:
        evicted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls.setdefault(caller.who, {})[evicted] = caller, method
        try:
            yield evicted
        finally:
            calls = self._calls[caller.who]
            del calls[evicted]
            if not calls:
                del self._calls[caller.who]

    # ------------------------------------------------------------ who it is

    def _identify(self, connection: Mapping[str, Iterable[bytes]], method: str) -> Caller:
        """Return who calls. Raises `RejectedMessage` with the reason, which only the log may hold."""
        now_ms = world_clock.now().wall_ms
        if tuple(connection.get("ssl_tls_version", ())) != (b"TLSv1.3",):
            raise RejectedMessage("the connection is not TLS 1.3")
        shown = tuple(connection.get("x509_pem_cert", ()))
        if len(shown) != 1:
            raise RejectedMessage("the connection shows no certificate")
        name = fingerprint(shown[0])
        caller = self._leaves.get(name)
        if caller is None:
            caller = self._read(shown[0], now_ms)
            self._leaves[name] = caller
            while len(self._leaves) > LEAVES_MAX:
                self._leaves.popitem(last=False)
        is_open = method.startswith(self._for_newcomers) if caller.island is None else True
        if not is_open or (caller.island is not None and method.startswith(ENROLMENT)):
            raise RejectedMessage("islands and holders of join tokens each have their own services")
        self._check_now(caller, now_ms)
        return caller

    def _read(self, pem: bytes, now_ms: int) -> Caller:
        """Read a leaf that is new here; its signature is checked once."""
        leaf = read_leaf(pem)
        caller = self._join_holder(leaf, now_ms) or self._member(leaf)
        check_leaf(leaf, caller.key, now_ms)
        if caller.island is not None and self._ledger.standing(caller.island, now_ms) is Standing.ADMITTED:
            try:
                self._tokens.finish(caller.key)
            except StateError as error:
                _log.error("a spent join token stays open until it expires: %s", error)
        return caller

    def _member(self, leaf: Leaf) -> Caller:
        island = island_of_spiffe_uri(leaf.uri, self._mesh_id)
        if leaf.dns != dns_name(island, self._mesh_id):
            raise RejectedMessage("the leaf's two names are of different islands")
        key = self._ledger.public_key(island)
        if key is None or island_id(key) != island:
            raise RejectedMessage("the island is not known here")
        return Caller(key, island, b"", leaf)

    def _join_holder(self, leaf: Leaf, now_ms: int) -> Caller | None:
        """Return the holder of an open token when the leaf has the form of one."""
        for token in self._tokens.open_tokens(now_ms) if "/join" in leaf.uri else ():
            key = token.join_key
            if leaf.uri == join_uri(key, self._mesh_id) and leaf.dns == join_name(key, self._mesh_id):
                return Caller(key, None, token_id(key), leaf)
        return None

    def _check_now(self, caller: Caller, now_ms: int) -> None:
        """Require what may change while a leaf lives: its own end, the admission, the token."""
        if not caller.leaf.not_before_ms <= now_ms < caller.leaf.not_after_ms:
            raise RejectedMessage("the leaf is outside its time window")
        if caller.island is None:
            if self._tokens.join_key(caller.token, now_ms) is None:
                raise RejectedMessage("the join token is spent or expired")
            return
        standing = self._ledger.standing(caller.island, now_ms)
        if standing is not Standing.ADMITTED:
            raise RejectedMessage(f"the island is {standing.name.lower()}")

    def _check_view(self, method: str) -> None:
        """Require a view of the mesh that still says who is admitted, for all but what brings one."""
        if not method.startswith(NEWS):
            check_view(self._reach())


async def _awaited(
    behaviour: _Behaviour[Request, Response],
    request: Request,
    context: grpc.aio.ServicerContext[Request, Response],
) -> Response:
    return await cast("Awaitable[Response]", behaviour(request, context))


async def _pumped(
    behaviour: _Behaviour[Request, Response],
    request: Request,
    context: grpc.aio.ServicerContext[Request, Response],
) -> None:
    """Write what a stream's handler gives; one task for the whole stream keeps each message cheap."""
    answer = behaviour(request, context)
    if inspect.isawaitable(answer):
        await answer
        return
    async with aclosing(cast("AsyncGenerator[Response]", answer)) as messages:
        async for message in messages:
            await context.write(message)


def _settle(evicted: asyncio.Future[None]) -> None:
    if not evicted.done():
        evicted.set_result(None)


async def _ended(task: asyncio.Task[Result]) -> None:
    """Wait until a handler has let go; what it raises now interests nobody.

    gRPC keeps the error of an abort with the call, and through its frames the request: they are let go here.
    Otherwise a flood of refused requests fills the memory until the collector comes.
    """
    task.cancel()
    await asyncio.wait({task})
    error = None if task.cancelled() else task.exception()
    if isinstance(error, grpc.aio.AbortError):
        error.__traceback__ = error.__context__ = None
