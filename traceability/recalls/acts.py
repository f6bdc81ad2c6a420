"""What people do with recalled goods: set apart, send back, destroy, take back from buyers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput, KeyReused, NotFound
from foundation.locks import lock_key
from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial, StockBalance
from goods.stock.services import lock_lots
from parties.network.models import Outlet, Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.balance.queries import sums_of
from traceability.models import Recall
from traceability.recalls.models import RecallAct
from traceability.recalls.queries import (
    AROUND,
    Affected,
    PlaceName,
    affected_of,
    places_named,
    recall_by_id,
    spots_of,
)
from traceability.recalls.rules import ACTS, RecallOver, Spot
from traceability.rules import Happening, LotRef, Part, SerialRef, UnitRef
from traceability.services.cases import Contents, unpack
from traceability.services.events import lot_refs, place_ref, record_event

STEPS = {
    "quarantined": ("OBSERVE", "holding", "recalled"),
    "returned": ("OBSERVE", "shipping", "returned"),
    "destroyed": ("DELETE", "destroying", "destroyed"),
    "taken_back": ("ADD", "accepting", "returned"),
}
"""Action, business step and disposition of each act (CBV 2.0 sections 7.1 and 7.2)."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody says was done with recalled goods at a place."""

    key: str
    recall_id: int
    place_id: int
    lot_id: int
    act: str
    quantity: int
    serials: tuple[str, ...] = ()
    """Which items, where somebody scanned them."""


def note_act(session: Session, deed: Deed, *, actor: Actor, now: datetime) -> RecallAct:
    """Record what was done with recalled goods; the same key again is the same act.

    Raises BadInput on `quantity` or `serials` with the figures, RecallOver when the recall was
    lifted, NotFound for goods that are not in it, NotAllowed elsewhere.
    """
    if deed.act not in ACTS:
        raise BadInput("Please choose what was done", field="act")
    lock_key(session, f"recall-act:{deed.key}")
    recall = recall_by_id(session, deed.recall_id)
    place = places_named(session, [deed.place_id]).get(deed.place_id)
    if place is None:
        raise NotFound("There is no such place")
    _must(session, place, actor)
    made = session.scalar(select(RecallAct).where(RecallAct.key == deed.key))
    if made is not None:
        told = (made.recall_id, made.place_id, made.lot_id, made.act)
        if told != (deed.recall_id, deed.place_id, deed.lot_id, deed.act):
            raise KeyReused("This key was already used for something else")
        return made
    if recall.outcome == "lifted":
        raise RecallOver("This recall has ended")
    affected = affected_of(session, recall)
    lock_lots(session, [deed.lot_id])
    spot = _spot(session, affected, recall, deed)
    quantity = len(deed.serials) or deed.quantity
    from_quarantine = _check(session, spot, deed.act, quantity)
    return _write(session, recall, place, deed, quantity, from_quarantine, actor=actor, now=now)


def _must(session: Session, place: PlaceName, actor: Actor) -> None:
    """Refuse who neither minds the place nor is an official of its county."""
    outlet = session.get(Outlet, place.minded_by)
    if outlet is not None:
        scope = Scope(outlet.operator_id, outlet.place_id, outlet.county_code)
        if not actor.can(Can.RECEIVE_GOODS, scope):
            actor.must(Can.RECALL, Scope(county_code=outlet.county_code))
        return
    county = session.scalar(select(Place.county_code).where(Place.id == place.minded_by))
    scope = Scope(place.organisation_id, county_code=county)
    if not actor.can(Can.RECORD_LOT, scope):
        actor.must(Can.RECALL, scope)


def _spot(session: Session, affected: Affected, recall: Recall, deed: Deed) -> Spot:
    for spot in spots_of(session, affected, recall.id):
        if (spot.place_id, spot.lot_id) == (deed.place_id, deed.lot_id):
            return spot
    lots = affected.lot_ids or affected.seeds
    if deed.act == "taken_back" and deed.lot_id in lots:
        return Spot(deed.place_id, deed.lot_id, 0, 0, 0, 0, 0)
    raise NotFound("No recalled goods of this lot are here")


