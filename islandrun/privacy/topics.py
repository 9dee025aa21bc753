"""What a request is about, where that alone is sensitive: masking hides a name, not a diagnosis.

A topic needs its words *and* a person: "what is diabetes?" is about nobody, "my diabetes results" is.
Without a detector that knows names there are two more topics, which say what was not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from islandrun.privacy.detect.words import AMBIGUOUS, CAPITALISED, ORDINARY, RELATIONS
from islandrun.vocabulary import Finding, FindingType, Ppm

DISTANCE_CHARACTERS: Final = 300
"""How far a word of a topic and a person may stand apart and still belong together."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a text is about: the trust to see it as it is, and what stays when its findings are masked."""

    name: str
    floor_ppm: Ppm
    masked_floor_ppm: Ppm


FREE_TEXT: Final = Topic("free text without a names detector", Ppm(300_000), Ppm(300_000))
POSSIBLE_NAMES: Final = Topic("possible names", Ppm(600_000), Ppm(600_000))
UNREAD_SCRIPT: Final = Topic("a script in which names are not found", Ppm(600_000), Ppm(600_000))
MINORS: Final = Topic("minors", Ppm(900_000), Ppm(700_000))
TRADE_SECRETS: Final = Topic("trade secrets", Ppm(700_000), Ppm(600_000))
SOURCE_CODE: Final = Topic("source code", Ppm(400_000), Ppm(300_000))
CREDENTIALS_MASKED: Final = Ppm(300_000)
HEALTH: Final = Topic("health", Ppm(900_000), Ppm(700_000))
LAW: Final = Topic("law", Ppm(600_000), Ppm(500_000))
HUMAN_RESOURCES: Final = Topic("human resources", Ppm(600_000), Ppm(500_000))
FINANCE: Final = Topic("finance", Ppm(600_000), Ppm(500_000))
LEARNED: Final[Mapping[str, Topic]] = {
    "health": HEALTH,
    "law": LAW,
    "finance": FINANCE,
    "hr": HUMAN_RESOURCES,
    "credentials": Topic("credentials", Ppm(900_000), CREDENTIALS_MASKED),
    "code": SOURCE_CODE,
    "minors": MINORS,
    "trade": TRADE_SECRETS,
    "private matter": Topic("private matter", Ppm(500_000), Ppm(200_000)),
    "sensitive matter": Topic("sensitive matter", Ppm(850_000), Ppm(300_000)),
}
"""What the trained detector's topics mean; those of `topics` below are found by words."""

