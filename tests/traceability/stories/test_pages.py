"""The scan page over HTTP."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from foundation import clock
from foundation.db import Database
from goods.stock.models import LogisticUnit, Serial
from tests.factories import World, make_lot, on_shelf, world
from tests.traceability.json_schema import faults
from tests.traceability.public_vectors import public_vectors
from traceability.digital_link import check_digit
from traceability.recalls.services import recall_lot
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


class Shelf:
    """One lot of six jars on a shelf, and the addresses of its pages."""

    def __init__(self, w: World) -> None:
        now = clock.now() - timedelta(days=1)
        self.w = w
        self.lot, self.serials = on_shelf(w, packs=6, now=now)
        self.now = now
        self.gtin, self.lot_no = w.sku.gtin, self.lot.lot_no
        self.serial = self.serials[0].serial
        self.of_lot = f"/01/{self.gtin}/10/{self.lot_no}"
        self.of_item = f"{self.of_lot}/21/{self.serial}"
        self.sscc = w.session.scalars(select(LogisticUnit.sscc)).first()


@pytest.fixture
def shelf(database: Database) -> Shelf:
    with database.transaction() as session:
        return Shelf(world(session))


def right(payload: str) -> str:
    return payload + check_digit(payload)


def text(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def test_an_item_page_tells_the_way_from_place_to_place(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, shelf.of_item)
    w = shelf.w
    wanted = [
        *(shelf.lot_no, shelf.serial, w.product.name_zh, w.supplier.name_zh, w.supplier.short_zh),
        *(w.place("apiary").name_zh, w.place("workshop").name_zh, w.outlet.name_zh),
        *("记录齐全", "尚未记入公开日志", "它走过的路", "我们不知道的", "自己核对"),
        *(w.product.ingredients_zh, w.product.storage_zh),
    ]
    assert [each for each in wanted if each not in page] == []
    assert "没有人改过" not in page
    assert len(page.encode()) < 30_000


def test_the_page_is_whole_in_english(shelf: Shelf, client: FlaskClient) -> None:
    client.set_cookie("lang", "en")
    page = text(client, shelf.of_item)
    assert "The record is complete" in page
    assert "The way it came" in page
    assert shelf.w.product.name_en in page
    assert shelf.w.outlet.name_en in page


def test_the_page_needs_no_script_and_sells_nothing(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, shelf.of_item)
    assert page.count("<script") == 2, "the theme's, and the one that notes a scan"
    assert "style=" not in page
    assert "¥" not in page
    assert "/shop" not in page


def test_a_serial_alone_leads_to_the_same_item(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, f"/01/{shelf.gtin}/21/{shelf.serial}")
    assert shelf.lot_no in page
    assert "对不上" in page
    assert "码和记录对不上" not in page


def test_a_code_with_anothers_lot_is_called_out(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, f"/01/{shelf.gtin}/10/OTHER/21/{shelf.serial}")
    assert "码和记录对不上" in page
    assert "OTHER" in page
    assert "记录齐全" not in page


def test_a_sold_item_names_the_outlet(
    shelf: Shelf, client: FlaskClient, database: Database
) -> None:
    fen = shelf.w.sku.price_fen
    with database.transaction() as session:
        ticket = Ticket(
            key="page-sale",
            place_id=shelf.w.outlet.place_id,
            channel="counter",
            sold_at=shelf.now,
            items=(Item(shelf.gtin, 1, serial=shelf.serial),),
            tenders=(Paid("cash", fen, fen),),
        )
        record_sale(session, ticket, actor=shelf.w.clerk, now=shelf.now)
    page = text(client, shelf.of_item)
    assert "已卖出" in page
    assert f"在{shelf.w.outlet.name_zh}卖出" in page
    other = text(client, f"{shelf.of_lot}/21/{shelf.serials[1].serial}")
    assert "已卖出" not in other


def test_a_recalled_lot_says_so_first_and_what_to_do(
    shelf: Shelf, client: FlaskClient, database: Database
) -> None:
    with database.transaction() as session:
        recall_lot(
            session,
            lot_id=shelf.lot.id,
            reason_zh="抽检不合格",
            reason_en="Failed a test",
            actor=shelf.w.official,
            now=shelf.now,
        )
    for address in (shelf.of_item, shelf.of_lot):
        page = text(client, address)
        assert "这一批已召回" in page
        assert "抽检不合格" in page
        assert "请不要食用" in page
        assert "记录齐全" not in page
        assert page.index("这一批已召回") < page.index("现在在哪儿")
    assert "不要开箱" in text(client, f"/00/{shelf.sscc}")


def test_a_lot_page_counts_by_outlet(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, shelf.of_lot)
    assert shelf.w.outlet.name_zh in page
    assert "库存 12 瓶，卖出 0 瓶" in page
    assert shelf.serial not in page


def test_a_case_page_leads_to_its_lot(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, f"/00/{shelf.sscc}")
    assert shelf.of_lot in page
    assert shelf.w.outlet.name_zh in page


def test_a_closed_case_lists_its_items(database: Database, client: FlaskClient) -> None:
    from tests.factories import in_cases

    with database.transaction() as session:
        w = world(session)
        lot = make_lot(w, packs=4)
        (unit,) = in_cases(w, lot, cases=1, per_case=2)
        first = session.scalars(select(Serial.serial).where(Serial.unit_id == unit.id)).first()
    page = text(client, f"/00/{unit.sscc}")
    assert f"/21/{first}" in page


def test_an_article_page_lists_its_lots(shelf: Shelf, client: FlaskClient) -> None:
    page = text(client, f"/01/{shelf.gtin}")
    assert shelf.of_lot in page
    assert shelf.w.product.name_zh in page


@pytest.mark.parametrize(
    "path", ["/01/{gtin}/21/NOPE", "/01/{gtin}/10/NOPE", "/01/{free}", "/00/{case}"]
)
def test_an_unknown_code_says_what_that_may_mean(
    shelf: Shelf, client: FlaskClient, path: str
) -> None:
    address = path.format(
        gtin=shelf.gtin, free=right("0952800109999"), case=right("09520000009999999")
    )
    page = text(client, address, 404)
    assert "没有查到这个码的记录" in page
    assert "可能是这几种情况" in page
    told = client.get(address, headers={"Accept": "application/json"})
    assert told.status_code == 404
    assert told.json["error"] in {"unknown_item", "not_found"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/01/09528001010016", "check_digit_wrong"),
        ("/01/123", "code_unreadable"),
        ("/01/09528001010015/10/批次", "code_unreadable"),
        ("/00/095200000000000010", "check_digit_wrong"),
        ("/01/09528001010015/21/A/10/B", "code_unreadable"),
    ],
)
def test_a_code_that_cannot_be_right_is_refused_with_a_sentence(
    shelf: Shelf, client: FlaskClient, address: str, code: str
) -> None:
    assert shelf.gtin
    page = text(client, quote(address), 400)
    assert "这个码读不出来" in page
    told = client.get(quote(address), headers={"Accept": "application/json"})
    assert (told.status_code, told.json["error"]) == (400, code)  # type: ignore[index]


def test_a_server_that_decodes_paths_is_understood(shelf: Shelf, client: FlaskClient) -> None:
    bare = {"RAW_URI": "", "REQUEST_URI": ""}
    assert client.get(shelf.of_item, environ_overrides=bare).status_code == 200
    odd = client.get("/01/09528001010015/10/A/B", environ_overrides=bare)
    assert odd.status_code == 404
    assert "/10/A%2FB" in odd.get_data(as_text=True)
    assert client.get("/01/x/y", environ_overrides=bare).status_code == 400


# --- data ---


def data(client: FlaskClient, address: str, **headers: str) -> dict[str, Any]:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.data)
    return found


def test_an_items_records_come_as_an_epcis_document(shelf: Shelf, client: FlaskClient) -> None:
    document = data(client, f"{shelf.of_item}?format=json")
    assert (document["type"], document["schemaVersion"]) == ("EPCISDocument", "2.0")
    events = document["epcisBody"]["eventList"]
    steps = [event["bizStep"] for event in events]
    assert steps[-3:] == ["receiving", "unpacking", "stocking"]
    page = text(client, shelf.of_item)
    told = [e["eventID"].removeprefix("urn:uuid:") for e in events if e["bizStep"] != "unpacking"]
    assert [each for each in told if each not in page] == []


def test_the_document_is_valid_by_gs1s_own_schema(shelf: Shelf, client: FlaskClient) -> None:
    schema = public_vectors("epcis/schema/EPCIS-JSON-Schema.json")
    for address in (shelf.of_item, shelf.of_lot, f"/00/{shelf.sscc}"):
        document = data(client, address, Accept="application/json")
        assert list(faults(document, schema, schema)) == [], address


def test_the_document_keeps_to_public_facts_and_to_this_item(
    shelf: Shelf, client: FlaskClient
) -> None:
    told = json.dumps(data(client, f"{shelf.of_item}?format=json"))
    assert f"/21/{shelf.serial}" in told
    assert [s.serial for s in shelf.serials[1:] if f"/21/{s.serial}" in told] == []
    assert "waybill" not in told
    assert "operator_id" not in told
    assert "otherItems" in told
    of_lot = json.dumps(data(client, f"{shelf.of_lot}?format=json"))
    assert "/21/" not in of_lot


def test_linked_data_is_given_to_those_who_ask_for_it(shelf: Shelf, client: FlaskClient) -> None:
    answer = client.get(shelf.of_item, headers={"Accept": "application/ld+json"})
    assert answer.mimetype == "application/ld+json"
    assert "Accept" in answer.headers["Vary"]
    article = client.get(f"/01/{shelf.gtin}?format=json")
    assert (article.status_code, article.mimetype) == (404, "application/json")


# --- looking up ---


def test_a_typed_code_leads_to_its_page(shelf: Shelf, client: FlaskClient) -> None:
    typed = f"(01){shelf.gtin}(10){shelf.lot_no}(21){shelf.serial}"
    answer = client.get("/trace", query_string={"code": typed})
    assert (answer.status_code, answer.location) == (303, shelf.of_item)
    case = client.get("/trace", query_string={"code": shelf.sscc})
    assert case.location == f"/00/{shelf.sscc}"
    scanned = client.get("/trace", query_string={"code": f"https://shop.example{shelf.of_item}"})
    assert scanned.location == shelf.of_item
    assert text(client, scanned.location)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("hello", "code_unreadable"), ("2000000000015", "code_without_page")],
)
def test_what_is_no_code_of_ours_is_asked_again(
    shelf: Shelf, client: FlaskClient, typed: str, said: str
) -> None:
    assert shelf.gtin
    page = text(client, f"/trace?code={typed}", 400)
    assert f'value="{typed}"' in page
    assert 'aria-invalid="true"' in page
    told = client.get(f"/trace?code={typed}", headers={"Accept": "application/json"})
    assert told.json["error"] == said  # type: ignore[index]


def test_the_look_up_page_may_run_the_reader(client: FlaskClient) -> None:
    answer = client.get("/trace")
    assert answer.status_code == 200
    assert "wasm-unsafe-eval" in answer.headers["Content-Security-Policy"]


def test_the_example_leads_to_an_item_that_is_there(shelf: Shelf, client: FlaskClient) -> None:
    answer = client.get("/trace/sample")
    assert answer.status_code == 303
    assert shelf.lot_no in text(client, answer.location)


def test_without_items_there_is_no_example(client: FlaskClient) -> None:
    assert client.get("/trace/sample").status_code == 404
