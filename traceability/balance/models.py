"""Tables of the mass balance: which lot went into which, and what did not add up."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big


class LotFlow(Base):
    """One edge of the graph of lots: a transformation used `from_lot` and made `to_lot`.

    Derived from `event_lots` while an event is recorded, so that a recall walks edges and not
    events; it can be thrown away and made again.
    """

    __tablename__ = "lot_flows"
    __table_args__ = (Index("ix_lot_flows_to", "to_lot_id", "from_lot_id"),)

    from_lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    to_lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)


class Discrepancy(Base):
    """Goods are out, and the books do not add up: for officials to look into."""

    __tablename__ = "discrepancies"
    __table_args__ = (
        UniqueConstraint("event_id", "lot_id", "kind"),
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint("kind IN ('booked_late', 'more_out', 'yield_over', 'yield_low')", "kind"),
        Index(
            "ix_discrepancies_open",
            "noted_at",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    """booked_late: handed over before it was booked in; more_out: the same, and by then more had
    left the lot than ever came into it; yield_over, yield_low: a transformation outside its
    template's range."""
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    county_code: Mapped[str | None] = mapped_column(String(6), index=True)
    """Whose officials look into it: the county of the place, else of the supplier."""
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"))
    quantity: Mapped[int]
    """By how many base units of the lot's SKU it does not add up."""
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    noted_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(Big)
    settled_note: Mapped[str] = mapped_column(String(300), default="")
