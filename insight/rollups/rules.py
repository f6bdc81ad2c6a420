"""What a look at the totals asks for, and how totals are folded together."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)

MOST_DAYS_BY_DAY = 93
"""A longer period is drawn by month."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Which sales are meant: a period (both days within) and any of the dimensions, by code."""

    first: date
    last: date
    origin_county: str | None = None
    """County that the goods come from."""
    outlet_county: str | None = None
    """County that the outlet stands in."""
    category: str | None = None
    tier: str | None = None
    channel: str | None = None
    supplier: str | None = None
    product: str | None = None
    outlet: str | None = None

    @property
    def days(self) -> int:
        """Give the number of days."""
        return (self.last - self.first).days + 1


def before(period: Slice) -> Slice:
    """Give the period of the same number of days that ends the day before this one begins."""
    from dataclasses import replace

    length = timedelta(days=period.days)
    return replace(period, first=period.first - length, last=period.last - length)


class Cell(NamedTuple):
    """A total of one combination of dimensions."""

    product_id: int
    supplier_id: int
    category: str
    origin_county: str
    outlet_county: str | None
    tier: str
    channel: str
    quantity: int
    amount_fen: int


class DayCell(NamedTuple):
    """A total of one business day and channel."""

    day: date
    channel: str
    quantity: int
    amount_fen: int


@dataclass(slots=True)
class Total:
    """What was sold under one heading, now and in the period before."""

    amount_fen: int = 0
    quantity: int = 0
    before_fen: int = 0
    suppliers: set[int] = field(default_factory=set)

    @property
    def change_fen(self) -> int:
        """Give by how much this period is above the one before."""
        return self.amount_fen - self.before_fen


def fold(
    now: Iterable[Cell], earlier: Iterable[Cell], by: Callable[[Cell], Key]
) -> dict[Key, Total]:
    """Add cells up under `by`, largest amount first; `earlier` are those of the period before."""
    totals: dict[Key, Total] = {}
    for cell in now:
        total = totals.setdefault(by(cell), Total())
        total.amount_fen += cell.amount_fen
        total.quantity += cell.quantity
        total.suppliers.add(cell.supplier_id)
    for cell in earlier:
        totals.setdefault(by(cell), Total()).before_fen += cell.amount_fen
    order = sorted(totals.items(), key=lambda item: (-item[1].amount_fen, str(item[0])))
    return dict(order)


def households(suppliers: Iterable[int], linked: Mapping[int, int]) -> int:
    """Count the linked households of these suppliers, each supplier once."""
    return sum(linked.get(supplier, 0) for supplier in set(suppliers))


class Bucket(NamedTuple):
    """A day or a month of a chart: its first and last day within the period."""

    first: date
    last: date


def buckets(first: date, last: date) -> list[Bucket]:
    """Cut a period into days, or into calendar months when there are too many days to draw."""
    if (last - first).days < MOST_DAYS_BY_DAY:
        days = (last - first).days + 1
        return [Bucket(first + timedelta(days=n), first + timedelta(days=n)) for n in range(days)]
    found: list[Bucket] = []
    start = first
    while start <= last:
        month_end = (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        found.append(Bucket(start, min(month_end, last)))
        start = month_end + timedelta(days=1)
    return found


def into_buckets(
    cells: Iterable[DayCell], cut: list[Bucket], channel: str | None = None
) -> list[int]:
    """Add the amounts (fen) of one channel, or of all, into the buckets."""
    sums: dict[date, int] = {}
    for cell in cells:
        if channel is None or cell.channel == channel:
            sums[cell.day] = sums.get(cell.day, 0) + cell.amount_fen
    return [
        sum(amount for day, amount in sums.items() if bucket.first <= day <= bucket.last)
        for bucket in cut
    ]
