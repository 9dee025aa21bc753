"""The receiver's check, field by field, and the second look at a text."""

from dataclasses import replace

import pytest

from islandrun.errors import ForwardRefused
from islandrun.privacy import recheck
from islandrun.privacy.recheck import CHARACTERS_MAX, certain_ppm
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.routing.receiver import Forwarded, ForwardVeto, check_forwarded, check_seen, check_view
from islandrun.trust.view import Reach
from islandrun.vocabulary import Message, Ppm, Prompt, Standing, ToolCall

GOOD = Forwarded(Standing.ADMITTED, Ppm(500_000), Ppm(700_000), 700_000, 1, (Ppm(500_000), Ppm(0)))
CARD = "4111 1111 1111 1111"


def refused(request: Forwarded) -> str:
    with pytest.raises(ForwardRefused) as caught:
        check_forwarded(request)
    return caught.value.reason


def test_what_is_right_in_every_point_passes() -> None:
    check_forwarded(GOOD)
    check_forwarded(replace(GOOD, hops_left=2, sensitivity_ppm=0, data_sets_ppm=()))


@pytest.mark.parametrize("standing", [Standing.EXPIRED, Standing.REVOKED, Standing.UNKNOWN])
def test_only_an_admitted_island_is_served(standing: Standing) -> None:
    assert refused(replace(GOOD, sender=standing)) == ForwardVeto.SENDER_NOT_ADMITTED


def test_each_bound_refuses() -> None:
    assert refused(replace(GOOD, target_ppm=None)) == ForwardVeto.TARGET_ELSEWHERE
    assert refused(replace(GOOD, hops_left=0)) == ForwardVeto.NO_HOPS_LEFT
    assert refused(replace(GOOD, hops_left=3)) == ForwardVeto.NO_HOPS_LEFT
    assert refused(replace(GOOD, sensitivity_ppm=-1)) == ForwardVeto.LABEL_OUT_OF_RANGE
    assert refused(replace(GOOD, sensitivity_ppm=1_000_001)) == ForwardVeto.LABEL_OUT_OF_RANGE
    assert refused(replace(GOOD, sensitivity_ppm=700_001)) == ForwardVeto.ABOVE_CEILING
    assert refused(replace(GOOD, data_sets_ppm=(Ppm(500_001),))) == ForwardVeto.DATA_SET_CLOSED
    assert refused(replace(GOOD, data_sets_ppm=(Ppm(0), None))) == ForwardVeto.DATA_SET_CLOSED


def test_an_island_that_may_trust_nobody_serves_nobody() -> None:
    with pytest.raises(ForwardRefused) as caught:
        check_view(Reach.ITSELF)
    assert caught.value.reason == ForwardVeto.VIEW_TOO_OLD
    check_view(Reach.OWN_GROUP)
    check_view(Reach.EVERYBODY)


def test_documents_bound_to_a_place_are_read_only_for_islands_there() -> None:
    bound = replace(GOOD, data_places=("DE",))
    check_forwarded(replace(bound, sender_places=("DE",)))
    for places in ((), ("FR",), ("DE", "FR")):
        assert refused(replace(bound, sender_places=places)) == ForwardVeto.DATA_SET_CLOSED


def prompt(*texts: str) -> Prompt:
    return Prompt(tuple(Message("user", text) for text in texts))


def test_a_value_that_does_harm_is_seen_wherever_it_stands() -> None:
    assert certain_ppm(prompt(f"pay with {CARD} please")) == 900_000
    assert certain_ppm(prompt(f"pay with {CARD} please", "thanks")) == 900_000
    call = ToolCall("1", "pay", f'{{"card": "{CARD}"}}')
    assert certain_ppm(Prompt((Message("assistant", "", (call,)),))) == 900_000
    assert certain_ppm(prompt("Anna Kern, anna@example.com, lives in Bern")) == 0
    with pytest.raises(ForwardRefused):
        check_seen(Ppm(900_000), Ppm(899_999))
    check_seen(Ppm(900_000), Ppm(900_000))


def test_what_was_masked_is_not_found_again() -> None:
    for text in (f"pay with {CARD}", "password: hunter2hunter2", "IBAN DE89 3704 0044 0532 0130 00 of Anna"):
        asked = prompt(text)
        masked = sanitize(asked, assess(asked), Ppm(700_000), Vault())
        assert masked.prompt != asked
        assert certain_ppm(masked.prompt) == 0


def test_the_newest_texts_are_looked_at_and_old_ones_are_not() -> None:
    filler = "word " * (CHARACTERS_MAX // 5)
    assert certain_ppm(prompt(filler, f"card {CARD}")) == 900_000
    assert certain_ppm(prompt(f"card {CARD}", filler)) == 0
    assert certain_ppm(prompt(filler + f"card {CARD}")) == 900_000


def test_a_rule_that_fails_has_judged_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> tuple[object, ...]:
        raise ValueError(text)

    monkeypatch.setattr(recheck, "RULES", broken)
    assert certain_ppm(prompt("hello")) == 1_000_000
