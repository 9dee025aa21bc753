"""How long one routing decision takes, over meshes of several sizes.

Each decision judges every island by all agents and scores the eligible ones; "with its receipt" also writes
the reports that a receipt keeps. Beside them: what a fleet costs when it is made, when one island of it
changes, and what a request costs once, when its findings are prepared for being judged. A second table says
what it costs to look at the islands of a real ledger and mesh before each decision. Meshes and questions come
from a seed, so that two runs measure the same work.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.routing.candidates import LocalFacts, Vantage
from islandrun.routing.choose import choose
from islandrun.routing.lookout import Lookout
from islandrun.simulation.founded import FoundedWorld
from islandrun.simulation.invariants import POLICY
from islandrun.simulation.islands import GROUP
from islandrun.vocabulary import (
    DataSetOffer,
    Finding,
    FindingType,
    Hints,
    Instant,
    IslandId,
    IslandView,
    Load,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)

SCHEMA = "islandrun.bench.routing/v2"
SIZES = (10, 100, 1_000, 10_000)
TARGETS_US = {10: 50, 1_000: 2_000, 10_000: 20_000}
RUNS_MIN = 30
RUNS_MAX = 10_000
SECONDS_MIN = 2.0
QUESTIONS = 20
FINDINGS = 12
NOW = Instant(0.0, 1_000)

LOOKED_AT = (10, 1_000)
LOOKS = {
    "islands": "islands",
    "all_p50_us": "all anew",
    "same_p50_us": "nothing new",
    "one_p50_us": "one is new",
}
COLUMNS = {
    "islands": "islands",
    "eligible": "eligible",
    "decisions": "decisions",
    "p50_us": "p50 us",
    "p99_us": "p99 us",
    "target_us": "target us",
    "receipt_p50_us": "with receipt",
    "receipt_p99_us": "p99 us",
    "change_p50_us": "one changes",
    "fleet_p50_us": "fleet made",
    "assessment_p50_us": "assessment",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=1, help="what meshes and questions are made from")
    options = parser.parse_args()
    rows = [measure(size, options.seed) for size in SIZES]
    looks = [measure_looking(size, options.seed) for size in LOOKED_AT]
    if options.json:
        print(json.dumps({"schema": SCHEMA, "seed": options.seed, "rows": rows, "looks": looks}))
        return
    show(COLUMNS, rows)
    print("p50 of all but where it says p99; all in microseconds. A receipt holds 256 reports at most.\n")
    show(LOOKS, looks)
    print("p50 in microseconds of looking at all islands before a decision.")


def show(columns: dict[str, str], rows: Sequence[dict[str, float]]) -> None:
    """Print rows as a table."""
    print("  ".join(f"{heading:>12}" for heading in columns.values()))
    for row in rows:
        print("  ".join(f"{row[name]:>12}" for name in columns))


def measure(size: int, seed: int) -> dict[str, float]:
    """Time decisions over one mesh with several questions."""
    rng = random.Random(seed)
    islands = [island(number, rng) for number in range(size)]
    questions = [question(rng) for _ in range(QUESTIONS)]
    fleet = fleet_of(islands)
    eligible = [sum(report.rank > 0 for report in choose(asked, fleet).reports) for asked in questions]
    other = replace(islands[size // 2], round_trip_ms=81)
    decided = spent(lambda run: choose(questions[run % QUESTIONS], fleet))
    written = spent(lambda run: choose(questions[run % QUESTIONS], fleet).to_wire().SerializeToString())
    return {
        "islands": size,
        "eligible": round(sum(eligible) / len(eligible)),
        "decisions": len(decided),
        "p50_us": microseconds(decided, 50),
        "p99_us": microseconds(decided, 99),
        "target_us": TARGETS_US.get(size, 0),
        "receipt_p50_us": microseconds(written, 50),
        "receipt_p99_us": microseconds(written, 99),
        "change_p50_us": microseconds(spent(lambda _: fleet.with_changes({other.id: other})), 50),
        "fleet_p50_us": microseconds(spent(lambda _: fleet_of(islands)), 50),
        "assessment_p50_us": microseconds(spent(lambda run: prepared(questions[run % QUESTIONS])), 50),
    }


def measure_looking(size: int, seed: int) -> dict[str, float]:
    """Time a look at the islands of a simulated mesh: the ledger, the mesh and their changes are real."""
    world = FoundedWorld(seed, [f"island-{number}" for number in range(size)])
    world.run(2.0)
    me, other = world.islands["island-0"], world.islands["island-1"]
    assert me.mesh is not None
    changes = me.mesh.changes
    local = {me.id: LocalFacts(Load(0, 0, 4, 400, 30_000), is_self=True)}
    vantage = Vantage(me.ledger, me.mesh, GROUP, POLICY, {}, local, world.now_at(me))
    lookout = Lookout(changes)

    def look_at_one_that_changed(_: int) -> None:
        changes.note(other.id)
        lookout.fleet(vantage)

    return {
        "islands": size,
        "all_p50_us": microseconds(spent(lambda _: Lookout(changes).fleet(vantage)), 50),
        "same_p50_us": microseconds(spent(lambda _: lookout.fleet(vantage)), 50),
        "one_p50_us": microseconds(spent(look_at_one_that_changed), 50),
    }


def prepared(asked: Question) -> Assessment:
    """Prepare the findings of a request for being judged, as it is done once for each request."""
    known = asked.assessment
    return Assessment(known.findings, known.topics, known.sensitivity_ppm, known.reasons)


def spent(work: Callable[[int], object]) -> list[float]:
    """Return the seconds of each run of some work, for two seconds or ten thousand runs."""
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < RUNS_MIN or (len(times) < RUNS_MAX and time.perf_counter() - started < SECONDS_MIN):
        before = time.perf_counter()
        work(len(times))
        times.append(time.perf_counter() - before)
    return times


def microseconds(spent: Sequence[float], percent: int) -> float:
    """Return a percentile of times in microseconds."""
    return round(sorted(spent)[min(len(spent) * percent // 100, len(spent) - 1)] * 1e6, 1)


def island(number: int, rng: random.Random) -> IslandView:
    """Make one island; nine of ten are sound."""
    tier = rng.choice(tuple(Tier))
    is_sound = rng.random() < 0.9
    price = rng.randrange(1, 20) * 1_000_000 if tier is Tier.CLOUD else 0
    models = tuple(
        ModelOffer(name, 8_192, Ppm(rng.randrange(300, 950) * 1_000), price, 4 * price, supports_tools=True)
        for name in ("first-model", "second-model", "third-model")
    )
    load = Load(rng.randrange(5), 0, 4, rng.randrange(50, 900), rng.randrange(2_000, 40_000))
    return IslandView(
        id=IslandId(f"{number:052d}"),
        key=PublicKey(number.to_bytes(32, "big")),
        name=f"island-{number}",
        tier=tier,
        group="family",
        jurisdictions=("DE",),
        standing=Standing.ADMITTED if is_sound else Standing.EXPIRED,
        reachability=Reachability.ALIVE if is_sound else Reachability.UNREACHABLE,
        trust=TrustScore(Ppm({Tier.PERSONAL: 1_000_000, Tier.EDGE: 800_000, Tier.CLOUD: 200_000}[tier])),
        models=models,
        data_sets=(DataSetOffer("contracts", 10, 1_000, Ppm(500_000)),),
        endpoints=(f"127.0.0.1:{1_024 + number}",),
        requests_max=4,
        load=load if rng.random() < 0.7 else None,
        round_trip_ms=rng.randrange(1, 80),
        attested_until_ms=10_000,
        admitted_until_ms=10_000,
        is_local=number == 0,
        is_self=number == 0,
    )


def question(rng: random.Random) -> Question:
    """Make one question with a dozen findings and, for half of them, a topic."""
    found = tuple(
        Finding(
            at, at + 5, rng.choice(tuple(FindingType)), Ppm(900_000), Ppm(rng.randrange(3, 9) * 100_000), ""
        )
        for at in range(0, FINDINGS * 10, 10)
    )
    topics = (Topic("health", Ppm(850_000), Ppm(500_000)),) if rng.random() < 0.5 else ()
    highest = max([finding.floor_ppm for finding in found] + [topic.floor_ppm for topic in topics])
    return Question(
        request_id="request",
        assessment=Assessment((found,), topics, Ppm(highest), ()),
        model="islandrun/auto",
        hints=Hints(jurisdictions=("DE", "FR"), deadline_ms=60_000, cost_max_microusd=100_000),
        input_tokens=rng.randrange(50, 4_000),
        output_tokens=300,
        policy=RoutingPolicy(),
        now=NOW,
        my_group="family",
    )


if __name__ == "__main__":
    main()
