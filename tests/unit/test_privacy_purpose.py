"""Which values have a general form, and which words ask for a value: tables in four languages."""

import pytest

from islandrun.privacy.general import generalise
from islandrun.privacy.purpose import Purpose, purposes, speaks_of_birth, speaks_of_home
from islandrun.vocabulary import Grain, Message, Prompt


def of_user(*texts: str) -> Prompt:
    return Prompt(tuple(Message("user", text) for text in texts))


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


def test_words_of_birth_and_home() -> None:
    for text in ("born 1984", "date of birth", "my age is", "geboren am", "née le", "nacida el"):
        assert speaks_of_birth([text]), text
    for text in ("the page", "a manager", "storage"):
        assert not speaks_of_birth([text]), text
    for text in ("I live here", "from Porto", "ich wohne", "j'habite", "vivo en"):
        assert speaks_of_home([text]), text
    for text in ("delivery", "online", "a trip to the sea"):
        assert not speaks_of_home([text]), text
