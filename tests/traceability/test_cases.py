"""Cases: packed, sent, received, opened."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound
from goods.catalogue.models import Product, Sku
from goods.stock.errors import WrongState
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Organisation, Outlet, Place, Region
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import World, actor, in_cases, make_lot
from tests.traceability.ledger import held, refused
from traceability.digital_link import check_digit_holds
from traceability.models import EventUnit, Shipment, TraceEvent
from traceability.recalls.services import recall_lot
from traceability.services.cases import (
    CaseRefused,
    Dispatch,
    open_case,
    outlet_scope,
    pack_cases,
    receive_case,
    ship_cases,
)


def pack(w: World, lot: Lot, cases: int, per_case: int) -> list[LogisticUnit]:
    return in_cases(w, lot, cases=cases, per_case=per_case)


def ship(
    w: World, units: list[LogisticUnit], *, key: str = "ship-1", to: int | None = None
) -> Shipment:
    dispatch = Dispatch(
        key=key,
        ssccs=tuple(unit.sscc for unit in units),
        to_place_id=to or w.outlet.place_id,
        carrier="示例快运",
        waybill_no="DEMO0001",
        at=NOW - timedelta(days=2),
    )
    return ship_cases(w.session, dispatch, actor=w.owner, now=NOW)


def receive(w: World, sscc: str, *, at: int | None = None) -> bool:
    place_id = at or w.outlet.place_id
    clerk = actor(Role.COUNTER_CLERK, account_id=902, place_id=place_id)
    _unit, new = receive_case(w.session, sscc=sscc, place_id=place_id, at=NOW, actor=clerk, now=NOW)
    return new


def other_outlet(w: World) -> Outlet:
    return w.session.scalars(
        select(Outlet)
        .where(Outlet.tier == "counter", Outlet.place_id != w.outlet.place_id)
        .order_by(Outlet.code)
    ).all()[0]


def serials_of(session: Session, lot: Lot) -> list[Serial]:
    session.flush()
    session.expire_all()
    query = select(Serial).where(Serial.lot_id == lot.id).order_by(Serial.serial)
    return list(session.scalars(query))


def steps(session: Session, unit: LogisticUnit) -> list[tuple[str, str | None, str | None]]:
    rows = session.execute(
        select(TraceEvent.event_type, TraceEvent.action, TraceEvent.biz_step)
        .join(EventUnit, EventUnit.event_id == TraceEvent.id)
        .where(EventUnit.unit_id == unit.id)
        .order_by(TraceEvent.event_time, TraceEvent.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


# --- packing ---


def test_every_case_has_a_number_of_its_own_and_knows_its_packs(w: World) -> None:
    lot = make_lot(w, packs=24)
    units = pack(w, lot, 2, 10)
    assert len({unit.sscc for unit in units}) == 2
    assert all(check_digit_holds(unit.sscc) for unit in units)
    inside = [s.unit_id for s in serials_of(w.session, lot)]
    assert inside == [units[0].id] * 10 + [units[1].id] * 10 + [None] * 4
    assert held(w.session, lot.id) == {w.place("workshop").id: 24}
    assert steps(w.session, units[0]) == [("AggregationEvent", "ADD", "packing")]
    (third,) = pack(w, lot, 1, 4)
    assert third.sscc not in {unit.sscc for unit in units}


def test_more_than_lies_loose_is_not_packed(w: World) -> None:
    lot = make_lot(w, packs=24)
    pack(w, lot, 2, 10)
    with refused(w.session, CaseRefused, "cases"):
        pack(w, lot, 1, 5)


@pytest.mark.parametrize(("cases", "per_case"), [(0, 1), (501, 1), (1, 0), (1, 501)])
def test_a_days_packing_has_bounds(w: World, cases: int, per_case: int) -> None:
    lot = make_lot(w, packs=2)
    with refused(w.session, BadInput, "cases"):
        pack(w, lot, cases, per_case)


def test_only_the_maker_packs_and_only_lots_that_are(w: World) -> None:
    lot = make_lot(w, packs=4)
    with refused(w.session, NotAllowed):
        pack(replace(w, owner=w.clerk), lot, 1, 2)
    with refused(w.session, NotFound):
        pack_cases(
            w.session,
            lot_id=99_999,
            place_id=w.place("workshop").id,
            cases=1,
            per_case=1,
            at=NOW,
            actor=w.owner,
            now=NOW,
        )


def test_packs_without_numbers_are_counted(w: World, session: Session) -> None:
    eggs = egg_world(w)
    lot = make_lot(eggs, packs=10)
    warehouse = eggs.place("warehouse").id

    def packed(cases: int, per_case: int) -> list[LogisticUnit]:
        return pack_cases(
            session,
            lot_id=lot.id,
            place_id=warehouse,
            cases=cases,
            per_case=per_case,
            at=NOW,
            actor=eggs.owner,
            now=NOW,
        )

    assert [unit.quantity for unit in packed(2, 4)] == [4, 4]
    with refused(session, CaseRefused, "cases"):
        packed(1, 3)
    assert [unit.quantity for unit in packed(1, 2)] == [2]


def egg_world(w: World) -> World:
    session = w.session
    sku = session.scalars(select(Sku).where(Sku.code == "Q03-1")).one()
    raw = session.scalars(select(Sku).where(Sku.code == "Q03-R")).one()
    product = session.get_one(Product, sku.product_id)
    supplier = session.get_one(Organisation, product.supplier_id)
    owner = actor(Role.SUPPLIER_OWNER, organisation_id=supplier.id)
    return replace(w, sku=sku, raw=raw, product=product, supplier=supplier, owner=owner)


def test_case_numbers_need_a_company_prefix(w: World, session: Session) -> None:
    lot = make_lot(w, packs=2)
    session.execute(delete(Region))
    with refused(session, CaseRefused):
        pack(w, lot, 1, 2)


# --- sending ---


def test_sending_carries_cases_and_packs_into_transit(w: World) -> None:
    lot = make_lot(w, packs=24)
    units = pack(w, lot, 2, 10)
    shipment = ship(w, units)
    transit = w.session.get_one(Place, shipment.transit_place_id)
    assert transit.kind == "transit"
    assert transit.gln is None
    assert held(w.session, lot.id) == {w.place("workshop").id: 4, transit.id: 20}
    states = {(s.state, s.place_id) for s in serials_of(w.session, lot) if s.unit_id}
    assert states == {("in_transit", transit.id)}
    assert {unit.state for unit in units} == {"in_transit"}
    assert shipment.number.startswith("FH2611")


def test_the_same_shipment_sent_twice_is_one(w: World) -> None:
    lot = make_lot(w, packs=12)
    units = pack(w, lot, 1, 12)
    first = ship(w, units)
    before = held(w.session, lot.id)
    assert ship(w, units).id == first.id
    assert held(w.session, lot.id) == before
    with refused(w.session, NotAllowed):
        ship(replace(w, owner=w.clerk), units)


def test_a_shipment_that_makes_no_sense_is_refused(w: World, session: Session) -> None:
    lot = make_lot(w, packs=24)
    unit, other = pack(w, lot, 2, 6)
    with refused(session, BadInput, "ssccs"):
        ship(w, [])
    with refused(session, BadInput, "to_place_id"):
        ship(w, [unit], to=999_999)
    with refused(session, NotAllowed):
        ship(replace(w, owner=actor(Role.SUPPLIER_OWNER, organisation_id=-1)), [unit])
    unknown = Dispatch("k", ("000000000000000000",), w.outlet.place_id, "", "", NOW)
    with refused(session, NotFound):
        ship_cases(session, unknown, actor=w.owner, now=NOW)
    sent = ship(w, [unit])
    with refused(session, CaseRefused, "ssccs"):
        ship(w, [unit, other], key="ship-2")
    with refused(session, CaseRefused, "ssccs"):
        ship(w, [unit], key="ship-3")
    with refused(session, BadInput, "to_place_id"):
        ship(w, [other], key="ship-4", to=sent.transit_place_id)


def test_a_recalled_lot_does_not_leave(w: World) -> None:
    lot = make_lot(w, packs=6)
    units = pack(w, lot, 1, 6)
    recall_lot(w.session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW)
    with refused(w.session, CaseRefused, "ssccs"):
        ship(w, units)


# --- receiving ---


def test_one_scan_receives_unpacks_and_shelves(w: World) -> None:
    lot = make_lot(w, packs=12)
    (unit,) = pack(w, lot, 1, 12)
    shipment = ship(w, [unit])
    assert receive(w, unit.sscc)
    assert held(w.session, lot.id) == {w.outlet.place_id: 12}
    states = {(s.state, s.place_id, s.unit_id) for s in serials_of(w.session, lot)}
    assert states == {("on_shelf", w.outlet.place_id, None)}
    assert (unit.state, unit.place_id) == ("opened", w.outlet.place_id)
    assert (shipment.state, shipment.received_at) == ("received", NOW)
    assert set(steps(w.session, unit)) == {
        ("AggregationEvent", "ADD", "packing"),
        ("ObjectEvent", "OBSERVE", "shipping"),
        ("ObjectEvent", "OBSERVE", "receiving"),
        ("AggregationEvent", "DELETE", "unpacking"),
    }


def test_a_shipment_is_received_when_its_last_case_is(w: World) -> None:
    lot = make_lot(w, packs=12)
    units = pack(w, lot, 2, 6)
    shipment = ship(w, units)
    receive(w, units[0].sscc)
    assert (shipment.state, shipment.received_at) == ("in_transit", None)
    receive(w, units[1].sscc)
    assert shipment.state == "received"


def test_receiving_twice_changes_nothing(w: World) -> None:
    lot = make_lot(w, packs=6)
    (unit,) = pack(w, lot, 1, 6)
    ship(w, [unit])
    assert receive(w, unit.sscc)
    before = held(w.session, lot.id)
    assert not receive(w, unit.sscc)
    assert held(w.session, lot.id) == before


def test_a_case_is_received_where_it_was_sent_and_nowhere_else(w: World) -> None:
    lot = make_lot(w, packs=12)
    sent, kept = pack(w, lot, 2, 6)
    ship(w, [sent])
    with refused(w.session, CaseRefused):
        receive(w, sent.sscc, at=other_outlet(w).place_id)
    with refused(w.session, CaseRefused):
        receive(w, kept.sscc)
    with refused(w.session, NotFound):
        receive(w, "000000000000000000")
    with refused(w.session, NotFound):
        receive(w, sent.sscc, at=999_999)
    clerk = actor(Role.COUNTER_CLERK, place_id=other_outlet(w).place_id)
    with refused(w.session, NotAllowed):
        receive_case(
            w.session, sscc=sent.sscc, place_id=w.outlet.place_id, at=NOW, actor=clerk, now=NOW
        )


def test_a_recalled_case_is_put_aside_unopened(w: World) -> None:
    lot = make_lot(w, packs=6)
    (unit,) = pack(w, lot, 1, 6)
    ship(w, [unit])
    recall_lot(w.session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW)
    with refused(w.session, CaseRefused):
        receive(w, unit.sscc)
    assert unit.state == "in_transit"


def test_a_supplier_receives_at_its_own_warehouse(w: World) -> None:
    lot = make_lot(w, packs=6)
    (unit,) = pack(w, lot, 1, 6)
    warehouse = w.place("warehouse").id
    ship(w, [unit], to=warehouse)
    _unit, new = receive_case(
        w.session, sscc=unit.sscc, place_id=warehouse, at=NOW, actor=w.owner, now=NOW
    )
    assert new
    assert held(w.session, lot.id) == {warehouse: 6}
    with refused(w.session, NotAllowed):
        receive_case(w.session, sscc=unit.sscc, place_id=warehouse, at=NOW, actor=w.clerk, now=NOW)


# --- opening ---


def test_a_case_is_opened_where_it_stands_and_once(w: World) -> None:
    lot = make_lot(w, packs=6)
    (unit,) = pack(w, lot, 1, 6)

    def opened() -> None:
        open_case(w.session, unit.id, organisation_id=w.supplier.id, at=NOW, actor=w.owner, now=NOW)

    opened()
    assert unit.state == "opened"
    assert {s.unit_id for s in serials_of(w.session, lot)} == {None}
    assert held(w.session, lot.id) == {w.place("workshop").id: 6}
    with refused(w.session, WrongState):
        opened()


def test_the_scope_of_an_outlet_names_operator_place_and_county(w: World) -> None:
    scope = outlet_scope(w.session, w.outlet.place_id)
    assert (scope.organisation_id, scope.place_id, scope.county_code) == (
        *(w.outlet.operator_id, w.outlet.place_id, w.outlet.county_code),
    )
    with pytest.raises(NotFound):
        outlet_scope(w.session, w.place("workshop").id)
