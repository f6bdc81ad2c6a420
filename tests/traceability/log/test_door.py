"""What the log's door answers: the files of the standard, proofs, cosignatures."""

import base64
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from foundation import clock
from foundation.db import Database
from parties.people.permissions import SYSTEM
from tests.databases import NOW
from tests.factories import on_shelf, world
from tests.traceability.log.test_sequencer import KEY, sequenced
from tests.traceability.log.test_verification import checked
from traceability.log import merkle, notes, tiles
from traceability.log.models import LogCosignature, LogLeaf
from traceability.log.services import add_witness, remove_witness

WITNESS = notes.SignerKey("witness.example/w1", bytes(range(1, 33)), notes.COSIGNATURE)


def b64(text: str) -> bytes:
    return base64.b64decode(text)


@pytest.fixture
def code(database: Database) -> str:
    """A logged jar's address."""
    with database.transaction() as session:
        w = world(session)
        _lot, serials = on_shelf(w)
        sequenced(session)
        return f"https://id.gs1.org/01/{w.sku.gtin}/21/{serials[0].serial}"


def signed(client: FlaskClient, path: str = "/log/checkpoint") -> notes.Checkpoint:
    answer = client.get(path)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert "max-age=2" in answer.headers["Cache-Control"]
    key = KEY.verifier
    if "records" in path:
        key = notes.VerifierKey(f"{key.name}/records", key.kind, key.public)
    return notes.parse_checkpoint(notes.open_note(answer.data, [key]).text)


@pytest.mark.parametrize("log", ["", "/records"])
def test_the_tree_that_its_files_make_is_the_signed_one(
    client: FlaskClient, code: str, log: str
) -> None:
    checkpoint = signed(client, f"/log{log}/checkpoint")
    assert checkpoint.origin == KEY.name + log
    hashes: list[bytes] = []
    for tile in tiles.tiles_of(checkpoint.size):
        answer = client.get(f"/log{log}/{tile.path}")
        assert answer.status_code == 200
        assert answer.content_type == "application/octet-stream"
        assert "immutable" in answer.headers["Cache-Control"]
        if tile.level == tiles.ENTRIES:
            hashes.extend(merkle.leaf_hash(entry) for entry in tiles.unbundle(answer.data))
        elif tile.level == 0:
            start = tile.index * 256
            assert answer.data == b"".join(hashes[start : start + tile.width])
    assert len(hashes) == checkpoint.size > 0
    assert merkle.root_of(hashes) == checkpoint.root
    assert code


def test_entries_are_the_hashes_of_events(client: FlaskClient, code: str) -> None:
    size = signed(client).size
    for entry in tiles.unbundle(client.get(f"/log/tile/entries/000.p/{size}").data):
        assert entry.startswith(b"ni:///sha-256;")
        assert entry.endswith(b"?ver=CBV2.0")
    assert code


@pytest.mark.parametrize(
    "path",
    ["000", "0/000", "0/000.p/255", "0/001.p/1", "0/x000/000.p/1", "1/000.p/1", "a", "64/000.p/1"],
)
def test_a_tile_that_is_not_there_is_not_found(client: FlaskClient, code: str, path: str) -> None:
    assert client.get(f"/log/tile/{path}").status_code == 404
    assert code


