"""The form of every template's every step: shown, filled in as the template's example, recorded."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from goods.catalogue.models import Sku
from goods.catalogue.services import import_products
from goods.stock.models import Lot, Serial, StockBalance
from tests.cooperatives.conftest import Desk
from tests.cooperatives.pages import form_to
from tests.factories import NOW, SEEDER, example_values, make_lot
from traceability.digital_link import check_digit
from traceability.models import EventCertificate, TraceEvent
from traceability.queries import template_of
from traceability.services.templates import import_templates

DATA = Path(__file__).parents[2] / "data" / "region"
TEMPLATES = json.loads((DATA / "trace_templates.json").read_text("utf-8"))
CODES = [template["code"] for template in TEMPLATES]
numbers = count(1)


def gtin() -> str:
    body = f"0952999{next(numbers):06d}"
    return body + check_digit(body)


def product_of(
    desk: Desk, template: str, *, tracking: str = "serial", kit: list[Any] | None = None
) -> tuple[Sku, Sku]:
    """Let the desk's supplier have one product that follows `template`: its material and pack."""
    import_templates(desk.session, TEMPLATES, actor=SEEDER)
    like = desk.w.product
    code, unit = f"Z{template[:8]}", "piece" if template in {"egg", "generic", "kit"} else "g"
    per = {"egg": 30, "generic": 1, "kit": 1}.get(template, 500)
    row = {
        "code": code,
        "supplier": desk.w.supplier.code,
        "category": like.category_code,
        "county": like.county_code,
        "compliance_class": like.compliance_code,
        "return_policy": like.return_code,
        "trace_template": template,
        "name_zh": "试品",
        "name_en": "Sample",
        "shelf_life_days": 365,
        "skus": [
            {
                "code": f"{code}-1",
                "gtin": gtin(),
                "spec_zh": "一份",
                "spec_en": "one pack",
                "net_content_value": per,
                "net_content_unit": "g",
                "base_unit": "piece",
                "tracking": tracking,
                "stock_policy": "kit" if kit else "stocked",
                "tax_class": "low",
                "price_fen": 1000,
                "units_per_case": 6,
                "material_per_unit": {"value": per, "unit": unit},
                "kit": kit or [],
            }
        ],
        "raw": {
            "code": f"{code}-R",
            "gtin": gtin(),
            "name_zh": "原料",
            "name_en": "Material",
            "base_unit": unit,
            "tracking": "lot",
        },
    }
    (product,) = import_products(desk.session, [row], actor=SEEDER, now=NOW)
    pack, raw = desk.session.scalars(
        select(Sku).where(Sku.product_id == product.id).order_by(Sku.raw)
    )
    return raw, pack


def why(page: str) -> list[str]:
    """Give the sentences of refusal on a page."""
    marked = re.findall(r'(?s)class="(?:err|note recall[^"]*)".*?</(?:p|div)>', page)
    return [re.sub(r"<[^>]+>", " ", each) for each in marked]


def open_lot(desk: Desk, sku: Sku, lot_no: str) -> int:
    said = desk.client.post(
        "/coop/lots/new",
        data={"key": f"open-{sku.id}-{lot_no}", "sku_id": sku.id, "lot_no": lot_no},
    )
    assert said.status_code == 303, said.text
    return int(said.location.rpartition("/")[2])


def fill(desk: Desk, lot_id: int, **other: str) -> tuple[str, dict[str, str]]:
    """Fill in the form of a lot's next step with the template's examples; give step and values."""
    page = desk.client.get(f"/coop/lots/{lot_id}")
    assert page.status_code == 200, page.text
    form = form_to(page.text, f"/coop/lots/{lot_id}/steps")
    lot = desk.session.get_one(Lot, lot_id)
    template = template_of(desk.session, lot.template, lot.template_version)
    step = next(s for s in template.steps if s["step"] == form.values["step"])
    values = form.values | {
        f"v_{code}": text.lower() if text in {"True", "False"} else text
        for code, text in example_values(step).items()
        if f"v_{code}" in form.names
    }
    for name in form.names:
        if name in {"paper_number", "paper_issuer"}:
            values[name] = "DEMO-1"
    if form.values.get("quantity"):
        values["quantity"] = form.values["quantity"]
    if step["step"] == "collect" and (source := step.get("quantity_from")):
        name = f"v_{source['key_data_element']}"
        values[name] = form.values[name]
    return step["step"], values | other


