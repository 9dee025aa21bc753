"""Measures how well and how fast documents are found.

scripts/bench retrieval            rankings on the labelled set, and which data sets `auto` picks
scripts/bench retrieval --large    also a data set of 100,000 sentences: time and memory (needs 1 GB of disk)
"""

from __future__ import annotations

import json
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from retrieval_questions import CATALOGUE, MANUAL, MATCHES, NAMED, OFF_TOPIC, PARAPHRASES

from islandrun_node.backends.embedder import DIMENSIONS, Embedder
from islandrun_node.demo import DOCUMENTS
from islandrun_node.stores import retrieval
from islandrun_node.stores.documents import DocumentIndex
from islandrun_node.stores.index_file import words_table
from islandrun_node.stores.vectors import packed

Ranking = Callable[[str], Sequence[str]]
LARGE = 100_000


def rank_of(ranking: Ranking, question: str, words: str) -> int:
    """Return the place of the first passage that holds the words; 0 when none does."""
    return next((place for place, text in enumerate(ranking(question), start=1) if words in text), 0)


def measured(ranking: Ranking, labelled: Sequence[tuple[str, str]]) -> dict[str, float]:
    places = [rank_of(ranking, question, words) for question, words in labelled]
    return {
        "first": sum(place == 1 for place in places) / len(places),
        "first_three": sum(1 <= place <= 3 for place in places) / len(places),
        "mrr": round(statistics.mean(1 / place if place else 0.0 for place in places), 3),
    }


def rankings(index: DocumentIndex) -> dict[str, Ranking]:
    number = index.number("all")
    assert number is not None

    def by_words(question: str) -> list[str]:
        found = retrieval.by_words(index, number, question)
        return [str(index.read("SELECT text FROM passages WHERE id = ?", (one,))[0][0]) for one in found[:8]]

    return {
        "meaning": lambda question: [one.text for one in index.search("all", question, 8)],
        "words": by_words,
        "joined": lambda question: [one.text for one in retrieval.find(index, ["all"], question, 8)],
    }


def small(folder: Path, embedder: Embedder) -> dict[str, object]:
    for source in sorted(DOCUMENTS.rglob("*.md")):
        (folder / f"{source.parent.name}-{source.name}").write_text(source.read_text())
    (folder / "pumps.md").write_text(MANUAL)
    index = DocumentIndex(":memory:", embedder)
    index.add_folder("all", folder)
    told: dict[str, object] = {"sentences": index.data_set("all").passages}
    for name, ranking in rankings(index).items():
        told[name] = {
            "paraphrases": measured(ranking, PARAPHRASES),
            "named": measured(ranking, NAMED),
            "ms": timed(ranking),
        }
    shown = [retrieval.find(index, ["all"], question, 8) for question in OFF_TOPIC]
    told["off_topic_with_passages"] = sum(bool(one) for one in shown) / len(shown)
    return told


def timed(ranking: Ranking) -> float:
    times = []
    for question, _ in PARAPHRASES:
        start = time.perf_counter()
        ranking(question)
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 1)


def matching(embedder: Embedder) -> dict[str, object]:
    """Return, by threshold, how often `auto` picks the right data set, and one where there is none."""
    told = embedder.embed([f"{name.replace('-', ' ')}: {about}" for name, about in CATALOGUE])
    names = [name for name, _ in CATALOGUE]
    right = embedder.embed([question for question, _ in MATCHES]) @ told.T
    wrong = embedder.embed(list(OFF_TOPIC)) @ told.T
    found: dict[str, object] = {}
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4):
        hits = [
            names[int(row.argmax())] == name and row.max() >= threshold
            for row, (_, name) in zip(right, MATCHES, strict=True)
        ]
        found[f"{threshold:.2f}"] = {
            "right": round(sum(hits) / len(hits), 2),
            "off_topic_matched": round(float((wrong.max(axis=1) >= threshold).mean()), 2),
        }
    return found


def large(folder: Path, embedder: Embedder) -> dict[str, object]:
    """Fill an index with random vectors under real words, and search it."""
    path = folder / "large.db"
    (folder / "empty").mkdir()
    index = DocumentIndex(path, embedder)
    index.add_folder("large", folder / "empty")
    fill(path, index.number("large") or 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for question, _ in PARAPHRASES:
        start = time.perf_counter()
        retrieval.find(index, ["large"], question, 8)
        times.append((time.perf_counter() - start) * 1000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "sentences": LARGE,
        "first_ms": round(times[0], 1),
        "median_ms": round(statistics.median(times), 1),
        "held_mib": round(index.vectors.held_bytes / 2**20, 1),
        "grown_mib": round((after - before) / 1024, 1),
        "file_mib": round(path.stat().st_size / 2**20, 1),
    }


def fill(path: Path, number: int) -> None:
    dice = np.random.default_rng(1)
    words = MANUAL.split()
    with sqlite3.connect(path) as connection:
        for document in range(LARGE // 100):
            row = (number, f"{document:05}.txt", b"", 0, 0, 0)
            made = connection.execute(
                "INSERT INTO documents (data_set, name, hash, size_bytes, changed_ns, read_ns)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
            vectors = dice.normal(size=(100, DIMENSIONS)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            for place, vector in enumerate(packed(vectors)):
                text = " ".join(dice.choice(words, 14))
                insert = (
                    "INSERT INTO passages (document, position, section, text, vector) VALUES (?, ?, '', ?, ?)"
                )
                passage = connection.execute(insert, (made, place, text, vector)).lastrowid
                into = f"INSERT INTO {words_table(number)} (rowid, section, text) VALUES (?, '', ?)"  # noqa: S608
                connection.execute(into, (passage, text))


def main() -> None:
    embedder = Embedder()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "small").mkdir()
        told = {"retrieval": small(folder / "small", embedder), "auto": matching(embedder)}
        if "--large" in sys.argv:
            told["large"] = large(folder, embedder)
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
