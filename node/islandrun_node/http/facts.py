"""What a client is told about a decision: the `x-islandrun-*` headers and the `islandrun` object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from islandrun.vocabulary import PPM_MAX, Finished, IslandId, sensitivity_class

if TYPE_CHECKING:
    from islandrun.routing.decision import Decision
    from islandrun_node.request import Settled

MICROUSD_PER_USD: Final = 1_000_000


def decision_word(decision: Decision, me: IslandId) -> str:
    """Return the decision in one word: `local`, `as_is`, `masked` or `refused`."""
    if decision.chosen is None:
        return "refused"
    if decision.chosen.masked:
        return "masked"
    return "local" if decision.chosen.island == me else "as_is"


def redactions(decision: Decision) -> int:
    """Return how many places were masked."""
    return sum(count for _, count in decision.masked)


def answer_facts(decision: Decision, me: IslandId, settled: Settled | None = None) -> dict[str, object]:
    """Return what the answer says of its decision.

    `cost` in US dollars is what the answer did cost once that is known, else what it is expected to.
    """
    chosen = decision.chosen
    cost = chosen.cost_microusd if chosen else 0
    facts: dict[str, object] = {
        "decision": decision_word(decision, me),
        "sensitivity": sensitivity_class(decision.sensitivity_ppm).name.lower(),
        "redactions": redactions(decision),
        "cost": (settled.cost_microusd if settled else cost) / MICROUSD_PER_USD,
        "receipt": decision.receipt_id,
    }
    if settled is not None:
        facts["cost-saved"] = settled.saved_microusd / MICROUSD_PER_USD
    if chosen is not None:
        facts |= {"island": chosen.name or chosen.island, "tier": chosen.tier.name.lower()}
    return facts


def cited_facts(facts: dict[str, object], finished: Finished) -> dict[str, object]:
    """Return what is told of an answer with the sources that it was made from, if there are any."""
    if not finished.citations:
        return facts
    told = [
        {
            "mark": one.mark,
            "data_set": one.data_set,
            "document": one.document,
            "section": one.section,
            "score": one.score_ppm / PPM_MAX,
            "cited": one.is_cited,
        }
        for one in finished.citations
    ]
    return facts | {"citations": told}


def answer_headers(
    decision: Decision, me: IslandId, settled: Settled | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the same as headers; island and tier are missing when no island was chosen."""
    facts = answer_facts(decision, me, settled)
    words = {
        name: f"{value:.6f}" if isinstance(value, float) else str(value) for name, value in facts.items()
    }
    return tuple((f"x-islandrun-{name}", _header_value(word)) for name, word in sorted(words.items()))


def _header_value(text: str) -> str:
    """Return text that any client can read as a header: names of islands come from their owners."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text)
