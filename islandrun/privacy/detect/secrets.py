"""Keys, tokens and passwords: known shapes first, then key material, headers, and what a name gives away."""

from __future__ import annotations

import re
from typing import Final

from islandrun.privacy.detect import assignments, drawn, key_formats
from islandrun.privacy.detect.base58 import is_base58check
from islandrun.privacy.detect.rule import CHECKED, CONTEXT, FORMAT, LONG_WORD, Rule, accept_if
from islandrun.vocabulary import FindingType

_KIND = r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?"
_PEM: Final = re.compile(
    rf"-----BEGIN {_KIND}-----(?:(?:[^-]|-(?!----)){{0,20000}}-----END {_KIND}-----"
    r"|(?:\\[nr]|\s){0,8}(?:[A-Za-z-]{1,20}: [^\n]{0,80}\n\s{0,4}){0,4}"
    r"(?:[A-Za-z0-9+/=\\]{16,200}[\s\"',]{0,6}){0,400}(?:[A-Za-z0-9+/=]{1,15}(?=\s{0,9}\Z))?)"
)
_PUTTY: Final = re.compile(
    r"PuTTY-User-Key-File-[23]: [^\n]{1,40}\n(?:[^\n]{0,200}\n){0,400}?Private-MAC: [0-9a-f]{20,80}"
)
_CONNECTION: Final = re.compile(
    r"(?<![A-Za-z0-9])"
    r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:@/\"'<>]{0,100}:[^\s@/\"'<>]{1,200}@[^\s\"'<>,]{1,300}"
)
_PLACEHOLDERS: Final = re.compile(
    r"(?i)://[^:]*:(?:pass|password|passwd|pwd|pw|secret|token|x+|\*+|\.+|\$.*|%.*|\{.*|\[.*|your.*|port|"
    r"\d{1,5})@"
)
_BEARER: Final = re.compile(r"(?<![a-z])(?:bearer|basic|token)\s{1,3}(?P<value>[a-z0-9._~+/=-]{16,4000})")
_HEADER: Final = re.compile(
    r"(?:authorization|x-api-key|x-auth-token|x-access-token|x-amz-security-token|private-token|"
    r"x-vault-token|"
    r"x-csrf-token|api-key|apikey|ocp-apim-subscription-key|dd-api-key|x-shopify-access-token|"
    r"x-figma-token)[\"']?"
    r"\s{0,3}:\s{0,3}[\"']?(?:(?:bearer|basic|token|apikey|digest|negotiate|bot) )"
    r"?(?P<value>[a-z0-9._~+/=-]{8,4000})"
)
_COOKIE: Final = re.compile(
    r"(?<![a-z])(?:set-)?cookie[\"']?\s{0,3}:\s{0,3}[\"']?(?P<value>[^\n\"']{8,4000})"
)
_COOKIE_VALUE: Final = re.compile(r"=(?=[^;\s=]{0,40}[0-9])[^;\s]{8,}")
_HASHED: Final = re.compile(
    r"(?<![A-Za-z0-9$])(?:\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2(?:id|i|d)|pbkdf2(?:-sha[0-9]{1,3})?|"
    r"scrypt|P|H)\$[./A-Za-z0-9$=,+]{20,200}"
    r"|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{20,120}={0,2}|"
    r"pbkdf2_sha256\$[0-9]{3,8}\$[A-Za-z0-9]{4,40}\$[A-Za-z0-9+/=]{30,60})"
)
_SEED: Final = re.compile(
    r"(?:seed|recovery|mnemonic|wallet|backup|secret|wiederherstellungs)(?:[ -]?(?:phrase|words|"
    r"w\u00f6rter|backup|seed|recovery|is|are|my|"
    r"wallet|12|24)){0,4}[: =\n\"'-]{1,5}(?:is |are )?[\"']?(?P<value>(?:[a-z]{3,8}[ \n,]{1,2})"
    r"{11,23}[a-z]{3,8})(?![a-z])"
)
_SEED_NUMBERED: Final = re.compile(
    r"(?<![\w.])1[.)] ?[a-z]{3,8}(?:[\s,]{1,3}[0-9]{1,2}[.)] ?[a-z]{3,8}){11,23}(?![a-z])"
)
_AWS_SECRET: Final = re.compile(
    r"(?i:secret|aws|access)[A-Za-z_ .-]{0,30}[\"']?\s{0,3}[:=]{1,2}>?\s{0,3}[\"']?"
    r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_AWS_SESSION: Final = re.compile(r"(?<![A-Za-z0-9+/])(?:FwoG|IQoJ|FQoG)[A-Za-z0-9+/]{60,2000}={0,2}")
_WIF: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KLc][1-9A-HJ-NP-Za-km-z]{51})(?![0-9A-Za-z])"
)
_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,4000}\.[A-Za-z0-9_-]{5,8000}(?:\.[A-Za-z0-9_-]{0,2000}){0,3}"
)
_SECRET = FindingType.SECRET


def _connection(value: str) -> int:
    return 0 if _PLACEHOLDERS.search(value) else len(value.rstrip(".,;:!?)]}`"))


def _cookie(value: str) -> int:
    return len(value.rstrip()) if _COOKIE_VALUE.search(value) else 0


def _credential(value: str) -> bool:
    return (
        (any(map(str.isdigit, value)) or value.endswith("=")) and len(set(value)) >= 6 and "..." not in value
    )


RULES: Final = (
    *key_formats.RULES,
    Rule("secret.pem", _SECRET, _PEM, CHECKED, ("private key",)),
    Rule("secret.putty", _SECRET, _PUTTY, CHECKED, ("putty-user-key",)),
    Rule("secret.jwt", _SECRET, _JWT, FORMAT, ("eyj",)),
    Rule("secret.connection", _SECRET, _CONNECTION, FORMAT, ("://",), _connection),
    Rule(
        "secret.bearer",
        _SECRET,
        _BEARER,
        CONTEXT,
        ("bearer", "basic", "token"),
        accept_if(_credential),
        lower=True,
    ),
    Rule(
        "secret.header",
        _SECRET,
        _HEADER,
        CONTEXT,
        ("authorization", "-key", "-token", "apikey"),
        accept_if(_credential),
        lower=True,
    ),
    Rule("secret.cookie", _SECRET, _COOKIE, CONTEXT, ("cookie",), _cookie, lower=True),
    Rule("secret.hashed", _SECRET, _HASHED, FORMAT, ("$", "sha}", "sha256}", "sha512}")),
    Rule(
        "secret.seed_phrase",
        _SECRET,
        _SEED,
        CONTEXT,
        ("seed", "recovery", "mnemonic", "wallet", "backup", "secret", "wiederher"),
        lower=True,
    ),
    Rule("secret.seed_numbered", _SECRET, _SEED_NUMBERED, CONTEXT, ("12. ", "12.", "12)"), lower=True),
    Rule(
        "secret.aws_secret",
        _SECRET,
        _AWS_SECRET,
        CONTEXT,
        ("secret", "aws", "access"),
        accept_if(drawn.is_random),
        needs=LONG_WORD,
    ),
    Rule("secret.aws_session", _SECRET, _AWS_SESSION, FORMAT, ("fwog", "iqoj", "fqog")),
    Rule("secret.wif", _SECRET, _WIF, CHECKED, fit=accept_if(is_base58check), needs=LONG_WORD),
    *assignments.RULES,
)
