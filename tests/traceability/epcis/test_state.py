"""What the ledger knows of things is read from its tables, our own goods and all others."""

from datetime import timedelta
from typing import Any

from sqlalchemy import event as listening
from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.stock.models import LogisticUnit, Serial
from parties.network.models import Place
from tests.databases import NOW
from tests.factories import World, in_cases, make_lot, on_shelf
from traceability.epcis.acts import act_of
from traceability.epcis.rules import Answer, Policy, is_refused
from traceability.epcis.state import ledger_breaches, states_of
from traceability.services.capture import capture

JAR = "https://id.gs1.org/01/06930000000011/21/7"
CASE = "https://id.gs1.org/00/169300000000000018"
PALLET = "https://id.gs1.org/00/169300000000000025"
BEES, HALL = 1, 2


def event(hour: int, **fields: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=2) + timedelta(hours=hour)
    return {
        "type": "ObjectEvent",
        "eventTime": at.isoformat(),
        "eventTimeZoneOffset": "+08:00",
        "action": "OBSERVE",
        **fields,
    }


def made(hour: int, *items: str) -> dict[str, Any]:
    return event(hour, action="ADD", bizStep="commissioning", epcList=list(items))


def packed(hour: int, parent: str, *items: str, action: str = "ADD") -> dict[str, Any]:
    return event(
        hour, type="AggregationEvent", action=action, parentID=parent, childEPCs=list(items)
    )


def done(hour: int, step: str, *items: str) -> dict[str, Any]:
    return event(hour, bizStep=step, epcList=list(items))


def captured(w: World, organisation_id: int, *events: dict[str, Any]) -> None:
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": NOW.isoformat(),
        "epcisBody": {"eventList": list(events)},
    }
    job = capture(
        w.session,
        document,
        organisation_id=organisation_id,
        behaviour="rollback",
        actor=w.owner,
        now=NOW,
    )
    assert job.success, job.errors


def rules(session: Session, by: int, *events: dict[str, Any]) -> list[list[str]]:
    told = ledger_breaches(session, list(events), organisation_id=by)
    return [[breach.rule for breach in found] for found in told]


def uri_of(w: World, serial: Serial) -> str:
    return f"https://id.gs1.org/01/{w.sku.gtin}/21/{serial.serial}"


def test_what_partners_told_is_told_again(w: World) -> None:
    bees = w.supplier.id
    hall = w.session.get_one(Place, w.outlet.place_id).organisation_id
    captured(w, bees, made(0, JAR), packed(1, CASE, JAR), packed(2, PALLET, CASE))
    captured(w, bees, done(3, "shipping", PALLET))
    assert rules(w.session, hall, done(4, "shipping", JAR)) == [["not_yours_to_ship"]]
    assert rules(w.session, hall, packed(4, "urn:x:crate", JAR)) == [["in_another_parent"]]
    captured(w, hall, done(4, "receiving", PALLET))
    captured(w, hall, packed(5, CASE, action="DELETE"))
    states = states_of(w.session, [act_of(done(6, "shipping", JAR))])
    assert states[JAR].parent is None
    assert states[JAR].began_at == NOW - timedelta(days=2)
    assert not states[JAR].foreign
    assert rules(w.session, hall, packed(6, "urn:x:crate", JAR)) == [[]]
    assert rules(w.session, bees, done(-1, "retail_selling", JAR)) == [["before_it_was_made"]]


def test_a_declared_error_did_not_happen(w: World) -> None:
    bees = w.supplier.id
    wrong = {
        **done(1, "destroying", JAR),
        "eventID": "urn:uuid:00000000-0000-4000-8000-000000000001",
    }
    captured(w, bees, made(0, JAR), wrong)
    assert rules(w.session, bees, done(2, "shipping", JAR)) == [["after_its_end"]]
    declared = {"declarationTime": NOW.isoformat(), "reason": "did_not_occur"}
    captured(w, bees, {**wrong, "errorDeclaration": declared})
    assert rules(w.session, bees, done(2, "shipping", JAR)) == [[]]


def test_our_own_goods_are_where_the_stock_room_has_them(w: World) -> None:
    units = in_cases(w, make_lot(w), cases=1, per_case=6)
    serial = w.session.scalars(
        select(Serial).where(Serial.unit_id == units[0].id).order_by(Serial.id)
    ).all()[0]
    jar, case = uri_of(w, serial), f"https://id.gs1.org/00/{units[0].sscc}"
    state = states_of(w.session, [act_of(done(0, "shipping", jar))])[jar]
    assert (state.holder, state.parent, state.began) == (w.supplier.id, case, True)
    assert state.began_at is not None
    hall = w.session.get_one(Place, w.outlet.place_id).organisation_id
    assert hall != w.supplier.id
    late = done(30, "shipping", jar)
    assert rules(w.session, hall, late) == [["not_yours_to_ship"]]
    assert rules(w.session, w.supplier.id, late) == [[]]
    assert rules(w.session, w.supplier.id, packed(31, PALLET, jar)) == [["in_another_parent"]]
    early = event(0, bizStep="retail_selling", epcList=[jar])
    early["eventTime"] = (state.began_at - timedelta(seconds=1)).isoformat()
    assert rules(w.session, w.supplier.id, early) == [["before_it_was_made"]]


def test_a_serial_that_we_never_made_under_a_number_of_ours_is_refused(w: World) -> None:
    strange = f"https://id.gs1.org/01/{w.sku.gtin}/21/NEVERMADE"
    told = ledger_breaches(
        w.session, [done(0, "retail_selling", strange)], organisation_id=w.supplier.id
    )
    assert [(b.rule, b.answer) for b in told[0]] == [("never_made", Answer.REFUSE)]
    told = ledger_breaches(w.session, [done(0, "retail_selling", JAR)], organisation_id=HALL)
    assert [(b.rule, b.answer) for b in told[0]] == [("never_made", Answer.WARN)]


def test_only_its_supplier_gives_out_serials_of_an_article(w: World) -> None:
    jar = f"https://id.gs1.org/01/{w.sku.gtin}/21/NEW1"
    hall = w.session.get_one(Place, w.outlet.place_id).organisation_id
    assert rules(w.session, w.supplier.id, made(0, jar)) == [[]]
    assert rules(w.session, hall, made(0, jar)) == [["key_of_another"]]
    strict = Policy.read("owner=refuse")
    told = ledger_breaches(w.session, [made(0, jar)], organisation_id=hall, policy=strict)
    assert is_refused(told[0])


def test_a_large_batch_takes_few_statements(w: World) -> None:
    on_shelf(w)
    serials = w.session.scalars(select(Serial).order_by(Serial.id)).all()[:20]
    units = w.session.scalars(select(LogisticUnit).order_by(LogisticUnit.id)).all()[:2]
    captured(w, w.supplier.id, made(0, JAR), packed(1, CASE, JAR))
    events = [
        *(done(40, "receiving", uri_of(w, serial)) for serial in serials),
        *(done(40, "receiving", f"https://id.gs1.org/00/{unit.sscc}") for unit in units),
        *(done(40, "receiving", f"{JAR}{n}") for n in range(50)),
        packed(41, CASE, JAR, action="DELETE"),
    ]
    asked: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    w.session.flush()
    connection = w.session.connection()
    listening.listen(connection, "before_cursor_execute", note)
    try:
        ledger_breaches(w.session, events, organisation_id=w.supplier.id)
    finally:
        listening.remove(connection, "before_cursor_execute", note)
    assert len(asked) <= 12, len(asked)
