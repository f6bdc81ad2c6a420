"""EPC URNs: read into keys, and written from them (EPC Tag Data Standard 2.x section 6)."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from traceability.epcis.keys import SET_39, SET_82, Identity, check_digit, qualifies

# EPC URNs. Each reader takes the dot-separated fields, percent-decoded.

Fields = list[str]


def _checked(digits: str, length: int) -> str | None:
    """Append the check digit to that many digits."""
    if len(digits) != length or not (digits.isascii() and digits.isdigit()):
        return None
    return digits + check_digit(digits)


def _gtin(prefix: str, reference: str) -> str | None:
    return _checked(reference[:1] + prefix + reference[1:], 13) if reference else None


def _with(ai: str, key: str | None, qualifier_ai: str = "", qualifier: str = "") -> Identity | None:
    if key is None:
        return None
    if not qualifier_ai:
        return Identity(ai, key)
    right = qualifies(qualifier_ai, qualifier)
    return Identity(ai, key, qualifier_ai, qualifier) if right else None


def _joined(ai: str, prefix: str, reference: str) -> Identity | None:
    """Read a key of free characters that starts with the company prefix."""
    key = prefix + reference
    right = prefix.isdigit() and reference and len(key) <= 30  # noqa: PLR2004 -- X..30
    return Identity(ai, key) if right and SET_82.fullmatch(key) else None


def _typed(ai: str, fields: Fields, serial: str, lead: str = "") -> Identity | None:
    """Read a type number of 12 digits, its check digit and a serial in one value."""
    key = _checked(fields[0] + fields[1], 12)
    if key is None or (serial and not SET_82.fullmatch(serial)):
        return None
    return Identity(ai, lead + key + serial)


def _cpi(fields: Fields, serial: str) -> Identity | None:
    key = fields[0] + fields[1]
    if not fields[0].isdigit() or not fields[1] or not SET_39.fullmatch(key):
        return None
    return _with("8010", key, "8011" if serial else "", serial)


def _itip(fields: Fields, serial: str) -> Identity | None:
    gtin, pieces = _gtin(fields[0], fields[1]), fields[2] + fields[3]
    if gtin is None or len(pieces) != 4 or not pieces.isdigit():  # noqa: PLR2004 -- two and two
        return None
    return _with("8006", gtin + pieces, "21" if serial else "", serial)


def _sgln(fields: Fields) -> Identity | None:
    gln, extension = _checked(fields[0] + fields[1], 12), fields[2]
    return _with("414", gln) if extension == "0" else _with("414", gln, "254", extension)


_Reader = Callable[[Fields], Identity | None]
_URNS: Final[Mapping[str, tuple[int, _Reader]]] = {
    "id:sgtin": (3, lambda f: _with("01", _gtin(f[0], f[1]), "21", f[2])),
    "id:sscc": (2, lambda f: _with("00", _checked(f[1][:1] + f[0] + f[1][1:], 17))),
    "id:sgln": (3, _sgln),
    "id:pgln": (2, lambda f: _with("417", _checked(f[0] + f[1], 12))),
    "id:grai": (3, lambda f: _typed("8003", f, f[2], "0") if f[2] else None),
    "id:giai": (2, lambda f: _joined("8004", f[0], f[1])),
    "id:gdti": (3, lambda f: _typed("253", f, f[2]) if f[2] else None),
    "id:sgcn": (3, lambda f: _typed("255", f, f[2]) if f[2].isdigit() else None),
    "id:gsrn": (2, lambda f: _with("8018", _checked(f[0] + f[1], 17))),
    "id:gsrnp": (2, lambda f: _with("8017", _checked(f[0] + f[1], 17))),
    "id:cpi": (3, lambda f: _cpi(f, f[2]) if f[2].isdigit() else None),
    "id:ginc": (2, lambda f: _joined("401", f[0], f[1])),
    "id:gsin": (2, lambda f: _with("402", _checked(f[0] + f[1], 16))),
    "id:itip": (5, lambda f: _itip(f, f[4]) if f[4] else None),
    "id:upui": (3, lambda f: _with("01", _gtin(f[0], f[1]), "235", f[2])),
    "class:lgtin": (3, lambda f: _with("01", _gtin(f[0], f[1]), "10", f[2])),
}
# Patterns that leave only the serial open name a class. Each is read like its URN, less the last.
PATTERNS: Final[Mapping[str, tuple[int, _Reader]]] = {
    "idpat:sgtin": (3, lambda f: _with("01", _gtin(f[0], f[1]))),
    "idpat:grai": (3, lambda f: _typed("8003", f, "", "0")),
    "idpat:gdti": (3, lambda f: _typed("253", f, "")),
    "idpat:sgcn": (3, lambda f: _typed("255", f, "")),
    "idpat:cpi": (3, lambda f: _cpi(f, "")),
    "idpat:itip": (5, lambda f: _itip(f, "")),
    "idpat:upui": (3, lambda f: _with("01", _gtin(f[0], f[1]))),
    "idpat:lgtin": (3, lambda f: _with("01", _gtin(f[0], f[1]))),
}


def from_urn(text: str) -> Identity | None:
    """Read an EPC URN, or a pattern that leaves only the serial open; None for anything else."""
    _urn, _epc, head, scheme, rest = [*text.split(":", 4), "", "", "", ""][:5]
    kind = f"{head}:{scheme}"
    if head == "idpat":
        reader = PATTERNS.get(kind)
        if reader is None or not rest.endswith(".*"):
            return None
    else:
        reader = _URNS.get(kind)
    if reader is None:
        return None
    count, read = reader
    fields = rest.split(".", count - 1)
    if len(fields) != count or not (fields[0].isascii() and fields[0].isdigit()):
        return None
    if not 6 <= len(fields[0]) <= 12:  # noqa: PLR2004 -- a company prefix
        return None
    if "%" in rest:
        fields = [unquote_to_bytes(field).decode("latin-1") for field in fields]
    return read(fields)


def epc_urn(identity: Identity, prefix_length: int) -> str | None:
    """Give the EPC URN of an instance, lot or class, the issuer's prefix being that long.

    A Digital Link does not say where the company prefix ends, so that the caller must know.
    None for what EPC URNs can't name: a GTIN's lot in an ITIP, an internal serial of digits only
    where the scheme wants them, a key shorter than its prefix.
    """
    if not 6 <= prefix_length <= 12:  # noqa: PLR2004 -- a company prefix
        return None
    writer = _WRITERS.get((identity.ai, identity.qualifier_ai))
    return writer(identity, prefix_length) if writer else None


_Writer = Callable[[Identity, int], str | None]


def _escaped(value: str) -> str:
    """Write a value into a URN: TDS table 6 escapes these five and keeps the other marks."""
    return "".join(f"%{ord(c):02X}" if c in '"%&/<>?#' else c for c in value)


def _item(gtin: str, n: int) -> str:
    return f"{gtin[1 : 1 + n]}.{gtin[0]}{gtin[1 + n : 13]}"


def _split(digits: str, n: int) -> str:
    return f"{digits[:n]}.{digits[n:]}"


def _urn_typed(kind: str, at: int) -> _Writer:
    def write(identity: Identity, n: int) -> str:
        number, serial = identity.key[at : at + 12], identity.key[at + 13 :]
        head = "id" if serial else "idpat"
        return f"urn:epc:{head}:{kind}:{_split(number, n)}.{_escaped(serial) or '*'}"

    return write


def _urn_plain(kind: str, *, checked: bool) -> _Writer:
    def write(identity: Identity, n: int) -> str | None:
        digits = identity.key[:-1] if checked else identity.key
        if not identity.key[:n].isdigit():
            return None
        return f"urn:epc:id:{kind}:{digits[:n]}.{_escaped(digits[n:])}"

    return write


_WRITERS: Final[Mapping[tuple[str, str], _Writer]] = {
    ("01", "21"): lambda i, n: f"urn:epc:id:sgtin:{_item(i.key, n)}.{_escaped(i.qualifier)}",
    ("01", "10"): lambda i, n: f"urn:epc:class:lgtin:{_item(i.key, n)}.{_escaped(i.qualifier)}",
    ("01", "235"): lambda i, n: f"urn:epc:id:upui:{_item(i.key, n)}.{_escaped(i.qualifier)}",
    ("01", ""): lambda i, n: f"urn:epc:idpat:sgtin:{_item(i.key, n)}.*",
    ("00", ""): lambda i, n: f"urn:epc:id:sscc:{i.key[1 : 1 + n]}.{i.key[0]}{i.key[1 + n : 17]}",
    ("414", ""): lambda i, n: f"urn:epc:id:sgln:{_split(i.key[:12], n)}.0",
    ("414", "254"): lambda i, n: f"urn:epc:id:sgln:{_split(i.key[:12], n)}.{_escaped(i.qualifier)}",
    ("417", ""): lambda i, n: f"urn:epc:id:pgln:{_split(i.key[:12], n)}",
    ("8003", ""): _urn_typed("grai", 1),
    ("253", ""): _urn_typed("gdti", 0),
    ("255", ""): _urn_typed("sgcn", 0),
    ("8004", ""): _urn_plain("giai", checked=False),
    ("401", ""): _urn_plain("ginc", checked=False),
    ("402", ""): _urn_plain("gsin", checked=True),
    ("8018", ""): _urn_plain("gsrn", checked=True),
    ("8017", ""): _urn_plain("gsrnp", checked=True),
    ("8010", ""): lambda i, n: f"urn:epc:idpat:cpi:{i.key[:n]}.{_escaped(i.key[n:])}.*",
    ("8010", "8011"): lambda i, n: (
        f"urn:epc:id:cpi:{i.key[:n]}.{_escaped(i.key[n:])}.{i.qualifier}"
    ),
    ("8006", ""): lambda i, n: (
        f"urn:epc:idpat:itip:{_item(i.key[:14], n)}.{i.key[14:16]}.{i.key[16:]}.*"
    ),
    ("8006", "21"): lambda i, n: (
        f"urn:epc:id:itip:{_item(i.key[:14], n)}.{i.key[14:16]}.{i.key[16:]}"
        f".{_escaped(i.qualifier)}"
    ),
}
