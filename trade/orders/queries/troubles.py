"""Money that needs somebody's eye: payments that did not fit, refunds that are due or failed."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
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


STATES: Final = ("failed", "due", "succeeded")


def refund_counts(session: Session, *, actor: Actor) -> dict[str, int]:
    """Give how many refunds stand in each state. For operators."""
    actor.must(Can.REFUND)
    counts = dict.fromkeys(STATES, 0)
    rows = session.execute(select(Refund.state, func.count()).group_by(Refund.state))
    counts.update(dict(rows.tuples().all()))
    return counts


def refunds_in(
    session: Session, states: Sequence[str], *, page: int = 1, size: int = 24, actor: Actor
) -> Page:
    """Give refunds in any of these states as RefundRow. For operators.

    What waits for somebody comes oldest first, what is done newest first.
    """
    actor.must(Can.REFUND)
    done = Refund.done_at.desc() if tuple(states) == ("succeeded",) else Refund.state.desc()
    query = (
        select(Refund, Payment, Order.id, Order.number)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Order, Order.id == Payment.order_id)
        .where(Refund.state.in_(states))
        .order_by(done, Refund.asked_at, Refund.id)
    )
    found = page_of(session, query, number=page, size=size)
    return Page([RefundRow(*row) for row in found.items], found.number, found.size, found.total)


def refunds_waiting(
    session: Session, *, failed_only: bool = False, page: int = 1, size: int = 24, actor: Actor
) -> Page:
    """Give refunds that are due or failed as RefundRow, failed and oldest first. For operators."""
    states = ("failed",) if failed_only else ("failed", "due")
    return refunds_in(session, states, page=page, size=size, actor=actor)
