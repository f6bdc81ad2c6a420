"""Recording a lot step by step."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound
from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.errors import NotEnough
from goods.stock.models import Lot, Serial, StockMove
from parties.network.models import Organisation, Place
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import SEEDER, World, actor, example_values, make_lot
from tests.traceability.ledger import count, held, refused
from traceability.models import EventCertificate, EventLot, EventSerial, TraceEvent
from traceability.queries import descendants, lineage, steps_done, template_of
from traceability.recalls.services import recall_lot
from traceability.services.lots import (
    Output,
    Paper,
    StepEntry,
    StepRefused,
    open_lot,
    record_step,
    supplier_scope,
)
from traceability.services.templates import import_templates


def raw_lot(w: World, number: str = "R-1") -> Lot:
    return open_lot(w.session, sku_id=w.raw.id, lot_no=number, actor=w.owner, now=NOW)


def step_of(w: World, lot: Lot, code: str) -> dict[str, Any]:
    steps = template_of(w.session, lot.template).steps
    return next(step for step in steps if step["step"] == code)


def entry(w: World, lot: Lot, code: str, **more: Any) -> StepEntry:
    step = step_of(w, lot, code)
    made = StepEntry(
        key=f"{lot.id}-{code}",
        lot_id=lot.id,
        step=code,
        at=NOW - timedelta(days=5),
        place_id=w.place(step["place_kind"]).id,
        values=example_values(step),
    )
    return replace(made, **more)


def do(w: World, lot: Lot, code: str, **more: Any) -> StepEntry:
    made = entry(w, lot, code, **more)
    record_step(w.session, made, actor=w.owner, now=NOW)
    return made


def collected(w: World, number: str = "R-1", grams: int = 410_000) -> Lot:
    """A raw lot that lies at the workshop, ready for bottling."""
    lot = raw_lot(w, number)
    do(w, lot, "apiary_register")
    do(w, lot, "extract", quantity=grams)
    do(w, lot, "collect", quantity=grams)
    return lot


# --- opening ---


def test_a_lot_is_opened_under_its_products_newest_template(w: World) -> None:
    lot = raw_lot(w, " r2606-a ")
    assert (lot.lot_no, lot.template, lot.organisation_id) == ("R2606-A", "honey", w.supplier.id)
    assert lot.template_version == template_of(w.session, "honey").version
    assert held(w.session, lot.id) == {}


@pytest.mark.parametrize("number", ["", " ", "A" * 21, "批次一", "A/B", "A B", "é"])
def test_a_lot_number_that_no_label_can_carry_is_refused(w: World, number: str) -> None:
    with refused(w.session, BadInput, "lot_no"):
        raw_lot(w, number)


def test_a_lot_number_is_given_once_per_article(w: World) -> None:
    raw_lot(w, "R-1")
    with refused(w.session, StepRefused, "lot_no"):
        raw_lot(w, "r-1")
    other = open_lot(w.session, sku_id=w.sku.id, lot_no="R-1", actor=w.owner, now=NOW)
    assert other.sku_id == w.sku.id


def test_nobody_opens_a_lot_of_anothers_goods_or_of_none(w: World, session: Session) -> None:
    foreign = session.scalars(
        select(Sku).join(Product).where(Product.supplier_id != w.supplier.id)
    ).first()
    assert foreign is not None
    with refused(session, NotAllowed):
        open_lot(session, sku_id=foreign.id, lot_no="X-1", actor=w.owner, now=NOW)
    with refused(session, NotAllowed):
        open_lot(session, sku_id=w.raw.id, lot_no="X-1", actor=w.clerk, now=NOW)
    with refused(session, NotFound):
        open_lot(session, sku_id=999_999, lot_no="X-1", actor=w.owner, now=NOW)


# --- the order of things ---


def test_a_lot_goes_from_the_apiary_to_numbered_jars(w: World) -> None:
    lot = make_lot(w, packs=24, lot_no="L2606")
    workshop = w.place("workshop").id
    serials = w.session.scalars(select(Serial).where(Serial.lot_id == lot.id)).all()
    assert held(w.session, lot.id) == {workshop: 24}
    assert [s.serial for s in serials] == [f"L2606{n:06d}" for n in range(1, 25)]
    assert {(s.state, s.place_id) for s in serials} == {("commissioned", workshop)}
    raw = w.session.scalars(select(Lot).where(Lot.lot_no == "RL2606")).one()
    assert lineage(w.session, lot.id) == [lot.id, raw.id]
    assert descendants(w.session, raw.id) == [raw.id, lot.id]
    assert steps_done(w.session, [raw.id, lot.id]) == {
        *("apiary_register", "extract", "collect", "bottle", "test", "label")
    }


def test_a_step_before_its_turn_is_refused_and_names_what_is_missing(w: World) -> None:
    lot = raw_lot(w)
    with refused(w.session, StepRefused, "step") as caught:
        do(w, lot, "extract", quantity=1000)
    assert str(caught.value) == "Record Apiary registration first"


def test_an_optional_step_may_be_left_out(w: World, session: Session) -> None:
    grain = session.scalars(select(Sku).where(Sku.code == "Q02-R")).one()
    product = session.get_one(Product, grain.product_id)
    owner = actor(Role.SUPPLIER_OWNER, organisation_id=product.supplier_id)
    supplier = session.get_one(Organisation, product.supplier_id)
    w2 = replace(w, supplier=supplier, owner=owner, raw=grain, product=product)
    lot = raw_lot(w2)
    do(w2, lot, "plot")
    do(w2, lot, "harvest", quantity=50_000)
    assert steps_done(session, [lot.id]) == {"plot", "harvest"}


def test_what_outlets_record_is_not_recorded_by_the_supplier(w: World) -> None:
    lot = make_lot(w, packs=2)
    with refused(w.session, StepRefused):
        do(w, lot, "receive", place_id=w.place("workshop").id)


def test_an_unknown_step_or_lot_is_not_found(w: World) -> None:
    lot = raw_lot(w)
    with refused(w.session, NotFound):
        record_step(
            w.session, replace(entry(w, lot, "extract"), step="bless"), actor=w.owner, now=NOW
        )
    with refused(w.session, NotFound):
        record_step(
            w.session, replace(entry(w, lot, "extract"), lot_id=99_999), actor=w.owner, now=NOW
        )


def test_the_future_is_not_recorded(w: World) -> None:
    lot = raw_lot(w)
    with refused(w.session, BadInput, "at"):
        do(w, lot, "apiary_register", at=NOW + timedelta(minutes=1))


def test_packs_do_not_come_out_of_a_step_of_the_raw_material(w: World) -> None:
    lot = make_lot(w, packs=3)
    with refused(w.session, StepRefused, "step"):
        do(w, lot, "extract", quantity=500)
    assert sum(held(w.session, lot.id).values()) == 3


def test_bottling_and_labelling_happen_once_per_lot(w: World) -> None:
    raw = collected(w)
    out = (Output(w.sku.id, "L-1", 10),)
    do(w, raw, "bottle", quantity=6_000, outputs=out)
    with refused(w.session, StepRefused, "step"):
        do(w, raw, "bottle", key="again", quantity=6_000, outputs=(Output(w.sku.id, "L-2", 10),))
    lot = make_lot(w, packs=4)
    with refused(w.session, StepRefused, "step"):
        do(w, lot, "label", key="again")


# --- keys ---


def test_the_same_key_again_is_the_same_event(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    first = record_step(w.session, entry(w, lot, "extract", quantity=9_000), actor=w.owner, now=NOW)
    before = count(w.session, TraceEvent), count(w.session, StockMove)
    again = record_step(w.session, entry(w, lot, "extract", quantity=9_000), actor=w.owner, now=NOW)
    assert again == first
    assert (count(w.session, TraceEvent), count(w.session, StockMove)) == before
    assert held(w.session, lot.id) == {w.place("apiary").id: 9_000}


def test_a_key_does_not_open_anothers_lot(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    stranger = actor(Role.SUPPLIER_OWNER, organisation_id=w.supplier.id + 1)
    with refused(w.session, NotAllowed):
        record_step(w.session, entry(w, lot, "apiary_register"), actor=stranger, now=NOW)


# --- quantities, places, values ---


def test_a_quantity_comes_from_the_element_that_the_template_names(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    values = example_values(step_of(w, lot, "extract")) | {"quantity_kg": "12.5"}
    do(w, lot, "extract", values=values)
    assert held(w.session, lot.id) == {w.place("apiary").id: 12_500}


@pytest.mark.parametrize("quantity", [0, -5])
def test_nothing_and_less_than_nothing_is_no_quantity(w: World, quantity: int) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    with refused(w.session, BadInput, "quantity"):
        do(w, lot, "extract", quantity=quantity)


def test_something_new_needs_a_quantity(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    values = example_values(step_of(w, lot, "extract"))
    step = step_of(w, lot, "extract")
    element = next(e for e in step["key_data_elements"] if e["code"] == "quantity_kg")
    assert element["required"]
    del values["quantity_kg"]
    with refused(w.session, BadInput, "quantity_kg"):
        do(w, lot, "extract", values=values)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("moisture_pct", "wet"),
        ("moisture_pct", "9"),
        ("moisture_pct", "25"),
        ("harvest_date", "in May"),
        ("harvest_date", "2099-01-01"),
        ("container_no", "B" * 201),
    ],
)
def test_a_value_outside_of_its_element_is_refused_by_name(w: World, code: str, given: str) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    values = example_values(step_of(w, lot, "extract")) | {code: given}
    with refused(w.session, BadInput, code):
        do(w, lot, "extract", quantity=1_000, values=values)


def test_a_step_happens_at_a_place_of_ones_own(w: World) -> None:
    lot = raw_lot(w)
    with refused(w.session, BadInput, "place_id"):
        do(w, lot, "apiary_register", place_id=w.outlet.place_id)
    with refused(w.session, BadInput, "place_id"):
        do(w, lot, "apiary_register", place_id=999_999)


def test_receiving_carries_goods_from_where_they_lay(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    do(w, lot, "extract", quantity=100_000)
    do(w, lot, "collect", quantity=90_000)
    assert held(w.session, lot.id) == {
        w.place("apiary").id: 10_000,
        w.place("workshop").id: 90_000,
    }


def test_receiving_without_a_number_takes_all_that_lay_there(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    do(w, lot, "extract", quantity=410_000)
    do(w, lot, "collect")
    assert held(w.session, lot.id) == {w.place("workshop").id: 410_000}


def test_more_is_not_received_than_there_was(w: World) -> None:
    lot = raw_lot(w)
    do(w, lot, "apiary_register")
    do(w, lot, "extract", quantity=100_000)
    with refused(w.session, NotEnough):
        do(w, lot, "collect", quantity=100_001)


def test_an_observation_moves_nothing(w: World) -> None:
    raw = collected(w)
    moves = count(w.session, StockMove)
    lot = make_lot(w, packs=5)
    before = held(w.session, lot.id)
    do(w, lot, "test", key="second test")
    assert held(w.session, lot.id) == before
    assert moves <= count(w.session, StockMove)
    assert held(w.session, raw.id) == {w.place("workshop").id: 410_000}


def egg_world(w: World) -> World:
    session = w.session
    sku = session.scalars(select(Sku).where(Sku.code == "Q03-1")).one()
    raw = session.scalars(select(Sku).where(Sku.code == "Q03-R")).one()
    product = session.get_one(Product, sku.product_id)
    supplier = session.get_one(Organisation, product.supplier_id)
    owner = actor(Role.SUPPLIER_OWNER, organisation_id=supplier.id)
    return replace(w, sku=sku, raw=raw, product=product, supplier=supplier, owner=owner)


def test_storing_carries_packs_to_the_warehouse_and_says_so_when_they_are_there(w: World) -> None:
    eggs = egg_world(w)
    lot = make_lot(eggs, packs=10)
    warehouse = eggs.place("warehouse")
    assert held(w.session, lot.id) == {warehouse.id: 10}
    again = record_step(
        w.session, entry(eggs, lot, "store", key="stored twice"), actor=eggs.owner, now=NOW
    )
    assert held(w.session, lot.id) == {warehouse.id: 10}
    row = w.session.scalars(select(EventLot).where(EventLot.event_id == again)).one()
    assert (row.quantity, row.whole_lot) == (10, True)


def test_what_lies_here_is_taken_in_without_a_second_helping(w: World) -> None:
    raw = collected(w, grams=10_000)
    do(w, raw, "collect", key="second", quantity=10_000)
    assert held(w.session, raw.id) == {w.place("workshop").id: 10_000}
    with refused(w.session, BadInput, "quantity") as caught:
        do(w, raw, "collect", key="third", quantity=10_001)
    assert str(caught.value) == "Only 10000 of this lot are here"


def test_what_is_used_up_is_not_taken_in_again(w: World) -> None:
    raw = collected(w, grams=10_000)
    do(w, raw, "bottle", quantity=10_000, outputs=(Output(w.sku.id, "L-1", 20),))
    with refused(w.session, StepRefused, "quantity"):
        do(w, raw, "collect", key="once more", quantity=10_000)


def test_goods_from_outside_of_the_record_come_in_by_receiving(w: World) -> None:
    steps = [s for s in template_of(w.session, "honey").steps if s["step"] == "collect"]
    bought = {"code": "bought", "version": 1, "name_zh": "收购", "name_en": "Bought in"}
    import_templates(w.session, [bought | {"steps": steps}], actor=SEEDER)
    w.product.trace_template = "bought"
    w.session.flush()
    lot = raw_lot(w)
    values = example_values(steps[0])
    do(w, lot, "collect", quantity=7_000, values=values)
    assert held(w.session, lot.id) == {w.place("workshop").id: 7_000}


# --- making packs ---


def test_packs_hold_no_more_than_what_was_used(w: World) -> None:
    raw = collected(w)
    with refused(w.session, BadInput, "outputs") as caught:
        do(w, raw, "bottle", quantity=410_000, outputs=(Output(w.sku.id, "L-1", 860),))
    said = str(caught.value)
    assert "430 kg" in said
    assert "410 kg" in said
    assert "820 packs" in said


def test_making_packs_uses_up_and_dates_them(w: World) -> None:
    raw = collected(w)
    do(w, raw, "bottle", quantity=410_000, outputs=(Output(w.sku.id, "L-1", 792),))
    lot = w.session.scalars(select(Lot).where(Lot.lot_no == "L-1")).one()
    made_on = (NOW - timedelta(days=5)).date()
    assert held(w.session, raw.id) == {}
    assert held(w.session, lot.id) == {w.place("workshop").id: 792}
    assert lot.produced_on == made_on
    assert lot.best_before == made_on + timedelta(days=w.product.shelf_life_days or 0)
    event = w.session.scalars(select(TraceEvent).where(TraceEvent.template_step == "bottle")).one()
    assert json.loads(event.document)["shanhuo:yieldPercent"] == 96.6


def test_two_sizes_and_two_barrels_go_into_one_bottling(w: World) -> None:
    first, second = collected(w, "R-1", 10_000), collected(w, "R-2", 10_000)
    small = w.session.scalars(select(Sku).where(Sku.code == "Q01-2")).one()
    do(
        w,
        first,
        "bottle",
        quantity=10_000,
        inputs=((second.id, 10_000),),
        outputs=(Output(w.sku.id, "L-1", 20), Output(small.id, "L-2", 36)),
    )
    made = w.session.scalars(select(Lot).where(Lot.lot_no.in_(("L-1", "L-2")))).all()
    assert sorted(sum(held(w.session, lot.id).values()) for lot in made) == [20, 36]
    assert held(w.session, first.id) == held(w.session, second.id) == {}
    assert set(lineage(w.session, made[0].id)) == {made[0].id, first.id, second.id}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"quantity": None, "outputs": ()}, "quantity"),
        ({"quantity": 5_000, "outputs": ()}, "outputs"),
        ({"quantity": 5_000, "outputs": "nought"}, "outputs"),
        ({"quantity": 5_000, "outputs": "unknown"}, "outputs"),
        ({"quantity": 5_000, "outputs": "foreign"}, "outputs"),
    ],
)
def test_a_bottling_that_makes_no_sense_is_refused(
    w: World, more: dict[str, Any], field: str
) -> None:
    raw = collected(w)
    foreign = w.session.scalars(select(Sku).where(Sku.code == "Q02-1")).one()
    outputs = {
        "nought": (Output(w.sku.id, "L-1", 0),),
        "unknown": (Output(999_999, "L-1", 1),),
        "foreign": (Output(foreign.id, "L-1", 1),),
    }
    given = outputs.get(str(more["outputs"]), ())
    with refused(w.session, BadInput, field):
        do(w, raw, "bottle", quantity=more["quantity"], outputs=given)


def test_no_more_is_used_than_lies_there(w: World) -> None:
    raw = collected(w, grams=5_000)
    with refused(w.session, NotEnough):
        do(w, raw, "bottle", quantity=5_500, outputs=(Output(w.sku.id, "L-1", 10),))


def test_nothing_is_made_from_a_recalled_lot(w: World) -> None:
    raw = collected(w)
    recall_lot(w.session, lot_id=raw.id, reason_zh="药残", reason_en="", actor=w.official, now=NOW)
    with refused(w.session, StepRefused, "inputs"):
        do(w, raw, "bottle", quantity=5_500, outputs=(Output(w.sku.id, "L-1", 10),))


# --- numbering ---


def bottled(w: World, packs: int) -> Lot:
    raw = collected(w)
    do(w, raw, "bottle", quantity=packs * 505, outputs=(Output(w.sku.id, "L-1", packs),))
    lot = w.session.scalars(select(Lot).where(Lot.lot_no == "L-1")).one()
    do(w, lot, "test")
    return lot


def test_no_more_numbers_are_given_than_there_are_packs(w: World) -> None:
    lot = bottled(w, 12)
    with refused(w.session, BadInput, "quantity") as caught:
        do(w, lot, "label", quantity=13)
    assert "12 packs" in str(caught.value)
    do(w, lot, "label", quantity=10)
    assert count(w.session, Serial) == 10
    assert w.session.get_one(Lot, lot.id).next_serial == 11


def test_numbers_are_not_given_where_no_packs_are(w: World) -> None:
    lot = bottled(w, 12)
    with refused(w.session, StepRefused, "place_id"):
        do(w, lot, "label", place_id=w.place("apiary").id)


def test_numbering_names_the_items_and_their_range(w: World) -> None:
    lot = bottled(w, 3)
    do(w, lot, "label")
    event = w.session.scalars(
        select(TraceEvent).where(TraceEvent.biz_step == "commissioning")
    ).one()
    document = json.loads(event.document)
    assert len(document["epcList"]) == 3
    assert document["shanhuo:serial_from"] == "L-1000001"
    assert document["shanhuo:serial_to"] == "L-1000003"
    linked = select(EventSerial).where(EventSerial.event_id == event.id)
    assert len(w.session.scalars(linked).all()) == 3


# --- papers ---


def report(**more: Any) -> Paper:
    made = Paper(
        kind="test_report",
        number="JC-1",
        issuer_zh="示例检验所（演示）",
        issuer_en="Demo laboratory",
        issued_on=NOW.date() - timedelta(days=4),
        valid_to=None,
        results=({"name_zh": "水分", "name_en": "Moisture", "unit": "%", "value": 17.2},),
    )
    return made._replace(**more)


def test_a_paper_comes_with_its_step(w: World) -> None:
    raw = collected(w)
    do(w, raw, "bottle", quantity=6_000, outputs=(Output(w.sku.id, "L-1", 11),))
    lot = w.session.scalars(select(Lot).where(Lot.lot_no == "L-1")).one()
    do(w, lot, "test", paper=report(number=" JC-1 "))
    paper = w.session.scalars(select(Certificate)).one()
    link = w.session.scalars(select(EventCertificate)).one()
    assert (paper.number, paper.organisation_id, paper.product_id) == (
        *("JC-1", w.supplier.id, w.product.id),
    )
    assert link.certificate_id == paper.id
    event = w.session.get_one(TraceEvent, link.event_id)
    document = json.loads(event.document)
    assert document["certificationInfo"] == ["urn:shanhuo:certificate:JC-1"]


def test_the_file_of_a_paper_is_held_by_the_event(w: World) -> None:
    raw = collected(w)
    do(w, raw, "bottle", quantity=6_000, outputs=(Output(w.sku.id, "L-1", 11),))
    lot = w.session.scalars(select(Lot).where(Lot.lot_no == "L-1")).one()
    do(w, lot, "test", paper=report(file_key=f"{'00' * 32}.pdf"))
    link = w.session.scalars(select(EventCertificate)).one()
    document = json.loads(w.session.get_one(TraceEvent, link.event_id).document)
    assert document["certificationInfo"] == [
        "urn:shanhuo:certificate:JC-1",
        f"ni:///sha-256;{'A' * 43}",
    ]


@pytest.mark.parametrize(
    ("paper", "field"),
    [
        (report(number="  "), "paper_number"),
        (report(issued_on=date(2026, 12, 24)), "paper_issued_on"),
    ],
)
def test_a_paper_without_number_or_from_the_future_is_refused(
    w: World, paper: Paper, field: str
) -> None:
    raw = raw_lot(w)
    with refused(w.session, BadInput, field):
        do(w, raw, "apiary_register", paper=paper)


def test_the_scope_of_a_supplier_names_its_county(w: World) -> None:
    scope = supplier_scope(w.session, w.supplier.id)
    assert (scope.organisation_id, scope.county_code) == (w.supplier.id, w.supplier.county_code)
    place = w.session.get_one(Place, w.place("workshop").id)
    assert place.organisation_id == w.supplier.id
