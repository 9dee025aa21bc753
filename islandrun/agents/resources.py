"""The opinion on means: can an island run the request, how soon, and how well.

`latency` says how soon. While places are free the queue does not count at all, so that small changes
of load do not move requests to and fro.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from islandrun.agents.agent import Case, Objection, Objective, Opinion, VetoReason, those_that_count
from islandrun.agents.columns import Figures, Mask, marked
from islandrun.agents.fleet import Fleet
from islandrun.agents.models import allowed
from islandrun.agents.offers import Offers
from islandrun.agents.paces import latencies_ms, prefill_ms

WAITING_MAX: Final = 8
"""So many requests may wait at an island before it counts as full."""


class ResourceAgent:
    """Objects to islands that cannot run a request now; scores latency and the loss of quality."""

    name = "resources"

    def judge(self, case: Case) -> Opinion:
        """Judge models, documents, reach and room; scores count where a model can run it."""
        picks, latency = case.picks, latency_ms(case)
        return Opinion(
            self.name,
            (
                *_models(case),
                *_documents(case),
                *case.fleet.once(_reach),
                *_failed(case),
                *_open_circuits(case),
                *case.fleet.once(_room),
                *_deadline(case, latency),
            ),
            (
                (Objective.LATENCY_MS, latency),
                (Objective.QUALITY_LOSS_PPM, picks.offers.quality_loss_ppm[picks.rows]),
            ),
        )


def latency_ms(case: Case) -> Figures:
    """Estimate the milliseconds until the answer is complete; what a model has read is not read again."""
    question, offers, rows = case.question, case.picks.offers, case.picks.rows
    latency = latencies_ms(case.fleet, offers, rows, question.input_tokens, question.output_tokens)
    place = warm_place(case)
    if place is not None:
        known = min(question.warm.tokens, question.input_tokens)
        saved_ms = prefill_ms(case.fleet, offers, int(rows[place]), known)
        latency[place] = max(0, int(latency[place]) - saved_ms)
    return latency


def warm_place(case: Case) -> int | None:
    """Return the place of the island whose model has the beginning of this request in its cache, or None."""
    warm = case.question.warm
    place = case.fleet.register.place(warm.island) if warm.tokens else None
    return place if place is not None and case.picks.model(place) == warm.model else None


def _models(case: Case) -> tuple[Objection, ...]:
    """Say why no model of an island can run a request, where none can."""
    picks = case.picks
    if np.count_nonzero(picks.is_able) == len(case.fleet):
        return ()
    is_unable, offers, question = ~picks.is_able, picks.offers, case.question
    matching = offers.is_offered if picks.meant.offers is None else picks.meant.offers & offers.is_offered
    has_name = has_match = _any_of(matching, offers)
    if question.limits.models is not None:
        matching = matching & allowed(offers, question.limits.models)
        has_match = _any_of(matching, offers)
    longest = np.maximum.reduceat(offers.context_tokens_max * matching, offers.first_row)
    needed = question.context_tokens
    is_short = is_unable & has_match & (longest < needed)
    lacks_tools = np.zeros_like(is_short)
    if question.needs_tools:
        lacks_tools = is_unable & has_match & ~_any_of(matching & offers.supports_tools, offers)
    return (
        Objection(
            VetoReason.MODEL_MISSING,
            is_unable & ~has_name,
            lambda place: f"none of its {len(case.fleet.islands[place].models)} models is the one asked for",
        ),
        Objection(
            VetoReason.POLICY,
            is_unable & has_name & ~has_match,
            f"rule {question.limits.rules_of_models}: no model that the request names is allowed",
        ),
        Objection(
            VetoReason.CONTEXT_TOO_LONG,
            is_short,
            lambda place: f"{needed} tokens > {longest[place]} of context",
        ),
        Objection(VetoReason.MODALITY, lacks_tools, "the request has tools; the model does not support them"),
        Objection(
            VetoReason.MODALITY,
            is_unable & has_match & ~is_short & ~lacks_tools,
            f"no model has both tools and room for {needed} tokens",
        ),
    )


def _any_of(rows: Mask, offers: Offers) -> Mask:
    """Say which islands have any of these rows."""
    found: Mask = np.logical_or.reduceat(rows, offers.first_row)
    return found


def _documents(case: Case) -> tuple[Objection, ...]:
    asked = set(case.question.hints.data_sets)
    if not asked:
        return ()
    held = np.zeros(len(case.fleet), dtype=np.int64)
    for name in asked:
        holding = case.fleet.register.holdings.get(name)
        if holding is not None:
            held[holding.places] += 1
    return (
        Objection(
            VetoReason.DATA_ELSEWHERE,
            held < len(asked),
            lambda place: f"holds {held[place]} of {len(asked)} data sets asked for",
        ),
    )


def _reach(fleet: Fleet) -> tuple[Objection, ...]:
    return those_that_count(
        (
            Objection(VetoReason.UNREACHABLE, fleet.is_unreachable, "it does not answer"),
            Objection(VetoReason.UNREACHABLE, fleet.is_away, "it said that it is away"),
        )
    )


def _failed(case: Case) -> tuple[Objection, ...]:
    fleet, failed = case.fleet, case.question.failed
    if not failed:
        return ()
    places = [place for island in failed if (place := fleet.register.place(island)) is not None]
    is_out = marked(len(fleet), places)
    return (Objection(VetoReason.FAILED_BEFORE, is_out, "it failed this request before"),)


def _open_circuits(case: Case) -> tuple[Objection, ...]:
    """Object to islands whose model that would run the request fails again and again."""
    why: dict[int, str] = {}
    for (island, model), reason in case.question.open_circuits.items():
        place = case.fleet.register.place(island)
        if place is not None and case.picks.model(place) == model:
            why[place] = reason
    if not why:
        return ()
    return (Objection(VetoReason.CIRCUIT_OPEN, marked(len(case.fleet), list(why)), lambda place: why[place]),)


def _room(fleet: Fleet) -> tuple[Objection, ...]:
    places, busy = fleet.places_max, fleet.busy
    is_closed = places <= 0
    is_full = (busy >= places + WAITING_MAX) & ~is_closed
    return those_that_count(
        (
            Objection(VetoReason.NO_CAPACITY, is_closed, "it takes no requests"),
            Objection(
                VetoReason.NO_CAPACITY,
                is_full,
                lambda place: f"{busy[place]} requests at {places[place]} places and {WAITING_MAX} to wait",
            ),
        )
    )


def _deadline(case: Case, latency: Figures) -> tuple[Objection, ...]:
    deadline = case.question.hints.deadline_ms
    if deadline is None:
        return ()
    is_late = latency > deadline
    if not np.count_nonzero(is_late):
        return ()
    return (
        Objection(
            VetoReason.DEADLINE,
            is_late & case.picks.is_able,
            lambda place: f"{latency[place]} ms expected > {deadline} ms allowed",
        ),
    )
