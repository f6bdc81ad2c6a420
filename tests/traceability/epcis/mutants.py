"""Documents made wrong, or merely different, in many ways at random."""

import copy
import random
from collections.abc import Iterator
from typing import Any

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 1e300, "", " ", "x", "a b", "中文", [], {}, [[]], [{}]),
    *(
        "urn:x:y",
        "urn:",
        "http://",
        "https://a.example/b",
        "https://a.example/a b",
        "a:b",
        ":",
        "1:2",
    ),
    *(
        "https://exämple.cn/ä",
        "https://a.example/%zz",
        "mailto:a@b.cn",
        "//a/b",
        "a/b",
        "#a",
        "A1+-.:b",
    ),
    *("urn:epcglobal:cbv:bizstep:shipping", "urn:epcglobal:cbv:disp:active", "urn:epcglobal:cbv"),
    *(
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "http://ns.gs1.org/cbv/x",
        "https://ns.gs1.org/cbv/",
    ),
    *("https://gs1.org/voc/Temperature", "http://www.gs1.org/voc/Mass", "gs1:Temperature", "cbv:x"),
    *("shipping", "in_transit", "SHIPPING", "po", "location", "Temperature", "ALARM_CONDITION"),
    *("ADD", "OBSERVE", "DELETE", "add", "ObjectEvent", "AggregationEvent", "AssociationEvent"),
    *(
        "TransactionEvent",
        "TransformationEvent",
        "EPCISDocument",
        "EPCISQueryDocument",
        "example:E",
    ),
    *("2020-02-29T00:00:00Z", "2021-02-29T00:00:00Z", "2020-01-01", "2020-01-01T00:00:00"),
    *("2020-01-01T00:00:00+08:00", "2020-01-01t00:00:00z", "2020-01-01T24:00:00Z", "22-07-2026"),
    *(
        "2016-12-31T23:59:60Z",
        "2020-01-01 00:00:00Z",
        "2020-01-01T00:00:00.Z",
        "2020-13-01T00:00:00Z",
    ),
    *("2020-01-01T00:00:00+0800", "2020-01-01T00:00:00.123456789Z", "2020-01-01T00:00Z"),
    *("+08:00", "-14:00", "+14:30", "08:00", "+8:00", "+13:59", "+00:60", "Z"),
    *("KGM", "kgm", "K", "KGMM", "A1", "f0", "F0F", "0x1", "2.0", "2", "2.0.0", "v2", "2."),
    *("did_not_occur", "incorrect_data", "longitude", "9", "0614141", ["urn:x:y"], ["a"], [1]),
    *(["urn:x:y", "urn:x:y"], {"id": "urn:x:y"}, {"id": "x"}, {"type": "po"}, {"a": 1}, {"a:b": 1}),
    *({"set": ["active"]}, {"unset": []}, {"set": ["active"], "x": 1}, {"epcClass": "urn:x:y"}),
    *(
        {"type": "location", "source": "urn:x:y"},
        {"bizTransaction": "urn:x:y"},
        {"declarationTime": "x"},
    ),
    *([{"epcClass": "urn:x:y", "quantity": 1}], [{"epcClass": "x"}], [{"sensorReport": []}]),
    *([{"sensorReport": [{"type": "Mass"}]}], [{"type": "Mass", "value": "1"}], {"ilmd:x": 1}),
]
KEYS = [
    *(
        "type",
        "eventTime",
        "eventTimeZoneOffset",
        "recordTime",
        "eventID",
        "@context",
        "id",
        "action",
    ),
    *("epcList", "quantityList", "childEPCs", "childQuantityList", "parentID", "inputEPCList"),
    *("outputEPCList", "inputQuantityList", "outputQuantityList", "transformationID", "bizStep"),
    *("disposition", "persistentDisposition", "readPoint", "bizLocation", "bizTransactionList"),
    *("sourceList", "destinationList", "sensorElementList", "ilmd", "errorDeclaration", "uom"),
    *("certificationInfo", "set", "unset", "source", "destination", "bizTransaction", "epcClass"),
    *(
        "quantity",
        "sensorReport",
        "sensorMetadata",
        "value",
        "component",
        "exception",
        "stringValue",
    ),
    *("booleanValue", "hexBinaryValue", "uriValue", "time", "startTime", "deviceID", "bizRules"),
    *("reason", "declarationTime", "correctiveEventIDs", "epcisBody", "eventList", "epcisHeader"),
    *("epcisMasterData", "vocabularyList", "schemaVersion", "creationDate", "queryResults"),
    *("resultsBody", "queryName", "subscriptionID", "sender", "receiver", "instanceIdentifier"),
    *(
        "foo",
        "a:b",
        "a:",
        ":b",
        "a b:c",
        "http://x.example/y",
        "",
        "$",
        "中:文",
        "x:中",
        "a:b c",
        "1:b",
    ),
    *("vocabularyElementList", "attributes", "attribute", "children", "coordinateReferenceSystem"),
]


def mutant(document: dict[str, Any], rng: random.Random, steps: int = 1) -> Any:
    """Give a copy with so many random changes."""
    made: Any = copy.deepcopy(document)
    for _step in range(steps):
        made = _changed(made, rng)
    return made


def _changed(document: Any, rng: random.Random) -> Any:
    places = list(_places(document))
    if not places:
        return rng.choice(VALUES)
    holder, key = rng.choice(places)
    way = rng.randrange(8)
    if way == 0:
        del holder[key]
    elif way in {1, 2}:
        holder[key] = copy.deepcopy(rng.choice(VALUES))
    elif way == 3 and isinstance(holder, dict):
        holder[rng.choice(KEYS)] = holder.pop(key)
    elif way == 4 and isinstance(holder, dict):
        holder[rng.choice(KEYS)] = copy.deepcopy(rng.choice(VALUES))
    elif way == 5 and isinstance(holder, list):
        holder.append(copy.deepcopy(rng.choice([holder[key], *VALUES])))
    elif way == 6:
        other_holder, other_key = rng.choice(places)
        holder[key] = copy.deepcopy(other_holder[other_key])
    elif isinstance(holder[key], str):
        holder[key] = _respelt(holder[key], rng)
    return document


def _respelt(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    spelt = rng.choice(
        [" ", "%", "#", ":", "/", "é", "\\", "T", "9", "<", "[", "\n", "^", "|", "@"]
    )
    return rng.choice(
        [text[:at] + spelt + text[at:], text[:at], text[at:], text.upper(), text + spelt]
    )


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, inner in list(value.items()):
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield value, index
            yield from _places(inner)
