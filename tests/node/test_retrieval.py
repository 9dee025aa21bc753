"""Passages by meaning and by words, with their surroundings; and an engine that answers from them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from islandrun.errors import ConfigError, Refused
from islandrun.vocabulary import (
    Finished,
    Load,
    Message,
    ModelOffer,
    Ppm,
    Prompt,
    Sampling,
    TextDelta,
    Usage,
)
from islandrun_node.backends.embedder import Embedder
from islandrun_node.backends.grounded import GroundedBackend
from islandrun_node.documents import files
from islandrun_node.stores.documents import DocumentIndex
from islandrun_node.stores.retrieval import find


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> DocumentIndex:
    folder = tmp_path_factory.mktemp("manuals")
    (folder / "pump.md").write_text(
        "# Pump\n## Faults\nFault QX-4471 means that the valve sticks. Turn it by hand. Then start again.\n"
        "Fault QX-4472 means that the filter is full.\n## Care\nThe pump is serviced in spring.\n"
    )
    (folder / "boat.md").write_text("# Boat\nThe boat lies in the harbour. It needs a new sail.\n")
    made = DocumentIndex(":memory:", Embedder())
    made.add_folder("manuals", folder)
    other = tmp_path_factory.mktemp("letters")
    (other / "valve.txt").write_text("The maker of the valve wrote that he has closed his shop.")
    made.add_folder("letters", other)
    return made


def test_a_passage_is_found_by_its_meaning_with_what_stands_around_it(index: DocumentIndex) -> None:
    first = find(index, ["manuals"], "Where is the ship?", 3)[0]
    assert (first.document, first.section) == ("boat.md", "Boat")
    assert first.text == "The boat lies in the harbour. It needs a new sail."


def test_a_code_that_means_nothing_is_found_by_its_letters(index: DocumentIndex) -> None:
    first = find(index, ["manuals"], "What is QX-4471?", 3)[0]
    assert first.text.startswith("Fault QX-4471 means that the valve sticks. Turn it by hand.")
    assert first.section == "Pump > Faults"


def test_what_is_shown_around_a_passage_is_not_shown_again(index: DocumentIndex) -> None:
    found = find(index, ["manuals"], "valve, filter, fault QX-4471 QX-4472, start again", 8)
    texts = " ".join(passage.text for passage in found)
    assert texts.count("Turn it by hand.") == 1


def test_several_data_sets_are_searched_together(index: DocumentIndex) -> None:
    found = find(index, ["letters", "manuals", "nowhere"], "What about the valve?", 4)
    assert {passage.data_set for passage in found} == {"letters", "manuals"}


def test_a_question_off_the_topic_finds_nothing(index: DocumentIndex) -> None:
    assert find(index, ["manuals"], "Who won the elections in Peru?", 4) == ()


@pytest.mark.parametrize("question", ['"', "' OR 1", "a NEAR(b", "*", "-", "x" * 3_000, "\ud800"])
def test_no_question_breaks_the_search(index: DocumentIndex, question: str) -> None:
    find(index, ["manuals"], question, 4)


class Echo:
    """An engine that answers with fixed words and keeps what it was shown."""

    def __init__(self, context: int = 8_000) -> None:
        self.context = context
        self.shown: list[Prompt] = []

    def offers(self) -> tuple[ModelOffer, ...]:
        return (ModelOffer("echo", self.context, Ppm(700_000)),)

    def load(self) -> Load:
        return Load(0, 0, 4, 0, 0)

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> AsyncGenerator[TextDelta | Finished, None]:
        assert data_sets == ()
        self.shown.append(prompt)
        yield TextDelta("The valve sticks [")
        yield TextDelta("1].")
        yield Finished("stop", Usage(), "echo")

    async def close(self) -> None:
        pass


async def ask(engine: GroundedBackend, text: str, *data_sets: str) -> Finished:
    prompt = Prompt((Message("system", "Be short."), Message("user", text)))
    async with aclosing(engine.generate("echo", prompt, Sampling(), data_sets)) as pieces:
        found = [piece async for piece in pieces]
    assert isinstance(found[-1], Finished)
    return found[-1]


async def test_an_engine_is_shown_sources_and_its_end_names_them(index: DocumentIndex) -> None:
    inner = Echo()
    engine = GroundedBackend(inner, index, lambda name: name != "closed")
    end = await ask(engine, "What is QX-4471, and where is the boat?", "manuals")
    system = inner.shown[0].messages[0]
    assert system.text.startswith("Be short.\n\nAnswer from the numbered sources below")
    assert "[1] Pump > Faults\n> Fault QX-4471 means that the valve sticks." in system.text
    assert "pump.md" not in system.text
    assert [(one.mark, one.is_cited) for one in end.citations][:2] == [(1, True), (2, False)]
    assert end.citations[0].document == "pump.md"
    with pytest.raises(Refused, match="no data set 'closed'"):
        await ask(engine, "What?", "closed")


async def test_without_data_sets_an_engine_is_asked_as_before(index: DocumentIndex) -> None:
    inner = Echo()
    end = await ask(GroundedBackend(inner, index, lambda name: True), "What is QX-4471?")
    assert inner.shown[0].messages[0].text == "Be short."
    assert end.citations == ()


async def test_sources_fit_the_context_of_the_model(index: DocumentIndex) -> None:
    inner = Echo(context=60)
    await ask(GroundedBackend(inner, index, lambda name: True), "What is QX-4471?", "manuals")
    assert "(no source was found)" in inner.shown[0].messages[0].text


def test_a_folder_of_another_path_begins_anew_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = DocumentIndex(":memory:", Embedder())
    for name, text in (("first", "The safe is behind the clock."), ("second", "The sea is calm.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(text)
    made.add_folder("notes", tmp_path / "first")
    monkeypatch.setattr(files, "FILES_MAX", 0)
    with pytest.raises(ConfigError):
        made.add_folder("notes", tmp_path / "second")
    assert find(made, ["notes"], "safe clock sea", 8) == ()
    assert made.data_set("notes").read_at_ms is None
    monkeypatch.undo()
    made.add_folder("notes", tmp_path / "second")
    assert [passage.text for passage in find(made, ["notes"], "safe clock sea", 8)] == ["The sea is calm."]
    made.close()
