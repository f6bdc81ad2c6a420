"""Reads the parameters of an EPCIS query, from a URL or a JSON body, into conditions.

What the standard does not name is refused as QueryParameterException. A value may be one text, as
a URL has it (alternatives separated by `|`), or what JSON has.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from foundation.errors import BadInput
from traceability.epcis.facts import as_text, moment
from traceability.epcis.identifiers import canonical
from traceability.epcis.patterns import like_pattern
from traceability.epcis.units import in_base
from traceability.epcis.words import word, written_out

MOST_VALUES: Final = 200
MOST_EVENTS: Final = 1_000_000


class BadParameter(BadInput):
    """A query parameter is unknown, or its value is not what it must be."""

    code = "query_parameter"


class Words(NamedTuple):
    """`field` (eventType, action, bizStep, disposition) is one of `values`."""

    field: str
    values: tuple[str, ...]


class When(NamedTuple):
    """A time of the event compared: eventTime, recordTime or declarationTime."""

    field: str
    operator: str
    value: datetime


class Match(NamedTuple):
    """One of `fields` holds an identifier like one of `patterns` (SQL LIKE with an escape)."""

    fields: tuple[str, ...]
    patterns: tuple[str, ...]


class At(NamedTuple):
    """The read point or business location is one of `places`, or a descendant of one."""

    field: str
    places: tuple[str, ...]
    descendants: bool


class Ids(NamedTuple):
    """The eventID is one of these."""

    values: tuple[str, ...]


class Declared(NamedTuple):
    """The event is an error declaration."""


class HasFact(NamedTuple):
    """One of `paths` is there."""

    paths: tuple[str, ...]


class FactIs(NamedTuple):
    """One of `paths` has a value that compares so with one of the values given."""

    paths: tuple[str, ...]
    operator: str
    texts: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    moments: tuple[datetime, ...] = ()


class Attribute(NamedTuple):
    """The vocabulary element in `field` has master data attributes: names, and maybe values."""

    field: str
    names: tuple[str, ...]
    values: tuple[str, ...] | None


class NotReported(NamedTuple):
    """No report of this subscription has told of the event."""

    subscription_id: UUID


Condition = NotReported | Words | When | Match | At | Ids | Declared | HasFact | FactIs | Attribute


@dataclass(frozen=True, slots=True)
class Order:
    """By what the answer is ordered: eventTime, recordTime, the path of a fact, or nothing."""

    by: str | None = None
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it was understood."""

    conditions: tuple[Condition, ...] = ()
    order: Order = Order()
    event_count_limit: int | None = None
    """Only so many events, the first in the order."""
    max_event_count: int | None = None
    """More than so many are a QueryTooLargeException."""

    def but(self, *conditions: Condition) -> "Asked":
        """Give the same query under more conditions."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def ordered(self, order: Order) -> "Asked":
        """Give the same query in another order."""
        return replace(self, order=order)


WORDS: Final = {
    "eventType": "eventType",
    "EQ_action": "action",
    "EQ_bizStep": "bizStep",
    "EQ_disposition": "disposition",
}
TIMES: Final = {
    "eventTime": "eventTime",
    "recordTime": "recordTime",
    "errorDeclarationTime": "declarationTime",
    "errorDeclaration_Time": "declarationTime",
}
MATCHES: Final = {
    "MATCH_epc": ("epc", "child"),
    "MATCH_parentID": ("parent",),
    "MATCH_inputEPC": ("input",),
    "MATCH_outputEPC": ("output",),
    "MATCH_anyEPC": ("epc", "child", "parent", "input", "output"),
    "MATCH_epcClass": ("epcClass", "childClass"),
    "MATCH_inputEPCClass": ("inputClass",),
    "MATCH_outputEPCClass": ("outputClass",),
    "MATCH_anyEPCClass": ("epcClass", "childClass", "inputClass", "outputClass"),
}
WORD_FACTS: Final = {
    "EQ_persistentDisposition_set": "persistentDisposition|set",
    "EQ_persistentDisposition_unset": "persistentDisposition|unset",
    "EQ_errorReason": "errorReason",
    "EQ_type": "sensor|type",
    "EQ_exception": "sensor|exception",
    "EQ_component": "sensor|component",
}
URI_FACTS: Final = {
    "EQ_transformationID": "transformationID",
    "EQ_deviceID": "sensor|deviceID",
    "EQ_deviceMetadata": "sensor|deviceMetadata",
    "EQ_rawData": "sensor|rawData",
    "EQ_dataProcessingMethod": "sensor|dataProcessingMethod",
    "EQ_microorganism": "sensor|microorganism",
    "EQ_chemicalSubstance": "sensor|chemicalSubstance",
    "EQ_bizRules": "sensor|bizRules",
    "EQ_uriValue": "sensor|uriValue",
    "EQ_coordinateReferenceSystem": "sensor|coordinateReferenceSystem",
    "EQ_correctiveEventID": "correctiveEventID",
    "EQ_certificationInfo": "certificationInfo",
}
TEXT_FACTS: Final = {
    "EQ_stringValue": "sensor|stringValue",
    "EQ_hexBinaryValue": "sensor|hexBinaryValue",
}
SENSOR_TIME: Final = re.compile(r"(GE|LT)_(time|startTime|endTime)")
NUMBER: Final = re.compile(
    r"(EQ|GT|GE|LT|LE)_(quantity|value|minValue|maxValue|meanValue|sDev|percValue|percRank)"
    r"(?:_([A-Z0-9]{2,4}))?"
)
TYPED: Final = re.compile(r"EQ_(bizTransaction|source|destination)_(.+)")
MASTER: Final = re.compile(r"(HASATTR|EQATTR|EQ_ATTR)_(\w+?)(?:_(.+))?")
MASTER_FIELDS: Final = frozenset(
    {"bizLocation", "readPoint", "epc", "epcClass", "parentID", "childEPCs", "epcList"}
)
EXTENSION: Final = re.compile(
    r"(EQ|GT|GE|LT|LE|EXISTS)_(INNER_)?"
    r"(?:(ILMD|ERROR_DECLARATION|SENSORELEMENT|SENSORMETADATA|SENSORREPORT|readPoint|bizLocation)_)?"
    r"(.+)"
)
Namespaces = Mapping[str, Sequence[str]]
"""By prefix, the namespaces that it may stand for."""


def read_query(
    given: Mapping[str, Any], prefixes: Mapping[str, str], known: Namespaces | None = None
) -> Asked:
    """Read parameters; raise BadParameter, whose `field` names the one that is wrong.

    `prefixes` come with the query; one that it does not explain may stand for any namespace that
    `known` events used it for.
    """
    reader = _Reader(prefixes, known or {})
    conditions: list[Condition] = []
    order, limits = Order(), {}
    for name, value in given.items():
        if name == "@context" or value is None:
            continue
        if name == "orderBy":
            order = replace(order, by=reader.order(_one(name, value)))
        elif name == "orderDirection":
            order = replace(order, descending=_direction(_one(name, value)) == "DESC")
        elif name in {"eventCountLimit", "maxEventCount"}:
            limits[name] = _count(name, value)
        else:
            conditions.extend(reader.conditions(name, value))
    if len(limits) > 1:
        raise BadParameter(
            "eventCountLimit and maxEventCount exclude each other", field="maxEventCount"
        )
    if order.by is None and "orderDirection" in given:
        order = Order()
    return Asked(
        tuple(conditions), order, limits.get("eventCountLimit"), limits.get("maxEventCount")
    )


class _Reader:
    """Reads one query's parameters, with its prefixes at hand."""

    def __init__(self, prefixes: Mapping[str, str], known: Namespaces) -> None:
        self.prefixes = prefixes
        self.known = known

    def order(self, name: str) -> str:
        """Read the field to order by."""
        if name in {"eventTime", "recordTime"}:
            return name
        if ":" not in name:
            raise BadParameter(
                "An answer is ordered by eventTime, recordTime or an extension field",
                field="orderBy",
            )
        return f"EXT|{self.names(name)[0]}"

    def names(self, name: str) -> tuple[str, ...]:
        """Write an extension's name out, in every way that it may be meant."""
        prefix, colon, local = name.partition(":")
        if not colon or local.startswith("//") or prefix == "urn":
            return tuple(dict.fromkeys((name, name.replace("#", "", 1))))
        if prefix in self.prefixes:
            return (written_out(name, self.prefixes),)
        return tuple(uri + local for uri in self.known.get(prefix, ())) or (name,)

    def conditions(self, name: str, value: Any) -> Iterator[Condition]:
        """Read one parameter."""
        if name in WORDS:
            yield self.words(name, value)
        elif name in MATCHES:
            given = _texts(name, value)
            read = _class_patterns if name.endswith("Class") else _patterns
            yield Match(MATCHES[name], tuple(one for each in given for one in read(name, each)))
        elif name in WORD_FACTS:
            texts = tuple(as_text(word(each, self.prefixes)) for each in _texts(name, value))
            yield FactIs((WORD_FACTS[name],), "EQ", texts=texts)
        elif name in URI_FACTS:
            texts = tuple(as_text(canonical(each)) for each in _texts(name, value))
            yield FactIs((URI_FACTS[name],), "EQ", texts=texts)
        elif name in TEXT_FACTS:
            texts = tuple(as_text(each) for each in _texts(name, value))
            yield FactIs((TEXT_FACTS[name],), "EQ", texts=texts)
        elif name == "EQ_booleanValue":
            yield FactIs(
                ("sensor|booleanValue",), "EQ", texts=("true" if _flag(name, value) else "false",)
            )
        elif name == "EQ_eventID":
            yield Ids(_texts(name, value))
        elif name == "EXISTS_errorDeclaration":
            yield from (Declared(),) if _flag(name, value) else ()
        elif name == "EXISTS_sensorElementList":
            yield from (HasFact(("sensorElementList",)),) if _flag(name, value) else ()
        else:
            yield from self.patterned(name, value)

    def words(self, name: str, value: Any) -> Words:
        """Read values of a vocabulary."""
        given = _texts(name, value)
        if name == "EQ_action" and not {"ADD", "OBSERVE", "DELETE"} >= set(given):
            raise BadParameter("An action is ADD, OBSERVE or DELETE", field=name)
        return Words(WORDS[name], tuple(word(each, self.prefixes) for each in given))

    def patterned(self, name: str, value: Any) -> Iterator[Condition]:
        """Read a parameter whose name has a part of the asker's own."""
        head, _underscore, rest = name.partition("_")
        if head in {"GE", "LT"} and rest in TIMES:
            yield When(TIMES[rest], head, _moment(name, value))
        elif name in {"EQ_readPoint", "EQ_bizLocation", "WD_readPoint", "WD_bizLocation"}:
            places = tuple(canonical(each) for each in _texts(name, value))
            yield At(rest, places, head == "WD")
        elif found := SENSOR_TIME.fullmatch(name):
            yield FactIs((f"sensor|{found[2]}",), found[1], moments=(_moment(name, value),))
        elif found := NUMBER.fullmatch(name):
            yield self.number(name, found, value)
        elif (found := TYPED.fullmatch(name)) and name[:3] == "EQ_":
            kind = word(self.names(found[2])[0] if ":" in found[2] else found[2], self.prefixes)
            texts = tuple(as_text(canonical(each)) for each in _texts(name, value))
            yield FactIs((f"{found[1]}|{kind}",), "EQ", texts=texts)
        elif (found := MASTER.fullmatch(name)) and found[2] in MASTER_FIELDS:
            yield self.attribute(name, found, value)
        elif (found := EXTENSION.fullmatch(name)) and (":" in found[4]):
            yield from self.extension(name, found, value)
        else:
            raise BadParameter("There is no query parameter %(name)s", field=name, name=name)

    def number(self, name: str, found: re.Match[str], value: Any) -> FactIs:
        """Read a comparison of quantities or measurements, in any unit of their dimension."""
        operator, what, uom = found[1], found[2], found[3]
        path = "quantity" if what == "quantity" else f"sensor|{what}"
        numbers = _numbers(name, value)
        if uom:
            dimension = in_base(0, uom)[0]
            path, numbers = f"{path}|{dimension}", tuple(in_base(n, uom)[1] for n in numbers)
        if operator != "EQ" and len(numbers) > 1:
            raise BadParameter("%(name)s takes one number", field=name, name=name)
        return FactIs((path,), operator, numbers=numbers)

    def attribute(self, name: str, found: re.Match[str], value: Any) -> Attribute:
        """Read a question about master data."""
        if found[1] == "HASATTR":
            names = [found[3]] if found[3] else list(_texts(name, value))
            written = tuple(one for each in names for one in self.names(each))
            return Attribute(found[2], written, None)
        if not found[3]:
            raise BadParameter("%(name)s names no attribute", field=name, name=name)
        return Attribute(found[2], self.names(found[3]), _texts(name, value))

    def extension(self, name: str, found: re.Match[str], value: Any) -> Iterator[Condition]:
        """Read a question about a user extension."""
        operator, inner, area, field = found[1], found[2] or "", found[3] or "EXT", found[4]
        paths = tuple(f"{inner}{area}|{one}"[:300] for one in self.names(field))
        if operator == "EXISTS":
            if _flag(name, value):
                yield HasFact(paths)
            return
        texts: list[str] = []
        numbers: list[float] = []
        moments: list[datetime] = []
        for each in _values(name, value):
            if isinstance(each, int | float) and not isinstance(each, bool):
                numbers.append(float(each))
                continue
            said = str(each).lower() if isinstance(each, bool) else str(each)
            _sort_out(said, texts, numbers, moments)
        if operator != "EQ":
            if len(numbers) + len(moments) != 1:
                raise BadParameter("%(name)s takes one number or time", field=name, name=name)
            texts = []
        yield FactIs(paths, operator, tuple(texts), tuple(numbers), tuple(moments))


