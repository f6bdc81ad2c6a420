"""The form of EPCIS 2.0 documents in JSON, as JSON Schema (draft 7) of our own.

Written from the tables of EPCIS 2.0 section 10 (JSON binding) and the words of CBV 2.0, and held
to the verdict of GS1's own schema by tests. A node may carry a `rule`: the code of the problem
that a breach of it is told as. Other nodes are told by their JSON Schema keyword.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from traceability.epcis.vocabulary import (
    ALERTS,
    BIZ_STEPS,
    COMPONENTS,
    DISPOSITIONS,
    ERROR_REASONS,
    MEASUREMENTS,
    PARTY_TYPES,
    TRANSACTION_TYPES,
    Words,
)

Schema = dict[str, Any]

_URI: Final[Schema] = {"type": "string", "format": "uri", "rule": "not_a_uri"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time", "rule": "not_a_time"}
_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}

# Words have short names in JSON; their URNs and web addresses are refused there, a user's own
# word is any other URI.
_CBV_WORD: Final = "^(urn:epcglobal:cbv|https?://ns\\.gs1\\.org/cbv/)"
_VOC_WORD: Final = "^https?://(www\\.)?gs1\\.org/voc/"


def _word(words: Words, foreign: str = _CBV_WORD) -> Schema:
    own = {"format": "uri", "not": {"pattern": foreign}}
    return {
        "type": "string",
        "anyOf": [{"enum": sorted(words.names)}, own],
        "rule": "not_in_vocabulary",
    }


def _many(item: Schema, *, least: int = 0, distinct: bool = False) -> Schema:
    found: Schema = {"type": "array", "items": item}
    if least:
        found["minItems"] = least
    if distinct:
        found["uniqueItems"] = True
    return found


def _closed(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """Describe an object that has these fields and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _extensible(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """Describe an object that has these fields, and user extensions named by a URI."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "propertyNames": {"anyOf": [{"enum": sorted(properties)}, {"format": "uri"}]},
    }


_CONTEXT_PART: Final[Schema] = {"anyOf": [{"type": "string", "format": "uri"}, {"type": "object"}]}
_CONTEXT: Final[Schema] = {
    "anyOf": [*_CONTEXT_PART["anyOf"], _many(_CONTEXT_PART, distinct=True)],
    "rule": "bad_context",
}

_QUANTITY: Final = _closed(
    {
        "epcClass": _URI,
        "quantity": _NUMBER,
        "uom": {"type": "string", "pattern": "^[A-Z0-9]{2,3}$", "rule": "not_a_unit"},
    },
    ["epcClass"],
)
_PLACE: Final[Schema] = {"type": "object", "properties": {"id": _URI}, "required": ["id"]}
_DISPOSITION: Final = _word(DISPOSITIONS)
_PERSISTENT: Final[Schema] = {
    **_closed(
        {
            "set": _many(_DISPOSITION, least=1, distinct=True),
            "unset": _many(_DISPOSITION, least=1, distinct=True),
        }
    ),
    "minProperties": 1,
}


def _party(name: str) -> Schema:
    return _many(_closed({"type": _word(PARTY_TYPES), name: _URI}, ["type", name]))


_TRANSACTION: Final = _closed(
    {"type": _word(TRANSACTION_TYPES), "bizTransaction": _URI}, ["bizTransaction"]
)
_METADATA: Final = _extensible(
    {
        **dict.fromkeys(("time", "startTime", "endTime"), _TIME),
        **dict.fromkeys(
            ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"), _URI
        ),
    }
)
_REPORT: Final = _extensible(
    {
        "type": _word(MEASUREMENTS, _VOC_WORD),
        "exception": _word(ALERTS, _VOC_WORD),
        "component": _word(COMPONENTS),
        "time": _TIME,
        "stringValue": _TEXT,
        "uom": _TEXT,
        "booleanValue": {"type": "boolean"},
        "hexBinaryValue": {"type": "string", "pattern": "^[A-Fa-f0-9]+$", "rule": "not_hex"},
        **dict.fromkeys(
            (
                "deviceID",
                "deviceMetadata",
                "rawData",
                "dataProcessingMethod",
                "bizRules",
                "microorganism",
                "chemicalSubstance",
                "coordinateReferenceSystem",
                "uriValue",
            ),
            _URI,
        ),
        **dict.fromkeys(
            (
                "value",
                "minValue",
                "maxValue",
                "meanValue",
                "sDev",
                "percRank",
                "percValue",
            ),
            _NUMBER,
        ),
    },
    ["type"],
)
_SENSORS: Final = _many(
    _extensible(
        {"sensorMetadata": _METADATA, "sensorReport": _many(_REPORT, least=1)}, ["sensorReport"]
    )
)

# What every event has (EPCIS 2.0 section 7.4.1)
_COMMON: Final[Mapping[str, Schema]] = {
    "@context": _CONTEXT,
    "type": {"type": "string"},
    "eventTime": _TIME,
    "recordTime": _TIME,
    "eventTimeZoneOffset": {
        "type": "string",
        "pattern": "^[+-](((0[0-9])|(1[0-3])):[0-5][0-9]|14:00)$",
        "rule": "not_an_offset",
    },
    "eventID": _URI,
    "certificationInfo": {
        "anyOf": [{"type": "string", "format": "uri"}, _many({"type": "string", "format": "uri"})],
        "rule": "not_a_uri",
    },
    "errorDeclaration": _extensible(
        {
            "declarationTime": _TIME,
            "reason": _word(ERROR_REASONS),
            "correctiveEventIDs": _many(_URI),
        },
        ["declarationTime"],
    ),
}
# What all five types have besides
_SHARED: Final[Mapping[str, Schema]] = {
    "bizStep": _word(BIZ_STEPS),
    "disposition": _DISPOSITION,
    "readPoint": _PLACE,
    "bizLocation": _PLACE,
    "bizTransactionList": _many(_TRANSACTION),
    "sourceList": _party("source"),
    "destinationList": _party("destination"),
    "sensorElementList": _SENSORS,
}
_ACTION: Final[Schema] = {"type": "string", "enum": ["ADD", "OBSERVE", "DELETE"]}
_ILMD: Final[Schema] = {"type": "object", "propertyNames": {"format": "uri"}}
_EPCS: Final = _many(_URI)
_DISTINCT_EPCS: Final = _many(_URI, distinct=True)
_QUANTITIES: Final = _many(_QUANTITY)
_CHILDREN: Final[Mapping[str, Schema]] = {
    "parentID": _URI,
    "childEPCs": _EPCS,
    "childQuantityList": _QUANTITIES,
    "action": _ACTION,
}


def _has(name: str, least: int = 1) -> Schema:
    """Ask for a list, of at least so many."""
    return {"required": [name], "properties": {name: {"minItems": least}}}


def _any(*ways: Schema, rule: str) -> Schema:
    return {"anyOf": list(ways), "rule": rule}


def _both(*ways: Schema) -> Schema:
    return {"allOf": list(ways)}


_DELETES: Final[Schema] = {"required": ["action"], "properties": {"action": {"const": "DELETE"}}}


def _event(own: Mapping[str, Schema], required: Iterable[str], *conditions: Schema) -> Schema:
    return {
        **_extensible(
            {**_COMMON, **_SHARED, **own},
            ["type", "eventTime", "eventTimeZoneOffset", *required],
        ),
        "allOf": list(conditions),
    }


EVENTS: Final[Mapping[str, Schema]] = {
    "ObjectEvent": _event(
        {
            "action": _ACTION,
            "epcList": _DISTINCT_EPCS,
            "quantityList": _QUANTITIES,
            "persistentDisposition": _PERSISTENT,
            "ilmd": _ILMD,
        },
        ["action"],
        _any(
            _has("epcList", 0),
            _has("quantityList"),
            _both(_has("sensorElementList"), {"required": ["readPoint"]}),
            rule="names_nothing",
        ),
        {
            "if": {"required": ["ilmd"]},
            "then": {"properties": {"action": {"const": "ADD", "rule": "ilmd_without_add"}}},
        },
    ),
    "AggregationEvent": _event(
        _CHILDREN,
        ["action"],
        _any(_has("childEPCs"), _has("childQuantityList"), _DELETES, rule="names_no_child"),
    ),
    "AssociationEvent": _event(
        _CHILDREN,
        ["action", "parentID"],
        _any(_has("childEPCs"), _has("childQuantityList"), _DELETES, rule="names_no_child"),
    ),
    "TransactionEvent": _event(
        {
            "parentID": _URI,
            "epcList": _EPCS,
            "quantityList": _QUANTITIES,
            "action": _ACTION,
            "bizTransactionList": _many(_TRANSACTION, least=1),
        },
        ["action", "bizTransactionList"],
        _any(_has("epcList", 0), _has("quantityList"), _DELETES, rule="names_nothing"),
    ),
    "TransformationEvent": _event(
        {
            "inputEPCList": _DISTINCT_EPCS,
            "inputQuantityList": _QUANTITIES,
            "outputEPCList": _DISTINCT_EPCS,
            "outputQuantityList": _QUANTITIES,
            "transformationID": _URI,
            "persistentDisposition": _PERSISTENT,
            "ilmd": _ILMD,
        },
        [],
        _any(
            _both(
                {"anyOf": [_has("inputEPCList"), _has("inputQuantityList")]},
                {"anyOf": [_has("outputEPCList"), _has("outputQuantityList")]},
            ),
            _both(
                {"required": ["transformationID"]},
                {
                    "anyOf": [
                        _has(f"{side}{kind}List")
                        for side in ("input", "output")
                        for kind in ("EPC", "Quantity")
                    ]
                },
            ),
            rule="transforms_nothing",
        ),
    ),
}
"""The form of an event of each type (EPCIS 2.0 sections 7.4.2 to 7.4.6)."""

EXTENDED: Final[Schema] = {
    "type": "object",
    "properties": {**_COMMON, "type": _URI},
    "required": ["type", "eventTime", "eventTimeZoneOffset"],
}
"""The form of an event of a user's own type, which is named by a URI."""

_MASTER_DATA: Final = _many(
    {
        "type": "object",
        "properties": {
            "type": _URI,
            "vocabularyElementList": _many(
                {
                    "type": "object",
                    "properties": {
                        "id": _URI,
                        "attributes": _many(
                            {
                                "type": "object",
                                "properties": {
                                    "id": _URI,
                                    "attribute": {"type": ["number", "string", "object"]},
                                },
                                "required": ["id"],
                            }
                        ),
                        "children": _many(_URI),
                    },
                    "required": ["id"],
                }
            ),
        },
        "required": ["type"],
    }
)
_HEADER: Final = _extensible(
    {"epcisMasterData": {"type": "object", "properties": {"vocabularyList": _MASTER_DATA}}}
)
_ABOUT: Final[Mapping[str, Schema]] = {
    "@context": _CONTEXT,
    "id": _URI,
    "type": {"type": "string"},
    "schemaVersion": {"type": "string", "pattern": "^\\d+(\\.\\d+)*$", "rule": "not_a_version"},
    "creationDate": _TIME,
}
_EVENT_LIST: Final[Schema] = {"type": "array"}
"""Each event is asked by itself, so that its place and its type are known."""

DOCUMENTS: Final[Mapping[str, Schema]] = {
    "EPCISDocument": _extensible(
        {
            **_ABOUT,
            "instanceIdentifier": _TEXT,
            "sender": _TEXT,
            "receiver": _TEXT,
            "epcisHeader": _HEADER,
            "epcisBody": {
                "type": "object",
                "properties": {"eventList": _EVENT_LIST},
                "required": ["eventList"],
            },
        },
        ["@context", "type", "schemaVersion", "creationDate", "epcisBody"],
    ),
    "EPCISQueryDocument": _extensible(
        {
            **_ABOUT,
            "epcisBody": _extensible(
                {
                    "queryResults": _extensible(
                        {
                            "queryName": _TEXT,
                            "subscriptionID": _TEXT,
                            "resultsBody": _extensible(
                                {"eventList": _EVENT_LIST, "vocabularyList": _MASTER_DATA},
                                ["eventList"],
                            ),
                        },
                        ["queryName", "resultsBody"],
                    )
                },
                ["queryResults"],
            ),
        },
        ["@context", "type", "epcisBody"],
    ),
}
"""The form of what goes around the events (EPCIS 2.0 section 10)."""
