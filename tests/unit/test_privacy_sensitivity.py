"""Topics need a person, doubts raise, faults withhold, and figures move one way only."""

from collections.abc import Callable

import pytest

from islandrun.privacy.detect import RULES
from islandrun.privacy.sensitivity import WITHHELD, Assessment, Floors, Topic, assess
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt, ToolCall, ToolDefinition

FREE, NAMES = "free text without a names detector", "possible names"


class Tagger:
    """A detector that knows names, and here finds none."""

    name, finds_names = "tagger", True

    def __init__(self, find: Callable[[str], tuple[Finding, ...]] = lambda text: ()) -> None:
        self._find = find

    def __call__(self, text: str) -> tuple[Finding, ...]:
        return self._find(text)


def of(text: str, *detectors: object) -> Assessment:
    return assess(Prompt((Message("user", text),)), detectors or (RULES,))  # type: ignore[arg-type]


def names(text: str, *detectors: object) -> list[str]:
    return [topic.name for topic in of(text, *detectors).topics if topic.name not in (FREE, NAMES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is diabetes?", []),
        ("How do doctors treat people with depression?", []),
        ("my diabetes results are HbA1c 8.4", ["health"]),
        ("I was told last week. The tumour is small.", ["health"]),
        ("Employee Paul Reyes has been diagnosed with multiple sclerosis", ["health"]),
        ("What is a mortgage?", []),
        ("my mortgage is too high", ["finance"]),
        ("How does divorce work in general?", []),
        ("my wife wants a divorce", ["law"]),
        ("What does termination mean?", []),
        ("our employee was fired for misconduct", ["human resources"]),
        ("my daughter likes school", ["minors"]),
        ("What does confidential mean?", []),
        ("Strictly confidential: the plan", ["trade secrets"]),
        ("this paper is for internal use only", ["trade secrets"]),
        ("Write a python function", []),
        ("fix this:\n```\nprint(1)\n```", ["source code"]),
        ("pw=Winter12! does not work", ["credentials"]),
    ],
)
def test_topics(text: str, expected: list[str]) -> None:
    assert names(text) == expected
    if not expected:
        assert names(text, RULES, Tagger()) == []


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("What is the capital of France?", False),
        ("Explain how Python and Docker work together.", False),
        ("Please write a poem about Monday.", False),
        ("fix `Foo.Bar` and getUserName(x)", False),
        ("Who was Nelson Mandela?", False),
        ("Ask Priya about lunch", True),
        ("Priya asked about lunch", True),
        ("Tell Will about lunch", True),
        ("I met McAllister today", True),
        ("my friend anna is here", True),
        ("this is for our client", True),
        ("это секрет", True),
        ("write to a.kern@example.org", True),
    ],
)
def test_without_a_names_detector_a_possible_name_is_confidential(text: str, doubt: bool) -> None:
    found = [topic.name for topic in of(text).topics]
    assert FREE in found
    assert (NAMES in found) == doubt
    assert [topic.name for topic in of(text, RULES, Tagger()).topics if topic.name in (FREE, NAMES)] == []


def boom(text: str) -> tuple[Finding, ...]:
    raise MemoryError


def outside(text: str) -> tuple[Finding, ...]:
    return (Finding(0, len(text) + 1, FindingType.PERSON, Ppm(1), Ppm(1), "t"),)


@pytest.mark.parametrize(
    ("text", "detectors"),
    [
        ("hello", (RULES, Tagger(boom))),
        ("hello", (Tagger(outside),)),
        ("hello", (Tagger(lambda text: None),)),  # type: ignore[arg-type,return-value]
        ("x" * 2_000_001, (RULES,)),
        ("lone \ud800", (RULES,)),
    ],
)
def test_every_fault_withholds(text: str, detectors: tuple[object, ...]) -> None:
    assert of(text, *detectors) is WITHHELD
    assert WITHHELD.visible_ppm(Ppm(999_999)) == WITHHELD.sensitivity_ppm == 1_000_000


def test_no_detector_at_all_withholds() -> None:
    assert assess(Prompt((Message("user", "hello"),)), ()) is WITHHELD


def test_a_detector_may_ask_for_more_than_the_table_and_the_owner_changes_the_table() -> None:
    def find(floor: int) -> Tagger:
        return Tagger(lambda text: (Finding(0, min(5, len(text)), FindingType.ORG, Ppm(1), Ppm(floor), "t"),))

    prompt = Prompt((Message("user", "hello"),))
    assert assess(prompt, (find(950_000),)).sensitivity_ppm == 950_000
    assert assess(prompt, (find(0),)).sensitivity_ppm == 400_000
    assert assess(prompt, (find(0),), Floors(org=Ppm(700_000))).sensitivity_ppm == 700_000
    assert assess(prompt, (find(400_000),), Floors(org=Ppm(100_000))).sensitivity_ppm == 100_000
    with pytest.raises(ValueError, match="floor of org"):
        Floors(org=Ppm(1_000_001))


def test_a_client_can_only_ask_for_more() -> None:
    prompt = Prompt((Message("user", "hello"),))
    asked = assess(prompt, (Tagger(),), sensitivity_min_ppm=Ppm(700_000))
    assert (asked.sensitivity_ppm, asked.visible_ppm(Ppm(100_000))) == (700_000, 700_000)
    card = Prompt((Message("user", "card 4111 1111 1111 1111"),))
    assert assess(card, sensitivity_min_ppm=Ppm(100_000)).sensitivity_ppm == 900_000


def test_what_cannot_be_masked_stays_visible_to_all() -> None:
    call = ToolCall("call_1", "mail_kern", "{}")
    prompt = Prompt((Message("user", "Dear Anna Kern,"), Message("assistant", "", (call,))))
    assert Topic("PERSON in a tool name or id", Ppm(600_000), Ppm(600_000)) in assess(prompt).topics
    for value, needed in (
        ("4111111111111111", 900_000),
        ("AKIA" + "ABCDEFGH23456789", 900_000),
        ("now", 300_000),
    ):
        for joint in "_-":
            tool = ToolDefinition(f"pay{joint}{value}", "", "{}")
            assert assess(Prompt((Message("user", "hello"),), (tool,))).visible_ppm(Ppm(200_000)) == needed
    uuid = "a1b2c3d4-e5f6-0718-293a-4b5c6d7e8f90"
    assert of("hello").topics == assess(Prompt((Message("user", "hello", tool_call_id=uuid),))).topics


def test_reasons_hold_words_and_no_text() -> None:
    assessment = of("Dear Anna Kern, card 4111 1111 1111 1111")
    assert assessment.reasons[:2] == ("CARD x1 (restricted)", "PERSON x1 (confidential)")
    assert "Kern" not in repr(assessment)
    assert assessment.masked(Ppm(200_000)) == ((FindingType.CARD, 1), (FindingType.PERSON, 1))
    assert assessment.masked(Ppm(800_000)) == ((FindingType.CARD, 1),)


def test_a_json_key_says_what_its_value_is() -> None:
    call = ToolCall("1", "login", '{"password": "swordfish", "city": "Graz"}')
    prompt = Prompt((Message("user", "hello"), Message("assistant", "", (call,))))
    assert [one.type for spans in assess(prompt).findings for one in spans] == [FindingType.SECRET]
