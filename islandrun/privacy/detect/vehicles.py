"""Numbers that things carry: vehicles, telephones, parcels. A thing leads to its owner."""

from __future__ import annotations

import re
from typing import Final

from stdnum import imei, luhn

from islandrun.privacy.detect.rule import CHECKED, CONTEXT, DIGIT, FORMAT, NUMBER, Rule, accept_if
from islandrun.vocabulary import FindingType

_VIN: Final = re.compile(r"(?<![0-9A-Za-z_-])[A-HJ-NPR-Z0-9]{17}(?![0-9A-Za-z_-])")
_VIN_LETTERS: Final = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_SAID: Final = re.compile(
    r"(?<![a-z])(?:vin|fin|fahrgestellnummer|fahrzeug-?identifizierungsnummer|chassis|"
    r"num\u00e9ro de ch\u00e2ssis|bastidor|telaio)"
    r"(?: number| no\.?| nr\.?)?(?: is|:|=)?[ :=#\"']{1,4}(?P<value>[a-hj-npr-z0-9]{17})(?![a-z0-9])"
)
_PLATE: Final = re.compile(
    r"(?<![A-Za-z])(?i:(?:licen[cs]e|number|registration|vehicle|car) plate|licen[cs]e tag|plates?|"
    r"(?:amtliches )?kennzeichen|immatriculation|plaque(?: d'immatriculation)?|matr[i\u00ed]cula|targa|"
    r"kenteken|registration (?:number|no\.?|mark))(?i: (?:number|no\.?|nr\.?))?"
    r"(?i: is| was| ist| est| es| \u00e8|:|=)?[ :=#\"']{1,4}"
    r"(?P<value>(?=[A-Z\u00c4\u00d6\u00dc .-]{0,9}[0-9])(?=[0-9 .-]{0,6}[A-Z\u00c4\u00d6\u00dc])"
    r"[A-Z\u00c4\u00d6\u00dc0-9]{1,8}(?:[ .-]{1,3}[A-Z0-9]{1,5}){0,3})(?![A-Za-z0-9])"
)
_PLATE_DE: Final = re.compile(r"(?<![\w-])[A-Z\u00c4\u00d6\u00dc]{1,3}-[A-Z]{1,2} ?[0-9]{1,4}[EH]?(?![\w.-])")
_CAR: Final = re.compile(
    r"car|vehicle|auto|fahrzeug|wagen|kfz|pkw|lkw|parked|driver|kennzeichen|halter|park|blitzer"
)
_IMEI: Final = re.compile(
    r"(?<![0-9A-Za-z_.-])[0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9](?:[0-9])?(?![0-9A-Za-z_])"
)
_IMEI_WORDS: Final = re.compile(
    r"imei|handset|phone|handy|device|m\u00f3vil|t\u00e9l\u00e9phone|mobile|ger\u00e4t"
)
_ICCID: Final = re.compile(r"(?<![0-9A-Za-z_.-])89[0-9]{16,18}(?![0-9A-Za-z_])")
_UPS: Final = re.compile(
    r"(?<![0-9A-Za-z])"
    r"1Z ?[0-9A-Z]{3} ?[0-9A-Z]{3} ?[0-9A-Z]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{3} ?[0-9](?![0-9A-Za-z])"
)
_S10: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3} ?[A-Z]{2}(?![0-9A-Za-z])")
_AMAZON: Final = re.compile(r"(?<![0-9A-Za-z.-])[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9A-Za-z-])")
_USPS: Final = re.compile(r"(?<![0-9A-Za-z.-])9[1-5](?: ?[0-9]{2}){9,10}(?: ?[0-9]{2})?(?![0-9A-Za-z])")


def is_vin(value: str) -> bool:
    """Say whether a vehicle number carries its check digit (49 CFR 565.15; North America, China)."""
    total = sum(
        weight * (int(one) if one.isdigit() else _VIN_LETTERS[one])
        for one, weight in zip(value, _VIN_WEIGHTS, strict=True)
    )
    check = "X" if total % 11 == 10 else str(total % 11)
    letters = sum(map(str.isalpha, value))
    return value[8] == check and 2 <= letters <= 14


def _is_ups(value: str) -> bool:
    """UPS: letters count as their place from 2, odd places once and even ones twice, to the next ten."""
    plain = value.replace(" ", "")[2:]
    numbers = [int(one) if one.isdigit() else (ord(one) - 63) % 10 for one in plain]
    total = sum(numbers[0:15:2]) + 2 * sum(numbers[1:15:2])
    return -total % 10 == numbers[15]


def _is_s10(value: str) -> bool:
    """UPU S10: weights 8 6 4 2 3 5 9 7 modulo 11."""
    digits = [int(one) for one in value if one.isdigit()]
    check = 11 - sum(one * weight for one, weight in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=False)) % 11
    return {10: 0, 11: 5}.get(check, check) == digits[8]


def _is_imei(value: str) -> bool:
    return bool(imei.is_valid(value))


_CODE = FindingType.CODE

RULES: Final = (
    Rule("identity.vin", _CODE, _VIN, CHECKED, fit=accept_if(is_vin), needs=DIGIT),
    Rule(
        "identity.vin_said",
        _CODE,
        _VIN_SAID,
        CONTEXT,
        ("vin", "fin", "fahr", "chassis", "ch\u00e2ssis", "bastidor", "telaio"),
        lower=True,
        needs=DIGIT,
    ),
    Rule(
        "identity.plate",
        _CODE,
        _PLATE,
        CONTEXT,
        (
            "plate",
            "licen",
            "kennzeichen",
            "immatriculation",
            "plaque",
            "matr",
            "targa",
            "kenteken",
            "registration",
        ),
        needs=DIGIT,
    ),
    Rule("identity.plate_de", _CODE, _PLATE_DE, CONTEXT, context=_CAR, needs=DIGIT),
    Rule("identity.imei", _CODE, _IMEI, CHECKED, fit=accept_if(_is_imei), context=_IMEI_WORDS, needs=NUMBER),
    Rule(
        "identity.iccid",
        _CODE,
        _ICCID,
        CHECKED,
        fit=accept_if(luhn.is_valid),
        context=re.compile("iccid|sim"),
        needs=NUMBER,
    ),
    Rule("identity.parcel_ups", _CODE, _UPS, CHECKED, ("1z",), accept_if(_is_ups)),
    Rule("identity.parcel_post", _CODE, _S10, CHECKED, fit=accept_if(_is_s10), needs=NUMBER),
    Rule(
        "identity.parcel_usps",
        _CODE,
        _USPS,
        CONTEXT,
        context=re.compile("usps|track|parcel|package|shipment"),
        needs=NUMBER,
    ),
    Rule("identity.order_amazon", _CODE, _AMAZON, FORMAT, needs=NUMBER),
)
