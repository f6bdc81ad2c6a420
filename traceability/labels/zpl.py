"""Labels in ZPL II, the language of most thermal transfer printers, at 8 dots to the millimetre.

Printers seldom have a Chinese face, so all words are drawn here and sent as a graphic (^GF, with
the language's own run lengths); codes (^BQ, ^BX, ^BC) and serials (^A0) are left to the printer,
which draws them on whole dots. Every label is a format of its own, from ^XA to ^XZ: one that is
sent again after a jam needs nothing that was sent before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO, Final, NamedTuple

from PIL import Image, ImageChops

from traceability.digital_link import build_uri
from traceability.labels.bitmap import Bitmap
from traceability.labels.case import (
    BAR_HEIGHT_MM,
    BAR_MODULE_MM,
    HEIGHT_MM,
    WIDTH_MM,
    CaseLabel,
    CaseTexts,
    draw_case,
)
from traceability.labels.case import CHINESE as CASE_CHINESE
from traceability.labels.drawing import MM_PER_POINT, QUIET_MODULES, data_matrix
from traceability.labels.layouts import DOT_MM, SheetLayout
from traceability.labels.sheet import CHINESE, Label, LabelTexts, Spots, code_for, draw_label

DOTS_PER_MM: Final = 8
_EIGHT: Final = 8
_LONGEST_RUN: Final = 400
_TWENTY: Final = 20
_FACE_WIDTH: Final = 0.6
"""Of a digit or capital of the printer's own scalable face, by its height."""


class ZplSheet:
    """A ZPL file in the making; it can be left after any label and gone on with."""

    def __init__(
        self,
        out: BinaryIO,
        layout: SheetLayout,
        *,
        host_base: str,
        texts: LabelTexts = CHINESE,
        length: int = 0,
    ) -> None:
        self._out, self._layout, self._host, self._texts = out, layout, host_base, texts
        self._fixed: dict[tuple[Label, int], _Fixed] = {}
        self.length = length

    def add(self, labels: Iterable[Label]) -> None:
        """Write one format per label. Refused: as by `label_sheet`."""
        for label in labels:
            uri = build_uri(self._host, label.code)
            fixed = self._fixed_for(label, uri)
            parts = [fixed.head, fixed.code, f"^FD{fixed.mark}{_escaped(uri)}^FS"]
            if fixed.spots.serial is not None and label.code.serial is not None:
                spot = fixed.spots.serial
                parts.append(_words(spot.x, spot.y, label.code.serial, spot.size, spot.width))
            data = ("".join(parts) + "^XZ\n").encode("ascii")
            self._out.write(data)
            self.length += len(data)

    def finish(self) -> None:
        """End the file: there is nothing to end."""

    def _fixed_for(self, label: Label, uri: str) -> "_Fixed":
        layout = self._layout
        bare = replace(label, code=replace(label.code, serial=None))
        # a QR code has room for the longest way to encode so many characters
        size_of = len(uri) if layout.symbol == "qr" else data_matrix(uri).count
        if fixed := self._fixed.get((bare, size_of)):
            return fixed
        fit = code_for(layout, uri)
        drawn = Bitmap(layout.label_width_mm, layout.label_height_mm, DOTS_PER_MM, black=True)
        spots = draw_label(drawn, layout, self._texts, label, fit)
        at = f"^FO{_dots(spots.code_x)},{_dots(spots.code_y)}"
        size = round(fit.module / DOT_MM)
        if layout.symbol == "qr":
            code, mark = f"{at}^BQN,2,{size}^FH_", f"{fit.level}A,"
        else:
            code, mark = f"{at}^BXN,{size},200^FH_", ""
        head = _begin(layout.label_width_mm, layout.label_height_mm) + graphic(drawn.dots())
        made = self._fixed[bare, size_of] = _Fixed(head, code, mark, spots)
        return made


class _Fixed(NamedTuple):
    """What all labels of a kind share: graphic, and the command of the code."""

    head: str
    code: str
    mark: str
    spots: Spots


def case_zpl(
    cases: Iterable[CaseLabel], *, host_base: str, texts: CaseTexts = CASE_CHINESE
) -> bytes:
    """Give the labels of cases as ZPL, 100 × 150 mm each. Refused: as by `case_label`."""
    return b"".join(_case(case, build_uri(host_base, case.code), texts) for case in cases)


