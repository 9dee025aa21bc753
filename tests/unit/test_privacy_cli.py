"""The command `sanitize`: exact shapes, no line lost, errors that name their line."""

import json

import pytest
from click.testing import CliRunner, Result

from islandrun_node.cli import cli
from islandrun_node.cli.sanitize import sanitize
from islandrun_node.home import Home


def run(data: bytes, *args: str) -> Result:
    return CliRunner().invoke(sanitize, args, input=data)


def test_plain_text_goes_to_stdout_exactly_and_nothing_is_said_where_nobody_looks() -> None:
    for text in ("Dear Anna Kern,\r\nthanks for the crème brûlée 😀", "\ufeffDear Anna Kern\n\n", ""):
        result = run(text.encode())
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout_bytes == text.replace("Anna Kern", "[PERSON_1]").encode()


def test_verbose_says_what_was_hidden_from_whom_and_why() -> None:
    result = run(b"Dear Anna Kern", "-v")
    assert result.stdout == "Dear [PERSON_1]"
    assert result.stderr == (
        "hidden from cloud (trust 0.20): PERSON 1\n"
        "sensitivity 0.60 (confidential): PERSON x1 (confidential)\n"
    )
    result = run(b"Dear Anna Kern, your biopsy shows cancer", "-v")
    assert result.stderr.endswith(
        "a node would not send this to cloud: what stays visible needs trust 0.70\n"
    )
    result = run(b"4 + 4", "-v", "--for", "personal")
    assert result.stderr.startswith("hidden from personal (trust 1.00): nothing\n")
    assert "would not send" not in result.stderr


def test_json_lines_have_the_fixed_shape_and_count_code_points() -> None:
    text = "😀 Dear Anna Kern, see [PERSON_1]"
    result = run(json.dumps({"id": 7, "text": text}).encode() + b"\n\n" + b'{"text": ""}\n', "--jsonl")
    first, second = map(json.loads, result.stdout.splitlines())
    assert list(first) == ["id", "text", "sanitized", "findings", "sensitivity", "class", "topics"]
    assert first["id"] == 7
    assert first["text"] == text
    assert first["sanitized"] == "😀 Dear [PERSON_1], see [LITERAL_1]"
    confidence = first["findings"][0]["confidence"]
    assert 0.8 <= confidence < 1
    assert first["findings"] == [
        {"start": 7, "end": 16, "type": "PERSON", "placeholder": "[PERSON_1]", "confidence": confidence},
        {"start": 22, "end": 32, "type": "LITERAL", "placeholder": "[LITERAL_1]", "confidence": 0.99},
    ]
    assert (first["sensitivity"], first["class"]) == (0.6, "confidential")
    assert first["topics"] == []
    assert second == {"id": "", "text": "", "sanitized": "", "findings": [], "sensitivity": 0.0,
                      "class": "public", "topics": []}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"text": "\xff"}', "line 2 is not UTF-8"),
        (b"{not json", "line 2 is not JSON"),
        (b'{"text": "x", "id": ' + b"[" * 100_000, "line 2 is not JSON"),
        (b'{"text": "x", "other": ' + b"[" * 100_000, "line 2 is not JSON"),
        (b'{"text": "\\ud800"}', "line 2 is not JSON"),
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


@pytest.mark.parametrize("tier", ["cloud", "edge", "personal"])
def test_a_tier_can_be_named_either_way(tier: str) -> None:
    text = b"Dear Anna Kern, card 4111111111111111"
    assert run(text, "--for", tier).stdout == run(text, "--trust", tier).stdout
    assert run(text, "--for", "cloud").stdout == run(text).stdout


@pytest.mark.parametrize(
    "args",
    [
        ("--trust", "1000001"),
        ("--trust", "friend"),
        ("--trust", "\u0661"),
        ("--nothing",),
        ("missing.txt",),
        ("--for", "friend"),
        ("--for", "cloud", "--trust", "5"),
        ("--diff", "--json"),
        ("--diff", "--jsonl"),
        ("--jobs", "0"),
    ],
)
def test_wrong_usage_ends_with_2(args: tuple[str, ...]) -> None:
    assert run(b"x", *args).exit_code == 2


def test_json_for_a_whole_text() -> None:
    entry = json.loads(run(b"card 4111111111111111", "--json").stdout)
    assert (entry["sanitized"], entry["class"]) == ("card [CARD_1]", "restricted")


def test_without_a_terminal_the_difference_is_a_list_of_pairs() -> None:
    result = run(b"Dear Anna Kern,\ncard 4111111111111111. Anna Kern \x1b[31m", "--diff", "--for", "edge")
    assert result.stdout.splitlines()[:4] == [
        "Dear Anna Kern,",
        "card [CARD_1]. Anna Kern \ufffd[31m",
        "",
        "4111111111111111 -> [CARD_1]",
    ]
    assert "hidden from edge (trust 0.80): CARD 1\n" in result.stdout
    assert "sensitivity 0.90 (restricted): CARD x1 (restricted)" in result.stdout
    assert run(b"Dear Anna Kern, Anna Kern", "--diff").stdout.count("Anna Kern -> [PERSON_1]") == 1


def test_a_text_that_is_too_long_is_refused_without_reading_all_of_it() -> None:
    result = run(b"x" * 8_000_001)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "line 1 begins a text of more than 2000000 characters\n"
    result = run(b"x" * 2_000_001)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("line 1 begins a text that cannot be masked")


@pytest.mark.parametrize(
    "identity", ["7", "1.0", "12345678901234567890123", '"a\\u00e9"', "null", "true", '{"b":[1,{"c":2}]}']
)
def test_an_id_of_any_type_stays_byte_for_byte(identity: str) -> None:
    result = run(f'{{"text": "x", "id": {identity}, "other": [1]}}'.encode(), "--jsonl")
    assert result.stdout.startswith(f'{{"id":{identity},"text":"x",')


def test_marks_of_other_systems_and_empty_lines_do_no_harm() -> None:
    data = b'\xef\xbb\xbf{"id": 1, "text": "a"}\r\n\r\n  \n\n'
    data += b'{"id": 2, "text": "b"}\r\nbad\r\n{"id": 3, "text": "c"}'
    result = run(data, "--jsonl")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [1, 2, 3]
    assert (result.exit_code, result.stderr) == (1, "line 6 is not JSON\n")


def test_settings_of_the_home_say_what_a_tier_is_trusted_with(tmp_path) -> None:
    home = Home(tmp_path)
    home.config.write_text("[policy.tier_trust]\ncloud = 0.6\n")
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), "sanitize", "-v"], input="Dear Anna Kern")
    assert (done.stdout, done.stderr.splitlines()[0]) == (
        "Dear Anna Kern",
        "hidden from cloud (trust 0.60): nothing",
    )
    home.config.write_text("[policy]\nunknown = 1\n")
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), "sanitize"], input="Dear Anna Kern")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "unknown" in done.stderr


def test_json_before_the_verb_counts_too() -> None:
    done = CliRunner().invoke(cli, ["--json", "sanitize"], input="card 4111111111111111")
    assert json.loads(done.stdout)["sanitized"] == "card [CARD_1]"
