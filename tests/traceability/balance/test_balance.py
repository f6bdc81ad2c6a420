"""What leaves a lot fits what came into it; what does not is refused, or told to officials."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from foundation.errors import BadInput, NotAllowed, NotFound
from goods.stock.models import Hold, Lot
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import World, actor, example_values, make_lot, on_shelf
from tests.traceability.ledger import refused
from traceability.balance.models import Discrepancy, LotFlow
from traceability.balance.picture import TALL, picture_of
from traceability.balance.queries import lot_balance, relatives
from traceability.balance.rules import MassExceeded
from traceability.balance.services import settle_discrepancy
from traceability.models import EventLot, TraceEvent
from traceability.queries import template_of
from traceability.rules import Happening, LotRef, Part
from traceability.services.events import book_in_missing, lot_refs, place_ref, record_event
from traceability.services.lots import Output, StepEntry, open_lot, record_step


def raw_of(w: World, lot: Lot) -> Lot:
    return w.session.scalars(select(Lot).where(Lot.lot_no == f"R{lot.lot_no}")).one()


def found(w: World) -> list[tuple[str, int, int]]:
    rows = w.session.scalars(select(Discrepancy).order_by(Discrepancy.id))
    return [(row.kind, row.lot_id, row.quantity) for row in rows]


def ready(w: World) -> tuple[Lot, StepEntry]:
    """Record a raw lot up to its transformation; give it and the entry to be filled in."""
    raw = open_lot(w.session, sku_id=w.raw.id, lot_no="READY", actor=w.owner, now=NOW)
    plenty = 1000 * (w.sku.material_per_unit or 1)
    for step in template_of(w.session, raw.template).steps:
        if step["by"] != "supplier" or not step["required"]:
            continue
        entry = StepEntry(
            key=f"ready-{step['step']}",
            lot_id=raw.id,
            step=step["step"],
            at=NOW,
            place_id=w.place(step["place_kind"]).id,
            quantity=plenty if step["action"] == "ADD" or step["biz_step"] == "receiving" else None,
            values=example_values(step),
        )
        if step.get("yield"):
            return raw, entry
        record_step(w.session, entry, actor=w.owner, now=NOW)
    raise AssertionError("no step of this template makes anything")


def most_of(w: World, lot: Lot, used: int) -> int:
    step = next(s for s in template_of(w.session, lot.template).steps if s.get("yield"))
    return int(used * step["yield"]["max_pct"] // 100 // (w.sku.material_per_unit or 1))


def test_more_than_the_template_allows_is_refused_with_figures_and_nothing_changes(
    w: World,
) -> None:
    raw, blank = ready(w)
    used = 24 * (w.sku.material_per_unit or 1)
    most = most_of(w, raw, used)
    entry = replace(blank, quantity=used, outputs=(Output(w.sku.id, "TOO-MUCH", most + 1),))
    with refused(w.session, MassExceeded, "outputs") as told:
        record_step(w.session, entry, actor=w.owner, now=NOW)
    assert (told.value.code, told.value.params["most"]) == ("mass_exceeded", most)
    assert found(w) == []
    fine = replace(entry, key="again", outputs=(Output(w.sku.id, "JUST-SO", most),))
    record_step(w.session, fine, actor=w.owner, now=NOW)
    assert found(w) == []


def test_an_unusually_low_yield_is_recorded_and_officials_see_it(w: World) -> None:
    _raw, blank = ready(w)
    used = 24 * (w.sku.material_per_unit or 1)
    entry = replace(blank, quantity=used, outputs=(Output(w.sku.id, "FEW", 1),))
    record_step(w.session, entry, actor=w.owner, now=NOW)
    made = w.session.scalars(select(Lot).where(Lot.lot_no == "FEW")).one()
    ((kind, lot_id, missing),) = found(w)
    assert (kind, lot_id) == ("yield_low", made.id)
    row = w.session.scalars(select(Discrepancy)).one()
    assert missing > 0
    assert row.figures["used"] == used
    assert row.county_code == w.supplier.county_code


def test_a_transformation_that_only_reached_us_is_kept_and_told_of(w: World) -> None:
    raw = raw_of(w, make_lot(w, packs=24))
    made = open_lot(w.session, sku_id=w.sku.id, lot_no="CAPTURED", actor=w.owner, now=NOW)
    event_id = captured(w, raw, made, used=w.sku.material_per_unit or 1, packs=5)
    assert [kind for kind, _, _ in found(w)] == ["yield_over"]
    edges = w.session.execute(
        select(LotFlow.from_lot_id, LotFlow.to_lot_id).where(LotFlow.event_id == event_id)
    )
    assert list(edges.tuples()) == [(raw.id, made.id)]


def captured(w: World, raw: Lot, made: Lot, *, used: int, packs: int) -> object:
    """Record a transformation as a capture does: what happened is not asked for leave."""
    refs: dict[int, LotRef] = lot_refs(w.session, [raw.id, made.id])
    place = w.session.scalars(
        select(TraceEvent.biz_location_id)
        .join(EventLot, EventLot.event_id == TraceEvent.id)
        .where(EventLot.lot_id == raw.id, EventLot.role == "input")
    ).first()
    assert place is not None
    return record_event(
        w.session,
        Happening(
            event_type="TransformationEvent",
            action=None,
            biz_step="creating_class_instance",
            disposition="active",
            at=NOW,
            organisation_id=w.supplier.id,
            place=place_ref(w.session, place),
            parts=(
                Part(refs[raw.id], used, "input"),
                Part(refs[made.id], packs, "output"),
            ),
        ),
        actor=w.owner,
        now=NOW,
    )


def test_what_is_made_from_recalled_goods_all_the_same_is_recalled_too(w: World) -> None:
    raw = raw_of(w, make_lot(w, packs=24))
    made = open_lot(w.session, sku_id=w.sku.id, lot_no="CAPTURED", actor=w.owner, now=NOW)
    event_id = captured(w, raw, made, used=1, packs=1)
    w.session.add(
        Hold(
            lot_id=raw.id,
            reason="recalled",
            note_zh="抽检",
            note_en="",
            event_id=event_id,
            placed_at=NOW,
        )
    )
    w.session.flush()
    late = open_lot(w.session, sku_id=w.sku.id, lot_no="LATE", actor=w.owner, now=NOW)
    captured(w, raw, late, used=1, packs=1)
    held = w.session.scalars(select(Hold).where(Hold.lot_id == late.id)).one()
    assert (held.event_id, held.note_zh) == (event_id, "抽检")


def late(w: World, lot: Lot, quantity: int) -> int:
    """Hand over more of a lot than the counter's books hold."""
    place = place_ref(w.session, w.outlet.place_id)
    part = Part(lot_refs(w.session, [lot.id])[lot.id], quantity)
    sale = Happening(
        event_type="ObjectEvent",
        action="OBSERVE",
        biz_step="retail_selling",
        disposition="retail_sold",
        at=NOW,
        organisation_id=w.outlet.operator_id,
        place=place,
        parts=(part,),
    )
    missing = book_in_missing(
        w.session,
        part,
        place,
        organisation_id=w.outlet.operator_id,
        transaction=("inv", "urn:uuid:x"),
        at=NOW,
        actor=w.clerk,
        now=NOW,
    )
    record_event(w.session, sale, actor=w.clerk, now=NOW)
    return missing


