"""What became of the invitations of a home, and the owner's word on those who wait: list, approve, refuse.

The running node and these commands meet in the state file: the node asks it at each call of a newcomer. With
an owner's key that is locked the command signs the admission itself, and the node hands it out.
"""

from __future__ import annotations

from contextlib import closing

from islandrun.errors import EnrolmentRefused, StateError
from islandrun.trust.genesis import Genesis
from islandrun.trust.naming import island_id
from islandrun.vocabulary import PublicKey, Standing
from islandrun_node import world_clock
from islandrun_node.admissions import admit, read_ledger
from islandrun_node.home import Home
from islandrun_node.identity import OwnerKey, Passphrase, load_membership
from islandrun_node.join_token import confirmation_code
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.database import Database
from islandrun_node.stores.tokens import Invite, InviteState, TokenStore

NAME_CHARACTERS_MIN = 4
_UNDECIDED = (InviteState.PENDING, InviteState.APPROVED)


def invites(home: Home) -> tuple[Invite, ...]:
    """Return the invitations of a home, the newest first. Raises `StateError`."""
    load_membership(home)
    with closing(Database.open(home.database)) as database:
        return TokenStore(database).invites(world_clock.now().wall_ms)


def find(home: Home, name: str) -> Invite:
    """Return the one invitation with a name such as `invites` shows. Raises `EnrolmentRefused`."""
    plain = name.strip().lower()
    found = [invite for invite in invites(home) if invite.token_id.hex().startswith(plain)]
    if len(found) != 1 or len(plain) < NAME_CHARACTERS_MIN:
        count = len(found) if found and len(plain) >= NAME_CHARACTERS_MIN else "no"
        raise EnrolmentRefused(f'{count} invitations are called "{name[:32]}"; see `islandrun-node invites`')
    return found[0]


def code_of(home: Home, invite: Invite) -> str | None:
    """Return the six digits that the machine which took this invitation shows, or None while nobody has."""
    if invite.island is None:
        return None
    return confirmation_code(load_membership(home).key.public, invite.island, invite.token_id)


def approve(home: Home, name: str, code: str, passphrase: Passphrase | None = None) -> PublicKey:
    """Say yes to the machine that shows this code, and return its key.

    Raises `EnrolmentRefused` when nobody waits or the codes differ, `RootLocked` without the passphrase of a
    locked key; nothing is changed then.
    """
    invite = find(home, name)
    expected = code_of(home, invite)
    if invite.state not in _UNDECIDED or expected is None or invite.island is None:
        raise EnrolmentRefused(f"nobody waits for {invite.name}: it is {invite.state}; see `invites`")
    if _digits(code) != _digits(expected):
        raise EnrolmentRefused(
            f"the code is not {code[:16]}: another machine holds this token; "
            f"run `islandrun-node invites refuse {invite.name}` and invite again"
        )
    is_locked = load_membership(home).is_locked
    membership = load_membership(home, passphrase) if is_locked else load_membership(home)
    with closing(Database.open(home.database)) as database:
        if is_locked:
            owner = membership.require_owner()
            TokenStore(database).decide(invite.token_id, True)
            sign_approved(owner, membership.genesis, database)
        else:
            TokenStore(database).decide(invite.token_id, True)
    return invite.island


def refuse(home: Home, name: str) -> Invite:
    """Say no: the token admits nobody from now on. Raises `EnrolmentRefused` when it has already."""
    invite = find(home, name)
    with closing(Database.open(home.database)) as database:
        if not TokenStore(database).decide(invite.token_id, False):
            who = "" if invite.island is None else f" {island_id(invite.island)[:13]}"
            raise EnrolmentRefused(
                f"{invite.name} has admitted an island already; run `islandrun-node revoke{who}`"
            )
    return invite


def sign_approved(owner: OwnerKey, genesis: Genesis, database: Database) -> int:
    """Sign the admissions that lack nothing but the owner's key, and return how many."""
    store, tokens, now_ms = AttestationStore(database), TokenStore(database), world_clock.now().wall_ms
    waiting = [invite for invite in tokens.invites(now_ms) if invite.state is InviteState.APPROVED]
    ledger = read_ledger(store, genesis, now_ms) if waiting else None
    signed = 0
    for invite in waiting:
        island = invite.island
        if ledger is None or island is None:
            raise StateError("an approved join names no island; refuse it and invite again")
        if ledger.standing(island_id(island), now_ms) is Standing.REVOKED:
            continue
        admission = admit(owner, genesis, store, island, invite.grant, now_ms, token_id=invite.token_id)
        tokens.keep_admission(invite.token_id, admission.to_wire().SerializeToString())
        signed += 1
    return signed


def _digits(code: str) -> str:
    return "".join(sign for sign in code if sign.isdigit())
