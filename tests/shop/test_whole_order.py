"""Basket, checkout and payment over HTTP, with the real client and the payment double beside it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from app import create_app
from app.seeding import SEEDER
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from goods.catalogue.models import Sku
from goods.catalogue.services import set_price
from goods.stock.models import Reservation
from parties.people.permissions import Actor, Grant, Role
from tests.databases import NOW
from tests.doubles.stripe_process import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    Double,
    Payer,
    Receiver,
    receiving,
    running,
)
from tests.factories import World, actor, make_lot, world
from tests.factories.people import new_account, sign_in_as
from tests.trade.orders.world import TERMS, checkout_for, paid_notice, second_world
from trade.orders.models import Address, Cart, CartLine, Order, ProviderEvent, Refund, SubOrder
from trade.orders.providers.stripe import StripeProvider
from trade.orders.services.checkout import place_order
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.orders.services.payments import confirm_payment

HOME = {
    "recipient": "王小禾",
    "phone": "13903560000",
    "province": "山西省",
    "city": "晋城市",
    "district": "城区",
    "detail": "泽州路1号2单元301",
}


@dataclass
class Market:
    """A database that truly commits, an application on it, and one honey in stock."""

    web: Flask
    database: Database
    w: World
    buyer: int

    def client(self, *, signed_in: bool = True) -> FlaskClient:
        """Give a browser, the buyer's own or a stranger's."""
        client = self.web.test_client()
        if signed_in:
            sign_in_as(client, self.database, self.buyer)
        return client

    def count(self, table: type) -> int:
        """Count a table's rows."""
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def market(shared: Database, settings: Settings) -> Market:
    """Open the shop on a database of its own."""
    with shared.transaction() as session:
        w = world(session)
        make_lot(w, packs=24, now=clock.now())
        account = new_account(session, Grant(Role.CONSUMER))
        session.flush()
    web = create_app(settings, shared)
    web.config.update(WTF_CSRF_ENABLED=False)
    return Market(web, shared, w, account.id)


@pytest.fixture
def double(tmp_path: Path, market: Market) -> Iterator[tuple[Double, Receiver]]:
    """Run the payment double beside the shop; its notices are kept for the test to hand on."""
    with (
        receiving() as receiver,
        running(tmp_path / "double.db", "--webhook-url", receiver.url) as double,
    ):
        market.web.extensions["payment_provider"] = StripeProvider(
            SECRET_KEY, WEBHOOK_SECRET, double.base
        )
        yield double, receiver


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def consents(page: str) -> list[str]:
    return re.findall(r'name="consent" value="([^"]*)"', page)


def fill(page: str, **changed: object) -> dict[str, object]:
    form: dict[str, object] = {
        "key": hidden(page, "key"),
        "sku": hidden(page, "sku"),
        "n": hidden(page, "n"),
        "total": hidden(page, "total"),
        "delivery": "courier",
        "address": "new",
        "keep": "y",
        "consent": consents(page),
        "then": "order",
        **HOME,
    }
    return form | changed


def put(client: FlaskClient, market: Market, quantity: int = 2) -> None:
    data = {"sku": market.w.sku.id, "quantity": quantity}
    assert client.post("/basket/add", data=data).status_code == 303


def place(client: FlaskClient, market: Market) -> str:
    put(client, market)
    page = client.get("/checkout").text
    answer = client.post("/checkout", data=fill(page))
    assert answer.status_code == 303, answer.text
    found = re.search(r"/orders/(\d+)/pay", answer.location)
    assert found
    return found[1]


def test_a_visitors_basket_comes_along_when_signing_in(market: Market) -> None:
    client = market.client(signed_in=False)
    put(client, market, 3)
    assert market.w.product.name_zh in client.get("/basket").text
    assert market.count(Cart) == 1
    code = client.get("/checkout")
    assert code.status_code == 302
    assert "/signin" in code.location
    assert "checkout" in code.location
    answer = client.post("/demo/signin", data={"account_id": market.buyer})
    if answer.status_code == 303:
        with market.database.reading() as session:
            cart = session.scalars(select(Cart)).one()
            assert cart.account_id == market.buyer
            assert session.scalars(select(CartLine.quantity)).one() == 3


