"""Receipts, the day's totals, stock and expiry of a counter."""

import csv
import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from counters.exports import csv_answer
from foundation import clock
from tests.counters.conftest import Counter, aged, statements, story
from tests.factories import on_shelf
from traceability.recalls.services import recall_lot
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


def sell_many(counter: Counter, count: int, *, tender: str = "cash") -> None:
    """Sell single jars of a fresh lot, one after another."""
    with story(counter) as w:
        _, jars = on_shelf(w, packs=count, now=counter.now)
        for n, jar in enumerate(jars):
            record_sale(
                w.session,
                Ticket(
                    key=f"many-{tender}-{n}-{jar.serial}",
                    place_id=counter.outlet.place_id,
                    channel="counter",
                    sold_at=counter.now - timedelta(seconds=n),
                    items=(Item(w.sku.gtin, serial=jar.serial, price_fen=5600),),
                    tenders=(Paid(tender, 5600, 5600),),
                ),
                actor=w.clerk,
                now=counter.now,
            )


def test_a_receipt_shows_goods_lots_money_and_the_way_to_their_story(
    clerk: FlaskClient, counter: Counter
) -> None:
    tenders = [{"kind": "cash", "amount_fen": 5600, "received_fen": 10000}]
    made = clerk.post(f"{counter.url}/sales", json=counter.sale(0, tenders=tenders)).get_json()

    page = clerk.get(made["receipt"]).text

    assert counter.honey_name in page
    assert counter.lot.lot_no in page
    assert counter.jars[0].serial in page
    assert counter.jar(0) in page
    for text in (made["number"], "¥56.00", "¥100.00", "¥44.00", "扫码确认批次", "演示"):
        assert text in page
    assert clock.business_date(counter.now).isoformat() in page
    assert 'class="receipt w80"' in page
    assert 'class="receipt w58"' in clerk.get(made["receipt"] + "?paper=58").text
    assert 'class="receipt w80"' in clerk.get(made["receipt"] + "?paper=7").text


def test_a_receipt_is_for_its_own_counter_only(
    clerk: FlaskClient, stranger: FlaskClient, client: FlaskClient, counter: Counter
) -> None:
    made = clerk.post(f"{counter.url}/sales", json=counter.sale(0)).get_json()
    here = made["receipt"]
    there = here.replace(counter.outlet.code, counter.other.code)
    assert stranger.get(here).status_code == 403
    assert stranger.get(there).status_code == 404
    assert client.get(here).status_code == 302
    assert clerk.get(here[:-4] + "0000").status_code == 404


def test_receipts_are_paged_newest_first_and_found_by_day_and_number(
    clerk: FlaskClient, counter: Counter
) -> None:
    sell_many(counter, 30)
    first = clerk.get(f"{counter.url}/receipts").text
    second = clerk.get(f"{counter.url}/receipts?page=2").text
    assert first.count("/receipts/") == 24
    assert second.count("/receipts/") == 6
    assert "共 30 张" in first
    yesterday = clock.business_date(counter.now) - timedelta(days=1)
    assert "还没有小票" in clerk.get(f"{counter.url}/receipts?day={yesterday}").text
    assert "共 30 张" in clerk.get(f"{counter.url}/receipts?number=k-01").text
    assert "还没有小票" in clerk.get(f"{counter.url}/receipts?number=%25%25").text
    for odd in ("day=never", "page=0", "page=999999999", "page=x", "day=2026-13-01"):
        assert clerk.get(f"{counter.url}/receipts?{odd}").status_code == 200


def test_lists_take_as_many_statements_for_few_rows_as_for_many(
    clerk: FlaskClient, counter: Counter
) -> None:
    sell_many(counter, 2)
    counted = {}
    pages = ("receipts", "stock", "expiry", "day")
    for name in pages:
        clerk.get(f"{counter.url}/{name}")
        with statements(counter.database) as seen:
            clerk.get(f"{counter.url}/{name}")
        counted[name] = len(seen)
    sell_many(counter, 15)
    aged(counter, "Q02", days=300)
    for name in pages:
        with statements(counter.database) as seen:
            clerk.get(f"{counter.url}/{name}")
        assert len(seen) == counted[name], name


