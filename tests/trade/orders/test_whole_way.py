"""An order from the basket to its end."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.stock.models import Reservation, Serial, StockBalance
from parties.people.permissions import SYSTEM
from tests.factories import NOW
from tests.trade.orders.world import Shop, later, paid, paid_notice, parcel_of, placed, shop
from trade.ledger.queries import balance
from trade.orders.models import Order, Payment, Refund
from trade.orders.queries.buyers import order_view
from trade.orders.services.endings import cancel_order, confirm_receipt, refund_parcel
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.orders.services.payments import confirm_payment
from trade.sales.models import Sale, SaleLine


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session)


def test_an_order_is_reserved_paid_sent_and_received(s: Shop) -> None:
    order = paid(s, packs=2)
    session = s.session
    assert balance(session, "buyers") == order.total_fen
    parcel = parcel_of(session, order)
    assert parcel.state == "awaiting_shipment"
    session.expire_all()
    (row,) = session.scalars(select(StockBalance).where(StockBalance.reserved > 0)).all()
    assert (row.lot_id, row.reserved) == (s.lot.id, 2)

    dispatch_sub_order(
        session,
        Dispatch(parcel.id, "示例快递", "YT001", later(hours=3)),
        actor=s.w.owner,
        now=later(hours=3),
    )
    session.expire_all()
    assert parcel.state == "shipped"
    assert row.reserved == 0
    assert row.on_hand == 22
    sold = session.scalars(select(Serial).where(Serial.state == "sold")).all()
    assert len(sold) == 2
    assert session.scalars(select(Reservation.state)).all() == ["used"]
    sale = session.scalars(select(Sale)).one()
    assert (sale.channel, sale.place_id, sale.order_ref) == (
        "online",
        order.outlet_id,
        order.number,
    )
    assert parcel.sale_id == sale.id
    assert {line.lot_certainty for line in session.scalars(select(SaleLine))} == {"chosen"}
    assert balance(session, "buyers") == 0
    fee = round(order.goods_fen * 0.05)
    assert balance(session, f"supplier:{s.w.supplier.id}") == order.total_fen - fee
    assert balance(session, "commission") == fee
    assert balance(session, "stripe") == -order.total_fen

    confirm_receipt(session, parcel.id, actor=s.buyer, now=later(days=3))
    session.expire_all()
    assert (order.state, parcel.state) == ("completed", "received")
    view = order_view(session, order.id, actor=s.buyer)
    assert len(view.parcels[0].lines[0].traced) == 2
    assert view.pay_method == "alipay"


def test_a_paid_order_is_called_off_and_its_money_is_due(s: Shop) -> None:
    order = paid(s)
    cancel_order(s.session, order.id, actor=s.buyer, now=later(hours=1))
    refund = s.session.scalars(select(Refund)).one()
    assert (refund.amount_fen, refund.state) == (order.total_fen, "due")
    assert s.session.scalars(select(Payment.state)).one() == "refund_due"
    assert order.state == "refunded"
    assert s.session.scalars(select(Reservation.state)).one() == "released"


def test_confirming_twice_pays_once(s: Shop) -> None:
    order = placed(s)
    said = paid_notice(order)
    assert confirm_payment(s.session, "stripe", said, now=NOW) == "paid"
    assert confirm_payment(s.session, "stripe", said, now=NOW) == "already"
    assert balance(s.session, "buyers") == order.total_fen


def test_goodwill_mirrors_the_sale(s: Shop) -> None:
    order = paid(s)
    parcel = parcel_of(s.session, order)
    dispatch_sub_order(
        s.session, Dispatch(parcel.id, "示例快递", "YT001", NOW), actor=s.w.owner, now=NOW
    )
    refund_parcel(
        s.session, parcel.id, order.total_fen, reason="damaged", actor=SYSTEM, now=later(days=2)
    )
    assert balance(s.session, f"supplier:{s.w.supplier.id}") == 0
    assert balance(s.session, "commission") == 0
    assert balance(s.session, "buyers") == order.total_fen
    assert s.session.get_one(Order, order.id).state == "refunded"
