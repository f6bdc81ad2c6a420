"""How each field of an event is written into its pre-hash string (CBV 2.0 section 8.9)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from traceability.epcis.names import Names, moment, scalar, word
from traceability.epcis.vocabulary import (
    ALERTS,
    BIZ_STEPS,
    COMPONENTS,
    DISPOSITIONS,
    MEASUREMENTS,
    PARTY_TYPES,
    TRANSACTION_TYPES,
    Words,
)

_NOT_HASHED: Final = frozenset({"type", "eventID", "recordTime", "errorDeclaration", "@context"})


# Everything that is no field of the standard: user extensions and ILMD, nested as they come.


def _members(value: Mapping[str, Any], names: Names) -> str:
    """Write the members of an object, sorted by their text."""
    if "@context" in value:
        names = Names(value["@context"], names)
    found: list[str] = []
    for key, inner in value.items():
        if not names.says_nothing(key):
            found.extend(extension(key, inner, names))
    found.sort()
    return "".join(found)


_LISTED: Final[Mapping[str, str]] = {
    "epcList": "epc",
    "childEPCs": "epc",
    "inputEPCList": "epc",
    "outputEPCList": "epc",
    "quantityList": "quantityElement",
    "childQuantityList": "quantityElement",
    "inputQuantityList": "quantityElement",
    "outputQuantityList": "quantityElement",
}
"""Lists of the standard, and the name that each of their elements has in XML."""
_WORDS: Final[Mapping[str, Words]] = {
    "bizStep": BIZ_STEPS,
    "disposition": DISPOSITIONS,
    "component": COMPONENTS,
    "exception": ALERTS,
}


def extension(key: str, value: object, names: Names) -> list[str]:
    """Write one key with each of its values."""
    name = names.key(key)
    if isinstance(value, list):
        item = _LISTED.get(key)
        if item is None:
            return [text for inner in value for text in extension(key, inner, names)]
        inside = sorted(text for inner in value for text in extension(item, inner, names))
        return [name + "".join(inside)] if inside else []
    if isinstance(value, dict):
        return [name + _members(value, names)]
    if value is None:
        return []
    words = _WORDS.get(key)
    text = scalar(value, names) if words is None else word(value, names, words)
    return [f"{name}={text}" if text else name]


def _extensions(value: Mapping[str, Any], known: frozenset[str], names: Names) -> str:
    """Write the user extensions in a standard field, sorted."""
    if value.keys() <= known:
        return ""
    found: list[str] = []
    for key, inner in value.items():
        if key not in known and names.is_extension(key):
            found.extend(extension(key, inner, names))
    found.sort()
    return "".join(found)


# The fields of the standard

_Writer = Callable[[str, Any, Names], str]


def _plain(name: str, value: Any, names: Names) -> str:
    """Write a field of one value, or of several, sorted."""
    if isinstance(value, str):
        return f"{name}={names.value(value)}"
    return "".join(sorted(extension(name, value, names)))


def _vocabulary(words: Words) -> _Writer:
    def write(name: str, value: Any, names: Names) -> str:
        if isinstance(value, str):
            return f"{name}={word(value, names, words)}"
        return _plain(name, value, names)

    return write


def _moment(name: str, value: Any, names: Names) -> str:
    return f"{name}={moment(value)}" if isinstance(value, str) else _plain(name, value, names)


def _epcs(name: str, value: Any, names: Names) -> str:
    if not isinstance(value, list):
        return _plain(name, value, names)
    if not value:
        return ""
    every = [
        "epc=" + names.value(e) if isinstance(e, str) else _plain("epc", e, names) for e in value
    ]
    every.sort()
    return name + "".join(every)


def _each(value: Any, name: str, write: Callable[[Mapping[str, Any]], str], names: Names) -> str:
    """Write the objects of a list, sorted, after the list's name; nothing for an empty one."""
    if not isinstance(value, list):
        return _plain(name, value, names)
    every = [write(v) if isinstance(v, dict) else _plain(name, v, names) for v in value]
    every.sort()
    return name + "".join(every) if every else ""


