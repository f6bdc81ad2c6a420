"""The insides of North American coupon codes, AI (8110) and (8112)."""

import re
from datetime import date
from typing import Final


def _counted(lengths: range, more: int) -> str:
    """Match a number led by one digit that says how long it is, less `more`."""
    return "(?:" + "|".join(rf"{n}\d{{{n + more}}}" for n in lengths) + ")"


_PREFIX: Final = _counted(range(7), 6)
_PREFIX_OR_SAME: Final = f"(?:9|{_PREFIX})"
_PURCHASE: Final = _counted(range(1, 6), 0) + r"[0-49]\d{3}"
_COUPON: Final = re.compile(
    _PREFIX
    + r"\d{6}"
    + _counted(range(1, 6), 0)
    + _PURCHASE
    + rf"(?:1[0-3]{_PURCHASE}{_PREFIX_OR_SAME})?"
    + rf"(?:2{_PURCHASE}{_PREFIX_OR_SAME})?"
    + r"(?:3(?P<until>\d{6}))?"
    + r"(?:4(?P<since>\d{6}))?"
    + rf"(?:5{_counted(range(10), 6)})?"
    + rf"(?:6{_counted(range(1, 8), 6)})?"
    + r"(?:9[01256][0-2]\d[01])?",
    re.ASCII,
)
_OFFER: Final = re.compile(rf"[01]{_PREFIX}\d{{6}}{_counted(range(10), 6)}", re.ASCII)


def coupon_holds(text: str) -> bool:
    """Say whether the value of AI (8110) is well made, its dates included."""
    found = _COUPON.fullmatch(text)
    if not found:
        return False
    until, since = found["until"], found["since"]
    if not all(_exists(day) for day in (until, since) if day is not None):
        return False
    return until is None or since is None or since <= until


def coupon_offer_holds(text: str) -> bool:
    """Say whether the value of AI (8112) is well made."""
    return _OFFER.fullmatch(text) is not None


def _exists(day: str) -> bool:
    try:
        date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return False
    return True
