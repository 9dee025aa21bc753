"""One request, from prompt to answer: the page to read first.

::

    assess (what is in it) -> course (to its documents, or with their passages; a Route: who may, who is best)
      -> sanitize (for that island) -> purchase (its worst case is set aside)
      -> run (a backend here, or a peer over mTLS) -> restore (while it streams) -> settle -> receipt
      on failure before the first token: the route says who is next, and masking is done anew for them

Work that reads texts and never leaves this island, such as making vectors, goes by `here`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

from islandrun.agents.budget import Spender
from islandrun.agents.question import Question
from islandrun.errors import (
    ForwardFailed,
    NobodyMaySee,
    NoCapacity,
    Overloaded,
    PrivacyFault,
    PurseEmpty,
    Refused,
    TooSlow,
)
from islandrun.locality.passages import Cited
from islandrun.privacy.sanitize import Sanitized
from islandrun.privacy.sensitivity import WITHHELD
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.routing.habits import Ran
from islandrun.routing.patience import is_only_full
from islandrun.routing.route import Route
from islandrun.vocabulary import (
    AnswerPiece,
    ChatRequest,
    Finished,
    Hints,
    Instant,
    ModelOffer,
    Prompt,
    Usage,
)
from islandrun_node import world_clock
from islandrun_node.answer import restored
from islandrun_node.conversations import Conversation, Conversations
from islandrun_node.grounding import Course, Grounding
from islandrun_node.journal import Journal, Record
from islandrun_node.matching import Matcher
from islandrun_node.outlook import Outlook
from islandrun_node.patience import Patience
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.runner import Runner
from islandrun_node.spending import Order, Spending
from islandrun_node.task_reader import TaskReader
from islandrun_node.visits import READ, Visit, Visits, use_of


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision under which the pieces after it were made; again after a failover."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Settled:
    """What a whole answer cost, in micro-dollars, and what was saved against the baseline; comes last."""

    cost_microusd: int
    saved_microusd: int


RequestEvent = Decided | AnswerPiece | Settled


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen to a request: the decision, and the prompt as the chosen island would see it."""

    decision: Decision
    visible_prompt: Prompt | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Requests:
    """Answers requests; one object serves every door of the node."""

    outlook: Outlook
    privacy: PrivacyWorker
    tasks: TaskReader
    conversations: Conversations
    runner: Runner
    matcher: Matcher
    grounding: Grounding
    journal: Journal
    spending: Spending
    visits: Visits
    running_max: int
    patience: Patience

    def models(self) -> tuple[str, ...]:
        """Return the model names a client may ask for."""
        return self.outlook.models()

    async def answer(self, request: ChatRequest, caller: str = "local") -> AsyncGenerator[RequestEvent]:
        """Answer a request piece by piece; the decision comes first, what it cost last.

        Raises `BadRequest` for a request that is itself wrong, `NobodyMaySee` (its `decision` says
        why) before anything was sent, `Overloaded` when this node runs too many requests,
        `ForwardFailed` when every eligible island failed before its first token, `Interrupted` after it.
        """
        self._refuse_too_many()
        with self.visits.admitted(caller, use_of(request)) as visit:
            async with aclosing(self._answer(request, visit)) as events:
                async for event in events:
                    yield event

    async def _answer(self, request: ChatRequest, visit: Visit) -> AsyncGenerator[RequestEvent]:
        """Answer a request that was let in."""
        request, question, conversation = await self._begin(request, visit)
        with self.journal.record(question.request_id) as record:
            course = await self.grounding.course(request, question, conversation, visit, record.decided)
            question, route, decision = course.question, course.route, course.decision
            while True:
                decision = await self.patience.settled(route, decision)
                record.decided(decision)
                chosen = decision.chosen
                if chosen is None:
                    raise record.failure or refused(question, route, decision)
                yield Decided(decision)
                pace = self.outlook.pace(chosen.island, chosen.model)
                record.expects(pace, question.input_tokens)
                try:
                    attempt = self._attempt(course, question, chosen, conversation, record)
                    async with aclosing(attempt) as pieces:
                        async for piece in pieces:
                            route.first_token()
                            record.piece(piece)
                            visit.used(piece)
                            yield piece
                    ran = Ran(chosen.island, chosen.model, question.input_tokens, world_clock.now())
                    self.outlook.habits.ran(conversation.name.hex(), request.model, ran)
                    self.spending.learn(question, request, record.usage)
                    yield Settled(record.cost_microusd, record.saved_microusd)
                    return
                except PurseEmpty:
                    question = unpaid(question, route)
                    route = Route(question)
                    decision = route.start(self.outlook.fleet(), world_clock.now())
                except ForwardFailed as error:
                    record.failed(error)
                    following = route.failed(chosen.island, error, self.outlook.fleet(), world_clock.now())
                    if following is None:
                        raise
                    decision = following
                except PrivacyFault:
                    question = visit.limited(restricted(question, route, decision))
                    route = Route(question)
                    decision = route.start(self.outlook.fleet(), world_clock.now())

    async def plan(self, request: ChatRequest, caller: str = "local") -> Plan:
        """Decide and mask, and send nothing. Raises `BadRequest` for a request that is itself wrong."""
        with self.visits.admitted(caller, use_of(request)) as visit:
            return await self._plan(request, visit)

    async def _plan(self, request: ChatRequest, visit: Visit) -> Plan:
        request, question, conversation = await self._begin(request, visit)
        course = await self.grounding.planned(request, question, visit)
        request, question, decision = course.request, course.question, course.decision
        if decision.chosen is None:
            return Plan(decision, None)
        try:
            sanitized = await self._sanitize(request, question, decision.chosen, conversation)
        except PrivacyFault:
            question = visit.limited(restricted(question, course.route, decision))
            decision = Route(question).start(self.outlook.fleet(), world_clock.now())
            return Plan(decision, request.prompt if decision.chosen else None)
        return Plan(decision, sanitized.prompt)

    @asynccontextmanager
    async def here(
        self,
        request: ChatRequest,
        offer: ModelOffer,
        caller: str = "local",
        data_sets: tuple[str, ...] = (),
    ) -> AsyncGenerator[Decision]:
        """Let the block read the texts of a request on this island, as its model `offer`; nothing leaves.

        `data_sets` are those that the block will look into, for the owner's rules.

        They are judged as for an answer, by the same vetoes, and leave a receipt. Raises `NobodyMaySee`
        when this island may not see them as they are, `PrivacyFault` when nobody could judge them.
        """
        self._refuse_too_many()
        with self.visits.admitted(caller, READ, data_sets) as visit:
            question = await self._ask(request, visit)
            async with self._read(question, offer) as decision:
                yield decision
            visit.tokens = question.input_tokens

    @asynccontextmanager
    async def _read(self, question: Question, offer: ModelOffer) -> AsyncGenerator[Decision]:
        with self.journal.record(question.request_id) as record:
            if question.assessment is WITHHELD:
                raise PrivacyFault("what is in the texts could not be judged, so they were not read")
            decision = Route(question).start(self.outlook.home(offer), question.now)
            record.decided(decision)
            if decision.chosen is None or decision.chosen.masked:
                raise NobodyMaySee(decision.summary, decision)
            yield decision
            record.piece(Finished("stop", Usage(question.input_tokens), offer.name))

    def _refuse_too_many(self) -> None:
        if self.journal.running >= self.running_max:
            raise Overloaded(f"this node runs {self.running_max} requests already; try again in a moment")

    async def _ask(self, request: ChatRequest, visit: Visit) -> Question:
        """Find out what is in a request and what it asks for, and what the owner's rules leave for it.

        A fault on the way makes it restricted.
        """
        now = world_clock.now()
        assessment, task = await asyncio.gather(
            self.privacy.assess(request.prompt, request.hints.sensitivity_min_ppm),
            self.tasks.guess(request.prompt),
        )
        request_id = world_clock.fresh_id("r")
        routing = visit.policy.routing
        return visit.limited(self.outlook.question(request, assessment, routing, request_id, now, task))

    async def _begin(self, request: ChatRequest, visit: Visit) -> tuple[ChatRequest, Question, Conversation]:
        """Find out what is in a request, which conversation it continues, and what it may cost."""
        request = await self.matcher.named(request, visit.caller)
        visit.data_sets = request.hints.data_sets
        question = await self._ask(request, visit)
        conversation = await self.conversations.open(request, visit.caller, question.now)
        question = self.outlook.accustomed(question, conversation.name.hex())
        spender = Spender(visit.caller, conversation.name.hex())
        return request, self.spending.weighed(question, request, spender), conversation

    async def _attempt(
        self,
        course: Course,
        question: Question,
        chosen: CandidateReport,
        conversation: Conversation,
        record: Record,
    ) -> AsyncGenerator[AnswerPiece]:
        """Mask for one island, take the money aside, run there, restore, name its sources, settle."""
        request, cited = course.request, Cited(course.citations)
        sanitized = await self._sanitize(request, question, chosen, conversation)
        island = self.outlook.island(chosen.island)
        if island is None:
            raise Refused(f"{chosen.name} is not known here any more")
        order = Order(island, chosen.model, sanitized.prompt, request.sampling, question.purse.spender)
        with self.spending.purchase(order) as bought:
            record.bought.append(bought)
            hints = remaining(request.hints, question.now, world_clock.now())
            capped = replace(request, sampling=bought.capped(request.sampling), hints=hints)
            caller = question.purse.spender.client
            answer = self.runner.run(chosen, sanitized, capped, question.request_id, caller)
            pieces = bought.metered(answer)
            stop, size = request.sampling.stop, question.input_tokens
            async with aclosing(restored(pieces, conversation.vault, stop, size)) as restoring:
                async for piece in restoring:
                    yield cited.feed(piece)

    async def _sanitize(
        self, request: ChatRequest, question: Question, chosen: CandidateReport, conversation: Conversation
    ) -> Sanitized:
        """Mask for one island; what its placeholders stand for is on the disk before anything is sent."""
        sanitized = await self.privacy.sanitize(
            request.prompt, question.assessment, chosen.trust_ppm, conversation.vault
        )
        if question.assessment is not WITHHELD:
            await self.conversations.keep(conversation)
        return sanitized


