"""Rules only take away: whatever rule is added, no island becomes reachable that was not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.agents.fleet import fleet_of
from islandrun.agents.limits import Grant, Limits
from islandrun.agents.rules import vetoes
from islandrun.privacy.data_classes import DataClass
from islandrun.routing.choose import choose
from islandrun.routing.rules import Condition, Facts, Rule, Rules, limits_for
from islandrun.vocabulary import Instant, IslandView, SensitivityClass, Tier
from tests.unit.policy_kit import LARGE, SMALL, island, question

NOW = Instant(0.0, 1_700_000_000_000)
PLACES = ("DE", "FR", "US")
GROUPS = ("family", "clinic")
SCHEMES = ("iso27001", "soc2")


def some(words: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(words), max_size=2, unique=True).map(tuple)


CALLERS = ("local", "desk")
GRANTS = st.builds(
    Grant,
    rule=st.just("r"),
    tiers=some(tuple(Tier)),
    jurisdictions=some(PLACES),
    groups=some(GROUPS),
    certifications=some(SCHEMES),
    islands=some(("self", island(1, "a").id[:16])),
    models=some(("small", "large")),
    cost_max_microusd=st.one_of(st.none(), st.integers(0, 100)),
    denial=st.sampled_from(("", "", "", "no")),
)
CONDITIONS = st.builds(
    Condition,
    sensitivity_min=st.sampled_from(SensitivityClass),
    data=some(tuple(DataClass)),
    callers=some(CALLERS),
    uses=some(("chat", "tools")),
)
RULES = st.builds(Rule, name=st.just("r"), when=CONDITIONS, grant=GRANTS)
FACTS = st.builds(
    Facts,
    sensitivity=st.sampled_from(SensitivityClass),
    data=st.frozensets(st.sampled_from(DataClass)),
    topics=st.just(frozenset()),
    caller=st.sampled_from(CALLERS),
    data_sets=st.just(()),
    use=st.sampled_from(("chat", "tools")),
    is_withheld=st.booleans(),
)
ISLANDS = st.builds(
    lambda number, tier, places, group, held, models: island(
        number,
        f"island-{number}",
        tier,
        jurisdictions=places,
        group=group,
        certifications=held,
        models=models,
        is_self=number == 1,
        is_local=number == 1,
    ),
    st.integers(1, 3),
    st.sampled_from(Tier),
    some(PLACES),
    st.sampled_from(GROUPS),
    some(SCHEMES),
    st.sampled_from(((SMALL,), (LARGE,), (SMALL, LARGE))),
)


def reachable(limits: Limits, islands: tuple[IslandView, ...]) -> set[str]:
    asked = replace(question("islandrun/auto"), limits=limits)
    return {report.name for report in choose(asked, fleet_of(islands)).reports if report.rank}


@settings(deadline=None, max_examples=200)
@given(st.lists(RULES, max_size=4), RULES, FACTS, st.lists(ISLANDS, max_size=3, unique_by=lambda one: one.id))
def test_a_further_rule_never_adds_an_island(
    rules: list[Rule], further: Rule, facts: Facts, islands: list[IslandView]
) -> None:
    before = reachable(limits_for(Rules(tuple(rules)), facts, NOW), tuple(islands))
    after = reachable(limits_for(Rules((*rules, further)), facts, NOW), tuple(islands))
    assert after <= before


@settings(deadline=None, max_examples=100)
@given(st.lists(RULES, max_size=4), FACTS, ISLANDS)
def test_limits_are_the_intersection_of_what_each_rule_leaves(
    rules: list[Rule], facts: Facts, one: IslandView
) -> None:
    together = limits_for(Rules(tuple(rules)), facts, NOW)
    alone = [limits_for(Rules((rule,)), facts, NOW) for rule in rules]
    assert (vetoes(together, one) == ()) is all(vetoes(limits, one) == () for limits in alone)
    assert together.denial == next((limits.denial for limits in alone if limits.denial), "")


@settings(deadline=None, max_examples=100)
@given(st.permutations(range(3)), st.lists(RULES, min_size=3, max_size=3), FACTS, ISLANDS)
def test_the_order_of_rules_means_nothing(
    order: list[int], rules: list[Rule], facts: Facts, one: IslandView
) -> None:
    mine = limits_for(Rules(tuple(rules)), facts, NOW)
    yours = limits_for(Rules(tuple(rules[place] for place in order)), facts, NOW)
    assert reachable(mine, (one,)) == reachable(yours, (one,))
    assert (mine.tiers, mine.jurisdictions, mine.models) == (yours.tiers, yours.jurisdictions, yours.models)


@settings(deadline=None, max_examples=100)
@given(st.lists(RULES, max_size=4), FACTS)
def test_what_nobody_could_judge_is_bound_by_every_rule_of_a_class(rules: list[Rule], facts: Facts) -> None:
    known = limits_for(Rules(tuple(rules)), replace(facts, is_withheld=False), NOW)
    unknown = limits_for(Rules(tuple(rules)), replace(facts, is_withheld=True), NOW)
    assert len(unknown.grants) >= len(known.grants)
