"""Waiting one's turn for something that has no row yet."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def lock_key(session: Session, key: str) -> None:
    """Wait until no other transaction holds `key`, then hold it until this one ends.

    On SQLite a write transaction already excludes every other writer.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