def test_a_strangers_basket_is_empty(market: Market) -> None:
    put(market.client(signed_in=False), market)
    assert market.w.product.name_zh not in market.client(signed_in=False).get("/basket").text


def test_a_basket_refuses_too_many_and_keeps_what_was_typed(market: Market) -> None:
    client = market.client()
    put(client, market, 2)
    answer = client.post("/basket/quantity", data={"sku": market.w.sku.id, "quantity": "25"})
    assert answer.status_code == 409
    assert 'value="25"' in answer.text
    assert "24" in answer.text
    for typed in ("0", "-1", "many", "1e3", ""):
        refused = client.post("/basket/quantity", data={"sku": market.w.sku.id, "quantity": typed})
        assert refused.status_code == 400
    with market.database.reading() as session:
        assert session.scalars(select(CartLine.quantity)).one() == 2


def test_a_basket_tells_of_a_new_price(market: Market) -> None:
    client = market.client()
    put(client, market)
    with market.database.transaction() as session:
        set_price(session, market.w.sku.id, 4321, actor=SEEDER, now=NOW)
    assert (
        "涨到 ¥43.21" in client.get("/basket").text or "降到 ¥43.21" in client.get("/basket").text
    )


def test_taking_out_what_is_not_there_is_refused(market: Market) -> None:
    client = market.client()
    assert client.post("/basket/remove", data={"sku": market.w.sku.id}).status_code == 404
    assert client.post("/basket/remove", data={"sku": "x"}).status_code == 400


def test_a_checkout_without_a_consent_keeps_everything_typed_and_writes_nothing(
    market: Market,
) -> None:
    client = market.client()
    put(client, market)
    page = client.get("/checkout").text
    codes = consents(page)
    assert len(codes) == 3
    assert "checked" not in page.split('id="consents"')[1].split("</section>")[0]
    answer = client.post("/checkout", data=fill(page, consent=codes[:2], note="请放门口"))
    assert answer.status_code == 409
    assert 'value="王小禾"' in answer.text
    assert "请放门口" in answer.text
    assert 'id="consent-abroad-error"' in answer.text
    assert market.count(Order) == 0
    assert market.count(Reservation) == 0
    assert market.count(Address) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("recipient", ""), ("phone", "12"), ("province", "月球"), ("district", ""), ("detail", " ")],
)
def test_a_wrong_address_is_said_beside_its_field(market: Market, field: str, value: str) -> None:
    client = market.client()
    put(client, market)
    page = client.get("/checkout").text
    answer = client.post("/checkout", data=fill(page, **{field: value}))
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    assert market.count(Order) == 0


def test_nobody_pays_another_total_than_the_page_showed(market: Market) -> None:
    client = market.client()
    put(client, market)
    page = client.get("/checkout").text
    with market.database.transaction() as session:
        set_price(session, market.w.sku.id, 4321, actor=SEEDER, now=NOW)
    answer = client.post("/checkout", data=fill(page))
    assert answer.status_code == 409
    assert market.count(Order) == 0
    again = client.post("/checkout", data=fill(answer.text))
    assert again.status_code == 303
    with market.database.reading() as session:
        assert session.scalars(select(Order.goods_fen)).one() == 2 * 4321


def test_the_same_checkout_twice_is_one_order(market: Market) -> None:
    client = market.client()
    put(client, market)
    form = fill(client.get(f"/checkout?sku={market.w.sku.id}&n=2").text)
    first = client.post("/checkout", data=form)
    second = client.post("/checkout", data=form)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert market.count(Order) == 1
    assert market.count(Address) == 1


def test_cities_and_districts_follow_without_a_script(market: Market) -> None:
    client = market.client()
    put(client, market)
    page = client.get("/checkout").text
    assert "晋城市" not in page.split('name="city"')[1].split("</select>")[0]
    answer = client.post("/checkout", data=fill(page, then="places", district=""))
    assert answer.status_code == 200
    assert "陵川县" in answer.text
    assert market.count(Order) == 0
    places = client.get("/places/14.json")
    assert "陵川县" in json.loads(places.text)["晋城市"]
    assert client.get("/places/99.json").status_code == 404


