"""Judge one value: a secret, or a word, a piece of code, a place where a secret is filled in.

The rules say that a name such as `password` stands before a value. These functions look at the value
alone; each returns how many of its characters are the secret, 0 for none.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import Final

from islandrun.privacy.detect.words import ORDINARY, words

_NO_SECRET: Final = words(
    """
    required incorrect wrong not invalid too weak strong missing expired encrypted hashed stored correct
    empty set reset the a an my your none null true false undefined string str int bool text optional
    valid changed needed used unknown unset protected hidden secure safe same different visible
    here there that this what with and or case only also still being sent shown asked checked verified
    generated nil password passwd pass secret token value number field input type integer boolean object
    array return self default example changeme redacted important necessary forgotten leaked compromised
    stolen always never probably very so in on at to for of one nicht falsch richtig incorrecta
    obligatorio requis requise sehr zu yes no any bytes bytearray char float double void function callable
    username user admin root login email name prompt pwd pw file env environment config vault keyring
    stdin literal plain cleartext plaintext column varchar label placeholder confirm confirmation repeat
    insert enter hash sha256 sha1 sha512 md5 bcrypt scrypt argon2 pbkdf2 base64 utf8 utf-8 ascii hex hmac
    utf16 rfc2617 oauth2 aes256 gone lost blocked broken bad short long available mandatory strlen sizeof
    abgelaufen vergessen weg gesperrt unsicher bekannt geheim gleich leer oublié expiré perdu bloqué
    correcta insegura débil comment break continue pass except else auth basic bearer digest anonymous
    """
)
_TOLD: Final = re.compile(r"(?:ed|ing|ly|able|ible|ous|less|ful|ung|keit|lich|isch)$")
_NAME_OF_ONE: Final = re.compile(
    r"(?i)pass(?:word|wort|wd|phrase|code)|kennwort|contrase|mot.de.passe|secret|token|api.?key|credential|"
    r"user.?name|your|example|dummy|placeholder|change.?me|change.?it|replace|redacted|insert|enter"
)
_CODE: Final = re.compile(
    r"^(?:\$\w+$|[$%#@]?[{<(\[]|%|&\w|[*.]{2}|[xX*.#_-]{3,}|/|\\|\./|~/|https?:|file:|env[.:]|ENC\[|!)"
    r"|^!?[A-Za-z_][\w.]*(?:\(|\[|\{|<|->|::|\+|\|)|^[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)+\)?$|\$\{|"
    r"\{\w{0,30}\}|%\(|%[sdr]"
    r"|\\[nrt\\u]|\+=|\(\)|^[A-Za-z_]\w*-$|^0x[0-9A-Fa-f]{1,8}$|^[0-9]+(?:\.[0-9]+)*[a-z]?$"
)
_NUMBERED_NAME: Final = re.compile(
    r"(?:pass|password|passwd|passphrase|pw|pwd|token|secret|salt|key|nonce|hash|arg|args|param|value|val|"
    r"var|str|string|"
    r"data|buf|buffer|user|name|item|[a-z]|u?int|float|bytes|char|utf|sha|md|rfc|aes|base|v)[_-]?[0-9]{1,4}"
)
_TYPE_NAME: Final = re.compile(r"(?:[A-Z]{0,4}[a-z]+){1,6}")
_MEASURE: Final = re.compile(r"[a-z]{1,3}-?[0-9]{1,3}-?(?:bit|byte)?|[0-9]{1,4}-?[a-z]{1,10}")
_ENTROPY_BITS_MIN: Final = 3.0
_ENTROPY_BITS_MIXED_MIN: Final = 3.6
_SPECIAL: Final = frozenset("!@#$%^&*?+~\u20ac\u00a7=")
_SEPARATED_WORDS: Final = re.compile(r"[A-Za-z]+(?:[ _.:/-][A-Za-z]+)*[ _.:/-]?[0-9]{0,2}")
_STAMP: Final = re.compile(r"[0-9]{2,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ].*)?|v?[0-9]+(?:[.-][0-9a-z]+)+")


def entropy_bits(value: str) -> float:
    """Return Shannon's entropy of the characters of a value, in bits for one character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def is_random(value: str) -> bool:
    """Say whether a value is drawn rather than written: mixed classes and many different characters."""
    classes = [any(map(test, value)) for test in (str.isupper, str.islower, str.isdigit)]
    if sum(classes) < 2 or not classes[2] or value.count("-") > 6 or value.count("/") > 6:
        return False
    plain_hex = set(value) <= set("0123456789abcdef")
    return entropy_bits(value) >= (_ENTROPY_BITS_MIN if plain_hex else _ENTROPY_BITS_MIXED_MIN)


