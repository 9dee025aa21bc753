"""Every period, count and limit of the mesh protocol, in one place. Periods are seconds."""

from __future__ import annotations

from typing import Final

ROUND_SECONDS: Final = 1.0
"""One gossip round: news is pushed and one member is probed."""

FANOUT: Final = 3
"""How many members hear our news in a round (SWIM-style gossip; 3 as memberlist does)."""

SENDS_FACTOR: Final = 4
"""A statement is pushed SENDS_FACTOR * ceil(log10(members + 1)) times, then it is news no more."""

SYNC_SECONDS: Final = 5.0
"""How often tables are compared with one random member. Push alone misses islands; this makes it certain."""

PATIENCE_SECONDS: Final = 1.0
"""How long the answer to a probe may take while we ourselves are well."""

TROUBLE_MAX: Final = 7
"""The worst mark we give ourselves; it multiplies our patience by eight (Lifeguard's local health)."""

SUSPICION_FACTOR: Final = 4
"""The shortest suspicion lasts SUSPICION_FACTOR * max(1, log10(members)) rounds."""

SUSPICION_STRETCH: Final = 6
"""The longest suspicion is this many times the shortest."""

CONFIRMATIONS: Final = 3
"""After so many further misses a suspicion lasts no longer than the shortest."""

RETRY_SHARE: Final = 0.1
"""An unreachable member is tried again after this share of the time it has been silent."""

RETRY_SECONDS_MIN: Final = 2.0
RETRY_SECONDS_MAX: Final = 600.0

SLEEP_SECONDS: Final = 3 * ROUND_SECONDS
"""A longer gap between two ticks means that this machine slept or stood still."""

LATE_ANSWER_SECONDS_MAX: Final = 30.0
"""An answer that is later than this is not recognised any more."""

LOAD_SECONDS_MAX: Final = 10.0
"""How long a measure of load is worth anything."""

STANDING_SECONDS: Final = 10.0
"""How often members are checked for admissions that ran out, and statements for their end."""

EXTRA_PROBES_MAX: Final = 16
"""Probes of one round to members in doubt, beside the one that is due by rotation."""

PROBES_PENDING_MAX: Final = 4096
NEWS_MAX: Final = 1024
PUSH_BYTES_MAX: Final = 192 * 1024
"""The most that one push carries; a call may hold other messages beside it and stays below 256 KiB."""

OUTBOX_MAX: Final = 1024
REJECTIONS_MAX: Final = 64
"""The most refusals kept for the application at one time."""

PROOFS_PER_WANT_MAX: Final = 8
OFFENCES_MAX: Final = 32
"""So many statements of a source may fail their checks in one offence period before it is not heard."""

OFFENCE_SECONDS: Final = 60.0
