"""Sheets and rolls of labels for lots and units: code, names, dates, all in one PDF.

`label_sheet` sets one label per cell, row by row, page after page. What a label says in words is
in the text layer, so that a PDF can be searched for a serial.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from foundation.errors import BadInput
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.drawing import INK_2, MM_PER_POINT, Modules, Page, fitting_qr

_MOST_LABELS: Final = 20_000


class NoLabels(BadInput):
    """There is nothing to print, or more than one file should hold."""

    code = "no_labels"


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Where the labels of a page are; every length in mm.

    `safe_mm` stays empty along every label edge, so that a crooked cut or feed takes nothing
    away; `dot_mm` is the dot of a label printer, whose multiples the QR modules then are;
    `slip` says that there is room for the county's upright slip. Sizes of type are in points;
    `text_pt` keeps characters at 1.8 mm or more (GB 7718).
    """

    key: str
    page_width_mm: float
    page_height_mm: float
    columns: int
    rows: int
    label_width_mm: float
    label_height_mm: float
    left_mm: float
    top_mm: float
    gap_x_mm: float
    safe_mm: float
    name_pt: float
    text_pt: float
    largest_qr_mm: float
    slip: bool = False
    dot_mm: float | None = None

    @property
    def labels_per_page(self) -> int:
        """Labels on a full page."""
        return self.columns * self.rows


A4_3X8: Final = SheetLayout(
    "a4-3x8", 210, 297, 3, 8, 70, 37, 0, 0.5, 0, 3.5, 9.5, 6.2, 25, slip=True
)
A4_4X12: Final = SheetLayout(
    "a4-4x12", 210, 297, 4, 12, 45.7, 21.2, 9.7, 21.3, 2.6, 1.0, 6.4, 5.2, 18.8
)
ROLL_60X40: Final = SheetLayout(
    "roll-60x40", 60, 40, 1, 1, 60, 40, 0, 0, 0, 2.0, 9.0, 6.2, 25, slip=True, dot_mm=0.125
)
ROLL_40X30: Final = SheetLayout(
    "roll-40x30", 40, 30, 1, 1, 40, 30, 0, 0, 0, 1.2, 6.8, 5.2, 19, dot_mm=0.125
)
#: Every layout on offer, by the key that a form sends.
LAYOUTS: Final[Mapping[str, SheetLayout]] = {
    layout.key: layout for layout in (A4_3X8, A4_4X12, ROLL_60X40, ROLL_40X30)
}


@dataclass(frozen=True, slots=True)
class LabelTexts:
    """The fixed words of a label; Chinese unless told otherwise, as goods are sold here."""

    spec: str = "规格"
    origin: str = "产地"
    lot: str = "批次"
    serial: str = "编号"
    produced_on: str = "生产日期"
    best_before: str = "保质期至"
    producer: str = "出品"
    scan: str = "扫码看来路"
    demo: str = "演示"
    date_format: str = "%Y-%m-%d"


