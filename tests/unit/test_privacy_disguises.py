"""A hidden value in another dress is found; what only looks like it by chance is not."""

import base64
import html
import time
from urllib.parse import quote

import pytest

from islandrun.errors import PrivacyFault
from islandrun.privacy.detect.propagate import Value
from islandrun.privacy.disguises import in_disguise
from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import FindingType, Message, Ppm, Prompt, ToolCall

SECRET = "kT9-wq" + "Zr_4uXm2"
CARD = "4012 8888 8888 1881"
PERSON = "Anneliese Kern"


def value(text: str, kind: FindingType = FindingType.SECRET) -> Value:
    return Value(text, kind, Ppm(900_000))


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def wide(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in text)


DISGUISES = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind a": lambda text: base64.b64encode(b"a" + text.encode()).decode(),
    "base64 behind ab": lambda text: base64.b64encode(b"ab" + text.encode() + b"c").decode(),
    "base64 glued": lambda text: "xx" + base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(
        "\u00ff\u00fe?>".encode() + text.encode()
    ).decode(),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 50 + text.encode()).decode(),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16")).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "hex with blanks": lambda text: text.encode().hex(" "),
    "percent": percent,
    "percent where needed": lambda text: quote(text, safe="") + "%20",
    "percent of base64": lambda text: percent(base64.b64encode(text.encode()).decode()),
    "backslash x": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "backslash u": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "HTML": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "HTML hex": lambda text: "".join(f"&#x{ord(letter):x};" for letter in text),
    "reversed": lambda text: text[::-1],
    "reversed base64": lambda text: base64.b64encode(text[::-1].encode()).decode(),
    "capitals": str.upper,
    "small": str.lower,
    "swapped": str.swapcase,
    "full width": wide,
    "zero width": lambda text: "\u200b".join(text),
    "soft hyphen": lambda text: text[:4] + "\u00ad" + text[4:],
    "word joiner": lambda text: "\u2060".join(text),
    "variation": lambda text: "\ufe0f".join(text),
    "other joints": lambda text: ".".join(text),
    "in lines": "\n".join,
}


@pytest.mark.parametrize("dress", DISGUISES.values(), ids=DISGUISES.keys())
@pytest.mark.parametrize(
    ("text", "kind"),
    [(SECRET, FindingType.SECRET), (CARD, FindingType.CARD), (PERSON, FindingType.PERSON)],
    ids=["secret", "card", "person"],
)
def test_it_is_found(text: str, kind: FindingType, dress) -> None:
    many = [value(f"something {number:05} else", FindingType.CODE) for number in range(100)]
    for values in ([value(text, kind)], [*many, value(text, kind)]):
        assert in_disguise(values, ["all is well", f"see {dress(text)} here"])
        assert not in_disguise(values, ["all is well", f"see {dress('an ordinary sentence')} here"])


@pytest.mark.parametrize(
    ("text", "kind", "visible"),
    [
        ("Orange", FindingType.ORG, "an orange a day"),
        ("Martin", FindingType.PERSON, "a martini, or Martinique"),
        ("Alexander", FindingType.PERSON, "at alexanderplatz"),
        ("Anna", FindingType.PERSON, "anna"),
        ("12 March", FindingType.DATE, "112 march"),
        ("123456", FindingType.CODE, "91234567"),
        ("monkey", FindingType.SECRET, "monkeys"),
        ("Target", FindingType.ORG, base64.b64encode(b"targets").decode()),
        ("4012 8888 8888 1881", FindingType.CARD, "4012 8888 8888 1882"),
    ],
)
def test_chance_is_no_disguise(text: str, kind: FindingType, visible: str) -> None:
    assert not in_disguise([value(text, kind)], [visible])


def test_a_city_counts_where_it_was_hidden_on_purpose() -> None:
    assert in_disguise([value("Heidelberg", FindingType.LOCATION)], [percent("heidelberg")])
    assert not in_disguise([value("Heidelberg", FindingType.LOCATION)], ["heidelberg"])


@pytest.mark.parametrize(
    "dress", ["zero width", "soft hyphen", "word joiner", "variation", "base64 of UTF-16"]
)
def test_one_name_alone_is_found_where_something_unseen_splits_it(dress: str) -> None:
    assert in_disguise([value("Anneliese", FindingType.PERSON)], [DISGUISES[dress]("Anneliese")])


def prompt_of(*texts: str, arguments: str = "") -> Prompt:
    calls = (ToolCall("1", "look", arguments),) if arguments else ()
    return Prompt((*(Message("user", text) for text in texts), Message("assistant", "", calls)))


@pytest.mark.parametrize("where", ["the same text", "another message", "tool arguments", "html"])
def test_masking_refuses_a_prompt_that_still_tells(where: str) -> None:
    told = f"my password is {SECRET}"
    code = base64.b64encode(SECRET.encode()).decode()
    prompt = {
        "the same text": prompt_of(f"{told} or {code}"),
        "another message": prompt_of(told, code),
        "tool arguments": prompt_of(told, arguments=f'{{"data": ["{code}"]}}'),
        "html": prompt_of(told, f"<a href='?{percent(SECRET)}'>{html.escape('x')}</a>"),
    }[where]
    with pytest.raises(PrivacyFault, match="another spelling"):
        sanitize(prompt, assess(prompt), Ppm(800_000), Vault())
    assert sanitize(prompt_of(told), assess(prompt_of(told)), Ppm(800_000), Vault()).masked


@pytest.mark.parametrize(
    "hostile",
    ["QUJD", "%41", "4142", "%25", "&#65;", "\u200b", "a", "\\u0041", "\\x41", "A1-", "=\n", "%u", "&#"],
)
def test_hostile_text_costs_time_in_its_length(hostile: str) -> None:
    """Twenty times the text may not take four hundred times the time; bounds are wide for a busy machine."""

    def seconds(size: int) -> float:
        text = (hostile * size)[:size]
        began = time.process_time()
        in_disguise([value(SECRET), value(PERSON, FindingType.PERSON)], [text])
        return time.process_time() - began

    small = max(seconds(20_000), 0.002)
    assert seconds(400_000) < 120 * small


def test_values_that_share_their_beginning_are_a_doubt_and_no_delay() -> None:
    values = [value("aaaaaa" + "b" * number, FindingType.CODE) for number in range(1, 2000)]
    assert in_disguise(values, ["a" * 200_000])
