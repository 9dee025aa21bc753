"""Which islands may carry our pipes. A relay sees no text, but it sees who talks to whom, when and how much.

So the choice is a matter of privacy: the islands that the owner named, else those of the owner's own tiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.vocabulary import IslandId, IslandView, Reachability, Standing, Tier

RELAYS_KEPT: Final = 2
"""To how many relays an island stays attached: one may fail."""

_OWN_TIERS: Final = (Tier.PERSONAL, Tier.EDGE)
_ANSWERING: Final = (Reachability.ALIVE, Reachability.SUSPECT)


@dataclass(frozen=True, slots=True)
class RelayPolicy:
    """`through` holds the names or ids of the only islands that may carry; empty: any of the own tiers."""

    through: tuple[str, ...] = ()

    def may_carry(self, relay: IslandView) -> bool:
        """Say whether an island offers to carry pipes, and may see who talks to whom here."""
        if relay.standing is not Standing.ADMITTED or relay.trust.ppm <= 0 or relay.front:
            return False
        if not relay.relay_endpoints:
            return False
        if self.through:
            return relay.name in self.through or relay.id in self.through
        return relay.tier in _OWN_TIERS


def choose_relays(
    islands: Iterable[IslandView], policy: RelayPolicy, kept: Sequence[IslandId] = ()
) -> tuple[IslandId, ...]:
    """Return the relays to be attached to, best first: those that answer, those we have, the nearest.

    `kept` are the ones attached to now; they are not changed for a little less delay.
    """
    offers = [island for island in islands if policy.may_carry(island) and not island.is_self]
    offers.sort(key=lambda relay: _rank(relay, policy, kept))
    return tuple(relay.id for relay in offers[:RELAYS_KEPT])


def _rank(relay: IslandView, policy: RelayPolicy, kept: Sequence[IslandId]) -> tuple[object, ...]:
    named = [word for word in (relay.name, relay.id) if word in policy.through]
    place = policy.through.index(named[0]) if named else 0
    answers = relay.reachability in _ANSWERING
    return (relay.id not in kept, not answers, place, relay.tier, relay.round_trip_ms, relay.id)
