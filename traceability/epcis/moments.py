"""Times as EPCIS documents write them: RFC 3339, which knows small letters and leap seconds."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_LEAP: Final = re.compile(r"(T\d\d:\d\d):60")


def instant(text: str) -> datetime:
    """Give the moment in UTC; a leap second is the one after it.

    Raises ValueError for text that is no time, that has no offset, or is out of range.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = _respelt(text.upper())
    if read.tzinfo is None:
        raise ValueError("a time needs its offset")
    try:
        return read.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time out of range") from error


def _respelt(text: str) -> datetime:
    plain, leaps = _LEAP.subn(r"\1:59", text)
    read = datetime.fromisoformat(plain)
    if not leaps:
        return read
    try:
        return read + timedelta(seconds=1)
    except OverflowError as error:
        raise ValueError("a time out of range") from error