def test_the_way_from_basket_to_payment_receipt_and_trace(
    market: Market, double: tuple[Double, Receiver]
) -> None:
    _double, receiver = double
    client = market.client()
    number = place(client, market)
    assert "data-until" in client.get(f"/orders/{number}/pay").text
    assert "待付款" in client.get("/me").text
    start = client.post(f"/orders/{number}/pay")
    assert start.status_code == 303
    again = client.post(f"/orders/{number}/pay")
    assert again.location == start.location, "the open page is used again"
    Payer().pay(start.location, "alipay")
    back = client.get(f"/orders/{number}/return?session_id=cs_x")
    assert back.status_code == 200
    assert "正在等付款结果" in back.text
    paid = "checkout.session.completed"
    receiver.wait_for(lambda r: any(paid.encode() in body for body, _ in r.taken))
    body, signature = next(one for one in receiver.taken if paid.encode() in one[0])
    for _ in range(2):
        told = client.post("/payments/stripe", data=body, headers={"Stripe-Signature": signature})
        assert told.status_code == 200
    assert market.count(ProviderEvent) == 1
    assert "付好了" in client.get(f"/orders/{number}/return").text
    with market.database.reading() as session:
        parcel = session.scalars(select(SubOrder)).one()
        assert parcel.state == "awaiting_shipment"
    clerk = actor(
        Role.SUPPLIER_OWNER, account_id=market.buyer, organisation_id=market.w.supplier.id
    )
    with market.database.transaction() as session:
        dispatch_sub_order(
            session,
            Dispatch(
                sub_order_id=parcel.id, carrier="示例快递", waybill_no="DEMO1", at=clock.now()
            ),
            actor=clerk,
            now=clock.now(),
        )
    page = client.get(f"/orders/{number}").text
    assert "DEMO1" in page
    traced = re.findall(r'href="(/01/[^"]+)"', page)
    assert len(traced) == 2
    assert client.get(traced[0], headers={"Accept": "text/html"}).status_code == 200
    data = {"parcel": str(parcel.id)}
    assert client.post(f"/orders/{number}/received", data=data).status_code == 303
    assert "已完成" in client.get(f"/orders/{number}").text


def test_the_buyers_own_question_pays_the_order_when_no_notice_came(
    market: Market, double: tuple[Double, Receiver]
) -> None:
    assert double
    client = market.client()
    number = place(client, market)
    start = client.post(f"/orders/{number}/pay")
    not_yet = client.post(f"/orders/{number}/check", headers={"Accept": "application/json"})
    assert not_yet.get_json() == {"state": "pending_payment"}
    Payer().pay(start.location, "alipay")
    for _ in range(2):
        told = client.post(f"/orders/{number}/check", headers={"Accept": "application/json"})
        assert told.get_json() == {"state": "paid"}


def test_a_paid_order_can_be_called_off_and_a_second_time_changes_nothing(
    market: Market, double: tuple[Double, Receiver]
) -> None:
    assert double
    client = market.client()
    number = place(client, market)
    Payer().pay(client.post(f"/orders/{number}/pay").location, "alipay")
    client.post(f"/orders/{number}/check")
    for _ in range(2):
        assert client.post(f"/orders/{number}/cancel").status_code == 303
    assert "钱正在按原路退回" in client.get(f"/orders/{number}").text
    assert number in client.get("/me?tab=refunds").text


