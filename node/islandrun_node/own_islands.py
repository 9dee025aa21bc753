"""The islands that this node is: its own, and one for each cloud that it fronts; with the engine of each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from islandrun.vocabulary import IslandId, ModelOffer
from islandrun_node import engines
from islandrun_node.accounting import Accounting
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.turnstile import Turnstile
from islandrun_node.config_tables import Config
from islandrun_node.identity import IslandKey
from islandrun_node.library import Library
from islandrun_node.prices import Prices
from islandrun_node.state import State
from islandrun_node.statements import SelfDescription


def own_islands(
    state: State,
    config: Config,
    library: Library,
    embedder: Embedder,
    accounting: Accounting,
) -> tuple[tuple[SelfDescription, ...], dict[IslandId, Turnstile]]:
    """Return the islands of this node and the engine of each.

    Raises `StateError` when the key of a cloud is missing.
    """
    key = state.membership.key
    own = engines.own_engine(config, library, embedder, state.sealed)
    islands = [
        SelfDescription(
            key=key.public,
            signer=key.sign,
            name=config.name,
            models=partial(_at_home, own, accounting.work_hour_microusd),
            data_sets=lambda: library.offers,
            requests_max=own.requests_max,
            is_open=own.is_open,
            jurisdictions=config.island.jurisdictions,
        )
    ]
    backends = {key.id: own}
    for outbound in config.outbound:
        outbound_key = IslandKey.load(state.home.outbound_key(outbound.name))
        backend = engines.outbound_engine(outbound, state.sealed, config)
        backends[outbound_key.id] = backend
        islands.append(
            SelfDescription(
                key=outbound_key.public,
                signer=outbound_key.sign,
                name=outbound.name,
                models=partial(_priced, backend, accounting.prices, outbound.provider),
                data_sets=tuple,
                requests_max=backend.requests_max,
                is_open=backend.is_open,
                jurisdictions=outbound.jurisdictions,
                front=key.public,
            )
        )
    return tuple(islands), backends


def _at_home(engine: Turnstile, work_hour_microusd: int) -> tuple[ModelOffer, ...]:
    return tuple(replace(offer, work_hour_microusd=work_hour_microusd) for offer in engine.offers())


def _priced(engine: Turnstile, prices: Prices, provider: str) -> tuple[ModelOffer, ...]:
    return prices.told(engine.offers(), provider)
