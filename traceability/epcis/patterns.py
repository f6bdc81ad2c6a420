"""What the MATCH_ parameters of a query take, as patterns over canonical addresses."""

from collections.abc import Mapping
from typing import Final

from traceability.epcis.identity import identify
from traceability.epcis.keys import BASE, Identity, check_digit
from traceability.epcis.urns import PATTERNS, Fields

_LIKE: Final[Mapping[str, tuple[int, str]]] = {
    "sgtin": (3, "01"),
    "lgtin": (3, "01"),
    "upui": (3, "01"),
    "sscc": (2, "00"),
    "sgln": (3, "414"),
    "pgln": (2, "417"),
    "grai": (3, "8003"),
    "gdti": (3, "253"),
    "sgcn": (3, "255"),
    "giai": (2, "8004"),
    "gsrn": (2, "8018"),
    "gsrnp": (2, "8017"),
    "ginc": (2, "401"),
    "gsin": (2, "402"),
    "cpi": (3, "8010"),
}
_QUALIFIED: Final[Mapping[str, str]] = {"sgtin": "21", "lgtin": "10", "upui": "235", "cpi": "8011"}
_ANY: Final = "*"


def like_pattern(text: str) -> str | None:
    r"""Give the SQL LIKE pattern (escape `\`) of canonical addresses that a MATCH_ value takes.

    EPCIS 2.0 section 8.2.7.1: a value is an identifier, matched as it is, or a pattern URN with
    `*` for its last fields (`urn:epc:idpat:sgtin:4012345.*.*`, all items of one company). A
    Digital Link of a class takes its instances too. None when the pattern is malformed.
    """
    if not text.startswith("urn:epc:idpat:") or _ANY not in text:
        found = identify(text)
        return _like(found.uri if found else text)
    _urn, _epc, _head, scheme, rest = [*text.split(":", 4), "", ""][:5]
    known = _LIKE.get(scheme)
    fields = rest.split(".") if known else []
    if known is None or len(fields) != known[0]:
        return None
    return _open_pattern(scheme, known[1], fields)


def _open_pattern(scheme: str, ai: str, fields: Fields) -> str | None:
    stars = [field == _ANY for field in fields]
    if sorted(stars) != stars:  # only last fields may be open (TDS section 8)
        return None
    tail = f"/{_QUALIFIED[scheme]}/%" if scheme in _QUALIFIED else "%"
    if stars[0]:
        return f"{BASE}/{ai}/%{tail.removeprefix('%')}"
    lead = {"01": "_", "00": "_", "8003": "0"}.get(ai, "")
    if stars[1]:
        return f"{BASE}/{ai}/{lead}{_like(fields[0])}%{tail.removeprefix('%')}"
    found = _class_of(scheme, fields)
    return None if found is None else _like(found.uri) + tail


def _class_of(scheme: str, fields: Fields) -> Identity | None:
    if scheme == "sgln":
        return _place(fields[0] + fields[1])
    known = PATTERNS.get(f"idpat:{scheme}")
    return known[1](fields) if known else None


def _place(digits: str) -> Identity | None:
    right = len(digits) == 12 and digits.isascii() and digits.isdigit()  # noqa: PLR2004 -- a GLN's
    return Identity("414", digits + check_digit(digits)) if right else None


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
