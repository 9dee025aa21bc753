"""Prompts, answers, sampling and hints: there and back, and what is refused."""

import pytest

from islandrun.errors import MalformedMessage
from islandrun.v1 import chat_pb2, inference_pb2
from islandrun.vocabulary import (
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
from islandrun.wire import inference as wire
from islandrun.wire import limits

HALF_A_PAIR = "\ud800"
PROMPT = Prompt(
    messages=(
        Message("system", "be kind"),
        Message("user", "", name="ann"),
        Message("assistant", "ä\0\n", (ToolCall("1", "find", '{"a":1}'),)),
        Message("tool", "found", tool_call_id="1"),
    ),
    tools=(ToolDefinition("find", "finds", "{}"),),
    tool_choice='"auto"',
    response_format='{"type":"json_object"}',
)
HINTS = Hints(Ppm(5), ("DE",), ("a",), ("b",), (Tier.EDGE, Tier.CLOUD), 0, 0, ("papers",), "fast")
PIECES: list[AnswerPiece] = [
    TextDelta(""),
    TextDelta("ä"),
    ToolCallDelta(0, "1", "find", "{"),
    ToolCallDelta(limits.TOOL_CALLS_MAX - 1),
    *(Finished(reason, Usage(3, 4), "llama-3") for reason in wire.FINISH_REASONS),
    Finished("stop", Usage(), ""),
]


def test_a_prompt_comes_through_unchanged() -> None:
    for prompt in (PROMPT, Prompt(())):
        carried = wire.prompt_to_wire(prompt).SerializeToString()
        assert wire.prompt_from_wire(inference_pb2.Prompt.FromString(carried)) == prompt


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(0.0, 0.0, 0, (), 0), Sampling(100.0, 1.0, 9, ("a",), -1)]
)
def test_sampling_comes_through_unchanged_and_zero_is_not_none(sampling: Sampling) -> None:
    assert wire.sampling_from_wire(wire.sampling_to_wire(sampling)) == sampling


@pytest.mark.parametrize("hints", [Hints(), HINTS])
def test_hints_come_through_unchanged(hints: Hints) -> None:
    assert wire.hints_from_wire(wire.hints_to_wire(hints)) == hints


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_of_an_answer_comes_through_unchanged(piece: AnswerPiece) -> None:
    assert wire.piece_from_wire(wire.piece_to_wire(piece)) == piece


@pytest.mark.parametrize("role", ["", "root", "User", "function"])
def test_a_role_that_is_not_known_is_refused(role: str) -> None:
    with pytest.raises(MalformedMessage, match=r"messages\[1\]"):
        wire.prompt_from_wire(
            inference_pb2.Prompt(
                messages=[inference_pb2.Message(role="user"), inference_pb2.Message(role=role)]
            )
        )


def test_a_prompt_has_limits() -> None:
    turn = inference_pb2.Message(role="user")
    call = inference_pb2.ToolCall()
    wire.prompt_from_wire(inference_pb2.Prompt(messages=[turn] * limits.MESSAGES_MAX))
    wire.prompt_from_wire(inference_pb2.Prompt(tools=[inference_pb2.ToolDefinition()] * limits.TOOLS_MAX))
    long = inference_pb2.Message(role="user", text="x" * limits.PROMPT_BYTES_MAX)
    busy = inference_pb2.Message(role="assistant", tool_calls=[call] * (limits.TOOL_CALLS_MAX + 1))
    for prompt in (
        inference_pb2.Prompt(messages=[turn] * (limits.MESSAGES_MAX + 1)),
        inference_pb2.Prompt(tools=[inference_pb2.ToolDefinition()] * (limits.TOOLS_MAX + 1)),
        inference_pb2.Prompt(messages=[long]),
        inference_pb2.Prompt(messages=[busy]),
    ):
        with pytest.raises(MalformedMessage):
            wire.prompt_from_wire(prompt)


