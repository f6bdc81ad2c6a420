"""Orders under truly concurrent transactions, on both databases."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import func, select

from foundation.db import Database
from foundation.errors import Refused
from goods.stock.errors import SoldOut
from goods.stock.models import Reservation, Serial, StockBalance
from parties.people.permissions import Actor
from tests.factories import NOW, make_lot
from tests.trade.orders.world import (
    TERMS,
    FakeProvider,
    checkout_for,
    later,
    new_buyer,
    paid_notice,
    second_world,
    shop,
)
from traceability.services.cases import pack_cases
from trade.ledger.models import Transfer
from trade.ledger.queries import balance
from trade.orders.models import CartLine, Order, Payment, ProviderEvent, Refund, SubOrder
from trade.orders.paying import PaymentPage, check_payment, start_payment
from trade.orders.providers import ProviderNotice
from trade.orders.services.carts import add_to_cart
from trade.orders.services.checkout import Checkout, place_order
from trade.orders.services.endings import cancel_order, expire_order
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.orders.services.payments import confirm_payment, take_notice
from trade.orders.sweeps import reconcile_open_payments, run_due_refunds
from trade.sales.models import Sale

pytestmark = pytest.mark.race
T = TypeVar("T")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T | Refused]:
    """Do everything at the same moment; a refusal is an answer, anything else fails the test."""
    start = Barrier(len(acts))

    def one(act: Callable[[], T]) -> T | Refused:
        start.wait()
        try:
            return act()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as crowd:
        return [done.result() for done in [crowd.submit(one, act) for act in acts]]


@dataclass
class Market:
    """One jar's market: who buys, and the checkouts they send."""

    database: Database
    buyers: list[Actor]
    checkouts: list[Checkout]
    owner: Actor

    def place(self, number: int) -> Callable[[], UUID]:
        """Give the act of one buyer's placing an order."""

        def act() -> UUID:
            with self.database.transaction() as session:
                return place_order(
                    session,
                    self.checkouts[number],
                    terms=TERMS,
                    actor=self.buyers[number],
                    now=NOW,
                ).order.id

        return act

    def placed(self) -> Order:
        """Let the first buyer place an order."""
        order_id = self.place(0)()
        with self.database.reading() as session:
            return session.get_one(Order, order_id)

    def confirm(self, order: Order, **other: object) -> Callable[[], str]:
        """Give the act of telling that an order was paid."""

        def act() -> str:
            with self.database.transaction() as session:
                said = paid_notice(order, **other)
                return confirm_payment(session, "stripe", said, now=NOW)

        return act


def market(database: Database, *, packs: int, buyers: int, each: int = 1) -> Market:
    """Make a lot of so many jars and so many buyers in front of it."""
    with database.transaction() as session:
        s = shop(session, packs=packs)
        crowd = [s.buyer, *(new_buyer(session, n) for n in range(1, buyers))]
        checkout = checkout_for(session, (s.w.sku, each))
        return Market(
            database,
            crowd,
            [replace(checkout, key=f"checkout-{n}") for n in range(buyers)],
            s.w.owner,
        )


def stock_is_whole(database: Database) -> None:
    """Hold reserved against reservations and on hand against serials."""
    with database.reading() as session:
        promised: dict[tuple[int, int], int] = {
            (place_id, lot_id): int(quantity)
            for place_id, lot_id, quantity in session.execute(
                select(Reservation.place_id, Reservation.lot_id, func.sum(Reservation.quantity))
                .where(Reservation.state.in_(("held", "allocated")))
                .group_by(Reservation.place_id, Reservation.lot_id)
            )
        }
        for row in session.scalars(select(StockBalance)):
            assert row.reserved == promised.pop((row.place_id, row.lot_id), 0)
            assert 0 <= row.reserved <= row.on_hand
        assert not promised


def test_of_fifty_buyers_for_the_last_ten_jars_ten_get_one(shared: Database) -> None:
    m = market(shared, packs=10, buyers=50)

    answers = at_once([m.place(n) for n in range(50)])

    kinds = Counter(type(answer).__name__ for answer in answers)
    assert kinds == {"UUID": 10, "TooFewLeft": 40}
    assert all(a.available == 0 for a in answers if isinstance(a, SoldOut))
    stock_is_whole(shared)
    with shared.reading() as session:
        orders = session.scalars(select(Order)).all()
    paid = at_once([m.confirm(order) for order in orders])
    assert paid == ["paid"] * 10
    with shared.reading() as session:
        parcels = session.scalars(select(SubOrder.id)).all()

    def send(sub_order_id: UUID) -> Callable[[], str]:
        def act() -> str:
            with shared.transaction() as session:
                dispatch = Dispatch(sub_order_id, "示例快递", f"YT{sub_order_id.hex[-6:]}", NOW)
                return dispatch_sub_order(session, dispatch, actor=m.owner, now=NOW).state

        return act

    assert at_once([send(one) for one in parcels]) == ["shipped"] * 10
    stock_is_whole(shared)
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Sale)) == 10
        sold = select(func.count()).where(Serial.state == "sold")
        assert session.scalar(sold) == 10
        assert (
            session.scalar(
                select(func.sum(StockBalance.on_hand)).where(
                    StockBalance.sku_id == m.checkouts[0].lines[0].sku_id
                )
            )
            == 0
        )
        assert balance(session, "buyers") == 0


