"""What was found of each island, in words and figures: made when somebody reads it, and then kept.

A decision over thousands of islands is read by nobody in full, so its reports are a sequence that makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from islandrun.agents.agent import Objective
from islandrun.routing.decision import CandidateReport
from islandrun.routing.ranking import Ranking


class Reports(Sequence[CandidateReport]):
    """The reports of a decision: the chosen first, then other candidates by rank, then the vetoed by id."""

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._made: dict[int, CandidateReport] = {}

    def __len__(self) -> int:
        return len(self._ranking.case.fleet)

    @overload
    def __getitem__(self, index: int) -> CandidateReport: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[CandidateReport, ...]: ...
    def __getitem__(self, index: int | slice) -> CandidateReport | tuple[CandidateReport, ...]:
        if isinstance(index, slice):
            return tuple(self._report(at) for at in range(*index.indices(len(self))))
        return self._report(range(len(self))[index])

    def __iter__(self) -> Iterator[CandidateReport]:
        return (self._report(at) for at in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<Reports of {len(self)} islands>"

    def _report(self, index: int) -> CandidateReport:
        report = self._made.get(index)
        if report is None:
            chosen = self._ranking.chosen
            is_first = index == 0 and chosen is not None
            place = chosen if is_first and chosen is not None else int(self._ranking.order()[index])
            report = self._made[index] = _report(self._ranking, place, index + 1)
        return report


def _report(ranking: Ranking, place: int, rank: int) -> CandidateReport:
    case = ranking.case
    island, sight = case.fleet.islands[place], case.question.assessment.sight
    step = sight.step(island.trust.ppm)
    vector = ranking.vector(place)
    is_able = bool(case.picks.is_able[place])
    is_candidate = rank <= len(ranking.candidates)
    return CandidateReport(
        island=island.id,
        key=island.key,
        name=island.name,
        tier=island.tier,
        trust_ppm=island.trust.ppm,
        visible_ppm=sight.visible_ppm(step),
        masked=bool(sight.replaced[step]) and island.trust.ppm < case.question.assessment.sensitivity_ppm,
        model=case.picks.model(place),
        vetoes=() if is_candidate else ranking.vetoes(place),
        cost_microusd=vector[Objective.COST_MICROUSD] if is_able else 0,
        latency_ms=vector[Objective.LATENCY_MS] if is_able else 0,
        normalised=ranking.normalised(vector) if is_candidate else (),
        total_ppm=ranking.total_ppm(place) if is_candidate else 0,
        rank=rank if is_candidate else 0,
    )
