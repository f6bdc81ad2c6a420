"""PDF as labels need it: written from top to bottom, one page after the other, never held whole.

What is the same on every label is one form, drawn once and set by reference; the face is embedded
as the few glyphs that were used (ISO 32000-1, 9.7.4: a CIDFont of type 2). The same calls give the
same bytes: no date, no random id. A file can be left after a page and gone on with later, by
another process, from what `PdfFile.kept` says.
"""

import hashlib
import threading
import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import Any, BinaryIO, Final, NamedTuple

from reportlab.pdfbase.ttfonts import TTFont
from typing_extensions import override

from traceability.labels.drawing import Drawing, Ink, Modules, runs

POINTS_PER_MM: Final = 72 / 25.4
_FONT: Final = "F"
_LEVEL: Final = 6
_CHARS_PER_BLOCK: Final = 100
_CATALOGUE, _PAGES, _FACE, _INFO = 1, 2, 3, 4
_subsetting = threading.Lock()
"""reportlab's reader of faces keeps its place in the file, so one at a time."""


class Kept(NamedTuple):
    """What a half-written file needs to be gone on with; JSON-like."""

    length: int
    offsets: list[int]
    pages: list[int]
    chars: str


class Subset:
    """The glyphs that a document uses, numbered in the order of their first use from 1."""

    def __init__(self, face: TTFont, chars: str = "") -> None:
        self.face = face
        self._cids = {char: number for number, char in enumerate(chars, start=1)}

    @property
    def chars(self) -> str:
        """Every character used, in order of its number."""
        return "".join(self._cids)

    def shown(self, text: str) -> str:
        """Write `text` as a string of two-byte character numbers."""
        cids = self._cids
        return "".join(f"{cids.setdefault(char, len(cids) + 1):04x}" for char in text)

    def width(self, char: str) -> float:
        """Width of a character in thousandths of the size."""
        face: Any = self.face.face
        return float(face.getCharWidth(ord(char)))