_QUANTITY: Final = ("epcClass", "quantity", "uom")


_QUANTITY_SET: Final = frozenset(_QUANTITY)


def _quantities(name: str, value: Any, names: Names) -> str:
    def write(element: Mapping[str, Any]) -> str:
        text = "quantityElement"
        for field in _QUANTITY:
            if (inner := element.get(field)) is not None:
                text += f"{field}={scalar(inner, names)}"
        return (
            text
            if element.keys() <= _QUANTITY_SET
            else text + _extensions(element, _QUANTITY_SET, names)
        )

    return _each(value, name, write, names)


_PLACE_SET: Final = frozenset({"id"})
_PERSISTENT_SET: Final = frozenset({"set", "unset"})


def _place(name: str, value: Any, names: Names) -> str:
    if not isinstance(value, dict):
        return _plain(name, value, names)
    text = name
    if (place := value.get("id")) is not None:
        text += f"id={scalar(place, names)}"
    return text + _extensions(value, _PLACE_SET, names)


def _persistent(name: str, value: Any, names: Names) -> str:
    if not isinstance(value, dict):
        return _plain(name, value, names)
    text = name
    for field in ("set", "unset"):
        given = value.get(field) or []
        every = given if isinstance(given, list) else [given]
        text += "".join(sorted(f"{field}={word(one, names, DISPOSITIONS)}" for one in every))
    return text + _extensions(value, _PERSISTENT_SET, names)


def _typed(item: str, words: Words) -> _Writer:
    known = frozenset({"type", item})

    def list_of(name: str, value: Any, names: Names) -> str:
        def write(element: Mapping[str, Any]) -> str:
            text = ""
            if (kind := element.get("type")) is not None:
                text += "type=" + word(kind, names, words)
            if (inner := element.get(item)) is not None:
                text += f"{item}={scalar(inner, names)}"
            return text + _extensions(element, known, names)

        return _each(value, name, write, names)

    return list_of


_FieldList = Sequence[tuple[str, _Writer]]
_METADATA: Final[_FieldList] = (
    ("time", _moment),
    ("startTime", _moment),
    ("endTime", _moment),
    ("deviceID", _plain),
    ("deviceMetadata", _plain),
    ("rawData", _plain),
    ("dataProcessingMethod", _plain),
    ("bizRules", _plain),
)
_REPORT: Final[_FieldList] = (
    ("type", _vocabulary(MEASUREMENTS)),
    ("exception", _vocabulary(ALERTS)),
    ("deviceID", _plain),
    ("deviceMetadata", _plain),
    ("rawData", _plain),
    ("dataProcessingMethod", _plain),
    ("time", _moment),
    ("microorganism", _plain),
    ("chemicalSubstance", _plain),
    ("value", _plain),
    ("component", _vocabulary(COMPONENTS)),
    ("stringValue", _plain),
    ("booleanValue", _plain),
    ("hexBinaryValue", _plain),
    ("uriValue", _plain),
    ("minValue", _plain),
    ("maxValue", _plain),
    ("meanValue", _plain),
    ("sDev", _plain),
    ("percRank", _plain),
    ("percValue", _plain),
    ("uom", _plain),
    ("coordinateReferenceSystem", _plain),
)


def _in_order(
    value: Any, name: str, fields: _FieldList, known: frozenset[str], names: Names
) -> str:
    if not isinstance(value, dict):
        return _plain(name, value, names)
    text = name
    for field, write in fields:
        if (inner := value.get(field)) is not None:
            text += write(field, inner, names)
    return text + _extensions(value, known, names)


_METADATA_SET: Final = frozenset(name for name, _write in _METADATA)
_REPORT_SET: Final = frozenset(name for name, _write in _REPORT)
_ELEMENT_SET: Final = frozenset({"sensorMetadata", "sensorReport"})


