"""Printing in order, printing again with a reason, and numbers that are withdrawn for good."""

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound, Refused
from goods.stock.models import LogisticUnit, Lot, Serial, StockBalance
from parties.people.models import AuditEntry
from parties.people.permissions import Role
from tests.factories import NOW, World, actor, in_cases, make_lot, on_shelf
from tests.traceability.ledger import count
from traceability.epcis.validation import problems
from traceability.models import EventSerial, LabelPrint, TraceEvent
from traceability.printing.models import LabelJob, LabelVoid
from traceability.printing.queries import labels_of
from traceability.printing.services import (
    AT_ONCE,
    Printing,
    PrintRefused,
    Voiding,
    VoidRefused,
    print_labels,
    void_serials,
)
from traceability.stories.queries import item_story
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


def printed(w: World, lot: Lot, **wanted: object) -> LabelPrint:
    asked = Printing(lot.id, **{"layout": "a4-3x8", **wanted})  # type: ignore[arg-type]
    return print_labels(w.session, asked, actor=w.owner, now=NOW)


def numbers(session: Session, lot: Lot) -> list[str]:
    query = select(Serial.serial).where(Serial.lot_id == lot.id).order_by(Serial.serial)
    return list(session.scalars(query))


def withdrawn(w: World, lot: Lot, first: str, last: str, **other: object) -> LabelVoid:
    asked = Voiding("void-1", lot.id, first, last, "spoilt", **other)  # type: ignore[arg-type]
    return void_serials(w.session, asked, actor=w.owner, now=NOW)


def test_ranges_follow_each_other_by_count_and_by_number(session: Session, w: World) -> None:
    lot = make_lot(w, packs=12)
    serials = numbers(session, lot)
    one, two = printed(w, lot, count=5), printed(w, lot, last=serials[8])
    assert (one.first_serial, one.last_serial, one.count) == (serials[0], serials[4], 5)
    assert (two.first_serial, two.last_serial, two.count) == (serials[5], serials[8], 4)
    assert not two.again
    with pytest.raises(BadInput) as refused:
        printed(w, lot, last=serials[8])
    assert refused.value.field == "last"
    assert count(session, LabelPrint) == 2


def test_labels_of_the_lot_and_of_its_cases_are_counted_apart(session: Session, w: World) -> None:
    lot = make_lot(w, packs=12)
    units = in_cases(w, lot, cases=2, per_case=3)
    alike = printed(w, lot, kind="lot", count=7)
    cases = printed(w, lot, kind="case", layout="zpl-100x150", count=2)
    items = printed(w, lot, count=12)
    assert (alike.first_serial, alike.count) == ("", 7)
    assert [cases.first_serial, cases.last_serial] == sorted(unit.sscc for unit in units)
    assert items.first_serial == numbers(session, lot)[0]
    again = printed(
        w, lot, kind="case", layout="case-100x150", first=cases.last_serial, reason="lost"
    )
    assert (again.count, again.again, again.reason) == (1, True, "lost")
    with pytest.raises(BadInput):
        printed(w, lot, kind="case", layout="a4-3x8", count=1)
    with pytest.raises(PrintRefused):
        printed(w, lot, kind="case", layout="case-100x150", count=1)


def test_a_large_printing_is_a_job_of_the_worker_and_a_small_one_is_not(
    session: Session, w: World
) -> None:
    lot = make_lot(w, packs=4)
    printed(w, lot, count=4)
    assert count(session, LabelJob) == 0
    large = printed(w, lot, kind="lot", count=AT_ONCE + 1)
    job = session.scalars(select(LabelJob)).one()
    assert (job.print_id, job.state, job.total) == (large.id, "waiting", AT_ONCE + 1)


