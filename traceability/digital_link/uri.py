"""Digital Link URIs with any primary key: read strictly, written in one way.

GS1 Digital Link Standard: URI Syntax 1.7. A URI is read from the end of its path to the rightmost
primary key (4.11); qualifiers stand in their order (4.9), data attributes in the query (4.10),
each identifier once. Values keep their characters through percent-encoding (4.2). Convenience
names such as `/gtin/` were withdrawn in version 1.3 and are read only on demand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from traceability.digital_link.check_digits import is_digits
from traceability.digital_link.identifiers import (
    AI_LENGTHS,
    IDENTIFIERS,
    KEYS,
    Element,
    Identifier,
    must_be_element,
    must_go_together,
    path_rows,
)
from traceability.digital_link.refusals import CodeNotForUri, CodeUnreadable

CANONICAL_BASE: Final = "https://id.gs1.org"

MAX_URI: Final = 8_000
_MAX_PARTS: Final = 64
_URI_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_AUTHORITY: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9.])?)(?::(?P<port>\d{1,5}))?"
)
_AI: Final = re.compile(r"\d{2,4}", re.ASCII)
_ANY_VALUE: Final = re.compile(r"[!-\"%-?A-Z_a-z]{1,90}")
_SHORT_GTINS: Final = (8, 12, 13)

#: Names that versions 1.0 and 1.1 let stand for identifiers.
CONVENIENCE_NAMES: Final = dict(
    zip(
        (
            *("cpid", "cpsn", "cpv", "gcn", "gdti", "giai", "ginc", "gln", "glnx", "gmn", "grai"),
            *("gsin", "gsrn", "gsrnp", "gtin", "itip", "lot", "party", "refno", "ser", "srin"),
            "sscc",
        ),
        (
            *("8010", "8011", "22", "255", "253", "8004", "401", "414", "254", "8013", "8003"),
            *("402", "8018", "8017", "01", "8006", "10", "417", "8020", "21", "8019"),
            "00",
        ),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Leniency:
    """What a reader lets pass beyond the standard; nothing by default.

    `short_gtin`: a GTIN of 8, 12 or 13 digits in AI (01), as printed before version 1.2.
    `trailing_slash`: one slash after the last value (a resolver should bear it, Resolver 2.13).
    `names`: the withdrawn convenience names. `unknown`: attributes that no standard defines.
    """

    short_gtin: bool = False
    trailing_slash: bool = False
    names: bool = False
    unknown: bool = False


STRICT: Final = Leniency()


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """What a Digital Link URI says.

    `path` is the primary key and its qualifiers, `attributes` the data in the query, both in the
    order read; `others` the parameters that are no identifiers, undecoded; `stem` what stands
    before the key.
    """

    stem: str
    path: tuple[Element, ...]
    attributes: tuple[Element, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The primary key's AI."""
        return self.path[0][0]

    @property
    def elements(self) -> tuple[Element, ...]:
        """Key, qualifiers and attributes in the order read."""
        return self.path + self.attributes

    @property
    def element_string(self) -> str:
        """The same as scanners send it: `^` for FNC1, there where no length is predefined."""
        out, open_ended = "", True
        for ai, value in self.elements:
            out += ("^" if open_ended else "") + ai + value
            known = IDENTIFIERS.get(ai)
            open_ended = known is None or not known.fixed
        return out

    @property
    def bracketed(self) -> str:
        """The same as people read it, `(01)…(10)…`; a bracket within a value is escaped."""
        escaped = ((ai, value.replace("(", "\\(")) for ai, value in self.elements)
        return "".join(f"({ai}){value}" for ai, value in escaped)

    def uri(self, stem: str | None = None) -> str:
        """Write it under `stem` (default: its own); refused: `code_not_for_uri`."""
        return write_uri(self.stem if stem is None else stem, self.path, self.attributes)


