"""Mask a prompt for one reader. `Sanitized` is made only here, and is the only form in which text is sent.

Three passes over each text: the findings that this reader may not see; every other place of those
values, and of values that the conversation hid before; then whatever of the rest reads as a placeholder.
A value with a general form is written in it everywhere, and does not come back; all else is masked.
What comes out is checked as if another program had made it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from islandrun.errors import PrivacyFault
from islandrun.privacy import fields
from islandrun.privacy.detect import literals
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.propagate import Known, Value, value_of
from islandrun.privacy.disguises import in_disguise
from islandrun.privacy.floors import DEFAULT_FLOORS, Floors
from islandrun.privacy.forms import Form, form_for, general_texts
from islandrun.privacy.restore import restore
from islandrun.privacy.sensitivity import Assessment
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import PPM_MAX, Finding, FindingType, Message, Ppm, Prompt

VISIBLE_LENGTH_MIN: Final = 3
"""A masked value of fewer characters may stand elsewhere by chance."""
KEEP_PLACEHOLDERS: Final = (
    "Tokens in square brackets, a type and a number such as [TYPE_1], stand for values that are hidden from "
    "you. Write a token unchanged, brackets included, wherever you mean its value."
)
_IDEOGRAPHS: Final = "\u2e80"
"""From here on, one character is a word or a syllable, so that two are enough to tell."""
_PASS: Final = object()


class Sanitized:
    """A prompt as one reader may see it, what was masked in it by type, and how sensitive it still is."""

    __slots__ = ("masked", "prompt", "visible_ppm")

    prompt: Prompt
    masked: tuple[tuple[FindingType, int], ...]
    visible_ppm: Ppm

    def __init__(
        self, prompt: Prompt, masked: tuple[tuple[FindingType, int], ...], visible_ppm: Ppm, made_by: object
    ) -> None:
        if made_by is not _PASS:
            raise TypeError("Sanitized comes from islandrun.privacy.sanitize.sanitize only")
        object.__setattr__(self, "prompt", prompt)
        object.__setattr__(self, "masked", masked)
        object.__setattr__(self, "visible_ppm", visible_ppm)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("Sanitized cannot be changed")

    def __repr__(self) -> str:
        return f"<Sanitized visible {self.visible_ppm} ppm, {sum(count for _, count in self.masked)} masked>"


@dataclass(frozen=True, slots=True)
class Masked:
    """One text with its values replaced; `spans` say what was replaced by what, in order of place."""

    text: str = field(repr=False)
    spans: tuple[tuple[Finding, str], ...] = field(repr=False)
    visible: tuple[str, ...] = field(repr=False)


def sanitize(prompt: Prompt, assessment: Assessment, trust_ppm: Ppm, vault: Vault) -> Sanitized:
    """Return the prompt for a reader of this trust, with what is masked kept in `vault`.

    `Sanitized.masked` counts all that was replaced, by a placeholder or by a general form.

    Raises `PrivacyFault` when what stays visible needs more trust, when the assessment belongs to another
    prompt, when a masked text does not restore to its original, or when a masked value is still visible.
    A reader of full trust may see all, so for it nothing is a fault.
    """
    visible_ppm = assessment.visible_ppm(trust_ppm)
    if visible_ppm > trust_ppm:
        raise PrivacyFault("what stays visible after masking needs more trust than this island has")
    try:
        texts, fixed = fields.texts(prompt), fields.fixed_texts(prompt)
        masked = mask(texts, assessment.findings, trust_ppm, vault, fixed, assessment.floors)
    except PrivacyFault:
        if trust_ppm < PPM_MAX:
            raise
        return Sanitized(prompt, (), visible_ppm, _PASS)
    counts = Counter(finding.type for one in masked for finding, _ in one.spans)
    new = fields.replace(prompt, [one.text for one in masked])
    is_told = any(word in vault.originals() for one in masked for _, word in one.spans)
    return Sanitized(_told(new) if is_told else new, tuple(sorted(counts.items())), visible_ppm, _PASS)


def mask(
    texts: Sequence[str],
    findings: Sequence[Sequence[Finding]],
    trust_ppm: Ppm,
    vault: Vault,
    fixed: Sequence[str] = (),
    floors: Floors = DEFAULT_FLOORS,
) -> tuple[Masked, ...]:
    """Replace in every text what a reader of this trust may not see. Raises as `sanitize` does.

    `fixed` are texts that are sent along as they are; a masked value in one of them is a fault. `floors` are
    for what earlier turns hid.
    """
    if len(findings) != len(texts):
        if findings or trust_ppm < PPM_MAX:
            raise PrivacyFault("the findings belong to another prompt")
        findings = [()] * len(texts)
    chosen = [merge(one for one in found if form_for(one, trust_ppm) is not Form.KEEP) for found in findings]
    before = list(_hidden_before(vault, trust_ppm, floors))
    known = Known([*_values(texts, chosen), *before])
    complete = [_complete(text, found, known) for text, found in zip(texts, chosen, strict=True)]
    vault.introduce(
        (one.type, text[one.start : one.end])
        for text, found in zip(texts, complete, strict=True)
        for one in found
    )
    general = _general(texts, complete, general_texts(texts, chosen, trust_ppm), before)
    masked = tuple(_mask(text, found, vault, general) for text, found in zip(texts, complete, strict=True))
    _check(texts, masked, vault, fixed, general)
    return masked


def _general(
    texts: Sequence[str],
    complete: Sequence[Sequence[Finding]],
    wanted: Mapping[str, tuple[Finding, str]],
    before: Iterable[Value],
) -> dict[str, str]:
    """Return value -> general form. What is also something more, or would show a hidden value, has none."""
    if not wanted:
        return {}
    refused = {
        text[one.start : one.end]
        for text, found in zip(texts, complete, strict=True)
        for one in found
        if text[one.start : one.end] in wanted and not _is_same(one, wanted[text[one.start : one.end]][0])
    }
    general = {value: form for value, (_, form) in wanted.items() if value not in refused}
    hidden = Known(one for one in [*_values(texts, complete), *before] if one.text not in general)
    return {value: form for value, form in general.items() if not _holds([form], hidden)}


def _is_same(one: Finding, other: Finding) -> bool:
    return one.type is other.type and one.floor_ppm <= other.floor_ppm


def _values(texts: Sequence[str], findings: Sequence[Sequence[Finding]]) -> Iterable[Value]:
    for text, found in zip(texts, findings, strict=True):
        for one in found:
            original = text[one.start : one.end]
            if one.type is not FindingType.LITERAL and _tells(original):
                yield Value(original, one.type, one.floor_ppm)


def _hidden_before(vault: Vault, trust_ppm: Ppm, floors: Floors) -> Iterable[Value]:
    """Yield what earlier turns hid, so that a name is hidden, in part too, where nothing gives it away."""
    for placeholder, original in vault.originals().items():
        kind = FindingType(placeholder[1:].rpartition("_")[0])
        floor = floors.of(kind)
        if kind is not FindingType.LITERAL and floor > trust_ppm and _tells(original):
            yield value_of(original, kind, floor)


def _tells(original: str) -> bool:
    return len(original) >= VISIBLE_LENGTH_MIN or (len(original) == 2 and min(original) >= _IDEOGRAPHS)


def _complete(text: str, found: Sequence[Finding], known: Known) -> tuple[Finding, ...]:
    """Add every other place of a hidden value, and what of the rest reads as a placeholder."""
    spans = merge([*found, *known.find(text)])
    added: list[Finding] = []
    for start, end in _gaps(text, spans):
        added += [
            replace(one, start=one.start + start, end=one.end + start)
            for one in literals.find(text[start:end])
        ]
    return merge([*spans, *added])


def _gaps(text: str, spans: Sequence[Finding]) -> Iterable[tuple[int, int]]:
    at = 0
    for one in spans:
        yield at, one.start
        at = one.end
    yield at, len(text)


def _mask(text: str, spans: Sequence[Finding], vault: Vault, general: Mapping[str, str]) -> Masked:
    visible = tuple(text[start:end] for start, end in _gaps(text, spans))
    originals = [(one, text[one.start : one.end]) for one in spans]
    placed = tuple(
        (one, general[original] if original in general else vault.placeholder_for(one.type, original))
        for one, original in originals
    )
    pieces = [piece for gap, (_, word) in zip(visible, placed, strict=False) for piece in (gap, word)]
    return Masked("".join([*pieces, visible[-1]]), placed, visible)


def _check(
    texts: Sequence[str],
    masked: Sequence[Masked],
    vault: Vault,
    fixed: Sequence[str],
    general: Mapping[str, str],
) -> None:
    for text, one in zip(texts, masked, strict=True):
        if restore(one.text, vault) != _with_general(text, one.spans, general):
            raise PrivacyFault("a masked text does not restore to its original")
    values = list(_values(texts, [[finding for finding, _ in one.spans] for one in masked]))
    shown = [gap for one in masked for gap in one.visible] + list(fixed)
    unseen = Known(value for value in values if value.text not in general)
    if _holds(shown, Known(values)) or _holds(general.values(), unseen):
        raise PrivacyFault("a masked value is still visible elsewhere in the prompt")
    if in_disguise(values, shown):
        raise PrivacyFault("a masked value is still visible in the prompt in another spelling or encoding")


def _with_general(text: str, spans: Iterable[tuple[Finding, str]], general: Mapping[str, str]) -> str:
    """Return the original text but for the values that were made general, which do not come back."""
    pieces, at = [], 0
    for one, _ in spans:
        original = text[one.start : one.end]
        pieces += [text[at : one.start], general.get(original, original)]
        at = one.end
    return "".join([*pieces, text[at:]])


def _holds(texts: Iterable[str], values: Known) -> bool:
    return any(next(iter(values.find(text)), None) is not None for text in texts)


def _told(prompt: Prompt) -> Prompt:
    """Tell the model to keep placeholders: behind the first system text, or before everything."""
    first = prompt.messages[0] if prompt.messages else None
    if first is not None and first.role in ("system", "developer"):
        told = replace(
            first, text=f"{first.text}\n\n{KEEP_PLACEHOLDERS}" if first.text else KEEP_PLACEHOLDERS
        )
        return replace(prompt, messages=(told, *prompt.messages[1:]))
    return replace(prompt, messages=(Message("system", KEEP_PLACEHOLDERS), *prompt.messages))
