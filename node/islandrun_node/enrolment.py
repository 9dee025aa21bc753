"""How islands become members and stop being members: found, invite, join, admit outbound, revoke.

A home is a member when its genesis file exists, and that file is written last: a crash before leaves nothing
but keys, which the next attempt uses again. Who holds the file system of the home is the owner's agent.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import grpc

from islandrun.errors import (
    ConfigError,
    EnrolmentRefused,
    ForwardFailed,
    IslandRunError,
    MalformedMessage,
    RejectedMessage,
    StateError,
    Unreachable,
)
from islandrun.trust.claims import AdmissionClaims
from islandrun.trust.genesis import Genesis, found, read_genesis
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import is_island_id, read_display_id
from islandrun.trust.signing import SignedAttestation, verify
from islandrun.v1 import enroll_pb2
from islandrun.vocabulary import PPM_MAX, IslandId, PublicKey, Standing, Tier
from islandrun_node import config, world_clock
from islandrun_node.admissions import admit, read_ledger, take_away
from islandrun_node.certificates import check_admission_certificate, show_join
from islandrun_node.channels import open_channel
from islandrun_node.home import Home, replace_private, write_private
from islandrun_node.identity import IslandKey, Membership, OwnerKey, genesis_file, load_membership
from islandrun_node.issuer import proof
from islandrun_node.join_token import JOIN_SEED_BYTES, JoinToken, encode, parse, token_id
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant, TokenStore

HOME_GROUP = "home"
FOUNDER = Grant(Tier.PERSONAL, HOME_GROUP, PPM_MAX)
OUTBOUND = Grant(Tier.CLOUD, "cloud", PPM_MAX)
TTL_SECONDS_MAX = 7 * 24 * 3600
JOIN_SECONDS_MAX = 15.0
PROBE_SECONDS_MAX = 3.0
# Letters, digits and hyphens: a name stands in file names and on command lines.
_NAME = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


# ---------------------------------------------------------------- found


def found_mesh(home: Home, mesh_name: str, name: str | None = None, grant: Grant = FOUNDER) -> Membership:
    """Make a new mesh with this home as its owner and first island.

    Raises `StateError`, and changes nothing, when the home belongs to a mesh already.
    """
    _require_no_mesh(home)
    chosen, now_ms = choose_name(home, name), world_clock.now().wall_ms
    home.create()
    owner, key = OwnerKey.load_or_create(home.owner_key), IslandKey.load_or_create(home.island_key)
    genesis = found(owner.public, mesh_name, now_ms, secrets.token_bytes(16), owner.sign)
    with _store(home) as store:
        store.start_over(())
        admit(owner, genesis, store, key.public, grant, now_ms)
    _keep_name(home, chosen)
    replace_private(home.genesis, genesis_file(genesis))
    return Membership(genesis, key, owner)


def choose_name(home: Home, name: str | None) -> str:
    """Return what the island will be called: `name`, or what the settings say, or this machine's name.

    Raises `ConfigError` when the name has a wrong form or the settings say another.
    """
    if name is not None:
        _check_name(name)
    if not home.config.exists():
        return name or host_name()
    known = config.load(home.config).name
    if name is not None and name != known:
        raise ConfigError(f'{home.config}: name is "{known}"; set it to "{name}" there, or leave --name out')
    return known


def _keep_name(home: Home, name: str) -> None:
    if not home.config.exists():
        text = f'# config.example.toml lists every setting.\nname = "{name}"\n'
        write_private(home.config, text.encode())


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f'the name "{name[:64]}" must have 1 to 32 of a-z, 0-9 and "-"; choose another')


def host_name() -> str:
    """Return this machine's name in the form of an island's name."""
    plain = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-")
    return plain[:32] or "island"


# ---------------------------------------------------------------- invite


def invite(home: Home, grant: Grant, ttl_seconds: int, addresses: Sequence[str]) -> str:
    """Open a join token and return its text; it works once, until it expires, whether the node runs or not.

    Raises `EnrolmentRefused` when this home may not admit, or the token cannot be made.
    """
    membership = load_membership(home)
    if membership.owner is None:
        raise EnrolmentRefused(
            f"{home.path} holds no owner key; invite from the machine that founded the mesh"
        )
    if not 0 < ttl_seconds <= TTL_SECONDS_MAX:
        raise EnrolmentRefused(f"a join token lives 1 to {TTL_SECONDS_MAX} seconds; choose a time inside")
    now_ms = world_clock.now().wall_ms
    token = JoinToken(
        mesh_id=membership.genesis.mesh_id,
        issuer=membership.key.public,
        seed=secrets.token_bytes(JOIN_SEED_BYTES),
        expires_at=now_ms // 1000 + ttl_seconds,
        addresses=tuple(addresses),
    )
    text = encode(token)
    with closing(Database.open(home.database)) as database:
        TokenStore(database).open(token.join_key().public, grant, now_ms, token.expires_at * 1000)
    return text


# ---------------------------------------------------------------- join, the newcomer's side


async def join(home: Home, token_text: str, name: str | None = None) -> Membership:
    """Redeem a token and make this home a member.

    Raises `EnrolmentRefused` (the token, or what came for it, is no good), `Unreachable` (nobody answers at
    its addresses), `StateError` or `ConfigError`.
    """
    _require_no_mesh(home)
    if home.owner_key.exists():
        raise StateError(f"{home.owner_key} is left of an unfinished `init`; finish it, or move the key away")
    chosen, token = choose_name(home, name), parse(token_text, world_clock.now().wall_ms)
    home.create()
    key = IslandKey.load_or_create(home.island_key)
    welcome = await redeem(token, key)
    with _store(home) as store:
        store.start_over((welcome.admission, *welcome.snapshot))
    _keep_name(home, chosen)
    replace_private(home.genesis, genesis_file(welcome.genesis))
    return Membership(welcome.genesis, key, None)


async def admit_outbound(
    home: Home, name: str, token_text: str | None = None, grant: Grant = OUTBOUND
) -> IslandKey:
    """Return the key of an island that this node fronts, such as a cloud API; admit it if it is not yet.

    The owner's home admits it itself; any other home needs a token of tier cloud.
    """
    _check_name(name)
    membership = load_membership(home)
    key = IslandKey.load_or_create(home.outbound_key(name))
    now_ms = world_clock.now().wall_ms
    with _store(home) as store:
        standing = read_ledger(store, membership.genesis, now_ms).standing(key.id, now_ms)
        if standing is Standing.REVOKED:
            raise EnrolmentRefused(
                f"the owner revoked {name}; move {home.outbound_key(name)} away to start anew"
            )
        if standing is Standing.ADMITTED:
            return key
        if membership.owner is not None:
            admit(membership.owner, membership.genesis, store, key.public, grant, now_ms)
            return key
    if token_text is None:
        raise EnrolmentRefused(
            f"{name} is not admitted; on the owner's machine run `islandrun-node invite --tier cloud`, "
            f"then here `islandrun-node join --outbound {name} TOKEN`"
        )
    token = parse(token_text, now_ms)
    if token.mesh_id != membership.genesis.mesh_id:
        raise EnrolmentRefused("the join token is for another mesh than this home belongs to")
    welcome = await redeem(token, key)
    with _store(home) as store:
        store.save_all((welcome.admission,))
    return key


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a newcomer got for its token, all of it checked."""

    genesis: Genesis
    admission: SignedAttestation
    snapshot: tuple[SignedAttestation, ...]


