"""The engines of a node's islands, built from the settings: its own, and one for each outbound island."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from islandrun.errors import ConfigError, StateError
from islandrun.vocabulary import DataSetOffer, ModelOffer
from islandrun_node.backends.backend import Backend
from islandrun_node.backends.embedded import EmbeddedBackend
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.openai import OpenAiBackend
from islandrun_node.config import ppm
from islandrun_node.config_tables import Config, Data, Model, Outbound
from islandrun_node.stores.documents import DocumentIndex
from islandrun_node.stores.sealed import SealedStore

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Library:
    """The documents of this island: their index, and what is told of them."""

    index: DocumentIndex
    offers: tuple[DataSetOffer, ...]


async def open_library(path: Path, data: Sequence[Data], embedder: Embedder) -> Library:
    """Index the folders of the settings, off the event loop; unchanged files cost nothing.

    Raises `ConfigError` for a folder that is not there.
    """
    return await asyncio.to_thread(_open_library, path, data, embedder)


def _open_library(path: Path, data: Sequence[Data], embedder: Embedder) -> Library:
    for entry in data:
        if not Path(entry.path).expanduser().is_dir():
            raise ConfigError(f"data {entry.name}: {entry.path} is not a folder; correct data.path")
    index = DocumentIndex(path, embedder)
    wanted = {entry.name for entry in data}
    for name in index.names():
        if name not in wanted:
            index.remove(name)
    for entry in data:
        index.add_folder(entry.name, Path(entry.path).expanduser())
    return Library(index, tuple(_offer(entry, index, embedder.name) for entry in data))


def _offer(entry: Data, index: DocumentIndex, embedding_model: str) -> DataSetOffer:
    known = index.data_set(entry.name)
    return DataSetOffer(
        name=entry.name,
        documents=known.documents,
        size_bytes=known.size_bytes,
        sensitivity_ppm=ppm(entry.sensitivity),
        jurisdiction=entry.jurisdiction or "",
        embedding_model=embedding_model,
    )


def own_engine(config: Config, library: Library, embedder: Embedder, sealed: SealedStore) -> Backend:
    """Return the engine of the node's own island."""
    if config.backend.kind == "embedded":
        return EmbeddedBackend(embedder, library.index, config.island.requests_max)
    assert config.backend.url is not None
    key = sealed.open("backend")
    return OpenAiBackend(
        config.backend.url,
        tuple(_model(model, is_free=True) for model in config.backend.models),
        None if key is None else lambda: key,
        config.island.requests_max,
    )


def outbound_engine(outbound: Outbound, sealed: SealedStore) -> Backend:
    """Return the engine of an outbound island; its key is opened for each call, so it can be replaced."""
    name = f"outbound:{outbound.name}"

    def key() -> str:
        secret = sealed.open(name)
        if secret is None:
            raise StateError(f"the key of {outbound.name} is gone; run: islandrun-node outbound add")
        return secret

    models = outbound_offers(outbound)
    has_key = sealed.open(name) is not None
    return OpenAiBackend(outbound.url, models, key if has_key else None, outbound.requests_max)


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


def data_sets(library: Library, config: Config) -> tuple[DataSetOffer, ...]:
    """Return what is told of the documents here: only an engine that reads them can answer from them."""
    return library.offers if config.backend.kind == "embedded" else ()
