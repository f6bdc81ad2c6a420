"""What of an event can be asked for: its words, identifiers and facts. No database, no clock.

Paths of facts are `area|name`. Areas: `EXT` for user extensions at the top of an event, `ILMD`,
`ERROR_DECLARATION`, `SENSORELEMENT`, `SENSORMETADATA`, `SENSORREPORT`, `readPoint`, `bizLocation`
(the same with `INNER_` in front for what is nested deeper); and the standard's own fields, named
as in the query language (EPCIS 2.0 section 8.2.7.1).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from traceability.epcis.identifiers import canonical
from traceability.epcis.moments import instant
from traceability.epcis.units import in_base
from traceability.epcis.words import (
    BIZ_STEPS,
    DISPOSITIONS,
    EVENT_TYPES,
    OTHER_EVENT,
    word,
    written_out,
)

LONGEST_TEXT: Final = 240
EPC_LISTS: Final = (
    ("epcList", "epc"),
    ("childEPCs", "child"),
    ("inputEPCList", "input"),
    ("outputEPCList", "output"),
)
QUANTITY_LISTS: Final = (
    ("quantityList", "epcClass"),
    ("childQuantityList", "childClass"),
    ("inputQuantityList", "inputClass"),
    ("outputQuantityList", "outputClass"),
)
PLAIN: Final = frozenset(
    {
        "@context", "type", "eventID", "eventTime", "eventTimeZoneOffset", "recordTime",
        "action", "bizStep", "disposition", "readPoint", "bizLocation", "parentID", "ilmd",
        "errorDeclaration", "persistentDisposition", "bizTransactionList", "sourceList",
        "destinationList", "sensorElementList", "transformationID", "certificationInfo",
        *(name for name, _field in (*EPC_LISTS, *QUANTITY_LISTS)),
    }
)  # fmt: skip
SENSOR_TIMES: Final = frozenset({"time", "startTime", "endTime"})
SENSOR_NUMBERS: Final = frozenset(
    {"value", "minValue", "maxValue", "meanValue", "sDev", "percValue", "percRank"}
)
MEASURED: Final = SENSOR_NUMBERS - {"percRank"}
_STEPS: Final = frozenset(BIZ_STEPS)
_DISPOSITIONS: Final = frozenset(DISPOSITIONS)
_TYPES: Final = frozenset(EVENT_TYPES)


class Fact(NamedTuple):
    """One value under its path; all three empty says only that the field is there."""

    path: str
    text: str | None = None
    number: float | None = None
    moment: datetime | None = None


class Amount(NamedTuple):
    """So much of a class of goods in an event; no quantity says only that it was there."""

    field: str
    canonical: str
    quantity: float | None
    uom: str | None


@dataclass(frozen=True, slots=True)
class EventRead:
    """An event as queries and stock need it."""

    event_type: str
    action: str | None
    biz_step: str | None
    disposition: str | None
    event_time: datetime
    declared_at: datetime | None
    identifiers: tuple[tuple[str, str], ...]
    """(field, canonical) of every EPC and place."""
    amounts: tuple[Amount, ...]
    facts: tuple[Fact, ...]
    words: tuple[tuple[str, str], ...]
    """(kind, URI) of every vocabulary word that is not the standard's."""


def moment(text: str) -> datetime:
    """Read an xsd:dateTimeStamp; raise ValueError without an offset or out of range."""
    return instant(text)


def as_text(value: str) -> str:
    """Give a text as it is indexed: long ones are cut and keep a digest of the whole."""
    if len(value) <= LONGEST_TEXT:
        return value
    return value[:170] + "#" + hashlib.sha256(value.encode()).hexdigest()


def scalar(path: str, value: str | float) -> Fact:
    """Give the fact of one plain value: its text, and what number or time it can be read as."""
    if isinstance(value, bool):
        return Fact(path, "true" if value else "false")
    if isinstance(value, int | float):
        return Fact(path, f"{value:.15g}", float(value))
    number = when = None
    first = value[:1]
    if first.isdigit() or first in "+-.":
        try:
            number = float(value)
        except ValueError:
            try:
                when = moment(value)
            except ValueError:
                when = None
    return Fact(path, as_text(value), number, when)


def extension(
    area: str, name: str, value: Any, prefixes: Mapping[str, str], *, inner: bool = False
) -> Iterator[Fact]:
    """Give the facts of a user extension and of what is nested in it."""
    path = (
        f"INNER_{area}|{written_out(name, prefixes)}"
        if inner
        else (f"{area}|{written_out(name, prefixes)}")
    )
    if isinstance(value, list):
        for each in value:
            yield from extension(area, name, each, prefixes, inner=inner)
    elif isinstance(value, Mapping):
        if "@value" in value and isinstance(value["@value"], str | int | float):
            yield scalar(path, value["@value"])
            return
        yield Fact(path, as_text(value["@id"]) if isinstance(value.get("@id"), str) else None)
        for key, deeper in value.items():
            if not key.startswith("@"):
                yield from extension(area, key, deeper, prefixes, inner=True)
    elif isinstance(value, str | int | float):
        yield scalar(path, value)
    else:
        yield Fact(path)


