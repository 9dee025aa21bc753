"""Every text of a prompt in one list, and back: the one place that knows where text can hide.

Messages, names, tool-call arguments (the strings, numbers and keys inside the JSON), tool definitions, tool
choice and response format. Text that is JSON is opened, so that escapes hide nothing and masking keeps it JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace as changed
from typing import TypeAlias

from islandrun.vocabulary import Message, Prompt, ToolCall, ToolDefinition

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
Change = Callable[[str], str]
DEPTH_MAX = 64


def texts(prompt: Prompt) -> tuple[str, ...]:
    """Return every text of a prompt, in the order in which `replace` takes them."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _walk(prompt, note)
    return tuple(found)


def replace(prompt: Prompt, new: Sequence[str]) -> Prompt:
    """Return the prompt with other texts in the same places."""
    rest = iter(new)
    return _walk(prompt, lambda _: next(rest))


def _walk(prompt: Prompt, change: Change) -> Prompt:
    return changed(
        prompt,
        messages=tuple(_message(message, change) for message in prompt.messages),
        tools=tuple(
            ToolDefinition(tool.name, change(tool.description), _json_text(tool.parameters, change))
            for tool in prompt.tools
        ),
        tool_choice=_json_text(prompt.tool_choice, change),
        response_format=_json_text(prompt.response_format, change),
    )


def _message(message: Message, change: Change) -> Message:
    return changed(
        message,
        text=change(message.text),
        name=change(message.name),
        tool_calls=tuple(
            ToolCall(call.id, call.name, _json_text(call.arguments, change)) for call in message.tool_calls
        ),
    )


def _json_text(text: str, change: Change) -> str:
    """Change the texts inside JSON; text that is not JSON is one text."""
    if not text:
        return text
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return change(text)
    new = _json(value, change, 0)
    return text if new == value else json.dumps(new, ensure_ascii=False)


def _json(value: Json, change: Change, depth: int) -> Json:
    if depth > DEPTH_MAX:
        return change(json.dumps(value, ensure_ascii=False))
    match value:
        case str():
            return change(value)
        case bool() | None:
            return value
        case int() | float():
            text = str(value)
            new = change(text)
            return value if new == text else new
        case list():
            return [_json(item, change, depth + 1) for item in value]
        case dict():
            return {change(key): _json(item, change, depth + 1) for key, item in value.items()}
