"""What calls to other islands showed of them: judged by `trust.observer`, kept on disk.

Bad observations are on the disk before anything else happens; good ones are written from time to time. This
node's own islands are not observed, and neither is a call that its caller gave up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from islandrun.errors import BadSignature, BrokenAnswer, ForwardFailed, StateError
from islandrun.trust.behaviour import Behaviour
from islandrun.trust.observer import Observer
from islandrun.vocabulary import AnswerPiece, Finished, IslandId, IslandView, Reachability
from islandrun_node import world_clock
from islandrun_node.stores.behaviour import BehaviourStore

KEEP_SECONDS = 30.0

_log = logging.getLogger(__name__)


class Observations:
    """Watches the answers of other islands. `island` returns one as it looks from here.

    `in_flight` counts the requests of this node that run on each of them now.
    """

    def __init__(self, store: BehaviourStore, island: Callable[[IslandId], IslandView | None]) -> None:
        self._store = store
        self._island = island
        self._observer = Observer(store.load())
        self.in_flight: Counter[IslandId] = Counter()

    @property
    def behaviours(self) -> Mapping[IslandId, Behaviour]:
        """What was seen so far; it goes on changing."""
        return self._observer.behaviours

    async def watched(
        self, answer: AsyncGenerator[AnswerPiece], island: IslandId, model: str, had_full_time: bool
    ) -> AsyncGenerator[AnswerPiece]:
        """Pass an answer on and note how it ends. What goes wrong counts for the node that sent it.

        `had_full_time`: the call may take as long as any call of this node.
        """
        view = self._island(island)
        host = IslandId(view.front) if view is not None and view.front else island
        try:
            self.in_flight[island] += 1
            async with aclosing(answer):
                async for piece in answer:
                    if isinstance(piece, Finished):
                        self._observer.answered(host, model, world_clock.now().wall_ms)
                    yield piece
        except ForwardFailed as failure:
            self._failed(host, model, failure, had_full_time)
            raise
        finally:
            self.in_flight[island] -= 1
            if not self.in_flight[island]:
                del self.in_flight[island]

    def refused(self, source: IslandId, reason: str) -> None:
        """Note what the mesh refused of a peer: a false signature, or gossip that is none, is its own fault.

        The other reasons also come of clocks, versions and news that crossed.
        """
        now_ms = world_clock.now().wall_ms
        if reason.startswith(BadSignature.reason):
            self._observer.forged(source, now_ms)
            what = "passed on a false signature"
        elif reason.startswith(BrokenAnswer.reason):
            self._observer.broke_protocol(source, now_ms)
            what = "sent gossip that is none"
        else:
            return
        _log.warning("island %s %s; it is trusted less now", source[:8], what)
        self.keep()

    def rewrote(self, island: IslandId) -> None:
        """Note that an island contradicted its own log of receipts."""
        self._observer.rewrote(island, world_clock.now().wall_ms)
        self.keep()

    def keep(self) -> None:
        """Write down what changed; what a full disk refuses stays in memory."""
        changed = self._observer.take_changed()
        try:
            if changed:
                self._store.save(changed, self._observer.behaviours)
        except StateError as error:
            _log.error("what islands were seen to do could not be kept: %s", error)

    async def run(self) -> None:
        """Write down the good observations from time to time, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            self.keep()

    def _failed(self, host: IslandId, model: str, failure: ForwardFailed, had_full_time: bool) -> None:
        view = self._island(host)
        is_alive = view is not None and view.reachability is Reachability.ALIVE
        now_ms = world_clock.now().wall_ms
        event = self._observer.failed(host, model, failure, is_alive, had_full_time, now_ms)
        if event is not None:
            _log.warning("island %s %s; it is trusted less now", host[:8], event)
            self.keep()