def test_withdrawn_numbers_are_decommissioned_and_their_packs_numbered_anew(
    session: Session, w: World
) -> None:
    lot = make_lot(w, packs=6)
    before = numbers(session, lot)
    printed(w, lot, count=6)
    held = session.scalar(select(StockBalance.on_hand).where(StockBalance.lot_id == lot.id))

    void = withdrawn(w, lot, before[2], before[3])

    assert (void.count, void.renumbered) == (2, 2)
    event = session.get_one(TraceEvent, void.event_id)
    document = json.loads(event.document)
    assert (event.action, event.biz_step, event.disposition) == (
        "DELETE",
        "decommissioning",
        "inactive",
    )
    assert [uri.rpartition("/")[2] for uri in document["epcList"]] == before[2:4]
    body = {k: v for k, v in document.items() if k != "@context"}
    assert not problems(
        {
            "@context": document["@context"],
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": document["recordTime"],
            "epcisBody": {"eventList": [body]},
        }
    )
    gone = session.scalars(select(Serial).where(Serial.withdrawn.is_(True))).all()
    assert [(one.serial, one.state) for one in gone] == [(s, "destroyed") for s in before[2:4]]
    # the packs are still there, and the next labels are theirs
    assert held == session.scalar(select(StockBalance.on_hand).where(StockBalance.lot_id == lot.id))
    after = numbers(session, lot)
    assert len(after) == 8
    new = printed(w, lot, count=2)
    assert [new.first_serial, new.last_serial] == after[6:]
    with pytest.raises(PrintRefused):
        printed(w, lot, count=1)
    fresh = session.scalars(select(Serial.id).where(Serial.serial == after[7])).one()
    steps = session.scalars(
        select(TraceEvent.biz_step)
        .join(EventSerial, EventSerial.event_id == TraceEvent.id)
        .where(EventSerial.serial_id == fresh)
    ).all()
    assert steps == ["commissioning"]


def test_withdrawn_numbers_are_left_out_when_their_range_is_printed_again(
    session: Session, w: World
) -> None:
    lot = make_lot(w, packs=6)
    serials = numbers(session, lot)
    printed(w, lot, count=6)
    withdrawn(w, lot, serials[1], serials[1], renumber=False)
    again = printed(w, lot, first=serials[0], last=serials[2], reason="spoilt")
    assert again.count == 2
    said = [label.code.serial for label in labels_of(session, again)]
    assert said == [serials[0], serials[2]]


def test_a_withdrawn_number_is_refused_at_the_till_and_its_story_says_so(
    session: Session, w: World
) -> None:
    lot = make_lot(w, packs=3)
    first = numbers(session, lot)[0]
    withdrawn(w, lot, first, first, renumber=False)
    story = item_story(session, w.sku.gtin, first, now=NOW)
    assert story.state == "withdrawn"
    assert story.steps[-1].biz_step == "decommissioning"
    sale = Ticket(
        key="s1",
        place_id=w.outlet.place_id,
        channel="counter",
        sold_at=NOW,
        items=(Item(w.sku.gtin, 1, serial=first),),
        tenders=(Paid("cash", w.sku.price_fen, w.sku.price_fen, ""),),
    )
    with pytest.raises(Refused, match="withdrawn"):
        record_sale(session, sale, actor=w.clerk, now=NOW)


def test_numbers_on_packs_that_left_are_not_withdrawn(session: Session, w: World) -> None:
    lot, shelf = on_shelf(w, packs=3)
    loose = numbers(session, lot)[3:]
    events = count(session, TraceEvent)
    for first, last, error in (
        (shelf[0].serial, shelf[0].serial, VoidRefused),
        (shelf[2].serial, loose[0], VoidRefused),
        ("NONE", "NONE", BadInput),
        (loose[0], "ZZZ", BadInput),
    ):
        with pytest.raises(error) as refused:
            withdrawn(w, lot, first, last)
        assert refused.value.field == "first"
    withdrawn(w, lot, loose[0], loose[0], renumber=False)
    with pytest.raises(VoidRefused):
        withdrawn(w, lot, loose[0], loose[0])
    assert count(session, TraceEvent) == events + 1
    assert count(session, LabelVoid) == 1


def test_only_the_supplier_prints_and_withdraws_and_says_why(session: Session, w: World) -> None:
    lot = make_lot(w, packs=3)
    in_cases(w, lot, cases=1, per_case=1)
    first = numbers(session, lot)[1]
    stranger = actor(Role.SUPPLIER_OWNER, organisation_id=w.supplier.id + 1)
    with pytest.raises(NotAllowed):
        print_labels(session, Printing(lot.id, "a4-3x8", count=1), actor=stranger, now=NOW)
    with pytest.raises(NotAllowed):
        void_serials(session, Voiding("v", lot.id, first, first, "spoilt"), actor=stranger, now=NOW)
    with pytest.raises(BadInput):
        void_serials(session, Voiding("v", lot.id, first, first, ""), actor=w.owner, now=NOW)
    with pytest.raises(NotFound):
        print_labels(session, Printing(lot.id + 999, "a4-3x8", count=1), actor=w.owner, now=NOW)
    assert count(session, LabelPrint) == count(session, LabelVoid) == 0
    assert session.scalars(select(LogisticUnit)).one().state == "packed"
    assert not session.scalars(select(AuditEntry).where(AuditEntry.verb == "void_serials")).all()
