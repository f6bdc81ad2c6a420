"""Drawing on a PDF page in millimetres from the top left corner, as label layouts are measured.

Inks and shapes follow the house look: county names on an upright slip, sections opened by a
thick-thin rule, everything else plain ink on white.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Literal

import zxingcpp
from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from foundation.errors import Refused
from traceability.labels.fonts import label_face, must_be_printable

INK: Final = HexColor("#1b2527")
INK_2: Final = HexColor("#465355")
LINE: Final = HexColor("#80877f")
BRAND: Final = HexColor("#1c4f5c")

QUIET_MODULES: Final = 4  # ISO/IEC 18004: four modules on every side
SMALLEST_MODULE_MM: Final = 0.33  # what a phone two hands away still reads from plain paper
MM_PER_POINT: Final = 25.4 / 72
_ELLIPSIS: Final = "…"

_DARK: Final = bytes(1 if grey < 128 else 0 for grey in range(256))  # noqa: PLR2004 -- half grey
_RUN: Final = re.compile(b"\x01+")

# Bytes as they are instead of base 85: a third of the time and a fifth of the size
rl_config.useA85 = 0

Align = Literal["left", "centre", "right"]


class LabelTooSmall(Refused):
    """The address of the goods does not fit on this label at a size that phones can read."""

    code = "label_too_small"


@dataclass(frozen=True, slots=True)
class Modules:
    """A two-dimensional code: `rows[y][x]` is 1 where it is dark, else 0; no quiet zone."""

    rows: tuple[bytes, ...]

    @property
    def count(self) -> int:
        """Modules on a side, without the quiet zone."""
        return len(self.rows)

    @property
    def count_with_quiet_zone(self) -> int:
        """Modules on a side, with four quiet ones before and behind."""
        return self.count + 2 * QUIET_MODULES


def qr_modules(text: str, level: str) -> Modules:
    """Encode `text` as a QR code at error correction `level` (L, M, Q or H), quickly."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    return Modules(_dark(code))


def gs1_128(elements: str) -> bytes:
    """Encode `(00)…` as the modules of a GS1-128 barcode, 1 where dark; no quiet zone."""
    code = zxingcpp.create_barcode(elements, zxingcpp.BarcodeFormat.Code128, gs1=True)
    return _dark(code)[0]


def _dark(code: zxingcpp.Barcode) -> tuple[bytes, ...]:
    # zxing-cpp's images are buffers, which its type stubs do not say
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    height, width = image.shape
    pixels = memoryview(image)
    flat = pixels.tobytes().translate(_DARK)
    return tuple(flat[row * width : (row + 1) * width] for row in range(height))


def fitting_qr(text: str, box_mm: float, dot_mm: float | None = None) -> tuple[Modules, float]:
    """Give the strongest QR code that fits `box_mm` with its quiet zone, and its module in mm.

    The module is at least 0.33 mm and a whole number of printer dots if `dot_mm` is given.
    Refused: `label_too_small`.
    """
    for level in ("Q", "M", "L"):
        modules = qr_modules(text, level)
        module = box_mm / modules.count_with_quiet_zone
        if dot_mm is not None:
            module = dot_mm * int(module / dot_mm + 1e-9)
        if module >= SMALLEST_MODULE_MM:
            return modules, module
    raise LabelTooSmall(
        "The address of the goods is too long for this label. Choose a larger label."
    )


