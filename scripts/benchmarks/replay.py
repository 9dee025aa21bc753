"""What routing is worth: a trace of requests replayed over simulated islands, by this router and by others.

The library judges, chooses and masks as it does in a node; islands, queues, gossip, churn and lies are made
up, in virtual time. Others choose by a simple rule: in one form among those that the library's vetoes leave,
in the naive form among all, sending what was written.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from replay_policies import OURS, policies
from replay_prompts import Reading, read
from replay_run import Asked, Replay

from islandrun.privacy.detect import RULES, Detector
from islandrun.simulation.islands import dice

SCHEMA = "islandrun.bench.replay/v1"
REQUESTS_MAX = 1_000_000
OBJECTIVES = ("latency_p95_s", "cost_usd", "exposure_mean", "quality_loss_mean", "unanswered")
COLUMNS = {
    "policy": "policy",
    "latency_p50_s": "p50 s",
    "latency_p95_s": "p95 s",
    "latency_p99_s": "p99 s",
    "cost_usd": "cost $",
    "local_share": "local",
    "quality_mean": "quality",
    "exposure_mean": "exposed",
    "refused": "refused",
    "failed": "failed",
    "interrupted": "broken",
    "violations": "violations",
}


def main() -> None:
    options = _options()
    try:
        prompts = read(options.prompts)
        trace = requests(options.trace, len(prompts), options.seed, options.requests)
    except (OSError, ValueError) as error:
        sys.exit(f"bench replay: {error}")
    reading = Reading(prompts, detectors(options.detector))
    rows: list[dict[str, object]] = []
    for policy in policies():
        print(f"{policy.name} ...", file=sys.stderr)
        rows.append(Replay(policy, trace, reading, options.seed, options.profile).run())
    result = {
        "schema": SCHEMA,
        "seed": options.seed,
        "profile": options.profile,
        "detector": options.detector,
        "requests": len(trace),
        "prompts": len(prompts),
        "policies": rows,
        "verdict": verdict(rows),
    }
    print(json.dumps(result) if options.json else table(result))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench replay", description=__doc__.splitlines()[0])
    parser.add_argument("trace", type=Path, help="CSV with TIMESTAMP, ContextTokens, GeneratedTokens")
    parser.add_argument("--prompts", type=Path, help="JSON lines with id, text, secrets, class")
    parser.add_argument("--detector", choices=("full", "rules"), default="full", help="who looks for values")
    parser.add_argument("--profile", default="balanced", help="the weights of this router")
    parser.add_argument("--requests", type=int, default=REQUESTS_MAX, help="so many of the trace")
    parser.add_argument("--seed", type=int, default=1, help="what churn and chance are made from")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def detectors(name: str) -> Sequence[Detector]:
    """Return who looks for values: the rules alone, or a node's default with its trained detector."""
    if name == "rules":
        return (RULES,)
    from islandrun_node.config_tables import Privacy
    from islandrun_node.detectors import load_watch

    return load_watch(Privacy()).detectors


def requests(path: Path, prompts: int, seed: int, most: int = REQUESTS_MAX) -> list[Asked]:
    """Read a trace; each line gets a text by chance. Raises `ValueError` on a line that cannot be read."""
    rng, found, first = dice("texts", seed), [], None
    with path.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            if len(found) >= min(most, REQUESTS_MAX):
                break
            try:
                moment = datetime.fromisoformat(row["TIMESTAMP"][:26])
                sizes = int(row["ContextTokens"]), int(row["GeneratedTokens"])
            except (KeyError, ValueError, TypeError) as error:
                raise ValueError(
                    f"{path}, line {number}: it must have TIMESTAMP, ContextTokens and GeneratedTokens"
                ) from error
            first = first or moment
            found.append(Asked((moment - first).total_seconds(), *sizes, rng.randrange(prompts)))
    if not found:
        raise ValueError(f"{path} holds no requests: give a trace with at least one line")
    return sorted(found, key=lambda one: one.at)


def verdict(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """Compare this router with every policy that respects privacy, objective by objective."""
    ours = next(row for row in rows if row["policy"] == OURS)
    others = [row for row in rows if row["policy"] != OURS and not row["is_naive"]]
    better = {
        str(row["policy"]): [name for name in OBJECTIVES if _figure(ours, name) < _figure(row, name)]
        for row in others
    }
    least = next(row for row in others if row["policy"] == "least busy")
    share = _figure(least, "local_share")
    return {
        "violations": ours["violations"],
        "better_in": better,
        "dominated_by": [str(row["policy"]) for row in others if _dominates(row, ours)],
        "local_share_by_least_busy": round(_figure(ours, "local_share") / share, 3) if share else None,
        "latency_p95_by_least_busy": round(
            _figure(ours, "latency_p95_s") / max(_figure(least, "latency_p95_s"), 1e-9), 3
        ),
    }


def _dominates(one: dict[str, object], other: dict[str, object]) -> bool:
    pairs = [(_figure(one, name), _figure(other, name)) for name in OBJECTIVES]
    return all(mine <= its for mine, its in pairs) and any(mine < its for mine, its in pairs)


def _figure(row: dict[str, object], name: str) -> float:
    value = row[name]
    assert isinstance(value, int | float)
    return float(value)


def table(result: dict[str, object]) -> str:
    """Write the result for people."""
    rows = result["policies"]
    assert isinstance(rows, list)
    lines = [
        "  ".join(
            f"{heading:>18}" if heading == "policy" else f"{heading:>10}" for heading in COLUMNS.values()
        )
    ]
    for row in rows:
        cells = [f"{row[name]:>18}" if name == "policy" else f"{row[name]:>10}" for name in COLUMNS]
        lines.append("  ".join(cells))
    ours = rows[0]
    lines.append(f"router's own time: p50 {ours['overhead_p50_ms']} ms, p99 {ours['overhead_p99_ms']} ms")
    lines.append(json.dumps(result["verdict"]))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