def _sort_out(said: str, texts: list[str], numbers: list[float], moments: list[datetime]) -> None:
    texts.append(as_text(said))
    try:
        numbers.append(float(said))
    except ValueError:
        try:
            moments.append(moment(said))
        except ValueError:
            return


def _values(name: str, value: Any) -> list[Any]:
    given = value if isinstance(value, list) else [value]
    found: list[Any] = []
    for each in given:
        if isinstance(each, str):
            found.extend(each.split("|"))
        elif isinstance(each, int | float | bool):
            found.append(each)
        else:
            raise BadParameter("%(name)s has a value of the wrong kind", field=name, name=name)
    if not found or len(found) > MOST_VALUES:
        raise BadParameter(
            "%(name)s takes 1 to %(most)s values", field=name, name=name, most=MOST_VALUES
        )
    return found


def _texts(name: str, value: Any) -> tuple[str, ...]:
    found = _values(name, value)
    if not all(isinstance(each, str) and each for each in found):
        raise BadParameter("%(name)s takes texts", field=name, name=name)
    return tuple(found)


def _one(name: str, value: Any) -> str:
    found = _texts(name, value)
    if len(found) != 1:
        raise BadParameter("%(name)s takes one value", field=name, name=name)
    return found[0]


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    numbers = []
    for each in _values(name, value):
        try:
            number = float(each)
        except ValueError as error:
            raise BadParameter("%(name)s takes a number", field=name, name=name) from error
        if number != number or number in {float("inf"), float("-inf")}:  # noqa: PLR0124 -- not a number
            raise BadParameter("%(name)s takes a number", field=name, name=name)
        numbers.append(number)
    return tuple(numbers)


