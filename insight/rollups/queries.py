"""Questions to the totals."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Product
from insight.reach import Reach
from insight.rollups.models import DirtyCell, SalesCell
from insight.rollups.rules import Cell, DayCell, Slice
from parties.network.models import Organisation, Outlet


def conditions(period: Slice, reach: Reach) -> list[ColumnElement[bool]]:
    """Give what a cell must be to belong to `period` and lie within `reach`.

    A county sees what its goods sold anywhere and what its outlets sold of anybody's goods.
    """
    wanted: list[ColumnElement[bool]] = [
        SalesCell.business_date >= period.first,
        SalesCell.business_date <= period.last,
        reach.within(SalesCell.origin_county, SalesCell.outlet_county),
    ]
    plain: list[tuple[Any, str | None]] = [
        (SalesCell.origin_county, period.origin_county),
        (SalesCell.outlet_county, period.outlet_county),
        (SalesCell.category_code, period.category),
        (SalesCell.tier, period.tier),
        (SalesCell.channel, period.channel),
    ]
    wanted += [column == value for column, value in plain if value is not None]
    if period.supplier is not None:
        supplier = select(Organisation.id).where(Organisation.code == period.supplier)
        wanted.append(SalesCell.supplier_id == supplier.scalar_subquery())
    if period.product is not None:
        product = select(Product.id).where(Product.code == period.product)
        wanted.append(SalesCell.product_id == product.scalar_subquery())
    if period.outlet is not None:
        outlet = select(Outlet.place_id).where(Outlet.code == period.outlet)
        wanted.append(SalesCell.place_id == outlet.scalar_subquery())
    return wanted


def cells(session: Session, period: Slice, reach: Reach) -> list[Cell]:
    """Give the totals of a period by every dimension but time and outlet. One statement."""
    dimensions = (
        SalesCell.product_id,
        SalesCell.supplier_id,
        SalesCell.category_code,
        SalesCell.origin_county,
        SalesCell.outlet_county,
        SalesCell.tier,
        SalesCell.channel,
    )
    rows = session.execute(
        select(*dimensions, func.sum(SalesCell.quantity), func.sum(SalesCell.amount_fen))
        .where(*conditions(period, reach))
        .group_by(*dimensions)
    )
    return [Cell._make((*row[:7], int(row[7]), int(row[8]))) for row in rows]


def days(session: Session, period: Slice, reach: Reach) -> list[DayCell]:
    """Give the totals of a period by day and channel, oldest first. One statement."""
    rows = session.execute(
        select(
            SalesCell.business_date,
            SalesCell.channel,
            func.sum(SalesCell.quantity),
            func.sum(SalesCell.amount_fen),
        )
        .where(*conditions(period, reach))
        .group_by(SalesCell.business_date, SalesCell.channel)
        .order_by(SalesCell.business_date, SalesCell.channel)
    )
    return [DayCell(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


def waiting_since(session: Session) -> datetime | None:
    """Tell since when the oldest sale waits to be counted; None when all are counted."""
    return session.scalar(select(func.min(DirtyCell.marked_at)))


def first_day(session: Session) -> date | None:
    """Give the first business day on which anything was sold; None before the first sale."""
    return session.scalar(select(func.min(SalesCell.business_date)))
