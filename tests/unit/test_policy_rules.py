"""The owner's rules: whom they name, what they leave, and when a window is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from islandrun.agents.agent import VetoReason
from islandrun.agents.fleet import fleet_of
from islandrun.agents.limits import NO_LIMITS, Grant, Limits
from islandrun.agents.rules import vetoes
from islandrun.privacy.data_classes import ALL, OF_TOPICS, DataClass, data_classes
from islandrun.privacy.sensitivity import WITHHELD, Assessment, Topic, assess
from islandrun.privacy.topics import LEARNED
from islandrun.routing.choose import choose
from islandrun.routing.decision import Decision
from islandrun.routing.rules import (
    UNMATCHED,
    Condition,
    Facts,
    Rule,
    Rules,
    Window,
    facts_of,
    limits_for,
)
from islandrun.vocabulary import Instant, Message, ModelOffer, Ppm, Prompt, SensitivityClass, Tier
from tests.unit.policy_kit import CLOUD, HOME, LARGE, PUBLIC, SMALL, island, question

NOON = Instant(0.0, int(datetime(2026, 1, 7, 12, 0, tzinfo=UTC).timestamp() * 1000))  # a Wednesday
FACTS = facts_of(PUBLIC, (), "local", "chat")


def rule(name: str = "r", when: Condition | None = None, **grant: object) -> Rule:
    return Rule(name, when or Condition(), Grant(name, **grant))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write a poem about the sea.", set()),
        ("My HbA1c test results say diabetes.", {DataClass.PHI, DataClass.PII}),
        ("Pay with 4111 1111 1111 1111 please", {DataClass.PCI, DataClass.FINANCE, DataClass.PII}),
        ("Mail to anna.kern@example.org", {DataClass.PII}),
    ],
)
def test_a_request_is_of_the_classes_of_its_findings_and_topics(text: str, expected: set[DataClass]) -> None:
    found = data_classes(assess(Prompt((Message("user", text),))))
    assert found - {DataClass.PII} == expected - {DataClass.PII}
    assert expected <= found


def test_each_topic_of_the_detectors_has_its_classes() -> None:
    assert {topic.name for topic in LEARNED.values()} <= set(OF_TOPICS)


def test_what_nobody_could_judge_or_name_is_of_every_class() -> None:
    assert data_classes(WITHHELD) == ALL
    strange = Assessment(((),), (Topic("something new", Ppm(1), Ppm(1)),), Ppm(1), ())
    assert data_classes(strange) == ALL
    in_a_name = Assessment(((),), (Topic("CARD in a tool name or id", Ppm(1), Ppm(1)),), Ppm(1), ())
    assert DataClass.PCI in data_classes(in_a_name)


@pytest.mark.parametrize(
    ("when", "facts", "applies"),
    [
        (Condition(), FACTS, True),
        (Condition(sensitivity_min=SensitivityClass.INTERNAL), FACTS, False),
        (
            Condition(sensitivity_min=SensitivityClass.INTERNAL),
            replace(FACTS, sensitivity=SensitivityClass.RESTRICTED),
            True,
        ),
        (Condition(data=(DataClass.PHI, DataClass.HR)), replace(FACTS, data=frozenset({DataClass.HR})), True),
        (Condition(data=(DataClass.PHI,)), FACTS, False),
        (Condition(data=(DataClass.PHI,)), replace(FACTS, is_withheld=True), True),
        (Condition(topics=("health",)), replace(FACTS, is_withheld=True), True),
        (Condition(callers=("desk",)), facts_of(PUBLIC, (), "key:desk", "chat"), True),
        (Condition(callers=("desk",)), FACTS, False),
        (Condition(callers=("local",)), FACTS, True),
        (Condition(data_sets=("a", "b")), replace(FACTS, data_sets=("b", "c")), True),
        (Condition(uses=("tools",)), FACTS, False),
        (Condition(uses=("chat",), callers=("desk",)), FACTS, False),
    ],
)
def test_a_rule_applies_when_all_its_conditions_hold(when: Condition, facts: Facts, applies: bool) -> None:
    assert bool(limits_for(Rules((rule(when=when, tiers=(Tier.EDGE,)),)), facts, NOON).grants) is applies


def test_without_rules_nothing_is_limited() -> None:
    assert limits_for(Rules(), FACTS, NOON) is NO_LIMITS
    assert vetoes(NO_LIMITS, HOME) == ()


def test_all_rules_that_apply_count_together() -> None:
    rules = Rules(
        (
            rule("one", tiers=(Tier.PERSONAL, Tier.EDGE), jurisdictions=("DE", "FR"), cost_max_microusd=50),
            rule("two", tiers=(Tier.EDGE, Tier.CLOUD), jurisdictions=("FR",), certifications=("iso27001",)),
            rule("three", certifications=("soc2",), cost_max_microusd=20, models=("m",)),
        )
    )
    limits = limits_for(rules, FACTS, NOON)
    assert limits.rules == ("one", "two", "three")
    assert limits.tiers == {Tier.EDGE}
    assert limits.jurisdictions == {"FR"}
    assert limits.certifications == {"iso27001", "soc2"}
    assert limits.cost_max_microusd == 20
    assert limits.models == {"m"}
    assert limits.groups is None
    assert limits.denial == ""


def test_a_policy_may_deny_what_no_rule_names() -> None:
    limits = limits_for(Rules((), denies_unmatched=True), FACTS, NOON)
    assert limits.rules == (UNMATCHED,)
    assert [veto.reason for veto in vetoes(limits, HOME)] == [VetoReason.POLICY]
    named = Rules((rule(tiers=(Tier.PERSONAL,)),), denies_unmatched=True)
    assert vetoes(limits_for(named, FACTS, NOON), HOME) == ()


@pytest.mark.parametrize(
    ("grant", "reason", "words"),
    [
        (Grant("r", denial="no"), VetoReason.POLICY, "rule r: no"),
        (Grant("r", tiers=(Tier.PERSONAL,)), VetoReason.TIER_EXCLUDED, "rule r: tier cloud is excluded"),
        (Grant("r", jurisdictions=("DE",)), VetoReason.RESIDENCY, "rule r: in DE, US: not all allowed"),
        (Grant("r", groups=("clinic",)), VetoReason.POLICY, "rule r: group family is not allowed"),
        (Grant("r", certifications=("soc2", "x")), VetoReason.POLICY, "rule r: it is not certified for x"),
        (Grant("r", islands=("self",)), VetoReason.POLICY, "rule r: not among the 1 islands allowed"),
        (Grant("r", islands=(HOME.id[:16],)), VetoReason.POLICY, "rule r: not among the 1 islands allowed"),
        (Grant("r", islands=(CLOUD.id[:8],)), VetoReason.POLICY, "rule r: not among the 1 islands allowed"),
    ],
)
def test_a_veto_names_its_rule(grant: Grant, reason: VetoReason, words: str) -> None:
    found = vetoes(Limits((grant,)), CLOUD)
    assert [(veto.reason, veto.detail) for veto in found] == [(reason, words)]


def test_a_rule_allows_what_it_names() -> None:
    allowing = Grant(
        "r",
        tiers=(Tier.CLOUD,),
        jurisdictions=("US", "DE", "FR"),
        groups=("family",),
        certifications=("soc2",),
        islands=(CLOUD.id[:16],),
    )
    assert vetoes(Limits((allowing,)), CLOUD) == ()
    assert vetoes(Limits((Grant("r", islands=("self",)),)), HOME) == ()


def test_a_place_that_nobody_attests_is_no_place() -> None:
    nowhere = replace(CLOUD, jurisdictions=())
    assert [v.reason for v in vetoes(Limits((Grant("r", jurisdictions=("DE",)),)), nowhere)] == [
        VetoReason.RESIDENCY
    ]


def test_only_allowed_models_are_picked_and_the_veto_says_so() -> None:
    both = island(3, "both", models=(SMALL, LARGE))
    limits = Limits((Grant("small only", models=("small",)),))
    asked = replace(question("islandrun/auto"), limits=limits)
    assert choose(asked, fleet_of((both,))).chosen.model == "small"
    refused = choose(replace(asked, model="large"), fleet_of((both,)))
    assert refused.chosen is None
    assert [veto.reason for veto in refused.reports[0].vetoes] == [VetoReason.POLICY]
    assert "small only" in refused.reports[0].vetoes[0].detail


def test_a_decision_names_the_rules_that_applied_and_survives_the_wire() -> None:
    limits = Limits((Grant("one", tiers=(Tier.PERSONAL,)), Grant("two", denial="no")))
    decision = choose(replace(question("islandrun/auto"), limits=limits), fleet_of((HOME, CLOUD)))
    assert decision.rules == ("one", "two")
    assert Decision.from_wire(decision.to_wire()) == decision


BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> Instant:
    return Instant(0.0, int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000))


WORK = Window(frozenset(range(5)), 8 * 60, 18 * 60, BERLIN)
NIGHT = Window(frozenset({4}), 22 * 60, 6 * 60, BERLIN)


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        (WORK, "2026-01-07T08:00", True),
        (WORK, "2026-01-07T07:59", False),
        (WORK, "2026-01-07T18:00", False),
        (WORK, "2026-01-10T12:00", False),
        (WORK, "2026-07-08T08:00", True),
        (NIGHT, "2026-01-09T22:00", True),
        (NIGHT, "2026-01-10T05:59", True),
        (NIGHT, "2026-01-10T06:00", False),
        (NIGHT, "2026-01-10T23:00", False),
        (NIGHT, "2026-01-09T05:00", False),
        (Window(frozenset({2}), 0, 1440, BERLIN), "2026-01-07T23:59", True),
        (Window(frozenset({2}), 0, 1440, BERLIN), "2026-01-08T00:00", False),
    ],
)
def test_a_window_is_open_by_the_clock_of_its_zone(window: Window, moment: str, is_open: bool) -> None:
    assert window.is_open(at(moment)) is is_open


def test_a_rule_applies_only_during_its_window_and_denies_outside_its_hours() -> None:
    during = Rules((rule(when=Condition(during=WORK), tiers=(Tier.PERSONAL,)),))
    assert limits_for(during, FACTS, at("2026-01-10T12:00")).grants == ()
    assert limits_for(during, FACTS, at("2026-01-07T12:00")).tiers == {Tier.PERSONAL}
    hours = Rules((replace(rule(tiers=(Tier.PERSONAL,)), only_during=WORK),))
    assert limits_for(hours, FACTS, at("2026-01-07T12:00")).denial == ""
    assert "hours" in limits_for(hours, FACTS, at("2026-01-10T12:00")).denial


def test_an_island_without_that_model_is_not_the_rules_fault() -> None:
    other = ModelOffer("other", 8192, Ppm(500_000))
    refused = choose(
        replace(question("small"), limits=Limits((Grant("r", models=("small",)),))),
        fleet_of((island(3, "far", models=(other,)),)),
    )
    assert [veto.reason for veto in refused.reports[0].vetoes] == [VetoReason.MODEL_MISSING]
