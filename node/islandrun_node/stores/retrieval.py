"""Find the passages that answer a question: by meaning and by words, and with what stands around them.

Sentences are compared one by one, which finds the right place; what is returned is the sentence with its
neighbours under the same heading, which a reader can understand. A code or a name for which the sentence
model has no word is looked for by its letters as well, and the two rankings are joined (reciprocal rank
fusion, Cormack, Clarke and Buettcher 2009). Other words are not: that made questions in other words worse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.vocabulary import Passage
from islandrun_node.backends.embedder import Vector
from islandrun_node.stores.documents import DocumentIndex, as_score
from islandrun_node.stores.index_file import words_table

DEPTH: Final = 40
"""So many of each ranking are joined."""

RANK_OFFSET: Final = 10
"""The constant of the fusion: the first ranks of one list do not outweigh all of the other."""

NEAR_COSINE_MIN: Final = 0.3
"""A sentence farther from the question than this counts only when the words of the question stand in it."""

AROUND_CHARS_MAX: Final = 700
AROUND_LINES_MAX: Final = 3
QUESTION_CHARS_MAX: Final = 4_000
QUESTION_WORDS_MAX: Final = 24
_WORD: Final = re.compile(r"\w[\w.-]*\w|\w")


@dataclass(frozen=True, slots=True)
class _Hit:
    """A sentence that fits, and where it stands."""

    passage: int
    document: int
    name: str
    position: int
    section: str


def find(
    index: DocumentIndex, data_sets: Iterable[str], question: str, passages_max: int
) -> tuple[Passage, ...]:
    """Return the best passages of data sets, best first. A data set that is not there has none."""
    vector: Vector = index.embedder.embed([question])[0]
    found: list[tuple[float, Passage]] = []
    for name in sorted(set(data_sets)):
        number = index.number(name)
        if number is not None:
            found += _find_in(index, name, number, question, vector, passages_max)
    found.sort(key=lambda one: -one[0])
    return tuple(passage for _, passage in found[:passages_max])


def _find_in(
    index: DocumentIndex, name: str, number: int, question: str, vector: Vector, passages_max: int
) -> list[tuple[float, Passage]]:
    by_meaning = index.nearest(number, vector, DEPTH)
    lettered = by_words(index, number, question)
    near = [passage for passage, cosine in by_meaning if cosine >= NEAR_COSINE_MIN]
    ranks: dict[int, float] = {}
    for ranking in (near, lettered):
        for rank, passage in enumerate(ranking):
            ranks[passage] = ranks.get(passage, 0.0) + 1 / (RANK_OFFSET + rank)
    best = sorted(ranks, key=lambda passage: (-ranks[passage], passage))
    cosines = dict(by_meaning) | index.cosines([one for one in best if one not in dict(by_meaning)], vector)
    shown: set[tuple[int, int]] = set()
    passages: list[tuple[float, Passage]] = []
    for hit in _hits(index, best):
        if len(passages) == passages_max:
            break
        if (hit.document, hit.position) in shown:
            continue
        positions, text = _around(index, hit)
        shown.update((hit.document, position) for position in positions)
        score = as_score(cosines[hit.passage])
        passages.append((ranks[hit.passage], Passage(name, hit.name, text, score, hit.section)))
    return passages


def by_words(index: DocumentIndex, number: int, question: str) -> list[int]:
    """Return the passages that hold the rare words of the question, best first (BM25, headings less)."""
    words = dict.fromkeys(_WORD.findall(question.lower()[:QUESTION_CHARS_MAX]))
    asked = [word for word in words if not index.embedder.has_word(word)][:QUESTION_WORDS_MAX]
    if not asked:
        return []
    table = words_table(number)
    match = " OR ".join(f'"{word}"' for word in asked)
    query = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY bm25({table}, 0.5, 1.0), rowid LIMIT ?"  # noqa: S608 - a number
    return [row for (row,) in index.read(query, (match, DEPTH)) if isinstance(row, int)]


def _hits(index: DocumentIndex, passages: Sequence[int]) -> list[_Hit]:
    query = (
        "SELECT passages.id, documents.id, documents.name, position, section FROM passages"
        " JOIN documents ON documents.id = document"
        " WHERE passages.id IN (SELECT value FROM json_each(?))"
    )
    by_number = {}
    for passage, document, name, position, section in index.read(query, (json.dumps(list(passages)),)):
        assert isinstance(passage, int)
        assert isinstance(document, int)
        assert isinstance(position, int)
        by_number[passage] = _Hit(passage, document, str(name), position, str(section))
    return [by_number[passage] for passage in passages if passage in by_number]


def _around(index: DocumentIndex, hit: _Hit) -> tuple[list[int], str]:
    """Return a sentence with its neighbours under the same heading, as far as they are short enough."""
    query = (
        "SELECT position, text FROM passages WHERE document = ? AND section = ? AND position BETWEEN ? AND ?"
        " ORDER BY position"
    )
    first, last = hit.position - AROUND_LINES_MAX, hit.position + AROUND_LINES_MAX
    rows = index.read(query, (hit.document, hit.section, first, last))
    lines = {position: str(text) for position, text in rows if isinstance(position, int)}
    chosen = [hit.position]
    size = len(lines.get(hit.position, ""))
    for distance in range(1, AROUND_LINES_MAX + 1):
        for position in (hit.position + distance, hit.position - distance):
            text = lines.get(position)
            is_beside = position - 1 in chosen or position + 1 in chosen
            if text is not None and is_beside and size + len(text) <= AROUND_CHARS_MAX:
                chosen.append(position)
                size += len(text) + 1
    chosen.sort()
    whole = "\n" if any("\n" in lines[position] for position in chosen if position in lines) else " "
    return chosen, whole.join(lines[position] for position in chosen if position in lines)
