"""Drawing in millimetres from the top left corner, as label layouts are measured.

`Drawing` knows the house look: county names on an upright slip, sections opened by a thick-thin
rule, everything else plain ink on white. It is drawn on a PDF page (`pdf`) or on a printer's dots
(`bitmap`); both draw the same five things: a filled box, a frame, a line of glyphs, a code, bars.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import zxingcpp
from reportlab.pdfbase.ttfonts import TTFont

from foundation.errors import Refused
from traceability.labels.fonts import label_face, must_be_printable


class Ink(NamedTuple):
    """A colour by its parts of 255."""

    red: int
    green: int
    blue: int


INK: Final = Ink(0x1B, 0x25, 0x27)
INK_2: Final = Ink(0x46, 0x53, 0x55)
LINE: Final = Ink(0x80, 0x87, 0x7F)
BRAND: Final = Ink(0x1C, 0x4F, 0x5C)
WHITE: Final = Ink(255, 255, 255)

QUIET_MODULES: Final = 4  # ISO/IEC 18004: four modules on every side
SMALLEST_MODULE_MM: Final = 0.33  # what a phone two hands away still reads from plain paper
EASY_MODULE_MM: Final = 0.4  # two and a third dots of a picture taken or scanned at 150 dpi
MM_PER_POINT: Final = 25.4 / 72
_ELLIPSIS: Final = "…"

_DARK: Final = bytes(1 if grey < 128 else 0 for grey in range(256))  # noqa: PLR2004 -- half grey
_RUN: Final = re.compile(b"\x01+")

Align = Literal["left", "centre", "right"]
Level = Literal["Q", "M", "L"]


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


def data_matrix(text: str) -> Modules:
    """Encode `text` as a Data Matrix (ISO/IEC 16022, ECC 200)."""
    return Modules(
        _dark(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, force_square=True))
    )


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


class Fit(NamedTuple):
    """A QR code that fits its box: its modules, the module's side in mm, its level."""

    modules: Modules
    module: float
    level: Level


def fitting_qr(text: str, box_mm: float, dot_mm: float | None = None) -> Fit:
    """Give the strongest QR code that fits `box_mm` with its quiet zone.

    Strong is no use where modules become hard to tell apart: a weaker code is taken while its
    modules are larger and a stronger one's are under 0.4 mm. The module is at least 0.33 mm, and
    a whole number of printer dots if `dot_mm` is given. Refused: `label_too_small`.
    """
    best: Fit | None = None
    for level in LEVELS:
        modules = qr_modules(text, level)
        module = box_mm / modules.count_with_quiet_zone
        if dot_mm is not None:
            module = dot_mm * int(module / dot_mm + 1e-9)
        if module >= EASY_MODULE_MM:
            return Fit(modules, module, level)
        if best is None or module > best.module:
            best = Fit(modules, module, level)
    if best is None or best.module < SMALLEST_MODULE_MM:
        raise LabelTooSmall(
            "The address of the goods is too long for this label. Choose a larger label."
        )
    return best


def plain(text: str) -> str:
    """Give a text as long that takes as much room as a QR code of `text` can take at the most.

    A printer that encodes by itself may take eight bits for what has a shorter mode.
    """
    return "a" * len(text)


LEVELS: Final[tuple[Level, ...]] = ("Q", "M", "L")


class Drawing(ABC):
    """Something to draw a label on; lengths in mm, `y` counted downwards from the top edge."""

    def __init__(self) -> None:
        self.face: TTFont = label_face()

    @abstractmethod
    def fill(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        """Fill a box."""

    @abstractmethod
    def frame(self, x: float, y: float, width: float, height: float, line: float, ink: Ink) -> None:
        """Draw the outline of a box, its line `line` mm thick."""

    @abstractmethod
    def glyphs(
        self, x: float, y: float, text: str, size: float, squeeze: float, ink: Ink, *, bold: bool
    ) -> None:
        """Set `text` in `size` points with its baseline at `y`, `squeeze` times as wide."""

    @abstractmethod
    def cells(self, x: float, y: float, modules: Modules, module: float, ink: Ink) -> None:
        """Draw the dark modules of a code, without its quiet zone."""

    def text_width(self, text: str, size: float) -> float:
        """Width in mm of `text` set in `size` points."""
        return float(self.face.stringWidth(text, size)) * MM_PER_POINT

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
        ink: Ink = INK,
        least: float = 0.7,
    ) -> None:
        """Set one line with its baseline at `y`; too long, it is squeezed, then shortened.

        `least` is how narrow glyphs may become before an ellipsis replaces the rest. At 0 nothing
        is ever lost: a lot number without its end would be another lot.
        Refused: `label_text_unprintable`.
        """
        must_be_printable(self.face, text)
        natural = self.text_width(text, size)
        squeeze = 1.0
        if width is not None and natural > width:
            text = self._shortened(text, size, width / least) if least else text
            natural = self.text_width(text, size)
            squeeze = min(1.0, width / natural)
        left = x
        if align != "left":
            left = x - natural * squeeze * (0.5 if align == "centre" else 1)
        self.glyphs(left, y, text, size, squeeze, ink, bold=bold)

    def qr(self, x: float, y: float, modules: Modules, module: float, ink: Ink = INK) -> float:
        """Draw a QR code with its quiet zone, top left corner at `x`, `y`; give its side in mm."""
        side = modules.count_with_quiet_zone * module
        self.fill(x, y, side, side, WHITE)
        offset = QUIET_MODULES * module
        self.cells(x + offset, y + offset, modules, module, ink)
        return side

    def bars(self, x: float, y: float, row: bytes, module: float, height: float) -> None:
        """Draw a linear barcode: `row` is one line of modules, `x`, `y` its top left corner."""
        for start, end in runs(row):
            self.fill(x + start * module, y, (end - start) * module, height, INK)

    def slip(self, x: float, y: float, text: str, size: float) -> tuple[float, float]:
        """Draw an upright slip with `text` from top to bottom; give its width and height in mm."""
        em = size * MM_PER_POINT
        width, height = em * 1.5, em * (1.08 * len(text) + 0.8)
        self.fill(x, y, width, height, BRAND)
        inset = em * 0.13
        line = size * 0.045 * MM_PER_POINT
        self.frame(x + inset, y + inset, width - 2 * inset, height - 2 * inset, line, WHITE)
        for index, char in enumerate(text):
            baseline = y + em * (0.4 + 0.9 + 1.08 * index)
            self.text(x + width / 2, baseline, char, size, align="centre", ink=WHITE)
        return width, height

    def stamp(self, x: float, y: float, text: str, size: float) -> float:
        """Draw a framed word with its top left corner at `x`, `y`; give its width in mm."""
        em = size * MM_PER_POINT
        width, height = self.text_width(text, size) + em * 0.6, em * 1.4
        self.frame(x, y, width, height, size * 0.07 * MM_PER_POINT, INK)
        self.text(x + width / 2, y + em * 1.07, text, size, align="centre", bold=True)
        return width

    def rule(self, x: float, y: float, width: float, *, thick_thin: bool = True) -> None:
        """Draw a rule with its upper edge at `y`: thick over thin, or one hairline."""
        if thick_thin:
            self.fill(x, y, width, 0.6, INK)
            self.fill(x, y + 0.95, width, 0.2, INK)
        else:
            self.fill(x, y, width, 0.15, LINE)

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


def runs(cells: bytes) -> Iterator[tuple[int, int]]:
    """Give the dark stretches of a row as (first, one behind the last)."""
    return (found.span() for found in _RUN.finditer(cells))
