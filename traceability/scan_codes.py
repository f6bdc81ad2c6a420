"""What a gun scanner, a camera or a person's fingers bring: one reading for every kind of code.

Takes GS1 Digital Link addresses, GS1 element strings (GS1-128, DataMatrix, DataBar; with or
without symbology prefix, with FNC1 as ASCII 29 or as the marks that scanners type instead, or
bracketed as printed), EAN-13, EAN-8, UPC-A, UPC-E, GTIN-14, SSCC, and a shop's own in-store
codes. It is strict: an element of open length must end where it should, an AI may not come twice
with two values, dates exist, check digits hold.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Self

from foundation.errors import BadInput
from traceability.digital_link import (
    CaseCode,
    CodeUnreadable,
    Element,
    ItemCode,
    PlaceCode,
    check_digit_holds,
    gtin14,
    must_be_element,
    parse_uri,
)
from traceability.digital_link.identifiers import AI_LENGTHS, IDENTIFIERS

FNC1: Final = "\x1d"
_MAX_TEXT: Final = 2_000
# What scanners and drivers type where FNC1 stood; none of them is in GS1's set 82
_TYPED_FNC1: Final = str.maketrans(dict.fromkeys("\u241d^|~", FNC1))
_FULL_WIDTH: Final[dict[int, int | str]] = {
    **{0xFF01 + i: 0x21 + i for i in range(94)},
    0x3000: " ",
    # A scanner typing through a Chinese input method turns these two around
    ord("。"): ".",
    ord("、"): "/",
}
_EDGES: Final = " \t\r\n\x00\x02\x03\x04\ufeff\u200b\u200e\u200f"
_SYMBOLOGY: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_GS1_SYMBOLOGIES: Final = frozenset({"]C1", "]e0", "]d2", "]Q3", "]J1"})
_EAN_8: Final = "]E4"
_ADDRESS_WITHOUT_SCHEME: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?/(?:[^?#]*/)?(?:01/\d{14}|00/\d{18})(?:[/?#].*)?"
)
_BRACKETED: Final = re.compile(r"(?<!\\)\((\d{2,4})\)")


class CodeContradictory(BadInput):
    """The code names two different things."""

    code = "code_contradictory"


class CodeIncomplete(BadInput):
    """The code has a lot, a serial or a date, but does not say of what."""

    code = "code_incomplete"


class CodeNotOfGoods(BadInput):
    """A readable code of something else: a web page, a place, a document."""

    code = "code_not_of_goods"


class ScannedKind(StrEnum):
    """What a code names; equal to its plain text."""

    ITEM = "item"
    LOT = "lot"
    TRADE_ITEM = "trade_item"
    CASE = "case"
    IN_STORE = "in_store"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one scan says.

    `text` is the reading after clean-up. Item, lot and trade item have `gtin` (14 digits); an
    item has `serial` and mostly `lot`; a case has `sscc` (18 digits); an in-store code has only
    `in_store_code` (8, 12, 13 or 14 digits). `best_before` is AI (15), else (17). `attributes` are
    the other application identifiers as they came.
    """

    kind: ScannedKind
    text: str
    gtin: str | None = None
    lot: str | None = None
    serial: str | None = None
    sscc: str | None = None
    in_store_code: str | None = None
    best_before: date | None = None
    attributes: tuple[Element, ...] = ()

    @classmethod
    def of(cls, text: str, code: ItemCode | CaseCode) -> Self:
        """Say what a parsed code names."""
        best_before = _best_before(code.attributes)
        if isinstance(code, CaseCode):
            return cls(
                ScannedKind.CASE,
                text,
                sscc=code.sscc,
                best_before=best_before,
                attributes=code.attributes,
            )
        kind = ScannedKind.TRADE_ITEM
        if code.serial is not None:
            kind = ScannedKind.ITEM
        elif code.lot is not None:
            kind = ScannedKind.LOT
        return cls(
            kind,
            text,
            gtin=code.gtin,
            lot=code.lot,
            serial=code.serial,
            best_before=best_before,
            attributes=code.attributes,
        )

    @property
    def code(self) -> ItemCode | CaseCode | None:
        """The Digital Link code of it; None for an in-store code."""
        if self.sscc is not None:
            return CaseCode(self.sscc, self.attributes)
        if self.gtin is not None:
            return ItemCode(self.gtin, self.lot, self.serial, attributes=self.attributes)
        return None