def walk(desk: Desk, lot_id: int, pack: Sku) -> list[str]:
    """Record a lot's steps one after the other until nothing is asked for any more."""
    done: list[str] = []
    while "next-step" in desk.client.get(f"/coop/lots/{lot_id}").text:
        step, values = fill(desk, lot_id)
        if f"out_{pack.id}_count" in values:
            values[f"out_{pack.id}_count"] = "12"
        said = desk.client.post(f"/coop/lots/{lot_id}/steps", data=values)
        assert said.status_code == 303, (step, why(said.text))
        done.append(step)
        assert len(done) < 20
    return done


@pytest.mark.parametrize("code", [code for code in CODES if code != "kit"])
def test_a_lot_goes_through_every_step_of_its_template_by_the_desks_forms(
    desk: Desk, code: str
) -> None:
    raw, pack = product_of(desk, code)
    template = next(t for t in TEMPLATES if t["code"] == code)
    material = open_lot(desk, raw, "L1")
    done = walk(desk, material, pack)
    made = desk.session.scalars(select(Lot).where(Lot.sku_id == pack.id)).one()
    done += walk(desk, made.id, pack)
    wanted = [s["step"] for s in template["steps"] if s["by"] == "supplier" and s["required"]]
    assert done == wanted
    held = desk.session.scalars(
        select(StockBalance.on_hand).where(StockBalance.lot_id == made.id)
    ).all()
    assert sum(held) == 12
    papers = desk.session.scalars(
        select(EventCertificate.certificate_id)
        .join(TraceEvent, TraceEvent.id == EventCertificate.event_id)
        .where(TraceEvent.template_step.in_(wanted))
    ).all()
    asked = [s for s in template["steps"] if s["step"] in wanted and s["certificate_kind"]]
    assert len(papers) >= len(asked)


def test_a_kit_is_assembled_from_packs_that_lie_at_the_place(desk: Desk) -> None:
    make_lot(desk.w, packs=24)
    boxes, pack = product_of(
        desk, "kit", tracking="lot", kit=[{"sku": desk.w.sku.code, "quantity": 2}]
    )
    walk(desk, open_lot(desk, boxes, "B1"), pack)
    kit = open_lot(desk, pack, "K1")
    for step in ("pick", "assemble"):
        named, values = fill(desk, kit, quantity="3")
        assert named == step
        said = desk.client.post(f"/coop/lots/{kit}/steps", data=values)
        assert said.status_code == 303, why(said.text)
    held = desk.session.scalar(select(StockBalance.on_hand).where(StockBalance.lot_id == kit))
    used = desk.session.scalars(select(Serial.id).where(Serial.state == "used")).all()
    assert (held, len(used)) == (3, 6)


def test_more_kits_than_parts_are_refused_and_nothing_is_used(desk: Desk) -> None:
    make_lot(desk.w, packs=24)
    boxes, pack = product_of(
        desk, "kit", tracking="lot", kit=[{"sku": desk.w.sku.code, "quantity": 2}]
    )
    walk(desk, open_lot(desk, boxes, "B1"), pack)
    kit = open_lot(desk, pack, "K1")
    _, values = fill(desk, kit, quantity="13")
    desk.client.post(f"/coop/lots/{kit}/steps", data=values)
    before = desk.count(TraceEvent)
    _, values = fill(desk, kit, quantity="13")
    said = desk.client.post(f"/coop/lots/{kit}/steps", data=values)
    assert said.status_code == 400
    assert 'id="quantity-error"' in said.text
    assert desk.count(TraceEvent) == before


