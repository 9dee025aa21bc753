"""Average networks of one training, weight by weight: what they learnt by chance falls out."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("networks", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="*", help="of each; equal ones unless given")
    options = parser.parse_args()
    shares = options.shares or [1 / len(options.networks)] * len(options.networks)
    states = [torch.load(path, weights_only=True) for path in options.networks]
    pairs = list(zip(shares, states, strict=True))
    torch.save(
        {name: sum(share * state[name] for share, state in pairs) for name in states[0]}, options.target
    )


if __name__ == "__main__":
    main()