def is_random_alone(value: str) -> bool:
    """Say the same where no name speaks for a secret: capitals, small letters and digits, well mixed.

    Hashes of commits and files are hexadecimal or carry the name of their sort, so they stay.
    """
    classes = [sum(map(test, value)) for test in (str.isupper, str.islower, str.isdigit)]
    if (
        min(classes) < 2
        or re.match(r"sha[0-9]{1,3}-|md5-", value)
        or re.search(r"[A-Za-z]{12}", value) is not None
    ):
        return False
    return _turns(value) >= 4 and entropy_bits(value) >= 4.0


def _turns(value: str) -> int:
    """Count how often letters and digits take turns."""
    return sum(one.isdigit() != other.isdigit() for one, other in pairwise(value))


def _is_strong(value: str) -> bool:
    """Say whether letters stand with digits or marks, as in a password."""
    letters = any(map(str.isalpha, value))
    digits = any(map(str.isdigit, value))
    return (letters and digits) or (bool(_SPECIAL & set(value)) and (letters or digits))


def _is_filled_in_later(value: str) -> bool:
    return _CODE.search(value) is not None or _NAME_OF_ONE.search(value) is not None


def _stripped(value: str) -> str:
    value = value.rstrip(".,;:?")
    while (
        value and value[-1] in ")]}" and value.count(value[-1]) > value.count("([{"[")]}".index(value[-1])])
    ):
        value = value[:-1].rstrip(".,;:?")
    return value


def password_unquoted(value: str) -> int:
    """Judge a bare value behind `password =`: letters with digits or marks; a name or a call is none."""
    value = _stripped(value)
    if len(value) < 4 or value.lower() in _NO_SECRET or _NUMBERED_NAME.fullmatch(value):
        return 0
    if value.isdigit():
        return len(value)
    return len(value) if _is_strong(value) and not _is_filled_in_later(value) else 0


def password_quoted(value: str) -> int:
    """Judge a value in quotes behind `password =`: a word will do, a label or a sentence will not."""
    plain = value.strip(" .,:;!?*")
    parts = plain.lower().split()
    if len(plain) < 3 or len(parts) > 6 or plain.lower() in _NO_SECRET or _is_filled_in_later(plain):
        return 0
    if len(parts) > 1 and (value[-1] in ":.?! " or sum(part in ORDINARY for part in parts) * 2 > len(parts)):
        return 0
    if len(parts) == 1 and "-" in plain and not _is_strong(plain):
        return 0
    return len(value)


def password_alone(value: str) -> int:
    """Judge the only value of a line of settings (`DB_PASSWORD=swordfish`): one word is enough."""
    value = _stripped(value)
    plain = value.lower()
    if len(value) < 4 or plain in _NO_SECRET or plain in ORDINARY or _is_filled_in_later(value):
        return 0
    if value[:1].isupper() and value[1:].isalpha() and any(map(str.isupper, value[1:])):
        return 0
    return len(value)


def password_told(value: str) -> int:
    """Judge a value behind "my password is": one word at the end of its clause, which tells of nothing."""
    plain = value.lower()
    if plain in _NO_SECRET or plain in ORDINARY or _TOLD.search(plain) or _is_filled_in_later(value):
        return 0
    return len(value)


def password_said(value: str) -> int:
    """Judge a value behind "the password is": letters with digits or marks, or capitals inside."""
    value = _stripped(value).rstrip("\"'`*_")
    if len(value) < 4 or value.lower().strip("!") in _NO_SECRET or value.lower().strip("!") in ORDINARY:
        return 0
    if _CODE.search(value) and not value.isdigit():
        return 0
    core = value.rstrip("!?")
    inner = core.isalpha() and not core.islower() and not core.isupper() and not _TYPE_NAME.fullmatch(core)
    strong = value.isdigit() or (_is_strong(core) and not _MEASURE.fullmatch(value))
    return len(value) if strong or (inner and len(value) >= 6) else 0


def key_value(value: str) -> int:
    """Judge a value behind `token =`, `api_key:` and the like: drawn, or letters and digits by turns."""
    value = _stripped(value)
    if (
        len(value) < 8
        or _is_filled_in_later(value)
        or _SEPARATED_WORDS.fullmatch(value)
        or _STAMP.fullmatch(value)
    ):
        return 0
    if value.lower() in _NO_SECRET or not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return 0
    turns = _turns(value)
    return len(value) if turns >= 3 or (turns >= 2 and len(value) >= 12 and entropy_bits(value) > 3.0) else 0


def query_value(value: str) -> int:
    """Judge a value in a link behind `?access_token=`: there it may be short."""
    value = _stripped(value)
    drawn = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) if drawn and not _is_filled_in_later(value) else 0
