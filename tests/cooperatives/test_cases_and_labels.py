"""Packing, sending, printing: done once, refused beside the field, hidden from others."""

import io

import pypdfium2
import pytest
from sqlalchemy import select

from goods.stock.models import LogisticUnit, Lot, Serial
from parties.people.models import AuditEntry
from parties.people.permissions import Role
from tests.cooperatives.conftest import Desk
from tests.cooperatives.pages import form_to, forms_of
from tests.factories import actor, in_cases, make_lot, send
from traceability.models import LabelPrint, Shipment, TraceEvent


@pytest.fixture
def lot(desk: Desk) -> Lot:
    """24 labelled packs at the workshop."""
    return make_lot(desk.w, packs=24, lot_no="L2611-05")


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def packing(desk: Desk, lot: Lot, **other: str) -> dict[str, str]:
    page = desk.client.get(f"/coop/lots/{lot.id}/cases")
    assert page.status_code == 200
    form = next(form for form in forms_of(page.text) if "per_case" in form.names)
    return form.values | {"cases": "2", "per_case": "6"} | other


def test_cases_are_packed_once_though_the_form_is_sent_twice(desk: Desk, lot: Lot) -> None:
    sent = packing(desk, lot)
    for _ in range(2):
        assert desk.client.post(f"/coop/lots/{lot.id}/cases", data=sent).status_code == 303
    units = desk.session.scalars(select(LogisticUnit).where(LogisticUnit.lot_id == lot.id)).all()
    assert [unit.quantity for unit in units] == [6, 6]


def test_the_same_key_with_other_content_is_refused(desk: Desk, lot: Lot) -> None:
    sent = packing(desk, lot)
    desk.client.post(f"/coop/lots/{lot.id}/cases", data=sent)
    before = desk.count(LogisticUnit)
    said = desk.client.post(f"/coop/lots/{lot.id}/cases", data=sent | {"cases": "1"})
    assert said.status_code == 409
    assert desk.count(LogisticUnit) == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cases": "9"}, "cases"),
        ({"per_case": "x"}, "per_case"),
        ({"at": "2099-01-01T10:00"}, "at"),
    ],
)
def test_a_wrong_packing_is_refused_beside_its_field(
    desk: Desk, lot: Lot, wrong: dict[str, str], field: str
) -> None:
    before = desk.count(LogisticUnit), desk.count(TraceEvent)
    said = desk.client.post(f"/coop/lots/{lot.id}/cases", data=packing(desk, lot, **wrong))
    assert said.status_code in {400, 409}
    assert f'id="{field}-error"' in said.text
    assert (desk.count(LogisticUnit), desk.count(TraceEvent)) == before


