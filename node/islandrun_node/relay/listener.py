"""The relay of one home: a process of its own, so that copying bytes delays no request of the node.

It has the island's key and its own mTLS listener, and reads the statements that the node keeps on disk:
who is admitted is checked at every call and while it runs. It ends when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import grpc

from islandrun.errors import ConfigError, IslandRunError, RejectedMessage
from islandrun.mesh.newcomers import Newcomers
from islandrun.mesh.switchboard import Switchboard
from islandrun.trust.signing import verify
from islandrun.v1 import relay_pb2_grpc
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun_node import core_dumps, join_token, world_clock
from islandrun_node.callers import CallerGate, caller_of
from islandrun_node.channels import RELAY_OPTIONS
from islandrun_node.home import Home
from islandrun_node.late_reading import LateReading
from islandrun_node.services.relay import RelayService
from islandrun_node.state import State, open_state
from islandrun_node.stores.tokens import OpenToken
from islandrun_node.tls import Listener, TlsIdentity

DIAL = "/islandrun.v1.RelayService/Dial"
READ_SECONDS = 0.5
"""How soon a revocation that the node took in reaches the relay."""

STOP_SECONDS = 1.0

MakeService = Callable[
    [Switchboard, Callable[[object], IslandId], Callable[[IslandId], PublicKey | None], Newcomers],
    RelayService,
]

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str], make_service: MakeService = RelayService) -> int:
    """Run until standard input closes; print the bound address as one line of JSON. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="islandrun_node.relay")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--bytes-per-second", type=int, required=True)
    parser.add_argument("--log-level", default="INFO")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=given.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    core_dumps.forbid()
    try:
        asyncio.run(_run(Home(given.home), given.listen, given.bytes_per_second, make_service))
    except IslandRunError as error:
        _log.error("%s", error)
        return 1
    return 0


async def _run(home: Home, address: str, bytes_per_second: int, make_service: MakeService) -> None:
    with ExitStack() as stack:
        state = open_state(home, stack)
        async with serving(state, address, bytes_per_second, make_service) as bound:
            sys.stdout.write(json.dumps({"relay": bound}) + "\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.buffer.read)


@asynccontextmanager
async def serving(
    state: State, address: str, bytes_per_second: int, make_service: MakeService = RelayService
) -> AsyncGenerator[str]:
    """Serve the relay of an opened home while the block runs; yield the bound "host:port".

    Raises `ConfigError` when the address is taken, `StateError` when the island is not admitted any more.
    """
    genesis = state.membership.genesis
    identity = TlsIdentity(state.membership.key, state.admission.certificate_der, genesis)
    newcomers = Newcomers()
    expected = ExpectedTokens(newcomers)
    gate = CallerGate(state.ledger, expected, for_newcomers=DIAL)
    server = grpc.aio.server(interceptors=[gate, LateReading()], options=RELAY_OPTIONS)
    service = make_service(Switchboard(bytes_per_second), caller_of, state.ledger.public_key, newcomers)
    relay_pb2_grpc.add_RelayServiceServicer_to_server(service, server)
    credentials = Listener(identity, genesis, expected, lambda: state.ledger.issuing).credentials()
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError:
        raise ConfigError(
            f"cannot listen at {address}: another program has it; stop that, or set relay.listen"
        ) from None
    await server.start()
    chores = [asyncio.create_task(gate.run()), asyncio.create_task(_follow(state, identity, gate))]
    try:
        yield f"{address.rpartition(':')[0]}:{port}"
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await server.stop(STOP_SECONDS)


class ExpectedTokens:
    """The join tokens that attached islands expect, as a listener asks for them."""

    def __init__(self, newcomers: Newcomers) -> None:
        self._newcomers = newcomers

    def open_tokens(self, now_ms: int) -> tuple[OpenToken, ...]:
        """Return those that are expected now."""
        return tuple(OpenToken(key, end_ms) for key, end_ms in self._newcomers.open(now_ms).items())

    def join_key(self, token_id: bytes, now_ms: int) -> PublicKey | None:
        """Return the join key of one that is expected now."""
        keys = self._newcomers.open(now_ms)
        return next((key for key in keys if join_token.token_id(key) == token_id), None)

    def finish(self, island: PublicKey) -> bool:
        """Do nothing: the island that issued a token says when it is done."""
        return False


async def _follow(state: State, identity: TlsIdentity, gate: CallerGate) -> None:
    """Take in what the node keeps on disk, and end the calls of islands that lost their admission."""
    version = -1
    held: frozenset[bytes] = frozenset()
    while True:
        if (latest := state.attestations.data_version()) != version:
            version = latest
            held = _take_in(state, held)
            admission = state.ledger.admission(state.me)
            if admission is not None:
                identity.renew_admission(admission.certificate_der)
            now_ms = world_clock.now().wall_ms
            for island in state.ledger.islands():
                if state.ledger.standing(island, now_ms) is not Standing.ADMITTED:
                    gate.evict(island)
        await asyncio.sleep(READ_SECONDS)


def _take_in(state: State, held: frozenset[bytes]) -> frozenset[bytes]:
    """Add what is new on disk to the ledger; return the signatures of all that lies there."""
    now_ms = world_clock.now().wall_ms
    statements = state.attestations.load_all()
    for signed in statements:
        if signed.signature not in held:
            with suppress(RejectedMessage):
                state.ledger.admit(verify(signed, state.membership.genesis, now_ms), now_ms)
    for first, second in state.attestations.load_equivocations():
        with suppress(RejectedMessage):
            state.ledger.admit_equivocation(first, second, now_ms)
    return frozenset(signed.signature for signed in statements)
