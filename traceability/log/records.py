"""What the log of records says of an event: its public form, and what it concerns. Pure.

The log of events holds hashes of whole events, and whole events name other people's packs and
sales. So that a stranger can check what he is shown, a second log beside it holds, leaf for leaf,
the hash of what everybody may see of the event, and a root over tags of whatever it concerns. Each
tag comes with the leaf of the event before, so that no event can be left out of a story.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from traceability.log.merkle import leaf_hash, root_of
from traceability.rules import PRIVATE

PRIVATE_TRANSACTIONS = frozenset({"inv"})
OWN = "shanhuo:"
OTHER_ITEMS = f"{OWN}otherItems"
ITEMS = f"{OWN}items"
DROPPED = frozenset({"@context", OTHER_ITEMS, ITEMS, *(OWN + name for name in PRIVATE)})
ITEM_LISTS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
PARTNERS = f"{OWN}betweenPartners"
BARE = (
    *("type", "eventID", "eventTime", "eventTimeZoneOffset", "recordTime"),
    *("action", "bizStep", "disposition"),
)
TAG_SIZE = 16
FAR = 1e21
EXACT = 1 << 53


def public_form(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give what everybody may see of an event, whoever it is shown to.

    Packs are counted and not named; so the form of a whole event and the form of the same event as
    one pack's page tells it are equal, and the form of a form is itself.
    """
    form = {name: value for name, value in event.items() if name not in DROPPED}
    items = int(event.get(OTHER_ITEMS) or 0)
    if items and "childEPCs" in form:
        form.pop("childQuantityList", None)  # how a page tells of the packs that it doesn't name
    items += int(event.get(ITEMS) or 0)
    for name in ITEM_LISTS:
        if name in form:
            kept = [uri for uri in form[name] if "/21/" not in uri]
            items += len(form[name]) - len(kept)
            form[name] = kept
    if items:
        form[ITEMS] = items
    told = [
        each
        for each in form.pop("bizTransactionList", ())
        if each.get("type") not in PRIVATE_TRANSACTIONS
    ]
    if told:
        form["bizTransactionList"] = told
    return form


