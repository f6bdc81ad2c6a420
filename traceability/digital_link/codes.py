"""Goods, cases and places as this platform handles them, and their Digital Link URIs."""

import re
from dataclasses import dataclass, field
from typing import Final

from traceability.digital_link.check_digits import is_digits
from traceability.digital_link.identifiers import Element, must_check
from traceability.digital_link.refusals import CodeKindUnsupported, CodeUnreadable
from traceability.digital_link.uri import (
    CANONICAL_BASE,
    DigitalLink,
    Leniency,
    read_uri,
    split_uri,
    write_uri,
)

_TEXT: Final = re.compile(r"[!-\"%-?A-Z_a-z]{1,20}")
_LENGTHS: Final = {"gtin": (14, "GTIN"), "sscc": (18, "SSCC"), "gln": (13, "GLN")}


def gtin14(number: str) -> str:
    """Give a GTIN-8, -12, -13 or -14 as the 14 digits of AI (01).

    Refused: `code_unreadable` for another length or other characters, `check_digit_wrong`.
    """
    if len(number) not in (8, 12, 13, 14) or not is_digits(number):
        raise CodeUnreadable(
            "An article number has 8, 12, 13 or 14 digits. Type every digit as printed."
        )
    must_check(number)
    return number.zfill(14)


@dataclass(frozen=True, slots=True)
class ItemCode:
    """A trade item, one of its lots or one of its units.

    `gtin` is 14 digits with a right check digit; `lot`, `serial` and `variant` (CPV, AI 22) are 1
    to 20 characters of GS1 set 82. `attributes` are data that a URI carries in its query, in the
    order they were read, such as `("17", "271231")`; they are no part of the identity and are
    left out of comparisons. Refused: `code_unreadable`, `check_digit_wrong`.
    """

    gtin: str
    lot: str | None = None
    serial: str | None = None
    variant: str | None = None
    attributes: tuple[Element, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        _must_be_number("gtin", self.gtin)
        for value in (self.lot, self.serial, self.variant):
            if value is not None:
                _must_be_text(value)

    @property
    def path_elements(self) -> tuple[Element, ...]:
        """Primary key and qualifiers in the order of the URI path."""
        every = (("01", self.gtin), ("22", self.variant), ("10", self.lot), ("21", self.serial))
        return tuple((ai, value) for ai, value in every if value is not None)


@dataclass(frozen=True, slots=True)
class CaseCode:
    """A logistic unit: `sscc` is 18 digits with a right check digit.

    `attributes` as in `ItemCode`, for example what is inside: `(("02", gtin14), ("37", "24"))`.
    Refused: `code_unreadable`, `check_digit_wrong`.
    """

    sscc: str
    attributes: tuple[Element, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        _must_be_number("sscc", self.sscc)

    @property
    def path_elements(self) -> tuple[Element, ...]:
        """The primary key."""
        return (("00", self.sscc),)


@dataclass(frozen=True, slots=True)
class PlaceCode:
    """A place: `gln` is 13 digits with a right check digit, `extension` (AI 254) names a part.

    `attributes` as in `ItemCode`. Refused: `code_unreadable`, `check_digit_wrong`.
    """

    gln: str
    extension: str | None = None
    attributes: tuple[Element, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        _must_be_number("gln", self.gln)
        if self.extension is not None:
            _must_be_text(self.extension)

    @property
    def path_elements(self) -> tuple[Element, ...]:
        """Primary key and extension in the order of the URI path."""
        return (("414", self.gln), *((("254", self.extension),) if self.extension else ()))


Code = ItemCode | CaseCode | PlaceCode


def build_uri(host_base: str, code: Code) -> str:
    """Give the Digital Link URI of `code` at `host_base`, with its attributes as the query.

    `host_base` is `https://HOST` or `https://HOST/some/prefix`. Everything but RFC 3986's
    unreserved characters is percent-encoded, in capitals, so that `%2F` in a lot survives.
    Refused: `code_not_for_uri` when a lot, serial or extension is `.` or `..`; `code_unreadable`
    when `host_base` is no base.
    """
    base = host_base.rstrip("/")
    split_uri(base, whole=False)
    return write_uri(base, code.path_elements, code.attributes)


def canonical_uri(code: Code) -> str:
    """Give the one URI under `https://id.gs1.org` that events name this thing by.

    CBV 2.0 section 8: an instance is GTIN and serial (a serial is unique within its GTIN, so lot
    and variant stay out), a class is GTIN and lot, or GTIN alone; no data attributes.
    """
    match code:
        case ItemCode(gtin=gtin, serial=str() as serial):
            return build_uri(CANONICAL_BASE, ItemCode(gtin, serial=serial))
        case ItemCode(gtin=gtin, lot=lot):
            return build_uri(CANONICAL_BASE, ItemCode(gtin, lot))
        case CaseCode(sscc=sscc):
            return build_uri(CANONICAL_BASE, CaseCode(sscc))
        case PlaceCode(gln=gln, extension=extension):
            return build_uri(CANONICAL_BASE, PlaceCode(gln, extension))


def parse_uri(text: str, *, short_gtin: bool = False) -> Code:
    """Read the Digital Link URI of goods, a case or a place, as a resolver does.

    As `uri.read_uri`, but for a trailing slash, which is let pass, and for identifiers that need
    or exclude each other: a scan page shows what the key names, whatever else a label says.
    Refused: `code_unreadable`, `check_digit_wrong`, `code_kind_unsupported` (another primary
    key, or a third party's extension of a GTIN).
    """
    allow = _AS_PRINTED_BEFORE if short_gtin else _AS_RESOLVERS_DO
    return code_of(read_uri(text, allow, together=False))


def code_of(link: DigitalLink) -> Code:
    """Give what `link` names, if it is one of ours; refused: `code_kind_unsupported`."""
    known = dict(link.path)
    if link.key == "01" and "235" not in known:
        return ItemCode(
            known["01"], known.get("10"), known.get("21"), known.get("22"), link.attributes
        )
    if link.key == "00":
        return CaseCode(known["00"], link.attributes)
    if link.key == "414" and "7040" not in known:
        return PlaceCode(known["414"], known.get("254"), link.attributes)
    raise CodeKindUnsupported(
        "This code names neither goods nor a case. Scan the code on the goods label."
    )


_AS_RESOLVERS_DO: Final = Leniency(trailing_slash=True)
_AS_PRINTED_BEFORE: Final = Leniency(trailing_slash=True, short_gtin=True)


def _must_be_number(name: str, value: str) -> None:
    length, title = _LENGTHS[name]
    if len(value) != length or not is_digits(value):
        raise CodeUnreadable(
            "A %(title)s has %(length)s digits. Scan it again, or type every digit as printed.",
            title=title,
            length=length,
        )
    must_check(value)


def _must_be_text(value: str) -> None:
    if not _TEXT.fullmatch(value):
        raise CodeUnreadable(
            "A lot or serial has 1 to 20 Latin letters, digits or marks, and no blank."
        )
