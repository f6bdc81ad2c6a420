"""How orders and parcels end: called off, run out of time, received, given back."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.outbox import publish
from goods.stock.models import Reservation
from goods.stock.services import give_back, release, reservations_of
from parties.people.audit import audit
from parties.people.permissions import SYSTEM, Actor, Can
from traceability.services.lots import supplier_scope
from trade.ledger.rules import take_back_entries
from trade.ledger.services import post
from trade.orders.errors import NothingToRefund, OrderClosed
from trade.orders.messages import OrderEnded, ParcelReceived
from trade.orders.models import Order, OrderLine, Payment, Refund, SubOrder
from trade.orders.rules import CONFIRM_AFTER, owner_of
from trade.orders.services.payments import lock_order, parcels_of
from trade.orders.services.refunds import ask_refund

OPEN = ("awaiting_shipment", "refunded")
"""States of parcels of which nothing is on its way."""

CancelReason = Literal["cancelled", "not_delivered", "recalled"]
RefundReason = Literal["damaged", "not_delivered", "recalled", "goodwill"]


def cancel_order(session: Session, order_id: UUID, *, actor: Actor, now: datetime) -> Order:
    """Call an order off: its buyer while nothing has been sent; goods and money go back.

    Unpaid it ends `cancelled`. Paid it ends `refunded`, and a sweep carries the refund out.
    Calling off twice changes nothing. Raises NotFound for somebody else's order, OrderClosed
    once a parcel is on its way.
    """
    order = lock_order(session, order_id)
    if order is None or order.account_id != actor.id:
        raise NotFound("There is no such order")
    if order.state in {"cancelled", "refunded"}:
        return order
    if order.state == "pending_payment":
        close_unpaid(session, order, "buyer", actor=actor, now=now)
        return order
    parcels = parcels_of(session, order.id)
    if order.state != "paid" or any(one.state not in OPEN for one in parcels):
        raise OrderClosed("A parcel of this order is already on its way")
    for parcel in parcels:
        if parcel.state == "awaiting_shipment":
            _call_off(session, order, parcel, "cancelled", actor=actor, now=now)
    finish(session, order, now=now)
    return order


def cancel_parcel(
    session: Session, sub_order_id: UUID, *, reason: CancelReason, actor: Actor, now: datetime
) -> SubOrder:
    """Call off one parcel that has not been sent; its part of the money goes back.

    Its buyer, its supplier's clerks and operators may. Raises NotFound, NotAllowed, OrderClosed.
    """
    order, parcel = lock_parcel(session, sub_order_id)
    supplier = supplier_scope(session, parcel.supplier_id)
    if order.account_id != actor.id and not (
        actor.can(Can.FULFIL_ORDERS, supplier) or actor.can(Can.REFUND)
    ):
        raise NotFound("There is no such order")
    if parcel.state == "refunded":
        return parcel
    if parcel.state != "awaiting_shipment":
        raise OrderClosed("This parcel is already on its way, or not paid")
    _call_off(session, order, parcel, reason, actor=actor, now=now)
    finish(session, order, now=now)
    return parcel


def _call_off(
    session: Session,
    order: Order,
    parcel: SubOrder,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    payment = paid_payment(session, order.id)
    give_back(session, parcel_reservations(session, order.id, parcel.id))
    total = parcel.goods_fen + parcel.shipping_fen
    ask_refund(
        session,
        payment,
        total,
        reason,
        sub_order_id=parcel.id,
        actor=actor,
        now=now,
    )
    parcel.state, parcel.refunded_fen = "refunded", total
    session.flush()
    audit(
        session,
        "cancel_parcel",
        "sub_order",
        parcel.id,
        actor=actor,
        now=now,
        before={"state": "awaiting_shipment"},
        after={"state": "refunded", "reason": reason},
    )


def close_unpaid(
    session: Session, order: Order, reason: str, *, actor: Actor, now: datetime
) -> None:
    """Close an order that nobody paid: `reason` is buyer or expired. The order is locked."""
    release(session, owner_of(order.id))
    order.state, order.closed_at, order.close_reason = "cancelled", now, reason
    for parcel in parcels_of(session, order.id):
        parcel.state = "cancelled"
    session.execute(
        update(Payment)
        .where(Payment.order_id == order.id, Payment.state == "open")
        .values(look_at=now)  # so that a sweep closes the provider's page
        .execution_options(synchronize_session=False)
    )
    session.flush()
    _end(session, order, actor=actor, now=now)


def expire_order(session: Session, order_id: UUID, *, now: datetime) -> bool:
    """Close an order whose time to pay has run out; False when it was paid or closed before."""
    order = lock_order(session, order_id)
    if order is None or order.state != "pending_payment" or order.pay_by > now:
        return False
    close_unpaid(session, order, "expired", actor=SYSTEM, now=now)
    return True


def confirm_receipt(
    session: Session, sub_order_id: UUID, *, actor: Actor, now: datetime
) -> SubOrder:
    """Say that a parcel has arrived: its buyer. Saying it twice changes nothing.

    Raises NotFound for somebody else's parcel, OrderClosed when it has not been sent.
    """
    order, parcel = lock_parcel(session, sub_order_id)
    if order.account_id != actor.id:
        raise NotFound("There is no such order")
    if parcel.state == "received":
        return parcel
    if parcel.state != "shipped":
        raise OrderClosed("This parcel has not been sent yet")
    _receive(session, order, parcel, actor=actor, now=now)
    return parcel


def receive_by_time(session: Session, sub_order_id: UUID, *, now: datetime) -> bool:
    """Count a parcel as received ten days after it was sent; False when it is not time."""
    order, parcel = lock_parcel(session, sub_order_id)
    if parcel.state != "shipped" or parcel.shipped_at is None:
        return False
    if parcel.shipped_at + CONFIRM_AFTER > now:
        return False
    _receive(session, order, parcel, actor=SYSTEM, now=now)
    return True


def _receive(
    session: Session, order: Order, parcel: SubOrder, *, actor: Actor, now: datetime
) -> None:
    parcel.state, parcel.received_at = "received", now
    session.flush()
    publish(session, ParcelReceived(str(parcel.id)), now=now)
    audit(
        session,
        "confirm_receipt",
        "sub_order",
        parcel.id,
        actor=actor,
        now=now,
        before={"state": "shipped"},
        after={"state": "received"},
    )
    finish(session, order, now=now)


def refund_parcel(
    session: Session,
    sub_order_id: UUID,
    amount_fen: int,
    *,
    reason: RefundReason,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Give back money for a parcel that was sent: operators only. The goods stay where they are.

    The supplier's account and the commission are put back in proportion. Given back in full, the
    parcel is `refunded`. Raises NotAllowed, NotFound, OrderClosed, NothingToRefund when more is
    given back than the parcel cost.
    """
    actor.must(Can.REFUND)
    order, parcel = lock_parcel(session, sub_order_id)
    if parcel.state not in {"shipped", "received"}:
        raise OrderClosed("Only a parcel that was sent can be refunded this way")
    before, total = parcel.refunded_fen, parcel.goods_fen + parcel.shipping_fen
    if not 0 < amount_fen <= total - before:
        raise NothingToRefund("No more can be given back than was paid", field="amount_fen")
    refund = ask_refund(
        session,
        paid_payment(session, order.id),
        amount_fen,
        reason,
        sub_order_id=parcel.id,
        actor=actor,
        now=now,
    )
    goods_before = min(before, parcel.goods_fen)
    goods = min(amount_fen, parcel.goods_fen - goods_before)
    post(
        session,
        take_back_entries(
            parcel.supplier_id,
            goods_fen=goods,
            shipping_fen=amount_fen - goods,
            before_fen=goods_before,
        ),
        cause=("refund", str(refund.id)),
        business_date=clock.business_date(now),
        now=now,
    )
    parcel.refunded_fen = before + amount_fen
    if parcel.refunded_fen == total:
        parcel.state = "refunded"
    session.flush()
    finish(session, order, now=now)
    return refund


