"""Runs migrations on the database of the settings, or on a connection given by a test."""

from alembic import context
from sqlalchemy import Connection, text

import app.tables  # noqa: F401 -- brings every table into Base.metadata
from app.settings import read_settings
from foundation.db import Base, open_database

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"


def run(connection: Connection) -> None:
    """Run what is asked on `connection`; a lock that is not had soon is given up, not waited for."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = open_database(read_settings().database_url)
    with database.transaction() as session:
        run(session.connection())
    database.dispose()
