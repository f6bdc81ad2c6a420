"""The desk's own products, papers and stock."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from goods.catalogue.models import (
    Category,
    Certificate,
    ComplianceClass,
    Product,
    ReturnPolicy,
    Sku,
)
from goods.stock.models import Lot, StockBalance
from parties.network.models import County, Organisation, Place
from traceability.models import TraceTemplate

STATUSES = ("draft", "published", "unpublished")


def like(words: str) -> str:
    """Make a pattern of what somebody typed into a search box."""
    return f"%{words.lower().replace('%', '').replace('_', '')}%"


def products_query(
    organisations: Collection[int], *, status: str = "", words: str = ""
) -> Select[tuple[Product]]:
    """Select the desk's products by code."""
    query = select(Product).where(Product.supplier_id.in_(organisations)).order_by(Product.code)
    if status in STATUSES:
        query = query.where(Product.status == status)
    if words:
        query = query.where(Product.search_text.like(like(words)))
    return query


class PackRow(NamedTuple):
    """A pack with how many are free at the supplier's own places."""

    sku: Sku
    free: int


def packs_of(
    session: Session, organisations: Collection[int], product_ids: Collection[int]
) -> dict[int, list[PackRow]]:
    """Give packs by product, with their free stock. One statement."""
    own = (
        select(
            StockBalance.sku_id,
            func.sum(StockBalance.on_hand - StockBalance.reserved).label("free"),
        )
        .join(Place, Place.id == StockBalance.place_id)
        .where(Place.organisation_id.in_(organisations), Place.kind != "transit")
        .group_by(StockBalance.sku_id)
        .subquery()
    )
    found: dict[int, list[PackRow]] = {}
    for sku, free in session.execute(
        select(Sku, func.coalesce(own.c.free, 0))
        .outerjoin(own, own.c.sku_id == Sku.id)
        .where(Sku.product_id.in_(product_ids))
        .order_by(Sku.product_id, Sku.sort, Sku.id)
    ).tuples():
        found.setdefault(sku.product_id, []).append(PackRow(sku, int(free)))
    return found


def own_product(
    session: Session, organisations: Collection[int], product_id: int
) -> tuple[Product, Organisation]:
    """Give one of the desk's products by the list's query; raise NotFound."""
    product = session.scalar(products_query(organisations).where(Product.id == product_id))
    if product is None:
        raise NotFound("There is no such product")
    return product, session.get_one(Organisation, product.supplier_id)


class Codes(NamedTuple):
    """Every code that a product may refer to."""

    categories: Sequence[str]
    counties: Sequence[str]
    compliance: Sequence[str]
    returns: Sequence[str]
    templates: Sequence[str]


def codes(session: Session) -> Codes:
    """Give the codes of classes, counties and templates. Five statements."""
    return Codes(
        session.scalars(select(Category.code)).all(),
        session.scalars(select(County.code)).all(),
        session.scalars(select(ComplianceClass.code)).all(),
        session.scalars(select(ReturnPolicy.code)).all(),
        session.scalars(select(TraceTemplate.code).distinct()).all(),
    )


def papers_query(
    organisations: Collection[int], *, kind: str = "", words: str = ""
) -> Select[tuple[Certificate, Product]]:
    """Select the desk's papers with the product they are of, those that end first on top."""
    query = (
        select(Certificate, Product)
        .outerjoin(Product, Product.id == Certificate.product_id)
        .where(Certificate.organisation_id.in_(organisations))
        .order_by(
            Certificate.valid_to.is_(None),
            Certificate.valid_to,
            Certificate.issued_on.desc(),
            Certificate.id.desc(),
        )
    )
    if kind:
        query = query.where(Certificate.kind == kind)
    if words:
        query = query.where(func.lower(Certificate.number).like(like(words)))
    return query


def own_paper(session: Session, organisations: Collection[int], paper_id: int) -> Certificate:
    """Give one of the desk's papers by the list's query; raise NotFound."""
    row = session.execute(papers_query(organisations).where(Certificate.id == paper_id)).first()
    if row is None:
        raise NotFound("There is no such paper")
    paper: Certificate = row[0]
    return paper


def stock_query(
    organisations: Collection[int], *, place_id: int | None = None, words: str = ""
) -> Select[tuple[StockBalance, Lot, Sku, Product, Place]]:
    """Select what lies where of which lot, first to expire on top."""
    query = (
        select(StockBalance, Lot, Sku, Product, Place)
        .join(Lot, Lot.id == StockBalance.lot_id)
        .join(Sku, Sku.id == StockBalance.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Place, Place.id == StockBalance.place_id)
        .where(
            Place.organisation_id.in_(organisations),
            Place.kind != "transit",
            StockBalance.on_hand > 0,
        )
        .order_by(
            Sku.raw,
            Lot.best_before.is_(None),
            Lot.best_before,
            Lot.id,
            StockBalance.place_id,
        )
    )
    if place_id is not None:
        query = query.where(Place.id == place_id)
    if words:
        query = query.where(
            Product.search_text.like(like(words)) | func.lower(Lot.lot_no).like(like(words))
        )
    return query
