"""One identity for one thing: EPC URNs and Digital Link URIs of any host, in one form.

The form is the constrained canonical Digital Link of CBV 2.0 section 8.9 (rules 17 and 18 of the
event hash): `https://id.gs1.org`, the key and at most the one finest qualifier that names the
thing, every reserved character percent-encoded. The same thing's typed columns (`ai`, `key`,
`qualifier_ai`, `qualifier`) are what tables compare. Check digits of URNs, which have none, are
calculated; those of Digital Links are kept as they are: whether one is right is asked by the
ledger's rules, so that a wrong one can be told to the sender in words.

Clauses: EPC Tag Data Standard 2.x section 6 (URNs), GS1 Digital Link URI Syntax section 4
(paths), section 4.12 (canonical form), CBV 2.0 section 8.9.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from traceability.epcis.keys import BASE, Identity, check_digit, qualifies
from traceability.epcis.urns import epc_urn, from_urn

__all__ = ["BASE", "Identity", "canonical", "check_digit", "epc_urn", "identify"]

_NAMED: Final[Mapping[str, str]] = {
    "gtin": "01",
    "sscc": "00",
    "gdti": "253",
    "gcn": "255",
    "ginc": "401",
    "gsin": "402",
    "gln": "414",
    "party": "417",
    "partyGln": "417",
    "grai": "8003",
    "giai": "8004",
    "itip": "8006",
    "cpid": "8010",
    "gsrnp": "8017",
    "gsrn": "8018",
}
"""The words that earlier editions of the standard let stand for application identifiers."""
_NAMED_QUALIFIERS: Final[Mapping[str, str]] = {
    "cpv": "22",
    "lot": "10",
    "ser": "21",
    "tpx": "235",
    "glnx": "254",
    "cpsn": "8011",
    "srin": "8019",
}
_KEYS: Final[Mapping[str, re.Pattern[str]]] = {
    "00": re.compile(r"[0-9]{18}"),
    "01": re.compile(r"[0-9]{8}|[0-9]{12,14}"),
    "253": re.compile(r"[0-9]{13}[!-\"%-?A-Z_a-z]{0,17}"),
    "255": re.compile(r"[0-9]{13,25}"),
    "401": re.compile(r"[!-\"%-?A-Z_a-z]{1,30}"),
    "402": re.compile(r"[0-9]{17}"),
    "414": re.compile(r"[0-9]{13}"),
    "417": re.compile(r"[0-9]{13}"),
    "8003": re.compile(r"[0-9]{14}[!-\"%-?A-Z_a-z]{0,16}"),
    "8004": re.compile(r"[!-\"%-?A-Z_a-z]{1,30}"),
    "8006": re.compile(r"[0-9]{18}"),
    "8010": re.compile(r"[#\-/0-9A-Z]{1,30}"),
    "8017": re.compile(r"[0-9]{18}"),
    "8018": re.compile(r"[0-9]{18}"),
}
_ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "01": ("22", "10", "21", "235"),
    "8006": ("22", "10", "21"),
    "414": ("254", "7040"),
    "8010": ("8011",),
    "8017": ("8019",),
    "8018": ("8019",),
}
"""Which qualifiers may follow a key, in this order."""
_FINEST: Final[Mapping[str, tuple[str, ...]]] = {
    "01": ("21", "235", "10"),
    "8006": ("21", "10"),
    "414": ("254",),
    "8010": ("8011",),
}
"""Which qualifier names the thing; the first that is there is kept, and no other."""
_LINK: Final = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+(?P<path>/[^?#\s]*)(?:\?[^#\s]*)?(?:#\S*)?"
)
_CANONICAL: Final = re.compile(
    r"https://id\.gs1\.org/(?:"
    r"01/(?P<gtin>[0-9]{14})(?:/(?P<gq>10|21)/(?P<gv>[0-9A-Za-z_.\-]{1,20}))?"
    r"|00/(?P<sscc>[0-9]{18})"
    r"|414/(?P<gln>[0-9]{13})(?:/254/(?P<ext>[0-9A-Za-z_.\-]{1,20}))?"
    r")"
)


def _from_link(text: str) -> Identity | None:
    found = _LINK.fullmatch(text)
    if found is None:
        return None
    parts = found["path"].removesuffix("/").split("/")[1:]
    # Read from the end: the key is the last part but a pair that is one (section 4.11).
    pairs: list[tuple[str, str]] = []
    while len(parts) >= 2:  # noqa: PLR2004 -- a name and its value
        name, value = parts[-2], unquote_to_bytes(parts[-1]).decode("latin-1")
        ai = _NAMED.get(name, name)
        if ai in _KEYS:
            return _constrained(ai, value, pairs)
        pairs.insert(0, (_NAMED_QUALIFIERS.get(name, name), value))
        del parts[-2:]
    return None


def _constrained(ai: str, key: str, pairs: list[tuple[str, str]]) -> Identity | None:
    """Keep the key and the one finest qualifier, when the whole path is well-formed."""
    if not _KEYS[ai].fullmatch(key):
        return None
    given = [name for name, _value in pairs]
    if given != [name for name in _ORDER.get(ai, ()) if name in given]:
        return None
    if not all(qualifies(name, value) for name, value in pairs):
        return None
    if ai == "01":
        key = key.zfill(14)
    values = dict(pairs)
    for name in _FINEST.get(ai, ()):
        if name in values:
            return Identity(ai, key, name, values[name])
    return Identity(ai, key)


@lru_cache(maxsize=8192)
def identify(text: str) -> Identity | None:
    """Read an EPC URN, an EPC class or one-class pattern, or a Digital Link URI of any host.

    None for everything else: other URIs, other keys, malformed ones, and patterns of more than
    one class.
    """
    if text.startswith("urn:epc:"):
        return from_urn(text)
    if text[:4] in {"http", "HTTP"}:
        return _from_link(text)
    return None


@lru_cache(maxsize=8192)
def canonical(text: str) -> str:
    """Give the canonical address of what `text` names; text that names no GS1 key stays itself."""
    if _CANONICAL.fullmatch(text):
        return text
    found = identify(text)
    return text if found is None else found.uri
