"""Whether a request may wait for a place: when nothing but capacity is missing, and its profile says so.

Waiting never widens anything: each look decides anew, on a fresh snapshot and with the same vetoes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from islandrun.agents.agent import VetoReason
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.vocabulary import Hints, IslandId

WAIT_MS: Final[Mapping[str, int]] = MappingProxyType(
    {"fast": 0, "balanced": 2_000, "private": 30_000, "cheap": 30_000}
)
"""How long a request of a profile waits for a place before it is refused."""

WAIT_MS_MAX: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class WaitRules:
    """The owner's limits by profile; a profile that is not named waits as long as `balanced` does."""

    by_profile: Mapping[str, int] = field(default_factory=lambda: WAIT_MS)

    def limit_ms(self, profile: str, hints: Hints) -> int:
        """Say how long a request may wait in all: its profile's limit, which its own wishes only shorten."""
        limits = [self.by_profile.get(profile, self.by_profile.get("balanced", 0)), WAIT_MS_MAX]
        wishes = (hints.wait_ms, hints.deadline_ms)
        return min(*limits, *(wish for wish in wishes if wish is not None))


def is_only_full(decision: Decision, overloaded: Collection[IslandId] = ()) -> bool:
    """Say whether nobody runs a request and some island would, if only it had a place.

    `overloaded` are the islands that failed this request because they had no place.
    """
    return decision.chosen is None and any(_is_full(report, overloaded) for report in decision.reports)


def _is_full(report: CandidateReport, overloaded: Collection[IslandId]) -> bool:
    reasons = {veto.reason for veto in report.vetoes}
    if report.island in overloaded:
        reasons.discard(VetoReason.FAILED_BEFORE)
        return reasons <= {VetoReason.NO_CAPACITY}
    return reasons == {VetoReason.NO_CAPACITY}
