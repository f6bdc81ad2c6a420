"""The office with a week of trade in it, visited as any role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select
from werkzeug.test import TestResponse

from foundation import clock
from foundation.db import Database
from goods.stock.models import Lot
from insight.rollups.services import rebuild
from parties.people.guards import set_actor
from parties.people.permissions import NOBODY, Actor, Role
from tests.databases import Postgres, Sqlite, committing, undone
from tests.factories import NOW, World, actor, world
from tests.insight.trading import a_week_of_trade, outlet
from trade.sales.models import Sale

HOME, NEXT_DOOR, FAR = "990121", "990122", "990123"
TODAY = NOW + timedelta(days=6)
CITY = actor(Role.CITY_OFFICIAL)
COUNTY = actor(Role.COUNTY_OFFICIAL, county_code=HOME)
FOREIGN = actor(Role.COUNTY_OFFICIAL, county_code=FAR)
OPERATOR = actor(Role.OPERATOR)
AUDITOR = actor(Role.AUDITOR)


@dataclass
class Office:
    """A browser in the office; `by` says who sits before it."""

    client: FlaskClient
    database: Database
    by: Actor = field(default_factory=lambda: CITY)
    lots: list[int] = field(default_factory=list)
    sale_ids: list[str] = field(default_factory=list)

    def get(self, path: str, by: Actor | None = None) -> TestResponse:
        """Open a page."""
        self.by = by or self.by
        return self.client.get(f"/office{path}", headers={"Accept": "text/html"})

    def read(self, path: str, by: Actor | None = None) -> str:
        """Open a page that must be there; give its text."""
        answer = self.get(path, by)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, by: Actor | None = None, **values: str) -> TestResponse:
        """Send a form."""
        self.by = by or self.by
        return self.client.post(f"/office{path}", data=values, headers={"Accept": "text/html"})

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Gather the statements run within the block."""
        said: list[str] = []

        def hear(*args: object) -> None:
            text = str(args[2])
            if not text.upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")):
                said.append(text)

        event.listen(self.database.bind, "before_cursor_execute", hear)
        try:
            yield said
        finally:
            event.remove(self.database.bind, "before_cursor_execute", hear)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> datetime:
        return TODAY

    monkeypatch.setattr(clock, "now", now)


@pytest.fixture
def office(web: Flask, database: Database) -> Office:
    """The office, open and empty."""
    made = Office(web.test_client(), database)

    @web.before_request
    def _sit_down() -> None:
        set_actor(made.by)

    return made


@dataclass(frozen=True)
class Traded:
    """A database with a week of trade in it, made once: one lot at K-01 at home, one at K-02."""

    engine: Engine
    lots: list[int]
    sale_ids: list[str]


@pytest.fixture(scope="session")
def traded(server: Sqlite | Postgres) -> Iterator[Traded]:
    """A week of trade, on which every test that asks for `trading` builds and is undone."""
    with committing(server) as made:
        with made.transaction() as session:
            lots: list[Lot] = a_week_of_trade(world(session))
            rebuild(session)
            numbers = [lot.id for lot in lots]
            sales = [str(each) for each in session.scalars(select(Sale.id).order_by(Sale.sold_at))]
        assert isinstance(made.bind, Engine)
        yield Traded(made.bind, numbers, sales)


@pytest.fixture
def database(server: Sqlite | Postgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The database of every test, or the one with a week of trade where that is asked for."""
    asked = "trading" in request.fixturenames
    engine = request.getfixturevalue("traded").engine if asked else server.engine
    with undone(engine) as connection:
        yield Database(connection)


@pytest.fixture
def trading(office: Office, traded: Traded) -> Office:
    """The office after a week of trade."""
    office.lots, office.sale_ids = list(traded.lots), list(traded.sale_ids)
    return office


@pytest.fixture
def w(database: Database) -> Iterator[World]:
    """The world as it stands, to look things up in."""
    with database.transaction() as session:
        yield world(session)


__all__ = ["NOBODY", "outlet"]
