"""How long silence is forgiven: pure functions of counts and times.

Two ideas of Lifeguard (Dadgar, Phillips and Currey, 2017): an island that fares badly itself is slower to
accuse others, and a suspicion shrinks as further evidence confirms it. The evidence is our own misses and
what helpers found that we asked; nobody is accused to third parties.
"""

from __future__ import annotations

import math

from islandrun.mesh import pace


def trouble_after(trouble: int, change: int) -> int:
    """Return our own mark, 0 (well) to 7: -1 for an answer, +1 for each sign that the fault is ours."""
    return max(0, min(pace.TROUBLE_MAX, trouble + change))


def patience_seconds(trouble: int) -> float:
    """Return how long an answer may take before it counts as missed."""
    return pace.PATIENCE_SECONDS * (1 + trouble)


def window_seconds(members: int, confirmations: int) -> float:
    """Return how long a suspect may still prove itself, counted from the first miss.

    `members` is the size of the mesh, `confirmations` the further misses since, our own and of helpers. The
    window shrinks from six times the shortest to the shortest, with the logarithm of the confirmations.
    """
    shortest = pace.SUSPICION_FACTOR * max(1.0, math.log10(max(1, members))) * pace.ROUND_SECONDS
    longest = pace.SUSPICION_STRETCH * shortest
    share = math.log(confirmations + 1) / math.log(pace.CONFIRMATIONS + 1)
    return max(shortest, longest - share * (longest - shortest))


def misses_min(share: float) -> int:
    """Return how many misses in a row are no accident, where this share of all probes goes unanswered.

    At 20 % loss a probe and its answer both arrive in 64 of 100 cases: eight misses happen by chance.
    """
    if share <= 0.0:
        return pace.MISSES_MIN
    needed = math.log(pace.CHANCE_MAX) / math.log(min(share, 0.99))
    return max(pace.MISSES_MIN, min(pace.MISSES_MAX, math.ceil(needed)))


def sync_seconds(members: int) -> float:
    """Return how often tables are compared in a mesh of this size: as memberlist, less often above 64."""
    return pace.SYNC_SECONDS * max(1, math.ceil(math.log2(max(1, members) / pace.DIRECT_MAX)) + 1)


def retry_seconds(silent_seconds: float) -> float:
    """Return when to try an unreachable member again: never less often than every ten minutes, for ever."""
    return max(pace.RETRY_SECONDS_MIN, min(pace.RETRY_SECONDS_MAX, silent_seconds * pace.RETRY_SHARE))
