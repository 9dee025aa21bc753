"""Four opinions of one shape about one island: trust, privacy, resources, cost."""

from __future__ import annotations

from typing import Final

from islandrun.agents.agent import (
    Agent,
    Objective,
    Question,
    Verdict,
    Veto,
    VetoReason,
    output_estimate,
)
from islandrun.agents.cost import CostAgent
from islandrun.agents.models import is_model_known, pick_model
from islandrun.agents.policy import RoutingPolicy, Weights
from islandrun.agents.privacy import PrivacyAgent
from islandrun.agents.resources import ResourceAgent
from islandrun.agents.trust import TrustAgent

AGENTS: Final[tuple[Agent, ...]] = (TrustAgent(), PrivacyAgent(), ResourceAgent(), CostAgent())
"""The agents in the order in which their reasons are shown."""

__all__ = [
    "AGENTS",
    "Agent",
    "CostAgent",
    "Objective",
    "PrivacyAgent",
    "Question",
    "ResourceAgent",
    "RoutingPolicy",
    "TrustAgent",
    "Verdict",
    "Veto",
    "VetoReason",
    "Weights",
    "is_model_known",
    "output_estimate",
    "pick_model",
]