_OF_PERSONS: Final = (
    (HEALTH, re.compile(
        r"\b(?:diagnos\w{0,7}|diabet\w{0,4}|cancer|tumou?rs?|chemo\w{0,8}|leuk\w{2,6}|hiv|aids|hepatitis|"
        r"herpes|chlamydia|syphilis|depress\w{2,6}|anxiety|bipolar|schizo\w{2,8}|"
        r"adhd|autis\w{1,4}|ptsd|dementia|alzheimer'?s?|parkinson'?s?|epilep\w{1,4}|asthma|migraines?|"
        r"allerg\w{1,5}|stroke|heart (?:attack|disease|failure)|blood (?:pressure|test|sugar|type)|"
        r"hba1c|cholesterol|biopsy|mri|ct scan|x-ray|surgery|surgeon|pregnan\w{1,4}|miscarriage|abortion|"
        r"ivf|infertil\w{1,4}|menopause|medications?|prescri\w{2,7}|insulin|antidepressants?|"
        r"ssri|opioids?|addict\w{0,5}|alcoholi\w{1,4}|overdose|rehab|suicid\w{1,4}|self-harm|"
        r"eating disorder|anorexi\w{1,3}|bulimi\w{1,3}|therapy|therapist|psychiatr\w{1,5}|psycholog(?:ist|"
        r"ical)|"
        r"symptoms?|sclerosis|infection|disease|illness|sick leave|disabilit\w{1,4}|transplant|icd-?10|"
        r"lab results?|test results?|mg daily|std|covid\S{0,3}|tested positive|hospital\w{0,8}|"
        r"krankheit|krank|diagnose|krebs|schwanger\w{0,6}|depressionen|medikament\w{0,3}|maladie|enceinte|"
        r"ordonnance|enfermedad|embaraz\w{1,5}|c\u00e1ncer)\b")),
    (LAW, re.compile(
        r"\b(?:lawsuit|sued|suing|attorney|lawyer|plaintiff|defendant|custody|divorc\w{1,4}|indict\w{2,6}|"
        r"criminal record|convict\w{2,5}|arrest\w{0,3}|probation|parole|prison|jail|"
        r"subpoena\w{0,3}|affidavit|deposition|settlement|testif\w{1,4}|restraining order|asylum|"
        r"deport\w{2,6}|inherit\w{1,5}|prosecut\w{2,5}|court (?:case|hearing|date|order)|"
        r"anwalt|scheidung|klage|avocat|divorce|abogad\w{1,2}|divorcio)\b")),
    (HUMAN_RESOURCES, re.compile(
        r"\b(?:salar\w{1,4}|payroll|performance (?:review|improvement)|termination|terminat(?:e|ed) (?:his|"
        r"her|my|the)|fired|laid off|layoffs?|disciplin\w{2,6}|resign\w{0,7}|severance|harass\w{1,6}|"
        r"grievance|misconduct|promotion|demot\w{2,4}|warning letter|job application|cover letter|"
        r"curriculum vitae|resume|cv|references? letter|maternity leave|sick days|"
        r"gehalt|k\u00fcndigung|abmahnung|bewerbung|salaire|licenciement|sueldo|despido)\b")),
    (FINANCE, re.compile(
        r"\b(?:mortgage|loans?|debts?|bankrupt\w{0,3}|insolven\w{1,3}|tax (?:return|debt|bill)|income|"
        r"bank (?:account|statement)|account balance|credit (?:score|report|card)|savings|overdraft|"
        r"net worth|portfolio|pension|foreclosure|alimony|payday|schulden|kredit|konto(?:stand|auszug)?|"
        r"steuererkl\u00e4rung|dettes?|deudas?|hipoteca)\b")),
)  # fmt: skip

