"""Loads as commands show them: what nobody knows is left out, and never looks like a zero."""

from __future__ import annotations

import pytest

from islandrun.load import Load, ModelPace
from islandrun.v1 import status_pb2
from islandrun.wire.load import load_to_wire
from islandrun_node.cli.loads import load_json, load_words, machine_words


def island(load: Load | None) -> status_pb2.Island:
    return status_pb2.Island(name="box", load=load_to_wire(load) if load else None)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (None, "-"),
        (Load(0, 0, 4, 0, 0), "0/4"),
        (Load(4, 3, 4, 0, 0), "4/4 +3"),
        (Load(1, 0, 0, 0, 0), "closed"),
    ],
)
def test_a_load_in_a_table(load: Load | None, words: str) -> None:
    assert load_words(island(load)) == words


def test_a_machine_in_a_line() -> None:
    plain = load_to_wire(Load(1, 2, 4, 0, 0))
    assert machine_words(plain) == "1 of 4 running, 2 waiting"
    full = load_to_wire(Load(1, 2, 4, 0, 0, None, 250_000, True, True, True))
    assert machine_words(full).endswith("25 % of the machine free, on battery, metered, hot")


def test_a_load_as_json() -> None:
    assert load_json(island(None)) is None
    pace = ModelPace("m", 7, 200, 900, 25_000, 50_000)
    found = load_json(island(Load(1, 0, 4, 0, 0, None, 250_000, False, None, None, (pace,))))
    assert found == {
        "running": 1,
        "waiting": 0,
        "places": 4,
        "headroom": 0.25,
        "cache": None,
        "is_on_battery": False,
        "is_metered": None,
        "is_throttled": None,
        "models": [
            {
                "model": "m",
                "answers": 7,
                "first_token_ms": {"p50": 200, "p95": 900},
                "tokens_per_second": {"p50": 40.0, "p95": 20.0},
            }
        ],
    }
