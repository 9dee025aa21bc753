"""Numbers that a state gave to one person.

A number with a strong checksum or a shape of its own stands alone. A weak one (nine digits, one check
digit: every tenth number passes) counts only beside a word that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Final

from islandrun.privacy.detect.rule import CHECKED, DIGIT, FORMAT, NUMBER, Rule, accept_if
from islandrun.vocabulary import FindingType

_B = r"(?<![0-9A-Za-z_.-])"
_E = r"(?![0-9A-Za-z_]|-[0-9]|\.[0-9])"

# name, shape, module of python-stdnum: strong enough to stand alone
_STRONG: Final = (
    ("it_codice_fiscale",
     r"[A-Za-z]{6}[0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{3}[A-Za-z]", "it.codicefiscale"),
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
    ("mx_rfc", r"[A-Z&\u00d1]{4}[0-9]{6}[A-Z0-9]{3}", "mx.rfc"),
    ("ch_ahv", r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}", "ch.ssn"),
    ("ie_pps", r"[0-9]{7}[A-W][AHWTX]?", "ie.pps"),
    ("in_aadhaar", r"[2-9][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}", "in_.aadhaar"),
    ("in_pan", r"[A-Z]{3}[ABCFGHLJPTK][A-Z][0-9]{4}[A-Z]", "in_.pan"),
    ("za_id", r"[0-9]{13}", "za.idnr"),
    ("dk_cpr", r"[0-9]{6}-[0-9]{4}", "dk.cpr"),
    ("is_kennitala", r"[0-9]{6}-[0-9]{4}", "is_.kennitala"),
    ("lv_pk", r"[0-9]{6}-[0-9]{5}", "lv.pvn"),
    ("cl_rut", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]", "cl.rut"),
    ("ca_sin", r"[1-9][0-9]{2}[ -][0-9]{3}[ -][0-9]{3}", "ca.sin"),
    ("de_idnr", r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}", "de.idnr"),
    ("ar_cuit", r"[0-9]{2}-[0-9]{8}-[0-9]", "ar.cuit"),
    ("si_emso", r"[0-9]{13}", "si.emso"),
    ("my_nric", r"[0-9]{6}-[0-9]{2}-[0-9]{4}", "my.nric"),
    ("pk_cnic", r"[0-9]{5}-[0-9]{7}-[0-9]", "pk.cnic"),
    ("pt_cc", r"[0-9]{8} ?[0-9] ?[A-Z0-9]{2}[0-9]", "pt.cc"),
    ("th_pin", r"[0-9]-[0-9]{4}-[0-9]{5}-[0-9]{2}-[0-9]", "th.pin"),
    ("do_cedula", r"[0-9]{3}-[0-9]{7}-[0-9]", "do.cedula"),
    ("ve_rif", r"[VE]-?[0-9]{8}-?[0-9]", "ve.rif"),
    ("mu_nid", r"[A-Z][0-9]{12}[0-9A-Z]", "mu.nid"),
    ("us_itin", r"9[0-9]{2}-[5-9][0-9]-[0-9]{4}", "us.itin"),
)  # fmt: skip
# name, shape, module, words that name it
_BY_WORD: Final = (
    ("at_vnr", r"[0-9]{4} ?[0-9]{6}", "at.vnr", "svnr|sozialversicherung|versicherungsnummer"),
    ("au_tfn", r"[0-9]{3} ?[0-9]{3} ?[0-9]{2,3}", "au.tfn", "tfn|tax file"),
    ("hr_oib", r"[0-9]{11}", "hr.oib", "oib"),
    ("gr_amka", r"[0-9]{11}", "gr.amka", "amka|\u03b1\u03bc\u03ba\u03b1"),
    ("lt_asmens", r"[0-9]{11}", "lt.asmens", "asmens kod"),
    ("nl_bsn", r"[0-9]{9}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}", "nl.bsn", "bsn|burgerservice|sofinummer"),
    ("gb_nhs", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", "gb.nhs", "nhs"),
    ("gb_utr", r"[0-9]{5} ?[0-9]{5}", "gb.utr", "utr|unique taxpayer"),
    ("ec_ci", r"[0-9]{10}", "ec.ci", "c\u00e9dula|cedula"),
    ("cr_cpf", r"[0-9]-[0-9]{4}-[0-9]{4}", "cr.cpf", "c\u00e9dula|cedula"),
    ("co_nit", r"[0-9.]{9,13}-[0-9]", "co.nit", r"\bnit\b|c\u00e9dula|cedula"),
    ("pe_cui", r"[0-9]{8}-?[0-9A-K]?", "pe.cui", r"\bdni\b|\bcui\b"),
    ("id_nik", r"[0-9]{16}", "id.nik", r"\bnik\b|\bktp\b"),
    ("in_epic", r"[A-Z]{3}[0-9]{7}", "in_.epic", "epic|voter"),
    ("in_vid", r"[2-9][0-9]{3} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4}", "in_.vid", "vid|aadhaar"),
    ("il_idnr", r"[0-9]{8,9}", "il.idnr", "teudat|mispar|israeli|\u05ea\u05e2\u05d5\u05d3\u05ea"),
    ("jp_in", r"[0-9]{4} ?[0-9]{4} ?[0-9]{4}", "jp.in_",
    "my number|\u30de\u30a4\u30ca\u30f3\u30d0\u30fc|\u500b\u4eba\u756a\u53f7"),
    ("fr_nif", r"[0-3][0-9 ]{12,16}", "fr.nif", "fiscal|imp\u00f4t"),
    ("nz_ird", r"[0-9]{2,3}-?[0-9]{3}-?[0-9]{3}", "nz.ird", r"\bird\b"),
    ("ua_rntrc", r"[0-9]{10}", "ua.rntrc", "\u0440\u043d\u043e\u043a\u043f\u043f|\u0456\u043f\u043d|rntrc"),
    ("ru_inn", r"[0-9]{12}", "ru.inn", "\u0438\u043d\u043d|\\binn\\b"),
    ("nl_identiteit", r"[A-NP-Z]{2}[A-NP-Z0-9]{6}[0-9]", "nl.identiteitskaartnummer",
    "paspoort|identiteitskaart"),
    ("ca_phn", r"9[0-9]{3} ?[0-9]{3} ?[0-9]{3}", "ca.bc_phn", "phn|personal health"),
    ("pt_nif", r"[1-356][0-9]{2} ?[0-9]{3} ?[0-9]{3}", "pt.nif", r"\bnif\b|contribuinte"),
    ("tr_vkn", r"[0-9]{10}", "tr.vkn", "vkn|vergi"),
)  # fmt: skip

_SSN: Final = re.compile(_B + r"(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}" + _E)
_NINO: Final = re.compile(
    _B + r"(?![DFIQUV])[A-Za-z](?![DFIQUVO])[A-Za-z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d]" + _E
)
_NRIC: Final = re.compile(_B + r"[STFGM][0-9]{7}[A-Z]" + _E)
_HKID: Final = re.compile(_B + r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)")
_TWID: Final = re.compile(_B + r"[A-Z][1289][0-9]{8}" + _E)
_SNILS: Final = re.compile(_B + r"[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}" + _E)
_RVNR: Final = re.compile(_B + r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}" + _E)
_MBI: Final = re.compile(
    _B + r"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?"
    r"[AC-HJKMNP-RT-Y]{2}[0-9]{2}" + _E
)
_MRZ: Final = re.compile(
    r"(?<![A-Z0-9<])(?:[PVIAC][A-Z<][A-Z]{3}[A-Z<]{3,40}<<[A-Z<]{2,40}(?:\s{1,4}[A-Z0-9<]{30,44}){0,2}"
    r"|[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{8,16})(?![A-Z0-9<])"
)

_NUMBERED = r"(?:[ -]?(?:number|num\.?|no\.?|nr\.?|nummer|id|#))"
_WEAK_WORDS: Final = (
    r"ssn|social security(?: number| no\.?)?|sozialversicherungsnummer|svnr|rentenversicherungsnummer|"
    r"nhs(?: number| no\.?)|"
    r"bsn|burgerservicenummer|tax(?:payer)? (?:id|number|file number|identification number)|tfn|itin|"
    r"steuer-?id(?:nr|entifikationsnummer|nummer)?|steuernummer|idnr|national (?:id|insurance number|"
    r"identity number|"
    r"insurance no\.?)|nino|aadhaar|pan (?:number|card|no\.?)|pesel|cpf|curp|personnummer|sin (?:number|"
    r"no\.?)|"
    r"social insurance(?: number| no\.?)|id card(?: number| no\.?)|identity card(?: number| no\.?)|"
    r"personalausweis(?:nummer)?|ausweisnummer|num\u00e9ro de s\u00e9curit\u00e9 sociale|"
    r"s\u00e9curit\u00e9 sociale|"
    r"num\u00e9ro fiscal|codice fiscale|teudat zehut|medicare(?: number| no\.?)|medicaid(?: number| no\.?)|"
    r"n[\u00fau]mero de (?:identidad|la seguridad social|identificaci\u00f3n(?: fiscal)?)|"
    r"c[\u00e9e]dula(?: de identidad)?|"
    r"carta d'identit\u00e0|tessera sanitaria|documento d'identit\u00e0|fiscal (?:code|number)"
)
_WEAK_VALUE = (
    r"(?P<value>(?=[a-z0-9 ./-]{0,12}[0-9])[a-z0-9]{1,16}(?:[ ./-]{1,2}(?=[a-z]{0,3}[0-9])[a-z0-9]{1,12})"
    r"{0,6}"
    r"(?:[ -][a-z](?![a-z0-9']))?)(?![a-z0-9])"
)
_SAYS = (
    r"[^0-9a-z\n]{0,4}(?:(?:number|no\.?|nr\.?|is|was|ist|lautet|est|es|\u00e8|#)[ :.#]{0,3})"
    r"{0,2}[\"' :=#(-]{0,4}"
)
_WEAK: Final = re.compile(rf"(?<![a-z])(?:{_WEAK_WORDS})(?![a-z]){_SAYS}{_WEAK_VALUE}")
_WEAK_SHORT: Final = re.compile(
    rf"(?<![A-Za-z])(?:SIN|PAN|NIE|EIN|TIN|DNI|NIF|CPR|CUI|CNP|NHS|PPS|PPSN|MBI|UTR|AHV|AVS|NIR|NISS|RUT|"
    rf"RUN|CI|NRIC|"
    rf"FIN|HKID|MyKad|CNIC|NIC|IIN|SNILS|BIN|TFN|IRD|PHN|CUIT|CUIL)(?![A-Za-z])(?i:{_SAYS}{_WEAK_VALUE})"
)


def _stdnum_check(name: str) -> Callable[[str], bool]:
    module = import_module(f"stdnum.{name}")

    def check(value: str) -> bool:
        return bool(module.is_valid(value)) and len(set(value)) > 2

    return check


def _digits(value: str) -> list[int]:
    return [int(character) for character in value if character.isdigit()]


def _is_hkid(value: str) -> bool:
    """Hong Kong: letters count from 10, a missing one 36; weights 9 to 1, sum divisible by 11."""
    plain = value.replace("(", "").replace(")", "").rjust(9)
    numbers = [36 if one == " " else int(one) if one.isdigit() else ord(one) - 55 for one in plain]
    return sum(number * weight for number, weight in zip(numbers, range(9, 0, -1), strict=True)) % 11 == 0


def _is_twid(value: str) -> bool:
    """Taiwan: the letter stands for two digits, weights 1 9 8 ... 1 1, sum divisible by 10."""
    region = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    numbers = [region // 10, region % 10, *_digits(value)]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(one * weight for one, weight in zip(numbers, weights, strict=True)) % 10 == 0


def _is_snils(value: str) -> bool:
    """Russia: weights 9 to 1; the sum modulo 101, 100 counting as 0, is the last two digits."""
    numbers = _digits(value)
    total = sum(one * weight for one, weight in zip(numbers[:9], range(9, 0, -1), strict=True))
    return total % 101 % 100 == numbers[9] * 10 + numbers[10]


def _is_rvnr(value: str) -> bool:
    """German pension insurance (VKVV): the letter is two digits; weights, then the sum of all digits."""
    plain = value.replace(" ", "")
    letter = f"{ord(plain[8]) - 64:02d}"
    numbers = [int(one) for one in plain[:8] + letter + plain[9:11]]
    products = [
        one * weight for one, weight in zip(numbers, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)
    ]
    day = int(plain[2:4])
    return sum(map(sum, map(_digits, map(str, products)))) % 10 == int(plain[11]) and 1 <= day % 50 <= 31


def _digits_at_least(count: int) -> Callable[[str], bool]:
    return lambda value: sum(map(str.isdigit, value)) >= count


_NATIONAL = FindingType.NATIONAL_ID
_FOUR = accept_if(_digits_at_least(4))


def _checked(name: str, pattern: re.Pattern[str], check: Callable[[str], bool]) -> Rule:
    return Rule(f"identity.{name}", _NATIONAL, pattern, CHECKED, fit=accept_if(check), needs=DIGIT)


RULES: Final = (
    *(
        _checked(name, re.compile(_B + f"(?:{shape})" + _E), _stdnum_check(module))
        for name, shape, module in _STRONG
    ),
    *(
        Rule(
            f"identity.{name}",
            _NATIONAL,
            re.compile(_B + f"(?:{shape})" + _E),
            CHECKED,
            fit=accept_if(_stdnum_check(module)),
            context=re.compile(context),
            triggers=tuple(context.replace("\\b", "").split("|")),
            needs=NUMBER,
        )
        for name, shape, module, context in _BY_WORD
    ),
    Rule("identity.us_ssn", _NATIONAL, _SSN, FORMAT, needs=NUMBER),
    Rule("identity.gb_nino", _NATIONAL, _NINO, FORMAT, needs=NUMBER),
    Rule("identity.sg_nric", _NATIONAL, _NRIC, FORMAT, needs=NUMBER),
    _checked("hk_id", _HKID, _is_hkid),
    _checked("tw_id", _TWID, _is_twid),
    _checked("ru_snils", _SNILS, _is_snils),
    _checked("de_rvnr", _RVNR, _is_rvnr),
    Rule("identity.us_mbi", _NATIONAL, _MBI, FORMAT, needs=DIGIT),
    Rule("identity.mrz", _NATIONAL, _MRZ, FORMAT, ("<",)),
    Rule("identity.weak", _NATIONAL, _WEAK, FORMAT, fit=_FOUR, lower=True, needs=DIGIT),
    Rule("identity.weak_short", _NATIONAL, _WEAK_SHORT, FORMAT, fit=_FOUR, needs=DIGIT),
)