def test_goods_sold_before_they_came_are_a_discrepancy_and_more_than_ever_came_a_grave_one(
    w: World,
) -> None:
    lot, _serials = on_shelf(w, packs=6)
    assert late(w, lot, 6) == 0
    assert late(w, lot, 6) == 6
    assert found(w) == [("booked_late", lot.id, 6)]
    assert lot_balance(w.session, lot.id).sums.excess == 0
    assert late(w, lot, 1) == 1
    assert found(w)[1:] == [("more_out", lot.id, 1)]
    worst = w.session.scalars(select(Discrepancy).order_by(Discrepancy.id.desc())).first()
    assert worst is not None
    balance = lot_balance(w.session, lot.id)
    assert worst.figures == {"excess": 1}
    assert (balance.sums.excess, balance.sums.gap) == (1, 0)


def test_a_discrepancy_is_settled_once_with_a_reason_by_the_officials_of_its_county(
    w: World,
) -> None:
    lot, _serials = on_shelf(w, packs=6)
    late(w, lot, 7)
    row = w.session.scalars(select(Discrepancy)).one()
    with refused(w.session, NotAllowed):
        far = actor(Role.COUNTY_OFFICIAL, county_code="990199")
        settle_discrepancy(w.session, row.id, "查过了", actor=far, now=NOW)
    with refused(w.session, BadInput, "note"):
        settle_discrepancy(w.session, row.id, " ", actor=w.official, now=NOW)
    with refused(w.session, NotFound):
        settle_discrepancy(w.session, 99_999, "查过了", actor=w.official, now=NOW)
    near = actor(Role.COUNTY_OFFICIAL, county_code=w.outlet.county_code)
    settle_discrepancy(w.session, row.id, "漏录一次收货", actor=near, now=NOW)
    again = settle_discrepancy(w.session, row.id, "另一句", actor=w.official, now=NOW)
    assert (again.settled_note, again.settled_at) == ("漏录一次收货", NOW)


