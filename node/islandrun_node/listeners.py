"""The listeners of a node: the mesh (mTLS, islands only) and HTTP (loopback, bearer token)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import uvicorn
from prometheus_client import CollectorRegistry

from islandrun.errors import ConfigError
from islandrun.v1 import enroll_pb2_grpc, inference_pb2_grpc, mesh_pb2_grpc
from islandrun_node.channels import SERVER_OPTIONS
from islandrun_node.home import Home, read_private, write_private
from islandrun_node.http.app import build_app
from islandrun_node.issuer import Issuer
from islandrun_node.services.enroll import EnrollService
from islandrun_node.services.inference import InferenceService
from islandrun_node.services.mesh import MeshService
from islandrun_node.tls import Listener

if TYPE_CHECKING:
    from islandrun_node.node import Node

STOP_SECONDS = 5.0
BACKLOG = 128
_TOKEN_BYTES = 24

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a node can be reached."""

    mesh_port: int
    http: str
    token: str = field(repr=False)

    def public(self) -> dict[str, object]:
        """Return what may be written down; the token is not part of it."""
        return {"mesh_port": self.mesh_port, "http": self.http}


async def listen(node: Node, stack: AsyncExitStack) -> Listening:
    """Start every listener; `stack` stops them. Raises `ConfigError` when an address is taken."""
    token = local_token(node.state.home)
    port = await stack.enter_async_context(_mesh(node))
    http = await stack.enter_async_context(_http(node, token))
    return Listening(port, http, token)


@asynccontextmanager
async def _mesh(node: Node) -> AsyncGenerator[int]:
    server = grpc.aio.server(interceptors=[node.gate], options=SERVER_OPTIONS)
    state = node.state
    mesh_pb2_grpc.add_MeshServiceServicer_to_server(MeshService(node.driver), server)
    inference = InferenceService(node.backends, node.outlook.trust_ppm, node.config.limits.answer_seconds_max)
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(inference, server)
    owner = state.membership.owner
    if owner is not None:
        key = state.membership.key.public
        issuer = Issuer(owner, key, state.tokens, state.attestations, state.ledger, node.driver.publish)
        enroll_pb2_grpc.add_EnrollServiceServicer_to_server(EnrollService(issuer), server)
    credentials = Listener(node.tls, state.membership.genesis, state.tokens).credentials()
    address = node.config.listen.mesh
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise ConfigError(f"listen.mesh: cannot listen at {address}; is it taken? choose another") from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(STOP_SECONDS)


@asynccontextmanager
async def _http(node: Node, token: str) -> AsyncGenerator[str]:
    bound = _bind(node.config.listen.http)
    app = build_app(node.requests, node.outlook, token, node.config.limits, CollectorRegistry())
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
    await asyncio.wait(
        {task, ready := asyncio.create_task(server.ready.wait())}, return_when="FIRST_COMPLETED"
    )
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
        raise ConfigError(
            f"listen.http: cannot listen at {address}: {error.strerror}; choose another"
        ) from error
    return bound


def local_token(home: Home) -> str:
    """Return the bearer token of the local listeners; it is made once."""
    if not home.token.exists():
        write_private(home.token, secrets.token_urlsafe(_TOKEN_BYTES).encode())
    return read_private(home.token).decode().strip()
