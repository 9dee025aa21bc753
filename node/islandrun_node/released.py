"""The model files that ship with the node: compared with what was released, then ready to run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from islandrun.errors import StateError

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

MINILM: Final = Path(__file__).parent / "backends" / "minilm"
TOKENIZER_SHA256: Final = "b2671b6b396976e3f5aef2c69ea482aa60a2a571933664ab36f352d655ecea29"


def read_released(path: Path, digest: str, remedy: str) -> bytes:
    """Read a file. Raises `StateError` with the remedy when it is missing or is not the released one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise StateError(f"{path} is damaged (its SHA-256 is not the released one); {remedy}")
    return content


def tokenizer_of(path: Path, remedy: str) -> Tokenizer:
    """Load the word pieces of MiniLM, without truncation. Raises as `read_released` does."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(read_released(path, TOKENIZER_SHA256, remedy))
    tokenizer.no_truncation()
    return tokenizer


def session_of(path: Path, digest: str, remedy: str, threads: int) -> onnxruntime.InferenceSession:
    """Load a model that runs on so many threads and does not spin. Raises as `read_released` does."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    content = read_released(path, digest, remedy)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
