"""The single styled code: an image that a cooperative downloads, and the card beside a shelf.

Drawn from the `qrcode` package's matrix at error correction Q, in the brand's ink, with rounded
modules: round only where nothing dark adjoins, so that the dark area stays what readers expect.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape

import qrcode
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_Q

from foundation.money import yuan
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.drawing import (
    BRAND,
    INK_2,
    MM_PER_POINT,
    QUIET_MODULES,
    SMALLEST_MODULE_MM,
    LabelTooSmall,
    Modules,
)
from traceability.labels.fonts import find_label_font, label_face, must_be_printable
from traceability.labels.pdf import Page
from traceability.labels.sheet import NoLabels

_BRAND: Final = "#1c4f5c"
_INK_2: Final = "#465355"
_SONG: Final = (
    "'Source Han Serif SC','Noto Serif CJK SC','Songti SC','PingFang SC','Microsoft YaHei',serif"
)
_SANS: Final = "'PingFang SC','HarmonyOS Sans SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
_FINDER: Final = 7  # modules on a side of the three corner marks
_ROUND: Final = 0.42  # of a module
_FOOT: Final = 9.0  # modules of height for title and caption
SCAN_CAPTION: Final = "扫码看来路"
DEMO_MARK: Final = "演示"

CARD_WIDTH_MM: Final = 105.0
CARD_HEIGHT_MM: Final = 74.0


@dataclass(frozen=True, slots=True)
class _Cell:
    """One dark module and which of its corners are round: clockwise from the top left."""

    x: int
    y: int
    corners: tuple[bool, bool, bool, bool]


def styled_qr_svg(uri: str, *, title: str, caption: str = SCAN_CAPTION, demo: bool = False) -> str:
    """Give the styled code of `uri` as one SVG document, with `title` and `caption` below it.

    Presentation attributes only, so it may stand in a page under a strict content policy.
    """
    modules = _matrix(uri)
    side = modules.count_with_quiet_zone
    words = _caption(caption, demo=demo)
    shapes = "".join(_cell_path(cell) for cell in _cells(modules))
    finders = "".join(_finder_path(x, y) for x, y in _finders(modules.count))
    middle = side / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side + _FOOT:g}" '
        f'role="img" aria-label="{escape(f"{title} {words}", {chr(34): "&quot;"})}">'
        f'<rect width="{side}" height="{side + _FOOT:g}" rx="2" fill="#fff"/>'
        f'<path fill="{_BRAND}" fill-rule="evenodd" d="{finders}{shapes}"/>'
        f'<text x="{middle:g}" y="{side + 2.2:g}" font-family="{_SONG}" '
        f'font-size="{_em(title, side - 4, 3.4):.3g}" font-weight="700" text-anchor="middle" '
        f'fill="{_BRAND}">{escape(title)}</text>'
        f'<text x="{middle:g}" y="{side + 6.2:g}" font-family="{_SANS}" '
        f'font-size="{_em(words, side - 4, 2.3):.3g}" text-anchor="middle" '
        f'fill="{_INK_2}">{escape(words)}</text></svg>'
    )


def styled_qr_png(
    uri: str, *, title: str, caption: str = SCAN_CAPTION, demo: bool = False, width_px: int = 1000
) -> bytes:
    """Give the same picture as PNG, about `width_px` wide (200 to 4,000), at 300 dpi.

    Refused: `label_font_missing`, `label_text_unprintable`, `label_too_small` when a module would
    be smaller than four pixels.
    """
    modules = _matrix(uri)
    side = modules.count_with_quiet_zone
    pixel = min(width_px, 4_000) // side
    if pixel < 4:  # noqa: PLR2004 -- rounding is lost below four pixels
        raise LabelTooSmall("This picture is too small for the code. Choose a larger one.")
    words = _caption(caption, demo=demo)
    must_be_printable(label_face(), title + words)
    # drawn larger, then averaged: smooth edges, and Pillow rounds no square under 19 pixels
    finer = max(2, -(-24 // pixel))
    scale = pixel * finer
    picture = Image.new("RGB", (side * scale, round((side + _FOOT) * scale)), "white")
    draw = ImageDraw.Draw(picture)
    for x, y in _finders(modules.count):
        _draw_finder(draw, x, y, scale)
    for cell in _cells(modules):
        left, top = (cell.x + QUIET_MODULES) * scale, (cell.y + QUIET_MODULES) * scale
        box = (left, top, left + scale - 1, top + scale - 1)
        if any(cell.corners):
            draw.rounded_rectangle(box, scale * _ROUND, _BRAND, corners=cell.corners)
        else:
            draw.rectangle(box, _BRAND)
    path = str(find_label_font())
    for text, below, size, ink in ((title, 2.2, 3.4, _BRAND), (words, 6.2, 2.3, _INK_2)):
        font = ImageFont.truetype(path, round(_em(text, side - 4, size) * scale))
        draw.text((side * scale / 2, (side + below) * scale), text, ink, font, anchor="ms")
    out = BytesIO()
    small = picture.reduce(finer)
    small.quantize(64).save(out, "PNG", optimize=True, dpi=(300, 300))
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class ShelfCard:
    """What the card at a shelf says. `code` mostly has a GTIN only: it is for every lot.

    `price_fen` is per `price_unit` (瓶); `unit_price` is a finished text such as ¥13.60/100克.
    """

    code: ItemCode
    product_name: str
    spec: str
    origin: str
    county: str
    producer: str
    price_fen: int | None = None
    price_unit: str = ""
    unit_price: str = ""
    demo: bool = False


def shelf_card(
    *cards: ShelfCard,
    host_base: str,
    caption: str = SCAN_CAPTION,
    demo_mark: str = DEMO_MARK,
) -> bytes:
    """Give a PDF with one 105 × 74 mm card (A7) per page, the same bytes for the same input.

    Refused: `no_labels` (no card), `label_too_small`, `label_font_missing`,
    `label_text_unprintable`.
    """
    if not cards:
        raise NoLabels("Choose at least one product to print a card for.")
    page = Page(CARD_WIDTH_MM, CARD_HEIGHT_MM, title=cards[0].product_name)
    for index, card in enumerate(cards):
        if index:
            page.next_page()
        _draw_card(page, card, build_uri(host_base, card.code), caption, demo_mark)
    return page.finish()


def _draw_card(page: Page, card: ShelfCard, uri: str, caption: str, demo_mark: str) -> None:
    safe, qr_box = 5.0, 36.0
    right = CARD_WIDTH_MM - safe
    page.rule(safe, safe, CARD_WIDTH_MM - 2 * safe)
    left = safe
    if card.county:
        width, _height = page.slip(safe, 10, card.county, 15)
        left += width + 4
    room = right - left
    if card.demo:
        mark = page.text_width(demo_mark, 10) + 10 * MM_PER_POINT * 0.6
        page.stamp(right - mark, 9.6, demo_mark, 10)
        room -= mark + 3
    names = page.broken(card.product_name, 17, room, 2)
    for row, name in enumerate(names):
        page.text(left, 16 + row * 8, name, 17, width=room, bold=True)
    modules = _matrix(uri)
    module = qr_box / modules.count_with_quiet_zone
    if module < SMALLEST_MODULE_MM:
        raise LabelTooSmall("The address of the goods is too long for this card.")
    code_left, code_top = right - qr_box + 2, CARD_HEIGHT_MM - safe - qr_box - 3
    page.qr(code_left, code_top, modules, module, ink=BRAND)
    page.text(
        code_left + qr_box / 2, CARD_HEIGHT_MM - safe - 0.6, caption, 9.5, align="centre", ink=BRAND
    )
    words = code_left - left
    y = 40.0
    if card.price_fen is not None:
        price = f"¥{yuan(card.price_fen)}"
        page.text(left, y, price, 24, bold=True, width=words)
        after = left + page.text_width(price, 24) + 1.5
        if card.price_unit and after < code_left:
            page.text(after, y, f"/{card.price_unit}", 11, width=code_left - after)
        if card.unit_price:
            page.text(left, y + 6, card.unit_price, 8.5, ink=INK_2, width=words)
    bottom = CARD_HEIGHT_MM - safe - 0.6
    for row, text in enumerate((card.producer, card.origin, card.spec)):
        page.text(left, bottom - row * 5.2, text, 8.5, width=words, least=0.55)


def _matrix(uri: str) -> Modules:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    code.add_data(uri)
    code.make(fit=True)
    return Modules(tuple(bytes(1 if dark else 0 for dark in row) for row in code.get_matrix()))


def _finders(count: int) -> tuple[tuple[int, int], ...]:
    return ((0, 0), (count - _FINDER, 0), (0, count - _FINDER))


def _cells(modules: Modules) -> Iterator[_Cell]:
    """Give every dark module outside the corner marks."""
    last = modules.count - 1

    def dark(x: int, y: int) -> bool:
        return 0 <= x <= last and 0 <= y <= last and bool(modules.rows[y][x])

    for y, row in enumerate(modules.rows):
        for x, is_dark in enumerate(row):
            in_mark = (x < _FINDER and (y < _FINDER or y > last - _FINDER)) or (
                x > last - _FINDER and y < _FINDER
            )
            if is_dark and not in_mark:
                left, right = dark(x - 1, y), dark(x + 1, y)
                above, below = dark(x, y - 1), dark(x, y + 1)
                yield _Cell(
                    x,
                    y,
                    (
                        not (left or above),
                        not (right or above),
                        not (right or below),
                        not (left or below),
                    ),
                )


def _cell_path(cell: _Cell) -> str:
    x, y = cell.x + QUIET_MODULES, cell.y + QUIET_MODULES
    return _round_path(x, y, 1, tuple(_ROUND if corner else 0 for corner in cell.corners))


def _finder_path(x: int, y: int) -> str:
    x, y = x + QUIET_MODULES, y + QUIET_MODULES
    rings = ((0, 7, 1.6), (1, 5, 0.9), (2, 3, 0.9))
    return "".join(_round_path(x + d, y + d, side, (radius,) * 4) for d, side, radius in rings)


def _round_path(x: float, y: float, side: float, radii: tuple[float, ...]) -> str:
    """Give the outline of a square with its corners (from top left, clockwise) rounded."""
    a, b, c, d = radii
    right, bottom = x + side, y + side

    def arc(radius: float, to_x: float, to_y: float) -> str:
        return f"A{radius:g} {radius:g} 0 0 1 {to_x:g} {to_y:g}" if radius else ""

    return (
        f"M{x + a:g} {y:g}H{right - b:g}{arc(b, right, y + b)}V{bottom - c:g}"
        f"{arc(c, right - c, bottom)}H{x + d:g}{arc(d, x, bottom - d)}V{y + a:g}"
        f"{arc(a, x + a, y)}Z"
    )


def _draw_finder(draw: ImageDraw.ImageDraw, x: int, y: int, scale: int) -> None:
    x, y = x + QUIET_MODULES, y + QUIET_MODULES
    for inset, side, radius, ink in (
        (0, 7, 1.6, _BRAND),
        (1, 5, 0.9, "white"),
        (2, 3, 0.9, _BRAND),
    ):
        box = (
            (x + inset) * scale,
            (y + inset) * scale,
            (x + inset + side) * scale - 1,
            (y + inset + side) * scale - 1,
        )
        draw.rounded_rectangle(box, radius * scale, ink)


def _caption(caption: str, *, demo: bool) -> str:
    return f"{caption} · {DEMO_MARK}" if demo else caption


def _em(text: str, width: float, largest: float) -> float:
    """Give the size at which `text` fits `width`: Chinese is one em wide, the rest about 0.6."""
    ems = sum(0.6 if char.isascii() else 1.0 for char in text) or 1.0
    return min(largest, width / ems)
