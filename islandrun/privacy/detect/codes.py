"""Numbers that an organisation gave: patients, members, orders, cases. A word before them says so.

The words are English, German, French, Spanish and Italian. What counts follows the word directly, or
stands in brackets behind it; a plain count ("order 12345 pizzas") is not a number of an order.
"""

from __future__ import annotations

import re
from typing import Final

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, DIGIT, FORMAT, Fit, Rule, accept_if
from islandrun.vocabulary import FindingType

_WORDS: Final = (
    r"passport|reisepass|passnummer|passeport|pasaporte|passaporto|driv(?:er|ing)(?:'?s)? licen[cs]e|"
    r"licen[cs]e|"
    r"f\u00fchrerschein|permis(?: de conduire)?|permiso de conducir|patente(?: di guida)?|"
    r"mrn|medical record|health (?:plan|insurance|card)|insurance|krankenkassen|versicherten|versicherungs|"
    r"policen|schaden(?:s)?|policy|"
    r"beneficiary|subscriber|member(?:ship)?|mitglieds?|patient(?:en)?|chart|fall|vorgangs?|"
    r"account|acct|konto|depot|customer|client|kunden|order|purchase order|bestell(?:ung)?|auftrags?|case|"
    r"matter|docket|"
    r"claim|invoice|rechnungs?|facture|factura|fattura|commande|pedido|ordine|"
    r"ticket|reference|ref|booking|buchungs?|reservation|reservierungs?|confirmation|pnr|flight|employee|"
    r"staff|personnel|"
    r"personal|mitarbeiter|student|matrikel|matricola|matricule|matr\u00edcula|schüler|file|dossier|"
    r"expediente|pratica|"
    r"aktenzeichen|gesch\u00e4ftszeichen|tracking|shipment|sendungs|parcel|paket|contract|vertrags?|"
    r"contrat|contrato|contratto|"
    r"serial|serien|license plate|registration|visa|permit|aufenthaltstitel|npi|dea|badge|applications?|"
    r"antrags?|petition|"
    r"transaction|transaktions|meter|z\u00e4hler|device|ger\u00e4te|vehicle|loan|kredit|darlehens|"
    r"certificate|prescription|rezept|specimen|"
    r"p\u00f3liza|poliza|polizza|police|siniestro|sinistre|sinistro|adh\u00e9rent|soci[oa]|tessera|"
    r"expedition|suivi|seguimiento|"
    r"historia cl\u00ednica|beleg|quittung|receipt|payment|subscription|enrol?lment|roll|exam|candidate"
)
_TRIGGERS: Final = (
    "pass", "licen", "schein", "permi", "patente", "mrn", "medical", "health", "insurance", "versicher",
    "polic", "schaden",
    "beneficiary", "subscri", "member", "mitglied", "patient", "chart", "fall", "vorgang", "acc", "konto",
    "depot", "customer",
    "client", "kunden", "order", "bestell", "auftrag", "case", "matter", "docket", "claim", "invoice",
    "rechnung", "fact", "fatt",
    "commande", "pedido", "ordine", "ticket", "ref", "booking", "buchung", "reserv", "confirm", "pnr",
    "flight", "employee",
    "staff", "person", "mitarbeiter", "student", "matri", "schüler", "file", "dossier", "expedi",
    "pratica", "akten", "zeichen",
    "tracking", "ship", "sendung", "parcel", "paket", "contra", "vertrag", "seri", "registration", "visa",
    "aufenthalt", "npi",
    "dea", "badge", "application", "antrag", "petition", "transa", "meter", "z\u00e4hler", "device",
    "ger\u00e4t", "vehicle", "loan",
    "kredit", "darlehen", "certificate", "prescription", "rezept", "specimen", "p\u00f3liza", "poli",
    "sini", "adh\u00e9rent", "soci",
    "tessera", "suivi", "seguimiento", "historia", "beleg", "quittung", "receipt", "payment", "enrol",
    "roll", "exam", "candidate",
)  # fmt: skip
_VALUE = r"(?P<value>(?=[a-z/-]{0,12}[0-9])[a-z0-9](?:[/.-]?[a-z0-9]){2,23})(?![a-z0-9_@(]|\.[a-z0-9])"
_NAMED: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})(?:[ _-](?:id|card|plate|policy|account|member|order|record))?[ _-]?"
    rf"(?:number|numbers|nummer|numero|num\u00e9ro|n\u00famero|no\.?|nos\.?|nr\.?|n[\u00b0\u00bao]|num|#|"
    rf"id|code|:)[\"']?"
    rf"(?: is| was| ist| lautet| est| es| \u00e8)?[\"' :=#(.-]{{0,4}}{_VALUE}"
)
_ROMANCE: Final = re.compile(
    r"(?<![a-z])(?:num[e\u00e9]ro|n\u00famero|n[\u00b0\u00bao]\.?|nr\.?|num\.?|code|codice|c\u00f3digo|"
    r"identifiant|identificativo)"
    rf"(?: d'| de la | de | del | della | di | du | des | do | da | )(?:{_WORDS}|soutien|compte|cuenta|"
    rf"conto|carte|tarjeta|carta|"
    r"s\u00e9curit\u00e9 sociale|fiscal[e]?|\u00e9tudiant|estudiante|studente|empleado|employ\u00e9|"
    r"dipendente|assur\u00e9|asegurado|assicurato)"
    rf"(?: d[aei] [a-z]{{3,12}})?(?: est| es| \u00e8)?[\"' :=#(.-]{{1,4}}{_VALUE}"
)
_PAREN: Final = re.compile(rf"(?<![a-z])(?:{_WORDS}) ?\((?:no\.?|nos\.?|nr\.?|number|id|#) ?{_VALUE}")
_COUNTED: Final = (
    r"(?! ?(?:%|\u20ac|\$|usd|eur|euros?|dollars?|people|persons?|users?|items?|times|lines?|rows?|bytes|"
    r"kb|mb|gb|ms|"
    r"units?|pieces|copies|words|tokens|requests|points|miles|km|hours|minutes|seconds|days|years|per |of |"
    r"and [0-9]"
    r"|(?!(?:is|was|has|does|ships|shows|says|arrives|needs|contains|starts|ends|plus)(?![a-z]))"
    r"[a-z]{2,14}s(?![a-z])))"
)
_BARE: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})(?:nummer|nr\.?)?(?: is| ist|:| =)?[ ]{{1,2}}#?"
    r"(?P<value>(?:[a-z]{1,5}[-/]?[0-9]{4,12}|[0-9]{5,14}|[0-9]{2,8}[/-][0-9]{2,8}|"
    r"[a-z]{2,5}-[0-9]{2,4}-[0-9]{2,8}|(?=[a-z]{0,6}[0-9])(?=[0-9]{0,8}[a-z])[a-z0-9]{8,14})[a-z]{0,2})"
    r"(?![a-z0-9_]|[.,-][0-9])" + _COUNTED
)
_HASHED: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})s? ?#[ ]?(?P<value>[a-z]{{0,3}}-?[0-9]{{3,12}})(?![a-z0-9_]|[.,-][0-9])"
)
_NUMBER_SIGN: Final = re.compile(r"#[ ]?[A-Za-z]{0,3}-?[0-9]{3}")
_TICKET_SHAPE: Final = re.compile(
    r"(?<![0-9A-Za-z_.-])(?P<value>(?:INV|ORD|PO|SO|CUST|ACC|ACCT|CASE|CLM|POL|EMP|PAT|MRN|REF|TKT|CRN|BK|"
    r"PNR|RMA|INC|RE|KD|MEM|"
    r"STU|CUS|ORDER|TICKET|LOAN|CLAIM|POLICY)[-_#](?=[A-Z0-9-]{0,16}[0-9]{2})[A-Z0-9-]{3,20})(?![A-Za-z0-9_])"
)
_UUID: Final = re.compile(
    r"(?<![0-9a-z-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z-])"
)
_UUID_WORDS: Final = re.compile(
    r"(?:user|customer|client|account|session|patient|member|device|tenant|subscription|order|person|"
    r"employee|transaction|"
    r"correlation|trace|request|payment|object|principal|contact|visitor|profile|owner|billing|invoice)"
    r"[ _-]?(?:id|uuid|guid|key|token)?"
)
_ENDING: Final = re.compile(
    r"(?:last (?:four|4)(?: digits)?|ending (?:in|with)|endet auf|letzten vier ziffern|terminant par|"
    r"termina en)[a-z ]{0,30}[ :]{1,3}"
    r"(?P<value>[0-9]{4})(?![0-9])"
)
_CASE_GERMAN: Final = re.compile(
    r"(?<![\w/.-])(?P<value>[0-9]{1,3} [A-Z][A-Za-z]{0,3} [0-9]{1,5}/[0-9]{2,4})(?![\w/])"
)
_DEA: Final = re.compile(r"(?<![0-9A-Za-z])[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}(?![0-9A-Za-z])")


