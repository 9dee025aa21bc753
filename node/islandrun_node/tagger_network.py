"""The network of the trained detector, from the file that ships with the node: `tagger/model.onnx`.

What it reads and what its figures mean is in `islandrun.privacy.detect.tagger`; how well it finds, and
where it is weak, is in `tagger/MODEL_CARD.md`. The file is compared with its released hash at each start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from islandrun.privacy.detect.tagger import Scores
from islandrun_node.released import MINILM, session_of, tokenizer_of

if TYPE_CHECKING:
    from tokenizers import Encoding

_MODEL: Final = Path(__file__).parent / "tagger" / "model.onnx"
_TOKENIZER: Final = MINILM / "tokenizer.json"
_SHA256: Final = "73584eb8ab1f5b947fc83a4dfa3302f2ff9aa626be8c630868f75f4250dcb26a"
_REMEDY: Final = "install islandrun again; until then nothing leaves this machine"
THREADS: Final = min(2, os.cpu_count() or 1)


class OnnxNetwork:
    """Runs the network; safe to use from several threads. Loading takes about 0.2 s."""

    def __init__(self, model: Path = _MODEL, tokenizer: Path = _TOKENIZER, threads: int = THREADS) -> None:
        """Load both files. Raises `StateError` when one is missing or is not the released one."""
        self._tokenizer = tokenizer_of(tokenizer, _REMEDY)
        self._session = session_of(model, _SHA256, _REMEDY, threads)

    def encode(self, text: str) -> Encoding:
        """Return the word pieces of a text, without marks at the ends."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def score(self, ids: npt.NDArray[np.int64], shapes: npt.NDArray[np.int64]) -> Scores:
        """Score (rows, tokens) of ids, where 0 is padding."""
        labels, private, texts = self._session.run(None, {"ids": ids, "shapes": shapes})
        return Scores(labels, private, texts)
