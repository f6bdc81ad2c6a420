"""Lots: the list, and everything that one lot went through."""

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from admin.forms import LotFilter
from foundation.errors import NotFound
from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import Hold, Lot, StockBalance, StockMove
from insight.alerts.queries import dated_lots
from insight.reach import Reach
from parties.network.models import County, Organisation, Outlet, Place
from traceability.models import (
    EventCertificate,
    EventLot,
    Recall,
    TraceEvent,
    TraceTemplate,
)
from traceability.queries import descendants, lineage
from trade.sales.models import Sale, SaleLine

MOST_EVENTS = 5000


def _balance(*conditions: ColumnElement[bool]) -> Any:
    """Sum a lot's balances; the SKU lets the index find them."""
    return func.coalesce(
        select(func.sum(StockBalance.on_hand))
        .join(Place, Place.id == StockBalance.place_id)
        .where(StockBalance.lot_id == Lot.id, StockBalance.sku_id == Lot.sku_id, *conditions)
        .correlate(Lot)
        .scalar_subquery(),
        0,
    )


def _held() -> ColumnElement[bool]:
    return exists().where(Hold.lot_id == Lot.id, Hold.released_at.is_(None)).correlate(Lot)


def lots(session: Session, asked: LotFilter, reach: Reach, today: date) -> Select[Any]:
    """Select lots of goods within reach, newest first. May read once to find near dates."""
    on_shelf = _balance(Place.kind == "outlet")
    in_transit = _balance(Place.kind == "transit")
    elsewhere = _balance(Place.kind.not_in(("outlet", "transit")))
    sold = func.coalesce(
        select(func.sum(SaleLine.quantity))
        .where(SaleLine.lot_id == Lot.id)
        .correlate(Lot)
        .scalar_subquery(),
        0,
    )
    query = (
        select(
            Lot.id,
            Lot.lot_no,
            Lot.produced_on,
            Lot.best_before,
            Lot.created_at,
            Lot.demo,
            Sku.raw,
            Sku.base_unit,
            Sku.spec_zh,
            Sku.spec_en,
            Sku.name_zh.label("raw_zh"),
            Sku.name_en.label("raw_en"),
            Product.code.label("product_code"),
            Product.name_zh,
            Product.name_en,
            Organisation.code.label("supplier_code"),
            Organisation.short_zh,
            Organisation.short_en,
            County.name_zh.label("county_zh"),
            County.name_en.label("county_en"),
            _held().label("recalled"),
            elsewhere.label("at_supplier"),
            in_transit.label("in_transit"),
            on_shelf.label("on_shelf"),
            sold.label("sold"),
        )
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Organisation, Organisation.id == Lot.organisation_id)
        .join(County, County.code == Product.county_code)
        .where(reach.within(Product.county_code), Sku.raw.is_(asked.raw))
        .order_by(Lot.id.desc())
    )
    if asked.text:
        query = query.where(Lot.lot_no.contains(asked.text.upper(), autoescape=True))
    if asked.product:
        query = query.where(Product.code == asked.product)
    if asked.supplier:
        query = query.where(Organisation.code == asked.supplier)
    match asked.state:
        case "on_shelf":
            query = query.where(on_shelf > 0)
        case "in_transit":
            query = query.where(in_transit > 0)
        case "recalled":
            query = query.where(_held())
        case "sold_out":
            query = query.where(_balance() == 0, sold > 0)
        case "near" | "expired" as state:
            wanted = [
                lot.lot_id
                for lot in dated_lots(session, today, reach)
                if lot.expired == (state == "expired")
            ]
            query = query.where(Lot.id.in_(wanted))
        case _:
            pass
    return query


class LotHead(NamedTuple):
    """A lot with what it is and whose."""

    lot: Lot
    sku: Sku
    product: Product
    supplier: Organisation
    county: County


def one_lot(session: Session, lot_id: int, reach: Reach) -> LotHead:
    """Give a lot of goods within reach; raise NotFound."""
    row = session.execute(
        select(Lot, Sku, Product, Organisation, County)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Organisation, Organisation.id == Lot.organisation_id)
        .join(County, County.code == Product.county_code)
        .where(Lot.id == lot_id, reach.within(Product.county_code))
    ).first()
    if row is None:
        raise NotFound("There is no such lot")
    return LotHead(*row)


