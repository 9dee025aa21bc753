"""What leaves is masked and comes back exactly; faults and doubts only ever raise the sensitivity."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import detect
from islandrun.privacy.fields import replace, texts
from islandrun.privacy.restore import restore
from islandrun.privacy.sanitize import KEEP_PLACEHOLDERS, Sanitized, sanitize
from islandrun.privacy.sensitivity import WITHHELD, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt, ToolCall

CLOUD, EDGE, HOME = Ppm(400_000), Ppm(800_000), Ppm(1_000_000)
KEY = "AKIA" + "ABCDEFGH23456789"
WORDS = [
    "4111 1111 1111 1111",
    KEY,
    "[CARD_1]",
    "card_2",
    "DE89370400440532013000",
    "123-45-6789",
    "ok",
    "a {b}",
]


def prompt_of(text: str) -> Prompt:
    return Prompt((Message("user", text),))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("pay with 4111 1111 1111 1111 now", FindingType.CARD, "4111 1111 1111 1111"),
        ("pay with 4111 1111 1111 1112 now", None, ""),
        ("to DE89370400440532013000.", FindingType.IBAN, "DE89370400440532013000"),
        ("to DE89370400440532013001.", None, ""),
        ("ssn 123-45-6789", FindingType.NATIONAL_ID, "123-45-6789"),
        ("part 000-45-6789", None, ""),
        (f"key {KEY} here", FindingType.SECRET, KEY),
        ("password = hunter2secret", FindingType.SECRET, "hunter2secret"),
        ("db://user:" + "hush4ever@host", FindingType.SECRET, "db://user:" + "hush4ever@host"),
        ("write anna.kern@example.org please", FindingType.EMAIL, "anna.kern@example.org"),
        ("call +49 30 901820", FindingType.PHONE, "+49 30 901820"),
        ("Dear Anna Kern, hello", FindingType.PERSON, "Anna Kern"),
        ("from 10.1.2.3 today", FindingType.IP, "10.1.2.3"),
        ("version 999.1.2.3", None, ""),
        ("see /home/anna/tax.pdf", FindingType.PATH, "/home/anna/tax.pdf"),
        ("MRN: A1234567", FindingType.CODE, "A1234567"),
        ("the sum of 12 and 30 is 42", None, ""),
    ],
)
def test_rules(text: str, kind: FindingType | None, value: str) -> None:
    found = [(one.type, text[one.start : one.end]) for one in detect(text)]
    assert found == ([(kind, value)] if kind else [])


def test_a_name_is_found_again_in_part() -> None:
    text = "Dear Anna Kern, thank you. kern agreed."
    assert [text[one.start : one.end] for one in detect(text)] == ["Anna Kern", "kern"]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=10).map(" ".join))
@settings(deadline=None, max_examples=300, derandomize=True)
def test_masked_text_hides_and_comes_back(text: str) -> None:
    vault, prompt = Vault(), prompt_of(text)
    assessment = assess(prompt)
    try:
        sanitized = sanitize(prompt, assessment, CLOUD, vault)
    except PrivacyFault:
        return
    shown = [piece for piece in texts(sanitized.prompt) if piece != KEEP_PLACEHOLDERS]
    assert sanitized.visible_ppm <= CLOUD
    assert [restore(piece, vault) for piece in shown if piece] == [text for text in texts(prompt) if text]
    for secret in (KEY, "4111 1111 1111 1111", "DE89370400440532013000"):
        if any(text[one.start : one.end] == secret for one in detect(text)):
            assert not any(secret in piece for piece in shown)


def test_a_literal_placeholder_of_the_user_survives() -> None:
    vault, prompt = Vault(), prompt_of("the card 4111 1111 1111 1111 and the words [CARD_1]")
    sanitized = sanitize(prompt, assess(prompt), CLOUD, vault)
    assert "[LITERAL_1]" in sanitized.prompt.messages[1].text
    assert restore(sanitized.prompt.messages[1].text, vault) == prompt.messages[0].text


def test_json_of_a_tool_call_is_masked_inside() -> None:
    call = ToolCall("1", "pay", json.dumps({"card": 4111111111111111, "note": "for \u00e9"}))
    prompt = Prompt((Message("user", "pay it"), Message("assistant", "", (call,))))
    arguments = sanitize(prompt, assess(prompt), CLOUD, Vault()).prompt.messages[2].tool_calls[0].arguments
    assert json.loads(arguments) == {"card": "[CARD_1]", "note": "for \u00e9"}
    assert replace(prompt, texts(prompt)) == prompt


@pytest.mark.parametrize(
    ("text", "cloud", "edge"),
    [
        ("what is the capital of a country called?", True, True),
        ("the card 4111 1111 1111 1111 is declined", True, True),
        ("write to Anna Kern about it", False, True),
        ("my friend anna is here", False, True),
        ("my diabetes results are hba1c 8.4", False, True),
        ("what is diabetes?", True, True),
        ("это секрет", False, True),
    ],
)
def test_who_may_see_what_after_masking(text: str, cloud: bool, edge: bool) -> None:
    assessment = assess(prompt_of(text))
    assert (assessment.visible_ppm(CLOUD) <= CLOUD, assessment.visible_ppm(EDGE) <= EDGE) == (cloud, edge)
    assert assessment.sensitivity_ppm >= 250_000


class Broken:
    name, finds_names = "broken", True

    def __call__(self, text: str) -> tuple[Finding, ...]:
        raise MemoryError


def test_every_fault_makes_a_request_restricted() -> None:
    for assessment in (
        assess(prompt_of("hello"), (Broken(),)),
        assess(prompt_of("x" * 2_000_001)),
        assess(prompt_of("\ud800")),
    ):
        assert assessment is WITHHELD
        assert assessment.visible_ppm(Ppm(999_999)) == 1_000_000
        with pytest.raises(PrivacyFault):
            sanitize(prompt_of("hello"), assessment, Ppm(999_999), Vault())
    assert sanitize(prompt_of("hello"), WITHHELD, HOME, Vault()).prompt == prompt_of("hello")


def test_only_sanitize_makes_sanitized_and_it_shows_no_text() -> None:
    with pytest.raises(TypeError):
        Sanitized(prompt_of("x"), (), Ppm(0), object())
    prompt = prompt_of("the card 4111 1111 1111 1111")
    assert "card" not in repr(sanitize(prompt, assess(prompt), CLOUD, Vault()))
