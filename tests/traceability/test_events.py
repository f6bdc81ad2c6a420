"""Events: recorded once, in GS1's own form, and never changed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from foundation.db import INSERT_ONLY
from foundation.errors import NotFound
from goods.stock.errors import NotEnough
from goods.stock.models import Lot, Serial, StockMove
from tests.databases import NOW
from tests.factories import World, make_lot, on_shelf
from tests.traceability.json_schema import faults
from tests.traceability.ledger import count, held, refused
from tests.traceability.public_vectors import public_vectors
from traceability.models import EventLot, EventSerial, EventUnit, TraceEvent
from traceability.recalls.services import recall_lot
from traceability.rules import Happening, Part, SerialRef
from traceability.services.events import (
    book_in_missing,
    event_by_key,
    lot_refs,
    place_ref,
    record_event,
)
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


def sold(w: World, lot: Lot, quantity: int, **more: Any) -> Happening:
    given: dict[str, Any] = {
        "event_type": "ObjectEvent",
        "action": "OBSERVE",
        "biz_step": "retail_selling",
        "disposition": "retail_sold",
        "at": NOW,
        "organisation_id": w.outlet.operator_id,
        "place": place_ref(w.session, w.outlet.place_id),
        "parts": (Part(lot_refs(w.session, [lot.id])[lot.id], quantity),),
        "transaction": ("inv", "urn:uuid:sale"),
        "key": "till-1-17",
    }
    return Happening(**given | more)


def test_an_event_sent_twice_under_one_key_is_recorded_once(w: World) -> None:
    lot, _ = on_shelf(w, packs=6)
    first = record_event(w.session, sold(w, lot, 2), actor=w.clerk, now=NOW)
    before = count(w.session, TraceEvent), count(w.session, StockMove)
    assert record_event(w.session, sold(w, lot, 2), actor=w.clerk, now=NOW) == first
    assert (count(w.session, TraceEvent), count(w.session, StockMove)) == before
    assert event_by_key(w.session, "till-1-17") == first
    assert event_by_key(w.session, "till-1-18") is None
    assert held(w.session, lot.id)[w.outlet.place_id] == 4


def test_an_event_that_takes_more_than_there_is_leaves_nothing(w: World) -> None:
    lot, _ = on_shelf(w, packs=6)
    with refused(w.session, NotEnough):
        record_event(w.session, sold(w, lot, 7), actor=w.clerk, now=NOW)


def test_events_are_about_known_lots_and_places(w: World) -> None:
    with pytest.raises(NotFound):
        lot_refs(w.session, [99_999])
    with pytest.raises(NotFound):
        place_ref(w.session, 99_999)


def test_what_is_missing_is_booked_in_before_it_is_handed_over(w: World) -> None:
    lot, _ = on_shelf(w, packs=6)
    ref, place = (
        lot_refs(w.session, [lot.id])[lot.id],
        place_ref(w.session, w.outlet.place_id),
    )

    def missing(quantity: int) -> int:
        return book_in_missing(
            w.session,
            Part(ref, quantity),
            place,
            organisation_id=w.outlet.operator_id,
            transaction=("inv", "urn:uuid:late"),
            at=NOW,
            actor=w.clerk,
            now=NOW,
        )

    assert missing(6) == 0
    assert held(w.session, lot.id)[w.outlet.place_id] == 6
    assert missing(9) == 3
    assert held(w.session, lot.id)[w.outlet.place_id] == 9
    event = w.session.scalars(select(TraceEvent).where(TraceEvent.biz_step == "stock_taking")).one()
    assert (event.action, event.transaction_ref) == ("ADD", "urn:uuid:late")
    assert json.loads(event.document)["shanhuo:discrepancy"]


def test_stock_is_the_sum_of_its_moves(w: World) -> None:
    lot, _ = on_shelf(w, packs=6)
    record_event(w.session, sold(w, lot, 2), actor=w.clerk, now=NOW)
    sums: dict[int, int] = {}
    for move in w.session.scalars(select(StockMove).where(StockMove.lot_id == lot.id)):
        sums[move.place_id] = sums.get(move.place_id, 0) + move.quantity
    assert {place: n for place, n in sums.items() if n} == held(w.session, lot.id)


@pytest.mark.parametrize(
    "model", [TraceEvent, EventLot, EventSerial, EventUnit, StockMove], ids=lambda m: m.__name__
)
@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_database_itself_refuses_to_change_what_happened(
    w: World, session: Session, model: Any, act: str
) -> None:
    on_shelf(w, packs=2)
    session.flush()
    before = count(session, model)
    assert before
    assert model.__tablename__ in INSERT_ONLY
    column = next(iter(model.__table__.primary_key.columns))
    statement: Any = update(model).values({column.name: column}) if act == "update" else None
    with pytest.raises(DBAPIError, match="insert-only"), session.begin_nested():
        session.execute(statement if statement is not None else delete(model))
    assert count(session, model) == before


def everything(w: World) -> list[dict[str, Any]]:
    """Record a whole way with recall and sale; give every event's document."""
    lot, serials = on_shelf(w, packs=6)
    ticket = Ticket(
        key="sale-1",
        place_id=w.outlet.place_id,
        channel="counter",
        sold_at=NOW,
        items=(Item(w.sku.gtin, 1, serial=serials[0].serial),),
        tenders=(Paid("cash", w.sku.price_fen, w.sku.price_fen),),
    )
    record_sale(w.session, ticket, actor=w.clerk, now=NOW)
    recall_lot(w.session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW)
    return [json.loads(text) for text in w.session.scalars(select(TraceEvent.document))]


