"""The reading of the network's answers: windows, shapes, spans. The network here is a table of words."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.privacy.detect.tagger import (
    CLASS_STEPS,
    CLASSES,
    LABELS,
    TOPICS,
    TYPES,
    Scores,
    Tagger,
    finding_type,
)
from islandrun.privacy.detect.tokens import OVERLAP_TOKENS, WINDOW_TOKENS, shape, tokens, windows
from islandrun.privacy.topics import LEARNED
from islandrun.vocabulary import FindingType

BODY = WINDOW_TOKENS - 2


@dataclass
class Words:
    """An encoding of whole words and single signs; an id is a number given to each form."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class TableNetwork:
    """Says of each word what a table says: its type, whether it begins a value, both chances."""

    def __init__(
        self,
        table: dict[str, tuple[str, bool, float, float]],
        topics: tuple[str, ...] = (),
        matter: float = 0.8,
    ) -> None:
        self.table = table
        self.topics = topics
        self.matter = matter
        self.forms: dict[str, int] = {}
        self.runs: list[tuple[int, int]] = []

    def encode(self, text: str) -> Words:
        found = list(re.finditer(r"[^\W_]+|[^\w\s]|_", text))
        ids = [self.forms.setdefault(one[0], 1000 + len(self.forms)) for one in found]
        return Words(ids, [one.span() for one in found])

    def score(self, ids: np.ndarray, shapes: np.ndarray) -> Scores:
        assert ids.shape == shapes.shape
        self.runs.append(ids.shape)
        words = {number: word for word, number in self.forms.items()}
        labels = np.zeros((*ids.shape, LABELS), np.float32)
        private = np.full(ids.shape, -9, np.float32)
        labels[..., 0] = 9
        for place in np.ndindex(ids.shape):
            entry = self.table.get(words.get(int(ids[place]), ""))
            if entry is not None:
                kind, begins, chance, secret = entry
                label = 1 + 2 * TYPES.index(kind) + (not begins)
                labels[place] = np.log(np.full(LABELS, 1e-9, np.float32))
                labels[place][label], labels[place][0] = np.log(chance), np.log(1 - chance + 1e-9)
                private[place] = np.log(secret / (1 - secret))
        texts = np.full((ids.shape[0], CLASS_STEPS + len(TOPICS)), -9, np.float32)
        texts[:, 0] = self.matter
        for name in self.topics:
            texts[:, CLASS_STEPS + TOPICS.index(name)] = 9
        return Scores(labels, private, texts)


def found(text: str, table: dict[str, tuple[str, bool, float, float]]) -> list[tuple[str, str]]:
    return [(one.type.value, text[one.start : one.end]) for one in Tagger(TableNetwork(table))(text)]


SURE = (0.99, 0.99)


def test_neighbouring_words_of_one_value_are_one_finding() -> None:
    table = {"Anna": ("PERSON", True, *SURE), "Kern": ("PERSON", False, *SURE)}
    assert found("Ask Anna Kern, please", table) == [("PERSON", "Anna Kern")]


def test_a_new_beginning_is_a_new_finding_but_not_across_a_hyphen() -> None:
    table = dict.fromkeys(("Anna", "Bob", "Maria"), ("PERSON", True, *SURE))
    assert found("Anna Bob", table) == [("PERSON", "Anna"), ("PERSON", "Bob")]
    assert found("Anna-Maria", table) == [("PERSON", "Anna-Maria")]


def test_both_chances_must_be_there() -> None:
    assert found("Mandela", {"Mandela": ("PERSON", True, 0.99, 0.02)}) == []
    assert found("Mandela", {"Mandela": ("PERSON", True, 0.05, 0.99)}) == []
    assert found("Mandela", {"Mandela": ("PERSON", True, *SURE)}) == [("PERSON", "Mandela")]


def test_in_somebodys_matter_every_value_is_private() -> None:
    table = {"Apple": ("ORG", True, 0.99, 0.01)}
    for matter, count in ((-9.0, 0), (0.8, 0), (5.0, 1)):
        assert len(Tagger(TableNetwork(table, matter=matter))("Apple")) == count


