"""Rules and tagger together: what is only guessed needs the tagger; what has a checksum does not."""

from islandrun.privacy.detect import RULES
from islandrun.privacy.detect.tagger import Tagger
from islandrun.privacy.detect.weighed import RulesAndTagger
from tests.unit.test_privacy_tagger import SURE, TableNetwork


def found(text: str, table: dict[str, tuple[str, bool, float, float]]) -> set[tuple[str, str]]:
    both = RulesAndTagger(RULES, Tagger(TableNetwork(table, ("health",))))
    return {(one.type.value, text[one.start : one.end]) for one in both(text)}


LETTER = "Dear Mr Kern, my card is 4111 1111 1111 1111"


def test_a_guess_of_a_rule_falls_where_the_tagger_sees_nobody() -> None:
    assert found(LETTER, {}) == {("CARD", "4111 1111 1111 1111")}


def test_a_small_chance_is_enough_to_keep_it() -> None:
    kept = {("CARD", "4111 1111 1111 1111"), ("PERSON", "Kern")}
    assert found(LETTER, {"Kern": ("PERSON", True, 0.01, 0.2)}) == kept
    assert found(LETTER, {"Mr": ("PERSON", True, 0.01, 0.99)}) == {("CARD", "4111 1111 1111 1111")}


def test_what_the_tagger_finds_is_there_too() -> None:
    assert ("ORG", "Contoso") in found("I work at Contoso", {"Contoso": ("ORG", True, *SURE)})


def test_topics_are_the_taggers() -> None:
    both = RulesAndTagger(RULES, Tagger(TableNetwork({}, ("health",))))
    assert both.topics("some words") == ("health",)
    assert both.finds_names


def test_places_are_right_behind_invisible_signs() -> None:
    assert ("PERSON", "Ker\u200bn") in found(
        "\u200bDear Mr Ker\u200bn, hello", {"Kern": ("PERSON", True, 0.01, 0.2)}
    )
