"""Train the tagger: the same seed and steps on one machine give the same network."""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import mixture
import numpy as np
import torch
from network import TaggerNetwork, tokenizer
from samples import UNKNOWN, Sample
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

HERE = Path(__file__).parent
PRIVATE_WEIGHT, TEACH_WEIGHT = 0.7, 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """What differs between the first steps and the last: shares, how sure to be, how much topics count.

    What is kept is a running mean, to which each step adds what `mean_decay` leaves: with 0.999 that of about
    the latest thousand steps, with 0 the present state.
    """

    shares: dict[str, float]
    doubt: float
    text_weight: float
    mean_decay: float


STAGES = {
    "first": Stage(mixture.SHARES, 0.0, 0.15, 0.0),
    "last": Stage(mixture.LAST_SHARES, 0.05, 0.4, 0.999),
}


def main() -> None:
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    chance = random.Random(options.seed)
    network = TaggerNetwork()
    if options.start:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    pool = mixture.pools(HERE / "texts", options.data, chance, options.fills)
    print({name: len(examples) for name, examples in pool.items()}, flush=True)
    stage = STAGES[options.stage]
    samples = mixture.stream(pool, tokenizer(), chance, stage.shares)
    stream = mixture.batches(samples, options.batch_tokens)
    optimizer, schedule = _optimizer(network, options.rate, options.steps)
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(stage.mean_decay))
    network.train()
    began, seen, sums = time.monotonic(), 0, np.zeros(4)
    for step in range(1, options.steps + 1):
        batch = next(stream)
        losses = _losses(network, batch, stage)
        losses.sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        mean.update_parameters(network)
        seen += sum(len(one.ids) for one in batch)
        sums += losses.detach().numpy()
        if step % 100 == 0 or step == options.steps:
            shown = " ".join(f"{value / 100:.4f}" for value in sums)
            print(f"step {step} {time.monotonic() - began:.0f} s, {seen} tokens, losses {shown}", flush=True)
            sums[:] = 0
        if step % 500 == 0 or step == options.steps:
            torch.save(mean.module.state_dict(), options.out)
        if step in options.keep:
            torch.save(mean.module.state_dict(), options.out.with_suffix(f".{step}.pt"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with tab, wnut17, btc, wikigold")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a network to go on from")
    parser.add_argument("--stage", choices=sorted(STAGES), default="first")
    parser.add_argument("--keep", type=int, nargs="*", default=(), help="steps whose network is kept beside")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch-tokens", type=int, default=1536)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--fills", type=int, default=mixture.FILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _optimizer(
    network: TaggerNetwork, rate: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    heads = list(network.exits.parameters())
    encoder = [one for one in network.bert.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "lr": rate}, {"params": heads, "lr": 3 * rate}],
        weight_decay=0.01,
        betas=(0.9, 0.98),
    )
    warm = min(200, steps // 10 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warm) * max(0.02, 1 - step / steps)
    )
    return optimizer, schedule


def _losses(network: TaggerNetwork, batch: list[Sample], stage: Stage) -> Tensor:
    """Return the losses of labels, of privacy and of texts, and of the shallow exit against the deep one."""
    ids, shapes, allowed, private, texts = _stacked(batch)
    real = ids != 0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = network(ids, shapes)
    found = torch.zeros(4)
    deep_labels, deep_private, _ = (one.float().detach() for one in outputs[max(outputs)])
    for layer, output in outputs.items():
        labels, is_private, of_text = (one.float() for one in output)
        logs = labels.log_softmax(-1)
        likely = logs.masked_fill(~allowed, -1e4).logsumexp(-1)
        known = real & (private != UNKNOWN)
        known_texts = texts != UNKNOWN
        found[0] = found[0] - likely[real].mean()
        found[1] = found[1] + PRIVATE_WEIGHT * functional.binary_cross_entropy_with_logits(
            is_private[known], private[known] * (1 - 2 * stage.doubt) + stage.doubt
        )
        if known_texts.any():
            found[2] = found[2] + stage.text_weight * functional.binary_cross_entropy_with_logits(
                of_text[known_texts], texts[known_texts] * (1 - 2 * stage.doubt) + stage.doubt
            )
        if layer != max(outputs):
            away = -(deep_labels.softmax(-1) * logs).sum(-1)[real].mean()
            away = away + functional.binary_cross_entropy_with_logits(
                is_private[real], deep_private[real].sigmoid()
            )
            found[3] = found[3] + TEACH_WEIGHT * away
    return found


def _stacked(batch: list[Sample]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    rows, size = len(batch), max(len(one.ids) for one in batch)
    ids, shapes = np.zeros((rows, size), np.int64), np.zeros((rows, size), np.int64)
    allowed = np.zeros((rows, size, batch[0].allowed.shape[1]), np.bool_)
    private = np.full((rows, size), UNKNOWN, np.float32)
    for number, one in enumerate(batch):
        count = len(one.ids)
        ids[number, :count], shapes[number, :count] = one.ids, one.shapes
        allowed[number, :count], private[number, :count] = one.allowed, one.private
    allowed[..., 0] |= ids == 0
    arrays = (ids, shapes, allowed, private, np.stack([one.texts for one in batch]))
    ids_, shapes_, allowed_, private_, texts_ = (torch.from_numpy(one) for one in arrays)
    return ids_, shapes_, allowed_, private_, texts_


if __name__ == "__main__":
    main()