def test_in_nobodys_matter_a_value_needs_more_chance_of_its_own() -> None:
    table = {"Kern": ("PERSON", True, *SURE)}
    assert len(Tagger(TableNetwork(table, matter=0.8))("Kern")) == 1
    assert len(Tagger(TableNetwork(table, matter=-4.0))("Kern")) == 0


def test_a_window_counts_as_somebodys_matter_beside_one_that_is() -> None:
    class FirstOnly(TableNetwork):
        def score(self, ids: np.ndarray, shapes: np.ndarray) -> Scores:
            scores = super().score(ids, shapes)
            scores.texts[:, 0] = [5.0] + [-9.0] * (len(ids) - 1)
            return scores

    text = " ".join(["Apple"] * 5 + ["word"] * 150 + ["Apple"] * 3 + ["word"] * 200 + ["Apple"] * 5)
    spans = Tagger(FirstOnly({"Apple": ("ORG", True, 0.99, 0.01)}))(text)
    assert len(spans) == 8


def test_a_weak_part_follows_a_strong_one_and_does_not_stand_alone() -> None:
    weak = ("PERSON", True, 0.07, 0.99)
    table = {"de": weak, "Kern": ("PERSON", False, *SURE)}
    assert found("de Kern", table) == [("PERSON", "de Kern")]
    assert found("de facto", table) == []


def test_a_finding_takes_whole_words_and_no_signs_around() -> None:
    table = {"(": ("PERSON", True, *SURE), "Kern": ("PERSON", False, *SURE), ",": ("PERSON", False, *SURE)}
    assert found("see (Kern), ok", table) == [("PERSON", "Kern")]


def test_an_address_goes_over_commas_and_a_line() -> None:
    words = ("Hauptstr", "12", "10115", "Berlin")
    table = {word: ("ADDRESS", index == 0, *SURE) for index, word in enumerate(words)}
    assert found("at Hauptstr. 12,\n10115 Berlin now", table) == [("ADDRESS", "Hauptstr. 12,\n10115 Berlin")]


def test_signs_alone_are_no_finding() -> None:
    assert found("a - b", {"-": ("CODE", True, *SURE)}) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a.b@c.de", FindingType.EMAIL),
        ("+49 30 123456", FindingType.PHONE),
        ("www.kern.de", FindingType.URL),
        ("@annak", FindingType.USERNAME),
    ],
)
def test_a_contact_is_told_by_its_look(value: str, kind: FindingType) -> None:
    assert finding_type("CONTACT", value) is kind


def test_offsets_are_those_of_the_original_text() -> None:
    text = "\u200bAn\u200bna\uff11 \U0001f600 K\u200bern"
    spans = Tagger(TableNetwork({"Anna1": ("PERSON", True, *SURE), "Kern": ("PERSON", True, *SURE)}))(text)
    assert [text[one.start : one.end] for one in spans] == ["An\u200bna\uff11", "K\u200bern"]


def test_topics_are_the_likely_ones_of_any_window() -> None:
    tagger = Tagger(TableNetwork({}, ("health", "minors")))
    assert tagger.topics("word " * 500) == ("health", "minors")
    assert Tagger(TableNetwork({})).topics("word") == ()


def test_the_whole_tone_of_a_text_is_a_topic_too() -> None:
    class Toned(TableNetwork):
        def score(self, ids: np.ndarray, shapes: np.ndarray) -> Scores:
            scores = super().score(ids, shapes)
            scores.texts[:, 1:CLASS_STEPS] = [self.matter, self.matter]
            return scores

    assert Tagger(Toned({}, matter=4.0)).topics("some words") == CLASSES
    assert Tagger(Toned({}, matter=0.5)).topics("some words") == CLASSES[1:]
    assert set(CLASSES) | set(TOPICS) == set(LEARNED)


def test_one_text_is_read_once() -> None:
    network = TableNetwork({})
    tagger = Tagger(network)
    tagger("one text")
    tagger.topics("one text")
    assert len(network.runs) == 1


def test_a_name_is_found_at_every_place_of_a_long_text() -> None:
    words = ["word"] * 1000
    for place in range(0, 1000, 7):
        words[place] = "Kern"
    spans = Tagger(TableNetwork({"Kern": ("PERSON", True, *SURE)}))(" ".join(words))
    assert len(spans) == len(range(0, 1000, 7))


