"""Tables of the ledger."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class LedgerAccount(Base):
    """Something that money moves between, such as what is owed to one supplier."""

    __tablename__ = "ledger_accounts"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    """Kind and owner: `supplier:12`, `outlet:7`, `stripe`, `buyers`, `commission`, `shipping`."""
    organisation_id: Mapped[int | None] = mapped_column(Big, index=True)


class Transfer(Base):
    """An amount from the credited to the debited account; one row is always in balance."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("debit_id <> credit_id", "two_accounts"),
        Index("ix_transfers_cause", "cause_type", "cause_id"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    debit_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    credit_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(Big)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    kind: Mapped[str] = mapped_column(String(20))
    cause_type: Mapped[str] = mapped_column(String(12))
    """`sale`, `payment` or `refund`."""
    cause_id: Mapped[str] = mapped_column(String(60))
    business_date: Mapped[date]
    at: Mapped[datetime]


insert_only(Transfer.__table__)  # type: ignore[arg-type]
