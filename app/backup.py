"""Backup and restore of an embedded installation: database and files in one archive."""

import sqlite3
import tarfile
import tempfile
from pathlib import Path

from app.settings import Settings


class BackupRefused(SystemExit):
    """The installation can't be backed up or restored so."""


def _database_file(settings: Settings) -> Path:
    if not settings.database_url.startswith("sqlite:///"):
        raise BackupRefused(
            "This command is for the embedded database; use pg_dump or pgBackRest for PostgreSQL"
        )
    return Path(settings.database_url.removeprefix("sqlite:///"))


def back_up(settings: Settings, target: Path) -> Path:
    """Write a consistent copy of database (while in use) and files to `target`."""
    source = _database_file(settings)
    if not source.exists():
        raise BackupRefused(f"There is no database at {source}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "database.db"
        with sqlite3.connect(source) as live, sqlite3.connect(copy) as still:
            live.backup(still)
        with tarfile.open(target, "w:gz") as archive:
            archive.add(copy, "database.db")
            for name, path in _extras(settings):
                archive.add(path, name)
    return target


def _extras(settings: Settings) -> list[tuple[str, Path]]:
    stripe = settings.data_dir / "stripe-double.db"
    extras = [
        ("files", settings.files_dir),
        ("stripe-double.db", stripe),
        ("log-keys", settings.log_keys_dir),
    ]
    return [(name, path) for name, path in extras if path.exists()]


def restore(settings: Settings, source: Path) -> None:
    """Put a backup in place of the present database and files; the present ones are kept aside."""
    target = _database_file(settings)
    if not source.is_file():
        raise BackupRefused(f"There is no backup at {source}")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as scratch:
        with tarfile.open(source) as archive:
            archive.extractall(scratch, filter="data")
        fresh = Path(scratch) / "database.db"
        with sqlite3.connect(fresh) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupRefused("The database in this backup is damaged")
        for name in (target.name, f"{target.name}-wal", f"{target.name}-shm"):
            present = target.parent / name
            if present.exists():
                present.replace(present.with_name(f"{name}.before-restore"))
        fresh.replace(target)
        for name, path in (
            ("files", settings.files_dir),
            ("stripe-double.db", settings.data_dir / "stripe-double.db"),
            ("log-keys", settings.log_keys_dir),
        ):
            kept = Path(scratch) / name
            if kept.exists():
                if path.exists():
                    path.replace(path.with_name(f"{path.name}.before-restore"))
                kept.replace(path)
