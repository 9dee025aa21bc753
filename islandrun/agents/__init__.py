"""Five opinions of one shape about all islands: trust, the owner's rules, privacy, resources, cost."""

from __future__ import annotations

from typing import Final

from islandrun.agents.agent import Agent, Case, Objection, Objective, Opinion, Veto, VetoReason, case_of
from islandrun.agents.cost import CostAgent
from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.limits import NO_LIMITS, Grant, Limits
from islandrun.agents.models import is_model_known
from islandrun.agents.policy import RoutingPolicy, Weights
from islandrun.agents.privacy import PrivacyAgent
from islandrun.agents.question import Question
from islandrun.agents.resources import ResourceAgent
from islandrun.agents.rules import PolicyAgent
from islandrun.agents.trust import TrustAgent

AGENTS: Final[tuple[Agent, ...]] = (TrustAgent(), PolicyAgent(), PrivacyAgent(), ResourceAgent(), CostAgent())
"""The agents in the order in which their reasons are shown."""

__all__ = [
    "AGENTS",
    "NO_LIMITS",
    "Agent",
    "Case",
    "CostAgent",
    "Fleet",
    "Grant",
    "Limits",
    "Objection",
    "Objective",
    "Opinion",
    "PolicyAgent",
    "PrivacyAgent",
    "Question",
    "ResourceAgent",
    "RoutingPolicy",
    "TrustAgent",
    "Veto",
    "VetoReason",
    "Weights",
    "case_of",
    "fleet_of",
    "is_model_known",
]
