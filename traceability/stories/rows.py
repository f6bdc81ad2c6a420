"""The statements that a story is read by: few, and as many for a long story as for a short one.

They are Core statements made once, when this module is read: putting them together anew for each
scan took longer than running them.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    case,
    exists,
    func,
    select,
    union,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from foundation.db import Base, core
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

LONGEST_DOCUMENT: Final = 24_000
"""Characters. A longer event lists hundreds of units, and its facts are known from its columns."""
MOST_LOTS: Final = 24

Read = Row[Any]


def table(model: type[Base]) -> Table:
    """Give the table behind a model."""
    return cast(Table, model.__table__)


SKU, PRODUCT, LOT, SERIAL = table(Sku), table(Product), table(Lot), table(Serial)
BALANCE, HOLD, RECALL = table(StockBalance), table(Hold), table(Recall)
PLACES, TOWN, COUNTY = table(Place), table(Town), table(County)
TEMPLATE, EVENT, PAPER = table(TraceTemplate), table(TraceEvent), table(Certificate)
E_LOT, E_SERIAL, E_PAPER = table(EventLot), table(EventSerial), table(EventCertificate)
MAKER = table(Organisation).alias("maker")
PARTY = table(Organisation).alias("party")
PLACE_TOWN, PLACE_COUNTY = TOWN.alias("place_town"), COUNTY.alias("place_county")
TO = PLACES.alias("to_place")

GOODS = (
    SKU.c.gtin,
    SKU.c.code.label("sku_code"),
    PRODUCT.c.code.label("product_code"),
    SKU.c.raw,
    SKU.c.tracking,
    SKU.c.base_unit,
    SKU.c.name_zh.label("own_zh"),
    SKU.c.name_en.label("own_en"),
    PRODUCT.c.name_zh,
    PRODUCT.c.name_en,
    PRODUCT.c.brand_zh,
    PRODUCT.c.brand_en,
    SKU.c.spec_zh,
    SKU.c.spec_en,
    PRODUCT.c.illustration,
    PRODUCT.c.ground,
    PRODUCT.c.compliance_code,
    PRODUCT.c.ingredients_zh,
    PRODUCT.c.ingredients_en,
    PRODUCT.c.allergens_zh,
    PRODUCT.c.allergens_en,
    PRODUCT.c.storage_zh,
    PRODUCT.c.storage_en,
    PRODUCT.c.origin_zh,
    PRODUCT.c.origin_en,
    PRODUCT.c.standard,
    PRODUCT.c.shelf_life_days,
    MAKER.c.name_zh.label("maker_zh"),
    MAKER.c.name_en.label("maker_en"),
    MAKER.c.short_zh.label("maker_short_zh"),
    MAKER.c.short_en.label("maker_short_en"),
    MAKER.c.food_licence,
    COUNTY.c.name_zh.label("county_zh"),
    COUNTY.c.name_en.label("county_en"),
    PRODUCT.c.demo.label("goods_demo"),
    PRODUCT.c.status,
    PRODUCT.c.retail_visible,
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
        allergens_zh=row.allergens_zh,
        allergens_en=row.allergens_en,
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
    """Join what GOODS needs to a query that has SKU."""
    return (
        query.join(PRODUCT, PRODUCT.c.id == SKU.c.product_id)
        .join(MAKER, MAKER.c.id == PRODUCT.c.supplier_id)
        .join(COUNTY, COUNTY.c.code == PRODUCT.c.county_code)
    )


PLACE = (
    PLACES.c.id.label("place_id"),
    PLACES.c.kind.label("place_kind"),
    PLACES.c.name_zh.label("place_zh"),
    PLACES.c.name_en.label("place_en"),
    PLACE_TOWN.c.name_zh.label("town_zh"),
    PLACE_TOWN.c.name_en.label("town_en"),
    PLACE_COUNTY.c.name_zh.label("place_county_zh"),
    PLACE_COUNTY.c.name_en.label("place_county_en"),
)


def _around(query: Select[Any]) -> Select[Any]:
    """Join town and county to a query that has PLACES."""
    return query.outerjoin(PLACE_TOWN, PLACE_TOWN.c.code == PLACES.c.town_code).outerjoin(
        PLACE_COUNTY, PLACE_COUNTY.c.code == PLACES.c.county_code
    )


def _template(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(
        TEMPLATE,
        (TEMPLATE.c.code == LOT.c.template) & (TEMPLATE.c.version == LOT.c.template_version),
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
    LOT.c.id.label("lot_id"),
    LOT.c.lot_no,
    LOT.c.produced_on,
    LOT.c.best_before,
    LOT.c.demo.label("lot_demo"),
    sql_cast(TEMPLATE.c.steps, Text).label("steps"),
    *GOODS,
)


@lru_cache(maxsize=64)
def _parsed(steps: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(steps)
    return found


def steps_of(row: Read) -> Sequence[Mapping[str, Any]]:
    """Give the template's steps of a row that selected HEAD; the same text is parsed once."""
    return _parsed(row.steps) if row.steps else ()


