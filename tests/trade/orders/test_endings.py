"""How orders end: called off, out of time, received, given back."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import NotAllowed, NotFound
from foundation.outbox import OutboxMessage
from goods.stock.models import StockBalance
from parties.people.permissions import SYSTEM, Actor, Grant, Role
from tests.factories import NOW, make_lot
from tests.trade.orders.world import (
    TERMS,
    Shop,
    checkout_for,
    later,
    new_buyer,
    paid,
    paid_notice,
    parcel_of,
    placed,
    refused,
    second_world,
    shop,
)
from trade.ledger.queries import balance
from trade.orders.errors import NothingToRefund, OrderClosed
from trade.orders.models import Order, Payment, Refund, SubOrder
from trade.orders.services.checkout import place_order
from trade.orders.services.endings import (
    cancel_order,
    cancel_parcel,
    confirm_receipt,
    expire_order,
    receive_by_time,
    refund_parcel,
)
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.orders.services.payments import confirm_payment


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session)


def reserved(s: Shop) -> int:
    return s.session.scalar(select(func.sum(StockBalance.reserved))) or 0


def send(s: Shop, parcel: SubOrder, owner: Actor | None = None) -> None:
    dispatch_sub_order(
        s.session,
        Dispatch(parcel.id, "示例快递", "YT001", NOW),
        actor=owner or s.w.owner,
        now=NOW,
    )


def two_parcels(s: Shop) -> tuple[Order, SubOrder, SubOrder, Actor]:
    """A paid order of two suppliers' goods; the second supplier's owner comes along."""
    there = second_world(s.session, s.w)
    make_lot(there, packs=5)
    checkout = checkout_for(s.session, (s.w.sku, 2), (there.sku, 1))
    order = place_order(s.session, checkout, terms=TERMS, actor=s.buyer, now=NOW).order
    confirm_payment(s.session, "stripe", paid_notice(order), now=NOW)
    parcels = s.session.scalars(
        select(SubOrder).where(SubOrder.order_id == order.id).order_by(SubOrder.supplier_id)
    ).all()
    mine = next(p for p in parcels if p.supplier_id == s.w.supplier.id)
    other = next(p for p in parcels if p.supplier_id != s.w.supplier.id)
    return order, mine, other, there.owner


def test_an_unpaid_order_is_called_off_and_its_goods_are_free_again(s: Shop) -> None:
    order = placed(s)
    assert reserved(s) == 2
    cancel_order(s.session, order.id, actor=s.buyer, now=later(minutes=1))
    assert (order.state, order.close_reason, order.closed_at) == (
        "cancelled",
        "buyer",
        later(minutes=1),
    )
    assert parcel_of(s.session, order).state == "cancelled"
    assert reserved(s) == 0
    assert s.session.scalars(select(Refund)).all() == []
    again = cancel_order(s.session, order.id, actor=s.buyer, now=later(minutes=2))
    assert again.closed_at == later(minutes=1)
    told = s.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "OrderEnded"))
    assert [m.payload for m in told] == [
        {"order_id": str(order.id), "state": "cancelled", "reason": "buyer"}
    ]


def test_nobody_calls_off_anothers_order(s: Shop) -> None:
    order = placed(s)
    for actor in (new_buyer(s.session, 1), s.w.owner, SYSTEM):
        with refused(s.session, NotFound):
            cancel_order(s.session, order.id, actor=actor, now=NOW)


def test_an_order_of_which_a_parcel_left_is_not_called_off(s: Shop) -> None:
    order, mine, other, _ = two_parcels(s)
    send(s, mine)
    with refused(s.session, OrderClosed):
        cancel_order(s.session, order.id, actor=s.buyer, now=NOW)
    cancel_parcel(s.session, other.id, reason="cancelled", actor=s.buyer, now=NOW)
    assert order.state == "paid"
    confirm_receipt(s.session, mine.id, actor=s.buyer, now=NOW)
    assert order.state == "completed"
    with refused(s.session, OrderClosed):
        cancel_order(s.session, order.id, actor=s.buyer, now=NOW)


def test_parcels_called_off_one_by_one_end_the_order(s: Shop) -> None:
    order, mine, other, there = two_parcels(s)
    cancel_parcel(s.session, mine.id, reason="recalled", actor=s.w.owner, now=NOW)
    assert order.state == "paid"
    assert s.session.scalars(select(Payment.state)).one() == "paid"
    assert reserved(s) == 1
    cancel_parcel(s.session, other.id, reason="not_delivered", actor=there, now=NOW)
    assert order.state == "refunded"
    assert s.session.scalars(select(Payment.state)).one() == "refund_due"
    refunds = s.session.scalars(select(Refund).order_by(Refund.id)).all()
    assert {r.reason for r in refunds} == {"recalled", "not_delivered"}
    assert sum(r.amount_fen for r in refunds) == order.total_fen
    assert {r.sub_order_id for r in refunds} == {mine.id, other.id}
    assert reserved(s) == 0
    before = len(refunds)
    cancel_parcel(s.session, mine.id, reason="cancelled", actor=s.buyer, now=NOW)
    assert len(s.session.scalars(select(Refund)).all()) == before


def test_calling_off_the_whole_order_passes_over_what_was_called_off(s: Shop) -> None:
    order, mine, _, _ = two_parcels(s)
    cancel_parcel(s.session, mine.id, reason="cancelled", actor=SYSTEM, now=NOW)
    cancel_order(s.session, order.id, actor=s.buyer, now=NOW)
    assert order.state == "refunded"
    assert s.session.scalar(select(func.sum(Refund.amount_fen))) == order.total_fen


def test_a_parcel_is_called_off_by_those_it_concerns_before_it_leaves(s: Shop) -> None:
    order = paid(s)
    parcel = parcel_of(s.session, order)
    stranger = Actor(950, (Grant(Role.SUPPLIER_OWNER, s.w.supplier.id + 1),))
    for actor in (stranger, new_buyer(s.session, 1), s.w.clerk):
        with refused(s.session, NotFound):
            cancel_parcel(s.session, parcel.id, reason="cancelled", actor=actor, now=NOW)
    send(s, parcel)
    with refused(s.session, OrderClosed):
        cancel_parcel(s.session, parcel.id, reason="cancelled", actor=s.buyer, now=NOW)


def test_time_runs_out_once_and_only_for_what_is_not_paid(s: Shop) -> None:
    order = placed(s)
    assert not expire_order(s.session, order.id, now=later(minutes=29))
    assert expire_order(s.session, order.id, now=later(minutes=30))
    assert not expire_order(s.session, order.id, now=later(minutes=31))
    assert (order.state, order.close_reason) == ("cancelled", "expired")
    kept = paid(s, key="another-one")
    assert not expire_order(s.session, kept.id, now=later(days=1))
    assert not expire_order(s.session, parcel_of(s.session, kept).id, now=later(days=1))


def test_the_buyer_says_that_a_parcel_has_arrived(s: Shop) -> None:
    order, mine, other, there = two_parcels(s)
    with refused(s.session, OrderClosed):
        confirm_receipt(s.session, mine.id, actor=s.buyer, now=NOW)
    send(s, mine)
    send(s, other, there)
    with refused(s.session, NotFound):
        confirm_receipt(s.session, mine.id, actor=s.w.owner, now=NOW)
    confirm_receipt(s.session, mine.id, actor=s.buyer, now=later(days=2))
    confirm_receipt(s.session, mine.id, actor=s.buyer, now=later(days=3))
    assert (mine.state, mine.received_at, order.state) == ("received", later(days=2), "paid")
    confirm_receipt(s.session, other.id, actor=s.buyer, now=later(days=3))
    assert (order.state, order.close_reason) == ("completed", "received")


def test_ten_days_after_sending_a_parcel_counts_as_received(s: Shop) -> None:
    parcel = parcel_of(s.session, paid(s))
    assert not receive_by_time(s.session, parcel.id, now=later(days=11))
    send(s, parcel)
    assert not receive_by_time(s.session, parcel.id, now=later(days=9))
    assert receive_by_time(s.session, parcel.id, now=later(days=10))
    assert not receive_by_time(s.session, parcel.id, now=later(days=11))
    assert parcel.received_at == later(days=10)


def test_goodwill_in_parts_takes_back_exactly_the_commission(s: Shop) -> None:
    order = paid(s, packs=1)
    parcel = parcel_of(s.session, order)
    send(s, parcel)
    supplier = f"supplier:{s.w.supplier.id}"
    fee = balance(s.session, "commission")
    part = order.goods_fen // 3

    refund_parcel(s.session, parcel.id, part, reason="damaged", actor=SYSTEM, now=NOW)
    assert (parcel.state, parcel.refunded_fen, order.state) == ("shipped", part, "paid")
    refund_parcel(s.session, parcel.id, part, reason="goodwill", actor=SYSTEM, now=NOW)
    confirm_receipt(s.session, parcel.id, actor=s.buyer, now=NOW)
    assert order.state == "completed"
    rest = order.total_fen - 2 * part
    refund_parcel(s.session, parcel.id, rest, reason="damaged", actor=SYSTEM, now=NOW)

    assert fee > 0
    assert balance(s.session, "commission") == 0
    assert balance(s.session, supplier) == 0
    assert balance(s.session, "buyers") == order.total_fen
    assert (parcel.state, order.state) == ("refunded", "refunded")
    assert s.session.scalars(select(Payment.state)).one() == "refund_due"


def test_no_more_is_given_back_than_the_parcel_cost_and_by_operators_only(s: Shop) -> None:
    order = paid(s)
    parcel = parcel_of(s.session, order)
    with refused(s.session, OrderClosed):
        refund_parcel(s.session, parcel.id, 1, reason="damaged", actor=SYSTEM, now=NOW)
    send(s, parcel)
    for amount in (0, -5, order.total_fen + 1):
        with refused(s.session, NothingToRefund, field="amount_fen"):
            refund_parcel(s.session, parcel.id, amount, reason="damaged", actor=SYSTEM, now=NOW)
    for actor in (s.buyer, s.w.owner, s.w.official):
        with refused(s.session, NotAllowed):
            refund_parcel(s.session, parcel.id, 1, reason="damaged", actor=actor, now=NOW)
    with refused(s.session, NotFound):
        refund_parcel(s.session, order.id, 1, reason="damaged", actor=SYSTEM, now=NOW)


def test_a_parcel_without_a_kept_payment_gives_nothing_back(s: Shop) -> None:
    order = paid(s)
    parcel = parcel_of(s.session, order)
    s.session.scalars(select(Payment)).one().state = "expired"
    s.session.flush()
    with refused(s.session, NothingToRefund):
        cancel_parcel(s.session, parcel.id, reason="cancelled", actor=s.buyer, now=NOW)
