"""Money: cards, accounts and wallets, by their checksums."""

from __future__ import annotations

import re
from typing import Final

from stdnum import bic, bitcoin, iban, luhn

from islandrun.privacy.detect.base58 import is_base58check
from islandrun.privacy.detect.rule import CHECKED, CONTEXT, DIGIT, FORMAT, LONG_WORD, NUMBER, Rule, accept_if
from islandrun.vocabulary import FindingType

_CARD: Final = re.compile(
    r"(?<![0-9A-Za-z_.-])(?:[2-6][0-9](?:[ -]{0,2}[0-9]){10,17}"
    r"|[2-6][0-9]{3}(?P<joint>[._/\u00b7])[0-9]{4}(?P=joint)[0-9]{4}(?P=joint)[0-9]{1,7}"
    r"|3[0-9]{3}\.[0-9]{6}\.[0-9]{4,5})(?![0-9A-Za-z_])"
)
_CARD_COVERED: Final = re.compile(
    r"(?<![0-9A-Za-z_.*-])(?:[2-6][0-9]{3}[ -]?(?:[0-9]{0,2}[*xX\u2022#]{2,4}[ -]?){1,3}|"
    r"[*xX\u2022#]{2,4}[ -]?(?:[*xX\u2022#]{2,4}[ -]?){0,3})"
    r"[0-9]{4}(?![0-9A-Za-z_.-])"
)
_CARD_WORDS: Final = re.compile(
    r"card|visa|master|amex|karte|carte|tarjeta|carta|debit|credit|account|konto|ending|iban|payment"
)
_CVV: Final = re.compile(
    r"(?<![a-z])(?:cvv2?|cvc2?|cvn|csc|card verification (?:code|value|number)|kartenpr\u00fcfnummer|"
    r"pr\u00fcfziffer|pr\u00fcfnummer|"
    r"cryptogramme(?: visuel)?|c\u00f3digo de seguridad|codice di sicurezza|sicherheitscode)"
    r"(?: \([a-z ]{1,20}\))?"
    r"(?: code| number)?(?: is| ist| est| es| \u00e8|:|=)?[ :=\"']{1,4}(?P<value>[0-9]{3,4})(?![0-9a-z]|"
    r"[.,][0-9])"
)
_EXPIRY: Final = re.compile(
    r"(?<![a-z])(?:exp(?:iry|ires|iration)?\.?(?: date)?|valid (?:thru|through|until|to)|good thru|"
    r"g\u00fcltig bis|ablaufdatum|"
    r"g\u00fcltigkeit|verf\u00e4llt|caduca(?:cidad)?|vencimiento|scadenza|date d'expiration|expire(?: le)?|"
    r"validit\u00e9)"
    r"(?: is| ist| est| es|:|=)?[ :=\"']{1,4}(?P<value>(?:0?[1-9]|1[0-2]) ?[/-] ?(?:20)?[2-4][0-9])"
    r"(?![0-9/-])"
)
_CARD_SPOKEN: Final = re.compile(
    r"(?:card|visa|mastercard|amex|kreditkarte|carte bancaire|tarjeta)[a-z ]{0,20}(?:number|no\.?|nr\.?|"
    r"#)?(?: is|:| ending in)?[ :]{1,3}"
    r"(?P<value>[0-9](?:[ -]{0,2}[0-9]){11,18})(?![0-9])"
)
_ISSUERS: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})$|5[1-5][0-9]{14}$|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)[0-9]{12,14}$"
    r"|3[47][0-9]{13}$|6(?:011|5|4[4-9])[0-9]{12,17}$|35[0-9]{14}$|3(?:0[0-5]|[689])[0-9]{11,12}$|"
    r"62[0-9]{14,17}$"
    r"|(?:50|5[6-8]|6[0-9])[0-9]{13,17}$"
)
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]{1,4}){3,9}")
_IBAN_SPOKEN: Final = re.compile(
    r"iban[a-z ]{0,10}[: ]{1,3}(?P<value>[a-z]{2}[0-9]{2}(?: ?[0-9a-z]{2,4}){3,8})"
)
_BIC: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![0-9A-Za-z])")
_BTC: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})(?![0-9A-Za-z])"
)
_BASE58: Final = re.compile(r"(?<![0-9A-Za-z])[1-9A-HJ-NP-Za-km-z]{26,36}(?![0-9A-Za-z])")
_BECH32: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:tb|ltc|addr|stake|cosmos|osmo|lnbc|lnurl|npub|nsec|zs|erd|bnb|terra|inj)"
    r"1[02-9ac-hj-np-z]{36,300}(?![0-9A-Za-z])"
)
_MONERO: Final = re.compile(r"(?<![0-9A-Za-z])[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?![0-9A-Za-z])")
_EXTENDED_KEY: Final = re.compile(r"(?<![0-9A-Za-z])[xyzt]pub[1-9A-HJ-NP-Za-km-z]{100,112}(?![0-9A-Za-z])")
_SOLANA: Final = re.compile(r"(?<![0-9A-Za-z])[1-9A-HJ-NP-Za-km-z]{32,44}(?![0-9A-Za-z])")
_ETH: Final = re.compile(r"(?<![0-9A-Za-z])0x[0-9A-Fa-f]{40}(?![0-9A-Za-z])")
_WALLET: Final = re.compile(r"(?<![0-9A-Za-z])[13LMDrTX4][1-9A-HJ-NP-Za-km-z]{24,94}(?![0-9A-Za-z])")
_ACCOUNT: Final = re.compile(
    r"(?:sort code|routing (?:number|no\.?)|aba|blz|bankleitzahl|kontonummer|bank account(?: number|"
    r" no\.?)?|account (?:number|no\.?))"
    r"(?: is|:)?[ :#]{1,3}(?P<value>[0-9][0-9 -]{4,20}[0-9])"
)
_SALARY: Final = re.compile(
    r"(?:salary|wage|income|gehalt|salaire|sueldo|bonus|earns?|compensation)[a-z ]{0,20}[: ]{1,3}"
    r"(?P<value>(?:[$\u20ac\u00a3]|usd|eur|gbp|chf) ?[0-9][0-9.,' ]{1,14}[0-9]k?|"
    r"[0-9][0-9.,']{2,14} ?(?:[$\u20ac\u00a3]|usd|eur|gbp|chf|euros?|dollars?))"
)