def test_one_payment_told_in_three_ways_at_once_is_booked_once(shared: Database) -> None:
    m = market(shared, packs=4, buyers=1)
    order = m.placed()
    provider = FakeProvider(now=NOW)
    start_payment(shared, provider, order.id, PaymentPage("s", "c"), actor=m.buyers[0], now=NOW)
    (external_id,) = provider.pages
    provider.pay(external_id)

    def webhook(number: int) -> Callable[[], str]:
        def act() -> str:
            notice = ProviderNotice(
                f"evt_{number}",
                "payment_paid",
                NOW,
                provider.look_up(external_id),
                None,
                "checkout.session.completed",
            )
            with shared.transaction() as session:
                return take_notice(session, "stripe", notice, now=NOW)

        return act

    answers = at_once(
        [
            webhook(1),
            webhook(1),
            webhook(2),
            lambda: check_payment(shared, provider, order.id, now=NOW),
            lambda: check_payment(shared, provider, order.id, now=NOW),
            lambda: str(reconcile_open_payments(shared, provider, later(minutes=2))),
            m.confirm(order, external_id=external_id),
        ]
    )

    assert not [answer for answer in answers if isinstance(answer, Refused)]
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Transfer)) == 1
        assert session.scalar(select(func.count()).select_from(ProviderEvent)) == 2
        assert session.scalars(select(Payment.state)).all() == ["paid"]
        assert session.scalars(select(Order.state)).one() == "paid"
        assert session.scalars(select(Refund)).all() == []
    stock_is_whole(shared)


@pytest.mark.parametrize("round_", range(3))
def test_an_order_that_runs_out_while_it_is_paid_keeps_money_and_goods_together(
    shared: Database, round_: int
) -> None:
    m = market(shared, packs=2, buyers=1, each=2)
    order = m.placed()

    def expire() -> str:
        with shared.transaction() as session:
            return str(expire_order(session, order.id, now=later(minutes=31 + round_)))

    at_once([expire, m.confirm(order), expire, m.confirm(order)])

    with shared.reading() as session:
        assert session.scalars(select(Order.state)).one() == "paid"
        assert session.scalars(select(SubOrder.state)).one() == "awaiting_shipment"
        live = select(Reservation.state).where(Reservation.state != "released")
        assert session.scalars(live).all() == ["allocated"]
        assert balance(session, "buyers") == order.total_fen
        assert session.scalars(select(Refund)).all() == []
    stock_is_whole(shared)


@pytest.mark.parametrize("round_", range(3))
def test_a_parcel_is_either_sent_or_called_off(shared: Database, round_: int) -> None:
    m = market(shared, packs=3, buyers=1)
    order = m.placed()
    assert m.confirm(order)() == "paid"
    with shared.reading() as session:
        sub_order_id = session.scalars(select(SubOrder.id)).one()

    def send() -> str:
        dispatch = Dispatch(sub_order_id, "示例快递", f"YT00{round_}", NOW)
        with shared.transaction() as session:
            return dispatch_sub_order(session, dispatch, actor=m.owner, now=NOW).state

    def call_off() -> str:
        with shared.transaction() as session:
            return cancel_order(session, order.id, actor=m.buyers[0], now=NOW).state

    sent, called_off = at_once([send, call_off])

    with shared.reading() as session:
        sales = session.scalar(select(func.count()).select_from(Sale))
        refunds = session.scalar(select(func.count()).select_from(Refund))
        if sent == "shipped":
            assert isinstance(called_off, Refused)
            assert (sales, refunds) == (1, 0)
        else:
            assert isinstance(sent, Refused)
            assert called_off == "refunded"
            assert (sales, refunds) == (0, 1)
    stock_is_whole(shared)


def test_baskets_with_the_same_goods_in_opposite_order_never_lock_each_other_out(
    shared: Database,
) -> None:
    with shared.transaction() as session:
        s = shop(session, packs=20)
        other = second_world(session, s.w)
        make_lot(other, packs=20)
        buyers = [s.buyer, *(new_buyer(session, n) for n in range(1, 16))]
        there = checkout_for(session, (s.w.sku, 1), (other.sku, 1))
        back = checkout_for(session, (other.sku, 1), (s.w.sku, 1))
    m = Market(
        shared,
        buyers,
        [
            replace(there if n % 2 else back, key=f"checkout-{n}", total_fen=there.total_fen)
            for n in range(16)
        ],
        s.w.owner,
    )

    answers = at_once([m.place(n) for n in range(16)])

    assert [answer for answer in answers if isinstance(answer, Refused)] == []
    with shared.reading() as session:
        assert session.scalar(select(func.sum(StockBalance.reserved))) == 32
        assert session.scalar(select(func.count()).select_from(SubOrder)) == 32
    stock_is_whole(shared)


