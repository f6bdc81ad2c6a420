"""A story as a program reads it: an EPCIS 2.0 document of its events, with public facts only."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from traceability.digital_link import ItemCode, canonical_uri
from traceability.models import EventLot, EventUnit, TraceEvent
from traceability.rules import CONTEXT
from traceability.stories.queries import UnknownItem
from traceability.stories.rows import TOLD_OF_ITEM, TOLD_OF_LOT
from traceability.stories.rules import PRIVATE

MOST_EVENTS = 500
HIDDEN_KEYS = frozenset(f"shanhuo:{name}" for name in PRIVATE)
PRIVATE_TRANSACTIONS = frozenset({"inv"})
TURN = {"unpacking": 1, "stocking": 2}
"""Order of what one scan records at one moment; receiving comes first."""
LISTS = ("epcList", "childEPCs")


def item_document(session: Session, gtin: str, serial: str, *, now: datetime) -> dict[str, Any]:
    """Give the events of one item; other items of the same events are counted, not named."""
    row = session.execute(
        select(Serial.id, Serial.lot_id)
        .join(Sku, Sku.id == Serial.sku_id)
        .where(Sku.gtin == gtin, Serial.serial == serial)
    ).first()
    if row is None:
        raise UnknownItem("Nobody has recorded a pack with this code")
    mine = canonical_uri(ItemCode(gtin, serial=serial))
    told = TOLD_OF_ITEM.params(lot=row.lot_id, serial=row.id)
    return _document(session, told, mine=mine, now=now)


def lot_document(session: Session, gtin: str, lot_no: str, *, now: datetime) -> dict[str, Any]:
    """Give the events of one lot and of what it was made from; items are counted, not named."""
    lot_id = session.scalar(
        select(Lot.id).join(Sku, Sku.id == Lot.sku_id).where(Sku.gtin == gtin, Lot.lot_no == lot_no)
    )
    if lot_id is None:
        raise UnknownItem("Nobody has recorded this lot")
    told = TOLD_OF_LOT.params(lot=lot_id).subquery()
    parts = select(EventLot.event_id).where(EventLot.lot_id == lot_id, EventLot.role == "epc")
    return _document(session, select(told.c.event_id).union(parts), mine=None, now=now)


def case_document(session: Session, sscc: str, *, now: datetime) -> dict[str, Any]:
    """Give the events of one case."""
    unit_id = session.scalar(select(LogisticUnit.id).where(LogisticUnit.sscc == sscc))
    if unit_id is None:
        raise UnknownItem("Nobody has packed a case with this code")
    ids = select(EventUnit.event_id).where(EventUnit.unit_id == unit_id)
    return _document(session, ids, mine=None, now=now)


def _document(session: Session, ids: Any, *, mine: str | None, now: datetime) -> dict[str, Any]:
    texts = session.scalars(
        select(TraceEvent.document)
        .where(TraceEvent.id.in_(ids))
        .order_by(TraceEvent.event_time, TraceEvent.record_time, TraceEvent.id)
        .limit(MOST_EVENTS)
    )
    events = [json.loads(text) for text in texts]
    events.sort(key=lambda event: (event["eventTime"], TURN.get(event.get("bizStep", ""), 0)))
    return document_of(events, mine=mine, now=now)


def document_of(
    events: Iterable[Mapping[str, Any]], *, mine: str | None, now: datetime
) -> dict[str, Any]:
    """Wrap events in an EPCISDocument (EPCIS 2.0 section 10.2), stripped of what is private."""
    return {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "epcisBody": {"eventList": [public_event(event, mine=mine) for event in events]},
    }


def public_event(event: Mapping[str, Any], *, mine: str | None) -> dict[str, Any]:
    """Leave out of an event what concerns persons, parcels and other people's items."""
    told = {k: v for k, v in event.items() if k != "@context" and k not in HIDDEN_KEYS}
    for name in LISTS:
        if name in told:
            kept = [uri for uri in told[name] if uri == mine or "/21/" not in uri]
            if others := len(told[name]) - len(kept):
                told["shanhuo:otherItems"] = others
            told[name] = kept
    transactions = [
        each
        for each in told.pop("bizTransactionList", ())
        if each["type"] not in PRIVATE_TRANSACTIONS
    ]
    if transactions:
        told["bizTransactionList"] = transactions
    return told
