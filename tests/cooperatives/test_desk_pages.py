"""Every page of the desk: whom it opens for, how many statements it asks, what its files hold."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from goods.catalogue.services import NewPaper, add_certificate
from parties.people.permissions import NOBODY, Role
from tests.cooperatives.conftest import Desk
from tests.factories import NOW, actor, make_lot
from tests.trade.orders.world import Shop, new_buyer, paid, placed
from trade.orders.models import Refund, SubOrder

LISTS = [
    "/coop/",
    "/coop/lots",
    "/coop/shipments",
    "/coop/labels",
    "/coop/orders",
    "/coop/orders/pick",
    "/coop/products",
    "/coop/papers",
    "/coop/stock",
    "/coop/statement",
    "/coop/me",
]
FORMS = [
    "/coop/lots/new",
    "/coop/shipments/new",
    "/coop/products/upload",
    "/coop/products/template.csv",
    "/coop/papers/new",
]
FILES = ["lots", "shipments", "labels", "orders", "products", "papers", "stock", "statement"]


def shop_of(desk: Desk, *, packs: int = 24) -> Shop:
    return Shop(desk.w, new_buyer(desk.session), make_lot(desk.w, packs=packs))


@pytest.mark.parametrize("path", [*LISTS, *FORMS, *(f"/coop/{name}.csv" for name in FILES)])
def test_pages_open_for_suppliers_and_for_nobody_else(desk: Desk, path: str) -> None:
    make_lot(desk.w, packs=24)
    assert desk.client.get(path).status_code == 200
    desk.sit(NOBODY)
    away = desk.client.get(path)
    assert away.status_code in {302, 401}
    desk.sit(actor(Role.CONSUMER))
    assert desk.client.get(path).status_code == 403
    desk.sit(actor(Role.COUNTER_CLERK, place_id=desk.w.outlet.place_id))
    assert desk.client.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/coop/statement",
        "/coop/statement.csv",
        "/coop/products/upload",
        "/coop/products/template.csv",
        "/coop/papers/new",
    ],
)
def test_clerks_see_neither_money_nor_the_catalogues_forms(desk: Desk, path: str) -> None:
    desk.sit(actor(Role.SUPPLIER_CLERK, organisation_id=desk.w.supplier.id))
    assert desk.client.get(path).status_code == 403
    assert desk.client.get("/coop/products").status_code == 200


@pytest.mark.parametrize("path", ["/coop/", "/coop/lots", "/coop/labels", "/coop/stock"])
def test_more_lots_ask_no_more_statements(desk: Desk, path: str, statements: list[str]) -> None:
    make_lot(desk.w, packs=24)
    desk.client.get(path)  # what is asked only once is asked here
    statements.clear()
    desk.client.get(path)
    few = len(statements)
    for _ in range(3):
        make_lot(desk.w, packs=24)
    statements.clear()
    desk.client.get(path)
    assert len(statements) == few


def test_lots_are_narrowed_by_state_product_and_words(desk: Desk) -> None:
    lot = make_lot(desk.w, packs=24, lot_no="FINDME1")
    shown = desk.client.get("/coop/lots?q=findme1&state=complete").text
    assert f"/coop/lots/{lot.id}" in shown
    assert f"/coop/lots/{lot.id}" not in desk.client.get("/coop/lots?state=recording").text
    assert f"/coop/lots/{lot.id}" not in desk.client.get("/coop/lots?product=999999").text
    assert "FINDME1" in desk.client.get("/coop/lots.csv?q=findme1").text
    for odd in ("?state=%00", "?product=99999999999999999999", "?page=zz", "?q=%25_"):
        assert desk.client.get(f"/coop/lots{odd}").status_code == 200


def test_parcels_show_masked_receivers_and_only_the_label_has_the_address(desk: Desk) -> None:
    shop = shop_of(desk)
    paid(shop)
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    for path in ("/coop/", "/coop/orders", "/coop/orders/pick", f"/coop/orders/{parcel.id}"):
        page = desk.client.get(path).text
        assert "13903560000" not in page
        assert "王小禾" not in page
        assert "单元301" not in page
        assert "王" in page
    assert "13903560000" not in desk.client.get("/coop/orders.csv").text
    label = desk.client.post(f"/coop/orders/{parcel.id}/label")
    assert label.status_code == 200
    assert "13903560000" in label.text
    assert "单元301" in label.text


def test_a_parcel_is_sent_once_and_leaves_the_queue(desk: Desk) -> None:
    paid(shop_of(desk))
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    at = (NOW + timedelta(hours=8, minutes=1)).strftime("%Y-%m-%dT%H:%M")
    sent = {"carrier": "示例快运", "waybill_no": "YD77", "at": at, "scanned": ""}
    wrong = desk.client.post(f"/coop/orders/{parcel.id}/dispatch", data=sent | {"carrier": ""})
    assert wrong.status_code == 400
    assert 'id="carrier-error"' in wrong.text
    desk.session.refresh(parcel)
    assert parcel.state == "awaiting_shipment"
    for _ in range(2):
        said = desk.client.post(f"/coop/orders/{parcel.id}/dispatch", data=sent)
        assert said.status_code == 303, said.text
    desk.session.refresh(parcel)
    assert (parcel.state, parcel.waybill_no) == ("shipped", "YD77")
    assert "YD77" in desk.client.get("/coop/orders?state=shipped").text
    assert str(parcel.id) not in desk.client.get("/coop/orders").text
    statement = desk.client.get("/coop/statement.csv?since=2026-11-01&until=2026-12-31").text
    assert len(statement.strip().splitlines()) == 2


def test_a_parcel_that_cannot_be_sent_is_called_off_once_and_paid_back(desk: Desk) -> None:
    order = paid(shop_of(desk))
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    for _ in range(2):
        said = desk.client.post(f"/coop/orders/{parcel.id}/cancel")
        assert said.status_code == 303
    desk.session.refresh(parcel)
    assert parcel.state == "refunded"
    (refund,) = desk.session.scalars(select(Refund)).all()
    assert (refund.amount_fen, refund.reason) == (order.total_fen, "not_delivered")
    assert "钱正在按原路退回" not in desk.client.get("/coop/orders").text
    assert order.number in desk.client.get("/coop/orders?state=all").text
    assert order.number in desk.client.get("/coop/orders.csv?state=all").text


def test_a_parcel_on_its_way_is_not_called_off(desk: Desk) -> None:
    paid(shop_of(desk))
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    at = (NOW + timedelta(hours=8, minutes=1)).strftime("%Y-%m-%dT%H:%M")
    sent = {"carrier": "示例快运", "waybill_no": "YD77", "at": at, "scanned": ""}
    assert desk.client.post(f"/coop/orders/{parcel.id}/dispatch", data=sent).status_code == 303
    said = desk.client.post(f"/coop/orders/{parcel.id}/cancel", follow_redirects=True)
    assert "这个包裹已经寄出" in said.text
    desk.session.refresh(parcel)
    assert parcel.state == "shipped"
    assert desk.session.scalars(select(Refund)).all() == []


def test_codes_that_are_no_packs_are_refused_beside_the_field(desk: Desk) -> None:
    paid(shop_of(desk))
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    at = (NOW + timedelta(hours=8, minutes=1)).strftime("%Y-%m-%dT%H:%M")
    sent = {"carrier": "x", "waybill_no": "y", "at": at}
    for code in ("不是码", f"https://id.gs1.org/01/{desk.w.sku.gtin}/21/NOPE"):
        said = desk.client.post(f"/coop/orders/{parcel.id}/dispatch", data=sent | {"scanned": code})
        assert said.status_code in {400, 409}
        assert 'id="scanned-error"' in said.text
    desk.session.refresh(parcel)
    assert parcel.state == "awaiting_shipment"


def test_parcels_of_others_and_unpaid_ones_are_not_there(desk: Desk) -> None:
    shop = shop_of(desk)
    paid(shop)
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    assert desk.client.get(f"/coop/orders/{parcel.id}").status_code == 404
    for end in ("dispatch", "label", "cancel"):
        said = desk.client.post(f"/coop/orders/{parcel.id}/{end}", data={"carrier": "x"})
        assert said.status_code in {403, 404}
    desk.session.refresh(parcel)
    assert parcel.state == "awaiting_shipment"
    assert str(parcel.id) not in desk.client.get("/coop/orders").text


def test_an_unpaid_order_is_not_shown(desk: Desk) -> None:
    placed(shop_of(desk))
    (parcel,) = desk.session.scalars(select(SubOrder)).all()
    assert str(parcel.id) not in desk.client.get("/coop/orders").text
    assert desk.client.get(f"/coop/orders/{parcel.id}").status_code == 404


def test_a_statement_turned_round_is_refused_on_its_page(desk: Desk) -> None:
    said = desk.client.get("/coop/statement?since=2026-12-01&until=2026-11-01")
    assert said.status_code == 400
    assert 'id="f-wrong"' in said.text
    other = desk.client.get(f"/coop/statement?supplier={desk.w.supplier.id + 1}")
    assert other.status_code == 404


def test_papers_that_end_soon_stand_on_the_page_of_today(desk: Desk) -> None:
    from foundation import clock

    today = clock.business_date(clock.now())
    paper = NewPaper(
        desk.w.supplier.id,
        "business_licence",
        "NEAR-1",
        "示例机关",
        today - timedelta(days=300),
        today + timedelta(days=5),
    )
    add_certificate(desk.session, paper, actor=desk.w.owner, now=clock.now())
    assert "NEAR-1" in desk.client.get("/coop/").text
    desk.sit(actor(Role.SUPPLIER_OWNER, organisation_id=desk.w.supplier.id + 1))
    assert "NEAR-1" not in desk.client.get("/coop/papers").text
