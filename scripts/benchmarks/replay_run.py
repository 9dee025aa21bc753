"""One policy over one trace, in virtual time: ask, choose, show, serve, try again or give up."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from replay_policies import Memory, Policy
from replay_prompts import Reading
from replay_world import Islands, instant

from islandrun.agents.models import AUTO
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.privacy import EXPOSURE_WEIGHTS_PPM
from islandrun.agents.question import NOBODY, Question
from islandrun.routing.patience import WaitRules
from islandrun.routing.route import ATTEMPTS_MAX
from islandrun.simulation.islands import GROUP, dice
from islandrun.vocabulary import PPM_MAX, Hints, IslandId, IslandView, Tier

AGAIN_SECONDS = 1.0
ANSWER_TOKENS_FIRST = 200
"""How long an answer is taken to be before there was one; then the mean of all that ended."""

_HINTS = Hints()


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of a trace, with the number of the text that stands for its own."""

    at: float
    input_tokens: int
    output_tokens: int
    prompt: int


@dataclass(slots=True)
class Request:
    """One request under way."""

    asked: Asked
    failed: tuple[IslandId, ...] = ()
    full: tuple[IslandId, ...] = ()
    tries: int = 0


@dataclass(slots=True)
class Tally:
    """What came of all requests."""

    latencies: list[float] = field(default_factory=list)
    overheads: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_island: Counter[str] = field(default_factory=Counter)
    cost_microusd: float = 0.0
    quality: float = 0.0
    exposure_ppm: int = 0