def read_uri(text: str, allow: Leniency = STRICT, *, together: bool = True) -> DigitalLink:
    """Read a Digital Link URI of any host, with any path before the primary key.

    Lengths, characters, content and check digits of every identifier are enforced, and, unless
    `together` is False, which of them need or exclude each other. A fragment and parameters that
    are no identifiers are let pass. EPC binary strings are `binary.decompressed`'s business.
    Refused: `code_unreadable`, `check_digit_wrong`.
    """
    stem, path_text, query = split_uri(text, whole=True)
    path, before = _path(path_text, allow)
    row = tuple(ai for ai, _value in path)
    if row[1:] not in path_rows(row[0]):
        raise CodeUnreadable(
            "The parts of this code stand in the wrong order. Scan the code on the goods label."
        )
    for ai, value in path:
        must_be_element(ai, value)
    attributes, others = _attributes(query, row, allow) if query else ((), ())
    link = DigitalLink(stem + before, path, attributes, others)
    if together:
        must_go_together(link.elements)
    return link


def split_uri(text: str, *, whole: bool) -> tuple[str, str, str]:
    """Give base (scheme and host), path and query of an http(s) URI.

    `whole` says that path and query may be there; a base must have neither query nor fragment.
    Refused: `code_unreadable`.
    """
    unreadable = CodeUnreadable("This is no address of goods. Scan the code on the label again.")
    scheme, mark, rest = text.partition("://")
    if len(text) > MAX_URI or not mark or scheme not in {"http", "https", "HTTP", "HTTPS"}:
        raise unreadable
    if not _URI_CHARACTERS.fullmatch(rest):
        raise unreadable
    before_fragment, hashed, _fragment = rest.partition("#")
    before_query, asked, query = before_fragment.partition("?")
    authority, slash, path = before_query.partition("/")
    found = _AUTHORITY.fullmatch(authority)
    if not found or int(found["port"] or 0) > 65_535:  # noqa: PLR2004 -- the last TCP port
        raise unreadable
    if not whole and (hashed or asked):
        raise unreadable
    return f"{scheme}://{authority}", slash + path, query


def write_uri(
    stem: str, path: Sequence[Element], attributes: Sequence[Element], *, others: str = ""
) -> str:
    """Put a URI together; everything but RFC 3986's unreserved characters is percent-encoded.

    `others` are further parameters, already encoded. Refused: `code_not_for_uri`.
    """
    for _ai, value in path:
        if value in {".", ".."}:
            raise CodeNotForUri(
                "A lot or serial of nothing but dots cannot be printed as a code. Choose another."
            )
    text = stem.rstrip("/") + "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in path)
    query = "&".join(f"{ai}={quote(value, safe='')}" for ai, value in attributes)
    query = "&".join(part for part in (query, others) if part)
    return f"{text}?{query}" if query else text


def link_of(elements: Iterable[Element], stem: str = CANONICAL_BASE) -> DigitalLink:
    """Make a Digital Link of elements in any order.

    The first primary key leads; as many qualifiers as fit go into the path, the rest become
    attributes, those of predefined length first. An element may come twice with one value.
    Refused: `code_unreadable` (no key, contradiction, an element that may be no attribute,
    elements that exclude each other), `check_digit_wrong`, `code_not_for_uri`.
    """
    split_uri(stem.rstrip("/"), whole=False)
    by_ai: dict[str, str] = {}
    for ai, value in elements:
        must_be_element(ai, value)
        if by_ai.setdefault(ai, value) != value:
            raise CodeUnreadable(
                "This code says (%(ai)s) twice with two values. Scan another label of the goods.",
                ai=ai,
            )
    key = next((ai for ai in by_ai if ai in KEYS), None)
    if key is None:
        raise CodeUnreadable("This code has no key that an address can begin with.")
    rows = (row for row in path_rows(key) if by_ai.keys() >= set(row))
    row = min(rows, key=lambda fitting: (-len(fitting), fitting))
    path = tuple((ai, by_ai.pop(ai)) for ai in (key, *row))
    known = {ai: IDENTIFIERS[ai] for ai in by_ai}
    for ai in by_ai:
        _must_be_attribute(ai, known[ai], (key, *row))
    ordered = sorted(by_ai.items(), key=lambda element: not known[element[0]].fixed)
    link = DigitalLink(stem.rstrip("/"), path, tuple(ordered))
    must_go_together(link.elements)
    link.uri()
    return link


