"""Migrations make the tables that the rooms describe, and can be taken back."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect, text

from app.migrate import alembic_config, upgrade
from foundation.db import INSERT_ONLY, Base, Database, open_database
from tests.databases import Postgres, Sqlite


@pytest.fixture
def empty(server: Sqlite | Postgres) -> Iterator[Database]:
    """A database without a single table."""
    with server.bare() as url:
        database = open_database(url)
        yield database
        database.dispose()


def tables(database: Database) -> set[str]:
    with database.reading() as session:
        return set(inspect(session.connection()).get_table_names())


def triggers(connection: Connection) -> set[str]:
    """The tables that have a trigger for UPDATE and one for DELETE."""
    asked = (
        "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if connection.dialect.name == "sqlite"
        else "SELECT event_object_table FROM information_schema.triggers"
    )
    names = [name for (name,) in connection.execute(text(asked))]
    return {name for name in names if names.count(name) == len(("update", "delete"))}


def test_migrations_make_exactly_the_tables_of_the_rooms(empty: Database) -> None:
    upgrade(empty)
    with empty.reading() as session:
        context = MigrationContext.configure(
            session.connection(),
            opts={"target_metadata": Base.metadata, "compare_type": True},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrated_ledgers_refuse_to_be_changed(empty: Database) -> None:
    upgrade(empty)
    with empty.reading() as session:
        assert triggers(session.connection()) == INSERT_ONLY


def test_migrations_run_up_down_and_up_again(empty: Database) -> None:
    upgrade(empty)
    made = tables(empty)
    with empty.transaction() as session:
        command.downgrade(alembic_config(session.connection()), "base")
    assert tables(empty) == {"alembic_version"}
    upgrade(empty)
    assert tables(empty) == made == {*Base.metadata.tables, "alembic_version"}


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    with empty.transaction() as session:
        session.execute(text("INSERT INTO commands_done VALUES ('k', 'd', '1', '2026-11-23')"))
    upgrade(empty)
    with empty.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM commands_done")) == 1


def test_migrations_bring_every_check(empty: Database) -> None:
    upgrade(empty)
    wanted = {
        (table.name, str(rule.name))
        for table in Base.metadata.tables.values()
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
    }
    with empty.reading() as session:
        look = inspect(session.connection())
        found = {
            (table, rule["name"])
            for table in Base.metadata.tables
            for rule in look.get_check_constraints(table)
        }
    assert found == wanted
    assert ("stock_balances", "ck_stock_balances_on_hand_not_negative") in found
