"""Sentences into vectors with the MiniLM model that ships with the node: 384 numbers of length one.

Each text runs by itself: the model's 8-bit arithmetic scales with everything in one run, so a
sentence beside others would get a slightly other vector and answers would not repeat. Vectors of
this model and of another must never meet in one index; `name` tells them apart.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from islandrun_node.released import MINILM, session_of, tokenizer_of

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]

DIMENSIONS: Final = 384
TOKENS_MAX: Final = 256
TEXT_CHARS_MAX: Final = 16_384
COUNTED_CHARS_MAX: Final = 65_536

_SHA256: Final = "c279b8f9e10be58d9f6cc1f99e7f9b6143a63e3525d04728d2eb40fc28ad8401"
_REMEDY: Final = "install islandrun again, or make the file with scripts/export"


class Embedder:
    """The sentence model. Loaded at first use; safe to use from several threads."""

    name: Final = "minilm-l6-int8"
    dimensions: Final = DIMENSIONS

    def __init__(self, folder: Path = MINILM) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._session: onnxruntime.InferenceSession | None = None
        self._tokenizer: Tokenizer | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one row of 384 numbers a text, each of length one; about 1 to 10 ms a sentence.

        What lies behind token 256 of a text does not count. Raises `StateError` when a file of the
        model is missing or damaged.
        """
        tokenizer, session = self._loaded()
        rows = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for index, text in enumerate(texts):
            ids = tokenizer.encode(_readable(text[:TEXT_CHARS_MAX])).ids
            if len(ids) > TOKENS_MAX:
                ids = [*ids[: TOKENS_MAX - 1], ids[-1]]
            tokens = np.array([ids], dtype=np.int64)
            inputs = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
            rows[index] = session.run(None, inputs)[0][0]
        return rows

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has; beyond 65,536 characters it is extrapolated."""
        counted = _readable(text[:COUNTED_CHARS_MAX])
        tokens = len(self._loaded()[0].encode(counted, add_special_tokens=False).ids)
        return tokens if len(counted) == len(text) else tokens * len(text) // len(counted)

    def has_word(self, word: str) -> bool:
        """Say whether the model knows a word as one; any other, such as a code, it only sees in pieces."""
        return len(self._loaded()[0].encode(_readable(word), add_special_tokens=False).ids) <= 1

    def token_ends(self, text: str) -> list[int]:
        """Return where each token of a text ends, in characters from its start."""
        encoding = self._loaded()[0].encode(_readable(text), add_special_tokens=False)
        return [int(end) for _, end in encoding.offsets]

    def _loaded(self) -> tuple[Tokenizer, onnxruntime.InferenceSession]:
        with self._lock:
            if self._tokenizer is None or self._session is None:
                self._session = session_of(self._folder / "model.onnx", _SHA256, _REMEDY, threads=1)
                self._tokenizer = tokenizer_of(self._folder / "tokenizer.json", _REMEDY)
            return self._tokenizer, self._session


def _readable(text: str) -> str:
    """Replace halves of characters, which the tokenizer refuses, by as many question marks."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