def test_one_parcel_of_two_is_called_off_and_the_other_still_comes(market: Market) -> None:
    now = clock.now()
    with market.database.transaction() as session:
        w = world(session)
        there = second_world(session, w)
        make_lot(there, packs=5, now=now)
        buyer = Actor(market.buyer, (Grant(Role.CONSUMER),))
        wanted = checkout_for(session, (w.sku, 2), (there.sku, 1))
        order = place_order(session, wanted, terms=TERMS, actor=buyer, now=now).order
        confirm_payment(session, "stripe", paid_notice(order), now=now)
        parcels = dict(
            session.execute(
                select(SubOrder.supplier_id, SubOrder.id).where(SubOrder.order_id == order.id)
            )
            .tuples()
            .all()
        )
    client, number = market.client(), order.number
    path, off = f"/orders/{number}", parcels[there.supplier.id]
    assert client.get(path).text.count("取消这个包裹") == 2
    assert client.post(f"{path}/cancel-parcel", data={"parcel": "x"}).status_code == 404
    for _ in range(2):
        done = client.post(f"{path}/cancel-parcel", data={"parcel": str(off)})
        assert done.status_code == 303
    with market.database.reading() as session:
        states = {one.id: one.state for one in session.scalars(select(SubOrder))}
        assert states == {off: "refunded", parcels[w.supplier.id]: "awaiting_shipment"}
        assert session.get_one(Order, order.id).state == "paid"
        (refund,) = session.scalars(select(Refund)).all()
        assert refund.sub_order_id == off


def test_an_unsigned_notice_is_refused_and_not_written_down(market: Market) -> None:
    client = market.client(signed_in=False)
    market.web.extensions["payment_provider"] = StripeProvider(SECRET_KEY, WEBHOOK_SECRET)
    answer = client.post("/payments/stripe", data=b'{"id": "evt_1"}')
    assert answer.status_code == 400
    assert market.count(ProviderEvent) == 0


def test_a_provider_that_is_away_leaves_the_order_waiting(market: Market) -> None:
    client = market.client()
    number = place(client, market)
    market.web.extensions["payment_provider"] = StripeProvider(
        SECRET_KEY, WEBHOOK_SECRET, "http://127.0.0.1:9", max_network_retries=0
    )
    answer = client.post(f"/orders/{number}/pay")
    assert answer.status_code == 303
    assert answer.location.endswith(f"/orders/{number}")
    with market.database.reading() as session:
        assert session.scalars(select(Order.state)).one() == "pending_payment"


def test_somebody_elses_order_is_not_there(market: Market) -> None:
    number = place(market.client(), market)
    with market.database.transaction() as session:
        other = new_account(session, Grant(Role.CONSUMER), email="other@example.com")
    stranger = market.web.test_client()
    sign_in_as(stranger, market.database, other.id)
    for path in ("", "/pay", "/return"):
        assert stranger.get(f"/orders/{number}{path}").status_code == 404
    with market.database.reading() as session:
        parcel = session.scalars(select(SubOrder.id)).one()
    for path in ("/pay", "/check", "/cancel", "/cancel-parcel", "/received", "/again"):
        answer = stranger.post(f"/orders/{number}{path}", data={"parcel": str(parcel)})
        assert answer.status_code == 404, path
    with market.database.reading() as session:
        assert session.scalars(select(Order.state)).one() == "pending_payment"


def test_somebody_elses_address_can_neither_be_read_nor_used(market: Market) -> None:
    client = market.client()
    assert client.post("/me/address", data=HOME).status_code == 303
    with market.database.transaction() as session:
        address_id = session.scalars(select(Address.id)).one()
        other = new_account(session, Grant(Role.CONSUMER), email="other@example.com")
    stranger = market.web.test_client()
    sign_in_as(stranger, market.database, other.id)
    assert HOME["detail"] not in stranger.get("/me/addresses").text
    assert stranger.get(f"/me/address?id={address_id}").status_code == 404
    data = HOME | {"id": address_id, "recipient": "别人"}
    assert stranger.post("/me/address", data=data).status_code == 404
    data = {"id": str(address_id), "then": "remove"}
    assert stranger.post("/me/addresses", data=data).status_code == 404
    with market.database.reading() as session:
        assert session.scalars(select(Address.recipient)).one() == "王小禾"
    assert HOME["detail"] in client.get("/me/addresses").text


