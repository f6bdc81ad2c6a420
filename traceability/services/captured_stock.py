"""What a captured event moves: only at the capturer's own places, by the one table of moves.

Everything else in a captured event is history: it is recorded, can be asked for, and moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput
from goods.stock.models import LogisticUnit, Lot, Serial, StockMove
from goods.stock.rules import Move
from goods.stock.services import move
from parties.network.models import Outlet, Place
from traceability.epcis.facts import EventRead
from traceability.epcis.identifiers import KnownLot, KnownPlace
from traceability.rules import Flow, Happening, LotRef, Part, PlaceRef

BASE_UNITS: Final = {
    "g": {"KGM": 1000.0, "GRM": 1.0, "TNE": 1_000_000.0},
    "mL": {"LTR": 1000.0, "MLT": 1.0, "MTQ": 1_000_000.0},
    "piece": {"": 1.0, "H87": 1.0, "EA": 1.0, "C62": 1.0},
}
"""How many base units of a SKU one unit of each UN/ECE code is."""

GOES_OUT: Final = {"retail_selling": "sold", "destroying": "destroyed", "stock_taking": "destroyed"}


class NotHere(BadInput):
    """The event takes goods from a place at which they are not."""

    code = "not_here"


@dataclass(frozen=True, slots=True)
class Touched:
    """Our own goods in an event that its capturer may speak of."""

    serials: tuple[int, ...] = ()
    units: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()
    """Every lot with its base units."""


def speaks_of(lot: KnownLot, place_id: int | None, organisation_id: int, own: set[int]) -> bool:
    """Tell whether a capturer made this lot or holds the goods at one of its places."""
    return lot.organisation_id == organisation_id or (place_id is not None and place_id in own)


def base_quantity(lot: KnownLot, quantity: float, uom: str | None) -> int | None:
    """Give a quantity in base units of the lot; None when the unit can't be converted.

    Raises BadInput when it is not a whole number of base units or is below zero.
    """
    factor = BASE_UNITS.get(lot.base_unit, {}).get(uom or "")
    if factor is None:
        return None
    exact = quantity * factor
    if exact < 0 or abs(exact - round(exact)) > 1e-6:  # noqa: PLR2004 -- binary fractions
        raise BadInput(
            "%(quantity)s %(uom)s is no whole number of base units of lot %(lot)s",
            quantity=quantity,
            uom=uom or "pieces",
            lot=lot.lot_no,
        )
    return round(exact)


def lot_ref(lot: KnownLot) -> LotRef:
    """Give a lot as events need it."""
    return LotRef(lot.id, lot.sku_id, lot.gtin, lot.lot_no, lot.base_unit)


@dataclass(frozen=True, slots=True)
class Act:
    """A captured event about to move stock."""

    event_id: UUID
    read: EventRead
    touched: Touched
    read_point: KnownPlace | None
    biz_location: KnownPlace | None
    organisation_id: int


def moves_of(session: Session, act: Act, *, now: datetime) -> Happening | None:
    """Move what the event moved; give what happened, None when it moved nothing.

    Raises NotEnough and NotHere; the savepoint around it is then void.
    """
    here = act.read_point or act.biz_location
    there = act.biz_location or act.read_point
    if here is None or there is None or not act.touched.parts:
        return None
    if {here.organisation_id, there.organisation_id} != {act.organisation_id}:
        return None
    event = Happening(
        event_type=act.read.event_type,
        action=act.read.action,
        biz_step=act.read.biz_step,
        disposition=act.read.disposition,
        at=act.read.event_time,
        organisation_id=act.organisation_id,
        place=PlaceRef(here.id, here.gln),
        to_place=PlaceRef(there.id, there.gln),
        parts=act.touched.parts,
    )
    match event.flow:
        case Flow.NONE:
            return None
        case Flow.CARRY:
            return event if _carry(session, act, event, now=now) else None
        case _:
            if act.touched.serials:
                _must_be_at(session, act.touched.serials, here.id)
            move(session, event.moves(), event_id=act.event_id, now=now)
    if event.flow is Flow.OUT and act.touched.serials:
        state = GOES_OUT.get(act.read.biz_step or "", "used")
        session.execute(
            update(Serial)
            .where(Serial.id.in_(act.touched.serials))
            .values(state=state, unit_id=None)
        )
    return event


def _carry(session: Session, act: Act, event: Happening, *, now: datetime) -> bool:
    here = event.place.id
    there = (event.to_place or event.place).id
    match act.read.biz_step:
        case "shipping":
            _must_be_at(session, act.touched.serials, here)
            source, goal, state = here, _transit(session, act).id, "in_transit"
        case "receiving":
            coming = _coming_from(session, act.touched)
            if coming is None:
                return False
            source, goal = coming, there
            state = "on_shelf" if _is_outlet(session, there) else "commissioned"
        case _ if here != there:
            _must_be_at(session, act.touched.serials, here)
            source, goal = here, there
            state = "on_shelf" if _is_outlet(session, there) else "commissioned"
        case _:
            return False
    lines = [
        line
        for lot, quantity, _role in act.touched.parts
        for line in (
            Move(source, lot.id, lot.sku_id, -quantity),
            Move(goal, lot.id, lot.sku_id, quantity),
        )
    ]
    move(session, lines, event_id=act.event_id, now=now)
    serials, units = act.touched.serials, act.touched.units
    if units:
        unit_state = "in_transit" if state == "in_transit" else "received"
        session.execute(
            update(LogisticUnit)
            .where(LogisticUnit.id.in_(units))
            .values(place_id=goal, state=unit_state)
        )
    session.execute(
        update(Serial)
        .where(Serial.id.in_(serials) | Serial.unit_id.in_(units))
        .values(place_id=goal, state=state)
    )
    return True


def _must_be_at(session: Session, serials: Sequence[int], place_id: int) -> None:
    if not serials:
        return
    elsewhere = session.scalar(
        select(Serial.serial)
        .where(
            Serial.id.in_(serials),
            (Serial.place_id != place_id) | Serial.state.in_(("sold", "used", "destroyed")),
        )
        .limit(1)
    )
    if elsewhere is not None:
        raise NotHere("The item with serial %(serial)s is not at this place", serial=elsewhere)


def _coming_from(session: Session, touched: Touched) -> int | None:
    """Give the transit place that holds everything which is received; None when none does."""
    found = set(
        session.scalars(
            select(Place.id)
            .join(LogisticUnit, LogisticUnit.place_id == Place.id)
            .where(LogisticUnit.id.in_(touched.units), Place.kind == "transit")
        )
    ) | set(
        session.scalars(
            select(Place.id)
            .join(Serial, Serial.place_id == Place.id)
            .where(Serial.id.in_(touched.serials), Place.kind == "transit")
        )
    )
    return found.pop() if len(found) == 1 else None


def _transit(session: Session, act: Act) -> Place:
    transit = Place(
        kind="transit",
        name_zh="运输途中",
        name_en="On the way",
        organisation_id=act.organisation_id,
        county_code=None,
    )
    session.add(transit)
    session.flush()
    return transit


def _is_outlet(session: Session, place_id: int) -> bool:
    return session.get(Outlet, place_id) is not None


def reverse(
    session: Session, original_id: UUID, *, event_id: UUID, serials: Sequence[int], now: datetime
) -> bool:
    """Write the reverse of every move of an event that was declared an error.

    Raises NotEnough when the goods have gone on since.
    """
    lines = [
        Move(row.place_id, row.lot_id, row.sku_id, -row.quantity)
        for row in session.execute(
            select(StockMove.place_id, StockMove.lot_id, StockMove.quantity, Lot.sku_id)
            .join(Lot, Lot.id == StockMove.lot_id)
            .where(StockMove.event_id == original_id)
            .order_by(StockMove.id)
        )
    ]
    if not lines:
        return False
    move(session, lines, event_id=event_id, now=now)
    back = {line.place_id for line in lines if line.quantity > 0}
    if serials and len(back) == 1:
        (place_id,) = back
        state = "on_shelf" if _is_outlet(session, place_id) else "commissioned"
        session.execute(
            update(Serial).where(Serial.id.in_(serials)).values(place_id=place_id, state=state)
        )
    return True
