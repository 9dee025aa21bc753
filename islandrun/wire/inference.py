"""Prompts, answers and hints between their form on the wire and the vocabulary, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from islandrun.errors import MalformedMessage
from islandrun.v1 import attestation_pb2, chat_pb2, inference_pb2
from islandrun.vocabulary import (
    PPM_MAX,
    AnswerPiece,
    Finished,
    Hints,
    Message,
    Ppm,
    Prompt,
    Sampling,
    TextDelta,
    Tier,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
    Usage,
)
from islandrun.wire import limits
from islandrun.wire.attestations import check_printable
from islandrun.wire.passages import citation_to_wire, citations_from_wire

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
FINISH_REASONS: Final = ("stop", "length", "tool_calls", "content_filter")
_TEMPERATURE_MAX: Final = 100.0


def prompt_from_wire(message: inference_pb2.Prompt) -> Prompt:
    """Read a prompt. Raises `MalformedMessage`, which names the field and never quotes it."""
    if message.ByteSize() > limits.PROMPT_BYTES_MAX:
        raise MalformedMessage(f"prompt: larger than {limits.PROMPT_BYTES_MAX} bytes")
    _count(len(message.messages), limits.MESSAGES_MAX, "prompt.messages")
    _count(len(message.tools), limits.TOOLS_MAX, "prompt.tools")
    return Prompt(
        messages=tuple(_message_from_wire(turn, place) for place, turn in enumerate(message.messages)),
        tools=tuple(ToolDefinition(tool.name, tool.description, tool.parameters) for tool in message.tools),
        tool_choice=message.tool_choice,
        response_format=message.response_format,
    )


def prompt_to_wire(prompt: Prompt) -> inference_pb2.Prompt:
    """Return a prompt in its form on the wire. Raises `MalformedMessage` when text is not valid Unicode."""
    try:
        return _prompt_to_wire(prompt)
    except ValueError:
        # The encoder's error holds the text, so it is not kept as a cause.
        raise MalformedMessage("prompt: a text holds half of a surrogate pair; send valid Unicode") from None


def _prompt_to_wire(prompt: Prompt) -> inference_pb2.Prompt:
    return inference_pb2.Prompt(
        messages=[
            inference_pb2.Message(
                role=turn.role,
                text=turn.text,
                tool_calls=[
                    inference_pb2.ToolCall(id=call.id, name=call.name, arguments=call.arguments)
                    for call in turn.tool_calls
                ],
                tool_call_id=turn.tool_call_id,
                name=turn.name,
            )
            for turn in prompt.messages
        ],
        tools=[
            inference_pb2.ToolDefinition(
                name=tool.name, description=tool.description, parameters=tool.parameters
            )
            for tool in prompt.tools
        ],
        tool_choice=prompt.tool_choice,
        response_format=prompt.response_format,
    )


def sampling_from_wire(message: inference_pb2.Sampling) -> Sampling:
    """Read sampling settings. Raises `MalformedMessage`."""
    _count(len(message.stop), limits.STOP_WORDS_MAX, "sampling.stop")
    for word in message.stop:
        _length(word, limits.STOP_WORD_CHARACTERS_MAX, "sampling.stop")
    if message.tokens_max > limits.TOKENS_MAX:
        raise MalformedMessage("sampling.tokens_max is too large")
    for value, highest, where in (
        (message.temperature, _TEMPERATURE_MAX, "temperature"),
        (message.top_p, 1.0, "top_p"),
    ):
        if not 0.0 <= value <= highest:  # false for NaN, too
            raise MalformedMessage(f"sampling.{where} is not within 0 to {highest:g}")
    return Sampling(
        temperature=message.temperature if message.HasField("temperature") else None,
        top_p=message.top_p if message.HasField("top_p") else None,
        tokens_max=message.tokens_max if message.HasField("tokens_max") else None,
        stop=tuple(message.stop),
        seed=message.seed if message.HasField("seed") else None,
    )


def sampling_to_wire(sampling: Sampling) -> inference_pb2.Sampling:
    """Return sampling settings in their form on the wire. Raises `MalformedMessage`."""
    try:
        return inference_pb2.Sampling(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            tokens_max=sampling.tokens_max,
            stop=sampling.stop,
            seed=sampling.seed,
        )
    except ValueError:
        raise MalformedMessage("sampling: a number or a stop word does not fit its type") from None


def hints_from_wire(message: chat_pb2.Hints) -> Hints:
    """Read a client's hints. Raises `MalformedMessage`."""
    if message.sensitivity_min_ppm > PPM_MAX:
        raise MalformedMessage("hints.sensitivity_min_ppm is over 1,000,000")
    if message.cost_max_microusd > limits.COST_MICROUSD_MAX:
        raise MalformedMessage("hints.cost_max_microusd is over a billion dollars")
    _count(len(message.tiers), limits.HINT_ENTRIES_MAX, "hints.tiers")
    if not all(tier in (1, 2, 3) for tier in message.tiers):
        raise MalformedMessage("hints.tiers holds a tier that is not known")
    _length(message.profile, limits.HINT_CHARACTERS_MAX, "hints.profile")
    return Hints(
        sensitivity_min_ppm=Ppm(message.sensitivity_min_ppm),
        jurisdictions=_words(message.jurisdictions, "jurisdictions"),
        only=_words(message.only, "only"),
        ignore=_words(message.ignore, "ignore"),
        tiers=tuple(Tier(tier) for tier in message.tiers),
        cost_max_microusd=message.cost_max_microusd if message.HasField("cost_max_microusd") else None,
        deadline_ms=message.deadline_ms if message.HasField("deadline_ms") else None,
        data_sets=_words(message.data_sets, "data_sets"),
        profile=message.profile,
        wait_ms=message.wait_ms if message.HasField("wait_ms") else None,
    )


