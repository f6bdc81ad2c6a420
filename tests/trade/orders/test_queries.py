"""What buyers and suppliers see of orders, and of nobody else's."""

from collections.abc import Callable
from typing import get_args
from uuid import uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from goods.stock.models import Lot
from parties.people.messages import AccountErased
from parties.people.models import Account
from parties.people.permissions import Actor, Grant, Role
from parties.people.services.accounts import erase_account
from tests.factories import NOW
from tests.trade.orders.world import (
    HOME,
    TERMS,
    Shop,
    later,
    new_buyer,
    paid,
    parcel_of,
    placed,
    shop,
)
from trade.orders.jobs import on_account_erased, on_order_ended
from trade.orders.models import Address, Cart, OrderContact
from trade.orders.queries.buyers import TABS, Tab, order_counts, order_view, orders_of
from trade.orders.queries.suppliers import (
    STATES,
    State,
    parcel_counts,
    parcel_queue,
    parcel_view,
)
from trade.orders.services.addresses import add_address
from trade.orders.services.carts import add_to_cart
from trade.orders.services.endings import cancel_order, confirm_receipt
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session, packs=40)


def sent(s: Shop, key: str) -> None:
    order = paid(s, key=key)
    dispatch = Dispatch(parcel_of(s.session, order).id, "示例快递", "YT001", NOW)
    dispatch_sub_order(s.session, dispatch, actor=s.w.owner, now=NOW)


def statements(session: Session, read: Callable[[], object]) -> int:
    session.flush()
    session.expire_all()
    seen: list[object] = []

    def note(*said: object) -> None:
        seen.append(said[2])

    event.listen(session.get_bind(), "before_cursor_execute", note)
    read()
    event.remove(session.get_bind(), "before_cursor_execute", note)
    return len(seen)


def test_my_orders_stand_under_their_tabs(s: Shop) -> None:
    waiting = placed(s, key="waiting-1", now=later(minutes=1))
    to_send = paid(s, key="to-send-1", now=later(minutes=2))
    sent(s, "on-its-way")
    given_back = paid(s, key="given-back", now=later(minutes=3))
    cancel_order(s.session, given_back.id, actor=s.buyer, now=later(minutes=4))

    def numbers(tab: Tab) -> list[str]:
        return [one.number for one in orders_of(s.session, tab, actor=s.buyer).items]

    assert numbers("pending_payment") == [waiting.number]
    assert numbers("awaiting_shipment") == [to_send.number]
    assert len(numbers("shipped")) == 1
    assert numbers("received") == []
    assert numbers("refunds") == [given_back.number]
    everything = orders_of(s.session, actor=s.buyer)
    assert everything.total == 4
    assert everything.items[0].number == given_back.number
    assert everything.items[0].refund_state == "due"
    assert order_counts(s.session, actor=s.buyer) == {
        "pending_payment": 1,
        "awaiting_shipment": 1,
        "shipped": 1,
        "received": 0,
    }
    assert get_args(Tab) == TABS
    views = {view.number: view for view in everything.items}
    assert views[waiting.number].can_pay
    assert views[waiting.number].can_cancel
    assert views[to_send.number].can_cancel
    assert views[to_send.number].parcels[0].can_cancel
    (away,) = orders_of(s.session, "shipped", actor=s.buyer).items
    assert not away.can_cancel
    assert away.parcels[0].can_confirm
    assert views[to_send.number].contact is None


def test_a_page_of_orders_costs_the_same_for_one_and_for_many(s: Shop) -> None:
    placed(s, packs=1, key="waiting-0")
    one = statements(s.session, lambda: orders_of(s.session, actor=s.buyer))
    for number in range(1, 5):
        paid(s, packs=1, key=f"waiting-{number}")
    assert statements(s.session, lambda: orders_of(s.session, actor=s.buyer)) == one == 6
    first = statements(s.session, lambda: parcel_queue(s.session, actor=s.w.owner))
    paid(s, packs=1, key="another-one")
    assert statements(s.session, lambda: parcel_queue(s.session, actor=s.w.owner)) == first == 5


def test_my_order_shows_where_it_goes_and_the_way_to_each_packs_story(s: Shop) -> None:
    order = paid(s, packs=2)
    view = order_view(s.session, order.id, actor=s.buyer)
    assert view.contact is not None
    assert view.contact.detail == HOME.detail
    line = view.parcels[0].lines[0]
    assert line.traced == ()
    assert (line.name_zh, line.product_code) == (s.w.product.name_zh, s.w.product.code)
    dispatch = Dispatch(parcel_of(s.session, order).id, "示例快递", "YT001", NOW)
    dispatch_sub_order(s.session, dispatch, actor=s.w.owner, now=NOW)
    traced = order_view(s.session, order.id, actor=s.buyer).parcels[0].lines[0].traced
    assert [(one.gtin, one.lot_no, one.quantity) for one in traced] == [
        (s.w.sku.gtin, s.lot.lot_no, 1)
    ] * 2
    assert all(one.serial for one in traced)