_PEOPLE_WORDS: Final = "|".join(
    word for word in RELATIONS if word not in ("patients", "students", "clients", "customers", "employees")
)
_PERSON: Final = re.compile(
    r"\b(?:my|mine|our|his|her|hers|he|she|him|himself|herself|mein\w{0,2}|unser\w{0,2}|seine?\w?|ihre?\w?|"
    r"mon|mes|notre|mi|mis|nuestr[oa]s?|tengo|estoy|j'ai|"
    r"i (?:have|had|was|am|feel|felt|take|took|got|get|suffer|owe|earn|make|lost|went|tested|'ve)|i've|i'm|"
    r"i was|i got|ich (?:habe|hatte|bin|war|nehme)|je suis|"
    rf"we (?:have|are|were|owe)|(?:the|this|a|an|one|new) (?:{_PEOPLE_WORDS})|(?:{_PEOPLE_WORDS})(?: ?[:#]|"
    rf" is | has | was |'s )|"
    r"[0-9]{1,3}[ -](?:year|yr)s?[ -]old|(?:male|female|man|woman|boy|girl),? (?:aged? )?[0-9]{1,3})(?![\w])"
)
_MINOR: Final = re.compile(
    r"\b(?:(?:my|our|his|her|their) (?:[a-z0-9-]{1,12} ){0,2}(?:son|daughter|child|kid|kids|children|baby|"
    r"toddler|grandson|granddaughter|niece|nephew)|"
    r"(?:boy|girl|child|student|pupil|kid|son|daughter)[^.\n]{0,30}\b(?:age[d]?:? |is )(?:[0-9]|1[0-7])\b|"
    r"\b(?:[0-9]|1[0-7])[ -](?:year|yr|month)s?[ -]old|under-?age|minor child|"
    r"mein(?:e|em|er|en)? (?:sohn|tochter|kind)\w{0,2}|mon fils|ma fille|mon enfant|mi hij[oa])\b"
)
_CONFIDENTIAL: Final = re.compile(
    r"\b(?:(?:strictly|highly|company|business|client) confidential|confidential(?: information| document|"
    r" -|:| and proprietary|\s*$)|(?:is|are|remains?|keep (?:this|it|that)|stay|treat (?:this|"
    r"it) as) (?:strictly )?confidential|"
    r"confidential(?=[.!\n])|internal(?: use)? only|for internal use|not for (?:distribution|release|"
    r"public)|do not (?:share|distribute|forward|disclose|circulate)|under (?:an? )?nda|non-disclosure|"
    r"embargoed|proprietary and|attorney-client|privileged|our (?:trade secret|secret|unreleased|"
    r"unannounced|merger|acquisition|term sheet|takeover|roadmap|source code|pricing strategy|"
    r"board)\w{0,2}|"
    r"(?:we|they|company)(?: will| plan to| intend to| are going to|'re going to| are|"
    r"'re)? (?:acquir\w{1,3}|merg\w{1,3}|buy(?:ing)? out|tak(?:e|ing) over)|unannounced (?:merger|"
    r"acquisition|product)|"
    r"due diligence (?:on|of|for)|streng vertraulich|vertraulich|nur (?:f\u00fcr den )?intern\w{0,6}|"
    r"confidentiel|confidencial)",
    re.MULTILINE,
)
_FENCE: Final = re.compile(r"^[ \t]{0,3}(?:```|~~~)", re.MULTILINE)
_CODE_LINE: Final = re.compile(
    r"^[ \t]{0,80}(?:def \w+\(|"
    r"class \w+[:({ ]|import [\w.]+|from [\w.]+ import |#include|public |"
    r"private |protected |static |func \w|fn \w|"
    r"(?:let|const|var) \w+ ?=|return\b.{0,80};|"
    r"(?:if|for|while|switch) ?\(.{0,80}\{|\}\s{0,2}(?:else|catch)|SELECT .{1,80} FROM |INSERT INTO |"
    r"CREATE TABLE |[\w.\[\]]{1,60} ?[+-]?= ?.{1,120};$|@\w+\(?)",
    re.MULTILINE,
)
_CODE_LINES_MIN: Final = 3
_NAMED: Final = frozenset({FindingType.PERSON, FindingType.EMAIL, FindingType.PHONE, FindingType.ADDRESS})


def topics(texts: Sequence[str], findings: Sequence[Sequence[Finding]], *, finds_names: bool) -> list[Topic]:
    """Return the topics of a prompt, each once, in a fixed order."""
    found = [*_marked(texts), *_credentials(findings)]
    for text, spans in zip(texts, findings, strict=True):
        found += _of_persons(text, spans, finds_names=finds_names)
    if not finds_names:
        found += _unsearched(texts, findings)
    elif any(_UNREAD.search(hidden(text, spans)) for text, spans in zip(texts, findings, strict=True)):
        found.append(UNREAD_SCRIPT)
    return sorted(set(found), key=lambda topic: (-topic.floor_ppm, topic.name))


def _credentials(findings: Sequence[Sequence[Finding]]) -> Iterator[Topic]:
    floors = [one.floor_ppm for spans in findings for one in spans if one.type is FindingType.SECRET]
    if floors:
        yield Topic("credentials", max(floors), min(CREDENTIALS_MASKED, max(floors)))


def _marked(texts: Sequence[str]) -> Iterator[Topic]:
    for text in texts:
        if _FENCE.search(text) or sum(1 for _ in _CODE_LINE.finditer(text)) >= _CODE_LINES_MIN:
            yield SOURCE_CODE
        if _CONFIDENTIAL.search(text.lower()):
            yield TRADE_SECRETS


def _of_persons(text: str, spans: Sequence[Finding], *, finds_names: bool) -> Iterator[Topic]:
    lower = text.lower()
    if _MINOR.search(lower):
        yield MINORS
    about = [(topic, found.start()) for topic, words in _OF_PERSONS for found in words.finditer(lower)]
    if not about:
        return
    people = [one.start for one in spans if one.type in _NAMED]
    people += [found.start() for found in _PERSON.finditer(lower)]
    if not finds_names:
        people += possible_names(hidden(text, spans))
    people.sort()
    for topic, place in about:
        if _is_near(people, place):
            yield topic


