"""Settings: every key has its place in the example, and every mistake names file, key and remedy."""

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from islandrun.errors import ConfigError
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun_node import config
from islandrun_node.config_tables import Config, Privacy

EXAMPLE = Path(config.__file__).with_name("config.example.toml")


def uncommented() -> str:
    """Return the example with its commented settings switched on."""
    lines = EXAMPLE.read_text().splitlines()
    return "\n".join(re.sub(r"^# (?=\[|[a-z_]+ = )", "", line) for line in lines)


def test_the_example_as_it_stands_is_the_default(tmp_path: Path) -> None:
    assert config.load(EXAMPLE) == Config()


def test_the_example_names_every_key_and_all_load() -> None:
    table = tomllib.loads(uncommented())
    table["backend"]["kind"] = "openai"
    assert config.parse(table, "example").outbound[0].name == "cloud"
    missing = [key for key in config._known_keys() if not re.search(rf"\b{key}\b", uncommented())]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nmae = 'x'", ["unknown key `nmae`", "did you mean `name`"]),
        ("[listen]\nhtpp = '127.0.0.1:1'", ["unknown key `htpp`", "listen", "`http`"]),
        ("name = 'Not Allowed'", ["name", "config.example.toml"]),
        ("[listen]\nhttp = '0.0.0.0:80'", ["listen.http", "loopback", "127.0.0.1"]),
        ("[listen]\nreachable = 'relayed'\n[relay]\nserve = true", ["relay.serve", "listen.reachable"]),
        ("[relay]\nmegabytes_per_second = 0", ["relay.megabytes_per_second"]),
        ("[backend]\nkind = 'openai'", ["backend.url", "missing"]),
        ("[policy.tier_trust]\ncloud = 1.5", ["policy.tier_trust.cloud", "1"]),
        ("[trust]\nrequired_schemes = ['soc2']", ["trust.required_schemes", "[[trust.issuers]]"]),
        ("[trust]\nview_group_hours = 200.0", ["trust.view_group_hours", "trust.view_hours"]),
        ("[[trust.issuers]]\nname = 'a'\nkey = 'abc'", ["trust.issuers[0].key"]),
        ("[privacy]\nterm = ['x']", ["unknown key `term`", "privacy"]),
        ("[privacy.floors]\nsecret = 0.5", ["privacy.floors.secret", "0.9"]),
        ("[privacy.floors]\nperson = 0.1", ["privacy.floors.person", "0.3"]),
        ("[privacy.floors]\nliteral = 0.5", ["unknown key `literal`"]),
        ("[privacy]\ndetector = 'none'", ["privacy.detector"]),
        ("[privacy]\nterms = ['!!']", ["privacy.terms[0]", "two letters"]),
        ("[privacy]\nterms = ['Acme']\nallow = ['ACME']", ["privacy.terms[0]", "allow"]),
        (
            "[[privacy.patterns]]\nname = 'mine'\npattern = '(?<=a)b'",
            ["privacy.patterns[0] (mine)", "RE2", "look-around"],
        ),
        (
            "[[privacy.patterns]]\nname='a'\npattern='x'\n[[privacy.patterns]]\nname='a'\npattern='y'",
            ["privacy.patterns", "`a` stands twice"],
        ),
        ("[[privacy.patterns]]\nname = 'a'\npattern = 'x'\ntype = 'LITERAL'", ["privacy.patterns[0].type"]),
        ("name = [", ["not valid TOML"]),
        ("[[data]]\nname='a'\npath='x'\n[[data]]\nname='a'\npath='y'", ["data", "`a` stands twice"]),
    ],
)
def test_a_mistake_names_file_key_and_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_bytes_that_are_not_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigError, match="byte 8 is not UTF-8"):
        config.load(path)


def test_flag_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text("name = 'from-file'\nlog_level = 'error'\n[listen]\ngrpc = '127.0.0.1:1'")
    monkeypatch.setenv("ISLANDRUN_NAME", "from-environment")
    monkeypatch.setenv("ISLANDRUN_LISTEN_GRPC", "127.0.0.1:2")
    loaded = config.load(path, {("listen", "grpc"): "127.0.0.1:3"})
    assert (loaded.name, loaded.log_level, loaded.listen.grpc) == ("from-environment", "error", "127.0.0.1:3")


def test_the_owner_s_rules_and_floors_come_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "[privacy]\nterms = ['Falcon']\nallow = ['Acme Ltd']\n[privacy.floors]\nperson = 0.3\ncard = 0.95\n"
        "[[privacy.patterns]]\nname = 'case'\npattern = 'CN-[0-9]{6}'\ntype = 'CODE'"
    )
    privacy = config.load(path).privacy
    found = config.owner_rules(privacy)("falcon and CN-123456")
    assert [(one.type, one.start, one.end) for one in found] == [("TERM", 0, 6), ("CODE", 11, 20)]
    floors = config.floors_of(privacy)
    assert (floors.person, floors.card, floors.secret) == (300_000, 950_000, DEFAULT_FLOORS.secret)
    assert config.floors_of(Privacy()) == DEFAULT_FLOORS


def test_the_example_shows_the_floors_as_they_are() -> None:
    floors = tomllib.loads(uncommented())["privacy"]["floors"]
    shown = {key: round(share * 1_000_000) for key, share in floors.items()}
    assert shown == {key: value for key, value in asdict(DEFAULT_FLOORS).items() if key != "literal"}
