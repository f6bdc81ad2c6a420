"""The whole way once more in Chromium, as four people at telephones, against the server itself.

In Chinese, with one scan by a camera that looks at the printed label; then the main pages in
English. axe looks at every page on the way, in both themes, at 360 pixels.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin

import pypdfium2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from sqlalchemy import JSON, String, Text, select

from app.migrate import upgrade
from app.seeding import take_in_region
from app.settings import read_settings
from foundation import clock
from foundation.db import Base, Database, open_database
from goods.stock.models import Lot
from tests.browser.test_scanner_module import CHROMIUM, ROOT, camera, film, launch
from tests.databases import REGION
from tests.doubles.stripe_process import SECRET_KEY, WEBHOOK_SECRET, running
from tests.factories import example_values
from tests.factories.people import PASSWORD
from tests.flows.test_whole_way import HOME, PEOPLE, Region, decoded, settle
from traceability.queries import template_of
from trade.sales.models import Sale

pytestmark = pytest.mark.browser
AXE = ROOT / "node_modules/axe-core/axe.min.js"
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FILL = """(form, values) => {
  for (const [name, value] of Object.entries(values)) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio" || field.type === "checkbox") {
        field.checked = [value].flat().includes(field.value);
      } else { field.value = value; }
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(data_dir: Path, port: int, stripe: str) -> Iterator[str]:
    """Run the server as an installation does: granian, its worker inside, embedded database."""
    base = f"http://127.0.0.1:{port}"
    env = os.environ | {
        "APP_ENV": "test",
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "PUBLIC_URL": base,
        "RATE_LIMITS": "off",
        "STRIPE_BASE": stripe,
        "STRIPE_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LOG_LEVEL": "warning",
    }
    with (data_dir / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            end = time.monotonic() + 40
            while time.monotonic() < end and server.poll() is None:
                with suppress(OSError), urllib.request.urlopen(f"{base}/readyz", timeout=2):  # noqa: S310 -- loopback
                    break
                time.sleep(0.1)
            yield base
        finally:
            server.terminate()
            server.wait(20)


@dataclass
class House:
    """The running house, its region, and what is wrong with its pages so far."""

    base: str
    region: Region
    movie: Path
    wrong: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """Give the database that the server writes into."""
        return self.region.database

    def look(self, page: Page, name: str) -> None:
        """Let axe look at a page in both themes, and see that nothing hangs over its edge."""
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(200)
            found = page.evaluate(
                """async () => (await axe.run()).violations.map(
                     (v) => [v.id, v.nodes.map((n) => n.target.join(" ")).slice(0, 3)])"""
            )
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if found or wide > 0:
                self.wrong[f"{name}, {theme}"] = (found, wide)
        page.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start an installation of the small region, with the payment double beside it."""
    if not CHROMIUM.exists():
        pytest.skip("CHROMIUM ABSENT, NOTHING CHECKED: run `make system`")
    if not AXE.exists() or not (ROOT / "static/vendor/zxing_reader.wasm").exists():
        pytest.skip("static/vendor ABSENT, NOTHING CHECKED: run tools/build_static.py")
    home = tmp_path_factory.mktemp("house")
    port = free_port()
    settings = read_settings({"APP_ENV": "test", "DATA_DIR": str(home)})
    database = open_database(settings.database_url)
    upgrade(database)
    with database.transaction() as session:
        take_in_region(session, REGION, now=clock.now())
    region = settle(database, settings)
    webhook = f"http://127.0.0.1:{port}/payments/stripe"
    with (
        running(home / "double.db", "--webhook-url", webhook) as double,
        served(home, port, double.base) as base,
    ):
        yield House(base, region, home / "label.mjpeg")
    database.dispose()


def person(house: House, browser: Browser, who: str | None, **how: Any) -> Page:
    """Somebody at a telephone, signed in by the page."""
    context = browser.new_context(locale="zh-CN", **(PHONE | how))
    context.add_init_script(path=AXE)
    page = context.new_page()
    if who is not None:
        page.goto(f"{house.base}/signin?by=password")
        house.look(page, "sign-in")
        form = page.locator("form[action$='/signin/password']")
        form.locator("[name=email]").fill(PEOPLE[who])
        form.locator("[name=password]").fill(PASSWORD)
        form.locator("button[type=submit], button:not([type])").last.click()
        page.wait_for_url(lambda url: "/signin" not in url)
    return page


def send(form: Locator, **values: Any) -> None:
    """Fill a form in and press its last visible button."""
    form.evaluate(FILL, values)
    page = form.page
    button = form.locator("button:visible").last
    with page.expect_navigation():
        button.click()


def names(form: Locator) -> list[str]:
    found: list[str] = form.evaluate("(form) => [...form.elements].map((e) => e.name)")
    return found


def record(house: House, page: Page, packs: int) -> Lot:
    """Open a lot and record it step by step on the telephone."""
    region = house.region
    page.goto(f"{house.base}/coop/lots/new")
    house.look(page, "new lot")
    send(
        page.locator("form:has([name=lot_no])"),
        sku_id=str(region.material.id),
        lot_no="B2611-01",
    )
    for _ in range(20):
        form = page.locator("form:has([name=step])")
        if form.count() == 0:
            break
        lot_id = int(re.findall(r"/coop/lots/(\d+)", page.url)[0])
        code = form.locator("[name=step]").input_value()
        with house.database.reading() as session:
            lot = session.get_one(Lot, lot_id)
            steps = template_of(session, lot.template, lot.template_version).steps
        step = next(one for one in steps if one["step"] == code)
        known = names(form)
        values = {
            f"v_{name}": text.lower() if text in {"True", "False"} else text
            for name, text in example_values(step).items()
            if f"v_{name}" in known
        }
        values |= {n: "DEMO-1" for n in ("paper_number", "paper_issuer") if n in known}
        source = step.get("quantity_from")
        if code == "collect" and source:
            values.pop(f"v_{source['key_data_element']}", None)
        if f"out_{region.pack.id}_count" in known:
            values[f"out_{region.pack.id}_count"] = str(packs)
        house.look(page, f"step {code}")
        send(form, **values)
        expect(page.locator(".err:visible")).to_have_count(0)
    with house.database.reading() as session:
        return session.scalars(select(Lot).where(Lot.sku_id == region.pack.id)).one()


def print_pack_and_ship(house: House, page: Page, lot: Lot) -> tuple[list[str], str, bytes]:
    """Print the labels, close a case and send it: the labels' codes, the case's, the sheet."""
    page.goto(f"{house.base}/coop/lots/{lot.id}/labels")
    send(page.locator("form:has([name=count])").first, count="12", layout="roll-60x40")
    house.look(page, "labels")
    address = page.locator("a[href$='/file']").first.get_attribute("href")
    sheet = page.request.get(f"{house.base}{address}").body()
    page.goto(f"{house.base}/coop/lots/{lot.id}/cases")
    house.look(page, "cases")
    send(page.locator("form:has([name=per_case])"), cases="1", per_case="12")
    cases = page.request.get(f"{house.base}/coop/lots/{lot.id}/cases.pdf").body()
    (case_code,) = [code for code in decoded(cases) if "/00/" in code]
    page.goto(f"{house.base}/coop/shipments/new?lot={lot.id}&to={house.region.counter.place_id}")
    house.look(page, "shipping")
    send(page.locator("form:has([name=waybill_no])"), carrier="示例快运", waybill_no="YD1")
    expect(page.locator("main")).to_contain_text("YD1")
    return decoded(sheet), case_code, sheet


def one_page(pdf: bytes, number: int) -> bytes:
    """Cut one page out of a PDF."""
    import io

    out = io.BytesIO()
    with pypdfium2.PdfDocument(pdf) as whole, pypdfium2.PdfDocument.new() as part:
        part.import_pages(whole, [number])
        part.save(out)
    return out.getvalue()


def sell_by_camera(house: House, page: Page, case_code: str) -> None:
    """Receive the case by one scan, and sell the jar that the camera sees."""
    till = f"{house.base}/till/{house.region.counter.code}"
    page.goto(f"{till}/receive")
    house.look(page, "goods in")
    page.locator("#till [name=code]").fill(case_code)
    page.keyboard.press("Enter")
    expect(page.locator(".answer").first).to_contain_text("收")
    page.goto(till)
    page.wait_for_selector("html[data-ready]", state="attached")
    page.get_by_role("button", name="用摄像头扫").click()
    expect(page.locator("[data-count]")).to_have_text("这一单，1 件", timeout=30_000)
    page.locator("#camera").get_by_role("button", name="好了").click()
    house.look(page, "till")
    page.get_by_role("button", name="收款", exact=True).click()
    page.get_by_label("收到现金").fill("100")
    page.get_by_role("button", name=re.compile("记为已售")).click()
    expect(page.locator(".answer").first).to_contain_text("卖好了")
    page.get_by_role("link", name="打印小票").click()
    house.look(page, "receipt")


def buy(house: House, page: Page) -> str:
    """Choose, order and pay: the order's number."""
    for address, name in (("/", "home"), (f"/p/{house.region.product.code}", "product")):
        page.goto(house.base + address)
        house.look(page, name)
    with page.expect_response(lambda answer: answer.url.endswith("/basket/add")) as added:
        page.locator("form[action$='/basket/add']").first.evaluate(
            "(form) => form.requestSubmit(form.querySelector('button[value=basket]'))"
        )
    assert added.value.status in {200, 303}, added.value.text()[:2000]
    page.wait_for_load_state()
    page.goto(f"{house.base}/basket")
    house.look(page, "basket")
    page.goto(f"{house.base}/checkout")
    house.look(page, "checkout")
    form = page.locator("#checkout")
    for label, value in (("recipient", HOME["recipient"]), ("phone", HOME["phone"])):
        form.locator(f"[name={label}]").fill(value)
    for name in ("province", "city", "district"):
        choice = form.locator(f"select[name={name}]")
        expect(choice.locator(f"option[value='{HOME[name]}']")).to_be_attached()
        choice.select_option(HOME[name])
    form.locator("[name=detail]").fill(HOME["detail"])
    for tick in form.locator("[name=consent]").all():
        tick.check()
    page.locator("button[value=order]:visible").last.click()
    page.wait_for_url(re.compile(r"/orders/\d+/pay"))
    house.look(page, "pay")
    number = re.findall(r"/orders/(\d+)/pay", page.url)[0]
    page.locator(f"form[action$='/orders/{number}/pay'] button").click()
    page.wait_for_url(lambda url: not url.startswith(house.base))
    page.locator("button[value=alipay]").click()
    page.wait_for_url(re.compile(rf"/orders/{number}"))
    expect(page.locator("main")).to_contain_text("付好了", timeout=20_000)
    return str(number)


def wait_for(seen: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.2)


def test_four_people_take_one_jar_the_whole_way(house: House) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        coop = person(house, browser, "cooperative")
        house.look(coop, "the desk's day")
        lot = record(house, coop, packs=24)
        codes, case_code, sheet = print_pack_and_ship(house, coop, lot)
        assert len(set(codes)) == 12

        film(house.movie, *[one_page(sheet, 0)] * 3)
        filming = camera(playwright, house.movie)
        sell_by_camera(house, person(house, filming, "clerk", permissions=["camera"]), case_code)
        filming.close()

        buyer = person(house, browser, "buyer")
        number = buy(house, buyer)

        coop.goto(f"{house.base}/coop/orders")
        house.look(coop, "orders to send")
        coop.locator(
            "a[href*='/coop/orders/']:not([href$='.csv']):not([href$='pick'])"
        ).first.click()
        house.look(coop, "parcel")
        send(coop.locator("form:has([name=waybill_no])"), carrier="示例快递", waybill_no="KD1")

        buyer.goto(f"{house.base}/orders/{number}")
        house.look(buyer, "order")
        send(buyer.locator("form:has([name=parcel])").first)
        expect(buyer.locator("main")).to_contain_text("已完成")
        scanned = buyer.locator("a[href^='/01/']").first.get_attribute("href")
        for address, name in ((scanned, "story at home"), (codes[0], "story from the counter")):
            buyer.goto(urljoin(house.base, str(address)))
            expect(buyer.locator("main")).to_contain_text(lot.lot_no)
            house.look(buyer, name)

        official = person(house, browser, "official")
        look_at_both_sales(house, official, lot)
        in_english(house, browser, coop, buyer, official, number, lot)
        browser.close()
    assert house.wrong == {}


def look_at_both_sales(house: House, official: Page, lot: Lot) -> None:
    """The official finds both sales on the list, and the lot on its journey."""

    def both() -> list[Sale]:
        with house.database.reading() as session:
            return list(session.scalars(select(Sale)))

    wait_for(lambda: {sale.channel for sale in both()} == {"counter", "online"})
    for address, name in (
        ("/office/", "dashboard"),
        (f"/office/lots/{lot.id}", "journey"),
        ("/office/sales", "sales"),
    ):
        official.goto(house.base + address)
        house.look(official, name)
        if name == "journey":
            expect(official.locator("main")).to_contain_text(lot.lot_no)
    for sale in both():
        expect(official.locator("main")).to_contain_text(f"{sale.total_fen / 100:.2f}")


def strings(value: Any) -> Iterator[str]:
    """Give every text inside a JSON-like value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def data_texts(database: Database) -> list[str]:
    """Give every text of the database that has Chinese in it, the longest first."""
    found: set[str] = set()
    with database.reading() as session:
        for table in Base.metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, String | Text | JSON):
                    for one in session.execute(select(column)).scalars():
                        found |= {text for text in strings(one) if CHINESE.search(text)}
    return sorted(found, key=len, reverse=True)


def in_english(
    house: House, browser: Browser, coop: Page, buyer: Page, official: Page, number: str, lot: Lot
) -> None:
    """Read the main pages in English: nothing of the program's own words is left in Chinese."""
    clerk = person(house, browser, "clerk")
    known = [*data_texts(house.database), "中文", *HOME.values()]
    left: dict[str, list[str]] = {}
    pages = [
        *((buyer, address) for address in ("/", "/categories", "/basket", "/me", "/outlets")),
        (buyer, f"/p/{house.region.product.code}"),
        (buyer, f"/orders/{number}"),
        *((coop, address) for address in ("/coop/", "/coop/lots", "/coop/orders", "/coop/stock")),
        (coop, f"/coop/lots/{lot.id}"),
        *((official, address) for address in ("/office/", "/office/sales", "/office/outlets")),
        (official, f"/office/lots/{lot.id}"),
        (clerk, f"/till/{house.region.counter.code}"),
        (clerk, f"/till/{house.region.counter.code}/receive"),
    ]
    for page in (coop, buyer, official, clerk):
        page.context.add_cookies([{"name": "lang", "value": "en", "url": house.base}])
    for page, address in pages:
        page.goto(house.base + address)
        assert page.locator("html").get_attribute("lang") == "en", address
        text = page.locator("body").inner_text()
        for one in known:
            text = text.replace(one, " ")
        if words := CHINESE.findall(text):
            left[address] = words[:5]
    assert left == {}
