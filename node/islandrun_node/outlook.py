"""What this node knows, for reading: islands, models, status, receipts. It changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace

from islandrun.agents.fleet import Fleet, fleet_of
from islandrun.agents.latency import Pace, pace_of
from islandrun.agents.lengths import LENGTH_DEFAULT
from islandrun.agents.policy import RoutingPolicy
from islandrun.agents.question import Question
from islandrun.agents.tasks import UNKNOWN_TASK, TaskGuess
from islandrun.mesh.machine import Mesh
from islandrun.privacy.sensitivity import Assessment
from islandrun.routing.breaker import Breakers
from islandrun.routing.candidates import LocalFacts, Vantage
from islandrun.routing.habits import Habits
from islandrun.routing.lookout import Lookout
from islandrun.trust.behaviour import Behaviour
from islandrun.trust.ledger import Ledger
from islandrun.trust.score import TrustPolicy, view_of
from islandrun.trust.view import Reach, View
from islandrun.v1 import chat_pb2, status_pb2
from islandrun.vocabulary import (
    ChatRequest,
    Instant,
    IslandId,
    IslandView,
    Load,
    ModelOffer,
    Ppm,
    Prompt,
    Reachability,
    Standing,
)
from islandrun.wire.load import load_to_wire
from islandrun_node import world_clock
from islandrun_node.journal import Journal
from islandrun_node.stores.receipts import ReceiptStore
from islandrun_node.upkeep import Upkeep

SPECIAL_MODELS = ("islandrun/auto", "islandrun/local", "islandrun/private")
BYTES_PER_TOKEN = 4
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """The node's view of the mesh and of itself. `me` is the node's own island."""

    me: IslandId
    ledger: Ledger
    mesh: Mesh
    lookout: Lookout
    my_group: Callable[[], str]
    trust_policy: TrustPolicy
    behaviours: Mapping[IslandId, Behaviour]
    upkeep: Upkeep
    journal: Journal
    receipt_store: ReceiptStore
    degraded: Callable[[], tuple[str, ...]]
    version: str
    started: Instant
    in_flight: Mapping[IslandId, int] = field(default_factory=dict)
    habits: Habits = field(default_factory=Habits)
    breakers: Breakers = field(default_factory=lambda: Breakers(world_clock.dice().random))
    through: Mapping[IslandId, IslandId] = field(default_factory=dict)
    relays: Callable[[], tuple[str, ...]] = tuple

    def islands(self) -> tuple[IslandView, ...]:
        """Return every island of the mesh as it looks from here now."""
        return self.fleet().islands

    def fleet(self) -> Fleet:
        """Return every island of the mesh as routing judges it now."""
        return self.lookout.fleet(self._vantage(), self._ways(), self.in_flight)

    def island(self, island: IslandId) -> IslandView | None:
        """Return one island, or None when it is not known."""
        return self._vantage().view(island)

    def pace(self, island: IslandId, model: str) -> Pace | None:
        """Return how an island would run one of its models now, or None when it does not have it."""
        view = self.island(island)
        offers = view.models if view is not None else ()
        offer = next((offer for offer in offers if offer.name == model), None)
        return None if view is None or offer is None else pace_of(view, offer)

    def relay_offers(self) -> tuple[IslandView, ...]:
        """Return the islands that say they carry pipes for others."""
        ledger = self.ledger
        offering = [
            island
            for island in ledger.islands()
            if (claims := ledger.self_claims(island)) is not None and claims.relay_endpoints
        ]
        return tuple(view for island in offering if (view := self.island(island)) is not None)

    def _ways(self) -> dict[IslandId, str]:
        """Name the relay over which each island is reached now that is not dialled by itself."""
        names = {}
        for island, relay in self.through.items():
            claims = self.ledger.self_claims(relay)
            names[island] = claims.name if claims is not None else relay[:8]
        return names

    def home(self, offer: ModelOffer) -> Fleet:
        """Return this island alone, as it looks to texts that are read here by `offer` beside its engine."""
        home = self.island(self.me)
        load = Load(0, 0, home.requests_max, 0, 0) if home else None
        return fleet_of(() if home is None else (replace(home, models=(offer,), load=load),))

    def _vantage(self) -> Vantage:
        local = {
            island: LocalFacts(load=self.upkeep.load(island), is_self=island == self.me)
            for island in self.upkeep.islands
        }
        return Vantage(
            self.ledger,
            self.mesh,
            self.my_group(),
            self.trust_policy,
            self.behaviours,
            local,
            world_clock.now(),
        )

    def trust_ppm(self, island: IslandId) -> Ppm:
        """Return how far an island is trusted from here; 0 when it is not known."""
        view = self.island(island)
        return view.trust.ppm if view else Ppm(0)

    def places(self, island: IslandId) -> tuple[str, ...]:
        """Return the jurisdictions in which the owner says that an island lies."""
        view = self.island(island)
        return view.jurisdictions if view else ()

    def view(self) -> View:
        """Return how far trust reaches by the age of the owner's newest view."""
        return view_of(self.ledger, self.trust_policy, world_clock.now().wall_ms)

    def hindrances(self) -> tuple[str, ...]:
        """Return what keeps this node from its work, one sentence each."""
        seen = self.view()
        whom = {Reach.ITSELF: "no other island is", Reach.OWN_GROUP: "only the own group is"}.get(seen.reach)
        return (*self.degraded(), *([f"{seen.reason}: {whom} trusted"] if whom else []))

    def standing(self, island: IslandId) -> Standing:
        """Return what the owner says of an island at this moment."""
        return self.ledger.standing(island, world_clock.now().wall_ms)

    def is_admitted(self, island: IslandId) -> bool:
        """Say whether the owner still admits an island at this moment."""
        return self.standing(island) is Standing.ADMITTED

    def models(self) -> tuple[str, ...]:
        """Return the names a client may ask for: those of the mesh, then the special ones."""
        names = {
            model.name
            for view in self.islands()
            if view.standing is Standing.ADMITTED and view.trust.ppm > 0
            for model in view.models
        }
        return (*sorted(names), *SPECIAL_MODELS)

    def question(
        self,
        request: ChatRequest,
        assessment: Assessment,
        policy: RoutingPolicy,
        request_id: str,
        now: Instant,
        task: TaskGuess = UNKNOWN_TASK,
    ) -> Question:
        """Return a request as the agents see it."""
        tokens_max = request.sampling.tokens_max
        return Question(
            request_id=request_id,
            assessment=assessment,
            model=request.model,
            hints=request.hints,
            input_tokens=input_estimate(request.prompt),
            output_tokens=LENGTH_DEFAULT if tokens_max is None else tokens_max,
            policy=policy,
            now=now,
            needs_tools=bool(request.prompt.tools),
            my_group=self.my_group(),
            receipt_id=request_id,
            answer_tokens_max=tokens_max or 0,
            task=task,
            open_circuits=self.breakers.open_now(now.seconds),
        )

    def asked_anew(
        self, question: Question, request: ChatRequest, assessment: Assessment, now: Instant
    ) -> Question:
        """Return a question whose request has another prompt and other hints by now; all else stays."""
        return replace(
            question,
            assessment=assessment,
            hints=request.hints,
            input_tokens=input_estimate(request.prompt),
            now=now,
            my_group=self.my_group(),
            open_circuits=self.breakers.open_now(now.seconds),
        )

    def accustomed(self, question: Question, conversation: str) -> Question:
        """Return a request with where its conversation ran last, and who still has its beginning."""
        habits = self.habits
        last = habits.last(conversation, question.model)
        return replace(question, last=last, warm=habits.warm(conversation, question.now))

    def mesh_status(self) -> status_pb2.MeshStatus:
        """Return the node and its mesh in figures."""
        views = self.islands()
        own = next((view for view in views if view.is_self), None)
        outcomes = self.journal.outcomes
        return status_pb2.MeshStatus(
            mesh_id=self.ledger.genesis.mesh_id.hex(),
            mesh_name=self.ledger.genesis.name,
            self_id=self.me,
            self_name=own.name if own else "",
            version=self.version,
            up_since_ms=self.started.wall_ms,
            islands=sum(view.standing is Standing.ADMITTED for view in views),
            islands_alive=sum(
                view.standing is Standing.ADMITTED and view.reachability is Reachability.ALIVE
                for view in views
            ),
            requests_answered=outcomes["answered"],
            requests_refused=outcomes["refused"],
            requests_failed=outcomes["failed"] + outcomes["interrupted"],
            degraded=self.hindrances(),
            relays=self.relays(),
            held_back=self.upkeep.words(),
            load=load_to_wire(self.upkeep.load(self.me)),
        )

    async def changed(self) -> AsyncGenerator[status_pb2.MeshStatus]:
        """Yield the status now and after each change, at most once a second; load alone is no change."""
        last: bytes | None = None
        while True:
            status = self.mesh_status()
            lasting = status_pb2.MeshStatus()
            lasting.CopyFrom(status)
            lasting.ClearField("load")
            encoded = lasting.SerializeToString(deterministic=True)
            if encoded != last:
                last = encoded
                yield status
            await asyncio.sleep(WATCH_SECONDS)

    def receipts(
        self, page_size: int, before: int | None
    ) -> tuple[tuple[chat_pb2.SignedReceipt, ...], int | None]:
        """Return receipts, newest first, and where the next page begins."""
        return self.receipt_store.page(page_size, before)

    def receipt(self, receipt_id: str) -> chat_pb2.SignedReceipt | None:
        """Return one receipt, or None."""
        return self.receipt_store.get(receipt_id)


def input_estimate(prompt: Prompt) -> int:
    """Estimate the tokens of a prompt from the size of its text."""
    size = sum(
        len(message.text.encode("utf-8", "replace")) + sum(len(call.arguments) for call in message.tool_calls)
        for message in prompt.messages
    )
    size += sum(len(tool.description) + len(tool.parameters) for tool in prompt.tools)
    return size // BYTES_PER_TOKEN + 8 * len(prompt.messages)
