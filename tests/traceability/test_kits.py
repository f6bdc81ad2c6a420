"""Packing gift boxes from lots of other goods."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.seeding import SEEDER
from foundation.errors import BadInput
from goods.catalogue.models import Product, Sku
from goods.catalogue.services import import_products
from goods.stock.models import Lot, Serial
from tests.databases import NOW
from tests.factories import World, example_values, make_lot
from tests.traceability.ledger import held, refused
from traceability.models import EventSerial, TraceEvent
from traceability.queries import lineage
from traceability.recalls.services import recall_lot
from traceability.services.lots import StepEntry, StepRefused, open_lot, record_step
from traceability.services.templates import import_templates

STEP: dict[str, Any] = {
    "hint_zh": "",
    "hint_en": "",
    "by": "supplier",
    "required": True,
    "disposition": "active",
    "place_kind": "workshop",
    "place_kinds": ["workshop"],
    "role": None,
    "certificate_kind": None,
    "applies_to_tracking": None,
    "yield": None,
    "key_data_elements": [],
    "quantity_from": None,
    "inputs": None,
}
STEPS = [
    STEP
    | {
        "step": "boxes",
        "name_zh": "领用空盒",
        "name_en": "Empty boxes",
        "event_type": "ObjectEvent",
        "action": "ADD",
        "biz_step": "creating_class_instance",
        "object": "raw_lot",
    },
    STEP
    | {
        "step": "assemble",
        "name_zh": "装盒",
        "name_en": "Assembling",
        "event_type": "TransformationEvent",
        "action": None,
        "biz_step": "creating_class_instance",
        "object": "product_lot",
        "inputs": "kit_components",
    },
]


@dataclass
class Boxes:
    """A supplier who packs two jars and one small jar into a box."""

    w: World
    kit: Lot
    big: Lot
    small: Lot

    def assemble(self, count: int | None, inputs: tuple[tuple[int, int], ...]) -> None:
        """Pack boxes at the workshop."""
        entry = StepEntry(
            key=f"assemble-{count}",
            lot_id=self.kit.id,
            step="assemble",
            at=NOW - timedelta(days=1),
            place_id=self.w.place("workshop").id,
            quantity=count,
            inputs=inputs,
        )
        record_step(self.w.session, entry, actor=self.w.owner, now=NOW)


@pytest.fixture
def boxes(w: World, session: Session) -> Boxes:
    template = {"code": "kit", "version": 1, "name_zh": "组合礼包", "name_en": "Gift boxes"}
    import_templates(session, [template | {"steps": STEPS}], actor=SEEDER)
    sku = {"tracking": "lot", "stock_policy": "kit", "base_unit": "piece", "price_fen": 9900}
    row: dict[str, Any] = {
        "code": "Q09",
        "supplier": "T01",
        "county": w.product.county_code,
        "category": w.product.category_code,
        "compliance_class": w.product.compliance_code,
        "return_policy": w.product.return_code,
        "trace_template": "kit",
        "name_zh": "蜂蜜礼盒",
        "name_en": "Honey box",
        "shelf_life_days": 365,
        "skus": [
            sku
            | {
                "code": "Q09-1",
                "gtin": "09528001090017",
                "spec_zh": "三瓶/盒",
                "spec_en": "Box of three jars",
                "kit": [{"sku": "Q01-1", "quantity": 2}, {"sku": "Q01-2", "quantity": 1}],
            }
        ],
        "raw": {
            "code": "Q09-R",
            "gtin": "09528001099010",
            "name_zh": "空盒",
            "name_en": "Empty boxes",
            "base_unit": "piece",
            "tracking": "lot",
        },
    }
    from biip.checksums import gs1_standard_check_digit

    for each in (row["skus"][0], row["raw"]):
        body = each["gtin"][:-1]
        each["gtin"] = f"{body}{gs1_standard_check_digit(body)}"
    import_products(session, [row], actor=SEEDER, now=NOW, publish=True)
    code = select(Sku).where(Sku.code == "Q09-1")
    kit_sku = session.scalars(code).one()
    small_sku = session.scalars(select(Sku).where(Sku.code == "Q01-2")).one()
    big = make_lot(w, packs=12, lot_no="BIG")
    small = make_lot(replace(w, sku=small_sku), packs=6, lot_no="SMALL")
    kit = open_lot(session, sku_id=kit_sku.id, lot_no="BOX-1", actor=w.owner, now=NOW)
    return Boxes(w, kit, big, small)


def test_boxes_use_up_jars_and_know_which(boxes: Boxes, session: Session) -> None:
    boxes.assemble(4, ((boxes.big.id, 8), (boxes.small.id, 4)))
    workshop = boxes.w.place("workshop").id
    assert held(session, boxes.kit.id) == {workshop: 4}
    assert held(session, boxes.big.id) == {workshop: 4}
    assert held(session, boxes.small.id) == {workshop: 2}
    used = session.scalars(select(Serial).where(Serial.state == "used")).all()
    assert sorted(s.lot_id for s in used) == sorted([boxes.big.id] * 8 + [boxes.small.id] * 4)
    event = session.scalars(select(TraceEvent).where(TraceEvent.template_step == "assemble")).one()
    linked = select(EventSerial.serial_id).where(EventSerial.event_id == event.id)
    assert set(session.scalars(linked)) == {s.id for s in used}
    assert {boxes.big.id, boxes.small.id} < set(lineage(session, boxes.kit.id))
    assert boxes.kit.best_before == (NOW - timedelta(days=1)).date() + timedelta(days=365)
    assert session.get_one(Product, session.get_one(Sku, boxes.kit.sku_id).product_id).demo is False


def test_the_parts_must_be_those_of_the_box(boxes: Boxes, session: Session) -> None:
    with refused(session, BadInput, "inputs"):
        boxes.assemble(4, ((boxes.big.id, 7), (boxes.small.id, 4)))
    with refused(session, BadInput, "inputs"):
        boxes.assemble(4, ((boxes.big.id, 8),))
    with refused(session, BadInput, "quantity"):
        boxes.assemble(None, ((boxes.big.id, 8), (boxes.small.id, 4)))
    with refused(session, BadInput, "quantity"):
        boxes.assemble(4, ())


def test_more_jars_than_lie_loose_are_not_packed(boxes: Boxes, session: Session) -> None:
    with refused(session, StepRefused, "inputs"):
        boxes.assemble(7, ((boxes.big.id, 14), (boxes.small.id, 7)))


def test_a_recalled_jar_goes_into_no_box(boxes: Boxes, session: Session) -> None:
    recall_lot(
        session,
        lot_id=boxes.small.id,
        reason_zh="标签印错",
        reason_en="",
        actor=boxes.w.official,
        now=NOW,
    )
    with refused(session, StepRefused, "inputs"):
        boxes.assemble(2, ((boxes.big.id, 4), (boxes.small.id, 2)))


def test_empty_boxes_are_counted_for_their_own_lot_and_not_as_full_ones(
    boxes: Boxes, session: Session
) -> None:
    raw = session.scalars(select(Sku).where(Sku.code == "Q09-R")).one()
    empty = open_lot(session, sku_id=raw.id, lot_no="E-1", actor=boxes.w.owner, now=NOW)
    entry = StepEntry(
        key="boxes",
        lot_id=empty.id,
        step="boxes",
        at=NOW,
        place_id=boxes.w.place("workshop").id,
        quantity=200,
        values=example_values(STEPS[0]),
    )
    record_step(session, entry, actor=boxes.w.owner, now=NOW)
    assert sum(held(session, empty.id).values()) == 200
    with refused(session, StepRefused, "step"):
        record_step(
            session, replace(entry, key="full", lot_id=boxes.kit.id), actor=boxes.w.owner, now=NOW
        )
