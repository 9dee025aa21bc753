"""One measured run: a mesh forms, some islands fall silent, news is told, and we count the rounds.

The news is a new statement by each of up to ten islands, and the revocation of a stolen device by the owner.
The thief leaves the device on: it talks on, and nobody who has heard of the revocation may listen.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Final

from islandrun.mesh.pace import ROUND_SECONDS
from islandrun.simulation.islands import Island
from islandrun.simulation.liars import LIES
from islandrun.simulation.network import Conditions
from islandrun.simulation.world import World
from islandrun.trust.ledger import record_key
from islandrun.trust.signing import SignedAttestation

SCHEMA: Final = "islandrun.simulate/v1"
SETTLE_SECONDS_MAX: Final = 60.0
UPDATES_MAX: Final = 10
AFTERMATH_SECONDS: Final = 2.0
"""How long the mesh runs on after all is known, so that late and doubled messages still arrive."""

STOLEN: Final = "stolen-device"


@dataclass(frozen=True, slots=True)
class Report:
    """What one run showed. Equal arguments give an equal report, on every machine.

    `loss` and `down` are shares; rounds are counted from the moment at which something was said to the moment
    at which a live, honest island held it, over all such pairs; a pair that was missed counts as the whole
    measured time. `violations` counts what must never happen; the run ends at the first of them. `story` is
    for people, when something went wrong.
    """

    islands: int
    seed: int
    loss: float
    down: float
    liars: int
    live: int
    converged: bool
    violations: int
    rounds_p50: int
    rounds_p99: int
    rounds_max: int
    updates: int
    pairs: int
    pairs_missed: int
    settled_seconds: float
    measured_seconds: float
    messages_sent: int
    messages_lost: int
    messages_refused: int
    bad_statements: int
    bytes_sent: int
    trace_sha256: str
    breaches: tuple[str, ...] = ()
    story: str = field(default="", repr=False)

    def to_json(self) -> dict[str, object]:
        """Return it as plain values, without the story."""
        values = asdict(self)
        del values["story"]
        return {"schema": SCHEMA, **values, "breaches": list(self.breaches)}


@dataclass(frozen=True, slots=True)
class _Update:
    signed: SignedAttestation
    said_by: str
    said_at: float


def run(
    islands: int,
    seed: int,
    loss: float = 0.0,
    down: float = 0.0,
    seconds_max: float = 120.0,
    liars: int = 0,
) -> Report:
    """Run a mesh of `islands` honest islands (2 or more) and `liars` others, and measure it.

    `loss` is the share of messages that get lost, `down` the share of islands that crash just before the
    news, and `seconds_max` bounds the virtual time of the measured part.
    """
    assert islands >= 2, "one island is no mesh"
    assert 0 <= loss < 1, "loss is a share below 1"
    assert 0 <= down < 1, "down is a share below 1"
    world = World(seed, Conditions(loss=loss, duplicates=loss / 10, late_share=loss / 3))
    _settle(world, islands, liars)
    settled = world.seconds
    live = _crash_some(world, int(islands * down))
    updates = _say_news(world, live)
    measured = _measure(world, updates, live, settled, seconds_max)
    p50, p99, most, pairs, missed = _rounds(world, updates, live, measured)
    return Report(
        islands=islands,
        seed=seed,
        loss=loss,
        down=down,
        liars=liars,
        live=len(live),
        converged=_has_converged(world, live),
        violations=world.invariants.count,
        rounds_p50=p50,
        rounds_p99=p99,
        rounds_max=most,
        updates=len(updates),
        pairs=pairs,
        pairs_missed=missed,
        settled_seconds=round(settled, 3),
        measured_seconds=round(measured, 3),
        messages_sent=world.counts.sent,
        messages_lost=world.counts.lost,
        messages_refused=world.counts.refused,
        bad_statements=world.counts.bad_statements,
        bytes_sent=world.counts.size_bytes,
        trace_sha256=world.trace_hash(),
        breaches=tuple(f"{breach.island}: {breach.text}" for breach in world.invariants.violations[:10]),
        story=world.story(),
    )


def _measure(
    world: World, updates: tuple[_Update, ...], live: tuple[Island, ...], begin: float, seconds_max: float
) -> float:
    """Run until all news is everywhere, and some time more; return the seconds until it was."""
    end = begin + seconds_max
    while world.seconds < end and not world.invariants.count and not _all_reached(world, updates, live):
        world.run(min(ROUND_SECONDS, end - world.seconds))
    measured = world.seconds - begin
    world.run(AFTERMATH_SECONDS)
    world.sweep_all()
    return measured


def _settle(world: World, islands: int, liars: int) -> None:
    """Let all join within the first second, and wait until everybody knows everybody."""
    lies = list(LIES)
    for number in range(islands + liars):
        lie = lies[(number - islands) % len(lies)] if number >= islands else ""
        name = f"liar-{number - islands + 1}" if lie else f"island-{number + 1}"
        world.join(name, lie)
        world.run(world.rng.uniform(0.0, ROUND_SECONDS / (islands + liars)))
    world.join(STOLEN)
    while (
        world.seconds < SETTLE_SECONDS_MAX
        and not world.invariants.count
        and not _knows_all(world, world.honest())
    ):
        world.run(ROUND_SECONDS)


def _crash_some(world: World, count: int) -> tuple[Island, ...]:
    """Crash that many honest islands, but not the last one; return those that live."""
    honest = [island.name for island in _owners_own(world)]
    for name in sorted(world.rng.sample(honest, min(count, len(honest) - 1))):
        world.crash(name)
    return _owners_own(world)


def _owners_own(world: World) -> tuple[Island, ...]:
    """Return the islands that run, do not lie, and are in the hands of the owner."""
    return tuple(island for island in world.honest() if island.name != STOLEN)


def _say_news(world: World, live: tuple[Island, ...]) -> tuple[_Update, ...]:
    names = [island.name for island in live]
    speakers = sorted(world.rng.sample(names, min(UPDATES_MAX, len(names))))
    updates = [_Update(world.publish(name), name, world.seconds) for name in speakers]
    herald = world.rng.choice(names)
    updates.append(_Update(world.revoke(STOLEN, at=herald), herald, world.seconds))
    return tuple(updates)


def _all_reached(world: World, updates: tuple[_Update, ...], live: tuple[Island, ...]) -> bool:
    return all(island.name in world.seen_at[update.signed] for update in updates for island in live)


def _knows_all(world: World, live: tuple[Island, ...]) -> bool:
    """Say whether each of these islands holds the newest statement of each."""
    newest = [(record_key(one.pen.public, one.pen.public, "self", 0), one.newest) for one in live]
    return all(island.ledger.record(key) == signed for island in live for key, signed in newest)


def _has_converged(world: World, live: tuple[Island, ...]) -> bool:
    is_revoked = all(world.islands[STOLEN].id in island.ledger.revoked() for island in live)
    return is_revoked and _knows_all(world, live)


def _rounds(
    world: World, updates: tuple[_Update, ...], live: tuple[Island, ...], measured: float
) -> tuple[int, int, int, int, int]:
    """Return p50, p99 and most of the rounds, the count of pairs, and how many of them were missed."""
    rounds: list[int] = []
    missed = 0
    for update in updates:
        seen_at = world.seen_at[update.signed]
        for island in live:
            if island.name != update.said_by:
                at = seen_at.get(island.name)
                missed += at is None
                seconds = measured if at is None else at - update.said_at
                rounds.append(math.ceil(seconds / ROUND_SECONDS))
    rounds.sort()
    return _rank(rounds, 0.50), _rank(rounds, 0.99), _rank(rounds, 1.0), len(rounds), missed


def _rank(ordered: list[int], share: float) -> int:
    """Return the nearest-rank percentile; 0 of nothing."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0
