"""What a request is for, as far as that decides which values an answer cannot do without.

Plain words in English, German, French and Spanish, looked for where the user says what is wanted: at the
beginning and the end of the user's own messages, not in what is pasted between or what a tool returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from islandrun.vocabulary import Prompt

EDGE_CHARACTERS: Final = 400
"""How much of each end of a message is read."""


class Purpose(StrEnum):
    """What is done by a value: reckoning with an amount, with a date, by an age, or planning a journey."""

    AMOUNT = "amount"
    TIME = "time"
    AGE = "age"
    JOURNEY = "journey"


def _words(*parts: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})")


_SIGNS: Final = (
    (
        Purpose.AMOUNT,
        _words(
            r"how much (?:is|are|was|would|will|do|does|did|can|could|should|must|tax|interest|more|"
            r"less)\b",
            r"net (?:salary|income|pay)\b|after tax\b|tax(?:es)? (?:on|for)\b|vat on\b|interest on\b",
            r"split (?:the|a|this|our|my) (?:bill|cost|costs|rent|check)\b|can (?:i|we|he|she|"
            r"they) afford\b",
            r"(?:percent|per cent|prozent|pour ?cent|por ciento) (?:of|von|de)\b|discount on\b|tip on\b",
            r"(?:calculate|compute|add up|convert|budget for|monthly payment|exchange rate)\b",
            r"wie ?viel (?:ist|sind|bleibt|wäre|kostet|muss|kann)\b|(?:steuern?|zinsen|rabatt) auf\b",
            r"netto(?:gehalt|lohn|einkommen)?\b|rechnung (?:auf)?teilen\b|(?:mir|uns) \w{0,12} ?leisten\b",
            r"(?:berechne|rechne|umrechnen)\b|combien (?:font|fait|est|coûte|dois|reste)\b",
            r"salaire net\b|impôts? sur\b|partager l['\u2019]addition\b|(?:calcule[rz]?|convertir)\b",
            r"cuánto (?:es|son|cuesta|queda|debo|pago)\b|(?:salario|sueldo) neto\b|impuestos? sobre\b",
            r"dividir la cuenta\b|(?:calcula|calcular)\b",
        ),
    ),
    (
        Purpose.TIME,
        _words(
            r"(?:days|weeks|months|years) (?:between|until|since|from|left|before|after)\b",
            r"how (?:many (?:days|weeks|months|years)|long (?:until|since|is it))\b|(?:due date|"
            r"deadline)\b",
            r"(?:re)?schedule\b|timeline\b|(?:which|what) (?:day of the week|weekday)\b|notice period\b",
            r"(?:tage|wochen|monate|jahre) (?:zwischen|bis|seit|vor|nach)\b|kalenderwoche\b|zeitplan\b",
            r"wie viele (?:tage|wochen|monate|jahre)\b|fälligkeit|kündigungsfrist\b|frist\b|wochentag\b",
            r"(?:jours|semaines|mois|ans) (?:entre|jusqu|depuis|avant|après)|échéance\b|date limite\b",
            r"combien de (?:jours|semaines|mois|ans)\b|quel jour de la semaine\b|calendrier\b|préavis\b",
            r"(?:días|semanas|meses|años) (?:entre|hasta|desde|antes|después)\b|fecha límite\b",
            r"cuánt[oa]s (?:días|semanas|meses|años)\b|vencimiento\b|calendario\b|plazo\b",
        ),
    ),
    (
        Purpose.AGE,
        _words(
            r"how old\b|(?:at|for) (?:my|our|his|her|their|this|that) age\b|age (?:group|limit)\b",
            r"screening\b|(?:retire|retirement|pension)\b|too (?:old|young)\b|old enough\b",
            r"wie alt\b|in (?:meinem|seinem|ihrem|diesem) alter\b|altersgrenze\b|vorsorgeuntersuchung|"
            r"rente\b",
            r"quel âge\b|à (?:mon|son|notre|cet) âge\b|dépistage\b|retraite\b",
            r"qué edad\b|a (?:mi|su|nuestra|esta) edad\b|cribado\b|jubila",
        ),
    ),
    (
        Purpose.JOURNEY,
        _words(
            r"plan(?:ning)? (?:a|an|my|our|the|this) (?:\w{1,12} ){0,2}(?:trip|tour|journey|visit|"
            r"holiday|vacation)\b",
            r"(?:a |my |our )?(?:trip|journey|flights?|travel(?:l?ing)?) to\b|itinerary\b|sightseeing\b",
            r"weather (?:in|for|at|like in)\b|(?:things to do|what to (?:do|see|visit)|hotels?|"
            r"restaurants?) in\b",
            r"which visa\b|(?:need|get) a visa\b|(?:eine|meine|unsere) \w{0,12} ?reise nach\b|"
            r"wetter (?:in|für)\b",
            r"(?:urlaub|ausflug|flug|flüge|sehenswürdigkeiten|hotels?) (?:in|nach)\b|reiseplan\b|"
            r"welches visum\b",
            r"(?:voyage|séjour|vol|week-end|vacances) (?:à|au|aux|en|pour)\b|itinéraire\b|météo (?:à|"
            r"au|de|pour)",
            r"que (?:voir|faire|visiter) (?:à|au|en)\b|quel visa\b|(?:viaje|vuelos?|vacaciones) (?:a|"
            r"en|para)\b",
            r"(?:tiempo|clima) (?:en|hace en|hay en)\b|itinerario\b|qué (?:ver|hacer|visitar) en\b|"
            r"qué visado\b",
        ),
    ),
)
_BIRTH: Final = re.compile(
    r"(?<!\w)(?:d\.?o\.?b\b|birth|born\b|how old\b|geboren|geburt|geb\.|wie alt\b|née? (?:le|en)\b|"
    r"naissance|"
    r"quel âge\b|nacid[oa]|nació|nacimiento|qué edad\b)|(?<!\w)age\b|(?<!\w)alter\b"
)
_HOME: Final = re.compile(
    r"(?<!\w)(?:from|live[sd]?|living|reside[sd]?|residing|residents?|home|hometown|apartment|"
    r"based in|work(?:s|ed|ing)? in|"
    r"office|relocat\w{0,5}|mov(?:e[sd]?|ing)|born|family|friends?|aus|von|ab|wohn\w{0,6}|leb(?:e|t|"
    r"en)|zuhause|"
    r"daheim|heimat\w{0,5}|umzieh\w{0,3}|umzug|arbeite\w{0,2}|familie|freund\w{0,5}|depuis|"
    r"habit\w{1,4}|vis|vit|"
    r"viens|partant|domicile|chez|maison|déménag\w{0,5}|travaill\w{1,4}|famille|amie?s?|desde|viv[oe]|"
    r"vivimos|"
    r"resid\w{1,4}|casa|hogar|soy|somos|mud\w{1,5}|trabaj\w{1,5}|familia|amig[oa]s?)(?!\w)"
)


def purposes(prompt: Prompt) -> frozenset[Purpose]:
    """Say what a prompt is for, by the words of the user's messages; nothing when no word says so."""
    asked = [edge for message in prompt.messages if message.role == "user" for edge in _edges(message.text)]
    return frozenset(purpose for purpose, words in _SIGNS if any(map(words.search, asked)))


def speaks_of_birth(texts: Sequence[str]) -> bool:
    """Say whether a date in these texts may be somebody's date of birth; a doubt counts."""
    return _any(_BIRTH, texts)


def speaks_of_home(texts: Sequence[str]) -> bool:
    """Say whether a place in these texts may be where somebody lives, works or sets out; a doubt counts."""
    return _any(_HOME, texts)


def _any(words: re.Pattern[str], texts: Iterable[str]) -> bool:
    return any(words.search(text.lower()) for text in texts)


def _edges(text: str) -> tuple[str, ...]:
    lower = text.lower()
    if len(lower) <= 2 * EDGE_CHARACTERS:
        return (lower,)
    return lower[:EDGE_CHARACTERS], lower[-EDGE_CHARACTERS:]