def finish(session: Session, order: Order, *, now: datetime) -> None:
    """End an order whose parcels have all ended: `completed`, or `refunded` when none arrived."""
    states = [parcel.state for parcel in parcels_of(session, order.id)]
    if any(state not in {"received", "refunded"} for state in states):
        return
    ended = "completed" if "received" in states else "refunded"
    if order.state == ended:
        return
    order.state, order.closed_at = ended, now
    order.close_reason = "received" if ended == "completed" else "refunded"
    session.flush()
    _end(session, order, actor=SYSTEM, now=now)


def _end(session: Session, order: Order, *, actor: Actor, now: datetime) -> None:
    publish(session, OrderEnded(str(order.id), order.state, order.close_reason), now=now)
    audit(
        session,
        "end_order",
        "order",
        order.id,
        actor=actor,
        now=now,
        after={"state": order.state, "reason": order.close_reason},
    )


LOCK_ORDER_OF = (
    select(Order)
    .where(
        Order.id
        == select(SubOrder.order_id).where(SubOrder.id == bindparam("parcel")).scalar_subquery()
    )
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock_parcel(session: Session, sub_order_id: UUID) -> tuple[Order, SubOrder]:
    """Lock a parcel's order and give both, read afresh; raise NotFound."""
    order = session.scalar(LOCK_ORDER_OF, {"parcel": sub_order_id})
    if order is None:
        raise NotFound("There is no such order")
    return order, session.get_one(SubOrder, sub_order_id, populate_existing=True)


NUMBERS = select(OrderLine.number).where(OrderLine.sub_order_id == bindparam("parcel"))


def parcel_reservations(session: Session, order_id: UUID, sub_order_id: UUID) -> list[Reservation]:
    """Give the live reservations of one parcel, locked and in key order."""
    numbers = set(session.scalars(NUMBERS, {"parcel": sub_order_id}))
    return line_reservations(session, order_id, numbers)


def line_reservations(
    session: Session, order_id: UUID, numbers: Collection[int]
) -> list[Reservation]:
    """Give the live reservations of some of an order's lines, locked and in key order."""
    return [one for one in reservations_of(session, owner_of(order_id)) if one.line in numbers]


def paid_payment(session: Session, order_id: UUID) -> Payment:
    """Lock and give the payment that paid an order; raise NothingToRefund."""
    payment = session.scalar(
        select(Payment)
        .where(Payment.order_id == order_id, Payment.state == "paid")
        .order_by(Payment.paid_at, Payment.id)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if payment is None:
        raise NothingToRefund("This order has not been paid")
    return payment
