"""An island changes its key: it asks with the old key, an authority approves, then the keys are exchanged.

The request and the approval are texts that people carry, because from the moment of the approval nobody in
the mesh speaks to the old key any more. A crash in between costs a repetition.
"""

from __future__ import annotations

from contextlib import closing, suppress

from islandrun.errors import EnrolmentRefused, MalformedMessage, RejectedMessage
from islandrun.trust.ed25519 import is_signed_by
from islandrun.trust.naming import island_id
from islandrun.trust.rulings import succession
from islandrun.trust.signing import SignedAttestation, verify
from islandrun.v1 import mesh_pb2
from islandrun.vocabulary import IslandId, PublicKey, Standing
from islandrun.wire.attestations import parse
from islandrun.wire.limits import KEY_BYTES, RECORD_BYTES_MAX, SIGNATURE_BYTES
from islandrun_node import pasted, world_clock
from islandrun_node.admissions import read_ledger, renew
from islandrun_node.home import Home, held_alone
from islandrun_node.identity import IslandKey, Passphrase, load_membership
from islandrun_node.rulings import Desk
from islandrun_node.stores.attestations import AttestationStore, stored_statements
from islandrun_node.stores.database import Database
from islandrun_node.stores.sealed import SealedStore

REQUEST, APPROVAL = "irs1_", "irt1_"
_REQUEST_BYTES = 2 * KEY_BYTES + SIGNATURE_BYTES


def request(home: Home) -> str:
    """Make the key that is to succeed this island's, once, and return the text that asks for approval."""
    membership = load_membership(home)
    new = IslandKey.load_or_create(home.next_key)
    old = membership.key
    signature = old.sign(succession(membership.genesis.mesh_id, old.public, new.public))
    return pasted.write(REQUEST, old.public + new.public + signature)


def approve(home: Home, text: str, passphrase: Passphrase | None = None) -> tuple[IslandId, str]:
    """Revoke the old key in a request and let the new one go on; return its id and the text of the approval.

    Raises `EnrolmentRefused` when this home may not, or the request is not by an admitted island.
    """
    old, new, signature = _read_request(text)
    membership = load_membership(home, passphrase)
    authority, genesis = membership.require_authority(), membership.genesis
    now_ms = world_clock.now().wall_ms
    if not is_signed_by(old, succession(genesis.mesh_id, old, new), signature):
        raise EnrolmentRefused("the request is not signed by the key that it names; ask for a new one")
    with stored_statements(home.database) as store:
        ledger = read_ledger(store, genesis, now_ms)
        if not ledger.may_renew(authority.public):
            raise EnrolmentRefused("this machine may not admit islands; approve where the owner is")
        is_approved = ledger.standing(island_id(new), now_ms) is Standing.ADMITTED
        if not is_approved and ledger.standing(island_id(old), now_ms) is not Standing.ADMITTED:
            raise EnrolmentRefused("the island that asks is not admitted; it has to join anew")
        if not is_approved and ledger.public_key(island_id(new)) is not None:
            raise EnrolmentRefused("the new key is known in this mesh already; ask with a fresh one")
        said = Desk(authority, genesis, store, now_ms).succeed(old, new, signature)
        renewed = renew(authority, genesis, store, new, now_ms)
    push = mesh_pb2.Push(attestations=[said.to_wire(), renewed.to_wire()])
    return island_id(new), pasted.write(APPROVAL, push.SerializeToString())


def finish(home: Home, text: str) -> IslandId:
    """Take an approval, and make the new key this island's. The node must not run.

    What was sealed for the old key is sealed for the new one; conversations end. Raises `EnrolmentRefused`
    or `StateError`.
    """
    membership = load_membership(home)
    if not home.next_key.exists():
        raise EnrolmentRefused("this home asked for no successor; run `islandrun-node successor request`")
    new, now_ms = IslandKey.load(home.next_key), world_clock.now().wall_ms
    statements = _read_approval(text)
    with held_alone(home), closing(Database.open(home.database)) as database:
        store, genesis = AttestationStore(database), membership.genesis
        ledger = read_ledger(store, genesis, now_ms)
        for signed in statements:
            with suppress(RejectedMessage):
                ledger.admit(verify(signed, genesis, now_ms), now_ms)
        if ledger.standing(new.id, now_ms) is not Standing.ADMITTED:
            raise EnrolmentRefused(
                "the approval does not admit the new key of this island; ask for a new one"
            )
        former = SealedStore(database, membership.key.derived("seal"))
        SealedStore(database, new.derived("seal")).take_over(former)
        store.save_all(statements)
        for suffix in ("", "-wal", "-shm"):
            home.conversations.with_name(home.conversations.name + suffix).unlink(missing_ok=True)
        home.next_key.replace(home.island_key)
    return new.id


def _read_request(text: str) -> tuple[PublicKey, PublicKey, bytes]:
    data = pasted.read(REQUEST, text, "a request for a successor")
    if len(data) != _REQUEST_BYTES:
        raise EnrolmentRefused("the request for a successor has the wrong size; copy it again")
    old, new = data[:KEY_BYTES], data[KEY_BYTES : 2 * KEY_BYTES]
    return PublicKey(old), PublicKey(new), data[2 * KEY_BYTES :]


def _read_approval(text: str) -> tuple[SignedAttestation, ...]:
    data = pasted.read(APPROVAL, text, "an approval of a successor")
    try:
        push = parse(mesh_pb2.Push, data, 2 * RECORD_BYTES_MAX)
        return tuple(map(SignedAttestation.from_wire, push.attestations))
    except MalformedMessage as error:
        raise EnrolmentRefused(
            f"the approval of a successor does not decode: {error}; copy it again"
        ) from error
