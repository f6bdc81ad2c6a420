"""Looking at what the ledger holds, to see that a refusal left nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.db import Base
from foundation.errors import Refused
from goods.catalogue.models import Certificate
from goods.stock.models import Hold, LogisticUnit, Lot, Serial, StockBalance, StockMove
from parties.people.models import AuditEntry
from traceability.models import EventLot, EventSerial, EventUnit, Recall, Shipment, TraceEvent

WATCHED: tuple[type[Base], ...] = (
    *(TraceEvent, EventLot, EventSerial, EventUnit, StockMove, Lot, Serial, LogisticUnit),
    *(Shipment, Recall, Hold, Certificate, AuditEntry),
)


def count(session: Session, model: type[Base]) -> int:
    """Count the rows of a table."""
    return session.scalar(select(func.count()).select_from(model)) or 0


def held(session: Session, lot_id: int) -> dict[int, int]:
    """Give where a lot lies and how much of it."""
    rows = session.execute(
        select(StockBalance.place_id, StockBalance.on_hand).where(
            StockBalance.lot_id == lot_id, StockBalance.on_hand != 0
        )
    )
    return dict(rows.tuples().all())


def snapshot(session: Session) -> dict[str, Any]:
    """Give what a refused verb may not change."""
    session.flush()
    session.expire_all()
    counts: dict[str, Any] = {model.__name__: count(session, model) for model in WATCHED}
    balances = select(StockBalance.place_id, StockBalance.lot_id, StockBalance.on_hand)
    counts["balances"] = sorted(session.execute(balances).tuples().all())
    states = select(Serial.id, Serial.state, Serial.place_id, Serial.unit_id)
    counts["serials"] = sorted(session.execute(states).tuples().all(), key=lambda row: row[0])
    return counts


@contextmanager
def refused(
    session: Session, kind: type[Refused], field: str | None = None
) -> Iterator[pytest.ExceptionInfo[Refused]]:
    """Expect a refusal, undo as a door does, and see that nothing is left of the attempt."""
    before = snapshot(session)
    with pytest.raises(kind) as caught, session.begin_nested():
        yield caught
    assert snapshot(session) == before
    if field is not None:
        assert caught.value.field == field
