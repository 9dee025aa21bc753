"""What docs/mesh.md tells to run or to read is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mesh.md"
TEXT = PAGE.read_text()
COMMANDS = sorted(set(re.findall(r"`((?:[TL]|scripts/\w+) [^`]+)`", TEXT)))
FILES = sorted(set(re.findall(r"`((?:\w+/)+\w+\.py)`", TEXT)))
LINKS = sorted({target for target in re.findall(r"\]\(([^)#]+)", TEXT) if "://" not in target})


def test_every_row_of_the_table_names_a_command() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    assert all(re.search(r"`[TL] tests/", commands) for _, commands in rows)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_runs_exists_and_a_long_one_has_long_tests(command: str) -> None:
    program, *words = command.split()
    if program in ("T", "L"):
        program, path = "scripts/test", ROOT / words[0]
        has_long = "mark.long" in path.read_text() or words[0].startswith("tests/scenarios")
        assert has_long or command.startswith("T ")
    assert (ROOT / program).is_file()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_named_exists(name: str) -> None:
    assert any(
        (root / name).is_file() for root in (ROOT, ROOT / "islandrun", ROOT / "node" / "islandrun_node")
    )


@pytest.mark.parametrize("target", LINKS)
def test_a_link_leads_somewhere(target: str) -> None:
    assert (PAGE.parent / target).exists()
