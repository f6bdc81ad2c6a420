"""A label on a printer's dots: what a ZPL file carries as a graphic, and what a page previews."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from typing_extensions import override

from traceability.labels.drawing import MM_PER_POINT, WHITE, Drawing, Ink, Modules, runs
from traceability.labels.fonts import find_label_font

_BLACK: Final = Ink(0, 0, 0)
_DARK: Final = 160
"""A dot is printed when more than a third of it is inked: thin strokes must not break."""


class Bitmap(Drawing):
    """A picture of `width` × `height` mm at so many dots per mm; white until drawn on.

    With `black` every ink but white is black, as a printer has no other.
    """

    def __init__(
        self, width_mm: float, height_mm: float, dots_per_mm: float, *, black: bool = False
    ) -> None:
        super().__init__()
        self._black = black
        self._dots = dots_per_mm
        size = round(width_mm * dots_per_mm), round(height_mm * dots_per_mm)
        self.picture = Image.new("RGB", size, "white")
        self._draw = ImageDraw.Draw(self.picture)
        self._path = str(find_label_font())

    def dots(self) -> Image.Image:
        """Give the picture as black dots on white, nothing between."""
        grey = self.picture.convert("L")
        return grey.point(lambda level: 255 if level >= _DARK else 0).convert("1")

    def png(self) -> bytes:
        """Give the picture as PNG."""
        out = BytesIO()
        self.picture.quantize(32).save(out, "PNG", optimize=True)
        return out.getvalue()

    def _shown(self, ink: Ink) -> Ink:
        return _BLACK if self._black and ink != WHITE else ink

    @override
    def fill(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        ink = self._shown(ink)
        left, top = round(x * self._dots), round(y * self._dots)
        right = max(left + 1, round((x + width) * self._dots))
        bottom = max(top + 1, round((y + height) * self._dots))
        self._draw.rectangle((left, top, right - 1, bottom - 1), ink)

    @override
    def frame(self, x: float, y: float, width: float, height: float, line: float, ink: Ink) -> None:
        ink = self._shown(ink)
        left, top = round(x * self._dots), round(y * self._dots)
        right, bottom = round((x + width) * self._dots), round((y + height) * self._dots)
        self._draw.rectangle(
            (left, top, right, bottom), outline=ink, width=max(1, round(line * self._dots))
        )

    @override
    def glyphs(
        self, x: float, y: float, text: str, size: float, squeeze: float, ink: Ink, *, bold: bool
    ) -> None:
        ink = self._shown(ink)
        em = size * MM_PER_POINT * self._dots
        font = ImageFont.truetype(self._path, em)
        left, baseline = x * self._dots, y * self._dots
        if squeeze == 1:
            for more in range(2 if bold else 1):
                self._draw.text((left + more, baseline), text, ink, font, anchor="ls")
            return
        # set at its natural width, then made narrower
        natural = max(1, round(font.getlength(text)))
        height = round(em * 1.6)
        mask = Image.new("L", (natural + 2, height))
        ImageDraw.Draw(mask).text((0, round(em * 1.1)), text, 255, font, anchor="ls")
        narrow = mask.resize((max(1, round(natural * squeeze)), height))
        self.picture.paste(ink, (round(left), round(baseline) - round(em * 1.1)), narrow)

    @override
    def cells(self, x: float, y: float, modules: Modules, module: float, ink: Ink) -> None:
        step = module * self._dots
        left, top = round(x * self._dots), round(y * self._dots)
        for row, line in enumerate(modules.rows):
            for start, end in runs(line):
                box = (
                    left + round(start * step),
                    top + round(row * step),
                    left + round(end * step) - 1,
                    top + round((row + 1) * step) - 1,
                )
                self._draw.rectangle(box, ink)
