"""Mask a prompt for one reader. `Sanitized` is made only here, and is the only form in which text is sent.

Three passes over each text: the findings that this reader may not see; every other place of those
values, and of values that the conversation hid before; then whatever of the rest reads as a placeholder.
What comes out is checked as if another program had made it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from islandrun.errors import PrivacyFault
from islandrun.privacy import fields
from islandrun.privacy.detect import literals
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.propagate import Known, Value
from islandrun.privacy.disguises import in_disguise
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.privacy.restore import restore
from islandrun.privacy.sensitivity import Assessment, is_masked
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import PPM_MAX, Finding, FindingType, Message, Ppm, Prompt

VISIBLE_LENGTH_MIN: Final = 3
"""A masked value of fewer characters may stand elsewhere by chance."""
KEEP_PLACEHOLDERS: Final = (
    "Tokens in square brackets, a type and a number such as [TYPE_1], stand for values that are hidden from "
    "you. Write a token unchanged, brackets included, wherever you mean its value."
)
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
    spans: tuple[tuple[Finding, str], ...]
    visible: tuple[str, ...] = field(repr=False)


def sanitize(prompt: Prompt, assessment: Assessment, trust_ppm: Ppm, vault: Vault) -> Sanitized:
    """Return the prompt for a reader of this trust, with originals kept in `vault`.

    Raises `PrivacyFault` when what stays visible needs more trust, when the assessment belongs to another
    prompt, when a masked text does not restore to its original, or when a masked value is still visible.
    A reader of full trust may see all, so for it nothing is a fault.
    """
    visible_ppm = assessment.visible_ppm(trust_ppm)
    if visible_ppm > trust_ppm:
        raise PrivacyFault("what stays visible after masking needs more trust than this island has")
    try:
        masked = mask(fields.texts(prompt), assessment.findings, trust_ppm, vault, fields.fixed_texts(prompt))
    except PrivacyFault:
        if trust_ppm < PPM_MAX:
            raise
        return Sanitized(prompt, (), visible_ppm, _PASS)
    counts = Counter(finding.type for one in masked for finding, _ in one.spans)
    new = fields.replace(prompt, [one.text for one in masked])
    return Sanitized(_told(new) if counts else new, tuple(sorted(counts.items())), visible_ppm, _PASS)


def mask(
    texts: Sequence[str],
    findings: Sequence[Sequence[Finding]],
    trust_ppm: Ppm,
    vault: Vault,
    fixed: Sequence[str] = (),
) -> tuple[Masked, ...]:
    """Replace in every text what a reader of this trust may not see. Raises as `sanitize` does.

    `fixed` are texts that are sent along as they are; a masked value in one of them is a fault.
    """
    if len(findings) != len(texts):
        if findings or trust_ppm < PPM_MAX:
            raise PrivacyFault("the findings belong to another prompt")
        findings = [()] * len(texts)
    chosen = [merge(one for one in found if is_masked(one, trust_ppm)) for found in findings]
    known = Known([*_values(texts, chosen), *_hidden_before(vault, trust_ppm)])
    complete = [_complete(text, found, known) for text, found in zip(texts, chosen, strict=True)]
    masked = tuple(_mask(text, found, vault) for text, found in zip(texts, complete, strict=True))
    _check(texts, masked, vault, fixed)
    return masked


def _values(texts: Sequence[str], findings: Sequence[Sequence[Finding]]) -> Iterable[Value]:
    for text, found in zip(texts, findings, strict=True):
        for one in found:
            original = text[one.start : one.end]
            if one.type is not FindingType.LITERAL and len(original) >= VISIBLE_LENGTH_MIN:
                yield Value(original, one.type, one.floor_ppm)


def _hidden_before(vault: Vault, trust_ppm: Ppm) -> Iterable[Value]:
    """Yield what earlier turns hid, so that a name is hidden also where nothing gives it away."""
    for placeholder, original in vault.originals().items():
        kind = FindingType(placeholder[1:].rpartition("_")[0])
        floor = DEFAULT_FLOORS.of(kind)
        if floor > trust_ppm and len(original) >= VISIBLE_LENGTH_MIN:
            yield Value(original, kind, floor)


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


def _mask(text: str, spans: Sequence[Finding], vault: Vault) -> Masked:
    visible = tuple(text[start:end] for start, end in _gaps(text, spans))
    placed = tuple((one, vault.placeholder_for(one.type, text[one.start : one.end])) for one in spans)
    pieces = [piece for gap, (_, word) in zip(visible, placed, strict=False) for piece in (gap, word)]
    return Masked("".join([*pieces, visible[-1]]), placed, visible)


def _check(texts: Sequence[str], masked: Sequence[Masked], vault: Vault, fixed: Sequence[str]) -> None:
    if any(restore(one.text, vault) != text for text, one in zip(texts, masked, strict=True)):
        raise PrivacyFault("a masked text does not restore to its original")
    values = tuple(_values(texts, [[finding for finding, _ in one.spans] for one in masked]))
    hidden = Known(values)
    shown = [gap for one in masked for gap in one.visible] + list(fixed)
    if any(next(iter(hidden.find(text)), None) is not None for text in shown):
        raise PrivacyFault("a masked value is still visible elsewhere in the prompt")
    if in_disguise(values, shown):
        raise PrivacyFault("a masked value is still visible in the prompt in another spelling or encoding")


def _told(prompt: Prompt) -> Prompt:
    """Tell the model to keep placeholders: behind the first system text, or before everything."""
    first = prompt.messages[0] if prompt.messages else None
    if first is not None and first.role in ("system", "developer"):
        told = replace(
            first, text=f"{first.text}\n\n{KEEP_PLACEHOLDERS}" if first.text else KEEP_PLACEHOLDERS
        )
        return replace(prompt, messages=(told, *prompt.messages[1:]))
    return replace(prompt, messages=(Message("system", KEEP_PLACEHOLDERS), *prompt.messages))