def bare_form(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give what everybody may see of a partner's event about goods that nobody scans here.

    That it happened, and when; what and where is between the partners, and under its tags.
    """
    return {name: event[name] for name in BARE if name in event} | {PARTNERS: True}


def shown_form(event: Mapping[str, Any], *, bare: bool) -> dict[str, Any]:
    """Give the public form, or the bare one."""
    return bare_form(event) if bare else public_form(event)


def canonical(value: Any) -> bytes:
    """Write JSON in its canonical form (RFC 8785): sorted names, no spaces, JavaScript's numbers.

    Raises ValueError for what JSON can't say: infinities and integers beyond 2**53.
    """
    text = _SORTED.encode(value)
    if _NUMBERS.search(text) or max(text, default="") > "\uffff":
        text = _canonical(value)
    return text.encode("utf-8", "surrogatepass")


_SORTED = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)
_NUMBERS = re.compile(r"(?:\":|[\[,]|^)-?[0-9]+(?:[.eE]|[0-9]{15})")
"""What may be a number that JavaScript writes otherwise; also found in some texts, to no harm."""


def _canonical(value: Any) -> str:
    match value:
        case Mapping():
            names = sorted(value, key=_utf16) if not all(map(str.isascii, value)) else sorted(value)
            return "{" + ",".join(f"{_text(n)}:{_canonical(value[n])}" for n in names) + "}"
        case str():
            return _text(value)
        case bool() | None:
            return json.dumps(value)
        case int() if abs(value) <= EXACT:
            return str(value)
        case float():
            return number(value)
        case list() | tuple():
            return "[" + ",".join(map(_canonical, value)) + "]"
    raise ValueError("this has no canonical form")


_ENCODER = json.JSONEncoder(ensure_ascii=False)
_text = _ENCODER.encode


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def number(value: float) -> str:
    """Write a number as JavaScript does (ECMA-262 Number::toString, radix 10)."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 -- NaN
        raise ValueError("JSON has no such number")
    if value == 0:
        return "0"
    if value < 0:
        return "-" + number(-value)
    mantissa, _, power = f"{value!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits = (whole + part).lstrip("0")
    point = len(whole) + int(power or 0)
    if whole == "0":
        point -= len(part) - len(digits) + 1
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004 -- the standard's own limits, here and below
        return digits + "0" * (point - count)
    if 0 < point <= 21:  # noqa: PLR2004
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004
        return "0." + "0" * -point + digits
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{digits[0]}.{digits[1:]}{exponent}" if count > 1 else digits + exponent


def public_hash(event: Mapping[str, Any]) -> bytes:
    """Hash the public form of an event, whole or as a page tells it.

    A bare form stays what it is.
    """
    return form_hash(dict(event) if PARTNERS in event else public_form(event))


def form_hash(form: Mapping[str, Any]) -> bytes:
    """Hash a form as it is."""
    return sha256(canonical(form)).digest()


def tag_of(kind: str, uri: str) -> bytes:
    """Make the tag of what an event concerns: `item`, `lot`, `part` (of a lot) or `case`."""
    return sha256(f"{kind} {uri}".encode()).digest()[:TAG_SIZE]


class Concern(NamedTuple):
    """That an event concerns something, and which event did before it."""

    tag: bytes
    previous: int | None
    """Leaf of the event before; None for the first."""
    home: bytes | None = None
    """Of an item: its lot's tag."""

    @property
    def line(self) -> str:
        """Give it as a line: tag, leaf before or a dash, the lot's tag if there is one."""
        before = "-" if self.previous is None else str(self.previous)
        home = f" {self.home.hex()}" if self.home else ""
        return f"{self.tag.hex()} {before}{home}"


def parse_line(line: str) -> Concern:
    """Read a line back. Raises ValueError."""
    tag, before, *home = line.split(" ")
    found = Concern(
        bytes.fromhex(tag),
        None if before == "-" else int(before),
        bytes.fromhex(home[0]) if home else None,
    )
    if found.line != line or len(found.tag) != TAG_SIZE:
        raise ValueError("this is not a line of a record")
    return found


def ordered(concerns: Iterable[Concern]) -> list[Concern]:
    """Give concerns in the order in which their root is made: by tag."""
    return sorted(concerns, key=lambda each: each.tag)


def line_hashes(concerns: Sequence[Concern]) -> list[bytes]:
    """Hash the lines as leaves of the record's own small tree."""
    return [leaf_hash(each.line.encode()) for each in concerns]


def subjects_root(concerns: Iterable[Concern]) -> bytes:
    """Give the root over everything that an event concerns."""
    return root_of(line_hashes(ordered(concerns)))


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the log of records."""

    leaf: int
    event_hash: str
    public_hash: bytes
    subjects_root: bytes
    subjects_count: int

    @property
    def entry(self) -> bytes:
        """Give the entry's bytes: five lines."""
        return (
            f"record {self.leaf}\n"
            f"event {self.event_hash}\n"
            f"public {self.public_hash.hex()}\n"
            f"subjects {self.subjects_root.hex()}\n"
            f"count {self.subjects_count}\n"
        ).encode()


def parse_record(entry: bytes) -> Record:
    """Read an entry back, strictly. Raises ValueError."""
    lines = entry.decode().split("\n")
    words = [line.split(" ") for line in lines[:-1]]
    if [pair[0] for pair in words] != ["record", "event", "public", "subjects", "count"]:
        raise ValueError("this is not a record")
    index, event, public, subjects, count = (pair[-1] for pair in words)
    found = Record(int(index), event, bytes.fromhex(public), bytes.fromhex(subjects), int(count))
    if found.entry != entry:
        raise ValueError("this is not a record")
    return found
