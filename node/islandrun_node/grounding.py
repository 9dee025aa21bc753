"""A request on its way to documents: run where they lie, or with their passages where a model can write.

::

    holder can write -> it runs the request, and reads its documents itself
    else             -> passages from each holder (its question masked for it) -> into the prompt
                          -> judged and routed anew: as sensitive as the data set at least, bound to its place

The passages are part of the prompt from then on, so every island that may run the request gets them masked
for itself. Documents never move.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from islandrun.agents.budget import Spender
from islandrun.agents.question import Question
from islandrun.errors import ForwardFailed, NobodyMaySee, PrivacyFault
from islandrun.locality.passages import (
    PASSAGES_DEFAULT,
    SOURCES_TOKENS_MAX,
    Found,
    citations_of,
    fitted,
    joined,
    named,
    with_sources,
)
from islandrun.privacy.sensitivity import WITHHELD
from islandrun.routing.choose import choose
from islandrun.routing.decision import CandidateReport, Decision
from islandrun.routing.reading import (
    context_of,
    is_quoted,
    needs_passages,
    portions,
    readers,
    reading_question,
    told_as_reading,
)
from islandrun.routing.route import ATTEMPTS_MAX, Route
from islandrun.vocabulary import ChatRequest, Citation, Hints, IslandId, Passage, Ppm
from islandrun_node import world_clock
from islandrun_node.conversations import Conversation, Conversations
from islandrun_node.knowledge import LocalKnowledge
from islandrun_node.outlook import Outlook
from islandrun_node.privacy_worker import PrivacyWorker
from islandrun_node.runner import Runner
from islandrun_node.visits import Visit

Note = Callable[[Decision], None]
Weigh = Callable[[Question, ChatRequest, Spender], Question]
"""Says what a request may cost: with sources in its prompt it costs more."""

SPARE_TOKENS: Final = 128
"""What is left free beside prompt, sources and answer, since tokens are estimated."""


@dataclass(frozen=True, slots=True)
class Course:
    """A request as it is run: with sources in its prompt or as it came, its route, and its first decision."""

    request: ChatRequest
    question: Question
    route: Route
    decision: Decision
    citations: tuple[Citation, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Grounding:
    """Finds the course of a request that names data sets."""

    outlook: Outlook
    privacy: PrivacyWorker
    conversations: Conversations
    runner: Runner
    knowledge: LocalKnowledge
    weigh: Weigh

    async def course(
        self,
        request: ChatRequest,
        question: Question,
        conversation: Conversation,
        visit: Visit,
        note: Note,
    ) -> Course:
        """Return how a request is run; `note` hears who was asked to read documents for it.

        Raises `NobodyMaySee` when nobody may read the documents, `ForwardFailed` when every holder failed.
        """
        course = self._begun(request, question)
        fleet = self.outlook.fleet()
        if not needs_passages(question, course.decision, fleet):
            return course
        try:
            found = await self._read_all(request, question, conversation, note)
        except (NobodyMaySee, ForwardFailed):
            if course.decision.chosen is None:
                raise
            return course
        brought = await self._brought(request, question, visit, found)
        if course.decision.chosen is None:
            return brought
        is_better = brought.decision.chosen is not None and not is_quoted(brought.decision, fleet)
        return brought if is_better and brought.citations else course

    async def planned(self, request: ChatRequest, question: Question, visit: Visit) -> Course:
        """Return how a request would be run, and send nothing: at most who would read the documents."""
        course = self._begun(request, question)
        fleet = self.outlook.fleet()
        if not needs_passages(question, course.decision, fleet):
            return course
        names = portions(fleet, request.hints.data_sets)
        if all(self._is_here(portion) for portion in names):
            found = [await self._read_here(request, portion) for portion in names]
            brought = await self._brought(request, question, visit, found)
            return brought if brought.decision.chosen or not course.decision.chosen else course
        if course.decision.chosen is not None:
            return course
        away = next(portion for portion in names if not self._is_here(portion))
        reading = choose(reading_question(question, away, ()), readers(fleet))
        return replace(course, decision=told_as_reading(reading))

    def _begun(self, request: ChatRequest, question: Question) -> Course:
        route = Route(question)
        return Course(request, question, route, route.start(self.outlook.fleet(), world_clock.now()))

    async def _read_all(
        self, request: ChatRequest, question: Question, conversation: Conversation, note: Note
    ) -> Sequence[Found]:
        """Ask the holders, all at once."""
        asking = _Asking(request, question, conversation, note)
        names = portions(self.outlook.fleet(), request.hints.data_sets)
        running = [asyncio.create_task(self._read(asking, portion)) for portion in names]
        try:
            return await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _read(self, asking: _Asking, data_sets: tuple[str, ...]) -> Found:
        """Read data sets here, or have one holder after the other read them for a masked question."""
        if self._is_here(data_sets):
            return await self._read_here(asking.request, data_sets)
        failed: tuple[IslandId, ...] = ()
        failure: ForwardFailed | None = None
        while len(failed) < ATTEMPTS_MAX:
            question = reading_question(asking.question, data_sets, failed)
            decision = told_as_reading(choose(question, readers(self.outlook.fleet())))
            if decision.chosen is None:
                raise failure or NobodyMaySee(decision.summary, decision)
            asking.note(decision)
            try:
                return await self._read_there(asking, decision.chosen, data_sets)
            except ForwardFailed as error:
                failed, failure = (*failed, decision.chosen.island), error
        assert failure is not None
        raise failure

    async def _read_there(
        self, asking: _Asking, chosen: CandidateReport, data_sets: tuple[str, ...]
    ) -> Found:
        assessment, conversation = asking.question.assessment, asking.conversation
        try:
            sanitized = await self.privacy.sanitize(
                asking.request.prompt, assessment, chosen.trust_ppm, conversation.vault
            )
            if assessment is not WITHHELD:
                await self.conversations.keep(conversation)
        except PrivacyFault:
            raise NobodyMaySee("masking this question failed; no documents were read for it") from None
        return await self.runner.find(chosen, sanitized, data_sets, asking.question.request_id)

    def _is_here(self, data_sets: tuple[str, ...]) -> bool:
        """Say whether this island holds data sets and may show their passages to itself."""
        trust = self.outlook.trust_ppm(self.outlook.me)
        bounds = [self.knowledge.bound(name) for name in data_sets]
        return all(bound is not None and bound[0] <= trust for bound in bounds)

    async def _read_here(self, request: ChatRequest, data_sets: tuple[str, ...]) -> Found:
        return await self.knowledge.find(data_sets, request.prompt, PASSAGES_DEFAULT)

    async def _brought(
        self, request: ChatRequest, question: Question, visit: Visit, found: Sequence[Found]
    ) -> Course:
        """Put passages into the prompt and judge it anew, no less sensitive than where they came from.

        The owner's rules, too: `visit` still knows the data sets, which the request names no more.
        """
        bounds = [bound for one in found for bound in one.bounds.values()]
        places = tuple(sorted({place for _, place in bounds if place}))
        least = Ppm(max([request.hints.sensitivity_min_ppm, *(sensitivity for sensitivity, _ in bounds)]))
        hints = replace(request.hints, data_sets=(), sensitivity_min_ppm=least)
        plain = replace(question, hints=hints, places=places)
        passages = self._fitted(joined([one.passages for one in found]), plain)
        grounded = replace(request, prompt=with_sources(request.prompt, passages), hints=hints)
        assessment = await self.privacy.assess(grounded.prompt, least)
        if least > request.hints.sensitivity_min_ppm and assessment is not WITHHELD:
            assessment = named(assessment)
        now = world_clock.now()
        grounded = replace(grounded, hints=_with_less_time(hints, now.seconds - question.now.seconds))
        asked = replace(self.outlook.asked_anew(question, grounded, assessment, now), places=places)
        course = self._begun(grounded, visit.limited(self.weigh(asked, grounded, question.purse.spender)))
        return replace(course, citations=citations_of(passages))

    def _fitted(self, passages: Sequence[Passage], plain: Question) -> tuple[Passage, ...]:
        """Return as many passages as the context of the likely target holds beside prompt and answer."""
        fleet = self.outlook.fleet()
        context = context_of(choose(plain, fleet), fleet)
        if context is None:
            return fitted(passages, SOURCES_TOKENS_MAX)
        room = context - plain.input_tokens - plain.output_tokens - SPARE_TOKENS
        return fitted(passages, min(SOURCES_TOKENS_MAX, room))


def _with_less_time(hints: Hints, spent_seconds: float) -> Hints:
    if hints.deadline_ms is None:
        return hints
    return replace(hints, deadline_ms=max(1, hints.deadline_ms - round(spent_seconds * 1000)))


@dataclass(frozen=True, slots=True)
class _Asking:
    """One request that needs passages."""

    request: ChatRequest
    question: Question
    conversation: Conversation
    note: Note
