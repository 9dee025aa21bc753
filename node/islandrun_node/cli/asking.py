"""Verbs that bring a text: `ask` runs it, `plan` only decides. Both take the same wishes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from islandrun.errors import BadRequest
from islandrun_node.cli.output import Exit, show, show_json
from islandrun_node.cli.reading import Stubs, decision_json, with_node
from islandrun_node.cli.session import Session

if TYPE_CHECKING:
    from islandrun.v1 import chat_pb2, inference_pb2

TEXT_BYTES_MAX: Final = 16 * 1024 * 1024
PLAN_SECONDS_MAX: Final = 60.0

_OPTION_OF_FIELD: Final = {
    "sensitivity_min": "--sensitivity",
    "jurisdictions": "--jurisdiction",
    "only": "--only",
    "ignore": "--ignore",
    "tiers": "--tier",
    "datasets": "--data-set",
    "profile": "--profile",
}

_OPTIONS: Final = (
    click.argument("text", nargs=-1),
    click.option("--model", default="islandrun/auto", show_default=True, help="See `models`."),
    click.option("--system", help="A system message before the text."),
    click.option("--sensitivity", help="At least this sensitive: 0 to 1, or public ... restricted."),
    click.option("--jurisdiction", multiple=True, help="Only islands that are wholly in these, such as DE."),
    click.option("--only", multiple=True, help="Only these islands."),
    click.option("--ignore", multiple=True, help="Not these islands."),
    click.option("--tier", multiple=True, help="Only these tiers: personal, edge, cloud."),
    click.option("--max-cost", type=click.FloatRange(min=0), help="Most US dollars."),
    click.option("--deadline-ms", type=click.IntRange(min=1), help="Most milliseconds."),
    click.option("--data-set", multiple=True, help="Answer from these documents."),
    click.option("--profile", help="balanced, private, fast or cheap."),
    click.option("--conversation", default="", help="A name; its turns share placeholders."),
    click.option("--max-tokens", type=click.IntRange(min=1, max=10_000_000), help="Most tokens to answer."),
    click.option("--temperature", type=click.FloatRange(min=0, max=2), help="0 is the most predictable."),
    click.pass_obj,
)


@dataclass(slots=True)
class _Answer:
    """What came of one request."""

    text: str = ""
    decision: chat_pb2.Decision | None = None
    finished: inference_pb2.Finished | None = None


def _with_options(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_with_options
def ask(session: Session, text: tuple[str, ...], **wishes: object) -> int:
    """Ask TEXT (or stdin); the answer streams to stdout, the decision to stderr.

    Tool calls are not shown; programs use the OpenAI-compatible door for them.
    """
    from islandrun.v1 import chat_pb2

    planned = _request(text, wishes)
    request = chat_pb2.ChatRequest(
        model=planned.model,
        prompt=planned.prompt,
        hints=planned.hints,
        sampling=planned.sampling,
        conversation=planned.conversation,
    )
    answer = _Answer()

    async def run(node: Stubs) -> None:
        async for message in node.chat.Chat(request):
            _take(message, answer, quiet=session.json)

    with_node(session, run)
    if session.json:
        show_json("answer/v1", _answer_json(answer))
    else:
        click.echo()
    return Exit.OK


@click.command()
@_with_options
def plan(session: Session, text: tuple[str, ...], **wishes: object) -> int:
    """Show who would run TEXT (or stdin), why, and what they would see. Sends nothing.

    Ends with 5 when nobody may see it.
    """
    from islandrun.routing.decision import Decision
    from islandrun.routing.explain import explain_decision

    request = _request(text, wishes)

    async def run(node: Stubs) -> chat_pb2.PlanResponse:
        response: chat_pb2.PlanResponse = await node.chat.Plan(request, timeout=PLAN_SECONDS_MAX)
        return response

    found = with_node(session, run)
    lines = list(explain_decision(Decision.from_wire(found.decision)))
    visible = None
    if found.HasField("visible_prompt"):
        turns = found.visible_prompt.messages
        visible = [{"role": turn.role, "text": turn.text} for turn in turns]
        lines.append(f"  {found.decision.chosen_name} would see:")
        lines.extend(f"    {turn.role}: {shown(turn.text)}" for turn in turns)
    content = {"decision": decision_json(found.decision), "visible_prompt": visible}
    show(session, "plan/v1", content, "\n".join(lines))
    return Exit.OK if found.decision.chosen else Exit.REFUSED


def shown(text: str) -> str:
    """Return text for a terminal: what other machines write must not steer it. A pipe gets it as it is."""
    if not sys.stdout.isatty():
        return text
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text
    )


def _take(message: chat_pb2.ChatResponse, answer: _Answer, *, quiet: bool) -> None:
    """Take the next message of an answer, and show it unless JSON follows at the end."""
    if message.WhichOneof("body") == "decision":
        answer.decision = message.decision
        if not quiet:
            click.echo(message.decision.summary, err=True)
        return
    for chunk in message.chunks.chunks:
        if chunk.WhichOneof("body") == "text":
            answer.text += chunk.text
            if not quiet:
                click.echo(shown(chunk.text), nl=False, color=True)  # click takes nothing out of it
        elif chunk.WhichOneof("body") == "finished":
            answer.finished = chunk.finished
    if not quiet:
        sys.stdout.flush()
        _show_sources(message.chunks)


def _show_sources(chunks: chat_pb2.Chunks) -> None:
    """Name the documents that an answer was made from, on stderr, when it ends."""
    for one in (citation for chunk in chunks.chunks for citation in chunk.finished.citations):
        if one.is_cited:
            where = f"{one.data_set}/{one.document}" + (f", {one.section}" if one.section else "")
            click.echo(f"\n[{one.mark}] {shown(where)}", nl=False, err=True)


def _citations_json(finished: inference_pb2.Finished | None) -> list[dict[str, object]]:
    return [
        {
            "mark": one.mark,
            "data_set": one.data_set,
            "document": one.document,
            "section": one.section,
            "score": one.score_ppm / 1_000_000,
            "cited": one.is_cited,
        }
        for one in (finished.citations if finished else ())
    ]


def _answer_json(answer: _Answer) -> dict[str, object]:
    finished = answer.finished
    return {
        "answer": answer.text,
        "model": finished.model if finished else None,
        "finish_reason": finished.reason if finished else None,
        "input_tokens": finished.usage.input_tokens if finished else None,
        "output_tokens": finished.usage.output_tokens if finished else None,
        "decision": decision_json(answer.decision) if answer.decision else None,
        "citations": _citations_json(finished),
    }


def _request(words: tuple[str, ...], wishes: dict[str, object]) -> chat_pb2.PlanRequest:
    """Return text and wishes as a request. Raises `BadRequest`, which names the option."""
    from islandrun.v1 import chat_pb2
    from islandrun.vocabulary import Message, Prompt, Sampling
    from islandrun.wire.inference import hints_to_wire, prompt_to_wire, sampling_to_wire
    from islandrun_node.http.hints import HintsBody, hints_of

    body = HintsBody(
        sensitivity_min=_sensitivity(wishes["sensitivity"]),
        jurisdictions=_list(wishes["jurisdiction"]),
        only=_list(wishes["only"]),
        ignore=_list(wishes["ignore"]),
        tiers=_list(wishes["tier"]),
        max_cost=_float(wishes["max_cost"]),
        deadline_ms=_int(wishes["deadline_ms"]),
        datasets=_list(wishes["data_set"]),
        profile=_str(wishes["profile"]),
    )
    hints = hints_of(body, lambda field: _OPTION_OF_FIELD.get(field, field))
    system = _str(wishes["system"])
    turns = (*((Message("system", system),) if system else ()), Message("user", _text(words)))
    sampling = Sampling(temperature=_float(wishes["temperature"]), tokens_max=_int(wishes["max_tokens"]))
    return chat_pb2.PlanRequest(
        model=_str(wishes["model"]) or "",
        prompt=prompt_to_wire(Prompt(turns)),
        hints=hints_to_wire(hints),
        sampling=sampling_to_wire(sampling),
        conversation=_str(wishes["conversation"]) or "",
    )


def _text(words: tuple[str, ...]) -> str:
    """Return the words of the command line, or stdin when there are none or a single "-"."""
    if words and words != ("-",):
        return " ".join(words)
    if sys.stdin.isatty() and not words:
        raise BadRequest("no text; give it as an argument, or pipe it in")
    content = sys.stdin.buffer.read(TEXT_BYTES_MAX + 1)
    if len(content) > TEXT_BYTES_MAX:
        raise BadRequest(f"the text on stdin is larger than {TEXT_BYTES_MAX} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"the text on stdin is not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise BadRequest("the text is empty")
    return text


def _sensitivity(value: object) -> float | str | None:
    word = _str(value)
    try:
        return None if word is None else float(word)
    except ValueError:
        return word


def _list(value: object) -> list[str] | None:
    assert isinstance(value, tuple)
    return [str(word) for word in value] or None


def _float(value: object) -> float | None:
    assert value is None or isinstance(value, float)
    return value


def _int(value: object) -> int | None:
    assert value is None or isinstance(value, int)
    return value


def _str(value: object) -> str | None:
    assert value is None or isinstance(value, str)
    return value
