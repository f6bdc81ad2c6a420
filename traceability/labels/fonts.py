"""The Chinese face that labels are set in: found on the machine, embedded into every PDF.

reportlab embeds TrueType outlines only (its CID fonts are not embedded, CFF faces are refused),
so the face must be a .ttf or .ttc with Chinese glyphs, such as Debian's fonts-wqy-microhei.
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from foundation.errors import Refused

#: Where systems keep a TrueType face with Chinese glyphs, best first.
KNOWN_PLACES: Final = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc",
    "~/.local/share/fonts/wqy-microhei.ttc",
    "~/.fonts/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/STHeiti Medium.ttc",
    "/Library/Fonts/Arial Unicode.ttf",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simhei.ttf",
)
# Characters that any usable face has: plain text, the counties' names, the demo mark
_PROBE: Final = "产地批次沁陵泽演示0Az"


class LabelFontMissing(Refused):
    """No Chinese TrueType face is on this machine, so no label can be printed."""

    code: ClassVar[str] = "label_font_missing"
    status: ClassVar[int] = 503


class LabelTextUnprintable(Refused):
    """The face has no glyph for a character of a label."""

    code: ClassVar[str] = "label_text_unprintable"


def find_label_font(
    environ: Mapping[str, str] | None = None, places: Iterable[str] = KNOWN_PLACES
) -> Path:
    """Give the path of the face: LABEL_FONT if that is set, else the first known place with one.

    Refused: `label_font_missing`, also when LABEL_FONT names something unusable (a wrong
    setting must show, not be passed over).
    """
    named = (os.environ if environ is None else environ).get("LABEL_FONT")
    for place in [named] if named else places:
        path = Path(place).expanduser()
        if path.is_file() and _face_of(path) is not None:
            return path
    raise LabelFontMissing(
        "No Chinese TrueType font was found on this machine. Install the package "
        "fonts-wqy-microhei, or set LABEL_FONT to the path of a .ttf or .ttc file."
    )


def label_face() -> TTFont:
    """Give the registered face to set labels in. Refused: `label_font_missing`."""
    face = _face_of(find_label_font())
    if face is None:  # pragma: no cover -- the file was readable a line ago
        raise LabelFontMissing("The font of the labels is gone. Install it again.")
    return face


def must_be_printable(face: TTFont, text: str) -> None:
    """Refuse text that the face cannot show. Refused: `label_text_unprintable`."""
    for char in text:
        if ord(char) not in face.face.charToGlyph:
            raise LabelTextUnprintable(
                "The label font cannot print the character %(char)s. Take it out of the name.",
                char=char,
            )


@cache
def _face_of(path: Path) -> TTFont | None:
    """Load and register a face once per process (a quarter of a second); None if unusable."""
    try:
        face = TTFont(f"Label-{path.stem}", str(path), subfontIndex=0)
    except (TTFError, OSError):
        return None
    if any(ord(char) not in face.face.charToGlyph for char in _PROBE):
        return None
    pdfmetrics.registerFont(face)
    return face
