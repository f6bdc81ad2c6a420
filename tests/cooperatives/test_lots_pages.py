"""Lots on the desk: opening, recording by the template's form, refusals, other people's lots."""

from sqlalchemy import select

from goods.stock.models import Lot
from parties.people.permissions import Role
from tests.cooperatives.conftest import Desk
from tests.factories import actor, make_lot
from traceability.models import TraceEvent


def test_a_new_lot_is_opened_once_though_the_form_is_sent_twice(desk: Desk) -> None:
    page = desk.client.get("/coop/lots/new")
    assert page.status_code == 200
    sent = {"key": "k-new-1", "sku_id": desk.w.raw.id, "lot_no": "L2611-77"}
    first = desk.client.post("/coop/lots/new", data=sent)
    again = desk.client.post("/coop/lots/new", data=sent)
    assert first.status_code == again.status_code == 303
    assert first.location == again.location
    lots = desk.session.scalars(select(Lot).where(Lot.lot_no == "L2611-77")).all()
    assert [lot.sku_id for lot in lots] == [desk.w.raw.id]


def test_a_taken_number_is_refused_beside_its_field(desk: Desk) -> None:
    desk.client.post("/coop/lots/new", data={"key": "k1", "sku_id": desk.w.raw.id, "lot_no": "L1"})
    before = desk.count(Lot)
    said = desk.client.post(
        "/coop/lots/new", data={"key": "k2", "sku_id": desk.w.raw.id, "lot_no": "L1"}
    )
    assert said.status_code == 409
    assert 'id="lot_no-error"' in said.text
    assert desk.count(Lot) == before


def test_today_shows_the_next_step_and_a_finished_lot_its_records(desk: Desk) -> None:
    lot = make_lot(desk.w, packs=24)
    page = desk.client.get("/coop/")
    assert page.status_code == 200, page.text
    shown = desk.client.get(f"/coop/lots/{lot.id}")
    assert shown.status_code == 200, shown.text
    assert lot.lot_no in shown.text


def test_lists_and_pages_of_lots_hide_other_suppliers_goods(desk: Desk) -> None:
    lot = make_lot(desk.w, packs=24)
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    assert lot.lot_no not in desk.client.get("/coop/lots").text
    assert desk.client.get(f"/coop/lots/{lot.id}").status_code == 404
    before = desk.count(TraceEvent)
    said = desk.client.post(f"/coop/lots/{lot.id}/steps", data={"key": "x", "step": "test"})
    assert said.status_code == 404
    assert desk.count(TraceEvent) == before
