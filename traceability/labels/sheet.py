"""Sheets and rolls of labels for lots and units: code, names, dates, all in one PDF.

`label_sheet` sets one label per cell, row by row, page after page. What a label says in words is
in the text layer, so that a PDF can be searched for a serial. What is the same on every label is
drawn once and set by reference; only code and serial are drawn for each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple

from foundation.errors import BadInput
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.drawing import (
    INK,
    INK_2,
    MM_PER_POINT,
    QUIET_MODULES,
    Drawing,
    Fit,
    Level,
    Modules,
    data_matrix,
    fitting_qr,
    plain,
    qr_modules,
)
from traceability.labels.fonts import must_be_printable
from traceability.labels.layouts import (
    A4_3X8,
    A4_4X12,
    LAYOUTS,
    ROLL_40X30,
    ROLL_60X40,
    SheetLayout,
)
from traceability.labels.pdf import POINTS_PER_MM, Kept, PdfContent, PdfFile, placed_cells

_MOST_LABELS: Final = 20_000
_MATRIX_QUIET: Final = 2  # ISO/IEC 16022 asks for one module; a worn print head for another


class NoLabels(BadInput):
    """There is nothing to print, or more than one file should hold."""

    code = "no_labels"


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
    must_be_some(labels)
    if not 0 <= skip < layout.labels_per_page:
        raise NoLabels("A page of this layout has %(count)s labels.", count=layout.labels_per_page)
    out = BytesIO()
    sheet = PdfSheet(
        out, layout, host_base=host_base, texts=texts, title=labels[0].product_name, skip=skip
    )
    sheet.add(labels)
    sheet.finish()
    return out.getvalue()


def must_be_some(labels: Sequence[object]) -> None:
    """Refuse no labels, and more than one file should hold. Refused: `no_labels`."""
    if not 1 <= len(labels) <= _MOST_LABELS:
        raise NoLabels(
            "Choose between 1 and %(most)s labels to print at a time.", most=_MOST_LABELS
        )


class PdfSheet:
    """A PDF of labels in the making. `kept` tells after whole pages how to go on later."""

    def __init__(
        self,
        out: BinaryIO,
        layout: SheetLayout,
        *,
        host_base: str,
        title: str,
        texts: LabelTexts = CHINESE,
        skip: int = 0,
        kept: Kept | None = None,
    ) -> None:
        self._file = PdfFile(out, title=title, kept=kept)
        self._layout, self._host, self._texts = layout, host_base, texts
        self._cell = skip
        self._parts: list[str] = []
        self._forms: dict[tuple[Label, int], _Form] = {}
        self._used: dict[int, None] = {}

    @property
    def kept(self) -> Kept:
        """Say how the file can be gone on with; only after whole pages."""
        return self._file.kept

    def add(self, labels: Iterable[Label]) -> None:
        """Set labels into the next cells. Refused: as by `label_sheet`."""
        layout = self._layout
        previous: Label | None = None
        form: _Form | None = None
        for label in labels:
            uri = build_uri(self._host, label.code)
            same = (
                replace(label, code=replace(label.code, serial=None))
                if previous is None or not _alike(label, previous)
                else None
            )
            if same is not None or form is None:
                form = self._form(same or label, label, uri)
            previous = label
            modules = form.code_of(uri)
            if modules.count != form.across:
                bare = replace(label, code=replace(label.code, serial=None))
                form = self._form(bare, label, uri)
                modules = form.code_of(uri)
            self._set(form, modules, label.code.serial)
            if self._cell == layout.labels_per_page:
                self._end_page()

    def finish(self) -> None:
        """End the document."""
        if self._parts:
            self._end_page()
        self._file.finish()

    def _form(self, bare: Label, label: Label, uri: str) -> "_Form":
        fit = code_for(self._layout, uri)
        key = (bare, fit.modules.count)
        if key not in self._forms:
            layout = self._layout
            drawn = PdfContent(self._file.subset, layout.label_height_mm)
            spots = draw_label(drawn, layout, self._texts, label, fit)
            number = self._file.form(layout.label_width_mm, layout.label_height_mm, drawn.operators)
            self._forms[key] = _Form(number, fit.level, fit.modules.count, fit.module, spots)
        return self._forms[key]

    def _set(self, form: "_Form", modules: Modules, serial: str | None) -> None:
        layout = self._layout
        row, column = divmod(self._cell, layout.columns)
        left = layout.left_mm + column * (layout.label_width_mm + layout.gap_x_mm)
        bottom = layout.page_height_mm - layout.top_mm - (row + 1) * layout.label_height_mm
        spot = form.spots
        code_y = layout.label_height_mm - spot.code_y - modules.count * form.module
        parts = [
            f"q 1 0 0 1 {left * POINTS_PER_MM:.3f} {bottom * POINTS_PER_MM:.3f} cm"
            f" /S{form.number} Do",
            placed_cells(
                spot.code_x * POINTS_PER_MM,
                code_y * POINTS_PER_MM,
                modules,
                form.module * POINTS_PER_MM,
            ),
        ]
        if serial is not None and spot.serial is not None:
            parts.append(self._serial(spot.serial, serial))
        parts.append("Q")
        self._parts += parts
        self._used[form.number] = None
        self._cell += 1

    def _serial(self, spot: "Spot", serial: str) -> str:
        face = self._file.subset.face
        must_be_printable(face, serial)
        natural = float(face.stringWidth(serial, spot.size)) * MM_PER_POINT
        squeeze = min(1.0, spot.width / natural)
        y = (self._layout.label_height_mm - spot.y) * POINTS_PER_MM
        return (
            f"BT {squeeze * 100:.5g} Tz /F {spot.size:.5g} Tf {spot.x * POINTS_PER_MM:.3f} {y:.3f}"
            f" Td <{self._file.subset.shown(serial)}> Tj ET"
        )

    def _end_page(self) -> None:
        layout = self._layout
        ink = " ".join(f"{part / 255:.3g}" for part in INK)
        self._file.page(
            layout.page_width_mm,
            layout.page_height_mm,
            "\n".join([f"{ink} rg", *self._parts]),
            self._used,
        )
        self._cell = 0
        self._parts.clear()
        self._used.clear()


def _alike(one: Label, other: Label) -> bool:
    """Tell whether two labels differ in their serials only, mostly without looking far."""
    return (
        one.code.gtin == other.code.gtin
        and one.code.lot == other.code.lot
        and (one.code.serial is None) == (other.code.serial is None)
        and one.product_name is other.product_name
        and replace(one, code=other.code) == other
    )


class _Form(NamedTuple):
    """The part of a label that stays: its form, and how the code on it is made."""

    number: int
    level: Level
    across: int
    module: float
    spots: "Spots"

    def code_of(self, uri: str) -> Modules:
        """Encode as the form's code was."""
        return qr_modules(uri, self.level)


