"""Talking to a payment provider: always between transactions, never inside one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.db import Database
from foundation.errors import NotFound
from foundation.ids import digest, time_uuid
from parties.people.audit import audit
from parties.people.permissions import Actor
from trade.orders.errors import OrderClosed
from trade.orders.models import Order, OrderLine, Payment, SubOrder
from trade.orders.providers import (
    CheckoutLine,
    CheckoutRequest,
    OpenedCheckout,
    PaymentProvider,
    ProviderPayment,
)
from trade.orders.rules import PAGE_CLOSES
from trade.orders.services.payments import Outcome, confirm_payment, lock_order

FIRST_LOOK = timedelta(seconds=20)
"""So long the provider has to send its notice before it is asked."""
FREIGHT = {"zh": "运费", "en": "Freight"}


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """How the buyer wants to pay, and where the provider's page leads afterwards.

    The URLs lead to pages of ours that ask `check_payment`; only that, a notice or the
    reconciling sweep pays an order, never the arrival at a URL.
    """

    success_url: str
    cancel_url: str
    locale: Literal["zh", "en"] = "zh"
    methods: tuple[str, ...] = ("alipay", "wechat_pay", "card")
    email: str | None = None


def start_payment(
    database: Database,
    provider: PaymentProvider,
    order_id: UUID,
    page: PaymentPage,
    *,
    actor: Actor,
    now: datetime,
) -> Payment:
    """Open the provider's page for the actor's own order; send the browser to the answer's `url`.

    An open page is used again. No transaction is open while the provider is asked, and asking
    twice at once opens one page. Raises NotFound for somebody else's order, OrderClosed when it
    is paid or its time is over, PaymentDeclined and ProviderUnavailable, after which the order
    still waits for its payment.
    """
    with database.reading() as session:
        order, open_page, attempts = _standing(session, order_id, provider.code, actor, now)
        if open_page is not None:
            return open_page
        request = _request(session, order, page, attempts)
    opened = provider.open_checkout(request)
    with database.transaction() as session:
        return _opened(session, order_id, provider.code, opened, actor=actor, now=now)


def _standing(
    session: Session, order_id: UUID, provider: str, actor: Actor, now: datetime
) -> tuple[Order, Payment | None, int]:
    order = session.scalar(select(Order).where(Order.id == order_id, Order.account_id == actor.id))
    if order is None:
        raise NotFound("There is no such order")
    if order.state != "pending_payment":
        raise OrderClosed("This order no longer waits for a payment")
    if order.pay_by <= now:
        raise OrderClosed("The time to pay this order is over; please order again")
    open_page = session.scalar(
        select(Payment)
        .where(
            Payment.order_id == order_id,
            Payment.provider == provider,
            Payment.state == "open",
            Payment.url != "",
            Payment.expires_at > now,
        )
        .order_by(Payment.id.desc())
        .limit(1)
    )
    attempts = session.scalar(
        select(func.count()).select_from(Payment).where(Payment.order_id == order_id)
    )
    return order, open_page, attempts or 0


def _request(session: Session, order: Order, page: PaymentPage, attempts: int) -> CheckoutRequest:
    rows = session.execute(
        select(
            OrderLine.name_zh,
            OrderLine.name_en,
            OrderLine.spec_zh,
            OrderLine.spec_en,
            OrderLine.quantity,
            OrderLine.unit_price_fen,
        )
        .join(SubOrder, SubOrder.id == OrderLine.sub_order_id)
        .where(SubOrder.order_id == order.id)
        .order_by(OrderLine.number)
    )
    chinese = page.locale == "zh"
    lines = [
        CheckoutLine(f"{row[0]} {row[2]}" if chinese else f"{row[1]}, {row[3]}", row[4], row[5])
        for row in rows
    ]
    if order.shipping_fen:
        lines.append(CheckoutLine(FREIGHT[page.locale], 1, order.shipping_fen))
    # The key covers all that may differ between two tries, so that one key has one content.
    told = digest([page.locale, page.methods, page.email, page.success_url, page.cancel_url])
    return CheckoutRequest(
        order_id=str(order.id),
        order_number=order.number,
        amount_fen=order.total_fen,
        currency=order.currency,
        lines=tuple(lines),
        email=page.email,
        methods=page.methods,
        success_url=page.success_url,
        cancel_url=page.cancel_url,
        expires_at=order.pay_by + PAGE_CLOSES,
        locale=page.locale,
        idempotency_key=f"pay-{order.id}-{attempts}-{told[:12]}",
    )


def _opened(
    session: Session,
    order_id: UUID,
    provider: str,
    opened: OpenedCheckout,
    *,
    actor: Actor,
    now: datetime,
) -> Payment:
    order = lock_order(session, order_id)
    assert order is not None  # noqa: S101 -- orders are never deleted
    payment = session.scalar(
        select(Payment).where(
            Payment.provider == provider, Payment.external_id == opened.external_id
        )
    )
    if payment is not None:  # another tab was faster, or the notice was
        payment.url = payment.url or opened.url
        payment.expires_at = payment.expires_at or opened.expires_at
        return payment
    payment = Payment(
        id=time_uuid(now),
        order_id=order_id,
        provider=provider,
        external_id=opened.external_id,
        url=opened.url,
        amount_fen=order.total_fen,
        paid_fen=0,
        refunded_fen=0,
        currency=order.currency,
        method="",
        state="open",
        opened_at=now,
        expires_at=opened.expires_at,
        looks=0,
        look_at=now + FIRST_LOOK,
    )
    session.add(payment)
    session.flush()
    audit(
        session,
        "start_payment",
        "order",
        order_id,
        actor=actor,
        now=now,
        after={"payment": str(payment.id), "provider": provider},
    )
    return payment


def check_payment(
    database: Database, provider: PaymentProvider, order_id: UUID, *, now: datetime
) -> Outcome:
    """Ask the provider how an order's open payments stand, and take note: the browser is back.

    Gives `already` when nothing is open any more. Raises PaymentDeclined, ProviderUnavailable;
    then the page says that we are still waiting to hear, and a notice or a sweep follows.
    """
    with database.reading() as session:
        waiting = open_payments(session, provider.code, order_id)
    outcome: Outcome = "already"
    for external_id in waiting:
        said = provider.look_up(external_id)
        outcome = told(database, provider.code, said, now=now)
        if outcome == "paid":
            break
    return outcome


def told(database: Database, provider: str, said: ProviderPayment, *, now: datetime) -> Outcome:
    """Take note of a provider's answer in a transaction of its own."""
    with database.transaction() as session:
        return confirm_payment(session, provider, said, now=now)


def open_payments(session: Session, provider: str, order_id: UUID) -> list[str]:
    """Give the provider's ids of an order's payments that are still open there, newest first."""
    return [
        external_id
        for external_id in session.scalars(
            select(Payment.external_id)
            .where(
                Payment.order_id == order_id,
                Payment.provider == provider,
                Payment.state == "open",
            )
            .order_by(Payment.id.desc())
        )
        if external_id is not None
    ]
