"""Which values have a general form, what a request needs, and what a reader of little trust gets."""

import re
from dataclasses import replace

import pytest

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import RULES
from islandrun.privacy.floors import DEFAULT_FLOORS, Floors
from islandrun.privacy.forms import Form, form_for
from islandrun.privacy.general import generalise
from islandrun.privacy.purpose import Purpose, purposes, speaks_of_birth, speaks_of_home
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


GENERAL = {
    Grain.MONTH: {
        "12.03.2024": "03.2024",
        "1.3.2024": "3.2024",
        "2024-03-12": "2024-03",
        "2024/3/12": "2024/3",
        "2024-03-12T10:00:00Z": "2024-03",
        "13/03/2024": "03/2024",
        "03/13/2024": "03/2024",
        "3/3/2024": "3/2024",
        "13-03-2024": "03/2024",
        "03/12/2024": "2024",
        "03-12-2024": "2024",
        "12 March 2024": "March 2024",
        "12th of March 2024": "March 2024",
        "March 12th, 2024": "March 2024",
        "Mar. 12": "Mar.",
        "Tuesday, 12 March 2024": "March 2024",
        "12. März 2024": "März 2024",
        "den 24. Dezember": "Dezember",
        "1er mars 2024": "mars 2024",
        "le 12 août 2023": "août 2023",
        "12 de marzo de 2024": "marzo de 2024",
        "March": "March",
        "2024": "2024",
        "31.02.2024": None,
        "31/02/2024": None,
        "2024-13-01": None,
        "2024-02-30": None,
        "12.03.84": None,
        "03.13.2024": None,
        "1612": None,
        "2024-03-12 to 2024-03-15": None,
        "32 March 2024": None,
        "yesterday": None,
        "10:30": None,
        "12 apples 2024": None,
        "": None,
        "2024 " * 20: None,
    },
    Grain.YEAR: {
        "12.03.1984": "1984",
        "March 12, 1984": "1984",
        "03/12/1984": "1984",
        "1984": "1984",
        "12 March": None,
        "31.02.1984": None,
    },
    Grain.DECADE: {
        "34": "30-39",
        "34 years old": "30-39 years old",
        "a": None,
        "34-year-old": "30-39-year-old",
        "aged 42": "aged 40-49",
        "34 Jahre alt": "30-39 Jahre alt",
        "34-jährige": "30-39-jährige",
        "34 ans": "30-39 ans",
        "34 años": "30-39 años",
        "18": "10-19",
        "17": None,
        "89 yo": "80-89 yo",
        "90": None,
        "7 years old": None,
        "034": None,
        "134": None,
        "34 kg": None,
        "34 or 35": None,
        "thirty-four": None,
    },
    Grain.MAGNITUDE: {
        "$52,340.50": "about $50,000",
        "52.340,50 €": "about 50.000 €",
        "EUR 52.340": "about EUR 50.000",
        "52 340 €": "about 50 000 €",
        "52'340 CHF": "about 50'000 CHF",
        "52340 EUR": "about 50000 EUR",
        "83,40 €": "about 80 €",
        "95 EUR": "about 100 EUR",
        "£85k": "about £90k",
        "1.2 million dollars": "about 1 million dollars",
        "3 millones de euros": "about 3 millones de euros",
        "120 Tsd. Euro": "about 100 Tsd. Euro",
        "$0.49": "about $0.5",
        "19 %": "about 20 %",
        "20%": "20%",
        "7 percent": "7 percent",
        "3,75 Prozent": "about 4 Prozent",
        "0.2 %": None,
        "101 %": None,
        "52,340": None,
        "52k": None,
        "82 kg": None,
        "12,34,56 EUR": None,
        "1,234,56 EUR": None,
        "1.2.3 $": None,
        "0 EUR": None,
        "$5 EUR": None,
        "9999999999999 EUR": None,
        "five euros": None,
    },
}


