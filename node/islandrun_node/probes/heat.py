"""Whether heat slows the machine: throttle counters that grow, zones past their trip point."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from islandrun_node.probes.figures import entries, figure, word

SYSTEM: Final = Path("/sys")
TRIPS_MAX: Final = 12
_SLOWING: Final = ("passive", "hot", "critical")


class Heat:
    """Compares the counters with those it saw last; the first look can only tell of the zones."""

    def __init__(self, system: Path = SYSTEM) -> None:
        self._system = system
        self._counted: int | None = None

    def is_throttled(self) -> bool | None:
        """Say whether heat slows the machine now; None where nothing tells."""
        before, self._counted = self._counted, self._throttles()
        has_slowed = None
        if before is not None and self._counted is not None:
            has_slowed = self._counted > before
        hot = [verdict for zone in self._zones() if (verdict := _is_hot(zone)) is not None]
        if has_slowed or any(hot):
            return True
        return None if has_slowed is None and not hot else False

    def _zones(self) -> list[Path]:
        return entries(self._system / "class/thermal", "thermal_zone*")

    def _throttles(self) -> int | None:
        counters = entries(self._system / "devices/system/cpu", "cpu[0-9]*/thermal_throttle/*_throttle_count")
        counts = [count for counter in counters if (count := figure(counter)) is not None]
        return sum(counts) if counts else None


def _is_hot(zone: Path) -> bool | None:
    """Say whether a zone is past the lowest point at which it slows something; None without such a point."""
    now = figure(zone / "temp")
    limits = [
        limit
        for trip in range(TRIPS_MAX)
        if word(zone / f"trip_point_{trip}_type") in _SLOWING
        and (limit := figure(zone / f"trip_point_{trip}_temp")) is not None
        and limit > 0
    ]
    return None if now is None or not limits else now >= min(limits)
