"""The network of the trained detector, from the file that ships with the node: `tagger/model.onnx`.

What it reads and what its figures mean is in `islandrun.privacy.detect.tagger`; how well it finds, and
where it is weak, is in `tagger/MODEL_CARD.md`. The file is compared with its released hash at each start.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from islandrun.errors import StateError
from islandrun.privacy.detect.tagger import Scores

if TYPE_CHECKING:
    from tokenizers import Encoding

_FOLDER = Path(__file__).parent
_MODEL: Final = _FOLDER / "tagger" / "model.onnx"
_TOKENIZER: Final = _FOLDER / "backends" / "minilm" / "tokenizer.json"
_SHA256: Final = {
    "model.onnx": "9c015da728afad3baef5e6552ade620cd77b8f08367f06ba25731e47a7fe0333",
    "tokenizer.json": "b2671b6b396976e3f5aef2c69ea482aa60a2a571933664ab36f352d655ecea29",
}
THREADS: Final = min(2, os.cpu_count() or 1)


class OnnxNetwork:
    """Runs the network; safe to use from several threads. Loading takes about 0.2 s."""

    def __init__(self, model: Path = _MODEL, tokenizer: Path = _TOKENIZER, threads: int = THREADS) -> None:
        """Load both files. Raises `StateError` when one is missing or is not the released one."""
        import onnxruntime
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_buffer(_checked(tokenizer, _SHA256["tokenizer.json"]))
        self._tokenizer.no_truncation()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            _checked(model, _SHA256["model.onnx"]), options, providers=["CPUExecutionProvider"]
        )

    def encode(self, text: str) -> Encoding:
        """Return the word pieces of a text, without marks at the ends."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def score(self, ids: npt.NDArray[np.int64], shapes: npt.NDArray[np.int64]) -> Scores:
        """Score (rows, tokens) of ids, where 0 is padding."""
        labels, private, texts = self._session.run(None, {"ids": ids, "shapes": shapes})
        return Scores(labels, private, texts)


def _checked(path: Path, digest: str) -> bytes:
    """Read a file of the model and compare it with what was released."""
    remedy = "install islandrun again; until then nothing leaves this machine"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise StateError(f"{path} is damaged (its SHA-256 is not the released one); {remedy}")
    return content
