"""Money that needs somebody's eye: payments that did not fit, refunds that are due or failed."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.paging import Page, page_of
from parties.people.permissions import Actor, Can
from trade.orders.models import Order, Payment, Refund


class RefundRow(NamedTuple):
    """One refund, for operators."""

    refund: Refund
    payment: Payment
    order_id: UUID
    order_number: str


def refunds_waiting(
    session: Session, *, failed_only: bool = False, page: int = 1, size: int = 24, actor: Actor
) -> Page:
    """Give refunds that are due or failed as RefundRow, failed and oldest first. For operators."""
    actor.must(Can.REFUND)
    states = ("failed",) if failed_only else ("failed", "due")
    query = (
        select(Refund, Payment, Order.id, Order.number)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Order, Order.id == Payment.order_id)
        .where(Refund.state.in_(states))
        .order_by(Refund.state.desc(), Refund.asked_at, Refund.id)
    )
    found = page_of(session, query, number=page, size=size)
    return Page([RefundRow(*row) for row in found.items], found.number, found.size, found.total)
