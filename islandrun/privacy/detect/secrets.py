"""Keys, tokens and passwords: known shapes first, then assignments that say what they hold."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, FORMAT, Rule, accept_if
from islandrun.privacy.detect.words import words
from islandrun.vocabulary import FindingType

_NOT_BEFORE = r"(?<![A-Za-z0-9_-])"
_ENTROPY_BITS_MIN: Final = 3.0

# ---------------------------------------------------------------- known shapes

_SHAPES: Final = (
    ("openai_key", r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}", ("sk-",)),
    ("anthropic_key", r"sk-ant-[A-Za-z0-9_-]{16,200}", ("sk-ant-",)),
    ("aws_key_id", r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])", ("akia", "asia", "aroa", "aida")),
    (
        "github_token",
        r"(?:gh[opusr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
        ("gh", "github_pat_"),
    ),
    ("gitlab_token", r"gl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_.-]{16,64}", ("gl",)),
    ("slack_token", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[A-Za-z0-9-]{10,250}", ("xox", "xapp-")),
    (
        "stripe_key",
        r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9]{20,64}",
        ("_live_", "_test_", "whsec_"),
    ),
    (
        "google_key",
        r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,40}|ya29\.[A-Za-z0-9_-]{20,300}",
        ("aiza", "gocspx-", "ya29."),
    ),
    ("npm_token", r"npm_[A-Za-z0-9]{36}", ("npm_",)),
    ("pypi_token", r"pypi-[A-Za-z0-9_-]{16,300}", ("pypi-",)),
    ("huggingface_token", r"hf_[A-Za-z0-9]{20,60}", ("hf_",)),
    ("twilio_key", r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])", ("sk", "ac")),
    ("sendgrid_key", r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{20,64}", ("sg.",)),
    ("telegram_token", r"[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", (":",)),
    ("jwt", r"eyJ[A-Za-z0-9_-]{5,4000}\.[A-Za-z0-9_-]{5,8000}(?:\.[A-Za-z0-9_-]{0,2000})?", ("eyj",)),
    (
        "webhook",
        r"https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/[A-Za-z0-9/_-]{10,200}",
        ("hooks.slack", "/api/webhooks"),
    ),
    ("age_key", r"AGE-SECRET-KEY-1[A-Z0-9]{40,70}", ("age-secret-key",)),
    ("azure_key", r"AccountKey=[A-Za-z0-9+/]{40,100}={0,2}", ("accountkey=",)),
    ("digitalocean_token", r"do[opr]_v1_[a-f0-9]{64}", ("_v1_",)),
    ("groq_key", r"gsk_[A-Za-z0-9]{20,80}", ("gsk_",)),
)

_PEM: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----END)){0,20000}(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_CONNECTION: Final = re.compile(
    r"(?<![A-Za-z0-9])"
    r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:@/\"'<>]{0,100}:[^\s@/\"'<>]{1,200}@[^\s\"'<>,]{1,300}"
)
_BEARER: Final = re.compile(r"(?<![a-z])(?:bearer|basic|token)\s{1,3}(?P<value>[a-z0-9._~+/=-]{16,4000})")

# ---------------------------------------------------------------- assignments

_WORDS: Final = (
    r"pass(?:word|wort|wd|phrase|code)?|passwort|kennwort|pwd|pw|pin|secret|token|api[ _-]?key|apikey|"
    r"access[ _-]?key|"
    r"auth[ _-]?key|private[ _-]?key|secret[ _-]?key|client[ _-]?secret|credentials?|mot de passe|"
    r"contrase\u00f1a|contrasena|"
    r"recovery code|seed phrase|licen[cs]e key|account[ _-]?key|encryption[ _-]?key|signing[ _-]?key|salt|otp"
)
_TRIGGERS: Final = (
    "pass",
    "kennwort",
    "pwd",
    "pw",
    "pin",
    "secret",
    "token",
    "key",
    "credential",
    "mot de",
    "contrase",
    "recovery",
    "seed",
    "salt",
    "otp",
)
_QUOTED: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})[a-z0-9_.-]{{0,20}}[\"']?\]?\s{{0,3}}(?:[:=]{{1,2}}>?|=>)\s{{0,3}}"
    r"(?:[bruf]{0,2})(?P<quote>[\"'])(?P<value>[^\"'\n]{3,300})(?P=quote)"
)
_UNQUOTED: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})[a-z0-9_.-]{{0,20}}[\"']?\s{{0,3}}(?:[:=]|:=|"
    rf"=>)[ \t]{{0,3}}(?P<value>[^\s\"',;<>{{}}()\[\]]{{3,300}})"
)
_SPOKEN: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})(?: for [a-z0-9 ._-]{{1,40}}?)?(?: is| was| ist| lautet| est| es|:)[: ]{{1,3}}"
    r"[\"'`]?(?P<value>[^\s\"'`,;]{4,100})"
)
_SEED: Final = re.compile(
    r"(?:seed|recovery|mnemonic|wallet)(?: phrase| words| backup)?[: ]{1,4}"
    r"(?:is )?(?P<value>(?:[a-z]{3,8} ){11,23}[a-z]{3,8})(?![a-z])"
)
_AWS_SECRET: Final = re.compile(
    r"(?i:secret|aws)[A-Za-z_ .-]{0,30}[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_RANDOM: Final = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_.-]{1,40}[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<value>[A-Za-z0-9+/_=-]{24,200})(?![A-Za-z0-9+/_=-])"
)
_HEX_KEY: Final = re.compile(r"(?<![0-9a-z])(?:0x)?[0-9a-f]{64}(?![0-9a-z])")

_NO_SECRET: Final = words(
    """
    required incorrect wrong not invalid too weak strong missing expired encrypted hashed stored correct
    empty set reset the a an my your none null true false undefined string str int bool text optional
    valid changed needed used unknown unset protected hidden secure safe same different used visible
    here there that this what with and or case only also still being sent shown asked checked verified
    generated nil password secret token value number field input type integer boolean object array
    return self default example changeme redacted important necessary forgotten leaked compromised
    stolen always never probably very so in on at to for of one nicht falsch richtig incorrecta
    obligatorio requis requise sehr zu
    """
)
_INDIRECT: Final = re.compile(
    r"(?i)^(?:\$|%|\{\{|<|os\.|process\.env|env\.|getenv|config|settings\.|self\.|args\.|request\.|"
    r"your[_-]|my[_-]|"
    r"x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,}|function|lambda|new |await |get_|len\()|\w{1,40}\(|^\w{1,40}\[|"
    r"^[\w.]{1,60}\)$"
)


def _is_secret(value: str) -> bool:
    plain = value.strip("\"'`.,;:!?)(").lower()
    return len(plain) >= 3 and plain not in _NO_SECRET and _INDIRECT.search(value) is None


def _assigned(value: str) -> int:
    value = value.rstrip(".,;:)")
    return len(value) if _is_secret(value) else 0


def entropy_bits(value: str) -> float:
    """Return Shannon's entropy of the characters of a value, in bits for one character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def _is_random(value: str) -> bool:
    """Say whether a value is drawn rather than written: mixed classes and many different characters."""
    classes = [any(map(test, value)) for test in (str.isupper, str.islower, str.isdigit)]
    if sum(classes) < 2 or not classes[2] or value.count("-") > 6 or value.count("/") > 6:
        return False
    return entropy_bits(value) >= (_ENTROPY_BITS_MIN if set(value) <= set("0123456789abcdef") else 3.6)


