"""What `config check` says of the owner's rules: what is wrong, and which requests could reach which tier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from islandrun_node.cli.output import table

if TYPE_CHECKING:
    from islandrun.routing.reach_table import Row
    from islandrun.routing.rule_check import Problem
    from islandrun_node.config_tables import Config
    from islandrun_node.home import Home


def problems_of(config: Config, source: str, home: Home) -> tuple[Problem, ...]:
    """Return all that is wrong with the policy: in itself, and with what the mesh of a home knows."""
    from islandrun.routing.countries import COUNTRIES
    from islandrun.routing.rule_check import Problem, country_remedy
    from islandrun_node.mesh_words import known_in, unknown_words
    from islandrun_node.policy import rule_problems

    found = list(rule_problems(config, source))
    for key, places in (
        ("policy.jurisdictions", config.policy.jurisdictions),
        ("trust.jurisdictions", config.trust.jurisdictions),
        ("island.jurisdictions", config.island.jurisdictions),
    ):
        found += [
            Problem(key, f"`{place}` is no country", country_remedy(place))
            for place in places
            if place not in COUNTRIES
        ]
    if home.is_member:
        found.extend(unknown_words(config.policy, known_in(home, config)))
    return tuple(found)


def rows_of(config: Config, source: str) -> tuple[Row, ...]:
    """Return which classes of requests could reach which tier, now, for each caller that a rule names."""
    from islandrun.routing.reach_table import callers_of, reach_table
    from islandrun_node import world_clock
    from islandrun_node.policy import rules_of, surroundings

    rules = rules_of(config.policy, source)
    return reach_table(rules, surroundings(config), world_clock.now(), callers_of(rules))


def problem_json(problem: Problem) -> dict[str, object]:
    """Return one problem as JSON."""
    return {
        "key": problem.key,
        "what": problem.what,
        "remedy": problem.remedy,
        "is_fatal": problem.is_fatal,
    }


def row_json(row: Row) -> dict[str, object]:
    """Return one row of the table as JSON."""
    return {
        "caller": row.caller,
        "request": row.request,
        "rules": list(row.rules),
        "tiers": {tier.name.lower(): str(sight) for tier, sight in row.sights},
        "jurisdictions": list(row.jurisdictions) or None,
        "denial": row.denial or None,
    }


def check_text(path: Path, problems: Sequence[Problem], rows: Sequence[Row]) -> str:
    """Return the findings and the table as lines."""
    lines = [f"{'error' if one.is_fatal else 'warning'}: {path}: {one.key}: {one.what}" for one in problems]
    lines += [f"  {one.remedy}" for one in problems if one.remedy]
    if not any(one.is_fatal for one in problems):
        lines.append(f"ok: {path}")
    lines += ["", "What an island of each tier could see at most of a request:", _table(rows)]
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> str:
    callers = {row.caller for row in rows}
    headings = ("caller", "request", "personal", "edge", "cloud", "where", "rules")
    cells = [
        (
            row.caller,
            row.request,
            *(str(sight) for _, sight in row.sights),
            ",".join(row.jurisdictions) or ("nowhere" if row.denial else "anywhere"),
            ", ".join(row.rules) or "none",
        )
        for row in rows
    ]
    if len(callers) == 1:
        return table(headings[1:], [row[1:] for row in cells])
    return table(headings, cells)
