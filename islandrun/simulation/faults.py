"""Random misfortune from a seed, in the language of scripts: what breaks, when, and how it ends.

Each fault is a function: dice and names -> what happens, each with its second. A kind never leaves anything
broken: whatever it does it also undoes. That of two faults one may undo the other is wanted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

Step = tuple[float, str]
"""(second, line of a script)"""

LAST_SECONDS: Final = (2.0, 40.0)
"""How long a fault lasts, from and to."""


def plan(rng: random.Random, names: Sequence[str], seconds: float, kinds: Iterable[str]) -> tuple[Step, ...]:
    """Return what happens to these islands in so many seconds, in the order of time.

    About one fault in ten seconds, of the kinds named (see `FAULTS`), beside news and requests.
    """
    chosen = sorted(kinds)
    steps: list[Step] = []
    for _ in range(max(1, round(seconds / 10)) if chosen else 0):
        begin = rng.uniform(0.0, seconds)
        end = min(seconds, begin + rng.uniform(*LAST_SECONDS))
        steps.extend(FAULTS[rng.choice(chosen)](rng, names, begin, end))
    for _ in range(round(seconds / 5)):
        at = rng.uniform(0.0, seconds)
        steps.append((at, f"publish {rng.choice(names)}"))
        steps.append((at, f"ask {rng.choice(names)} {rng.randrange(11) / 10}"))
    return tuple(sorted(steps, key=lambda step: step[0]))


def weather(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Lose, double and delay messages, so that they overtake each other."""
    shares = [("loss", rng.randrange(5, 60)), ("duplicates", rng.randrange(20)), ("late", rng.randrange(50))]
    return [
        *((begin, f"{what} {percent}%") for what, percent in shares),
        *((end, f"{what} 0%") for what, _ in shares),
    ]


def halves(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Part the mesh in two or three."""
    parts = _parts(rng, names, rng.choice((2, 2, 3)))
    return [(begin, f"partition {' | '.join(' '.join(part) for part in parts)}"), (end, "heal")]


def one_way(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Let some islands speak to others and not hear them."""
    mute, deaf = _parts(rng, names, 2)
    return [
        (begin, f"cut {' '.join(mute)} -> {' '.join(deaf)}"),
        (end, f"mend {' '.join(mute)} -> {' '.join(deaf)}"),
    ]


def semi_detached(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Let one island hear only some of the others, who all hear it."""
    island = rng.choice(names)
    lost = " ".join(rng.sample([name for name in names if name != island], max(1, len(names) // 2)))
    return [(begin, f"cut {lost} -> {island}"), (end, f"mend {lost} -> {island}")]


def ring(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Leave each island its two neighbours."""
    return [(begin, f"ring {' '.join(rng.sample(names, len(names)))}"), (end, "heal")]


def swizzle(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Stop the links of some islands one after the other; let them work again in another order.

    FoundationDB's swizzle-clog, which finds more than clogging all at once does.
    """
    chosen = rng.sample(names, max(1, len(names) // 2))
    stops = [(begin + (end - begin) * rng.uniform(0.0, 0.5), f"clog {name}") for name in chosen]
    starts = [(begin + (end - begin) * rng.uniform(0.5, 1.0), f"unclog {name}") for name in chosen]
    return [*stops, *starts]


def crash(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Stop some islands without a word; their disks are whole."""
    some = _some(rng, names)
    return [(begin, f"crash {some}"), (end, f"restart {some}")]


def lost_disk(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Stop one island and lose its disk."""
    name = rng.choice(names)
    return [(begin, f"crash {name} and its disk"), (end, f"restart {name}")]


def rolled_back(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Restore one island from a backup of earlier.

    Never one that `clock` strikes: who ran ahead of time and then forgot how far its own sequence had come is
    not heard before time has caught up.
    """
    name = rng.choice(names[1::2])
    middle = rng.uniform(begin, end)
    return [
        (begin, f"back-up {name}"),
        (middle, f"crash {name} and roll back"),
        (end, f"restart {name}"),
    ]


def mass_restart(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Stop everybody at once and start them one after the other within two seconds."""
    order = rng.sample(names, len(names))
    starts = [(end + 2 * number / len(names), f"restart {name}") for number, name in enumerate(order)]
    return [(begin, f"crash {' '.join(names)}"), *starts]


def sleep(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Close the lid of some machines."""
    some = _some(rng, names)
    return [(begin, f"sleep {some}"), (end, f"wake {some}")]


def clock(rng: random.Random, names: Sequence[str], begin: float, end: float) -> list[Step]:
    """Set the wall clock of one island wrong, and right again."""
    name = rng.choice(names[::2])
    wrong = rng.choice(("+10min", "-10min", "-30days", "+30s", "-4min"))
    return [(begin, f"clock {name} {wrong}"), (end, f"clock {name} right")]


FAULTS: Final[Mapping[str, Callable[[random.Random, Sequence[str], float, float], list[Step]]]] = {
    "clock": clock,
    "crash": crash,
    "halves": halves,
    "lost-disk": lost_disk,
    "mass-restart": mass_restart,
    "one-way": one_way,
    "ring": ring,
    "rolled-back": rolled_back,
    "semi-detached": semi_detached,
    "sleep": sleep,
    "swizzle": swizzle,
    "weather": weather,
}
"""Every kind of misfortune by its name."""

AFTERWARDS: Final = (
    "heal",
    "loss 0%",
    "duplicates 0%",
    "late 0%",
    "clock everybody right",
    "wake everybody",
    "restart everybody",
    "publish everybody",
)
"""What ends every fault, whatever of a plan was left out; who spoke by a wrong clock speaks again."""


def _some(rng: random.Random, names: Sequence[str]) -> str:
    return " ".join(rng.sample(names, rng.randint(1, max(1, len(names) // 3))))


def _parts(rng: random.Random, names: Sequence[str], count: int) -> list[list[str]]:
    """Deal the names to so many parts, none of them empty."""
    order = rng.sample(names, len(names))
    return [order[number::count] for number in range(count) if order[number::count]]