def _digits_at_least(count: int) -> Fit:
    return accept_if(lambda value: sum(map(str.isdigit, value)) >= count)


def _is_code(value: str) -> bool:
    """Take a value with digits that is no year and no version."""
    digits = sum(map(str.isdigit, value))
    return digits >= 2 and re.fullmatch(r"(?:19|20)[0-9]{2}|v?[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}", value) is None


def is_dea(value: str) -> bool:
    """DEA number: the last digit is that of d1 + d3 + d5 + 2 (d2 + d4 + d6)."""
    digits = [int(one) for one in value[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


_CODE = FindingType.CODE

RULES: Final = (
    Rule(
        "identity.ending",
        _CODE,
        _ENDING,
        CONTEXT,
        ("last four", "last 4", "ending", "endet auf", "letzten vier", "terminant", "termina en"),
        lower=True,
    ),
    Rule(
        "identity.code_named", _CODE, _NAMED, CONTEXT, _TRIGGERS, accept_if(_is_code), lower=True, needs=DIGIT
    ),
    Rule(
        "identity.code_romance",
        _CODE,
        _ROMANCE,
        CONTEXT,
        (
            "num\u00e9ro",
            "numero",
            "n\u00famero",
            "n\u00b0",
            "n\u00ba",
            "no",
            "nr",
            "num",
            "cod",
            "c\u00f3digo",
            "identif",
        ),
        accept_if(_is_code),
        lower=True,
        needs=DIGIT,
    ),
    Rule(
        "identity.code_paren",
        _CODE,
        _PAREN,
        CONTEXT,
        ("(no", "(nr", "(number", "(id", "(#"),
        accept_if(_is_code),
        lower=True,
        needs=DIGIT,
    ),
    Rule(
        "identity.code_bare", _CODE, _BARE, CONTEXT, _TRIGGERS, _digits_at_least(4), lower=True, needs=DIGIT
    ),
    Rule("identity.code_hash", _CODE, _HASHED, CONTEXT, ("#",), lower=True, needs=_NUMBER_SIGN),
    Rule("identity.ticket", _CODE, _TICKET_SHAPE, FORMAT, ("-", "_", "#"), _digits_at_least(2), needs=DIGIT),
    Rule("identity.uuid", _CODE, _UUID, CONTEXT, ("-",), context=_UUID_WORDS, lower=True, needs=DIGIT),
    Rule("identity.case_german", _CODE, _CASE_GERMAN, FORMAT, ("/",), needs=DIGIT),
    Rule("identity.dea", _CODE, _DEA, CHECKED, ("dea",), accept_if(is_dea), needs=DIGIT),
)
