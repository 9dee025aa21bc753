"""The limits on the shape of the code: length of files and functions, names that say nothing, no keys."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_PER_FILE_MAX = 400
LINES_PER_FUNCTION_MAX = 50
EMPTY_NAMES = {"utils", "util", "helper", "helpers", "common", "manager", "base", "core", "misc"}


def sources() -> list[Path]:
    """Return every Python file that people write."""
    folders = [ROOT / "islandrun", ROOT / "node", ROOT / "tests", ROOT / "scripts"]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path for path in files if path.parent != ROOT / "islandrun" / "v1"]


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 30


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_keeps_the_limits(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LINES_PER_FILE_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= LINES_PER_FUNCTION_MAX, f"{node.name} has {length} lines"


def test_no_name_says_nothing() -> None:
    named = {part for path in sources() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not named & EMPTY_NAMES


def test_no_private_key_and_no_path_of_a_machine_is_tracked() -> None:
    private = re.compile("BEGIN [A-Z ]*PRIVATE " + "KEY-----\n[A-Za-z0-9+/=\n]{40}")
    for path in sources():
        text = path.read_text()
        assert not private.search(text), path
        assert "/" + "work/" not in text, path
