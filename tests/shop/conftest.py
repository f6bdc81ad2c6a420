"""A storefront with one jar of honey in stock."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from foundation.db import Database
from tests.factories import World, make_lot, world


@pytest.fixture
def stocked(database: Database) -> World:
    """The first honey with 24 packs in its cooperative's store, written down."""
    with database.transaction() as session:
        w = world(session)
        make_lot(w, packs=24)
        session.flush()
        return w


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """Every statement sent to the database, as it is sent; BEGIN and savepoints left out."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append(statement)

    bind = database.bind
    event.listen(bind, "before_cursor_execute", note)
    yield sent
    event.remove(bind, "before_cursor_execute", note)
