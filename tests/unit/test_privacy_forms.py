"""What a reader of little trust gets: the value, a coarser form of it, or a placeholder."""

import re
from dataclasses import replace

import pytest

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import RULES
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.floors import DEFAULT_FLOORS, Floors
from islandrun.privacy.forms import Form, form_for, with_forms
from islandrun.privacy.sanitize import KEEP_PLACEHOLDERS, mask, sanitize
from islandrun.privacy.sensitivity import Assessment, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, General, Grain, Message, Ppm, Prompt, ToolCall

CLOUD, QUASI = Ppm(200_000), Ppm(400_000)


KNOWN = {
    FindingType.PERSON: "Anna Kern",
    FindingType.ORG: "Contoso",
    FindingType.LOCATION: "Lisbon|Porto",
    FindingType.QUANTITY: r"[$€]?[0-9][0-9.,]*[0-9] ?(?:EUR|€|kg)|83,40",
    FindingType.DEMOGRAPHIC: r"\b[0-9]{2}\b(?= years| Jahre)|nurse",
    FindingType.CODE: r"ZX-[0-9]+",
}


class Names:
    """A detector that knows a few values of its own."""

    name, finds_names = "names", True

    def __init__(self, floor_ppm: int = 0) -> None:
        self.floor_ppm = Ppm(floor_ppm)

    def __call__(self, text: str) -> tuple[Finding, ...]:
        return tuple(
            Finding(found.start(), found.end(), kind, Ppm(700_000), self.floor_ppm, self.name)
            for kind, shape in KNOWN.items()
            for found in re.finditer(shape, text)
        )


def of_user(*texts: str) -> Prompt:
    return Prompt(tuple(Message("user", text) for text in texts))


def judged(prompt: Prompt, floors: Floors = DEFAULT_FLOORS, asked_ppm: int = 0) -> Assessment:
    return assess(prompt, (RULES, Names(asked_ppm)), floors)


def seen(text: str, trust: Ppm = CLOUD, floors: Floors = DEFAULT_FLOORS, asked_ppm: int = 0) -> str:
    prompt = of_user(text)
    return (
        sanitize(prompt, judged(prompt, floors, asked_ppm), trust, Vault())
        .prompt.messages[-1]
        .text.replace("\u00a0", " ")
    )


@pytest.mark.parametrize(
    ("text", "general"),
    [
        ("How much is 20 % of 52,340 EUR?", "How much is 20 % of about 50,000 EUR?"),
        (
            "How many days did I have between 12.03.2024 and 5 June 2024?",
            "How many days did I have between 03.2024 and June 2024?",
        ),
        ("I am 47 years old: which screening?", "I am 40-49 years old: which screening?"),
        ("How old is somebody born 12.03.1984?", "How old is somebody born 1984?"),
        ("Plan a trip to Lisbon for 3,400 EUR", "Plan a trip to Lisbon for about 3,000 EUR"),
        # nothing asks for the value
        ("Note that 52,340 EUR were paid", "Note that [QUANTITY_1] were paid"),
        ("How much is my rent since 12.03.2024?", "How much is my rent since [DATE_1]?"),
        ("How many days until 52,340 EUR?", "How many days until [QUANTITY_1]?"),
        # it does not parse, or is not a thing of its kind
        ("How much is 20 % of 82 kg?", "How much is 20 % of [QUANTITY_1]?"),
        ("Am I too old at 17 years?", "Am I too old at [DEMOGRAPHIC_1] years?"),
        ("I am a nurse: which screening?", "I am a [DEMOGRAPHIC_1]: which screening?"),
        # never these
        (
            "How much is 340 EUR of Anna Kern, Contoso, ZX-77?",
            "How much is about 300 EUR of [PERSON_1], [ORG_1], [CODE_1]?",
        ),
    ],
)
def test_what_a_cloud_sees(text: str, general: str) -> None:
    assert seen(text) == general


