"""The form of a document gets the verdict of GS1's schema, and every problem a place and a name."""

import json
import random
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.traceability.epcis.mutants import mutant
from tests.traceability.public_vectors import public_vectors, vectors_folder
from traceability.epcis.schema import DOCUMENTS, EVENTS
from traceability.epcis.sentences import FORM
from traceability.epcis.validation import (
    MOST_LEVELS,
    DocumentUnreadable,
    event_problems,
    is_valid,
    problems,
    read,
)

MUTANTS = 4_000

EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-04-12T08:30:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "action": "ADD",
    "epcList": ["https://id.gs1.org/01/06921234601013/21/7"],
}
MAKING: dict[str, Any] = {
    **{name: EVENT[name] for name in ("eventTime", "eventTimeZoneOffset")},
    "type": "TransformationEvent",
}


def document(*events: object, **fields: object) -> dict[str, Any]:
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-04-12T08:31:00+08:00",
        "epcisBody": {"eventList": list(events)},
        **fields,
    }


def told(found: object) -> list[tuple[int | None, str, str]]:
    return [(problem.event, problem.path, problem.rule) for problem in problems(found)]


def documents(folder: str) -> dict[str, Any]:
    """Every public document under a folder of the vectors, by its name."""
    root = vectors_folder(folder)
    return {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.json*"))
    }


def the_standard() -> jsonschema_rs.Draft7Validator:
    schema = public_vectors("epcis/schema/EPCIS-JSON-Schema.json")
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


def test_every_public_document_is_told_apart() -> None:
    valid = documents("epcis/examples-gs1")
    invalid = documents("epcis/invalid")
    assert [name for name, value in valid.items() if problems(value)] == []
    assert [name for name, value in invalid.items() if is_valid(value)] == []
    assert (len(valid), len(invalid)) == (52, 5)


def test_changed_documents_get_the_verdict_of_the_standard() -> None:
    standard = the_standard()
    valid = list(documents("epcis/examples-gs1").values())
    rng = random.Random(20261123)  # noqa: S311 -- the same mutants every time
    seen = {True: 0, False: 0}
    for _turn in range(MUTANTS):
        changed = mutant(rng.choice(valid), rng, rng.choice([1, 1, 2, 3]))
        verdict = standard.is_valid(changed)
        assert is_valid(changed) is verdict, json.dumps(changed, ensure_ascii=False)
        seen[verdict] += 1
    assert min(seen.values()) > MUTANTS / 10


def test_a_problem_names_the_event_the_field_and_the_rule() -> None:
    wrong = {
        **EVENT,
        "bizStep": "selling",
        "quantityList": [{"epcClass": "urn:x:y", "quantity": "3", "uom": "kg"}],
        "sensorElementList": [{"sensorReport": [{"type": "Temperature", "colour": "red"}]}],
        "readPoint": {},
    }
    assert sorted(told(document(EVENT, wrong))) == [
        (1, "bizStep", "not_in_vocabulary"),
        (1, "quantityList[0].quantity", "wrong_type"),
        (1, "quantityList[0].uom", "not_a_unit"),
        (1, "readPoint.id", "missing_field"),
        (1, "sensorElementList[0].sensorReport[0].colour", "unknown_field"),
    ]


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        ({"eventTime": "2026-04-12"}, "eventTime", "not_a_time"),
        ({"eventTime": None}, "eventTime", "wrong_type"),
        ({"eventTimeZoneOffset": "+8"}, "eventTimeZoneOffset", "not_an_offset"),
        ({"action": "CREATE"}, "action", "not_allowed"),
        ({"epcList": ["one two"]}, "epcList[0]", "not_a_uri"),
        ({"epcList": [EVENT["epcList"][0]] * 2}, "epcList", "twice_in_list"),
        ({"disposition": "urn:epcglobal:cbv:disp:active"}, "disposition", "not_in_vocabulary"),
        ({"persistentDisposition": {}}, "persistentDisposition", "empty_object"),
        ({"persistentDisposition": {"set": []}}, "persistentDisposition.set", "empty_list"),
        ({"action": "OBSERVE", "ilmd": {"my:x": 1}}, "action", "ilmd_without_add"),
        ({"ilmd": {"lot": "1"}}, "ilmd.lot", "unknown_field"),
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"@context": 5}, "@context", "bad_context"),
        ({"eventID": "\ud800"}, "", "not_json"),
        ({"certificationInfo": ["a b"]}, "certificationInfo", "not_a_uri"),
        ({"errorDeclaration": {}}, "errorDeclaration.declarationTime", "missing_field"),
        (
            {"sensorElementList": [{"sensorReport": [{"type": "Mass", "hexBinaryValue": "x"}]}]},
            "sensorElementList[0].sensorReport[0].hexBinaryValue",
            "not_hex",
        ),
    ],
)
def test_each_rule_of_form_is_told_by_its_code(
    change: dict[str, Any], path: str, rule: str
) -> None:
    assert told(document({**EVENT, **change})) == [(0, path, rule)]


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        ({**EVENT, "epcList": None}, "wrong_type"),
        ({name: EVENT[name] for name in EVENT if name != "epcList"}, "names_nothing"),
        ({**EVENT, "type": "AggregationEvent"}, "unknown_field"),
        ({**MAKING, "inputEPCList": ["urn:x:y"]}, "transforms_nothing"),
        ({**MAKING, "transformationID": "urn:x:y"}, "transforms_nothing"),
        ({**MAKING, "inputEPCList": ["urn:x:y"], "outputEPCList": ["urn:x:z"]}, None),
        ({**MAKING, "inputEPCList": ["urn:x:y"], "transformationID": "urn:x:z"}, None),
    ],
)
def test_an_event_says_what_it_is_about(event: dict[str, Any], rule: str | None) -> None:
    rules = {problem.rule for problem in event_problems(event, 0)}
    assert rule in rules if rule else not rules


