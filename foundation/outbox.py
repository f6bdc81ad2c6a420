"""Messages written in the same transaction as the fact they tell of, and handed on after it."""

import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import JSON, Index, String, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base, Big, Database, add_rows
from foundation.faults import without_values

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Payload = dict[str, Any]
Handler = Callable[[Session, list[Payload], datetime], None]
"""Takes all waiting messages of one kind at once; doing it twice must change nothing."""

MOST_ATTEMPTS = 8
log = structlog.get_logger("outbox")


class OutboxMessage(Base):
    """One thing to be done later, kept until it has been done or given up."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "next_at",
            "id",
            sqlite_where=text("done_at IS NULL AND dead_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[Payload] = mapped_column(JSON)
    told_at: Mapped[datetime]
    next_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


def publish(session: Session, message: "DataclassInstance", *, now: datetime) -> None:
    """Queue `message`; it leaves only if this transaction commits."""
    add_rows(
        session,
        OutboxMessage,
        [
            {
                "kind": type(message).__name__,
                "payload": asdict(message),
                "told_at": now,
                "next_at": now,
                "attempts": 0,
            }
        ],
    )


def deliver(
    database: Database,
    handlers: Mapping[str, Sequence[Handler]],
    *,
    now: datetime,
    batch: int = 200,
) -> int:
    """Hand a batch of waiting messages to their handlers, kind by kind; give how many were taken.

    A failing kind is rolled back, its messages are tried again later with a doubled wait, and
    after MOST_ATTEMPTS become dead letters that operators see and may send again.
    """
    taken = 0
    with database.reading() as session:
        waiting = session.execute(
            select(OutboxMessage.id, OutboxMessage.kind)
            .where(
                OutboxMessage.done_at.is_(None),
                OutboxMessage.dead_at.is_(None),
                OutboxMessage.next_at <= now,
            )
            .order_by(OutboxMessage.next_at, OutboxMessage.id)
            .limit(batch)
        ).all()
    kinds: dict[str, list[int]] = defaultdict(list)
    for message_id, kind in waiting:
        kinds[kind].append(message_id)
    for kind, ids in kinds.items():
        taken += _deliver_kind(database, handlers.get(kind, ()), ids, now=now)
    return taken


def _deliver_kind(
    database: Database, handlers: Sequence[Handler], ids: list[int], *, now: datetime
) -> int:
    try:
        with database.transaction() as session:
            messages = _lock(session, ids)
            for handler in handlers:
                handler(session, [message.payload for message in messages], now)
            for message in messages:
                message.done_at = now
            return len(messages)
    except Exception as error:  # noqa: BLE001 -- the one job runner: whatever fails is kept and tried again
        fault = without_values("".join(traceback.format_exception_only(error)))[-2000:]
        log.warning("delivery failed", messages=len(ids), error=fault)
        if len(ids) > 1:  # one bad message must not hold up the good ones
            return sum(_deliver_kind(database, handlers, [one], now=now) for one in ids)
        with database.transaction() as session:
            for message in _lock(session, ids):
                message.attempts += 1
                message.last_error = fault
                message.next_at = now + timedelta(seconds=2**message.attempts)
                if message.attempts >= MOST_ATTEMPTS:
                    message.dead_at = now
        return 0


def _lock(session: Session, ids: list[int]) -> list[OutboxMessage]:
    return list(
        session.scalars(
            select(OutboxMessage)
            .where(
                OutboxMessage.id.in_(ids),
                OutboxMessage.done_at.is_(None),
                OutboxMessage.dead_at.is_(None),
            )
            .order_by(OutboxMessage.id)
            .with_for_update(skip_locked=True)
        )
    )


def dead_letters(session: Session, *, limit: int = 100) -> list[OutboxMessage]:
    """Give the messages that were given up, newest first."""
    return list(
        session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.dead_at.is_not(None))
            .order_by(OutboxMessage.id.desc())
            .limit(limit)
        )
    )


def send_again(session: Session, message_id: int, *, now: datetime) -> bool:
    """Give a dead letter another life; False when there is no such dead letter."""
    message = session.get(OutboxMessage, message_id)
    if message is None or message.dead_at is None:
        return False
    message.dead_at, message.attempts, message.next_at = None, 0, now
    return True