def _is_card(value: str) -> bool:
    digits = "".join(filter(str.isdigit, value))
    return len(set(digits)) > 1 and _ISSUERS.match(digits) is not None and bool(luhn.is_valid(digits))


def iban_length(value: str) -> int:
    """Return how many characters of a match are a valid IBAN; words may stand right behind it."""
    for end in range(len(value), 14, -1):
        ends_word = value[end - 1].isalnum() and not value[end : end + 1].isalnum()
        if ends_word and iban.is_valid(value[:end].upper()):
            return end
    return 0


def _spoken_iban_length(value: str) -> int:
    """Cut off the words behind a wrong or unknown account number: a group of it without digits ends it."""
    end = 0
    for group in re.finditer(r"[0-9a-zA-Z]+", value):
        if end >= 4 and len(value) > group.end() - group.start() and not any(map(str.isdigit, group[0])):
            break
        end = group.end()
    return end if sum(map(str.isdigit, value[:end])) >= 8 else 0


RULES: Final = (
    Rule("finance.card", FindingType.CARD, _CARD, CHECKED, fit=accept_if(_is_card), needs=NUMBER),
    Rule(
        "finance.card_spoken",
        FindingType.CARD,
        _CARD_SPOKEN,
        CONTEXT,
        ("card", "visa", "amex", "karte", "carte", "tarjeta"),
        lower=True,
    ),
    Rule(
        "finance.card_covered",
        FindingType.CARD,
        _CARD_COVERED,
        CONTEXT,
        ("*", "xx", "\u2022", "##"),
        context=_CARD_WORDS,
        needs=DIGIT,
    ),
    Rule(
        "finance.cvv",
        FindingType.CARD,
        _CVV,
        CONTEXT,
        (
            "cv",
            "csc",
            "card verification",
            "pr\u00fcf",
            "cryptogramme",
            "seguridad",
            "sicurezza",
            "sicherheitscode",
        ),
        lower=True,
        needs=DIGIT,
    ),
    Rule(
        "finance.expiry",
        FindingType.CARD,
        _EXPIRY,
        CONTEXT,
        (
            "exp",
            "valid",
            "good thru",
            "g\u00fcltig",
            "ablauf",
            "verf\u00e4llt",
            "caduca",
            "vencimiento",
            "scadenza",
        ),
        lower=True,
        needs=DIGIT,
    ),
    Rule("finance.iban", FindingType.IBAN, _IBAN, CHECKED, fit=iban_length),
    Rule(
        "finance.iban_spoken",
        FindingType.IBAN,
        _IBAN_SPOKEN,
        CONTEXT,
        ("iban",),
        _spoken_iban_length,
        lower=True,
    ),
    Rule(
        "finance.bic",
        FindingType.CODE,
        _BIC,
        CONTEXT,
        ("bic", "swift"),
        accept_if(bic.is_valid),
        re.compile("bic|swift"),
    ),
    Rule("finance.bitcoin", FindingType.CRYPTO, _BTC, CHECKED, fit=accept_if(bitcoin.is_valid)),
    Rule(
        "finance.base58", FindingType.CRYPTO, _BASE58, CHECKED, fit=accept_if(is_base58check), needs=LONG_WORD
    ),
    Rule("finance.bech32", FindingType.CRYPTO, _BECH32, FORMAT, ("1",), needs=LONG_WORD),
    Rule("finance.monero", FindingType.CRYPTO, _MONERO, FORMAT, needs=LONG_WORD),
    Rule("finance.extended_key", FindingType.CRYPTO, _EXTENDED_KEY, FORMAT, ("pub",), needs=LONG_WORD),
    Rule(
        "finance.solana",
        FindingType.CRYPTO,
        _SOLANA,
        CONTEXT,
        ("solana", "phantom", "sol ", "wallet"),
        accept_if(lambda value: any(map(str.isdigit, value)) and not value.islower()),
        re.compile(r"solana|phantom|\bsol\b|wallet"),
        needs=LONG_WORD,
    ),
    Rule("finance.ethereum", FindingType.CRYPTO, _ETH, FORMAT, ("0x",)),
    Rule(
        "finance.wallet",
        FindingType.CRYPTO,
        _WALLET,
        CONTEXT,
        ("wallet", "btc", "bitcoin", "monero", "litecoin", "tron", "ripple", "doge"),
        accept_if(lambda value: any(map(str.isdigit, value))),
        re.compile("wallet|btc|bitcoin|monero|xmr|litecoin|ltc|tron|ripple|xrp|doge"),
    ),
    Rule(
        "finance.account",
        FindingType.CODE,
        _ACCOUNT,
        CONTEXT,
        ("sort code", "routing", "aba", "blz", "bankleitzahl", "kontonummer", "account"),
        lower=True,
    ),
    Rule(
        "finance.salary",
        FindingType.QUANTITY,
        _SALARY,
        CONTEXT,
        ("salary", "wage", "income", "gehalt", "salaire", "sueldo", "bonus", "earn", "compensation"),
        lower=True,
    ),
)