class Replay:
    """One run; `run` returns its figures."""

    def __init__(
        self, policy: Policy, trace: Sequence[Asked], reading: Reading, seed: int, profile: str
    ) -> None:
        self._policy, self._reading = policy, reading
        self._islands = Islands(seed, trace[-1].at + 3_600)
        self._memory = Memory(dice("policy", policy.name, seed))
        self._routing = RoutingPolicy(default_profile=profile)
        self._wait_seconds = WaitRules().limit_ms(profile, _HINTS) / 1_000
        self._events = [(one.at, number, Request(one)) for number, one in enumerate(trace)]
        self._number = len(trace)
        self._answers, self._tokens = 0, 0
        self._last = NOBODY
        self.tally = Tally()

    def run(self) -> dict[str, object]:
        """Replay all, in order of time."""
        heapq.heapify(self._events)
        while self._events:
            at, _, request = heapq.heappop(self._events)
            self._try(request, at)
        return self._figures()

    def _try(self, request: Request, at: float) -> None:
        asked, tally = request.asked, self.tally
        if not self._policy.is_naive and not self._may_anybody(asked.prompt):
            tally.counts["refused"] += 1
            return
        before = time.perf_counter()
        fleet = self._islands.fleet(at)
        chosen = self._policy.pick(self._question(request, at), fleet, self._memory)
        spent = time.perf_counter() - before + self._reading.spent_seconds[asked.prompt]
        if chosen is None:
            self._wait(request, at)
            return
        place = fleet.register.place(chosen)
        assert place is not None
        if self._show(asked.prompt, fleet.islands[place], spent):
            self._serve(request, chosen, at)
        else:
            self._next(request, chosen, at)

    def _question(self, request: Request, at: float) -> Question:
        asked = request.asked
        return Question(
            request_id="replayed",
            assessment=self._reading.assessments[asked.prompt],
            model=AUTO,
            hints=_HINTS,
            input_tokens=asked.input_tokens,
            output_tokens=self._tokens // self._answers if self._answers else ANSWER_TOKENS_FIRST,
            policy=self._routing,
            now=instant(at),
            failed=request.failed,
            my_group=GROUP,
            last=self._last,
        )

    def _may_anybody(self, prompt: int) -> bool:
        """Say whether any tier of the policy may see a text, so that waiting makes sense."""
        trusts = {Tier.PERSONAL: PPM_MAX, Tier.EDGE: 800_000, Tier.CLOUD: 200_000}
        return any(self._reading.may_see(prompt, trusts[tier]) for tier in self._policy.tiers)

    def _show(self, prompt: int, view: IslandView, spent: float) -> bool:
        """Look at what the island is sent; False when the library would not send it."""
        counts, trust = self.tally.counts, view.trust.ppm
        if self._policy.is_naive:
            leaks = self._reading.leaks(prompt, trust)
        else:
            shown = self._reading.shown(prompt, trust)
            if shown.is_withheld:
                counts["withheld"] += 1
                return False
            leaks = shown.leaks
            counts["masked"] += bool(shown.masked)
            spent += shown.spent_seconds
        self.tally.overheads.append(spent)
        counts["violations"] += leaks
        counts["requests_leaking"] += bool(leaks)
        return True

    def _serve(self, request: Request, chosen: IslandId, at: float) -> None:
        asked = request.asked
        served = self._islands.servers[chosen].serve(at, asked.input_tokens, asked.output_tokens)
        self._islands.note(chosen, served.at)
        if served.fault == "interrupted":
            self.tally.counts["interrupted"] += 1
        elif served.fault:
            self.tally.counts[served.fault] += 1
            if served.fault == "overloaded":
                request.full += (chosen,)
            self._next(request, chosen, served.at)
        else:
            self._answered(request, chosen, served.at)

    def _answered(self, request: Request, chosen: IslandId, at: float) -> None:
        asked, tally, kind = request.asked, self.tally, self._islands.kind_of[chosen]
        self._last = chosen
        self._answers += 1
        self._tokens += asked.output_tokens
        tally.latencies.append(at - asked.at)
        tally.by_island[kind.name] += 1
        tally.cost_microusd += kind.cost_microusd(asked.input_tokens, asked.output_tokens)
        tally.quality += kind.quality
        if kind.tier is not Tier.PERSONAL:
            trust = {Tier.EDGE: 800_000, Tier.CLOUD: 200_000}[kind.tier]
            exposure = self._reading.assessments[asked.prompt].exposure_ppm(trust)
            tally.exposure_ppm += exposure * EXPOSURE_WEIGHTS_PPM[kind.tier] // PPM_MAX

    def _next(self, request: Request, island: IslandId, at: float) -> None:
        request.failed += (island,)
        request.tries += 1
        if request.tries >= ATTEMPTS_MAX:
            self.tally.counts["failed"] += 1
        else:
            self._push(request, at)

    def _wait(self, request: Request, at: float) -> None:
        """Ask again a little later; what was only full may have a place then."""
        if at + AGAIN_SECONDS - request.asked.at > self._wait_seconds:
            self.tally.counts["refused"] += 1
            return
        request.failed = tuple(island for island in request.failed if island not in request.full)
        self.tally.counts["waits"] += 1
        self._push(request, at + AGAIN_SECONDS)

    def _push(self, request: Request, at: float) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, request))

    def _figures(self) -> dict[str, object]:
        tally, counts = self.tally, self.tally.counts
        answered = max(len(tally.latencies), 1)
        kinds = {kind.name: kind for kind in self._islands.kind_of.values()}
        local = sum(n for name, n in tally.by_island.items() if kinds[name].tier is not Tier.CLOUD)
        home = sum(n for name, n in tally.by_island.items() if kinds[name].tier is Tier.PERSONAL)
        names = (
            "refused",
            "failed",
            "interrupted",
            "overloaded",
            "unreachable",
            "waits",
            "masked",
            "withheld",
        )
        quality = round(tally.quality / answered, 4)
        return {
            "policy": self._policy.name,
            "is_naive": self._policy.is_naive,
            "answered": len(tally.latencies),
            **{f"latency_p{share}_s": percentile(tally.latencies, share) for share in (50, 95, 99)},
            "cost_usd": round(tally.cost_microusd / 1e6, 4),
            "local_share": round(local / answered, 4),
            "home_share": round(home / answered, 4),
            "quality_mean": quality,
            "quality_loss_mean": round(1 - quality, 4),
            "exposure_mean": round(tally.exposure_ppm / answered / PPM_MAX, 4),
            **{name: counts[name] for name in names},
            "unanswered": counts["refused"] + counts["failed"] + counts["interrupted"],
            "violations": counts["violations"],
            "requests_leaking": counts["requests_leaking"],
            **{f"overhead_p{share}_ms": percentile(tally.overheads, share, 1e3) for share in (50, 99)},
            "by_island": dict(sorted(tally.by_island.items())),
            "forgeries": self._islands.forgeries,
            "forgeries_refused": self._islands.forgeries_refused,
        }


def percentile(values: Sequence[float], share: int, factor: float = 1.0) -> float:
    """Return a percentile of some values; 0 of none."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) * share // 100, len(ordered) - 1)] * factor, 3) if ordered else 0.0
