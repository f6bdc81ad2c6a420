"""Cases: packing, shipping, receiving, unpacking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput, NotFound, Refused
from foundation.locks import lock_key
from goods.catalogue.models import Sku
from goods.stock.errors import WrongState
from goods.stock.models import LogisticUnit, Lot, Serial
from goods.stock.queries import held_meanwhile, holds_on, unit_by_sscc
from parties.network.models import Outlet, Place, Region
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.models import Shipment, SsccSeries
from traceability.rules import Happening, LotRef, Part, PlaceRef, SerialRef, UnitRef, sscc_of
from traceability.services.events import lot_refs, place_ref, record_event
from traceability.services.lots import supplier_scope

SERIAL = cast(Table, Serial.__table__)
INSIDE = (
    select(Serial.id, Serial.lot_id, Serial.serial)
    .where(Serial.unit_id.in_(bindparam("unit_ids", expanding=True)))
    .order_by(Serial.id)
)
SHELVE = (
    update(SERIAL)
    .where(SERIAL.c.id.in_(bindparam("ids", expanding=True)))
    .values(place_id=bindparam("at_place"), state="on_shelf")
)
LOOSEN = update(SERIAL).where(SERIAL.c.unit_id == bindparam("of_unit")).values(unit_id=None)
CARRY = (
    update(SERIAL)
    .where(SERIAL.c.unit_id.in_(bindparam("unit_ids", expanding=True)))
    .values(place_id=bindparam("at_place"), state=bindparam("as_state"))
)
STILL_COMING = (
    select(LogisticUnit.id)
    .where(LogisticUnit.place_id == bindparam("at_place"), LogisticUnit.state == "in_transit")
    .limit(1)
)
SHIPMENT_AT = (
    select(Shipment)
    .where(Shipment.transit_place_id == bindparam("at_place"), Shipment.state == "in_transit")
    .limit(1)
)


class CaseRefused(Refused):
    """A case can't be packed, shipped or received now."""

    code = "case_refused"


def pack_cases(
    session: Session,
    *,
    lot_id: int,
    place_id: int,
    cases: int,
    per_case: int,
    at: datetime,
    actor: Actor,
    now: datetime,
) -> list[LogisticUnit]:
    """Pack loose units of a lot into `cases` cases of `per_case`, each with an SSCC of its own.

    One AggregationEvent per case. Raises CaseRefused when too few loose units are there.
    """
    lot = session.get(Lot, lot_id, with_for_update={"key_share": True})
    if lot is None:
        raise NotFound("There is no such lot")
    actor.must(Can.RECORD_LOT, supplier_scope(session, lot.organisation_id))
    if not 1 <= cases <= 500 or not 1 <= per_case <= 500:  # noqa: PLR2004 -- a day's work
        raise BadInput("Pack between 1 and 500 cases of 1 to 500 packs", field="cases")
    ref = lot_refs(session, [lot_id])[lot_id]
    place = place_ref(session, place_id)
    serials = _loose(session, ref, place, cases * per_case)
    if serials is None and _unpacked(session, lot_id, place_id) < cases * per_case:
        raise CaseRefused("There are not that many loose packs of this lot here", field="cases")
    units: list[LogisticUnit] = []
    for number, sscc in enumerate(_next_ssccs(session, cases)):
        inside = serials[number * per_case : (number + 1) * per_case] if serials else []
        unit = LogisticUnit(
            sscc=sscc,
            lot_id=lot_id,
            quantity=per_case,
            place_id=place_id,
            state="packed",
            packed_at=at,
        )
        session.add(unit)
        session.flush()
        if inside:
            session.execute(
                update(Serial).where(Serial.id.in_([s.id for s in inside])).values(unit_id=unit.id)
            )
        record_event(
            session,
            Happening(
                event_type="AggregationEvent",
                action="ADD",
                biz_step="packing",
                disposition="in_progress",
                at=at,
                organisation_id=lot.organisation_id,
                place=place,
                parts=(Part(ref, per_case),),
                serials=tuple(inside),
                units=(UnitRef(unit.id, sscc),),
                template_step="case",
            ),
            actor=actor,
            now=now,
        )
        units.append(unit)
    audit(
        session,
        "pack_cases",
        "lot",
        lot_id,
        actor=actor,
        now=now,
        after={"cases": cases, "per_case": per_case, "first": units[0].sscc},
    )
    return units


