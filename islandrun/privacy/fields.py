"""Every text of a prompt, as a flat tuple and back: the one place that knows where text can hide.

Messages, speaker names, tool definitions, tool calls, formats. JSON is taken apart token by token into
its keys and leaves, so that a value is masked inside its own quotes, a key that comes twice hides
nothing, and all else in the JSON stays byte for byte.
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


@dataclass(frozen=True, slots=True)
class Field:
    """One text, and the words that say what it is: the JSON key that it stands under."""

    text: str = field(repr=False)
    context: str = field(default="", repr=False)


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
        yield Field(message.text)
        yield Field(message.name, "name: " if message.name else "")
        for call in message.tool_calls:
            yield from _json_fields(call.arguments, with_context=True)
    for tool in prompt.tools:
        yield Field(tool.description)
        yield from _json_fields(tool.parameters, with_context=False)
    yield from _json_fields(prompt.tool_choice, with_context=False)
    yield from _json_fields(prompt.response_format, with_context=False)


def _json_fields(text: str, *, with_context: bool) -> Iterator[Field]:
    """Yield the keys and leaves of JSON text; text that is not JSON is one field."""
    if not _is_json(text):
        yield Field(text)
        return
    key, latest = "", ""
    for part in _JSON_TOKEN.findall(text):
        if part == ":":
            key = latest
        elif part in "{},":
            key = ""
        elif part not in _PUNCTUATION:
            latest = _decoded(part)
            yield Field(latest, f"{key}: " if with_context and key else "")


def _replace_message(message: Message, supply: Iterator[str]) -> Message:
    text, name = next(supply), next(supply)
    calls = tuple(
        ToolCall(call.id, call.name, _replace_json(call.arguments, supply)) for call in message.tool_calls
    )
    return changed(message, text=text, name=name, tool_calls=calls)


def _replace_json(text: str, supply: Iterator[str]) -> str:
    if not _is_json(text):
        return next(supply)

    def swap(found: re.Match[str]) -> str:
        token = found[0]
        if token in _PUNCTUATION:
            return token
        old, new = _decoded(token), next(supply)
        return token if new == old else json.dumps(new, ensure_ascii=False)

    return _JSON_TOKEN.sub(swap, text)


def _decoded(token: str) -> str:
    return str(json.loads(token)) if token.startswith('"') else token


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[", '"')):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
