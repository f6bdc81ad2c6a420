"""Tables of what buyers were told."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big


class RecallNotice(Base):
    """One buyer told of one recall; ids only, the letter itself is people's."""

    __tablename__ = "recall_notices"
    __table_args__ = (UniqueConstraint("recall_id", "account_id"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recalls.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    channel: Mapped[str] = mapped_column(String(10))
    """email or sms; "page" where only the order's page could say it."""
    orders: Mapped[int]
    """How many of the account's orders it is about."""
    told_at: Mapped[datetime]