def test_cases_are_sent_to_an_outlet_and_their_labels_name_it(desk: Desk, lot: Lot) -> None:
    in_cases(desk.w, lot, cases=2, per_case=6)
    where = desk.client.get(f"/coop/shipments/new?lot={lot.id}&q={desk.w.outlet.name_zh[:4]}")
    assert f"to={desk.w.outlet.place_id}" in where.text
    page = desk.client.get(f"/coop/shipments/new?lot={lot.id}&to={desk.w.outlet.place_id}")
    sent = form_to(page.text, "/coop/shipments/new").values
    sent |= {"carrier": "示例快运", "waybill_no": "YD1"}
    answers = [desk.client.post("/coop/shipments/new", data=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert desk.count(Shipment) == 1
    shown = desk.client.get(answers[0].location)
    assert "YD1" in shown.text
    assert desk.w.outlet.name_zh in shown.text
    labels = desk.client.get(f"{answers[0].location}/labels.pdf")
    assert labels.mimetype == "application/pdf"
    assert "L2611-05" in text_of(labels.data)
    assert "YD1" in desk.client.get("/coop/shipments.csv").text


def test_a_shipment_without_carrier_or_cases_is_refused(desk: Desk, lot: Lot) -> None:
    in_cases(desk.w, lot, cases=2, per_case=6)
    page = desk.client.get(f"/coop/shipments/new?lot={lot.id}&to={desk.w.outlet.place_id}")
    sent = form_to(page.text, "/coop/shipments/new").values
    count = next(name for name in sent if name.startswith("n_"))
    said = desk.client.post("/coop/shipments/new", data=sent | {count: "3"})
    assert said.status_code == 400
    for name in (count, "carrier", "waybill_no"):
        assert f'id="{name}-error"' in said.text
    assert desk.count(Shipment) == 0


def test_nobody_sends_or_sees_another_suppliers_cases(desk: Desk, lot: Lot) -> None:
    units = in_cases(desk.w, lot, cases=2, per_case=6)
    send(desk.w, units[:1], desk.w.outlet.place_id)
    shipment = desk.session.scalars(select(Shipment)).one()
    page = desk.client.get(f"/coop/shipments/new?lot={lot.id}&to={desk.w.outlet.place_id}")
    sent = form_to(page.text, "/coop/shipments/new").values | {"carrier": "x", "waybill_no": "y"}
    desk.sit(actor(Role.SUPPLIER_OWNER, account_id=77, organisation_id=desk.w.supplier.id + 1))
    assert desk.client.get(f"/coop/shipments/{shipment.id}").status_code == 404
    assert desk.client.get(f"/coop/shipments/{shipment.id}/labels.pdf").status_code == 404
    assert desk.client.get(f"/coop/lots/{lot.id}/cases").status_code == 404
    assert desk.client.get(f"/coop/lots/{lot.id}/cases.pdf").status_code == 404
    assert shipment.number not in desk.client.get("/coop/shipments").text
    assert desk.client.post("/coop/shipments/new", data=sent).status_code == 400
    assert desk.count(Shipment) == 1


def printing(desk: Desk, lot: Lot, **other: str) -> dict[str, str]:
    page = desk.client.get(f"/coop/lots/{lot.id}/labels")
    assert page.status_code == 200
    form = next(form for form in forms_of(page.text) if "count" in form.names)
    return form.values | {"count": "10", "layout": "a4-3x8"} | other


def test_labels_are_printed_from_the_first_number_on_and_never_twice(desk: Desk, lot: Lot) -> None:
    sent = printing(desk, lot)
    for _ in range(2):
        assert desk.client.post(f"/coop/lots/{lot.id}/labels", data=sent).status_code == 303
    desk.client.post(f"/coop/lots/{lot.id}/labels", data=printing(desk, lot, count="14"))
    numbers = desk.session.scalars(
        select(Serial.serial).where(Serial.lot_id == lot.id).order_by(Serial.serial)
    ).all()
    prints = desk.session.scalars(select(LabelPrint).order_by(LabelPrint.id)).all()
    ranges = [(one.first_serial, one.last_serial, one.count) for one in prints]
    assert ranges == [(numbers[0], numbers[9], 10), (numbers[10], numbers[23], 14)]
    sheet = desk.client.get(f"/coop/labels/{prints[0].id}/file")
    assert sheet.status_code == 200
    said = text_of(sheet.data)
    assert numbers[0] in said
    assert numbers[9] in said
    assert numbers[10] not in said


def test_more_labels_than_packs_are_refused(desk: Desk, lot: Lot) -> None:
    said = desk.client.post(f"/coop/lots/{lot.id}/labels", data=printing(desk, lot, count="25"))
    assert said.status_code == 409
    assert 'id="count-error"' in said.text
    assert desk.count(LabelPrint) == 0


def test_printing_again_needs_a_reason_and_a_printed_range(desk: Desk, lot: Lot) -> None:
    desk.client.post(f"/coop/lots/{lot.id}/labels", data=printing(desk, lot))
    numbers = desk.session.scalars(
        select(Serial.serial).where(Serial.lot_id == lot.id).order_by(Serial.serial)
    ).all()
    page = desk.client.get(f"/coop/lots/{lot.id}/labels").text
    form = next(form for form in forms_of(page) if "again" in form.names).values
    wrong = [
        ({"first": numbers[2]}, "reason"),
        ({"first": numbers[12], "reason": "spoilt"}, "first"),
        ({"first": "NONE", "reason": "spoilt"}, "first"),
    ]
    for typed, field in wrong:
        said = desk.client.post(f"/coop/lots/{lot.id}/labels", data=form | typed)
        assert said.status_code in {400, 409}
        assert f'id="{field}-error"' in said.text
    assert desk.count(LabelPrint) == 1
    typed = {"first": numbers[2], "last": numbers[4], "reason": "spoilt"}
    assert desk.client.post(f"/coop/lots/{lot.id}/labels", data=form | typed).status_code == 303
    again = desk.session.scalars(select(LabelPrint).order_by(LabelPrint.id.desc())).first()
    assert again is not None
    assert again.count == 3
    entry = desk.session.scalars(
        select(AuditEntry).where(AuditEntry.verb == "print_labels_again")
    ).one()
    assert entry.after is not None
    assert entry.after["reason"] == "spoilt"
    waiting = desk.client.get("/coop/labels").text
    assert "10" in waiting


def test_codes_cards_and_lists_open_for_their_owner_only(desk: Desk, lot: Lot) -> None:
    desk.client.post(f"/coop/lots/{lot.id}/labels", data=printing(desk, lot))
    printed = desk.session.scalars(select(LabelPrint.id)).one()
    paths = {
        f"/coop/labels/{printed}/file": "application/pdf",
        f"/coop/lots/{lot.id}/code.svg": "image/svg+xml",
        f"/coop/lots/{lot.id}/code.png": "image/png",
        f"/coop/packs/{desk.w.sku.id}/code.svg": "image/svg+xml",
        f"/coop/packs/{desk.w.sku.id}/card.pdf": "application/pdf",
    }
    for path, kind in paths.items():
        answer = desk.client.get(path)
        assert (answer.status_code, answer.mimetype) == (200, kind), path
    assert "https://shanhuo.example" not in desk.client.get("/coop/labels").text
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    for path in (*paths, f"/coop/lots/{lot.id}/labels"):
        assert desk.client.get(path).status_code == 404, path
    before = desk.count(LabelPrint)
    said = desk.client.post(f"/coop/lots/{lot.id}/labels", data={"key": "q", "count": "1"})
    assert said.status_code in {400, 404}
    assert desk.count(LabelPrint) == before


def test_labels_of_goods_without_numbers_carry_the_lot(desk: Desk) -> None:
    from tests.cooperatives.test_templates import open_lot, product_of, walk

    raw, pack = product_of(desk, "grain", tracking="lot")
    walk(desk, open_lot(desk, raw, "G1"), pack)
    made = desk.session.scalars(select(Lot).where(Lot.sku_id == pack.id)).one()
    said = desk.client.post(
        f"/coop/lots/{made.id}/labels", data=printing(desk, made, layout="roll-60x40")
    )
    assert said.status_code == 303, said.text
    printed = desk.session.scalars(select(LabelPrint)).one()
    assert (printed.first_serial, printed.count) == ("", 10)
    with pypdfium2.PdfDocument(
        io.BytesIO(desk.client.get(f"/coop/labels/{printed.id}/file").data)
    ) as sheet:
        assert len(sheet) == 10
