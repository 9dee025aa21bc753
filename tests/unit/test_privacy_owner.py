"""What the owner adds: terms in any case, patterns in linear time, and allowed values that free no other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import ConfigError, PrivacyFault
from islandrun.privacy import detect as detectors
from islandrun.privacy.detect import Detector, detect
from islandrun.privacy.detect.owner import (
    ALLOWED_MAX,
    MATCHES_MAX,
    NEVER_ALLOWED,
    NO_OWNER_RULES,
    PATTERNS_MAX,
    TERMS_MAX,
    OwnerPattern,
    OwnerRules,
)
from islandrun.privacy.floors import Floors
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt

RULES = OwnerRules(("Project Falcon", "Müller & Söhne", "C++Builder", "café noir", "ACME"))


def shown(rules: OwnerRules, text: str) -> list[str]:
    return [text[one.start : one.end] for one in rules(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("about Project Falcon, now", ["Project Falcon"]),
        ("PROJECT FALCON's plan", ["PROJECT FALCON"]),
        ("project  falcon", ["project  falcon"]),
        ("Project\nFalcon", ["Project\nFalcon"]),
        ("in project_falcon.py and project-falcon", ["project_falcon", "project-falcon"]),
        ("Projects Falcon, Project Falcons, a Project", []),
        ("MÜLLER & SÖHNE and Mu\u0308ller & So\u0308hne", ["MÜLLER & SÖHNE", "Mu\u0308ller & So\u0308hne"]),
        ("Cafe\u0301 noir", ["Cafe\u0301 noir"]),
        ("c++builder, C++Builders", ["c++builder"]),
        ("\uff21CME and A\u200bCME", ["\uff21CME", "A\u200bCME"]),
        ("ACMES, xACME, ACME2", []),
        ("ACME ACME", ["ACME", "ACME"]),
    ],
)
def test_a_term_is_found_as_whole_words_in_any_case(text: str, found: list[str]) -> None:
    assert shown(RULES, text) == found


def test_it_is_a_detector_that_finds_no_names_and_shows_no_text() -> None:
    detector: Detector = RULES
    assert (detector.name, detector.finds_names) == ("owner", False)
    assert "Falcon" not in repr(RULES)
    assert all(one.type is FindingType.TERM and one.floor_ppm == 700_000 for one in RULES("Project Falcon"))
    assert NO_OWNER_RULES("anything") == ()
    assert bool(RULES)
    assert not NO_OWNER_RULES


def test_a_pattern_gives_its_type_and_its_group() -> None:
    rules = OwnerRules(
        patterns=(
            OwnerPattern("case", r"(?i)\bCN-[0-9]{6}\b", FindingType.CODE),
            OwnerPattern("desk", r"desk (?P<value>[a-z]+)"),
        )
    )
    text = "é😀 cn-123456 at desk blue"
    found = [(one.type, text[one.start : one.end], one.source) for one in rules(text)]
    assert found == [(FindingType.CODE, "cn-123456", "owner.case"), (FindingType.TERM, "blue", "owner.desk")]
    assert shown(rules, "CN-\uff11\uff12\uff13\uff14\uff15\uff16") == [
        "CN-\uff11\uff12\uff13\uff14\uff15\uff16"
    ]


def test_a_pattern_that_would_explode_elsewhere_ends() -> None:
    rules = OwnerRules(patterns=(OwnerPattern("nested", r"(?:a+)+$"), OwnerPattern("both", r"(?:a|aa)+b")))
    assert rules("a" * 200_000 + "!") == ()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", ["missing )"]),
        ("(?=a)b", ["RE2", "look-around"]),
        (r"(a)\1", ["RE2", "back-references"]),
        ("a*", ["empty text"]),
        ("a" * 1_001, ["1000 characters"]),
        ("\ud800", ["not Unicode"]),
        (r"(?:\pL{1000}){1}(?:\pL{1000}){1}(?:\pN{1000})", ["RE2"]),
    ],
)
def test_a_bad_pattern_names_its_key_and_the_remedy(pattern: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        OwnerRules(patterns=(OwnerPattern("good", "x"), OwnerPattern("mine", pattern)))
    for word in ["patterns[1] (mine)", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: OwnerRules(("x" * 201,)), ["terms[0]", "200 characters"]),
        (lambda: OwnerRules(("ok", "!")), ["terms[1]", "two letters"]),
        (lambda: OwnerRules(allow=(" ",)), ["allow[0]", "two letters"]),
        (lambda: OwnerRules(("Acme",), allow=("ACME ",)), ["terms[0]", "allow"]),
        (lambda: OwnerRules(("ab",) * (TERMS_MAX + 1)), ["terms", str(TERMS_MAX)]),
        (lambda: OwnerRules(allow=("ab",) * (ALLOWED_MAX + 1)), ["allow", str(ALLOWED_MAX)]),
        (lambda: OwnerRules(patterns=(OwnerPattern("a", "b"),) * (PATTERNS_MAX + 1)), ["patterns", "100"]),
        (lambda: OwnerRules(patterns=(OwnerPattern("a", "b", FindingType.LITERAL),)), ["LITERAL", "TERM"]),
    ],
)
def test_limits_name_key_and_remedy(made, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        made()
    for word in words:
        assert word in str(caught.value)


def test_too_many_matches_are_a_fault_and_so_the_request_is_restricted() -> None:
    rules = OwnerRules(patterns=(OwnerPattern("all", "a"),))
    text = "a " * (MATCHES_MAX + 1)
    with pytest.raises(PrivacyFault, match="all matches more than"):
        rules(text)
    assert assess(Prompt((Message("user", text),)), (rules,)).sensitivity_ppm == 1_000_000


def finding(kind: FindingType, start: int, end: int) -> Finding:
    return Finding(start, end, kind, Ppm(1), Ppm(1), "t")


def test_an_allowed_value_frees_itself_alone() -> None:
    rules = OwnerRules(allow=("Anna Kern", "4111 1111 1111 1111", "info@example.org"))
    text = "anna  KERN, Anna Kern-Weber, info@example.org, sales.info@example.org, 4111 1111 1111 1111"
    found = [
        finding(FindingType.PERSON, 0, 10),
        finding(FindingType.PERSON, 12, 27),
        finding(FindingType.EMAIL, 29, 45),
        finding(FindingType.EMAIL, 47, 69),
        finding(FindingType.CARD, 71, 90),
        finding(FindingType.PERSON, 17, 21),
    ]
    assert [text[one.start : one.end] for one in rules.without_allowed(text, found)] == [
        "Anna Kern-Weber", "sales.info@example.org", "4111 1111 1111 1111", "Kern",
    ]  # fmt: skip
    assert NO_OWNER_RULES.without_allowed(text, found) == tuple(found)


@pytest.mark.parametrize("kind", sorted(FindingType))
def test_what_stands_for_harm_is_never_freed(kind: FindingType) -> None:
    rules = OwnerRules(allow=("value",))
    kept = rules.without_allowed("Value", (finding(kind, 0, 5),))
    assert bool(kept) == (kind in NEVER_ALLOWED)
    harm = {"SECRET", "CARD", "IBAN", "NATIONAL_ID", "CRYPTO", "LITERAL"}
    assert (kind in NEVER_ALLOWED) == (kind.value in harm)


def test_with_the_rules_of_the_table() -> None:
    text = "Mail info@example.org or anna@example.org about pw=Winter12!"
    rules = OwnerRules(allow=("INFO@example.org", "Winter12!"))
    kept = rules.without_allowed(text, detect(text))
    assert [text[one.start : one.end] for one in kept] == ["anna@example.org", "Winter12!"]


@given(
    st.text()
    | st.lists(
        st.sampled_from(["Project", " ", "_", "Falcon", "é", "\u0301", "C++Builder", "ß", "\ud800"])
    ).map("".join)
)
@settings(deadline=None, max_examples=300, derandomize=True)
def test_any_text_gives_spans_of_it(text: str) -> None:
    rules = OwnerRules(RULES.terms, (OwnerPattern("word", r"\pL+"),), ("falcon",))
    for one in rules.without_allowed(text, rules(text)):
        assert 0 <= one.start < one.end <= len(text)
        assert text[one.start : one.end].casefold() != "falcon"


def test_a_value_hidden_before_keeps_the_owners_floor() -> None:
    vault, floors = Vault(), Floors(person=Ppm(950_000))
    first = Prompt((Message("user", "Dear Anna Kern, hello"),))
    later = Prompt((Message("user", "was ist mit anna kern"),))
    for prompt in (first, later):
        seen = sanitize(prompt, assess(prompt, (detectors.RULES,), floors), Ppm(900_000), vault).prompt
        assert "kern" not in seen.messages[-1].text.lower()


def test_an_allowed_value_is_left_and_so_are_its_other_places() -> None:
    owner = OwnerRules(allow=("Anna Kern",))
    prompt = Prompt((Message("user", "Dear Anna Kern, from Mr Bob Lee. anna kern"),))
    found = assess(prompt, (detectors.RULES, owner), owner=owner).findings[0]
    text = prompt.messages[0].text
    assert {text[one.start : one.end] for one in found} == {"Bob Lee"}
