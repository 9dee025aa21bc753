"""What `config check` refuses and warns of, each with file, key and remedy."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from islandrun.errors import ConfigError
from islandrun.routing.countries import COUNTRIES
from islandrun.routing.reach_table import Row, Sight
from islandrun.vocabulary import Tier
from islandrun_node import config
from islandrun_node.cli import cli
from islandrun_node.cli.policy_table import rows_of
from islandrun_node.policy import rule_problems

RULE = "[[policy.rule]]\nname = 'r'\n"
OTHER = "[[policy.rule]]\nname = 's'\n"
BERLIN = "zone = 'Europe/Berlin'"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULE, ["policy.rule[0] (r)", "restricts nothing", "deny = true"]),
        (RULE + "tiers = []", ["policy.rule[0].tiers", "length"]),
        (RULE + "tiers = ['moon']", ["policy.rule[0].tiers", "moon"]),
        (RULE + "data = ['PHY']", ["policy.rule[0].data", "PHY"]),
        (RULE + "tier = ['edge']", ["unknown key `tier`", "policy.rule[0]"]),
        (RULE + "topics = ['helth']\ntiers = ['edge']", ["(r).topics", "helth", "health"]),
        (RULE + "jurisdictions = ['EU']", ["(r).jurisdictions", "`EU` is no country", "one by one"]),
        (RULE + "jurisdictions = ['UK']", ["(r).jurisdictions", "GB"]),
        (RULE + "jurisdictions = ['XX']", ["(r).jurisdictions", "`XX` is no country", "ISO 3166"]),
        (RULE + "certifications = ['iso27001']", ["(r).certifications", "[[trust.issuers]]"]),
        (RULE + "islands = ['box']", ["policy.rule[0].islands[0]"]),
        ("[policy]\ntiers = ['personal']\n" + RULE + "tiers = ['cloud']", ["(r).tiers", "policy.tiers"]),
        (
            "[policy]\njurisdictions = ['DE']\n" + RULE + "jurisdictions = ['US']",
            ["(r).jurisdictions", "policy.jurisdictions"],
        ),
        (
            "[trust]\njurisdictions = ['DE']\n" + RULE + "jurisdictions = ['US']",
            ["(r).jurisdictions", "trust.jurisdictions"],
        ),
        (RULE + "data = ['PHI']\ntiers = ['cloud']", ["(r).tiers", "0.20", "0.70", "even when masked"]),
        (RULE + f"tiers=['edge']\nduring = {{{BERLIN}, days = []}}", ["(r).during", "never opens"]),
        (
            RULE + f"tiers=['edge']\nonly_during = {{{BERLIN}, start = '08:00', end = '08:00'}}",
            ["(r).only_during", "never opens"],
        ),
        (RULE + "only_during = {zone = 'Europe/Atlantis'}", ["only_during.zone", "Atlantis", "IANA"]),
        (RULE + f"only_during = {{{BERLIN}, start = '25:00'}}", ["policy.rule[0].only_during.start"]),
        (
            RULE + f"during = {{{BERLIN}, days = ['mon']}}\nonly_during = {{{BERLIN}, days = ['tue']}}",
            ["(r).only_during", "always denies"],
        ),
        (RULE + "tiers = ['edge']\n" + OTHER + "tiers = ['cloud']", ["[1] (s).tiers", "rule r", "in common"]),
        (
            RULE + "data=['PHI']\ntiers=['edge']\n" + OTHER + "data=['PHI','HR']\ntiers=['personal']",
            ["[1] (s).tiers", "nothing in common"],
        ),
        (RULE + "deny = true\n" + RULE + "deny = true", ["policy.rule", "`r` stands twice"]),
        ("[[policy.key]]\nname = 'A b'", ["policy.key[0].name"]),
        ("[[policy.key]]\nname = 'a'\n[[policy.key]]\nname = 'a'", ["policy.key", "`a` stands twice"]),
        ("[[policy.key]]\nname = 'a'\nrequests_per_minute = 0", ["policy.key[0].requests_per_minute"]),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)
    done = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "config", "check", str(path)])
    assert done.exit_code == 1


@pytest.mark.parametrize(
    "text",
    [
        RULE + "deny = true",
        RULE + "keys = ['a']\ntiers = ['edge']\n" + OTHER + "keys = ['b']\ntiers = ['cloud']",
        RULE + "uses = ['read']\ntiers = ['edge']\n" + OTHER + "uses = ['chat']\ntiers = ['cloud']",
        RULE + "tiers = ['edge']\n" + OTHER + "deny = true",
        f"{RULE}tiers=['edge']\nduring={{{BERLIN}, days=['mon']}}\n"
        f"{OTHER}tiers=['cloud']\nduring={{{BERLIN}, days=['tue']}}",
        RULE + "data = ['PHI']\ntiers = ['edge']",
        RULE + f"only_during = {{{BERLIN}, start = '22:00', end = '06:00'}}",
    ],
)
def test_a_policy_that_can_be_meant_loads(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert config.load(tmp_path / "config.toml").policy.rule


def test_the_rules_of_the_example_contradict_nobody() -> None:
    text = Path(config.__file__).with_name("config.example.toml").read_text()
    table = tomllib.loads(re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", text))
    settings = config.parse({"policy": table["policy"], "trust": table["trust"]}, "example")
    assert settings.policy.rule[0].only_during is not None
    assert [one for one in rule_problems(settings, "example") if one.is_fatal] == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[policy.tier_trust]\nedge = 0.3\ncloud = 0.5", "policy.tier_trust.cloud"),
        ("[policy.tier_trust]\ncloud = 0.95\nedge = 0.95", "policy.tier_trust.cloud"),
        (
            RULE + "data=['PHI']\ntiers=['edge']\n" + OTHER + "data=['HR']\ntiers=['personal']",
            "[1] (s).tiers",
        ),
    ],
)
def test_what_may_be_meant_is_a_warning(text: str, key: str) -> None:
    found = rule_problems(config.parse(tomllib.loads(text), "x"), "x")
    assert any(key in one.key and not one.is_fatal for one in found)
    assert not any(one.is_fatal for one in found)


def rows(text: str) -> dict[tuple[str, str], Row]:
    settings = config.parse(tomllib.loads(text), "x")
    return {(row.caller, row.request): row for row in rows_of(settings, "x")}


def sights(row: Row) -> list[Sight]:
    return [dict(row.sights)[tier] for tier in Tier]


def test_the_table_without_rules_is_what_trust_alone_allows() -> None:
    found = rows("")
    assert sights(found["local", "public"]) == [Sight.CLEAR] * 3
    assert sights(found["local", "PHI"]) == [Sight.CLEAR, Sight.MASKED, Sight.NOTHING]
    assert sights(found["local", "PCI"]) == [Sight.CLEAR, Sight.MASKED, Sight.MASKED]
    assert sights(found["local", "could not be judged"]) == [Sight.CLEAR, Sight.NOTHING, Sight.NOTHING]


def test_the_table_shows_what_rules_leave_for_each_caller() -> None:
    found = rows(
        "[policy]\nunmatched = 'deny'\n"
        "[[policy.rule]]\nname = 'us'\nkeys = ['local']\ntiers = ['personal', 'edge', 'cloud']\n"
        "[[policy.rule]]\nname = 'cards'\ndata = ['PCI']\ntiers = ['personal']\njurisdictions = ['DE']\n"
        "[[policy.rule]]\nname = 'desk'\nkeys = ['desk']\ntiers = ['personal', 'edge']\n"
    )
    assert found["local", "PCI"].rules == ("us", "cards")
    assert sights(found["local", "PCI"]) == [Sight.CLEAR, Sight.NOTHING, Sight.NOTHING]
    assert found["local", "PCI"].jurisdictions == ("DE",)
    assert sights(found["desk", "public"]) == [Sight.CLEAR, Sight.CLEAR, Sight.NOTHING]
    nobody = rows("[policy]\nunmatched = 'deny'")["local", "public"]
    assert nobody.denial
    assert sights(nobody) == [Sight.NOTHING] * 3


def test_the_check_prints_the_table_as_text_and_as_json(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(RULE + "data = ['PHI']\ntiers = ['personal']")
    arguments = ["--home", str(tmp_path / "home"), "config", "check", str(path)]
    text = CliRunner().invoke(cli, arguments).stdout
    assert text.startswith(f"ok: {path}")
    assert any(line.split()[:4] == ["PHI", "as", "it", "is"] for line in text.splitlines())
    found = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    assert found["schema"] == "islandrun.config-check/v1"
    assert found["ok"]
    (phi,) = [row for row in found["reach"] if row["request"] == "PHI"]
    assert phi["tiers"] == {"personal": "as it is", "edge": "no", "cloud": "no"}
    assert phi["rules"] == ["r"]


def test_the_check_shows_all_problems_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(RULE + "jurisdictions = ['EU', 'UK']\n" + OTHER)
    arguments = ["--home", str(tmp_path / "home"), "config", "check", str(path), "--json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert not found["ok"]
    assert len(found["problems"]) == 3


def test_there_are_as_many_countries_as_iso_3166_has() -> None:
    assert len(COUNTRIES) == 249
