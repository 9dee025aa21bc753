"""Train the linear head that guesses the task of a request, on texts of our own, and measure it on others.

    python scripts/training/train_tasks.py            trains, writes the head, measures it
    python scripts/training/train_tasks.py --check    only measures the shipped head

Vectors are those of the shipped MiniLM. A new head has a new hash: write it into
node/islandrun_node/task_reader.py. The held-out texts were never used to make or to choose anything.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from islandrun.agents.tasks import LinearHead, Task, guess_by_rules
from islandrun_node.backends.embedder import Embedder
from islandrun_node.task_reader import HEAD_FILE, head_of

HERE = Path(__file__).parent
TASKS = tuple(Task)
STEPS, RATE, DECAY = 4_000, 4.0, 6e-4
Matrix = npt.NDArray[np.float64]


def texts(folder: str) -> tuple[list[str], list[int]]:
    found: list[str] = []
    labels: list[int] = []
    for number, task in enumerate(TASKS):
        lines = (HERE / folder / f"{task}.txt").read_text(encoding="utf-8").splitlines()
        found += lines
        labels += [number] * len(lines)
    return found, labels


def trained(vectors: Matrix, labels: list[int], decay: float = DECAY) -> Matrix:
    """Return the weights of a softmax regression, the bias in the last column, by plain gradient descent."""
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
    wanted = np.eye(len(TASKS))[labels]
    weights = np.zeros((len(TASKS), inputs.shape[1]))
    for _ in range(STEPS):
        scores = inputs @ weights.T
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        slope = (shares - wanted).T @ inputs / len(inputs)
        slope[:, :-1] += decay * weights[:, :-1]
        weights -= RATE * slope
    return weights


def cross_checked(vectors: Matrix, labels: list[int], folds: int = 5) -> float:
    """Return the share of right guesses on fifths of the training texts that were left out."""
    order = np.random.default_rng(7).permutation(len(labels))
    right = 0
    for fold in range(folds):
        out = order[fold::folds]
        kept = np.setdiff1d(order, out)
        weights = trained(vectors[kept], [labels[at] for at in kept])
        scores = np.hstack([vectors[out], np.ones((len(out), 1))]) @ weights.T
        right += int((scores.argmax(axis=1) == np.array(labels)[out]).sum())
    return right / len(labels)


def as_head(weights: Matrix) -> dict[str, object]:
    """Return the head as it is shipped: thousandths, which change no guess."""
    rows = np.round(weights * 1_000).astype(int)
    return {
        "tasks": [str(task) for task in TASKS],
        "weights": rows[:, :-1].tolist(),
        "bias": rows[:, -1].tolist(),
    }


def measure(head: LinearHead, embedder: Embedder) -> None:
    found, labels = texts("tasks_heldout")
    started = time.perf_counter()
    vectors = [[float(value) for value in embedder.embed([text])[0]] for text in found]
    embedded = time.perf_counter()
    guesses = [head.guess(vector) for vector in vectors]
    guessed = time.perf_counter()
    rules = [guess_by_rules(text).task for text in found]
    for number, task in enumerate(TASKS):
        here = [at for at, label in enumerate(labels) if label == number]
        hits = sum(guesses[at].task is task for at in here)
        by_rules = sum(rules[at] is task for at in here)
        wrong = sorted({str(guesses[at].task) for at in here if guesses[at].task is not task})
        print(f"{task:10} {hits}/{len(here)} right, rules {by_rules}/{len(here)}; else {', '.join(wrong)}")
    right = [guess.task is TASKS[label] for guess, label in zip(guesses, labels, strict=True)]
    harmless = [
        guess.counted in (Task.CHAT, TASKS[label]) for guess, label in zip(guesses, labels, strict=True)
    ]
    count = len(found)
    print(f"all        {sum(right) / count:.3f} right, {sum(harmless) / count:.3f} right or counted as chat")
    print(f"rules      {sum(a is TASKS[b] for a, b in zip(rules, labels, strict=True)) / count:.3f} right")
    print(f"time       {(embedded - started) / count * 1e3:.1f} ms a vector,", end=" ")
    print(f"{(guessed - embedded) / count * 1e3:.2f} ms a guess")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="measure the shipped head, change nothing")
    embedder = Embedder()
    if not parser.parse_args().check:
        found, labels = texts("tasks")
        vectors = embedder.embed(found).astype(np.float64)
        print(f"{len(found)} texts, {cross_checked(vectors, labels):.3f} right where a fifth is left out")
        HEAD_FILE.write_text(json.dumps(as_head(trained(vectors, labels))) + "\n", encoding="utf-8")
    measure(head_of(HEAD_FILE.read_bytes()), embedder)


if __name__ == "__main__":
    main()
