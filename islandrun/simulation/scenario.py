"""Scenarios in prose: what happens to a small mesh, and what each island must then believe.

::

    islands 5                    a b c d e join
    liar f forge                 one more, that lies; see `liars.LIES`
    run 20s
    partition a b | c d e        cut a -> b                heal
    crash d                      crash d and its disk      restart d
    publish a                    away a                    revoke c at a
    expect
    island | alive | unreachable | revoked | newest
    a      | b     | c d e       | -       | *

`seed` and `loss 10%` come before `islands`. A cell holds names, `-` for nobody, or `*` for whatever it is.
The columns are `alive`, `suspect`, `unreachable`, `away`, `revoked`, `trusted` (trust above 0) and `newest`
(whose newest statement of itself is known). A line that begins with `#` is a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from islandrun.simulation.islands import GROUP, Island
from islandrun.simulation.network import Conditions
from islandrun.simulation.world import World
from islandrun.trust.claims import IslandState
from islandrun.trust.ledger import record_key
from islandrun.trust.score import TrustPolicy, score
from islandrun.vocabulary import Reachability

NAMES: Final = "abcdefghijklmnopqrstuvwxyz"
_POLICY: Final = TrustPolicy()


class ScenarioFailed(Exception):
    """An island believes something else than the script expects, or an invariant broke."""


class Scenario:
    """Plays one script, line by line. Raises `ValueError` for a line that it does not understand."""

    def __init__(self, text: str) -> None:
        self._lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
        self._at = 0
        self._seed = 1
        self._conditions = Conditions()
        self._world: World | None = None
        self._verbs: Mapping[str, Callable[[list[str]], None]] = {
            "seed": self._set_seed,
            "loss": self._set_loss,
            "islands": self._join_many,
            "liar": lambda words: self._join(words[0], lie=words[1]),
            "run": lambda words: self.world.run(float(words[0].removesuffix("s"))),
            "partition": self._partition,
            "cut": lambda words: self.world.network.cut(self._island(words[0]).id, self._island(words[2]).id),
            "heal": lambda words: self.world.network.heal(),
            "crash": lambda words: self.world.crash(words[0], loses_disk=words[1:] == ["and", "its", "disk"]),
            "restart": lambda words: self.world.restart(words[0]),
            "publish": self._publish,
            "away": self._go_away,
            "revoke": self._revoke,
            "expect": lambda words: self._expect(),
        }

    @property
    def world(self) -> World:
        """The mesh of the script; it begins with `islands`."""
        if self._world is None:
            raise ValueError("`islands` comes before what happens to them")
        return self._world

    def play(self) -> World:
        """Play the script to its end and return the world as it is then."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line:
                self._do(line)
        self.world.sweep()
        if self.world.invariants.count:
            raise ScenarioFailed(self.world.story())
        return self.world

    # ------------------------------------------------------------ commands

    def _do(self, line: str) -> None:
        verb, *words = line.split()
        try:
            self._verbs[verb](words)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"line {self._at}: `{line}` is not understood: {error!r}") from error

    def _set_seed(self, words: list[str]) -> None:
        self._seed = int(words[0])

    def _set_loss(self, words: list[str]) -> None:
        self._conditions = Conditions(loss=float(words[0].removesuffix("%")) / 100)

    def _join_many(self, words: list[str]) -> None:
        self._world = World(self._seed, self._conditions)
        for name in NAMES[: int(words[0])]:
            self._join(name)

    def _join(self, name: str, lie: str = "") -> None:
        self.world.join(name, lie)
        self.world.run(self.world.rng.uniform(0.0, 0.1))

    def _partition(self, words: list[str]) -> None:
        parts = " ".join(words).split("|")
        self.world.network.partition([[self._island(name).id for name in part.split()] for part in parts])

    def _publish(self, words: list[str]) -> None:
        self.world.publish(words[0])

    def _go_away(self, words: list[str]) -> None:
        self.world.publish(words[0], IslandState.AWAY)

    def _revoke(self, words: list[str]) -> None:
        self.world.revoke(words[0], at=words[2])

    def _island(self, name: str) -> Island:
        return self.world.islands[name]

    # ------------------------------------------------------------ expectations

    def _expect(self) -> None:
        rows = list(self._table())
        header = rows[0]
        for row in rows[1:]:
            cells = dict(zip(header, row, strict=True))
            island = self._island(cells.pop("island"))
            for column, expected in cells.items():
                found = " ".join(self._column(island, column)) or "-"
                if expected not in ("*", found):
                    raise ScenarioFailed(
                        f"line {self._at}: {island.name} should have {column}: {expected}, "
                        f"but has {found}\n{self.world.story()}"
                    )

    def _table(self) -> Iterator[list[str]]:
        while self._at < len(self._lines) and "|" in self._lines[self._at]:
            yield [" ".join(cell.split()) for cell in self._lines[self._at].split("|")]
            self._at += 1

    def _column(self, observer: Island, column: str) -> list[str]:
        others = [island for island in self.world.islands.values() if island is not observer]
        match column:
            case "revoked":
                return [other.name for other in others if other.id in observer.ledger.revoked()]
            case "trusted":
                return [other.name for other in others if self._trusts(observer, other)]
            case "newest":
                return [other.name for other in others if _knows_newest(observer, other)]
            case _:
                state = Reachability[column.upper()]
                return [other.name for other in others if self._reaches(observer, other) is state]

    def _reaches(self, observer: Island, other: Island) -> Reachability:
        if observer.mesh is None:
            raise ValueError(f"{observer.name} does not run")
        return observer.mesh.reachability(other.id, self.world.now)

    def _trusts(self, observer: Island, other: Island) -> bool:
        return score(observer.ledger, other.id, GROUP, _POLICY, None, self.world.now.wall_ms).ppm > 0


def _knows_newest(observer: Island, other: Island) -> bool:
    key = record_key(other.pen.public, other.pen.public, "self", 0)
    return other.newest is not None and observer.ledger.record(key) == other.newest