async def redeem(token: JoinToken, key: IslandKey) -> Welcome:
    """Redeem a token for a key at its issuer. Raises `EnrolmentRefused` or `ForwardFailed`."""
    now_ms = world_clock.now().wall_ms
    join_key = token.join_key()
    name = token_id(join_key.public)
    request = enroll_pb2.JoinRequest(
        island_key=key.public,
        token_id=name,
        proof_of_possession=key.sign(proof(name, token.mesh_id, token.issuer, key.public)),
    )
    shown = show_join(join_key, token.mesh_id, now_ms)
    async with open_channel(token.addresses, token.issuer, shown, token.mesh_id) as channel:
        redeem_there = channel.unary_unary(
            "/islandrun.v1.EnrollService/Join",
            request_serializer=enroll_pb2.JoinRequest.SerializeToString,
            response_deserializer=enroll_pb2.JoinResponse.FromString,
        )
        try:
            response = await redeem_there(request, timeout=JOIN_SECONDS_MAX)
        except grpc.aio.AioRpcError as error:
            raise await _explain(error, token.addresses) from None
    try:
        return _check_welcome(response, token, key.public, now_ms)
    except RejectedMessage as error:
        raise EnrolmentRefused(f"the answer to the join token is no good: {error}") from error


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
    check_admission_certificate(claims.certificate_der, genesis.owner, island, genesis.mesh_id, now_ms)
    snapshot = []
    for message in response.snapshot:
        with suppress(RejectedMessage):
            snapshot.append(verify(SignedAttestation.from_wire(message), genesis, now_ms).signed)
    return Welcome(genesis, admission.signed, tuple(snapshot))


