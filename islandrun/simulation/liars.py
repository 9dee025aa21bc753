"""Islands that lie. A liar was admitted once and runs an honest machine; beside it, it says what is not so.

Each lie is a function: what the liar knows -> messages that no honest island would send. None of them may
ever change what an honest island believes; the lies about the liar itself may only cost it its own trust.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from islandrun.simulation.censors import CENSORS, say_all
from islandrun.simulation.islands import MODEL, Island, Owner, Timing
from islandrun.trust.claims import CertificationClaims, SelfClaims, VouchClaims, decode
from islandrun.trust.genesis import Genesis
from islandrun.trust.naming import island_id
from islandrun.trust.signing import SELF_LIFE_MS_MAX, SignedAttestation
from islandrun.v1 import attestation_pb2, mesh_pb2
from islandrun.vocabulary import PPM_MAX, IslandId, Ppm, PublicKey

LIE_SECONDS: Final = 1.0
"""How often a liar lies."""

FLOOD: Final = 20
"""How many statements one wave of a flood has: twice what is listened to of one source in a second."""

FRIENDS: Final = 4


@dataclass(frozen=True, slots=True)
class Lie:
    """One message of a liar, and the statements in it that are truly signed by whom they name."""

    message: mesh_pb2.GossipMessage
    signed: tuple[SignedAttestation, ...] = ()


class Liar(Island):
    """An admitted island that tells one kind of lie; see `LIES`."""

    def __init__(self, name: str, genesis: Genesis, rng: random.Random, lie: str) -> None:
        super().__init__(name, genesis, rng)
        self.lie = lie
        self.rng = rng
        self.stranger = Island(f"{name}-stranger", genesis, rng)
        self.foreigner = Owner("elsewhere", rng, genesis.created_at_ms)
        self.remembered: dict[IslandId, SignedAttestation] = {}
        self.first_view: tuple[SignedAttestation, ...] = ()
        self.gang: dict[PublicKey, None] = {self.pen.public: None}

    def lies(self, now_ms: int) -> tuple[Lie, ...]:
        """Return what to send now, each to an island of the world's choice."""
        for island, signed in _self_records(self).items():
            self.remembered.setdefault(island, signed)
        self.first_view = self.first_view or self.ledger.records()
        return LIES[self.lie](self, now_ms)

    def censor(self, message: mesh_pb2.GossipMessage) -> mesh_pb2.GossipMessage | None:
        """Return what it really sends of what its honest half says."""
        return CENSORS.get(self.lie, say_all)(message, self.gang)


