"""Placing an order: what it becomes, and what stops it."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, KeyReused, NotAllowed, NotFound, NotSignedIn, Refused
from foundation.outbox import OutboxMessage
from goods.catalogue.models import Product, ReturnPolicy
from goods.catalogue.services import set_price, set_status
from goods.stock.models import Lot, Reservation, StockBalance
from parties.network.models import Outlet, Place
from parties.network.queries import default_outlet
from parties.people.permissions import Actor, Grant, Role
from tests.factories import NOW, make_lot
from tests.trade.orders.world import (
    HOME,
    TERMS,
    Shop,
    checkout_for,
    new_buyer,
    refused,
    second_world,
    shop,
)
from trade.orders.errors import (
    ByEnquiry,
    ConsentMissing,
    NotForSale,
    PriceChanged,
    TooFewLeft,
    WrongDelivery,
)
from trade.orders.models import Order, OrderContact, OrderLine, SubOrder
from trade.orders.queries.baskets import Wanted, cart_view, names_of, quote
from trade.orders.rules import PAY_WITHIN, Destination
from trade.orders.services.addresses import add_address
from trade.orders.services.carts import add_to_cart
from trade.orders.services.checkout import Checkout, Placed, place_order

AWAY = replace(HOME, province="西藏自治区", city="拉萨市", district="城关区")


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session)


def place(s: Shop, checkout: Checkout, actor: Actor | None = None) -> Placed:
    return place_order(s.session, checkout, terms=TERMS, actor=actor or s.buyer, now=NOW)


def hall(session: Session, mode: str) -> Outlet:
    return session.scalars(
        select(Outlet)
        .where(Outlet.mode == mode, Outlet.tier != "counter", Outlet.status == "open")
        .order_by(Outlet.code)
    ).all()[0]


def test_an_order_is_a_parcel_per_supplier_with_goods_held_for_half_an_hour(s: Shop) -> None:
    there = second_world(s.session, s.w)
    make_lot(there, packs=5)
    checkout = checkout_for(s.session, (there.sku, 1), (s.w.sku, 2), note=" 放门口 ", consents=())
    asked = quote(
        s.session, checkout.lines, delivery="courier", province=HOME.province, terms=TERMS
    )
    checkout = replace(checkout, consents=tuple(c.code for c in asked.consents))

    order, new = place(s, checkout)

    assert new
    assert (order.state, order.note, order.ship_to_province) == (
        "pending_payment",
        "放门口",
        "山西省",
    )
    assert order.pay_by == NOW + PAY_WITHIN
    assert order.outlet_id == default_outlet(s.session).place_id
    assert order.goods_fen == 2 * s.w.sku.price_fen + there.sku.price_fen
    assert order.total_fen == order.goods_fen + order.shipping_fen == asked.total_fen
    assert len(order.number) == 16
    parcels = s.session.scalars(select(SubOrder).order_by(SubOrder.supplier_id)).all()
    assert [p.supplier_id for p in parcels] == sorted([s.w.supplier.id, there.supplier.id])
    assert sum(p.goods_fen for p in parcels) == order.goods_fen
    assert sum(p.shipping_fen for p in parcels) == order.shipping_fen
    lines = s.session.scalars(select(OrderLine).order_by(OrderLine.number)).all()
    assert [line.number for line in lines] == [1, 2]
    assert {line.name_zh for line in lines} == {s.w.product.name_zh, there.product.name_zh}
    held = s.session.scalars(select(Reservation)).all()
    assert {(r.owner, r.state, r.expires_at) for r in held} == {
        (f"order:{order.id}", "held", NOW + PAY_WITHIN)
    }
    assert sorted(r.line for r in held) == [1, 2]
    contact = s.session.get_one(OrderContact, order.id)
    assert (contact.recipient, contact.detail) == (HOME.recipient, HOME.detail)
    assert [c["code"] for c in order.consents] == list(checkout.consents)
    told = s.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "OrderPlaced"))
    assert [message.payload for message in told] == [{"order_id": str(order.id)}]


def test_the_same_checkout_twice_is_one_order(s: Shop) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 2))
    first = place(s, checkout)
    again = place(s, checkout)
    assert (again.order.id, again.new) == (first.order.id, False)
    assert s.session.scalar(select(func.sum(StockBalance.reserved))) == 2


def test_a_key_stands_for_one_content_and_one_buyer(s: Shop) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 2))
    place(s, checkout)
    with refused(s.session, KeyReused):
        place(s, replace(checkout, note="另一句"))
    with refused(s.session, KeyReused):
        place(s, checkout, new_buyer(s.session, 1))


def test_what_is_ordered_leaves_the_basket_and_the_rest_stays(s: Shop) -> None:
    there = second_world(s.session, s.w)
    make_lot(there, packs=5)
    for sku in (s.w.sku, there.sku):
        add_to_cart(s.session, sku.id, visitor=None, actor=s.buyer, now=NOW)

    place(s, checkout_for(s.session, (s.w.sku, 1)))
    left = cart_view(s.session, None, actor=s.buyer, today=NOW.date())
    assert [line.offer.sku_id for line in left.buyable] == [there.sku.id]

    place(s, checkout_for(s.session, (there.sku, 1), key="buy-it-now", from_cart=False))
    assert cart_view(s.session, None, actor=s.buyer, today=NOW.date()).count == 1


def test_a_saved_address_is_used_and_kept_as_it_was(s: Shop) -> None:
    saved = add_address(s.session, HOME, provinces=TERMS.provinces, actor=s.buyer, now=NOW)
    checkout = replace(checkout_for(s.session, (s.w.sku, 1)), destination=None, address_id=saved.id)
    order = place(s, checkout).order
    saved.detail = "别处"
    s.session.flush()
    assert s.session.get_one(OrderContact, order.id).detail == HOME.detail


def test_anothers_address_cannot_be_used(s: Shop) -> None:
    other = new_buyer(s.session, 1)
    saved = add_address(s.session, HOME, provinces=TERMS.provinces, actor=other, now=NOW)
    checkout = checkout_for(s.session, (s.w.sku, 1))
    with refused(s.session, NotFound):
        place(s, replace(checkout, destination=None, address_id=saved.id))
    with refused(s.session, BadInput, field="address"):
        place(s, replace(checkout, destination=None))


def test_a_pick_up_names_a_hall_one_can_walk_into_and_costs_no_freight(s: Shop) -> None:
    walk_in = hall(s.session, "offline")
    person = Destination("王小禾", "13903560000")
    checkout = checkout_for(
        s.session,
        (s.w.sku, 1),
        delivery="pickup",
        destination=person,
        outlet_id=walk_in.place_id,
    )
    order = place(s, checkout).order
    assert (order.shipping_fen, order.outlet_id) == (0, walk_in.place_id)
    assert order.ship_to_province == ""
    assert s.session.scalars(select(SubOrder.delivery)).one() == "pickup"
    for outlet_id in (None, default_outlet(s.session).place_id):
        with refused(s.session, WrongDelivery, field="outlet_id"):
            place(s, replace(checkout, key="checkout-2", outlet_id=outlet_id))


def test_an_order_belongs_to_the_hall_through_which_it_came(s: Shop) -> None:
    walk_in = hall(s.session, "offline")
    checkout = checkout_for(s.session, (s.w.sku, 1), outlet_id=walk_in.place_id)
    assert place(s, checkout).order.outlet_id == walk_in.place_id
    with refused(s.session, NotFound):
        place(s, replace(checkout, key="checkout-2", outlet_id=s.w.outlet.place_id))


def test_chilled_goods_travel_cold_and_not_everywhere(s: Shop) -> None:
    s.session.get_one(Product, s.w.product.id).storage_class = "chilled"
    s.session.flush()
    order = place(s, checkout_for(s.session, (s.w.sku, 4))).order
    assert order.shipping_fen == 2500
    assert s.session.scalars(select(SubOrder.delivery)).one() == "cold_chain"

    far = checkout_for(s.session, (s.w.sku, 4), key="checkout-2", destination=AWAY)
    asked = quote(s.session, far.lines, delivery="courier", province=AWAY.province, terms=TERMS)
    assert isinstance(asked.refusal, WrongDelivery)
    with refused(s.session, WrongDelivery, field="province"):
        place(s, far)


def test_far_away_costs_more(s: Shop) -> None:
    order = place(s, checkout_for(s.session, (s.w.sku, 4), destination=AWAY)).order
    assert order.shipping_fen == 1500


def test_a_price_that_changed_since_is_said_and_not_charged(s: Shop) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 1))
    now = s.w.sku.price_fen + 150
    set_price(s.session, s.w.sku.id, now, actor=s.w.owner, now=NOW)
    with refused(s.session, PriceChanged, price=f"{now // 100}.{now % 100:02d}"):
        place(s, checkout)


def test_a_total_that_is_not_what_was_shown_is_said_and_not_charged(s: Shop) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 1))
    with refused(s.session, PriceChanged, field="total"):
        place(s, replace(checkout, total_fen=checkout.total_fen - 800))


@pytest.mark.parametrize("kind", ["receivers", "returns", "abroad"])
def test_each_confirmation_is_asked_for_this_purchase(s: Shop, kind: str) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 1))
    left = tuple(code for code in checkout.consents if not code.startswith(kind))
    assert len(left) == 2
    with refused(s.session, ConsentMissing, field=kind):
        place(s, replace(checkout, consents=left))
    others = (*left, f"{kind}:999")
    with refused(s.session, ConsentMissing, field=kind):
        place(s, replace(checkout, consents=others))


def test_goods_with_a_plain_right_of_return_need_no_confirmation(s: Shop) -> None:
    s.session.get_one(ReturnPolicy, s.w.product.return_code).confirm = False
    s.session.flush()
    checkout = checkout_for(s.session, (s.w.sku, 1))
    assert [code.split(":")[0] for code in checkout.consents] == ["receivers", "abroad"]
    assert place(s, checkout).new


def test_what_is_left_is_said_by_name(s: Shop) -> None:
    with refused(s.session, TooFewLeft, available="24", product=s.w.product.name_en):
        place(s, checkout_for(s.session, (s.w.sku, 25)))


def test_one_missing_good_stops_the_whole_order(s: Shop) -> None:
    there = second_world(s.session, s.w)
    with refused(s.session, TooFewLeft, available="0", product=there.product.name_en):
        place(s, checkout_for(s.session, (s.w.sku, 1), (there.sku, 1)))


def test_expired_lots_are_not_promised(s: Shop) -> None:
    s.session.get_one(Lot, s.lot.id).best_before = date(2026, 11, 1)
    s.session.flush()
    with refused(s.session, TooFewLeft, available="0"):
        place(s, checkout_for(s.session, (s.w.sku, 1)))


def test_one_place_that_has_everything_is_preferred(s: Shop) -> None:
    home = s.session.scalars(
        select(StockBalance).where(StockBalance.lot_id == s.lot.id, StockBalance.on_hand > 0)
    ).one()
    spare = Place(
        gln="9521000000000",
        kind="workshop",
        name_zh="另一处",
        name_en="Elsewhere",
        organisation_id=s.w.supplier.id,
    )
    s.session.add(spare)
    s.session.flush()
    s.session.add(
        StockBalance(place_id=spare.id, lot_id=s.lot.id, sku_id=s.w.sku.id, on_hand=8, reserved=0)
    )
    s.session.flush()

    place(s, checkout_for(s.session, (s.w.sku, 20)))
    assert s.session.scalars(select(Reservation.place_id)).all() == [home.place_id]
    place(s, checkout_for(s.session, (s.w.sku, 6), key="checkout-2"))
    assert s.session.scalars(select(Reservation.place_id)).all() == [home.place_id, spare.id]
    place(s, checkout_for(s.session, (s.w.sku, 6), key="checkout-3"))
    assert s.session.scalar(select(func.sum(Reservation.quantity))) == 32
    assert s.session.scalar(select(func.count()).select_from(Reservation)) == 4


@pytest.mark.parametrize("fault", ["none", "twice", "many", "unknown", "off", "enquiry", "raw"])
def test_an_order_of_what_cannot_be_ordered_is_refused(s: Shop, fault: str) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 1))
    line = checkout.lines[0]
    refusal: type[Refused] = BadInput
    if fault == "none":
        checkout = replace(checkout, lines=())
    elif fault == "twice":
        checkout = replace(checkout, lines=(line, line))
    elif fault == "many":
        checkout = replace(checkout, lines=(line._replace(quantity=201),))
    elif fault == "unknown":
        checkout, refusal = replace(checkout, lines=(Wanted(999_999, 1, 1),)), NotForSale
    elif fault == "off":
        set_status(s.session, s.w.product.id, "unpublished", actor=s.w.owner, now=NOW)
        refusal = NotForSale
    elif fault == "enquiry":
        s.w.sku.stock_policy, refusal = "made_to_order", ByEnquiry
    else:
        checkout = replace(checkout, lines=(Wanted(s.w.raw.id, 1, 0),))
        refusal = NotForSale
    s.session.flush()
    with refused(s.session, refusal):
        place(s, checkout)


def test_a_parcel_of_more_pieces_than_a_sale_lists_is_refused(
    s: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trade.orders.rules.MOST_PIECES", 3)
    with refused(s.session, BadInput, field="lines"):
        place(s, checkout_for(s.session, (s.w.sku, 4)))


@pytest.mark.parametrize("key", ["short", "k" * 81])
def test_a_key_has_a_decent_length(s: Shop, key: str) -> None:
    with refused(s.session, BadInput, field="key"):
        place(s, checkout_for(s.session, (s.w.sku, 1), key=key))


def test_only_buyers_with_an_account_order(s: Shop) -> None:
    checkout = checkout_for(s.session, (s.w.sku, 1))
    with refused(s.session, NotAllowed):
        place(s, checkout, s.w.clerk)
    with refused(s.session, NotSignedIn):
        place(s, checkout, Actor(None, (Grant(Role.CONSUMER),)))


def test_a_note_that_is_too_long_is_refused(s: Shop) -> None:
    with refused(s.session, BadInput, field="note"):
        place(s, checkout_for(s.session, (s.w.sku, 1), note="长" * 201))


def test_a_quote_names_what_a_consent_covers(s: Shop) -> None:
    lines = [Wanted(s.w.sku.id, 1, s.w.sku.price_fen), Wanted(999_999, 1, 1)]
    asked = quote(s.session, lines, delivery="courier", province="", terms=TERMS)
    assert asked.refusal is None
    assert asked.shipping_fen == 800
    assert asked.parcels[0].name_zh == s.w.supplier.short_zh
    returns = next(c for c in asked.consents if c.kind == "returns")
    assert names_of(s.session, returns.ids) == {
        s.w.product.id: (s.w.product.name_zh, s.w.product.name_en)
    }
    assert s.session.scalars(select(Order)).all() == []
