"""Find what needs protection in one text.

A detector is anything with the face of `Detector`; the rules are one. A tagger that knows names
without context takes its place beside them, and says so by `finds_names`.
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from islandrun.privacy.detect import contact, finance, identity, literals, names, place, secrets
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.propagate import propagate
from islandrun.privacy.detect.reading import is_small_word, read
from islandrun.privacy.detect.rule import Rule, apply
from islandrun.vocabulary import Finding


class Detector(Protocol):
    """Finds spans in one text. It may raise: then the whole request counts as restricted."""

    @property
    def name(self) -> str:
        """What findings name as their source."""

    @property
    def finds_names(self) -> bool:
        """Whether names are found that nothing around them gives away."""

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return findings with offsets in code points of `text`, in any order."""


@runtime_checkable
class TopicDetector(Protocol):
    """A detector that also says what a text is about."""

    def topics(self, text: str) -> tuple[str, ...]:
        """Return names of `islandrun.privacy.topics.LEARNED`: private matters that the text speaks of."""


TABLE: Final[tuple[Rule, ...]] = (
    *secrets.RULES,
    *finance.RULES,
    *identity.RULES,
    *contact.RULES,
    *place.RULES,
    *names.RULES,
)
"""Every rule there is."""


def find(text: str) -> tuple[Finding, ...]:
    """Return what the rules find in one text, merged; values are not looked for a second time."""
    if is_small_word(text):
        return ()
    return merge([*apply(TABLE, read(text)), *literals.find(text)])


def detect(text: str) -> tuple[Finding, ...]:
    """Return the findings of one text: sorted, not overlapping, offsets in code points of `text`."""
    (found,) = propagate((text,), (find(text),))
    return found


class Rules:
    """The rules as a detector. They find names by context only."""

    name = "rules"
    finds_names = False

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return what the rules find in one text; who judges a prompt looks for the values everywhere."""
        return find(text)


RULES: Final = Rules()

__all__ = ["RULES", "TABLE", "Detector", "Rules", "TopicDetector", "detect", "find"]