def _check(session: Session, spot: Spot, act: str, quantity: int) -> int:
    """Refuse more than there is; give how many of them had been set apart before."""
    if quantity <= 0:
        raise BadInput("This must be more than nothing", field="quantity")
    if act == "quarantined":
        most = spot.open
    elif act == "taken_back":
        sums = sums_of(session, [spot.lot_id])[spot.lot_id]
        most = sums.sold - sums.taken_back
    else:
        promised = session.scalar(
            select(StockBalance.reserved).where(
                StockBalance.place_id == spot.place_id, StockBalance.lot_id == spot.lot_id
            )
        )
        most = spot.on_hand - (promised or 0)
        if quantity > most and promised:
            raise BadInput(
                "%(promised)s of these are promised to orders; exchange or call those off first",
                field="quantity",
                promised=promised,
            )
    if quantity > most:
        raise BadInput("There are only %(most)s of them", field="quantity", most=most)
    if act in {"returned", "destroyed"}:
        return max(0, min(spot.quarantined, quantity - spot.open))
    return 0


def _write(
    session: Session,
    recall: Recall,
    place: PlaceName,
    deed: Deed,
    quantity: int,
    from_quarantine: int,
    *,
    actor: Actor,
    now: datetime,
) -> RecallAct:
    ref = lot_refs(session, [deed.lot_id])[deed.lot_id]
    outlet = session.get(Outlet, place.minded_by)
    organisation_id = outlet.operator_id if outlet else place.organisation_id
    home = _home_of(session, deed.lot_id, place) if deed.act == "returned" else None
    serials = _serials(session, ref, place, deed, quantity, organisation_id, actor=actor, now=now)
    action, step, disposition = STEPS[deed.act]
    here = place_ref(session, place.id)
    event_id = record_event(
        session,
        Happening(
            event_type="ObjectEvent",
            action=action,
            biz_step=step,
            disposition=disposition,
            at=now,
            organisation_id=organisation_id,
            place=here,
            from_place=here if home else None,
            to_place=place_ref(session, home) if home else None,
            parts=(Part(ref, quantity),),
            serials=serials,
            transaction=("prodorder", f"urn:shanhuo:recall:{recall.number}"),
            facts={"recall": recall.number},
        ),
        actor=actor,
        now=now,
    )
    _move_serials(session, serials, deed.act, home or place.id)
    act = RecallAct(
        key=deed.key,
        recall_id=recall.id,
        place_id=place.id,
        lot_id=deed.lot_id,
        act=deed.act,
        quantity=quantity,
        from_quarantine=from_quarantine,
        event_id=event_id,
        at=now,
        actor_id=actor.id,
    )
    session.add(act)
    session.flush()
    audit(
        session,
        f"recall_{deed.act}",
        "recall",
        recall.id,
        actor=actor,
        now=now,
        after={"place": place.id, "lot": deed.lot_id, "quantity": quantity},
    )
    return act


def _home_of(session: Session, lot_id: int, place: PlaceName) -> int:
    """Give where goods go back to: the supplier's workshop or store."""
    owner = session.scalar(select(Lot.organisation_id).where(Lot.id == lot_id))
    if owner == place.organisation_id and place.kind != "transit":
        raise BadInput("These goods are with their supplier already", field="act")
    home = session.scalar(
        select(Place.id)
        .where(Place.organisation_id == owner, Place.kind.not_in(("transit", "outlet")))
        .order_by(Place.kind != "warehouse", Place.kind != "workshop", Place.id)
        .limit(1)
    )
    if home is None:
        raise BadInput("This supplier has no registered place", field="act")
    return home