def test_every_event_says_what_its_columns_say(w: World) -> None:
    everything(w)
    for event in w.session.scalars(select(TraceEvent)):
        document = json.loads(event.document)
        assert document["eventID"] == f"urn:uuid:{event.id}"
        assert document["type"] == event.event_type
        assert document.get("action") == event.action
        assert document["bizStep"] == event.biz_step
        assert document["eventTimeZoneOffset"] == "+08:00"
        assert document["eventTime"].endswith("Z")


def test_every_event_is_valid_by_gs1s_own_schema(w: World) -> None:
    schema = public_vectors("epcis/schema/EPCIS-JSON-Schema.json")
    documents = everything(w)
    assert {d["type"] for d in documents} == {
        *("ObjectEvent", "AggregationEvent", "TransformationEvent"),
    }
    for document in documents:
        assert list(faults(document, schema, schema)) == [], document["bizStep"]


def test_the_schema_reader_sees_faults(w: World) -> None:
    schema = public_vectors("epcis/schema/EPCIS-JSON-Schema.json")
    good = next(d for d in everything(w) if d["bizStep"] == "shipping")
    for spoilt in (
        {k: v for k, v in good.items() if k != "eventTime"},
        good | {"action": "MAYBE"},
        good | {"epcList": "one"},
        good | {"@context": 5},
    ):
        assert list(faults(spoilt, schema, schema)) != []


def test_every_word_of_an_event_is_one_of_the_core_vocabulary(w: World) -> None:
    context = json.dumps(public_vectors("epcis/context/epcis-context.jsonld"))
    for document in everything(w):
        for word in (document["bizStep"], document.get("disposition"), document["type"]):
            assert word is None or f'"{word}"' in context, word


def test_a_serial_is_named_without_its_lot_and_a_lot_by_its_own(w: World) -> None:
    lot = make_lot(w, packs=2)
    ref = lot_refs(w.session, [lot.id])[lot.id]
    serial = w.session.scalars(select(Serial).where(Serial.lot_id == lot.id)).first()
    assert serial is not None
    assert ref.uri == f"https://id.gs1.org/01/{w.sku.gtin}/10/{lot.lot_no}"
    named = SerialRef(serial.id, ref, serial.serial).uri
    assert named == f"https://id.gs1.org/01/{w.sku.gtin}/21/{serial.serial}"


def test_an_event_may_be_told_late_and_says_when(w: World) -> None:
    lot, _ = on_shelf(w, packs=6)
    late = sold(w, lot, 1, at=NOW - timedelta(hours=5), key="late")
    event = w.session.get_one(TraceEvent, record_event(w.session, late, actor=w.clerk, now=NOW))
    assert (event.event_time, event.record_time) == (NOW - timedelta(hours=5), NOW)
    assert w.session.execute(text("SELECT 1")).scalar() == 1
