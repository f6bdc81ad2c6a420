"""Tables of the stock room: lots, serials, cases, moves, balances, reservations, holds."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class Lot(Base):
    """Goods of one SKU made under the same conditions: AI (10) of its GTIN."""

    __tablename__ = "lots"
    __table_args__ = (UniqueConstraint("sku_id", "lot_no"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    lot_no: Mapped[str] = mapped_column(String(20), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    template: Mapped[str] = mapped_column(String(20))
    template_version: Mapped[int] = mapped_column(default=1)
    produced_on: Mapped[date | None]
    best_before: Mapped[date | None] = mapped_column(index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Instance/lot master data (ilmd) gathered from its steps."""
    next_serial: Mapped[int] = mapped_column(default=1)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class LogisticUnit(Base):
    """A case with an SSCC and what it was packed with."""

    __tablename__ = "logistic_units"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sscc: Mapped[str] = mapped_column(String(18), unique=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), index=True)
    quantity: Mapped[int]
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))
    """packed, in_transit, received, opened."""
    packed_at: Mapped[datetime]


class Serial(Base):
    """One unit with a serial: AI (21), unique per GTIN; its lot is an attribute."""

    __tablename__ = "serials"
    __table_args__ = (
        UniqueConstraint("sku_id", "serial"),
        CheckConstraint(
            "state IN ('commissioned', 'in_transit', 'on_shelf', 'sold', 'returned', 'used',"
            " 'destroyed')",
            "state",
        ),
        Index("ix_serials_lot_place", "lot_id", "place_id", "state"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    serial: Mapped[str] = mapped_column(String(20))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("logistic_units.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))
    withdrawn: Mapped[bool] = mapped_column(default=False)
    """The number never went onto a pack and names nothing any more; the state is destroyed."""


class StockBalance(Base):
    """How many of a lot a place holds: the sum of its moves, never below zero."""

    __tablename__ = "stock_balances"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", "on_hand_not_negative"),
        CheckConstraint("reserved >= 0 AND reserved <= on_hand", "reserved_within_on_hand"),
        Index("ix_stock_balances_sku_place", "sku_id", "place_id"),
    )

    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)


class StockMove(Base):
    """One line of the stock ledger: `quantity` base units into (above nought) or out of a place."""

    __tablename__ = "stock_moves"
    __table_args__ = (
        CheckConstraint("quantity <> 0", "quantity_not_zero"),
        Index("ix_stock_moves_lot_place", "lot_id", "place_id"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"))
    quantity: Mapped[int]
    moved_at: Mapped[datetime]


insert_only(StockMove.__table__)  # type: ignore[arg-type]


class Reservation(Base):
    """So many of a lot at a place promised to one owner, such as an order, until it expires."""

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint("state IN ('held', 'allocated', 'released', 'used')", "state"),
        Index("ix_reservations_owner", "owner"),
        Index(
            "ix_reservations_expiring",
            "expires_at",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    owner: Mapped[str] = mapped_column(String(60))
    line: Mapped[int]
    """Which line of the owner this is for."""
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[datetime | None]


class Hold(Base):
    """A sale block on a lot, a serial or a place; written only by traceability."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN lot_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN serial_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN place_id IS NULL THEN 0 ELSE 1 END) = 1",
            "one_target",
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lots.id"), index=True)
    serial_id: Mapped[int | None] = mapped_column(ForeignKey("serials.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    """recalled, inspection."""
    note_zh: Mapped[str] = mapped_column(String(200))
    note_en: Mapped[str] = mapped_column(String(400))
    event_id: Mapped[UUID]
    placed_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