def _sensors(name: str, value: Any, names: Names) -> str:
    def write(element: Mapping[str, Any]) -> str:
        text = "sensorElement"
        if (metadata := element.get("sensorMetadata")) is not None:
            text += _in_order(metadata, "sensorMetadata", _METADATA, _METADATA_SET, names)
        reports = element.get("sensorReport")
        if isinstance(reports, list):
            text += "".join(
                sorted(_in_order(r, "sensorReport", _REPORT, _REPORT_SET, names) for r in reports)
            )
        elif reports is not None:
            text += _plain("sensorReport", reports, names)
        return (
            text
            if element.keys() <= _ELEMENT_SET
            else text + _extensions(element, _ELEMENT_SET, names)
        )

    return _each(value, name, write, names)


def _ilmd(name: str, value: Any, names: Names) -> str:
    return name + _members(value, names) if isinstance(value, dict) else _plain(name, value, names)


FIRST: Final[_FieldList] = (
    ("eventTime", _moment),
    ("eventTimeZoneOffset", _plain),
    ("certificationInfo", _plain),
    ("parentID", _plain),
    ("epcList", _epcs),
    ("inputEPCList", _epcs),
    ("childEPCs", _epcs),
    ("quantityList", _quantities),
    ("childQuantityList", _quantities),
    ("inputQuantityList", _quantities),
    ("outputEPCList", _epcs),
    ("outputQuantityList", _quantities),
    ("action", _plain),
    ("transformationID", _plain),
    ("bizStep", _vocabulary(BIZ_STEPS)),
    ("disposition", _vocabulary(DISPOSITIONS)),
    ("persistentDisposition", _persistent),
    ("readPoint", _place),
    ("bizLocation", _place),
    ("sensorElementList", _sensors),
)
"""Fields in the order in which they are written."""
LAST: Final[Mapping[str, _Writer]] = {
    "bizTransactionList": _typed("bizTransaction", TRANSACTION_TYPES),
    "sourceList": _typed("source", PARTY_TYPES),
    "destinationList": _typed("destination", PARTY_TYPES),
    "ilmd": _ilmd,
}
"""Fields written after those, sorted by their text together with user extensions."""
FIRST_SET: Final = frozenset(name for name, _write in FIRST) | _NOT_HASHED


# What stands without a namespace where the standard has no such field. The public test set shows
# it written at the end, under the names of where it stood (`bizRules` of a sensor report).

_Tree = Mapping[str, Any]
_QUANTITY_TREE: Final = ("quantityElement", dict.fromkeys(_QUANTITY_SET))
TREE: Final[_Tree] = {
    "readPoint": dict.fromkeys(_PLACE_SET),
    "bizLocation": dict.fromkeys(_PLACE_SET),
    "persistentDisposition": dict.fromkeys(_PERSISTENT_SET),
    "quantityList": _QUANTITY_TREE,
    "childQuantityList": _QUANTITY_TREE,
    "inputQuantityList": _QUANTITY_TREE,
    "outputQuantityList": _QUANTITY_TREE,
    "sensorElementList": (
        "sensorElement",
        {
            "sensorMetadata": dict.fromkeys(_METADATA_SET),
            "sensorReport": dict.fromkeys(_REPORT_SET),
        },
    ),
}


def left_over(name: str, value: Any, tree: Any, names: Names) -> str:
    """Write what stands without a namespace where the standard has no such field; or nothing."""
    if isinstance(tree, tuple):
        inside = [left_over(tree[0], one, tree[1], names) for one in _listed(value)]
    elif isinstance(value, list):
        return "".join(sorted(left_over(name, one, tree, names) for one in value))
    elif isinstance(value, dict):
        inside = []
        for key, inner in value.items():
            if key not in tree:
                if not names.is_extension(key) and not names.says_nothing(key):
                    inside.extend(extension(key, inner, names))
            elif tree[key] is not None:
                inside.append(left_over(key, inner, tree[key], names))
    else:
        return ""
    text = "".join(sorted(inside))
    return name + text if text else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
