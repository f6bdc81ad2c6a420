"""Tables of printing: files made in the background, and numbers that were withdrawn."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big


class LabelJob(Base):
    """The file of one large printing, made by the worker slice by slice."""

    __tablename__ = "label_jobs"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'making', 'done', 'failed', 'cancelled')", "state"),
        CheckConstraint("made >= 0 AND made <= total", "made_within_total"),
        Index(
            "ix_label_jobs_making",
            "print_id",
            sqlite_where=text("state = 'making'"),
            postgresql_where=text("state = 'making'"),
        ),
    )

    print_id: Mapped[int] = mapped_column(ForeignKey("label_prints.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    made: Mapped[int] = mapped_column(default=0)
    total: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    """Since the last slice that was made."""
    leased_until: Mapped[datetime | None]
    """While a worker draws a slice; past it, another one may go on."""
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(String(300), default="")
    """Why it failed: an English sentence with named parameters."""
    fault_params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class LabelVoid(Base):
    """Numbers of a lot that were withdrawn because their labels never went onto packs."""

    __tablename__ = "label_voids"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), index=True)
    first_serial: Mapped[str] = mapped_column(String(20))
    last_serial: Mapped[str] = mapped_column(String(20))
    count: Mapped[int]
    reason: Mapped[str] = mapped_column(String(12))
    renumbered: Mapped[int] = mapped_column(default=0)
    """How many packs were given a new number instead."""
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"))
    voided_at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(Big)
