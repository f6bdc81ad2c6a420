"""Brings a database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from foundation.db import Database

HOUSE = Path(__file__).parents[1]


def alembic_config(connection: Connection | None = None) -> Config:
    """Give Alembic's configuration, bound to `connection` when one is given."""
    config = Config(str(HOUSE / "alembic.ini"))
    config.set_main_option("script_location", str(HOUSE / "migrations"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Run every migration that `database` lacks, in one transaction."""
    with database.transaction() as session:
        command.upgrade(alembic_config(session.connection()), revision)
