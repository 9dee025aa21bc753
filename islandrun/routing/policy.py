"""The owner's routing policy, and which weights a request gets from it.

The policy itself lies beside the agents, because their vetoes read its limits.
"""

from __future__ import annotations

from islandrun.agents.policy import PROFILES, RoutingPolicy, Weights
from islandrun.agents.question import Question
from islandrun.errors import BadRequest

__all__ = ["PROFILES", "RoutingPolicy", "Weights", "profile_name", "weights_for"]


def profile_name(question: Question) -> str:
    """Name the profile of a request: the client's wish, else the owner's default."""
    return question.hints.profile or question.policy.default_profile


def weights_for(question: Question) -> Weights:
    """Return the weights of a request. Raises `BadRequest` on a profile that the owner has not defined."""
    weights = question.policy.profiles.get(profile_name(question))
    if weights is None:
        known = ", ".join(sorted(question.policy.profiles))
        raise BadRequest(f"hints.profile is not defined here: use one of {known}", field="hints.profile")
    return weights
