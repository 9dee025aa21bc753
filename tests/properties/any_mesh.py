"""Any mesh and any question: few islands, with figures that collide often, so that every rule is met."""

from __future__ import annotations

from hypothesis import strategies as st

from islandrun.agents.budget import NO_LIMIT, Purse, Span
from islandrun.agents.policy import PROFILES, RoutingPolicy
from islandrun.agents.question import COLD, Question, Warm
from islandrun.agents.tasks import Task, TaskGuess
from islandrun.load import Load, ModelPace
from islandrun.privacy.sensitivity import Assessment, Topic
from islandrun.vocabulary import (
    DataSetOffer,
    Finding,
    FindingType,
    General,
    Grain,
    Hints,
    Instant,
    IslandId,
    IslandView,
    ModelOffer,
    Ppm,
    PublicKey,
    Reachability,
    Standing,
    Tier,
    TrustScore,
)

NOW = Instant(0.0, 1_000)
ID = "{:08d}" + "a" * 44
FLOORS = (0, 200_000, 250_000, 500_000, 600_000, 800_000, 850_000, 1_000_000)

floors = st.sampled_from(FLOORS).map(Ppm)
mostly_true = st.sampled_from((True, True, True, False))
rarely_true = st.sampled_from((False,) * 7 + (True,))


@st.composite
def models(draw: st.DrawFn) -> ModelOffer:
    return ModelOffer(
        name=draw(st.sampled_from(("a", "b-code-3b", "a@x", "a@island-1"))),
        context_tokens_max=draw(st.sampled_from((310, 8_000))),
        quality_ppm=Ppm(draw(st.integers(0, 10)) * 100_000),
        input_price_microusd=draw(st.sampled_from((0, 3_000_000))),
        output_price_microusd=draw(st.sampled_from((0, 15_000_000))),
        supports_tools=draw(st.booleans()),
        is_extractive=draw(st.booleans()),
        request_price_microusd=draw(st.sampled_from((0, 0, 500))),
        work_hour_microusd=draw(st.sampled_from((0, 0, 200_000))),
        is_price_known=draw(st.sampled_from((True,) * 5 + (False,))),
    )


paces = st.builds(
    ModelPace,
    model=st.sampled_from(("a", "b", "c")),
    samples=st.sampled_from((0, 3, 8, 100)),
    token_p50_us=st.sampled_from((0, 20_000)),
    base_ms=st.sampled_from((50, 2_000)),
    prefill_ns=st.sampled_from((0, 3_000_000)),
    token_us=st.sampled_from((1_000, 40_000)),
    crowd_us=st.sampled_from((0, 5_000)),
)

loads = st.builds(
    Load,
    models=st.lists(paces, max_size=2, unique_by=lambda pace: pace.model).map(tuple),
    running=st.integers(0, 5),
    waiting=st.integers(0, 9),
    requests_max=st.integers(1, 4),
    first_token_ms=st.sampled_from((50, 500)),
    token_us=st.sampled_from((1_000, 30_000)),
)


def offers(at_least: int) -> st.SearchStrategy[tuple[ModelOffer, ...]]:
    return st.lists(models(), min_size=at_least, max_size=3, unique_by=lambda offer: offer.name).map(tuple)


@st.composite
def islands(draw: st.DrawFn, number: int) -> IslandView:
    """Draw an island; three of four have nothing wrong with them but their figures."""
    sound = draw(mostly_true)
    return IslandView(
        id=IslandId(ID.format(number)),
        key=PublicKey(number.to_bytes(32, "big")),
        name=f"island-{number if draw(mostly_true) else 1}",
        tier=draw(st.sampled_from(tuple(Tier))),
        group=draw(st.sampled_from(("family", "work"))),
        jurisdictions=draw(st.sampled_from((("DE",), ("US",), ("DE", "US"), ()))),
        standing=Standing.ADMITTED if sound else draw(st.sampled_from(tuple(Standing))),
        reachability=Reachability.ALIVE if sound else draw(st.sampled_from(tuple(Reachability))),
        trust=TrustScore(draw(floors)),
        models=draw(offers(1 if sound else 0)),
        data_sets=tuple(
            DataSetOffer(name, 1, 1, draw(floors))
            for name in draw(st.sampled_from(((), ("x",), ("y",), ("x", "y"), ("x", "x"))))
        ),
        endpoints=(),
        requests_max=draw(st.sampled_from((0, 1, 4))) if not sound else 4,
        load=draw(st.none() | loads),
        round_trip_ms=draw(st.sampled_from((0, 20))),
        attested_until_ms=2_000 if sound else draw(st.sampled_from((0, 1_000, 2_000))),
        admitted_until_ms=2_000 if sound else draw(st.sampled_from((0, 1_000, 2_000))),
        front=ID.format(draw(st.integers(0, 8))) if draw(rarely_true) else "",
        is_local=draw(st.booleans()),
        is_self=number == 0 and draw(st.booleans()),
    )


