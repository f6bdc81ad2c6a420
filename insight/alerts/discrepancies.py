"""Where the books did not add up, and whose officials look into it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot
from insight.reach import Reach
from parties.network.models import County, Organisation, Outlet
from traceability.balance.models import Discrepancy

LOOK_BACK = timedelta(days=30)
"""How long goods booked in late count as news; the graver kinds do until they are settled."""
KINDS = ("more_out", "yield_over", "yield_low", "booked_late")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which discrepancies are asked for."""

    kind: str | None = None
    county: str | None = None
    supplier: str | None = None
    lot_no: str | None = None
    settled: bool = False
    id: int | None = None


def discrepancy_rows(asked: Asked, reach: Reach) -> Select[Any]:
    """Select discrepancies within reach, newest first.

    A county sees those of its own places and those of its own suppliers' goods.
    """
    query = (
        select(
            Discrepancy.id,
            Discrepancy.kind,
            Discrepancy.event_id,
            Discrepancy.noted_at,
            Discrepancy.quantity,
            Discrepancy.figures,
            Discrepancy.county_code.label("owner_code"),
            County.name_zh.label("owner_zh"),
            County.name_en.label("owner_en"),
            Discrepancy.settled_at,
            Discrepancy.settled_note,
            Lot.id.label("lot_id"),
            Lot.lot_no,
            Product.name_zh,
            Product.name_en,
            Product.county_code.label("goods_county"),
            Sku.base_unit,
            Organisation.code.label("supplier_code"),
            Organisation.short_zh,
            Organisation.short_en,
            Outlet.code,
            Outlet.county_code,
            Outlet.name_zh.label("outlet_zh"),
            Outlet.name_en.label("outlet_en"),
        )
        .join(Lot, Lot.id == Discrepancy.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Organisation, Organisation.id == Lot.organisation_id)
        .outerjoin(Outlet, Outlet.place_id == Discrepancy.place_id)
        .outerjoin(County, County.code == Discrepancy.county_code)
        .where(
            reach.within(Discrepancy.county_code, Product.county_code),
            Discrepancy.settled_at.is_not(None)
            if asked.settled
            else Discrepancy.settled_at.is_(None),
        )
        .order_by(Discrepancy.noted_at.desc(), Discrepancy.id.desc())
    )
    if asked.id is not None:
        query = query.where(Discrepancy.id == asked.id)
    if asked.kind in KINDS:
        query = query.where(Discrepancy.kind == asked.kind)
    if asked.county:
        query = query.where(Discrepancy.county_code == asked.county)
    if asked.supplier:
        query = query.where(Organisation.code == asked.supplier)
    if asked.lot_no:
        query = query.where(Lot.lot_no.contains(asked.lot_no.upper(), autoescape=True))
    return query


def discrepancies(
    session: Session, now: datetime, reach: Reach, *, limit: int = 200
) -> list[Row[Any]]:
    """Give what officials should look into now: `discrepancy_rows` that stand."""
    query = discrepancy_rows(Asked(), reach).where(
        or_(Discrepancy.kind != "booked_late", Discrepancy.noted_at >= now - LOOK_BACK)
    )
    return list(session.execute(query.limit(limit)))


def one_discrepancy(session: Session, discrepancy_id: int, reach: Reach) -> Discrepancy:
    """Give a discrepancy within reach; raise NotFound."""
    found = session.scalar(
        select(Discrepancy)
        .join(Lot, Lot.id == Discrepancy.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(
            Discrepancy.id == discrepancy_id,
            reach.within(Discrepancy.county_code, Product.county_code),
        )
    )
    if found is None:
        raise NotFound("There is no such discrepancy")
    return found