def test_own_pages_ask_for_a_sign_in(market: Market) -> None:
    client = market.client(signed_in=False)
    for path in ("/me", "/me/addresses", "/me/address", "/checkout", "/orders/1"):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert "/signin" in answer.location


def test_an_order_names_the_hall_whose_page_it_came_through(market: Market) -> None:
    client = market.client()
    with market.database.reading() as session:
        from parties.network.models import Outlet

        hall = session.scalars(
            select(Outlet).where(Outlet.tier == "county_hall", Outlet.status == "open")
        ).first()
        assert hall is not None
    client.get(f"/shop/{hall.slug}")
    place(client, market)
    with market.database.reading() as session:
        assert session.scalars(select(Order.outlet_id)).one() == hall.place_id


def test_buying_again_fills_the_basket(market: Market) -> None:
    client = market.client()
    number = place(client, market)
    assert client.post(f"/orders/{number}/again").status_code == 303
    with market.database.reading() as session:
        assert session.scalars(select(CartLine.quantity)).one() == 2


def test_picking_up_costs_no_freight_and_needs_only_a_name_and_a_phone(market: Market) -> None:
    client = market.client()
    put(client, market)
    page = client.get("/checkout").text
    nowhere = client.post(
        "/checkout", data=fill(page, delivery="pickup", outlet_id="", then="quote")
    )
    assert hidden(nowhere.text, "total") == str(2 * market.w.sku.price_fen)
    form = fill(nowhere.text, delivery="pickup", outlet_id="", province="", city="", detail="")
    refused = client.post("/checkout", data=form)
    assert refused.status_code == 409
    assert 'id="outlet_id-error"' in refused.text
    assert market.count(Order) == 0
    choices = page.split('name="outlet_id"')[1].split("</select>")[0]
    halls = re.findall(r'<option value="(\d+)"', choices)
    assert halls
    answer = client.post("/checkout", data=form | {"outlet_id": halls[0]})
    assert answer.status_code == 303, answer.text
    with market.database.reading() as session:
        order = session.scalars(select(Order)).one()
        assert (order.delivery, order.shipping_fen) == ("pickup", 0)
        assert order.outlet_id == int(halls[0])


def test_own_pages_only_read(market: Market) -> None:
    client = market.client()
    number = place(client, market)
    put(client, market)
    client.post("/me/address", data=HOME)
    own = ("/basket", "/checkout", "/me", "/me?tab=shipped", "/me/addresses", "/me/address")
    for path in (*own, f"/orders/{number}", f"/orders/{number}/pay", f"/orders/{number}/return"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        client.set_cookie("lang", "en")
        assert 'lang="en"' in client.get(path).text
        client.delete_cookie("lang")


def test_the_providers_notices_need_no_form_token_but_everything_else_does(
    shared: Database, settings: Settings
) -> None:
    client = create_app(settings, shared).test_client()
    assert client.post("/basket/add", data={"sku": "1"}).get_json(silent=True) is None
    assert client.post("/basket/add", data={"sku": "1"}).status_code == 400
    refused = client.post("/payments/stripe", data=b"{}", headers={"Accept": "application/json"})
    assert refused.get_json()["error"] == "bad_signature"


def test_a_longer_basket_asks_no_more_statements(market: Market) -> None:
    client = market.client()
    put(client, market)
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    def asked(path: str) -> int:
        client.get(path)
        sent.clear()
        assert client.get(path).status_code == 200
        return len(sent)

    bind = market.database._readers.kw["bind"]
    event.listen(bind, "before_cursor_execute", note)
    short = [asked(path) for path in ("/basket", "/checkout")]
    with market.database.transaction() as session:
        others = session.scalars(
            select(Sku.id).where(Sku.raw.is_(False), Sku.id != market.w.sku.id)
        ).all()
        cart = session.scalars(select(Cart)).one()
        for sku_id in others:
            session.add(
                CartLine(
                    cart_id=cart.id,
                    sku_id=sku_id,
                    quantity=1,
                    seen_price_fen=1,
                    added_at=clock.now(),
                )
            )
    assert [asked(path) for path in ("/basket", "/checkout")] == short
