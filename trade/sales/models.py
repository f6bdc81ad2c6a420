"""Tables of sales: facts, never changed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class Sale(Base):
    """Goods that changed hands for money: one receipt at a till, or one parcel of an order."""

    __tablename__ = "sales"
    __table_args__ = (
        Index("ix_sales_place_day", "place_id", "business_date"),
        Index("ix_sales_day", "business_date"),
        CheckConstraint("channel IN ('counter', 'online')", "channel"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    """Made by the sender; the same key with the same content is the same sale."""
    content_digest: Mapped[str] = mapped_column(String(32))
    number: Mapped[str] = mapped_column(String(40), unique=True)
    """Readable, as printed on the receipt."""
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    """The outlet that sold."""
    channel: Mapped[str] = mapped_column(String(8))
    order_ref: Mapped[str | None] = mapped_column(String(40), index=True)
    sold_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    business_date: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    total_fen: Mapped[int]
    event_id: Mapped[UUID]
    actor_id: Mapped[int | None] = mapped_column(Big)


insert_only(Sale.__table__)  # type: ignore[arg-type]


class SaleLine(Base):
    """So many of one SKU from one lot, at the price charged."""

    __tablename__ = "sale_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint("lot_certainty IN ('scanned', 'chosen', 'inferred')", "lot_certainty"),
        Index("ix_sale_lines_lot", "lot_id"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sale_id: Mapped[UUID] = mapped_column(ForeignKey("sales.id"), index=True)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"))
    serial_id: Mapped[int | None] = mapped_column(ForeignKey("serials.id"), index=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    quantity: Mapped[int]
    unit_price_fen: Mapped[int]
    list_price_fen: Mapped[int]
    """What the price list said at its `price_version`; a difference is flagged, never corrected."""
    price_version: Mapped[int]
    total_fen: Mapped[int]
    lot_certainty: Mapped[str] = mapped_column(String(8))


insert_only(SaleLine.__table__)  # type: ignore[arg-type]


class Tender(Base):
    """How a sale, or a part of it, was paid."""

    __tablename__ = "tenders"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("kind IN ('cash', 'shop_qr', 'voucher', 'stripe')", "kind"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sale_id: Mapped[UUID] = mapped_column(ForeignKey("sales.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    amount_fen: Mapped[int]
    received_fen: Mapped[int]
    reference: Mapped[str] = mapped_column(String(80), default="")


insert_only(Tender.__table__)  # type: ignore[arg-type]
