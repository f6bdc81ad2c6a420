"""A browser checks a story by itself, and finds what was tampered with on the way to it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright
from werkzeug.serving import make_server

from app import create_app
from app.jobs import sequence_log
from app.settings import read_settings
from foundation import clock
from foundation.db import open_database
from tests.browser.test_scanner_module import CHROMIUM, ROOT
from tests.databases import Sqlite
from tests.factories import on_shelf, world

pytestmark = pytest.mark.browser
AXE = ROOT / "node_modules/axe-core/axe.min.js"
Story = dict[str, Any]


@pytest.fixture(scope="module")
def verifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve one logged jar; give the address of the page that checks it."""
    kind = Sqlite()
    home = tmp_path_factory.mktemp("verifying")
    with kind.copy() as url:
        database = open_database(url)
        settings = replace(
            read_settings({"APP_ENV": "test", "DATA_DIR": str(home), "RATE_LIMITS": "off"}),
            public_url="https://shanhuo.example",
        )
        with database.transaction() as session:
            w = world(session)
            _lot, serials = on_shelf(w)
            code = f"https://id.gs1.org/01/{w.sku.gtin}/21/{serials[0].serial}"
        sequence_log(settings, database, clock.now())
        server = make_server("127.0.0.1", 0, create_app(settings, database), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/log/verify?code={code}"
        server.shutdown()
        thread.join()
        database.dispose()
    kind.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[[], Page]]:
    """Open fresh windows of a telephone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield lambda: browser.new_context(
            viewport={"width": 360, "height": 740}, bypass_csp=True
        ).new_page()
        browser.close()


def test_a_browser_finds_a_whole_story_whole_with_its_own_ed25519_and_by_hand(
    verifying: str, chromium: Callable[[], Page]
) -> None:
    for without in (False, True):
        page = chromium()
        if without:
            page.add_init_script(
                "const known = crypto.subtle.importKey.bind(crypto.subtle);"
                "crypto.subtle.importKey = (...a) => a[2] === 'Ed25519'"
                " ? Promise.reject(new Error('unknown')) : known(...a);"
            )
        page.goto(verifying)
        for _ in range(2):  # the second time it has a checkpoint to remember
            expect(page.locator("#verdict[data-state=ok]")).to_be_visible(timeout=20_000)
            expect(page.locator("#findings li")).to_have_count(3)
            page.reload()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        if AXE.is_file():
            page.add_script_tag(path=str(AXE))
            found = page.evaluate("async () => (await axe.run()).violations.map((v) => v.id)")
            assert found == []
        page.context.close()


def changed(story: Story) -> None:
    story["events"][2]["public"]["bizStep"] = "destroying"


def left_out(story: Story) -> None:
    del story["events"][3]


def unsigned(story: Story) -> None:
    lines = story["checkpoint"].split("\n")
    lines[1] = str(int(lines[1]) + 1)
    story["checkpoint"] = "\n".join(lines)


def told_otherwise(told: Story) -> None:
    told["epcisBody"]["eventList"][1]["bizStep"] = "inspecting"


def told_in_part(told: Story) -> None:
    told["epcisBody"]["eventList"].pop()


@pytest.mark.parametrize(
    ("tamper", "where", "said"),
    [
        (changed, "**/log/story?*", "不一样"),
        (left_out, "**/log/story?*", "不见了"),
        (unsigned, "**/log/story?*", "不是日志的密钥签的"),
        (told_otherwise, "**/*?format=json", "不一样"),
        (told_in_part, "**/*?format=json", "不见了"),
    ],
)
def test_a_browser_finds_what_was_tampered_with(
    verifying: str,
    chromium: Callable[[], Page],
    tamper: Callable[[Story], None],
    where: str,
    said: str,
) -> None:
    page = chromium()

    def answer(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        tamper(body)
        route.fulfill(response=response, body=json.dumps(body))

    page.route(where, answer)
    page.goto(verifying)
    expect(page.locator("#verdict[data-state=bad]")).to_be_visible(timeout=20_000)
    assert said in page.locator("#verdict").inner_text() + page.locator("#findings").inner_text()
    page.context.close()
