"""Recording what happened: the one way by which stock moves."""

import json
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from foundation.db import add_rows
from foundation.errors import NotFound
from foundation.ids import time_uuid
from goods.catalogue.models import Sku
from goods.stock.models import Lot
from goods.stock.services import free_at, move
from parties.network.models import Place
from parties.people.permissions import Actor
from traceability.balance.services import note_booked_late, note_flows
from traceability.epcis.index import index_own, named_in
from traceability.log.services import enqueue
from traceability.models import (
    EventCertificate,
    EventLot,
    EventSerial,
    EventUnit,
    TraceEvent,
)
from traceability.rules import (
    Flow,
    Happening,
    LotRef,
    Part,
    PlaceRef,
    epcis_document,
)


def record_event(
    session: Session, event: Happening, *, actor: Actor, now: datetime, reserved: bool = False
) -> UUID:
    """Record what happened and move the stock that it moved; give the event's id.

    With `event.key`, the same key again gives the event it made the first time and moves nothing.
    `reserved` takes out what was promised before. Raises NotEnough when a place would fall short.
    """
    if event.key and (made := event_by_key(session, event.key)):
        return made
    event_id = time_uuid(now)
    document = epcis_document(event, str(event_id), now)
    add_rows(
        session,
        TraceEvent,
        [
            {
                "id": event_id,
                "event_type": event.event_type,
                "action": event.action,
                "biz_step": event.biz_step,
                "disposition": event.disposition,
                "event_time": event.at,
                "record_time": now,
                "read_point_id": event.place.id,
                "biz_location_id": (event.to_place or event.place).id,
                "organisation_id": event.organisation_id,
                "template_step": event.template_step,
                "transaction_ref": event.transaction[1] if event.transaction else None,
                "capture_key": event.key,
                "actor_id": actor.id,
                "document": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
                "event_uri": document["eventID"],
                "public": event.public,
            }
        ],
    )
    _link(session, event_id, event, named_in(document))
    index_own(session, event_id, document)
    enqueue(session, [event_id], now=now)
    if event.flow is Flow.CONVERT:
        note_flows(session, event_id, event, now=now)
    move(session, event.moves(), event_id=event_id, now=now, reserved=reserved)
    return event_id


def _link(session: Session, event_id: UUID, event: Happening, named: dict[str, str]) -> None:
    uris = {part.lot.id: part.lot.uri for part in event.parts}
    sums: dict[tuple[int, str], int] = {}
    for part in event.parts:
        key = (part.lot.id, part.role)
        sums[key] = sums.get(key, 0) + part.quantity
    if sums:
        add_rows(
            session,
            EventLot,
            [
                {
                    "event_id": event_id,
                    "lot_id": lot_id,
                    "role": role,
                    "quantity": quantity,
                    "whole_lot": event.whole_lot,
                    "field": named.get(uris[lot_id]),
                }
                for (lot_id, role), quantity in sums.items()
            ],
        )
    if event.serials:
        add_rows(
            session,
            EventSerial,
            [
                {"event_id": event_id, "serial_id": serial.id, "field": named.get(serial.uri)}
                for serial in event.serials
            ],
        )
    if event.units:
        add_rows(
            session,
            EventUnit,
            [
                {"event_id": event_id, "unit_id": unit.id, "field": named.get(unit.uri)}
                for unit in event.units
            ],
        )
    if event.certificate_ids:
        add_rows(
            session,
            EventCertificate,
            [
                {"event_id": event_id, "certificate_id": certificate_id}
                for certificate_id in event.certificate_ids
            ],
        )


LOTS = (
    select(Lot.id, Lot.sku_id, Sku.gtin, Lot.lot_no, Sku.base_unit)
    .join(Sku, Sku.id == Lot.sku_id)
    .where(Lot.id.in_(bindparam("ids", expanding=True)))
)
PLACE = select(Place.id, Place.gln).where(Place.id == bindparam("place_id"))


def event_by_key(session: Session, key: str) -> UUID | None:
    """Give the event that a capture key made, if it did."""
    return session.scalar(select(TraceEvent.id).where(TraceEvent.capture_key == key))


def lot_refs(session: Session, lot_ids: Iterable[int]) -> dict[int, LotRef]:
    """Give each lot as events need it; raise NotFound when one is unknown."""
    wanted = set(lot_ids)
    rows = session.execute(LOTS, {"ids": sorted(wanted)})
    found = {row[0]: LotRef(*row) for row in rows}
    if wanted - found.keys():
        raise NotFound("There is no such lot")
    return found


def place_ref(session: Session, place_id: int) -> PlaceRef:
    """Give a place as events need it; raise NotFound when it is unknown."""
    row = session.execute(PLACE, {"place_id": place_id}).first()
    if row is None:
        raise NotFound("There is no such place")
    return PlaceRef(*row)


def book_in_missing(
    session: Session,
    part: Part,
    place: PlaceRef,
    *,
    organisation_id: int,
    transaction: tuple[str, str],
    at: datetime,
    actor: Actor,
    now: datetime,
) -> int:
    """Before a late fact takes out more than is free, book in what is missing; give how much.

    Goods that changed hands were there, whatever the books said. The discrepancy event is one
    that officials see.
    """
    missing = part.quantity - free_at(session, place.id, part.lot.id)
    if missing <= 0:
        return 0
    found = Happening(
        event_type="ObjectEvent",
        action="ADD",
        biz_step="stock_taking",
        disposition="sellable_accessible",
        at=at,
        organisation_id=organisation_id,
        place=place,
        parts=(Part(part.lot, missing),),
        transaction=transaction,
        facts={"discrepancy": "handed over before it was booked in"},
    )
    event_id = record_event(session, found, actor=actor, now=now)
    note_booked_late(
        session,
        lot_id=part.lot.id,
        place_id=place.id,
        event_id=event_id,
        quantity=missing,
        now=now,
    )
    return missing