def test_the_books_of_a_lot_close_over_everything_made_from_it(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    late(w, lot, 4)
    raw = raw_of(w, lot)
    balance = lot_balance(w.session, raw.id)
    assert balance.sums.gap == 0
    assert sum(s.amount for s in balance.inflows) == sum(s.amount for s in balance.outflows)
    chain = balance.chain
    assert (chain.lots, chain.closes) == (2, True)
    assert chain.came == chain.sold + chain.on_hand + chain.lost
    per_pack = w.sku.material_per_unit or 1
    assert chain.sold == 4 * per_pack
    packs = lot_balance(w.session, lot.id)
    assert [(s.code, int(s.amount)) for s in packs.inflows] == [("lot", 12)]
    assert {s.code: s.amount for s in packs.outflows} == {
        "sold": 4,
        "on_shelf": 2,
        "at_supplier": 6,
    }
    with pytest.raises(NotFound):
        lot_balance(w.session, 99_999)


def test_what_nobody_can_explain_stands_out_in_the_whole_chain(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    late(w, lot, 9)
    chain = lot_balance(w.session, raw_of(w, lot).id).chain
    assert chain.unexplained == 3 * (w.sku.material_per_unit or 1)
    assert chain.came + chain.unexplained == chain.sold + chain.on_hand + chain.lost


def test_the_graph_is_walked_both_ways_and_a_circle_ends(w: World) -> None:
    lot = make_lot(w, packs=6)
    raw = raw_of(w, lot)
    assert relatives(w.session, [raw.id], down=True) == [raw.id, lot.id]
    assert relatives(w.session, [lot.id], down=False) == [lot.id, raw.id]
    event_id = w.session.scalars(select(LotFlow.event_id)).one()
    w.session.add(LotFlow(from_lot_id=lot.id, to_lot_id=raw.id, event_id=event_id))
    w.session.flush()
    assert relatives(w.session, [raw.id], down=True) == [raw.id, lot.id]
    assert relatives(w.session, [raw.id], down=False) == [raw.id, lot.id]


def test_the_picture_is_as_wide_as_what_it_shows(w: World) -> None:
    lot, _serials = on_shelf(w, packs=6)
    from flask import Flask
    from flask_babel import Babel

    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        picture = picture_of(lot_balance(w.session, lot.id))
    into = [bar for bar in picture.bars if bar.x < picture.lot.x]
    out = [bar for bar in picture.bars if bar.x > picture.lot.x]
    assert [bar.height for bar in into] == [TALL]
    assert sorted(bar.amount for bar in out) == [6, 6]
    assert sum(bar.height for bar in out) == TALL
    assert len(picture.ribbons) == 3
    assert [len(side) for side in picture.sides] == [1, 2]