def _loose(session: Session, ref: LotRef, place: PlaceRef, wanted: int) -> list[SerialRef] | None:
    tracking = session.scalar(select(Sku.tracking).where(Sku.id == ref.sku_id))
    if tracking != "serial":
        return None
    rows = session.execute(
        select(Serial.id, Serial.serial)
        .where(
            Serial.lot_id == ref.id,
            Serial.place_id == place.id,
            Serial.state == "commissioned",
            Serial.unit_id.is_(None),
        )
        .order_by(Serial.serial)
        .limit(wanted)
        .with_for_update()
    ).all()
    if len(rows) < wanted:
        raise CaseRefused("There are not that many loose packs of this lot here", field="cases")
    return [SerialRef(serial_id, ref, serial) for serial_id, serial in rows]


def _unpacked(session: Session, lot_id: int, place_id: int) -> int:
    from sqlalchemy import func

    from goods.stock.services import free_at

    packed = session.scalar(
        select(func.sum(LogisticUnit.quantity)).where(
            LogisticUnit.lot_id == lot_id,
            LogisticUnit.place_id == place_id,
            LogisticUnit.state == "packed",
        )
    )
    return free_at(session, place_id, lot_id) - (packed or 0)


def _next_ssccs(session: Session, count: int) -> list[str]:
    prefix = session.scalar(select(Region.gs1_prefix))
    if prefix is None:
        raise CaseRefused("This installation has no GS1 company prefix yet")
    lock_key(session, f"sscc:{prefix}")
    series = session.get(SsccSeries, prefix, with_for_update=True)
    if series is None:
        series = SsccSeries(gs1_prefix=prefix, last_reference=0)
        session.add(series)
    first = series.last_reference + 1
    series.last_reference += count
    session.flush()
    return [sscc_of(prefix, first + n) for n in range(count)]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Cases to be sent to a place."""

    key: str
    ssccs: tuple[str, ...]
    to_place_id: int
    carrier: str
    waybill_no: str
    at: datetime


def ship_cases(session: Session, dispatch: Dispatch, *, actor: Actor, now: datetime) -> Shipment:
    """Send cases from a supplier's place into a transit place of this shipment's own.

    The same key again gives the same shipment. Raises CaseRefused when a case is not packed at
    one of the supplier's places or on hold, NotAllowed for another supplier's cases.
    """
    lock_key(session, f"shipment:{dispatch.key}")
    made = session.scalar(select(Shipment).where(Shipment.key == dispatch.key))
    if made:
        actor.must(Can.SHIP_GOODS, supplier_scope(session, made.organisation_id))
        return made
    if not dispatch.ssccs:
        raise BadInput("Choose at least one case", field="ssccs")
    rows = session.execute(
        select(LogisticUnit, Lot)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .where(LogisticUnit.sscc.in_(dispatch.ssccs))
        .order_by(LogisticUnit.id)
        .with_for_update(of=LogisticUnit)
    ).all()
    units = [unit for unit, _ in rows]
    if len(units) < len(set(dispatch.ssccs)):
        raise NotFound("One of these cases is unknown")
    origins = {unit.place_id for unit in units}
    owners = {lot.organisation_id for _, lot in rows}
    if len(origins) > 1 or len(owners) > 1 or any(unit.state != "packed" for unit in units):
        raise CaseRefused("These cases are not all packed at one place of yours", field="ssccs")
    (organisation_id,), (origin_id,) = owners, origins
    actor.must(Can.SHIP_GOODS, supplier_scope(session, organisation_id))
    lot_ids = {unit.lot_id for unit in units}
    if holds_on(session, lot_ids=lot_ids):
        raise CaseRefused("One of these lots is on hold and may not leave", field="ssccs")
    destination = session.get(Place, dispatch.to_place_id)
    if destination is None or destination.kind == "transit":
        raise BadInput("Please choose where the cases go", field="to_place_id")
    transit = Place(
        kind="transit",
        name_zh=f"运往{destination.name_zh}"[:80],
        name_en=f"On the way to {destination.name_en}"[:120],
        organisation_id=organisation_id,
        county_code=None,
    )
    session.add(transit)
    session.flush()
    day = clock.business_date(dispatch.at)
    shipment = Shipment(
        key=dispatch.key,
        number=f"FH{day:%y%m%d}-{transit.id:05d}",
        from_place_id=origin_id,
        to_place_id=destination.id,
        transit_place_id=transit.id,
        organisation_id=organisation_id,
        carrier=dispatch.carrier,
        waybill_no=dispatch.waybill_no,
        state="in_transit",
        shipped_at=dispatch.at,
    )
    session.add(shipment)
    session.flush()
    contents = _contents(session, units)
    if holds_on(session, serial_ids=[one.id for one in contents.serials], place_id=origin_id):
        raise CaseRefused("A pack in one of these cases is on hold; open it and put that one aside")
    record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action="OBSERVE",
            biz_step="shipping",
            disposition="in_transit",
            at=dispatch.at,
            organisation_id=organisation_id,
            place=place_ref(session, origin_id),
            from_place=place_ref(session, origin_id),
            to_place=PlaceRef(transit.id, None),
            parts=contents.parts,
            serials=contents.serials,
            units=contents.units,
            inside=True,
            template_step="ship",
            transaction=("desadv", f"urn:shanhuo:shipment:{shipment.number}"),
            facts={"carrier": dispatch.carrier, "waybill_no": dispatch.waybill_no},
        ),
        actor=actor,
        now=now,
    )
    if held_meanwhile(session, lot_ids=lot_ids):
        raise CaseRefused("One of these lots is on hold and may not leave", field="ssccs")
    _place_units(session, units, transit.id, "in_transit", "in_transit")
    audit(
        session,
        "ship_cases",
        "shipment",
        shipment.id,
        actor=actor,
        now=now,
        after={"cases": len(units), "to_place": destination.id},
    )
    return shipment


@dataclass(frozen=True, slots=True)
class Contents:
    """What a set of cases holds."""

    units: tuple[UnitRef, ...]
    parts: tuple[Part, ...]
    serials: tuple[SerialRef, ...]


def _contents(session: Session, units: Sequence[LogisticUnit]) -> Contents:
    refs = lot_refs(session, {unit.lot_id for unit in units})
    rows = session.execute(INSIDE, {"unit_ids": [unit.id for unit in units]})
    return Contents(
        units=tuple(UnitRef(unit.id, unit.sscc) for unit in units),
        parts=tuple(Part(refs[unit.lot_id], unit.quantity) for unit in units),
        serials=tuple(SerialRef(sid, refs[lot_id], serial) for sid, lot_id, serial in rows),
    )


def _place_units(
    session: Session, units: Sequence[LogisticUnit], place_id: int, state: str, serial_state: str
) -> None:
    for unit in units:
        unit.place_id, unit.state = place_id, state
    ids = [unit.id for unit in units]
    session.execute(CARRY, {"unit_ids": ids, "at_place": place_id, "as_state": serial_state})
    session.flush()


def receive_case(
    session: Session, *, sscc: str, place_id: int, at: datetime, actor: Actor, now: datetime
) -> tuple[LogisticUnit, bool]:
    """Receive a case at an outlet by one scan, unpack it and put its packs on the shelf.

    Three events: receiving, unpacking, stocking. Gives the case and whether it is newly received:
    scanning it again changes nothing. Raises NotFound for an unknown case, CaseRefused for one
    that was sent elsewhere or never sent, OnHold-like CaseRefused for a recalled lot.
    """
    receiver = _must_receive(session, place_id, actor)
    unit = unit_by_sscc(session, sscc, lock=True)
    if unit.place_id == place_id and unit.state == "opened":
        return unit, False
    shipment = _shipment_of(session, unit)
    if unit.state != "in_transit" or shipment is None:
        raise CaseRefused("This case has not been sent to anybody yet; ask the sender")
    if shipment.to_place_id != place_id:
        raise CaseRefused("This case was sent to another outlet; put it aside")
    if holds_on(session, lot_ids=[unit.lot_id]):
        raise CaseRefused("This lot is recalled; keep the case closed and put it aside")
    organisation_id = receiver.organisation_id
    contents = _contents(session, [unit])
    here, transit = receiver.place, PlaceRef(shipment.transit_place_id, None)
    reference = ("desadv", f"urn:shanhuo:shipment:{shipment.number}")
    base = Happening(
        event_type="ObjectEvent",
        action="OBSERVE",
        biz_step="receiving",
        disposition="in_progress",
        at=at,
        organisation_id=organisation_id,
        place=here,
        from_place=transit,
        to_place=here,
        parts=contents.parts,
        serials=contents.serials,
        units=contents.units,
        inside=True,
        template_step="receive",
        transaction=reference,
    )
    record_event(session, base, actor=actor, now=now)
    unpack(
        session, unit, contents, here, organisation_id=organisation_id, at=at, actor=actor, now=now
    )
    record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action="OBSERVE",
            biz_step="stocking",
            disposition="sellable_accessible",
            at=at,
            organisation_id=organisation_id,
            place=here,
            parts=contents.parts,
            serials=contents.serials,
            template_step="stock",
        ),
        actor=actor,
        now=now,
    )
    if contents.serials:
        ids = [serial.id for serial in contents.serials]
        session.execute(SHELVE, {"ids": ids, "at_place": place_id})
    unit.place_id = place_id
    session.flush()
    if session.scalar(STILL_COMING, {"at_place": shipment.transit_place_id}) is None:
        shipment.state, shipment.received_at = "received", at
    audit(
        session,
        "receive_case",
        "logistic_unit",
        unit.id,
        actor=actor,
        now=now,
        after={"place": place_id},
    )
    return unit, True


def unpack(
    session: Session,
    unit: LogisticUnit,
    contents: Contents,
    place: PlaceRef,
    *,
    organisation_id: int,
    at: datetime,
    actor: Actor,
    now: datetime,
) -> UUID:
    """Open a case: its packs are loose from now on."""
    event_id = record_event(
        session,
        Happening(
            event_type="AggregationEvent",
            action="DELETE",
            biz_step="unpacking",
            disposition="in_progress",
            at=at,
            organisation_id=organisation_id,
            place=place,
            parts=contents.parts,
            serials=contents.serials,
            units=(UnitRef(unit.id, unit.sscc),),
        ),
        actor=actor,
        now=now,
    )
    session.execute(LOOSEN, {"of_unit": unit.id})
    unit.state = "opened"
    return event_id


def open_case(
    session: Session,
    unit_id: int,
    *,
    organisation_id: int,
    at: datetime,
    actor: Actor,
    now: datetime,
) -> None:
    """Open a packed case where it stands, so that its packs can leave one by one."""
    unit = session.get_one(LogisticUnit, unit_id, with_for_update=True)
    if unit.state != "packed":
        raise WrongState("This case is not closed any more")
    unpack(
        session,
        unit,
        _contents(session, [unit]),
        place_ref(session, unit.place_id),
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        now=now,
    )


def _shipment_of(session: Session, unit: LogisticUnit) -> Shipment | None:
    return session.scalar(SHIPMENT_AT, {"at_place": unit.place_id})


class Receiver(NamedTuple):
    """The place that receives, and whose it is."""

    place: PlaceRef
    organisation_id: int


RECEIVER = (
    select(Place.gln, Place.organisation_id, Place.kind, Outlet.operator_id, Place.county_code)
    .outerjoin(Outlet, Outlet.place_id == Place.id)
    .where(Place.id == bindparam("place_id"))
)


def _must_receive(session: Session, place_id: int, actor: Actor) -> Receiver:
    """Refuse those who receive elsewhere: staff at their outlet, suppliers at their places."""
    row = session.execute(RECEIVER, {"place_id": place_id}).first()
    if row is None:
        raise NotFound("There is no such place")
    gln, owner_id, kind, operator_id, county = row
    if kind == "outlet":
        actor.must(Can.RECEIVE_GOODS, Scope(operator_id, place_id, county))
        owner_id = operator_id
    else:
        actor.must(Can.RECORD_LOT, Scope(owner_id, county_code=county))
    return Receiver(PlaceRef(place_id, gln), owner_id)


def outlet_scope(session: Session, place_id: int) -> Scope:
    """Give whose and where an outlet is, for permissions; raise NotFound."""
    row = session.execute(
        select(Outlet.operator_id, Outlet.county_code).where(Outlet.place_id == place_id)
    ).first()
    if row is None:
        raise NotFound("There is no such outlet")
    return Scope(organisation_id=row[0], place_id=place_id, county_code=row[1])
