"""Recalled goods are set apart, sent back, destroyed or taken back, until nothing is open."""

import pytest
from sqlalchemy import select

from foundation.errors import BadInput, KeyReused, NotAllowed, NotFound
from goods.stock.models import Hold, LogisticUnit, Lot, Serial
from goods.stock.queries import holds_on
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import World, actor, in_cases, make_lot, on_shelf, send
from tests.insight.trading import outlet, sell
from tests.traceability.ledger import held, refused
from traceability.models import Recall, TraceEvent
from traceability.recalls.acts import Deed, note_act
from traceability.recalls.lists import standing_at, till_list, till_version
from traceability.recalls.models import RecallAct
from traceability.recalls.queries import affected_of, spots_of
from traceability.recalls.rules import RecallOver, StillOut
from traceability.recalls.services import end_recall, recall_lot


def recalled(w: World, lot: Lot) -> Recall:
    return recall_lot(
        w.session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW
    )


def deed(recall: Recall, lot: Lot, place_id: int, act: str, quantity: int, **more: object) -> Deed:
    key = str(more.pop("key", f"{act}-{place_id}-{quantity}"))
    return Deed(key, recall.id, place_id, lot.id, act, quantity, **more)  # type: ignore[arg-type]


def open_at(w: World, recall: Recall) -> dict[int, int]:
    spots = spots_of(w.session, affected_of(w.session, recall), recall.id)
    return {spot.place_id: spot.open for spot in spots if spot.open}


