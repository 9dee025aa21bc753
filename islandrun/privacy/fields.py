"""Every text of a prompt, as a flat tuple and back: the one place that knows where text can hide.

Messages, speaker names, tool definitions, tool calls and their results, formats. JSON is taken apart token
by token into its keys and leaves, so that a value is masked inside its own quotes, a key that comes twice
hides nothing, and all else in the JSON stays byte for byte. JSON inside a string of JSON likewise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Final

from islandrun.vocabulary import Message, Prompt, ToolCall, ToolDefinition

_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[:,\[\]{}]', re.DOTALL)
_PUNCTUATION: Final = frozenset(":,[]{}")
_DEPTH_MAX: Final = 4
"""JSON in a string of JSON is taken apart this deep; what lies deeper is one text."""
_RESULT: Final = "tool"
"""The role of a message whose text a program wrote, and which may be JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    """One text, and the words that say what it is: the JSON key that it stands under.

    `is_leaf`: a key or a value of JSON, one of many.
    """

    text: str = field(repr=False)
    context: str = field(default="", repr=False)
    is_leaf: bool = False


def texts(prompt: Prompt) -> tuple[str, ...]:
    """Return every text of a prompt that can be replaced, in a fixed order."""
    return tuple(place.text for place in fields(prompt))


def fields(prompt: Prompt) -> tuple[Field, ...]:
    """Return the texts with their context, in the order of `texts`."""
    return tuple(_walk(prompt))


def fixed_texts(prompt: Prompt) -> tuple[str, ...]:
    """Return the texts that cannot be replaced without breaking the request: tool names, roles and ids."""
    found = [tool.name for tool in prompt.tools]
    for message in prompt.messages:
        found += [message.role, message.tool_call_id]
        for call in message.tool_calls:
            found += [call.id, call.name]
    return tuple(text for text in found if text)


def replace(prompt: Prompt, new: Sequence[str]) -> Prompt:
    """Put other texts in the place of those that `texts` returned, one for one.

    Raises `ValueError` when their number does not fit.
    """
    if len(new) != len(texts(prompt)):
        raise ValueError("the number of texts does not fit: they belong to another prompt")
    supply = iter(new)
    return changed(
        prompt,
        messages=tuple(_replace_message(message, supply) for message in prompt.messages),
        tools=tuple(
            ToolDefinition(tool.name, next(supply), _replace_json(tool.parameters, supply))
            for tool in prompt.tools
        ),
        tool_choice=_replace_json(prompt.tool_choice, supply),
        response_format=_replace_json(prompt.response_format, supply),
    )


def _walk(prompt: Prompt) -> Iterator[Field]:
    for message in prompt.messages:
        if message.role == _RESULT:
            yield from _json_fields(message.text, with_context=True)
        else:
            yield Field(message.text)
        yield Field(message.name, "name: " if message.name else "")
        for call in message.tool_calls:
            yield from _json_fields(call.arguments, with_context=True)
    for tool in prompt.tools:
        yield Field(tool.description)
        yield from _json_fields(tool.parameters, with_context=False)
    yield from _json_fields(prompt.tool_choice, with_context=False)
    yield from _json_fields(prompt.response_format, with_context=False)


def _json_fields(text: str, *, with_context: bool, under: str = "", depth: int = 0) -> Iterator[Field]:
    """Yield the keys and leaves of JSON text, each under its key; text that is not JSON is one field."""
    if not _is_json(text, depth):
        yield Field(text, under, is_leaf=depth > 0)
        return
    key, latest = under, ""
    around: list[str] = []
    for part in _JSON_TOKEN.findall(text):
        if part == ":":
            key = f"{latest}: " if with_context and latest else ""
        elif part in "{[":
            around.append(key if part == "[" else "")
            key = around[-1]
        elif part in "}]":
            around.pop()
        elif part == ",":
            key = around[-1]
        else:
            latest = _decoded(part)
            yield from _json_fields(latest, with_context=with_context, under=key, depth=depth + 1)


def _replace_message(message: Message, supply: Iterator[str]) -> Message:
    text = _replace_json(message.text, supply) if message.role == _RESULT else next(supply)
    name = next(supply)
    calls = tuple(
        ToolCall(call.id, call.name, _replace_json(call.arguments, supply)) for call in message.tool_calls
    )
    return changed(message, text=text, name=name, tool_calls=calls)


def _replace_json(text: str, supply: Iterator[str], depth: int = 0) -> str:
    if not _is_json(text, depth):
        return next(supply)

    def swap(found: re.Match[str]) -> str:
        token = found[0]
        if token in _PUNCTUATION:
            return token
        old = _decoded(token)
        new = _replace_json(old, supply, depth + 1)
        return token if new == old else json.dumps(new, ensure_ascii=False)

    return _JSON_TOKEN.sub(swap, text)


def _decoded(token: str) -> str:
    return str(json.loads(token)) if token.startswith('"') else token


def _is_json(text: str, depth: int) -> bool:
    """Say whether a text is to be taken apart; inside a string only an object or a list is."""
    if depth > _DEPTH_MAX or not text.lstrip().startswith(("{", "[") if depth else ("{", "[", '"')):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
