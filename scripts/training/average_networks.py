"""Average two networks of one training, weight by weight: what they learnt by chance falls out."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the first")
    options = parser.parse_args()
    first = torch.load(options.first, weights_only=True)
    second = torch.load(options.second, weights_only=True)
    torch.save({name: torch.lerp(second[name], first[name], options.share) for name in first}, options.target)


if __name__ == "__main__":
    main()