def read_code(text: str) -> Scanned:
    """Read whatever a scanner, a camera or a person typed.

    Surrounding blanks, line ends and full-width characters are put right first.
    Refused: `code_unreadable`, `check_digit_wrong`, `code_contradictory`, `code_incomplete`,
    `code_not_of_goods` (a web page or a place), `code_kind_unsupported`.
    """
    clean = _cleaned(text)
    found = _SYMBOLOGY.match(clean)
    symbology = found[0] if found else None
    rest = clean[3:].strip(_EDGES) if symbology else clean
    if "://" in rest[:10]:
        return _from_address(rest, rest)
    if symbology in _GS1_SYMBOLOGIES:
        return _from_elements(rest, _split_elements(rest))
    if rest.isdigit() and (by_count := _from_digits(rest, symbology)):
        return by_count
    if _BRACKETED.match(rest):
        return _from_elements(rest, split_brackets(rest))
    if _ADDRESS_WITHOUT_SCHEME.fullmatch(rest):
        return _from_address(rest, f"https://{rest}")
    if re.match(r"[\x1d^|~]|0[01]\d{14}|02\d{14}", rest):
        return _from_elements(rest, _split_elements(rest))
    raise _unreadable()


def _cleaned(text: str) -> str:
    clean = text[: _MAX_TEXT + 1].translate(_FULL_WIDTH).strip(_EDGES)
    if not clean:
        raise CodeUnreadable("There is no code. Scan one, or type the digits below the bars.")
    if len(clean) > _MAX_TEXT or not clean.replace(FNC1, "").replace("\u241d", "").isascii():
        raise _unreadable()
    if any(ord(char) < ord(" ") and char != FNC1 for char in clean):
        raise _unreadable()
    return clean


def _unreadable() -> CodeUnreadable:
    return CodeUnreadable(
        "This code cannot be read. Scan it again, or type the digits below the bars."
    )


def _from_address(text: str, uri: str) -> Scanned:
    scheme, _mark, rest = uri.partition("://")
    try:
        code = parse_uri(f"{scheme.lower()}://{rest}", short_gtin=True)
    except CodeUnreadable as exc:
        if re.search(r"/0[01]/\d{8}", rest):  # meant as goods, written wrong: say what is wrong
            raise
        raise CodeNotOfGoods(
            "This code opens a web page and names no goods. Scan the code on the goods label."
        ) from exc
    if isinstance(code, PlaceCode):
        raise _names_a_place()
    return Scanned.of(text, code)


def _names_a_place() -> CodeNotOfGoods:
    return CodeNotOfGoods("This code names a place, not goods. Scan the code on the goods label.")


def _from_digits(digits: str, symbology: str | None) -> Scanned | None:
    """Read bare digits; None when their count fits element strings only."""
    match len(digits):
        case 8 if symbology != _EAN_8 and digits[0] in "01" and _upc_a(digits):
            return _trade_item(digits, _upc_a(digits))
        case 8 | 12 | 13 | 14:
            return _trade_item(digits, digits)
        case 18:
            return Scanned.of(digits, CaseCode(digits))
        case 20 if digits.startswith("00"):
            return Scanned.of(digits, CaseCode(digits[2:]))
    return None


def _trade_item(text: str, number: str) -> Scanned:
    gtin = gtin14(number)
    if _is_in_store(number):
        return Scanned(ScannedKind.IN_STORE, text, in_store_code=number)
    return Scanned(ScannedKind.TRADE_ITEM, text, gtin=gtin)


