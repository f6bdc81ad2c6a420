"""What a payment does to an order. Nothing here talks to a provider; see `trade.orders.paying`.

The webhook, the buyer's return to the shop and the reconciling sweep all end in
`confirm_payment`, which may be called any number of times, in any order, at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.ids import time_uuid
from foundation.locks import lock_key
from foundation.outbox import publish
from goods.stock.errors import SoldOut
from goods.stock.rules import Want
from goods.stock.services import allocate
from parties.people.audit import audit
from parties.people.permissions import SYSTEM, Actor
from trade.ledger.rules import payment_entries
from trade.ledger.services import post
from trade.orders.messages import OrderPaid
from trade.orders.models import Order, OrderLine, Payment, ProviderEvent, SubOrder
from trade.orders.providers import ProviderNotice, ProviderPayment
from trade.orders.rules import owner_of
from trade.orders.services.checkout import reserve_together, supplier_places
from trade.orders.services.refunds import ask_refund, take_refund_notice

Outcome = Literal["paid", "already", "refund_due", "expired", "open", "unknown"]
"""`paid`: this call paid the order. `already`: an earlier one took note of this payment.
`refund_due`: the money came and is given back. `expired`, `open`: no money came, or not yet.
`unknown`: the payment is of no order of ours."""


def confirm_payment(
    session: Session,
    provider: str,
    said: ProviderPayment,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
) -> Outcome:
    """Take note of how a payment stands at its provider; pay the order if it is paid for.

    Money that does not fit (another amount or currency, a second payment, an order that was
    closed meanwhile and whose goods are gone) is never kept: the payment shows `refund_due`.
    """
    order = lock_order(session, _order_id(session, provider, said))
    if order is None:
        return "unknown"
    payment = _payment(session, order, provider, said, now=now)
    if payment.state in {"paid", "refund_due", "refunded"}:
        return "already"
    if said.state == "expired":
        payment.state = "expired"
    if said.state != "paid":
        session.flush()
        return said.state
    fits = (said.amount_fen, said.currency) == (order.total_fen, order.currency)
    payment.state, payment.paid_at, payment.paid_fen = "paid", now, said.amount_fen
    payment.currency = said.currency
    payment.payment_ref = said.payment_ref or payment.payment_ref
    payment.method = said.method or payment.method
    session.flush()
    if said.currency == "CNY":
        post(
            session,
            payment_entries(provider, said.amount_fen),
            cause=("payment", str(payment.id)),
            business_date=clock.business_date(now),
            now=now,
        )
    if fits and _take(session, order, now=now):
        _paid(session, order, payment, actor=actor, now=now)
        return "paid"
    reason = "mismatch" if not fits else "late" if order.state == "cancelled" else "duplicate"
    ask_refund(session, payment, said.amount_fen, reason, actor=actor, now=now)
    return "refund_due"


def take_notice(session: Session, provider: str, notice: ProviderNotice, *, now: datetime) -> str:
    """Take in a provider's notice, once; a repeat is answered with "seen" and does nothing."""
    lock_key(session, f"notice:{provider}:{notice.event_id}")
    seen = select(ProviderEvent.id).where(
        ProviderEvent.provider == provider, ProviderEvent.event_id == notice.event_id
    )
    if session.scalar(seen) is not None:
        return "seen"
    outcome = "ignored"
    if notice.payment is not None and notice.kind in {"payment_paid", "payment_expired"}:
        outcome = confirm_payment(session, provider, notice.payment, now=now)
    elif notice.refund is not None:
        outcome = take_refund_notice(session, provider, notice.refund, now=now)
    subject = notice.payment or notice.refund
    session.add(
        ProviderEvent(
            provider=provider,
            event_id=notice.event_id,
            kind=notice.raw_kind[:60],
            external_id=subject.external_id if subject else None,
            received_at=now,
            outcome=outcome,
        )
    )
    session.flush()
    return outcome