class PdfFile:
    """A PDF document in the writing: objects go out as they are made, the table at the end."""

    def __init__(self, out: BinaryIO, *, title: str, kept: Kept | None = None) -> None:
        from traceability.labels.fonts import label_face

        self._out, self._title = out, title
        self._length = kept.length if kept else 0
        self._offsets = list(kept.offsets) if kept else [0] * _INFO
        self._pages = list(kept.pages) if kept else []
        self.subset = Subset(label_face(), kept.chars if kept else "")
        if not kept:
            self._emit(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")

    @property
    def kept(self) -> Kept:
        """Say where the document stands; true after a whole page."""
        return Kept(self._length, list(self._offsets), list(self._pages), self.subset.chars)

    def form(self, width_mm: float, height_mm: float, content: str) -> int:
        """Add a form of this size; give its number, by which pages set it."""
        box = f"{width_mm * POINTS_PER_MM:.2f} {height_mm * POINTS_PER_MM:.2f}"
        return self._stream(
            f"/Type/XObject/Subtype/Form/BBox[0 0 {box}]"
            f"/Resources<</Font<</{_FONT} {_FACE} 0 R>>>>",
            content.encode("ascii"),
        )

    def page(
        self, width_mm: float, height_mm: float, content: str, forms: Iterable[int] = ()
    ) -> None:
        """Add a page; `forms` are what it sets, named /S and their number."""
        body = self._stream("", content.encode("ascii"))
        named = "".join(f"/S{number} {number} 0 R" for number in forms)
        self._pages.append(
            self._object(
                f"<</Type/Page/Parent {_PAGES} 0 R/Contents {body} 0 R"
                f"/MediaBox[0 0 {width_mm * POINTS_PER_MM:.2f} {height_mm * POINTS_PER_MM:.2f}]"
                f"/Resources<</Font<</{_FONT} {_FACE} 0 R>>/XObject<<{named}>>>>>>".encode()
            )
        )

    def finish(self) -> None:
        """Write the face, the list of pages and the table of objects."""
        self._font()
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        self._put(_PAGES, f"<</Type/Pages/Count {len(self._pages)}/Kids[{kids}]>>".encode())
        self._put(
            _CATALOGUE,
            f"<</Type/Catalog/Pages {_PAGES} 0 R/Lang(zh-CN)"
            "/ViewerPreferences<</PrintScaling/None/DisplayDocTitle true>>>>".encode(),
        )
        title = self._title.encode("utf-16-be").hex()
        self._put(_INFO, f"<</Title<feff{title}>>>".encode())
        start, count = self._length, len(self._offsets) + 1
        table = "".join(f"{offset:010d} 00000 n \n" for offset in self._offsets)
        self._emit(
            f"xref\n0 {count}\n0000000000 65535 f \n{table}"
            f"trailer\n<</Size {count}/Root {_CATALOGUE} 0 R/Info {_INFO} 0 R>>\n"
            f"startxref\n{start}\n%%EOF\n".encode()
        )

    def _font(self) -> None:
        """Embed the glyphs that were used, with their widths and what they mean as text."""
        chars = self.subset.chars or " "
        face: Any = self.subset.face.face
        glyphs = [face.charToGlyph.get(ord(char), 0) for char in chars]
        numbers: dict[int, int] = {0: 0}
        for glyph in glyphs:  # as makeSubset numbers them
            numbers.setdefault(glyph, len(numbers))
        with _subsetting:
            outlines = face.makeSubset([ord(char) for char in chars])
        mapped = b"\0\0" + b"".join(numbers[glyph].to_bytes(2, "big") for glyph in glyphs)
        program = self._stream(f"/Length1 {len(outlines)}", outlines)
        to_glyphs = self._stream("", mapped)
        meant = self._stream("", _to_unicode(chars))
        digest = hashlib.sha256(chars.encode()).digest()
        tag = "".join(chr(65 + byte % 26) for byte in digest[:6])
        name = f"{tag}+{''.join(c for c in _name(face) if c.isalnum()) or 'Label'}"
        box = " ".join(f"{edge:.0f}" for edge in face.bbox)
        described = self._object(
            f"<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[{box}]/ItalicAngle 0"
            f"/Ascent {face.ascent:.0f}/Descent {face.descent:.0f}/CapHeight {face.capHeight:.0f}"
            f"/StemV {face.stemV:.0f}/FontFile2 {program} 0 R>>".encode()
        )
        widths = " ".join(f"{self.subset.width(char):g}" for char in chars)
        descendant = self._object(
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}"
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            f"/FontDescriptor {described} 0 R/DW 1000/W[1[{widths}]]"
            f"/CIDToGIDMap {to_glyphs} 0 R>>".encode()
        )
        self._put(
            _FACE,
            f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H"
            f"/DescendantFonts[{descendant} 0 R]/ToUnicode {meant} 0 R>>".encode(),
        )

    def _stream(self, entries: str, data: bytes) -> int:
        packed = zlib.compress(data, _LEVEL)
        head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>\nstream\n".encode()
        return self._object(head + packed + b"\nendstream")

    def _object(self, body: bytes) -> int:
        self._offsets.append(0)
        return self._put(len(self._offsets), body)

    def _put(self, number: int, body: bytes) -> int:
        self._offsets[number - 1] = self._length
        self._emit(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def _emit(self, data: bytes) -> None:
        self._out.write(data)
        self._length += len(data)


def _name(face: Any) -> str:
    name = face.name
    return name.decode("ascii", "ignore") if isinstance(name, bytes) else str(name)


def _to_unicode(chars: str) -> bytes:
    """Say which character each number stands for, so that words can be searched and copied."""
    pairs = [
        f"<{number:04x}> <{char.encode('utf-16-be').hex()}>"
        for number, char in enumerate(chars, start=1)
    ]
    blocks = [
        pairs[start : start + _CHARS_PER_BLOCK] for start in range(0, len(pairs), _CHARS_PER_BLOCK)
    ]
    said = "".join(
        f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar\n" for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{said}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()


class PdfContent(Drawing):
    """The content of a page or of a form, as PDF's operators."""

    def __init__(self, subset: Subset, height_mm: float) -> None:
        super().__init__()
        self._subset, self._height = subset, height_mm
        self._parts: list[str] = []

    @property
    def operators(self) -> str:
        """Give all that was drawn."""
        return "\n".join(self._parts)

    def _up(self, y: float) -> float:
        return (self._height - y) * POINTS_PER_MM

    @override
    def fill(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        self._parts.append(
            f"{_colour(ink)} rg {x * POINTS_PER_MM:.3f} {self._up(y + height):.3f} "
            f"{width * POINTS_PER_MM:.3f} {height * POINTS_PER_MM:.3f} re f"
        )

    @override
    def frame(self, x: float, y: float, width: float, height: float, line: float, ink: Ink) -> None:
        self._parts.append(
            f"{_colour(ink)} RG {line * POINTS_PER_MM:.3f} w "
            f"{x * POINTS_PER_MM:.3f} {self._up(y + height):.3f} "
            f"{width * POINTS_PER_MM:.3f} {height * POINTS_PER_MM:.3f} re S"
        )

    @override
    def glyphs(
        self, x: float, y: float, text: str, size: float, squeeze: float, ink: Ink, *, bold: bool
    ) -> None:
        # the face has one weight: a hair of outline makes the second
        heavy = f"2 Tr {_colour(ink)} RG {size * 0.03:.3f} w " if bold else "0 Tr "
        self._parts.append(
            f"BT {_colour(ink)} rg {heavy}{squeeze * 100:.5g} Tz /{_FONT} {size:.5g} Tf "
            f"{x * POINTS_PER_MM:.3f} {self._up(y):.3f} Td <{self._subset.shown(text)}> Tj ET"
        )

    @override
    def cells(self, x: float, y: float, modules: Modules, module: float, ink: Ink) -> None:
        bottom = y + modules.count * module
        self._parts.append(
            f"{_colour(ink)} rg "
            + placed_cells(x * POINTS_PER_MM, self._up(bottom), modules, module * POINTS_PER_MM)
        )


def placed_cells(left: float, bottom: float, modules: Modules, module: float) -> str:
    """Write a code's dark modules, its lower left corner and module in points."""
    # one unit is one module, y upwards from the lowest row: whole numbers are short and quick
    top = modules.count - 1
    boxes = " ".join(
        [
            f"{start} {top - row} {end - start} 1 re"
            for row, cells in enumerate(modules.rows)
            for start, end in runs(cells)
        ]
    )
    return f"q {module:.5f} 0 0 {module:.5f} {left:.3f} {bottom:.3f} cm {boxes} f Q"


def _colour(ink: Ink) -> str:
    return f"{ink.red / 255:.3g} {ink.green / 255:.3g} {ink.blue / 255:.3g}"


class Page(PdfContent):
    """A PDF document drawn page by page, for what is printed in small numbers."""

    def __init__(self, width_mm: float, height_mm: float, *, title: str) -> None:
        self._out = BytesIO()
        self._file = PdfFile(self._out, title=title)
        super().__init__(self._file.subset, height_mm)
        self._width = width_mm

    def next_page(self) -> None:
        """End the page and begin another."""
        self._file.page(self._width, self._height, self.operators)
        self._parts.clear()

    def finish(self) -> bytes:
        """End the document."""
        self.next_page()
        self._file.finish()
        return self._out.getvalue()
