"""One jar from a cooperative's lot to a buyer's scan, page by page, in two regions."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from app.migrate import upgrade
from app.seeding import take_in_region
from app.settings import Settings
from app.work import Worker
from foundation import clock
from foundation.db import Database, open_database
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, StockBalance
from parties.network.models import Organisation, Outlet
from parties.people.permissions import Grant, Role
from tests.databases import Postgres, Sqlite, committing
from tests.doubles.stripe_process import SECRET_KEY, WEBHOOK_SECRET, Payer, receiving, running
from tests.factories import example_values
from tests.factories.people import PASSWORD, new_account
from tests.flows.surfer import Surfer, said, why
from traceability.models import TraceEvent
from traceability.queries import template_of
from trade.orders.models import Order
from trade.orders.providers.stripe import StripeProvider
from trade.sales.models import Sale

FIRST = Path(__file__).parents[2] / "data" / "region"
HOME = {
    "recipient": "王小禾",
    "phone": "13903560000",
    "province": "山西省",
    "city": "晋城市",
    "district": "城区",
    "detail": "泽州路1号2单元301",
}
PEOPLE = {
    "cooperative": "coop@example.com",
    "clerk": "till@example.com",
    "buyer": "buyer@example.com",
    "official": "office@example.com",
}


@dataclass
class Region:
    """A region on which the way is gone: its database, its honey, and a counter."""

    database: Database
    web: Flask
    settings: Settings
    product: Product
    pack: Sku
    material: Sku
    supplier: Organisation
    counter: Outlet

    def person(self, who: str) -> Surfer:
        """Let somebody sign in by the page."""
        surfer = Surfer(self.web.test_client())
        surfer.open("/signin?by=password")
        surfer.send("/signin/password", email=PEOPLE[who], password=PASSWORD)
        return surfer

    def work(self) -> None:
        """Let the worker come round."""
        worker = Worker(self.database, self.settings)
        while worker.turn():
            pass
        worker.turn()


def settle(database: Database, settings: Settings) -> Region:
    """Choose the first honey and an open counter, and open an account for each of the four."""
    with database.transaction() as session:
        pack = session.scalars(
            select(Sku)
            .join(Product, Product.id == Sku.product_id)
            .where(
                Sku.tracking == "serial",
                Sku.raw.is_(False),
                Sku.stock_policy == "stocked",
                Product.trace_template == "honey",
            )
            .order_by(Sku.id)
        ).first()
        assert pack is not None
        product = session.get_one(Product, pack.product_id)
        material = session.scalars(
            select(Sku).where(Sku.product_id == product.id, Sku.raw.is_(True))
        ).one()
        counter = session.scalars(
            select(Outlet)
            .where(Outlet.tier == "counter", Outlet.status == "open", Outlet.mode == "offline")
            .order_by(Outlet.code)
        ).first()
        assert counter is not None
        grants = {
            "cooperative": Grant(Role.SUPPLIER_OWNER, organisation_id=product.supplier_id),
            "clerk": Grant(Role.COUNTER_CLERK, place_id=counter.place_id),
            "buyer": Grant(Role.CONSUMER),
            "official": Grant(Role.CITY_OFFICIAL),
        }
        for who, email in PEOPLE.items():
            new_account(session, grants[who], email=email, display_name=who)
        supplier = session.get_one(Organisation, product.supplier_id)
    web = create_app(settings, database)
    return Region(database, web, settings, product, pack, material, supplier, counter)


@pytest.fixture(params=["first", "second"])
def region(
    request: pytest.FixtureRequest, server: Sqlite | Postgres, settings: Settings
) -> Iterator[Region]:
    """The installation's own region, migrated and taken in anew, and the tests' small one."""
    if request.param == "second":
        with committing(server) as database:
            yield settle(database, settings)
        return
    with server.bare() as url:
        database = open_database(url)
        upgrade(database)
        with database.transaction() as session:
            take_in_region(session, FIRST, now=clock.now())
        yield settle(database, settings)
        database.dispose()


def decoded(pdf: bytes) -> list[str]:
    """Read every code on a printed sheet with an independent reader."""
    found: list[str] = []
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        for page in document:
            image = page.render(scale=4).to_pil().convert("L")
            found += [one.text for one in zxingcpp.read_barcodes(image)]
    return found


def record_steps(coop: Surfer, database: Database, pack: Sku, packs: int) -> list[str]:
    """Record one step after the other by the desk's form, from material to packs."""
    done: list[str] = []
    page = coop.page
    while "next-step" in page:
        form = coop.form("step")
        with database.reading() as session:
            lot = session.get_one(Lot, int(re.findall(r"/coop/lots/(\d+)", coop.where)[0]))
            steps = template_of(session, lot.template, lot.template_version).steps
        step = next(one for one in steps if one["step"] == form.values["step"])
        filled = {
            f"v_{code}": text.lower() if text in {"True", "False"} else text
            for code, text in example_values(step).items()
            if f"v_{code}" in form.names
        }
        filled |= {n: "DEMO-1" for n in ("paper_number", "paper_issuer") if n in form.names}
        source = step.get("quantity_from")
        if step["step"] == "collect" and source:
            name = f"v_{source['key_data_element']}"
            filled[name] = form.values[name]
        if f"out_{pack.id}_count" in form.names:
            filled[f"out_{pack.id}_count"] = str(packs)
        page = coop.send("step", **filled)
        assert why(page) == []
        done.append(step["step"])
        assert len(done) < 20
    return done


