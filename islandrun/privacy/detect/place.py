"""Where somebody is: street addresses, postcodes, coordinates, machine addresses, home folders."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, DIGIT, FORMAT, Rule, accept_if
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
_LAT = r"[-+]?(?:[1-8]?[0-9]|90)"
_LON = r"[-+]?(?:1[0-7][0-9]|180|[1-9]?[0-9])"
_SIDE = r"\u00b0 {0,2}[0-9]{1,2}(?:\.[0-9]{1,6})?['\u2032] {0,2}(?:[0-9.]{1,7}(?:[\"\u2033]|'') {0,2})?"
_COORDINATES: Final = re.compile(
    rf"(?<![\w.])(?<![0-9], ){_LAT}\.[0-9]{{4,15}}\u00b0?(?: ?[NS])"
    rf"?[,;/ ] {{0,2}}{_LON}\.[0-9]{{4,15}}\u00b0?"
    r"(?: ?[EWO](?!\w))?(?![\w.]|, ?[-+]?[0-9])"
    rf"|(?<![\w.]){_LAT}\.[0-9]{{1,15}}\u00b0? ?[NS][,;/ ] {{0,2}}{_LON}\.[0-9]{{1,15}}\u00b0? ?[EWO](?!\w)"
    rf"|(?<!\w)[0-9]{{1,2}}{_SIDE}[NS],? {{0,2}}[0-9]{{1,3}}{_SIDE}[EWO]"
    rf"|(?<!\w)[NS] ?[0-9]{{1,2}}{_SIDE},? {{0,2}}[EWO] ?[0-9]{{1,3}}{_SIDE}"
)
_WHOLE_PART: Final = re.compile(r"[1-9][0-9]{0,2}[.\u00b0]")
"""Two numbers between -1 and 1 are shares or weights, not a place."""
_COORDINATES_NAMED: Final = re.compile(
    rf"(?<![\w.]){_LAT}\.[0-9]{{2,15}}\u00b0?[,;/ ] {{0,2}}{_LON}\.[0-9]{{2,15}}\u00b0?(?![\w.])"
)
_COORDINATE_WORDS: Final = re.compile(
    r"coord|koordinat|\bgps\b|\blat|\blon|\blng|geo:|maps|location|position|standort|ubicaci|waypoint"
)
_MAP_LINK: Final = re.compile(
    r"geo:[-+]?[0-9.]{1,20},[-+]?[0-9.]{1,20}(?:[;?][^\s\"'<>]{0,100})?"
    r"|https?://(?:(?:www\.|maps\.)?google\.[a-z.]{2,6}/maps|maps\.google\.[a-z.]{2,6}|goo\.gl/maps|"
    r"maps\.app\.goo\.gl|"
    r"maps\.apple\.com|(?:www\.)?openstreetmap\.org/(?:#map|\?mlat|node|way)|(?:www\.)?bing\.com/maps|"
    r"what3words\.com|w3w\.co)"
    r"[^\s\"'<>]{3,400}|(?<![\w/])///[a-z]{3,20}\.[a-z]{3,20}\.[a-z]{3,20}(?![\w.])"
)
_PLUS_CODE: Final = re.compile(
    r"(?<![0-9A-Za-z])[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,3}(?![0-9A-Za-z])"
)
_LATITUDE: Final = re.compile(
    r"(?<![a-z])(?:lat(?:itude)?|lon(?:g(?:itude)?)?|lng)[\"']?\s?[:=]\s?[\"']?"
    r"(?P<value>[-+]?[0-9]{1,3}\.[0-9]{3,15})(?![\w.])"
)
_IPV4: Final = re.compile(
    r"(?<![\w.-])(?<!ersion )(?<!ection )(?<!hapter )(?<!lause )(?<!elease )(?<!bschnitt )(?<!apitel )"
    r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|"
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
_UNC: Final = re.compile(
    r"(?<![\w\\:])\\\\(?=[A-Za-z0-9])(?:[A-Za-z0-9_.-]{0,60}(?:[0-9.-]|(?i:server|srv|nas|files?|share|dc|"
    r"host|pc|laptop|"
    r"desktop|data|storage|backup|corp))"
    r"[A-Za-z0-9_.-]{0,60})\\{1,2}[^\s\\/:\"'<>|*?,;)]{2,80}(?:\\{1,2}[^\s\\/:\"'<>|*?,;)]{1,120}){0,30}"
    r"|(?<![A-Za-z])(?:smb|nfs|afp|cifs)://[^\s\"'<>]{3,300}"
)
_HOME_MAIL: Final = re.compile(
    r"(?<![\w.])(?:/var/(?:mail|spool/(?:mail|cron(?:/crontabs)?))/[a-z_][\w.-]{1,40}|/(?:cygdrive/)"
    r"?[a-z]/Users/[^\s/:\"'<>|*?,;)]{1,60}"
    r"(?:/[^\s/:\"'<>|*?,;)]{0,120}){0,30}|%?(?:HOMEPATH|USERPROFILE)%?=[^\s]{3,120}|"
    r"~[a-z][a-z0-9_-]{2,30}/[^\s\"'<>,;)]{0,120})"
)
_HOST: Final = re.compile(
    r"(?<![\w.@-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.){1,5}(?:local|internal|corp|lan|"
    r"intranet|localdomain|home\.arpa|private)"
    r"(?![\w(.-]|\.[a-z])"
)
_HOST_WORDS: Final = re.compile(
    r"host|server|ssh|ping|https?:|//|connect|dns|domain|url|login to|port|scp|rsync|vpn|@"
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
    if address.is_loopback or address.is_unspecified or len(value) <= 3:
        return False
    if address.version == 6:
        return any(map(str.isalpha, value)) or len([one for one in value.split(":") if one]) >= 4
    return not (value.endswith((".0", ".255")) or value.startswith(_FOR_EXAMPLES))


_FOR_EXAMPLES: Final = (
    "192.0.2.",
    "198.51.100.",
    "203.0.113.",
    "255.",
    "8.8.8.8",
    "8.8.4.4",
    "1.1.1.1",
    "9.9.9.9",
    "224.0.0.",
)
"""Addresses of documentation (RFC 5737), masks, and resolvers that everybody uses."""


def _is_host(value: str) -> bool:
    """Take a name that cannot be an attribute in code: `threading.local` is one."""
    return "-" in value or any(map(str.isdigit, value)) or value.count(".") >= 2


def _is_own_path(value: str) -> bool:
    return _SHARED_HOMES.match(value) is None


def _line_length(value: str) -> int:
    return len(value.rstrip(" .,\r"))


# Needs: shapes without which a pattern above cannot match.
_FIVE_DIGITS: Final = re.compile(r"[0-9]{5}")
_DOTTED: Final = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]")
_HEX_PAIRS: Final = re.compile(r"[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.")
_FRACTION: Final = re.compile(r"[0-9]\.[0-9]{4}|[0-9]\.[0-9]{1,15}\u00b0? ?[NS]|[0-9]\u00b0")

RULES: Final = (
    Rule("place.street_en", FindingType.ADDRESS, _STREET_EN, FORMAT, fit=_line_length, needs=DIGIT),
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
    Rule("place.city_state", FindingType.ADDRESS, _CITY_STATE, FORMAT, needs=_FIVE_DIGITS),
    Rule("place.postcode_gb", FindingType.ADDRESS, _POSTCODE_GB, FORMAT, needs=DIGIT),
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
        lambda value: _line_length(value) if re.search(r"[^\W\d_]{3}", value) else 0,
    ),
    Rule(
        "place.coordinates",
        FindingType.COORDINATES,
        _COORDINATES,
        FORMAT,
        (".", "\u00b0"),
        accept_if(lambda value: _WHOLE_PART.search(value)),
        needs=_FRACTION,
    ),
    Rule(
        "place.coordinates_named",
        FindingType.COORDINATES,
        _COORDINATES_NAMED,
        CONTEXT,
        (".",),
        context=_COORDINATE_WORDS,
        needs=DIGIT,
    ),
    Rule(
        "place.map_link",
        FindingType.COORDINATES,
        _MAP_LINK,
        FORMAT,
        ("geo:", "/maps", "maps.", "openstreetmap", "w3w", "what3words", "///"),
        _line_length,
    ),
    Rule("place.plus_code", FindingType.COORDINATES, _PLUS_CODE, FORMAT, ("+",), needs=DIGIT),
    Rule(
        "place.unc", FindingType.PATH, _UNC, FORMAT, ("\\\\", "smb:", "nfs:", "afp:", "cifs:"), _line_length
    ),
    Rule(
        "place.home",
        FindingType.PATH,
        _HOME_MAIL,
        FORMAT,
        ("/var/", "/users/", "~", "userprofile", "homepath"),
        _line_length,
    ),
    Rule(
        "place.host",
        FindingType.URL,
        _HOST,
        CONTEXT,
        (".local", ".internal", ".corp", ".lan", ".intranet", ".home.arpa", ".private"),
        accept_if(_is_host),
        _HOST_WORDS,
    ),
    Rule("place.latitude", FindingType.COORDINATES, _LATITUDE, CONTEXT, ("lat", "lon", "lng"), lower=True),
    Rule("place.ipv4", FindingType.IP, _IPV4, CHECKED, (".",), accept_if(_is_foreign_address), needs=_DOTTED),
    Rule("place.ipv6", FindingType.IP, _IPV6, CHECKED, (":",), accept_if(_is_foreign_address), lower=True),
    Rule("place.mac", FindingType.MAC, _MAC, FORMAT, needs=_HEX_PAIRS),
    Rule("place.path", FindingType.PATH, _PATH, FORMAT, ("/", "\\"), accept_if(_is_own_path)),
)
