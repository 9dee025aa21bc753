"""What the network is shown: our own texts with new values, and the public corpora, each with its share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import corpora
import records
from records import Example, Record
from samples import Sample, beside, noisy, sample
from tokenizers import Tokenizer
from values import filler
from words import has

SHARES = {"private": 0.45, "plain": 0.27, "court": 0.13, "social": 0.11, "encyclopedia": 0.04}
FILLS = 4
LAST_SHARES = {"private": 0.4, "plain": 0.28, "court": 0.16, "social": 0.14, "encyclopedia": 0.02}
"""Of the last steps: more of what the first ones learnt least."""
JOINED_SHARE = 0.25


def pools(texts: Path, data: Path, chance: random.Random, fills: int = FILLS) -> dict[str, list[Example]]:
    """Return the examples by source."""
    own = [
        records.fill(record, filler(record.language, random.Random(chance.getrandbits(64))))
        for record in records.read(texts)
        for _ in range(_times(record, fills))
    ]
    tweets = [*corpora.social(data / "wnut17/train.conll"), *corpora.social(data / "btc/train.conll")]
    wiki = corpora.social(data / "wikigold/wikigold.conll", private=False)
    return {
        "private": [one for one in own if not one.plain],
        "plain": [one for one in own if one.plain],
        "court": corpora.court_cases(data / "tab/tab_train_dev_113.jsonl", "train"),
        "social": [*tweets, *corpora.joined(tweets, chance)],
        "encyclopedia": list(corpora.joined(wiki, chance)),
    }


def _times(record: Record, fills: int) -> int:
    """Say how often a record is filled; the few of scripts other than Latin are filled more often."""
    times = fills if "<<" in record.body else 1
    return 4 * times if has("full", record.language) else times


def stream(
    pool: dict[str, list[Example]], tokenizer: Tokenizer, chance: random.Random, shares: dict[str, float]
) -> Iterator[Sample]:
    """Yield samples without end."""
    sources = [name for name in shares if pool[name]]
    weights = [shares[name] for name in sources]
    while True:
        source = chance.choices(sources, weights)[0]
        example = chance.choice(pool[source])
        if source in ("private", "plain") and chance.random() < JOINED_SHARE:
            example = beside(example, chance.choice(pool[chance.choice(("private", "plain"))]), chance)
        yield sample(noisy(example, chance), tokenizer, chance, loud=example.text)


def batches(samples: Iterator[Sample], tokens_max: int) -> Iterator[list[Sample]]:
    """Yield batches of samples of like length, each of about as many tokens, padding included."""
    while True:
        block = sorted((next(samples) for _ in range(160)), key=lambda one: len(one.ids))
        found: list[list[Sample]] = [[]]
        for one in block:
            if found[-1] and (len(found[-1]) + 1) * len(one.ids) > tokens_max:
                found.append([])
            found[-1].append(one)
        random.Random(len(found)).shuffle(found)
        yield from found
