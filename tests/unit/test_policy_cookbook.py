"""docs/policy.md is true: each recipe loads, and each row of its table is what the library decides."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from islandrun.agents.fleet import fleet_of
from islandrun.privacy.data_classes import OF_FINDINGS, DataClass
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.choose import choose
from islandrun.routing.rules import facts_of, limits_for
from islandrun.vocabulary import Instant, IslandView, Message, Ppm, Prompt, Tier, TrustScore
from islandrun_node import config
from islandrun_node.config_tables import Config
from islandrun_node.detectors import load_watch
from islandrun_node.policy import owner_policy, rule_problems, surroundings
from tests.unit.policy_kit import LARGE, SMALL, island, question

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = {
    "noon": datetime(2026, 1, 7, 12, tzinfo=BERLIN),
    "sunday": datetime(2026, 1, 11, 12, tzinfo=BERLIN),
}
WITH_TOOLS = " (with tools)"


def recipes() -> Iterator[tuple[str, str, str]]:
    """Yield title, settings and table of each recipe."""
    for part in TEXT.partition("## Cookbook")[2].split("\n### ")[1:]:
        found = re.fullmatch(r"(.*?)\n.*```toml\n(.*?)```\n(.*)", part, re.S)
        assert found
        yield found[1], found[2], found[3]


def rows() -> Iterator[tuple[str, str, list[str]]]:
    for title, settings, table in recipes():
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and cells[0] not in ("request", "---"):
                yield title, settings, cells


def settings_of(text: str) -> Config:
    return config.parse(tomllib.loads(text), "docs/policy.md")


@functools.cache
def assessed(text: str, settings: str) -> Assessment:
    return load_watch(settings_of(settings).privacy).assess(Prompt((Message("user", text),)))


def islands(settings: Config) -> tuple[IslandView, ...]:
    base = surroundings(settings).tier_base

    def made(number: int, name: str, tier: Tier, **changes: object) -> IslandView:
        trust = TrustScore(Ppm(base[tier]))
        return island(number, name, tier, trust=trust, models=(SMALL, LARGE), **changes)

    return (
        made(1, "laptop", Tier.PERSONAL, is_self=True, is_local=True, group="home"),
        made(2, "server", Tier.EDGE, group="office", certifications=("iso27001",)),
        made(3, "cloud-de", Tier.CLOUD, group="clouds"),
        made(4, "cloud-us", Tier.CLOUD, group="clouds", jurisdictions=("US",)),
    )


def test_there_are_four_recipes_with_four_rows_each() -> None:
    assert [title for title, _, _ in recipes()] == ["A clinic", "A law firm", "A family", "A small company"]
    assert len(list(rows())) >= 16


@pytest.mark.parametrize(("title", "settings", "table"), list(recipes()))
def test_each_recipe_loads_without_a_warning(title: str, settings: str, table: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(settings)
    assert rule_problems(config.load(tmp_path / "config.toml"), title) == ()


@pytest.mark.parametrize(("title", "settings", "cells"), list(rows()))
def test_each_row_is_what_the_library_decides(title: str, settings: str, cells: list[str]) -> None:
    text, caller, moment, expected = cells
    parsed = settings_of(settings)
    policy = owner_policy(parsed)
    now = Instant(0.0, int(MOMENTS[moment].timestamp() * 1000))
    task = "tools" if text.endswith(WITH_TOOLS) else "chat"
    assessment = assessed(text.removesuffix(WITH_TOOLS), settings)
    limits = limits_for(policy.rules, facts_of(assessment, (), caller, task), now)
    asked = replace(
        question("islandrun/auto"),
        assessment=assessment,
        limits=limits,
        policy=policy.routing,
        now=now,
        my_group="home",
    )
    found = [report.name for report in choose(asked, fleet_of(islands(parsed))).reports if report.rank]
    assert sorted(found) == ([] if expected == "nobody" else sorted(expected.split(", "))), assessment.reasons


def test_the_table_of_data_classes_names_every_finding_that_has_one() -> None:
    table = TEXT.partition("## Data classes")[2].partition("## Client keys")[0]
    written = {
        cells[1].strip("`"): set(re.findall(r"\b[A-Z_]{2,}\b", cells[2]))
        for line in table.splitlines()
        if line.startswith("| `")
        for cells in [[cell.strip() for cell in line.split("|")]]
    }
    assert set(written) == set(DataClass)
    for kind in DataClass:
        assert written[kind] == {str(found) for found, classes in OF_FINDINGS.items() if kind in classes}