def test_a_reader_at_the_floor_sees_the_value_and_one_below_the_general_floor_a_placeholder() -> None:
    text = "How much is 20 % of 52,340 EUR?"
    assert seen(text, QUASI) == text
    assert seen(text, Ppm(199_999)) == "How much is 20 % of [QUANTITY_1]?"
    assert seen(text, CLOUD, Floors(general_amount=Ppm(200_001))) == "How much is 20 % of [QUANTITY_1]?"


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ("Plan a trip to Lisbon", True),
        ("What is the weather in Lisbon on 12.03.2024?", True),
        ("I like Lisbon", False),
        ("Plan a trip to Lisbon with Anna Kern", False),
        ("Plan a trip to Lisbon, tickets to a.kern@example.org", False),
        ("Plan a trip to Lisbon, booking ZX-77", False),
        ("Plan a trip to Lisbon for a nurse", False),
        ("Plan a trip to Lisbon with Contoso", False),
        ("Plan a trip to Lisbon. I live there.", False),
        ("Plan a trip to Lisbon from Porto", False),
        ("Plan a trip to Lisbon, my family waits", False),
        ("Reise: was tun? Urlaub in Lisbon, wo ich wohne", False),
        ("Plan a trip to Lisbon, strictly confidential", False),
    ],
)
def test_a_place_is_kept_only_in_nobodys_journey(text: str, is_seen: bool) -> None:
    prompt = of_user(text)
    assessment = judged(prompt)
    places = [one for found in assessment.findings for one in found if one.type is FindingType.LOCATION]
    assert {form_for(one, CLOUD) for one in places} == {Form.KEEP if is_seen else Form.MASK}
    (masked, *_) = mask((text,), assessment.findings[:1], CLOUD, Vault())
    assert ("Lisbon" in masked.text) == is_seen


def test_another_field_and_another_owner_take_a_place_away() -> None:
    journey = Message("user", "Plan a trip to Lisbon")
    for other in (Message("tool", "Anna Kern"), Message("assistant", "Do you live near?")):
        assert judged(Prompt((journey, other))).visible_ppm(CLOUD) == 0
    assert judged(Prompt((journey,))).visible_ppm(CLOUD) == 200_000
    assert judged(Prompt((journey,)), Floors(planned_location=Ppm(300_000))).visible_ppm(CLOUD) == 0
    assert assess(Prompt((journey,)), (RULES, Names()), sensitivity_min_ppm=Ppm(1)).sensitivity_ppm == 400_000


def test_a_detector_that_asks_for_more_and_an_owner_with_a_high_floor_have_no_general_form() -> None:
    for text in ("How much is 20 % of 52,340 EUR?", "Plan a trip to Lisbon"):
        hidden = seen(text, asked_ppm=500_000)
        assert "_1]" in hidden
    high = Floors(quantity=Ppm(600_000))
    assert seen("How much is 20 % of 52,340 EUR?", floors=high) == "How much is 20 % of [QUANTITY_1]?"
    low = Floors(quantity=Ppm(100_000))
    assert judged(of_user("How much is 20 % of 52,340 EUR?"), low).findings[0][0].general is None


def test_a_detector_has_no_say_in_forms() -> None:
    class Lax(Names):
        def __call__(self, text: str) -> tuple[Finding, ...]:
            return tuple(
                replace(one, general=General(Grain.MAGNITUDE, Ppm(0))) for one in super().__call__(text)
            )

    for text in ("52,340 EUR", "x52,340 EUR", "How much is x52,340 EUR?"):
        found = assess(of_user(text), (Lax(),)).findings[0]
        assert [form_for(one, Ppm(199_999)) for one in found] == [Form.MASK]


def test_one_value_has_one_form_in_every_field() -> None:
    call = ToolCall("1", "pay", '{"sum": "52,340 EUR", "note": "x"}')
    prompt = Prompt(
        (
            Message("system", "The price is 52,340 EUR."),
            Message("user", "How much is 20 % of 52,340 EUR?"),
            Message("assistant", "", (call,)),
        )
    )
    sanitized = sanitize(prompt, judged(prompt), CLOUD, Vault())
    assert [message.text for message in sanitized.prompt.messages] == [
        "The price is about 50,000 EUR.",
        "How much is 20 % of about 50,000 EUR?",
        "",
    ]
    assert sanitized.prompt.messages[2].tool_calls[0].arguments == '{"sum": "about 50,000 EUR", "note": "x"}'
    assert sanitized.masked == ((FindingType.QUANTITY, 3),) == judged(prompt).masked(CLOUD)
    assert judged(prompt).generalised(CLOUD) == sanitized.masked
    assert "50,000" not in repr(sanitized)


def test_what_is_general_already_is_seen_as_it_is_and_not_counted() -> None:
    prompt = of_user("What are 20 percent of 340 EUR, and how many days between 12.03.2024 and 03.2024?")
    date = Finding(0, 7, FindingType.DATE, Ppm(1), QUASI, "t")
    (found,) = with_forms(prompt, ["03.2024"], ((date,),), DEFAULT_FLOORS, has_topic=False)
    assert found == (replace(date, floor_ppm=CLOUD),)
    (found,) = with_forms(of_user("03.2024"), ["03.2024"], ((date,),), DEFAULT_FLOORS, has_topic=False)
    assert found == (date,)


