"""Battery or mains, and how full the battery is: from Linux's files, elsewhere as psutil knows it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from islandrun_node.probes.figures import entries, figure, word

FOLDER: Final = Path("/sys/class/power_supply")


@dataclass(frozen=True, slots=True)
class Power:
    """What feeds the machine. `battery_ppm` is the mean over its batteries."""

    is_on_battery: bool | None = None
    battery_ppm: int | None = None


def power(folder: Path = FOLDER, platform: str = sys.platform) -> Power:
    """Read what feeds this machine. A battery of a mouse or a headset does not count."""
    return _from_files(folder) if platform == "linux" else _from_psutil()


def _from_files(folder: Path) -> Power:
    supplies = [entry for entry in entries(folder) if word(entry / "scope") != "Device"]
    mains = [figure(entry / "online") for entry in supplies if word(entry / "type") in ("Mains", "USB")]
    batteries = [
        entry for entry in supplies if word(entry / "type") == "Battery" and figure(entry / "present") != 0
    ]
    shares = [share for entry in batteries if (share := figure(entry / "capacity")) is not None]
    battery_ppm = max(0, min(sum(shares) * 10_000 // len(shares), 1_000_000)) if shares else None
    if any(mains):
        return Power(False, battery_ppm)
    states = {word(entry / "status") for entry in batteries}
    if "Discharging" in states:
        return Power(True, battery_ppm)
    if states & {"Charging", "Full", "Not charging"}:
        return Power(False, battery_ppm)
    return Power(True if batteries and 0 in mains else None, battery_ppm)


def _from_psutil() -> Power:
    ask = getattr(psutil, "sensors_battery", None)  # some systems have no such function
    found = ask() if ask is not None else None
    if found is None:
        return Power()
    is_on_battery = None if found.power_plugged is None else not found.power_plugged
    return Power(is_on_battery, round(max(0.0, min(found.percent, 100.0)) * 10_000))
