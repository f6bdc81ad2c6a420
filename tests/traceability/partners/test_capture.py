"""What partners send is taken whole, once, or refused with what is wrong and where."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from foundation.db import Database
from goods.stock.models import Lot, Serial, StockBalance, StockMove
from parties.network.models import Place
from tests.databases import NOW
from tests.factories import make_lot, world
from tests.traceability.partners.conftest import (
    EPCIS,
    Partner,
    document,
    events_in,
    observed,
)
from tests.traceability.public_vectors import ROOT, public_vectors
from traceability.balance.models import LotFlow
from traceability.epcis.event_hash import event_hash, hashes
from traceability.epcis.validation import problems
from traceability.log.models import LogQueue
from traceability.models import TraceEvent

VECTORS = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared") / "vectors"
EXAMPLES = sorted(str(p.relative_to(VECTORS)) for p in VECTORS.glob("epcis/examples-gs1/json/**/*"))
DOCUMENTS = [name for name in EXAMPLES if name.endswith(".jsonld")]
INVALID = sorted(str(p.relative_to(VECTORS)) for p in VECTORS.glob("epcis/invalid/*"))


def rows(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(TraceEvent)) or 0


def listed(sent: Any) -> list[Any]:
    body = sent["epcisBody"]
    return body["eventList"] if "eventList" in body else events_in(sent)


@pytest.fixture
def undo(database: Database) -> Callable[[], Any]:
    """Let each public document meet a ledger that has seen none of the others."""
    connection: Any = database.bind

    def begin() -> Any:
        return connection.begin_nested()

    return begin


def test_every_public_document_comes_back_with_the_same_meaning(
    partner: Partner, undo: Any
) -> None:
    public_vectors("epcis/schema/EPCIS-JSON-Schema.json")  # skips where there are none
    assert len(DOCUMENTS) > 40
    faults = []
    for name in DOCUMENTS:
        sent = public_vectors(name)
        savepoint = undo()
        answer = partner.ask("/capture", "POST", json=sent)
        job = partner.ask(answer.headers["Location"].removeprefix("/epcis")).json
        told = partner.ask("/events?perPage=100")
        meant, returned = sorted(hashes(sent)), sorted(hashes(told.json))
        ids = {event.get("eventID") for event in listed(sent)} - {None}
        back = {event["eventID"] for event in events_in(told.json)}
        if not job["success"] or meant != returned or ids - back or problems(told.json):
            faults.append((name, job["errors"], problems(told.json)))
        as_sent = partner.ask("/events?perPage=100", headers={"GS1-EPC-Format": "Never_Translates"})
        literal = [{**e, "recordTime": 0, "eventID": 0} for e in events_in(as_sent.json)]
        faults.extend(
            (name, "not verbatim", event)
            for event in listed(sent)
            if {**event, "recordTime": 0, "eventID": 0} not in literal
        )
        savepoint.rollback()
    assert faults == []


@pytest.mark.parametrize("behaviour", ["rollback", "proceed"])
def test_invalid_public_documents_are_refused_and_leave_nothing(
    partner: Partner, database: Database, behaviour: str
) -> None:
    public_vectors("epcis/schema/EPCIS-JSON-Schema.json")  # skips where there are none
    before = rows(database)
    assert len(INVALID) == 5
    for name in INVALID:
        headers = {"GS1-Capture-Error-Behaviour": behaviour}
        answer = partner.ask("/capture", "POST", json=public_vectors(name), headers=headers)
        if behaviour == "proceed" and answer.status_code == 202:
            job = partner.ask(answer.headers["Location"].removeprefix("/epcis")).json
            assert not job["success"]
            assert job["eventsCaptured"] == job["eventsReceived"] - len(
                {error["eventIndex"] for error in job["errors"]}
            )
            assert job["eventsCaptured"] == 0
            continue
        assert answer.status_code == 400, name
        assert answer.mimetype == "application/problem+json"
        assert answer.json["type"] == "epcisException:ValidationException"
        assert answer.json["errors"]
    assert rows(database) == before


def test_rollback_takes_all_or_nothing_and_proceed_what_it_can(
    partner: Partner, database: Database
) -> None:
    good, bad = observed(eventID="urn:uuid:1f4a4f4e-0000-4000-8000-000000000001"), observed()
    del bad["action"]
    before = rows(database)
    refused = partner.ask("/capture", "POST", json=document(good, bad))
    assert refused.status_code == 400
    assert [(e["eventIndex"], e["field"]) for e in refused.json["errors"]] == [(1, "action")]
    assert rows(database) == before
    job = partner.capture(good, bad, headers={"GS1-Capture-Error-Behaviour": "proceed"})
    assert (job["success"], job["eventsCaptured"], job["captureErrorBehaviour"]) == (
        False,
        1,
        "proceed",
    )
    assert [error["eventIndex"] for error in job["errors"]] == [1]
    assert rows(database) == before + 1


def test_only_the_same_event_under_the_same_id_is_one_event(
    partner: Partner, database: Database
) -> None:
    event = observed(eventID="urn:uuid:1f4a4f4e-0000-4000-8000-000000000002")
    assert partner.capture(event)["success"]
    before = rows(database)
    assert partner.capture(event, event)["success"]
    job = partner.capture({**event, "bizStep": "receiving"})
    assert not job["success"]
    assert job["errors"][0]["type"] == "epcisException:ResourceAlreadyExistsException"
    single = {"@context": [EPCIS], **event, "bizStep": "packing"}
    assert partner.ask("/events", "POST", json=single).status_code == 409
    again = partner.ask("/events", "POST", json={"@context": [EPCIS], **event})
    assert again.status_code == 201
    assert rows(database) == before
    two = [observed(), observed()]
    assert partner.capture(*two)["eventsCaptured"] == 2
    assert rows(database) == before + 2, "events without an id are two"


def test_a_single_event_gets_an_address_where_it_is(partner: Partner) -> None:
    made = partner.ask("/events", "POST", json={"@context": [EPCIS], **observed()})
    assert made.status_code == 201
    assert made.json["eventID"].startswith("urn:uuid:")
    (event,) = partner.events(made.headers["Location"].removeprefix("/epcis"))
    assert event["eventID"] == made.json["eventID"]
    assert event_hash(event, [EPCIS]) == event_hash(observed(), [EPCIS])
    assert partner.ask("/events/urn:uuid:nothing").status_code == 404


@pytest.mark.parametrize(
    ("body", "mime", "status", "said"),
    [
        ("<epcis:EPCISDocument/>", "application/xml", 415, "JSON"),
        ("hello", "text/plain", 415, "application/json"),
        ("{", "application/json", 400, "JSON"),
        ("[" * 100_000, "application/json", 400, ""),
        ("[]", "application/json", 400, "object"),
        ('{"a": NaN}', "application/json", 400, "NaN"),
        ('{"type": "ObjectEvent"}', "application/json", 400, "EPCISDocument"),
    ],
)
def test_what_is_no_epcis_document_is_refused_in_words(
    partner: Partner, database: Database, body: str, mime: str, status: int, said: str
) -> None:
    before = rows(database)
    for address in ("/capture", "/events"):
        answer = partner.ask(address, "POST", data=body, content_type=mime)
        assert answer.status_code == status
        assert answer.mimetype == "application/problem+json"
        assert answer.json["type"].startswith("epcisException:")
        if address == "/capture":
            assert said in json.dumps(answer.json)
    assert rows(database) == before


def test_a_document_with_too_many_events_is_refused_with_the_limits(partner: Partner) -> None:
    answer = partner.ask("/capture", "POST", json=document(*[observed()] * 2001))
    assert answer.status_code == 413
    assert answer.json["type"] == "epcisException:CaptureLimitExceededException"
    assert answer.headers["GS1-EPCIS-Capture-Limit"] == "2000"


def own_goods(database: Database, packs: int = 6) -> dict[str, Any]:
    """A lot of packs at the cooperative's workshop, as a partner's system names it."""
    with database.transaction() as session:
        w = world(session)
        lot = make_lot(w, packs=packs)
        serials = session.scalars(
            select(Serial).where(Serial.lot_id == lot.id).order_by(Serial.serial)
        ).all()
        place = session.get_one(Place, serials[0].place_id)
        return {
            "lot_id": lot.id,
            "place_id": place.id,
            "serial_ids": [one.id for one in serials],
            "lot": f"https://id.gs1.org/01/{w.sku.gtin}/10/{lot.lot_no}",
            "epcs": [f"https://id.gs1.org/01/{w.sku.gtin}/21/{one.serial}" for one in serials],
            "place": f"https://id.gs1.org/414/{place.gln}",
        }


def on_hand(database: Database, goods: dict[str, Any]) -> int:
    with database.reading() as session:
        found = session.scalar(
            select(StockBalance.on_hand).where(
                StockBalance.lot_id == goods["lot_id"], StockBalance.place_id == goods["place_id"]
            )
        )
        return found or 0


def test_a_captured_sale_at_ones_own_place_moves_stock_and_its_error_declaration_moves_it_back(
    partner: Partner, database: Database
) -> None:
    goods = own_goods(database)
    sale = observed(
        goods["epcs"][0],
        eventID="urn:uuid:1f4a4f4e-0000-4000-8000-000000000003",
        bizStep="retail_selling",
        disposition="retail_sold",
        readPoint={"id": goods["place"]},
        bizLocation={"id": goods["place"]},
    )
    before = on_hand(database, goods)
    assert partner.capture(sale)["success"]
    assert partner.capture(sale)["success"]
    assert on_hand(database, goods) == before - 1
    with database.reading() as session:
        assert session.get_one(Serial, goods["serial_ids"][0]).state == "sold"
    declared = {
        **sale,
        "errorDeclaration": {
            "declarationTime": "2026-11-20T09:00:00.000+08:00",
            "reason": "did_not_occur",
        },
    }
    assert partner.capture(declared)["success"]
    assert on_hand(database, goods) == before
    with database.reading() as session:
        assert session.get_one(Serial, goods["serial_ids"][0]).state == "commissioned"
        queued = select(func.count()).select_from(LogQueue)
        events = session.scalar(select(func.count()).select_from(TraceEvent))
        assert session.scalar(queued) == events
    assert len(partner.events(f"/events/{sale['eventID']}")) == 2
    assert len(partner.events("/events?EXISTS_errorDeclaration=true")) == 1


def test_goods_that_are_not_there_are_not_sold(partner: Partner, database: Database) -> None:
    goods = own_goods(database, packs=2)
    amount = {"epcClass": goods["lot"], "quantity": 3}
    sale = observed(
        epcList=None,
        quantityList=[amount],
        bizStep="retail_selling",
        readPoint={"id": goods["place"]},
    )
    before, moves = rows(database), on_hand(database, goods)
    job = partner.capture(observed(), sale)
    assert not job["success"]
    assert job["errors"][0]["eventIndex"] == 1
    assert job["errors"][0]["rule"] == "not_enough_stock"
    assert (rows(database), on_hand(database, goods)) == (before, moves)
    job = partner.capture(observed(), sale, headers={"GS1-Capture-Error-Behaviour": "proceed"})
    assert (job["eventsCaptured"], rows(database)) == (1, before + 1)


def test_goods_of_others_are_history_and_move_nothing(
    partner: Partner, stranger: Partner, database: Database
) -> None:
    goods = own_goods(database)
    sale = observed(goods["epcs"][0], bizStep="retail_selling", readPoint={"id": goods["place"]})
    before = on_hand(database, goods)
    with database.reading() as session:
        moves = session.scalar(select(func.count()).select_from(StockMove))
    assert stranger.capture(sale)["success"]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(StockMove)) == moves
    assert on_hand(database, goods) == before
    declared = {"errorDeclaration": {"declarationTime": "2026-11-20T09:00:00.000+08:00"}}
    own = observed(eventID="urn:uuid:1f4a4f4e-0000-4000-8000-000000000004")
    assert partner.capture(own)["success"]
    assert not stranger.capture({**own, **declared})["success"]


def test_shipping_and_receiving_go_through_a_place_of_their_own(
    partner: Partner, database: Database
) -> None:
    goods = own_goods(database)
    here = {"readPoint": {"id": goods["place"]}}
    before = on_hand(database, goods)
    assert partner.capture(observed(epcList=goods["epcs"][:2], **here))["success"]
    assert on_hand(database, goods) == before - 2
    with database.reading() as session:
        serial = session.get_one(Serial, goods["serial_ids"][0])
        assert (serial.state, session.get_one(Place, serial.place_id).kind) == (
            "in_transit",
            "transit",
        )
    back = observed(
        epcList=goods["epcs"][:2], bizStep="receiving", bizLocation={"id": goods["place"]}, **here
    )
    assert partner.capture(back)["success"]
    assert on_hand(database, goods) == before


def test_a_lot_is_made_in_the_unit_in_which_it_is_written(
    partner: Partner, database: Database
) -> None:
    with database.transaction() as session:
        w = world(session)
        place = w.place("workshop")
        raw = Lot(
            sku_id=w.raw.id,
            lot_no="CAPTURED1",
            organisation_id=w.supplier.id,
            template="honey",
            created_at=NOW,
        )
        session.add(raw)
        session.flush()
        goods = {"lot_id": raw.id, "place_id": place.id}
        uri, gln = f"https://id.gs1.org/01/{w.raw.gtin}/10/CAPTURED1", place.gln
    event = observed(
        action="ADD",
        epcList=None,
        quantityList=[{"epcClass": uri, "quantity": 1.5, "uom": "KGM"}],
        bizStep="creating_class_instance",
        readPoint={"id": f"https://id.gs1.org/414/{gln}"},
    )
    assert partner.capture(event)["success"]
    assert on_hand(database, goods) == 1500
    for wrong in ({"quantity": 0.0001}, {"quantity": -1}):
        amount = {"epcClass": uri, "uom": "KGM", **wrong}
        assert not partner.capture({**event, "quantityList": [amount]})["success"]
    assert on_hand(database, goods) == 1500
    (found,) = partner.events("/events?EQ_quantity_GRM=1500")
    assert found["quantityList"][0]["quantity"] == 1.5


def test_a_captured_transformation_makes_goods_of_goods_and_enters_the_graph_of_lots(
    partner: Partner, database: Database
) -> None:
    goods = own_goods(database, packs=6)
    with database.transaction() as session:
        w = world(session)
        made = Lot(
            sku_id=w.sku.id,
            lot_no="CAPTURED2",
            organisation_id=w.supplier.id,
            template="honey",
            created_at=NOW,
        )
        session.add(made)
        session.flush()
        uri, made_id = f"https://id.gs1.org/01/{w.sku.gtin}/10/CAPTURED2", made.id
    event = {
        "type": "TransformationEvent",
        "eventTime": "2026-11-19T10:00:00.000+08:00",
        "eventTimeZoneOffset": "+08:00",
        "inputQuantityList": [{"epcClass": goods["lot"], "quantity": 2}],
        "outputQuantityList": [{"epcClass": uri, "quantity": 2}],
        "bizLocation": {"id": goods["place"]},
    }
    before = on_hand(database, goods)
    assert partner.capture(event)["success"]
    assert on_hand(database, goods) == before - 2
    assert on_hand(database, {**goods, "lot_id": made_id}) == 2
    with database.reading() as session:
        flow = session.scalars(select(LotFlow).where(LotFlow.to_lot_id == made_id)).one()
        assert flow.from_lot_id == goods["lot_id"]


def test_rules_of_the_ledger_refuse_an_event_or_warn_of_it(
    partner: Partner, stranger: Partner, database: Database
) -> None:
    jar = "https://id.gs1.org/01/04012345111118/21/RULED1"
    made = observed(jar, action="ADD", bizStep="commissioning")
    assert partner.capture(made)["success"]
    before = rows(database)

    early = observed(jar, bizStep="retail_selling", eventTime="2026-11-19T09:00:00+08:00")
    shipped = observed(jar, eventTime="2026-11-19T11:00:00+08:00")
    sold = partner.capture(early)
    theirs = stranger.capture(shipped)

    assert [(error["rule"], error["field"]) for error in sold["errors"]] == [
        ("before_it_was_made", "epcList[0]")
    ]
    assert [error["rule"] for error in theirs["errors"]] == ["not_yours_to_ship"]
    assert not sold["success"]
    assert not theirs["success"]
    assert rows(database) == before
    body = {"@context": EPCIS, **shipped}
    assert stranger.ask("/events", "POST", json=body).status_code == 400
    assert rows(database) == before

    warned = partner.capture({**shipped, "disposition": "https://hall.example/voc/tasted"})
    assert (warned["success"], warned["errors"]) == (True, [])
    assert [warning["rule"] for warning in warned["warnings"]] == ["word_of_your_own"]
    assert rows(database) == before + 1


def test_a_wrong_check_digit_is_refused_with_the_right_one(partner: Partner) -> None:
    job = partner.capture(observed("https://id.gs1.org/01/04012345111119/21/1"))
    assert not job["success"]
    assert job["errors"][0]["rule"] == "check_digit_wrong"
    assert "04012345111118" in job["errors"][0]["detail"]


@pytest.mark.parametrize("time", ["2016-12-31T23:59:60Z", "2026-11-19t10:00:00z"])
def test_times_of_rfc_3339_are_taken_in_every_spelling(partner: Partner, time: str) -> None:
    body = {"@context": EPCIS, **observed(eventTime=time)}
    assert partner.ask("/events", "POST", json=body).status_code == 201


def test_a_time_that_no_calendar_holds_is_refused(partner: Partner) -> None:
    late = observed(eventTime="9999-12-31T23:59:59-14:00")
    assert partner.ask("/events", "POST", json={"@context": EPCIS, **late}).status_code == 400
    assert partner.capture(late)["errors"][0]["rule"] == "unreadable"


@pytest.mark.parametrize("spelt", ['"\\ud800"', '"a\\u0000b"', "1e999", "NaN", "[" * 3000])
def test_what_no_ledger_can_keep_is_refused_at_the_door(partner: Partner, spelt: str) -> None:
    text = json.dumps({"@context": [EPCIS, {"x": "https://x.example/"}], **observed()})
    raw = f'{text[:-1]}, "x:y": {spelt}}}'
    answer = partner.ask("/events", "POST", data=raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