def _held(concerns: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say whether any hold stands, so that the rest is asked only where there is one."""
    return exists().where(HOLD.c.released_at.is_(None), concerns).label("held")


ITEM_HEAD: Final = _around(
    _template(
        _goods(
            select(
                SERIAL.c.id.label("serial_id"),
                SERIAL.c.serial,
                case((SERIAL.c.withdrawn, "withdrawn"), else_=SERIAL.c.state).label("state"),
                *HEAD,
                *PLACE,
                _held((HOLD.c.lot_id == LOT.c.id) | (HOLD.c.serial_id == SERIAL.c.id)),
            )
            .select_from(SERIAL)
            .join(SKU, SKU.c.id == SERIAL.c.sku_id)
            .join(LOT, LOT.c.id == SERIAL.c.lot_id)
            .join(PLACES, PLACES.c.id == SERIAL.c.place_id)
        )
    )
).where(SKU.c.gtin == bindparam("gtin"), SERIAL.c.serial == bindparam("serial"))

LOT_HEAD: Final = _template(
    _goods(
        select(*HEAD, _held(HOLD.c.lot_id == LOT.c.id))
        .select_from(LOT)
        .join(SKU, SKU.c.id == LOT.c.sku_id)
    )
).where(SKU.c.gtin == bindparam("gtin"), LOT.c.lot_no == bindparam("lot_no"))

GOODS_HEAD: Final = _goods(select(SKU.c.id.label("sku_id"), *GOODS).select_from(SKU)).where(
    SKU.c.gtin == bindparam("gtin")
)


def _told(*, item: bool) -> CompoundSelect[Any]:
    """Select the ids of the events that belong to an item's or a lot's story.

    The item's own; what happened to its lot as such; and the same of every lot that it was made
    from. What else was made from those lots is another item's story.
    """
    up = select(bindparam("lot", type_=LOT.c.id.type).label("lot_id")).cte("up", recursive=True)
    made, used = E_LOT.alias("made"), E_LOT.alias("used")
    up = up.union(
        select(used.c.lot_id)
        .select_from(up)
        .join(made, made.c.lot_id == up.c.lot_id)
        .join(used, used.c.event_id == made.c.event_id)
        .where(made.c.role == "output", used.c.role == "input")
    )
    about_lots = (
        select(E_LOT.c.event_id)
        .select_from(up)
        .join(E_LOT, E_LOT.c.lot_id == up.c.lot_id)
        .where(E_LOT.c.role.in_(("epc", "output")), E_LOT.c.whole_lot)
    )
    own = select(E_SERIAL.c.event_id).where(E_SERIAL.c.serial_id == bindparam("serial"))
    return union(own, about_lots) if item else union(about_lots)


TOLD_OF_ITEM: Final = _told(item=True)
TOLD_OF_LOT: Final = _told(item=False)


def _events(told: CompoundSelect[Any]) -> Select[Any]:
    # By IN, not by a join: SQLite would rather walk all events in the order asked for.
    short = func.length(EVENT.c.document) <= LONGEST_DOCUMENT
    return _around(
        select(
            EVENT.c.id,
            EVENT.c.biz_step,
            EVENT.c.disposition,
            EVENT.c.event_time,
            EVENT.c.template_step,
            case((short, EVENT.c.document)).label("document"),
            E_LOT.c.lot_id,
            E_LOT.c.role,
            E_LOT.c.quantity,
            LOT.c.lot_no,
            SKU.c.gtin,
            SKU.c.base_unit,
            SKU.c.spec_zh,
            SKU.c.spec_en,
            SKU.c.name_zh.label("own_zh"),
            SKU.c.name_en.label("own_en"),
            PRODUCT.c.name_zh,
            PRODUCT.c.name_en,
            *PLACE,
            TO.c.id.label("to_id"),
            TO.c.kind.label("to_kind"),
            TO.c.name_zh.label("to_zh"),
            TO.c.name_en.label("to_en"),
            PARTY.c.kind.label("party_kind"),
            PARTY.c.short_zh.label("party_zh"),
            PARTY.c.short_en.label("party_en"),
        )
        .select_from(EVENT)
        .join(E_LOT, E_LOT.c.event_id == EVENT.c.id)
        .join(LOT, LOT.c.id == E_LOT.c.lot_id)
        .join(SKU, SKU.c.id == LOT.c.sku_id)
        .join(PRODUCT, PRODUCT.c.id == SKU.c.product_id)
        .join(PLACES, PLACES.c.id == EVENT.c.read_point_id)
        .join(TO, TO.c.id == EVENT.c.biz_location_id)
        .join(PARTY, PARTY.c.id == EVENT.c.organisation_id)
        .where(EVENT.c.id.in_(told))
    ).order_by(EVENT.c.event_time, EVENT.c.record_time, EVENT.c.id, E_LOT.c.lot_id)


EVENTS_OF_ITEM: Final = _events(TOLD_OF_ITEM)
EVENTS_OF_LOT: Final = _events(TOLD_OF_LOT)

PAPERS: Final = (
    select(
        E_PAPER.c.event_id,
        PAPER.c.kind,
        PAPER.c.number,
        PAPER.c.issuer_zh,
        PAPER.c.issuer_en,
        PAPER.c.issued_on,
        PAPER.c.valid_to,
        PAPER.c.results,
        PAPER.c.fields,
        PAPER.c.demo,
    )
    .select_from(E_PAPER)
    .join(PAPER, PAPER.c.id == E_PAPER.c.certificate_id)
    .where(E_PAPER.c.event_id.in_(bindparam("events", expanding=True)))
    .order_by(PAPER.c.id)
)

HELD: Final = (
    select(HOLD.c.reason, HOLD.c.note_zh, HOLD.c.note_en, HOLD.c.placed_at, RECALL.c.number)
    .select_from(HOLD)
    .outerjoin(RECALL, RECALL.c.event_id == HOLD.c.event_id)
    .where(
        HOLD.c.released_at.is_(None),
        (HOLD.c.lot_id == bindparam("lot")) | (HOLD.c.serial_id == bindparam("serial")),
    )
    .order_by(case((HOLD.c.reason == "recalled", 0), else_=1), HOLD.c.placed_at, HOLD.c.id)
    .limit(1)
)


def _flows() -> Select[Any]:
    sums = (
        select(
            EVENT.c.biz_step,
            EVENT.c.template_step,
            EVENT.c.action,
            EVENT.c.read_point_id,
            EVENT.c.organisation_id,
            func.min(EVENT.c.event_time).label("first"),
            func.max(EVENT.c.event_time).label("last"),
            func.count().label("times"),
            func.sum(E_LOT.c.quantity).label("quantity"),
        )
        .select_from(E_LOT)
        .join(EVENT, EVENT.c.id == E_LOT.c.event_id)
        .where(
            E_LOT.c.lot_id == bindparam("lot"), E_LOT.c.whole_lot.is_(False), E_LOT.c.role == "epc"
        )
        .group_by(
            EVENT.c.biz_step,
            EVENT.c.template_step,
            EVENT.c.action,
            EVENT.c.read_point_id,
            EVENT.c.organisation_id,
        )
        .subquery("sums")
    )
    return _around(
        select(
            *(column for column in sums.c if column.name != "organisation_id"),
            *PLACE,
            PARTY.c.kind.label("party_kind"),
            PARTY.c.short_zh.label("party_zh"),
            PARTY.c.short_en.label("party_en"),
        )
        .select_from(sums)
        .join(PLACES, PLACES.c.id == sums.c.read_point_id)
        .join(PARTY, PARTY.c.id == sums.c.organisation_id)
    ).order_by(sums.c["first"], PLACES.c.id)


FLOWS: Final = _flows()

BALANCES: Final = (
    _around(
        select(BALANCE.c.on_hand, *PLACE)
        .select_from(BALANCE)
        .join(PLACES, PLACES.c.id == BALANCE.c.place_id)
    )
    .where(BALANCE.c.lot_id == bindparam("lot"), BALANCE.c.on_hand > 0)
    .order_by(PLACES.c.id)
)

LOTS: Final = (
    select(
        LOT.c.lot_no,
        LOT.c.produced_on,
        LOT.c.best_before,
        func.sum(BALANCE.c.on_hand).label("on_hand"),
        func.sum(case((PLACES.c.kind == "outlet", 1), else_=0)).label("outlets"),
    )
    .select_from(LOT)
    .join(BALANCE, BALANCE.c.lot_id == LOT.c.id)
    .join(PLACES, PLACES.c.id == BALANCE.c.place_id)
    .where(
        LOT.c.sku_id == bindparam("sku"),
        BALANCE.c.on_hand > 0,
        LOT.c.id.not_in(
            select(HOLD.c.lot_id).where(HOLD.c.lot_id.is_not(None), HOLD.c.released_at.is_(None))
        ),
        LOT.c.best_before.is_(None) | (LOT.c.best_before >= bindparam("today")),
    )
    .group_by(LOT.c.id, LOT.c.lot_no, LOT.c.produced_on, LOT.c.best_before)
    .order_by(LOT.c.best_before, LOT.c.id)
    .limit(MOST_LOTS)
)

SPOTS: Final = _around(select(*PLACE).select_from(PLACES)).where(
    PLACES.c.id.in_(bindparam("places", expanding=True))
)


def _all(session: Session, statement: Select[Any], given: Mapping[str, Any]) -> Sequence[Read]:
    return core(session).execute(statement, given).all()


def _first(session: Session, statement: Select[Any], given: Mapping[str, Any]) -> Read | None:
    return core(session).execute(statement, given).first()


def item_head(session: Session, gtin: str, serial: str) -> Read | None:
    """Give one item with its lot, goods, maker, template and place; None when nobody made it."""
    return _first(session, ITEM_HEAD, {"gtin": gtin, "serial": serial})


def lot_head(session: Session, gtin: str, lot_no: str) -> Read | None:
    """Give one lot with its goods, maker and template; None when nobody recorded it."""
    return _first(session, LOT_HEAD, {"gtin": gtin, "lot_no": lot_no})


def goods_head(session: Session, gtin: str) -> Read | None:
    """Give one trade item; None when nobody here makes it."""
    return _first(session, GOODS_HEAD, {"gtin": gtin})


def event_rows(session: Session, lot_id: int, serial_id: int | None) -> Sequence[Read]:
    """Give every event of a story, once per lot that it touched, oldest first."""
    if serial_id is None:
        return _all(session, EVENTS_OF_LOT, {"lot": lot_id})
    return _all(session, EVENTS_OF_ITEM, {"lot": lot_id, "serial": serial_id})


def paper_rows(session: Session, event_ids: Sequence[UUID]) -> Sequence[Read]:
    """Give the papers that came with these events."""
    return _all(session, PAPERS, {"events": event_ids})


def held_on(session: Session, lot_id: int, serial_id: int | None) -> Held | None:
    """Give the sale block that stands on a lot or an item; a recall before any other."""
    row = _first(session, HELD, {"lot": lot_id, "serial": serial_id})
    return Held(*row) if row is not None else None


def flow_rows(session: Session, lot_id: int) -> Sequence[Read]:
    """Sum up, by step and place, what happened to parts of a lot."""
    return _all(session, FLOWS, {"lot": lot_id})


def balance_rows(session: Session, lot_id: int) -> Sequence[Read]:
    """Give where a lot lies now and how much of it."""
    return _all(session, BALANCES, {"lot": lot_id})


def lots_about(session: Session, sku_id: int, today: date) -> Sequence[Read]:
    """Give the lots of a trade item of which something may still be had, oldest date first."""
    return _all(session, LOTS, {"sku": sku_id, "today": today})


def place_spots(session: Session, place_ids: Sequence[int]) -> dict[int, Spot]:
    """Give places by id."""
    return {row.place_id: spot_of(row) for row in _all(session, SPOTS, {"places": place_ids})}
