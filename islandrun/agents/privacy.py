"""The opinion on privacy: may an island see the request once masked for it, and how much leaves home."""

from __future__ import annotations

from typing import Final

from islandrun.agents.agent import Objective, Question, Verdict, Veto, VetoReason, share
from islandrun.locality.catalog import sensitivity_ppm
from islandrun.vocabulary import PPM_MAX, IslandView, Ppm, Tier

EXPOSURE_WEIGHTS_PPM: Final[dict[Tier, Ppm]] = {
    Tier.PERSONAL: Ppm(250_000),
    Tier.EDGE: Ppm(500_000),
    Tier.CLOUD: PPM_MAX,
}
"""How much of an exposure counts by the tier that sees it; at home nothing counts."""


class PrivacyAgent:
    """Vetoes islands that are trusted less than what they would still see; scores the exposure."""

    name = "privacy"

    def judge(self, question: Question, island: IslandView) -> Verdict:
        """Compare trust with the request and with the documents; trust 0 sees nothing at all."""
        trust = island.trust.ppm
        visible = visible_ppm(question, island)
        vetoes = []
        if trust < visible:
            detail = f"trust {share(trust)} < {share(visible)} still visible after masking"
            vetoes.append(Veto(VetoReason.TRUST_BELOW_SENSITIVITY, detail))
        elif trust == 0:
            vetoes.append(Veto(VetoReason.TRUST_BELOW_SENSITIVITY, "trust 0.00 sees nothing"))
        documents = sensitivity_ppm(island, question.hints.data_sets) if question.needs_documents else 0
        if trust < documents:
            detail = f"trust {share(trust)} < {share(documents)} of the data sets asked for"
            vetoes.append(Veto(VetoReason.TRUST_BELOW_SENSITIVITY, detail))
        return Verdict(
            self.name,
            island.id,
            tuple(vetoes),
            ((Objective.EXPOSURE_PPM, exposure_ppm(question, island)),),
        )


def visible_ppm(question: Question, island: IslandView) -> Ppm:
    """Say how sensitive a request still is after masking for an island."""
    return question.assessment.visible_ppm(island.trust.ppm)


def is_home(question: Question, island: IslandView) -> bool:
    """Say whether an island is within the owner's four walls as seen from here.

    This node's own island is, and so are personal devices of its group.
    """
    if island.is_self:
        return True
    return island.tier is Tier.PERSONAL and bool(question.my_group) and island.group == question.my_group


def exposure_ppm(question: Question, island: IslandView) -> int:
    """Say how much leaves the trust boundary, weighted by tier; 0 at home."""
    if is_home(question, island):
        return 0
    return question.assessment.exposure_ppm(island.trust.ppm) * EXPOSURE_WEIGHTS_PPM[island.tier] // PPM_MAX
