"""Lists of recalls: for everybody, for officials, for tills."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import Hold, Lot, Serial, StockBalance
from parties.network.models import Organisation, Outlet, Place
from traceability.models import Recall, Shipment
from traceability.recalls.models import RecallAct
from traceability.recalls.queries import AROUND


class Head(NamedTuple):
    """A recall in a list: its number, what it is about, and how it stands."""

    id: int
    number: str
    scope: str
    level: int
    due_on: date | None
    lot_id: int | None
    lot_no: str | None
    serial: str | None
    paper: str | None
    name_zh: str
    name_en: str
    county_code: str | None
    reason_zh: str
    reason_en: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str
    event_id: UUID


ITEM_LOT = aliased(Lot)
PAPER_GOODS = aliased(Product)
MAKER = aliased(Organisation)


def county_of_recall() -> ColumnElement[Any]:
    """Give whose county a recall is: that of the goods, else of the place or the supplier."""
    return func.coalesce(Product.county_code, Place.county_code, MAKER.county_code)


def heads() -> Select[Any]:
    """Select recalls of every scope as `Head`, newest first."""
    return (
        select(
            Recall.id,
            Recall.number,
            Recall.scope,
            Recall.level,
            Recall.due_on,
            Recall.lot_id,
            func.coalesce(Lot.lot_no, ITEM_LOT.lot_no),
            Serial.serial,
            Certificate.number,
            func.coalesce(Product.name_zh, Place.name_zh, PAPER_GOODS.name_zh, MAKER.short_zh, ""),
            func.coalesce(Product.name_en, Place.name_en, PAPER_GOODS.name_en, MAKER.short_en, ""),
            county_of_recall(),
            Recall.reason_zh,
            Recall.reason_en,
            Recall.opened_at,
            Recall.closed_at,
            Recall.outcome,
            Recall.event_id,
        )
        .outerjoin(Lot, Lot.id == Recall.lot_id)
        .outerjoin(Serial, Serial.id == Recall.serial_id)
        .outerjoin(ITEM_LOT, ITEM_LOT.id == Serial.lot_id)
        .outerjoin(Sku, Sku.id == func.coalesce(Lot.sku_id, Serial.sku_id))
        .outerjoin(Product, Product.id == Sku.product_id)
        .outerjoin(Place, Place.id == Recall.place_id)
        .outerjoin(Certificate, Certificate.id == Recall.certificate_id)
        .outerjoin(PAPER_GOODS, PAPER_GOODS.id == Certificate.product_id)
        .outerjoin(
            MAKER,
            MAKER.id == func.coalesce(Recall.organisation_id, Certificate.organisation_id),
        )
        .order_by(Recall.id.desc())
    )


def public_recalls(session: Session, *, limit: int = 200) -> list[Head]:
    """Give recalls as everybody may read them: those that stand first, lifted ones left out."""
    rows = session.execute(
        heads()
        .where(Recall.outcome != "lifted")
        .order_by(None)
        .order_by(Recall.closed_at.is_not(None), Recall.id.desc())
        .limit(limit)
    )
    return [Head._make(row) for row in rows]


class Listed(NamedTuple):
    """One line of the list that tills keep."""

    gtin: str
    lot_no: str
    serial: str | None
    """None: the whole lot."""
    number: str
    level: int
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class TillList:
    """Everything that may not be sold now, as tills keep it for when there is no network."""

    version: int
    """Grows with every change."""
    lines: tuple[Listed, ...]
    places: tuple[str, ...]
    """Outlet codes where nothing at all may be sold."""


def till_version(session: Session) -> int:
    """Give the version of the list alone: each hold placed and each one released counts."""
    row = session.execute(select(func.count(), func.count(Hold.released_at)).select_from(Hold))
    placed, released = row.one()
    return int(placed) + int(released)


def till_list(session: Session) -> TillList:
    """Give the list of what is recalled now. Three statements."""
    version = till_version(session)
    lot = aliased(Lot)
    rows = session.execute(
        select(
            Sku.gtin,
            lot.lot_no,
            Serial.serial,
            func.coalesce(Recall.number, ""),
            func.coalesce(Recall.level, 2),
            Hold.note_zh,
            Hold.note_en,
        )
        .outerjoin(Serial, Serial.id == Hold.serial_id)
        .join(lot, lot.id == func.coalesce(Hold.lot_id, Serial.lot_id))
        .join(Sku, Sku.id == lot.sku_id)
        .outerjoin(Recall, Recall.event_id == Hold.event_id)
        .where(Hold.released_at.is_(None), Sku.raw.is_(False))
        .order_by(Sku.gtin, lot.lot_no, Serial.serial)
    )
    shut = session.scalars(
        select(Outlet.code)
        .join(Hold, Hold.place_id == Outlet.place_id)
        .where(Hold.released_at.is_(None))
        .distinct()
        .order_by(Outlet.code)
    )
    return TillList(version, tuple(Listed._make(row) for row in rows), tuple(shut))


def standing_at(session: Session, place_id: int) -> list[Recall]:
    """Give the recalls that meet an outlet: goods of theirs are there, on their way, or were."""
    transit = select(Shipment.transit_place_id).where(
        Shipment.to_place_id == place_id, Shipment.state == "in_transit"
    )
    mine = StockBalance.place_id.in_([place_id]) | StockBalance.place_id.in_(transit)
    by_lot = exists().where(
        Hold.event_id == Recall.event_id,
        StockBalance.lot_id == Hold.lot_id,
        mine,
        StockBalance.on_hand > 0,
    )
    by_place = exists().where(Hold.event_id == Recall.event_id, Hold.place_id == place_id)
    by_item = exists().where(
        Hold.event_id == Recall.event_id,
        Serial.id == Hold.serial_id,
        Serial.place_id == place_id,
        Serial.state.in_(AROUND),
    )
    acted = exists().where(RecallAct.recall_id == Recall.id, RecallAct.place_id == place_id)
    sold_here = exists().where(
        Hold.event_id == Recall.event_id,
        StockBalance.lot_id == Hold.lot_id,
        StockBalance.place_id == place_id,
    )
    return list(
        session.scalars(
            select(Recall)
            .where(
                Recall.outcome != "lifted",
                or_(Recall.closed_at.is_(None), by_lot),
                or_(by_lot, by_place, by_item, acted, sold_here),
            )
            .order_by(Recall.level, Recall.id.desc())
        )
    )
