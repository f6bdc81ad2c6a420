"""A desk to sit at: one region, its first supplier, and a browser that is theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from foundation.db import Base, Database
from parties.people.guards import set_actor
from parties.people.permissions import NOBODY, Actor
from tests.factories import World, world


@dataclass
class Desk:
    """A browser, who sits before it, and the world it looks at."""

    client: FlaskClient
    w: World
    session: Session
    database: Database
    sitting: list[Actor] = field(default_factory=list)

    def sit(self, actor: Actor) -> None:
        """Let somebody else sit down."""
        self.sitting[:] = [actor]

    def count(self, model: type[Base]) -> int:
        """Count rows, to see that nothing was written."""
        return self.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def desk(web: Flask, session: Session, database: Database) -> Desk:
    """The desk of the first supplier's owner."""
    w = world(session)
    made = Desk(web.test_client(), w, session, database, [w.owner])

    def _sit() -> None:
        set_actor(made.sitting[0] if made.sitting else NOBODY)

    web.before_request(_sit)
    return made


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """Every statement that reaches the database, as it comes."""
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.bind, "before_cursor_execute", note)
    yield seen
    event.remove(database.bind, "before_cursor_execute", note)
