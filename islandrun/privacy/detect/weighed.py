"""Rules and tagger as one detector, in which the tagger weighs what the rules only guess.

A rule that finds a person by a title or a day by its form cannot know a novel from a letter; the tagger
reads what stands around. Where it gives next to no chance that the words are somebody's own, such a guess
falls. What has a checksum or a format of its own (a key, a card, an address of mail) is never weighed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.rule import CHECKED
from islandrun.privacy.detect.tagger import Tagger
from islandrun.vocabulary import Finding, FindingType

PRIVATE_CHANCE_MIN: Final = 0.1
"""The least chance of being private, of the likeliest token, that keeps a guess of a rule."""
GUESSED: Final = frozenset(
    {
        FindingType.PERSON,
        FindingType.ORG,
        FindingType.LOCATION,
        FindingType.ADDRESS,
        FindingType.DATE,
        FindingType.QUANTITY,
        FindingType.DEMOGRAPHIC,
    }
)
"""Types that rules find by their surroundings or by a form that public things share."""


class RulesAndTagger:
    """Both as one detector; it finds names that nothing around them gives away."""

    name = "rules and tagger"
    finds_names = True

    def __init__(self, rules: Callable[[str], tuple[Finding, ...]], tagger: Tagger) -> None:
        self._rules = rules
        self._tagger = tagger

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return the findings of one text, merged."""
        tagged = self._tagger.read(text)
        kept = [
            one
            for one in self._rules(text)
            if one.type not in GUESSED
            or one.confidence_ppm >= CHECKED
            or tagged.private_chance(one.start, one.end) >= PRIVATE_CHANCE_MIN
        ]
        return merge([*kept, *tagged.findings])

    def topics(self, text: str) -> tuple[str, ...]:
        """Return which topics the tagger hears in a text."""
        return self._tagger.topics(text)
