"""Receipts and the day's totals of one counter."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Integer, Row, Select, cast, func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.paging import Page, page_of
from goods.catalogue.models import Product, Sku
from trade.sales.models import Sale, SaleLine, Tender
from trade.sales.queries import lines_of, tenders_of

PAGE = 24
MOST_EXPORTED = 20_000


class Receipt(NamedTuple):
    """One sale with its lines and tenders."""

    sale: Sale
    lines: list[Row[Any]]
    tenders: list[Tender]


def receipt_of(session: Session, place_id: int, sale_id: UUID) -> Receipt:
    """Give a receipt of this counter; raise NotFound for another's."""
    sale = session.scalar(
        select(Sale).where(Sale.id == sale_id, Sale.place_id == place_id, Sale.channel == "counter")
    )
    if sale is None:
        raise NotFound("There is no such receipt at this counter")
    return Receipt(sale, list(lines_of(session, sale_id)), tenders_of(session, sale_id))


def _receipts(place_id: int, day: date | None, number: str) -> Select[Any]:
    pieces = (
        select(func.sum(SaleLine.quantity))
        .where(SaleLine.sale_id == Sale.id)
        .correlate(Sale)
        .scalar_subquery()
    )
    query = select(Sale.id, Sale.number, Sale.sold_at, Sale.business_date, Sale.total_fen, pieces)
    query = query.where(Sale.place_id == place_id, Sale.channel == "counter")
    if day is not None:
        query = query.where(Sale.business_date == day)
    if number:
        query = query.where(Sale.number.icontains(number, autoescape=True))
    return query.order_by(Sale.sold_at.desc(), Sale.id.desc())


def receipts_page(
    session: Session, place_id: int, *, day: date | None, number: str, page: int
) -> tuple[Page, dict[UUID, list[tuple[str, int]]]]:
    """Give a page of receipts, newest first, and how each was paid. Three statements."""
    listed = page_of(session, _receipts(place_id, day, number), number=page, size=PAGE)
    ids = [row[0] for row in listed.items]
    paid: dict[UUID, list[tuple[str, int]]] = {}
    for sale_id, kind, fen in session.execute(
        select(Tender.sale_id, Tender.kind, Tender.amount_fen)
        .where(Tender.sale_id.in_(ids))
        .order_by(Tender.id)
    ).tuples():
        paid.setdefault(sale_id, []).append((kind, fen))
    return listed, paid


def receipts_exported(
    session: Session, place_id: int, *, day: date | None, number: str
) -> list[Row[Any]]:
    """Give receipts for a file, at most 20,000."""
    return list(session.execute(_receipts(place_id, day, number).limit(MOST_EXPORTED)))


class SoldKind(NamedTuple):
    """How much of one pack was sold."""

    gtin: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    quantity: int
    total_fen: int


class Day(NamedTuple):
    """One business day of a counter so far."""

    sales: int
    total_fen: int
    by_tender: dict[str, tuple[int, int]]
    """Kind → (how many sales, fen)."""
    by_pack: list[SoldKind]


def day_of(session: Session, place_id: int, day: date) -> Day:
    """Add up one business day of a counter. Three statements."""
    here = (Sale.place_id == place_id, Sale.channel == "counter", Sale.business_date == day)
    count, total = session.execute(
        select(func.count(), func.coalesce(func.sum(Sale.total_fen), 0)).where(*here)
    ).one()
    tenders = session.execute(
        select(Tender.kind, func.count(Tender.sale_id.distinct()), func.sum(Tender.amount_fen))
        .join(Sale, Sale.id == Tender.sale_id)
        .where(*here)
        .group_by(Tender.kind)
    )
    packs = session.execute(
        select(
            Sku.gtin,
            Product.name_zh,
            Product.name_en,
            Sku.spec_zh,
            Sku.spec_en,
            cast(func.sum(SaleLine.quantity), Integer),
            cast(func.sum(SaleLine.total_fen), BigInteger),
        )
        .join(Sale, Sale.id == SaleLine.sale_id)
        .join(Sku, Sku.id == SaleLine.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(*here)
        .group_by(Sku.gtin, Product.name_zh, Product.name_en, Sku.spec_zh, Sku.spec_en)
        .order_by(func.sum(SaleLine.total_fen).desc(), Sku.gtin)
    )
    return Day(
        count,
        int(total),
        {kind: (how_many, int(fen)) for kind, how_many, fen in tenders.tuples()},
        [SoldKind(*row) for row in packs.tuples()],
    )
