"""Questions to the ledger."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trade.ledger.models import LedgerAccount, Transfer


def balance(session: Session, code: str) -> int:
    """Give what is credited less what is debited to an account (fen): what is owed to it."""
    account = select(LedgerAccount.id).where(LedgerAccount.code == code).scalar_subquery()
    credited = session.scalar(
        select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(Transfer.credit_id == account)
    )
    debited = session.scalar(
        select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(Transfer.debit_id == account)
    )
    return int(credited or 0) - int(debited or 0)
