"""Whatever a prompt holds: it comes back exactly, nothing masked is visible, and figures move one way."""

import json
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect import detect
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.fields import texts
from islandrun.privacy.restore import HELD_CHARACTERS_MAX, JsonRestorer, Restorer, restore
from islandrun.privacy.sanitize import KEEP_PLACEHOLDERS, mask, sanitize
from islandrun.privacy.sensitivity import WITHHELD, Assessment, Topic, assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, Message, Ppm, Prompt, ToolCall

QUICK = settings(deadline=None, max_examples=300, derandomize=True)
PIECES = [
    "Dear Anna Kern, ",
    "anna",
    "Kern",
    "PERSON_1",
    "[PERSON_1]",
    "[person 1b]",
    "\\[PERSON\\_1\\]",
    "<EMAIL_1>",
    "{CARD-1}",
    "[[CARD_1]]",
    "[",
    "]",
    "\\",
    "_",
    "_1",
    "1",
    "b",
    "4111 1111 1111 1111",
    "DE89370400440532013000",
    "a.kern@example.org",
    "pw=Winter12! ",
    "12.03.1984",
    "[PERSON_1",
    "CARD_",
    "IP_",
    "x",
    " ",
    "\n",
    "ß",
    "😀",
    "\u200b",
    "\uff14",
    "日本",
    "10.1.2.3",
    "Mr. Kern's ",
    "LITERAL_1",
    "[LITERAL_1]",
    "NATIONAL_ID_2",
    "/home/anna/x",
]
TEXT = (
    st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12)
    .map("".join)
    .filter(lambda text: text.isprintable() or text.encode("utf-8", "replace").decode() == text)
)
TRUST = st.integers(0, 1_000_000).map(Ppm)


def of_text(*parts: str) -> Prompt:
    return Prompt(tuple(Message("user", part) for part in parts))


@given(st.text() | TEXT)
@QUICK
def test_detect_never_raises_and_offsets_slice(text: str) -> None:
    found = detect(text)
    for left, right in pairwise(found):
        assert left.end <= right.start
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert detect(text) == found


@given(st.lists(TEXT, min_size=1, max_size=3), TRUST)
@QUICK
def test_what_is_masked_comes_back_exactly_and_is_not_visible(parts: list[str], trust: Ppm) -> None:
    prompt, vault = of_text(*parts), Vault()
    found = assess(prompt).findings
    masked = mask(texts(prompt), found, trust, vault)
    assert [restore(one.text, vault) for one in masked] == list(texts(prompt))
    hidden = {
        (one.type, text[one.start : one.end])
        for text, result in zip(texts(prompt), masked, strict=True)
        for one, _ in result.spans
    }
    for kind, original in hidden:
        if kind in (FindingType.CARD, FindingType.IBAN, FindingType.EMAIL) and len(original) >= 8:
            assert not any(original in gap for one in masked for gap in one.visible)
    again = mask(texts(prompt), found, trust, vault)
    assert [one.text for one in again] == [one.text for one in masked]


@given(TEXT, TEXT, st.lists(st.integers(0, 9), max_size=40))
@QUICK
def test_an_answer_that_quotes_the_prompt_is_restored_at_any_cut(
    first: str, second: str, cuts: list[int]
) -> None:
    vault = Vault()
    for part in (first, second):
        (masked,) = mask((part,), assess(of_text(part)).findings[:1], Ppm(0), vault)
    restorer, shown, at = Restorer(vault), "", 0
    for size in [*cuts, len(masked.text)]:
        shown += restorer.feed(masked.text[at : at + size])
        at += size
        assert len(restorer._held) <= HELD_CHARACTERS_MAX
    assert shown + restorer.finish() == second


@given(TEXT, st.lists(st.integers(0, 9), max_size=40))
@QUICK
def test_tool_arguments_stay_json_at_any_cut(text: str, cuts: list[int]) -> None:
    call = ToolCall("1", "t", json.dumps({"note": text, text: [text]}))
    prompt, vault = Prompt((Message("assistant", "", (call,)),)), Vault()
    places = texts(prompt)
    masked = mask(places, assess(prompt).findings, Ppm(0), vault)
    sent = json.dumps([one.text for one in masked])
    restorer, shown, at = JsonRestorer(vault), "", 0
    for size in [*cuts, len(sent)]:
        shown += restorer.feed(sent[at : at + size])
        at += size
    shown += restorer.finish()
    plain = [one for one in masked if "\\" not in one.text]
    assume(len(plain) == len(masked))
    assert json.loads(shown) == list(places)


@given(TEXT)
@QUICK
def test_a_literal_survives_for_every_reader(text: str) -> None:
    prompt, vault = of_text("the words [PERSON_1] and PERSON_1 " + text), Vault()
    vault.placeholder_for(FindingType.PERSON, "Somebody Else")
    for trust in (Ppm(1_000_000), Ppm(950_000)):
        try:
            sent = sanitize(prompt, assess(prompt), trust, vault).prompt
        except PrivacyFault:
            continue
        assert [restore(piece, vault) for piece in texts(sent) if piece and piece != KEEP_PLACEHOLDERS] == [
            piece for piece in texts(prompt) if piece
        ]


