"""What the statements of a ledger amount to, kept by island: who is known, granted what, held down by whom.

It follows the ledger: every statement that starts to count is `put`, every one that ceases to is `taken`.
What an admitter states is kept in any case; whether it counts follows from all that is held (`admitters`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import MutableMapping
from typing import Final, TypeVar

from islandrun.trust import authority
from islandrun.trust.admitters import Admitters
from islandrun.trust.changes import Changes
from islandrun.trust.claims import (
    AdmissionClaims,
    CertificationClaims,
    Claims,
    CutOffClaims,
    DelegationClaims,
    FreshnessClaims,
    GroupTrustClaims,
    RenewalClaims,
    RevocationClaims,
    SelfClaims,
    SuccessorClaims,
    VouchClaims,
)
from islandrun.trust.layered import Layered, own
from islandrun.trust.lineage import Lineage
from islandrun.trust.naming import island_id
from islandrun.vocabulary import IslandId, PublicKey

Name = TypeVar("Name")
Content = TypeVar("Content")


_OF_ONE_ISLAND: Final = (SelfClaims, AdmissionClaims, RenewalClaims, CertificationClaims, VouchClaims)


class Roster:
    """Claims by island. Keys of the inner tables are places, or longer where one place holds two.

    `granted` is what the owner signed; `admissions` is what holds of that, of admitters' admissions and of
    what an island inherited, and `admitted` the one admission that it amounts to.
    """

    def __init__(self, owner: PublicKey) -> None:
        self._owner = owner
        self.admitters = Admitters()
        self.lineage = Lineage(owner, self.admitters)
        self.keys: MutableMapping[IslandId, PublicKey] = {}
        self.speaking: MutableMapping[IslandId, SelfClaims] = {}
        self.granted: MutableMapping[IslandId, MutableMapping[bytes, AdmissionClaims]] = {}
        self.admissions: MutableMapping[IslandId, dict[bytes, AdmissionClaims]] = {}
        self.admitted: MutableMapping[IslandId, AdmissionClaims] = {}
        self.renewals: dict[IslandId, dict[bytes, RenewalClaims]] = {}
        self.certifications: dict[IslandId, dict[bytes, CertificationClaims]] = {}
        self.vouches: dict[IslandId, dict[bytes, VouchClaims]] = {}
        self.groups: dict[tuple[str, str], dict[bytes, GroupTrustClaims]] = {}
        self.freshness: dict[PublicKey, dict[bytes, FreshnessClaims]] = {}
        self.weighing: Counter[PublicKey] = Counter()
        self.ruling: set[PublicKey] = set()
        self._concerned: dict[PublicKey, set[PublicKey]] = {}
        self.changes = Changes()

    def fork(self) -> Roster:
        """Return a roster that begins with what this one holds; this one may not change any more.

        Only one to which the owner's admissions and the islands' own statements are all that was ever put.
        """
        assert self.ruling <= {self._owner}, "an admitter's word is not shared"
        assert not {*self.renewals, *self.groups, *self.freshness, *self.weighing}, "nor what else is said"
        other = Roster(self._owner)
        other.keys, other.speaking = Layered(self.keys), Layered(self.speaking)
        other.granted, other.ruling = Layered(self.granted), set(self.ruling)
        other.admissions, other.admitted = Layered(self.admissions), Layered(self.admitted)
        return other

    @property
    def revoked(self) -> set[PublicKey]:
        """The islands that were taken away or have a successor. It only grows."""
        return self.lineage.revoked

    def waiting(self) -> int:
        """Return how many islands speak that the owner has not admitted."""
        return len(self.speaking.keys() - self.admitted.keys())

    def put(self, key: bytes, claims: Claims, payload_hash: bytes) -> None:
        """Let a statement count."""
        subject = claims.header.subject
        if claims.kind in ("admission", "authority"):
            self.ruling.add(claims.header.issuer)
        island = island_id(subject)
        self._note_change(island, claims)
        match claims:
            case SelfClaims():
                self.speaking[island] = claims
                self.keys[island] = subject
            case AdmissionClaims():
                self.keys[island] = subject
                self._put_admission(key, claims, payload_hash)
            case CertificationClaims():
                self.certifications.setdefault(island, {})[key] = claims
                self.weighing[claims.header.issuer] += 1
            case VouchClaims():
                self.vouches.setdefault(island, {})[key] = claims
                self.weighing[claims.header.issuer] += 1
            case GroupTrustClaims():
                self.groups.setdefault((claims.from_group, claims.to_group), {})[key] = claims
            case FreshnessClaims():
                self.freshness.setdefault(subject, {})[key] = claims
            case _:
                self._put_ruling(key, claims)

    def take(self, key: bytes, claims: Claims) -> None:
        """Let a statement count no more. A removal counts for ever, and so does what an admitter numbered."""
        subject = claims.header.subject
        island = island_id(subject)
        self._note_change(island, claims)
        match claims:
            case SelfClaims():
                del self.speaking[island]
                self._forget(island, subject)
            case AdmissionClaims() if not claims.number:
                places = own(self.granted, island)
                del places[key]
                if not places:
                    del self.granted[island]
                self.combine(subject)
            case CertificationClaims():
                _remove(self.certifications, island, key)
                self._weighs_less(claims.header.issuer)
            case VouchClaims():
                _remove(self.vouches, island, key)
                self._weighs_less(claims.header.issuer)
            case _:
                self._take_ruling(key, claims)

    def freeze(self, issuer: PublicKey) -> None:
        """Note that a key contradicted itself: an admitter's admissions hold no more."""
        self.changes.note_all()
        self.admitters.freeze(issuer)
        self._judge(issuer)

    def _note_change(self, island: IslandId, claims: Claims) -> None:
        """Note whom a statement concerns: one island (and what `combine` finds), or perhaps all."""
        if isinstance(claims, _OF_ONE_ISLAND):
            self.changes.note(island)
        else:
            self.changes.note_all()

    def combine(self, subject: PublicKey) -> None:
        """Find anew what an island is granted, and every island that succeeded it."""
        for heir in (subject, *self.lineage.descendants(subject)):
            self._combine(heir)

    def _combine(self, subject: PublicKey) -> None:
        island = island_id(subject)
        self.changes.note(island)
        holding = self._holding(subject)
        renewals = [
            claims
            for _, claims in sorted(self.renewals.get(island, {}).items())
            if self._may_renew(claims.header.issuer)
        ]
        combined = authority.combine(holding.values(), renewals)
        if combined is None:
            self.admissions.pop(island, None)
            self.admitted.pop(island, None)
        else:
            self.admissions[island] = holding
            self.admitted[island] = combined

    # ------------------------------------------------------------ what admitters say

    def _put_admission(self, key: bytes, claims: AdmissionClaims, payload_hash: bytes) -> None:
        issuer, subject = claims.header.issuer, claims.header.subject
        if not claims.number:
            own(self.granted, island_id(subject))[key] = claims
            self.combine(subject)
            return
        self.admitters.link(key, payload_hash, claims)
        self._concern(issuer, subject)
        self._judge(issuer)

    def _put_ruling(
        self,
        key: bytes,
        claims: RevocationClaims | SuccessorClaims | RenewalClaims | DelegationClaims | CutOffClaims,
    ) -> None:
        subject, issuer = claims.header.subject, claims.header.issuer
        match claims:
            case RevocationClaims():
                self.keys[island_id(subject)] = subject
                self._take_away(claims)
                self.combine(subject)
            case SuccessorClaims():
                self.keys[island_id(subject)] = subject
                self.keys[island_id(claims.new)] = claims.new
                self.lineage.succeed(claims)
                self._concern(issuer, subject)
                self.combine(subject)
            case RenewalClaims():
                self.renewals.setdefault(island_id(subject), {})[key] = claims
                self._concern(issuer, subject)
                self.combine(subject)
            case DelegationClaims():
                self.admitters.delegate(key, claims)
                self._judge(claims.key)
            case CutOffClaims():
                self.admitters.cut(key, claims)
                self._judge(claims.key)

    def _take_away(self, claims: RevocationClaims) -> None:
        if claims.header.issuer == self._owner:
            self.lineage.revoke(claims)
        else:
            self.admitters.withdraw(claims)

    def _take_ruling(self, key: bytes, claims: Claims) -> None:
        subject = claims.header.subject
        match claims:
            case GroupTrustClaims():
                _remove(self.groups, (claims.from_group, claims.to_group), key)
            case FreshnessClaims():
                _remove(self.freshness, subject, key)
            case RenewalClaims():
                _remove(self.renewals, island_id(subject), key)
                self.combine(subject)
            case DelegationClaims():
                self.admitters.replace(key, claims)
            case _:
                pass

    def _concern(self, issuer: PublicKey, subject: PublicKey) -> None:
        if issuer != self._owner:
            self._concerned.setdefault(issuer, set()).add(subject)

    def _judge(self, issuer: PublicKey) -> None:
        """Find anew what an admitter's word amounts to for each island that it spoke of."""
        for subject in sorted(self._concerned.get(issuer, ())):
            self.lineage.settle(subject)
            self.combine(subject)

    def _may_renew(self, issuer: PublicKey) -> bool:
        return issuer == self._owner or self.admitters.is_good(issuer)

    def _holding(self, subject: PublicKey) -> dict[bytes, AdmissionClaims]:
        """Return the admissions of an island that hold, its own and those it inherited, by place."""
        held = self._own(subject)
        for ancestor in self.lineage.ancestors(subject):
            own = self._own(ancestor)
            held.update({place: authority.inherited(claims, subject) for place, claims in own.items()})
        return held

    def _own(self, subject: PublicKey) -> dict[bytes, AdmissionClaims]:
        """Return what the owner granted, whose word stands alone, or else what admitters did."""
        return dict(self.granted.get(island_id(subject), {})) or self.admitters.holding_of(subject)

    # ------------------------------------------------------------ small things

    def _forget(self, island: IslandId, subject: PublicKey) -> None:
        """Forget the key of an island that nothing else is said about."""
        is_admitted = island in self.granted or self.admitters.is_named(subject)
        if not is_admitted and not self.lineage.is_named(subject):
            del self.keys[island]

    def _weighs_less(self, issuer: PublicKey) -> None:
        self.weighing[issuer] -= 1
        if not self.weighing[issuer]:
            del self.weighing[issuer]


def _remove(table: dict[Name, dict[bytes, Content]], name: Name, key: bytes) -> None:
    del table[name][key]
    if not table[name]:
        del table[name]
