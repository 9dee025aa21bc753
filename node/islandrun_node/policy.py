"""The owner's policy as the settings say it, turned into what the library decides by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from islandrun.agents.limits import Grant
from islandrun.agents.policy import RoutingPolicy
from islandrun.errors import ConfigError
from islandrun.privacy.data_classes import DataClass
from islandrun.routing.quotas import Quota
from islandrun.routing.rule_check import Problem, Surroundings, problems
from islandrun.routing.rules import NO_RULES, Condition, Rule, Rules, Window
from islandrun.vocabulary import SensitivityClass
from islandrun_node import config_tables as tables
from islandrun_node import world_clock
from islandrun_node.config import minute_of, ppm, quality_table, tier_of

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MICROUSD: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class OwnerPolicy:
    """What counts for requests from now on: limits and preferences, rules, and how much each key may ask."""

    routing: RoutingPolicy
    rules: Rules = NO_RULES
    quotas: Mapping[str, Quota] = field(default_factory=dict)


def owner_policy(config: tables.Config, source: str = "settings") -> OwnerPolicy:
    """Return the policy of some settings. Raises `ConfigError`, which names file, key and remedy."""
    policy = config.policy
    routing = RoutingPolicy(
        default_profile=policy.profile,
        jurisdictions=policy.jurisdictions,
        tiers=tuple(tier_of(word) for word in policy.tiers),
        quality=quality_table(config),
        cost_max_microusd=_microusd(policy.cost_max_usd),
    )
    quotas = {
        key.name: Quota(key.requests_per_minute, key.tokens_per_day, key.running_max) for key in policy.key
    }
    return OwnerPolicy(routing, rules_of(policy, source), quotas)


def rules_of(policy: tables.Policy, source: str = "settings") -> Rules:
    """Return the rules of some settings. Raises `ConfigError` for a zone that this machine does not know."""
    rules = tuple(_rule(rule, f"{source}: policy.rule[{number}]") for number, rule in enumerate(policy.rule))
    return Rules(rules, denies_unmatched=policy.unmatched == "deny")


def surroundings(config: tables.Config) -> Surroundings:
    """Return the settings beside the rules that bear on them."""
    trust = config.policy.tier_trust
    return Surroundings(
        tiers=tuple(tier_of(word) for word in config.policy.tiers),
        jurisdictions=config.policy.jurisdictions,
        trust_jurisdictions=config.trust.jurisdictions,
        tier_base={tier_of(word): ppm(getattr(trust, word)) for word in trust.__struct_fields__},
        has_issuers=bool(config.trust.issuers),
    )


def rule_problems(config: tables.Config, source: str) -> tuple[Problem, ...]:
    """Return all that is wrong with the rules of some settings. Raises `ConfigError` for an unknown zone."""
    return problems(rules_of(config.policy, source), surroundings(config), world_clock.now())


def check_rules(config: tables.Config, source: str) -> None:
    """Raise `ConfigError` when rules contradict themselves or each other."""
    for problem in rule_problems(config, source):
        if problem.is_fatal:
            raise ConfigError(f"{source}: {problem.key}: {problem.what}; {problem.remedy}")


def _rule(rule: tables.Rule, place: str) -> Rule:
    return Rule(
        name=rule.name,
        when=Condition(
            sensitivity_min=SensitivityClass[rule.sensitivity_min.upper()],
            data=tuple(DataClass(word) for word in rule.data or ()),
            topics=rule.topics or (),
            callers=rule.keys or (),
            data_sets=rule.data_sets or (),
            uses=rule.uses or (),
            during=_window(rule.during, f"{place}.during"),
        ),
        grant=Grant(
            rule=rule.name,
            tiers=tuple(tier_of(word) for word in rule.tiers or ()),
            jurisdictions=rule.jurisdictions or (),
            groups=rule.groups or (),
            certifications=rule.certifications or (),
            islands=rule.islands or (),
            models=rule.models or (),
            cost_max_microusd=_microusd(rule.cost_max_usd),
            denial="the owner denies this" if rule.deny else "",
        ),
        only_during=_window(rule.only_during, f"{place}.only_during"),
    )


def _window(window: tables.Window | None, place: str) -> Window | None:
    if window is None:
        return None
    try:
        zone = ZoneInfo(window.zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"{place}.zone: this machine knows no zone `{window.zone}`; use an IANA name such as "
            "Europe/Berlin, and install the package tzdata where the system has none"
        ) from error
    return Window(
        frozenset(DAYS.index(day) for day in window.days),
        minute_of(window.start),
        minute_of(window.end),
        zone,
    )


def _microusd(usd: float | None) -> int | None:
    return None if usd is None else round(usd * MICROUSD)
