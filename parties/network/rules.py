"""What the numbers of parties and places must be."""

from typing import Any

from biip.checksums import gs1_standard_check_digit
from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10

from foundation.errors import BadInput

TIERS = ("city_hall", "county_hall", "zone", "counter")
STATUSES = ("planned", "open", "paused", "closed")
HIDE_BELOW = 5
"""Counts of households smaller than this are not shown."""


def read_uscc(text: str) -> str:
    """Give a unified social credit code (GB 32100-2015) in canonical form, or raise BadInput."""
    try:
        code: str = stdnum_uscc.validate(text)
    except ValidationError as error:
        raise BadInput("This is not a valid unified social credit code", field="uscc") from error
    return code


def read_gln(text: str) -> str:
    """Give a GLN, 13 digits with its check digit, or raise BadInput."""
    digits = text.strip()
    if len(digits) != 13 or not digits.isdecimal():  # noqa: PLR2004 -- a GLN's length
        raise BadInput("A GLN has 13 digits", field="gln")
    if gs1_standard_check_digit(digits[:-1]) != int(digits[-1]):
        raise BadInput("The check digit of this GLN is wrong", field="gln")
    return digits


def licence_looks_right(number: str) -> bool:
    """Tell whether a food production licence number passes ISO 7064 MOD 11,10; only warn."""
    digits = number.removeprefix("SC")
    return number.startswith("SC") and len(digits) == 14 and bool(mod_11_10.is_valid(digits))  # noqa: PLR2004


def shown_households(count: int) -> int | None:
    """Give a count of linked households, or None when it is too small to be shown."""
    return count if count >= HIDE_BELOW else None


def check_outlet(row: dict[str, Any]) -> None:
    """Raise BadInput when an outlet's tier, mode, type or status is not of the registry's words."""
    if row["tier"] not in TIERS:
        raise BadInput("The tier must be city hall, county hall, zone or counter", field="tier")
    if row["status"] not in STATUSES:
        raise BadInput("The status must be planned, open, paused or closed", field="status")
    if row["mode"] not in {"online", "offline"}:
        raise BadInput("The mode must be online or offline", field="mode")
    if (row["tier"] == "counter") != (row.get("counter_type") in {"shelf", "vending"}):
        raise BadInput("A counter is a shelf or a vending cabinet", field="counter_type")
