"""Mask a prompt for one island. `Sanitized` is made only here, and is the only form in which text is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from islandrun.errors import PrivacyFault
from islandrun.privacy.fields import replace, texts
from islandrun.privacy.restore import restore
from islandrun.privacy.sensitivity import Assessment
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt

KEEP_PLACEHOLDERS: Final = (
    "Words in square brackets such as [PERSON_1] stand for values that are hidden from you. "
    "Use them unchanged wherever you mean those values."
)
_PASS: Final = object()


class Sanitized:
    """A prompt as one island may see it, and how sensitive it still is."""

    __slots__ = ("masked", "prompt", "visible_ppm")

    def __init__(
        self, prompt: Prompt, masked: tuple[tuple[FindingType, int], ...], visible_ppm: Ppm, made_by: object
    ) -> None:
        if made_by is not _PASS:
            raise TypeError("Sanitized comes from islandrun.privacy.sanitize.sanitize only")
        self.prompt = prompt
        self.masked = masked
        self.visible_ppm = visible_ppm

    def __repr__(self) -> str:
        return f"<Sanitized visible {self.visible_ppm} ppm, {sum(count for _, count in self.masked)} masked>"


def sanitize(prompt: Prompt, assessment: Assessment, trust_ppm: Ppm, vault: Vault) -> Sanitized:
    """Return the prompt for a reader of this trust.

    Raises `PrivacyFault` when what would be visible needs more trust, when the masked prompt does not restore
    to the original, or when a hidden value still stands in it.
    """
    visible = assessment.visible_ppm(trust_ppm)
    if visible > trust_ppm:
        raise PrivacyFault("what stays visible after masking needs more trust than this island has")
    before = texts(prompt)
    if trust_ppm >= assessment.sensitivity_ppm:
        return Sanitized(prompt, (), visible, _PASS)
    counts: Counter[FindingType] = Counter()
    after = [
        _mask(text, found, trust_ppm, vault, counts)
        for text, found in zip(before, assessment.findings, strict=True)
    ]
    _check(before, after, assessment, trust_ppm, vault)
    masked = tuple(sorted(counts.items()))
    new = replace(prompt, after)
    return Sanitized(_told(new) if masked else new, masked, visible, _PASS)


def _mask(
    text: str, findings: Sequence[Finding], trust_ppm: Ppm, vault: Vault, counts: Counter[FindingType]
) -> str:
    pieces, at = [], 0
    for finding in findings:
        if finding.floor_ppm > trust_ppm or finding.type is FindingType.LITERAL:
            original = text[finding.start : finding.end]
            pieces += [text[at : finding.start], vault.placeholder_for(finding.type, original)]
            at = finding.end
            counts[finding.type] += 1
    return "".join([*pieces, text[at:]])


def _check(
    before: Sequence[str], after: Sequence[str], assessment: Assessment, trust_ppm: Ppm, vault: Vault
) -> None:
    if any(restore(new, vault) != old for old, new in zip(before, after, strict=True)):
        raise PrivacyFault("the masked prompt does not restore to the original")
    hidden = {
        text[one.start : one.end]
        for text, found in zip(before, assessment.findings, strict=True)
        for one in found
        if one.floor_ppm > trust_ppm and one.end - one.start >= 4
    }
    if any(value in text for value in hidden for text in after):
        raise PrivacyFault("a hidden value still stands elsewhere in the prompt")


def _told(prompt: Prompt) -> Prompt:
    """Tell the model what placeholders are; the user's own messages stay as they are."""
    told = Message("system", KEEP_PLACEHOLDERS)
    return Prompt((told, *prompt.messages), prompt.tools, prompt.tool_choice, prompt.response_format)
