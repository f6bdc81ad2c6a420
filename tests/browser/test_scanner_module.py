"""The camera and gun scanner modules in a real browser, under the content policy of the house.

The camera is Chromium's fake one, fed with a film of our own printed labels.
"""

import http.server
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from typing_extensions import override

from traceability.digital_link import CaseCode, ItemCode, build_uri
from traceability.labels.case import CaseLabel, CaseLine, case_label
from traceability.labels.image import styled_qr_svg
from traceability.labels.sheet import ROLL_60X40, Label, label_sheet

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
HOST = "https://shanhuo.jincheng.example"
JAR = ItemCode("09520010100015", "QS20261103A", "000042")
CASE = CaseCode("106141412345678908")
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-n0nce' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'"
)
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>scan</title>
<video id="video"></video><button id="torch">灯</button>
<form id="form"><input id="scan"><input id="note" value="old"><textarea id="long"></textarea>
<button id="send">send</button></form>
<script type="module" nonce="n0nce" src="/test.js"></script></html>"""
SCRIPT = """
import { openScanner, ScannerError } from "/static/js/counters/scan.js";
import { listenForWedge } from "/static/js/counters/wedge.js";
import { signal, wakeSound } from "/static/js/counters/signal.js";
const { searchParams: asked } = new URL(location);
window.codes = []; window.problems = []; window.sent = 0;
Object.assign(window, { openScanner, ScannerError, signal, wakeSound });
window.keep = (text, how) => window.codes.push([text, how]);
window.open_ = async (more = {}) => {
  try {
    window.scanner = await openScanner(document.getElementById("video"), {
      onCode: window.keep,
      onError: (error) => window.problems.push(error.code),
      torchButton: document.getElementById("torch"),
      ...more,
    });
    return window.scanner.reader;
  } catch (error) {
    return `${error.name}:${error.code}`;
  }
};
document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  window.sent += 1;
});
window.wedge = listenForWedge(document, window.keep, { field: document.getElementById("scan") });
window.ready = true;
"""


@dataclass(frozen=True)
class Site:
    """Where the test page is, and what it was refused."""

    url: str


class _Handler(http.server.SimpleHTTPRequestHandler):
    @override
    def do_GET(self) -> None:
        made = {
            "/": (PAGE, "text/html; charset=utf-8"),
            "/test.js": (SCRIPT, "text/javascript"),
            "/favicon.ico": ("", "image/x-icon"),
        }.get(self.path.partition("?")[0])
        if made is None:
            super().do_GET()
            return
        body = made[0].encode()
        self.send_response(200)
        self.send_header("Content-Type", made[1])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    @override
    def log_message(self, *_args: Any) -> None:
        """Say nothing between the dots of pytest."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    if not CHROMIUM.exists():
        pytest.skip("CHROMIUM ABSENT, NOTHING CHECKED: run `make system`")
    if not (ROOT / "static/vendor/zxing_reader.wasm").exists():
        pytest.skip("static/vendor ABSENT, NOTHING CHECKED: run tools/build_static.py")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Handler, directory=str(ROOT))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_address[1]}/")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def label_pdf() -> bytes:
    label = Label(JAR, "沁水刺槐成熟蜜", "500克/瓶", "山西省晋城市沁水县", "沁水", "示例合作社")
    return label_sheet([label], ROLL_60X40, host_base=HOST)


def case_pdf() -> bytes:
    line = CaseLine("沁水刺槐成熟蜜", "500克/瓶", "QS20261103A", 24, "瓶")
    return case_label(CaseLabel(CASE, [line], "示例合作社"), host_base=HOST)


def frame(pdf: bytes | None, *, turn: float = 0) -> Image.Image:
    """Lay a printed page on a grey table under a 1280 × 720 camera."""
    table = Image.new("RGB", (1280, 720), (150, 145, 138))
    if pdf is None:
        return table
    document = pypdfium2.PdfDocument(pdf)
    paper = document[0].render(scale=2.5).to_pil().convert("RGB")
    document.close()
    paper.thumbnail((900, 640))
    turned = paper.rotate(turn, expand=True, fillcolor=(150, 145, 138))
    table.paste(turned, ((1280 - turned.width) // 2, (720 - turned.height) // 2))
    return table


def film(path: Path, *pdfs: bytes | None) -> Path:
    """Write a MJPEG film: JPEG pictures one after another, which Chromium plays in a circle."""
    out = io.BytesIO()
    for pdf in pdfs:
        frame(pdf, turn=7).save(out, "JPEG", quality=88)
    path.write_bytes(out.getvalue())
    return path


def launch(playwright: Playwright, *more: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=str(CHROMIUM),
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            *more,
        ],
    )


def camera(playwright: Playwright, movie: Path) -> Browser:
    return launch(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={movie}",
    )


def opened(browser: Browser, site: Site, complaints: list[str]) -> Page:
    page = browser.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site.url)
    page.wait_for_function("() => window.ready")
    return page


