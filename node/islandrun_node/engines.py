"""The engines of a node's islands, built from the settings: its own, and one for each outbound island."""

from __future__ import annotations

from islandrun.errors import StateError
from islandrun.vocabulary import ModelOffer
from islandrun_node.backends.backend import Backend
from islandrun_node.backends.embedded import EmbeddedBackend
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.grounded import GroundedBackend
from islandrun_node.backends.openai import OpenAiBackend
from islandrun_node.backends.turnstile import Turnstile
from islandrun_node.config import ppm
from islandrun_node.config_tables import Config, Model, Outbound
from islandrun_node.library import Library
from islandrun_node.stores.sealed import SealedStore

MICRO = 1_000_000


def own_engine(config: Config, library: Library, embedder: Embedder, sealed: SealedStore) -> Turnstile:
    """Return the engine of the node's own island behind its turnstile."""
    return _behind_turnstile(_own(config, library, embedder, sealed), config.island.requests_max, config)


def _own(config: Config, library: Library, embedder: Embedder, sealed: SealedStore) -> Backend:
    if config.backend.kind == "embedded":
        return EmbeddedBackend(embedder, library.index, is_here=library.is_here)
    assert config.backend.url is not None
    key = sealed.open("backend")
    engine = OpenAiBackend(
        config.backend.url,
        tuple(_model(model, is_free=True) for model in config.backend.models),
        None if key is None else lambda: key,
        config.island.requests_max,
    )
    return GroundedBackend(engine, library.index, library.is_here)


def outbound_engine(outbound: Outbound, sealed: SealedStore, config: Config) -> Turnstile:
    """Return the engine of an outbound island; its key is opened for each call, so it can be replaced."""
    name = f"outbound:{outbound.name}"

    def key() -> str:
        secret = sealed.open(name)
        if secret is None:
            raise StateError(f"the key of {outbound.name} is gone; run: islandrun-node outbound add")
        return secret

    models = outbound_offers(outbound)
    has_key = sealed.open(name) is not None
    backend = OpenAiBackend(outbound.url, models, key if has_key else None, outbound.requests_max)
    return _behind_turnstile(backend, outbound.requests_max, config)


def _behind_turnstile(backend: Backend, requests_max: int, config: Config) -> Turnstile:
    resources = config.resources
    return Turnstile(backend, requests_max, resources.waiting_max, resources.wait_seconds_max)


def outbound_offers(outbound: Outbound) -> tuple[ModelOffer, ...]:
    """Return the models of an outbound island as the settings have them."""
    return tuple(map(_model, outbound.models))


def _model(model: Model, *, is_free: bool = False) -> ModelOffer:
    """Return a model as the settings have it; without any price it is free, or its price is not known."""
    cached = model.cached_input_price_usd
    prices = (model.input_price_usd, model.output_price_usd, cached, model.request_price_usd)
    return ModelOffer(
        name=model.name,
        context_tokens_max=model.context_tokens_max,
        quality_ppm=ppm(model.quality),
        input_price_microusd=round((model.input_price_usd or 0) * MICRO),
        output_price_microusd=round((model.output_price_usd or 0) * MICRO),
        supports_tools=model.supports_tools,
        cached_input_price_microusd=None if cached is None else round(cached * MICRO),
        request_price_microusd=round((model.request_price_usd or 0) * MICRO),
        is_price_known=is_free or any(price is not None for price in prices),
    )
