"""The trained detector with the file that ships: what it finds, and what it does without its file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import StateError
from islandrun.privacy.detect.tagger import Tagger
from islandrun.vocabulary import Message, Prompt
from islandrun_node import tagger_network
from islandrun_node.config_tables import Privacy
from islandrun_node.detectors import load_watch
from islandrun_node.tagger_network import OnnxNetwork

SHIPPED = Path(tagger_network.__file__).parent / "tagger" / "model.onnx"
TAGGER = Tagger(OnnxNetwork())


def found(text: str) -> set[tuple[str, str]]:
    return {(one.type.value, text[one.start : one.end]) for one in TAGGER(text)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("can you remind baldur that rent is due", {("PERSON", "baldur")}),
        (
            "I moved from Leeds to Porto with Aoife Brennan.",
            {("LOCATION", "Leeds"), ("LOCATION", "Porto"), ("PERSON", "Aoife Brennan")},
        ),
        (
            "Ngozi Adeyemi starts at Landsbankinn on Monday",
            {("PERSON", "Ngozi Adeyemi"), ("ORG", "Landsbankinn")},
        ),
        ("meine Schwester Ayla wohnt seit 2019 in Leipzig", {("LOCATION", "Leipzig"), ("PERSON", "Ayla")}),
    ],
)
def test_names_are_found_that_nothing_around_gives_away(text: str, wanted: set[tuple[str, str]]) -> None:
    assert wanted <= found(text)


@pytest.mark.parametrize(
    "text",
    [
        "What is diabetes?",
        "Who painted the Mona Lisa?",
        "Compare Kubernetes and Nomad for a small team.",
        "Explain Bayes' theorem with an example.",
        "Was ist die Hauptstadt von Australien?",
        "Why did Napoleon lose at Waterloo?",
        "Write a haiku about autumn.",
        "def add(a, b):\n    return a + b\n\nWhy is this slow?",
    ],
)
def test_texts_about_nobody_are_left_as_they_are(text: str) -> None:
    assert found(text) == set()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=400))
def test_any_text_gives_places_inside_it(text: str) -> None:
    for one in TAGGER(text.encode("utf-8", "replace").decode()):
        assert 0 <= one.start < one.end <= len(text)


def test_a_name_far_down_a_long_text_is_found() -> None:
    text = (
        "The report goes on with figures and charts. " * 300 + "Please forward it to Aoife Brennan in Leeds."
    )
    assert ("PERSON", "Aoife Brennan") in found(text)


def test_a_missing_or_damaged_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    damaged = tmp_path / "model.onnx"
    with pytest.raises(StateError, match="cannot be read"):
        OnnxNetwork(damaged)
    content = bytearray(SHIPPED.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(StateError, match="damaged"):
        OnnxNetwork(damaged)


def test_the_detectors_together_judge_a_prompt() -> None:
    watch = load_watch(Privacy())
    public = watch.assess(Prompt((Message("user", "What is diabetes?"),)))
    private = watch.assess(Prompt((Message("user", "Employee Paul Reyes has multiple sclerosis"),)))
    assert public.sensitivity_ppm == 0
    assert private.sensitivity_ppm >= 850_000
