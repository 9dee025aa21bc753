"""Routing as one would write it first: island by island, reason by reason, with no columns and nothing kept.

The product judges a whole fleet at once. Whatever it says must be what this says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from islandrun.agents.agent import OBJECTIVES, Veto, VetoReason, share
from islandrun.agents.question import Question
from islandrun.privacy.forms import Form, form_for, seen_ppm
from islandrun.privacy.sensitivity import Assessment
from islandrun.privacy.sight import MASKED_WEIGHT_PPM
from islandrun.routing.decision import CandidateReport
from islandrun.vocabulary import FindingType, IslandView, Load, ModelOffer, Ppm, Reachability, Standing, Tier
from tests.properties.naive_latency import TIER_LOADS, expected_ms

MILLION = 1_000_000
ALIASES = ("islandrun/auto", "islandrun/local", "islandrun/private")
FULL_SPANS = (1_000, 1_000, 300_000, 800_000)
TIER_WEIGHTS = {Tier.PERSONAL: 250_000, Tier.EDGE: 500_000, Tier.CLOUD: 1_000_000}

Vector = tuple[int, int, int, int]


@dataclass(frozen=True)
class Seen:
    """What a reader of some trust sees of a request."""

    visible_ppm: int
    exposure_ppm: int
    masked: tuple[tuple[FindingType, int], ...]


def seen_by(assessment: Assessment, trust_ppm: Ppm) -> Seen:
    found = [one for text in assessment.findings for one in text]
    shares = [
        max(seen_ppm(one, trust_ppm) // 2, one.floor_ppm * MASKED_WEIGHT_PPM // MILLION) for one in found
    ]
    shares += [topic.masked_floor_ppm // 2 for topic in assessment.topics]
    kept = MILLION
    for part in sorted(shares):
        kept = kept * (MILLION - part) // MILLION
    visible = [seen_ppm(one, trust_ppm) for one in found] + [t.masked_floor_ppm for t in assessment.topics]
    replaced = Counter(one.type for one in found if form_for(one, trust_ppm) is not Form.KEEP)
    is_whole = trust_ppm >= assessment.sensitivity_ppm
    return Seen(
        visible_ppm=assessment.sensitivity_ppm if is_whole else max([0, *visible]),
        exposure_ppm=MILLION - kept,
        masked=tuple(sorted(replaced.items())),
    )


# ------------------------------------------------------------ models


def is_called(island: IslandView, word: str) -> bool:
    return word == island.name or (len(word) >= 8 and island.id.startswith(word.lower()))


def wanted(model: str, island: IslandView) -> tuple[str, bool]:
    """Return the name without its island, and whether this is the island."""
    if "@" not in model or any(offer.name == model for offer in island.models):
        return model or "islandrun/auto", True
    name, _, target = model.rpartition("@")
    return name or "islandrun/auto", is_called(island, target)


def quality_ppm(question: Question, offer: ModelOffer) -> int:
    source, task = question.policy.quality, question.task.counted
    quality = source.quality_ppm(offer, task) if source.differs(task) else offer.quality_ppm
    return quality // 4 if offer.is_extractive and not question.hints.data_sets else quality


def bill(offer: ModelOffer, input_tokens: int, output_tokens: int) -> int:
    """Return what is charged, or what is assumed where no price is known."""
    prices = offer.input_price_microusd, offer.output_price_microusd, offer.request_price_microusd
    by_input, by_output, by_request = prices if offer.is_price_known else (15_000_000, 75_000_000, 0)
    return -(-(input_tokens * by_input + output_tokens * by_output) // MILLION) + by_request


def price(question: Question, island: IslandView, offer: ModelOffer) -> int:
    """Return what an answer costs with electricity, as it is expected."""
    load = load_of(island)
    work_ms = min(question.output_tokens * load.token_us // 1_000 + load.first_token_ms, 86_400_000)
    power = -(-work_ms * offer.work_hour_microusd // 3_600_000)
    return bill(offer, question.input_tokens, question.output_tokens) + power


def cost_vetoes(question: Question, offer: ModelOffer) -> Iterator[Veto]:
    limit, purse = limit_of(question), question.purse
    expected = bill(offer, question.input_tokens, question.output_tokens)
    worst = bill(offer, purse.input_tokens_max, purse.output_tokens_max)
    if limit is not None and offer.is_price_known and expected > limit:
        detail = f"{expected} micro-dollars expected > {limit} allowed"
        yield Veto(VetoReason.OVER_BUDGET, detail)
    if purse.left_microusd is not None and offer.is_price_known and worst > purse.left_microusd:
        detail = f"{worst} micro-dollars at worst > {purse.left_microusd} left of the budget{purse.of_what}"
        yield Veto(VetoReason.OVER_BUDGET, detail)
    if not offer.is_price_known and (limit is not None or purse.left_microusd is not None):
        detail = "its price is unknown and what may be spent is limited: give the model a price"
        yield Veto(VetoReason.OVER_BUDGET, detail)


def limit_of(question: Question) -> int | None:
    limits = (question.policy.cost_max_microusd, question.hints.cost_max_microusd)
    return min((limit for limit in limits if limit is not None), default=None)


def matching(question: Question, island: IslandView) -> list[ModelOffer]:
    name, _ = wanted(question.model, island)
    return [offer for offer in island.models if name in ALIASES or offer.name == name]


def picked(question: Question, island: IslandView) -> ModelOffer | None:
    able = [
        offer
        for offer in matching(question, island)
        if question.context_tokens <= offer.context_tokens_max
        and (offer.supports_tools or not question.needs_tools)
    ]

    def order(offer: ModelOffer) -> tuple[bool, int, str]:
        is_over = any(cost_vetoes(question, offer))
        return is_over, -quality_ppm(question, offer), offer.name

    return min(able, key=order, default=None)


# ------------------------------------------------------------ vetoes


def standing_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    if island.standing is Standing.REVOKED:
        yield Veto(VetoReason.REVOKED, "revoked by the owner, or it contradicted itself")
    if island.standing is Standing.UNKNOWN:
        yield Veto(VetoReason.NOT_ADMITTED, "the owner has not admitted it")
    if island.standing is Standing.EXPIRED or island.admitted_until_ms < question.now.wall_ms:
        yield Veto(VetoReason.STALE_ATTESTATION, "its admission is not valid now")
    if island.attested_until_ms < question.now.wall_ms:
        yield Veto(VetoReason.STALE_ATTESTATION, "its own statement is not valid now")


def trust_vetoes(question: Question, island: IslandView, ignored: set[str]) -> Iterator[Veto]:
    yield from standing_vetoes(question, island)
    yield from residency_vetoes(question, island)
    for who, tiers in (("owner", question.policy.tiers), ("client", question.hints.tiers)):
        if tiers and island.tier not in tiers:
            detail = f"tier {island.tier.name.lower()} is excluded by the {who}"
            yield Veto(VetoReason.TIER_EXCLUDED, detail)
    only = question.hints.only
    if only and not any(is_called(island, word) for word in only):
        yield Veto(VetoReason.CLIENT_HINT, f"not among the {len(only)} islands the client allows")
    if island.id in ignored:
        yield Veto(VetoReason.CLIENT_HINT, "the client asked to leave it out")
    if island.front and island.front in {*ignored, *question.hints.ignore}:
        yield Veto(VetoReason.CLIENT_HINT, "the client asked to leave its front out")
    yield from scope_vetoes(question, island)


def residency_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    wishes = (("owner", question.policy.jurisdictions), ("client", question.hints.jurisdictions))
    for who, allowed in wishes:
        if allowed and not island.jurisdictions:
            detail = f"no jurisdiction is attested; the {who} restricts them"
            yield Veto(VetoReason.RESIDENCY, detail)
        elif allowed and any(place not in allowed for place in island.jurisdictions):
            places = ", ".join(island.jurisdictions)
            yield Veto(VetoReason.RESIDENCY, f"in {places}: not all allowed by the {who}")
    for bound in question.places:
        if not island.is_self and set(island.jurisdictions) != {bound}:
            yield Veto(VetoReason.RESIDENCY, f"the documents are bound to {bound}")


def scope_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    name, is_here = wanted(question.model, island)
    if not is_here:
        yield Veto(VetoReason.CLIENT_HINT, "the model name asks for another island")
    if name == "islandrun/local" and not island.is_local:
        yield Veto(VetoReason.CLIENT_HINT, "islandrun/local stays on this node")
    if name in ("islandrun/local", "islandrun/private") and island.tier is Tier.CLOUD:
        yield Veto(VetoReason.TIER_EXCLUDED, f"{name} excludes the cloud tier")


def privacy_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    trust, visible = island.trust.ppm, seen_by(question.assessment, island.trust.ppm).visible_ppm
    reason = VetoReason.TRUST_BELOW_SENSITIVITY
    if trust < visible:
        yield Veto(reason, f"trust {share(trust)} < {share(visible)} still visible after masking")
    elif trust == 0:
        yield Veto(reason, "trust 0.00 sees nothing")
    asked = question.hints.data_sets
    documents = max([0, *(offer.sensitivity_ppm for offer in island.data_sets if offer.name in asked)])
    if trust < documents:
        yield Veto(reason, f"trust {share(trust)} < {share(documents)} of the data sets asked for")


def resource_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    if picked(question, island) is None:
        yield from model_vetoes(question, island)
    asked = set(question.hints.data_sets)
    held = asked & {offer.name for offer in island.data_sets}
    if held != asked:
        detail = f"holds {len(held)} of {len(asked)} data sets asked for"
        yield Veto(VetoReason.DATA_ELSEWHERE, detail)
    yield from reach_vetoes(question, island)
    deadline = question.hints.deadline_ms
    if picked(question, island) and deadline is not None and latency_ms(question, island) > deadline:
        detail = f"{latency_ms(question, island)} ms expected > {deadline} ms allowed"
        yield Veto(VetoReason.DEADLINE, detail)


def reach_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    if island.reachability is Reachability.UNREACHABLE:
        yield Veto(VetoReason.UNREACHABLE, "it does not answer")
    if island.reachability is Reachability.AWAY:
        yield Veto(VetoReason.UNREACHABLE, "it said that it is away")
    if island.id in question.failed:
        yield Veto(VetoReason.FAILED_BEFORE, "it failed this request before")
    room, load = places(island), island.load
    if room <= 0:
        yield Veto(VetoReason.NO_CAPACITY, "it takes no requests")
    elif load is not None and load.running + load.waiting >= room + 8:
        busy = load.running + load.waiting
        yield Veto(VetoReason.NO_CAPACITY, f"{busy} requests at {room} places and 8 to wait")


def model_vetoes(question: Question, island: IslandView) -> Iterator[Veto]:
    offers, needed = matching(question, island), question.context_tokens
    if not offers:
        detail = f"none of its {len(island.models)} models is the one asked for"
        yield Veto(VetoReason.MODEL_MISSING, detail)
        return
    longest = max(offer.context_tokens_max for offer in offers)
    has_tools = any(offer.supports_tools for offer in offers) or not question.needs_tools
    if needed > longest:
        yield Veto(VetoReason.CONTEXT_TOO_LONG, f"{needed} tokens > {longest} of context")
    if not has_tools:
        yield Veto(VetoReason.MODALITY, "the request has tools; the model does not support them")
    if needed <= longest and has_tools:
        yield Veto(VetoReason.MODALITY, f"no model has both tools and room for {needed} tokens")


def all_vetoes(question: Question, island: IslandView, ignored: set[str]) -> tuple[Veto, ...]:
    offer = picked(question, island)
    return (
        *trust_vetoes(question, island, ignored),
        *privacy_vetoes(question, island),
        *resource_vetoes(question, island),
        *(cost_vetoes(question, offer) if offer else ()),
    )


# ------------------------------------------------------------ scores


def places(island: IslandView) -> int:
    return island.requests_max if island.load is None else min(island.requests_max, island.load.requests_max)


def load_of(island: IslandView) -> Load:
    return island.load or Load(0, 0, island.requests_max, *TIER_LOADS[island.tier])


def latency_ms(question: Question, island: IslandView) -> int:
    return expected_ms(question, island, picked(question, island), places(island))


def exposure_ppm(question: Question, island: IslandView) -> int:
    is_own = island.tier is Tier.PERSONAL and island.group == question.my_group != ""
    if island.is_self or is_own:
        return 0
    exposure = seen_by(question.assessment, island.trust.ppm).exposure_ppm
    return exposure * TIER_WEIGHTS[island.tier] // MILLION


def vector_of(question: Question, island: IslandView) -> Vector:
    offer = picked(question, island)
    if offer is None:
        return (0, 0, 0, 0)
    loss = MILLION - quality_ppm(question, offer)
    latency = latency_ms(question, island)
    return price(question, island, offer), latency, exposure_ppm(question, island), loss


def is_dominated(vector: Vector, by: Vector) -> bool:
    """Say whether `by` is nowhere worse than `vector` and somewhere better."""
    return by != vector and all(one <= other for one, other in zip(by, vector, strict=True))


def nearness(island: IslandView) -> tuple[int, bool, bool]:
    return (island.tier, not island.is_self, not island.is_local)


# ------------------------------------------------------------ the choice


def kept(
    question: Question, ranking: Sequence[IslandView], totals: dict[str, int], winner: IslandView
) -> IslandView:
    """Return who ran the last request, if it is as near as the winner and hardly worse than the best."""
    most = totals[ranking[0].id] + question.policy.local_band_ppm + 200_000
    for island in ranking:
        if island.id == question.last and totals[island.id] <= most and nearness(island) <= nearness(winner):
            return island
    return winner


def reports(question: Question, islands: Sequence[IslandView]) -> list[CandidateReport]:
    """Report on every island: the chosen first, other candidates by rank, then the vetoed by id."""
    ignored = {
        island.id for island in islands if any(is_called(island, word) for word in question.hints.ignore)
    }
    ordered = sorted(islands, key=lambda island: island.id)
    judged = [(island, report(question, island, ignored)) for island in ordered]
    candidates = [island for island, found in judged if not found.vetoes]
    vetoed = [found for _, found in judged if found.vetoes]
    vectors = {island.id: vector_of(question, island) for island in candidates}
    weights = question.policy.profiles[question.hints.profile or question.policy.default_profile]
    shares = (weights.cost, weights.latency, weights.exposure, weights.quality)
    scale = scale_of(list(vectors.values()))
    scaled = {island: scaled_by(scale, vector) for island, vector in vectors.items()}
    totals = {island: total_ppm(scale, vector, shares) for island, vector in vectors.items()}
    ranking = sorted(candidates, key=lambda one: (totals[one.id], vectors[one.id], one.id))
    if ranking:
        most = totals[ranking[0].id] + question.policy.local_band_ppm
        near = [island for island in ranking if totals[island.id] <= most]
        winner = min(near, key=nearness)
        winner = kept(question, ranking, totals, winner)
        ranking = [winner, *(island for island in ranking if island is not winner)]
    found_of = {island.id: found for island, found in judged}
    ranked = [
        replace(
            found_of[island.id],
            normalised=tuple(zip(OBJECTIVES, scaled[island.id], strict=True)),
            total_ppm=totals[island.id],
            rank=rank,
        )
        for rank, island in enumerate(ranking, start=1)
    ]
    return ranked + vetoed


def scale_of(vectors: Sequence[Vector]) -> list[tuple[int, int]]:
    """Return the least of each objective, and how far the candidates lie apart."""
    columns = [list(column) for column in zip(*vectors, strict=True)]
    return [
        (min(column), max(max(column) - min(column), full_span))
        for column, full_span in zip(columns, FULL_SPANS, strict=False)
    ]


def scaled_by(scale: list[tuple[int, int]], vector: Vector, parts: Sequence[int] = (1, 1, 1, 1)) -> list[int]:
    shares = [part * MILLION // max(parts) for part in parts]
    figures = zip(vector, scale, shares, strict=True)
    return [(value - low) * share // span for value, (low, span), share in figures]


def total_ppm(scale: list[tuple[int, int]], vector: Vector, parts: Sequence[int]) -> int:
    weighted = scaled_by(scale, vector, parts)
    return max(weighted) + sum(weighted) // 20


def report(question: Question, island: IslandView, ignored: set[str]) -> CandidateReport:
    seen = seen_by(question.assessment, island.trust.ppm)
    offer, vector = picked(question, island), vector_of(question, island)
    return CandidateReport(
        island=island.id,
        key=island.key,
        name=island.name,
        tier=island.tier,
        trust_ppm=island.trust.ppm,
        visible_ppm=Ppm(seen.visible_ppm),
        masked=bool(seen.masked) and island.trust.ppm < question.assessment.sensitivity_ppm,
        model=offer.name if offer else "",
        vetoes=all_vetoes(question, island, ignored),
        cost_microusd=vector[0],
        latency_ms=vector[1],
        normalised=(),
        total_ppm=0,
        rank=0,
    )
