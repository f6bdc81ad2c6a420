"""Lists cut into pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: `items`, its `number` from 1, and the `total` of all pages' items."""

    items: Sequence[Any]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """Give how many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def has_next(self) -> bool:
        """Tell whether a page follows."""
        return self.number < self.pages


def page_of(
    session: Session, query: Select[Any], *, number: int = 1, size: int = 24, scalars: bool = False
) -> Page:
    """Read page `number` of `query`; a number beyond the last gives the last. Two statements."""
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    last = max(1, -(-total // size))
    number = min(max(1, number), last)
    rows = session.execute(query.limit(size).offset((number - 1) * size))
    items = rows.scalars().all() if scalars else rows.all()
    return Page(items, number, size, total)
