"""When requests run here: the owner's rules, what is unknown, and figures that tremble at a bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandrun.load import Machine
from islandrun.routing.hosting import Hold, Hosting, HostingRules, Whose, hosting

OPEN = Hosting()
BATTERY = Machine(is_on_battery=True, battery_ppm=800_000)
NOON, MIDNIGHT = 720, 0


@pytest.mark.parametrize(
    ("machine", "rules", "expected"),
    [
        (Machine(), HostingRules(Whose.NONE, 1_000_000, Whose.OWN, (), 0), Whose.ALL),
        (BATTERY, HostingRules(), Whose.ALL),
        (BATTERY, HostingRules(on_battery=Whose.OWN), Whose.OWN),
        (BATTERY, HostingRules(on_battery=Whose.NONE), Whose.NONE),
        (replace(BATTERY, is_on_battery=False), HostingRules(on_battery=Whose.NONE), Whose.ALL),
        (BATTERY, HostingRules(battery_min_ppm=900_000), Whose.OWN),
        (BATTERY, HostingRules(battery_min_ppm=800_000), Whose.ALL),
        (replace(BATTERY, is_on_battery=False), HostingRules(battery_min_ppm=900_000), Whose.ALL),
        (Machine(is_metered=True), HostingRules(on_metered=Whose.OWN), Whose.OWN),
        (Machine(is_metered=False), HostingRules(on_metered=Whose.OWN), Whose.ALL),
        (Machine(cpu_ppm=910_000), HostingRules(cpu_max_ppm=900_000), Whose.OWN),
        (Machine(cpu_ppm=1_000_000), HostingRules(), Whose.ALL),
        (Machine(), HostingRules(quiet_minutes=((NOON - 1, NOON + 1),)), Whose.OWN),
        (Machine(), HostingRules(quiet_minutes=((NOON + 1, NOON - 1),)), Whose.ALL),
        (Machine(), HostingRules(quiet_minutes=((NOON, NOON),)), Whose.ALL),
    ],
)
def test_a_rule_holds_back_what_it_names(machine: Machine, rules: HostingRules, expected: Whose) -> None:
    found = hosting(machine, rules, NOON, OPEN)
    assert found.whose is expected
    assert bool(found.holds) is (expected is not Whose.ALL)


def test_quiet_hours_go_over_midnight_and_end_on_the_minute() -> None:
    rules = HostingRules(quiet_minutes=((22 * 60, 7 * 60),))
    quiet = [minute for minute in range(1_440) if hosting(Machine(), rules, minute, OPEN).whose is Whose.OWN]
    assert quiet == [*range(7 * 60), *range(22 * 60, 1_440)]


def test_the_strictest_rule_counts_and_all_are_named() -> None:
    machine = Machine(is_on_battery=True, battery_ppm=50_000, is_metered=True, cpu_ppm=990_000)
    rules = HostingRules(Whose.NONE, 200_000, Whose.OWN, ((0, 60),), 900_000)
    found = hosting(machine, rules, MIDNIGHT, OPEN)
    assert found == Hosting(Whose.NONE, tuple(Hold))


def changes(cpus: list[int], rules: HostingRules) -> int:
    found, count = OPEN, 0
    for cpu in cpus:
        before, found = found, hosting(Machine(cpu_ppm=cpu), rules, NOON, found)
        count += before.whose is not found.whose
    return count


def test_a_figure_that_trembles_at_its_bound_changes_once() -> None:
    rules = HostingRules(cpu_max_ppm=800_000)
    assert changes([790_000, 810_000] * 50, rules) == 1
    assert changes([790_000, 810_000, 690_000] * 5, rules) == 10
    low = HostingRules(battery_min_ppm=200_000)
    machine = Machine(is_on_battery=True, battery_ppm=190_000)
    held = hosting(machine, low, NOON, OPEN)
    assert hosting(replace(machine, battery_ppm=240_000), low, NOON, held).whose is Whose.OWN
    assert hosting(replace(machine, battery_ppm=250_000), low, NOON, held).whose is Whose.ALL
    assert hosting(replace(machine, battery_ppm=240_000), low, NOON, OPEN).whose is Whose.ALL