def test_an_inclusion_proof_can_be_had_by_event_and_by_hash(
    client: FlaskClient, code: str, database: Database
) -> None:
    checkpoint = signed(client)
    with database.reading() as session:
        leaf = session.scalars(select(LogLeaf).where(LogLeaf.leaf_index == 3)).one()
        asked = [{"event": str(leaf.event_id)}, {"hash": leaf.event_hash}, {"index": "3"}]
    entry = merkle.leaf_hash(leaf.event_hash.encode())
    for query in asked:
        found = client.get("/log/proof/inclusion", query_string=query).get_json()
        assert found["index"] == 3
        proof = [b64(each) for each in found["proof"]]
        assert found["entry"] == leaf.event_hash
        merkle.check_inclusion(entry, 3, found["size"], proof, checkpoint.root)
    small = client.get("/log/proof/inclusion?index=3&size=4").get_json()
    merkle.check_inclusion(entry, 3, 4, [b64(each) for each in small["proof"]], b64(small["root"]))
    text = client.get("/log/proof/inclusion?index=3&format=tlog-proof").data
    head, _, rest = text.partition(b"\n\n")
    lines = head.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 3"]
    merkle.check_inclusion(entry, 3, checkpoint.size, [b64(x) for x in lines[2:]], checkpoint.root)
    assert notes.open_note(rest, [KEY.verifier]).verified
    assert code


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("event=nobody", 400),
        ("event=00000000-0000-0000-0000-000000000000", 404),
        ("hash=ni:///sha-256;0", 404),
        ("index=3&size=3", 404),
        ("index=3&size=100000", 404),
        ("index=3&size=-1", 400),
        ("index=99999999999999999999", 400),
    ],
)
def test_what_can_not_be_proven_is_refused(
    client: FlaskClient, code: str, query: str, status: int
) -> None:
    answer = client.get(f"/log/proof/inclusion?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert code


def test_growth_is_proven_from_every_size(client: FlaskClient, code: str) -> None:
    checkpoint = signed(client)
    size = checkpoint.size
    entries = tiles.unbundle(client.get(f"/log/tile/entries/000.p/{size}").data)
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    for first in range(1, size + 1):
        found = client.get(f"/log/proof/consistency?from={first}").get_json()
        proof = [b64(each) for each in found["proof"]]
        root = merkle.root_of(leaves[:first])
        merkle.check_consistency(first, found["to"], proof, root, checkpoint.root)
    for bad in ("from=0", f"from={size + 1}", "from=2&to=1", "to=3", "from=x"):
        answer = client.get(f"/log/proof/consistency?{bad}")
        assert answer.status_code == 400
    assert code


def test_the_story_that_the_door_gives_can_be_checked(client: FlaskClient, code: str) -> None:
    answer = client.get("/log/story", query_string={"code": code})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = client.get(code.removeprefix("https://id.gs1.org") + "?format=json").get_json()
    report = checked(answer.get_json(), told)
    assert report.findings == []
    assert report.events > 5


@pytest.mark.parametrize("code_", ["", "4006381333931", "https://id.gs1.org/01/04006381333931"])
def test_what_has_no_story_is_refused(client: FlaskClient, code: str, code_: str) -> None:
    answer = client.get("/log/story", query_string={"code": code_})
    assert answer.status_code == 400
    assert code


def test_a_thing_that_is_not_in_the_log_is_not_found(client: FlaskClient, code: str) -> None:
    answer = client.get("/log/story", query_string={"code": code + "9"})
    assert answer.status_code == 404


def test_mirrors_get_what_records_are_about(client: FlaskClient, code: str) -> None:
    size = signed(client).size
    lines = client.get(f"/log/records/subjects/000.p/{size}").get_data(as_text=True).splitlines()
    assert {int(line.split(" ")[0]) for line in lines} == set(range(size))
    shown = client.get(f"/log/records/events/000.p/{size}").data.splitlines()
    assert len(shown) == size
    assert all("eventID" in json.loads(line) for line in shown)
    assert b"/21/" not in b"".join(shown)
    assert client.get("/log/records/events/000").status_code == 404
    assert code


def test_keys_are_published(client: FlaskClient, code: str) -> None:
    found = client.get("/log/keys").get_json()
    assert [each["vkey"] for each in found["keys"]] == [KEY.verifier.text]
    assert found["keys"][0]["until"] is None
    assert code


def test_a_known_witness_cosigns_a_checkpoint(
    web: Flask, client: FlaskClient, code: str, database: Database
) -> None:
    web.config["WTF_CSRF_ENABLED"] = True
    note = client.get("/log/checkpoint").data.decode()
    text, _ = notes.read_note(note.encode())
    line = WITNESS.sign(text, clock.now()).line
    assert client.post("/log/add-cosignature", data=note + line).status_code == 400
    with database.transaction() as session:
        plain = notes.VerifierKey(WITNESS.name, notes.ED25519, WITNESS.verifier.public)
        witness = add_witness(session, plain.text, actor=SYSTEM, now=NOW)
        witness_id = witness.id
    assert client.get("/log/checkpoint/cosigned").status_code == 404
    answer = client.post("/log/add-cosignature", data=note + line)
    again = client.post("/log/add-cosignature", data=note + line)
    assert (answer.status_code, again.data) == (200, answer.data)
    served = client.get("/log/checkpoint").data
    assert served == client.get("/log/checkpoint/cosigned").data == answer.data
    names = [
        each.name for each in notes.open_note(served, [KEY.verifier, WITNESS.verifier]).verified
    ]
    assert names == [KEY.name, WITNESS.name]
    with database.transaction() as session:
        assert len(session.scalars(select(LogCosignature)).all()) == 1
        remove_witness(session, witness_id, actor=SYSTEM, now=NOW)
    assert client.post("/log/add-cosignature", data=note + line).status_code == 400
    assert code


def test_cosignatures_that_are_wrong_or_of_another_log_are_refused(
    client: FlaskClient, code: str, database: Database
) -> None:
    with database.transaction() as session:
        add_witness(session, WITNESS.verifier.text, actor=SYSTEM, now=NOW)
    note = client.get("/log/checkpoint").data.decode()
    text, _ = notes.read_note(note.encode())
    later = WITNESS.sign(text, clock.now().replace(year=2099)).line
    other = notes.Checkpoint("other.example/log", 1, merkle.EMPTY_ROOT).text
    wrong = WITNESS.sign(text + "x\n", clock.now()).line
    for body, status in (
        ("nonsense", 400),
        (note + later, 400),
        (note + wrong, 400),
        (notes.write_note(other, [WITNESS.sign(other, clock.now())]), 404),
        ("x" * 70_000, 400),
    ):
        assert client.post("/log/add-cosignature", data=body).status_code == status
    with database.reading() as session:
        assert session.scalars(select(LogCosignature)).all() == []
    assert code