@pytest.fixture(scope="module")
def labelled(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera looks at a jar's label."""
    movie = film(tmp_path_factory.mktemp("film") / "jar.mjpeg", *[label_pdf()] * 3)
    browser = camera(playwright, movie)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def blind(playwright: Playwright) -> Iterator[Browser]:
    """A browser on a machine without any camera."""
    browser = launch(playwright, "--use-fake-ui-for-media-stream")
    yield browser
    browser.close()


# --- camera -------------------------------------------------------------------------------------


def test_a_printed_label_held_before_the_camera_is_read_under_the_content_policy(
    labelled: Browser, site: Site
) -> None:
    complaints: list[str] = []
    page = opened(labelled, site, complaints)
    assert page.evaluate("open_()") == "wasm"
    page.wait_for_function("() => window.codes.length > 0", timeout=20_000)
    assert page.evaluate("codes") == [
        [build_uri(HOST, JAR), {"format": "qr_code", "source": "camera"}]
    ]
    # not continuous: the camera is off after the first code
    assert page.evaluate("document.getElementById('video').srcObject") is None
    assert complaints == []
    page.close()


def test_a_code_that_stays_in_view_counts_once(labelled: Browser, site: Site) -> None:
    page = opened(labelled, site, [])
    page.evaluate("open_({ continuous: true })")
    page.wait_for_function("() => window.codes.length > 0", timeout=20_000)
    page.wait_for_timeout(2500)
    assert len(page.evaluate("codes")) == 1
    assert page.evaluate("document.getElementById('video').srcObject.active")
    page.evaluate("scanner.stop(); scanner.stop()")
    assert page.evaluate("document.getElementById('video').srcObject") is None
    page.close()


def test_a_case_label_gives_both_of_its_codes(
    playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    browser = camera(playwright, film(tmp_path / "case.mjpeg", *[case_pdf()] * 3))
    page = opened(browser, site, [])
    page.evaluate("open_({ continuous: true })")
    page.wait_for_function("() => window.codes.length > 1", timeout=20_000)
    read = {how["format"]: text for text, how in page.evaluate("codes")}
    assert read["qr_code"] == build_uri(HOST, CASE)
    assert read["code_128"].removeprefix("]C1") == f"00{CASE.sscc}"
    browser.close()


def test_a_light_that_the_camera_lacks_has_no_button(labelled: Browser, site: Site) -> None:
    page = opened(labelled, site, [])
    page.evaluate("open_({ continuous: true })")
    expect(page.locator("#torch")).to_be_hidden()
    page.evaluate("scanner.stop()")
    page.close()


def test_a_browser_that_reads_codes_by_itself_fetches_no_wasm(
    labelled: Browser, site: Site
) -> None:
    page = labelled.new_page()
    page.add_init_script(
        """window.BarcodeDetector = class {
          static async getSupportedFormats() { return ["qr_code", "ean_13"]; }
          async detect() { return [{ rawValue: "6901234567892", format: "ean_13",
            boundingBox: { x: 0, y: 0, width: 9, height: 9 } }]; }
        };"""
    )
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(site.url)
    page.wait_for_function("() => window.ready")
    assert page.evaluate("open_({ formats: ['qr_code', 'ean_13'] })") == "native"
    page.wait_for_function("() => window.codes.length > 0")
    assert page.evaluate("codes[0][0]") == "6901234567892"
    assert not [url for url in fetched if "vendor" in url]
    # a format it does not know sends us to the wasm reader after all
    assert page.evaluate("open_({ formats: ['code_128'], continuous: true })") == "wasm"
    page.evaluate("scanner.stop()")
    page.close()


def test_a_scanner_given_up_while_it_opens_leaves_the_camera_dark(
    labelled: Browser, site: Site
) -> None:
    page = opened(labelled, site, [])
    said = page.evaluate(
        """async () => {
          const given = new AbortController();
          const opening = open_({ abort: given.signal });
          given.abort();
          return [await opening, document.getElementById("video").srcObject];
        }"""
    )
    assert said == ["ScannerError:closed", None]
    assert page.evaluate("codes") == []
    page.close()


def test_a_machine_without_camera_says_so(blind: Browser, site: Site) -> None:
    page = opened(blind, site, [])
    assert page.evaluate("open_()") == "ScannerError:no_camera"
    page.close()


def test_a_person_who_says_no_gets_a_code_for_it(playwright: Playwright, site: Site) -> None:
    browser = launch(playwright, "--use-fake-device-for-media-stream", "--deny-permission-prompts")
    page = opened(browser, site, [])
    assert page.evaluate("open_()") == "ScannerError:camera_denied"
    browser.close()


def test_an_insecure_page_and_a_missing_reader_have_their_own_codes(
    labelled: Browser, site: Site
) -> None:
    page = opened(labelled, site, [])
    assert page.evaluate("open_({ wasmUrl: '/static/none.wasm' })") == (
        "ScannerError:reader_unavailable"
    )
    assert page.evaluate("open_({ detectorUrl: '/static/none.js' })") == (
        "ScannerError:reader_unavailable"
    )
    page.evaluate("Object.defineProperty(globalThis, 'isSecureContext', { value: false })")
    assert page.evaluate("open_()") == "ScannerError:insecure_context"
    assert page.evaluate("document.getElementById('video').srcObject") is None
    page.close()


# --- gun scanner --------------------------------------------------------------------------------


def burst(page: Page, keys: list[dict[str, Any]], gap_ms: float = 8) -> None:
    """Send keys as a scanner does, with the times that a scanner has.

    Characters land in the focused field exactly as the browser would put them there.
    """
    page.evaluate(
        """async ([keys, gap]) => {
          let at = performance.now();
          for (const key of keys) {
            at += gap;
            const target = document.activeElement ?? document.body;
            const event = new KeyboardEvent("keydown", {
              bubbles: true, cancelable: true, composed: true, ...key,
            });
            Object.defineProperty(event, "timeStamp", { value: at });
            const going = target.dispatchEvent(event);
            const field = target.matches("input, textarea");
            if (going && field && (key.key.length === 1 || key.lands) && !key.ctrlKey) {
              target.setRangeText(key.lands ?? key.key, target.selectionStart,
                target.selectionEnd, "end");
              target.dispatchEvent(new Event("input", { bubbles: true }));
            }
            if (going && field && key.key === "Enter") target.form?.requestSubmit();
          }
        }""",
        [keys, gap_ms],
    )


def keys_of(text: str, *, end: str = "Enter") -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = [{"key": char, "code": ""} for char in text]
    return [*keys, {"key": end, "code": end}]


@pytest.fixture
def till(blind: Browser, site: Site) -> Iterator[Page]:
    page = opened(blind, site, [])
    yield page
    page.close()


def test_a_gun_scanner_is_heard_wherever_the_focus_is(till: Page) -> None:
    uri = build_uri(HOST, JAR)
    for place in ("#scan", "#note", "#long", "#send"):
        till.focus(place)
        burst(till, keys_of(uri))
    till.evaluate("document.activeElement.blur()")
    burst(till, keys_of("9520010100015"))
    assert till.evaluate("codes") == [[uri, {"source": "wedge"}]] * 4 + [
        ["9520010100015", {"source": "wedge"}]
    ]
    # nothing was sent, nothing stays in a field that was not meant
    assert till.evaluate("sent") == 0
    assert [till.input_value(field) for field in ("#scan", "#note", "#long")] == ["", "old", ""]


def test_what_a_person_had_typed_before_a_scan_is_still_there(till: Page) -> None:
    till.focus("#note")
    till.keyboard.press("End")
    till.keyboard.type("er", delay=120)
    burst(till, keys_of("9520010100015"))
    assert till.input_value("#note") == "older"
    till.keyboard.type("!", delay=120)
    assert till.input_value("#note") == "older!"
    assert len(till.evaluate("codes")) == 1


def test_a_person_typing_is_left_alone(till: Page) -> None:
    till.focus("#scan")
    till.keyboard.type("9520010100015", delay=90)
    till.keyboard.press("Enter")
    assert till.evaluate("codes") == []
    assert till.evaluate("sent") == 1
    assert till.input_value("#scan") == "9520010100015"


def test_a_quick_typist_short_numbers_and_pauses_are_no_scan(till: Page) -> None:
    till.focus("#scan")
    burst(till, keys_of("9520010100015"), gap_ms=45)  # 22 keys a second, longer than a code may
    burst(till, keys_of("12"))
    burst(till, [*keys_of("952001")[:-1]])
    burst(till, [{"key": "Enter", "code": "Enter"}], gap_ms=400)
    assert till.evaluate("codes") == []
    assert till.evaluate("sent") == 3


def test_keys_of_a_real_keyboard_event_are_quick_enough(till: Page) -> None:
    """Not our own clock this time: Chromium's input, which a loaded test machine may stall."""
    till.focus("#note")
    whole = ["9520010100015", {"source": "wedge"}]
    for _attempt in range(10):
        till.keyboard.type("9520010100015")
        till.keyboard.press("Enter")
        if whole in till.evaluate("codes"):
            break
        till.fill("#note", "old")
    assert whole in till.evaluate("codes")
    assert till.input_value("#note") == "old"


def test_the_group_separator_of_gs1_comes_through(till: Page) -> None:
    first, second = "0109520010100015" + "10QS20261103A", "21000042"
    separator = {"key": "]", "code": "BracketRight", "ctrlKey": True}
    control = {"key": "Control", "code": "ControlLeft", "ctrlKey": True}
    burst(till, [*keys_of(first)[:-1], control, separator, *keys_of(second)])
    assert till.evaluate("codes[0][0]") == f"{first}\u001d{second}"


def test_a_chinese_input_method_does_not_garble_the_code(till: Page) -> None:
    def hidden(code: str, *, shift: bool = False) -> dict[str, Any]:
        return {"key": "Process", "code": code, "shiftKey": shift, "lands": "乱"}

    typed = [
        hidden("KeyQ", shift=True),
        hidden("KeyS"),
        hidden("Digit2"),
        hidden("Slash"),
        hidden("Semicolon", shift=True),
        hidden("Period"),
        hidden("Numpad7"),
        hidden("Enter"),
    ]
    till.focus("#note")
    burst(till, typed)
    assert till.evaluate("codes[0][0]") == "Qs2/:.7"
    assert till.input_value("#note") == "old"


def test_the_line_feed_after_a_scan_opens_no_downloads(till: Page) -> None:
    line_feed = {"key": "j", "code": "KeyJ", "ctrlKey": True}
    till.evaluate(
        "document.addEventListener('keydown', (e) => { window.kept = e.defaultPrevented; })"
    )
    burst(till, [*keys_of("9520010100015"), line_feed])
    assert till.evaluate("kept") is True
    burst(till, [line_feed], gap_ms=900)
    assert till.evaluate("kept") is False


def test_a_stopped_listener_hears_nothing(till: Page) -> None:
    till.evaluate("wedge.stop()")
    burst(till, keys_of("9520010100015"))
    assert till.evaluate("codes") == []


# --- the styled code ----------------------------------------------------------------------------


def test_the_styled_drawing_is_read_off_a_screen(blind: Browser) -> None:
    page = blind.new_page(viewport={"width": 360, "height": 480})
    uri = build_uri(HOST, JAR)
    page.set_content(styled_qr_svg(uri, title="沁水刺槐成熟蜜", demo=True))
    picture = Image.open(io.BytesIO(page.screenshot()))
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [uri]
    page.close()


# --- sound and shake ----------------------------------------------------------------------------


def test_the_three_answers_sound_and_shake_differently(till: Page) -> None:
    till.evaluate(
        """() => {
          window.heard = [];
          const real = AudioContext.prototype.createOscillator;
          AudioContext.prototype.createOscillator = function () {
            const tone = real.call(this);
            const start = tone.start.bind(tone);
            tone.start = (at) => { heard.push(tone.frequency.value); start(at); };
            return tone;
          };
          window.shaken = [];
          navigator.vibrate = (pattern) => shaken.push(pattern);
        }"""
    )
    till.click("#send")  # a page may sound and shake only after it was touched
    till.evaluate("signal('go'); signal('slow'); signal('stop')")
    assert json.loads(till.evaluate("JSON.stringify(heard)")) == [1320, 740, 740, 196]
    assert till.evaluate("shaken") == [[40], [60, 60, 60], [250, 80, 250]]
    assert till.evaluate("wakeSound().state") == "running"
