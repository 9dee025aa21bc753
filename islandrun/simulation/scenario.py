"""Scenarios in prose: what happens to a small mesh, and what each island must then believe.

::

    islands 5                    a b c d e join             run 20s (or 5min, 48h)
    island f edge 0.6            one more, of tier edge, trusted to 0.6 at most
    liar g forge                 one more, that lies; see `liars.LIES`
    partition a b | c d e        ring a b c d e             cut a b -> c        mend a -> c
    clog a                       all its links stop         unclog a            heal (all of these)
    crash d                      crash d and its disk (it joins anew)
    crash d and roll back (to its last `back-up d`)
    restart d                    sleep e                    wake e
    clock e +10min               its wall clock is wrong    clock e right
    publish a                    away a                     revoke c at a       ask a 0.6 (hand on a request)
    measure                      begin to count for:        at most 8 messages/s     at most 4 changes
    agree within 35s             all reach each other and hold the same by then
    expect
    island | alive | unreachable | revoked | newest
    a      | b     | c d e       | -       | *

`seed` comes before `islands`; `loss 10%`, `duplicates 5%` and `late 20%` (messages that are overtaken) may
change at any time. Several names, or `everybody`, may stand where one does. A cell holds names, `-` for
nobody, or `*` for whatever it is. The columns are `alive`, `suspect`, `unreachable`, `away`, `revoked`,
`trusted` (trust above 0) and `newest` (whose newest statement of itself is known). `messages/s` is of each
island, `changes` are those of what one island believes of the ways to others. `#` begins a remark.
"""

from __future__ import annotations

from collections.abc import Iterator

from islandrun.simulation.agreement import disagreement, knows_newest
from islandrun.simulation.invariants import POLICY
from islandrun.simulation.islands import GROUP, Island
from islandrun.simulation.orders import Orders, seconds_of
from islandrun.simulation.world import World
from islandrun.trust.score import score
from islandrun.vocabulary import Reachability


class ScenarioFailed(Exception):
    """An island believes something else than the script expects, or an invariant broke."""


class Scenario:
    """Plays one script, line by line. Raises `ValueError` for a line that it does not understand."""

    def __init__(self, text: str) -> None:
        self._lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
        self._at = 0
        self._orders = Orders()

    @property
    def world(self) -> World:
        """The mesh of the script; it begins with `islands`."""
        return self._orders.world

    def play(self) -> World:
        """Play the script to its end and return the world as it is then. Raises `ScenarioFailed`."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line:
                self._do(line)
                self._stop_at_breach()
        self.world.sweep_all()
        self._stop_at_breach()
        return self.world

    # ------------------------------------------------------------ lines

    def _do(self, line: str) -> None:
        verb, *words = line.split()
        try:
            match verb:
                case "expect":
                    self._expect()
                case "at":
                    self._at_most(float(words[1]), words[2])
                case "agree":
                    self._agree(seconds_of(words[1]))
                case _:
                    self._orders.carry_out(line)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"line {self._at}: `{line}` is not understood: {error!r}") from error

    def _stop_at_breach(self) -> None:
        if self._orders.has_begun and self.world.invariants.count:
            raise ScenarioFailed(self.world.story())

    def _fail(self, text: str) -> None:
        raise ScenarioFailed(f"line {self._at}: {text}\n{self.world.story()}")

    def _agree(self, seconds: float) -> None:
        until = self.world.seconds + seconds
        while (lacking := disagreement(self.world)) and not self.world.invariants.count:
            if self.world.seconds >= until:
                self._fail(f"after {seconds:.0f} s {lacking}")
            self.world.run(min(1.0, until - self.world.seconds))

    def _at_most(self, most: float, what: str) -> None:
        counts = self.world.counts
        if what not in ("messages/s", "changes"):
            raise ValueError("what is counted is `messages/s` or `changes`")
        span = max(1e-9, self.world.seconds - counts.measured_since)
        table = counts.changes_at if what == "changes" else counts.sent_by
        for name, count in table.items():
            found = count if what == "changes" else count / span
            if found > most:
                self._fail(f"{name} has {found:.1f} {what}, more than {most:g}")

    # ------------------------------------------------------------ expectations

    def _expect(self) -> None:
        rows = list(self._table())
        header = rows[0]
        for row in rows[1:]:
            cells = dict(zip(header, row, strict=True))
            island = self._orders.island(cells.pop("island"))
            for column, expected in cells.items():
                found = " ".join(self._column(island, column)) or "-"
                if expected not in ("*", found):
                    self._fail(f"{island.name} should have {column}: {expected}, but has {found}")

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
                return [other.name for other in others if knows_newest(observer, other)]
            case _:
                state = Reachability[column.upper()]
                return [other.name for other in others if self._reaches(observer, other) is state]

    def _reaches(self, observer: Island, other: Island) -> Reachability:
        if observer.mesh is None:
            raise ValueError(f"{observer.name} does not run")
        return observer.mesh.reachability(other.id, self.world.now_at(observer))

    def _trusts(self, observer: Island, other: Island) -> bool:
        now_ms = self.world.now_at(observer).wall_ms
        return score(observer.ledger, other.id, GROUP, POLICY, None, now_ms).ppm > 0
