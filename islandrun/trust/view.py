"""How old the owner's newest view of the mesh is, and whom that still lets this island trust.

An authority states from time to time what it has taken away in all. Whoever keeps news from an island can
hide a revocation from it, but not that the news is old (the freeze attack of TUF, The Update Framework).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from islandrun.trust.ledger import Ledger

HOUR_MS: Final = 3_600_000


class Reach(IntEnum):
    """Whom an island may trust by its view; each includes the ones below."""

    ITSELF = 0
    OWN_GROUP = 1
    EVERYBODY = 2


@dataclass(frozen=True, slots=True)
class View:
    """How far trust reaches, and why in words."""

    reach: Reach
    reason: str


def view(ledger: Ledger, group_ms_max: int, ms_max: int, now_ms: int) -> View:
    """Return how far trust reaches now.

    An owner that never published a view asks for none. Where views arrive and never whole, without all that
    they count, somebody holds something back. The newest whole view of any authority counts.
    """
    if not ledger.publishes_views():
        return View(Reach.EVERYBODY, "the owner publishes no view")
    views_ms = ledger.freshest_ms(now_ms).values()
    if not views_ms:
        return View(Reach.ITSELF, "no whole view of the owner has arrived")
    age_ms = now_ms - max(views_ms)
    reason = f"the owner's view is {age_ms // HOUR_MS} h old"
    if age_ms > ms_max:
        return View(Reach.ITSELF, reason)
    return View(Reach.OWN_GROUP if age_ms > group_ms_max else Reach.EVERYBODY, reason)
