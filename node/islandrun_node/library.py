"""The documents of this island: what was declared, what of it is read, and what is told of it.

Folders are looked at again and again, more seldom while nothing changes. What a command declares or takes
away counts at once: a data set that is not declared any more is neither offered nor read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from islandrun.errors import ConfigError, IslandRunError
from islandrun.vocabulary import DataSetOffer
from islandrun.wire import limits
from islandrun_node.config import ppm
from islandrun_node.config_tables import Data
from islandrun_node.stores.data_sets import DataSetStore, Declared
from islandrun_node.stores.documents import DataSet, DocumentIndex
from islandrun_node.stores.intake import Stopped

FIRST_SECONDS_MAX: Final = 5.0
"""How long the start of a node waits for its folders to be read; what is left is read while it runs."""

LOOK_SECONDS_MIN: Final = 2.0
LOOK_SECONDS_MAX: Final = 60.0
LOOK_GROWTH: Final = 1.5
POLL_SECONDS: Final = 0.5
"""How often it is asked whether a command declared something."""

DESCRIPTIONS_CHARS_MAX: Final = 1_500
"""So much of all descriptions is told, since what an island says of itself has one small record."""

_log = logging.getLogger(__name__)


class Library:
    """Keeps the index as the folders are. Lives on the event loop; reading is done in a thread."""

    def __init__(self, index: DocumentIndex, settings: Sequence[Data], store: DataSetStore) -> None:
        self.index = index
        self._settings = tuple(_of_setting(entry) for entry in settings)
        self._store = store
        self._version = -1
        self._declared: tuple[Declared, ...] = ()
        self._read: dict[str, DataSet] = {one.name: one for one in index.data_sets() if one.read_at_ms}
        self._faults: dict[str, str] = {}

    @property
    def declared(self) -> tuple[Declared, ...]:
        """What was declared, by name; the settings come before commands of the same name."""
        version = self._store.version()
        if version != self._version:
            self._version = version
            by_name = {one.name: one for one in (*self._store.all(), *self._settings)}
            self._declared = tuple(by_name[name] for name in sorted(by_name))[: limits.DATA_SETS_MAX]
        return self._declared

    @property
    def offers(self) -> tuple[DataSetOffer, ...]:
        """What is told of the data sets here: those that were read at least once."""
        room = DESCRIPTIONS_CHARS_MAX
        offers = []
        for declared in self.declared:
            known = self._read.get(declared.name)
            if known is None or known.path != str(_folder(declared)):
                continue
            description = declared.description if len(declared.description) <= room else ""
            room -= len(description)
            offers.append(_offer(declared, known, self.index.embedder.name, description))
        return tuple(offers)

    def offer(self, name: str) -> DataSetOffer | None:
        """Return what is told of one data set, or None when it is not here."""
        return next((offer for offer in self.offers if offer.name == name), None)

    def is_here(self, name: str) -> bool:
        """Say whether a data set may be read here."""
        return self.offer(name) is not None

    def degraded(self) -> tuple[str, ...]:
        """Say which folders cannot be read; empty when all can."""
        return tuple(f"data set {name}: {fault}" for name, fault in sorted(self._faults.items()))

    async def look(self) -> bool:
        """Read all folders again, and forget what is not declared; say whether anything changed."""
        before = self.offers
        declared = self.declared
        known = await asyncio.to_thread(self.index.names)
        for name in set(known) - {one.name for one in declared}:
            await asyncio.to_thread(self.index.remove, name)
            self._read.pop(name, None)
            self._faults.pop(name, None)
        changed = False
        for one in declared:
            changed = await self._look_at(one) or changed
        return changed or self.offers != before

    async def run(self, tell: Callable[[], object]) -> None:
        """Look at the folders until cancelled; `tell` is called when what is offered changed."""
        seconds = LOOK_SECONDS_MIN
        told = self.offers
        while True:
            has_changed = await self.look()
            if self.offers != told:
                told = self.offers
                tell()
            seconds = LOOK_SECONDS_MIN if has_changed else min(seconds * LOOK_GROWTH, LOOK_SECONDS_MAX)
            await self._until_declared(seconds)

    async def _until_declared(self, seconds: float) -> None:
        """Wait so long, or until a command declares something else."""
        before = self.declared
        until = asyncio.get_running_loop().time() + seconds
        while self.declared == before and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)  # the other process has no way to wake us

    async def _look_at(self, declared: Declared) -> bool:
        """Read one folder; a folder that is not there keeps what was read of it."""
        try:
            report = await asyncio.to_thread(self.index.add_folder, declared.name, _folder(declared))
        except Stopped:
            return False
        except IslandRunError as error:
            if self._faults.get(declared.name) != str(error):
                self._faults[declared.name] = str(error)
                _log.error("data set %s: %s", declared.name, error)
            return False
        self._faults.pop(declared.name, None)
        self._read[declared.name] = report.data_set
        if report.updated or report.removed:
            _log.info(
                "data set %s: %d documents read, %d dropped", declared.name, report.updated, report.removed
            )
        return bool(report.updated or report.removed)


def _folder(declared: Declared) -> Path:
    return Path(declared.path).expanduser()


def _of_setting(entry: Data) -> Declared:
    return Declared(
        entry.name,
        entry.path,
        ppm(entry.sensitivity),
        entry.jurisdiction or "",
        entry.description,
        is_setting=True,
    )


def _offer(declared: Declared, known: DataSet, model: str, description: str) -> DataSetOffer:
    return DataSetOffer(
        name=declared.name,
        documents=known.documents,
        size_bytes=known.size_bytes,
        sensitivity_ppm=declared.sensitivity_ppm,
        jurisdiction=declared.jurisdiction,
        embedding_model=model,
        description=description,
    )


async def open_library(index: DocumentIndex, settings: Sequence[Data], store: DataSetStore) -> Library:
    """Open the library and read its folders, as far as that goes in a few seconds.

    Raises `ConfigError` for a folder of the settings that is not there.
    """
    _require_folders(settings)
    library = Library(index, settings, store)
    first = asyncio.ensure_future(library.look())
    try:
        await asyncio.wait({first}, timeout=FIRST_SECONDS_MAX)
        if first.done():
            first.result()
    finally:
        first.cancel()
    return library


def _require_folders(settings: Sequence[Data]) -> None:
    for entry in settings:
        if not Path(entry.path).expanduser().is_dir():
            raise ConfigError(f"data {entry.name}: {entry.path} is not a folder; correct data.path")
