"""How islands become members and stop being members: found, invite, join, admit outbound, revoke.

A home is a member when its genesis file exists, and that file is written last: a crash before leaves nothing
but keys, which the next attempt uses again. Who holds the file system of the home is the owner's agent.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Sequence
from contextlib import closing, suppress

from islandrun.errors import ConfigError, EnrolmentRefused, MalformedMessage, StateError
from islandrun.trust.genesis import found
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import is_island_id, island_id, read_display_id
from islandrun.vocabulary import PPM_MAX, IslandId, Standing, Tier
from islandrun_node import config, world_clock
from islandrun_node.admissions import admit, check_may_admit, read_ledger, take_away
from islandrun_node.home import Home, replace_private, write_private
from islandrun_node.identity import (
    IslandKey,
    Membership,
    OwnerKey,
    Passphrase,
    genesis_file,
    load_membership,
)
from islandrun_node.join_token import JOIN_SEED_BYTES, JoinToken, RelayDoor, encode, parse
from islandrun_node.joining import Waiting, redeem
from islandrun_node.stores.attestations import stored_statements
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Grant, TokenStore

HOME_GROUP = "home"
FOUNDER = Grant(Tier.PERSONAL, HOME_GROUP, PPM_MAX)
OUTBOUND = Grant(Tier.CLOUD, "cloud", PPM_MAX)
ADDRESSES_PER_RELAY_MAX = 2
TTL_SECONDS_MAX = 7 * 24 * 3600
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
    with stored_statements(home.database) as store:
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


def invite(
    home: Home,
    grant: Grant,
    ttl_seconds: int,
    addresses: Sequence[str],
    confirms: bool = False,
    relays: Sequence[RelayDoor] = (),
) -> str:
    """Open a join token and return its text; it works once, until it expires, whether the node runs or not.

    One that `confirms` admits its holder only after the owner said yes (`invitations.approve`).
    Raises `EnrolmentRefused` when this home may not admit, or the token cannot be made.
    """
    membership = load_membership(home)
    if not membership.is_locked:
        authority = membership.require_authority()
        with stored_statements(home.database) as store:
            ledger = read_ledger(store, membership.genesis, world_clock.now().wall_ms)
        check_may_admit(ledger, authority.public, grant)
    if not 0 < ttl_seconds <= TTL_SECONDS_MAX:
        raise EnrolmentRefused(f"a join token lives 1 to {TTL_SECONDS_MAX} seconds; choose a time inside")
    now_ms = world_clock.now().wall_ms
    token = JoinToken(
        mesh_id=membership.genesis.mesh_id,
        issuer=membership.key.public,
        seed=secrets.token_bytes(JOIN_SEED_BYTES),
        expires_at=now_ms // 1000 + ttl_seconds,
        addresses=tuple(addresses),
        relays=tuple(relays),
    )
    text = encode(token)
    with closing(Database.open(home.database)) as database:
        TokenStore(database).open(token.join_key().public, grant, now_ms, token.expires_at * 1000, confirms)
    return text


def own_relays(home: Home) -> tuple[RelayDoor, ...]:
    """Return the relays that carry calls to this home's node, as it last said of itself."""
    membership, now_ms = load_membership(home), world_clock.now().wall_ms
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, now_ms)
    own = ledger.self_claims(membership.key.id)
    doors = []
    for key in own.relays if own is not None else ():
        relay = ledger.self_claims(island_id(key))
        if relay is not None and ledger.standing(island_id(key), now_ms) is Standing.ADMITTED:
            doors += [RelayDoor(key, address) for address in relay.relay_endpoints[:ADDRESSES_PER_RELAY_MAX]]
    return tuple(doors)


# ---------------------------------------------------------------- join, the newcomer's side


