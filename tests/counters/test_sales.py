"""Sales that tills and partner systems send."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from goods.stock.models import Serial, StockBalance
from parties.people.permissions import Actor, Grant, Role
from parties.people.services.tokens import issue_token
from tests.counters.conftest import Counter, aged, make_counter, rows_of, story
from tests.factories.people import sign_in_as
from traceability.recalls.services import recall_lot
from trade.sales.models import Sale, SaleLine, Tender


def send(client: FlaskClient, counter: Counter, body: Any, **more: Any) -> Any:
    return client.post(f"{counter.url}/sales", json=body, **more)


def test_a_sale_answers_with_its_receipt_and_takes_the_jars(
    clerk: FlaskClient, counter: Counter
) -> None:
    answer = send(clerk, counter, counter.sale(0, 1))

    assert answer.status_code == 201, answer.text
    body = answer.json
    assert body["total_fen"] == 11200
    assert body["change_fen"] == 0
    assert clerk.get(body["receipt"]).status_code == 200
    with counter.database.reading() as session:
        states = session.scalars(
            select(Serial.state).where(Serial.lot_id == counter.lot.id).order_by(Serial.serial)
        ).all()
        left = session.get_one(StockBalance, (counter.outlet.place_id, counter.lot.id))
        assert states[:3] == ["sold", "sold", "on_shelf"]
        assert left.on_hand == 4


def test_the_same_sale_twice_is_one_sale(clerk: FlaskClient, counter: Counter) -> None:
    first = send(clerk, counter, counter.sale(0))
    before = counter.written()

    again = send(clerk, counter, counter.sale(0))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert counter.written() == before


def test_other_content_under_the_same_key_is_refused(clerk: FlaskClient, counter: Counter) -> None:
    send(clerk, counter, counter.sale(0))
    before = counter.written()

    answer = send(clerk, counter, counter.sale(1))

    assert answer.status_code == 409
    assert answer.json["error"] == "key_reused"
    assert counter.written() == before


@pytest.mark.race
def test_a_sale_sent_by_eight_hands_at_once_is_one_sale(
    settings: Settings, shared: Database
) -> None:
    counter = make_counter(shared)
    app = create_app(settings, shared)
    app.config.update(WTF_CSRF_ENABLED=False)
    browsers = []
    for _ in range(8):
        browser = app.test_client()
        sign_in_as(browser, shared, counter.clerk)
        browsers.append(browser)

    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda b: send(b, counter, counter.sale(0, 1)), browsers))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["sale"] for answer in answers}) == 1
    with shared.reading() as session:
        assert rows_of(session, Sale) == 1
        assert rows_of(session, SaleLine) == 2


@pytest.mark.race
def test_two_tills_with_the_same_jar_sell_it_once(settings: Settings, shared: Database) -> None:
    counter = make_counter(shared)
    app = create_app(settings, shared)
    app.config.update(WTF_CSRF_ENABLED=False)
    browsers = []
    for n in range(4):
        browser = app.test_client()
        sign_in_as(browser, shared, counter.clerk)
        browsers.append((browser, f"till-race-{n:04}"))

    with ThreadPoolExecutor(4) as hands:
        answers = list(
            hands.map(lambda b: send(b[0], counter, counter.sale(0, key=b[1])), browsers)
        )

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201, 409, 409, 409]
    refused = [answer.json for answer in answers if answer.status_code == 409]
    assert {body["error"] for body in refused} == {"already_sold"}
    with shared.reading() as session:
        assert rows_of(session, Sale) == 1


def test_several_ways_of_paying_one_sale(clerk: FlaskClient, counter: Counter) -> None:
    tenders = [
        {"kind": "voucher", "amount_fen": 2000, "reference": "GH-2026-0042"},
        {"kind": "shop_qr", "amount_fen": 3000, "received_fen": 3000},
        {"kind": "cash", "amount_fen": 600, "received_fen": 1000},
    ]
    answer = send(clerk, counter, counter.sale(0, tenders=tenders))

    assert answer.status_code == 201, answer.text
    assert answer.json["change_fen"] == 400
    with counter.database.reading() as session:
        kept = session.execute(
            select(Tender.kind, Tender.amount_fen, Tender.received_fen, Tender.reference).order_by(
                Tender.id
            )
        ).all()
    assert [tuple(row) for row in kept] == [
        ("voucher", 2000, 2000, "GH-2026-0042"),
        ("shop_qr", 3000, 3000, ""),
        ("cash", 600, 1000, ""),
    ]


def test_the_price_the_till_showed_stands_and_the_list_stands_beside_it(
    clerk: FlaskClient, counter: Counter
) -> None:
    item = {"code": counter.jar(), "price_fen": 5000, "price_version": 1}
    tenders = [{"kind": "cash", "amount_fen": 5000}]
    assert send(clerk, counter, counter.sale(items=[item], tenders=tenders)).status_code == 201
    with counter.database.reading() as session:
        line = session.scalars(select(SaleLine)).one()
    assert (line.unit_price_fen, line.list_price_fen, line.price_version) == (5000, 5600, 1)


@pytest.mark.parametrize("certainty", ["scanned", "chosen", "inferred"])
def test_how_sure_the_lot_is_is_kept(clerk: FlaskClient, counter: Counter, certainty: str) -> None:
    item = {
        "gtin": counter.millet.gtin,
        "lot": counter.millet_lot.lot_no,
        "quantity": 3,
        "price_fen": 1500,
        "certainty": certainty,
    }
    tenders = [{"kind": "cash", "amount_fen": 4500}]
    assert send(clerk, counter, counter.sale(items=[item], tenders=tenders)).status_code == 201
    with counter.database.reading() as session:
        line = session.scalars(select(SaleLine)).one()
    assert (line.lot_certainty, line.quantity) == (certainty, 3)


def test_a_refused_item_is_named_with_what_the_till_answers(
    clerk: FlaskClient, counter: Counter
) -> None:
    send(clerk, counter, counter.sale(1, key="till-test-first"))
    before = counter.written()

    answer = send(clerk, counter, counter.sale(0, 1, 2))

    assert answer.status_code == 409
    body = answer.json
    assert (body["error"], body["item"]) == ("already_sold", 1)
    assert body["answer"]["reason"] == "already_sold"
    assert "卖过" in body["message"]
    assert counter.written() == before


def test_a_lot_recalled_after_it_was_scanned_is_refused(
    clerk: FlaskClient, counter: Counter
) -> None:
    with story(counter) as w:
        recall_lot(
            w.session,
            lot_id=counter.lot.id,
            reason_zh="水分超标",
            reason_en="too wet",
            actor=w.official,
            now=counter.now,
        )
    before = counter.written()

    answer = send(clerk, counter, counter.sale(0))

    assert (answer.status_code, answer.json["error"]) == (409, "recalled")
    assert answer.json["answer"]["answer"] == "stop"
    assert counter.written() == before


VOUCHER = {"kind": "voucher", "amount_fen": 5600, "reference": "GH-1"}
BROKEN: list[tuple[str, Any]] = [
    ("a list", []),
    ("a text", "sale"),
    ("a number", 7),
    ("no key", {"key": None}),
    ("a short key", {"key": "x"}),
    ("a key with blanks", {"key": "till test 0001"}),
    ("a number for a key", {"key": 12345678}),
    ("no items", {"items": []}),
    ("items that are no list", {"items": {"a": 1}}),
    ("too many items", {"items": [{"gtin": "09528001010015"}] * 501}),
    ("an item that is no object", {"items": ["09528001010015"]}),
    ("an item without a code", {"items": [{"quantity": 1}]}),
    ("a code and its parts", {"items": [{"code": "09528001010015", "gtin": "09528001010015"}]}),
    ("a wrong check digit", {"items": [{"gtin": "09528001010016"}]}),
    ("an in-store code", {"items": [{"code": "2112345678900"}]}),
    ("a serial with a blank", {"items": [{"gtin": "09528001010015", "serial": "a b"}]}),
    ("an unknown field", {"items": [{"gtin": "09528001010015", "qty": 1}]}),
    ("half a piece", {"items": [{"gtin": "09528001010015", "quantity": 0.5}]}),
    ("a true quantity", {"items": [{"gtin": "09528001010015", "quantity": True}]}),
    ("a negative quantity", {"items": [{"gtin": "09528001010015", "quantity": -1}]}),
    ("a huge quantity", {"items": [{"gtin": "09528001010015", "quantity": 10**12}]}),
    ("a negative price", {"items": [{"gtin": "09528001010015", "price_fen": -1}]}),
    ("a price in yuan", {"items": [{"gtin": "09528001010015", "price_fen": "56.00"}]}),
    ("a huge version", {"items": [{"gtin": "09528001010015", "price_version": 2**40}]}),
    ("a strange certainty", {"items": [{"gtin": "09528001010015", "certainty": "sure"}]}),
    ("a text for a certainty", {"items": [{"gtin": "09528001010015", "certainty": 3}]}),
    ("two of one serial", {"items": [{"gtin": "09528001010015", "serial": "A", "quantity": 2}]}),
    ("one serial twice", {"items": [{"gtin": "09528001010015", "serial": "A"}] * 2}),
    ("no time", {"sold_at": None}),
    ("a time without a zone", {"sold_at": "2026-11-23T10:42:00"}),
    ("a word for a time", {"sold_at": "yesterday"}),
    ("the far future", {"sold_at": "9999-12-31T23:59:59+00:00"}),
    ("the far past", {"sold_at": "0001-01-01T00:00:00+00:00"}),
    ("tenders that are no list", {"tenders": "cash"}),
    ("a strange tender", {"tenders": [{"kind": "shells", "amount_fen": 5600}]}),
    ("an online tender", {"tenders": [{"kind": "stripe", "amount_fen": 5600}]}),
    ("a voucher without number", {"tenders": [{"kind": "voucher", "amount_fen": 5600}]}),
    ("a long number", {"tenders": [{"kind": "cash", "amount_fen": 5600, "reference": "x" * 81}]}),
    ("a negative amount", {"tenders": [{"kind": "cash", "amount_fen": -5600}]}),
    ("a huge amount", {"tenders": [{"kind": "cash", "amount_fen": 10**15}]}),
    ("too little", {"tenders": [{"kind": "cash", "amount_fen": 5599}]}),
    ("less received", {"tenders": [{"kind": "cash", "amount_fen": 5600, "received_fen": 5000}]}),
    (
        "change of a code",
        {"tenders": [{"kind": "shop_qr", "amount_fen": 5600, "received_fen": 6000}]},
    ),
    ("change of a voucher", {"tenders": [VOUCHER | {"received_fen": 6000}]}),
    ("no tender", {"tenders": []}),
    ("a stranger's field", {"total": 1}),
]


@pytest.mark.parametrize(("fault", "change"), BROKEN, ids=[name for name, _ in BROKEN])
def test_what_makes_no_sale_is_refused_and_writes_nothing(
    clerk: FlaskClient, counter: Counter, fault: str, change: Any
) -> None:
    before = counter.written()
    body = counter.sale(0) | change if isinstance(change, dict) else change

    answer = send(clerk, counter, body)

    assert 400 <= answer.status_code < 500, (fault, answer.text)
    assert answer.json["error"]
    assert not answer.json["message"].isascii()
    assert counter.written() == before


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"key":', b"\xff\xfe", b'{"a":NaN}', b"null", b"[" * 50_000]
)
def test_malformed_json_is_refused(clerk: FlaskClient, counter: Counter, data: bytes) -> None:
    before = counter.written()
    answer = clerk.post(f"{counter.url}/sales", data=data, content_type="application/json")
    assert answer.status_code == 400, answer.text
    assert counter.written() == before


def test_a_sale_at_anothers_outlet_is_refused(
    clerk: FlaskClient, stranger: FlaskClient, client: FlaskClient, counter: Counter
) -> None:
    before = counter.written()
    assert send(stranger, counter, counter.sale(0)).status_code == 403
    assert send(client, counter, counter.sale(0)).status_code == 401
    unknown = clerk.post("/till/K-99/sales", json=counter.sale(0))
    assert unknown.status_code == 404
    assert counter.written() == before


def test_a_sale_needs_the_token_of_its_page(web: Any, clerk: FlaskClient, counter: Counter) -> None:
    web.config["WTF_CSRF_ENABLED"] = True
    before = counter.written()
    assert send(clerk, counter, counter.sale(0)).json["error"] == "csrf"
    assert counter.written() == before
    page = clerk.get(counter.url).text
    token = page.partition('data-csrf="')[2].partition('"')[0]
    taken = send(clerk, counter, counter.sale(0), headers={"X-CSRFToken": token})
    assert taken.status_code == 201, taken.text


# --- partner systems --------------------------------------------------------------------------


def token_of(counter: Counter, account_id: int) -> dict[str, str]:
    with counter.database.transaction() as session:
        secret = issue_token(
            session,
            account_id,
            "register",
            actor=Actor(account_id, (Grant(Role.OUTLET_MANAGER),)),
            now=counter.now,
        )
    return {"Authorization": f"Bearer {secret}"}


def test_a_partners_register_sends_the_same_sale_by_token(
    web: Any, client: FlaskClient, counter: Counter
) -> None:
    web.config["WTF_CSRF_ENABLED"] = True
    headers = token_of(counter, counter.manager)
    url = f"/api/outlets/{counter.outlet.code}/sales"

    first = client.post(url, json=counter.sale(0), headers=headers)
    again = client.post(url, json=counter.sale(0), headers=headers)
    other = client.post(url, json=counter.sale(1), headers=headers)

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json == first.json


def test_the_api_takes_neither_cookies_nor_strangers_tokens(
    clerk: FlaskClient, client: FlaskClient, counter: Counter
) -> None:
    url = f"/api/outlets/{counter.outlet.code}/sales"
    before = counter.written()
    assert clerk.post(url, json=counter.sale(0)).status_code == 401
    assert client.post(url, json=counter.sale(0)).status_code == 401
    headers = token_of(counter, counter.stranger)
    before = counter.written()
    refused = client.post(url, json=counter.sale(0), headers=headers)
    assert refused.status_code == 403
    assert refused.get_json()["error"] == "not_allowed"
    broken = client.post(url, data="{", content_type="application/json", headers=headers)
    assert broken.status_code in {400, 403}
    assert counter.written() == before


# --- without a script -------------------------------------------------------------------------


def basket_in(page: str) -> str:
    return unescape(page.partition('name="basket" value="')[2].partition('"')[0])


def value_of(page: str, name: str) -> str:
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_a_sale_without_a_script_from_scan_to_receipt(clerk: FlaskClient, counter: Counter) -> None:
    page = clerk.post(f"{counter.url}/scan", data={"code": counter.jar(0), "basket": ""}).text
    assert "可以卖" in page
    page = clerk.post(
        f"{counter.url}/scan", data={"code": counter.jar(0), "basket": basket_in(page)}
    ).text
    assert "扫过了" in page
    assert len(json.loads(basket_in(page))) == 1
    page = clerk.post(
        f"{counter.url}/scan", data={"code": counter.millet.gtin, "basket": basket_in(page)}
    ).text
    page = clerk.post(
        f"{counter.url}/scan",
        data={"code": "", "basket": basket_in(page), "quantity-1": "2"},
    ).text
    assert [item["quantity"] for item in json.loads(basket_in(page))] == [1, 2]
    paying = clerk.post(f"{counter.url}/pay", data={"basket": basket_in(page)}).text
    fields = {name: value_of(paying, name) for name in ("key", "sold_at")}
    fields["basket"] = basket_in(paying)

    short = clerk.post(f"{counter.url}/sales", data=fields | {"cash": "50"})
    assert short.status_code == 400
    assert 'role="alert"' in short.text
    assert value_of(short.text, "key") == fields["key"]
    wrong = clerk.post(f"{counter.url}/sales", data=fields | {"cash": "五十"})
    assert wrong.status_code == 400
    sold = clerk.post(
        f"{counter.url}/sales",
        data=fields | {"cash": "100", "voucher": "20", "reference": "GH-1"},
    )
    assert sold.status_code == 303, sold.text
    again = clerk.post(
        f"{counter.url}/sales",
        data=fields | {"cash": "100", "voucher": "20", "reference": "GH-1"},
    )
    assert again.location == sold.location
    receipt = clerk.get(sold.location).text
    assert "¥86.00" in receipt
    assert "GH-1" in receipt
    with counter.database.reading() as session:
        assert rows_of(session, Sale) == 1


def test_an_amber_answer_without_a_script_is_added_by_its_button(
    clerk: FlaskClient, counter: Counter
) -> None:
    sku, lot, serial = aged(counter, "Q01", days=700)
    page = clerk.post(f"{counter.url}/scan", data={"code": counter.code_of(sku, lot, serial)}).text
    assert "告诉了，加入" in page
    assert basket_in(page) == ""
    take = unescape(page.partition('name="take" value="')[2].partition('"')[0])
    page = clerk.post(f"{counter.url}/scan", data={"take": take, "basket": ""}).text
    kept = json.loads(basket_in(page))
    assert [item["serial"] for item in kept] == [serial.serial if serial else ""]
    page = clerk.post(f"{counter.url}/scan", data={"remove": "0", "basket": json.dumps(kept)}).text
    assert basket_in(page) == ""


@pytest.mark.parametrize("basket", ["{", "[1]", '{"a":1}', '[{"gtin":"1"}]', "[" * 4000])
def test_a_basket_that_cannot_be_read_is_refused(
    clerk: FlaskClient, counter: Counter, basket: str
) -> None:
    before = counter.written()
    for path in ("scan", "pay", "sales"):
        answer = clerk.post(f"{counter.url}/{path}", data={"basket": basket, "code": ""})
        assert answer.status_code == 400, path
    taken = clerk.post(f"{counter.url}/scan", data={"take": basket})
    assert taken.status_code == 400
    assert counter.written() == before


def test_paying_an_empty_basket_leads_back(clerk: FlaskClient, counter: Counter) -> None:
    assert clerk.post(f"{counter.url}/pay", data={}).location == counter.url
    assert clerk.post(f"{counter.url}/sales", data={}).status_code == 400


def test_a_late_sale_of_yesterday_belongs_to_yesterday(
    clerk: FlaskClient, counter: Counter
) -> None:
    yesterday = counter.now - timedelta(days=1)
    answer = send(clerk, counter, counter.sale(0, sold_at=yesterday.isoformat()))
    assert answer.status_code == 201
    with counter.database.reading() as session:
        sale = session.scalars(select(Sale)).one()
    assert sale.business_date == clock.business_date(yesterday)
