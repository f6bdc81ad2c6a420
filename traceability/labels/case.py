"""The label of a case: what is inside, from whom to whom, and the SSCC to receive it by one scan.

Laid out after the GS1 Logistic Label Guideline: free words on top, what people read in the
middle, the GS1-128 barcode with its digits at the foot. 100 × 150 mm, one page per case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from traceability.digital_link import CaseCode, build_uri
from traceability.labels.drawing import (
    INK_2,
    MM_PER_POINT,
    Drawing,
    Fit,
    Level,
    fitting_qr,
    gs1_128,
    plain,
)
from traceability.labels.layouts import DOT_MM
from traceability.labels.pdf import Page
from traceability.labels.sheet import NoLabels

WIDTH_MM: Final = 100.0
HEIGHT_MM: Final = 150.0
_SAFE: Final = 5.0
_QR_BOX_MM: Final = 34.0
_MOST_LINES: Final = 6
# Points of names and of details by how many kinds of goods there are, the largest that fit
_SIZES: Final = ((12.0, 8.5), (12.0, 8.5), (12.0, 8.5), (9.5, 6.5), (7.5, 5.2), (7.5, 5.2))
BAR_HEIGHT_MM: Final = 32.0  # GS1 General Specifications 5.5: at least 31.75 mm
BAR_MODULE_MM: Final = 0.5  # 0.495 to 0.94 mm, and whole dots of a 203 dpi printer (4 × 0.125)


@dataclass(frozen=True, slots=True)
class CaseTexts:
    """The fixed words of a case label; Chinese unless told otherwise."""

    title: str = "整箱收货标签"
    sender: str = "发货"
    receiver: str = "收货"
    contents: str = "箱内"
    lot: str = "批次"
    best_before: str = "保质期至"
    packed_on: str = "装箱日期"
    scan: str = "扫码收货"
    scan_reason: str = "一次扫码，整箱入库"
    more: str = "另有 %(count)s 种，扫码可见"
    demo: str = "演示"
    date_format: str = "%Y-%m-%d"


CHINESE: Final = CaseTexts()


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One kind of goods in a case: `quantity` of `unit` (such as 24, 瓶) of one lot."""

    product_name: str
    spec: str
    lot: str
    quantity: int
    unit: str
    best_before: date | None = None


@dataclass(frozen=True, slots=True)
class CaseLabel:
    """What the label of one case says; `sender` and `receiver` are names of organisations."""

    code: CaseCode
    lines: Sequence[CaseLine]
    sender: str
    receiver: str = ""
    packed_on: date | None = None
    demo: bool = False


def case_label(*cases: CaseLabel, host_base: str, texts: CaseTexts = CHINESE) -> bytes:
    """Give a PDF with one 100 × 150 mm page per case, the same bytes for the same input.

    Up to six kinds of goods are listed; of more, the first five and how many others there are.
    Refused: `no_labels` (no case), `label_too_small`, `label_font_missing`,
    `label_text_unprintable`.
    """
    if not cases:
        raise NoLabels("Choose at least one case to print a label for.")
    page = Page(WIDTH_MM, HEIGHT_MM, title=texts.title)
    for index, case in enumerate(cases):
        if index:
            page.next_page()
        draw_case(page, case, build_uri(host_base, case.code), texts)
    return page.finish()


class CaseSpots(NamedTuple):
    """Where the two codes of a case label stand: QR with its quiet zone, bars without."""

    qr_x: float
    qr_y: float
    module: float
    level: Level
    bars_x: float
    bars_y: float


