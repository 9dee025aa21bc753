"""Who may admit islands beside the owner, and which of their admissions hold: a function of what is held.

* A delegation by the owner makes a key an admitter. Its admissions are numbered from 1, each names the one
  before by its hash, and none is ever changed. Beyond the quota, or to a group not allowed, they are void;
  where one grants more than the delegation, the delegation counts.
* Two admissions of one number, or one that names another before it, prove that the admitter lies. Then none
  holds until the owner rules.
* What it takes back of these is void for ever, also after its delegation ended; it can take nothing else.
* A cut-off is that ruling, for good: what holds is the chain that ends where it says. It is followed by
  hashes, so that nothing can be dated back.
"""

from __future__ import annotations

from dataclasses import replace

from islandrun.trust.claims import AdmissionClaims, CutOffClaims, DelegationClaims, RevocationClaims
from islandrun.vocabulary import PublicKey

Link = tuple[bytes, AdmissionClaims]
"""SHA-256 of an admission's payload, and what it says."""


class Admitters:
    """Delegations, cut-offs and numbered admissions by the key of the admitter, inside by place."""

    def __init__(self) -> None:
        self._delegations: dict[PublicKey, dict[bytes, DelegationClaims]] = {}
        self._cuts: dict[PublicKey, dict[bytes, CutOffClaims]] = {}
        self._links: dict[PublicKey, dict[bytes, Link]] = {}
        self._admitted: dict[PublicKey, set[PublicKey]] = {}
        self._withdrawn: dict[PublicKey, set[PublicKey]] = {}
        self._frozen: set[PublicKey] = set()
        self._holding: dict[PublicKey, dict[bytes, AdmissionClaims]] = {}

    # ------------------------------------------------------------ taking in

    def delegate(self, place: bytes, claims: DelegationClaims) -> None:
        """Let a delegation count."""
        self._delegations.setdefault(claims.key, {})[place] = claims
        self._holding.pop(claims.key, None)

    def replace(self, place: bytes, claims: DelegationClaims) -> None:
        """Let a delegation count no more: a newer one of its place follows."""
        del self._delegations[claims.key][place]

    def cut(self, place: bytes, claims: CutOffClaims) -> None:
        """Let a cut-off count, for ever."""
        self._cuts.setdefault(claims.key, {})[place] = claims
        self._holding.pop(claims.key, None)

    def link(self, place: bytes, payload_hash: bytes, claims: AdmissionClaims) -> None:
        """Take in a numbered admission, for ever."""
        self._links.setdefault(claims.header.issuer, {})[place] = payload_hash, claims
        self._admitted.setdefault(claims.header.subject, set()).add(claims.header.issuer)
        self._holding.pop(claims.header.issuer, None)

    def withdraw(self, claims: RevocationClaims) -> None:
        """Let an admitter take back what it granted an island, for ever."""
        issuer = claims.header.issuer
        self._withdrawn.setdefault(claims.island, set()).add(issuer)
        self._holding.pop(issuer, None)

    def freeze(self, admitter: PublicKey) -> None:
        """Note that a key contradicted itself."""
        self._frozen.add(admitter)
        self._holding.pop(admitter, None)

    # ------------------------------------------------------------ who may admit

    def known(self) -> tuple[PublicKey, ...]:
        """Return every key that the owner ever gave a delegation, sorted."""
        return tuple(sorted(self._delegations))

    def issuing(self) -> tuple[PublicKey, ...]:
        """Return the keys that may admit, or of whose admissions some hold, sorted."""
        return tuple(key for key in self.known() if self.is_good(key) or self.holding(key))

    def is_known(self, key: PublicKey) -> bool:
        """Say whether the owner ever gave this key a delegation."""
        return key in self._delegations

    def is_cut(self, key: PublicKey) -> bool:
        """Say whether the owner ended what this key may do."""
        return key in self._cuts

    def is_good(self, key: PublicKey) -> bool:
        """Say whether a key may admit, renew and approve now."""
        return key in self._delegations and key not in self._cuts and key not in self._frozen

    def delegation(self, key: PublicKey) -> DelegationClaims | None:
        """Return what a key may admit: of several delegations the least in everything."""
        whole: DelegationClaims | None = None
        for _, claims in sorted(self._delegations.get(key, {}).items()):
            whole = claims if whole is None else _least(whole, claims)
        return whole

    def cut_off(self, key: PublicKey) -> CutOffClaims | None:
        """Return the earliest cut-off of a key."""
        return min(self._cuts.get(key, {}).values(), key=lambda cut: cut.last_good_number, default=None)

    # ------------------------------------------------------------ what they admitted

    def links(self, key: PublicKey) -> tuple[Link, ...]:
        """Return every admission that a key signed, whether it holds or not, by number."""
        links = self._links.get(key, {}).values()
        return tuple(sorted(links, key=lambda link: (link[1].number, link[0])))

    def count(self, key: PublicKey) -> int:
        """Return how many admissions of a key are held."""
        return len(self._links.get(key, ()))

    def is_withdrawn(self, island: PublicKey) -> bool:
        """Say whether an admitter took back what it had granted this island."""
        keys = self._withdrawn.get(island, set()) & self._admitted.get(island, set())
        return any(map(self.is_known, keys))

    def has_admitted(self, key: PublicKey, island: PublicKey) -> bool:
        """Say whether a key ever signed an admission of an island."""
        return key in self._admitted.get(island, ())

    def is_named(self, island: PublicKey) -> bool:
        """Say whether any key ever signed a numbered admission of an island, or took one back."""
        return island in self._admitted or island in self._withdrawn

    def holding_of(self, island: PublicKey) -> dict[bytes, AdmissionClaims]:
        """Return the admissions of an island that hold, by place."""
        return {
            place: claims
            for key in sorted(self._admitted.get(island, ()))
            for place, claims in self.holding(key).items()
            if claims.header.subject == island
        }

    def contradicting(self, payload_hash: bytes, claims: AdmissionClaims) -> bytes | None:
        """Return the place of a held admission with which this one cannot stand together."""
        for place, other in sorted(self._links.get(claims.header.issuer, {}).items()):
            if is_contradiction((payload_hash, claims), other):
                return place
        return None

    def holding(self, key: PublicKey) -> dict[bytes, AdmissionClaims]:
        """Return the admissions of a key that hold, each lowered to the delegation, by place."""
        known = self._holding.get(key)
        if known is None:
            delegation = self.delegation(key)
            standing = self._standing(key) if delegation is not None else {}
            known = self._holding[key] = {
                place: limited(claims, delegation)
                for place, (_, claims) in standing.items()
                if delegation is not None
                and is_within(claims, delegation)
                and key not in self._withdrawn.get(claims.header.subject, ())
            }
        return known

    def _standing(self, key: PublicKey) -> dict[bytes, Link]:
        """Return the links of a key that neither a cut-off nor a contradiction voids."""
        links = self._links.get(key, {})
        if key in self._cuts:
            chains = [self._chain(links, cut) for cut in self._cuts[key].values()]
            return {place: links[place] for place in set.intersection(*chains)}
        return {} if key in self._frozen else links

    def _chain(self, links: dict[bytes, Link], cut: CutOffClaims) -> set[bytes]:
        """Follow the chain from its end, as far as it is held here."""
        by_name = {(claims.number, name): place for place, (name, claims) in links.items()}
        chain: set[bytes] = set()
        number, name = cut.last_good_number, cut.last_good_hash
        while number and (place := by_name.get((number, name))) is not None:
            chain.add(place)
            number, name = number - 1, links[place][1].header.previous_hash
        return chain


