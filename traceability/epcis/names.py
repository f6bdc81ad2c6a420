"""What the prefixes of a document stand for, and how values are written canonically."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from traceability.epcis.identity import canonical
from traceability.epcis.vocabulary import CBV, EPCIS, VOC, Words, from_urn

_COMMENT: Final = "http://www.w3.org/2000/01/rdf-schema#comment"
_STANDARD: Final[Mapping[str, str]] = {
    "epcis": EPCIS,
    "cbv": CBV,
    "gs1": VOC,
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""The prefixes that the standard's own context declares."""

_HALF_A_MILLISECOND: Final = timedelta(microseconds=500)
_DECIMAL: Final = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))([eE][+-]?[0-9]+)?")
_EXACT: Final = 15
"""So many decimal digits are kept by a binary float."""


class Names:
    """What the prefixes of one document stand for."""

    __slots__ = ("_keys", "inline", "prefixes")

    def __init__(self, contexts: object, outer: "Names | None" = None) -> None:
        """Read the inline parts of an `@context`; addresses in it are not followed."""
        self.inline: dict[str, str] = dict(outer.inline) if outer else {}
        self.prefixes: dict[str, str] = dict(outer.prefixes) if outer else dict(_STANDARD)
        self._keys: dict[str, str] = {}
        for part in contexts if isinstance(contexts, list) else [contexts]:
            if isinstance(part, dict):
                self._take(part)

    def _take(self, part: Mapping[str, Any]) -> None:
        for name, meaning in part.items():
            address = meaning.get("@id") if isinstance(meaning, dict) else meaning
            if name.startswith("@") or not isinstance(address, str):
                continue
            prefix, mark, rest = address.partition(":")
            known = part.get(prefix, self.prefixes.get(prefix)) if mark else None
            if isinstance(known, str) and prefix != name and not rest.startswith("//"):
                address = known + rest
            self.inline[name] = address
            self.prefixes[name] = address

    def key(self, key: str) -> str:
        """Write a user's key as `{namespace}name`; one without a namespace stays as it is."""
        known = self._keys.get(key)
        if known is None:
            known = self._keys[key] = self._expanded_key(key)
        return known

    def _expanded_key(self, key: str) -> str:
        prefix, mark, name = key.partition(":")
        if mark and not name.startswith("//"):
            namespace = self.prefixes.get(prefix)
            return key if namespace is None else "{" + namespace + "}" + name
        address = key if mark else self.inline.get(key)
        if address is None:
            return key
        cut = max(address.rfind("/"), address.rfind("#")) + 1
        return "{" + address[:cut] + "}" + address[cut:] if 0 < cut < len(address) else key

    def address(self, key: str) -> str:
        """Give the full address of a key, as what two spellings of it are compared by."""
        return self.key(key).replace("{", "", 1).replace("}", "", 1)

    def is_extension(self, key: str) -> bool:
        """Say whether a key is a user's, and says something."""
        return (":" in key or key in self.inline) and not self.says_nothing(key)

    def says_nothing(self, key: str) -> bool:
        """Say whether a key is a comment, or a word of JSON-LD itself."""
        return key == "@context" or (key.endswith("comment") and self.address(key) == _COMMENT)

    def value(self, text: str) -> str:
        """Write a text value: compact addresses in full, identifiers and words canonical."""
        text = text.strip()
        if not text:
            return text
        prefix, mark, rest = text.partition(":")
        if mark:
            if prefix in {"http", "https", "urn"} or rest.startswith("//"):
                return _address(text)
            known = self.inline.get(prefix) or _VALUE_PREFIXES.get(prefix)
            return text if known is None else _address(known + rest)
        return _decimal(text) if text[0] in "+-.0123456789" else text


_VALUE_PREFIXES: Final[Mapping[str, str]] = {"epcis": EPCIS, "cbv": CBV, "gs1": VOC}


def _address(text: str) -> str:
    return from_urn(text) or canonical(text)


def _decimal(text: str) -> str:
    """Write a decimal number without what says nothing: `+5`, `0100`, `1.50`, `1e3`."""
    found = _DECIMAL.fullmatch(text)
    if found is None:
        return text
    sign, whole, part, only_part, power = found.groups()
    digits = (whole or "").lstrip("0")
    part = (part or only_part or "").rstrip("0")
    if power is not None or (part and len(digits) + len(part) <= _EXACT):
        number = float(text)
        return text if number in {float("inf"), float("-inf")} else _number(number)
    # Longer than a float can tell apart: kept to the last digit.
    plain = (digits or "0") + ("." + part if part else "")
    return "-" + plain if sign == "-" and plain != "0" else plain


def _number(number: float) -> str:
    """Write a JSON number: no trailing zeros, a whole one without a point."""
    return str(int(number)) if number.is_integer() else repr(number)


def scalar(value: object, names: Names) -> str:
    """Write one JSON value that is neither object, list nor null."""
    if isinstance(value, str):
        return names.value(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        return _number(value)
    return str(value)


def word(value: object, names: Names, words: Words) -> str:
    """Write a word of a vocabulary by its web address."""
    if isinstance(value, str):
        text = value.strip()
        return words.web + text if text in words.names else names.value(text)
    return scalar(value, names)


def moment(value: object) -> str:
    """Write a time in UTC with milliseconds, the fourth decimal place rounding up from 5.

    Text that is no time stays as it is; one without an offset counts as UTC.
    """
    if not isinstance(value, str):
        return str(value)
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if moment.microsecond % 1000:
            moment += _HALF_A_MILLISECOND
    except (ValueError, OverflowError):
        return value.strip()
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