FINDING = st.builds(
    lambda kind, floor: Finding(0, 1, kind, Ppm(1), Ppm(floor), "t"),
    st.sampled_from(FindingType),
    st.integers(0, 1_000_000),
)
TOPIC = st.builds(
    lambda floor, share: Topic("t", Ppm(floor), Ppm(floor * share // 10)),
    st.integers(0, 1_000_000),
    st.integers(0, 10),
)


def assessment(findings: list[Finding], topics: list[Topic]) -> Assessment:
    floors = [one.floor_ppm for one in findings] + [one.floor_ppm for one in topics]
    return Assessment((tuple(findings),), tuple(topics), Ppm(max([0, *floors])), ())


@given(st.lists(FINDING, max_size=5), st.lists(TOPIC, max_size=3), FINDING, TRUST, TRUST)
@QUICK
def test_figures_move_one_way(
    findings: list[Finding], topics: list[Topic], more: Finding, one: Ppm, other: Ppm
) -> None:
    low, high = sorted((one, other))
    plain, added = assessment(findings, topics), assessment([*findings, more], topics)
    assert plain.visible_ppm(low) <= plain.visible_ppm(high) <= plain.sensitivity_ppm
    assert added.sensitivity_ppm >= plain.sensitivity_ppm
    assert added.exposure_ppm(low) >= plain.exposure_ppm(low)
    allowed = all(topic.masked_floor_ppm <= low for topic in topics)
    assert (plain.visible_ppm(low) <= low) == allowed


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6), st.sampled_from(FindingType)), max_size=8))
@QUICK
def test_merging_covers_everything_and_is_stable(spans: list[tuple[int, int, FindingType]]) -> None:
    findings = [Finding(at, at + size, kind, Ppm(1), Ppm(at), "t") for at, size, kind in spans]
    merged = merge(findings)
    assert merge(merged) == merged == merge(reversed(findings))
    for one in findings:
        assert any(m.start <= one.start and one.end <= m.end and m.floor_ppm >= one.floor_ppm for m in merged)


def test_a_value_of_an_earlier_turn_is_hidden_where_nothing_gives_it_away() -> None:
    vault = Vault()
    first = of_text("Dear Anna Kern,")
    mask(texts(first), assess(first).findings, Ppm(500_000), vault)
    (masked,) = mask(("what did Anna Kern say?",), ((),), Ppm(0), vault)
    assert masked.text == "what did [PERSON_1] say?"


def test_faults_of_masking() -> None:
    prompt = of_text("card 4111 1111 1111 1111")
    whole = assess(prompt)
    with pytest.raises(PrivacyFault, match="another prompt"):
        sanitize(of_text("a", "b"), whole, Ppm(800_000), Vault())
    with pytest.raises(PrivacyFault, match="more trust"):
        sanitize(prompt, whole, Ppm(200_000), Vault())
    with pytest.raises(PrivacyFault, match="still visible"):
        mask(texts(prompt), whole.findings, Ppm(0), Vault(), ("pay 4111 1111 1111 1111",))
    with pytest.raises(PrivacyFault, match="restore"):
        sanitize(prompt, whole, Ppm(800_000), Forgetful())


class Forgetful(Vault):
    """Gives out a placeholder that it cannot restore."""

    def placeholder_for(self, kind: FindingType, original: str) -> str:
        return "[CARD_9]"


def test_the_note_stands_behind_the_system_text_and_only_with_placeholders() -> None:
    card, plain = Message("user", "card 4111 1111 1111 1111"), Message("user", "hello")
    system = Message("system", "Be brief.")
    for messages, first in (
        ((card,), KEEP_PLACEHOLDERS),
        ((system, card), f"Be brief.\n\n{KEEP_PLACEHOLDERS}"),
        ((system, plain), "Be brief."),
        ((plain,), "hello"),
    ):
        prompt = Prompt(messages)
        assert sanitize(prompt, assess(prompt), Ppm(800_000), Vault()).prompt.messages[0].text == first


def test_full_trust_needs_no_findings_and_is_no_fault() -> None:
    prompt, vault = of_text("the words [PERSON_1]"), Vault()
    vault.placeholder_for(FindingType.PERSON, "Somebody Else")
    sent = sanitize(prompt, WITHHELD, Ppm(1_000_000), vault).prompt
    assert sent.messages[1].text == "the words [LITERAL_1]"
    assert sanitize(prompt, WITHHELD, Ppm(1_000_000), Forgetful()).prompt == prompt
    with pytest.raises(PrivacyFault, match="more trust"):
        sanitize(prompt, WITHHELD, Ppm(999_999), vault)