def test_an_outlet_sets_apart_and_destroys_what_it_has_until_nothing_is_open(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    recall = recalled(w, lot)
    here, home = w.outlet.place_id, w.place("workshop").id
    assert open_at(w, recall) == {here: 6, home: 6}
    with refused(w.session, StillOut) as told:
        end_recall(w.session, recall.id, "completed", "都收回了", actor=w.official, now=NOW)
    assert told.value.params == {"lots": 1, "places": 2}

    note_act(w.session, deed(recall, lot, here, "quarantined", 5), actor=w.clerk, now=NOW)
    with refused(w.session, BadInput, "quantity") as more:
        note_act(w.session, deed(recall, lot, here, "quarantined", 2), actor=w.clerk, now=NOW)
    assert more.value.params == {"most": 1}
    act = note_act(w.session, deed(recall, lot, here, "destroyed", 4), actor=w.clerk, now=NOW)
    assert (act.quantity, act.from_quarantine) == (4, 3)
    assert held(w.session, lot.id)[here] == 2
    assert open_at(w, recall) == {home: 6}
    states = w.session.scalars(select(Serial.state).where(Serial.place_id == here)).all()
    assert sorted(states) == ["destroyed"] * 4 + ["on_shelf"] * 2
    event = w.session.get_one(TraceEvent, act.event_id)
    assert (event.action, event.biz_step, event.disposition) == (
        *("DELETE", "destroying", "destroyed"),
    )

    note_act(w.session, deed(recall, lot, home, "destroyed", 6), actor=w.owner, now=NOW)
    ended = end_recall(w.session, recall.id, "completed", "全部销毁", actor=w.official, now=NOW)
    assert (ended.outcome, ended.closed_at) == ("completed", NOW)
    assert len(holds_on(w.session, lot_ids=[lot.id])) == 1
    with refused(w.session, RecallOver):
        end_recall(w.session, recall.id, "lifted", "再想想", actor=w.official, now=NOW)


def test_goods_go_back_to_their_supplier_who_sees_to_them_there(w: World) -> None:
    lot, serials = on_shelf(w, packs=6)
    recall = recalled(w, lot)
    here, home = w.outlet.place_id, w.place("workshop").id
    scanned = (serials[2].serial, serials[3].serial)
    note_act(
        w.session,
        deed(recall, lot, here, "returned", 0, serials=scanned),
        actor=w.clerk,
        now=NOW,
    )
    w.session.expire_all()
    assert {one.state for one in serials[2:4]} == {"returned"}
    back = serials[2].place_id
    assert held(w.session, lot.id)[here] == 4
    assert open_at(w, recall)[back] >= 2
    with refused(w.session, BadInput, "act"):
        note_act(w.session, deed(recall, lot, home, "returned", 1), actor=w.owner, now=NOW)
    with refused(w.session, BadInput, "serials"):
        note_act(
            w.session,
            deed(recall, lot, here, "destroyed", 0, serials=("NEVER-MADE",), key="x"),
            actor=w.clerk,
            now=NOW,
        )


def test_closed_cases_are_opened_when_what_is_in_them_is_destroyed(w: World) -> None:
    lot = make_lot(w, packs=12)
    units = in_cases(w, lot, cases=2, per_case=6)
    send(w, [units[0]], w.outlet.place_id)
    recall = recalled(w, lot)
    transit = w.session.get_one(LogisticUnit, units[0].id).place_id
    assert open_at(w, recall)[transit] == 6
    assert [one.id for one in standing_at(w.session, w.outlet.place_id)] == [recall.id]
    note_act(w.session, deed(recall, lot, transit, "destroyed", 6), actor=w.clerk, now=NOW)
    w.session.expire_all()
    assert w.session.get_one(LogisticUnit, units[0].id).state == "opened"
    assert transit not in open_at(w, recall)


def test_what_buyers_bring_back_is_taken_in_and_blocked(w: World) -> None:
    counter = outlet(w.session, "K-01")
    lot, serials = on_shelf(w, packs=6, outlet=counter)
    sell(w, serials[:2], counter)
    recall = recalled(w, lot)
    clerk = actor(Role.COUNTER_CLERK, place_id=counter.place_id)
    with refused(w.session, BadInput, "serials"):
        note_act(
            w.session, deed(recall, lot, counter.place_id, "taken_back", 1), actor=clerk, now=NOW
        )
    note_act(
        w.session,
        deed(recall, lot, counter.place_id, "taken_back", 1, serials=(serials[0].serial,)),
        actor=clerk,
        now=NOW,
    )
    w.session.expire_all()
    assert (serials[0].state, serials[0].place_id) == ("returned", counter.place_id)
    assert held(w.session, lot.id)[counter.place_id] == 5
    with refused(w.session, BadInput):
        note_act(
            w.session,
            deed(
                recall,
                lot,
                counter.place_id,
                "taken_back",
                1,
                serials=tuple(one.serial for one in serials[:3]),
                key="three",
            ),
            actor=clerk,
            now=NOW,
        )


def test_an_act_is_done_once_and_only_where_somebody_works(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    recall = recalled(w, lot)
    here = w.outlet.place_id
    first = note_act(w.session, deed(recall, lot, here, "quarantined", 2), actor=w.clerk, now=NOW)
    again = note_act(w.session, deed(recall, lot, here, "quarantined", 2), actor=w.clerk, now=NOW)
    assert first.id == again.id
    with refused(w.session, KeyReused):
        note_act(
            w.session,
            deed(recall, lot, here, "destroyed", 2, key=first.key),
            actor=w.clerk,
            now=NOW,
        )
    far = actor(Role.COUNTY_OFFICIAL, county_code="990199")
    for who in (w.owner, far, actor(Role.COUNTER_CLERK, place_id=here + 1)):
        with refused(w.session, NotAllowed):
            note_act(w.session, deed(recall, lot, here, "quarantined", 1), actor=who, now=NOW)
    near = actor(Role.COUNTY_OFFICIAL, county_code=w.outlet.county_code)
    note_act(w.session, deed(recall, lot, here, "quarantined", 4), actor=near, now=NOW)
    other = make_lot(w, packs=2)
    with refused(w.session, NotFound):
        note_act(
            w.session, deed(recall, other, here, "quarantined", 1, key="o"), actor=near, now=NOW
        )
    with refused(w.session, BadInput, "act"):
        note_act(w.session, deed(recall, lot, here, "eaten", 1), actor=near, now=NOW)
    assert len(w.session.scalars(select(RecallAct)).all()) == 2


@pytest.mark.parametrize("role", [Role.COUNTY_OFFICIAL, Role.OPERATOR, Role.SUPPLIER_OWNER])
def test_only_the_city_ends_a_recall(w: World, role: Role) -> None:
    lot = make_lot(w, packs=2)
    recall = recalled(w, lot)
    who = actor(role, county_code=w.supplier.county_code, organisation_id=w.supplier.id)
    with refused(w.session, NotAllowed):
        end_recall(w.session, recall.id, "lifted", "弄错了", actor=who, now=NOW)


def test_a_lifted_recall_takes_every_block_away_and_tills_learn_of_it(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    before = till_version(w.session)
    recall = recalled(w, lot)
    announced = till_list(w.session)
    assert announced.version > before
    assert [line.lot_no for line in announced.lines] == [lot.lot_no]
    with refused(w.session, BadInput, "reason"):
        end_recall(w.session, recall.id, "lifted", " ", actor=w.official, now=NOW)
    with refused(w.session, BadInput, "outcome"):
        end_recall(w.session, recall.id, "forgotten", "弄错了", actor=w.official, now=NOW)
    end_recall(w.session, recall.id, "lifted", "样品弄混了", actor=w.official, now=NOW)
    assert holds_on(w.session, lot_ids=[lot.id]) == []
    assert w.session.scalars(select(Hold.released_at)).all() == [NOW]
    lifted = till_list(w.session)
    assert (lifted.lines, lifted.version > announced.version) == ((), True)
    with refused(w.session, RecallOver):
        note_act(
            w.session,
            deed(recall, lot, w.outlet.place_id, "quarantined", 1),
            actor=w.clerk,
            now=NOW,
        )
