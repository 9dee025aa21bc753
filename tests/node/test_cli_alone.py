"""The command line without a node: what loads, how errors look, doctor, config, completion, version."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from islandrun.errors import BadRequest, ConfigError, NobodyMaySee, StateError
from islandrun_node.cli import _VERBS, cli, output
from islandrun_node.cli.diagnose import settings_of, toml
from islandrun_node.config import load
from islandrun_node.home import Home
from islandrun_node.stores.database import Database


def run(*arguments: str, home: Path | None = None, text: str | None = None) -> Result:
    before = () if home is None else ("--home", str(home))
    return CliRunner().invoke(cli, [*before, *arguments], input=text)


def modules_after(*arguments: str) -> set[str]:
    """Return the packages that a command line loads in a fresh interpreter."""
    code = (
        "import sys\nfrom islandrun_node.cli import cli\n"
        f"cli.main({list(arguments)!r}, standalone_mode=False)\n"
        "print('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("line", ["version", "--help", "status --help", "completion zsh"])
def test_light_verbs_load_nothing_heavy(line) -> None:
    heavy = {"grpc", "google", "numpy", "onnxruntime", "starlette", "msgspec", "cryptography", "nacl", "rich"}
    assert not modules_after(*line.split()) & heavy


def test_the_help_page_lists_every_verb_in_order() -> None:
    shown = run("--help").output
    places = [shown.index(f"\n  {verb} ") for verb in _VERBS]
    assert places == sorted(places)


@pytest.mark.parametrize("arguments", [("--json", "version"), ("version", "--json")])
def test_json_before_and_after_the_verb(arguments) -> None:
    made = json.loads(run(*arguments).stdout)
    assert made["schema"] == "islandrun.version/v1"
    assert made["version"] in run("--version").stdout


def test_a_misspelt_verb_gets_the_nearest(tmp_path) -> None:
    done = run("statsu")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: no such verb: 'statsu'\nhint: did you mean `status`?\n"
    assert run("version", "--nonsense").exit_code == 2


@pytest.mark.parametrize("verb", ["status", "islands", "models", "explain", "ask", "plan"])
def test_without_a_node_every_reading_verb_says_how_to_start_one(tmp_path, verb) -> None:
    done = run(verb, *(["hello"] if verb in ("ask", "plan") else []), home=tmp_path)
    assert done.exit_code == 3
    assert done.stderr.startswith(f"error: no node runs in {tmp_path}\nhint: start it with")


def test_a_run_file_that_is_not_one_counts_as_no_node(tmp_path) -> None:
    for content in ("", "[]", "{}", "\x00"):
        Home(tmp_path).running.write_text(content)
        assert run("status", home=tmp_path).exit_code == 3


def test_a_node_without_a_token_file_is_told_apart(tmp_path) -> None:
    Home(tmp_path).running.write_text('{"grpc": "127.0.0.1:1"}')
    done = run("status", home=tmp_path)
    assert (done.exit_code, "local.token" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (ConfigError("a.toml: wrong; mend it; soon"), 1, "error: a.toml: wrong\nhint: mend it; soon\n"),
        (StateError("a.db is damaged; restore it"), 1, "error: a.db is damaged\nhint: restore it\n"),
        (BadRequest("--tier: wrong", "--tier"), 2, "error: --tier: wrong\n"),
        (NobodyMaySee("nobody: a: x; b: \x1b[2Jy"), 5, "error: nobody: a: x; b: ?[2Jy\n"),
        (output.CommandFailed("no", "do", output.Exit.DEGRADED), 6, "error: no\nhint: do\n"),
    ],
)
def test_our_errors_are_lines_and_exit_codes_and_never_tracebacks(monkeypatch, error, code, lines) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr("islandrun_node.cli.diagnose.version", failing)
    done = run("version")
    assert (done.exit_code, done.stderr, done.stdout) == (code, lines, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_and_what_they_complete(shell, tmp_path) -> None:
    assert "_ISLANDRUN_NODE_COMPLETE" in run("completion", shell).stdout
    place = "ver" if shell == "fish" else "1"
    asked = {"COMP_WORDS": "islandrun-node ver", "COMP_CWORD": place}
    asked["_ISLANDRUN_NODE_COMPLETE"] = f"{shell}_complete"
    code = "from islandrun_node.cli import main; main()"
    environment = os.environ | asked
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "version" in done.stdout


def test_settings_are_shown_as_toml_that_loads_again(tmp_path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        'name = "laptop"\n[policy]\ncost_max_usd = 0.5\n[[outbound]]\nname = "cloud"\n'
        'url = "https://me:pass@api.example/v1"\n[[outbound.models]]\nname = "m \\" 1"\n'
    )
    shown = run("config", "show", home=tmp_path).stdout
    assert "me:pass" not in shown
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert load(again).outbound[0].models == load(path).outbound[0].models
    assert toml(settings_of(load(again))) == toml(settings_of(load(path)))
    made = json.loads(run("config", "show", "--json", home=tmp_path).stdout)
    assert (made["schema"], made["settings"]["policy"]["cost_max_usd"]) == ("islandrun.config/v1", 0.5)


def test_config_check_names_what_is_wrong(tmp_path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("nmae = 'x'")
    done = run("config", "check", str(path))
    assert done.exit_code == 1
    assert done.stderr.splitlines()[1] == "hint: did you mean `name`?"
    path.write_text("name = 'x'")
    assert run("config", "check", str(path)).stdout.startswith(f"ok: {path}\n")
    assert run("config", "check", home=tmp_path).exit_code == 1


# ---------------------------------------------------------------- doctor


def checks(home: Path) -> tuple[int, dict[str, dict[str, str]]]:
    done = run("doctor", "--json", home=home)
    made = json.loads(done.stdout)
    assert made["schema"] == "islandrun.doctor/v1"
    return done.exit_code, {check["name"]: check for check in made["checks"]}


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    home.config.write_text('[listen]\nmesh = "127.0.0.1:0"\nhttp = "127.0.0.1:0"\ngrpc = "127.0.0.1:0"\n')
    return home


def test_doctor_on_a_fresh_home_finds_what_is_missing_and_nothing_broken(home) -> None:
    code, found = checks(home.path)
    assert code == 6
    states = {name: check["state"] for name, check in found.items()}
    assert {name for name, state in states.items() if state == "warn"} == {"keys", "node"}
    assert "fail" not in states.values()
    assert all(check["remedy"] for check in found.values() if check["state"] != "ok")


def test_doctor_finds_open_folders_wrong_settings_and_a_damaged_file(home) -> None:
    home.path.chmod(0o755)
    home.config.write_text("nmae = 'x'")
    home.database.write_bytes(b"not a database, but long enough to be looked at" * 100)
    code, found = checks(home.path)
    assert code == 1
    for name, words in [("home", "chmod 700"), ("settings", "did you mean"), ("state file", "restore")]:
        assert (found[name]["state"], words in found[name]["remedy"]) == ("fail", True), name


def test_doctor_finds_a_port_in_use_and_an_engine_that_is_away(home) -> None:
    with socket.socket() as taken, socket.socket() as closed:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        closed.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        home.config.write_text(
            f'[listen]\nmesh = "127.0.0.1:{port}"\nhttp = "127.0.0.1:0"\ngrpc = "127.0.0.1:0"\n'
            f'[backend]\nkind = "openai"\nurl = "http://127.0.0.1:{closed.getsockname()[1]}/v1"\n'
            '[[backend.models]]\nname = "m"\n'
        )
        code, found = checks(home.path)
    assert code == 1
    assert (found["port mesh"]["state"], found["port http"]["state"]) == ("fail", "ok")
    assert found["engine"]["state"] == "warn"


def test_doctor_finds_a_clock_that_is_behind(home) -> None:
    from islandrun.v1 import attestation_pb2
    from islandrun_node import world_clock

    later = world_clock.now().wall_ms + 3 * 3_600_000
    header = attestation_pb2.Header(issued_at_ms=later)
    payload = attestation_pb2.SelfAttestation(header=header, name="x").SerializeToString()
    database = Database.open(home.database)
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO attestations VALUES (?, 'self', ?, ?, ?, 1, 1)", (b"k", payload, b"i", b"s")
        )
    database.close()
    found = checks(home.path)[1]["clock"]
    assert (found["state"], "180 minutes behind" in found["detail"]) == ("fail", True)