def test_the_day_adds_up_by_way_of_paying_and_by_pack(clerk: FlaskClient, counter: Counter) -> None:
    sell_many(counter, 3)
    sell_many(counter, 2, tender="shop_qr")
    page = clerk.get(f"{counter.url}/day").text
    for text in ("¥280.00", "¥168.00", "¥112.00", counter.honey_name):
        assert text in page
    assert "一分不差" in clerk.get(f"{counter.url}/day?counted=168").text
    assert "多 ¥2.00" in clerk.get(f"{counter.url}/day?counted=170").text
    assert "少 ¥0.50" in clerk.get(f"{counter.url}/day?counted=167.5").text
    assert "请输入金额" in clerk.get(f"{counter.url}/day?counted=lots").text
    yesterday = clock.business_date(counter.now) - timedelta(days=1)
    assert "还没有卖出" in clerk.get(f"{counter.url}/day?day={yesterday}").text


def test_stock_shows_lots_with_their_state_and_finds_them(
    clerk: FlaskClient, counter: Counter
) -> None:
    near_sku, near, _ = aged(counter, "Q01", days=700)
    _, expired, _ = aged(counter, "Q02", days=500)
    with story(counter) as w:
        recall_lot(
            w.session,
            lot_id=counter.millet_lot.id,
            reason_zh="掺杂",
            reason_en="mixed",
            actor=w.official,
            now=counter.now,
        )
    lots = {
        "": {counter.lot.lot_no, near.lot_no, expired.lot_no, counter.millet_lot.lot_no},
        "state=near": {near.lot_no},
        "state=expired": {expired.lot_no},
        "state=blocked": {counter.millet_lot.lot_no},
        "state=nonsense": {counter.lot.lot_no, near.lot_no},
        f"q={near.lot_no.lower()}": {near.lot_no},
        f"q={counter.honey_name}": {counter.lot.lot_no, near.lot_no},
        f"q={near_sku.gtin}": {counter.lot.lot_no, near.lot_no},
        "q=nothing-like-it": set(),
    }
    for query, wanted in lots.items():
        page = clerk.get(f"{counter.url}/stock?{query}").text
        shown = {lot for lot in lots[""] if f'<span class="nb">{lot}</span>' in page}
        assert shown >= wanted, query
        if query != "state=nonsense":
            assert shown == wanted, query


def test_expiry_lists_what_must_go_and_what_goes_next(clerk: FlaskClient, counter: Counter) -> None:
    _, near, _ = aged(counter, "Q01", days=700)
    _, expired, _ = aged(counter, "Q02", days=500)
    page = clerk.get(f"{counter.url}/expiry").text
    off, _, next_ = page.partition('id="near"')
    assert expired.lot_no in off
    assert near.lot_no in next_
    assert counter.lot.lot_no not in page


@pytest.mark.parametrize("name", ["stock", "receipts", "day"])
def test_files_are_for_managers(
    clerk: FlaskClient, manager: FlaskClient, counter: Counter, name: str
) -> None:
    sell_many(counter, 2)
    url = f"{counter.url}/{name}"
    assert clerk.get(f"{url}?as=csv").status_code == 403
    assert "as=csv" not in clerk.get(url).text
    assert "as=csv" in manager.get(url).text
    answer = manager.get(f"{url}?as=csv")
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) >= 2
    assert len({len(row) for row in rows}) == 1


def test_a_file_holds_no_formula() -> None:
    answer = csv_answer("x", ["a"], [["=1+1"], ["@x"], [-5], [None], ["plain"]])
    lines = answer.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert lines == ["a", "'=1+1", "'@x", "-5", '""', "plain"]


@pytest.mark.parametrize("name", ["", "/receive", "/stock", "/expiry", "/receipts", "/day"])
def test_pages_are_for_the_counters_own_staff(
    clerk: FlaskClient, stranger: FlaskClient, client: FlaskClient, counter: Counter, name: str
) -> None:
    url = f"{counter.url}{name}"
    assert clerk.get(url).status_code == 200
    assert stranger.get(url).status_code == 403
    assert client.get(url).status_code == 302
    assert clerk.get(f"/till/NOSUCH{name}").status_code == 404


def test_the_pages_speak_english_too(clerk: FlaskClient, counter: Counter) -> None:
    clerk.set_cookie("lang", "en")
    for name, words in {
        "": "Waiting for a code",
        "/receive": "On the way here",
        "/stock": "Stock at this counter",
        "/day": "Today so far",
    }.items():
        assert words in clerk.get(f"{counter.url}{name}").text