def hints_to_wire(hints: Hints) -> chat_pb2.Hints:
    """Return hints in their form on the wire. Raises `MalformedMessage`."""
    try:
        return chat_pb2.Hints(
            sensitivity_min_ppm=hints.sensitivity_min_ppm,
            jurisdictions=hints.jurisdictions,
            only=hints.only,
            ignore=hints.ignore,
            tiers=[attestation_pb2.Tier.Name(tier) for tier in hints.tiers],
            cost_max_microusd=hints.cost_max_microusd,
            deadline_ms=hints.deadline_ms,
            data_sets=hints.data_sets,
            profile=hints.profile,
            wait_ms=hints.wait_ms,
        )
    except ValueError:
        raise MalformedMessage("hints: a number or a name does not fit its type") from None


def piece_from_wire(chunk: inference_pb2.Chunk) -> AnswerPiece:
    """Read a piece of an answer; a count of tokens above its limit counts as the limit.

    Raises `MalformedMessage`.
    """
    match chunk.WhichOneof("body"):
        case "text":
            return TextDelta(chunk.text)
        case "tool_call":
            call = chunk.tool_call
            _count(call.index + 1, limits.TOOL_CALLS_MAX, "tool calls of an answer")
            return ToolCallDelta(call.index, call.id, call.name, call.arguments)
        case "finished":
            finished = chunk.finished
            if finished.reason not in FINISH_REASONS:
                raise MalformedMessage("finished.reason is not known")
            usage = Usage(
                min(finished.usage.input_tokens, limits.TOKENS_MAX),
                min(finished.usage.output_tokens, limits.TOKENS_MAX),
                min(finished.usage.cached_tokens, finished.usage.input_tokens, limits.TOKENS_MAX),
                finished.usage.is_estimated,
            )
            if finished.model:
                check_printable(finished.model, limits.MODEL_NAME_CHARACTERS_MAX, "finished.model")
            citations = citations_from_wire(finished.citations)
            return Finished(finished.reason, usage, finished.model, citations)
        case _:
            raise MalformedMessage("a piece of the answer is empty")


def piece_to_wire(piece: AnswerPiece) -> inference_pb2.Chunk:
    """Return a piece of an answer in its form on the wire. Raises `MalformedMessage`."""
    try:
        return _piece_to_wire(piece)
    except ValueError:
        raise MalformedMessage("a piece of the answer does not fit its type") from None


def usage_to_wire(usage: Usage) -> inference_pb2.Usage:
    """Return a count of tokens in its form on the wire. Raises ValueError for one that does not fit."""
    return inference_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        is_estimated=usage.is_estimated,
    )


def _piece_to_wire(piece: AnswerPiece) -> inference_pb2.Chunk:
    match piece:
        case TextDelta():
            return inference_pb2.Chunk(text=piece.text)
        case ToolCallDelta():
            delta = inference_pb2.ToolCallDelta(
                index=piece.index, id=piece.id, name=piece.name, arguments=piece.arguments
            )
            return inference_pb2.Chunk(tool_call=delta)
        case Finished():
            usage = usage_to_wire(piece.usage)
            citations = [citation_to_wire(citation) for citation in piece.citations]
            finished = inference_pb2.Finished(
                reason=piece.reason, usage=usage, model=piece.model, citations=citations
            )
            return inference_pb2.Chunk(finished=finished)


def _message_from_wire(turn: inference_pb2.Message, place: int) -> Message:
    if turn.role not in ROLES:
        raise MalformedMessage(f"prompt.messages[{place}].role is not one of {', '.join(ROLES)}")
    _count(len(turn.tool_calls), limits.TOOL_CALLS_MAX, f"prompt.messages[{place}].tool_calls")
    return Message(
        role=turn.role,
        text=turn.text,
        tool_calls=tuple(ToolCall(call.id, call.name, call.arguments) for call in turn.tool_calls),
        tool_call_id=turn.tool_call_id,
        name=turn.name,
    )


def _count(count: int, count_max: int, where: str) -> None:
    if count > count_max:
        raise MalformedMessage(f"{where} has more than {count_max} entries")


def _words(words: Sequence[str], field: str) -> tuple[str, ...]:
    _count(len(words), limits.HINT_ENTRIES_MAX, f"hints.{field}")
    for word in words:
        _length(word, limits.HINT_CHARACTERS_MAX, f"hints.{field}")
    return tuple(words)


def _length(text: str, characters_max: int, where: str) -> None:
    if len(text) > characters_max:
        raise MalformedMessage(f"{where} has an entry over {characters_max} characters")
