"""Statements: what a supplier is owed, and the sales it comes from."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound
from parties.people.permissions import SYSTEM, Actor, Grant, Role
from tests.factories import NOW, actor, on_shelf
from tests.trade.orders.world import Shop, later, paid, parcel_of, shop
from trade.orders.models import SubOrder
from trade.orders.services.endings import refund_parcel
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale
from trade.settlement.queries import (
    Statement,
    payable,
    statement_lines,
    statement_of,
    suppliers_seen,
)
from trade.settlement.rules import column_of

TODAY = date(2026, 11, 20)
SINCE, UNTIL = date(2026, 11, 1), date(2026, 11, 30)


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session, packs=10)


def send(s: Shop, *, packs: int, key: str, days: int = 0) -> int:
    """Sell a parcel online; give what the buyer paid."""
    at = later(days=days)
    order = paid(s, packs=packs, key=key, now=at)
    parcel = parcel_of(s.session, order)
    dispatch = Dispatch(parcel.id, "示例快递", "YT001", at)
    dispatch_sub_order(s.session, dispatch, actor=s.w.owner, now=at)
    return order.total_fen


def sell(s: Shop) -> None:
    """Sell one jar at the counter."""
    _, (serial, *_) = on_shelf(s.w, packs=2)
    price = s.w.sku.price_fen
    item = Item(s.w.sku.gtin, serial=serial.serial)
    ticket = Ticket(
        "till-1", s.w.outlet.place_id, "counter", NOW, (item,), (Paid("cash", price, price),)
    )
    record_sale(s.session, ticket, actor=s.w.clerk, now=NOW)


def statement(
    s: Shop, who: Actor | None = None, since: date = SINCE, until: date = UNTIL
) -> Statement:
    return statement_of(
        s.session, s.w.supplier.id, since=since, until=until, actor=who or s.w.owner
    )


def test_a_statement_opens_adds_up_and_closes_with_the_ledger(s: Shop) -> None:
    price = s.w.sku.price_fen
    send(s, packs=1, key="before-this", days=-25)
    before = payable(s.session, s.w.supplier.id, actor=s.w.owner)
    send(s, packs=2, key="this-month")
    sell(s)

    found = statement(s)

    fee = (2 * price * 50 + 500) // 1000
    assert found.opening_fen == before == price - (price * 50 + 500) // 1000 + 800
    assert found.goods_fen == 3 * price
    assert found.commission_fen == -fee
    assert found.shipping_fen == 0
    assert (found.refunds_fen, found.payouts_fen, found.sales) == (0, 0, 2)
    assert found.closing_fen == found.opening_fen + 3 * price - fee
    assert found.closing_fen == payable(s.session, s.w.supplier.id, actor=s.w.owner)


def test_money_given_back_stands_in_a_column_of_its_own(s: Shop) -> None:
    total = send(s, packs=1, key="this-month")
    parcel = s.session.scalars(select(SubOrder)).one()
    refund_parcel(s.session, parcel.id, total, reason="damaged", actor=SYSTEM, now=NOW)
    found = statement(s)
    assert found.closing_fen == 0
    assert found.refunds_fen == -(found.goods_fen + found.commission_fen + found.shipping_fen)
    lines = statement_lines(
        s.session, s.w.supplier.id, since=SINCE, until=UNTIL, actor=s.w.owner
    ).items
    assert [line.cause_type for line in lines] == ["refund", "sale"]
    assert lines[0].net_fen == -lines[1].net_fen
    assert lines[0].sale_number is None


def test_each_line_leads_to_its_sale(s: Shop) -> None:
    send(s, packs=1, key="this-month")
    sell(s)
    page = statement_lines(
        s.session, s.w.supplier.id, since=SINCE, until=UNTIL, size=1, actor=s.w.owner
    )
    assert (page.total, page.pages) == (2, 2)
    whole = statement_lines(
        s.session, s.w.supplier.id, since=SINCE, until=UNTIL, actor=s.w.owner
    ).items
    assert {line.channel for line in whole} == {"online", "counter"}
    online = next(line for line in whole if line.channel == "online")
    assert online.order_number
    assert online.outlet_zh
    assert online.sale_number
    assert online.shipping_fen == 800
    assert sum(line.net_fen for line in whole) == statement(s).closing_fen


def test_a_day_outside_the_period_is_not_in_it(s: Shop) -> None:
    send(s, packs=1, key="this-month")
    before = statement(s, since=date(2026, 11, 1), until=date(2026, 11, 19))
    assert (before.closing_fen, before.sales) == (0, 0)
    day = statement(s, since=TODAY, until=TODAY)
    assert (day.opening_fen, day.sales) == (0, 1)


@pytest.mark.parametrize(
    ("since", "until"),
    [(date(2026, 11, 2), date(2026, 11, 1)), (date(2024, 1, 1), date(2026, 11, 1))],
)
def test_a_period_makes_sense(s: Shop, since: date, until: date) -> None:
    with pytest.raises(BadInput):
        statement(s, since=since, until=until)


def test_a_statement_is_for_its_owner_and_those_who_watch_over_it(s: Shop) -> None:
    supplier = s.w.supplier
    county = supplier.county_code
    assert county is not None
    may = [
        s.w.owner,
        s.w.official,
        SYSTEM,
        actor(Role.AUDITOR),
        actor(Role.COUNTY_OFFICIAL, county_code=county),
    ]
    may_not = [
        Actor(None),
        s.buyer,
        s.w.clerk,
        actor(Role.COUNTY_OFFICIAL, county_code="999999"),
        Actor(960, (Grant(Role.SUPPLIER_OWNER, supplier.id + 1),)),
        Actor(961, (Grant(Role.SUPPLIER_CLERK, supplier.id),)),
    ]
    reads: list[Callable[[Actor], object]] = [
        lambda who: statement(s, who),
        lambda who: payable(s.session, supplier.id, actor=who),
        lambda who: statement_lines(s.session, supplier.id, since=SINCE, until=UNTIL, actor=who),
    ]
    for read in reads:
        for who in may:
            read(who)
        for who in may_not:
            with pytest.raises(NotAllowed):
                read(who)
    with pytest.raises(NotFound):
        payable(s.session, 999_999, actor=SYSTEM)
    for who in may:
        assert supplier.id in [one.id for one in suppliers_seen(s.session, actor=who)]
    for who in may_not:
        assert supplier.id not in [one.id for one in suppliers_seen(s.session, actor=who)]


def test_an_entry_has_its_column() -> None:
    assert column_of("sale", "goods") == "goods"
    assert column_of("refund", "goods") == "refunds"
    assert column_of("payout", "payout") == "payouts"
