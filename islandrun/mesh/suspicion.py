"""How long silence is forgiven: pure functions of counts and times.

Two ideas of Lifeguard (Dadgar, Phillips and Currey, 2017): an island that fares badly itself is slower to
accuse others, and a suspicion shrinks as further evidence confirms it. Here all evidence is first-hand.
"""

from __future__ import annotations

import math

from islandrun.mesh import pace


def trouble_after(trouble: int, was_answered: bool) -> int:
    """Return our own mark, 0 (well) to 7, after one more probe was answered or missed."""
    return max(0, min(pace.TROUBLE_MAX, trouble + (-1 if was_answered else 1)))


def patience_seconds(trouble: int) -> float:
    """Return how long an answer may take before it counts as missed."""
    return pace.PATIENCE_SECONDS * (1 + trouble)


def window_seconds(members: int, confirmations: int) -> float:
    """Return how long a suspect may still prove itself, counted from the first miss.

    `members` is the size of the mesh, `confirmations` the further misses since. The window shrinks from six
    times the shortest to the shortest, with the logarithm of the confirmations.
    """
    shortest = pace.SUSPICION_FACTOR * max(1.0, math.log10(max(1, members))) * pace.ROUND_SECONDS
    longest = pace.SUSPICION_STRETCH * shortest
    share = math.log(confirmations + 1) / math.log(pace.CONFIRMATIONS + 1)
    return max(shortest, longest - share * (longest - shortest))


def retry_seconds(silent_seconds: float) -> float:
    """Return when to try an unreachable member again: never less often than every ten minutes, for ever."""
    return max(pace.RETRY_SECONDS_MIN, min(pace.RETRY_SECONDS_MAX, silent_seconds * pace.RETRY_SHARE))
