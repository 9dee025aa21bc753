"""The people of a simulated mesh: its owner, and honest islands with a key, a ledger and a machine.

Keys come from the seed of the world: they are as real as any, and worth nothing outside of it.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass

from nacl.signing import SigningKey

from islandrun.errors import RejectedMessage
from islandrun.mesh.gossip import rank_of_kind
from islandrun.mesh.intake import Verifier
from islandrun.mesh.machine import Mesh
from islandrun.trust.claims import (
    AdmissionClaims,
    Claims,
    Header,
    IslandState,
    RevocationClaims,
    SelfClaims,
    decode,
)
from islandrun.trust.genesis import Genesis, found
from islandrun.trust.ledger import Ledger, Proof, key_of
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SELF_LIFE_MS_MAX, SignedAttestation, sign
from islandrun.vocabulary import PPM_MAX, Instant, IslandId, ModelOffer, Ppm, PublicKey, Tier

YEAR_MS = 365 * 24 * 3600 * 1000
GROUP = "home"
MODEL = ModelOffer(name="echo", context_tokens_max=8_192, quality_ppm=Ppm(500_000))
"""What every simulated island offers to run."""


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
        end_ms = self.now_ms + self.life_ms
        return Header.made_now(mesh_id, issuer, subject, self.sequence, self.now_ms, end_ms)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the owner lets an island be."""

    tier: Tier = Tier.PERSONAL
    trust_ceiling_ppm: Ppm = PPM_MAX


FULL_GRANT = Grant()


class Owner:
    """Who admits and revokes."""

    def __init__(self, name: str, rng: random.Random, now_ms: int) -> None:
        self.pen = Pen(rng)
        self.genesis = found(self.pen.public, name, now_ms, rng.randbytes(16), self.pen.sign)
        self._sequence = 0

    def admit(
        self,
        island: PublicKey,
        now_ms: int,
        genesis: Genesis | None = None,
        grant: Grant = FULL_GRANT,
    ) -> SignedAttestation:
        """Admit an island to this owner's mesh; `genesis` names another mesh, where this has no effect."""
        return self.pen.state(
            AdmissionClaims(
                header=self._timing(now_ms).header(
                    (genesis or self.genesis).mesh_id, self.pen.public, island
                ),
                tier=grant.tier,
                group=GROUP,
                trust_ceiling_ppm=grant.trust_ceiling_ppm,
            )
        )

    def revoke(self, island: PublicKey, now_ms: int) -> SignedAttestation:
        """Revoke an island for good."""
        header = self._timing(now_ms).header(self.genesis.mesh_id, self.pen.public, island)
        return self.pen.state(RevocationClaims(header=header, island=island, reason="lost"))

    def _timing(self, now_ms: int) -> Timing:
        self._sequence = max(self._sequence + 1, now_ms)
        return Timing(self._sequence, now_ms, YEAR_MS)


@dataclass(frozen=True, slots=True)
class Backup:
    """What an island can begin again with: statements, and how far its own sequence had come."""

    records: tuple[SignedAttestation, ...]
    sequence: int


NO_BACKUP = Backup((), 0)


class Island:
    """One island. Its key and, unless its disk is lost, its ledger outlive a crash; its machine does not.

    `clock_offset_ms` is how wrong its wall clock is; while it `is_asleep` it neither hears nor acts.
    """

    def __init__(self, name: str, genesis: Genesis, rng: random.Random) -> None:
        self.name = name
        self.pen = Pen(rng)
        self.id: IslandId = island_id(self.pen.public)
        self.genesis = genesis
        self.ledger = Ledger(genesis)
        self.mesh: Mesh | None = None
        self.newest: SignedAttestation | None = None
        self.clock_offset_ms = 0
        self.is_asleep = False
        self._disk: dict[bytes, SignedAttestation] = {}
        self._proofs: tuple[Proof, ...] = ()
        self._backup = NO_BACKUP
        self._sequence = 0

    def __repr__(self) -> str:
        return f"<Island {self.name} {'up' if self.runs else 'down'}>"

    @property
    def has_disk(self) -> bool:
        """Whether it has anything to begin again with."""
        return bool(self._disk)

    @property
    def runs(self) -> bool:
        """Whether it hears and acts now."""
        return self.mesh is not None and not self.is_asleep

    def start(
        self, known: tuple[SignedAttestation, ...], verifier: Verifier, rng: random.Random, now: Instant
    ) -> Mesh:
        """Begin to run with what is on disk, and with `known`, which a newcomer gets when it joins.

        As a node does, it leaves out what is not valid by its clock; the disk keeps it.
        """
        for signed in known:
            self._disk[key_of(decode(signed.kind, signed.payload))] = signed
        if not self._backup.records:
            self.back_up()
        self.ledger = Ledger(self.genesis)
        for signed in self.on_disk():
            with suppress(RejectedMessage):
                self.ledger.admit(verifier(signed, self.genesis, now.wall_ms), now.wall_ms)
        for first, second in self._proofs:
            with suppress(RejectedMessage):
                self.ledger.admit_equivocation(first, second, now.wall_ms)
        self.mesh = Mesh(self.id, self.ledger, rng, now, verifier=verifier)
        return self.mesh

    def start_like(
        self, prototype: Mesh, ledger: Ledger, verifier: Verifier, rng: random.Random, now: Instant
    ) -> Mesh:
        """Begin to run as an island that has been there for long, and knows what the prototype knows."""
        self.ledger = ledger.fork()
        self.mesh = prototype.fork(self.id, self.ledger, rng, now, verifier)
        return self.mesh

    def on_disk(self) -> tuple[SignedAttestation, ...]:
        """Return the newest statement of every place that it ever held: the owner's first."""
        held = self.ledger.versions()
        self._disk.update(zip(sorted(held), self.ledger.records(), strict=True))
        ordered = sorted(self._disk.items(), key=lambda item: (rank_of_kind(item[1].kind), item[0]))
        return tuple(signed for _, signed in ordered)

    def crash(self) -> None:
        """Stop without a word; the disk is whole."""
        if self.mesh is not None:
            self.on_disk()
            self._proofs = self.ledger.equivocations()
        self.mesh = None
        self.is_asleep = False

    def lose_disk(self, backup: Backup = NO_BACKUP) -> None:
        """Begin again with nothing, or with a backup; its own sequence it still knows."""
        self.ledger = Ledger(self.genesis)
        self._proofs = ()
        self._disk = {key_of(decode(signed.kind, signed.payload)): signed for signed in backup.records}

    def back_up(self) -> None:
        """Keep what is on disk now for a later `roll_back`."""
        self._backup = Backup(self.on_disk(), self._sequence)

    def roll_back(self) -> None:
        """Begin again with the last backup, its sequence included: what was said since is forgotten."""
        self.lose_disk(self._backup)
        self._sequence = self._backup.sequence

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
            models=(MODEL,),
            requests_max=4,
            state=state,
        )
        return self.pen.state(claims)
