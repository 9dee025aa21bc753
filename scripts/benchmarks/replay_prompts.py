"""What the requests of a replay say: labelled texts, and what an island was really shown of them.

A label names the values that must not be seen by everybody, and the class of the text. What a reader of some
trust is shown is made by the library, for that trust; then it is searched, as a stranger would search it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import RULES, Detector
from islandrun.privacy.sanitize import KEEP_PLACEHOLDERS, sanitize
from islandrun.privacy.sensitivity import Assessment, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import CLASS_FLOORS, Message, Ppm, Prompt, SensitivityClass

PROMPTS_MAX = 100_000
_IBAN = "DE89 3704 0044 0532 0130 00"
_CARD = "4111 1111 1111 1111"

BUILT_IN: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("public", "Explain in three sentences how a suspension bridge carries its load.", ()),
    ("public", "Write a limerick about a cat that is afraid of mice.", ()),
    ("public", "Write a function in Python that merges two sorted lists.", ()),
    ("public", "Why is the sky blue in the day and red in the evening?", ()),
    ("public", "Give me ten ideas for a vegetarian dinner that is ready in twenty minutes.", ()),
    ("public", "Translate into French: the train to the coast leaves every hour.", ()),
    ("public", "What is the difference between a mutex and a semaphore?", ()),
    ("public", "Turn this list into a table: apples 3, pears 5, plums 8.", ()),
    (
        "confidential",
        "Write a friendly reminder to Anna Kern, anna.kern@example.org, that her parcel is waiting.",
        ("Anna Kern", "anna.kern@example.org"),
    ),
    (
        "confidential",
        "Dear Mr. Jonas Albrecht, your phone number +49 30 901820 is on our list. Make this politer.",
        ("Albrecht", "+49 30 901820"),
    ),
    (
        "confidential",
        "Find the error: ssh fails to 10.20.30.77 as user root, while 10.20.30.78 works.",
        ("10.20.30.77", "10.20.30.78"),
    ),
    (
        "restricted",
        f"Draft a letter to the bank: please move my account, IBAN {_IBAN}, to the new branch.",
        (_IBAN,),
    ),
    (
        "restricted",
        f"Is this receipt right? Paid with card {_CARD}, two nights, 240 euros.",
        (_CARD,),
    ),
    (
        "restricted",
        "Summarise: patient Maria Lindner, born 12.03.1961, has breast cancer, starts chemotherapy.",
        ("Maria Lindner", "12.03.1961"),
    ),
    (
        "restricted",
        "Rewrite: the patient is HIV positive and is treated with antiretroviral drugs for depression, too.",
        (),
    ),
)
"""Class, text and secrets; no value belongs to anybody."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text with its label. `floor_ppm` is the trust that its class asks for."""

    id: str
    text: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    floor_ppm: Ppm


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader would be sent. `leaks` counts values in it that need more trust than the reader has."""

    leaks: int
    is_withheld: bool
    masked: int
    spent_seconds: float


def read(path: Path | None) -> list[Labelled]:
    """Read labelled prompts, JSON lines, or take the built-in ones. Raises `ValueError` on a bad line."""
    if path is None:
        return [
            Labelled(f"built-in-{number}", text, secrets, _floor(name))
            for number, (name, text, secrets) in enumerate(BUILT_IN)
        ]
    found: list[Labelled] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            one = json.loads(line)
            found.append(
                Labelled(str(one["id"]), str(one["text"]), tuple(one["secrets"]), _floor(one["class"]))
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}, line {number}: it must be JSON with id, text, secrets and class"
            ) from error
        if number > PROMPTS_MAX:
            raise ValueError(f"{path} has more than {PROMPTS_MAX} lines: shorten it")
    if not found:
        raise ValueError(f"{path} holds no prompts: give a file with at least one line")
    return found


def _floor(name: str) -> Ppm:
    try:
        return CLASS_FLOORS[SensitivityClass[name.upper()]]
    except KeyError:
        raise ValueError(f"{name!r} is no class: use public, internal, confidential or restricted") from None


class Reading:
    """Judges each text once, masks it once for each trust, and searches what came out."""

    def __init__(self, prompts: Sequence[Labelled], detectors: Sequence[Detector] = (RULES,)) -> None:
        self.prompts = prompts
        self.assessments: list[Assessment] = []
        self.spent_seconds: list[float] = []
        for one in prompts:
            before = time.perf_counter()
            self.assessments.append(assess(_prompt(one), detectors))
            self.spent_seconds.append(time.perf_counter() - before)
        self._shown: dict[tuple[int, Ppm], Shown] = {}

    def may_see(self, number: int, trust_ppm: Ppm) -> bool:
        """Say whether a reader of this trust may have the text at all, once masked."""
        return trust_ppm > 0 and self.assessments[number].visible_ppm(trust_ppm) <= trust_ppm

    def shown(self, number: int, trust_ppm: Ppm) -> Shown:
        """Return what the library sends to a reader of this trust."""
        key = (number, trust_ppm)
        if key not in self._shown:
            self._shown[key] = self._show(number, trust_ppm)
        return self._shown[key]

    def _show(self, number: int, trust_ppm: Ppm) -> Shown:
        one, known = self.prompts[number], self.assessments[number]
        vault, before = Vault(), time.perf_counter()
        try:
            made = sanitize(_prompt(one), known, trust_ppm, vault)
        except PrivacyFault:
            return Shown(0, True, 0, time.perf_counter() - before)
        spent = time.perf_counter() - before
        text = "\n".join(message.text for message in made.prompt.messages).replace(KEEP_PLACEHOLDERS, "")
        for placeholder in vault.originals():  # its word may be a value, too: "IBAN" in [IBAN_1]
            text = text.replace(placeholder, "")
        leaks = self.leaks(number, trust_ppm, text)
        return Shown(leaks, False, sum(count for _, count in made.masked), spent)

    def leaks(self, number: int, trust_ppm: Ppm, text: str | None = None) -> int:
        """Count what a reader of this trust must not see and does, in `text` or in all as it was written.

        That is each labelled secret, each finding, and a topic that needs more trust even after masking. A
        secret that was found needs the trust of its finding; one that was not, that of the class.
        """
        one, known = self.prompts[number], self.assessments[number]
        found = [
            (one.text[span.start : span.end], span.floor_ppm) for spans in known.findings for span in spans
        ]
        needed = dict.fromkeys(one.secrets, one.floor_ppm)
        for secret in one.secrets:
            floors = [floor for value, floor in found if secret in value or value in secret]
            needed[secret] = max(floors) if floors else one.floor_ppm
        for value, floor in found:
            needed[value] = max(needed.get(value, floor), floor)
        seen = (one.text if text is None else text).casefold()
        values = sum(floor > trust_ppm and value.casefold() in seen for value, floor in needed.items())
        return values + (not self.may_see(number, trust_ppm))


def _prompt(one: Labelled) -> Prompt:
    return Prompt((Message("user", one.text),))
