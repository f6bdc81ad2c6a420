"""What the worker does: closing, confirming, asking, giving back; and notices about refunds."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from foundation.db import Database
from foundation.errors import NotAllowed, NotFound
from goods.stock.models import StockBalance
from parties.people.permissions import SYSTEM
from tests.factories import NOW
from tests.trade.orders.world import (
    FakeProvider,
    Shop,
    later,
    paid,
    paid_notice,
    parcel_of,
    placed,
    refused,
    shop,
)
from trade.ledger.queries import balance
from trade.orders.errors import NothingToRefund, OrderClosed
from trade.orders.models import Order, Payment, Refund, SubOrder
from trade.orders.paying import PaymentPage, start_payment
from trade.orders.providers import ProviderNotice, ProviderRefund
from trade.orders.queries.buyers import order_view
from trade.orders.queries.troubles import refunds_waiting
from trade.orders.services.endings import cancel_order
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.orders.services.payments import confirm_payment, take_notice
from trade.orders.services.refunds import ask_refund, retry_refund, settle_refund
from trade.orders.sweeps import (
    auto_confirm,
    expire_unpaid,
    reconcile_open_payments,
    run_due_refunds,
)

PAGE = PaymentPage("https://shop/paid", "https://shop/back")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


def open_shop(database: Database) -> tuple[Shop, Order]:
    with database.transaction() as session:
        s = shop(session, packs=6)
        return s, placed(s)


def state_of(database: Database, order: Order) -> str:
    with database.reading() as session:
        return session.scalars(select(Order.state).where(Order.id == order.id)).one()


def only_payment(database: Database) -> Payment:
    with database.reading() as session:
        return session.scalars(select(Payment)).one()


def test_what_nobody_paid_is_closed_here_and_at_the_provider(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    assert expire_unpaid(database, provider, later(minutes=29)) == 0
    assert expire_unpaid(database, provider, later(minutes=30)) == 1
    assert expire_unpaid(database, provider, later(minutes=31)) == 0
    assert state_of(database, order) == "cancelled"
    assert provider.pages["cs_1"].state == "expired"
    assert only_payment(database).state == "expired"
    with database.reading() as session:
        assert session.scalar(select(func.sum(StockBalance.reserved))) == 0


def test_who_paid_in_the_last_second_has_paid(database: Database, provider: FakeProvider) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    provider.pay("cs_1")
    assert expire_unpaid(database, provider, later(minutes=31)) == 0
    assert state_of(database, order) == "paid"


def test_while_the_provider_is_out_of_reach_an_order_waits_but_not_forever(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    provider.out_of_reach = True
    assert expire_unpaid(database, provider, later(minutes=31)) == 0
    assert state_of(database, order) == "pending_payment"
    assert expire_unpaid(database, provider, later(minutes=71)) == 1
    assert state_of(database, order) == "cancelled"


def test_a_page_that_the_provider_does_not_know_stops_nothing(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    provider.declines = "resource_missing"
    assert expire_unpaid(database, provider, later(minutes=31)) == 1


def test_a_payment_of_which_no_notice_came_is_asked_for_ever_less_often(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    assert reconcile_open_payments(database, provider, later(seconds=19)) == 0
    assert provider.asked == ["open"]
    assert reconcile_open_payments(database, provider, later(seconds=20)) == 0
    assert only_payment(database).look_at == later(seconds=60)
    assert reconcile_open_payments(database, provider, later(seconds=59)) == 0
    assert reconcile_open_payments(database, provider, later(seconds=60)) == 0
    assert only_payment(database).look_at == later(seconds=140)
    provider.pay("cs_1")
    assert reconcile_open_payments(database, provider, later(seconds=140)) == 1
    assert state_of(database, order) == "paid"
    assert reconcile_open_payments(database, provider, later(hours=1)) == 0
    assert provider.asked.count("look_up") == 3


def test_the_page_of_a_closed_order_is_closed_too(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    with database.transaction() as session:
        cancel_order(session, order.id, actor=s.buyer, now=NOW)
    assert reconcile_open_payments(database, provider, NOW) == 1
    assert provider.pages["cs_1"].state == "expired"


def test_asking_gives_way_when_the_provider_is_out_of_reach(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    provider.out_of_reach = True
    assert reconcile_open_payments(database, provider, later(minutes=1)) == 0
    assert only_payment(database).looks == 0
    provider.out_of_reach, provider.declines = False, "resource_missing"
    assert reconcile_open_payments(database, provider, later(minutes=1)) == 0
    assert (only_payment(database).looks, only_payment(database).state) == (1, "open")
    assert reconcile_open_payments(database, provider, later(minutes=66)) == 1
    assert only_payment(database).state == "expired"


def test_one_try_is_enough_to_see_that_the_provider_is_out_of_reach(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    with database.transaction() as session:
        now_here = Shop(replace(s.w, session=session), s.buyer, s.lot)
        second = placed(now_here, key="another-one")
        pageless = placed(now_here, key="without-page")
    for one in (order, second):
        start_payment(database, provider, one.id, PAGE, actor=s.buyer, now=NOW)
    provider.out_of_reach = True
    assert expire_unpaid(database, provider, later(minutes=31)) == 1
    assert state_of(database, pageless) == "cancelled"
    assert state_of(database, second) == "pending_payment"
    assert provider.asked.count("expire") == 1


def test_parcels_count_as_received_after_ten_days(database: Database) -> None:
    with database.transaction() as session:
        s = shop(session)
        order = paid(s)
        dispatch = Dispatch(parcel_of(session, order).id, "示例快递", "YT001", NOW)
        dispatch_sub_order(session, dispatch, actor=s.w.owner, now=NOW)
    assert auto_confirm(database, later(days=9)) == 0
    assert auto_confirm(database, later(days=10)) == 1
    assert auto_confirm(database, later(days=10)) == 0
    assert state_of(database, order) == "completed"


def called_off(database: Database) -> tuple[Shop, Order]:
    with database.transaction() as session:
        s = shop(session)
        order = paid(s)
        cancel_order(session, order.id, actor=s.buyer, now=NOW)
        return s, order


def refund_in(database: Database) -> Refund:
    with database.reading() as session:
        return session.scalars(select(Refund)).one()


def test_money_goes_back_once_and_the_books_are_even(
    database: Database, provider: FakeProvider
) -> None:
    called_off(database)
    assert run_due_refunds(database, provider, NOW) == 1
    assert run_due_refunds(database, provider, NOW) == 0
    assert (refund_in(database).state, refund_in(database).external_id) == ("succeeded", "re_1")
    assert only_payment(database).state == "refunded"
    with database.reading() as session:
        assert balance(session, "stripe") == balance(session, "buyers") == 0


def test_a_refund_waits_longer_each_time_the_provider_is_out_of_reach(
    database: Database, provider: FakeProvider
) -> None:
    called_off(database)
    provider.out_of_reach = True
    assert run_due_refunds(database, provider, NOW) == 0
    assert refund_in(database).next_at == later(seconds=2)
    assert run_due_refunds(database, provider, later(seconds=1)) == 0
    assert run_due_refunds(database, provider, later(seconds=2)) == 0
    assert refund_in(database).next_at == later(seconds=6)
    assert provider.asked.count("refund") == 2
    provider.out_of_reach = False
    assert run_due_refunds(database, provider, later(seconds=6)) == 1


def test_the_others_wait_when_one_refund_cannot_be_sent(
    database: Database, provider: FakeProvider
) -> None:
    s, _ = called_off(database)
    with database.transaction() as session:
        other = paid(Shop(replace(s.w, session=session), s.buyer, s.lot), key="another-one")
        cancel_order(session, other.id, actor=s.buyer, now=NOW)
    provider.out_of_reach = True
    assert run_due_refunds(database, provider, NOW) == 0
    assert provider.asked.count("refund") == 1
    provider.out_of_reach = False
    assert run_due_refunds(database, provider, later(seconds=2)) == 2


def test_a_declined_refund_is_shown_and_tried_again_under_a_new_key(
    database: Database, provider: FakeProvider
) -> None:
    s, order = called_off(database)
    provider.declines = "insufficient_balance"
    assert run_due_refunds(database, provider, NOW) == 0
    failed = refund_in(database)
    assert (failed.state, failed.last_error) == ("failed", "insufficient_balance")
    assert only_payment(database).state == "refund_due"
    with database.transaction() as session:
        (row,) = refunds_waiting(session, failed_only=True, actor=SYSTEM).items
        assert (row.order_number, row.refund.id) == (order.number, failed.id)
        assert balance(session, "buyers") == order.total_fen
        assert order_view(session, order.id, actor=s.buyer).refund_state == "failed"
        with refused(session, NotAllowed):
            retry_refund(session, failed.id, actor=s.buyer, now=NOW)
        with refused(session, NotFound):
            retry_refund(session, order.id, actor=SYSTEM, now=NOW)
        retry_refund(session, failed.id, actor=SYSTEM, now=NOW)
        with refused(session, OrderClosed):
            retry_refund(session, failed.id, actor=SYSTEM, now=NOW)
    provider.declines = ""
    assert run_due_refunds(database, provider, NOW) == 1
    assert list(provider.refunds) == [f"{failed.key}#2"]
    with database.reading() as session:
        assert refunds_waiting(session, actor=SYSTEM).total == 0
        with pytest.raises(NotAllowed):
            refunds_waiting(session, actor=s.buyer)


def notice(event_id: str, state: str, external_id: str = "re_1", **other: object) -> ProviderNotice:
    refund = ProviderRefund(external_id, state, 11200)  # type: ignore[arg-type]
    return ProviderNotice(
        event_id,
        "refund_changed",
        NOW,
        None,
        replace(refund, **other),  # type: ignore[arg-type]
        "refund.updated",
    )


def tell(database: Database, said: ProviderNotice) -> str:
    with database.transaction() as session:
        return take_notice(session, "stripe", said, now=later(minutes=9))


def test_a_refund_under_way_is_settled_by_its_notice(
    database: Database, provider: FakeProvider
) -> None:
    called_off(database)
    provider.pending = True
    assert run_due_refunds(database, provider, NOW) == 0
    assert (refund_in(database).state, refund_in(database).external_id) == ("due", "re_1")
    assert run_due_refunds(database, provider, later(hours=1)) == 0
    assert provider.asked.count("refund") == 1
    assert tell(database, notice("evt_1", "pending")) == "pending"
    assert tell(database, notice("evt_2", "succeeded")) == "succeeded"
    assert tell(database, notice("evt_3", "succeeded")) == "already"
    assert tell(database, notice("evt_4", "pending")) == "already"
    assert only_payment(database).state == "refunded"
    with database.reading() as session:
        assert balance(session, "stripe") == 0


def test_a_refund_that_fails_after_all_is_booked_back(
    database: Database, provider: FakeProvider
) -> None:
    _, order = called_off(database)
    run_due_refunds(database, provider, NOW)
    assert tell(database, notice("evt_1", "failed")) == "failed"
    assert tell(database, notice("evt_2", "succeeded")) == "already"
    assert (refund_in(database).state, only_payment(database).state) == ("failed", "refund_due")
    with database.reading() as session:
        assert balance(session, "buyers") == order.total_fen


def test_a_notice_that_overtakes_our_own_answer_finds_its_refund(database: Database) -> None:
    _, order = called_off(database)
    named = {"amount_fen": order.total_fen, "payment_ref": f"pi_{order.number}"}
    assert tell(database, notice("evt_0", "failed", "re_old", **named)) == "unknown"
    assert tell(database, notice("evt_1", "succeeded", "re_9", **named)) == "succeeded"
    assert refund_in(database).external_id == "re_9"


def test_a_notice_about_a_refund_that_is_not_ours_changes_nothing(database: Database) -> None:
    called_off(database)
    assert tell(database, notice("evt_1", "succeeded", "re_other")) == "unknown"
    assert refund_in(database).state == "due"
    with database.transaction() as session:
        said = ProviderRefund("re_x", "succeeded", 1)
        nobody = session.scalars(select(Order.id)).one()
        assert settle_refund(session, nobody, said, now=NOW) == "unknown"


def test_a_payment_without_a_reference_is_looked_up_before_it_is_given_back(
    database: Database, provider: FakeProvider
) -> None:
    s, order = open_shop(database)
    start_payment(database, provider, order.id, PAGE, actor=s.buyer, now=NOW)
    said = replace(provider.pay("cs_1"), payment_ref=None)
    with database.transaction() as session:
        confirm_payment(session, "stripe", said, now=NOW)
        cancel_order(session, order.id, actor=s.buyer, now=NOW)
    assert run_due_refunds(database, provider, NOW) == 1
    assert next(iter(provider.refunds.values())).payment_ref == "pi_cs_1"


def test_money_in_another_currency_goes_back_without_touching_the_books(
    database: Database, provider: FakeProvider
) -> None:
    _, order = open_shop(database)
    with database.transaction() as session:
        confirm_payment(session, "stripe", paid_notice(order, currency="USD"), now=NOW)
    assert run_due_refunds(database, provider, NOW) == 1
    with database.reading() as session:
        assert balance(session, "stripe") == 0
        assert session.scalars(select(Refund.state)).one() == "succeeded"


def test_the_database_itself_keeps_refunds_within_what_was_paid(session: Session) -> None:
    s = shop(session)
    paid(s)
    payment = session.scalars(select(Payment)).one()
    with refused(session, NothingToRefund):
        ask_refund(session, payment, payment.paid_fen + 1, "goodwill", actor=SYSTEM, now=NOW)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(update(Payment).values(refunded_fen=payment.paid_fen + 1))
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(update(SubOrder).values(refunded_fen=-1))