def within_reach(session: Session, lot_ids: Collection[int], reach: Reach) -> set[int]:
    """Give those of these lots whose page one may open."""
    return set(
        session.scalars(
            select(Lot.id)
            .join(Sku, Sku.id == Lot.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .where(Lot.id.in_(lot_ids), reach.within(Product.county_code))
        )
    )


class Node(NamedTuple):
    """A lot in the lineage."""

    id: int
    lot_no: str
    raw: bool
    base_unit: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    sku_id: int
    material_per_unit: int | None
    template: str
    template_version: int


class Family(NamedTuple):
    """A lot's relatives, nearest first, and every one of them by id."""

    up: list[int]
    down: list[int]
    nodes: dict[int, Node]


def _nodes() -> Select[Any]:
    return (
        select(
            Lot.id,
            Lot.lot_no,
            Sku.raw,
            Sku.base_unit,
            func.coalesce(func.nullif(Sku.name_zh, ""), Product.name_zh),
            func.coalesce(func.nullif(Sku.name_en, ""), Product.name_en),
            Sku.spec_zh,
            Sku.spec_en,
            Sku.id,
            Sku.material_per_unit,
            Lot.template,
            Lot.template_version,
        )
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
    )


def family(session: Session, lot_id: int) -> Family:
    """Give what a lot was made from and what was made from it."""
    up, down = lineage(session, lot_id)[1:], descendants(session, lot_id)[1:]
    rows = session.execute(_nodes().where(Lot.id.in_([lot_id, *up, *down])))
    return Family(up, down, {row[0]: Node._make(row) for row in rows})


def parts_of(session: Session, event_id: UUID) -> list[tuple[Node, str, int]]:
    """Give every lot that an event used or made, relatives or not: (lot, role, base units)."""
    rows = session.execute(
        _nodes()
        .add_columns(EventLot.role, EventLot.quantity)
        .join(EventLot, EventLot.lot_id == Lot.id)
        .where(EventLot.event_id == event_id)
        .order_by(EventLot.role, Lot.id)
    )
    return [(Node._make(row[:-2]), row[-2], row[-1]) for row in rows]


class Happened(NamedTuple):
    """One event and what it did to one of the lots looked at."""

    event_id: UUID
    event_type: str
    action: str | None
    biz_step: str | None
    at: datetime
    recorded_at: datetime
    template_step: str | None
    read_point_id: int | None
    place_id: int | None
    organisation_id: int
    lot_id: int
    role: str
    quantity: int


def happenings(session: Session, lot_ids: Collection[int]) -> list[Happened]:
    """Give every event of these lots, oldest first. One statement."""
    rows = session.execute(
        select(
            TraceEvent.id,
            TraceEvent.event_type,
            TraceEvent.action,
            TraceEvent.biz_step,
            TraceEvent.event_time,
            TraceEvent.record_time,
            TraceEvent.template_step,
            TraceEvent.read_point_id,
            TraceEvent.biz_location_id,
            TraceEvent.organisation_id,
            EventLot.lot_id,
            EventLot.role,
            EventLot.quantity,
        )
        .join(EventLot, EventLot.event_id == TraceEvent.id)
        .where(EventLot.lot_id.in_(lot_ids))
        .order_by(TraceEvent.event_time, TraceEvent.id, EventLot.role, EventLot.lot_id)
        .limit(MOST_EVENTS)
    )
    return [Happened._make(row) for row in rows]


def facts_of(session: Session, event_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Give the facts noted with these events: their extension fields, by name."""
    rows = session.execute(
        select(TraceEvent.id, TraceEvent.document).where(TraceEvent.id.in_(event_ids))
    )
    found = {}
    for event_id, document in rows:
        values = json.loads(document)
        found[event_id] = {
            name.removeprefix("shanhuo:"): value
            for name, value in values.items()
            if name.startswith("shanhuo:")
        }
    return found


def papers_of(session: Session, event_ids: Sequence[UUID]) -> dict[UUID, list[Certificate]]:
    """Give the papers attached to these events."""
    found: dict[UUID, list[Certificate]] = {}
    rows = session.execute(
        select(EventCertificate.event_id, Certificate)
        .join(Certificate, Certificate.id == EventCertificate.certificate_id)
        .where(EventCertificate.event_id.in_(event_ids))
        .order_by(Certificate.id)
    )
    for event_id, certificate in rows:
        found.setdefault(event_id, []).append(certificate)
    return found


def templates_of(
    session: Session, wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], TraceTemplate]:
    """Give trace templates by code and version."""
    if not wanted:
        return {}
    rows = session.scalars(
        select(TraceTemplate).where(
            or_(
                *(
                    and_(TraceTemplate.code == code, TraceTemplate.version == version)
                    for code, version in sorted(wanted)
                )
            )
        )
    )
    return {(row.code, row.version): row for row in rows}


class Standing(NamedTuple):
    """What one place had of a lot."""

    place_id: int
    kind: str
    name_zh: str
    name_en: str
    outlet_code: str | None
    county_code: str | None
    came: int
    went: int
    sold: int
    on_hand: int


def by_place(session: Session, lot_id: int, moves: Sequence[Row[Any]]) -> list[Standing]:
    """Give a lot's ins, outs, sales and balance place by place, outlets last."""
    on_hand = dict(
        session.execute(
            select(StockBalance.place_id, StockBalance.on_hand).where(StockBalance.lot_id == lot_id)
        )
        .tuples()
        .all()
    )
    sums: dict[int, list[int]] = {place_id: [0, 0, 0] for place_id in on_hand}
    for move in moves:
        entry = sums.setdefault(move.place_id, [0, 0, 0])
        if move.quantity > 0:
            entry[0] += int(move.quantity)
        elif move.biz_step == "retail_selling":
            entry[2] -= int(move.quantity)
        else:
            entry[1] -= int(move.quantity)
    places = session.execute(
        select(Place.id, Place.kind, Place.name_zh, Place.name_en, Outlet.code, Place.county_code)
        .outerjoin(Outlet, Outlet.place_id == Place.id)
        .where(Place.id.in_(sums))
        .order_by(Place.kind == "outlet", Place.kind == "transit", Place.id)
    )
    return [Standing._make((*place, *sums[place[0]], on_hand.get(place[0], 0))) for place in places]


def moves_of(session: Session, lot_id: int) -> list[Row[Any]]:
    """Give a lot's stock moves summed by place, kind of event and direction."""
    return list(
        session.execute(
            select(
                StockMove.place_id,
                TraceEvent.event_type,
                TraceEvent.action,
                TraceEvent.biz_step,
                func.sum(StockMove.quantity).label("quantity"),
            )
            .join(TraceEvent, TraceEvent.id == StockMove.event_id)
            .where(StockMove.lot_id == lot_id)
            .group_by(
                StockMove.place_id,
                TraceEvent.event_type,
                TraceEvent.action,
                TraceEvent.biz_step,
                StockMove.quantity > 0,
            )
        )
    )


def places_named(session: Session, ids: Collection[int]) -> dict[int, Row[Any]]:
    """Give places by id with their names, and their outlet's code where they are one."""
    rows = session.execute(
        select(
            Place.id,
            Place.kind,
            Place.name_zh,
            Place.name_en,
            Place.county_code,
            Outlet.code.label("outlet_code"),
        )
        .outerjoin(Outlet, Outlet.place_id == Place.id)
        .where(Place.id.in_(ids))
    )
    return {row.id: row for row in rows}


def organisations_named(session: Session, ids: Collection[int]) -> dict[int, Row[Any]]:
    """Give organisations by id with their short names."""
    rows = session.execute(
        select(
            Organisation.id,
            Organisation.short_zh.label("name_zh"),
            Organisation.short_en.label("name_en"),
        ).where(Organisation.id.in_(ids))
    )
    return {row.id: row for row in rows}


class Reached(NamedTuple):
    """Whom a lot's goods reached."""

    sales: int
    quantity: int
    inferred: int
    """Packs whose lot is inferred, not read from the pack."""
    orders: int


def reached(session: Session, lot_ids: Collection[int]) -> Reached:
    """Count the sales of these lots; buyers are never named."""
    inferred = func.sum(SaleLine.quantity).filter(SaleLine.lot_certainty == "inferred")
    row = session.execute(
        select(
            func.count(func.distinct(Sale.id)),
            func.coalesce(func.sum(SaleLine.quantity), 0),
            func.coalesce(inferred, 0),
            func.count(func.distinct(Sale.order_ref)),
        )
        .join(Sale, Sale.id == SaleLine.sale_id)
        .where(SaleLine.lot_id.in_(lot_ids))
    ).one()
    return Reached(*(int(each) for each in row))


def recall_of(session: Session, lot_id: int) -> Recall | None:
    """Give the recall by which a lot is blocked now, its own or that of what it was made from."""
    return session.scalar(
        select(Recall)
        .join(Hold, Hold.event_id == Recall.event_id)
        .where(Hold.lot_id == lot_id, Hold.released_at.is_(None))
        .order_by(Recall.id)
        .limit(1)
    )
