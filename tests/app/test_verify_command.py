"""An auditor's commands: verify, mirror, trace, the log's keys; backup and restore keep the log."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, select
from werkzeug.serving import make_server

from app import create_app
from app.backup import back_up, restore
from app.cli import main
from app.jobs import sequence_log
from app.settings import Settings, read_settings
from foundation import clock
from foundation.db import Database, open_database
from tests.databases import NOW, Sqlite
from tests.factories import on_shelf, world
from traceability.log import keys
from traceability.log.models import LogCheckpoint
from traceability.log.proofs import newest
from traceability.log.verification import read_checkpoint
from traceability.models import TraceEvent


def answer(done: Result) -> Any:
    """Read what a command answered; the server beside it writes its log lines in between."""
    text = done.output
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


@dataclass
class Installation:
    """A running installation with one logged jar."""

    url: str
    settings: Settings
    database: Database
    jar: str
    home: Path

    @property
    def key(self) -> str:
        """Give the key that signs."""
        return str(answer(self.run("log-key", "show"))["keys"][0])

    def run(self, *words: str) -> Result:
        """Run one command of this installation."""
        assert isinstance(self.database.bind, Engine)
        env = {
            "APP_ENV": "test",
            "DATA_DIR": str(self.settings.data_dir),
            "DATABASE_URL": self.database.bind.url.render_as_string(hide_password=False),
            "PUBLIC_URL": "https://shanhuo.example",
        }
        return CliRunner().invoke(main, list(words), env=env)

    def verify(self, *words: str, url: str = "") -> tuple[int, dict[str, Any]]:
        """Verify; give the exit code and the report."""
        state = str(self.home / "seen.json")
        done = self.run(
            "verify", "--key", self.key, "--url", url or self.url, "--state", state, *words
        )
        return done.exit_code, answer(done)

    def sequence(self) -> None:
        """Let the worker do its round."""
        sequence_log(self.settings, self.database, clock.now())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    kind = Sqlite()
    home = tmp_path_factory.mktemp("installation")
    with kind.copy() as url:
        database = open_database(url)
        env = {"APP_ENV": "test", "DATA_DIR": str(home / "data"), "RATE_LIMITS": "off"}
        settings = replace(
            read_settings(env), public_url="https://shanhuo.example", database_url=url
        )
        with database.transaction() as session:
            w = world(session)
            _lot, serials = on_shelf(w)
            jar = f"https://shanhuo.example/01/{w.sku.gtin}/21/{serials[0].serial}"
        server = make_server("127.0.0.1", 0, create_app(settings, database), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        found = Installation(
            f"http://127.0.0.1:{server.server_port}", settings, database, jar, home
        )
        found.sequence()
        yield found
        server.shutdown()
        thread.join()
        database.dispose()
    kind.close()


def test_a_jar_is_verified_over_http_and_the_log_is_remembered(house: Installation) -> None:
    code, report = house.verify(house.jar)
    assert (code, report["ok"], report["findings"]) == (0, True, [])
    assert report["events"] == report["recomputed"] + report["withheld"] > 5
    with house.database.transaction() as session:
        on_shelf(world(session))
    house.sequence()
    code, later = house.verify(house.jar)
    assert (code, later["findings"]) == (0, [])
    assert later["size"] > report["size"]


def test_a_file_that_was_changed_is_found(house: Installation, tmp_path: Path) -> None:
    told = answer(house.run("trace", house.jar))
    path = tmp_path / "story.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    assert house.verify(str(path))[0] == 0
    told["epcisBody"]["eventList"][2]["eventTime"] = "2020-01-01T00:00:00.000Z"
    del told["epcisBody"]["eventList"][4]
    path.write_text(json.dumps(told), encoding="utf-8")
    code, report = house.verify(str(path))
    assert code == 1
    kinds = {finding["kind"] for finding in report["findings"]}
    assert kinds == {"changed", "removed", "reordered"}


def test_whole_events_are_verified_by_their_hash(house: Installation, tmp_path: Path) -> None:
    with house.database.reading() as session:
        texts = session.scalars(
            select(TraceEvent.document).where(TraceEvent.biz_step == "packing")
        ).all()
    event = json.loads(texts[0])
    document = {
        "@context": event.pop("@context"),
        "type": "EPCISDocument",
        "epcisBody": {"eventList": [event]},
    }
    path = tmp_path / "captured.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    code, report = house.verify(str(path))
    assert (code, report["recomputed"]) == (0, 1)
    event["childEPCs"].pop()
    path.write_text(json.dumps(document), encoding="utf-8")
    code, report = house.verify(str(path))
    assert (code, report["findings"][0]["kind"]) == (1, "unlogged")


def test_a_mirror_is_verified_without_a_network(house: Installation, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    assert house.run("log-mirror", house.url, str(mirror)).exit_code == 0
    done = house.run("log-mirror", house.url, str(mirror))
    assert done.exit_code == 0, done.output
    assert answer(done)["fetched"] == 2
    code, report = house.verify(url=str(mirror))
    assert (code, report["findings"]) == (0, [])
    code, report = house.verify(house.jar, url=str(mirror))
    assert (code, report["findings"]) == (0, [])
    (events,) = (mirror / "records" / "events").rglob("*.p/*")
    lines = events.read_bytes().split(b"\n")
    for change, kind in (
        ([lines[0].replace(b"2026", b"2025", 1), *lines[1:]], "changed"),
        ([b"null", *lines[1:]], "removed"),
        ([lines[1], lines[0], *lines[2:]], "changed"),
    ):
        events.write_bytes(b"\n".join(change))
        code, report = house.verify(url=str(mirror))
        assert code == 1
        assert {finding["kind"] for finding in report["findings"]} == {kind}
    events.write_bytes(b"\n".join(lines))
    (entries,) = (mirror / "tile" / "entries").rglob("*.p/*")
    entries.write_bytes(entries.read_bytes().replace(b"?ver=CBV2.0", b"?ver=CBV2.1", 1))
    assert house.verify(url=str(mirror))[0] == 1
    assert house.run("log-mirror", house.url, str(mirror)).exit_code == 1


def test_another_key_verifies_nothing(house: Installation) -> None:
    other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    done = house.run("verify", "--key", other, "--url", house.url, "--state", "", house.jar)
    assert done.exit_code == 1
    assert answer(done)["findings"][0]["kind"] == "unproven"


@pytest.mark.parametrize("words", [("--key", "x"), ("4006381333931",), ("nothing",)])
def test_what_can_not_be_verified_is_said(house: Installation, words: tuple[str, ...]) -> None:
    done = house.run("verify", "--key", house.key, "--url", house.url, *words, "")
    assert done.exit_code == 2


def test_what_the_log_does_not_hold_is_a_finding(house: Installation) -> None:
    code, report = house.verify(house.jar + "9")
    assert (code, report["findings"][0]["kind"]) == (1, "unlogged")


def test_keys_rotate_by_commands(house: Installation) -> None:
    first = house.key
    assert house.run("log-key", "retire").exit_code == 1
    added = answer(house.run("log-key", "rotate"))
    assert added["signing"] == [first, added["added"]]
    for key in added["signing"]:
        done = house.run("verify", "--key", key, "--url", house.url, "--state", "", house.jar)
        assert done.exit_code == 0, done.output
    retired = answer(house.run("log-key", "retire"))
    assert retired == {"retired": first, "signing": [added["added"]]}
    done = house.run("verify", "--key", first, "--url", house.url, "--state", "", house.jar)
    assert done.exit_code == 1


def test_a_backup_keeps_log_and_keys(tmp_path: Path) -> None:
    env = {"APP_ENV": "test", "DATA_DIR": str(tmp_path / "old"), "DATABASE_URL": ""}
    old = read_settings(env)
    kind = Sqlite()
    with kind.copy() as url:
        old.data_dir.mkdir()
        source = Path(url.removeprefix("sqlite:///"))
        target = Path(old.database_url.removeprefix("sqlite:///"))
        target.write_bytes(source.read_bytes())
    kind.close()
    database = open_database(old.database_url)
    with database.transaction() as session:
        on_shelf(world(session))
    assert sequence_log(old, database, NOW) > 5
    with database.reading() as session:
        before = newest(session, "events").note
    database.dispose()
    archive = back_up(old, tmp_path / "backup.tar.gz")
    new = read_settings(env | {"DATA_DIR": str(tmp_path / "new")})
    restore(new, archive)
    assert [path.stat().st_mode & 0o777 for path in new.log_keys_dir.iterdir()] == [0o600]
    database = open_database(new.database_url)
    with database.transaction() as session:
        on_shelf(world(session))
    assert sequence_log(new, database, NOW) > 5
    with database.reading() as session:
        notes_ = session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.id)).all()
        assert before in {each.note for each in notes_}
    (key,) = keys.stored(old.log_keys_dir)
    for each in notes_:
        assert read_checkpoint(each.note, key.verifier, each.log)[0].size == each.size
    database.dispose()
