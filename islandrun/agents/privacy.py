"""The opinion on privacy: may an island see the request once masked for it, and how much leaves home."""

from __future__ import annotations

from typing import Final

import numpy as np

from islandrun.agents.agent import Case, Objection, Objective, Opinion, VetoReason, share
from islandrun.agents.columns import Figures
from islandrun.agents.fleet import Fleet
from islandrun.vocabulary import PPM_MAX, Tier

EXPOSURE_WEIGHTS_PPM: Final = {Tier.PERSONAL: 250_000, Tier.EDGE: 500_000, Tier.CLOUD: int(PPM_MAX)}
"""How much of an exposure counts by the tier that sees it; at home nothing counts."""

_WEIGHTS: Final = np.array([0, *(EXPOSURE_WEIGHTS_PPM[tier] for tier in Tier)], dtype=np.int64)


class PrivacyAgent:
    """Objects to islands that are trusted less than what they would still see; scores the exposure."""

    name = "privacy"

    def judge(self, case: Case) -> Opinion:
        """Compare trust with the request and with the documents; trust 0 sees nothing at all."""
        sight, trust = case.question.assessment.sight, case.fleet.trust_ppm
        step = sight.ends_ppm.searchsorted(trust, side="right")
        visible, exposure = sight.figures.take(step, axis=1)
        exposure *= case.fleet.once(_weights_ppm, case.question.my_group)
        exposure //= PPM_MAX
        # With trust 0 nothing may be seen at all, so it is as if the least there is were too much.
        too_little = trust < np.maximum(visible, 1)
        return Opinion(
            self.name,
            (
                Objection(
                    VetoReason.TRUST_BELOW_SENSITIVITY,
                    too_little,
                    lambda place: _too_little(int(trust[place]), int(visible[place])),
                ),
                *_documents(case),
            ),
            ((Objective.EXPOSURE_PPM, exposure),),
        )


def _too_little(trust_ppm: int, visible_ppm: int) -> str:
    if not visible_ppm:
        return "trust 0.00 sees nothing"
    return f"trust {share(trust_ppm)} < {share(visible_ppm)} still visible after masking"


def _weights_ppm(fleet: Fleet, my_group: str) -> Figures:
    """Say how much of an exposure counts on each island; nothing within the owner's four walls.

    This node's own island is there, and so are personal devices of its group.
    """
    weights: Figures = _WEIGHTS.take(fleet.tier)
    weights[fleet.is_self] = 0
    number = fleet.register.groups.get(my_group) if my_group else None
    if number is not None:
        weights[fleet.register.own_group_of == number] = 0
    return weights


def _documents(case: Case) -> tuple[Objection, ...]:
    """Object to holders that are trusted less than the documents that they would read."""
    asked = case.question.hints.data_sets
    if not asked:
        return ()
    trust, needed = case.fleet.trust_ppm, _needed_ppm(case)
    return (
        Objection(
            VetoReason.TRUST_BELOW_SENSITIVITY,
            trust < needed,
            lambda place: (
                f"trust {share(int(trust[place]))} < {share(int(needed[place]))} of the data sets asked for"
            ),
        ),
    )


def _needed_ppm(case: Case) -> Figures:
    """Return how sensitive what is asked for is on each island: the highest; 0 where it holds none."""
    needed = np.zeros(len(case.fleet), dtype=np.int64)
    for name in case.question.hints.data_sets:
        holding = case.fleet.register.holdings.get(name)
        if holding is not None:
            needed[holding.places] = np.maximum(needed[holding.places], holding.sensitivity_ppm)
    return needed
