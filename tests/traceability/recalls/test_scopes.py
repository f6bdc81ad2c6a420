"""A recall from a lot, a place, a supplier, a certificate or an item; tried out, and announced."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from foundation.errors import BadInput, NotAllowed, NotFound
from foundation.outbox import OutboxMessage
from goods.catalogue.models import Certificate
from goods.stock.models import Hold, Lot
from goods.stock.queries import holds_on
from goods.stock.services import shelf
from parties.network.models import Outlet, Place
from parties.people.models import AuditEntry
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import World, actor, make_lot, on_shelf
from tests.insight.trading import outlet, sell
from tests.traceability.ledger import refused, snapshot
from traceability.models import EventCertificate, EventLot, Recall, TraceEvent
from traceability.recalls.lists import public_recalls, till_list
from traceability.recalls.queries import affected_by, affected_of, impact_of
from traceability.recalls.rules import (
    AlreadyRecalled,
    Announcement,
    NothingToRecall,
    Target,
    due_on,
)
from traceability.recalls.services import announce, drill, recall_lot


def raw_of(w: World, lot: Lot) -> Lot:
    return w.session.scalars(select(Lot).where(Lot.lot_no == f"R{lot.lot_no}")).one()


def call_back(w: World, target: Target, **more: object) -> Recall:
    given = {"level": 1, "reason_zh": "抽检不合格", "reason_en": "Failed a test"} | more
    return announce(w.session, Announcement(target, **given), actor=w.official, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("level", "day"), [(1, date(2026, 12, 4)), (2, date(2026, 12, 18)), (3, date(2027, 1, 1))]
)
def test_a_recall_is_due_after_so_many_working_days(level: int, day: date) -> None:
    assert due_on(level, date(2026, 11, 20)) == day


def test_a_recall_of_a_supplier_reaches_all_its_lots_and_those_of_one_month_only_those(
    w: World,
) -> None:
    old = make_lot(w, packs=2, now=NOW - timedelta(days=60))
    new = make_lot(w, packs=2)
    since = Target("supplier", w.supplier.id, since=NOW.date() - timedelta(days=7))
    assert set(affected_by(w.session, since).lot_ids) == {raw_of(w, new).id, new.id}
    made = call_back(w, Target("supplier", w.supplier.id))
    held = {hold.lot_id for hold in w.session.scalars(select(Hold))}
    assert {old.id, new.id, raw_of(w, old).id, raw_of(w, new).id} <= held
    assert (made.scope, made.organisation_id, made.level) == ("supplier", w.supplier.id, 1)
    assert made.due_on == date(2026, 12, 4)
    assert set(affected_of(w.session, made).lot_ids) == held


def test_a_recall_of_a_workshop_reaches_what_passed_through_it_and_what_came_of_it(
    w: World,
) -> None:
    lot, _serials = on_shelf(w, packs=6)
    workshop = w.place("workshop")
    made = call_back(w, Target("place", workshop.id))
    assert {lot.id} <= set(affected_of(w.session, made).lot_ids)
    assert holds_on(w.session, place_id=workshop.id) == []
    before = Target("place", workshop.id, until=NOW.date() - timedelta(days=200))
    assert affected_by(w.session, before).nothing
    with refused(w.session, NothingToRecall):
        call_back(w, before)


def test_a_recall_of_an_outlet_stops_that_outlet_and_what_it_sold_but_not_the_lot(
    w: World,
) -> None:
    counter = outlet(w.session, "K-01")
    lot, serials = on_shelf(w, packs=6, outlet=counter)
    sell(w, serials[:2], counter)
    made = call_back(w, Target("place", counter.place_id), reason_zh="冰柜坏了")
    assert holds_on(w.session, lot_ids=[lot.id]) == []
    assert len(holds_on(w.session, serial_ids=[one.id for one in serials])) == 6
    assert shelf(w.session, [w.sku.id], [counter.place_id], today=NOW.date()) == []
    home = shelf(w.session, [w.sku.id], [w.place("workshop").id], today=NOW.date())
    assert [free.free for free in home] == [6]
    assert [spot.open for spot in impact_of(w.session, affected_of(w.session, made)).spots] == [4]
    assert till_list(w.session).places == ("K-01",)
    event = w.session.get_one(TraceEvent, made.event_id)
    rows = w.session.scalars(select(EventLot).where(EventLot.event_id == event.id))
    assert [row.whole_lot for row in rows] == [False]


def test_a_recall_of_a_certificate_reaches_the_lots_it_came_with_and_what_they_became(
    w: World,
) -> None:
    lot = make_lot(w, packs=2)
    other = make_lot(w, packs=2)
    raw = raw_of(w, lot)
    paper = Certificate(
        kind="test_report",
        number="QC-1",
        organisation_id=w.supplier.id,
        product_id=w.product.id,
        issuer_zh="示例检测",
        issuer_en="Demo lab",
        issued_on=NOW.date() - timedelta(days=40),
        valid_to=None,
        results=[],
        fields={},
        file_key=None,
        created_at=NOW,
    )
    w.session.add(paper)
    w.session.flush()
    by_goods = affected_by(w.session, Target("certificate", paper.id)).lot_ids
    assert {lot.id, other.id} <= set(by_goods)
    event_id = w.session.scalars(select(EventLot.event_id).where(EventLot.lot_id == raw.id)).first()
    w.session.add(EventCertificate(event_id=event_id, certificate_id=paper.id))
    w.session.flush()
    made = call_back(w, Target("certificate", paper.id))
    reached = set(affected_of(w.session, made).lot_ids)
    assert lot.id in reached
    assert other.id not in reached


def test_a_recall_of_one_item_leaves_its_lot_on_sale(w: World) -> None:
    lot, serials = on_shelf(w, packs=3)
    made = call_back(w, Target("item", serials[0].id), level=3)
    assert holds_on(w.session, lot_ids=[lot.id]) == []
    assert len(holds_on(w.session, serial_ids=[serials[0].id])) == 1
    (line,) = till_list(w.session).lines
    assert (line.lot_no, line.serial, line.number) == (lot.lot_no, serials[0].serial, made.number)
    (spot,) = impact_of(w.session, affected_of(w.session, made)).spots
    assert (spot.on_hand, spot.open) == (1, 1)


def test_the_reach_goes_forward_to_every_item_and_back_to_every_input(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    impact = impact_of(w.session, affected_by(w.session, Target("lot", lot.id)))
    assert [one.id for one in impact.upstream] == [raw_of(w, lot).id]
    assert impact.items == {"on_shelf": 6, "commissioned": 6}
    assert sorted((spot.on_hand, spot.lot_id) for spot in impact.spots) == [(6, lot.id)] * 2
    assert (impact.amounts("on_hand"), impact.amounts("open")) == ({"piece": 12}, {"piece": 12})
    down = impact_of(w.session, affected_by(w.session, Target("lot", raw_of(w, lot).id)))
    assert set(down.lots) == {lot.id, raw_of(w, lot).id}
    assert down.upstream == []


def test_a_drill_changes_nothing_but_the_audit_trail(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    before = snapshot(w.session)
    impact = drill(w.session, Target("lot", lot.id), actor=w.official, now=NOW)
    after = snapshot(w.session)
    assert after.pop("AuditEntry") == before.pop("AuditEntry") + 1
    assert after == before
    assert set(impact.lots) == {lot.id}
    entry = w.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.verb, entry.object_id) == ("drill_recall", str(lot.id))
    with refused(w.session, NotAllowed):
        drill(w.session, Target("lot", lot.id), actor=w.owner, now=NOW)


def test_an_announcement_that_makes_no_sense_is_refused_and_nothing_changes(w: World) -> None:
    lot = make_lot(w, packs=2)
    with refused(w.session, BadInput, "level"):
        call_back(w, Target("lot", lot.id), level=4)
    with refused(w.session, BadInput, "scope"):
        call_back(w, Target("shelf", lot.id))
    with refused(w.session, BadInput, "until"):
        day = NOW.date()
        call_back(w, Target("supplier", w.supplier.id, day, day - timedelta(days=1)))
    for scope in ("lot", "place", "supplier", "certificate", "item"):
        with refused(w.session, NotFound):
            call_back(w, Target(scope, 99_999))
    far = actor(Role.COUNTY_OFFICIAL, county_code="990199")
    for target in (Target("supplier", w.supplier.id), Target("place", w.outlet.place_id)):
        with refused(w.session, NotAllowed):
            announce(w.session, Announcement(target, 1, "抽检"), actor=far, now=NOW)
    call_back(w, Target("lot", lot.id))
    with refused(w.session, AlreadyRecalled):
        call_back(w, Target("lot", lot.id))


def test_announcing_tells_the_house_once_and_the_public_list_names_it(w: World) -> None:
    lot = make_lot(w, packs=2)
    made = recall_lot(
        w.session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW
    )
    told = w.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "RecallAnnounced"))
    assert [message.payload for message in told] == [{"recall_id": made.id}]
    call_back(w, Target("supplier", w.supplier.id))
    call_back(w, Target("place", w.outlet.place_id))
    listed = public_recalls(w.session)
    assert [head.scope for head in listed] == ["place", "supplier", "lot"]
    assert [head.name_zh for head in listed][1:] == [w.supplier.short_zh, w.product.name_zh]
    name = w.session.scalars(
        select(Place.name_zh)
        .join(Outlet, Outlet.place_id == Place.id)
        .where(Outlet.place_id == w.outlet.place_id)
    ).one()
    assert listed[0].name_zh == name
    assert len({head.number for head in listed}) == 3
