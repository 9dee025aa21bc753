"""The figures of `scripts/bench replay` on a small trace, and the parts that they rest on."""

from __future__ import annotations

import random
import sys
from functools import cache
from pathlib import Path

import pytest

from islandrun.vocabulary import Ppm

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "benchmarks"))

import replay  # noqa: E402
import replay_policies  # noqa: E402
import replay_prompts  # noqa: E402
import replay_run  # noqa: E402
import replay_world  # noqa: E402

CLOUD, HOME = Ppm(200_000), Ppm(1_000_000)


@cache
def reading() -> replay_prompts.Reading:
    return replay_prompts.Reading(replay_prompts.read(None), replay.detectors("full"))


def trace(count: int = 80) -> list[replay_run.Asked]:
    rng = random.Random(7)
    texts = len(replay_prompts.BUILT_IN)
    return [
        replay_run.Asked(at * 0.25, rng.randrange(50, 3_000), rng.randrange(10, 400), at % texts)
        for at in range(count)
    ]


def run(name: str) -> dict[str, object]:
    policy = next(one for one in replay_policies.policies() if one.name == name)
    return replay_run.Replay(policy, trace(), reading(), 1, "balanced").run()


def test_this_router_answers_and_shows_nothing_that_it_must_not() -> None:
    figures = run(replay_policies.OURS)
    assert figures["violations"] == 0
    assert int(str(figures["answered"])) + int(str(figures["interrupted"])) == len(trace())
    assert figures["refused"] == figures["failed"] == 0
    assert figures["forgeries"] == figures["forgeries_refused"] == 4
    assert "stranger" not in figures["by_island"]  # type: ignore[operator]


def test_the_naive_form_of_a_rule_shows_what_the_other_form_does_not() -> None:
    assert int(str(run("cloud only, naive")["violations"])) > 0
    assert int(str(run("cloud only")["refused"])) > 0
    for name in ("cloud only", "random"):
        respectful = run(name)
        assert respectful["violations"] == respectful["withheld"] == 0


def test_the_same_seed_gives_the_same_figures() -> None:
    first, second = run("random"), run("random")
    assert {key: value for key, value in first.items() if not key.startswith("overhead")} == {
        key: value for key, value in second.items() if not key.startswith("overhead")
    }


def test_a_value_in_what_was_shown_is_counted_and_its_placeholder_is_not() -> None:
    number = next(at for at, one in enumerate(reading().prompts) if "Anna Kern" in one.text)
    assert reading().shown(number, CLOUD).leaks == 0
    assert reading().leaks(number, CLOUD, "a letter to anna kern") == 1
    assert reading().leaks(number, CLOUD, "a letter to [PERSON_1]") == 0
    assert reading().leaks(number, HOME) == 0


def test_a_secret_that_nobody_found_needs_the_trust_of_its_class() -> None:
    prompt = replay_prompts.Labelled("one", "The code word is marzipan.", ("marzipan",), Ppm(850_000))
    found = replay_prompts.Reading([prompt], replay.detectors("full"))
    assert found.leaks(0, CLOUD) == 1
    assert found.leaks(0, Ppm(900_000)) == 0


def test_a_server_serves_in_order_and_refuses_when_it_is_full() -> None:
    kind = replay_world.Kind("one", replay_world.Tier.CLOUD, 1, 1_000, 0, 10_000, 0.5, 0)
    server = replay_world.Server(kind, 1, 100.0)
    assert [server.serve(0.0, 10, 100).at for _ in range(2)] == [2.0, 4.0]
    assert server.load(1.0) == (1, 1)
    faults = [server.serve(1.0, 10, 100).fault for _ in range(8)]
    assert faults == [""] * 7 + ["overloaded"]


def test_a_server_that_goes_breaks_what_it_runs_and_is_free_when_it_is_back() -> None:
    kind = replay_world.Kind("one", replay_world.Tier.CLOUD, 1, 1_000, 0, 10_000, 0.5, 0)
    server = replay_world.Server(kind, 1, 100.0)
    server.away = [(1.5, 10.0)]
    assert [server.serve(0.0, 10, 100).fault for _ in range(8)] == ["interrupted", *["unreachable"] * 7]
    assert server.serve(5.0, 10, 100).fault == "unreachable"
    assert server.serve(10.0, 10, 100) == replay_world.Served("", 12.0)


def test_a_trace_and_prompts_are_read_and_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.5000000,10,2\n"
        "2023-11-16 18:00:02.0000000,20,3\n",
        encoding="utf-8",
    )
    found = replay.requests(path, 1, 1)
    assert [(one.at, one.input_tokens, one.output_tokens) for one in found] == [(0, 10, 2), (1.5, 20, 3)]
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,10,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        replay.requests(path, 1, 1)
    path.write_text('{"id": 1, "text": "a", "secrets": [], "class": "odd"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1"):
        replay_prompts.read(path)


def test_a_policy_that_is_better_in_all_is_named() -> None:
    worst = dict.fromkeys(replay.OBJECTIVES, 2.0) | {"local_share": 0.5, "violations": 0, "is_naive": False}
    best = dict.fromkeys(replay.OBJECTIVES, 1.0) | {"local_share": 0.5, "violations": 0, "is_naive": False}
    found = replay.verdict([{"policy": "islandrun", **worst}, {"policy": "least busy", **best}])
    assert found["dominated_by"] == ["least busy"]
    assert found["better_in"] == {"least busy": []}
