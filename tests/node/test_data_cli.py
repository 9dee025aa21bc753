"""`data add`, `list` and `remove`: without a node and beside a running one, which follows the folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from islandrun_node import library
from islandrun_node.backends.embedder import Embedder
from islandrun_node.cli import cli
from islandrun_node.home import Home
from islandrun_node.listeners import Listening
from islandrun_node.stores.documents import DocumentIndex
from tests.end_to_end.meshes import founded, settings, up

BOAT = "The boat lies in the harbour of Bergen."


def run(home: Home, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home.path), "--json", *words])


def facts(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return founded(tmp_path)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    made = tmp_path / "My Notes"
    made.mkdir()
    (made / "boat.md").write_text(BOAT)
    (made / "picture.png").write_bytes(b"\x89PNG")
    return made


def test_a_folder_is_added_listed_and_removed_without_a_node(home: Home, notes: Path) -> None:
    added = facts(run(home, "data", "add", str(notes), "--sensitivity", "0.7", "--jurisdiction", "de"))
    assert added["schema"] == "islandrun.data-add/v1"
    assert (added["name"], added["documents"], added["sentences"]) == ("my-notes", 1, 1)
    assert (added["sensitivity"], added["jurisdiction"], added["left_out"]) == (0.7, "DE", 1)
    (listed,) = facts(run(home, "data", "list", "--left-out"))["data_sets"]
    assert listed["path"] == str(notes)
    assert listed["files_left_out"] == [{"file": "picture.png", "reason": "its format is not read"}]
    again = facts(run(home, "data", "add", str(notes), "--sensitivity", "0.2"))
    assert (again["sensitivity"], again["jurisdiction"]) == (0.2, None)
    assert facts(run(home, "data", "remove", "my-notes"))["name"] == "my-notes"
    assert facts(run(home, "data", "list"))["data_sets"] == []
    for path in home.path.glob("documents.db*"):
        assert b"harbour" not in path.read_bytes()
    assert (notes / "boat.md").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--name", "auto"), "auto"),
        (("--name", "A B"), "--name"),
        (("--jurisdiction", "Germany"), "ISO 3166"),
        (("--description", "x" * 121), "120"),
        (("--name", "handbook"), "settings"),
        (("--sensitivity", "1.5"), "sensitivity"),
    ],
)
def test_what_cannot_be_declared_is_refused(
    home: Home, notes: Path, words: tuple[str, ...], told: str
) -> None:
    home.config.write_text(f'[[data]]\nname = "handbook"\npath = "{notes}"\n')
    result = run(home, "data", "add", str(notes), *words)
    assert result.exit_code in (1, 2)
    assert told in result.output
    assert [one["name"] for one in facts(run(home, "data", "list"))["data_sets"]] == ["handbook"]


def test_only_so_many_data_sets_fit_what_an_island_tells(home: Home, notes: Path) -> None:
    with closing(sqlite3.connect(home.database)) as database:
        facts(run(home, "data", "add", str(notes), "--name", "n0"))
        for number in range(1, 32):
            database.execute("INSERT INTO data_sets VALUES (?, '/', 0, '', '')", (f"n{number}",))
        database.commit()
    refused = run(home, "data", "add", str(notes), "--name", "one-more")
    assert (refused.exit_code, "remove one" in refused.output) == (1, True)
    assert run(home, "data", "add", str(notes), "--name", "n0").exit_code == 0


def test_what_is_not_there_cannot_be_removed(home: Home) -> None:
    assert run(home, "data", "remove", "nothing").exit_code == 1


# ---------------------------------------------------------------- beside a running node


async def beside(home: Home, *words: str) -> dict[str, object]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "islandrun_node", "--home", str(home.path), "--json", *words]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


async def ask(node: Listening, text: str) -> httpx2.Response:
    body = {
        "model": "islandrun/auto",
        "messages": [{"role": "user", "content": text}],
        "islandrun": {"datasets": ["notes"]},
    }
    headers = {"authorization": f"Bearer {node.token}"}
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
        return await client.post(f"{node.http}/v1/chat/completions", json=body, headers=headers)


async def answered(node: Listening, text: str, fits: Callable[[httpx2.Response], bool]) -> httpx2.Response:
    for _ in range(100):
        response = await ask(node, text)
        if fits(response):
            return response
        await asyncio.sleep(0.1)
    raise AssertionError(response.text)


async def test_a_running_node_follows_commands_and_the_folder(
    home: Home, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LOOK_SECONDS_MIN", 0.1)
    monkeypatch.setattr(library, "LOOK_SECONDS_MAX", 0.2)
    question = "Where is the boat?"
    async with AsyncExitStack() as stack:
        node = await up(home, settings("laptop"), stack)
        assert (await ask(node, question)).status_code == 403
        added = await beside(home, "data", "add", str(notes), "--name", "notes", "--sensitivity", "0.3")
        assert added["documents"] == 1
        await answered(node, question, lambda one: "Bergen" in one.text)
        (notes / "boat.md").write_text("The boat lies in the harbour of Gdansk now.")
        await answered(node, question, lambda one: "Gdansk" in one.text and "Bergen" not in one.text)
        (notes / "boat.md").unlink()
        await answered(node, question, lambda one: "No document here answers this" in one.text)
        await beside(home, "data", "remove", "notes")
        await answered(node, question, lambda one: one.status_code == 403)
        listed = await beside(home, "data", "list")
        assert listed["data_sets"] == []


@pytest.mark.long
async def test_a_folder_that_is_gone_is_told_and_its_index_kept(home: Home, notes: Path) -> None:
    facts(run(home, "data", "add", str(notes), "--name", "notes"))
    os.rename(notes, notes.with_name("elsewhere"))
    async with AsyncExitStack() as stack:
        node = await up(home, settings("laptop"), stack)
        assert "Bergen" in (await ask(node, "Where is the boat?")).text
        assert "is not a folder" in str((await beside(home, "status"))["degraded"])


# ---------------------------------------------------------------- a death in between


async def test_an_index_killed_while_it_reads_is_whole_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.txt").write_text(f"The ship {number} is here. The ship {number} is far.")
    path = tmp_path / "documents.db"
    program = (
        "import sys; from pathlib import Path; from islandrun_node.backends.embedder import Embedder;"
        "from islandrun_node.stores.documents import DocumentIndex;"
        "DocumentIndex(sys.argv[1], Embedder()).add_folder('many', Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(path), str(folder)]
    process = await asyncio.create_subprocess_exec(*command)
    count = 0
    while count < 5:
        await asyncio.sleep(0.005)
        if path.exists():
            with closing(sqlite3.connect(path)) as reader:
                tables = reader.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchall()
                count = reader.execute("SELECT count(*) FROM documents").fetchone()[0] if tables else 0
    process.send_signal(signal.SIGKILL)
    await process.wait()
    index = DocumentIndex(path, Embedder())
    before = index.data_set("many")
    assert before.passages == 2 * before.documents
    assert before.documents < 60
    assert before.read_at_ms is None, "a folder that was not read whole is not offered"
    report = index.add_folder("many", folder)
    assert (report.data_set.documents, report.updated) == (60, 60 - before.documents)
    index.close()