def make_and_print(region: Region, coop: Surfer) -> tuple[Lot, list[str]]:
    """A cooperative opens a lot, records it, and prints its labels: the lot and what they say."""
    coop.open("/coop/lots/new")
    coop.send("lot_no", sku_id=str(region.material.id), lot_no="W2611-01")
    done = record_steps(coop, region.database, region.pack, 24)
    with region.database.reading() as session:
        lot = session.scalars(select(Lot).where(Lot.sku_id == region.pack.id)).one()
        template = template_of(session, lot.template, lot.template_version)
        wanted = [s["step"] for s in template.steps if s["by"] == "supplier" and s["required"]]
        assert done == wanted
    coop.open(f"/coop/lots/{lot.id}/labels")
    coop.send("count", count="24", layout="a4-3x8")
    (sheet,) = coop.links(r"/coop/labels/\d+/file")[:1]
    codes = decoded(coop.file(sheet))
    assert len(set(codes)) == 24
    beginning = f"{region.settings.public_url}/01/{region.pack.gtin}/10/{lot.lot_no}/21/"
    assert [code for code in codes if not code.startswith(beginning)] == []
    return lot, sorted(codes)


def pack_and_ship(region: Region, coop: Surfer, lot: Lot) -> str:
    """A case of twelve is closed, labelled and sent to the counter: its code."""
    coop.open(f"/coop/lots/{lot.id}/cases")
    coop.send("per_case", cases="1", per_case="12")
    printed = decoded(coop.file(f"/coop/lots/{lot.id}/cases.pdf"))
    (case_code,) = [code for code in printed if "/00/" in code]
    coop.open(f"/coop/shipments/new?lot={lot.id}&to={region.counter.place_id}")
    page = coop.send("waybill_no", carrier="示例快运", waybill_no="YD20261123")
    assert region.counter.name_zh in said(page)
    return case_code


def sell_at_the_counter(region: Region, clerk: Surfer, case_code: str, codes: list[str]) -> str:
    """The clerk receives by one scan and sells a jar by scanning it: what the jar's label says."""
    till = f"/till/{region.counter.code}"
    clerk.open(f"{till}/receive")
    page = clerk.send("/receive", code=case_code)
    assert "这箱收好了" in page or "收" in said(page)
    with region.database.reading() as session:
        held = session.scalar(
            select(func.sum(StockBalance.on_hand)).where(
                StockBalance.place_id == region.counter.place_id
            )
        )
    assert held == 12
    sold = ""
    for code in codes:
        look = clerk.client.get(f"{till}/look?code={code}", headers={"Accept": "application/json"})
        if look.get_json()["answer"] == "go":
            sold = code
            break
    assert sold, "none of the printed jars is on the counter's shelf"
    clerk.open(till)
    page = clerk.send("/scan", code=sold)
    basket = clerk.form("/scan").values["basket"]
    clerk.page = clerk.post(f"{till}/pay", _guarded(clerk, basket=basket)).text
    page = clerk.send("/sales", cash="100", shop_qr="", voucher="", reference="")
    assert "/receipts/" in clerk.where
    assert re.search(rf"{region.pack.price_fen // 100}\.{region.pack.price_fen % 100:02d}", page)
    clerk.open(till)
    page = clerk.send("/scan", code=sold)
    assert "卖过" in said(page) or "已售" in said(page) or "已经卖" in said(page)
    return sold


def _guarded(surfer: Surfer, **values: str) -> dict[str, str]:
    return {"csrf_token": surfer.form("/scan").values["csrf_token"], **values}


def order_online(region: Region, buyer: Surfer) -> str:
    """The consumer puts a jar into the basket and goes to the checkout: the order's number."""
    buyer.open(f"/p/{region.product.code}")
    buyer.send("sku", sku=str(region.pack.id), quantity="1", then="basket")
    assert region.product.name_zh in buyer.open("/basket")
    page = buyer.open("/checkout")
    consents = re.findall(r'name="consent" value="([^"]*)"', page)
    buyer.send(
        "recipient", **HOME, address="new", delivery="courier", then="order", consent=consents
    )
    found = re.search(r"/orders/(\d+)/pay", buyer.where)
    assert found, said(buyer.page)
    return found[1]


