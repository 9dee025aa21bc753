"""What tells one person from all others by a number, and dates: four tables put together."""

from __future__ import annotations

from typing import Final

from islandrun.privacy.detect import codes, dates, national, vehicles

RULES: Final = (*national.RULES, *codes.RULES, *vehicles.RULES, *dates.RULES)
