"""The command line, on an installation of the test's own."""

import json
import sqlite3
import sys
import tarfile
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from app.backup import BackupRefused, back_up, restore
from app.cli import main
from app.docs import write_docs
from app.migrate import HOUSE, upgrade
from app.settings import Settings, read_settings
from foundation.db import open_database
from foundation.once import CommandDone
from parties.network.models import Outlet
from tests.databases import NOW

PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "k" * 43,
    "PUBLIC_URL": "https://shop.example.org",
    "STRIPE_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "SMTP_URL": "smtp://mail.example.org",
    "MAIL_FROM": "shop@example.org",
}


def run(data_dir: Path, *words: str, **env: str) -> Result:
    """Run one command; whatever it raises is a fault of the test."""
    given = {"DATA_DIR": str(data_dir), "APP_ENV": "test", "DATABASE_URL": ""} | env
    return CliRunner().invoke(main, list(words), env=given)


def at(data_dir: Path) -> Settings:
    return read_settings({"DATA_DIR": str(data_dir), "APP_ENV": "test"})


def test_migrate_makes_a_database_and_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        done = run(tmp_path, "migrate")
        assert done.exit_code == 0, done.output
    with sqlite3.connect(at(tmp_path).database_url.removeprefix("sqlite:///")) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    newest = ScriptDirectory(str(HOUSE / "migrations")).get_current_head()
    assert found == [(newest,)]


def test_seeding_takes_in_the_region_once(tmp_path: Path) -> None:
    first = run(tmp_path, "seed", "--no-demo")
    assert first.exit_code == 0, first.output
    database = open_database(at(tmp_path).database_url)
    with database.reading() as session:
        outlets = session.scalar(select(func.count()).select_from(Outlet))
    assert outlets == 362
    second = run(tmp_path, "seed", "--no-demo")
    assert second.exit_code == 0
    assert "nothing was changed" in second.output
    database.dispose()


def test_accounts_are_printed_as_json_with_every_role_and_kind_of_partner(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, "accounts").output)
    assert {account["role"] for account in told["accounts"]} == {
        "consumer",
        "supplier_owner",
        "supplier_clerk",
        "outlet_manager",
        "counter_clerk",
        "county_official",
        "city_official",
        "operator",
        "auditor",
    }
    assert set(told["tokens"]) == {"cooperative", "outlet", "official", "auditor", "operator"}
    assert all(token.startswith("shk_") for token in told["tokens"].values())
    assert all(account["password"] for account in told["accounts"])
    assert json.loads(run(tmp_path, "accounts").output) == told
    other = json.loads(run(tmp_path, "accounts", SECRET_KEY="another").output)
    assert other["tokens"] != told["tokens"]


def test_production_has_no_demo(tmp_path: Path) -> None:
    env = PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path / 'p.db'}"}
    for words in (("accounts",), ("run",)):
        refused = run(tmp_path, *words, **env)
        assert refused.exit_code == 1
        assert "production" in refused.output


def test_production_does_not_start_on_the_demos_data(tmp_path: Path) -> None:
    assert run(tmp_path, "seed", "--no-demo").exit_code == 0
    env = PRODUCTION | {"DATABASE_URL": at(tmp_path).database_url}
    refused = run(tmp_path / "elsewhere", "serve", **env)
    assert refused.exit_code == 1
    assert "demo data" in refused.output
    assert "362 demo outlets" in refused.output


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    import socket

    from app.cli import _free

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Exception, match=f"Port {port} is in use"):
            _free(port)
    assert tmp_path.exists()


def filled(data_dir: Path) -> Settings:
    settings = at(data_dir)
    data_dir.mkdir(exist_ok=True)
    database = open_database(settings.database_url)
    upgrade(database)
    with database.transaction() as session:
        session.add(CommandDone(key="kept", content_digest="d", answer=1, done_at=NOW))
    database.dispose()
    settings.files_dir.mkdir()
    (settings.files_dir / "paper.pdf").write_bytes(b"%PDF-1.4")
    return settings


def keys(settings: Settings) -> list[str]:
    database = open_database(settings.database_url)
    with database.reading() as session:
        found = list(session.scalars(select(CommandDone.key)))
    database.dispose()
    return found


def test_what_was_backed_up_comes_back_with_its_files(tmp_path: Path) -> None:
    settings = filled(tmp_path / "one")
    archive = tmp_path / "backups" / "one.tar.gz"
    done = run(tmp_path / "one", "backup", str(archive))
    assert done.exit_code == 0, done.output
    database = open_database(settings.database_url)
    with database.transaction() as session:
        session.add(CommandDone(key="later", content_digest="d", answer=1, done_at=NOW))
    database.dispose()
    (settings.files_dir / "paper.pdf").write_bytes(b"changed")

    assert run(tmp_path / "one", "restore", str(archive)).exit_code == 0

    assert keys(settings) == ["kept"]
    assert (settings.files_dir / "paper.pdf").read_bytes() == b"%PDF-1.4"
    aside = sorted(path.name for path in settings.data_dir.glob("*.before-restore"))
    assert "files.before-restore" in aside
    assert "shanhuo.db.before-restore" in aside


def test_a_backup_opens_elsewhere(tmp_path: Path) -> None:
    archive = back_up(filled(tmp_path / "one"), tmp_path / "b.tar.gz")
    elsewhere = at(tmp_path / "two")
    restore(elsewhere, archive)
    assert keys(elsewhere) == ["kept"]


def test_a_damaged_backup_leaves_everything_as_it_was(tmp_path: Path) -> None:
    settings = filled(tmp_path / "one")
    wrong = tmp_path / "wrong.tar.gz"
    (tmp_path / "database.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with tarfile.open(wrong, "w:gz") as archive:
        archive.add(tmp_path / "database.db", "database.db")
    with pytest.raises((BackupRefused, sqlite3.DatabaseError)):
        restore(settings, wrong)
    assert keys(settings) == ["kept"]
    with pytest.raises(BackupRefused):
        restore(settings, tmp_path / "nothing.tar.gz")
    with pytest.raises(BackupRefused):
        back_up(at(tmp_path / "empty"), tmp_path / "x.tar.gz")


def test_generated_pages_name_every_address_and_permission(tmp_path: Path) -> None:
    written = write_docs(tmp_path)
    texts = {path.name: path.read_text(encoding="utf-8") for path in written}
    assert "MISSING" not in texts["routes.md"]
    assert "/healthz" in texts["routes.md"]
    assert "admin.recall" in texts["permissions.md"]
    assert sys.version_info >= (3, 11)
