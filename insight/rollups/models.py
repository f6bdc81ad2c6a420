"""Tables of rollups: totals that can be thrown away and made again."""

from datetime import date, datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big


class SalesCell(Base):
    """What one outlet sold of one SKU on one business day through one channel."""

    __tablename__ = "sales_cells"
    __table_args__ = (
        Index("ix_sales_cells_county_day", "origin_county", "business_date"),
        Index("ix_sales_cells_supplier_day", "supplier_id", "business_date"),
    )

    business_date: Mapped[date] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(Big, primary_key=True)
    sku_id: Mapped[int] = mapped_column(Big, primary_key=True)
    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    product_id: Mapped[int] = mapped_column(Big)
    supplier_id: Mapped[int] = mapped_column(Big)
    category_code: Mapped[str] = mapped_column(String(20))
    origin_county: Mapped[str] = mapped_column(String(6))
    """County of the goods: who benefits."""
    outlet_county: Mapped[str | None] = mapped_column(String(6))
    tier: Mapped[str] = mapped_column(String(20))
    sales: Mapped[int]
    quantity: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(Big)


class DirtyCell(Base):
    """A day of an outlet that must be counted afresh."""

    __tablename__ = "dirty_cells"

    business_date: Mapped[date] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(Big, primary_key=True)
    marked_at: Mapped[datetime]
