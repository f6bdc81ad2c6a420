"""Cases and shipments of the desk, and where goods may be sent."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from foundation.errors import NotFound
from foundation.paging import Page, page_of
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, StockBalance
from parties.network.models import Outlet, Place
from traceability.models import EventUnit, Shipment, TraceEvent

KINDS = ("warehouse", "workshop")


class Loose(NamedTuple):
    """How many packs of a lot lie loose at a place."""

    place: Place
    loose: int


def loose_at(session: Session, lot_id: int, organisation_id: int) -> list[Loose]:
    """Give where packs of a lot lie that are in no case, most first. One statement."""
    packed = (
        select(LogisticUnit.place_id, func.sum(LogisticUnit.quantity).label("packed"))
        .where(LogisticUnit.lot_id == lot_id, LogisticUnit.state == "packed")
        .group_by(LogisticUnit.place_id)
        .subquery()
    )
    left = StockBalance.on_hand - StockBalance.reserved - func.coalesce(packed.c.packed, 0)
    rows = session.execute(
        select(Place, left)
        .join(StockBalance, StockBalance.place_id == Place.id)
        .outerjoin(packed, packed.c.place_id == Place.id)
        .where(
            StockBalance.lot_id == lot_id,
            Place.organisation_id == organisation_id,
            Place.kind != "transit",
            left > 0,
        )
        .order_by(left.desc(), Place.id)
    ).tuples()
    return [Loose(place, int(count)) for place, count in rows]


def cases_of(session: Session, lot_id: int, *, number: int = 1) -> Page:
    """Give a page of a lot's cases with their places: (unit, place), newest first."""
    query = (
        select(LogisticUnit, Place)
        .join(Place, Place.id == LogisticUnit.place_id)
        .where(LogisticUnit.lot_id == lot_id)
        .order_by(LogisticUnit.id.desc())
    )
    return page_of(session, query, number=number, size=30)


class Packed(NamedTuple):
    """Closed cases of one lot at one place, ready to be sent."""

    lot: Lot
    sku: Sku
    product: Product
    place: Place
    cases: int
    quantity: int


def packed_cases(
    session: Session, organisations: Collection[int], lot_id: int | None = None
) -> list[Packed]:
    """Give closed cases by lot and place. One statement."""
    query = (
        select(Lot, Sku, Product, Place, func.count(), func.sum(LogisticUnit.quantity))
        .select_from(LogisticUnit)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Place, Place.id == LogisticUnit.place_id)
        .where(
            Lot.organisation_id.in_(organisations),
            Place.organisation_id == Lot.organisation_id,
            LogisticUnit.state == "packed",
        )
        .group_by(Lot.id, Sku.id, Product.id, Place.id)
        .order_by(Lot.best_before, Lot.id, Place.id)
    )
    if lot_id is not None:
        query = query.where(Lot.id == lot_id)
    return [
        Packed(lot, sku, product, place, cases, int(quantity))
        for lot, sku, product, place, cases, quantity in session.execute(query).tuples()
    ]


def first_cases(session: Session, lot_id: int, place_id: int, count: int) -> Sequence[str]:
    """Give the SSCCs of the first closed cases of a lot at a place."""
    return session.scalars(
        select(LogisticUnit.sscc)
        .where(
            LogisticUnit.lot_id == lot_id,
            LogisticUnit.place_id == place_id,
            LogisticUnit.state == "packed",
        )
        .order_by(LogisticUnit.sscc)
        .limit(count)
    ).all()


def _destinations() -> Select[tuple[Place, str]]:
    return (
        select(Place, Outlet.tier)
        .outerjoin(Outlet, Outlet.place_id == Place.id)
        .where(((Outlet.status == "open") & (Outlet.mode == "offline")) | Place.kind.in_(KINDS))
    )


def destinations(
    session: Session,
    organisations: Collection[int],
    *,
    words: str,
    county: str,
    number: int,
) -> Page:
    """Give a page of (place, tier) that cases may be sent to: own places first, then outlets.

    Another supplier's store appears only when it is searched for by name.
    """
    query = _destinations()
    if words:
        like = f"%{words.replace('%', '').replace('_', '')}%"
        query = query.where(Place.name_zh.like(like) | func.lower(Place.name_en).like(like.lower()))
    else:
        query = query.where(Outlet.place_id.is_not(None) | Place.organisation_id.in_(organisations))
    if county:
        query = query.where(Place.county_code == county)
    own = Place.organisation_id.in_(organisations)
    query = query.order_by(own.desc(), Outlet.tier, Place.county_code, Place.id)
    return page_of(session, query, number=number, size=12)


def destination(session: Session, place_id: int) -> Place:
    """Give a place that cases may be sent to; raise NotFound."""
    row = session.execute(_destinations().where(Place.id == place_id)).first()
    if row is None:
        raise NotFound("There is no such place")
    place: Place = row[0]
    return place


def shipments_query(
    organisations: Collection[int], *, state: str = "", words: str = ""
) -> Select[tuple[Shipment, Place, Place]]:
    """Select the desk's shipments with where from and where to, newest first."""
    origin, target = aliased(Place), aliased(Place)
    query = (
        select(Shipment, origin, target)
        .join(origin, origin.id == Shipment.from_place_id)
        .join(target, target.id == Shipment.to_place_id)
        .where(Shipment.organisation_id.in_(organisations))
        .order_by(Shipment.id.desc())
    )
    if state:
        query = query.where(Shipment.state == state)
    if words:
        like = f"%{words.replace('%', '').replace('_', '')}%"
        query = query.where(
            Shipment.number.like(like.upper())
            | Shipment.waybill_no.like(like)
            | target.name_zh.like(like)
        )
    return query


def shipment(
    session: Session, organisations: Collection[int], shipment_id: int
) -> tuple[Shipment, Place, Place]:
    """Give one shipment by the list's query; raise NotFound."""
    row = session.execute(shipments_query(organisations).where(Shipment.id == shipment_id)).first()
    if row is None:
        raise NotFound("There is no such shipment")
    return row[0], row[1], row[2]


def shipped_cases(session: Session, sent: Shipment) -> list[tuple[LogisticUnit, Lot, Sku, Product]]:
    """Give the cases of a shipment with what they hold, by what its event says."""
    event = select(TraceEvent.id).where(
        TraceEvent.transaction_ref == f"urn:shanhuo:shipment:{sent.number}",
        TraceEvent.biz_step == "shipping",
    )
    rows = session.execute(
        select(LogisticUnit, Lot, Sku, Product)
        .join(EventUnit, EventUnit.unit_id == LogisticUnit.id)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(EventUnit.event_id.in_(event))
        .order_by(LogisticUnit.sscc)
    )
    return list(rows.tuples())