def test_the_note_on_placeholders_stands_only_beside_one() -> None:
    for text, is_told in (("How much is 20 % of 340 EUR?", False), ("How much is 340 EUR, Anna Kern?", True)):
        prompt = of_user(text)
        first = sanitize(prompt, judged(prompt), CLOUD, Vault()).prompt.messages[0].text
        assert (first == KEEP_PLACEHOLDERS) == is_told


DATE = Finding(0, 10, FindingType.DATE, Ppm(1), QUASI, "t", General(Grain.MONTH, CLOUD))
CODE = Finding(0, 7, FindingType.CODE, Ppm(1), Ppm(600_000), "t")


def test_a_general_form_that_would_show_a_hidden_value_is_not_used() -> None:
    day, month = "March 12, 2024", "March 2024"
    found = (replace(DATE, end=len(day)),), (replace(CODE, end=len(month)),)
    (one, other) = mask((day, month), found, CLOUD, Vault())
    assert (one.text, other.text) == ("[DATE_1]", "[CODE_1]")
    assert mask((day,), found[:1], CLOUD, Vault())[0].text == month
    vault = Vault()
    vault.placeholder_for(FindingType.CODE, month)
    assert mask((day,), found[:1], CLOUD, vault)[0].text == "[DATE_1]"


def test_a_value_that_grows_has_no_general_form() -> None:
    (grown,) = merge([DATE, replace(DATE, start=5, end=12, general=None)])
    assert (grown.start, grown.end, grown.general) == (0, 12, None)


def test_a_value_of_two_types_has_no_general_form() -> None:
    texts = ("How many days until 2024?", "2024 pieces")
    year = Finding(20, 24, FindingType.DATE, Ppm(1), QUASI, "t")
    both = ((year,), (replace(year, start=0, end=4, type=FindingType.ORG),))
    one, other = with_forms(of_user(*texts), texts, both, DEFAULT_FLOORS, has_topic=False)
    assert one[0].floor_ppm == other[0].floor_ppm == QUASI
    texts, both = texts[::-1], both[::-1]
    other, one = with_forms(of_user(*texts), texts, both, DEFAULT_FLOORS, has_topic=False)
    assert one[0].floor_ppm == other[0].floor_ppm == QUASI
    _, alone = with_forms(of_user(*texts), texts, ((), (year,)), DEFAULT_FLOORS, has_topic=False)
    assert (alone[0].floor_ppm, alone[0].general) == (CLOUD, None)


def test_a_general_form_exposes_more_than_a_placeholder_and_less_than_the_value() -> None:
    found = judged(of_user("How much is 20 % of 52,340 EUR?"))
    shares = [found.exposure_ppm(trust) for trust in (Ppm(199_999), CLOUD, QUASI)]
    assert shares == [68_000, 100_000, 200_000]


def test_what_reads_as_a_placeholder_is_masked_for_everybody() -> None:
    literal = replace(CODE, type=FindingType.LITERAL, floor_ppm=Ppm(0))
    assert form_for(literal, Ppm(1_000_000)) is Form.MASK


def test_a_value_that_was_something_more_in_an_earlier_turn_stays_hidden() -> None:
    vault = Vault()
    vault.placeholder_for(FindingType.CODE, "12.03.2024")
    assert "2024" not in mask(("12.03.2024",), ((DATE,),), CLOUD, vault)[0].text
    vault = Vault()
    vault.placeholder_for(FindingType.DATE, "12.03.2024")
    assert mask(("12.03.2024",), ((DATE,),), CLOUD, vault)[0].text == "03.2024"


def test_a_value_masked_in_one_place_is_masked_in_all() -> None:
    bare = replace(DATE, general=None)
    masked = mask(("12.03.2024", "12.03.2024"), ((DATE,), (bare,)), CLOUD, Vault())
    assert [one.text for one in masked] == ["[DATE_1]", "[DATE_1]"]


def test_a_generalised_value_in_a_text_that_cannot_change_is_a_fault() -> None:
    with pytest.raises(PrivacyFault, match="still visible"):
        mask(("12.03.2024",), ((DATE,),), CLOUD, Vault(), ("job-12.03.2024",))