class Spot(NamedTuple):
    """Where a serial stands: the left end of its baseline, its room in mm, its size in points."""

    x: float
    y: float
    width: float
    size: float


class Spots(NamedTuple):
    """Where on a label the parts stand that differ: the code's first module, and the serial."""

    code_x: float
    code_y: float
    serial: Spot | None


def code_for(layout: SheetLayout, uri: str) -> Fit:
    """Give the code that a label of `layout` shows for `uri`, its module in mm and its level.

    For ZPL it is as large as the printer's own code can become, and not that code.

    Refused: `label_too_small`.
    """
    caption = 1.5 * layout.text_pt * MM_PER_POINT
    room = layout.label_height_mm - 2 * layout.safe_mm - caption
    box = min(layout.largest_qr_mm, room)
    if layout.symbol == "qr":
        sized_by = plain(uri) if layout.output == "zpl" else uri
        return fitting_qr(sized_by, box, layout.dot_mm)
    modules = data_matrix(uri)
    dot = layout.dot_mm or 0.1
    module = dot * int(box / (modules.count + 2 * _MATRIX_QUIET) / dot + 1e-9)
    if module < 2 * dot:
        return fitting_qr(uri, 0, layout.dot_mm)  # refused: too small for any code
    return Fit(modules, module, "M")


def draw_first(
    page: Drawing, layout: SheetLayout, label: Label, *, host_base: str, texts: LabelTexts = CHINESE
) -> None:
    """Draw one whole label, its upper left corner at the page's. Refused: as by `label_sheet`."""
    uri = build_uri(host_base, label.code)
    fit = code_for(layout, uri)
    spots = draw_label(page, layout, texts, label, fit)
    modules = qr_modules(uri, fit.level) if layout.symbol == "qr" else fit.modules
    page.cells(spots.code_x, spots.code_y, modules, fit.module, INK)
    if spots.serial is not None and label.code.serial is not None:
        spot = spots.serial
        page.text(spot.x, spot.y, label.code.serial, spot.size, width=spot.width, least=0)