LOCK_ORDER = (
    select(Order)
    .where(Order.id == bindparam("order"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock_order(session: Session, order_id: UUID | None) -> Order | None:
    """Lock an order's row and read it afresh: whatever changes an order starts here."""
    if order_id is None:
        return None
    return session.scalar(LOCK_ORDER, {"order": order_id})


PARCELS = (
    select(SubOrder)
    .where(SubOrder.order_id == bindparam("order"))
    .order_by(SubOrder.id)
    .execution_options(populate_existing=True)
)


def parcels_of(session: Session, order_id: UUID) -> Sequence[SubOrder]:
    """Give an order's parcels, read afresh; the order is locked."""
    return session.scalars(PARCELS, {"order": order_id}).all()


def _order_id(session: Session, provider: str, said: ProviderPayment) -> UUID | None:
    known = session.scalar(
        select(Payment.order_id).where(
            Payment.provider == provider, Payment.external_id == said.external_id
        )
    )
    if known is not None:
        return known
    try:
        return UUID(said.order_id or "")
    except ValueError:
        return None


LOCK_PAYMENT = (
    select(Payment)
    .where(Payment.provider == bindparam("provider"), Payment.external_id == bindparam("external"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def _payment(
    session: Session, order: Order, provider: str, said: ProviderPayment, *, now: datetime
) -> Payment:
    payment = session.scalar(LOCK_PAYMENT, {"provider": provider, "external": said.external_id})
    if payment is None:  # the provider's page opened, and we stopped before we could write it down
        payment = Payment(
            id=time_uuid(now),
            order_id=order.id,
            provider=provider,
            external_id=said.external_id,
            url="",
            amount_fen=order.total_fen,
            paid_fen=0,
            refunded_fen=0,
            currency="CNY",
            method="",
            state="open",
            opened_at=now,
            looks=0,
            look_at=now,
        )
        session.add(payment)
    return payment


def _take(session: Session, order: Order, *, now: datetime) -> bool:
    """Make the reservation firm, anew if time had run out; False when the goods are gone."""
    owner = owner_of(order.id)
    if order.state == "cancelled" and order.close_reason == "expired":
        try:
            with session.begin_nested():
                _reserve_again(session, order, now=now)
        except SoldOut:
            return False
    elif order.state != "pending_payment":
        return False
    allocate(session, owner)
    return True


def _reserve_again(session: Session, order: Order, *, now: datetime) -> None:
    rows = session.execute(
        select(SubOrder.supplier_id, OrderLine.number, OrderLine.sku_id, OrderLine.quantity)
        .join(OrderLine, OrderLine.sub_order_id == SubOrder.id)
        .where(SubOrder.order_id == order.id)
        .order_by(SubOrder.supplier_id, OrderLine.number)
    ).all()
    wants: dict[int, list[Want]] = {}
    for supplier_id, number, sku_id, quantity in rows:
        wants.setdefault(supplier_id, []).append(Want(number, sku_id, quantity))
    places = supplier_places(session, list(wants))
    for supplier_id, wanted in wants.items():
        reserve_together(
            session,
            owner_of(order.id),
            wanted,
            places.get(supplier_id, ()),
            until=now,
            today=clock.business_date(now),
        )


def _paid(session: Session, order: Order, payment: Payment, *, actor: Actor, now: datetime) -> None:
    before = order.state
    order.state, order.paid_at = "paid", now
    order.closed_at, order.close_reason = None, ""
    session.execute(
        update(SubOrder)
        .where(SubOrder.order_id == order.id)
        .values(state="awaiting_shipment")
        .execution_options(synchronize_session=False)
    )
    session.flush()
    day = clock.business_date(now)
    publish(session, OrderPaid(str(order.id), order.outlet_id, day.isoformat()), now=now)
    audit(
        session,
        "confirm_payment",
        "order",
        order.id,
        actor=actor,
        now=now,
        before={"state": before},
        after={"state": "paid", "payment": str(payment.id), "paid_fen": payment.paid_fen},
    )
