"""The listeners of a node: the mesh (mTLS, islands only), gRPC and HTTP for programs (loopback, token)."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import uvicorn
from prometheus_client import CollectorRegistry

from islandrun.agents.budget import Spender
from islandrun.errors import ConfigError, NotOffered, Overloaded, PurseEmpty
from islandrun.v1 import (
    audit_pb2_grpc,
    chat_pb2_grpc,
    enroll_pb2_grpc,
    inference_pb2_grpc,
    mesh_pb2_grpc,
    status_pb2_grpc,
)
from islandrun.vocabulary import IslandId
from islandrun_node.callers import caller_of
from islandrun_node.channels import SERVER_OPTIONS
from islandrun_node.home import Home, read_private, write_private
from islandrun_node.http.app import build_app
from islandrun_node.issuer import Issuer
from islandrun_node.late_reading import LateReading
from islandrun_node.services.chat import ChatService
from islandrun_node.services.enroll import EnrollService
from islandrun_node.services.inference import Admitted, InferenceService, Vicinity
from islandrun_node.services.local_access import TokenCheck, add_health_and_reflection, serving
from islandrun_node.services.mesh import MeshService
from islandrun_node.services.status import StatusService
from islandrun_node.services.witness import WitnessService
from islandrun_node.spending import Order, Purchase
from islandrun_node.stores.client_keys import ClientKeyStore
from islandrun_node.tls import Listener

if TYPE_CHECKING:
    from islandrun_node.node import Node

STOP_SECONDS = 5.0
BACKLOG = 128
_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a node can be reached. `mesh` is an address as bound, which may be 0.0.0.0.

    `reread` makes the node read its policy anew.
    """

    mesh: str
    grpc: str
    http: str
    token: str = field(repr=False)
    reread: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    @property
    def mesh_port(self) -> int:
        """The port of the mesh listener."""
        return int(self.mesh.rpartition(":")[2])

    def public(self) -> dict[str, str]:
        """Return what may be written down; the token is not part of it."""
        return {"mesh": self.mesh, "grpc": self.grpc, "http": self.http}


async def listen(node: Node, stack: AsyncExitStack) -> Listening:
    """Start every listener; `stack` stops them. Raises `ConfigError` when an address is taken."""
    token = local_token(node.state.home)
    mesh = await stack.enter_async_context(_mesh(node))
    local = await stack.enter_async_context(_local(node, token))
    http = await stack.enter_async_context(_http(node, token))
    return Listening(mesh, local, http, token, node.policy.reread)


@asynccontextmanager
async def _mesh(node: Node) -> AsyncGenerator[str]:
    server = grpc.aio.server(interceptors=[node.gate, LateReading()], options=SERVER_OPTIONS)
    state = node.state
    mesh_pb2_grpc.add_MeshServiceServicer_to_server(MeshService(node.driver), server)
    seconds = node.config.limits.answer_seconds_max
    outlook = node.outlook
    vicinity = Vicinity(
        caller=caller_of,
        standing=outlook.standing,
        trust_ppm=outlook.trust_ppm,
        own_ppm=lambda: outlook.trust_ppm(outlook.me),
        places=outlook.places,
        data_set=node.knowledge.library.offer,
    )
    inference = InferenceService(
        node.backends, vicinity, node.knowledge.find, seconds, lambda work: _bought(node, work)
    )
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(inference, server)
    chat = ChatService(
        node.requests,
        node.knowledge,
        caller_of,
        lambda island: node.outlook.trust_ppm(IslandId(island)),
        lambda island: node.outlook.places(IslandId(island)),
    )
    chat_pb2_grpc.add_ChatServiceServicer_to_server(chat, server)
    status_pb2_grpc.add_StatusServiceServicer_to_server(
        StatusService(node.outlook, shows_receipts=False), server
    )
    audit_pb2_grpc.add_WitnessServiceServicer_to_server(WitnessService(node.audit.witnessing), server)
    key, ledger = state.membership.key.public, state.ledger
    issuer = Issuer(state.authority, key, state.tokens, state.attestations, ledger, node.driver.publish)
    enroll_pb2_grpc.add_EnrollServiceServicer_to_server(EnrollService(issuer), server)
    listener = Listener(node.tls, state.membership.genesis, state.tokens, lambda: ledger.issuing)
    credentials = listener.credentials()
    address = node.config.listen.mesh
    port = _bound(server.add_secure_port, "mesh", address, credentials)
    await server.start()
    try:
        yield f"{address.rpartition(':')[0]}:{port}"
    finally:
        await server.stop(STOP_SECONDS)