def _serials(
    session: Session,
    ref: LotRef,
    place: PlaceName,
    deed: Deed,
    quantity: int,
    organisation_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> tuple[SerialRef, ...]:
    """Give which items were dealt with: those scanned, else the first of those that are here."""
    if session.scalar(select(Sku.tracking).where(Sku.id == ref.sku_id)) != "serial":
        if deed.act in {"returned", "destroyed"}:
            loose = _on_hand(session, ref.id, place.id) - _in_cases(session, ref.id, place.id)
            _open_cases(
                session, ref, place, quantity - loose, organisation_id, actor=actor, now=now
            )
        return ()
    if deed.act == "quarantined" and not deed.serials:
        return ()
    states = ("sold",) if deed.act == "taken_back" else AROUND
    query = (
        select(Serial.id, Serial.serial)
        .where(Serial.lot_id == ref.id, Serial.state.in_(states))
        .order_by(Serial.unit_id.is_not(None), Serial.serial)
        .with_for_update()
    )
    if deed.act != "taken_back":
        query = query.where(Serial.place_id == place.id)
    if deed.serials:
        rows = session.execute(query.where(Serial.serial.in_(deed.serials))).all()
        if len(rows) != len(set(deed.serials)):
            raise BadInput("One of these items is not here, or not of this lot", field="serials")
    elif deed.act == "taken_back":
        raise BadInput("Scan each pack that was brought back", field="serials")
    else:
        rows = session.execute(query.limit(quantity)).all()
    found = tuple(SerialRef(row[0], ref, row[1]) for row in rows)
    if deed.act in {"returned", "destroyed"}:
        _open_around(session, found, place, organisation_id, actor=actor, now=now)
    return found


def _on_hand(session: Session, lot_id: int, place_id: int) -> int:
    return (
        session.scalar(
            select(StockBalance.on_hand).where(
                StockBalance.place_id == place_id, StockBalance.lot_id == lot_id
            )
        )
        or 0
    )


def _in_cases(session: Session, lot_id: int, place_id: int) -> int:
    return int(
        session.scalar(
            select(func.sum(LogisticUnit.quantity)).where(
                LogisticUnit.lot_id == lot_id,
                LogisticUnit.place_id == place_id,
                LogisticUnit.state != "opened",
            )
        )
        or 0
    )


def _open_cases(
    session: Session,
    ref: LotRef,
    place: PlaceName,
    missing: int,
    organisation_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Open as many cases as are needed to get at so many loose packs."""
    if missing <= 0:
        return
    units = session.scalars(
        select(LogisticUnit)
        .where(
            LogisticUnit.lot_id == ref.id,
            LogisticUnit.place_id == place.id,
            LogisticUnit.state != "opened",
        )
        .order_by(LogisticUnit.id)
        .with_for_update()
    )
    for unit in units:
        if missing <= 0:
            return
        _open(session, unit, (Part(ref, unit.quantity),), (), place, organisation_id, actor, now)
        missing -= unit.quantity


def _open_around(
    session: Session,
    serials: Sequence[SerialRef],
    place: PlaceName,
    organisation_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Open the cases that these items are in."""
    units = session.scalars(
        select(LogisticUnit)
        .where(
            LogisticUnit.id.in_(
                select(Serial.unit_id).where(Serial.id.in_([one.id for one in serials]))
            )
        )
        .order_by(LogisticUnit.id)
        .with_for_update()
    ).all()
    for unit in units:
        ref = serials[0].lot
        inside = session.execute(
            select(Serial.id, Serial.serial)
            .where(Serial.unit_id == unit.id)
            .order_by(Serial.serial)
        )
        items = tuple(SerialRef(row[0], ref, row[1]) for row in inside)
        parts = (Part(ref, len(items)),)
        _open(session, unit, parts, items, place, organisation_id, actor, now)


def _open(
    session: Session,
    unit: LogisticUnit,
    parts: tuple[Part, ...],
    items: tuple[SerialRef, ...],
    place: PlaceName,
    organisation_id: int,
    actor: Actor,
    now: datetime,
) -> None:
    unpack(
        session,
        unit,
        Contents((UnitRef(unit.id, unit.sscc),), parts, items),
        place_ref(session, place.id),
        organisation_id=organisation_id,
        at=now,
        actor=actor,
        now=now,
    )


def _move_serials(session: Session, serials: Sequence[SerialRef], act: str, place_id: int) -> None:
    states: dict[str, dict[str, Any]] = {
        "returned": {"state": "returned", "place_id": place_id, "unit_id": None},
        "destroyed": {"state": "destroyed", "unit_id": None},
        "taken_back": {"state": "returned", "place_id": place_id, "unit_id": None},
    }
    values = states.get(act, {})
    if serials and values:
        session.execute(
            update(Serial).where(Serial.id.in_([one.id for one in serials])).values(**values)
        )
