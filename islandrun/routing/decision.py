"""A decision as a value: every island that was judged, why, and which one runs the request.

It holds names, figures, counts and types. It has no place for text of a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.agents.agent import Objective, Veto, VetoReason
from islandrun.agents.tasks import UNKNOWN_TASK, Task, TaskGuess
from islandrun.errors import MalformedMessage
from islandrun.trust.naming import island_id
from islandrun.v1 import attestation_pb2, chat_pb2
from islandrun.vocabulary import PPM_MAX, FindingType, IslandId, Ppm, PublicKey, Tier, sensitivity_class

REPORTS_MAX: Final = 256
"""So many candidates travel with a decision, ranked ones first; the summary counts all."""

VETOES_MAX: Final = 32
REASONS_MAX: Final = 64
RULES_NAMED_MAX: Final = 64
RULE_CHARACTERS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """What was found of one island. `rank` 1 is the chosen one; 0 means vetoed, without scores."""

    island: IslandId
    key: PublicKey
    name: str
    tier: Tier
    trust_ppm: Ppm
    visible_ppm: Ppm
    masked: bool
    model: str
    vetoes: tuple[Veto, ...]
    cost_microusd: int
    latency_ms: int
    normalised: tuple[tuple[Objective, int], ...]
    total_ppm: int
    rank: int

    def to_wire(self) -> chat_pb2.CandidateReport:
        """Return it in its form on the wire."""
        scores = dict(self.normalised)
        return chat_pb2.CandidateReport(
            island=self.key,
            name=self.name,
            tier=attestation_pb2.Tier.Name(self.tier),
            trust_ppm=self.trust_ppm,
            visible_sensitivity_ppm=self.visible_ppm,
            masked=self.masked,
            vetoes=[
                chat_pb2.Veto(reason=veto.reason, detail=veto.detail) for veto in self.vetoes[:VETOES_MAX]
            ],
            cost_ppm=scores.get(Objective.COST_MICROUSD, 0),
            latency_ppm=scores.get(Objective.LATENCY_MS, 0),
            exposure_ppm=scores.get(Objective.EXPOSURE_PPM, 0),
            quality_loss_ppm=scores.get(Objective.QUALITY_LOSS_PPM, 0),
            total_ppm=self.total_ppm,
            rank=self.rank,
            expected_cost_microusd=self.cost_microusd,
            expected_latency_ms=self.latency_ms,
            model=self.model,
        )

    @classmethod
    def from_wire(cls, pb: chat_pb2.CandidateReport) -> CandidateReport:
        """Read one back. Raises `MalformedMessage` on an unknown word or a wrong size."""
        if len(pb.vetoes) > VETOES_MAX or len(pb.island) != 32:
            raise MalformedMessage("a candidate of a decision has a wrong size: it was not made by a node")
        try:
            vetoes = tuple(Veto(VetoReason(veto.reason), veto.detail) for veto in pb.vetoes)
            tier = Tier(pb.tier)
        except ValueError as error:
            raise MalformedMessage("a candidate has an unknown tier or veto: use a newer version") from error
        normalised = (
            (Objective.COST_MICROUSD, pb.cost_ppm),
            (Objective.LATENCY_MS, pb.latency_ppm),
            (Objective.EXPOSURE_PPM, pb.exposure_ppm),
            (Objective.QUALITY_LOSS_PPM, pb.quality_loss_ppm),
        )
        return cls(
            island=island_id(PublicKey(pb.island)),
            key=PublicKey(pb.island),
            name=pb.name,
            tier=tier,
            trust_ppm=Ppm(pb.trust_ppm),
            visible_ppm=Ppm(pb.visible_sensitivity_ppm),
            masked=pb.masked,
            model=pb.model,
            vetoes=vetoes,
            cost_microusd=pb.expected_cost_microusd,
            latency_ms=pb.expected_latency_ms,
            normalised=normalised if pb.rank else (),
            total_ppm=pb.total_ppm,
            rank=pb.rank,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """Who runs a request and why. `chosen` None: no island is left, and `summary` says why for each.

    `rules` names those of the owner's rules that applied.
    """

    request_id: str
    receipt_id: str
    attempt: int
    profile: str
    sensitivity_ppm: Ppm
    reasons: tuple[str, ...]
    reports: Sequence[CandidateReport]
    chosen: CandidateReport | None
    masked: tuple[tuple[FindingType, int], ...]
    summary: str
    task: TaskGuess = UNKNOWN_TASK
    rules: tuple[str, ...] = ()

    def to_wire(self) -> chat_pb2.Decision:
        """Return it in its form on the wire, with at most `REPORTS_MAX` candidates."""
        chosen = self.chosen
        return chat_pb2.Decision(
            request_id=self.request_id,
            receipt_id=self.receipt_id,
            sensitivity_ppm=self.sensitivity_ppm,
            sensitivity_class=chat_pb2.SensitivityClass.Name(sensitivity_class(self.sensitivity_ppm)),
            sensitivity_reasons=self.reasons[:REASONS_MAX],
            candidates=[report.to_wire() for report in self.reports[:REPORTS_MAX]],
            chosen=chosen.key if chosen else None,
            chosen_name=chosen.name if chosen else None,
            chosen_tier=attestation_pb2.Tier.Name(chosen.tier) if chosen else None,
            masked=[chat_pb2.MaskedCount(type=kind, count=count) for kind, count in self.masked],
            attempt=self.attempt,
            summary=self.summary,
            profile=self.profile,
            task=self.task.task,
            task_confidence_ppm=self.task.confidence_ppm,
            rules=self.rules[:RULES_NAMED_MAX],
        )

    @classmethod
    def from_wire(cls, pb: chat_pb2.Decision) -> Decision:
        """Read one back. Raises `MalformedMessage` on an unknown word or a wrong size."""
        if len(pb.candidates) > REPORTS_MAX or len(pb.sensitivity_reasons) > REASONS_MAX:
            raise MalformedMessage("a decision has too many entries: it was not made by a node")
        if len(pb.rules) > RULES_NAMED_MAX or any(len(rule) > RULE_CHARACTERS_MAX for rule in pb.rules):
            raise MalformedMessage("a decision names too many rules: it was not made by a node")
        reports = tuple(CandidateReport.from_wire(report) for report in pb.candidates)
        chosen = next((report for report in reports if pb.chosen and report.key == pb.chosen), None)
        if pb.chosen and chosen is None:
            raise MalformedMessage("a decision chose an island that it does not list")
        try:
            masked = tuple((FindingType(count.type), count.count) for count in pb.masked)
            task = TaskGuess(Task(pb.task or Task.CHAT), Ppm(min(pb.task_confidence_ppm, PPM_MAX)))
        except ValueError as error:
            raise MalformedMessage("a decision names an unknown type or task: use a newer version") from error
        return cls(
            request_id=pb.request_id,
            receipt_id=pb.receipt_id,
            attempt=pb.attempt,
            profile=pb.profile,
            sensitivity_ppm=Ppm(pb.sensitivity_ppm),
            reasons=tuple(pb.sensitivity_reasons),
            reports=reports,
            chosen=chosen,
            masked=masked,
            summary=pb.summary,
            task=task,
            rules=tuple(pb.rules),
        )
