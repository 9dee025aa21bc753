"""Whole conversations with hostile values, masked, rewritten by a model and restored at any cut.

Each value holds a core that occurs nowhere else, so "hidden" is a plain search. One conversation follows
from one number; `ISLANDRUN_CONVERSATIONS=100000` runs more of them than the 3,000 that run always.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import pytest

from islandrun.privacy.detect.propagate import propagate
from islandrun.privacy.fields import replace, texts
from islandrun.privacy.restore import HELD_CHARACTERS_MAX, JsonRestorer, Restorer, restore
from islandrun.privacy.sanitize import Masked, mask
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt, ToolCall, ToolDefinition

COUNT = int(os.environ.get("ISLANDRUN_CONVERSATIONS", "3000"))
BATCHES = max(10, COUNT // 1000)

SHELLS = [
    "{}", "[PERSON_1] {}", "{} PERSON_2", "[[{}]]", "[{}", "{}]", ".*{}+?^$(|)", '"{}"', "{}\\", "\\{}",
    "a\n{}\r\n", "\u202e{}\u202c", "\u0645\u062d\u0645\u062f {}",
    "{}\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301{}o\u0308", '{{"k": ["{}", 1]}}', '["{}"]',
    "<b>{}</b>", "&#91;{}&#93;", "&lbrack;{}", "{}$1", "\\g<0>{}", "\\1{}\\2", "%5B{}%5D",
    "%5BPERSON_1%5D{}", "\\u005b{}\\u005d", "{}\x00\x07", "{}'s", "O'{}", "**{}**", "`{}`", "\u3010{}",
    "{}\uff3d", "[LITERAL_1]{}", "\u738b{}\u660e", "Dr. {} Smith", "{} Smith", "{} {{0}} %s %(x)s",
    "\\[PERSON\\_1\\]{}", "{}[**PERSON_1**]",
]  # fmt: skip
FILLERS = [
    "", " ", "text ", "[", "]", "[[", "\\", "_", "_1", "1", "b", "'s", "**", "`", "&", "&#91;", "&lbrack;",
    "%5B", "%5D", "person", "PERSON", "PERSON_", "[PERSON_1]", "[person 1b]", "PERSON_1",
    "\\[PERSON\\_1\\]", "[**DATE_1**]", "[CODE_1's]", "{IP_1}", "<URL-1>", "\uff3bORG_1\uff3d",
    "%5BORG_1%5D", "[LITERAL_1]", "\n", '"', "{", "}", "<", ">", "\u200b", "\u00df", "\U0001f600", "\u0301",
    "NATIONAL_ID_1", "$1", "\\g<0>", "\\u005b", "x", "\u65e5\u672c",
]  # fmt: skip
KINDS = [kind for kind in FindingType if kind is not FindingType.LITERAL]
PLAIN = [
    "so ",
    "it is ",
    "\n- ",
    "(",
    "), ",
    "\u00fc \U0001f600 ",
    '"',
    "a_b ",
    "5% & 3 < 4 ",
    "]",
    "* ",
    "\\ ",
    "[x] ",
]

REWRITES: list[tuple[str, Callable[[str], str], str]] = [
    ("same", lambda word: f"[{word}]", "{}"),
    ("bold", lambda word: f"**[{word}]**", "**{}**"),
    ("bold within", lambda word: f"[**{word}**]", "{}"),
    ("code", lambda word: f"`[{word}]`", "`{}`"),
    ("code within", lambda word: f"[`{word}`]", "{}"),
    ("possessive", lambda word: f"[{word}]'s", "{}'s"),
    ("possessive within", lambda word: f"[{word}\u2019s]", "{}\u2019s"),
    ("small", lambda word: f"[{word.lower()}]", "{}"),
    ("title", lambda word: f"[{word.title()}]", "{}"),
    ("bare", lambda word: f" {word} ", " {} "),
    ("spaces", lambda word: f"[ {word.replace('_', ' ')} ]", "{}"),
    ("hyphen", lambda word: f"[{word.replace('_', '-')}]", "{}"),
    ("wide", lambda word: f"[{word.replace('_', ' _ ')}]", "{}"),
    ("escaped", lambda word: "\\[" + word.replace("_", "\\_") + "\\]", "{}"),
    ("angle", lambda word: f"<{word}>", "{}"),
    ("curly", lambda word: f"{{{word}}}", "{}"),
    ("entities", lambda word: f"&#91;{word}&#93;", "{}"),
    ("named entities", lambda word: f"&lbrack;{word}&rsqb;", "{}"),
    ("angle entities", lambda word: f"&lt;{word}&gt;", "{}"),
    ("percent", lambda word: f"%5B{word}%5d", "{}"),
    ("full width", lambda word: f"\uff3b{word}\uff3d", "{}"),
    ("lenticular", lambda word: f"\u3010{word}\u3011", "{}"),
    ("doubled", lambda word: f"[[{word}]]", "[{}]"),
]


@dataclass(frozen=True, slots=True)
class Planted:
    """A value, and the core by which it is recognised."""

    original: str
    core: str
    kind: FindingType


def values(dice: Random) -> list[Planted]:
    found = []
    for _ in range(dice.randint(1, 6)):
        core = "Q" + "".join(dice.choices("bcdfghjklmnpqrstvwxz", k=9))
        shell = dice.choice(SHELLS)
        found.append(Planted(shell.format(core), core, dice.choice(KINDS)))
    return found


def text_of(dice: Random, planted: Sequence[Planted]) -> str:
    pieces = []
    for _ in range(dice.randint(0, 6)):
        pieces += dice.choices(FILLERS, k=dice.randint(0, 3))
        pieces.append(dice.choice(planted).original if dice.random() < 0.7 else "")
    return "".join([*pieces, dice.choice(FILLERS)])


def structure_of(dice: Random, planted: Sequence[Planted], depth: int = 0) -> object:
    """Return something that is sent as JSON, and now and then as JSON inside of JSON."""
    roll = dice.random()
    if depth > 2 or roll < 0.5:
        return text_of(dice, planted)
    if roll < 0.6:
        return dice.choice([1, -2.5, True, None, 10**20])
    if roll < 0.75:
        return [structure_of(dice, planted, depth + 1) for _ in range(dice.randint(0, 3))]
    inner = {
        text_of(dice, planted): structure_of(dice, planted, depth + 1) for _ in range(dice.randint(0, 3))
    }
    return json.dumps(inner, ensure_ascii=dice.random() < 0.5) if roll > 0.9 else inner


def conversation(dice: Random, planted: Sequence[Planted]) -> Prompt:
    def as_json() -> str:
        return json.dumps({"arguments": structure_of(dice, planted)}, ensure_ascii=dice.random() < 0.5)

    messages = []
    for _ in range(dice.randint(1, 4)):
        role = dice.choice(("system", "developer", "user", "assistant", "tool"))
        text = as_json() if role == "tool" and dice.random() < 0.7 else text_of(dice, planted)
        calls = (ToolCall("1", "look", as_json()),) if role == "assistant" else ()
        messages.append(
            Message(role, text, calls, name=text_of(dice, planted) if dice.random() < 0.1 else "")
        )
    tools = (ToolDefinition("look", text_of(dice, planted), as_json()),) if dice.random() < 0.3 else ()
    return Prompt(tuple(messages), tools)


def findings_in(text: str, planted: Sequence[Planted]) -> tuple[Finding, ...]:
    """Find the values, and their cores where a value that looks like JSON was taken apart."""
    return tuple(
        Finding(found.start(), found.end(), one.kind, Ppm(900_000), Ppm(900_000), "planted")
        for one in planted
        for found in re.finditer(f"{re.escape(one.original)}|{one.core}", text)
    )


def pieces_of(dice: Random, text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = dice.choice((1, 1, 2, 3, 5, 8, 40))
        yield text[at : at + size]
        at += size


def streamed(dice: Random, text: str, restorer: Restorer | JsonRestorer) -> str:
    shown = ""
    for piece in pieces_of(dice, text):
        shown += restorer.feed(piece)
        assert not isinstance(restorer, Restorer) or len(restorer._held) <= HELD_CHARACTERS_MAX
    return shown + restorer.finish()


def check_prompt(
    dice: Random, prompt: Prompt, planted: Sequence[Planted], vault: Vault
) -> tuple[Masked, ...]:
    places = texts(prompt)
    findings = propagate(places, [findings_in(text, planted) for text in places])
    masked = mask(places, findings, Ppm(500_000), vault)
    for text, one in zip(places, masked, strict=True):
        assert restore(one.text, vault) == text
        assert streamed(dice, one.text, Restorer(vault)) == text
        assert not any(value.core in one.text for value in planted)
    again = mask(places, findings, Ppm(500_000), vault)  # what is known of by now may hide more of it
    assert [restore(one.text, vault) for one in again] == list(places)
    assert not any(value.core in one.text for value in planted for one in again)
    sent = replace(prompt, [one.text for one in masked])
    assert len(texts(sent)) == len(places)
    back = replace(sent, [restore(one.text, vault) for one in masked])
    assert texts(back) == places
    return masked


def check_answer(dice: Random, vault: Vault) -> None:
    """Let a model write of the values in all its ways, and of numbers that nobody gave out."""
    known = list(vault.originals().items())
    answer, expected = "", ""
    for _ in range(dice.randint(1, 6)):
        filler = dice.choice(PLAIN)
        placeholder, original = dice.choice([*known, ("[PERSON_99999]", "")])
        _, rewrite, shape = dice.choice(REWRITES)
        written = rewrite(placeholder[1:-1])
        shown = shape.replace("{}", original) if original else written
        answer, expected = f"{answer}{filler} {written} ", f"{expected}{filler} {shown} "
    assert restore(answer, vault) == expected
    assert streamed(dice, answer, Restorer(vault)) == expected


def check_arguments(dice: Random, vault: Vault) -> None:
    """Let a model call a tool with the values, in JSON and in JSON inside of it, escaped as it likes."""
    known = list(vault.originals().items())
    sent, meant = {}, {}
    for number in range(dice.randint(1, 4)):
        placeholder, original = dice.choice(known)
        filler = dice.choice(PLAIN)
        sent[f"k{number}"], meant[f"k{number}"] = f"{filler} {placeholder}", f"{filler} {original}"
    outer = {"note": sent, "inner": json.dumps(sent, ensure_ascii=dice.random() < 0.5)}
    written = json.dumps(outer, ensure_ascii=dice.random() < 0.5)
    if dice.random() < 0.5:
        written = re.sub(r"\[(?=[A-Z])", lambda _: dice.choice(("[", "\\u005b", "\\u005B")), written)
        written = written.replace("PERSON", "P\\u0045RSON")
    got = json.loads(streamed(dice, written, JsonRestorer(vault)))
    assert got["note"] == meant
    assert json.loads(got["inner"]) == meant


@pytest.mark.parametrize("batch", range(BATCHES))
def test_conversations_come_back_exactly_and_hide_everything(batch: int) -> None:
    for seed in range(batch, COUNT, BATCHES):
        dice = Random(seed)
        planted, vault = values(dice), Vault()
        try:
            for _ in range(dice.randint(1, 2)):
                check_prompt(dice, conversation(dice, planted), planted, vault)
            if len(vault):
                check_answer(dice, vault)
                check_arguments(dice, vault)
        except Exception as fault:
            raise AssertionError(f"conversation {seed} does not hold") from fault
