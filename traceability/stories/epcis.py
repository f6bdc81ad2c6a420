"""A story as a program reads it: an EPCIS 2.0 document of its events, with public facts only."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from traceability.digital_link import ItemCode, canonical_uri
from traceability.models import EventLot, EventUnit, TraceEvent
from traceability.rules import CONTEXT, PRIVATE
from traceability.stories.queries import UnknownItem
from traceability.stories.rows import TOLD_OF_ITEM, TOLD_OF_LOT

MOST_EVENTS = 500
HIDDEN_KEYS = frozenset(f"shanhuo:{name}" for name in PRIVATE)
PRIVATE_TRANSACTIONS = frozenset({"inv"})
TURN = {"unpacking": 1, "stocking": 2}
"""Order of what one scan records at one moment; receiving comes first."""
LISTS = ("epcList", "childEPCs")


class Telling(NamedTuple):
    """Whose story a document is: a lot's, or one item's of it."""

    lot: ItemCode
    item: ItemCode | None = None


def item_document(session: Session, gtin: str, serial: str, *, now: datetime) -> dict[str, Any]:
    """Give the events of one item; other items of the same events are counted, not named."""
    row = session.execute(
        select(Serial.id, Serial.lot_id, Lot.lot_no)
        .join(Lot, Lot.id == Serial.lot_id)
        .join(Sku, Sku.id == Serial.sku_id)
        .where(Sku.gtin == gtin, Serial.serial == serial)
    ).first()
    if row is None:
        raise UnknownItem("Nobody has recorded a pack with this code")
    told_of = Telling(ItemCode(gtin, row.lot_no), ItemCode(gtin, serial=serial))
    told = TOLD_OF_ITEM.params(lot=row.lot_id, serial=row.id)
    return _document(session, told, told_of, now=now)


def lot_document(session: Session, gtin: str, lot_no: str, *, now: datetime) -> dict[str, Any]:
    """Give the events of one lot and of what it was made from; items are counted, not named."""
    lot_id = session.scalar(
        select(Lot.id).join(Sku, Sku.id == Lot.sku_id).where(Sku.gtin == gtin, Lot.lot_no == lot_no)
    )
    if lot_id is None:
        raise UnknownItem("Nobody has recorded this lot")
    told = TOLD_OF_LOT.params(lot=lot_id).subquery()
    parts = select(EventLot.event_id).where(EventLot.lot_id == lot_id, EventLot.role == "epc")
    ids = select(told.c.event_id).union(parts)
    return _document(session, ids, Telling(ItemCode(gtin, lot_no)), now=now)


def case_document(session: Session, sscc: str, *, now: datetime) -> dict[str, Any]:
    """Give the events of one case."""
    row = session.execute(
        select(LogisticUnit.id, Sku.gtin, Lot.lot_no)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .where(LogisticUnit.sscc == sscc)
    ).first()
    if row is None:
        raise UnknownItem("Nobody has packed a case with this code")
    ids = select(EventUnit.event_id).where(EventUnit.unit_id == row.id)
    return _document(session, ids, Telling(ItemCode(row.gtin, row.lot_no)), now=now)


def _document(session: Session, ids: Any, told_of: Telling, *, now: datetime) -> dict[str, Any]:
    texts = session.scalars(
        select(TraceEvent.document)
        .where(TraceEvent.id.in_(ids))
        .order_by(TraceEvent.event_time, TraceEvent.record_time, TraceEvent.id)
        .limit(MOST_EVENTS)
    )
    events = [json.loads(text) for text in texts]
    events.sort(key=lambda event: (event["eventTime"], TURN.get(event.get("bizStep", ""), 0)))
    return document_of(events, told_of, now=now)


def document_of(
    events: Iterable[Mapping[str, Any]], told_of: Telling, *, now: datetime
) -> dict[str, Any]:
    """Wrap events in an EPCISDocument (EPCIS 2.0 section 10.2), stripped of what is private."""
    return {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "epcisBody": {"eventList": [public_event(event, told_of) for event in events]},
    }


def public_event(event: Mapping[str, Any], told_of: Telling) -> dict[str, Any]:
    """Leave out of an event what concerns persons, parcels and other people's items."""
    told = {k: v for k, v in event.items() if k != "@context" and k not in HIDDEN_KEYS}
    mine = canonical_uri(told_of.item) if told_of.item else None
    for name in LISTS:
        if name not in told:
            continue
        kept = [uri for uri in told[name] if uri == mine or "/21/" not in uri]
        if others := len(told[name]) - len(kept):
            told["shanhuo:otherItems"] = others
            if name == "childEPCs":
                lot = canonical_uri(told_of.lot)
                told["childQuantityList"] = [{"epcClass": lot, "quantity": others}]
        told[name] = kept
    transactions = [
        each
        for each in told.pop("bizTransactionList", ())
        if each["type"] not in PRIVATE_TRANSACTIONS
    ]
    if transactions:
        told["bizTransactionList"] = transactions
    return told
