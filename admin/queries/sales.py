"""Sales, line by line."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from admin.forms import SalesFilter
from foundation.errors import NotFound
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Serial
from insight.reach import Reach
from parties.network.models import Organisation, Outlet
from trade.sales.models import Sale, SaleLine, Tender


def sale_lines(asked: SalesFilter, reach: Reach) -> Select[Any]:
    """Select the lines behind a figure, newest first: the same conditions as the totals."""
    return (
        _joined(
            select(
                SaleLine.id,
                Sale.id.label("sale_id"),
                Sale.number,
                Sale.sold_at,
                Sale.business_date,
                Sale.channel,
                Outlet.code.label("outlet_code"),
                Outlet.name_zh.label("outlet_zh"),
                Outlet.name_en.label("outlet_en"),
                Outlet.county_code.label("outlet_county"),
                Outlet.tier,
                Product.code.label("product_code"),
                Product.name_zh,
                Product.name_en,
                Product.county_code,
                Sku.spec_zh,
                Sku.spec_en,
                Sku.base_unit,
                Lot.id.label("lot_id"),
                Lot.lot_no,
                SaleLine.lot_certainty,
                SaleLine.quantity,
                SaleLine.unit_price_fen,
                SaleLine.list_price_fen,
                SaleLine.total_fen,
                Organisation.code.label("supplier_code"),
                Organisation.short_zh,
                Organisation.short_en,
            )
        )
        .where(*_conditions(asked, reach))
        .order_by(Sale.sold_at.desc(), SaleLine.id.desc())
    )


class Sums(NamedTuple):
    """What the lines of a filter add up to."""

    lines: int
    sales: int
    quantity: int
    amount_fen: int


def sums(session: Session, asked: SalesFilter, reach: Reach) -> Sums:
    """Add up the lines of a filter. One statement."""
    row = session.execute(
        _joined(
            select(
                func.count(SaleLine.id),
                func.count(func.distinct(Sale.id)),
                func.coalesce(func.sum(SaleLine.quantity), 0),
                func.coalesce(func.sum(SaleLine.total_fen), 0),
            )
        ).where(*_conditions(asked, reach))
    ).one()
    return Sums(*(int(each) for each in row))


def _joined(query: Select[Any]) -> Select[Any]:
    return (
        query.select_from(SaleLine)
        .join(Sale, Sale.id == SaleLine.sale_id)
        .join(Sku, Sku.id == SaleLine.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Lot, Lot.id == SaleLine.lot_id)
        .join(Outlet, Outlet.place_id == Sale.place_id)
        .join(Organisation, Organisation.id == SaleLine.supplier_id)
    )


def _conditions(asked: SalesFilter, reach: Reach) -> list[ColumnElement[bool]]:
    cut = asked.slice
    wanted: list[ColumnElement[bool]] = [
        Sale.business_date >= cut.first,
        Sale.business_date <= cut.last,
        reach.within(Product.county_code, Outlet.county_code),
    ]
    plain: list[tuple[Any, str | int | None]] = [
        (Product.county_code, cut.origin_county),
        (Outlet.county_code, cut.outlet_county),
        (Product.category_code, cut.category),
        (Outlet.tier, cut.tier),
        (Sale.channel, cut.channel),
        (Organisation.code, cut.supplier),
        (Product.code, cut.product),
        (Outlet.code, cut.outlet),
        (SaleLine.lot_id, asked.lot_id),
    ]
    wanted += [column == value for column, value in plain if value is not None]
    if asked.number is not None:
        wanted.append(Sale.number.contains(asked.number.upper(), autoescape=True))
    if asked.flagged:
        wanted.append(SaleLine.unit_price_fen != SaleLine.list_price_fen)
    return wanted


class OneSale(NamedTuple):
    """A sale with what is shown of it."""

    sale: Sale
    outlet: Outlet
    lines: list[Row[Any]]
    tenders: list[Tender]
    hidden: int
    """How many lines are other counties' business."""


def one_sale(session: Session, sale_id: UUID, reach: Reach) -> OneSale:
    """Give a sale as far as it is within reach; raise NotFound when no line of it is.

    A county sees all of a sale at its own outlets, and of other sales the lines of its own goods.
    """
    row = session.execute(
        select(Sale, Outlet)
        .join(Outlet, Outlet.place_id == Sale.place_id)
        .where(Sale.id == sale_id)
    ).first()
    lines = list(
        session.execute(
            _joined(
                select(
                    SaleLine,
                    Sku.spec_zh,
                    Sku.spec_en,
                    Sku.base_unit,
                    Product.code.label("product_code"),
                    Product.name_zh,
                    Product.name_en,
                    Product.county_code,
                    Lot.lot_no,
                    Organisation.code.label("supplier_code"),
                    Organisation.short_zh,
                    Organisation.short_en,
                    Serial.serial,
                )
            )
            .outerjoin(Serial, Serial.id == SaleLine.serial_id)
            .where(
                SaleLine.sale_id == sale_id,
                reach.within(Product.county_code, Outlet.county_code),
            )
            .order_by(SaleLine.id)
        )
    )
    if row is None or not lines:
        raise NotFound("There is no such sale")
    sale, outlet = row
    count = session.scalar(
        select(func.count()).select_from(SaleLine).where(SaleLine.sale_id == sale_id)
    )
    hidden = (count or 0) - len(lines)
    tenders = (
        list(session.scalars(select(Tender).where(Tender.sale_id == sale_id).order_by(Tender.id)))
        if reach.covers(outlet.county_code)
        else []
    )
    return OneSale(sale, outlet, lines, tenders, hidden)
