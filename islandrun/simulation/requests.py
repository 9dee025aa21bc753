"""Requests in a simulated mesh: the real routing decides, the world knows who should never have got one.

Simulated requests hold no text. What counts is how sensitive one is after masking for its target, and whom
the library chooses for it, in each try anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.models import AUTO
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.errors import Unreachable
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.routing.candidates import LocalFacts, Vantage
from islandrun.routing.decision import Decision
from islandrun.routing.route import Route
from islandrun.simulation.invariants import POLICY
from islandrun.simulation.islands import GROUP, Island
from islandrun.vocabulary import Hints, Instant, IslandId, Load, Ppm

_ROUTING: Final = RoutingPolicy()
_IDLE: Final = Load(running=0, waiting=0, requests_max=4, first_token_ms=400, token_us=30_000)


@dataclass(frozen=True, slots=True)
class Request:
    """One request on its way to an island that would see something of this sensitivity."""

    source: Island
    target: Island
    visible_ppm: Ppm


def ask(
    asker: Island, visible_ppm: Ppm, now: Instant, hand_over: Callable[[IslandId], bool]
) -> IslandId | None:
    """Let an island find another one for a request of which nothing can be masked; return who took it.

    `hand_over` is called with the chosen island of each try and says whether it could be reached.
    """
    route = Route(_question(asker, visible_ppm, now))
    decision: Decision | None = route.start(_fleet(asker, now), now)
    while decision is not None and decision.chosen is not None:
        chosen = decision.chosen.island
        if hand_over(chosen):
            return chosen
        decision = route.failed(chosen, Unreachable("it does not answer"), _fleet(asker, now), now)
    return None


def _fleet(asker: Island, now: Instant) -> Fleet:
    assert asker.mesh is not None, "an island that asks runs"
    local = {asker.id: LocalFacts(_IDLE, is_self=True)}
    return fleet_of(Vantage(asker.ledger, asker.mesh, GROUP, POLICY, {}, local, now).views())


def _question(asker: Island, visible_ppm: Ppm, now: Instant) -> Question:
    topic = Topic("simulated", visible_ppm, visible_ppm)
    return Question(
        request_id="simulated",
        assessment=Assessment((), (topic,), visible_ppm, ("simulated",)),
        model=AUTO,
        hints=Hints(ignore=(asker.id,)),
        input_tokens=100,
        output_tokens=100,
        policy=_ROUTING,
        now=now,
        my_group=GROUP,
    )
