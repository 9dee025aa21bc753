"""A second look at a text that another island masked: cheap, and only for what is certain and does harm.

Rules with a checksum or a fixed form need no context, and the sender runs the same ones: on a prompt that was
masked for its reader they find nothing. What they do find here, somebody forgot to mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from islandrun.privacy.detect import RULES
from islandrun.privacy.floors import DEFAULT_FLOORS
from islandrun.vocabulary import PPM_MAX, FindingType, Ppm, Prompt

CHARACTERS_MAX: Final = 8_000
"""So much is looked at, the newest texts first: about 10 ms for each thousand characters."""

_HARM: Final = frozenset(
    {
        FindingType.CARD,
        FindingType.CRYPTO,
        FindingType.IBAN,
        FindingType.NATIONAL_ID,
        FindingType.SECRET,
    }
)
HARM_PPM: Final = min(DEFAULT_FLOORS.secret, DEFAULT_FLOORS.card)
"""A reader of this trust may see all of it, and needs no second look."""


def certain_ppm(prompt: Prompt) -> Ppm:
    """Return the trust that a reader of a prompt needs at least; 1,000,000 when a rule fails."""
    try:
        floors = [
            finding.floor_ppm for text in _newest(prompt) for finding in RULES(text) if finding.type in _HARM
        ]
    except Exception:  # a rule that fails has judged nothing
        return PPM_MAX
    return max(floors, default=Ppm(0))


def _newest(prompt: Prompt) -> Iterator[str]:
    """Yield messages and the arguments of tool calls as they are, newest first, up to the bound."""
    left = CHARACTERS_MAX
    for message in reversed(prompt.messages):
        for text in (message.text, *(call.arguments for call in message.tool_calls)):
            if left > 0 and text:
                yield text[-left:]
                left -= len(text)
