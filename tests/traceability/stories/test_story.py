"""What the ledger tells about one item, one lot, one case, one article."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.catalogue.models import Product, Sku
from goods.stock.models import Hold, LogisticUnit, Lot, Serial
from parties.network.models import Organisation, Outlet
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import World, actor, example_values, in_cases, make_lot, on_shelf, send
from traceability.queries import template_of
from traceability.recalls.services import recall_lot
from traceability.rules import PlaceRef
from traceability.services.cases import pack_cases, receive_case
from traceability.services.lots import Paper, StepEntry, record_step
from traceability.stories.queries import (
    UnknownItem,
    case_story,
    item_story,
    lot_story,
    product_story,
    sample_item,
)
from traceability.stories.shape import Story
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


def story_of(w: World, serial: Serial, **more: Any) -> Story:
    return item_story(w.session, w.sku.gtin, serial.serial, now=more.get("now", NOW))


def sell(w: World, serial: Serial, *, key: str = "sale-1") -> None:
    ticket = Ticket(
        key=key,
        place_id=w.outlet.place_id,
        channel="counter",
        sold_at=NOW,
        items=(Item(w.sku.gtin, 1, serial=serial.serial),),
        tenders=(Paid("cash", w.sku.price_fen, w.sku.price_fen),),
    )
    record_sale(w.session, ticket, actor=w.clerk, now=NOW)


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []
    bind = session.get_bind()

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    listening.listen(bind, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(bind, "before_cursor_execute", note)


CODES = ["apiary_register", "extract", "collect", "bottle", "test", "label", "case", "ship"]


def test_an_items_story_begins_at_the_apiary_and_ends_on_the_shelf(w: World) -> None:
    _lot, serials = on_shelf(w, packs=6)
    story = story_of(w, serials[0])
    assert [step.code for step in story.steps] == [*CODES, "receive", "stock"]
    assert (story.state, story.verdict, story.due, story.missing) == ("on_shelf", "complete", 8, ())
    assert [step.name_en for step in story.to_come] == ["Retail sale"]
    assert story.now is not None
    assert (story.now.id, story.sold) == (w.outlet.place_id, None)
    assert [spot.kind for spot in story.route] == ["apiary", "workshop", "outlet"]
    assert story.sent_without_temperature
    assert story.freshness == "fresh"


def test_a_bottling_tells_what_went_in_and_what_came_out(w: World) -> None:
    _lot, serials = on_shelf(w, packs=6)
    bottle = next(s for s in story_of(w, serials[0]).steps if s.code == "bottle")
    assert [(a.quantity, a.base_unit) for a in bottle.inputs] == [(6001, "g")]
    assert [(a.quantity, a.base_unit, a.unit_zh) for a in bottle.outputs] == [(12, "piece", "瓶")]
    assert bottle.percent == 100.0
    assert bottle.amount is None


def test_a_sold_item_says_when_and_where_and_never_to_whom(w: World) -> None:
    _lot, serials = on_shelf(w, packs=6)
    sell(w, serials[0])
    story = story_of(w, serials[0])
    assert story.sold is not None
    assert (story.sold.at, story.sold.spot.id, story.sold.online) == (
        *(NOW, w.outlet.place_id, False),
    )
    assert story.to_come == ()
    assert [step.code for step in story.steps][-1] == "sell"
    assert story_of(w, serials[1]).sold is None


def test_another_items_sale_is_not_in_this_ones_story(w: World) -> None:
    _lot, serials = on_shelf(w, packs=6)
    before = [step.event_id for step in story_of(w, serials[1]).steps]
    sell(w, serials[0])
    assert [step.event_id for step in story_of(w, serials[1]).steps] == before


def test_what_else_was_made_from_the_same_lot_is_another_story(w: World) -> None:
    lot, serials = on_shelf(w, packs=6)
    other = make_lot(w, packs=3)
    seen = {a.lot_id for s in story_of(w, serials[0]).steps for a in (*s.inputs, *s.outputs)}
    assert lot.id in seen
    assert other.id not in seen


def test_an_item_sent_by_post_owes_no_record_of_an_outlet(w: World, session: Session) -> None:
    lot = make_lot(w, packs=4)
    serial = session.scalars(select(Serial).where(Serial.lot_id == lot.id)).first()
    assert serial is not None
    workshop = w.place("workshop")
    ticket = Ticket(
        key="parcel-1",
        place_id=w.outlet.place_id,
        channel="online",
        sold_at=NOW,
        items=(Item(w.sku.gtin, 1, serial=serial.serial),),
        tenders=(Paid("stripe", w.sku.price_fen, w.sku.price_fen),),
        order_ref="O-1",
    )
    from goods.stock.rules import Want
    from goods.stock.services import allocate, reserve

    reserve(
        session,
        "order:1",
        [Want(1, w.sku.id, 1)],
        [workshop.id],
        until=NOW + timedelta(hours=1),
        today=NOW.date(),
    )
    allocate(session, "order:1")
    record_sale(
        session,
        ticket,
        actor=w.clerk,
        now=NOW,
        dispatched_from=PlaceRef(workshop.id, workshop.gln),
    )
    story = story_of(w, serial)
    assert story.sold is not None
    assert (story.sold.online, story.sold.spot.id) == (True, workshop.id)
    assert (story.verdict, story.missing, story.to_come) == ("complete", (), ())


@pytest.mark.parametrize(
    ("days", "freshness", "verdict"),
    [(0, "fresh", "complete"), (600, "near", "complete"), (731, "expired", "expired")],
)
def test_a_date_nears_and_passes(w: World, days: int, freshness: str, verdict: str) -> None:
    _lot, serials = on_shelf(w, packs=6)
    story = story_of(w, serials[0], now=NOW + timedelta(days=days))
    assert (story.freshness, story.verdict) == (freshness, verdict)


def test_a_recall_stands_before_all_else(w: World) -> None:
    lot, serials = on_shelf(w, packs=6)
    recall_lot(w.session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW)
    for story in (
        story_of(w, serials[0], now=NOW + timedelta(days=900)),
        lot_story(w.session, w.sku.gtin, lot.lot_no, now=NOW),
    ):
        assert story.verdict == "recalled"
        assert story.held is not None
        assert (story.held.note_zh, story.held.recall_no) == ("抽检", "ZH2026-001")
        assert story.steps[-1].name_en == "Recalled"


def test_an_item_held_for_inspection_is_withheld_and_others_are_not(w: World) -> None:
    _lot, serials = on_shelf(w, packs=6)
    event_id = story_of(w, serials[0]).steps[0].event_id
    w.session.add(
        Hold(
            serial_id=serials[0].id,
            reason="inspection",
            note_zh="查验",
            note_en="Inspection",
            event_id=event_id,
            placed_at=NOW,
        )
    )
    w.session.flush()
    assert story_of(w, serials[0]).verdict == "held"
    assert story_of(w, serials[1]).verdict == "complete"


def test_a_step_that_nobody_recorded_is_named(w: World, session: Session) -> None:
    _lot, serials = on_shelf(w, packs=6)
    template = template_of(session, "honey")
    extra = dict(template.steps[2]) | {"step": "county_check", "name_en": "County check"}
    template.steps = [*template.steps[:3], extra, *template.steps[3:]]
    session.flush()
    story = story_of(w, serials[0])
    assert (story.verdict, story.due) == ("incomplete", 9)
    assert [each.name_en for each in story.missing] == ["County check"]


def test_an_unknown_code_has_no_story(w: World) -> None:
    lot, _serials = on_shelf(w, packs=2)
    with pytest.raises(UnknownItem):
        item_story(w.session, w.sku.gtin, "NOPE", now=NOW)
    with pytest.raises(UnknownItem):
        lot_story(w.session, w.raw.gtin, lot.lot_no, now=NOW)
    with pytest.raises(UnknownItem):
        case_story(w.session, "000000000000000000")
    with pytest.raises(UnknownItem):
        product_story(w.session, "09528001099997", now=NOW)


# --- tests and papers ---


def test_results_come_from_the_step_and_then_from_its_report(w: World) -> None:
    _lot, serials = on_shelf(w, packs=6)
    story = story_of(w, serials[0])
    moisture = next(r for r in story.results if r.name_en == "Moisture")
    sugar = next(r for r in story.results if r.name_en.startswith("Fructose"))
    assert (moisture.at_most, sugar.at_most, sugar.limit) == (True, False, 60.0)
    assert story.report is None
    assert story.beyond == 0
    test = next(step for step in story.steps if step.code == "test")
    assert test.event_id == story.tested
    assert [value.kind for value in test.values if value.kind == "number"] == []
    template = template_of(w.session, "honey")
    step = next(s for s in template.steps if s["step"] == "test")
    rows = (
        {"name_zh": "水分", "name_en": "Moisture", "unit": "%", "value": 18.4, "limit": 18},
        {"name_zh": "霉菌", "name_en": "Mould", "unit": "CFU/g", "value": "<10", "limit": 200},
        {"name_zh": "糖", "name_en": "Sugar", "value": 61, "limit": 60, "kind": "min"},
    )
    paper = Paper(
        *("test_report", "JC-2", "示例检验所", "Demo laboratory"),
        issued_on=NOW.date(),
        valid_to=None,
        results=rows,
    )
    entry = StepEntry(
        key="second-test",
        lot_id=story.lot_id,
        step="test",
        at=NOW - timedelta(hours=1),
        place_id=w.place("workshop").id,
        values=example_values(step),
        paper=paper,
    )
    record_step(w.session, entry, actor=w.owner, now=NOW)
    again = story_of(w, serials[0])
    assert [(r.value, r.limit, r.holds) for r in again.results] == [
        *((18.4, 18.0, False), (61.0, 60.0, True)),
    ]
    assert again.report is not None
    assert (again.report.number, again.beyond) == ("JC-2", 1)
    assert [paper.number for paper in again.papers] == ["JC-2"]


def egg_world(w: World) -> World:
    session = w.session
    sku = session.scalars(select(Sku).where(Sku.code == "Q03-1")).one()
    raw = session.scalars(select(Sku).where(Sku.code == "Q03-R")).one()
    product = session.get_one(Product, sku.product_id)
    supplier = session.get_one(Organisation, product.supplier_id)
    owner = actor(Role.SUPPLIER_OWNER, organisation_id=supplier.id)
    return replace(w, sku=sku, raw=raw, product=product, supplier=supplier, owner=owner)


def eggs_at(w: World, outlets: list[Outlet], *, per_case: int = 4) -> tuple[World, Lot]:
    """Make a lot of eggs and bring one case to each outlet."""
    eggs = egg_world(w)
    lot = make_lot(eggs, packs=len(outlets) * per_case + 2)
    units = pack_cases(
        w.session,
        lot_id=lot.id,
        place_id=eggs.place("warehouse").id,
        cases=len(outlets),
        per_case=per_case,
        at=NOW - timedelta(days=3),
        actor=eggs.owner,
        now=NOW,
    )
    for unit, outlet in zip(units, outlets, strict=True):
        send(eggs, [unit], outlet.place_id)
        clerk = actor(Role.COUNTER_CLERK, place_id=outlet.place_id)
        receive_case(
            w.session, sscc=unit.sscc, place_id=outlet.place_id, at=NOW, actor=clerk, now=NOW
        )
    return eggs, lot


def counters(w: World, count: int) -> list[Outlet]:
    query = select(Outlet).where(Outlet.status == "open").order_by(Outlet.code).limit(count)
    return list(w.session.scalars(query))


def test_a_certificate_of_promised_conformity_has_the_fields_of_the_law(w: World) -> None:
    eggs, lot = eggs_at(w, counters(w, 1))
    story = lot_story(w.session, eggs.sku.gtin, lot.lot_no, now=NOW)
    paper = story.conformity
    assert paper is not None
    assert paper.product_zh == eggs.raw.name_zh
    assert paper.origin_zh == eggs.product.origin_zh
    assert paper.issued_on
    assert paper.promisor_zh
    assert paper.basis_en
    assert paper.number


def test_a_lots_story_is_summed_up_by_place(w: World) -> None:
    places = counters(w, 2)
    eggs, lot = eggs_at(w, places)
    ticket = Ticket(
        key="eggs-1",
        place_id=places[0].place_id,
        channel="counter",
        sold_at=NOW,
        items=(Item(eggs.sku.gtin, 3, lot_no=lot.lot_no),),
        tenders=(Paid("cash", 3 * eggs.sku.price_fen, 3 * eggs.sku.price_fen),),
    )
    clerk = actor(Role.COUNTER_CLERK, place_id=places[0].place_id)
    record_sale(w.session, ticket, actor=clerk, now=NOW)
    story = lot_story(w.session, eggs.sku.gtin, lot.lot_no, now=NOW)
    flows = {f.spot.id: (f.received, f.sold, f.on_hand) for f in story.outlets}
    assert flows == {
        places[0].place_id: (4, 3, 1),
        places[1].place_id: (4, 0, 4),
        eggs.place("warehouse").id: (0, 0, 2),
    }
    assert (story.in_stock, story.sold_count) == (7, 3)
    received = next(step for step in story.steps if step.code == "receive")
    assert (received.times, received.places) == (2, 2)
    assert received.amount is not None
    assert received.amount.quantity == 8
    assert [step.code for step in story.steps][-3:] == ["receive", "stock", "sell"]


def test_a_long_story_takes_no_more_statements_than_a_short_one(w: World) -> None:
    lot, serials = on_shelf(w, packs=6)
    made = make_lot(w, packs=2)
    fresh = w.session.scalars(select(Serial).where(Serial.lot_id == made.id)).first()
    assert fresh is not None
    sell(w, serials[0])
    with statements(w.session) as short:
        story_of(w, fresh)
    with statements(w.session) as long:
        story_of(w, serials[0])
    assert len(short) == len(long) == 3
    with statements(w.session) as of_lot:
        lot_story(w.session, w.sku.gtin, made.lot_no, now=NOW)
    with statements(w.session) as of_long_lot:
        lot_story(w.session, w.sku.gtin, lot.lot_no, now=NOW)
    assert len(of_lot) == len(of_long_lot) == 5


# --- cases, articles, samples ---


def test_a_case_tells_where_from_where_to_and_what_is_in_it(w: World) -> None:
    lot = make_lot(w, packs=12)
    (unit,) = in_cases(w, lot, cases=1, per_case=6)
    packed = case_story(w.session, unit.sscc)
    assert (packed.state, packed.quantity, len(packed.serials)) == ("packed", 6, 6)
    assert (packed.destination, packed.shipped_at, packed.received_at) == (None, None, None)
    send(w, [unit], w.outlet.place_id)
    sent = case_story(w.session, unit.sscc)
    assert sent.state == "in_transit"
    assert sent.origin is not None
    assert sent.destination is not None
    assert (sent.origin.kind, sent.destination.id) == ("workshop", w.outlet.place_id)
    receive_case(
        w.session, sscc=unit.sscc, place_id=w.outlet.place_id, at=NOW, actor=w.clerk, now=NOW
    )
    opened = case_story(w.session, unit.sscc)
    assert (opened.state, opened.received_at, opened.opened_at) == ("opened", NOW, NOW)
    assert (opened.now.id, list(opened.serials)) == (w.outlet.place_id, [])


def test_an_article_lists_the_lots_that_may_still_be_had(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    recalled = make_lot(w, packs=3)
    recall_lot(
        w.session, lot_id=recalled.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW
    )
    story = product_story(w.session, w.sku.gtin, now=NOW)
    assert [(each.lot_no, each.on_hand, each.outlets) for each in story.lots] == [
        *((lot.lot_no, 12, 1),),
    ]
    assert story.goods.published
    assert product_story(w.session, w.sku.gtin, now=NOW + timedelta(days=900)).lots == ()
    assert not product_story(w.session, w.raw.gtin, now=NOW).goods.published


def test_the_sample_is_what_has_come_farthest(w: World) -> None:
    assert sample_item(w.session) is None
    made = make_lot(w, packs=2)
    sample = sample_item(w.session)
    assert sample is not None
    assert sample.lot_no == made.lot_no
    lot, serials = on_shelf(w, packs=4)
    sample = sample_item(w.session)
    assert sample is not None
    assert sample.lot_no == lot.lot_no
    sell(w, serials[1])
    sample = sample_item(w.session)
    assert sample is not None
    assert (sample.gtin, sample.serial) == (w.sku.gtin, serials[1].serial)
    assert w.session.scalars(select(LogisticUnit)).all()
