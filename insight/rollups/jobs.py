"""What rollups do when something was sold."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from foundation.db import Database
from foundation.outbox import Payload
from insight.rollups.queries import waiting_since
from insight.rollups.services import mark_dirty, recount_dirty

BATCH = 300


def on_sale_recorded(session: Session, payloads: list[Payload], now: datetime) -> None:
    """Mark the day and outlet of every sale told of."""
    cells = [(date.fromisoformat(p["business_date"]), int(p["place_id"])) for p in payloads]
    mark_dirty(session, cells, now=now)


def run_recounts(database: Database, now: datetime) -> int:
    """Count every marked cell afresh, one transaction per batch; give how many there were."""
    with database.reading() as session:
        if waiting_since(session) is None:
            return 0  # no turn of the writers' lock for nothing
    counted = 0
    while True:
        with database.transaction() as session:
            batch = recount_dirty(session, now=now, limit=BATCH)
        counted += batch
        if batch < BATCH:
            return counted
