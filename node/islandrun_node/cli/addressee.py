"""For whom a text is masked: a tier, or an island as this node knows it without asking anybody."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import click

from islandrun.vocabulary import IslandView, Ppm, Standing, Tier
from islandrun_node.config import ppm
from islandrun_node.config_tables import Config
from islandrun_node.home import Home

NAMES_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who would read the text, and how far they are trusted."""

    name: str
    trust_ppm: Ppm


def addressee(word: str, config: Config | None, home: Home | None) -> Addressee:
    """Return who is meant by a word: a tier, else an island by name or id.

    Raises `BadParameter`, which names the islands that are known, and `StateError` when a home is damaged.
    """
    tiers = {tier.name.lower(): tier for tier in Tier}
    if word.lower() in tiers:
        return Addressee(word.lower(), tier_trust(tiers[word.lower()], config or Config()))
    if home is None or not home.is_member:
        place = f"; {home.path} belongs to no mesh" if home else ""
        raise _unknown(f"{word!r} is not personal, edge or cloud{place}")
    views = _views(home, config or Config())
    found = [view for view in views if word in (view.name, view.id)]
    if len(found) == 1:
        return Addressee(found[0].name, found[0].trust.ppm)
    if found:
        raise _unknown(
            f"{len(found)} islands are called {word!r}; use the id: {_listed([view.id for view in found])}"
        )
    known = _listed(sorted({view.name for view in views if view.standing is Standing.ADMITTED}))
    raise _unknown(f"no island is called {word!r}; a tier (personal, edge, cloud), or one of {known}")


def tier_trust(tier: Tier, config: Config) -> Ppm:
    """Return what the owner's policy trusts the islands of a tier with, at most."""
    shares = config.policy.tier_trust
    return ppm({Tier.PERSONAL: shares.personal, Tier.EDGE: shares.edge, Tier.CLOUD: shares.cloud}[tier])


def _unknown(what: str) -> click.BadParameter:
    return click.BadParameter(what, param_hint="--for")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return ", ".join(names[:NAMES_SHOWN_MAX]) + more


def _views(home: Home, config: Config) -> tuple[IslandView, ...]:
    """Return the islands as the node of this home would see them now."""
    from islandrun.mesh.machine import Mesh
    from islandrun.routing.candidates import LocalFacts, Vantage
    from islandrun.vocabulary import Load
    from islandrun_node import world_clock
    from islandrun_node.config import issuers_of, trust_policy
    from islandrun_node.identity import IslandKey
    from islandrun_node.state import open_state
    from islandrun_node.stores.behaviour import BehaviourStore

    idle = Load(0, 0, 1, 0, 0)
    now = world_clock.now()
    with ExitStack() as stack:
        state = open_state(home, stack, issuers_of(config.trust))
        local = {state.me: LocalFacts(idle, is_self=True)}
        for outbound in config.outbound:
            fronted = IslandKey.load(home.outbound_key(outbound.name)).id
            local[fronted] = LocalFacts(idle, is_self=False)
        seen = BehaviourStore(state.database).load()
        mesh = Mesh(state.me, state.ledger, world_clock.dice(), now)
        policy, group = trust_policy(config), state.admission.group
        return Vantage(state.ledger, mesh, group, policy, seen, local, now).views()