def pay_at_the_double(region: Region, buyer: Surfer, number: str, tmp_path: Path) -> None:
    """The buyer pays at the provider; its signed notice makes the order paid, and only that."""
    with (
        receiving() as receiver,
        running(tmp_path / "double.db", "--webhook-url", receiver.url) as double,
    ):
        region.web.extensions["payment_provider"] = StripeProvider(
            SECRET_KEY, WEBHOOK_SECRET, double.base
        )
        buyer.open(f"/orders/{number}/pay")
        form = buyer.form(f"/orders/{number}/pay")
        there = buyer.post(form.action, form.values)
        assert there.status_code == 303, said(there.text)
        Payer().pay(there.location, "alipay")
        assert _state_of(region, number) == "pending_payment"
        paid = b"checkout.session.completed"
        receiver.wait_for(lambda r: any(paid in body for body, _ in r.taken))
        body, signature = next(one for one in receiver.taken if paid in one[0])
        provider = region.web.test_client()
        for _ in range(2):
            told = provider.post(
                "/payments/stripe", data=body, headers={"Stripe-Signature": signature}
            )
            assert told.status_code == 200
    assert _state_of(region, number) == "paid"


def _state_of(region: Region, number: str) -> str:
    with region.database.reading() as session:
        return str(session.scalars(select(Order.state).where(Order.number == number)).one())


def dispatch(coop: Surfer) -> None:
    """The cooperative sends the one parcel that waits."""
    coop.open("/coop/orders")
    (parcel,) = coop.links(r"/coop/orders/[0-9a-f-]{36}$")
    coop.open(parcel)
    coop.send("waybill_no", carrier="示例快递", waybill_no="KD20261123")


def receive_and_scan(region: Region, buyer: Surfer, number: str) -> str:
    """The buyer confirms receipt and scans the jar: the address of its story."""
    page = buyer.open(f"/orders/{number}")
    assert "KD20261123" in page
    (traced,) = buyer.links(r"^/01/")
    buyer.send("parcel")
    assert "已完成" in said(buyer.open(f"/orders/{number}"))
    story = said(buyer.open(traced))
    assert region.supplier.name_zh.removesuffix("（演示）") in story
    return traced


def sales_of(region: Region) -> list[Sale]:
    with region.database.reading() as session:
        return list(session.scalars(select(Sale).order_by(Sale.sold_at)))


def test_one_jar_goes_the_whole_way_and_an_official_sees_both_sales(
    region: Region, tmp_path: Path
) -> None:
    coop = region.person("cooperative")
    lot, codes = make_and_print(region, coop)
    case_code = pack_and_ship(region, coop, lot)
    sold = sell_at_the_counter(region, region.person("clerk"), case_code, codes)

    buyer = region.person("buyer")
    number = order_online(region, buyer)
    pay_at_the_double(region, buyer, number, tmp_path)
    dispatch(coop)
    bought = receive_and_scan(region, buyer, number)

    scanned = Surfer(region.web.test_client())
    at_the_counter = said(scanned.open(sold.removeprefix(region.settings.public_url)))
    assert region.counter.name_zh.removesuffix("（演示）") in at_the_counter
    assert bought not in sold

    both = sales_of(region)
    assert {sale.channel for sale in both} == {"counter", "online"}
    region.work()
    official = region.person("official")
    dashboard = said(official.open("/office/"))
    day = clock.business_date(both[0].sold_at)
    sold_in = {sale.channel: sale.total_fen / 1_000_000 for sale in both}
    shown = f"{day.month}-{day.day} {sold_in['counter']:.2f} {sold_in['online']:.2f}"
    assert shown in dashboard, dashboard
    rows = said(official.open("/office/sales"))
    for sale in both:
        assert f"{sale.total_fen / 100:.2f}" in rows
    journey = said(official.open(f"/office/lots/{lot.id}"))
    assert lot.lot_no in journey
    assert region.counter.name_zh.removesuffix("（演示）") in journey
    with region.database.reading() as session:
        events = session.scalar(select(func.count()).select_from(TraceEvent))
        left = session.scalar(
            select(func.sum(StockBalance.on_hand)).where(StockBalance.lot_id == lot.id)
        )
    assert events is not None
    assert events >= 10
    assert left == 22, "twenty-four made, one sold at the counter, one sent home"
    assert all(sale.sold_at > clock.now() - timedelta(hours=1) for sale in both)