class Page:
    """One PDF in the making; lengths in mm, `y` counted downwards from the top edge.

    The same calls give the same bytes: no date, no random id.
    """

    def __init__(self, width_mm: float, height_mm: float, *, title: str) -> None:
        self._face: TTFont = label_face()
        self._out = BytesIO()
        self._height = height_mm
        name: Any = self._face.fontName  # the type stubs want a number here
        self.canvas = Canvas(
            self._out,
            pagesize=(width_mm * mm, height_mm * mm),
            pageCompression=1,
            invariant=1,
            initialFontName=name,
            lang="zh-CN",
        )
        self.canvas.setTitle(title)
        self.canvas.setAuthor("")
        self.canvas.setSubject("")
        self.canvas.setCreator("")

    def next_page(self) -> None:
        """End the page and begin another."""
        self.canvas.showPage()

    def finish(self) -> bytes:
        """End the document."""
        self.canvas.save()
        return self._out.getvalue()

    def text_width(self, text: str, size: float) -> float:
        """Width in mm of `text` set in `size` points."""
        return float(self._face.stringWidth(text, size)) * MM_PER_POINT

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        width: float | None = None,
        align: Align = "left",
        bold: bool = False,
        ink: Color = INK,
        least: float = 0.7,
    ) -> None:
        """Set one line with its baseline at `y`; too long, it is squeezed, then shortened.

        `least` is how narrow glyphs may become before an ellipsis replaces the rest. At 0 nothing
        is ever lost: a lot number without its end would be another lot.
        Refused: `label_text_unprintable`.
        """
        must_be_printable(self._face, text)
        natural = self.text_width(text, size)
        squeeze = 1.0
        if width is not None and natural > width:
            text = self._shortened(text, size, width / least) if least else text
            natural = self.text_width(text, size)
            squeeze = min(1.0, width / natural)
        left = x
        if align != "left":
            left = x - natural * squeeze * (0.5 if align == "centre" else 1)
        run = self.canvas.beginText(left * mm, (self._height - y) * mm)
        run.setFont(self._face.fontName, size)
        run.setFillColor(ink)
        if squeeze < 1:
            run.setHorizScale(squeeze * 100)
        if bold:  # the face has one weight: a hair of outline makes the second
            self.canvas.setStrokeColor(ink)
            self.canvas.setLineWidth(size * 0.03)
            run.setTextRenderMode(2)
        run.textOut(text)
        if bold:
            run.setTextRenderMode(0)
        if squeeze < 1:
            run.setHorizScale(100)
        self.canvas.drawText(run)

    def qr(self, x: float, y: float, modules: Modules, module: float, ink: Color = INK) -> float:
        """Draw a QR code with its quiet zone, top left corner at `x`, `y`; give its side in mm."""
        side = modules.count_with_quiet_zone * module
        canvas = self.canvas
        canvas.saveState()
        canvas.setFillColor(white)
        canvas.rect(x * mm, (self._height - y - side) * mm, side * mm, side * mm, stroke=0, fill=1)
        canvas.setFillColor(ink)
        # one unit is one module from here on, y upwards from the lowest row
        offset = QUIET_MODULES * module
        canvas.translate((x + offset) * mm, (self._height - y - side + offset) * mm)
        canvas.scale(module * mm, module * mm)
        # whole numbers, so straight into the path: reportlab's own way costs 8 of 10 seconds
        path: Any = canvas.beginPath()
        path._code.append(  # noqa: SLF001
            " ".join(
                f"{start} {modules.count - 1 - row} {end - start} 1 re"
                for row, cells in enumerate(modules.rows)
                for start, end in _runs(cells)
            )
        )
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.restoreState()
        return side

    def bars(self, x: float, y: float, row: bytes, module: float, height: float) -> None:
        """Draw a linear barcode: `row` is one line of modules, `x`, `y` its top left corner."""
        canvas = self.canvas
        canvas.setFillColor(INK)
        path = canvas.beginPath()
        bottom = (self._height - y - height) * mm
        for start, end in _runs(row):
            path.rect((x + start * module) * mm, bottom, (end - start) * module * mm, height * mm)
        canvas.drawPath(path, stroke=0, fill=1)

    def slip(self, x: float, y: float, text: str, size: float) -> tuple[float, float]:
        """Draw an upright slip with `text` from top to bottom; give its width and height in mm."""
        em = size * MM_PER_POINT
        width, height = em * 1.5, em * (1.08 * len(text) + 0.8)
        canvas = self.canvas
        top = self._height - y
        canvas.setFillColor(BRAND)
        canvas.rect(x * mm, (top - height) * mm, width * mm, height * mm, stroke=0, fill=1)
        canvas.setStrokeColor(white)
        canvas.setLineWidth(size * 0.045)
        inset = em * 0.13
        canvas.rect(
            (x + inset) * mm,
            (top - height + inset) * mm,
            (width - 2 * inset) * mm,
            (height - 2 * inset) * mm,
            stroke=1,
            fill=0,
        )
        for index, char in enumerate(text):
            baseline = y + em * (0.4 + 0.9 + 1.08 * index)
            self.text(x + width / 2, baseline, char, size, align="centre", ink=white)
        return width, height

    def stamp(self, x: float, y: float, text: str, size: float) -> float:
        """Draw a framed word with its top left corner at `x`, `y`; give its width in mm."""
        em = size * MM_PER_POINT
        width, height = self.text_width(text, size) + em * 0.6, em * 1.4
        self.canvas.setStrokeColor(INK)
        self.canvas.setLineWidth(size * 0.07)
        self.canvas.rect(x * mm, (self._height - y - height) * mm, width * mm, height * mm)
        self.text(x + width / 2, y + em * 1.07, text, size, align="centre", bold=True)
        return width

    def rule(self, x: float, y: float, width: float, *, thick_thin: bool = True) -> None:
        """Draw a rule with its upper edge at `y`: thick over thin, or one hairline."""
        canvas = self.canvas
        canvas.setFillColor(INK if thick_thin else LINE)
        height = 0.6 if thick_thin else 0.15
        canvas.rect(
            x * mm, (self._height - y - height) * mm, width * mm, height * mm, stroke=0, fill=1
        )
        if thick_thin:
            canvas.rect(
                x * mm, (self._height - y - 1.15) * mm, width * mm, 0.2 * mm, stroke=0, fill=1
            )

    def _shortened(self, text: str, size: float, width: float) -> str:
        if self.text_width(text, size) <= width:
            return text
        while text and self.text_width(text + _ELLIPSIS, size) > width:
            text = text[:-1]
        return text + _ELLIPSIS

    def broken(self, text: str, size: float, width: float, lines: int) -> list[str]:
        """Break `text` into at most `lines` lines of `width` mm; the last may be too long.

        Anywhere, as Chinese breaks, but neither before closing marks nor inside a word or number.
        """
        rows: list[str] = []
        rest = text
        while len(rows) < lines - 1 and self.text_width(rest, size) > width:
            end = len(rest) - 1
            while end > 1 and self.text_width(rest[:end], size) > width:
                end -= 1
            end = _good_break(rest, end)
            rows.append(rest[:end].rstrip())
            rest = rest[end:].lstrip()
        return [*rows, rest]


def _good_break(text: str, end: int) -> int:
    start = end
    while end > 1 and (
        text[end] in "，。、；：）》”%"
        or text[end - 1] in "（《“"
        or (
            text[end].isascii()
            and text[end].isalnum()
            and text[end - 1].isascii()
            and text[end - 1].isalnum()
        )
    ):
        end -= 1
    return end if end > start // 2 else start


def _runs(cells: bytes) -> Iterator[tuple[int, int]]:
    """Give the dark stretches of a row as (first, one behind the last)."""
    return (found.span() for found in _RUN.finditer(cells))