def _is_in_store(number: str) -> bool:
    """Say whether a number is for circulation inside one shop or region only.

    GB 12904 gives a shop 20 to 24; GS1 General Specifications 1.4.3 keep all of 02, 04 and 20 to
    29 from trade items, and 0 and 2 of the eight-digit numbers.
    """
    match len(number):
        case 8:
            return number[0] in "02"
        case 12:
            return number[0] in "24"
        case 13:
            return number[0] == "2" or number[:2] in {"02", "04"}
        case 14:
            return number[0] == "0" and _is_in_store(number[1:])
    return False


def _upc_a(upc_e: str) -> str:
    """Expand UPC-E (number system, six digits, check) to UPC-A; empty when its check fails."""
    system, body, check = upc_e[0], upc_e[1:7], upc_e[7]
    last = body[5]
    if last in "012":
        middle = f"{body[:2]}{last}0000{body[2:5]}"
    elif last == "3":
        middle = f"{body[:3]}00000{body[3:5]}"
    elif last == "4":
        middle = f"{body[:4]}00000{body[4]}"
    else:
        middle = f"{body[:5]}0000{last}"
    upc_a = system + middle + check
    return upc_a if check_digit_holds(upc_a) else ""


def _split_elements(text: str) -> list[Element]:
    """Split a GS1 element string (General Specifications 7.8)."""
    rest = text.translate(_TYPED_FNC1).strip(FNC1)
    elements: list[Element] = []
    while rest:
        known = IDENTIFIERS.get(rest[: AI_LENGTHS.get(rest[:2], 2)])
        if known is None:
            raise _unreadable()
        value = rest[len(known.ai) :].split(FNC1, maxsplit=1)[0]
        if known.fixed:
            found = known.pattern.match(value)
            if not found:
                raise _unreadable()
            value = found[0]
        must_be_element(known.ai, value)
        elements.append((known.ai, value))
        rest = rest[len(known.ai) + len(value) :].lstrip(FNC1)
    return elements


def split_brackets(text: str) -> list[Element]:
    r"""Split `(01)...(10)...` as people read it off a label; a bracket within a value is `\\(`.

    Refused: `code_unreadable`, `check_digit_wrong`.
    """
    parts = _BRACKETED.split(text)
    if parts[0]:
        raise _unreadable()
    elements = [
        (ai, value.strip().replace("\\(", "("))
        for ai, value in zip(parts[1::2], parts[2::2], strict=True)
    ]
    for ai, value in elements:
        must_be_element(ai, value)
    return elements


def _from_elements(text: str, elements: list[Element]) -> Scanned:
    by_ai: dict[str, str] = {}
    for ai, value in elements:
        if by_ai.setdefault(ai, value) != value:
            raise CodeContradictory(
                "This code says (%(ai)s) twice with two values. Scan another label of the goods.",
                ai=ai,
            )
    sscc, gtin = by_ai.pop("00", None), by_ai.pop("01", None)
    if sscc and gtin:
        raise CodeContradictory(
            "This code names a case and an article at once. Scan another label of the goods."
        )
    if sscc:
        return Scanned.of(text, CaseCode(sscc, tuple(by_ai.items())))
    if gtin:
        lot, serial, variant = by_ai.pop("10", None), by_ai.pop("21", None), by_ai.pop("22", None)
        return Scanned.of(text, ItemCode(gtin, lot, serial, variant, tuple(by_ai.items())))
    if "414" in by_ai:
        raise _names_a_place()
    raise CodeIncomplete(
        "This code has no article number. Scan the code that begins with (01) or (00)."
    )


def _best_before(attributes: tuple[Element, ...]) -> date | None:
    known = dict(attributes)
    value = known.get("15") or known.get("17")
    if value is None:
        return None
    # Food in this ledger was made after 2000; a sliding century would need a clock
    year, month, day = 2000 + int(value[:2]), int(value[2:4]), int(value[4:])
    try:
        last = calendar.monthrange(year, month)[1]
        return date(year, month, day or last)
    except ValueError as exc:
        raise CodeUnreadable(
            "The best-before date in this code does not exist. Scan another label of the goods."
        ) from exc