def read_event(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> EventRead:
    """Read a valid event; `prefixes` are those of its context."""
    words: list[tuple[str, str]] = []
    facts: list[Fact] = []
    kind, kind_word = _known("eventType", event["type"], _TYPES, prefixes)
    step, step_word = _known("bizStep", event.get("bizStep"), _STEPS, prefixes)
    state, state_word = _known("disposition", event.get("disposition"), _DISPOSITIONS, prefixes)
    for found in (kind_word, step_word, state_word):
        if found is not None:
            words.append(found)
            facts.append(Fact(found[0], as_text(found[1])))
    declared = event.get("errorDeclaration")
    facts.extend(_facts(event, prefixes))
    amounts = tuple(_amounts(event))
    for each in amounts:
        if each.quantity is not None:
            dimension, number = in_base(each.quantity, each.uom) if each.uom else ("", 0.0)
            facts.append(Fact("quantity", number=each.quantity))
            if dimension:
                facts.append(Fact(f"quantity|{dimension}", number=number))
    return EventRead(
        event_type=kind or OTHER_EVENT,
        action=event.get("action"),
        biz_step=step,
        disposition=state,
        event_time=moment(event["eventTime"]),
        declared_at=moment(declared["declarationTime"]) if declared else None,
        identifiers=tuple(dict.fromkeys(_identifiers(event))),
        amounts=amounts,
        facts=tuple(facts),
        words=tuple(words),
    )


def _known(
    kind: str, value: str | None, standard: frozenset[str], prefixes: Mapping[str, str]
) -> tuple[str | None, tuple[str, str] | None]:
    if value is None:
        return None, None
    one = word(value, prefixes)
    return (one, None) if one in standard else (None, (kind, one))


def _identifiers(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in EPC_LISTS:
        for uri in event.get(name, ()):
            yield field, canonical(uri)
    if parent := event.get("parentID"):
        yield "parent", canonical(parent)
    for name in ("readPoint", "bizLocation"):
        if place := event.get(name):
            yield name, canonical(place["id"])


def _amounts(event: Mapping[str, Any]) -> Iterator[Amount]:
    for name, field in QUANTITY_LISTS:
        for each in event.get(name, ()):
            yield Amount(field, canonical(each["epcClass"]), each.get("quantity"), each.get("uom"))


def _facts(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> Iterator[Fact]:
    yield from _why(event, prefixes)
    if "transformationID" in event:
        yield _uri("transformationID", event["transformationID"])
    for each in _listed(event.get("certificationInfo", ())):
        yield _uri("certificationInfo", each)
    if declared := event.get("errorDeclaration"):
        yield from _declaration(declared, prefixes)
    if sensors := event.get("sensorElementList"):
        yield Fact("sensorElementList")
        yield from _sensors(sensors, prefixes)
    for name, area in (("readPoint",) * 2, ("bizLocation",) * 2, ("ilmd", "ILMD")):
        for key, value in event.get(name, {}).items():
            if key != "id":
                yield from extension(area, key, value, prefixes)
    for key, value in event.items():
        if key not in PLAIN:
            yield from extension("EXT", key, value, prefixes)


def _why(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> Iterator[Fact]:
    for each in event.get("bizTransactionList", ()):
        kind = word(each["type"], prefixes) if "type" in each else ""
        yield _uri(f"bizTransaction|{kind}", each["bizTransaction"])
    for name, part in (("sourceList", "source"), ("destinationList", "destination")):
        for each in event.get(name, ()):
            yield _uri(f"{part}|{word(each['type'], prefixes)}", each[part])
    persistent = event.get("persistentDisposition", {})
    for part in ("set", "unset"):
        for each in persistent.get(part, ()):
            yield Fact(f"persistentDisposition|{part}", as_text(word(each, prefixes)))


def _declaration(declared: Mapping[str, Any], prefixes: Mapping[str, str]) -> Iterator[Fact]:
    for key, value in declared.items():
        if key == "reason":
            yield Fact("errorReason", as_text(word(value, prefixes)))
        elif key == "correctiveEventIDs":
            for each in value:
                yield Fact("correctiveEventID", as_text(each))
        elif key != "declarationTime":
            yield from extension("ERROR_DECLARATION", key, value, prefixes)


def _sensors(elements: Sequence[Mapping[str, Any]], prefixes: Mapping[str, str]) -> Iterator[Fact]:
    for element in elements:
        for key, value in element.items():
            if key == "sensorMetadata":
                yield from _sensor("SENSORMETADATA", value, prefixes)
            elif key == "sensorReport":
                for report in value:
                    yield from _sensor("SENSORREPORT", report, prefixes)
            else:
                yield from extension("SENSORELEMENT", key, value, prefixes)


def _sensor(area: str, part: Mapping[str, Any], prefixes: Mapping[str, str]) -> Iterator[Fact]:
    uom = part.get("uom")
    for key, value in part.items():
        if ":" in key:
            yield from extension(area, key, value, prefixes)
        elif key in SENSOR_TIMES:
            yield Fact(f"sensor|{key}", moment=moment(value))
        elif key in SENSOR_NUMBERS:
            yield Fact(f"sensor|{key}", number=float(value))
            if key in MEASURED and uom:
                dimension, number = in_base(value, uom)
                yield Fact(f"sensor|{key}|{dimension}", number=number)
        elif key == "booleanValue":
            yield Fact("sensor|booleanValue", "true" if value else "false")
        elif key in {"stringValue", "hexBinaryValue"}:
            yield Fact(f"sensor|{key}", as_text(value))
        elif key in {"type", "exception", "component"}:
            yield Fact(f"sensor|{key}", as_text(word(value, prefixes)))
        elif key not in {"uom", "@context", "rawData"}:
            yield _uri(f"sensor|{key}", value)


def _uri(path: str, value: str) -> Fact:
    return Fact(path, as_text(canonical(value)))


def _listed(value: Any) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value
