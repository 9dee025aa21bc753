"""What can happen to a simulated mesh, in words: one line of a script -> calls of the world.

The language of scripts is also that of random faults: what a seed did wrong can be read, cut down and played
again. `scenario` says what the words mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from islandrun.simulation.islands import Grant, Island
from islandrun.simulation.network import Conditions
from islandrun.simulation.world import Store, World
from islandrun.trust.claims import IslandState
from islandrun.vocabulary import PPM_MAX, Ppm, Tier

EVERYBODY: Final = "everybody"
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_UNIT_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "days": 86_400}
_DURATION: Final = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(s|min|h|days)")
_STORES: Final = {
    (): Store.KEPT,
    ("and", "its", "disk"): Store.LOST,
    ("and", "roll", "back"): Store.ROLLED_BACK,
}


def name_of(number: int) -> str:
    """Return the name of an island by its number from 0: a to z, then a1 to z1, and so on."""
    row, column = divmod(number, len(_LETTERS))
    return _LETTERS[column] + (str(row) if row else "")


def seconds_of(word: str) -> float:
    """Read a time such as 20s, 1.5min, 48h or -30days. Raises `ValueError`."""
    match = _DURATION.fullmatch(word)
    if match is None:
        raise ValueError(f"{word} is not a time such as 20s, 5min, 48h or -30days")
    return float(match[1]) * _UNIT_SECONDS[match[2]]


def share_of(word: str) -> float:
    """Read a share such as 10%. Raises `ValueError`."""
    return float(word.removesuffix("%")) / 100


class Orders:
    """Carries out one line at a time. Raises `ValueError`, `KeyError` or `IndexError` for any other line."""

    def __init__(self) -> None:
        self._seed = 1
        self._conditions = Conditions()
        self._world: World | None = None
        self._verbs: Mapping[str, Callable[[list[str]], None]] = {
            **self._beginnings(),
            **self._links(),
            **self._machines(),
            **self._statements(),
        }

    @property
    def world(self) -> World:
        """The mesh of the script; it begins with `islands`."""
        if self._world is None:
            raise ValueError("`islands` comes before what happens to them")
        return self._world

    @property
    def has_begun(self) -> bool:
        """Whether there are islands yet."""
        return self._world is not None

    def carry_out(self, line: str) -> None:
        """Do what a line says."""
        verb, *words = line.split()
        self._verbs[verb](words)

    def island(self, name: str) -> Island:
        """Return an island by its name."""
        return self.world.islands[name]

    # ------------------------------------------------------------ the words

    def _beginnings(self) -> dict[str, Callable[[list[str]], None]]:
        return {
            "seed": self._set_seed,
            "loss": lambda words: self._set_conditions(replace(self._now(), loss=share_of(words[0]))),
            "duplicates": lambda words: self._set_conditions(
                replace(self._now(), duplicates=share_of(words[0]))
            ),
            "late": lambda words: self._set_conditions(replace(self._now(), late_share=share_of(words[0]))),
            "islands": self._join_many,
            "island": lambda words: self._join(words[0], grant=_grant(words[1:])),
            "liar": lambda words: self._join(words[0], lie=words[1]),
            "run": lambda words: self.world.run(seconds_of(words[0])),
            "measure": lambda words: self.world.counts.begin_measure(self.world.seconds),
        }

    def _links(self) -> dict[str, Callable[[list[str]], None]]:
        return {
            "partition": self._partition,
            "ring": lambda words: self.world.network.ring(
                self.island(name).id for name in self._names(words)
            ),
            "cut": lambda words: self._each_way(words, self.world.network.cut),
            "mend": lambda words: self._each_way(words, self.world.network.mend),
            "clog": lambda words: self._each(
                words, lambda name: self.world.network.clog(self.island(name).id)
            ),
            "unclog": lambda words: self._each(
                words, lambda name: self.world.network.unclog(self.island(name).id)
            ),
            "heal": lambda words: self.world.network.heal(),
        }

    def _machines(self) -> dict[str, Callable[[list[str]], None]]:
        return {
            "crash": self._crash,
            "restart": lambda words: self._each(words, self.world.restart),
            "back-up": lambda words: self._each(words, lambda name: self.island(name).back_up()),
            "sleep": lambda words: self._each(words, self.world.sleep),
            "wake": lambda words: self._each(words, self.world.wake),
            "clock": self._set_clock,
        }

    def _statements(self) -> dict[str, Callable[[list[str]], None]]:
        return {
            "publish": lambda words: self._each(words, self._publish),
            "away": lambda words: self._each(words, self._go_away),
            "revoke": self._revoke,
            "ask": lambda words: self._ask(words[0], float(words[1])),
        }

    # ------------------------------------------------------------ what they do

    def _set_seed(self, words: list[str]) -> None:
        self._seed = int(words[0])

    def _now(self) -> Conditions:
        return self._conditions if self._world is None else self._world.network.conditions

    def _set_conditions(self, conditions: Conditions) -> None:
        self._conditions = conditions
        if self._world is not None:
            self._world.network.conditions = conditions

    def _join_many(self, words: list[str]) -> None:
        self._world = World(self._seed, self._conditions)
        for number in range(int(words[0])):
            self._join(name_of(number))

    def _join(self, name: str, lie: str = "", grant: Grant | None = None) -> None:
        self.world.join(name, lie, grant or Grant())
        self.world.run(self.world.rng.uniform(0.0, 0.1))

    def _names(self, words: list[str]) -> list[str]:
        if words == [EVERYBODY]:
            return list(self.world.islands)
        if not words:
            raise ValueError("nobody is named")
        for name in words:
            self.island(name)
        return words

    def _each(self, words: list[str], do: Callable[[str], object]) -> None:
        for name in self._names(words):
            do(name)

    def _each_way(self, words: list[str], do: Callable[..., None]) -> None:
        arrow = words.index("->")
        for source in self._names(words[:arrow]):
            for target in self._names(words[arrow + 1 :]):
                do(self.island(source).id, self.island(target).id)

    def _partition(self, words: list[str]) -> None:
        parts = " ".join(words).split("|")
        self.world.network.partition([[self.island(name).id for name in part.split()] for part in parts])

    def _crash(self, words: list[str]) -> None:
        end = words.index("and") if "and" in words else len(words)
        store = _STORES[tuple(words[end:])]
        self._each(words[:end], lambda name: self.world.crash(name, store))

    def _set_clock(self, words: list[str]) -> None:
        *names, word = words
        offset = 0.0 if word == "right" else seconds_of(word)
        self._each(names, lambda name: self.world.set_clock(name, offset))

    def _publish(self, name: str) -> None:
        if self.island(name).runs:
            self.world.publish(name)

    def _go_away(self, name: str) -> None:
        self.world.publish(name, IslandState.AWAY)

    def _revoke(self, words: list[str]) -> None:
        self.world.revoke(words[0], at=words[2])

    def _ask(self, name: str, share: float) -> None:
        self.world.ask(name, Ppm(round(share * PPM_MAX)))


def _grant(words: list[str]) -> Grant:
    """Read what the owner lets an island be, such as `edge 0.6`."""
    return Grant(Tier[words[0].upper()], Ppm(round(float(words[1]) * PPM_MAX)))