@pytest.mark.parametrize(
    "sampling",
    [
        inference_pb2.Sampling(temperature=-0.1),
        inference_pb2.Sampling(temperature=float("nan")),
        inference_pb2.Sampling(temperature=float("inf")),
        inference_pb2.Sampling(temperature=100.1),
        inference_pb2.Sampling(top_p=1.1),
        inference_pb2.Sampling(top_p=float("nan")),
        inference_pb2.Sampling(tokens_max=limits.TOKENS_MAX + 1),
        inference_pb2.Sampling(stop=["x"] * (limits.STOP_WORDS_MAX + 1)),
        inference_pb2.Sampling(stop=["x" * (limits.STOP_WORD_CHARACTERS_MAX + 1)]),
    ],
)
def test_sampling_has_limits(sampling: inference_pb2.Sampling) -> None:
    with pytest.raises(MalformedMessage, match="sampling"):
        wire.sampling_from_wire(sampling)


@pytest.mark.parametrize(
    "hints",
    [
        chat_pb2.Hints(sensitivity_min_ppm=1_000_001),
        chat_pb2.Hints(tiers=[0]),  # type: ignore[list-item]
        chat_pb2.Hints(tiers=[4]),  # type: ignore[list-item]
        chat_pb2.Hints(only=["x"] * (limits.HINT_ENTRIES_MAX + 1)),
        chat_pb2.Hints(ignore=["x" * (limits.HINT_CHARACTERS_MAX + 1)]),
        chat_pb2.Hints(jurisdictions=["DE"] * (limits.HINT_ENTRIES_MAX + 1)),
        chat_pb2.Hints(data_sets=["x" * (limits.HINT_CHARACTERS_MAX + 1)]),
        chat_pb2.Hints(profile="x" * (limits.HINT_CHARACTERS_MAX + 1)),
        chat_pb2.Hints(cost_max_microusd=limits.COST_MICROUSD_MAX + 1),
    ],
)
def test_hints_have_limits(hints: chat_pb2.Hints) -> None:
    with pytest.raises(MalformedMessage, match="hints"):
        wire.hints_from_wire(hints)


def finished(reason: str = "stop", model: str = "", tokens: int = 0) -> inference_pb2.Chunk:
    usage = inference_pb2.Usage(input_tokens=tokens, output_tokens=tokens)
    return inference_pb2.Chunk(finished=inference_pb2.Finished(reason=reason, usage=usage, model=model))


@pytest.mark.parametrize(
    "chunk",
    [
        inference_pb2.Chunk(),
        finished(reason=""),
        finished(reason="because"),
        finished(model="x" * (limits.MODEL_NAME_CHARACTERS_MAX + 1)),
        finished(model="a\r\nSet-Cookie: b"),
        inference_pb2.Chunk(tool_call=inference_pb2.ToolCallDelta(index=limits.TOOL_CALLS_MAX)),
    ],
)
def test_a_piece_of_an_answer_has_limits(chunk: inference_pb2.Chunk) -> None:
    with pytest.raises(MalformedMessage):
        wire.piece_from_wire(chunk)


def test_a_count_of_tokens_that_cannot_be_counts_as_the_limit() -> None:
    piece = wire.piece_from_wire(finished(tokens=(1 << 32) - 1))
    assert isinstance(piece, Finished)
    assert piece.usage == Usage(limits.TOKENS_MAX, limits.TOKENS_MAX)


def test_text_that_is_no_unicode_is_refused_and_never_shown() -> None:
    secret = f"SECRET{HALF_A_PAIR}"
    for write in (
        lambda: wire.prompt_to_wire(Prompt((Message("user", secret),))),
        lambda: wire.prompt_to_wire(Prompt((), (ToolDefinition(secret, "", ""),))),
        lambda: wire.sampling_to_wire(Sampling(stop=(secret,))),
        lambda: wire.sampling_to_wire(Sampling(seed=1 << 70)),
        lambda: wire.hints_to_wire(Hints(only=(secret,))),
        lambda: wire.piece_to_wire(TextDelta(secret)),
        lambda: wire.piece_to_wire(ToolCallDelta(0, arguments=secret)),
    ):
        with pytest.raises(MalformedMessage) as caught:
            write()
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        assert "SECRET" not in str(caught.value)
