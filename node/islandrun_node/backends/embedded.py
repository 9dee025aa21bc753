"""The engine that is always there: it finds the sentences that answer and quotes them, word for word.

It invents nothing, gives the same answer to the same question, and says in every answer that no
language model wrote it. With data sets it quotes documents of this island; without, it quotes the
text that came with the request; with neither, it says what it cannot do.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

import numpy as np

from islandrun.errors import Refused, StateError, Unreachable
from islandrun.locality.passages import Cited, citations_of
from islandrun.vocabulary import (
    PPM_MAX,
    AnswerPiece,
    Finished,
    ModelOffer,
    Passage,
    Ppm,
    Prompt,
    Sampling,
    TextDelta,
    Usage,
)
from islandrun_node.backends.embedder import Embedder, Vectors
from islandrun_node.backends.grounded import refuse_unknown
from islandrun_node.backends.quoting import (
    NOTHING_TO_QUOTE,
    QUOTES_MAX,
    Task,
    answer_from_documents,
    answer_from_text,
    central,
    comparable,
    fitting,
    read_task,
    text_scores,
)
from islandrun_node.stores.documents import DocumentIndex

MODEL = "extractive"
CONTEXT_TOKENS_MAX = 32_768
QUALITY_PPM = Ppm(400_000)
PIECE_CHARS_MIN = 16
EMBEDDED_AT_ONCE = 16

_WORD = re.compile(r"\S+\s*|\s+")


class EmbeddedBackend:
    """Quotes from `documents` (which may be `None`) and from requests.

    `data_sets_default` is searched when a request names no data set and brings no text that answers;
    `is_here` says which data sets may be read, by default all of the index.
    """

    def __init__(
        self,
        embedder: Embedder,
        documents: DocumentIndex | None = None,
        model: str = MODEL,
        data_sets_default: tuple[str, ...] = (),
        is_here: Callable[[str], bool] | None = None,
    ) -> None:
        self._embedder = embedder
        self._documents = documents
        self._model = model
        self._data_sets_default = data_sets_default
        self._is_here = is_here or (lambda name: documents is not None and name in documents.names())

    def offers(self) -> tuple[ModelOffer, ...]:
        """Return the one model, free of charge and marked as extractive."""
        return (ModelOffer(self._model, CONTEXT_TOKENS_MAX, QUALITY_PPM, is_extractive=True),)

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> AsyncGenerator[AnswerPiece, None]:
        """Quote what answers the prompt; see `Backend.generate`.

        Raises `Refused` for another model, an unknown data set, a demanded tool call or a demanded JSON
        form, and `Unreachable` when the sentence model cannot be read.
        """
        self._refuse_what_quotes_cannot_do(model, prompt)
        try:
            whole, sources = await self._compose(prompt, data_sets)
            text, reason = await asyncio.to_thread(self._shorten, whole, sampling)
            usage = await asyncio.to_thread(self._usage, prompt, text)
        except StateError as error:
            raise Unreachable(str(error)) from error
        cited = Cited(citations_of(sources))
        for piece in _pieces(text):
            yield cited.feed(TextDelta(piece))
            await asyncio.sleep(0)
        yield cited.feed(Finished(reason, usage, self._model))

    async def close(self) -> None:
        """Do nothing: the index belongs to whoever opened it."""

    def _refuse_what_quotes_cannot_do(self, model: str, prompt: Prompt) -> None:
        if model != self._model:
            raise Refused(f"this island has no model {model[:64]!r}; it has {self._model!r}")
        if prompt.tools and prompt.tool_choice.strip('"') not in ("", "auto", "none"):
            raise Refused(f"{self._model} quotes text and cannot call a tool; drop tool_choice")
        if _response_type(prompt.response_format) not in ("", "text"):
            raise Refused(f"{self._model} quotes text and cannot answer in JSON; drop response_format")

    async def _compose(self, prompt: Prompt, data_sets: tuple[str, ...]) -> tuple[str, Sequence[Passage]]:
        """Return the answer, and the passages that it quotes by number."""
        task = await asyncio.to_thread(read_task, prompt)
        if data_sets:
            await asyncio.to_thread(refuse_unknown, data_sets, self._is_here)
            return await self._quote_documents(task, data_sets)
        places = await self._fitting_places(task) if task.text else ()
        if task.question and not places and self._data_sets_default:
            return await self._quote_documents(task, self._data_sets_default)
        return answer_from_text(task, places) if task.text else NOTHING_TO_QUOTE, ()

    async def _quote_documents(self, task: Task, data_sets: tuple[str, ...]) -> tuple[str, Sequence[Passage]]:
        found: list[Passage] = []
        for name in sorted(set(data_sets)):
            if self._documents is not None:
                found += await asyncio.to_thread(self._documents.search, name, task.question, 2 * QUOTES_MAX)
        found.sort(key=lambda passage: -passage.score_ppm)
        by_text: dict[str, Passage] = {}
        for passage in found:
            by_text.setdefault(passage.text, passage)
        distinct = list(by_text.values())
        places = fitting([passage.score_ppm / PPM_MAX for passage in distinct])
        quoted = [distinct[place] for place in places]
        return answer_from_documents([(passage.document, passage.text) for passage in quoted]), quoted

    async def _fitting_places(self, task: Task) -> tuple[int, ...]:
        """Return which sentences of the request's own text to quote, perhaps none."""
        vectors = await self._embed([comparable(sentence) for sentence in task.text])
        if task.is_about_whole_text:
            return central(vectors)
        question = (await self._embed([task.question]))[0]
        cosines = [float(cosine) for cosine in vectors @ question]
        return fitting(text_scores(task, cosines))

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        """Embed in small portions, so that a cancelled request stops soon."""
        portions = [
            texts[start : start + EMBEDDED_AT_ONCE] for start in range(0, len(texts), EMBEDDED_AT_ONCE)
        ]
        return np.concatenate(
            [await asyncio.to_thread(self._embedder.embed, portion) for portion in portions]
        )

    def _shorten(self, text: str, sampling: Sampling) -> tuple[str, str]:
        """Cut at the first stop word and at `tokens_max`, there between words; say why it ended."""
        stops = [place for word in sampling.stop if word and (place := text.find(word)) >= 0]
        if stops:
            text = text[: min(stops)]
        ends = self._embedder.token_ends(text)
        if sampling.tokens_max is None or len(ends) <= sampling.tokens_max:
            return text, "stop"
        edge = ends[sampling.tokens_max - 1] if sampling.tokens_max > 0 else 0
        while 0 < edge < len(text) and not text[edge].isspace():
            edge -= 1
        return text[:edge], "length"

    def _usage(self, prompt: Prompt, text: str) -> Usage:
        asked = "\n".join(message.text for message in prompt.messages)
        return Usage(self._embedder.count_tokens(asked), self._embedder.count_tokens(text))


def _response_type(response_format: str) -> str:
    """Return which form of answer is demanded, empty when none is; unreadable counts as demanded."""
    if not response_format:
        return ""
    try:
        wanted = json.loads(response_format)
    except ValueError:
        return "unreadable"
    return str(wanted.get("type", "")) if isinstance(wanted, dict) else "unreadable"


def _pieces(text: str) -> Iterator[str]:
    """Yield whole words, short ones together."""
    piece = ""
    for word in _WORD.findall(text):
        piece += word
        if len(piece) >= PIECE_CHARS_MIN:
            yield piece
            piece = ""
    if piece:
        yield piece
