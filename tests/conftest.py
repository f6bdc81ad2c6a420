"""Fixtures that every test may ask for."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import create_app
from app.settings import Settings, read_settings
from foundation.db import Database
from tests.databases import KINDS, Postgres, Sqlite, committing, undone

ASKED = os.environ.get("TEST_DATABASES", "sqlite,postgresql").split(",")


@pytest.fixture(scope="session", params=ASKED)
def server(request: pytest.FixtureRequest) -> Iterator[Sqlite | Postgres]:
    """One database server; every test that asks for a database runs once on each."""
    kind = KINDS[request.param]()
    yield kind
    kind.close()


@pytest.fixture
def database(server: Sqlite | Postgres) -> Iterator[Database]:
    """A database whose commits are savepoints, undone after the test."""
    with undone(server.engine) as connection:
        yield Database(connection)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """An open transaction on `database`."""
    with database.transaction() as session:
        yield session


@pytest.fixture
def shared(server: Sqlite | Postgres) -> Iterator[Database]:
    """A database of the test's own that truly commits, for races and for HTTP servers."""
    with committing(server) as database:
        yield database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings as tests want them."""
    env = {"APP_ENV": "test", "DATA_DIR": str(tmp_path), "RATE_LIMITS": "off"}
    return replace(read_settings(env), public_url="https://shanhuo.example")


@pytest.fixture
def web(settings: Settings, database: Database) -> Flask:
    """The web application on `database`; CSRF is off here and tested where it matters."""
    app = create_app(settings, database)
    app.config.update(WTF_CSRF_ENABLED=False, TESTING=False)
    return app


@pytest.fixture
def client(web: Flask) -> FlaskClient:
    """A visitor's browser, without scripts; it says that it reads pages, as browsers do."""
    browser = web.test_client()
    browser.environ_base["HTTP_ACCEPT"] = "text/html,application/xhtml+xml,*/*;q=0.8"
    return browser
