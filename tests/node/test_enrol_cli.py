"""The commands init, invite, join and revoke: output, exit codes, and that secrets stay off stderr."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from islandrun.trust.naming import read_display_id
from islandrun_node.cli import cli
from islandrun_node.home import Home
from islandrun_node.identity import load_membership
from islandrun_node.join_token import parse
from tests.node.identity_kit import Member, SmallMesh, listening, now_ms


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def run(home: Home, *words: str, text: str = "", as_json: bool = False) -> Result:
    before = ["--home", str(home.path), *(["--json"] if as_json else [])]
    return CliRunner().invoke(cli, [*before, *words], input=text)


async def run_apart(home: Home, *words: str, text: str = "") -> tuple[int, str, str]:
    """Run a command in a process of its own, beside the listener that it calls."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "islandrun_node", "--home", str(home.path), *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(text.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def test_init_shows_the_island_and_refuses_a_second_time(home: Home) -> None:
    first = run(home, "init", "--mesh", "family", "--name", "laptop", "--jurisdiction", "DE")
    assert first.exit_code == 0
    mesh, island = first.stdout.split()
    membership = load_membership(home)
    assert (mesh, read_display_id(island)) == ("family", membership.key.id)
    second = run(home, "init")
    assert (second.exit_code, second.stdout) == (1, "")
    assert "was not touched" in second.stderr
    assert load_membership(home).key.public == membership.key.public


def test_init_in_json_at_another_home(home: Home, tmp_path: Path) -> None:
    answer = run(home, "init", "--home", str(tmp_path / "other"), "--json")
    facts = json.loads(answer.stdout)
    assert facts["schema"] == "islandrun.init/v1"
    assert facts["home"] == str(tmp_path / "other")
    assert not home.path.exists()


def test_without_a_session_the_environment_names_the_home(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ISLANDRUN_HOME", str(tmp_path / "named"))
    assert CliRunner().invoke(cli, ["init"]).exit_code == 0
    assert Home(tmp_path / "named").is_member


def test_invite_gives_the_token_on_stdout_alone(home: Home) -> None:
    run(home, "init")
    answer = run(home, "invite", "--tier", "edge", "--group", "office", "--ttl", "2h", "--trust", "0.5",
                 "--address", "192.0.2.7:8471", "--address", "box.lan:8471")  # fmt: skip
    assert answer.exit_code == 0
    token = parse(answer.stdout, now_ms())
    assert token.addresses == ("192.0.2.7:8471", "box.lan:8471")
    assert 7190 <= token.expires_at - now_ms() // 1000 <= 7200
    assert answer.stdout.strip() not in answer.stderr


def test_invite_in_json_finds_its_addresses(home: Home) -> None:
    run(home, "init")
    home.config.write_text('[listen]\nmesh = "192.0.2.9:8471"\n')
    home.running.write_text(json.dumps({"mesh": "192.0.2.9:9999"}))
    facts = json.loads(run(home, "invite", "--tier", "personal", as_json=True).stdout)
    assert facts["schema"] == "islandrun.invite/v1"
    assert facts["addresses"] == ["192.0.2.9:9999"]
    assert facts["ttl_seconds"] == 600
    home.running.unlink()
    assert json.loads(run(home, "invite", "--tier", "personal", "--json").stdout)["addresses"] == [
        "192.0.2.9:8471"
    ]
    home.config.write_text('[listen]\nmesh = "127.0.0.1:0"\n')
    answer = run(home, "invite", "--tier", "personal")
    assert answer.exit_code == 1
    assert "give --address" in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("invite",),
        ("invite", "--tier", "moon"),
        ("invite", "--tier", "edge", "--ttl", "10"),
        ("invite", "--tier", "edge", "--ttl", "0m"),
        ("invite", "--tier", "edge", "--trust", "1.1"),
        ("join",),
        ("revoke",),
    ],
)
def test_wrong_words_are_usage_errors(home: Home, words: tuple[str, ...]) -> None:
    run(home, "init")
    assert run(home, *words).exit_code == 2


def test_a_home_without_a_mesh_says_what_to_do(home: Home) -> None:
    for words in (("invite", "--tier", "edge", "--address", "a:1"), ("revoke", "desk")):
        answer = run(home, *words)
        assert answer.exit_code == 1
        assert "islandrun-node init" in answer.stderr


async def test_join_by_argument_stdin_and_file(home: Home, tmp_path: Path) -> None:
    run(home, "init", "--mesh", "family")
    membership = load_membership(home)
    mesh = SmallMesh.of(home)
    record = mesh.ledger.admission_record(membership.key.id)
    assert record is not None
    try:
        async with listening(mesh, Member(membership.key, mesh.take(record), record)) as door:
            token = [
                run(home, "invite", "--tier", "personal", "--address", door.address).stdout.strip()
                for _ in range(4)
            ]
            (tmp_path / "token").write_text(token[2] + "\n")
            code, out, _ = await run_apart(Home(tmp_path / "a"), "join", token[0], "--name", "a", "--json")
            assert (code, json.loads(out)["mesh"]) == (0, "family")
            code, out, _ = await run_apart(Home(tmp_path / "b"), "join", "-", text=token[1] + "\n")
            assert (code, out.split()[0]) == (0, "family")
            code, *_ = await run_apart(Home(tmp_path / "c"), "join", "--token-file", str(tmp_path / "token"))
            assert code == 0
            used = await run_apart(Home(tmp_path / "d"), "join", token[0])
            assert (used[0], used[1]) == (4, "")
            assert "used by another island" in used[2]
            assert token[0] not in used[2]
            code, out, _ = await run_apart(Home(tmp_path / "a"), "join", "--outbound", "cloud", token[3])
            assert (code, out.split()[0]) == (0, "family")
            assert Home(tmp_path / "a").outbound_key("cloud").exists()
    finally:
        mesh.database.close()


def test_join_with_a_bad_token_is_not_authenticated(home: Home, tmp_path: Path) -> None:
    run(home, "init")
    token = run(home, "invite", "--tier", "edge", "--address", "127.0.0.1:1").stdout.strip()
    for text in (token[:-8], "hello", token[:20] + "zzzz" + token[24:]):
        answer = run(Home(tmp_path / "new"), "join", text)
        assert answer.exit_code == 4
        assert token[8:20] not in answer.stderr
        assert "Traceback" not in answer.stderr


async def test_join_where_nobody_answers_is_not_reachable(home: Home, tmp_path: Path) -> None:
    run(home, "init")
    token = run(home, "invite", "--tier", "edge", "--address", "127.0.0.1:1").stdout.strip()
    code, out, err = await run_apart(Home(tmp_path / "new"), "join", token)
    assert (code, out) == (3, "")
    assert "no node answers" in err


def test_revoke_shows_whom(home: Home) -> None:
    run(home, "init")
    mesh = SmallMesh.of(home)
    member = mesh.admit()
    mesh.database.close()
    answer = run(home, "revoke", member.key.id[:10], "--reason", "sold")
    assert answer.exit_code == 0
    assert read_display_id(answer.stdout) == member.key.id
    again = run(home, "revoke", member.key.id, as_json=True)
    assert json.loads(again.stdout)["island"] == member.key.id
    assert run(home, "revoke", "nobody").exit_code == 1
