"""What the parts of an application identifier's value must say, beyond length and characters.

General Specifications 3.2 to 3.11 and 7.12 (dates). Each rule takes one part of the value, already
of the right characters, and says whether it holds.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from typing import Final

from traceability.digital_link import codelists
from traceability.digital_link.check_digits import check_digit_holds, check_pair_holds
from traceability.digital_link.coupons import coupon_holds, coupon_offer_holds

_SHORTEST_PREFIX: Final = 4
# 180 degrees, in ten-millionths
_HALF_TURN: Final = 1_800_000_000
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{7,30}", re.ASCII)
# Carriers of 7241: 01 to 10 named by ICCBBA, 80 to 99 for local use
_CARRIERS: Final = frozenset(f"{n:02d}" for n in (*range(1, 11), *range(80, 100)))


def _prefix(part: str) -> bool:
    return len(part) >= _SHORTEST_PREFIX and part[:_SHORTEST_PREFIX].isdigit()


def _prefix2(part: str) -> bool:
    return _prefix(part[1:])


def _exists(year: int, month: str, day: str) -> bool:
    if not 1 <= int(month) <= 12:  # noqa: PLR2004 -- months
        return False
    return int(day) <= calendar.monthrange(year, int(month))[1]


def _month(part: str) -> bool:
    """Tell whether YYMMDD exists; day 00 is the whole month. 19YY and 20YY leap alike but 00."""
    return _exists(2000 + int(part[:2]), part[2:4], part[4:])


def _day(part: str) -> bool:
    return part[4:] != "00" and _month(part)


def _birthday(part: str) -> bool:
    year = int(part[:4])
    return part[6:] != "00" and year > 0 and _exists(year, part[4:6], part[6:])


def _hour(part: str) -> bool:
    return int(part) < 24  # noqa: PLR2004 -- hours of a day


def _minute(part: str) -> bool:
    return int(part) < 60  # noqa: PLR2004 -- minutes of an hour, seconds of a minute


def _hour_minute(part: str) -> bool:
    return _hour(part[:2]) and _minute(part[2:])


def _percent(part: str) -> bool:
    return re.search(r"%(?![0-9A-Fa-f]{2})", part) is None


def _piece(part: str) -> bool:
    piece, total = int(part[:2]), int(part[2:])
    return 1 <= piece <= total


def _place_in_row(part: str) -> bool:
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", part)
    return found is not None and int(found[1]) <= int(found[2])


def _iban(part: str) -> bool:
    """ISO 13616: country, two check digits by ISO 7064 mod 97-10 over the turned-round text."""
    if not _IBAN.fullmatch(part) or part[:2] not in codelists.COUNTRY_LETTERS:
        return False
    return int("".join(str(int(char, 36)) for char in part[4:] + part[:4])) % 97 == 1


def _padding(part: str) -> bool:
    """Tell whether base 64 (RFC 4648 section 5) is filled up to threes of characters, or bare."""
    pads = len(part) - len(part.rstrip("="))
    return pads == 0 or len(part) % 3 == 0


RULES: Final[Mapping[str, Callable[[str], bool]]] = {
    "birthday": _birthday,
    "carrier": _CARRIERS.__contains__,
    "check": check_digit_holds,
    "check_pair": check_pair_holds,
    "country": codelists.COUNTRIES.__contains__,
    "country_letters": codelists.COUNTRY_LETTERS.__contains__,
    "country_or_many": lambda part: part == "999" or part in codelists.COUNTRIES,
    "coupon": coupon_holds,
    "coupon_offer": coupon_offer_holds,
    "currency": codelists.CURRENCIES.__contains__,
    "day": _day,
    "hour": _hour,
    "hour_minute": _hour_minute,
    "hyphen": lambda part: part == "-",
    "iban": _iban,
    "importer": lambda part: re.fullmatch(r"[-0-9A-Z_a-z]", part) is not None,
    "latitude": lambda part: int(part) <= _HALF_TURN,
    "longitude": lambda part: int(part) <= 2 * _HALF_TURN,
    "minute": _minute,
    "month": _month,
    "no_zero_first": lambda part: not part.startswith("0"),
    "not_only_digits": lambda part: not part.isdigit(),
    "not_zero": lambda part: int(part) != 0,
    "package": codelists.PACKAGES.__contains__,
    "padding": _padding,
    "percent": _percent,
    "piece": _piece,
    "place_in_row": _place_in_row,
    "prefix": _prefix,
    "prefix2": _prefix2,
    "sex": frozenset("0129").__contains__,
    "winding": frozenset("019").__contains__,
    "yes_no": frozenset("01").__contains__,
    "zero": lambda part: part == "0",
}