CHINESE: Final = LabelTexts()


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says. `code` has the lot and, for goods told apart one by one, the serial.

    `county` is the short name for the slip (two or three characters); `producer` a short name;
    `demo` prints the mark that these goods are not real.
    """

    code: ItemCode
    product_name: str
    spec: str
    origin: str
    county: str
    producer: str
    produced_on: date | None = None
    best_before: date | None = None
    demo: bool = False


def labels_for_serials(label: Label, serials: Iterable[str]) -> list[Label]:
    """Give a copy of `label` for every serial, in order. Refused: as by `ItemCode`."""
    return [replace(label, code=replace(label.code, serial=serial)) for serial in serials]


def label_sheet(
    labels: Sequence[Label],
    layout: SheetLayout,
    *,
    host_base: str,
    texts: LabelTexts = CHINESE,
    skip: int = 0,
) -> bytes:
    """Give the PDF of `labels`, the same bytes for the same input.

    `host_base` is what the codes' addresses begin with (`https://HOST`); `skip` leaves that many
    cells of the first page empty, for a sheet that has been used already.
    Refused: `no_labels` (none, more than 20,000, or a `skip` beyond the page),
    `label_too_small`, `label_font_missing`, `label_text_unprintable`, `code_not_for_uri`.
    """
    if not 1 <= len(labels) <= _MOST_LABELS:
        raise NoLabels(
            "Choose between 1 and %(most)s labels to print at a time.", most=_MOST_LABELS
        )
    if not 0 <= skip < layout.labels_per_page:
        raise NoLabels("A page of this layout has %(count)s labels.", count=layout.labels_per_page)
    page = Page(layout.page_width_mm, layout.page_height_mm, title=labels[0].product_name)
    for index, label in enumerate(labels, start=skip):
        row, column = divmod(index % layout.labels_per_page, layout.columns)
        if index and row == column == 0:
            page.next_page()
        _draw(
            page,
            layout,
            texts,
            label,
            build_uri(host_base, label.code),
            layout.left_mm + column * (layout.label_width_mm + layout.gap_x_mm),
            layout.top_mm + row * layout.label_height_mm,
        )
    return page.finish()


def code_for(layout: SheetLayout, uri: str) -> tuple[Modules, float]:
    """Give the QR code that a label of `layout` shows for `uri`, and its module in mm.

    Refused: `label_too_small`.
    """
    caption = 1.5 * layout.text_pt * MM_PER_POINT
    room = layout.label_height_mm - 2 * layout.safe_mm - caption
    return fitting_qr(uri, min(layout.largest_qr_mm, room), layout.dot_mm)


def _draw(
    page: Page,
    layout: SheetLayout,
    texts: LabelTexts,
    label: Label,
    uri: str,
    left: float,
    top: float,
) -> None:
    line = layout.text_pt * MM_PER_POINT
    safe_left, safe_top = left + layout.safe_mm, top + layout.safe_mm
    height = layout.label_height_mm - 2 * layout.safe_mm
    right = left + layout.label_width_mm - layout.safe_mm
    modules, module = code_for(layout, uri)
    side = modules.count_with_quiet_zone * module
    code_top = safe_top + (height - side - 1.5 * line) / 2
    page.qr(safe_left, code_top, modules, module)
    _caption(
        page, layout, texts, safe_left + side / 2, code_top + side + 1.1 * line, demo=label.demo
    )
    if layout.slip and label.county:
        size = layout.name_pt * 0.92
        width, _height = page.slip(right - size * 1.5 * MM_PER_POINT, safe_top, label.county, size)
        right -= width + line * 0.6
    name_line = layout.name_pt * MM_PER_POINT
    rows = _rows(label, texts)
    width = right - safe_left - side
    spare = height - len(rows) * line * 1.15
    names = page.broken(
        label.product_name, layout.name_pt, width, 2 if spare >= name_line * 2.3 else 1
    )
    head = name_line * (0.95 + 1.25 * (len(names) - 1))
    step = min(line * 1.5, (height - head - line * 0.25) / len(rows))
    baseline = safe_top + head + (height - head - line * 0.25 - step * len(rows)) / 2
    for index, name in enumerate(reversed(names)):
        y = baseline - index * name_line * 1.25
        page.text(safe_left + side, y, name, layout.name_pt, width=width, bold=True)
    for index, (word, value, least) in enumerate(rows, start=1):
        x, y = safe_left + side, baseline + index * step
        page.text(x, y, word, layout.text_pt, ink=INK_2)
        indent = page.text_width(word, layout.text_pt) + line * 0.4
        page.text(x + indent, y, value, layout.text_pt, width=right - x - indent, least=least)


def _caption(
    page: Page, layout: SheetLayout, texts: LabelTexts, centre: float, y: float, *, demo: bool
) -> None:
    """Set the words below the code, with the framed demo mark before them."""
    size = layout.text_pt
    line = size * MM_PER_POINT
    mark = page.text_width(texts.demo, size) + 0.9 * line if demo else 0.0
    width = page.text_width(texts.scan, size)
    left = centre - (mark + width) / 2
    if demo:
        page.stamp(left, y - 1.05 * line, texts.demo, size)
    page.text(left + mark, y, texts.scan, size)


def _rows(label: Label, texts: LabelTexts) -> list[tuple[str, str, float]]:
    """List what stands below the name: word, value, and how narrow its glyphs may become."""
    dates = [
        (word, day.strftime(texts.date_format), 0.0)
        for word, day in (
            (texts.produced_on, label.produced_on),
            (texts.best_before, label.best_before),
        )
        if day is not None
    ]
    numbers = [
        (word, value, 0.0)
        for word, value in ((texts.lot, label.code.lot), (texts.serial, label.code.serial))
        if value is not None
    ]
    return [
        (texts.spec, label.spec, 0.55),
        (texts.origin, label.origin, 0.55),
        *numbers,
        *dates,
        (texts.producer, label.producer, 0.55),
    ]
