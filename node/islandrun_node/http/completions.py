"""`POST /v1/completions`, the older API: a text is continued. Each prompt runs as a chat of one message.

Several prompts are answered one after the other; each choice says in its `islandrun` object where it ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

import msgspec
from starlette.datastructures import Headers

from islandrun.errors import BadRequest
from islandrun.vocabulary import AnswerPiece, ChatRequest, Finished, Message, Prompt, TextDelta, Usage
from islandrun.wire import limits
from islandrun_node.http.body import decode
from islandrun_node.http.chat_format import DONE, Json, event, usage_counts
from islandrun_node.http.endpoint import About, Asked
from islandrun_node.http.facts import cited_facts
from islandrun_node.http.gathered import Gathered
from islandrun_node.http.hints import HintsBody, read_hints
from islandrun_node.http.problems import Problem
from islandrun_node.http.settings import StreamOptions, Tokens, checked_model, refuse_given, sampling

PROMPTS_MAX: Final = 32


class _Body(msgspec.Struct):
    prompt: str | list[str | int | list[int]]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    echo: bool | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    n: int | None = None
    best_of: int | None = None
    suffix: str | None = None
    logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    islandrun: HintsBody | None = None


def read_completion(content: bytes, headers: Headers) -> Asked:
    """Read the body of a completion. Raises `BadRequest` or `Rejected`, which name the field."""
    body = decode(content, _Body)
    _refuse(body)
    hints, conversation = read_hints(body.islandrun, headers.items())
    texts = _prompts(body.prompt)
    first = ChatRequest(
        checked_model(body.model),
        Prompt(()),
        sampling(body.temperature, body.top_p, (body.max_tokens,), body.stop, body.seed),
        hints,
        conversation,
    )
    options = body.stream_options
    form = TextForm(texts if body.echo else (), has_usage_chunk=bool(options and options.include_usage))
    requests = tuple(replace(first, prompt=Prompt((Message("user", text),))) for text in texts)
    return Asked(requests, form, bool(body.stream))


def _refuse(body: _Body) -> None:
    refuse_given(
        suffix=(body.suffix, "text is continued, not filled in; leave it out"),
        logprobs=(body.logprobs, "probabilities of tokens are not given; leave it out"),
        logit_bias=(body.logit_bias, "tokens cannot be favoured; leave it out"),
    )
    for field in ("n", "best_of"):
        if getattr(body, field) not in (None, 1):
            raise BadRequest(f"{field}: only 1 answer to a prompt is made", field)


def _prompts(prompt: str | list[str | int | list[int]]) -> tuple[str, ...]:
    given = [prompt] if isinstance(prompt, str) else prompt
    texts = tuple(text for text in given if isinstance(text, str))
    if len(texts) < len(given):
        raise BadRequest("prompt: lists of token ids cannot be judged; send text", "prompt")
    if not 0 < len(texts) <= PROMPTS_MAX:
        raise BadRequest(f"prompt: give 1 to {PROMPTS_MAX} texts", "prompt")
    if sum(len(text.encode()) for text in texts) > limits.PROMPT_BYTES_MAX:
        raise BadRequest(f"prompt: more than {limits.PROMPT_BYTES_MAX} bytes of text", "prompt")
    return texts


class TextForm:
    """The form of one text completion. `echoed` are the prompts to put before the answers, or nothing."""

    def __init__(self, echoed: tuple[str, ...], *, has_usage_chunk: bool = False) -> None:
        self._echoed = echoed
        self._has_usage_chunk = has_usage_chunk
        self._first: About | None = None
        self._about = About("", 0, "", {})
        self._index = -1
        self._usages: list[Usage] = []

    def begin(self, about: About) -> bytes:
        """Return the prompt of the next choice, if it is wanted back."""
        self._first = self._first or about
        self._about = about
        self._index += 1
        echo = self._echo(self._index)
        return self._chunk(echo) if echo else b""

    def feed(self, pieces: Sequence[AnswerPiece]) -> bytes:
        """Return the chunks for some pieces; a text completion has no tool calls."""
        text = "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))
        made = self._chunk(text) if text else b""
        for piece in pieces:
            if isinstance(piece, Finished):
                self._usages.append(piece.usage)
                made += self._chunk("", _reason(piece), cited_facts(self._about.facts, piece))
        return made

    def end(self) -> bytes:
        """Return the counts when they are wanted, and the end of the stream."""
        if not self._has_usage_chunk or self._first is None:
            return DONE
        made = self._object(self._first, []) | {"usage": usage_counts(_sum(self._usages))}
        return event(made) + DONE

    def broken(self, problem: Problem) -> bytes:
        """Return the error as the last event, without the mark of a whole stream."""
        return b"data: " + problem.body() + b"\n\n"

    def whole(self, answers: Sequence[tuple[About, Gathered]]) -> bytes:
        """Return all answers as the choices of one object."""
        choices = [
            _choice(index, self._echo(index) + one.text, _reason(one.finished))
            | {"islandrun": cited_facts(about.facts, one.finished)}
            for index, (about, one) in enumerate(answers)
        ]
        about, first = answers[0]
        made = self._object(about, choices) | {
            "usage": usage_counts(_sum([one.finished.usage for _, one in answers])),
            "islandrun": cited_facts(about.facts, first.finished),
        }
        return msgspec.json.encode(made | ({"model": first.finished.model} if first.finished.model else {}))

    def _echo(self, index: int) -> str:
        return self._echoed[index] if self._echoed else ""

    def _chunk(self, text: str, reason: str | None = None, facts: Json | None = None) -> bytes:
        choice = _choice(self._index, text, reason)
        if facts is not None:
            choice["islandrun"] = facts
        made = self._object(self._first or self._about, [choice])
        return event(made | ({"usage": None} if self._has_usage_chunk else {}))

    def _object(self, about: About, choices: list[Json]) -> Json:
        return {
            "id": f"cmpl-{about.receipt}",
            "object": "text_completion",
            "created": about.created,
            "model": about.model,
            "choices": choices,
        }


def _choice(index: int, text: str, reason: str | None) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}


def _reason(finished: Finished) -> str:
    """Return a reason that this API knows."""
    return "stop" if finished.reason == "tool_calls" else finished.reason


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(sum(usage.input_tokens for usage in usages), sum(usage.output_tokens for usage in usages))