@contextmanager
def _bought(node: Node, work: Admitted) -> Generator[Purchase]:
    """Take the money of another island's request aside: what runs here is paid here.

    Raises `Overloaded` when it is spent: the other island goes elsewhere, and this one did nothing wrong.
    """
    island = node.outlook.island(work.target)
    if island is None:
        raise NotOffered("the target island is not known on this node any more")
    order = Order(island, work.model, work.prompt, work.sampling, Spender(work.asker.caller))
    try:
        with node.accounting.spending.purchase(order) as bought:
            yield bought
    except PurseEmpty:
        raise Overloaded("what its owner lets others spend through it is used up") from None


@asynccontextmanager
async def _local(node: Node, token: str) -> AsyncGenerator[str]:
    name_of = ClientKeyStore(node.state.database).name_of
    server = grpc.aio.server(interceptors=[access := TokenCheck(token, name_of)], options=SERVER_OPTIONS)
    chat = ChatService(node.requests, node.knowledge, access.caller)
    chat_pb2_grpc.add_ChatServiceServicer_to_server(chat, server)
    status_pb2_grpc.add_StatusServiceServicer_to_server(
        StatusService(node.outlook, shows_receipts=True, budget=node.accounting.report), server
    )
    health = add_health_and_reflection(server)
    address = node.config.listen.grpc
    port = _bound(
        server.add_secure_port,
        "grpc",
        address,
        grpc.local_server_credentials(grpc.LocalConnectionType.LOCAL_TCP),
    )
    await server.start()
    await serving(health)
    try:
        yield f"{address.rpartition(':')[0]}:{port}"
    finally:
        await health.enter_graceful_shutdown()
        await server.stop(STOP_SECONDS)


@asynccontextmanager
async def _http(node: Node, token: str) -> AsyncGenerator[str]:
    bound = _bind(node.config.listen.http)
    app = build_app(
        node.requests,
        node.outlook,
        node.knowledge,
        token,
        node.config.limits,
        CollectorRegistry(),
        ClientKeyStore(node.state.database).name_of,
    )
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=round(STOP_SECONDS),
    )
    server = _QuietServer(settings)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    host, port = bound.getsockname()[:2]
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        server.should_exit = True
        await task


class _QuietServer(uvicorn.Server):
    """Uvicorn without its own signal handlers: the command decides when to stop."""

    def __init__(self, settings: uvicorn.Config) -> None:
        super().__init__(settings)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield


def _bound(add: object, key: str, address: str, credentials: grpc.ServerCredentials) -> int:
    assert callable(add)
    try:
        port = add(address, credentials)
    except RuntimeError as error:
        raise _taken(key, address) from error
    assert isinstance(port, int)
    return port


def _bind(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host.strip("[]"), int(port)))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise _taken("http", address) from error
    return bound


def _taken(key: str, address: str) -> ConfigError:
    return ConfigError(
        f"cannot listen at {address}: another program has it; stop that, or set listen.{key} in config.toml"
    )


def local_token(home: Home) -> str:
    """Return the bearer token of the local listeners; it is made once."""
    if not home.token.exists():
        write_private(home.token, secrets.token_urlsafe(_TOKEN_BYTES).encode())
    return read_private(home.token).decode().strip()