_SECRET = FindingType.SECRET

RULES: Final = (
    *(
        Rule(f"secret.{name}", _SECRET, re.compile(_NOT_BEFORE + f"(?:{pattern})"), FORMAT, triggers)
        for name, pattern, triggers in _SHAPES
    ),
    Rule("secret.pem", _SECRET, _PEM, CHECKED, ("private key",)),
    Rule("secret.connection", _SECRET, _CONNECTION, FORMAT, ("://",)),
    Rule(
        "secret.bearer",
        _SECRET,
        _BEARER,
        CONTEXT,
        ("bearer", "basic", "token"),
        accept_if(lambda value: any(map(str.isdigit, value)) or value.endswith("=")),
        lower=True,
    ),
    Rule("secret.quoted", _SECRET, _QUOTED, CONTEXT, _TRIGGERS, accept_if(_is_secret), lower=True),
    Rule("secret.unquoted", _SECRET, _UNQUOTED, CONTEXT, _TRIGGERS, _assigned, lower=True),
    Rule("secret.spoken", _SECRET, _SPOKEN, CONTEXT, _TRIGGERS, _assigned, lower=True),
    Rule(
        "secret.seed_phrase", _SECRET, _SEED, CONTEXT, ("seed", "recovery", "mnemonic", "wallet"), lower=True
    ),
    Rule("secret.aws_secret", _SECRET, _AWS_SECRET, CONTEXT, ("secret", "aws"), accept_if(_is_random)),
    Rule("secret.random", _SECRET, _RANDOM, CONTEXT, ("=", ":"), accept_if(_is_random)),
    Rule(
        "secret.hex_key",
        _SECRET,
        _HEX_KEY,
        CONTEXT,
        lower=True,
        context=re.compile("key|secret|seed|private|wallet"),
    ),
)
