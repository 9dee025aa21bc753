"""Why an island is trusted as far as it is: each factor with its value and reason, the lowest marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from islandrun.v1 import status_pb2

PPM = 1_000_000
ID_CHARACTERS_MIN = 8


def is_meant(island: status_pb2.Island, words: str) -> bool:
    """Say whether an island is called so: its name, its id, or the first 8 or more letters of its id."""
    plain = words.strip().lower()
    return island.name == plain or (len(plain) >= ID_CHARACTERS_MIN and island.id.startswith(plain))


def reasons(island: status_pb2.Island) -> dict[str, object]:
    """Return the factors of one island as JSON; shares are 0 to 1."""
    return {
        "id": island.id,
        "name": island.name,
        "trust": island.trust_ppm / PPM,
        "factors": [
            {
                "name": factor.name,
                "value": factor.ppm / PPM,
                "reason": factor.detail,
                "is_lowest": factor.ppm == island.trust_ppm,
            }
            for factor in island.trust_factors
        ],
    }


def reasons_text(island: status_pb2.Island) -> str:
    """Return the factors of one island as lines; an arrow stands before each that is the lowest."""
    width = max((len(factor.name) for factor in island.trust_factors), default=0)
    lines = [f"{island.name or island.id[:8]}: trust {island.trust_ppm / PPM:.2f}"]
    for factor in island.trust_factors:
        mark = "->" if factor.ppm == island.trust_ppm else "  "
        name = factor.name.replace("_", " ").ljust(width)
        lines.append(f"{mark} {name}  {factor.ppm / PPM:.2f}  {factor.detail}")
    return "\n".join(lines)