@pytest.mark.parametrize(
    ("grain", "value", "general"),
    [(grain, value, general) for grain, table in GENERAL.items() for value, general in table.items()],
)
def test_general_forms(grain: Grain, value: str, general: str | None) -> None:
    assert generalise(value, grain) == general
    assert general is None or generalise(general, grain) == general


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How much is 20 % of 52,340 EUR?", "amount"),
        ("What is my net salary of 52,340 EUR", "amount"),
        ("Split the bill of 83,40 among four", "amount"),
        ("Can I afford it?", "amount"),
        ("Wie viel ist das netto?", "amount"),
        ("Was sind 20 Prozent von 340 €", "amount"),
        ("Combien font 20 % de 340 € ?", "amount"),
        ("¿Cuánto es el IVA?", "amount"),
        ("How many days between 1 May and 3 June?", "time"),
        ("When is the due date", "time"),
        ("Wie viele Tage bis zum 3. Mai?", "time"),
        ("Combien de jours jusqu'au 3 mai ?", "time"),
        ("¿Cuántos días hasta el 3 de mayo?", "time"),
        ("How old am I?", "age"),
        ("Which screening at my age?", "age"),
        ("Welche Vorsorgeuntersuchung in meinem Alter?", "age"),
        ("Quel dépistage à mon âge ?", "age"),
        ("¿Qué pruebas a mi edad?", "age"),
        ("Plan a weekend trip to Lisbon", "journey"),
        ("What is the weather in Porto?", "journey"),
        ("Which visa for Japan?", "journey"),
        ("Wie wird das Wetter in Porto", "journey"),
        ("Un voyage à Porto", "journey"),
        ("Un viaje a Lisboa", "journey"),
        ("Summarise the invoice of 12.03.2024 over 52,340 EUR", ""),
        ("Translate: the planet was weathered", ""),
        ("Rewrite this letter politely", ""),
        ("Fix my schedules table in SQL", ""),
    ],
)
def test_purposes(text: str, expected: str) -> None:
    assert purposes(of_user(text)) == ({Purpose(expected)} if expected else frozenset())


def test_only_the_user_says_what_is_wanted_and_at_the_ends_of_a_message() -> None:
    asked = "how much is it"
    for role in ("system", "assistant", "tool"):
        assert not purposes(Prompt((Message(role, asked),)))
    pad = "x " * 300
    assert not purposes(of_user(f"{pad}{asked} {pad}"))
    assert purposes(of_user(f"{pad}{asked}")) == purposes(of_user(f"{asked} {pad}")) == {Purpose.AMOUNT}


@pytest.mark.parametrize(
    ("text", "general"),
    [
        ("How much is 20 % of 52,340 EUR?", "How much is 20 % of about 50,000 EUR?"),
        ("How many days between 12.03.2024 and 5 June 2024?", "How many days between 03.2024 and June 2024?"),
        ("I am 47 years old: which screening?", "I am 40-49 years old: which screening?"),
        ("How old is somebody born 12.03.1984?", "How old is somebody born 1984?"),
        ("Plan a trip to Lisbon for 3,400 EUR", "Plan a trip to Lisbon for about 3,000 EUR"),
        # nothing asks for the value
        ("Note that 52,340 EUR were paid", "Note that [QUANTITY_1] were paid"),
        ("How much is it since 12.03.2024?", "How much is it since [DATE_1]?"),
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


def test_the_note_on_placeholders_stands_only_beside_one() -> None:
    for text, is_told in (("How much is 20 % of 340 EUR?", False), ("How much is 340 EUR, Anna Kern?", True)):
        prompt = of_user(text)
        first = sanitize(prompt, judged(prompt), CLOUD, Vault()).prompt.messages[0].text
        assert (first == KEEP_PLACEHOLDERS) == is_told


DATE = Finding(0, 10, FindingType.DATE, Ppm(1), QUASI, "t", General(Grain.MONTH, CLOUD))
CODE = Finding(0, 7, FindingType.CODE, Ppm(1), Ppm(600_000), "t")


def test_a_general_form_that_would_show_a_hidden_value_is_not_used() -> None:
    texts = ("12.03.2024", "03.2024")
    (one, other) = mask(texts, ((DATE,), (CODE,)), CLOUD, Vault())
    assert (one.text, other.text) == ("[DATE_1]", "[CODE_1]")
    vault = Vault()
    vault.placeholder_for(FindingType.CODE, "2024")
    assert mask(texts[:1], ((DATE,),), CLOUD, vault)[0].text == "[DATE_1]"


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


def test_words_of_birth_and_home() -> None:
    for text in ("born 1984", "date of birth", "my age is", "geboren am", "née le", "nacida el"):
        assert speaks_of_birth([text]), text
    for text in ("the page", "a manager", "storage"):
        assert not speaks_of_birth([text]), text
    for text in ("I live here", "from Porto", "ich wohne", "j'habite", "vivo en"):
        assert speaks_of_home([text]), text
    for text in ("delivery", "online", "a trip to the sea"):
        assert not speaks_of_home([text]), text