def _case(case: CaseLabel, uri: str, texts: CaseTexts) -> bytes:
    drawn = Bitmap(WIDTH_MM, HEIGHT_MM, DOTS_PER_MM, black=True)
    spots = draw_case(drawn, case, uri, texts, codes=False)
    quiet = QUIET_MODULES * spots.module
    size = round(spots.module / DOT_MM)
    module, height = round(BAR_MODULE_MM / DOT_MM), _dots(BAR_HEIGHT_MM)
    return (
        f"{_begin(WIDTH_MM, HEIGHT_MM)}{graphic(drawn.dots())}"
        f"^FO{_dots(spots.qr_x + quiet)},{_dots(spots.qr_y + quiet)}"
        f"^BQN,2,{size}^FH_^FD{spots.level}A,{_escaped(uri)}^FS"
        # mode D: the function character and the digits of AI (00) are put in by the printer
        f"^FO{_dots(spots.bars_x)},{_dots(spots.bars_y)}^BY{module}"
        f"^BCN,{height},N,N,N,D^FD(00){case.code.sscc}^FS^XZ\n"
    ).encode("ascii")


def _begin(width_mm: float, height_mm: float) -> str:
    return f"^XA^CI28^PW{_dots(width_mm)}^LL{_dots(height_mm)}^LH0,0"


def _dots(mm: float) -> int:
    return round(mm / DOT_MM)


def _words(x: float, y: float, text: str, size: float, room: float) -> str:
    """Set `text` in the printer's own face with its baseline at `y`, as narrow as it must be."""
    height = round(size * MM_PER_POINT / DOT_MM)
    width = min(height, int(_dots(room) / (len(text) * _FACE_WIDTH)))
    top = _dots(y) - round(height * 0.8)
    return f"^FO{_dots(x)},{top}^A0N,{height},{max(8, width)}^FH_^FD{_escaped(text)}^FS"


def _escaped(text: str) -> str:
    """Write what ZPL would take for a command, and `_` itself, by its number (^FH)."""
    return "".join(
        char if char.isascii() and char.isprintable() and char not in "^~_" else _numbers(char)
        for char in text
    )


def _numbers(char: str) -> str:
    return "".join(f"_{byte:02X}" for byte in char.encode())


def graphic(picture: Image.Image) -> str:
    """Write the black dots of a picture as graphic fields, cut to where there are any.

    ^GFA with the compression of the ZPL II guide: G to Y repeat the next digit 1 to 19 times, g to
    z 20 to 400 times, a comma fills the row with white, a colon repeats the row above.
    """
    box = ImageChops.invert(picture.convert("L")).getbbox()
    if box is None:
        return ""
    left, top = box[0] // _EIGHT * _EIGHT, box[1]
    cut = picture.crop((left, top, box[2], box[3])).convert("1")
    row_bytes = -(-cut.width // _EIGHT)
    wide = Image.new("1", (row_bytes * _EIGHT, cut.height), 1)
    wide.paste(cut, (0, 0))
    raw = bytes(byte ^ 0xFF for byte in wide.tobytes())
    rows = [raw[at : at + row_bytes] for at in range(0, len(raw), row_bytes)]
    return f"^FO{left},{top}^GFA,{len(raw)},{len(raw)},{row_bytes},{''.join(_packed(rows))}^FS"


def _packed(rows: list[bytes]) -> Iterator[str]:
    previous: bytes | None = None
    for row in rows:
        if row == previous:
            yield ":"
        else:
            yield _packed_row(row.hex().upper())
        previous = row


def _packed_row(digits: str) -> str:
    kept = digits.rstrip("0")
    kept += "0" * (len(kept) % 2)
    end = "," if len(kept) < len(digits) else ""
    parts = []
    at = 0
    while at < len(kept):
        until = at
        while until < len(kept) and kept[until] == kept[at] and until - at < _LONGEST_RUN:
            until += 1
        parts.append(_repeated(kept[at], until - at))
        at = until
    return "".join(parts) + end


def _repeated(digit: str, times: int) -> str:
    if times <= 2:  # noqa: PLR2004 -- a count of its own would be no shorter
        return digit * times
    twenties, ones = divmod(times, _TWENTY)
    many = chr(ord("g") + twenties - 1) if twenties else ""
    few = chr(ord("G") + ones - 1) if ones else ""
    return f"{many}{few}{digit}"
