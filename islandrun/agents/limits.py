"""What the owner's rules leave for one request: a grant of each rule that applies.

An island must be allowed by *every* grant. So a further rule can only take islands away, and each veto can
name the rule that made it. Trust, masking and all other vetoes count beside them, as always.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from islandrun.vocabulary import Tier

Word = TypeVar("Word", bound=str | Tier)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one rule allows; an empty tuple, and a cost of None, restrict nothing.

    `certifications` must all be held; of the other tuples one entry must fit, and of an island's
    jurisdictions all must. `denial` not empty: nothing is allowed, and it says why.
    """

    rule: str
    tiers: tuple[Tier, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    islands: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    cost_max_microusd: int | None = None
    denial: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The grants of all rules that apply to one request. The sets are intersections; None: not restricted."""

    grants: tuple[Grant, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that applied, in the order of the settings."""
        return tuple(grant.rule for grant in self.grants)

    @property
    def denial(self) -> str:
        """Why nobody may run the request, with the rule's name; empty when somebody may."""
        return next((f"rule {grant.rule}: {grant.denial}" for grant in self.grants if grant.denial), "")

    @property
    def tiers(self) -> frozenset[Tier] | None:
        """The tiers that all rules allow."""
        return _common(grant.tiers for grant in self.grants)

    @property
    def jurisdictions(self) -> frozenset[str] | None:
        """The jurisdictions that all rules allow."""
        return _common(grant.jurisdictions for grant in self.grants)

    @property
    def groups(self) -> frozenset[str] | None:
        """The groups that all rules allow."""
        return _common(grant.groups for grant in self.grants)

    @property
    def models(self) -> frozenset[str] | None:
        """The models that all rules allow."""
        return _common(grant.models for grant in self.grants)

    @property
    def certifications(self) -> frozenset[str]:
        """The schemes that any rule requires."""
        return frozenset(scheme for grant in self.grants for scheme in grant.certifications)

    @property
    def cost_max_microusd(self) -> int | None:
        """The lowest limit of any rule."""
        costs = [grant.cost_max_microusd for grant in self.grants if grant.cost_max_microusd is not None]
        return min(costs, default=None)

    @property
    def for_reading(self) -> Limits:
        """The limits of work that only reads: no model writes, so which models may is no matter."""
        return Limits(tuple(replace(grant, models=()) for grant in self.grants))

    @property
    def rules_of_models(self) -> str:
        """The names of the rules that allow some models only."""
        return ", ".join(grant.rule for grant in self.grants if grant.models)


NO_LIMITS: Final = Limits()
"""No rule applied."""


def _common(sets: Iterable[tuple[Word, ...]]) -> frozenset[Word] | None:
    limited = [frozenset(one) for one in sets if one]
    return frozenset.intersection(*limited) if limited else None
