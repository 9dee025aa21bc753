"""How to reach a person: mail, phone, handles, and links that carry a token or a profile."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import phonenumbers

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, FORMAT, NUMBER, Rule, accept_if
from islandrun.privacy.detect.words import ORDINARY, words
from islandrun.vocabulary import FindingType

_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "AU", "BR", "MX", "CH", "AT", "PL")

_LOCAL = r"(?<![^\W_])(?<![.+%-])[^\W_](?:[\w.+%'-]|%[0-9]{2}){0,63}"
_LABELS = (
    r"(?:[^\W_][\w-]{0,62}"
    r"(?:\.|\s?(?:\[dot\]|\(dot\)|\{dot\}|\[\.\]|\(punkt\)|\[punkt\]| dot | punkt )\s?)){1,6}"
    r"[^\W\d_]{2,24}(?!\w)"
)
_EMAIL: Final = re.compile(
    rf"{_LOCAL}(?:@|%40|\uff20|\s?(?:\[at\]|\(at\)|\{{at\}}|<at>|\[@\]|\(@\)|\[\u00e4t\]|\(\u00e4t\)|_at_)"
    rf"\s?){_LABELS}",
    re.IGNORECASE,
)
_EMAIL_SAID: Final = re.compile(
    rf"{_LOCAL} (?:at|\u00e4t|arobase|arroba|chiocciola) (?:[^\W_][\w-]{{0,62}}(?: (?:dot|punkt|point|"
    rf"punto) |\.)){{1,4}}[^\W\d_]{{2,24}}(?!\w)",
    re.IGNORECASE,
)
_MAIL_WORDS: Final = re.compile(
    r"e-?mail|mail|adress|write|contact|reach| dot | punkt | punto |arobase|arroba"
)
_INTERNATIONAL: Final = re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[ ().\-/]{0,3}[0-9]){6,14}(?!\w)")
_NATIONAL: Final = re.compile(
    r"(?<![\w.$-])(?:"
    r"\([0-9]{2,5}\)[ .\-/]{0,2}[0-9]{2,4}(?:[ .-]?[0-9]{2,4}){1,3}"
    r"|1?[ .-]?[2-9][0-9]{2}[-.][0-9]{3}[-.][0-9]{4}"
    r"|1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4}|[6-9][0-9]{4}[ -][0-9]{5}"
    r"|(?<![0-9] )[2-9][0-9]{2} [0-9]{3} [0-9]{4}(?! [0-9])"
    r"|0[0-9]{1,4}[ \-/][0-9]{2,4}(?:[ \-/]?[0-9]{2,4}){1,4}"
    r"|0[1-9](?:[ .][0-9]{2}){4}"
    r"|07[0-9]{9}|01[5-7][0-9]{8,9}|[679][0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2}"
    r")(?![\w-]|\.[0-9])"
)
_SPOKEN: Final = re.compile(r"(?<![\w.])[(0-9](?:[ ().\-/x]{0,2}[0-9]){5,14}(?![\w-])")
_PHONE_WORDS: Final = re.compile(
    r"(?<![a-z])(?:tel|phone|telephone|telefon|mobile?|mob|cell|fax|whatsapp|call|calling|text me|sms|"
    r"handy|rufnummer|"
    r"t\u00e9l|portable|m\u00f3vil|reach (?:me|him|her|us)|ring|dial|hotline|contact number|"
    r"extension)(?![a-z])"
)
_PHONE_TRIGGERS: Final = (
    "tel",
    "phone",
    "mob",
    "cell",
    "fax",
    "whatsapp",
    "call",
    "text me",
    "sms",
    "handy",
    "rufnummer",
    "t\u00e9l",
    "portable",
    "m\u00f3vil",
    "reach",
    "ring",
    "dial",
    "hotline",
    "contact",
    "extension",
)
_URL_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9])[Hh][Tt][Tt][Pp][Ss]?://[^\s\"'<>]{1,400}?[?&#;/](?i:access_token|token|key|api_?key|"
    r"sig|signature|auth|password|"
    r"secret|session(?:id)?|code|jwt|ticket|invite|reset|verify|magic|"
    r"x-amz-[a-z-]{3,30})[=/][^\s\"'<>]{4,2000}"
)
_URL_PROFILE: Final = re.compile(
    r"(?<![a-z0-9@.])(?:https?://)?(?:[a-z]{2,3}\.)?(?:linkedin\.com/in|facebook\.com|instagram\.com|"
    r"twitter\.com|x\.com|tiktok\.com/@|"
    r"t\.me|xing\.com/profile|calendly\.com|paypal\.me|venmo\.com/u|wa\.me|bsky\.app/profile|threads\.net|"
    r"medium\.com/@|"
    r"youtube\.com/@|reddit\.com/u(?:ser)?|stackoverflow\.com/users|orcid\.org|strava\.com/athletes|"
    r"discord\.gg|signal\.me)"
    r"(?:/|(?<=@))(?!(?:home|about|login|share|search|explore|help|watch|intent|developers|business|"
    r"policies|legal|"
    r"privacy|terms)(?![a-z0-9_.]))"
    r"[a-z0-9_.@%+-]{2,80}"
)
_URL_SHARED: Final = re.compile(
    r"https?://(?:docs|drive)\.google\.com/[a-z0-9/._-]{1,40}/[a-z0-9_-]{20,100}[^\s\"'<>]{0,200}"
    r"|https?://(?:meet\.google\.com|teams\.(?:microsoft|live)\.com/(?:l/)?meet[a-z-]{0,10}|"
    r"[a-z0-9.-]{1,30}webex\.com/meet|meet\.jit\.si|"
    r"whereby\.com|calendar\.google\.com/calendar|photos\.app\.goo\.gl|wetransfer\.com/downloads|we\.tl|"
    r"forms\.gle|"
    r"chat\.whatsapp\.com)/[^\s\"'<>]{6,300}"
    r"|https?://[a-z0-9.-]{0,60}(?:sharepoint\.com|dropbox\.com|zoom\.us|1drv\.ms)/[^\s\"'<>]{6,300}"
)
_HANDLE_SPOKEN: Final = re.compile(
    r"(?<![a-z])(?:twitter|instagram|insta|github|gitlab|telegram|discord|snapchat|snap|tiktok|reddit|"
    r"skype|steam|signal|handle|"
    r"user ?name|user[ _-]?id|login|benutzername|screen name|nickname|utilisateur|usuario)\"?(?: handle|"
    r" user| account| name| id)?"
    r"(?: is|:|=| -|/)[ \"']{1,3}(?P<value>@?[a-z0-9_][a-z0-9_.-]{2,39}(?:#[0-9]{4})?)(?![a-z0-9@/(])"
)
_HANDLE: Final = re.compile(
    r"(?<![\w@./`-])@(?P<value>[A-Za-z_][A-Za-z0-9_]{2,29})(?![\w@/(.-]|[ \t]{0,2}\n[ \t]{0,20}(?:def|"
    r"class|async|public|@))"
)
_DECORATORS: Final = words(
    """
    property staticmethod classmethod dataclass override abstractmethod cached_property contextmanager
    pytest fixture media import charset keyframes supports font include mixin extend param return
    returns throws deprecated since author see link code override test before after component injectable
    input output controller service autowired entity table column id bean configuration restcontroller
    getmapping postmapping requestmapping nullable notnull everyone here channel all team types latest
    next final app click task celery route functools wraps lru_cache type typing overload
    asynccontextmanager composable observable published state binding main objc escaping
    """
)
_USERS: Final = words(
    """
    is are was the a an not required invalid root admin user name and or for field with to true false
    null none string
    """
)


_NO_PHONE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}.{0,9}|[0-9]{1,2}([/.-])[0-9]{1,2}\1(?:[0-9]{2}|[0-9]{4})|"
    r"(?:[0-9]{1,3}[ -]){2,}[0-9]{1,2}"
    r"|0[0-9]? [0-9]{2} [0-9]{2}|0[0-9]/[0-9]{2,4}"
)


@lru_cache(maxsize=4096)
def _is_phone(value: str) -> bool:
    if _NO_PHONE.fullmatch(value):
        return False
    regions: tuple[str | None, ...] = (None,) if value.startswith("+") else _REGIONS
    if value.startswith("00"):
        value, regions = "+" + value[2:], (None,)
    for region in regions:
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return True
    return False


def _said_mail(value: str) -> int:
    """Take "anna dot kern at example dot org"; "look at example.org" is no address."""
    local = value.split(" ", 1)[0].lower()
    return len(value) if local not in ORDINARY else 0


def _spoken_phone(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    return 7 <= digits <= 15 and not _NO_PHONE.fullmatch(value)


def _is_handle(value: str) -> bool:
    return value.lower() not in _DECORATORS


def _url_length(value: str) -> int:
    return len(value.rstrip(".,;:!?)]}"))


RULES: Final = (
    Rule(
        "contact.email",
        FindingType.EMAIL,
        _EMAIL,
        FORMAT,
        ("@", "%40", "at]", "at)", "{at}", "<at>", "_at_", "\u00e4t)", "\u00e4t]"),
    ),
    Rule(
        "contact.email_said",
        FindingType.EMAIL,
        _EMAIL_SAID,
        CONTEXT,
        (" at ", " \u00e4t ", " arobase ", " arroba ", " chiocciola "),
        _said_mail,
        _MAIL_WORDS,
    ),
    Rule(
        "contact.phone_international",
        FindingType.PHONE,
        _INTERNATIONAL,
        CHECKED,
        ("+", "00"),
        accept_if(_is_phone),
    ),
    Rule(
        "contact.phone_national", FindingType.PHONE, _NATIONAL, FORMAT, fit=accept_if(_is_phone), needs=NUMBER
    ),
    Rule(
        "contact.phone_spoken",
        FindingType.PHONE,
        _SPOKEN,
        CONTEXT,
        _PHONE_TRIGGERS,
        accept_if(_spoken_phone),
        _PHONE_WORDS,
        needs=NUMBER,
    ),
    Rule("contact.url_token", FindingType.URL, _URL_TOKEN, FORMAT, ("://",), _url_length),
    Rule(
        "contact.url_profile",
        FindingType.URL,
        _URL_PROFILE,
        FORMAT,
        (".com/", ".me/", ".app/", ".net/", ".org/", ".gg/"),
        _url_length,
        lower=True,
    ),
    Rule("contact.url_shared", FindingType.URL, _URL_SHARED, FORMAT, ("://",), _url_length, lower=True),
    Rule(
        "contact.handle_spoken",
        FindingType.USERNAME,
        _HANDLE_SPOKEN,
        CONTEXT,
        fit=accept_if(lambda value: value.lower() not in _USERS),
        lower=True,
        triggers=(
            "twitter",
            "insta",
            "git",
            "telegram",
            "discord",
            "snap",
            "tiktok",
            "reddit",
            "skype",
            "steam",
            "signal",
            "handle",
            "user",
            "login",
            "benutzername",
            "name",
            "utilisateur",
            "usuario",
        ),
    ),
    Rule("contact.handle", FindingType.USERNAME, _HANDLE, CONTEXT, ("@",), accept_if(_is_handle)),
)
