"""Suppliers, and one supplier."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import Lot
from insight.reach import Reach
from insight.rollups.models import SalesCell
from parties.network.models import County, Organisation, Place, Town


def suppliers(
    reach: Reach, *, text: str | None, county: str | None, since: date, until: date
) -> Select[Any]:
    """Select suppliers with what they sold from `since` to `until`."""
    sold = (
        select(func.sum(SalesCell.amount_fen))
        .where(
            SalesCell.supplier_id == Organisation.id,
            SalesCell.business_date >= since,
            SalesCell.business_date <= until,
        )
        .correlate(Organisation)
        .scalar_subquery()
    )
    products = (
        select(func.count())
        .select_from(Product)
        .where(Product.supplier_id == Organisation.id, Product.status == "published")
        .correlate(Organisation)
        .scalar_subquery()
    )
    made = (
        select(func.count())
        .select_from(Lot)
        .join(Sku, Sku.id == Lot.sku_id)
        .where(Lot.organisation_id == Organisation.id, Sku.raw.is_(False))
        .correlate(Organisation)
        .scalar_subquery()
    )
    query = (
        select(
            Organisation.id,
            Organisation.code,
            Organisation.kind,
            Organisation.name_zh,
            Organisation.name_en,
            Organisation.uscc,
            Organisation.food_licence,
            Organisation.member_households,
            Organisation.linked_households,
            Organisation.county_code,
            Organisation.demo,
            County.name_zh.label("county_zh"),
            County.name_en.label("county_en"),
            products.label("products"),
            made.label("lots"),
            func.coalesce(sold, 0).label("sold_fen"),
        )
        .outerjoin(County, County.code == Organisation.county_code)
        .where(Organisation.role == "supplier", reach.within(Organisation.county_code))
        .order_by(Organisation.code)
    )
    if county:
        query = query.where(Organisation.county_code == county)
    if text:
        low = text.lower()
        query = query.where(
            or_(
                Organisation.name_zh.contains(text, autoescape=True),
                func.lower(Organisation.name_en).contains(low, autoescape=True),
                func.lower(Organisation.code) == low,
                Organisation.uscc == text.upper(),
            )
        )
    return query


class Supplier(NamedTuple):
    """A supplier with what is on file of it."""

    organisation: Organisation
    county: County | None
    town: Town | None
    places: list[Place]
    products: list[Row[Any]]
    papers: list[Certificate]
    lots: list[Row[Any]]
    lot_count: int


MOST_LOTS = 20


def one_supplier(session: Session, code: str, reach: Reach) -> Supplier:
    """Give a supplier within reach; raise NotFound."""
    row = session.execute(
        select(Organisation, County, Town)
        .outerjoin(County, County.code == Organisation.county_code)
        .outerjoin(Town, Town.code == Organisation.town_code)
        .where(
            Organisation.code == code,
            Organisation.role == "supplier",
            reach.within(Organisation.county_code),
        )
    ).first()
    if row is None:
        raise NotFound("There is no such supplier")
    organisation, county, town = row
    made = (
        select(
            Lot.id,
            Lot.lot_no,
            Lot.produced_on,
            Lot.best_before,
            Product.name_zh,
            Product.name_en,
            Sku.spec_zh,
            Sku.spec_en,
        )
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(Lot.organisation_id == organisation.id, Sku.raw.is_(False))
    )
    return Supplier(
        organisation,
        county,
        town,
        list(
            session.scalars(
                select(Place)
                .where(Place.organisation_id == organisation.id, Place.kind != "transit")
                .order_by(Place.kind, Place.id)
            )
        ),
        list(
            session.execute(
                select(
                    Product.code,
                    Product.name_zh,
                    Product.name_en,
                    Product.status,
                    func.count(Sku.id).label("packs"),
                    func.min(Sku.price_fen).label("from_fen"),
                )
                .join(Sku, Sku.product_id == Product.id)
                .where(Product.supplier_id == organisation.id, Sku.raw.is_(False))
                .group_by(Product.id)
                .order_by(Product.code)
            )
        ),
        list(
            session.scalars(
                select(Certificate)
                .where(Certificate.organisation_id == organisation.id)
                .order_by(Certificate.valid_to.is_(None), Certificate.valid_to.desc())
                .limit(MOST_LOTS)
            )
        ),
        list(session.execute(made.order_by(Lot.id.desc()).limit(MOST_LOTS))),
        session.scalar(select(func.count()).select_from(made.subquery())) or 0,
    )
