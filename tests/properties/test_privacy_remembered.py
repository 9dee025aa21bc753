"""Remembering findings changes no result, is bounded, and holds no text."""

import gc
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.privacy.detect import RULES, detect
from islandrun.privacy.detect.sound import FINDINGS_MAX, sound
from islandrun.privacy.sensitivity import assess
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt
from islandrun_node.findings_cache import CheckedDetector
from tests.node.broken_detectors import GARBAGE

PIECES = st.sampled_from(
    (
        "Dear Anna Kern,",
        "card 4111 1111 1111 1111",
        "anna@example.org",
        "[PERSON_1]",
        "",
        "why is the sky blue?",
    )
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=8)


class Marks:
    """Finds every character, each as often as it is told."""

    name, finds_names = "marks", True

    def __init__(self, times: int = 1) -> None:
        self.times = times
        self.calls = 0

    def __call__(self, text: str) -> tuple[Finding, ...]:
        self.calls += 1
        one = [Finding(at, at + 1, FindingType.CODE, Ppm(1), Ppm(1), "marks") for at in range(len(text))]
        return tuple(one) * self.times


@settings(deadline=None, max_examples=150)
@given(TEXTS, TEXTS)
def test_a_remembered_assessment_is_the_same(first: list[str], second: list[str]) -> None:
    remembered = CheckedDetector(RULES, texts_max=5)
    for texts in (first, first + second, second):
        prompt = Prompt(tuple(Message("user", text) for text in texts))
        assert assess(prompt, (remembered,)) == assess(prompt, (RULES,))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=12), max_size=30), st.integers(1, 6), st.integers(1, 40))
def test_it_holds_no_more_than_it_may(texts: list[str], texts_max: int, findings_max: int) -> None:
    remembered = CheckedDetector(Marks(), texts_max=texts_max, findings_max=findings_max)
    for text in texts:
        assert remembered(text) == Marks()(text)
        assert len(remembered) <= texts_max
        assert remembered.findings <= findings_max


def test_a_known_text_is_not_looked_at_again_and_the_oldest_is_forgotten() -> None:
    marks = Marks()
    remembered = CheckedDetector(marks, texts_max=2)
    for text in ("one", "two", "one", "three", "one"):
        remembered(text)
    assert marks.calls == 3
    remembered("two")
    assert marks.calls == 4


def test_a_fault_is_not_remembered_and_is_named_by_its_type() -> None:
    class Once(Marks):
        def __call__(self, text: str) -> tuple[Finding, ...]:
            if not self.calls:
                self.calls += 1
                raise KeyError(text)
            return super().__call__(text)

    remembered = CheckedDetector(Once())
    with pytest.raises(KeyError):
        remembered("hunter2")
    assert remembered.fault == "KeyError"
    assert remembered("hunter2") == Marks()("hunter2")
    assert remembered.fault == ""


def test_it_holds_no_text() -> None:
    secret = "".join(("hunter", str(2**61)))
    remembered = CheckedDetector(RULES)
    remembered(f"my password is {secret}")
    seen, waiting = set(), [remembered]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType | types.FunctionType):
            continue
        seen.add(id(thing))
        assert not (isinstance(thing, str) and secret in thing)
        assert not (isinstance(thing, bytes) and secret.encode() in thing)
        if thing is not RULES:
            waiting.extend(gc.get_referents(thing))
    assert secret not in repr(remembered)


def test_two_processes_know_a_text_by_other_names() -> None:
    first, second = CheckedDetector(RULES), CheckedDetector(RULES)
    first("hello")
    second("hello")
    assert set(first._known) != set(second._known)


def test_findings_without_end_are_cut_off() -> None:
    one = Marks()("a")[0]
    with pytest.raises(ValueError, match="more than"):
        sound((one for _ in range(FINDINGS_MAX + 1)), "a")
    assert len(sound((one for _ in range(1000)), "a")) == 1000


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_nonsense_is_refused_before_the_library_sees_it(garbage: object) -> None:
    with pytest.raises((ValueError, TypeError)) as failed:
        sound(garbage, "hello")  # type: ignore[arg-type]  # nonsense on purpose
    assert "hello" not in str(failed.value)


@given(st.text(min_size=1, max_size=50))
def test_what_the_rules_find_is_sound(text: str) -> None:
    assert sound(detect(text), text) == detect(text)
