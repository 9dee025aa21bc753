"""An authority's side of a join: check the holder of a token, bind it, admit, answer.

Binding is on the disk before anything is signed: a crash in between costs a retry, never a second island.
"""

from __future__ import annotations

from collections.abc import Callable

from islandrun.errors import EnrolmentRefused, JoinUnconfirmed, MalformedMessage
from islandrun.trust.ed25519 import is_signed_by
from islandrun.trust.ledger import Ledger, record_key
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SignedAttestation
from islandrun.v1 import attestation_pb2, enroll_pb2
from islandrun.vocabulary import PublicKey, Standing
from islandrun.wire.attestations import decode_signed
from islandrun.wire.limits import KEY_BYTES, SIGNATURE_BYTES
from islandrun_node.admissions import admit, check_may_admit
from islandrun_node.identity import AuthorityKey
from islandrun_node.stores.attestations import AttestationStore
from islandrun_node.stores.tokens import TokenStore

SNAPSHOT_BYTES_MAX = 1024 * 1024
_PROOF_LABEL = b"islandrun/v1/join\0"
_ORDER = ("authority", "admission", "self", "certification", "vouch")


class Issuer:
    """Redeems tokens on an authority's node. Synchronous: no two redemptions interleave."""

    def __init__(
        self,
        authority: Callable[[], AuthorityKey | None],
        issuer: PublicKey,
        tokens: TokenStore,
        store: AttestationStore,
        ledger: Ledger,
        publish: Callable[[SignedAttestation], None],
    ) -> None:
        self._authority = authority
        self._issuer = issuer
        self._tokens = tokens
        self._store = store
        self._ledger = ledger
        self._publish = publish

    def redeem(self, token: bytes, request: enroll_pb2.JoinRequest, now_ms: int) -> enroll_pb2.JoinResponse:
        """Admit the key in a request of the holder of `token`; a retry gets the same admission.

        Raises `EnrolmentRefused` or `MalformedMessage`, having changed nothing; `JoinUnconfirmed` while the
        owner has not said yes, or its key is locked: the token then belongs to this key.
        """
        authority = self._authority()
        island = self._check(token, request, now_ms)
        if authority is not None and not self._tokens.is_bound(token):
            check_may_admit(self._ledger, authority.public)
        grant, earlier = self._tokens.bind(token, island, now_ms)
        if earlier is None:
            if authority is None:
                raise JoinUnconfirmed("the owner's key is locked there; the owner has to unlock it")
            genesis = self._ledger.genesis
            signed = admit(authority, genesis, self._store, island, grant, now_ms, token_id=token)
            self._tokens.keep_admission(token, signed.to_wire().SerializeToString())
        else:
            signed = SignedAttestation.from_wire(decode_signed(earlier))
        self._publish(signed)
        return self._welcome(signed)

    def _check(self, token: bytes, request: enroll_pb2.JoinRequest, now_ms: int) -> PublicKey:
        if len(request.island_key) != KEY_BYTES or len(request.proof_of_possession) != SIGNATURE_BYTES:
            raise MalformedMessage("the key or its proof has the wrong size")
        if request.token_id != token:
            raise EnrolmentRefused("the request names another join token than its connection shows")
        island = PublicKey(request.island_key)
        wanted = proof(token, self._ledger.genesis.mesh_id, self._issuer, island)
        if not is_signed_by(island, wanted, request.proof_of_possession):
            raise EnrolmentRefused("the caller does not prove that it holds the key it wants to join with")
        if island == self._ledger.genesis.owner:
            raise EnrolmentRefused("the owner's key is not the key of an island")
        authority = self._authority()
        if self._ledger.is_authority(island) or (authority is not None and island == authority.public):
            raise EnrolmentRefused("an admitter's key is not the key of an island")
        if self._ledger.standing(island_id(island), now_ms) is Standing.REVOKED:
            raise EnrolmentRefused("the owner revoked this island for good; join with a new key")
        return island

    def _welcome(self, admission: SignedAttestation) -> enroll_pb2.JoinResponse:
        """Return the answer, with as many of our statements as fit; gossip brings the others.

        What lets us admit comes first: without it the newcomer could not tell us from a stranger.
        """
        genesis = self._ledger.genesis
        snapshot, room = [], SNAPSHOT_BYTES_MAX
        delegation = record_key(genesis.owner, PublicKey(admission.issuer), "delegation", 0)
        ours = self._ledger.record(delegation)
        for signed in sorted(self._ledger.records(), key=lambda one: (one != ours, _ORDER.index(one.kind))):
            message = signed.to_wire()
            room -= message.ByteSize()
            if room < 0:
                break
            snapshot.append(message)
        return enroll_pb2.JoinResponse(
            genesis=attestation_pb2.SignedGenesis(payload=genesis.payload, signature=genesis.signature),
            admission=admission.to_wire(),
            snapshot=snapshot,
        )


def proof(name: bytes, mesh_id: bytes, issuer: PublicKey, island: PublicKey) -> bytes:
    """Return what a newcomer signs with the key it joins with: good for this token and issuer alone."""
    return _PROOF_LABEL + name + mesh_id + issuer + island
