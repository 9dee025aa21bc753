"""A user's own text that would be read as a placeholder on the way back.

Left as it is, a harmless `[PERSON_1]` would come back as somebody's name. It is replaced like a
value, so that it returns exactly as it was written.
"""

from __future__ import annotations

from islandrun.privacy.detect.rule import CHECKED
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.privacy.placeholders import LITERAL
from islandrun.vocabulary import Finding, FindingType


def find(text: str) -> list[Finding]:
    """Return every place of a text that reads as a placeholder."""
    floor = DEFAULT_FLOORS.of(FindingType.LITERAL)
    return [
        Finding(found.start(), found.end(), FindingType.LITERAL, CHECKED, floor, "literal")
        for found in LITERAL.finditer(text)
    ]