def test_an_aggregation_without_children_only_takes_all_of_them_out() -> None:
    bare = {name: EVENT[name] for name in ("eventTime", "eventTimeZoneOffset")}
    event = {**bare, "type": "AggregationEvent", "parentID": "urn:x:y", "action": "ADD"}
    assert [problem.rule for problem in event_problems(event)] == ["names_no_child"]
    assert event_problems({**event, "action": "DELETE"}) == []


def test_the_document_around_the_events_is_asked_too() -> None:
    assert told(document(EVENT, schemaVersion="two")) == [(None, "schemaVersion", "not_a_version")]
    assert told(document(EVENT, epcisBody={})) == [(None, "epcisBody.eventList", "missing_field")]
    assert told(document(EVENT, colour="red")) == [(None, "colour", "unknown_field")]
    assert told(document(5, EVENT)) == [(0, "", "not_an_object")]
    assert told([EVENT]) == [(None, "", "not_an_object")]


def test_a_bare_event_brings_its_context() -> None:
    assert told(EVENT) == [(None, "@context", "missing_field")]
    assert (
        told({**EVENT, "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"})
        == []
    )


def test_an_event_of_a_users_own_type_is_named_by_an_address() -> None:
    own = {**EVENT, "type": "https://hall.example/voc/Tasting", "anything": 1}
    assert told(document(own)) == []
    assert told(document({**own, "type": "Tasting"})) == [(0, "type", "not_a_uri")]


def test_what_is_nested_too_deeply_is_refused_and_breaks_nothing() -> None:
    deep: dict[str, Any] = {}
    for _level in range(5 * MOST_LEVELS):
        deep = {"my:x": deep}
    assert told(document({**EVENT, "my:x": deep})) == [(0, "", "too_deep")]
    assert told(document({**EVENT, "epcList": [deep]}))
    assert told(document({**EVENT, "readPoint": {"id": deep}}))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe{",
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"a": "x\\u0000y"}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 400 + b".0}",
        b"[" * 100_000,
    ],
)
def test_bytes_that_are_no_json_are_refused(raw: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        read(raw)


def test_bytes_that_are_json_are_read() -> None:
    assert read(b'{"a": "\\\\u0000", "b": 1e300}') == {"a": "\\u0000", "b": 1e300}
    assert read('{"蜂": "蜜 \\ud83d\\ude00"}'.encode()) == {"蜂": "蜜 \N{GRINNING FACE}"}


def test_only_so_many_problems_are_told() -> None:
    assert len(problems(document(*[{}] * 500))) == 200
    assert len(problems(document(*[{}] * 500), most=3)) == 3


def test_every_rule_has_a_sentence_and_every_sentence_its_parameters() -> None:
    rules: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("rule"), str):
                rules.add(node["rule"])
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(dict(EVENTS))
    walk(dict(DOCUMENTS))
    assert rules <= FORM.keys()
    found = problems(document({**EVENT, "bizStep": "selling", "colour": 1}, {"action": "x"}))
    assert all("%(" not in problem.sentence() for problem in found)


def test_our_schema_is_not_the_standards_file() -> None:
    house = Path(__file__).parents[3]
    assert list((house / "traceability").rglob("*EPCIS-JSON-Schema*")) == []
