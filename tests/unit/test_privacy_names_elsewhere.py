"""A name that was found once is found in all of its forms, and ordinary words are left alone."""

import pytest

from islandrun.privacy.detect.propagate import propagate
from islandrun.privacy.sanitize import mask
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, Ppm

PERSON, ORG = FindingType.PERSON, FindingType.ORG


def elsewhere(value: str, text: str, kind: FindingType = PERSON) -> list[str]:
    """Return what is found in a text because a value was found in another one."""
    finding = Finding(0, len(value), kind, Ppm(800_000), Ppm(600_000), "t")
    _, found = propagate((value, text), ((finding,), ()))
    return [text[one.start : one.end] for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anna_kern_cv.pdf", ["anna_kern"]),
        ("#AnnaKern", ["AnnaKern"]),
        ("AnnaKernCV.docx", ["AnnaKern"]),
        ("annakern@x.de, kernanna99", ["annakern", "kernanna"]),
        ("akern@x.de, /u/akern, @akern", ["akern"] * 3),
        ("getAnnaKernAge(annaKernId)", ["AnnaKern", "annaKern"]),
        ("C:\\Users\\Kern\\cv-anna.txt", ["Kern", "anna"]),
        ("https://x.de/Anna%20Kern?user=anna.kern", ["Anna%20Kern", "anna.kern"]),
        ("Kern, Anna and KERN ANNA", ["Kern, Anna", "KERN ANNA"]),
        ("A. Kern; Kern, A. and a.kern", ["A. Kern", "Kern, A.", "a.kern"]),
        ("Anna\nKern", ["Anna\nKern"]),
        ("An\u200bna, Ke\u0308rn", ["An\u200bna", "Ke\u0308rn"]),
        ("AnnaCV, kernX, x2Kern", ["Anna", "kern", "Kern"]),
        ("我叫Anna Kern你好, Kern在", ["Anna Kern", "Kern"]),
        ("ชื่อAnnaครับ", ["Anna"]),
        ("Anna's and Kern's", ["Anna", "Kern"]),
    ],
)
def test_a_name_of_two_words(text: str, expected: list[str]) -> None:
    assert elsewhere("Anna Kern", text) == expected


@pytest.mark.parametrize(
    "text", ["Kernel kerning annabelle Hannah ANNAL", "akern is no word", "acorn kerns ann_a", "Kernels"]
)
def test_longer_words_are_other_words(text: str) -> None:
    assert elsewhere("Anna Kern", text) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("王小明", "我叫王小明你好。小明在。", ["王小明", "小明"]),
        ("山田太郎", "山田さんと太郎、山田太郎です", ["山田", "太郎", "山田太郎"]),
        ("ジョン・スミス", "ジョンさん、アジョンシ", ["ジョン"]),
        ("สมชาย ใจดี", "คุณสมชาย ใจดีครับ", ["สมชาย ใจดี"]),
        ("王", "国王来了", []),
        ("김민수", "김민수는 민수가 온다, 박민수", ["김민수", "민수"]),
        ("Иван Петров", "петров и ИВАН, иванпетров, Петровский", ["петров", "ИВАН", "иванпетров"]),
        ("Jürgen Müller", "mueller@x, MÜLLER, jurgen muller", ["mueller", "MÜLLER", "jurgen muller"]),
        ("Conor O'Brien", "OBrien, O\u2019Brien, conor.obrien", ["OBrien", "O\u2019Brien", "conor.obrien"]),
        ("Ronald McDonald", "mcdonald, RonaldMcDonald, Donald", ["mcdonald", "RonaldMcDonald"]),
        ("Ludwig van Beethoven", "a van, LudwigBeethoven", ["LudwigBeethoven"]),
    ],
)
def test_names_of_many_scripts_and_shapes(name: str, text: str, expected: list[str]) -> None:
    assert elsewhere(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("May", "May I ask? may be. MAY. I met May today.", ["May"]),
        ("May", "May, come here.\nMay's car\nMay", ["May"] * 3),
        ("May", "She said: May we? Then Mr. May came.", ["May"]),
        ("Will Smith", "Will you? We will ask Will. will smith", ["Will", "will smith"]),
        ("Art Rose", "Art is long, a rose art. Rose Art met Art.", ["Rose Art", "Art"]),
        ("Anna Paper", "Paper is on the Paper", []),
        ("Sam Pace", "a lot of space", []),
    ],
)
def test_a_word_of_the_language_counts_only_where_it_is_a_name(
    name: str, text: str, expected: list[str]
) -> None:
    assert elsewhere(name, text) == expected


def test_what_is_no_name_is_found_as_it_is() -> None:
    assert elsewhere("Acme", "Acme acme AcmeCorp Acme's, acme_x, 我在Acme工作", ORG) == ["Acme"] * 3
    assert elsewhere("北京大学", "我在北京大学工作", ORG) == ["北京大学"]
    assert elsewhere("AB-12", "AB-12, AB-123, xAB-12", FindingType.CODE) == ["AB-12"]


def test_the_part_with_the_highest_floor_says_who_may_see_it() -> None:
    text = "Anna Kern and Kern"
    low, high = (
        Finding(0, 9, PERSON, Ppm(1), Ppm(500_000), "t"),
        Finding(14, 18, PERSON, Ppm(1), Ppm(900_000), "t"),
    )
    found, elsewhere = propagate((text, "anna kern"), ((low, high), ()))
    assert [one.floor_ppm for one in found] == [900_000, 900_000]
    assert [(one.start, one.end, one.floor_ppm) for one in elsewhere] == [(0, 9, 900_000)]


def test_a_hidden_name_is_hidden_in_part_in_later_turns_and_ordinary_words_stay() -> None:
    vault = Vault()
    for text, name in (("Anna Kern", "Anna Kern"), ("王芳", "王芳"), ("I met Will", "Will")):
        start = text.index(name)
        mask((text,), ((Finding(start, len(text), PERSON, Ppm(1), Ppm(600_000), "t"),),), Ppm(0), vault)
    (masked,) = mask(("Will kern call? 我和王芳。 #AnnaKern",), ((),), Ppm(0), vault)
    assert masked.text == "Will [PERSON_1c] call? 我和[PERSON_2]。 #[PERSON_1b]"
