"""Write one exit of a trained network as the node ships it: ONNX, fused, weights as 8-bit integers."""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from pathlib import Path

import onnx
import torch
from network import TaggerNetwork
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from torch import Tensor, nn

OPSET = 17


class OneExit(nn.Module):
    """The encoder up to one layer, and the heads there."""

    def __init__(self, network: TaggerNetwork, layer: int) -> None:
        super().__init__()
        self.bert = network.bert
        self.bert.encoder.layer = self.bert.encoder.layer[:layer]
        self.exit = network.exits[str(layer)]

    def forward(self, ids: Tensor, shapes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (rows, tokens) to log-odds of labels, of being private, and of the text."""
        hidden = self.bert(
            input_ids=ids, token_type_ids=shapes, attention_mask=(ids != 0).long()
        ).last_hidden_state
        labels, private, texts = self.exit(hidden)
        return labels, private, texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--layer", type=int, default=6)
    options = parser.parse_args()
    network = TaggerNetwork()
    network.load_state_dict(torch.load(options.network, weights_only=True))
    write(OneExit(network, options.layer).eval(), options.layer, options.target)
    content = options.target.read_bytes()
    print(f"{hashlib.sha256(content).hexdigest()}  {options.target.name}  {len(content)} bytes")


def write(network: OneExit, layer: int, target: Path) -> None:
    """Export, fuse, quantise."""
    ids = torch.tensor([[101, 2026, 2171, 2003, 102], [101, 7632, 102, 0, 0]])
    names = ("labels", "private", "texts")
    axes = {name: {0: "rows", 1: "tokens"} for name in ("ids", "shapes", "labels", "private")}
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        torch.onnx.export(
            network,
            (ids, torch.ones_like(ids)),
            str(scratch / "full.onnx"),
            dynamo=False,
            opset_version=OPSET,
            input_names=["ids", "shapes"],
            output_names=list(names),
            dynamic_axes={**axes, "texts": {0: "rows"}},
        )
        fused = optimizer.optimize_model(
            str(scratch / "full.onnx"), model_type="bert", num_heads=12, hidden_size=384, opt_level=1
        )
        print(f"{layer} layers, fused: {fused.get_fused_operator_statistics()}")
        fused.save_model_to_file(str(scratch / "fused.onnx"))
        quantize_dynamic(
            scratch / "fused.onnx",
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


if __name__ == "__main__":
    main()
