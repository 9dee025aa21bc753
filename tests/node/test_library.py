"""What a library offers while commands change what is declared; and the data sets that `auto` stands for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from islandrun.vocabulary import ChatRequest, DataSetOffer, Hints, Message, Ppm, Prompt
from islandrun_node.backends.embedder import Embedder
from islandrun_node.library import DESCRIPTIONS_CHARS_MAX, Library
from islandrun_node.matching import Matcher
from islandrun_node.stores.data_sets import DataSetStore, Declared
from islandrun_node.stores.database import Database
from islandrun_node.stores.documents import DocumentIndex
from tests.unit.test_locality_catalog import island


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DataSetStore]:
    with closing(Database.open(tmp_path / "state.db")) as database:
        yield DataSetStore(database)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[DocumentIndex]:
    with closing(DocumentIndex(tmp_path / "documents.db", Embedder())) as made:
        yield made


def declared(path: Path, sensitivity: int = 900_000) -> Declared:
    path.mkdir(exist_ok=True)
    (path / "a.txt").write_text("The safe is behind the clock.")
    return Declared("notes", str(path), Ppm(sensitivity))


async def test_what_is_declared_counts_at_once(
    tmp_path: Path, store: DataSetStore, index: DocumentIndex
) -> None:
    library = Library(index, (), store)
    store.put(declared(tmp_path / "first"))
    assert library.offers == (), "nothing was read so far"
    assert await library.look()
    assert [offer.sensitivity_ppm for offer in library.offers] == [900_000]
    assert not await library.look()
    with closing(Database.open(tmp_path / "state.db")) as other:
        DataSetStore(other).remove("notes")
        assert library.offers == ()
        DataSetStore(other).put(declared(tmp_path / "second", sensitivity=0))
        assert library.offers == (), (
            "what was read of the first folder is not offered to readers of the second"
        )
    await library.look()
    assert [offer.sensitivity_ppm for offer in library.offers] == [0]


async def test_a_library_opened_again_offers_what_was_read_whole(
    tmp_path: Path, store: DataSetStore, index: DocumentIndex
) -> None:
    store.put(declared(tmp_path / "first"))
    await Library(index, (), store).look()
    assert [offer.documents for offer in Library(index, (), store).offers] == [1]


async def test_descriptions_fit_the_record_of_an_island(
    tmp_path: Path, store: DataSetStore, index: DocumentIndex
) -> None:
    library = Library(index, (), store)
    for number in range(32):
        one = declared(tmp_path / "first")
        store.put(replace(one, name=f"n{number}", description="d" * 120))
    library = Library(index, (), store)
    await library.look()
    assert len(library.offers) == 32
    assert sum(len(offer.description) for offer in library.offers) <= DESCRIPTIONS_CHARS_MAX


# ---------------------------------------------------------------- auto


def matcher(*, is_always: bool = False) -> Matcher:
    about = {"handbook": "Rules of the office: leave, pay, travel", "pumps": "Manuals of the pump stations"}
    offers = tuple(DataSetOffer(name, 1, 1, Ppm(0), description=text) for name, text in about.items())
    views = (replace(island(1), data_sets=offers),)
    return Matcher(SimpleNamespace(islands=lambda: views), Embedder(), is_always)  # type: ignore[arg-type]


async def named(one: Matcher, text: str, *data_sets: str, caller: str = "local") -> tuple[str, ...]:
    request = ChatRequest("m", Prompt((Message("user", text),)), hints=Hints(data_sets=data_sets))
    return (await one.named(request, caller)).hints.data_sets


async def test_auto_stands_for_the_data_sets_that_fit() -> None:
    one = matcher()
    assert await named(one, "How much leave does the office give?", "auto") == ("handbook",)
    assert await named(one, "What ails the pump station?", "auto", "extra") == ("extra", "pumps")
    assert await named(one, "How many moons has Jupiter?", "auto") == ()
    assert await named(one, "How much leave does the office give?") == ()
    assert await named(one, "", "auto") == ()


async def test_the_owner_may_have_every_request_matched_but_no_other_island_has() -> None:
    one = matcher(is_always=True)
    assert await named(one, "How much leave does the office give?") == ("handbook",)
    assert await named(one, "How much leave does the office give?", "pumps") == ("pumps",)
    assert await named(one, "How much leave does the office give?", caller="i" * 52) == ()
    assert await named(one, "How much leave does the office give?", "auto", caller="i" * 52) == ("auto",)