def is_contradiction(one: Link, other: Link) -> bool:
    """Say whether two admissions of one admitter prove that it lies."""
    if one[1].header.issuer != other[1].header.issuer or one[0] == other[0]:
        return False
    if not (one[1].number and other[1].number):
        return False
    (low_name, low), (_, high) = sorted((one, other), key=lambda link: link[1].number)
    is_next = high.number == low.number + 1
    return low.number == high.number or (is_next and high.header.previous_hash != low_name)


def is_within(claims: AdmissionClaims, delegation: DelegationClaims) -> bool:
    """Say whether an admission is one that the delegation allows at all."""
    return 1 <= claims.number <= delegation.admissions_max and claims.group in delegation.groups


def limited(claims: AdmissionClaims, delegation: DelegationClaims) -> AdmissionClaims:
    """Return an admission lowered to what its issuer may grant.

    Places beyond the delegation are none: a part of the list would let more pass than the whole.
    """
    may_attest = set(claims.jurisdictions) <= set(delegation.jurisdictions)
    return replace(
        claims,
        tier=max(claims.tier, delegation.tier),
        trust_ceiling_ppm=min(claims.trust_ceiling_ppm, delegation.trust_ceiling_ppm),
        jurisdictions=claims.jurisdictions if may_attest else (),
    )


def _least(one: DelegationClaims, other: DelegationClaims) -> DelegationClaims:
    return replace(
        one,
        admissions_max=min(one.admissions_max, other.admissions_max),
        tier=max(one.tier, other.tier),
        trust_ceiling_ppm=min(one.trust_ceiling_ppm, other.trust_ceiling_ppm),
        groups=tuple(sorted(set(one.groups) & set(other.groups))),
        jurisdictions=tuple(sorted(set(one.jurisdictions) & set(other.jurisdictions))),
    )
