"""Questions to the stock room."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from foundation.db import core
from foundation.errors import NotFound
from goods.catalogue.models import Sku
from goods.stock.models import Hold, LogisticUnit, Lot, Serial, StockBalance


class Blocked(NamedTuple):
    """A sale block that stands."""

    lot_id: int | None
    serial_id: int | None
    place_id: int | None
    reason: str
    note_zh: str
    note_en: str


STANDING = select(
    Hold.lot_id, Hold.serial_id, Hold.place_id, Hold.reason, Hold.note_zh, Hold.note_en
).where(
    Hold.released_at.is_(None),
    Hold.lot_id.in_(bindparam("lot_ids", expanding=True))
    | Hold.serial_id.in_(bindparam("serial_ids", expanding=True))
    | (Hold.place_id == bindparam("at_place")),
)


def holds_on(
    session: Session,
    *,
    lot_ids: Iterable[int] = (),
    serial_ids: Iterable[int] = (),
    place_id: int | None = None,
) -> list[Blocked]:
    """Give every standing hold that touches these lots, serials or this place."""
    rows = core(session).execute(
        STANDING,
        {"lot_ids": list(lot_ids), "serial_ids": list(serial_ids), "at_place": place_id},
    )
    return [Blocked(*row) for row in rows]


def held_meanwhile(
    session: Session,
    *,
    lot_ids: Iterable[int] = (),
    serial_ids: Iterable[int] = (),
    place_id: int | None = None,
) -> bool:
    """Tell whether a hold was placed while this transaction waited for the goods' balances.

    To be asked once the balances are locked: who announces a recall locks them too, so that one of
    the two always sees the other. On SQLite there is one writer at a time, and the first look was
    enough.
    """
    if session.get_bind().dialect.name != "postgresql":
        return False
    return bool(holds_on(session, lot_ids=lot_ids, serial_ids=serial_ids, place_id=place_id))


def standing_hold(
    lot_id: InstrumentedAttribute[int],
    serial_id: InstrumentedAttribute[int],
    place_id: InstrumentedAttribute[int],
) -> ColumnElement[bool]:
    """Give a condition for a query over serials: a hold stands on its lot, on it, or its place."""
    on_it = (Hold.lot_id == lot_id) | (Hold.serial_id == serial_id) | (Hold.place_id == place_id)
    return exists().where(Hold.released_at.is_(None), on_it)


def lot_by_id(session: Session, lot_id: int) -> Lot:
    """Give a lot, or raise NotFound."""
    lot = session.get(Lot, lot_id)
    if lot is None:
        raise NotFound("There is no such lot")
    return lot


def lot_by_code(session: Session, gtin: str, lot_no: str) -> Lot | None:
    """Give the lot of a GTIN by its AI (10), if it is known."""
    return session.scalar(
        select(Lot).join(Sku, Sku.id == Lot.sku_id).where(Sku.gtin == gtin, Lot.lot_no == lot_no)
    )


def serials_by_code(session: Session, codes: Sequence[tuple[str, str]]) -> list[tuple[Serial, str]]:
    """Give (serial, gtin) of every known (gtin, serial) pair."""
    if not codes:
        return []
    rows = session.execute(
        select(Serial, Sku.gtin)
        .join(Sku, Sku.id == Serial.sku_id)
        .where(
            Sku.gtin.in_({gtin for gtin, _ in codes}),
            Serial.serial.in_({serial for _, serial in codes}),
        )
    )
    return [(serial, gtin) for serial, gtin in rows]


UNIT = select(LogisticUnit).where(LogisticUnit.sscc == bindparam("sscc"))
UNIT_LOCKED = UNIT.with_for_update().execution_options(populate_existing=True)


def unit_by_sscc(session: Session, sscc: str, *, lock: bool = False) -> LogisticUnit:
    """Give a case by its SSCC, locked and read afresh when asked, or raise NotFound."""
    unit = session.scalar(UNIT_LOCKED if lock else UNIT, {"sscc": sscc})
    if unit is None:
        raise NotFound("No case has the code %(sscc)s", sscc=sscc)
    return unit


def on_hand_by_sku(
    session: Session, sku_ids: Sequence[int], place_ids: Sequence[int] | None = None
) -> dict[int, int]:
    """Give, by SKU, how many are free to promise; held and expired lots count too."""
    query = (
        select(StockBalance.sku_id, func.sum(StockBalance.on_hand - StockBalance.reserved))
        .where(StockBalance.sku_id.in_(sku_ids))
        .group_by(StockBalance.sku_id)
    )
    if place_ids is not None:
        query = query.where(StockBalance.place_id.in_(place_ids))
    return {sku_id: int(free) for sku_id, free in session.execute(query).tuples()}
