"""How long one routing decision takes, over meshes of several sizes.

Each decision judges every island by all agents, scores the eligible ones and writes a full report.
Meshes and questions come from a seed, so that two runs measure the same work.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence

from islandrun.agents.fleet import fleet_of
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.routing.choose import choose
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

SCHEMA = "islandrun.bench.routing/v1"
SIZES = (10, 100, 1_000)
DECISIONS_MIN = 200
SECONDS_MIN = 2.0
FINDINGS = 12
NOW = Instant(0.0, 1_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=1, help="what meshes and questions are made from")
    options = parser.parse_args()
    rows = [measure(size, options.seed) for size in SIZES]
    if options.json:
        print(json.dumps({"schema": SCHEMA, "seed": options.seed, "rows": rows}))
        return
    print(f"{'islands':>8}  {'eligible':>8}  {'decisions':>9}  {'p50 us':>10}  {'p99 us':>10}")
    for row in rows:
        print(
            f"{row['islands']:>8}  {row['eligible']:>8}  {row['decisions']:>9}"
            f"  {row['p50_us']:>10.1f}  {row['p99_us']:>10.1f}"
        )


def measure(size: int, seed: int) -> dict[str, float]:
    """Time decisions over one mesh with several questions."""
    rng = random.Random(seed)
    fleet = fleet_of(island(number, rng) for number in range(size))
    questions = [question(rng) for _ in range(20)]
    eligible = [sum(report.rank > 0 for report in choose(q, fleet).reports) for q in questions]
    spent: list[float] = []
    started = time.perf_counter()
    while len(spent) < DECISIONS_MIN or time.perf_counter() - started < SECONDS_MIN:
        asked = questions[len(spent) % len(questions)]
        before = time.perf_counter()
        choose(asked, fleet)
        spent.append(time.perf_counter() - before)
    return {
        "islands": size,
        "eligible": round(sum(eligible) / len(eligible)),
        "decisions": len(spent),
        "p50_us": microseconds(spent, 50),
        "p99_us": microseconds(spent, 99),
    }


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