def forge(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Speak in the name of others: with their key outside, with its own, and with cut bytes."""
    victims = _self_records(liar)
    if not victims:
        return ()
    victim = victims[liar.rng.choice(sorted(victims))]
    claims = liar.ledger.self_claims(liar.rng.choice(sorted(victims)))
    assert isinstance(claims, SelfClaims)
    header = replace(claims.header, sequence=claims.header.sequence + 1_000_000)
    signed_by_liar = liar.pen.state(replace(claims, header=header, endpoints=("evil.example:666",)))
    return (
        _push(signed_by_liar),
        _push(replace(signed_by_liar, issuer=liar.pen.public)),
        _push(replace(victim, payload=victim.payload[:-1])),
        _push(replace(victim, kind="admission")),
    )


def replay(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Say again what others said long ago."""
    return tuple(_push(liar.remembered[island]) for island in sorted(liar.remembered))


def roll_back(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """State something with a lower sequence than before."""
    sequence = liar.rng.randrange(1, now_ms - 1_000_000)
    return (_own(liar.self_statement(sequence, now_ms)),)


def equivocate(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """State two things with one sequence, each to somebody else."""
    sequence = now_ms + 1_000
    first, second = (liar.self_statement(sequence, now_ms, name=name) for name in ("left", "right"))
    return _own(first), _own(second)


def invite(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Bring a stranger in: admitted by another owner, by the liar itself, and by nobody."""
    stranger = liar.stranger
    by_foreigner = liar.foreigner.admit(stranger.pen.public, now_ms, liar.genesis)
    by_liar = replace(by_foreigner, issuer=liar.pen.public, signature=liar.pen.sign(by_foreigner.payload))
    about_itself = stranger.attest(now_ms)
    return (
        _push(by_foreigner, about_itself),
        _push(by_liar, about_itself),
        Lie(_message(about_itself), (about_itself,)),
    )


def accuse(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Say that another island contradicted itself, with a second statement that it never made."""
    victims = _self_records(liar)
    if not victims:
        return ()
    first = victims[liar.rng.choice(sorted(victims))]
    second = replace(first, payload=first.payload + b"\x12\x00", signature=liar.pen.sign(first.payload))
    proofs = ((first, second), (first, first))
    return tuple(
        Lie(
            mesh_pb2.GossipMessage(
                equivocation=attestation_pb2.Equivocation(first=one.to_wire(), second=two.to_wire())
            )
        )
        for one, two in proofs
    )


def boast(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Claim to be able to run everything, at once, for nothing."""
    best = replace(MODEL, quality_ppm=PPM_MAX, context_tokens_max=100_000_000)
    claims = decode("self", liar.attest(now_ms).payload)
    assert isinstance(claims, SelfClaims)
    return (_own(liar.pen.state(replace(claims, models=(best,), requests_max=1_000_000))),)


def flood(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """State more than anybody can want to keep: each statement is genuine."""
    fellow = liar.rng.choice(sorted(liar.ledger.islands()))
    subject = liar.ledger.public_key(fellow) or liar.stranger.pen.public
    slots = liar.rng.sample(range(1_000_000), FLOOD)
    stated = [_vouch(liar, subject, now_ms, slot, Ppm(0)) for slot in slots if subject != liar.pen.public]
    return tuple(_own(signed) for signed in stated)


def collude(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Vouch for the rest of the gang and for a stranger, and certify them all, as far as one can."""
    friends = [*(key for key in liar.gang if key != liar.pen.public), liar.stranger.pen.public]
    lies: list[Lie] = []
    for friend in friends[:FRIENDS]:
        header = Timing(now_ms, now_ms, SELF_LIFE_MS_MAX).header(
            liar.genesis.mesh_id, liar.pen.public, friend
        )
        certified = liar.pen.state(CertificationClaims(header, "iso27001", PPM_MAX))
        lies += [_own(_vouch(liar, friend, now_ms, 0, PPM_MAX)), _own(certified)]
    return tuple(lies)


def keep_back(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Say nothing untrue: the lie is in what is left out, see `censors`."""
    return ()


def old_view(liar: Liar, now_ms: int) -> tuple[Lie, ...]:
    """Show the mesh as it was when the liar came: admissions, members and all, and nothing since."""
    some = liar.rng.sample(liar.first_view, min(len(liar.first_view), FLOOD))
    return (_push(*some),) if some else ()


LIES: Final[Mapping[str, Callable[[Liar, int], tuple[Lie, ...]]]] = {
    "accuse": accuse,
    "equivocate": equivocate,
    "forge": forge,
    "invite": invite,
    "replay": replay,
    "roll-back": roll_back,
    "boast": boast,
    "collude": collude,
    "eclipse": keep_back,
    "flood": flood,
    "freeze": keep_back,
    "old-view": old_view,
}
"""Every lie by its name, in the order in which a simulation with several liars uses them."""


def _self_records(liar: Liar) -> dict[IslandId, SignedAttestation]:
    """Return what others say of themselves, as the liar's honest half heard it."""
    found: dict[IslandId, SignedAttestation] = {}
    for signed in liar.ledger.records():
        if signed.kind == "self" and signed.issuer != liar.pen.public:
            found[island_id(signed.issuer)] = signed
    return found


def _vouch(liar: Liar, subject: PublicKey, now_ms: int, slot: int, ceiling: Ppm) -> SignedAttestation:
    header = Timing(now_ms, now_ms, SELF_LIFE_MS_MAX).header(liar.genesis.mesh_id, liar.pen.public, subject)
    return liar.pen.state(VouchClaims(replace(header, slot=slot), ceiling))


def _message(*records: SignedAttestation) -> mesh_pb2.GossipMessage:
    return mesh_pb2.GossipMessage(push=mesh_pb2.Push(attestations=[signed.to_wire() for signed in records]))


def _push(*records: SignedAttestation) -> Lie:
    return Lie(_message(*records))


def _own(signed: SignedAttestation) -> Lie:
    return Lie(_message(signed), (signed,))
