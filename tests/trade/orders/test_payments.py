"""Payments: told once or often, fitting or not, in time or late."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from typing_extensions import override

from foundation.db import Database
from foundation.errors import NotFound
from foundation.outbox import OutboxMessage
from goods.stock.models import Reservation, StockBalance
from tests.factories import NOW
from tests.trade.orders.world import (
    FakeProvider,
    Shop,
    later,
    new_buyer,
    paid,
    paid_notice,
    placed,
    shop,
)
from trade.ledger.queries import balance
from trade.orders.errors import OrderClosed
from trade.orders.models import Order, OrderContact, Payment, ProviderEvent, Refund, SubOrder
from trade.orders.paying import PaymentPage, check_payment, start_payment
from trade.orders.providers import (
    CheckoutRequest,
    OpenedCheckout,
    PaymentDeclined,
    ProviderNotice,
    ProviderPayment,
    ProviderUnavailable,
)
from trade.orders.services.endings import cancel_order, expire_order
from trade.orders.services.payments import confirm_payment, take_notice

PAGE = PaymentPage("https://shop/paid", "https://shop/back")


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session, packs=4)


def tell(s: Shop, said: ProviderPayment, now: datetime = NOW) -> str:
    return confirm_payment(s.session, "stripe", said, now=now)


def states(s: Shop) -> tuple[str, str, str]:
    s.session.expire_all()
    order = s.session.scalars(select(Order)).one()
    return (
        order.state,
        s.session.scalars(select(SubOrder.state)).one(),
        s.session.scalars(select(Reservation.state).order_by(Reservation.id.desc())).all()[0],
    )


def test_a_payment_that_fits_makes_the_promise_firm(s: Shop) -> None:
    order = placed(s)
    assert tell(s, paid_notice(order)) == "paid"
    assert states(s) == ("paid", "awaiting_shipment", "allocated")
    payment = s.session.scalars(select(Payment)).one()
    assert (payment.state, payment.paid_fen, payment.method, payment.payment_ref) == (
        "paid",
        order.total_fen,
        "alipay",
        f"pi_{order.number}",
    )
    told = s.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "OrderPaid")).one()
    assert told.payload == {
        "order_id": str(order.id),
        "outlet_id": order.outlet_id,
        "business_date": "2026-11-20",
    }
    assert balance(s.session, "stripe") == -order.total_fen


@pytest.mark.parametrize("other", [{"amount_fen": 1}, {"currency": "USD"}])
def test_another_amount_or_currency_pays_nothing_and_is_due_back(
    s: Shop, other: dict[str, object]
) -> None:
    order = placed(s)
    said = paid_notice(order, **other)
    assert tell(s, said) == "refund_due"
    assert states(s) == ("pending_payment", "pending_payment", "held")
    payment = s.session.scalars(select(Payment)).one()
    assert payment.state == "refund_due"
    refund = s.session.scalars(select(Refund)).one()
    assert (refund.amount_fen, refund.reason, refund.state) == (said.amount_fen, "mismatch", "due")
    booked = said.amount_fen if said.currency == "CNY" else 0
    assert balance(s.session, "buyers") == booked
    assert tell(s, said) == "already"


def test_a_second_payment_of_the_same_order_is_due_back(s: Shop) -> None:
    order = paid(s)
    second = paid_notice(order, external_id="cs_second", payment_ref="pi_second")
    assert tell(s, second) == "refund_due"
    assert tell(s, second) == "already"
    refund = s.session.scalars(select(Refund)).one()
    assert (refund.reason, refund.amount_fen) == ("duplicate", order.total_fen)
    assert states(s)[0] == "paid"
    assert balance(s.session, "buyers") == 2 * order.total_fen


def test_money_that_comes_late_takes_the_goods_again_if_they_are_there(s: Shop) -> None:
    order = placed(s)
    assert expire_order(s.session, order.id, now=later(minutes=31))
    assert states(s) == ("cancelled", "cancelled", "released")

    assert tell(s, paid_notice(order), later(minutes=33)) == "paid"

    assert states(s) == ("paid", "awaiting_shipment", "allocated")
    s.session.expire_all()
    assert (order.closed_at, order.close_reason) == (None, "")
    assert s.session.scalar(select(func.sum(StockBalance.reserved))) == 2


def test_money_that_comes_late_goes_back_when_the_goods_are_gone(s: Shop) -> None:
    order = placed(s)
    expire_order(s.session, order.id, now=later(minutes=31))
    placed(s, packs=3, key="another-one", now=later(minutes=32))

    assert tell(s, paid_notice(order), later(minutes=33)) == "refund_due"

    s.session.expire_all()
    assert (order.state, order.close_reason) == ("cancelled", "expired")
    assert s.session.scalars(select(Refund.reason)).one() == "late"
    assert s.session.scalar(select(func.sum(StockBalance.reserved))) == 3


def test_money_for_an_order_that_its_buyer_called_off_goes_back(s: Shop) -> None:
    order = placed(s)
    cancel_order(s.session, order.id, actor=s.buyer, now=NOW)
    assert tell(s, paid_notice(order)) == "refund_due"
    assert states(s) == ("cancelled", "cancelled", "released")


def test_a_page_that_closed_leaves_the_order_waiting(s: Shop) -> None:
    order = placed(s)
    assert tell(s, paid_notice(order, state="open", payment_ref=None)) == "open"
    assert tell(s, paid_notice(order, state="expired", payment_ref=None)) == "expired"
    assert s.session.scalars(select(Payment.state)).one() == "expired"
    assert states(s) == ("pending_payment", "pending_payment", "held")
    assert tell(s, paid_notice(order)) == "paid"


@pytest.mark.parametrize("order_id", [None, "no uuid", "6f0f8a44-2f6a-4b2e-9a6e-111111111111"])
def test_a_payment_of_no_order_of_ours_is_left_alone(s: Shop, order_id: str | None) -> None:
    order = placed(s)
    assert tell(s, paid_notice(order, order_id=order_id)) == "unknown"
    assert s.session.scalars(select(Payment)).all() == []


def notice(order: Order, event_id: str = "evt_1", **other: object) -> ProviderNotice:
    said = ProviderNotice(
        event_id,
        "payment_paid",
        NOW,
        paid_notice(order),
        None,
        "checkout.session.completed",
    )
    return replace(said, **other)  # type: ignore[arg-type]


def test_a_notice_is_taken_in_once(s: Shop) -> None:
    order = placed(s)
    assert take_notice(s.session, "stripe", notice(order), now=NOW) == "paid"
    assert take_notice(s.session, "stripe", notice(order), now=NOW) == "seen"
    assert take_notice(s.session, "stripe", notice(order, "evt_2"), now=NOW) == "already"
    kept = s.session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)).all()
    assert [(k.event_id, k.outcome, k.external_id) for k in kept] == [
        ("evt_1", "paid", f"cs_{order.number}"),
        ("evt_2", "already", f"cs_{order.number}"),
    ]


def test_a_notice_that_asks_for_nothing_is_kept_and_ignored(s: Shop) -> None:
    order = placed(s)
    failed = notice(order, kind="payment_failed")
    other = notice(order, "evt_2", kind="other", payment=None)
    assert take_notice(s.session, "stripe", failed, now=NOW) == "ignored"
    assert take_notice(s.session, "stripe", other, now=NOW) == "ignored"
    assert states(s)[0] == "pending_payment"


# --- with a provider to talk to ---


@pytest.fixture
def order(database: Database) -> tuple[Shop, Order]:
    with database.transaction() as session:
        s = shop(session, packs=4)
        return s, placed(s)


def test_the_providers_page_asks_for_what_was_ordered(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()
    page = start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    assert page.url == "https://pay/cs_1"
    ((request, _),) = provider.opened.values()
    assert request.amount_fen == mine.total_fen
    assert request.lines[0].name == f"{s.w.product.name_zh} {s.w.sku.spec_zh}"
    assert (request.order_id, request.order_number) == (str(mine.id), mine.number)
    again = start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=later(minutes=5))
    assert again.id == page.id
    assert provider.asked == ["open"]


def test_freight_is_a_line_of_its_own_in_the_buyers_language(database: Database) -> None:
    with database.transaction() as session:
        s = shop(session)
        cheap = placed(s, packs=1)
    assert cheap.shipping_fen == 800
    provider = FakeProvider()
    page = replace(PAGE, locale="en")
    start_payment(database, provider, cheap.id, page, actor=s.buyer, now=NOW)
    ((request, _),) = provider.opened.values()
    assert [line.name for line in request.lines] == [
        f"{s.w.product.name_en}, {s.w.sku.spec_en}",
        "Freight",
    ]


def test_two_tabs_get_the_same_page_and_a_closed_page_is_followed_by_a_new_one(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()
    first = start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    with database.transaction() as session:
        # The other tab had asked before the first answer was written down.
        session.get_one(Payment, first.id).url = ""
    second = start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    assert len({key.split("-")[-2] for key in provider.opened}) == 2
    assert second.id != first.id


def test_an_answer_that_was_written_down_already_is_not_written_twice(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()

    class Overtaken(FakeProvider):
        @override
        def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
            opened = provider.open_checkout(request)
            said = provider.pages[opened.external_id]
            with database.transaction() as session:
                confirm_payment(session, "stripe", said, now=NOW)
            return opened

    page = start_payment(database, Overtaken(), mine.id, PAGE, actor=s.buyer, now=NOW)
    with database.reading() as session:
        kept = session.scalars(select(Payment)).one()
        assert (kept.id, kept.url) == (page.id, "https://pay/cs_1")
        assert kept.expires_at is not None


def test_a_provider_out_of_reach_leaves_the_order_as_it_is(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()
    provider.out_of_reach = True
    with pytest.raises(ProviderUnavailable):
        start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    provider.out_of_reach, provider.declines = False, "amount_too_small"
    with pytest.raises(PaymentDeclined):
        start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    with database.reading() as session:
        assert session.scalars(select(Payment)).all() == []
        assert session.get_one(Order, mine.id).state == "pending_payment"
    provider.declines = ""
    assert start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW).url


def test_only_the_buyer_pays_only_what_waits_for_a_payment(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()
    with database.transaction() as session:
        stranger = new_buyer(session, 1)
    with pytest.raises(NotFound):
        start_payment(database, provider, mine.id, PAGE, actor=stranger, now=NOW)
    with pytest.raises(OrderClosed):
        start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=later(minutes=30))
    with database.transaction() as session:
        confirm_payment(session, "stripe", paid_notice(mine), now=NOW)
    with pytest.raises(OrderClosed):
        start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    assert provider.asked == []


def test_the_buyer_who_comes_back_has_paid_though_no_notice_came(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()
    page = start_payment(database, provider, mine.id, PAGE, actor=s.buyer, now=NOW)
    assert check_payment(database, provider, mine.id, now=NOW) == "open"
    provider.pay(page.external_id or "")
    assert check_payment(database, provider, mine.id, now=NOW) == "paid"
    assert check_payment(database, provider, mine.id, now=NOW) == "already"
    with database.reading() as session:
        assert session.get_one(Order, mine.id).state == "paid"
        assert balance(session, "buyers") == mine.total_fen


def test_nothing_of_a_person_goes_to_the_provider_but_the_mail_address_given(
    database: Database, order: tuple[Shop, Order]
) -> None:
    s, mine = order
    provider = FakeProvider()
    page = replace(PAGE, email="wang@example.com")
    start_payment(database, provider, mine.id, page, actor=s.buyer, now=NOW)
    ((request, _),) = provider.opened.values()
    with database.reading() as session:
        contact = session.get_one(OrderContact, mine.id)
    sent = repr(replace(request, email=None))
    for personal in (contact.recipient, contact.phone, contact.detail):
        assert personal not in sent
