"""What all agents said of a fleet, put together: who is out, who is how good, who is first.

The places of candidates are counted in the fleet; rows of scores are in the order of `Objective`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from islandrun.agents.agent import OBJECTIVES, Agent, Case, Objective, Opinion, Veto, VetoReason
from islandrun.agents.columns import Figures, Mask
from islandrun.agents.policy import Weights
from islandrun.routing.habits import MARGIN_PPM
from islandrun.routing.scoring import least, scale_of, totals_ppm


class Ranking:
    """The islands of a fleet for one question. `chosen` is None when every island has a veto.

    `best` is the candidate with the least total. One within the band of it that is nearer is chosen instead,
    or one as near that ran the last request like this one and is hardly worse (`habits`).
    """

    def __init__(self, case: Case, agents: Sequence[Agent], weights: Weights) -> None:
        self.case = case
        self._opinions = [agent.judge(case) for agent in agents]
        self._scores = _scores(self._opinions, len(case.fleet))
        is_out = _any_objection(self._opinions, len(case.fleet))
        self.candidates = (~is_out).nonzero()[0]
        self.best: int | None = None
        self.chosen: int | None = None
        self._order: Figures | None = None
        self._is_out = is_out
        if len(self.candidates):
            self._rank(weights)

    def order(self) -> Figures:
        """Return the places of all: the chosen, the other candidates from the best on, the vetoed by id."""
        if self._order is None:
            self._order = self._ordered()
        return self._order

    def vetoes(self, place: int) -> tuple[Veto, ...]:
        """Return all reasons against an island, in words."""
        return tuple(veto for opinion in self._opinions for veto in opinion.vetoes(place))

    def is_out_everywhere_for(self, reason: VetoReason) -> bool:
        """Say whether this reason is among those against every island."""
        found = np.zeros(len(self.case.fleet), dtype=np.bool_)
        for opinion in self._opinions:
            for objection in opinion.objections:
                if objection.reason is reason:
                    found |= objection.islands
        return bool(found.all())

    def vector(self, place: int) -> list[int]:
        """Return the scores of an island, in the order of `Objective`."""
        scores: list[int] = self._scores[:, place].tolist()
        return scores

    def normalised(self, vector: list[int]) -> tuple[tuple[Objective, int], ...]:
        """Return the scores of a candidate among the others, each 0 (best) to 1,000,000."""
        return tuple(zip(OBJECTIVES, self._scale.normalise(vector), strict=True))

    def total_ppm(self, place: int) -> int:
        """Return what the scores of a candidate come to, 0 (best) to 1,200,000."""
        return int(self._totals[self.candidates.searchsorted(place)])

    def _rank(self, weights: Weights) -> None:
        scores = self._scores.take(self.candidates, axis=1)
        self._scale = scale_of(scores)
        self._totals = totals_ppm(scores, self._scale, weights)
        nearness = self.case.fleet.nearness[self.candidates]
        by_score = (self._totals, *scores)
        lowest = self._totals[self._totals.argmin()]
        in_band = (self._totals <= lowest + self.case.question.policy.local_band_ppm).nonzero()[0]
        self.best = int(self.candidates[least(in_band, by_score)])
        first = least(in_band, (nearness, *by_score))
        self.chosen = int(self.candidates[self._or_last(first, nearness, int(lowest))])

    def _or_last(self, first: int, nearness: Figures, lowest: int) -> int:
        """Return who ran the last request like this one, if it is as near as the first and hardly worse."""
        last = self.case.fleet.register.place(self.case.question.last)
        if last is None or self._is_out[last]:
            return first
        at = int(self.candidates.searchsorted(last))
        most = lowest + self.case.question.policy.local_band_ppm + MARGIN_PPM
        is_kept = nearness[at] <= nearness[first] and self._totals[at] <= most
        return at if is_kept else first

    def _ordered(self) -> Figures:
        out = self._is_out.nonzero()[0]
        if self.chosen is None:
            return out
        keys = self._scores.take(self.candidates, axis=1)[::-1]
        ranked = self.candidates[np.lexsort((*keys, self._totals))]
        return np.concatenate(([self.chosen], ranked[ranked != self.chosen], out))


def _scores(opinions: Sequence[Opinion], size: int) -> Figures:
    """Stack the scores; an objective of which no agent speaks is equal for all."""
    rows = [np.zeros(size, dtype=np.int64)] * len(OBJECTIVES)
    for opinion in opinions:
        for objective, column in opinion.scores:
            rows[objective] = column
    return np.array(rows)


def _any_objection(opinions: Sequence[Opinion], size: int) -> Mask:
    is_out = np.zeros(size, dtype=np.bool_)
    for opinion in opinions:
        for objection in opinion.objections:
            is_out |= objection.islands
    return is_out
