"""Where labels are on sheets and rolls, and which printer's language they are written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Output = Literal["pdf", "zpl"]
Symbol = Literal["qr", "datamatrix"]

DOT_MM: Final = 0.125
"""Of a printer with 8 dots to the millimetre, which is sold as 203 dpi."""


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Where the labels of a page are; every length in mm.

    `safe_mm` stays empty along every label edge, so that a crooked cut or feed takes nothing
    away; `dot_mm` is the dot of a label printer, whose multiples the modules then are; `slip`
    says that there is room for the county's upright slip. Sizes of type are in points; `text_pt`
    keeps characters at 1.8 mm or more (GB 7718).
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
    output: Output = "pdf"
    symbol: Symbol = "qr"

    @property
    def labels_per_page(self) -> int:
        """Labels on a full page."""
        return self.columns * self.rows


def _roll(  # noqa: PLR0913 -- one row of the table below
    key: str,
    width: float,
    height: float,
    safe: float,
    name_pt: float,
    text_pt: float,
    largest_qr: float,
    *,
    slip: bool = False,
    output: Output = "pdf",
    symbol: Symbol = "qr",
) -> SheetLayout:
    return SheetLayout(
        key, width, height, 1, 1, width, height, 0, 0, 0, safe, name_pt, text_pt, largest_qr,
        slip=slip, dot_mm=DOT_MM, output=output, symbol=symbol,
    )  # fmt: skip


A4_2X7: Final = SheetLayout(
    "a4-2x7", 210, 297, 2, 7, 99.1, 38.1, 4.65, 15.15, 2.6, 3.5, 11, 7, 27, slip=True
)
A4_3X7: Final = SheetLayout(
    "a4-3x7", 210, 297, 3, 7, 63.5, 38.1, 7.25, 15.15, 2.5, 2.5, 9.5, 6.2, 25, slip=True
)
A4_3X8: Final = SheetLayout(
    "a4-3x8", 210, 297, 3, 8, 70, 37, 0, 0.5, 0, 3.5, 9.5, 6.2, 25, slip=True
)
A4_4X12: Final = SheetLayout(
    "a4-4x12", 210, 297, 4, 12, 45.7, 21.2, 9.7, 21.3, 2.6, 1.0, 6.4, 5.2, 18.8
)
A4_5X13: Final = SheetLayout(
    "a4-5x13", 210, 297, 5, 13, 38.1, 21.2, 4.75, 10.7, 2.5, 0.8, 6.0, 5.2, 18.8
)
ROLL_60X40: Final = _roll("roll-60x40", 60, 40, 2.0, 9.0, 6.2, 25, slip=True)
ROLL_40X30: Final = _roll("roll-40x30", 40, 30, 1.2, 6.8, 5.2, 19)
# Receipt printers print 48 of 58 mm and 72 of 80 mm; the rest of the paper stays white
ROLL_58: Final = _roll("roll-58", 58, 40, 5.0, 8.0, 5.6, 23)
ROLL_80: Final = _roll("roll-80", 80, 50, 4.0, 10.5, 7.0, 32, slip=True)
ZPL_60X40: Final = _roll("zpl-60x40", 60, 40, 2.0, 9.0, 6.2, 25, slip=True, output="zpl")
ZPL_40X30: Final = _roll("zpl-40x30", 40, 30, 1.2, 6.8, 5.2, 19, output="zpl")
ZPL_80X50: Final = _roll("zpl-80x50", 80, 50, 3.0, 10.5, 7.0, 32, slip=True, output="zpl")
ZPL_40X20: Final = _roll("zpl-40x20", 40, 20, 1.0, 6.0, 5.2, 16, output="zpl", symbol="datamatrix")

#: Every layout for items and lots, by the key that a form sends.
LAYOUTS: Final[Mapping[str, SheetLayout]] = {
    layout.key: layout
    for layout in (
        A4_3X8, A4_2X7, A4_3X7, A4_4X12, A4_5X13, ROLL_60X40, ROLL_40X30, ROLL_58, ROLL_80,
        ZPL_60X40, ZPL_40X30, ZPL_80X50, ZPL_40X20,
    )
}  # fmt: skip

CASE_PDF: Final = "case-100x150"
CASE_ZPL: Final = "zpl-100x150"
#: How labels of cases are written, by the key that a form sends.
CASE_LAYOUTS: Final[Mapping[str, Output]] = {CASE_PDF: "pdf", CASE_ZPL: "zpl"}


def output_of(key: str) -> Output:
    """Tell whether a layout's file is PDF or ZPL; PDF for one that is not on offer any more."""
    if key in LAYOUTS:
        return LAYOUTS[key].output
    return CASE_LAYOUTS.get(key, "pdf")
