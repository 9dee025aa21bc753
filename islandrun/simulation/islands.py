"""The people of a simulated mesh: its owner, and honest islands with a key, a ledger and a machine.

Keys come from the seed of the world: they are as real as any, and worth nothing outside of it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from nacl.signing import SigningKey

from islandrun.mesh.intake import Verifier
from islandrun.mesh.machine import Mesh
from islandrun.trust.claims import (
    AdmissionClaims,
    Claims,
    Header,
    IslandState,
    RevocationClaims,
    SelfClaims,
)
from islandrun.trust.genesis import Genesis, found
from islandrun.trust.ledger import Ledger
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SELF_LIFE_MS_MAX, SignedAttestation, sign
from islandrun.vocabulary import PPM_MAX, Instant, IslandId, PublicKey, Tier

YEAR_MS = 365 * 24 * 3600 * 1000
GROUP = "home"


def dice(*parts: object) -> random.Random:
    """Return a random source that depends on these words alone."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - a simulation must repeat itself


class Pen:
    """An Ed25519 key that signs; the secret half cannot be read from it."""

    def __init__(self, rng: random.Random) -> None:
        self._key = SigningKey(rng.randbytes(32))
        self.public = PublicKey(bytes(self._key.verify_key))

    def __repr__(self) -> str:
        return f"<Pen {self.public.hex()[:8]}>"

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over a message."""
        return self._key.sign(message).signature

    def state(self, claims: Claims) -> SignedAttestation:
        """Sign a statement."""
        return sign(claims, self.sign)


@dataclass(frozen=True, slots=True)
class Timing:
    """Sequence and window of one statement."""

    sequence: int
    now_ms: int
    life_ms: int

    def header(self, mesh_id: bytes, issuer: PublicKey, subject: PublicKey) -> Header:
        """Return the header of a statement made now."""
        return Header(
            mesh_id=mesh_id,
            issuer=issuer,
            subject=subject,
            sequence=self.sequence,
            issued_at_ms=self.now_ms,
            not_before_ms=self.now_ms,
            not_after_ms=self.now_ms + self.life_ms,
        )


class Owner:
    """Who admits and revokes."""

    def __init__(self, name: str, rng: random.Random, now_ms: int) -> None:
        self.pen = Pen(rng)
        self.genesis = found(self.pen.public, name, now_ms, rng.randbytes(16), self.pen.sign)
        self._sequence = 0

    def admit(self, island: PublicKey, now_ms: int, genesis: Genesis | None = None) -> SignedAttestation:
        """Admit an island to this owner's mesh; `genesis` names another mesh, where this has no effect."""
        return self.pen.state(
            AdmissionClaims(
                header=self._timing(now_ms).header(
                    (genesis or self.genesis).mesh_id, self.pen.public, island
                ),
                tier=Tier.PERSONAL,
                group=GROUP,
                trust_ceiling_ppm=PPM_MAX,
            )
        )

    def revoke(self, island: PublicKey, now_ms: int) -> SignedAttestation:
        """Revoke an island for good."""
        header = self._timing(now_ms).header(self.genesis.mesh_id, self.pen.public, island)
        return self.pen.state(RevocationClaims(header=header, island=island, reason="lost"))

    def _timing(self, now_ms: int) -> Timing:
        self._sequence = max(self._sequence + 1, now_ms)
        return Timing(self._sequence, now_ms, YEAR_MS)


class Island:
    """One island. Its key and, unless its disk is lost, its ledger outlive a crash; its machine does not."""

    def __init__(self, name: str, genesis: Genesis, rng: random.Random) -> None:
        self.name = name
        self.pen = Pen(rng)
        self.id: IslandId = island_id(self.pen.public)
        self.genesis = genesis
        self.ledger = Ledger(genesis)
        self.mesh: Mesh | None = None
        self.newest: SignedAttestation | None = None
        self.backup: tuple[SignedAttestation, ...] = ()
        self._sequence = 0

    def __repr__(self) -> str:
        return f"<Island {self.name} {'up' if self.mesh else 'down'}>"

    def start(
        self, known: tuple[SignedAttestation, ...], verifier: Verifier, rng: random.Random, now: Instant
    ) -> Mesh:
        """Begin to run with what is on disk, and with `known`, which a newcomer gets when it joins."""
        self.backup = self.backup or known
        for signed in known:
            self.ledger.admit(verifier(signed, self.genesis, now.wall_ms), now.wall_ms)
        self.mesh = Mesh(self.id, self.ledger, rng, now, verifier=verifier)
        return self.mesh

    def crash(self, loses_disk: bool = False) -> None:
        """Stop without a word."""
        self.mesh = None
        if loses_disk:
            self.ledger = Ledger(self.genesis)

    def attest(self, now_ms: int, state: IslandState = IslandState.READY) -> SignedAttestation:
        """State something new about itself; its sequence grows also over the loss of a disk."""
        self._sequence = max(self._sequence + 1, now_ms)
        self.newest = self.self_statement(self._sequence, now_ms, state)
        return self.newest

    def self_statement(
        self, sequence: int, now_ms: int, state: IslandState = IslandState.READY, name: str = ""
    ) -> SignedAttestation:
        """Sign a statement of itself with any sequence: what only a liar does twice."""
        header = Timing(sequence, now_ms, SELF_LIFE_MS_MAX).header(
            self.genesis.mesh_id, self.pen.public, self.pen.public
        )
        claims = SelfClaims(
            header=header,
            name=name or self.name,
            incarnation=sequence,
            endpoints=(f"{self.name}.example:7001",),
            requests_max=4,
            state=state,
        )
        return self.pen.state(claims)