def _moment(name: str, value: Any) -> datetime:
    said = _one(name, value)
    for text in (said, said.replace(" ", "+", 1)):  # a + that a URL turned into a blank
        try:
            return moment(text)
        except ValueError:
            continue
    raise BadParameter(
        "%(name)s takes a time with its offset, like 2026-11-20T10:00:00+08:00",
        field=name,
        name=name,
    )


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if value in (True, 1, "", "true", "True", "1"):
        return True
    if value in (False, 0, "false", "False", "0"):
        return False
    raise BadParameter("%(name)s is true or false", field=name, name=name)


def _direction(said: str) -> str:
    if said not in {"ASC", "DESC"}:
        raise BadParameter("orderDirection is ASC or DESC", field="orderDirection")
    return said


def _count(name: str, value: Any) -> int:
    said = str(value[0] if isinstance(value, list) and len(value) == 1 else value)
    if not (said.isascii() and said.isdigit()) or not 0 < int(said[:9]) <= MOST_EVENTS:
        raise BadParameter("%(name)s takes a whole number above 0", field=name, name=name)
    return int(said)


def _patterns(name: str, said: str) -> Iterator[str]:
    found = like_pattern(said)
    if found is None:
        raise BadParameter(
            "%(value)s is no identifier and no pattern", field=name, value=said[:200]
        )
    yield found


def _class_patterns(name: str, said: str) -> Iterator[str]:
    """Give the patterns of classes: a pattern of items names their class, and its lots."""
    (found,) = _patterns(name, said)
    items = "/21/%"
    if not found.endswith(items):
        yield found
        return
    yield found.removesuffix(items)
    yield found.removesuffix(items) + "/10/%"
