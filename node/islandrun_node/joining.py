"""A newcomer's call at the issuer of its token: prove the key, wait for the owner's word, check the answer.

Nothing is written here, so that a call which breaks off can be made again by the same key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import grpc

from islandrun.errors import (
    EnrolmentRefused,
    ForwardFailed,
    IslandRunError,
    JoinUnconfirmed,
    MalformedMessage,
    RejectedMessage,
    Unreachable,
)
from islandrun.trust.claims import AdmissionClaims
from islandrun.trust.genesis import Genesis, read_genesis
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation, VerifiedAttestation, verify
from islandrun.v1 import enroll_pb2
from islandrun.vocabulary import PublicKey, Standing
from islandrun_node import world_clock
from islandrun_node.certificates import Shown, check_admission_certificate, show_join
from islandrun_node.channels import open_channel
from islandrun_node.identity import IslandKey
from islandrun_node.issuer import proof
from islandrun_node.join_token import JoinToken, RelayDoor, confirmation_code, token_id
from islandrun_node.relay.tunnels import Tunnel

JOIN_SECONDS_MAX = 15.0
ASK_AGAIN_SECONDS = 0.5
PROBE_SECONDS_MAX = 3.0
CALL_AGAIN_SECONDS = 0.5

_Response = TypeVar("_Response")

Waiting = Callable[[str, float], None]
"""Told, while a join waits for the owner's word: the code to compare, and the seconds that are left."""


class _DoorShut(EnrolmentRefused):
    """The connection failed though somebody listens: a token that is no good any more, or a busy node."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a newcomer got for its token, all of it checked."""

    genesis: Genesis
    admission: SignedAttestation
    snapshot: tuple[SignedAttestation, ...]


async def redeem(
    token: JoinToken, key: IslandKey, waiting: Waiting | None = None, wait_seconds: float | None = None
) -> Welcome:
    """Redeem a token for a key at its issuer, asking again while the owner has not said yes.

    Raises `JoinUnconfirmed` when no word comes in time, else `EnrolmentRefused` or `ForwardFailed`.
    """
    code = confirmation_code(token.issuer, key.public, token_id(token.join_key().public))
    begin = world_clock.now()
    seconds_max = token.expires_at - begin.wall_ms / 1000
    if wait_seconds is not None:
        seconds_max = min(seconds_max, wait_seconds)
    is_asked = False
    while True:
        left = begin.seconds + seconds_max - world_clock.now().seconds
        try:
            return await _redeem_once(token, key)
        except JoinUnconfirmed as error:
            if left <= 0:
                raise JoinUnconfirmed(
                    f"nobody confirmed the code {code} in {round(seconds_max)} s; have the owner run "
                    "`islandrun-node invites`, then run the same join again while the token is good"
                ) from error
            is_asked = True
            if waiting is not None:
                waiting(code, left)
        except (Unreachable, _DoorShut):
            if not is_asked or left <= 0:
                raise
        await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _redeem_once(token: JoinToken, key: IslandKey) -> Welcome:
    now_ms = world_clock.now().wall_ms
    join_key = token.join_key()
    name = token_id(join_key.public)
    request = enroll_pb2.JoinRequest(
        island_key=key.public,
        token_id=name,
        proof_of_possession=key.sign(proof(name, token.mesh_id, token.issuer, key.public)),
    )
    response = await _ask(token, show_join(join_key, token.mesh_id, now_ms), request)
    try:
        return _check_welcome(response, token, key.public, now_ms)
    except RejectedMessage as error:
        raise EnrolmentRefused(f"the answer to the join token is no good: {error}") from error


