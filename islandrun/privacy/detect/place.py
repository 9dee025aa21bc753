"""Where somebody is: street addresses, postcodes, coordinates, machine addresses, home folders."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, FORMAT, Rule, accept_if
from islandrun.vocabulary import FindingType

_UP = "[A-Z\u00c0-\u00d6\u00d8-\u00de]"
_WORD = rf"{_UP}[\w'.-]{{1,25}}"
_CITY = rf"{_WORD}(?:[ -]{_WORD}){{0,2}}"

_STREET_EN: Final = re.compile(
    rf"(?<![\w.,/-])[0-9]{{1,5}}[A-Za-z]?(?:[-/][0-9]{{1,4}})? (?:[NSEW]\.? )?(?:(?:{_WORD}|"
    rf"[0-9]{{1,3}}(?:st|nd|rd|th)|of|the) ){{1,4}}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|"
    r"Terrace|Close|Crescent|Parkway|"
    r"Pkwy|Highway|Hwy|Circle|Trail|Grove|Gardens|Mews|Row|Hill|Walk|Quay)(?!\w)\.?"
    rf"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?[\w-]{{1,8}})?"
    rf"(?:, ?{_CITY}){{0,2}}(?:,? [A-Z]{{2}})?(?:,? [0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])|"
    rf",? [A-Z]{{1,2}}[0-9][A-Z0-9]? [0-9][A-Z]{{2}}(?!\w))?"
)
_STREET_EN_LOWER: Final = re.compile(
    r"(?<![\w.,/-])[0-9]{1,5}[a-z]? (?!of |the |more |way |lane )[a-z'.-]{3,20}"
    r"(?: [a-z'.-]{3,20})?(?<! the)(?<! of)(?<! per)(?<! this) "
    r"(?:street|avenue|road|boulevard|blvd|lane|drive)(?!\w)(?! (?:trip|test|safety|work|closure|map|race))"
)
_STREET_DE: Final = re.compile(
    r"(?<!\w)(?:[A-Z\u00c4\u00d6\u00dc][\w.-]{1,30}?(?:stra\u00dfe|strasse|str\.|weg|platz|allee|gasse|"
    r"damm|ufer|straat|laan|plein|gracht|kade)"
    rf"|(?:{_WORD} ){{1,3}}(?:Stra\u00dfe|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer)"
    rf"|(?:Stra\u00dfe|Platz|Am|An der|Auf dem|Im) (?:des |der |de )?"
    rf"(?:[0-9]{{1,2}}\. )?{_WORD}) [0-9]{{1,4}} ?[a-z]?(?![\w])"
    rf"(?:,? (?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}(?: [A-Z]{{2}})? {_CITY})?"
)
_STREET_FR: Final = re.compile(
    r"(?<![\w.])[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|"
    r"all\u00e9e|quai|cours|route|square|passage) "
    rf"(?:(?:de la|de|du|des|la|le|les) |de l'|d'|l')?{_WORD}(?:[ -](?:(?:de la|de|du|"
    rf"des) )?{_WORD}){{0,3}}(?:,? [0-9]{{5}} {_CITY})?",
    re.IGNORECASE,
)
_STREET_ES: Final = re.compile(
    r"(?<!\w)(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Pza\.?|Paseo|Camino|Carrer|Rua|Via|Viale|Piazza|Corso|"
    r"Largo) ?"
    rf"(?:(?:de la|de los|de|del|la|las|los|di|da|do|dos) )?{_WORD}(?: (?:(?:de|del|di|"
    rf"y) )?{_WORD}){{0,3}},? (?:n[\u00bao]\.? ?)?[0-9]{{1,4}}(?![\w])"
    rf"(?:,? [0-9]{{1,2}}\u00ba ?[A-Za-z]{{0,3}})?(?:,? [0-9]{{5}} {_CITY})?"
)
_PO_BOX: Final = re.compile(
    r"(?<![a-z])(?:p\.? ?o\.? ?box|postfach|postbus|apartado(?: de correos)?)"
    r" [0-9][0-9 ]{0,9}[0-9](?![0-9])"
)
_STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|"
    "V[AT]|W[AIVY]"
)
_CITY_STATE: Final = re.compile(rf"(?<!\w){_CITY},? (?:{_STATES}),? [0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])")
_POSTCODE_GB: Final = re.compile(
    r"(?<![\w-])(?:[A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKPSTUW]?) [0-9][ABD-HJLNP-UW-Z]{2}(?![\w-])"
)
_POSTCODE: Final = re.compile(
    r"(?<![a-z])(?:zip(?: ?code)?|post(?:al)? ?code|plz|postleitzahl|code postal|c\u00f3digo postal|"
    r"cap)(?: is|:)?[ \"':=]{1,4}"
    r"(?P<value>[0-9]{4,6}(?:-[0-9]{3,4})?|[a-z][0-9][a-z] ?[0-9][a-z][0-9]|"
    r"[a-z]{1,2}[0-9][a-z0-9]? ?[0-9][a-z]{2})(?![a-z0-9])"
)
_LIVES: Final = re.compile(
    r"(?<!\w)(?:(?i:live|lives|living|lived|reside|resides|residing|address) (?:at|is)|(?i:address|"
    r"adresse|direcci\u00f3n|anschrift|wohnhaft)[\"']?\s{0,2}:)[ \"']{1,3}"
    r"(?P<value>(?=[^\n]{0,60}[0-9])[A-Z0-9\u00c0-\u00de][^\n\"';|]{4,60}?)(?=\n|$|\"|'|;|\||\. |\.$|"
    r" (?:and|but|with|since|until|phone|tel|email)(?!\w))",
    re.MULTILINE,
)
_COORDINATES: Final = re.compile(
    r"(?<![\w.])[-+]?(?:[1-8]?[0-9]|90)\.[0-9]{3,12}\u00b0?(?: ?[NS])?[,;/ ] {0,2}[-+]?(?:1[0-7][0-9]|180|"
    r"[1-9]?[0-9])\.[0-9]{3,12}\u00b0?(?: ?[EWO](?!\w))?(?![\w.])"
    r"|(?<!\w)[0-9]{1,2}\u00b0 ?[0-9]{1,2}['\u2032] ?"
    r"(?:[0-9.]{1,7}[\"\u2033'] ?)?[NS],? {0,2}[0-9]{1,3}\u00b0 ?[0-9]{1,2}['\u2032] ?"
    r"(?:[0-9.]{1,7}[\"\u2033'] ?)?[EWO]"
)
_LATITUDE: Final = re.compile(
    r"(?<![a-z])(?:lat(?:itude)?|lon(?:g(?:itude)?)?|lng)[\"']?\s?[:=]\s?[\"']?"
    r"(?P<value>[-+]?[0-9]{1,3}\.[0-9]{3,15})(?![\w.])"
)
_IPV4: Final = re.compile(
    r"(?<![\w.-])(?<!ersion )(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|"
    r"1[0-9]{2}|[1-9]?[0-9])(?![\w-]|\.[0-9])"
)
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:.])")
_MAC: Final = re.compile(
    r"(?<![\w:-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])|"
    r"(?<![\w.])(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}(?![\w.])"
)
_PATH: Final = re.compile(
    r"(?<![\w.])(?:/(?:home|Users|export/home|mnt/c/Users|Volumes)/(?!\s)[^\s/:\"'<>|*?,;)]{1,60}|"
    r"[A-Za-z]:[\\/]{1,2}(?:Users|Documents and Settings)[\\/]{1,2}[^\s\\/:\"'<>|*?,;)]{1,60})"
    r"(?:[\\/]{1,2}[^\s\\/:\"'<>|*?,;)]{0,120}){0,30}"
)
_SHARED_HOMES: Final = re.compile(
    r"(?i)^(?:/(?:home|users)/|[a-z]:[\\/]{1,2}users[\\/]{1,2})(?:user|username|runner|ubuntu|root|public|"
    r"default|shared|app|node|vscode|your[_-]?name|<\w+>|\$\w+)(?:[\\/]|$)"
)


def _is_foreign_address(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return (
        not (address.is_loopback or address.is_unspecified or value == "255.255.255.255") and len(value) > 3
    )


def _is_own_path(value: str) -> bool:
    return _SHARED_HOMES.match(value) is None


def _line_length(value: str) -> int:
    return len(value.rstrip(" .,\r"))


RULES: Final = (
    Rule("place.street_en", FindingType.ADDRESS, _STREET_EN, FORMAT, fit=_line_length),
    Rule(
        "place.street_en_lower",
        FindingType.ADDRESS,
        _STREET_EN_LOWER,
        CONTEXT,
        ("street", "avenue", "road", "boulevard", "blvd", "lane", "drive"),
        lower=True,
    ),
    Rule(
        "place.street_de",
        FindingType.ADDRESS,
        _STREET_DE,
        FORMAT,
        (
            "str",
            "weg",
            "platz",
            "allee",
            "gasse",
            "damm",
            "ufer",
            "ring",
            "laan",
            "plein",
            "gracht",
            "kade",
            "am ",
            "an der",
            "auf dem",
            "im ",
        ),
        _line_length,
    ),
    Rule(
        "place.street_fr",
        FindingType.ADDRESS,
        _STREET_FR,
        FORMAT,
        (
            "rue",
            "avenue",
            "av.",
            "boulevard",
            "bd",
            "place",
            "chemin",
            "impasse",
            "all\u00e9e",
            "quai",
            "cours",
            "route",
            "square",
            "passage",
        ),
        _line_length,
    ),
    Rule(
        "place.street_es",
        FindingType.ADDRESS,
        _STREET_ES,
        FORMAT,
        (
            "calle",
            "c/",
            "av",
            "plaza",
            "pza",
            "paseo",
            "camino",
            "carrer",
            "rua",
            "via",
            "piazza",
            "corso",
            "largo",
        ),
        _line_length,
    ),
    Rule(
        "place.po_box",
        FindingType.ADDRESS,
        _PO_BOX,
        FORMAT,
        ("box", "postfach", "postbus", "apartado"),
        lower=True,
    ),
    Rule("place.city_state", FindingType.ADDRESS, _CITY_STATE, FORMAT),
    Rule("place.postcode_gb", FindingType.ADDRESS, _POSTCODE_GB, FORMAT),
    Rule(
        "place.postcode",
        FindingType.ADDRESS,
        _POSTCODE,
        CONTEXT,
        ("zip", "post", "plz", "c\u00f3digo", "cap"),
        lower=True,
    ),
    Rule(
        "place.lives_at",
        FindingType.ADDRESS,
        _LIVES,
        CONTEXT,
        ("live", "living", "resid", "address", "adresse", "direcci", "anschrift", "wohnhaft"),
        _line_length,
    ),
    Rule("place.coordinates", FindingType.COORDINATES, _COORDINATES, FORMAT, (".", "\u00b0")),
    Rule("place.latitude", FindingType.COORDINATES, _LATITUDE, CONTEXT, ("lat", "lon", "lng"), lower=True),
    Rule("place.ipv4", FindingType.IP, _IPV4, CHECKED, (".",), accept_if(_is_foreign_address)),
    Rule("place.ipv6", FindingType.IP, _IPV6, CHECKED, (":",), accept_if(_is_foreign_address), lower=True),
    Rule("place.mac", FindingType.MAC, _MAC, FORMAT),
    Rule("place.path", FindingType.PATH, _PATH, FORMAT, ("/", "\\"), accept_if(_is_own_path)),
)