@st.composite
def meshes(draw: st.DrawFn) -> tuple[IslandView, ...]:
    return tuple(draw(islands(number)) for number in range(draw(st.integers(0, 8))))


@st.composite
def findings(draw: st.DrawFn, at: int) -> Finding:
    general = General(Grain.YEAR, draw(floors)) if draw(st.booleans()) else None
    kind = draw(st.sampled_from(tuple(FindingType)))
    return Finding(at, at + 1, kind, Ppm(900_000), draw(floors), "rule", general)


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    found = tuple(draw(findings(at)) for at in range(draw(st.integers(0, 3))))
    topics = []
    for number in range(draw(st.integers(0, 2))):
        floor = draw(floors)
        topics.append(Topic(f"topic-{number}", floor, Ppm(min(floor, draw(floors)))))
    return assessed((found,), tuple(topics))


def assessed(found: tuple[tuple[Finding, ...], ...], topics: tuple[Topic, ...]) -> Assessment:
    highest = [finding.floor_ppm for text in found for finding in text] + [
        topic.floor_ppm for topic in topics
    ]
    return Assessment(found, topics, Ppm(max(highest, default=0)), ())


hints = st.builds(
    Hints,
    jurisdictions=st.sampled_from(((), ("DE",), ("DE", "US"))),
    only=st.sampled_from(((), (), ("island-1", "00000002"))),
    ignore=st.sampled_from(((), (), ("island-0",), ("00000003", ID.format(8)))),
    tiers=st.sampled_from(((), (Tier.PERSONAL, Tier.EDGE), (Tier.CLOUD,))),
    cost_max_microusd=st.sampled_from((None, 0, 4_000)),
    deadline_ms=st.sampled_from((None, 5_000, 50_000)),
    data_sets=st.sampled_from(((), (), ("x",), ("x", "y"))),
    profile=st.sampled_from(("", *PROFILES)),
)

policies = st.builds(
    RoutingPolicy,
    local_band_ppm=st.sampled_from((0, 100_000, 300_000)).map(Ppm),
    jurisdictions=st.sampled_from(((), (), ("DE", "US"))),
    tiers=st.sampled_from(((), (), (Tier.PERSONAL, Tier.CLOUD))),
    cost_max_microusd=st.sampled_from((None, None, 1_000)),
)

purses = st.builds(
    Purse,
    left_microusd=st.sampled_from((None, 0, 9_000)),
    span=st.sampled_from((None, Span.CLIENT_DAY)),
    input_tokens_max=st.just(1_500),
    output_tokens_max=st.just(400),
)

questions = st.builds(
    Question,
    request_id=st.just("r"),
    assessment=assessments(),
    model=st.sampled_from(
        ("islandrun/auto", "") * 3
        + ("islandrun/local", "islandrun/private", "a", "a@x")
        + ("a@island-1", "b-code-3b@00000002", "islandrun/private@island-1", "@island-1", "nothing")
    ),
    hints=hints,
    input_tokens=st.sampled_from((10, 1_000)),
    output_tokens=st.sampled_from((10, 300)),
    policy=policies,
    now=st.just(NOW),
    needs_tools=st.sampled_from((False, False, True)),
    places=st.sampled_from(((), (), ("DE",))),
    task=st.builds(TaskGuess, st.sampled_from(Task), st.sampled_from((0, 1_000_000)).map(Ppm)),
    answer_tokens_max=st.sampled_from((0, 300)),
    purse=st.just(NO_LIMIT) | purses,
    failed=st.sampled_from(((), (), (IslandId(ID.format(1)), IslandId(ID.format(8))))),
    my_group=st.sampled_from(("family", "family", "", "elsewhere")),
    last=st.sampled_from((IslandId(""), IslandId(ID.format(1)), IslandId(ID.format(2)))),
    warm=st.sampled_from(
        (COLD, Warm(IslandId(ID.format(1)), "a", 500), Warm(IslandId(ID.format(0)), "a", 5_000))
    ),
)
