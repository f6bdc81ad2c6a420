"""When a scheduled query runs (EPCIS 2.0 section 8.2.5.3, QuerySchedule). Pure.

Fields are lists of numbers and ranges in brackets, such as `1,[5-8]`. They are read in the time of
the region, UTC+08:00. A field that is left out matches anything, but for those finer than the
finest one given, which are nought: `{"hour": "1", "minute": "5"}` is once a day, at 01:05:00.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

ZONE: Final = timezone(timedelta(hours=8))
FIELDS: Final = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "dayOfMonth": (1, 31),
    "month": (1, 12),
    "dayOfWeek": (1, 7),
}
"""By field its least and greatest value; Monday is day 1 of a week."""
FINE: Final = ("second", "minute", "hour")
ELEMENT: Final = re.compile(r"(\d{1,2})|\[(\d{1,2})-(\d{1,2})\]", re.ASCII)
LONGEST_WAIT: Final = 366 * 8
"""Days; 29 February may be eight years away."""


def read_schedule(given: Mapping[str, Any]) -> dict[str, str]:
    """Check a schedule; raise ValueError naming the field that is wrong."""
    if not given:
        raise ValueError("schedule")
    for name, said in given.items():
        if name not in FIELDS or not isinstance(said, str):
            raise ValueError(name)
        _values(name, said)
    schedule = {name: str(said) for name, said in given.items()}
    if next_run(schedule, datetime(2026, 1, 1, tzinfo=ZONE)) is None:
        raise ValueError("dayOfMonth")
    return schedule


def _values(name: str, said: str) -> list[int]:
    least, most = FIELDS[name]
    found: set[int] = set()
    for part in said.split(","):
        match = ELEMENT.fullmatch(part.strip())
        if match is None:
            raise ValueError(name)
        first = int(match[1] or match[2])
        last = int(match[1] or match[3])
        if not least <= first <= last <= most:
            raise ValueError(name)
        found.update(range(first, last + 1))
    return sorted(found)


def next_run(schedule: Mapping[str, str], after: datetime) -> datetime | None:
    """Give the first moment after `after` that matches; None when none ever does."""
    fields = {name: _values(name, said) for name, said in schedule.items()}
    finest = next((n for n, name in enumerate(FINE) if name in fields), len(FINE))
    times = [
        fields.get(name, list(range(FIELDS[name][1] + 1)) if n >= finest else [0])
        for n, name in enumerate(FINE)
    ]
    begun = after.astimezone(ZONE).replace(microsecond=0) + timedelta(seconds=1)
    for ahead in range(LONGEST_WAIT):
        day = begun.date() + timedelta(days=ahead)
        if _matches(day, fields) and (found := _on(day, begun, times)) is not None:
            return found
    return None


def _matches(day: date, fields: Mapping[str, Sequence[int]]) -> bool:
    return (
        day.month in fields.get("month", (day.month,))
        and day.day in fields.get("dayOfMonth", (day.day,))
        and day.isoweekday() in fields.get("dayOfWeek", (day.isoweekday(),))
    )


def _on(day: date, begun: datetime, times: Sequence[Sequence[int]]) -> datetime | None:
    seconds, minutes, hours = times
    for hour in hours:
        for minute in minutes:
            if datetime(day.year, day.month, day.day, hour, minute, 59, tzinfo=ZONE) < begun:
                continue
            for second in seconds:
                at = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE)
                if at >= begun:
                    return at
    return None