async def _explain(error: grpc.aio.AioRpcError, addresses: Sequence[str]) -> IslandRunError:
    """Return our error: refused by the issuer, or nobody there."""
    match error.code():
        case grpc.StatusCode.PERMISSION_DENIED | grpc.StatusCode.INVALID_ARGUMENT:
            return EnrolmentRefused((error.details() or "the issuer refused")[:200])
        case grpc.StatusCode.UNAUTHENTICATED:
            return EnrolmentRefused("the issuer does not take this join token any more; ask for a new one")
        case grpc.StatusCode.UNAVAILABLE:
            # A refused handshake tells a client nothing, so we look whether somebody listens there.
            for address in addresses:
                if await _answers(address):
                    return EnrolmentRefused(
                        f"the node at {address} does not take this join token: it was used or has expired, "
                        "or another node answers there; ask for a new one"
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


# ---------------------------------------------------------------- revoke


def revoke(home: Home, island: str, reason: str = "") -> IslandId:
    """Take an island's admission away for good; `island` is its name, its id, or the first 8 letters of one.

    Raises `EnrolmentRefused` when this home may not, or no single island is meant.
    """
    membership = load_membership(home)
    if membership.owner is None:
        raise EnrolmentRefused(f"{home.path} holds no owner key; revoke on the machine that founded the mesh")
    now_ms = world_clock.now().wall_ms
    with _store(home) as store:
        ledger = read_ledger(store, membership.genesis, now_ms)
        target = find_island(ledger, island)
        key = ledger.public_key(target)
        assert key is not None
        if key == membership.key.public:
            raise EnrolmentRefused("this is the owner's own island; a mesh without it could admit nobody")
        take_away(membership.owner, membership.genesis, store, key, reason[:256], now_ms)
    return target


def find_island(ledger: Ledger, words: str) -> IslandId:
    """Return the island that is meant by its name, its id or the first 8 letters of one.

    Raises `EnrolmentRefused` when it is none or several.
    """
    with suppress(MalformedMessage):
        words = read_display_id(words)
    plain = words.strip().lower()
    found_islands = []
    for island in ledger.islands():
        claims = ledger.self_claims(island)
        is_meant = claims is not None and claims.name == plain
        is_id = island == plain or (len(plain) >= 8 and not is_island_id(plain) and island.startswith(plain))
        if is_meant or is_id:
            found_islands.append(island)
    if len(found_islands) != 1:
        count = len(found_islands) or "no"
        raise EnrolmentRefused(f'{count} islands are called "{words[:64]}"; give the id that `islands` shows')
    return found_islands[0]


# ---------------------------------------------------------------- inside


def _require_no_mesh(home: Home) -> None:
    if home.is_member:
        raise StateError(f"{home.path} belongs to a mesh already and was not touched; choose another --home")


@contextmanager
def _store(home: Home) -> Iterator[AttestationStore]:
    with closing(Database.open(home.database)) as database:
        yield AttestationStore(database)