def test_one_checkout_key_from_many_connections_is_one_order(shared: Database) -> None:
    m = market(shared, packs=10, buyers=1)

    answers = at_once([m.place(0) for _ in range(8)])

    assert len({str(answer) for answer in answers}) == 1
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
        assert session.scalar(select(func.sum(StockBalance.reserved))) == 1


def test_a_refund_that_two_workers_carry_out_is_booked_once(shared: Database) -> None:
    m = market(shared, packs=3, buyers=1)
    order = m.placed()
    assert m.confirm(order)() == "paid"
    with shared.transaction() as session:
        cancel_order(session, order.id, actor=m.buyers[0], now=NOW)
    provider = FakeProvider(now=NOW)

    at_once([lambda: run_due_refunds(shared, provider, NOW) for _ in range(4)])

    with shared.reading() as session:
        assert session.scalars(select(Refund.state)).all() == ["succeeded"]
        assert session.scalars(select(Payment.state)).all() == ["refunded"]
        assert balance(session, "buyers") == 0
        assert balance(session, "stripe") == 0
    assert len(provider.refunds) == 1


def test_many_tabs_that_start_to_pay_share_one_page(shared: Database) -> None:
    m = market(shared, packs=3, buyers=1)
    order = m.placed()
    provider = FakeProvider(now=NOW)
    page = PaymentPage("s", "c")

    def start() -> str:
        return start_payment(shared, provider, order.id, page, actor=m.buyers[0], now=NOW).url

    answers = at_once([start for _ in range(6)])

    assert len(set(map(str, answers))) == 1
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Payment)) == 1


def test_many_clicks_on_add_are_all_counted(shared: Database) -> None:
    m = market(shared, packs=12, buyers=1)
    sku_id = m.checkouts[0].lines[0].sku_id

    def add() -> UUID:
        with shared.transaction() as session:
            return add_to_cart(session, sku_id, visitor=None, actor=m.buyers[0], now=NOW).id

    carts = at_once([add for _ in range(8)])

    assert len({str(cart) for cart in carts}) == 1
    with shared.reading() as session:
        assert session.scalars(select(CartLine.quantity)).all() == [8]


@pytest.mark.parametrize("round_", range(2))
def test_sending_ordering_calling_off_and_packing_the_same_lot_never_lock_each_other_out(
    shared: Database, round_: int
) -> None:
    m = market(shared, packs=60, buyers=24)
    with shared.reading() as session:
        lot_id = session.scalars(
            select(StockBalance.lot_id).where(
                StockBalance.sku_id == m.checkouts[0].lines[0].sku_id, StockBalance.on_hand > 0
            )
        ).one()
        place_id = session.scalars(
            select(StockBalance.place_id).where(
                StockBalance.lot_id == lot_id, StockBalance.on_hand > 0
            )
        ).one()
    orders = [m.place(n)() for n in range(12)]
    with shared.reading() as session:
        known = {one.id: one for one in session.scalars(select(Order))}
        parcels = {one.order_id: one.id for one in session.scalars(select(SubOrder))}
    for order_id in orders[:8]:
        assert m.confirm(known[order_id])() == "paid"

    def send(order_id: UUID) -> Callable[[], str]:
        def act() -> str:
            dispatch = Dispatch(parcels[order_id], "示例快递", f"YT{round_}", NOW)
            with shared.transaction() as session:
                return dispatch_sub_order(session, dispatch, actor=m.owner, now=NOW).state

        return act

    def call_off(number: int) -> Callable[[], str]:
        def act() -> str:
            with shared.transaction() as session:
                return cancel_order(session, orders[number], actor=m.buyers[number], now=NOW).state

        return act

    def pack() -> str:
        with shared.transaction() as session:
            made = pack_cases(
                session,
                lot_id=lot_id,
                place_id=place_id,
                cases=2,
                per_case=3,
                at=NOW,
                actor=m.owner,
                now=NOW,
            )
            return f"{len(made)} cases"

    def ordered(number: int) -> Callable[[], str]:
        return lambda: str(bool(m.place(number)()))

    answers = at_once(
        [
            *(send(order_id) for order_id in orders[:6]),
            *(call_off(number) for number in range(6, 12)),
            *(m.confirm(known[order_id]) for order_id in orders[8:]),
            *(ordered(number) for number in range(12, 24)),
            pack,
            pack,
        ]
    )

    assert [answer for answer in answers if isinstance(answer, Refused)] == []
    assert answers[:6] == ["shipped"] * 6
    assert answers[-2:] == ["2 cases"] * 2
    stock_is_whole(shared)
    with shared.reading() as session:
        assert session.scalar(select(func.count()).where(Serial.state == "sold")) == 6
        assert (
            session.scalar(
                select(func.sum(StockBalance.on_hand)).where(StockBalance.lot_id == lot_id)
            )
            == 54
        )
        owed = session.scalar(select(func.count()).where(Refund.state == "due"))
        assert owed in range(2, 7)