def test_too_many_packs_are_refused_beside_their_field_and_what_was_typed_is_kept(
    desk: Desk,
) -> None:
    raw, pack = desk.w.raw, desk.w.sku
    material = open_lot(desk, raw, "L9")
    for _ in range(3):
        _, values = fill(desk, material)
        desk.client.post(f"/coop/lots/{material}/steps", data=values)
    step, values = fill(desk, material)
    assert step == "bottle"
    most = int(float(values["quantity"]) * 1000 // (pack.material_per_unit or 1))
    page = desk.client.get(f"/coop/lots/{material}").text
    assert f"{most:,}" in page
    values |= {f"out_{pack.id}_count": str(most + 40), "v_process": "只过滤"}
    before = desk.count(TraceEvent), desk.count(Lot)
    said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
    assert said.status_code == 400
    assert f'id="out_{pack.id}_count-error"' in said.text
    again = form_to(said.text, f"/coop/lots/{material}/steps")
    assert again.values[f"out_{pack.id}_count"] == str(most + 40)
    assert again.values["v_process"] == "只过滤"
    assert again.values["key"] == values["key"]
    assert (desk.count(TraceEvent), desk.count(Lot)) == before


def test_a_refusal_about_packs_stands_beside_the_pack_that_was_filled_in(desk: Desk) -> None:
    packs = desk.session.scalars(
        select(Sku)
        .where(Sku.product_id == desk.w.product.id, Sku.raw.is_(False))
        .order_by(Sku.sort)
    ).all()
    material = open_lot(desk, desk.w.raw, "L5")
    for _ in range(3):
        _, values = fill(desk, material)
        desk.client.post(f"/coop/lots/{material}/steps", data=values)
    _, values = fill(desk, material)
    values[f"out_{packs[-1].id}_count"] = "900000"
    said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
    assert said.status_code == 400
    assert f'id="out_{packs[-1].id}_count-error"' in said.text
    assert f'id="out_{packs[0].id}_count-error"' not in said.text


def test_every_missing_value_is_marked_at_once(desk: Desk) -> None:
    material = open_lot(desk, desk.w.raw, "L8")
    page = desk.client.get(f"/coop/lots/{material}").text
    values = form_to(page, f"/coop/lots/{material}/steps").values
    before = desk.count(TraceEvent)
    said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
    assert said.status_code == 400
    for code in ("apiary_code", "hive_count", "nectar_source", "flowering_from"):
        assert f'id="v_{code}-error"' in said.text
    assert 'id="v_medicine_stopped_on-error"' not in said.text
    assert desk.count(TraceEvent) == before


def test_a_step_sent_twice_is_recorded_once(desk: Desk) -> None:
    material = open_lot(desk, desk.w.raw, "L7")
    _, values = fill(desk, material)
    before = desk.count(TraceEvent)
    for _ in range(2):
        said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
        assert said.status_code == 303
    assert desk.count(TraceEvent) == before + 1


def test_steps_come_in_their_order_and_never_before_they_happened(desk: Desk) -> None:
    material = open_lot(desk, desk.w.raw, "L6")
    before = desk.count(TraceEvent)
    assert desk.client.get(f"/coop/lots/{material}?step=bottle").status_code == 404
    _, values = fill(desk, material, at="2099-01-01T10:00")
    said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
    assert said.status_code == 400
    assert 'id="at-error"' in said.text
    _, values = fill(desk, material, place_id=str(desk.w.outlet.place_id))
    said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
    assert 'id="place_id-error"' in said.text
    _, values = fill(desk, material, step="label")
    said = desk.client.post(f"/coop/lots/{material}/steps", data=values)
    assert said.status_code == 404
    assert desk.count(TraceEvent) == before


def test_every_product_of_the_demo_names_a_template_that_exists() -> None:
    products = json.loads((DATA / "products.json").read_text("utf-8"))
    assert {product["trace_template"] for product in products} <= set(CODES)
