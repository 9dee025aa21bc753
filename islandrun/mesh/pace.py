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
"""How often tables are compared with one random member. Push alone misses islands; this makes it certain.
Above DIRECT_MAX members it is less often, see `sync_seconds`."""

DIRECT_MAX: Final = 64
"""Up to so many members everybody tells everybody; above, news travels between neighbours. Also the number
of channels that a node keeps open."""

DIRECT_AGAIN: Final = 56
"""Below so many members a mesh that had neighbours is a small one again."""

NEIGHBOURS_DIALLED: Final = 4
"""Neighbours of our own choice: who fills the other places cannot cut us off."""

NEIGHBOURS_ACCEPTED: Final = 5
"""Neighbours that chose us. One more than each chooses, so that the last to choose finds a place."""

NEIGHBOURS_PER_NETWORK: Final = 2
"""Of the neighbours of our choice so many may be in one network (/24 or /48), if there are others."""

CHOICES: Final = 16
"""Members drawn at random for one free place; the one that adds most variety is asked."""

OFFER_SECONDS: Final = 30.0
"""How often a link is asked for again. The answer to the first offer may take OFFER_PATIENCE_SECONDS."""

OFFER_PATIENCE_SECONDS: Final = 3.0
LINK_SECONDS_MAX: Final = 3 * OFFER_SECONDS + OFFER_PATIENCE_SECONDS
"""A link that was not asked for, or not accepted, for so long is over."""

TURNOVER_SECONDS: Final = 600.0
"""How often a neighbour of our own choice is exchanged for another, so that no choice is for ever."""

GRAFT_SECONDS: Final = 1.0
"""How long something that a neighbour has may take to come by the tree, before it is asked for."""

OUTSIDE_SHARE: Final = 0.25
"""The share of comparisons of tables with a member that is no neighbour."""

HAVES_MAX: Final = 1024
"""Places that neighbours offer and that are waited for, and places that wait to be offered."""

RECORDS_PER_SECOND: Final = 10.0
RECORDS_BURST: Final = 100.0
"""How many new statements are taken from one source that were not asked for."""

COMPARISON_COST: Final = 10.0
"""What the start of a comparison of tables takes from that allowance."""

ASKED_SECONDS_MAX: Final = 10.0
"""How long an answer that we asked for may take; later it counts like anything else that is said."""

QUESTION_COST: Final = 2.0
"""What any other question about statements takes from it."""

PATIENCE_SECONDS: Final = 1.0
"""How long the answer to a probe may take while we ourselves are well."""

TROUBLE_MAX: Final = 7
"""The worst mark we give ourselves; it multiplies our patience by eight (Lifeguard's local health)."""

SUSPICION_FACTOR: Final = 4
"""The shortest suspicion lasts SUSPICION_FACTOR * max(1, log10(members)) rounds."""

SUSPICION_STRETCH: Final = 6
"""The longest suspicion is this many times the shortest."""

CONFIRMATIONS: Final = 3
"""After so many further misses, our own or of helpers, a suspicion lasts no longer than the shortest."""

MISSES_MIN: Final = 3
MISSES_MAX: Final = 16
"""Nobody is given up before so many of our own probes went unanswered: the more, the more often members that
are well leave a probe unanswered."""

CHANCE_MAX: Final = 1e-7
"""How likely it may be that all these answers were lost by chance."""

MISS_WEIGHT: Final = 1 / 64
"""What one probe weighs in the share of probes that go unanswered: about a minute is remembered."""

HELPERS: Final = 3
"""How many members try a silent one for us (memberlist's indirect checks)."""

HELP_SECONDS: Final = 3.0
"""How long a helper may take to answer; then, if there is still doubt, others are asked."""

VOUCHED_SECONDS: Final = 2 * HELP_SECONDS + ROUND_SECONDS
"""For so long after a helper reached a silent member our own misses do not shorten the suspicion."""

HELP_ASKED_MAX: Final = 8
"""Silent members for whom helpers are asked at one time."""

HELP_GIVEN_MAX: Final = 64
"""Probes for others that are on their way at one time; who asks for more is told that we are busy."""

TROUBLE_BUSY: Final = 4
"""With a mark of our own from here on, that we reached nobody is nothing to tell those who asked."""

FLAP_SECONDS: Final = 120.0
"""A member that came back is not given up again sooner than this after the last time: at most one change of
that kind a minute, whatever the link does."""

RETRY_SHARE: Final = 0.1
"""An unreachable member is tried again after this share of the time it has been silent."""

RETRY_SECONDS_MIN: Final = 2.0
RETRY_SECONDS_MAX: Final = 600.0
RETRY_SOME_SECONDS: Final = 30.0
"""However long the unreachable have been silent, one of them is tried this often."""

SLEEP_SECONDS: Final = 3 * ROUND_SECONDS
"""A longer gap between two ticks means that this machine slept or stood still."""

LATE_ANSWER_SECONDS_MAX: Final = 30.0
"""An answer that is later than this is not recognised any more."""

CLOCKS_MAX: Final = 32
"""Clocks of others that ours is compared with: those that answered last."""

CLOCKS_MIN: Final = 2
"""So many other clocks must speak before ours can be called wrong: with one other, either may be."""

CLOCK_DOUBT_MS: Final = 60_000
CLOCK_WRONG_MS: Final = 5 * 60_000
"""Beyond this an island issues nothing, as nobody would take it (the skew that statements are allowed)."""

LOAD_SECONDS_MAX: Final = 10.0
"""How long a measure of load is worth anything."""

STANDING_SECONDS: Final = 60.0
"""How often all members are checked for admissions that ran out, and statements for their end."""

SYNC_PEERS_AFTER_SLEEP: Final = 3
"""With so many members tables are compared when this machine wakes up."""

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