@given(st.integers(1, 2000))
def test_windows_cover_every_token_once_and_away_from_their_edges(size: int) -> None:
    kept = []
    for window in windows(size):
        assert 0 <= window.start <= window.keep_start < window.keep_end <= window.end <= size
        assert window.end - window.start <= BODY
        assert window.keep_start == 0 or window.keep_start - window.start >= OVERLAP_TOKENS // 2
        assert window.keep_end == size or window.end - window.keep_end >= OVERLAP_TOKENS // 2
        kept += range(window.keep_start, window.keep_end)
    assert kept == list(range(size))


@pytest.mark.parametrize(
    ("word", "number"),
    [("anna", 1), ("Anna", 2), ("A", 2), ("ANNA", 3), ("McKay", 4), ("2024", 5), ("A4", 6), ("\u5f20", 8)],
)
def test_shapes(word: str, number: int) -> None:
    assert shape(word) == number


def test_a_piece_has_the_shape_of_its_whole_word() -> None:
    pieces = tokens("(McKay)", Words([1, 2, 3, 4], [(0, 1), (1, 3), (3, 6), (6, 7)]))
    assert list(pieces.shapes) == [7, 4, 4, 7]
    pieces = tokens("ask Anna 42", Words([1, 2, 3], [(0, 3), (4, 8), (9, 11)]))
    assert list(pieces.shapes) == [1, 2, 5]


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_gives_places_inside_it(text: str) -> None:
    table = dict.fromkeys(re.findall(r"[^\W_]+", text)[::2], ("CODE", True, *SURE))
    for one in Tagger(TableNetwork(table))(text):
        assert 0 <= one.start < one.end <= len(text)


def test_the_tagger_shows_no_text() -> None:
    tagger = Tagger(TableNetwork({"Kern": ("PERSON", True, *SURE)}))
    tagger("Kern")
    assert "Kern" not in repr(tagger)


@pytest.mark.parametrize(
    ("text", "kind", "words", "value"),
    [
        ("ask @akern now", "USERNAME", ["akern"], "@akern"),
        ("order #4711, please", "CODE", ["4711"], "#4711"),
        ("nric S****417Z", "CODE", ["S", "417Z"], "S****417Z"),
        ("since '19 she", "DATE", ["19"], "'19"),
        ("it's 19 now", "DATE", ["19"], "19"),
        ("pay \u20ac2,300 now", "QUANTITY", ["2", "300"], "\u20ac2,300"),
        ("cost 415,- each", "QUANTITY", ["415"], "415,-"),
        ("up 4.2 % on", "QUANTITY", ["4", "2"], "4.2 %"),
        ("2, 300 of", "QUANTITY", ["2"], "2"),
        ("said J. R. to us", "PERSON", ["J", "R"], "J. R."),
        ("met Bob. Then", "PERSON", ["Bob"], "Bob"),
    ],
)
def test_signs_that_belong_to_a_value_are_taken_in(
    text: str, kind: str, words: list[str], value: str
) -> None:
    table = {word: (kind, number == 0, *SURE) for number, word in enumerate(words)}
    if kind == "PERSON" and len(words) > 1:
        table["."] = (kind, False, *SURE)
    assert [text[one.start : one.end] for one in Tagger(TableNetwork(table, matter=5.0))(text)] == [value]


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("thanks to Leto. Bye", ["Leto", "."], "Leto"),
        ("i wish im ryan \U0001f62d", ["ryan", "\U0001f62d"], "ryan"),
        ("vote #Colbert now", ["#", "Colbert"], "Colbert"),
        ("by Ann Holt Jr. of", ["Ann", "Holt", "Jr", "."], "Ann Holt Jr."),
        ("of Ann (Nan) now", ["Ann", "(", "Nan", ")"], "Ann (Nan)"),
    ],
)
def test_what_a_sentence_puts_around_a_name_is_no_part_of_it(text: str, words: list[str], value: str) -> None:
    table = dict.fromkeys(words, ("PERSON", False, *SURE))
    assert [text[one.start : one.end] for one in Tagger(TableNetwork(table, matter=5.0))(text)] == [value]