def draw_case(
    page: Drawing, case: CaseLabel, uri: str, texts: CaseTexts = CHINESE, *, codes: bool = True
) -> CaseSpots:
    """Draw the label of a case; without its `codes`, a printer draws them where this says."""
    width = WIDTH_MM - 2 * _SAFE
    right = WIDTH_MM - _SAFE
    page.rule(_SAFE, _SAFE, width)
    page.text(_SAFE, 13.2, texts.title, 15, bold=True)
    if case.demo:
        page.stamp(right - page.text_width(texts.demo, 13) - 2.9, 7.6, texts.demo, 13)
    y = 20.5
    for word, name in ((texts.sender, case.sender), (texts.receiver, case.receiver)):
        if name:
            page.text(_SAFE, y, word, 8, ink=INK_2)
            page.text(_SAFE + 8, y, name, 11, width=width - 8)
            y += 6.2
    page.rule(_SAFE, y - 3, width, thick_thin=False)
    _contents(page, case, texts, y - 1.6)
    code, code_y = _code(page, case, uri if codes else plain(uri), texts)
    bars = gs1_128(f"(00){case.code.sscc}")
    left = (WIDTH_MM - len(bars) * BAR_MODULE_MM) / 2
    top = HEIGHT_MM - _SAFE - BAR_HEIGHT_MM - 4.6
    if codes:
        page.qr(_SAFE, code_y, code.modules, code.module)
        page.bars(left, top, bars, BAR_MODULE_MM, BAR_HEIGHT_MM)
    digits = f"(00) {case.code.sscc}"
    page.text(WIDTH_MM / 2, HEIGHT_MM - _SAFE - 0.4, digits, 11, align="centre")
    return CaseSpots(_SAFE, code_y, code.module, code.level, left, top)


def _contents(page: Drawing, case: CaseLabel, texts: CaseTexts, y: float) -> None:
    """List the goods: name and count on the first line, spec, lot and date on the second."""
    right = WIDTH_MM - _SAFE
    shown = list(case.lines)
    if len(shown) > _MOST_LINES:
        shown = shown[: _MOST_LINES - 1]
    name, small = _SIZES[min(len(case.lines), _MOST_LINES) - 1]
    for line in shown:
        count = f"{line.quantity} {line.unit}"
        y += name * MM_PER_POINT * 1.05
        page.text(right, y, count, name, align="right", bold=True)
        room = right - _SAFE - page.text_width(count, name) - 2
        page.text(_SAFE, y, line.product_name, name, width=room, bold=True)
        y += small * MM_PER_POINT * 1.45
        parts = [line.spec, f"{texts.lot} {line.lot}"]
        if line.best_before is not None:
            parts.append(f"{texts.best_before} {line.best_before.strftime(texts.date_format)}")
        page.text(_SAFE, y, "   ".join(parts), small, width=right - _SAFE, ink=INK_2, least=0)
        y += small * MM_PER_POINT * 0.7
    if others := len(case.lines) - len(shown):
        y += name * MM_PER_POINT * 1.05
        page.text(_SAFE, y, texts.more % {"count": others}, name)


def _code(page: Drawing, case: CaseLabel, uri: str, texts: CaseTexts) -> tuple[Fit, float]:
    """Say what the QR code is for, and give it and its upper edge: above the guns' barcode."""
    fit = fitting_qr(uri, _QR_BOX_MM, DOT_MM)
    side = fit.modules.count_with_quiet_zone * fit.module
    top = HEIGHT_MM - _SAFE - BAR_HEIGHT_MM - 7 - _QR_BOX_MM
    page.rule(_SAFE, top - 0.6, WIDTH_MM - 2 * _SAFE, thick_thin=False)
    x = _SAFE + side + 1
    page.text(x, top + 10, texts.scan, 17, bold=True)
    page.text(x, top + 16.5, texts.scan_reason, 9, ink=INK_2)
    if case.packed_on is not None:
        day = case.packed_on.strftime(texts.date_format)
        page.text(x, top + 23, f"{texts.packed_on} {day}", 9)
    total: dict[str, int] = {}
    for line in case.lines:
        total[line.unit] = total.get(line.unit, 0) + line.quantity
    sums = " ".join(f"{count} {unit}" for unit, count in total.items())
    page.text(x, top + 29.5, f"{texts.contents} {sums}", 12, bold=True, width=WIDTH_MM - 5 - x)
    return fit, top
