"""Plays every script in this folder."""

from pathlib import Path

import pytest

from islandrun.simulation.scenario import Scenario, ScenarioFailed

SCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
LONG = (pytest.mark.long, pytest.mark.timeout(1200))


def marked(script: Path):
    """Leave a script with a line `# long` to runs that ask for it."""
    marks = LONG if "# long" in script.read_text().splitlines() else ()
    return pytest.param(script, marks=marks, id=script.stem)


def test_there_are_scripts():
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("script", [marked(script) for script in SCRIPTS])
def test_a_script_ends_as_it_says(script):
    Scenario(script.read_text()).play()


def test_a_wrong_expectation_fails_with_the_line_the_seed_and_a_diagram():
    text = "seed 4\nislands 2\nrun 10s\nexpect\nisland | alive\na | -\n"
    with pytest.raises(ScenarioFailed, match=r"a should have alive: -, but has b\nseed 4") as failure:
        Scenario(text).play()
    assert "sequenceDiagram" in str(failure.value)


@pytest.mark.parametrize("line", ["dance a", "crash", "crash z", "run soon", "partition a | z"])
def test_a_line_that_means_nothing_is_named(line):
    with pytest.raises(ValueError, match="line 2: "):
        Scenario(f"islands 2\n{line}\n").play()


def test_islands_come_first():
    with pytest.raises(ValueError, match="`islands` comes before"):
        Scenario("run 5s\n").play()
