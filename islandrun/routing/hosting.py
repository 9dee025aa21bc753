"""Whether a machine takes requests now, by the owner's rules and what is known of the machine.

What is unknown holds nothing back: a rule about batteries says nothing on a machine that has none. Rules that
compare a figure let go only when it is clearly better again, so that nothing flickers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from islandrun.load import Machine

BATTERY_MARGIN_PPM: Final = 50_000
CPU_MARGIN_PPM: Final = 100_000


class Whose(IntEnum):
    """Whose requests run here: nobody's, only those of this node's own programs, or also those of others."""

    NONE = 0
    OWN = 1
    ALL = 2


class Hold(StrEnum):
    """What holds requests back."""

    BATTERY = "it runs on its battery"
    BATTERY_LOW = "its battery is low"
    METERED = "its network is paid by volume"
    QUIET = "it is within its quiet hours"
    CPU = "its processors are busy"


@dataclass(frozen=True, slots=True)
class HostingRules:
    """The owner's rules. `quiet_minutes` are ranges of minutes since midnight, over midnight too."""

    on_battery: Whose = Whose.ALL
    battery_min_ppm: int = 0
    on_metered: Whose = Whose.ALL
    quiet_minutes: tuple[tuple[int, int], ...] = ()
    cpu_max_ppm: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Hosting:
    """Whose requests run now, and what holds the others back."""

    whose: Whose = Whose.ALL
    holds: tuple[Hold, ...] = ()


def hosting(machine: Machine, rules: HostingRules, minute: int, before: Hosting) -> Hosting:
    """Decide whose requests run. `minute` is the local time of day, `before` what was decided last."""
    found: dict[Hold, Whose] = {}
    if machine.is_on_battery and rules.on_battery is not Whose.ALL:
        found[Hold.BATTERY] = rules.on_battery
    if machine.is_on_battery and _is_battery_low(machine, rules, before):
        found[Hold.BATTERY_LOW] = Whose.OWN
    if machine.is_metered and rules.on_metered is not Whose.ALL:
        found[Hold.METERED] = rules.on_metered
    if any(_is_within(minute, begin, end) for begin, end in rules.quiet_minutes):
        found[Hold.QUIET] = Whose.OWN
    if _is_busy(machine, rules, before):
        found[Hold.CPU] = Whose.OWN
    return Hosting(min(found.values(), default=Whose.ALL), tuple(found))


def _is_battery_low(machine: Machine, rules: HostingRules, before: Hosting) -> bool:
    if machine.battery_ppm is None:
        return False
    margin = BATTERY_MARGIN_PPM if Hold.BATTERY_LOW in before.holds else 0
    return machine.battery_ppm < rules.battery_min_ppm + margin


def _is_busy(machine: Machine, rules: HostingRules, before: Hosting) -> bool:
    if machine.cpu_ppm is None or rules.cpu_max_ppm >= 1_000_000:
        return False
    margin = CPU_MARGIN_PPM if Hold.CPU in before.holds else 0
    return machine.cpu_ppm > rules.cpu_max_ppm - margin


def _is_within(minute: int, begin: int, end: int) -> bool:
    if begin <= end:
        return begin <= minute < end
    return minute >= begin or minute < end
