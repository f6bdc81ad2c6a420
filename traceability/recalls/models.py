"""Tables of recalls beside `recalls` itself: what has been done with the goods, place by place."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class RecallAct(Base):
    """So many of a recalled lot set apart, sent back, destroyed or taken back from a buyer."""

    __tablename__ = "recall_acts"
    __table_args__ = (
        CheckConstraint("act IN ('quarantined', 'returned', 'destroyed', 'taken_back')", "act"),
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint(
            "from_quarantine >= 0 AND from_quarantine <= quantity", "from_quarantine_within"
        ),
        Index("ix_recall_acts_where", "recall_id", "place_id", "lot_id"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    """Made by the form; sending it twice is one act."""
    recall_id: Mapped[int] = mapped_column(ForeignKey("recalls.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"))
    act: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[int]
    from_quarantine: Mapped[int] = mapped_column(default=0)
    """How many of them had been set apart before."""
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"))
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(Big)


insert_only(RecallAct.__table__)  # type: ignore[arg-type]