def _is_near(places: Sequence[int], place: int) -> bool:
    return any(abs(other - place) <= DISTANCE_CHARACTERS for other in places)


# ---------------------------------------------------------------- what was not looked for

_TALK_OF_SOMEBODY: Final = re.compile(
    rf"(?i)\b(?:my|our|his|her|mein\w{{0,2}}|mon|ma|mi) (?:\w{{1,15}} )?(?:{'|'.join(RELATIONS)}|frau|mann|"
    rf"freund\w{{0,3}}|chef\w{{0,2}}|mari|femme|ami[e]?|esposa|marido|amig[oa])\b"
    r"|\b(?:the|this|a) (?:patient|defendant|plaintiff|tenant|applicant|candidate|victim|witness)\b|"
    r"\bpatient:"
)
_FOREIGN: Final = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\u2070-\u218f\ufb00-\ufb06\uff21-\uff5a]")
_UNREAD: Final = re.compile(
    rf"{_FOREIGN.pattern}{{2}}|[\u0590-\u07ff\u0900-\u0fff\u3040-\u9fff\uac00-\ud7af]"
)
"""One letter of Greek or Cyrillic is a sign of mathematics; of other scripts it may be a name."""
_FENCED: Final = re.compile(r"(?:```|~~~)[^`~]{0,20000}(?:```|~~~)|`[^`\n]{1,200}`")
_CAPITAL_WORD: Final = re.compile(
    r"(?<![\w.@/\\#$<-])[^\W\d_a-z\u00df-\u00f6\u00f8-\u00ff][^\W\d_'\u2019-]*"
    r"(?:['\u2019-][^\W\d_]+)*(?![\w(\[\\]|[.:]\w|::)"
)
_SENTENCE_END: Final = re.compile(r"(?:^|[.!?:;\n>*#|\"\u201c(\[-]|\d[.)])[\s\"'*_#>(\[-]*$")
_COMMON: Final = ORDINARY | CAPITALISED
_INNER_CAPITAL: Final = re.compile(r"[^\W_]{1,40}?[a-z][A-Z]")
_NAME_BEGINNINGS: Final = ("mc", "mac", "de", "van", "di", "le", "la")


def hidden(text: str, spans: Sequence[Finding]) -> str:
    """Return a text of the same length with its findings blotted out."""
    pieces, at = [], 0
    for one in spans:
        pieces += [text[at : one.start], "x" * (one.end - one.start)]
        at = one.end
    return "".join([*pieces, text[at:]])


def possible_names(text: str) -> list[int]:
    """Return the places of words that could be somebody's name; code and common words are left out."""
    prose = _FENCED.sub(lambda found: " " * len(found[0]), text)
    return [found.start() for found in _CAPITAL_WORD.finditer(prose) if _could_be_name(prose, found)]


def _could_be_name(text: str, found: re.Match[str]) -> bool:
    word = found[0].replace("\u2019", "'")
    plain = word.lower().removesuffix("'s")
    if len(word) < 2 or plain in CAPITALISED or (word.isupper() and len(word) <= 5):
        return False
    if _INNER_CAPITAL.match(word):
        return plain.startswith(_NAME_BEGINNINGS)
    parts = [part for part in re.split(r"['-]", plain) if len(part) > 1]
    if not all(part in _COMMON for part in parts):
        return True
    begins_sentence = _SENTENCE_END.search(text[max(0, found.start() - 12) : found.start()]) is not None
    return plain in AMBIGUOUS and not begins_sentence


def _unsearched(texts: Sequence[str], findings: Sequence[Sequence[Finding]]) -> Iterator[Topic]:
    if any(any(map(str.isalpha, text)) for text in texts):
        yield FREE_TEXT
    for text, spans in zip(texts, findings, strict=True):
        rest = hidden(text, spans)
        if (
            any(one.type in _NAMED for one in spans)
            or _FOREIGN.search(rest)
            or _TALK_OF_SOMEBODY.search(rest)
            or possible_names(rest)
        ):
            yield POSSIBLE_NAMES
            return
