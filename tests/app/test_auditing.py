"""What auditors ask on the command line about EPCIS files."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from app.auditing import hash_, validate
from tests.traceability.public_vectors import vectors_folder
from traceability.epcis.event_hash import event_hash

EVENT: dict[str, Any] = {
    "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    "type": "ObjectEvent",
    "eventTime": "2026-04-12T08:30:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "action": "ADD",
    "epcList": ["urn:epc:id:sgtin:6921234.060101.7"],
}


def told(command: Any, *words: str) -> tuple[int, list[dict[str, Any]]]:
    done = CliRunner().invoke(command, list(words), catch_exceptions=False)
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def written(folder: Path, name: str, value: object) -> str:
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def test_hash_gives_the_address_of_every_event(tmp_path: Path) -> None:
    one = written(tmp_path, "one.jsonld", EVENT)
    code, answers = told(hash_, one, "--pre")
    assert code == 0
    assert answers == [
        {"file": one, "hashes": [event_hash(EVENT)], "preHashes": answers[0]["preHashes"]}
    ]
    assert answers[0]["preHashes"][0].startswith("eventType=ObjectEventeventTime=2026-04-12T00:30")


def test_hash_reads_the_public_files() -> None:
    folder = vectors_folder("event-hash/examples")
    files = [str(path) for path in sorted(folder.glob("*.jsonld"))]
    code, answers = told(hash_, *files)
    cases = json.loads((folder.parent / "vectors.json").read_text("utf-8"))["cases"]
    wanted = {case["input"].rpartition("/")[2]: case["hashes"] for case in cases}
    assert code == 0
    assert {Path(one["file"]).name: one["hashes"] for one in answers} == {
        name: hashes for name, hashes in wanted.items() if name.endswith("jsonld")
    }


def test_hash_tells_of_a_file_that_is_no_json_and_goes_on(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(b"{")
    code, answers = told(hash_, str(bad), written(tmp_path, "one.json", EVENT))
    assert code == 1
    assert answers[0]["error"] == "document_unreadable"
    assert len(answers[1]["hashes"]) == 1


def test_validate_names_what_is_wrong_and_ends_with_1(tmp_path: Path) -> None:
    right = written(tmp_path, "right.json", EVENT)
    wrong = written(tmp_path, "wrong.json", {**EVENT, "action": "CREATE", "eventTime": "today"})
    assert told(validate, right) == (0, [{"file": right, "valid": True, "problems": []}])
    code, answers = told(validate, right, wrong)
    assert code == 1
    assert [(one["valid"], [p["rule"] for p in one["problems"]]) for one in answers] == [
        (True, []),
        (False, ["not_a_time", "not_allowed"]),
    ]
    assert answers[1]["problems"][0]["field"] == "eventTime"
    assert "today is no time" in answers[1]["problems"][0]["message"]


def test_validate_tells_of_a_file_that_is_no_document(tmp_path: Path) -> None:
    code, answers = told(validate, written(tmp_path, "list.json", []))
    assert (code, answers[0]["problems"][0]["rule"]) == (1, "not_an_object")
    missing = CliRunner().invoke(validate, [str(tmp_path / "nowhere.json")])
    assert missing.exit_code == 2
    assert "nowhere.json" in missing.output
