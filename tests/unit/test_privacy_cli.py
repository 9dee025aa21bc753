"""The command `sanitize`: exact shapes, no line lost, errors that name their line."""

import json

import pytest
from click.testing import CliRunner, Result

from islandrun_node.cli.sanitize import sanitize


def run(data: bytes, *args: str) -> Result:
    return CliRunner().invoke(sanitize, args, input=data)


def test_plain_text_goes_to_stdout_and_a_line_about_it_to_stderr() -> None:
    result = run("Dear Anna Kern,\nGröße 😀".encode())
    assert (result.exit_code, result.stdout) == (0, "Dear [PERSON_1],\nGröße 😀")
    assert result.stderr == (
        "1 masked; sensitivity 0.60 (confidential); PERSON x1 (confidential); "
        "topic possible names (confidential); topic free text without a names detector (internal)\n"
    )


def test_json_lines_have_the_fixed_shape_and_count_code_points() -> None:
    text = "😀 Dear Anna Kern, see [PERSON_1]"
    result = run(json.dumps({"id": 7, "text": text}).encode() + b"\n\n" + b'{"text": ""}\n', "--jsonl")
    first, second = map(json.loads, result.stdout.splitlines())
    assert list(first) == ["id", "text", "sanitized", "findings", "sensitivity", "class", "topics"]
    assert first["id"] == 7
    assert first["text"] == text
    assert first["sanitized"] == "😀 Dear [PERSON_1], see [LITERAL_1]"
    assert first["findings"] == [
        {"start": 7, "end": 16, "type": "PERSON", "placeholder": "[PERSON_1]", "confidence": 0.8},
        {"start": 22, "end": 32, "type": "LITERAL", "placeholder": "[LITERAL_1]", "confidence": 0.99},
    ]
    assert (first["sensitivity"], first["class"]) == (0.6, "confidential")
    assert first["topics"] == ["possible names", "free text without a names detector"]
    assert second == {"id": "", "text": "", "sanitized": "", "findings": [], "sensitivity": 0.0,
                      "class": "public", "topics": []}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"text": "\xff"}', "line 2 is not UTF-8"),
        (b"{not json", "line 2 is not JSON"),
        (b"[" * 100_000, "line 2 is not JSON"),
        (b'{"id": 1}', 'line 2 needs to be an object with a "text" that is a string'),
        (b"[1]", 'line 2 needs to be an object with a "text" that is a string'),
        (json.dumps({"text": "x" * 2_000_001}).encode(), "line 2 cannot be masked"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_written(line: bytes, says: str) -> None:
    good = b'{"id": "a", "text": "hello"}\n'
    result = run(good + line + b"\n" + good, "--jsonl")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr.startswith(says)
    assert len(result.stderr.splitlines()) == 1


def test_broken_utf_8_in_plain_text_names_its_line() -> None:
    result = run(b"one\ntwo \xff")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "line 2 is not UTF-8\n")


@pytest.mark.parametrize(
    ("trust", "shown"),
    [
        ("cloud", "Dear [PERSON_1], card [CARD_1]"),
        ("edge", "Dear Anna Kern, card [CARD_1]"),
        ("personal", "Dear Anna Kern, card 4111111111111111"),
        ("600000", "Dear Anna Kern, card [CARD_1]"),
        ("599999", "Dear [PERSON_1], card [CARD_1]"),
    ],
)
def test_masking_is_for_the_trust_of_the_reader(trust: str, shown: str) -> None:
    assert run(b"Dear Anna Kern, card 4111111111111111", "--trust", trust).stdout == shown


@pytest.mark.parametrize(
    "args", [("--trust", "1000001"), ("--trust", "friend"), ("--nothing",), ("missing.txt",)]
)
def test_wrong_usage_ends_with_2(args: tuple[str, ...]) -> None:
    assert run(b"x", *args).exit_code == 2


def test_json_for_a_whole_text() -> None:
    entry = json.loads(run(b"card 4111111111111111", "--json").stdout)
    assert (entry["sanitized"], entry["class"]) == ("card [CARD_1]", "restricted")