def test_anothers_order_is_not_there(s: Shop) -> None:
    order = placed(s)
    for actor in (new_buyer(s.session, 1), s.w.owner):
        with pytest.raises(NotFound):
            order_view(s.session, order.id, actor=actor)
        assert orders_of(s.session, actor=actor).total == 0
    with pytest.raises(NotFound):
        order_view(s.session, uuid4(), actor=s.buyer)


def test_a_supplier_sees_what_to_send_from_which_lot_and_not_to_whom(s: Shop) -> None:
    order = paid(s)
    placed(s, key="not-paid-1")
    queue = parcel_queue(s.session, actor=s.w.owner)
    (parcel,) = queue.items
    assert (parcel.order_number, parcel.state) == (order.number, "awaiting_shipment")
    (line,) = parcel.lines
    assert (line.gtin, line.quantity) == (s.w.sku.gtin, 2)
    lot = s.session.get_one(Lot, s.lot.id)
    assert [(a.lot_no, a.quantity) for a in line.allotted] == [(lot.lot_no, 2)]
    assert parcel.contact is not None
    assert (parcel.contact.recipient, parcel.contact.phone) == ("王**", "139******00")
    assert parcel.contact.detail == "泽州路***"
    assert HOME.phone not in repr(queue)
    assert HOME.recipient not in repr(queue)
    assert get_args(State) == STATES
    assert parcel_counts(s.session, actor=s.w.owner) == {
        "awaiting_shipment": 1,
        "shipped": 0,
        "received": 0,
        "refunded": 0,
    }


def test_the_queue_moves_with_the_parcel(s: Shop) -> None:
    order = paid(s)
    parcel_id = parcel_of(s.session, order).id
    dispatch = Dispatch(parcel_id, "示例快递", "YT001", NOW)
    dispatch_sub_order(s.session, dispatch, actor=s.w.owner, now=NOW)
    (parcel,) = parcel_queue(s.session, "shipped", actor=s.w.owner).items
    assert (parcel.waybill_no, parcel.lines[0].allotted[0].quantity) == ("YT001", 2)
    confirm_receipt(s.session, parcel_id, actor=s.buyer, now=later(days=1))
    assert parcel_queue(s.session, "shipped", actor=s.w.owner).items == []
    assert parcel_counts(s.session, actor=s.w.owner)["received"] == 1


def test_another_suppliers_parcel_is_not_there(s: Shop) -> None:
    order = paid(s)
    parcel_id = parcel_of(s.session, order).id
    assert parcel_view(s.session, parcel_id, actor=s.w.owner).order_number == order.number
    stranger = Actor(950, (Grant(Role.SUPPLIER_OWNER, s.w.supplier.id + 1),))
    for actor in (stranger, s.buyer, s.w.official):
        with pytest.raises(NotFound):
            parcel_view(s.session, parcel_id, actor=actor)
        assert parcel_queue(s.session, actor=actor).total == 0


def erased(s: Shop) -> None:
    erase_account(s.session, actor=s.buyer, now=NOW)
    assert s.buyer.id is not None
    told = AccountErased(s.buyer.id)
    on_account_erased(s.session, [{"account_id": told.account_id}], NOW)


def test_a_closed_account_leaves_no_address_behind(s: Shop) -> None:
    add_address(s.session, HOME, provinces=TERMS.provinces, actor=s.buyer, now=NOW)
    add_to_cart(s.session, s.w.sku.id, visitor=None, actor=s.buyer, now=NOW)
    ended = placed(s, key="ended-one")
    cancel_order(s.session, ended.id, actor=s.buyer, now=NOW)
    open_one = paid(s, key="open-one-1")

    erased(s)

    assert s.session.scalars(select(Address)).all() == []
    assert s.session.scalars(select(Cart)).all() == []
    assert s.session.scalars(select(OrderContact.order_id)).all() == [open_one.id]
    (parcel,) = parcel_queue(s.session, actor=s.w.owner).items
    assert parcel.contact is not None
    assert s.session.scalars(select(Account.disabled_at)).one() is not None

    cancel_order(s.session, open_one.id, actor=s.buyer, now=NOW)
    on_order_ended(s.session, [{"order_id": str(open_one.id)}], NOW)
    assert s.session.scalars(select(OrderContact)).all() == []
    (parcel,) = parcel_queue(s.session, "refunded", actor=s.w.owner).items
    assert parcel.contact is None


def test_the_contact_of_an_ended_order_stays_with_its_account(s: Shop) -> None:
    order = placed(s)
    cancel_order(s.session, order.id, actor=s.buyer, now=NOW)
    on_order_ended(s.session, [{"order_id": str(order.id)}], NOW)
    assert s.session.scalars(select(OrderContact.order_id)).all() == [order.id]