async def join(
    home: Home,
    token_text: str,
    name: str | None = None,
    waiting: Waiting | None = None,
    wait_seconds: float | None = None,
) -> Membership:
    """Redeem a token and make this home a member; wait for the owner's word where the token asks for it.

    Raises `JoinUnconfirmed` (no word in `wait_seconds`, or before the token expires), `EnrolmentRefused` (the
    token, or what came for it, is no good), `Unreachable` (nobody answers at its addresses), `StateError` or
    `ConfigError`.
    """
    _require_no_mesh(home)
    if home.holds_root:
        raise StateError(f"{home.owner_key} is left of an unfinished `init`; finish it, or move the key away")
    chosen, token = choose_name(home, name), parse(token_text, world_clock.now().wall_ms)
    home.create()
    key = IslandKey.load_or_create(home.island_key)
    welcome = await redeem(token, key, waiting, wait_seconds)
    with stored_statements(home.database) as store:
        store.start_over((welcome.admission, *welcome.snapshot))
    _keep_name(home, chosen)
    replace_private(home.genesis, genesis_file(welcome.genesis))
    return Membership(welcome.genesis, key, None)


async def admit_outbound(
    home: Home,
    name: str,
    token_text: str | None = None,
    grant: Grant = OUTBOUND,
    passphrase: Passphrase | None = None,
    waiting: Waiting | None = None,
    wait_seconds: float | None = None,
) -> IslandKey:
    """Return the key of an island that this node fronts, such as a cloud API; admit it if it is not yet.

    The owner's home admits it itself; any other home needs a token of tier cloud.
    """
    _check_name(name)
    membership = load_membership(home)
    key = IslandKey.load_or_create(home.outbound_key(name))
    now_ms = world_clock.now().wall_ms
    with stored_statements(home.database) as store:
        standing = read_ledger(store, membership.genesis, now_ms).standing(key.id, now_ms)
        if standing is Standing.REVOKED:
            raise EnrolmentRefused(
                f"the owner revoked {name}; move {home.outbound_key(name)} away to start anew"
            )
        if standing is Standing.ADMITTED:
            return key
        if membership.owner is not None or membership.is_locked:
            owner = load_membership(home, passphrase).require_owner()
            admit(owner, membership.genesis, store, key.public, grant, now_ms)
            return key
    if token_text is None:
        raise EnrolmentRefused(
            f"{name} is not admitted; on the owner's machine run `islandrun-node invite --tier cloud`, "
            f"then here `islandrun-node join --outbound {name} TOKEN`"
        )
    token = parse(token_text, now_ms)
    if token.mesh_id != membership.genesis.mesh_id:
        raise EnrolmentRefused("the join token is for another mesh than this home belongs to")
    welcome = await redeem(token, key, waiting, wait_seconds)
    with stored_statements(home.database) as store:
        store.save_all((welcome.admission,))
    return key


# ---------------------------------------------------------------- revoke


def revoke(home: Home, island: str, reason: str = "", passphrase: Passphrase | None = None) -> IslandId:
    """Take an island's admission away for good; `island` is its name, its id, or the first 8 letters of one.

    Raises `EnrolmentRefused` when this home may not, or no single island is meant; `RootLocked`.
    """
    membership = load_membership(home, passphrase)
    authority = membership.require_authority()
    now_ms = world_clock.now().wall_ms
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, membership.genesis, now_ms)
        target = find_island(ledger, island)
        key = ledger.public_key(target)
        assert key is not None
        if key == membership.key.public:
            raise EnrolmentRefused("this is the owner's own island; a mesh without it could admit nobody")
        is_ours = ledger.admitters.has_admitted(authority.public, key)
        if authority.public != membership.genesis.owner and not is_ours:
            raise EnrolmentRefused(
                f"{target[:8]} was admitted elsewhere; revoke it there, or where the owner is"
            )
        take_away(authority, membership.genesis, store, key, reason[:256], now_ms)
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
    if home.left.exists():
        raise StateError(f"{home.path} has not wholly left its mesh; run `islandrun-node leave` again first")