def remaining(hints: Hints, asked: Instant, now: Instant) -> Hints:
    """Return the wishes of a request with what is left of its deadline, 1 ms or more.

    Raises `TooSlow` when nothing is left: then nothing more is sent to anybody.
    """
    if hints.deadline_ms is None:
        return hints
    left_ms = hints.deadline_ms - int((now.seconds - asked.seconds) * 1_000)
    if left_ms <= 0:
        raise TooSlow(f"the deadline of {hints.deadline_ms} ms is over before anybody was asked")
    return replace(hints, deadline_ms=left_ms)


def refused(question: Question, route: Route, decision: Decision) -> NobodyMaySee:
    """Return the error for a request that nobody runs."""
    kind = NoCapacity if is_only_full(decision, route.overloaded) else NobodyMaySee
    return kind(refusal(question, decision), decision)


def refusal(question: Question, decision: Decision) -> str:
    """Say why nobody runs a request; that its check failed comes first, for only that can be mended."""
    if question.assessment is not WITHHELD:
        return decision.summary
    return f"the privacy check of this request failed, so only full trust may see it: {decision.summary}"


def unpaid(question: Question, route: Route) -> Question:
    """Return the question of a request for which no money is left any more: only free islands may run it."""
    return replace(question, purse=replace(question.purse, left_microusd=0), failed=route.failed_islands)


def restricted(question: Question, route: Route, decision: Decision) -> Question:
    """Return the question of a request whose masking failed: only full trust may see it now.

    Raises `NobodyMaySee` when masking fails even then, because nothing safe is left to try.
    """
    if question.assessment is WITHHELD:
        raise NobodyMaySee("masking this request failed; it was sent to nobody", decision)
    return replace(question, assessment=WITHHELD, failed=route.failed_islands)
