"""No text of a prompt is left out, and JSON stays JSON byte for byte where nothing is replaced."""

import json

import pytest

from islandrun.privacy.fields import fields, fixed_texts, replace, texts
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Message, Ppm, Prompt, ToolCall, ToolDefinition

ARGUMENTS = '{ "a\\u00e9" : [1, 2.50, "x\\ny", true, null], "a\\u00e9": {"b": "c"}, "n": -1e3 }'
PROMPT = Prompt(
    (
        Message("system", "s"),
        Message("user", "u", name="speaker"),
        Message("assistant", "", (ToolCall("id1", "tool1", ARGUMENTS), ToolCall("id2", "tool2", "not json"))),
        Message("tool", "result", tool_call_id="id1"),
    ),
    (ToolDefinition("tool1", "what it does", '{"type": "object"}'),),
    '{"name": "tool1"}',
    "text",
)


def test_every_text_is_seen() -> None:
    seen = texts(PROMPT)
    for text in ("s", "u", "speaker", "aé", "1", "2.50", "x\ny", "b", "c", "-1e3", "not json", "result",
                 "what it does", "object", "text"):  # fmt: skip
        assert text in seen
    assert seen.count("aé") == 2
    assert set(fixed_texts(PROMPT)) >= {"tool1", "tool2", "id1", "id2"}
    assert [place.context for place in fields(PROMPT) if place.text == "-1e3"] == ["n: "]


def test_the_same_texts_give_the_same_prompt() -> None:
    assert replace(PROMPT, texts(PROMPT)) == PROMPT
    changed = replace(PROMPT, [text.replace("c", '"C"') for text in texts(PROMPT)])
    arguments = changed.messages[2].tool_calls[0].arguments
    assert arguments == ARGUMENTS.replace('"c"', '"\\"C\\""')
    assert json.loads(arguments)["aé"] == {"b": '"C"'}


@pytest.mark.parametrize("count", [-1, 1])
def test_texts_of_another_prompt_are_refused(count: int) -> None:
    wrong = [*texts(PROMPT), "x"] if count > 0 else list(texts(PROMPT))[:-1]
    with pytest.raises(ValueError, match="does not fit"):
        replace(PROMPT, wrong)


def test_a_key_that_comes_twice_hides_nothing() -> None:
    call = ToolCall("1", "pay", '{"note": "4111 1111 1111 1111", "note": "ok"}')
    prompt = Prompt((Message("user", "pay"), Message("assistant", "", (call,))))
    sent = sanitize(prompt, assess(prompt), Ppm(800_000), Vault()).prompt
    assert "4111" not in sent.messages[-1].tool_calls[0].arguments


def test_deep_or_broken_json_is_one_text() -> None:
    for text in ("[" * 5000 + "]" * 5000, '{"a": ', '{"a": 4111111111111111'):
        prompt = Prompt((Message("assistant", "", (ToolCall("1", "t", text),)),))
        assert text in texts(prompt)
        assert replace(prompt, texts(prompt)) == prompt


INNER = json.dumps({"card": 4111111111111111, "who": ["Anna", "Ben", {"x": "y"}], "n\u00e9": "\u00fc"})


def test_json_inside_a_string_of_json_is_taken_apart_and_stays_json() -> None:
    arguments = json.dumps({"payload": INNER, "list": [INNER, json.dumps({"deeper": INNER})]})
    prompt = Prompt((Message("assistant", "", (ToolCall("1", "t", arguments),)),))
    seen = texts(prompt)
    assert INNER not in seen
    assert seen.count("4111111111111111") == 3
    assert replace(prompt, seen) == prompt
    changed = replace(prompt, [text.replace("Ben", 'B"\\\n').replace("deeper", '"') for text in seen])
    got = json.loads(changed.messages[0].tool_calls[0].arguments)
    assert json.loads(got["payload"])["who"][1] == 'B"\\\n'
    assert json.loads(json.loads(got["list"][1])['"'])["who"] == ["Anna", 'B"\\\n', {"x": "y"}]


def test_every_item_of_a_list_stands_under_its_key() -> None:
    call = ToolCall("1", "t", '{"a": {"who": ["x", "y", {"z": 1}, "u"], "b": 2}, "c": [[3], 4]}')
    found = fields(Prompt((Message("assistant", "", (call,)),)))
    assert [(place.context, place.text) for place in found if place.context] == [
        ("who: ", "x"), ("who: ", "y"), ("z: ", "1"), ("who: ", "u"), ("b: ", "2"),
        ("c: ", "3"), ("c: ", "4"),
    ]  # fmt: skip


def test_the_result_of_a_tool_is_taken_apart_and_what_a_person_wrote_is_not() -> None:
    result = Message("tool", INNER, tool_call_id="1")
    assert "4111111111111111" in texts(Prompt((result,)))
    assert texts(Prompt((Message("user", INNER),)))[0] == INNER
    sent = sanitize(Prompt((result,)), assess(Prompt((result,))), Ppm(800_000), Vault()).prompt
    assert json.loads(sent.messages[1].text)["card"] == "[CARD_1]"


def test_a_value_in_a_tool_definition_is_masked_wherever_it_stands() -> None:
    card = "4111 1111 1111 1111"
    places = {
        "title": card,
        "description": f"such as {card}",
        "enum": [card, 4111111111111111],
        "default": card,
    }
    schema = json.dumps({"type": "object", "properties": {card: places}, "required": [card]})
    tool = ToolDefinition("pay", f"pays with {card}", schema)
    prompt = Prompt((Message("system", f"use {card}"), Message("user", "u", name=card)), (tool,), "", schema)
    sent = sanitize(prompt, assess(prompt), Ppm(800_000), Vault()).prompt
    assert "4111" not in repr([texts(sent), sent.tools[0].parameters, sent.response_format, sent.messages])
    assert json.loads(sent.tools[0].parameters)["required"] == ["[CARD_1]"]


@pytest.mark.parametrize("depth", [1, 4, 5, 12])
def test_json_nested_in_strings_too_deep_is_one_text(depth: int) -> None:
    text = "[1]"
    for _ in range(depth):
        text = json.dumps([text])
    prompt = Prompt((Message("assistant", "", (ToolCall("1", "t", text),)),))
    assert ("1" in texts(prompt)) == (depth <= 4)
    assert replace(prompt, texts(prompt)) == prompt