def quiet_modules(layout: SheetLayout) -> int:
    """Give how many modules stay white around this layout's code."""
    return QUIET_MODULES if layout.symbol == "qr" else _MATRIX_QUIET


def draw_label(
    page: Drawing, layout: SheetLayout, texts: LabelTexts, label: Label, fit: Fit
) -> Spots:
    """Draw everything but code and serial, and tell where those two go.

    Refused: `label_text_unprintable`.
    """
    line = layout.text_pt * MM_PER_POINT
    left = top = layout.safe_mm
    height = layout.label_height_mm - 2 * layout.safe_mm
    right = layout.label_width_mm - layout.safe_mm
    quiet = quiet_modules(layout)
    side = (fit.modules.count + 2 * quiet) * fit.module
    code_top = top + (height - side - 1.5 * line) / 2
    _caption(page, layout, texts, left + side / 2, code_top + side + 1.1 * line, demo=label.demo)
    if layout.slip and label.county:
        size = layout.name_pt * 0.92
        width, _height = page.slip(right - size * 1.5 * MM_PER_POINT, top, label.county, size)
        right -= width + line * 0.6
    name_line = layout.name_pt * MM_PER_POINT
    rows = _rows(label, texts)
    width = right - left - side
    spare = height - len(rows) * line * 1.15
    names = page.broken(
        label.product_name, layout.name_pt, width, 2 if spare >= name_line * 2.3 else 1
    )
    head = name_line * (0.95 + 1.25 * (len(names) - 1))
    step = min(line * 1.5, (height - head - line * 0.25) / len(rows))
    baseline = top + head + (height - head - line * 0.25 - step * len(rows)) / 2
    for index, name in enumerate(reversed(names)):
        y = baseline - index * name_line * 1.25
        page.text(left + side, y, name, layout.name_pt, width=width, bold=True)
    serial: Spot | None = None
    for index, (word, value, least) in enumerate(rows, start=1):
        x, y = left + side, baseline + index * step
        page.text(x, y, word, layout.text_pt, ink=INK_2)
        indent = page.text_width(word, layout.text_pt) + line * 0.4
        if value is None:
            serial = Spot(x + indent, y, right - x - indent, layout.text_pt)
        else:
            page.text(x + indent, y, value, layout.text_pt, width=right - x - indent, least=least)
    inset = quiet * fit.module
    return Spots(left + inset, code_top + inset, serial)


def _caption(
    page: Drawing, layout: SheetLayout, texts: LabelTexts, centre: float, y: float, *, demo: bool
) -> None:
    """Set the words below the code, with the framed demo mark before them."""
    size = layout.text_pt
    line = size * MM_PER_POINT
    mark = page.text_width(texts.demo, size) + 0.9 * line if demo else 0.0
    room = 2 * (centre - layout.safe_mm) - mark  # no wider than the code above
    width = min(room, page.text_width(texts.scan, size))
    left = centre - (mark + width) / 2
    if demo:
        page.stamp(left, y - 1.05 * line, texts.demo, size)
    page.text(left + mark, y, texts.scan, size, width=room, least=0.55)


def _rows(label: Label, texts: LabelTexts) -> list[tuple[str, str | None, float]]:
    """List what stands below the name: word, value, and how narrow its glyphs may become.

    The serial's value is None: it is set on every label apart.
    """
    dates = [
        (word, day.strftime(texts.date_format), 0.0)
        for word, day in (
            (texts.produced_on, label.produced_on),
            (texts.best_before, label.best_before),
        )
        if day is not None
    ]
    numbers: list[tuple[str, str | None, float]] = []
    if label.code.lot is not None:
        numbers.append((texts.lot, label.code.lot, 0.0))
    if label.code.serial is not None:
        numbers.append((texts.serial, None, 0.0))
    return [
        (texts.spec, label.spec, 0.55),
        (texts.origin, label.origin, 0.55),
        *numbers,
        *dates,
        (texts.producer, label.producer, 0.55),
    ]


__all__ = [
    "A4_3X8",
    "A4_4X12",
    "LAYOUTS",
    "ROLL_40X30",
    "ROLL_60X40",
    "Label",
    "LabelTexts",
    "NoLabels",
    "PdfSheet",
    "SheetLayout",
    "code_for",
    "label_sheet",
    "labels_for_serials",
]
