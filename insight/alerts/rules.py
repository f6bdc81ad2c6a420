"""When something needs somebody's attention."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

NEAR_DAYS = 30
"""Fewer days than this to the date, and goods are near expiry whatever their life."""
WARN_DAYS = (7, 30, 90)
"""Papers are warned of when they have these many days left or fewer."""
PAPER_KINDS: Mapping[str, frozenset[str]] = {
    "conformity_certificate": frozenset({"conformity_certificate"}),
    "animal_quarantine_cert": frozenset({"quarantine_certificate"}),
    "meat_inspection_cert": frozenset({"meat_inspection_certificate"}),
    "food_licence": frozenset({"food_licence"}),
}
"""Which certificates answer what a compliance class demands; other demands are label facts."""


def near_expiry(produced: date | None, best_before: date | None, today: date) -> bool:
    """Tell whether less than a third of a lot's life, or less than thirty days, is left."""
    if best_before is None or best_before < today:
        return False
    left = (best_before - today).days
    if left < NEAR_DAYS:
        return True
    return produced is not None and left * 3 < (best_before - produced).days


def warning_band(valid_to: date, today: date) -> int | None:
    """Give 0 for a paper past its date, else the smallest of WARN_DAYS it falls under, or None."""
    left = (valid_to - today).days
    if left < 0:
        return 0
    return next((band for band in WARN_DAYS if left <= band), None)


def missing_papers(
    must: Sequence[Mapping[str, Any]], has: Mapping[str, object], kinds: Collection[str]
) -> list[Mapping[str, Any]]:
    """Give the demands of a compliance class that a product does not meet, in their order.

    `has` are facts written down at the product or its supplier, by demand; `kinds` are the
    certificates on file. A demand that is neither a known paper nor a known fact is met by
    people's checking, not here.
    """
    found = set(kinds)
    lacking = []
    for demand in must:
        code = demand["code"]
        if code in has:
            met = bool(has[code]) or bool(PAPER_KINDS.get(code, frozenset()) & found)
        elif code in PAPER_KINDS:
            met = bool(PAPER_KINDS[code] & found)
        else:
            continue
        if not met:
            lacking.append(demand)
    return lacking
