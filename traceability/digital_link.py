"""GS1 Digital Link URIs of the goods, cases and places that this platform handles.

A subset of "GS1 Digital Link Standard: URI Syntax" 1.6, read strictly: the primary keys GTIN (01,
with the qualifiers CPV 22, lot 10 and serial 21), SSCC (00) and GLN (414, with extension 254),
plus data attributes in the query. A URI with another primary key is refused as
`code_kind_unsupported`, a malformed one as `code_unreadable`, and a wrong check digit as
`check_digit_wrong`. Compressed URIs and the withdrawn convenience names (`/gtin/…`) are refused.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from biip import ParseError
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from foundation.errors import BadInput

CANONICAL_BASE: Final = "https://id.gs1.org"

#: A data attribute or element: application identifier and value, both as text.
Element = tuple[str, str]

_MAX_URI: Final = 2_000
# GS1 General Specifications figure 7.11-1, "AI encodable character set 82"
_SET_82: Final = re.compile(r"[!-\"%-?A-Z_a-z]+")
_URI_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_AUTHORITY: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(?::(?P<port>\d{1,5}))?"
)
_KEYS: Final = frozenset(
    {"00", "01", "253", "255", "401", "402", "414", "415", "417"}
    | {"8003", "8004", "8006", "8010", "8013", "8017", "8018"}
)
_QUALIFIERS: Final[Mapping[str, Sequence[str]]] = {
    "00": (),
    "01": ("22", "10", "21"),
    "414": ("254",),
}
# Qualifiers of GTIN that stand in the path instead of the three above. Not handled.
_FOREIGN_QUALIFIERS: Final = frozenset({"235", "7040"})
_LENGTHS: Final[Mapping[str, tuple[int, str]]] = {
    "gtin": (14, "GTIN"),
    "sscc": (18, "SSCC"),
    "gln": (13, "GLN"),
}
# AIs whose value ends (254: starts) with a check digit over the digits before it
_CHECKED: Final = frozenset({"00", "01", "02", "03", "410", "411", "412", "413", "414", "415"})


class CodeUnreadable(BadInput):
    """The text is no well-formed code."""

    code = "code_unreadable"


class CheckDigitWrong(BadInput):
    """The last digit of a number does not fit the digits before it."""

    code = "check_digit_wrong"


class CodeKindUnsupported(BadInput):
    """A well-formed GS1 code of something that is neither goods, a case nor a place."""

    code = "code_kind_unsupported"


class CodeNotForUri(BadInput):
    """A value that a URI path cannot carry: browsers take `.` and `..` away."""

    code = "code_not_for_uri"


def check_digit(payload: str) -> str:
    """Give the GS1 modulo-10 check digit of `payload` (ASCII digits without the check digit)."""
    weighted = (
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(payload))
    )
    return str(-sum(weighted) % 10)


def check_digit_holds(number: str) -> bool:
    """Say whether `number` is two or more ASCII digits of which the last is the right check."""
    if len(number) < 2 or not _is_digits(number):  # noqa: PLR2004 -- one digit and its check
        return False
    return check_digit(number[:-1]) == number[-1]


def gtin14(number: str) -> str:
    """Give a GTIN-8, -12, -13 or -14 as the 14 digits of AI (01).

    Refused: `code_unreadable` for another length or other characters, `check_digit_wrong`.
    """
    if len(number) not in (8, 12, 13, 14) or not _is_digits(number):
        raise CodeUnreadable(
            "An article number has 8, 12, 13 or 14 digits. Type every digit as printed."
        )
    _must_check(number)
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
    _split(base, whole=False)
    for _ai, value in code.path_elements:
        if value in {".", ".."}:
            raise CodeNotForUri(
                "A lot or serial of nothing but dots cannot be printed as a code. Choose another."
            )
    path = "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in code.path_elements)
    query = "&".join(f"{ai}={quote(value, safe='')}" for ai, value in code.attributes)
    return f"{base}{path}?{query}" if query else base + path


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
    """Read a Digital Link URI of any host, with any path before the primary key.

    Order of qualifiers, lengths, characters and check digits are enforced; a trailing slash, a
    fragment and query parameters that are no application identifiers are let pass; data
    attributes are kept. `short_gtin` also takes a GTIN of 8, 12 or 13 digits, as printed before
    version 1.2 of the standard.
    Refused: `code_unreadable`, `check_digit_wrong`, `code_kind_unsupported`.
    """
    path, query = _split(text, whole=True)
    elements = _path_elements(path)
    key, value = elements[0]
    if key not in _QUALIFIERS:
        raise CodeKindUnsupported(
            "This code names neither goods nor a case. Scan the code on the goods label."
        )
    if key == "01" and short_gtin:
        value = gtin14(value)
    known = dict(elements[1:])
    _must_be_in_order(key, [ai for ai, _value in elements[1:]])
    attributes = _attributes(query, taken={ai for ai, _value in elements}, key=key)
    if key == "00":
        return CaseCode(value, attributes)
    if key == "414":
        return PlaceCode(value, known.get("254"), attributes)
    return ItemCode(value, known.get("10"), known.get("21"), known.get("22"), attributes)


def must_be_element(ai: str, value: str) -> None:
    """Refuse a value that its application identifier does not allow.

    Refused: `code_unreadable` (unknown AI, wrong length, characters or date),
    `check_digit_wrong`.
    """
    try:
        known = GS1ApplicationIdentifier.extract(ai)
    except ParseError as exc:
        raise CodeUnreadable(
            "This code has a part (%(ai)s) that no GS1 standard defines. Scan it again.", ai=ai
        ) from exc
    # `\d` also matches digits of other scripts, hence the ASCII question first
    right = known.ai == ai and value.isascii() and re.fullmatch(known.pattern, ai + value)
    if not right or "\n" in value:
        raise CodeUnreadable(
            "The part (%(ai)s) of this code cannot be right. Scan it again.", ai=ai
        )
    if ai in _CHECKED:
        _must_check(value)


def _split(text: str, *, whole: bool) -> tuple[str, str]:
    """Give path and query of an http(s) URI; `whole` says that both may be there."""
    unreadable = CodeUnreadable("This is no address of goods. Scan the code on the label again.")
    scheme, mark, rest = text.partition("://")
    if len(text) > _MAX_URI or not mark or scheme not in {"http", "https", "HTTP", "HTTPS"}:
        raise unreadable
    if not _URI_CHARACTERS.fullmatch(rest):
        raise unreadable
    before_fragment, hashed, _fragment = rest.partition("#")
    before_query, asked, query = before_fragment.partition("?")
    authority, _slash, path = before_query.partition("/")
    found = _AUTHORITY.fullmatch(authority)
    if not found or int(found["port"] or 0) > 65_535:  # noqa: PLR2004 -- the last TCP port
        raise unreadable
    if not whole and (hashed or asked):
        raise unreadable
    return path, query


def _path_elements(path: str) -> list[Element]:
    """Pair AIs and values, read from the end, until a primary key is met (section 4.11)."""
    parts = path.removesuffix("/").split("/")
    elements: list[Element] = []
    while len(parts) >= 2:  # noqa: PLR2004 -- an AI and its value
        ai, value = parts[-2:]
        if not re.fullmatch(r"\d{2,4}", ai, re.ASCII):
            break
        elements.insert(0, (ai, _decoded(value)))
        if ai in _KEYS:
            return elements
        del parts[-2:]
    raise CodeUnreadable("This address names no goods. Scan the code on the label.")


def _must_be_in_order(key: str, given: Sequence[str]) -> None:
    if any(ai in _FOREIGN_QUALIFIERS for ai in given):
        raise CodeKindUnsupported(
            "This code names neither goods nor a case. Scan the code on the goods label."
        )
    if list(given) != [ai for ai in _QUALIFIERS[key] if ai in given]:
        raise CodeUnreadable(
            "The parts of this code stand in the wrong order. Scan the code on the goods label."
        )


def _attributes(query: str, *, taken: set[str], key: str) -> tuple[Element, ...]:
    """Keep the parameters that are application identifiers; let others pass (section 4.10)."""
    seen = set(taken)
    out: list[Element] = []
    for parameter in query.split("&"):
        ai, has_value, raw = parameter.partition("=")
        if not has_value or not re.fullmatch(r"\d+", ai, re.ASCII):
            continue
        value = _decoded(raw.replace("+", " "))
        path_only = ai in _QUALIFIERS[key] and "235" not in taken
        if ai in seen or path_only:
            raise CodeUnreadable(
                "This code says (%(ai)s) twice or in the wrong place. Scan the goods label.", ai=ai
            )
        must_be_element(ai, value)
        seen.add(ai)
        out.append((ai, value))
    return tuple(out)


def _decoded(part: str) -> str:
    raw = unquote_to_bytes(part)
    if not raw.isascii():
        raise CodeUnreadable(
            "This code has characters that GS1 does not allow. Scan the goods label."
        )
    return raw.decode("ascii")


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _must_check(number: str) -> None:
    if not check_digit_holds(number):
        raise CheckDigitWrong(
            "The last digit of %(number)s does not fit the others. "
            "Scan it again, or type every digit as printed.",
            number=number,
        )


def _must_be_number(name: str, value: str) -> None:
    length, title = _LENGTHS[name]
    if len(value) != length or not _is_digits(value):
        raise CodeUnreadable(
            "A %(title)s has %(length)s digits. Scan it again, or type every digit as printed.",
            title=title,
            length=length,
        )
    _must_check(value)


def _must_be_text(value: str) -> None:
    if not 1 <= len(value) <= 20 or not _SET_82.fullmatch(value):  # noqa: PLR2004 -- X..20
        raise CodeUnreadable(
            "A lot or serial has 1 to 20 Latin letters, digits or marks, and no blank."
        )
