"""Numbers that a state or an organisation gave to one person, and dates.

A number with a strong checksum or shape stands alone. A weak one (nine digits, one check digit: every
tenth number passes) counts only beside a word that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Final

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, FORMAT, Rule, accept_if
from islandrun.vocabulary import FindingType

_B = r"(?<![0-9A-Za-z_.-])"
_E = r"(?![0-9A-Za-z_]|-[0-9]|\.[0-9])"

# name, shape, module of python-stdnum: strong enough to stand alone
_STRONG: Final = (
    (
        "it_codice_fiscale",
        r"[A-Za-z]{6}[0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{3}[A-Za-z]",
        "it.codicefiscale",
    ),
    ("es_dni", r"[0-9]{8}-?[A-HJ-NP-TV-Z]", "es.dni"),
    ("es_nie", r"[XYZ]-?[0-9]{7}-?[A-Z]", "es.nie"),
    ("fr_nir", r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", "fr.nir"),
    ("br_cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "br.cpf"),
    ("ro_cnp", r"[1-9][0-9]{12}", "ro.cnp"),
    ("be_nn", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", "be.nn"),
    ("se_personnummer", r"(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}", "se.personnummer"),
    ("fi_hetu", r"[0-9]{6}[-+A-F][0-9]{3}[0-9A-Y]", "fi.hetu"),
    ("pl_pesel", r"[0-9]{11}", "pl.pesel"),
    ("no_fodselsnummer", r"[0-9]{6} ?[0-9]{5}", "no.fodselsnummer"),
    ("cz_rc", r"[0-9]{6}/[0-9]{3,4}", "cz.rc"),
    ("bg_egn", r"[0-9]{10}", "bg.egn"),
    ("ee_ik", r"[1-6][0-9]{10}", "ee.ik"),
    ("tr_tckimlik", r"[1-9][0-9]{10}", "tr.tckimlik"),
    ("cn_ric", r"[1-9][0-9]{16}[0-9Xx]", "cn.ric"),
    ("kr_rrn", r"[0-9]{6}-[0-9]{7}", "kr.rrn"),
    ("mx_curp", r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]", "mx.curp"),
    ("ch_ahv", r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}", "ch.ssn"),
    ("ie_pps", r"[0-9]{7}[A-W][AHWTX]?", "ie.pps"),
    ("in_aadhaar", r"[2-9][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}", "in_.aadhaar"),
    ("in_pan", r"[A-Z]{3}[ABCFGHLJPTK][A-Z][0-9]{4}[A-Z]", "in_.pan"),
    ("za_id", r"[0-9]{13}", "za.idnr"),
    ("dk_cpr", r"[0-9]{6}-[0-9]{4}", "dk.cpr"),
    ("cl_rut", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]", "cl.rut"),
    ("ca_sin", r"[1-9][0-9]{2}[ -][0-9]{3}[ -][0-9]{3}", "ca.sin"),
    ("de_idnr", r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", "de.idnr"),
)

_SSN: Final = re.compile(_B + r"(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}" + _E)
_NINO: Final = re.compile(
    _B + r"(?![DFIQUV])[A-Za-z](?![DFIQUVO])[A-Za-z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d]" + _E
)
_NRIC: Final = re.compile(_B + r"[STFGM][0-9]{7}[A-Z]" + _E)
_WEAK_WORDS: Final = (
    r"ssn|social security(?: number| no\.?)?|sozialversicherungsnummer|svnr|rentenversicherungsnummer|"
    r"nhs(?: number| no\.?)?|"
    r"bsn|burgerservicenummer|tax(?:payer)? (?:id|number|file number|identification number)|tfn|itin|ein|tin|"
    r"steuer-?id(?:nr|entifikationsnummer|nummer)?|steuernummer|idnr|national (?:id|insurance(?: number)?|"
    r"identity number)|nino|"
    r"aadhaar|pan(?: number| card)?|pesel|cpf|curp|nif|dni|nie|personnummer|cpr|sin(?: number)?|"
    r"social insurance(?: number)?|"
    r"id card(?: number| no\.?)?|identity card(?: number| no\.?)?|personalausweis(?:nummer)?|ausweisnummer|"
    r"num\u00e9ro de s\u00e9curit\u00e9 sociale|codice fiscale|teudat zehut|medicare(?: number| no\.?)?|"
    r"medicaid(?: number)?|mbi"
)
_WEAK: Final = re.compile(
    rf"(?<![a-z])(?:{_WEAK_WORDS})(?![a-z])[^0-9a-z\n]{{0,4}}(?:(?:number|no\.?|nr\.?|is|ist|est|es|"
    rf"#)[ :.#]{{0,3}}){{0,2}}[\"' :=#(-]{{0,4}}"
    r"(?P<value>(?=[a-z0-9 ./-]{0,12}[0-9])[a-z0-9](?:[ ./-]?[a-z0-9]){4,17})(?![a-z0-9])"
)
_ENDING: Final = re.compile(
    r"(?:last (?:four|4)(?: digits)?|ending in|endet auf)[a-z ]{0,30}[ :]{1,3}(?P<value>[0-9]{4})(?![0-9])"
)

_CODE_WORDS: Final = (
    r"passport|reisepass|passnummer|passeport|pasaporte|driv(?:er|ing)(?:'?s)? licen[cs]e|licen[cs]e|"
    r"f\u00fchrerschein|permis|"
    r"mrn|medical record|health (?:plan|insurance|card)|insurance|versicherungsnummer|policy|beneficiary|"
    r"member(?:ship)?|patient|chart|"
    r"account|acct|customer|client|kunden(?:nummer|nr)|order|bestell(?:nummer|ung)|case|matter|docket|"
    r"claim|invoice|rechnung(?:snummer)?|"
    r"ticket|reference|ref|booking|reservation|confirmation|pnr|flight|employee|staff|personnel|"
    r"personalnummer|student|matrikel(?:nummer)?|file|"
    r"aktenzeichen|tracking|shipment|parcel|contract|vertrag(?:snummer)?|serial|vin|imei|imsi|iccid|"
    r"license plate|number plate|plate|kennzeichen|"
    r"registration|visa|permit|npi|dea|badge|applications?|petition|transaction|meter|device|vehicle|loan|"
    r"certificate|prescription|specimen"
)
_CODE_TRIGGERS: Final = tuple(
    sorted(
        {
            "pass",
            "licen",
            "schein",
            "permis",
            "mrn",
            "medical",
            "health",
            "insurance",
            "nummer",
            "policy",
            "beneficiary",
            "member",
            "patient",
            "chart",
            "acc",
            "customer",
            "client",
            "kunden",
            "order",
            "bestell",
            "case",
            "matter",
            "docket",
            "claim",
            "invoice",
            "rechnung",
            "ticket",
            "ref",
            "booking",
            "reserv",
            "confirm",
            "pnr",
            "flight",
            "employee",
            "staff",
            "person",
            "student",
            "matrikel",
            "file",
            "akten",
            "tracking",
            "ship",
            "parcel",
            "contract",
            "vertrag",
            "serial",
            "vin",
            "imei",
            "imsi",
            "iccid",
            "plate",
            "kennzeichen",
            "registration",
            "visa",
            "permit",
            "npi",
            "dea",
            "badge",
            "application",
            "petition",
            "transaction",
            "meter",
            "device",
            "vehicle",
            "loan",
            "certificate",
            "prescription",
            "specimen",
        }
    )
)
_VALUE = r"(?P<value>(?=[a-z/-]{0,12}[0-9])[a-z0-9](?:[/.-]?[a-z0-9]){2,23})(?![a-z0-9_@(]|\.[a-z0-9])"
_CODE_NAMED: Final = re.compile(
    rf"(?<![a-z])(?:{_CODE_WORDS})(?:[ _-](?:id|card|plate|policy))?[ _-]?"
    rf"(?:number|numbers|numero|no\.?|nos\.?|nr\.?|num|#|id|code|:)[\"']?(?: is| was|"
    rf" ist)?[\"' :=#(.-]{{0,4}}{_VALUE}"
)
_CODE_PAREN: Final = re.compile(
    rf"(?<![a-z])(?:{_CODE_WORDS}) ?\((?:no\.?|nos\.?|nr\.?|number|id|#) ?{_VALUE}"
)
_CODE_BARE: Final = re.compile(
    rf"(?<![a-z])(?:{_CODE_WORDS})(?: is| =)? #?"
    r"(?P<value>(?:[a-z]{1,5}[-/]?[0-9]{4,12}|[0-9]{5,14}|[0-9]{2,8}[/-][0-9]{2,8}|"
    r"[a-z]{2,5}-[0-9]{2,4}-[0-9]{2,8})[a-z]{0,2})(?![a-z0-9_]|[.,-][0-9])"
)
_TICKET_SHAPE: Final = re.compile(
    _B + r"(?P<value>(?:INV|ORD|PO|SO|CUST|ACC|ACCT|CASE|CLM|POL|EMP|PAT|MRN|REF|TKT|CRN|BK|PNR)"
    r"[-_#][A-Z0-9-]{3,20})(?![A-Za-z0-9_])"
)
_UUID: Final = re.compile(
    r"(?<![0-9a-z-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z-])"
)

# ---------------------------------------------------------------- dates

_MONTHS: Final = (
    r"(?:jan(?:uary|uar|vier)?|ene(?:ro)?|feb(?:ruary|ruar|rero)?|f\u00e9vrier|mar(?:ch|zo)?|m\u00e4rz|"
    r"mars|apr(?:il)?|avril|abril|"
    r"may|mai|mayo|june?|juni|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|ao\u00fbt|agosto|"
    r"sept?(?:ember|embre)?|septiembre|"
    r"oct(?:ober|obre|ubre)?|okt(?:ober)?|nov(?:ember|embre|iembre)?|de[cz](?:ember)?|d\u00e9cembre|"
    r"diciembre)"
)
_YEAR = r"(?:1[89]|20)[0-9]{2}"
_DATE_ISO: Final = re.compile(
    rf"(?<![0-9A-Za-z./-]){_YEAR}([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])(?![0-9-])"
)
_DATE_NUMERIC: Final = re.compile(
    rf"(?<![0-9A-Za-z./-])(?:0?[1-9]|[12][0-9]|3[01])([./-])(?:0?[1-9]|[12][0-9]|3[01])\1(?:{_YEAR}|"
    rf"[0-9]{{2}})(?![0-9A-Za-z/-]|\.[0-9])"
)
_DATE_WORDS: Final = re.compile(
    rf"(?<![a-z0-9])(?:[0-3]?[0-9](?:st|nd|rd|th|\.|er)?(?: of| de)? {_MONTHS}\.?(?:,? (?:de )?{_YEAR})?"
    rf"|{_MONTHS}\.? [0-3]?[0-9](?:st|nd|rd|th)?(?:,? {_YEAR})?)(?![a-z0-9])"
)
_MONTH_TRIGGERS: Final = (
    "jan",
    "ene",
    "feb",
    "f\u00e9v",
    "mar",
    "m\u00e4r",
    "apr",
    "avr",
    "abr",
    "may",
    "mai",
    "jun",
    "jui",
    "jul",
    "aug",
    "ao\u00fb",
    "ago",
    "sep",
    "oct",
    "okt",
    "nov",
    "dec",
    "dez",
    "d\u00e9c",
    "dic",
)
_BORN: Final = re.compile(
    r"(?:date of birth|birth ?date|birthday|d\.?o\.?b\.?|born(?: on| in)?|geboren(?: am)?|geb\.|"
    r"geburtsdatum|n\u00e9e? le|nacid[oa] el|"
    r"fecha de nacimiento|date de naissance)[\"' :=-]{1,4}(?:is )?[\"']?"
    r"(?P<value>[0-9]{1,4}(?:[ ./-][0-9]{1,4}){0,2}|[0-9]{6,8})(?![0-9])"
)


def _stdnum_check(name: str) -> Callable[[str], bool]:
    module = import_module(f"stdnum.{name}")

    def check(value: str) -> bool:
        return bool(module.is_valid(value)) and len(set(value)) > 2

    return check


def _strong_rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            f"identity.{name}",
            FindingType.NATIONAL_ID,
            re.compile(_B + f"(?:{shape})" + _E),
            CHECKED,
            fit=accept_if(_stdnum_check(module)),
        )
        for name, shape, module in _STRONG
    )


def _digits_at_least(count: int) -> Callable[[str], bool]:
    return lambda value: sum(map(str.isdigit, value)) >= count


_CODE = FindingType.CODE
_DATE = FindingType.DATE
_NATIONAL = FindingType.NATIONAL_ID

RULES: Final = (
    *_strong_rules(),
    Rule("identity.us_ssn", _NATIONAL, _SSN, FORMAT),
    Rule("identity.gb_nino", _NATIONAL, _NINO, FORMAT),
    Rule("identity.sg_nric", _NATIONAL, _NRIC, FORMAT),
    Rule("identity.weak", _NATIONAL, _WEAK, FORMAT, fit=accept_if(_digits_at_least(4)), lower=True),
    Rule(
        "identity.ending",
        _CODE,
        _ENDING,
        CONTEXT,
        ("last four", "last 4", "ending in", "endet auf"),
        lower=True,
    ),
    Rule(
        "identity.code_named",
        _CODE,
        _CODE_NAMED,
        CONTEXT,
        _CODE_TRIGGERS,
        accept_if(_digits_at_least(2)),
        lower=True,
    ),
    Rule(
        "identity.code_paren", _CODE, _CODE_PAREN, CONTEXT, ("(",), accept_if(_digits_at_least(2)), lower=True
    ),
    Rule(
        "identity.code_bare",
        _CODE,
        _CODE_BARE,
        CONTEXT,
        _CODE_TRIGGERS,
        accept_if(_digits_at_least(4)),
        lower=True,
    ),
    Rule("identity.ticket", _CODE, _TICKET_SHAPE, FORMAT, ("-", "_", "#"), accept_if(_digits_at_least(2))),
    Rule("identity.uuid", _CODE, _UUID, FORMAT, ("-",), lower=True),
    Rule("identity.date_iso", _DATE, _DATE_ISO, FORMAT),
    Rule("identity.date_numeric", _DATE, _DATE_NUMERIC, FORMAT),
    Rule("identity.date_words", _DATE, _DATE_WORDS, FORMAT, _MONTH_TRIGGERS, lower=True),
    Rule(
        "identity.born",
        _DATE,
        _BORN,
        CONTEXT,
        ("birth", "dob", "d.o.b", "born", "geb", "n\u00e9", "nacid", "nacimiento", "naissance"),
        lower=True,
    ),
)
