"""The statements that a story is read by: few, and as many for a long story as for a short one."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Row, Select, case, func, literal, select, union
from sqlalchemy.orm import Session, aliased

from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import Hold, Lot, Serial, StockBalance
from parties.network.models import County, Organisation, Place, Town
from traceability.models import (
    EventCertificate,
    EventLot,
    EventSerial,
    Recall,
    TraceEvent,
    TraceTemplate,
)
from traceability.stories.shape import Goods, Held, Spot

LONGEST_DOCUMENT = 24_000
"""Characters. A longer event lists hundreds of units, and its facts are known from its columns."""

Read = Row[Any]

GOODS = (
    Sku.gtin,
    Sku.code.label("sku_code"),
    Product.code.label("product_code"),
    Sku.raw,
    Sku.tracking,
    Sku.base_unit,
    Sku.name_zh.label("own_zh"),
    Sku.name_en.label("own_en"),
    Product.name_zh,
    Product.name_en,
    Product.brand_zh,
    Product.brand_en,
    Sku.spec_zh,
    Sku.spec_en,
    Product.illustration,
    Product.ground,
    Product.compliance_code,
    Product.ingredients_zh,
    Product.ingredients_en,
    Product.storage_zh,
    Product.storage_en,
    Product.origin_zh,
    Product.origin_en,
    Product.standard,
    Product.shelf_life_days,
    Organisation.name_zh.label("maker_zh"),
    Organisation.name_en.label("maker_en"),
    Organisation.short_zh.label("maker_short_zh"),
    Organisation.short_en.label("maker_short_en"),
    Organisation.food_licence,
    County.name_zh.label("county_zh"),
    County.name_en.label("county_en"),
    Product.demo.label("goods_demo"),
    Product.status,
    Product.retail_visible,
)


def goods_of(row: Read) -> Goods:
    """Make the goods of a row that selected GOODS."""
    return Goods(
        gtin=row.gtin,
        sku_code=row.sku_code,
        product_code=row.product_code,
        raw=row.raw,
        tracking=row.tracking,
        base_unit=row.base_unit,
        name_zh=row.own_zh or row.name_zh,
        name_en=row.own_en or row.name_en,
        brand_zh=row.brand_zh,
        brand_en=row.brand_en,
        spec_zh=row.spec_zh,
        spec_en=row.spec_en,
        illustration=row.illustration,
        ground=row.ground,
        compliance=row.compliance_code,
        ingredients_zh=row.ingredients_zh,
        ingredients_en=row.ingredients_en,
        storage_zh=row.storage_zh,
        storage_en=row.storage_en,
        origin_zh=row.origin_zh,
        origin_en=row.origin_en,
        standard=row.standard,
        shelf_life_days=row.shelf_life_days,
        maker_zh=row.maker_zh,
        maker_en=row.maker_en,
        maker_short_zh=row.maker_short_zh,
        maker_short_en=row.maker_short_en,
        licence=row.food_licence,
        county_zh=row.county_zh,
        county_en=row.county_en,
        demo=row.goods_demo,
        published=row.status == "published" and row.retail_visible and not row.raw,
    )


def _goods(query: Select[Any]) -> Select[Any]:
    """Join what GOODS needs to a query that has Sku."""
    return (
        query.join(Product, Product.id == Sku.product_id)
        .join(Organisation, Organisation.id == Product.supplier_id)
        .join(County, County.code == Product.county_code)
    )


PLACE_TOWN = aliased(Town)
PLACE_COUNTY = aliased(County)
PLACE = (
    Place.id.label("place_id"),
    Place.kind.label("place_kind"),
    Place.name_zh.label("place_zh"),
    Place.name_en.label("place_en"),
    PLACE_TOWN.name_zh.label("town_zh"),
    PLACE_TOWN.name_en.label("town_en"),
    PLACE_COUNTY.name_zh.label("place_county_zh"),
    PLACE_COUNTY.name_en.label("place_county_en"),
)


def _around(query: Select[Any]) -> Select[Any]:
    """Join town and county to a query that has Place."""
    return query.outerjoin(PLACE_TOWN, PLACE_TOWN.code == Place.town_code).outerjoin(
        PLACE_COUNTY, PLACE_COUNTY.code == Place.county_code
    )


def spot_of(row: Read) -> Spot:
    """Make the place of a row that selected PLACE."""
    return Spot(
        row.place_id,
        row.place_kind,
        row.place_zh,
        row.place_en,
        row.town_zh or "",
        row.town_en or "",
        row.place_county_zh or "",
        row.place_county_en or "",
    )


HEAD = (
    Lot.id.label("lot_id"),
    Lot.lot_no,
    Lot.produced_on,
    Lot.best_before,
    Lot.demo.label("lot_demo"),
    TraceTemplate.steps,
    *GOODS,
)


def _template(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(
        TraceTemplate,
        (TraceTemplate.code == Lot.template) & (TraceTemplate.version == Lot.template_version),
    )


def item_head(session: Session, gtin: str, serial: str) -> Read | None:
    """Give one item with its lot, goods, maker, template and place; None when nobody made it."""
    query = (
        select(Serial.id.label("serial_id"), Serial.serial, Serial.state, *HEAD, *PLACE)
        .join(Sku, Sku.id == Serial.sku_id)
        .join(Lot, Lot.id == Serial.lot_id)
        .join(Place, Place.id == Serial.place_id)
        .where(Sku.gtin == gtin, Serial.serial == serial)
    )
    return session.execute(_around(_template(_goods(query)))).first()


def lot_head(session: Session, gtin: str, lot_no: str) -> Read | None:
    """Give one lot with its goods, maker and template; None when nobody recorded it."""
    query = (
        select(*HEAD).join(Sku, Sku.id == Lot.sku_id).where(Sku.gtin == gtin, Lot.lot_no == lot_no)
    )
    return session.execute(_template(_goods(query))).first()


def goods_head(session: Session, gtin: str) -> Read | None:
    """Give one trade item; None when nobody here makes it."""
    query = select(Sku.id.label("sku_id"), *GOODS).where(Sku.gtin == gtin)
    return session.execute(_goods(query)).first()


def told_events(lot_id: int, serial_id: int | None) -> CompoundSelect[Any]:
    """Select the ids of the events that belong to an item's or a lot's story.

    The item's own; what happened to its lot as such; and the same of every lot that it was made
    from. What else was made from those lots is another item's story.
    """
    up = select(literal(lot_id).label("lot_id")).cte("up", recursive=True)
    made, used = aliased(EventLot), aliased(EventLot)
    up = up.union(
        select(used.lot_id)
        .join(made, made.event_id == used.event_id)
        .join(up, up.c.lot_id == made.lot_id)
        .where(made.role == "output", used.role == "input")
    )
    about_lots = (
        select(EventLot.event_id)
        .join(up, up.c.lot_id == EventLot.lot_id)
        .where(EventLot.whole_lot, EventLot.role != "input")
    )
    if serial_id is None:
        return union(about_lots)
    own = select(EventSerial.event_id).where(EventSerial.serial_id == serial_id)
    return union(own, about_lots)


TO = aliased(Place)
PARTY = aliased(Organisation)


def event_rows(session: Session, lot_id: int, serial_id: int | None) -> Sequence[Read]:
    """Give every event of a story, once per lot that it touched, oldest first."""
    told = told_events(lot_id, serial_id).subquery()
    short = func.length(TraceEvent.document) <= LONGEST_DOCUMENT
    query = (
        select(
            TraceEvent.id,
            TraceEvent.event_type,
            TraceEvent.biz_step,
            TraceEvent.disposition,
            TraceEvent.event_time,
            TraceEvent.template_step,
            case((short, TraceEvent.document)).label("document"),
            EventLot.lot_id,
            EventLot.role,
            EventLot.quantity,
            Lot.lot_no,
            Sku.gtin,
            Sku.base_unit,
            Sku.spec_zh,
            Sku.spec_en,
            Sku.name_zh.label("own_zh"),
            Sku.name_en.label("own_en"),
            Product.name_zh,
            Product.name_en,
            *PLACE,
            TO.id.label("to_id"),
            TO.kind.label("to_kind"),
            TO.name_zh.label("to_zh"),
            TO.name_en.label("to_en"),
            PARTY.kind.label("party_kind"),
            PARTY.short_zh.label("party_zh"),
            PARTY.short_en.label("party_en"),
        )
        .join(told, told.c.event_id == TraceEvent.id)
        .join(EventLot, EventLot.event_id == TraceEvent.id)
        .join(Lot, Lot.id == EventLot.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Place, Place.id == TraceEvent.read_point_id)
        .join(TO, TO.id == TraceEvent.biz_location_id)
        .join(PARTY, PARTY.id == TraceEvent.organisation_id)
        .order_by(TraceEvent.event_time, TraceEvent.record_time, TraceEvent.id, EventLot.lot_id)
    )
    return session.execute(_around(query)).all()


def paper_rows(session: Session, event_ids: Sequence[UUID]) -> Sequence[Read]:
    """Give the papers that came with these events."""
    return session.execute(
        select(
            EventCertificate.event_id,
            Certificate.kind,
            Certificate.number,
            Certificate.issuer_zh,
            Certificate.issuer_en,
            Certificate.issued_on,
            Certificate.valid_to,
            Certificate.results,
            Certificate.fields,
            Certificate.demo,
        )
        .join(Certificate, Certificate.id == EventCertificate.certificate_id)
        .where(EventCertificate.event_id.in_(event_ids))
        .order_by(Certificate.id)
    ).all()


def held_on(session: Session, lot_id: int, serial_id: int | None) -> Held | None:
    """Give the sale block that stands on a lot or an item; a recall before any other."""
    target = Hold.lot_id == lot_id
    if serial_id is not None:
        target |= Hold.serial_id == serial_id
    rows = session.execute(
        select(Hold.reason, Hold.note_zh, Hold.note_en, Hold.placed_at, Recall.number)
        .outerjoin(Recall, Recall.event_id == Hold.event_id)
        .where(Hold.released_at.is_(None), target)
        .order_by(Hold.reason != "recalled", Hold.placed_at, Hold.id)
        .limit(1)
    )
    return next((Held(*row) for row in rows), None)


def flow_rows(session: Session, lot_id: int) -> Sequence[Read]:
    """Sum up, by step and place, what happened to parts of a lot."""
    sums = (
        select(
            TraceEvent.biz_step,
            TraceEvent.template_step,
            TraceEvent.action,
            TraceEvent.read_point_id,
            TraceEvent.organisation_id,
            func.min(TraceEvent.event_time).label("first"),
            func.max(TraceEvent.event_time).label("last"),
            func.count().label("times"),
            func.sum(EventLot.quantity).label("quantity"),
        )
        .join(EventLot, EventLot.event_id == TraceEvent.id)
        .where(EventLot.lot_id == lot_id, EventLot.whole_lot.is_(False), EventLot.role == "epc")
        .group_by(
            TraceEvent.biz_step,
            TraceEvent.template_step,
            TraceEvent.action,
            TraceEvent.read_point_id,
            TraceEvent.organisation_id,
        )
        .subquery()
    )
    query = (
        select(
            *(column for column in sums.c if column.name != "organisation_id"),
            *PLACE,
            PARTY.kind.label("party_kind"),
            PARTY.short_zh.label("party_zh"),
            PARTY.short_en.label("party_en"),
        )
        .join(Place, Place.id == sums.c.read_point_id)
        .join(PARTY, PARTY.id == sums.c.organisation_id)
        .order_by(sums.c["first"], Place.id)
    )
    return session.execute(_around(query)).all()


def balance_rows(session: Session, lot_id: int) -> Sequence[Read]:
    """Give where a lot lies now and how much of it."""
    query = (
        select(StockBalance.on_hand, *PLACE)
        .join(Place, Place.id == StockBalance.place_id)
        .where(StockBalance.lot_id == lot_id, StockBalance.on_hand > 0)
        .order_by(Place.id)
    )
    return session.execute(_around(query)).all()


def lots_about(session: Session, sku_id: int, today: date, *, most: int = 24) -> Sequence[Read]:
    """Give the lots of a trade item of which something may still be bought, oldest date first."""
    blocked = select(Hold.lot_id).where(Hold.lot_id.is_not(None), Hold.released_at.is_(None))
    return session.execute(
        select(
            Lot.lot_no,
            Lot.produced_on,
            Lot.best_before,
            func.sum(StockBalance.on_hand).label("on_hand"),
            func.sum(case((Place.kind == "outlet", 1), else_=0)).label("outlets"),
        )
        .join(StockBalance, StockBalance.lot_id == Lot.id)
        .join(Place, Place.id == StockBalance.place_id)
        .where(
            Lot.sku_id == sku_id,
            StockBalance.on_hand > 0,
            Lot.id.not_in(blocked),
            Lot.best_before.is_(None) | (Lot.best_before >= today),
        )
        .group_by(Lot.id, Lot.lot_no, Lot.produced_on, Lot.best_before)
        .order_by(Lot.best_before, Lot.id)
        .limit(most)
    ).all()


def place_spots(session: Session, place_ids: Sequence[int]) -> dict[int, Spot]:
    """Give places by id."""
    query = select(*PLACE).where(Place.id.in_(place_ids))
    return {row.place_id: spot_of(row) for row in session.execute(_around(query))}
