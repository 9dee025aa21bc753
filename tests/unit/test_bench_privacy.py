"""The figures of `scripts/bench privacy`, on texts small enough to count by hand, and its readers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "benchmarks"))

import privacy_systems  # noqa: E402
import privacy_texts  # noqa: E402
from privacy import table  # noqa: E402
from privacy_quality import Found, quality  # noqa: E402
from privacy_texts import Sample, Span, canonical, only, read  # noqa: E402

TEXT = "Anna Kern met Bo in Rome"
#       0123456789012345678901234
ANNA, BO, ROME = Span(0, 9, "PERSON"), Span(14, 16, "PERSON"), Span(20, 24, "LOCATION")


def measured(found: list[Found], *spans: Span, units: tuple[str, ...] = (), ignored: tuple[Span, ...] = ()):
    return quality([Sample(TEXT, spans, units, ignored)], [found])


def test_characters_are_counted_without_white_space() -> None:
    """Marked: 8 + 2 + 4 = 14 of 19. Hidden: "Anna Kern" 8, "met" 3, "Ro" 2: 13, of which 10 are marked."""
    found = [Found(0, 9, "PERSON", 1), Found(10, 13, "ORG", 1), Found(20, 22, "LOCATION", 1)]
    figures = measured(found, ANNA, BO, ROME)["characters"]
    assert figures == {"marked": 14, "recall": 0.7143, "precision": 0.7692, "hidden_share": 0.6842}


def test_overlapping_findings_count_once() -> None:
    found = [Found(0, 9, "PERSON", 1), Found(5, 13, "PERSON", 1)]
    assert measured(found, ANNA)["characters"] == {
        "marked": 8,
        "recall": 1.0,
        "precision": 0.7273,
        "hidden_share": 0.5789,
    }


def test_an_entity_counts_only_when_it_is_hidden_whole_by_whatever_parts() -> None:
    found = [Found(0, 4, "ORG", 1), Found(5, 9, "DATE", 1), Found(20, 23, "LOCATION", 1)]
    assert measured(found, ANNA, BO, ROME)["entities"] == {
        "marked": 3,
        "recall": 0.3333,
        "by_type": {"LOCATION": {"marked": 1, "recall": 0.0}, "PERSON": {"marked": 2, "recall": 0.5}},
    }


def test_typed_f1_wants_exact_spans_and_types_and_ignores_types_that_nobody_marked() -> None:
    """Right: Anna Kern. Said: Anna Kern, "Bo in", Rome as a person; no date is marked anywhere."""
    found = [
        Found(0, 9, "PERSON", 1),
        Found(14, 19, "PERSON", 1),
        Found(20, 24, "PERSON", 1),
        Found(10, 13, "DATE", 1),
    ]
    figures = measured(found, ANNA, BO, ROME)["typed_f1"]
    by_type = figures.pop("by_type")
    assert figures == {"marked": 3, "precision": 0.3333, "recall": 0.3333, "f1": 0.3333}
    assert by_type["PERSON"] == {"marked": 2, "precision": 0.3333, "recall": 0.5, "f1": 0.4}
    assert by_type["LOCATION"] == {"marked": 1, "precision": None, "recall": 0.0, "f1": 0.0}
    assert measured(found, Span(0, 9, ""))["typed_f1"] is None


def test_a_wider_word_of_a_corpus_accepts_the_narrower_ones() -> None:
    figures = measured(
        [Found(0, 9, "EMAIL", 1), Found(14, 16, "US_SSN", 1)], Span(0, 9, "CONTACT"), Span(14, 16, "CODE")
    )
    assert figures["typed_f1"]["f1"] == 1.0


def test_over_masking_looks_at_texts_without_anything_to_hide() -> None:
    samples = [Sample("ab cd", ()), Sample("efgh", ()), Sample(TEXT, (ANNA,)), Sample("a", (), ("a",))]
    found = [[Found(0, 4, "ORG", 1)], [], [Found(10, 13, "ORG", 1)], [Found(0, 1, "ORG", 1)]]
    assert quality(samples, found)["over_masking"] == {
        "texts_without_spans": 2,
        "touched_share": 0.5,
        "hidden_share": 0.375,
    }


def test_the_curve_leaves_out_what_is_less_certain() -> None:
    curve = measured([Found(0, 9, "PERSON", 0.5), Found(14, 16, "PERSON", 0.85)], ANNA, BO)["curve"]
    assert [one["threshold"] for one in curve] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert [one["character_recall"] for one in curve] == [1.0] * 5 + [0.2] * 3 + [0.0]
    assert [one["hidden_share"] for one in curve] == [0.5263] * 5 + [0.1053] * 3 + [0.0]


def test_units_can_be_read_whole_in_part_or_not_at_all() -> None:
    """Visible: "met Bo in Rome". Words: anna, kern; rome; met, anna; "Bo" has none that is long enough."""
    figures = measured([Found(0, 9, "PERSON", 1)], units=("Anna Kern", "rome", "met Anna", "Bo", "o in"))[
        "units"
    ]
    assert figures == {
        "units": 5,
        "visible_whole_share": 0.4,
        "visible_in_part_share": 0.6,
        "visible_words_share": 0.4,
    }


def test_an_identifier_counts_when_all_its_mentions_are_hidden() -> None:
    text = "Anna, 12/34. Anna again. Rome."
    spans = (
        Span(0, 4, "PERSON", "e1", "DIRECT"),
        Span(13, 17, "PERSON", "e1", "DIRECT"),
        Span(6, 11, "CODE", "e2", "DIRECT"),
        Span(25, 29, "LOCATION", "e3", "QUASI"),
    )
    found = [Found(0, 4, "PERSON", 1), Found(6, 11, "CODE", 1), Found(25, 29, "LOCATION", 1)]
    assert quality([Sample(text, spans)], [found])["identifiers"] == {
        "direct": {"entities": 2, "recall": 0.5},
        "quasi": {"entities": 1, "recall": 1.0},
    }


def test_ignored_spans_are_neither_right_nor_wrong() -> None:
    figures = measured([Found(0, 9, "PERSON", 1), Found(20, 24, "X", 1)], ANNA, ignored=(ROME,))
    assert figures["characters"]["precision"] == 1.0
    assert figures["over_masking"]["texts_without_spans"] == 0
    (kept,) = only([Sample(TEXT, (ANNA, ROME))], frozenset({"PERSON"}))
    assert (kept.spans, kept.ignored) == ((ANNA,), (ROME,))


# ---------------------------------------------------------------- readers


def written(folder: Path, text: str) -> Path:
    path = folder / "corpus"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "entry",
    [
        {"spans": [{"start": 0, "end": 9, "type": "PERSON"}]},
        {"entities": [{"start_offset": 0, "end_offset": 9, "label": "per"}]},
        {"findings": [{"start": 0, "end": 9, "entity_type": "first-name"}]},
    ],
)
def test_json_lines_in_every_spelling(tmp_path, entry) -> None:
    lines = json.dumps({"text": TEXT, **entry}) + "\n\n" + json.dumps({"text": "x", "units": ["x"]})
    assert read(written(tmp_path, lines), "jsonl") == (Sample(TEXT, (ANNA,)), Sample("x", (), ("x",)))


@pytest.mark.parametrize(
    "entry",
    [{}, {"text": 5}, {"text": "ab", "spans": [{"start": 1, "end": 3}]}, {"text": "ab", "spans": [{}]}],
)
def test_a_bad_entry_is_named(tmp_path, entry) -> None:
    good = json.dumps({"text": "x"})
    with pytest.raises(ValueError, match="corpus, entry 2: "):
        read(written(tmp_path, good + "\n" + json.dumps(entry)), "jsonl")


def test_court_cases_count_by_annotator_and_without_titles(tmp_path) -> None:
    text = "Mr Kern v. Turkey"
    mention = {
        "start_offset": 0,
        "end_offset": 7,
        "entity_type": "PERSON",
        "entity_id": "e",
        "identifier_type": "DIRECT",
    }
    country = {
        **mention,
        "start_offset": 11,
        "end_offset": 17,
        "entity_type": "LOC",
        "identifier_type": "NO_MASK",
    }
    annotations = {"b": {"entity_mentions": [country]}, "a": {"entity_mentions": [mention, country]}}
    first, second = read(written(tmp_path, json.dumps([{"text": text, "annotations": annotations}])), "tab")
    assert first.spans == (Span(3, 7, "PERSON", "e", "DIRECT"),)
    assert [(one.start, one.end) for one in first.ignored] == [(0, 3)]
    assert second.spans == ()
    (flat,) = read(written(tmp_path, json.dumps({"text": text, "entities": [mention]})), "tab")
    assert flat == first


def test_tokens_become_text_with_their_spans(tmp_path) -> None:
    rows = "Anna\tB-PER\nKern\tI-PER\n,\tO\nBo\tB-PER\nCai\tB-PER\n(\tO\nRome\tI-LOC\n)\tO\n\nYes\tO\n"
    first, second = read(written(tmp_path, rows), "conll")
    assert first.text == "Anna Kern, Bo Cai (Rome)"
    assert [(first.text[one.start : one.end], one.type) for one in first.spans] == [
        ("Anna Kern", "PERSON"),
        ("Bo", "PERSON"),
        ("Cai", "PERSON"),
        ("Rome", "LOCATION"),
    ]
    assert second == Sample("Yes", ())
    whole = "-DOCSTART- -X- O O\n\n" + rows.replace("\t", " NN ") + "\n-DOCSTART- O\n\nEnd E-ORG\nEnd S-ORG\n"
    document, last = read(written(tmp_path, whole), "conll")
    assert document.text == "Anna Kern, Bo Cai (Rome)\nYes"
    assert document.spans == first.spans
    assert [one.start for one in last.spans] == [0, 4]


@pytest.mark.skipif(not (ROOT / "scripts/training/records.py").exists(), reason="no marked texts here")
def test_the_marked_texts_of_this_repository_are_read_without_their_public_marks(
    tmp_path, monkeypatch
) -> None:
    record = "%% confidential -\n<<PERSON:Anna Kern>> met <<PERSON!:Bo>> in Rome\n%% public -\nnothing\n"
    (tmp_path / "made_01.txt").write_text(record)
    monkeypatch.setattr(privacy_texts, "HELD_OUT", tmp_path)
    assert read(None, "jsonl") == (Sample(TEXT, (ANNA,)), Sample("nothing", ()))


def test_words_of_other_corpora() -> None:
    words = ["per", "Email_Address", "credit card", "DATETIME", "corporation", "unheard of"]
    assert [canonical(word) for word in words] == ["PERSON", "EMAIL", "CARD", "DATE", "ORG", "UNHEARD_OF"]


def test_percentiles_are_times_that_were_measured() -> None:
    seconds = [number / 1000 for number in range(1, 101)]
    assert privacy_systems.percentile_ms(seconds, 50) == 50.0
    assert privacy_systems.percentile_ms(seconds, 95) == 95.0
    assert privacy_systems.percentile_ms([0.007], 95) == 7.0


def test_a_system_that_cannot_run_is_named_in_the_table() -> None:
    figures = {"quality": measured([], ANNA), "speed": {"parts": ["rules"], "load_seconds": 0.5}}
    lines = table({"ours": figures, "theirs": {"unavailable": "no network"}})
    assert lines[-2:] == ["ours: rules", "theirs: not measured: no network"]
    assert any(line.split() == ["characters:", "recall", "0.000"] for line in lines)
