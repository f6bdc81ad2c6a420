"""Outlets: the registry, one outlet, and how many of them stand."""

from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from admin.forms import OutletFilter
from foundation.errors import NotFound
from goods.catalogue.models import Product, Sku
from goods.stock.models import Hold, Lot, StockBalance
from insight.reach import Reach
from insight.rollups.models import SalesCell
from parties.network.models import County, Organisation, Outlet, Place, PlanTarget, Town


def stands(session: Session, reach: Reach) -> dict[tuple[str, str], dict[str, int]]:
    """Give by (county, tier) how many outlets have each status. One statement."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    rows = session.execute(
        select(Outlet.county_code, Outlet.tier, Outlet.status, func.count())
        .where(reach.within(Outlet.county_code))
        .group_by(Outlet.county_code, Outlet.tier, Outlet.status)
    )
    for county, tier, status, count in rows:
        found.setdefault((county or "", tier), {})[status] = int(count)
    return found


def plan_targets(session: Session, plan_id: int) -> list[PlanTarget]:
    """Give a plan's targets in its order."""
    return list(
        session.scalars(
            select(PlanTarget).where(PlanTarget.plan_id == plan_id).order_by(PlanTarget.sort)
        )
    )


def outlets(asked: OutletFilter, reach: Reach, *, since: date, until: date) -> Select[Any]:
    """Select the registry's rows with what each sold from `since` to `until`."""
    sold = (
        select(func.sum(SalesCell.amount_fen))
        .where(
            SalesCell.place_id == Outlet.place_id,
            SalesCell.business_date >= since,
            SalesCell.business_date <= until,
        )
        .scalar_subquery()
    )
    query = (
        select(
            Outlet.place_id,
            Outlet.code,
            Outlet.slug,
            Outlet.name_zh,
            Outlet.name_en,
            Outlet.tier,
            Outlet.county_code,
            Outlet.mode,
            Outlet.counter_type,
            Outlet.status,
            Outlet.demo,
            County.name_zh.label("county_zh"),
            County.name_en.label("county_en"),
            Organisation.code.label("operator_code"),
            Organisation.short_zh,
            Organisation.short_en,
            Place.gln,
            func.coalesce(sold, 0).label("sold_fen"),
        )
        .join(Place, Place.id == Outlet.place_id)
        .join(Organisation, Organisation.id == Outlet.operator_id)
        .outerjoin(County, County.code == Outlet.county_code)
        .where(reach.within(Outlet.county_code))
        .order_by(Outlet.code)
    )
    plain: list[tuple[Any, str | None]] = [
        (Outlet.tier, asked.tier),
        (Outlet.county_code, asked.county),
        (Outlet.status, asked.status),
        (Outlet.mode, asked.mode),
        (Organisation.code, asked.operator),
    ]
    query = query.where(*(column == value for column, value in plain if value is not None))
    if asked.text:
        low = asked.text.lower()
        query = query.where(
            or_(
                func.lower(Outlet.code).contains(low, autoescape=True),
                Outlet.name_zh.contains(asked.text, autoescape=True),
                func.lower(Outlet.name_en).contains(low, autoescape=True),
                Place.gln == asked.text,
            )
        )
    return query


def one_outlet(session: Session, code: str, reach: Reach) -> Row[Any]:
    """Give an outlet with its place, operator, county and town; raise NotFound."""
    row = session.execute(
        select(Outlet, Place, Organisation, County, Town)
        .join(Place, Place.id == Outlet.place_id)
        .join(Organisation, Organisation.id == Outlet.operator_id)
        .outerjoin(County, County.code == Outlet.county_code)
        .outerjoin(Town, Town.code == Place.town_code)
        .where(Outlet.code == code, reach.within(Outlet.county_code))
    ).first()
    if row is None:
        raise NotFound("There is no such outlet")
    return row


def stock_at(session: Session, place_id: int, *, limit: int = 200) -> list[Row[Any]]:
    """Give what a place holds by lot, nearest date first; recalled lots say so."""
    held = (
        select(func.count())
        .where(Hold.lot_id == Lot.id, Hold.released_at.is_(None))
        .scalar_subquery()
    )
    return list(
        session.execute(
            select(
                Lot.id.label("lot_id"),
                Lot.lot_no,
                Lot.best_before,
                Lot.produced_on,
                Product.name_zh,
                Product.name_en,
                Product.county_code,
                Sku.spec_zh,
                Sku.spec_en,
                Sku.base_unit,
                StockBalance.on_hand,
                StockBalance.reserved,
                held.label("holds"),
            )
            .join(Lot, Lot.id == StockBalance.lot_id)
            .join(Sku, Sku.id == Lot.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .where(StockBalance.place_id == place_id, StockBalance.on_hand > 0)
            .order_by(Lot.best_before.is_(None), Lot.best_before, Lot.id)
            .limit(limit)
        )
    )