def _path(text: str, allow: Leniency) -> tuple[tuple[Element, ...], str]:
    """Pair AIs and values, read from the end, until a primary key is met; give what is before."""
    if allow.trailing_slash:
        text = text.removesuffix("/")
    parts = text.split("/")[1:]
    elements: list[Element] = []
    while len(parts) >= 2:  # noqa: PLR2004 -- an AI and its value
        ai = CONVENIENCE_NAMES.get(parts[-2], parts[-2]) if allow.names else parts[-2]
        if ai not in IDENTIFIERS:
            break
        value = decoded(parts[-1])
        if ai == "01":
            value = _long_gtin(value, allow)
        elements.insert(0, (ai, value))
        del parts[-2:]
        if ai in KEYS:
            return tuple(elements), "".join(f"/{part}" for part in parts)
    raise CodeUnreadable("This address names no goods. Scan the code on the label.")


def _long_gtin(value: str, allow: Leniency) -> str:
    if allow.short_gtin and len(value) in _SHORT_GTINS and is_digits(value):
        return value.zfill(14)
    return value


def _attributes(
    query: str, row: tuple[str, ...], allow: Leniency
) -> tuple[tuple[Element, ...], tuple[str, ...]]:
    """Keep the parameters that are identifiers; let others pass (4.10)."""
    seen = set(row)
    out: list[Element] = []
    others: list[str] = []
    parameters = [part for part in re.split("[&;]", query) if part]
    if len(parameters) + len(row) > _MAX_PARTS:
        raise CodeUnreadable("This code has too many parts. Scan the goods label.")
    for parameter in parameters:
        ai, has_value, raw = parameter.partition("=")
        if not has_value or not is_digits(ai):
            others.append(parameter)
            continue
        value = decoded(raw.replace("+", " "))
        if ai == "01":
            value = _long_gtin(value, allow)
        known = IDENTIFIERS.get(ai)
        if known is not None or not allow.unknown:
            must_be_element(ai, value)
        elif AI_LENGTHS.get(ai[:2], len(ai)) != len(ai) or not _fits_unknown(ai, value):
            raise CodeUnreadable(
                "This code has a part (%(ai)s) that no GS1 standard defines. Scan it again.", ai=ai
            )
        if ai in seen:
            raise _out_of_place(ai)
        if known is not None:
            _must_be_attribute(ai, known, row)
        seen.add(ai)
        out.append((ai, value))
    return tuple(out), tuple(others)


def _fits_unknown(ai: str, value: str) -> bool:
    return bool(_AI.fullmatch(ai)) and bool(_ANY_VALUE.fullmatch(value))


def _must_be_attribute(ai: str, known: Identifier, row: tuple[str, ...]) -> None:
    """Refuse what may not stand in the query, or would fit into the path as it is."""
    rows = path_rows(row[0])
    fits = any((*row[1:place], ai, *row[place:]) in rows for place in range(1, len(row) + 1))
    if fits or not known.attribute:
        raise _out_of_place(ai)


def _out_of_place(ai: str) -> CodeUnreadable:
    return CodeUnreadable(
        "This code says (%(ai)s) twice or in the wrong place. Scan the goods label.", ai=ai
    )


def decoded(part: str) -> str:
    """Undo percent-encoding; refused: `code_unreadable` for anything but ASCII."""
    if "%" not in part:
        return part
    raw = unquote_to_bytes(part)
    if not raw.isascii():
        raise CodeUnreadable(
            "This code has characters that GS1 does not allow. Scan the goods label."
        )
    return raw.decode("ascii")
