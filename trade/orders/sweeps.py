"""What the worker does every few seconds. Providers are asked between transactions.

Each function may run in several workers at once and may stop anywhere: every step takes the row
it changes under lock and looks again before it acts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.db import Database
from trade.orders.models import Order, Payment, Refund, SubOrder
from trade.orders.paying import open_payments, told
from trade.orders.providers import (
    PaymentDeclined,
    PaymentProvider,
    ProviderPayment,
    ProviderUnavailable,
    RefundRequest,
)
from trade.orders.rules import CONFIRM_AFTER, GIVE_UP
from trade.orders.services.carts import forget_visitors_carts
from trade.orders.services.endings import expire_order, receive_by_time
from trade.orders.services.refunds import refund_declined, refund_put_off, settle_refund

BATCH = 50
LONGEST_LOOK = 600
VISITOR_FORGETS = timedelta(days=60)
log = structlog.get_logger("orders")


def expire_unpaid(database: Database, provider: PaymentProvider, now: datetime) -> int:
    """Close orders whose time to pay has run out, and their pages at the provider; give how many.

    The provider is asked first: a buyer who paid in the last second has paid. While it can't be
    reached an order with an open page waits, but not longer than GIVE_UP; and it is not asked
    again in this pass, for every try may take a minute.
    """
    with database.reading() as session:
        late = session.execute(
            select(Order.id, Order.pay_by)
            .where(Order.state == "pending_payment", Order.pay_by <= now)
            .order_by(Order.pay_by)
            .limit(BATCH)
        ).all()
    closed, reachable = 0, True
    for order_id, pay_by in late:
        with database.reading() as session:
            pages = open_payments(session, provider.code, order_id)
        reachable = reachable and _close_pages(database, provider, pages, now)
        if pages and not reachable and now < pay_by + GIVE_UP:
            continue
        with database.transaction() as session:
            closed += expire_order(session, order_id, now=now)
    return closed


def _close_pages(
    database: Database, provider: PaymentProvider, pages: Sequence[str], now: datetime
) -> bool:
    """Close an order's pages at the provider; False when it can't be reached."""
    for external_id in pages:
        try:
            said = provider.expire(external_id)
        except ProviderUnavailable:
            return False
        except PaymentDeclined as refused:
            log.warning("page not closed", payment=external_id, reason=str(refused))
            continue
        told(database, provider.code, said, now=now)
    return True


def auto_confirm(database: Database, now: datetime) -> int:
    """Count parcels as received ten days after they were sent; give how many."""
    with database.reading() as session:
        waiting = session.scalars(
            select(SubOrder.id)
            .where(SubOrder.state == "shipped", SubOrder.shipped_at <= now - CONFIRM_AFTER)
            .order_by(SubOrder.shipped_at)
            .limit(BATCH)
        ).all()
    done = 0
    for sub_order_id in waiting:
        with database.transaction() as session:
            done += receive_by_time(session, sub_order_id, now=now)
    return done


class OpenPayment(NamedTuple):
    """A payment that the provider is to be asked about."""

    id: UUID
    external_id: str
    order_state: str
    expires_at: datetime | None


def reconcile_open_payments(database: Database, provider: PaymentProvider, now: datetime) -> int:
    """Ask about payments of which no notice came, ever less often; give how many were settled.

    A page still open for an order that was closed meanwhile is closed too.
    """
    with database.reading() as session:
        waiting = [
            OpenPayment(*row)
            for row in session.execute(
                select(Payment.id, Payment.external_id, Order.state, Payment.expires_at)
                .join(Order, Order.id == Payment.order_id)
                .where(
                    Payment.provider == provider.code,
                    Payment.state == "open",
                    Payment.look_at <= now,
                    Payment.external_id.is_not(None),
                )
                .order_by(Payment.look_at)
                .limit(BATCH)
            )
        ]
    settled = 0
    for one in waiting:
        try:
            if one.order_state == "pending_payment":
                said = provider.look_up(one.external_id)
            else:
                said = provider.expire(one.external_id)
        except ProviderUnavailable:
            break
        except PaymentDeclined as refused:
            log.warning("payment not found", payment=one.external_id, reason=str(refused))
            if one.expires_at is not None and now < one.expires_at:
                said = _as(one, "open")
            else:
                said = _as(one, "expired")
        settled += told(database, provider.code, said, now=now) != "open"
        with database.transaction() as session:
            _look_later(session, one.id, now)
    return settled


def _as(one: OpenPayment, state: Literal["open", "expired"]) -> ProviderPayment:
    """Say of a page that the provider knows nothing of how it stands: nobody can pay on it."""
    return ProviderPayment(one.external_id, None, state, 0, "CNY", None, None)


def _look_later(session: Session, payment_id: UUID, now: datetime) -> None:
    payment = session.get_one(Payment, payment_id, with_for_update=True)
    payment.looks += 1
    payment.look_at = now + timedelta(seconds=min(20 * 2**payment.looks, LONGEST_LOOK))


class DueRefund(NamedTuple):
    """A refund that the provider is to carry out."""

    id: UUID
    key: str
    amount_fen: int
    reason: str
    payment_ref: str | None
    external_id: str | None


def run_due_refunds(database: Database, provider: PaymentProvider, now: datetime) -> int:
    """Have the provider give money back; give how many refunds were settled.

    The refund's own key makes a repeat harmless, in another worker or after a crash. While the
    provider can't be reached the others are not tried in this pass.
    """
    with database.reading() as session:
        due = _due(session, provider.code, now)
    settled = 0
    for one in due:
        try:
            reference = one.payment_ref or provider.look_up(one.external_id or "").payment_ref
            said = provider.refund(
                RefundRequest(reference or "", one.amount_fen, one.reason, one.key)
            )
        except ProviderUnavailable as refused:
            with database.transaction() as session:
                refund_put_off(session, one.id, refused.code, now=now)
            break
        except PaymentDeclined as refused:
            why = str(refused.params.get("reason", refused.code))
            with database.transaction() as session:
                refund_declined(session, one.id, why, now=now)
            log.warning("refund declined", refund=str(one.id), reason=why)
        else:
            with database.transaction() as session:
                outcome = settle_refund(session, one.id, said, now=now)
            settled += outcome in {"succeeded", "failed"}
    return settled


def _due(session: Session, provider: str, now: datetime) -> Sequence[DueRefund]:
    rows = session.execute(
        select(
            Refund.id,
            Refund.key,
            Refund.amount_fen,
            Refund.reason,
            Payment.payment_ref,
            Payment.external_id,
        )
        .join(Payment, Payment.id == Refund.payment_id)
        .where(
            Payment.provider == provider,
            Refund.state == "due",
            Refund.external_id.is_(None),
            Refund.next_at <= now,
        )
        .order_by(Refund.next_at, Refund.id)
        .limit(BATCH)
    )
    return [DueRefund(*row) for row in rows]


def forget_old_carts(database: Database, now: datetime) -> int:
    """Throw away visitors' baskets that nobody touched for sixty days; give how many."""
    forgotten, before = 0, now - VISITOR_FORGETS
    while True:
        with database.transaction() as session:
            some = forget_visitors_carts(session, before=before)
        if not some:
            return forgotten
        forgotten += some
