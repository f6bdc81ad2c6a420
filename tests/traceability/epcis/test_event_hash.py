"""One event has one hash, however it was written down."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.traceability.public_vectors import public_vectors
from traceability.epcis.event_hash import event_hash, events_of, hashes, pre_hash

OURS: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-04-12T08:30:00.0005+08:00",
    "eventTimeZoneOffset": "+08:00",
    "action": "ADD",
    "bizStep": "commissioning",
}
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"hall": "https://hall.example/voc/"},
]
START = (
    "eventType=ObjectEventeventTime=2026-04-12T00:30:00.001ZeventTimeZoneOffset=+08:00"
    "{}action=ADDbizStep=https://ref.gs1.org/cbv/BizStep-commissioning{}"
)
STALE = {
    "examples/epcisDocWithAllGS1Keys.jsonld",
    "examples/epcisDocWithCustomSchemaInContext.jsonld",
    "examples/epcisQueryDocHavingEventWithIgnoreFields.jsonld",
}
"""Their hashes were made anew upstream, their pre-hashes were not."""


def written(**fields: Any) -> str:
    """The part of the pre-hash that fields of the event add after the business step."""
    plain = START.format("", "")
    text = pre_hash({**OURS, **fields}, CONTEXT)
    assert text.startswith(plain)
    return text.removeprefix(plain)


def test_every_public_event_in_json_has_its_hash() -> None:
    cases = public_vectors("event-hash/vectors.json")["cases"]
    asked = [case for case in cases if case["input"].endswith("jsonld")]
    for case in asked:
        document = public_vectors(f"event-hash/{case['input']}")
        assert hashes(document) == case["hashes"], case["input"]
        if case.get("prehashes") and case["input"] not in STALE:
            context = document["@context"]
            said = [pre_hash(event, context) for event in events_of(document)]
            assert said == case["prehashes"], case["input"]
    assert sum(len(case["hashes"]) for case in asked) == 34


def test_a_hash_is_a_named_information_address() -> None:
    # printf 'eventType=ObjectEvent' | sha256sum
    assert event_hash({"type": "ObjectEvent"}) == (
        "ni:///sha-256;7aa6d15415d4b429d7c4f7b3f1aaebcdbd9a12ad5c6ff4951247b61e621b9659?ver=CBV2.0"
    )


def test_what_says_nothing_about_the_event_is_not_hashed() -> None:
    assert (
        written(
            eventID="urn:uuid:1",
            recordTime="2026-04-12T08:31:00Z",
            errorDeclaration={"declarationTime": "2026-04-13T00:00:00Z"},
            **{"rdfs:comment": "seen by two", "hall:none": None},
        )
        == ""
    )


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2026-04-12T00:30:00Z", "2026-04-12T00:30:00.000Z"),
        ("2026-04-12T00:30:00.1414Z", "2026-04-12T00:30:00.141Z"),
        ("2026-04-12T00:30:00.1415Z", "2026-04-12T00:30:00.142Z"),
        ("2026-12-31T23:59:59.9995Z", "2027-01-01T00:00:00.000Z"),
        ("2026-04-12T00:30:00-12:00", "2026-04-12T12:30:00.000Z"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.9999Z"),
        ("2026-04-12t00:30:00z", "2026-04-12T00:30:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("yesterday", "yesterday"),
    ],
)
def test_times_are_in_utc_with_milliseconds(time: str, said: str) -> None:
    assert f"eventTime={said}eventTimeZoneOffset" in pre_hash({**OURS, "eventTime": time})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (452.0, "452"),
        (0.10, "0.1"),
        (7, "7"),
        ("452.0", "452"),
        ("0100", "100"),
        (" 12.50 ", "12.5"),
        ("1e3", "1000"),
        ("-0", "0"),
        ("340123451111111110", "340123451111111110"),
        ("12345678901234567.50", "12345678901234567.5"),
        ("nan", "nan"),
        ("1_000", "1_000"),
        ("1e999", "1e999"),
        ("2026-04-12", "2026-04-12"),
        (True, "true"),
        ("蜂蜜", "蜂蜜"),
    ],
)
def test_numbers_are_written_without_what_says_nothing(value: object, said: str) -> None:
    assert written(**{"hall:n": value}) == "{https://hall.example/voc/}n=" + said


def test_lists_are_sorted_and_empty_ones_are_left_out() -> None:
    serials = [f"https://id.gs1.org/01/06921234601013/21/{n}" for n in (9, 10, 1)]
    text = pre_hash({**OURS, "epcList": serials, "quantityList": []}, CONTEXT)
    wanted = "".join(f"epc=https://id.gs1.org/01/06921234601013/21/{n}" for n in (1, 10, 9))
    assert text == START.format("epcList" + wanted, "")


def test_quantities_sources_and_extensions_have_their_places() -> None:
    quantity = {"uom": "KGM", "quantity": 1.50, "epcClass": "urn:epc:class:lgtin:6921234.060101.L"}
    text = pre_hash(
        {
            **OURS,
            "quantityList": [quantity],
            "sourceList": [{"type": "location", "source": "urn:epc:id:sgln:6921234.00007.0"}],
            "destinationList": [{"type": "hall:x", "destination": "hall:somewhere"}],
            "bizTransactionList": [{"bizTransaction": "urn:bt:1"}],
            "ilmd": {"hall:b": {"hall:d": ["2", "1"]}, "cbvmda:lotNumber": "L"},
            "hall:zero": 0,
        },
        CONTEXT,
    )
    assert text == START.format(
        "quantityListquantityElementepcClass=https://id.gs1.org/01/06921234601013/10/L"
        "quantity=1.5uom=KGM",
        "bizTransactionListbizTransaction=urn:bt:1"
        "destinationListtype=https://hall.example/voc/xdestination=https://hall.example/voc/somewhere"
        "ilmd{https://hall.example/voc/}b{https://hall.example/voc/}d=1{https://hall.example/voc/}d=2"
        "{urn:epcglobal:cbv:mda:}lotNumber=L"
        "sourceListtype=https://ref.gs1.org/cbv/SDT-location"
        "source=https://id.gs1.org/414/6921234000076"
        "{https://hall.example/voc/}zero=0",
    )


def test_sensors_are_written_in_order_with_their_extensions() -> None:
    report = {
        "uom": "CEL",
        "value": 4.0,
        "type": "Temperature",
        "booleanValue": False,
        "exception": "gs1:ALARM_CONDITION",
        "component": "cbv:Comp-x",
        "time": "2026-04-12T08:00:00+08:00",
        "hall:probe": "2",
        "bizRules": "https://hall.example/rules",
    }
    element = {
        "sensorReport": [report],
        "sensorMetadata": {"deviceID": "urn:epc:id:giai:6921234.9"},
    }
    assert written(sensorElementList=[element]) == (
        "sensorElementListsensorElementsensorMetadatadeviceID=https://id.gs1.org/8004/69212349"
        "sensorReporttype=https://gs1.org/voc/Temperatureexception=https://gs1.org/voc/ALARM_CONDITION"
        "time=2026-04-12T00:00:00.000Zvalue=4component=https://ref.gs1.org/cbv/Comp-x"
        "booleanValue=falseuom=CEL{https://hall.example/voc/}probe=2"
        "sensorElementListsensorElementsensorReportbizRules=https://hall.example/rules"
    )


@pytest.mark.parametrize(
    "spelling",
    [
        lambda e: e,
        lambda e: dict(reversed(e.items())),
        lambda e: {**e, "bizStep": "urn:epcglobal:cbv:bizstep:commissioning"},
        lambda e: {**e, "bizStep": "https://ref.gs1.org/cbv/BizStep-commissioning"},
        lambda e: {**e, "bizStep": "cbv:BizStep-commissioning"},
        lambda e: {**e, "eventTime": "2026-04-12T00:30:00.001Z"},
        lambda e: {**e, "epcList": ["http://any.example/gtin/6921234601013/ser/7"]},
        lambda e: {**e, "eventID": "urn:uuid:2"},
        lambda e: {
            **{k: v for k, v in e.items() if k != "hall:by"},
            "@context": {"other": "https://hall.example/voc/"},
            "other:by": "A",
        },
        lambda e: {
            **{k: v for k, v in e.items() if k != "hall:by"},
            "@context": {"by": {"@id": "hall:by"}, "hall": "https://hall.example/voc/"},
            "by": "A",
        },
        lambda e: {
            **{k: v for k, v in e.items() if k != "hall:by"},
            "https://hall.example/voc/by": "A",
        },
    ],
)
def test_one_event_in_many_spellings_has_one_hash(
    spelling: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    event = {**OURS, "epcList": ["urn:epc:id:sgtin:6921234.060101.7"], "hall:by": "A"}
    assert event_hash(spelling(event), CONTEXT) == event_hash(event, CONTEXT)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "OBSERVE"},
        {"eventTime": "2026-04-12T08:30:00.002+08:00"},
        {"eventTimeZoneOffset": "+09:00"},
        {"bizStep": "packing"},
        {"epcList": ["urn:epc:id:sgtin:6921234.060101.8"]},
        {"disposition": "active"},
        {"hall:by": "B"},
        {"readPoint": {"id": "https://id.gs1.org/414/6921234000076"}},
        {"ilmd": {"hall:by": "A"}},
        {"sensorElementList": [{"sensorReport": [{"value": 1}]}]},
        {"noSuchField": "1"},
    ],
)
def test_any_change_of_an_event_changes_its_hash(change: dict[str, Any]) -> None:
    event = {**OURS, "epcList": ["urn:epc:id:sgtin:6921234.060101.7"], "hall:by": "A"}
    assert event_hash({**event, **change}, CONTEXT) != event_hash(event, CONTEXT)


def test_a_document_may_name_fields_that_a_store_added() -> None:
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "epcisBody": {"eventList": [{**OURS, "hall:seen": "1"}, OURS]},
    }
    assert len(set(hashes(document))) == 2
    assert len(set(hashes({**document, "hall:ignoreFields": ["hall:seen"]}))) == 1


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None, "readPoint": "x", "epcList": "y", "persistentDisposition": []},
        {"type": "ObjectEvent", "sensorElementList": [1, {"sensorReport": {"a": 1}}], "ilmd": []},
        {"type": "ObjectEvent", "bizTransactionList": [None], "quantityList": {"a": [[{}]]}},
        {"type": "ObjectEvent", "@context": {"a": 1, "b": {"@id": 2}}, "a:b": [[[]]]},
        {"type": "ObjectEvent", "eventTime": 5, "action": ["x"], "hall:x": "\ud800"},
    ],
)
def test_what_is_no_event_has_a_hash_and_breaks_nothing(event: dict[str, Any]) -> None:
    assert event_hash(event).startswith("ni:///sha-256;")
