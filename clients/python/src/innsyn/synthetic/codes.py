"""Codes for made-up rows: some of a code system that is known here, or invented ones."""

from __future__ import annotations

import string

from ..variable import Variable

_ICD_10 = [
    "I219",
    "I259",
    "C509",
    "I500",
    "J449",
    "E119",
    "C619",
    "I639",
    "J189",
    "S720",
    "F329",
    "C189",
    "M169",
    "C349",
    "N179",
]
_ATC = [
    "C10AA05",
    "A10BA02",
    "C09AA05",
    "N06AB04",
    "B01AC06",
    "R03AC02",
    "A02BC01",
    "C07AB02",
    "J01CA04",
    "N02BE01",
]
_MUNICIPALITIES = [
    "0301",
    "4601",
    "5001",
    "1103",
    "3301",
    "5501",
    "4204",
    "1508",
    "3107",
    "1804",
    "3403",
    "3907",
]
_SYSTEMS = [
    (("administrative-gender",), ["female", "male"]),
    (("gender", "sex", "kjønn"), ["K", "M"]),
    (("icd-10",), _ICD_10),
    (("atc",), _ATC),
    (("municipal", "kommune"), _MUNICIPALITIES),
]
_INVENTED = 5


def of(variable: Variable) -> list[str]:
    """Codes of the variable's system, the common ones first."""
    system = variable.message.code.system.casefold()
    for words, codes in _SYSTEMS:
        if any(word in system for word in words):
            return codes
    longest = max(variable.levels, default=1)
    letters = string.ascii_uppercase[:_INVENTED]
    return [letter + "1" * (longest - 1) for letter in letters]