async def _ask(token: JoinToken, shown: Shown, request: enroll_pb2.JoinRequest) -> enroll_pb2.JoinResponse:
    """Call the issuer by the first way that leads there: its addresses, then each relay of the token."""
    ways: list[RelayDoor | None] = [*token.relays]
    if token.addresses and (not ways or any(await asyncio.gather(*map(_answers, token.addresses)))):
        ways.insert(0, None)
    for relay in ways:
        try:
            async with _way(token, relay, shown) as channel:
                return await _join_on(channel, request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or relay is ways[-1]:
                raise await _explain(error, token.addresses if relay is None else (relay.address,)) from None
    raise AssertionError("a token has a way")


@asynccontextmanager
async def _way(token: JoinToken, relay: RelayDoor | None, shown: Shown) -> AsyncGenerator[grpc.aio.Channel]:
    """Open a channel to the issuer, pinned to its key, directly or through a pipe over a relay."""
    if relay is None:
        async with open_channel(token.addresses, token.issuer, shown, token.mesh_id) as channel:
            yield channel
        return
    tunnel = Tunnel(open_channel((relay.address,), relay.key, shown, token.mesh_id), token.issuer)
    try:
        await tunnel.listen()
        async with open_channel((tunnel.address,), token.issuer, shown, token.mesh_id) as channel:
            yield channel
    finally:
        await tunnel.close()


async def _join_on(channel: grpc.aio.Channel, request: enroll_pb2.JoinRequest) -> enroll_pb2.JoinResponse:
    redeem_there = channel.unary_unary(
        "/islandrun.v1.EnrollService/Join",
        request_serializer=enroll_pb2.JoinRequest.SerializeToString,
        response_deserializer=enroll_pb2.JoinResponse.FromString,
    )
    return await _call_twice(lambda: redeem_there(request, timeout=JOIN_SECONDS_MAX))


async def _call_twice(call: Callable[[], Awaitable[_Response]]) -> _Response:
    """Call, and once more a moment later when the connection failed.

    A busy node may drop a connection, and one that dies keeps its socket for a moment: neither says anything
    about the token, and a retry by the same key changes nothing.
    """
    try:
        return await call()
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
    await asyncio.sleep(CALL_AGAIN_SECONDS)
    return await call()


def _check_welcome(
    response: enroll_pb2.JoinResponse, token: JoinToken, island: PublicKey, now_ms: int
) -> Welcome:
    genesis = read_genesis(response.genesis.payload, response.genesis.signature, token.mesh_id)
    admission = verify(SignedAttestation.from_wire(response.admission), genesis, now_ms)
    claims = admission.claims
    if not isinstance(claims, AdmissionClaims) or claims.header.subject != island:
        raise MalformedMessage("it admits another island")
    if claims.token_id != token_id(token.join_key().public):
        raise MalformedMessage("it is for another token")
    issuer = claims.header.issuer
    check_admission_certificate(claims.certificate_der, issuer, island, genesis.mesh_id, now_ms)
    snapshot = _check_snapshot(response, admission, genesis, now_ms)
    return Welcome(genesis, admission.signed, snapshot)


def _check_snapshot(
    response: enroll_pb2.JoinResponse, admission: VerifiedAttestation, genesis: Genesis, now_ms: int
) -> tuple[SignedAttestation, ...]:
    """Return the statements that came along; with the admission they must make the newcomer a member."""
    ledger, snapshot = Ledger(genesis), []
    for message in response.snapshot:
        with suppress(RejectedMessage):
            verified = verify(SignedAttestation.from_wire(message), genesis, now_ms)
            ledger.admit(verified, now_ms)
            snapshot.append(verified.signed)
    ledger.admit(admission, now_ms)
    if ledger.standing(island_id(admission.claims.header.subject), now_ms) is not Standing.ADMITTED:
        raise MalformedMessage("who admits there has no right to")
    return tuple(snapshot)


async def _explain(error: grpc.aio.AioRpcError, addresses: Sequence[str]) -> IslandRunError:
    """Return our error: refused by the issuer, or nobody there."""
    match error.code():
        case grpc.StatusCode.FAILED_PRECONDITION:
            return JoinUnconfirmed((error.details() or "the owner has not confirmed this join")[:200])
        case grpc.StatusCode.PERMISSION_DENIED | grpc.StatusCode.INVALID_ARGUMENT:
            return EnrolmentRefused((error.details() or "the issuer refused")[:200])
        case grpc.StatusCode.UNAUTHENTICATED:
            return EnrolmentRefused("the issuer does not take this join token any more; ask for a new one")
        case grpc.StatusCode.UNAVAILABLE:
            # A refused handshake tells a client nothing, so we look whether somebody listens there.
            for address in addresses:
                if await _answers(address):
                    return _DoorShut(
                        f"the node at {address} does not take this join token: it was used or has expired, "
                        "another node answers there, or it relays and the inviter is down; ask for a new one"
                    )
            return Unreachable(f"no node answers at {', '.join(addresses)}; start it, or check the network")
        case code:
            return ForwardFailed(f"the issuer failed with {code.name.lower()}; try again")


async def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(PROBE_SECONDS_MAX):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
