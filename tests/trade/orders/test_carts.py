"""Baskets: of visitors, of accounts, and the two becoming one."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from foundation.db import Database
from foundation.errors import BadInput, NotFound
from goods.catalogue.models import Product, Sku
from goods.catalogue.services import set_price, set_status
from parties.network.models import Outlet
from parties.people.permissions import NOBODY, SYSTEM
from tests.factories import NOW, make_lot
from tests.trade.orders.world import Shop, later, other_sku, refused, second_world, shop
from trade.orders import rules
from trade.orders.errors import ByEnquiry, NotForSale, TooFewLeft
from trade.orders.models import Cart, CartLine
from trade.orders.queries.baskets import CartView, cart_count, cart_view
from trade.orders.services import carts
from trade.orders.sweeps import forget_old_carts

VISITOR = UUID("0192f5c0-0000-7000-8000-000000000001")
TODAY = NOW.date()


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session, packs=6)


def add(s: Shop, sku: Sku, quantity: int = 1, visitor: UUID | None = VISITOR) -> Cart:
    return carts.add_to_cart(s.session, sku.id, quantity, visitor=visitor, actor=NOBODY, now=NOW)


def look(s: Shop, visitor: UUID | None = VISITOR) -> CartView:
    return cart_view(s.session, visitor, actor=NOBODY, today=TODAY)


def test_a_visitor_gathers_goods_by_supplier(s: Shop) -> None:
    there = second_world(s.session, s.w)
    make_lot(there, packs=6)
    add(s, s.w.sku, 2)
    add(s, there.sku)
    cart = add(s, s.w.sku)

    found = look(s)

    assert cart.id == VISITOR
    assert [(g.supplier_id, len(g.lines)) for g in found.groups] == [
        (s.w.supplier.id, 1),
        (there.supplier.id, 1),
    ]
    assert found.groups[0].lines[0].quantity == 3
    assert found.groups[0].goods_fen == 3 * s.w.sku.price_fen
    assert found.goods_fen == 3 * s.w.sku.price_fen + there.sku.price_fen
    assert found.count == cart_count(s.session, VISITOR, actor=NOBODY) == 4
    assert found.blocked == ()
    assert len(found.buyable) == 2
    assert found.groups[0].name_zh == s.w.supplier.short_zh


def test_nobody_has_an_empty_basket(s: Shop) -> None:
    assert look(s, None) == CartView(None, None, ())
    assert cart_count(s.session, None, actor=NOBODY) == 0
    assert cart_count(s.session, uuid4(), actor=NOBODY) == 0


def test_a_basket_page_reads_four_statements_however_long_it_is(s: Shop) -> None:
    there = second_world(s.session, s.w)
    make_lot(there, packs=6)
    add(s, s.w.sku)

    def statements() -> int:
        seen: list[str] = []
        s.session.flush()
        bind = s.session.get_bind()

        def note(*said: object) -> None:
            seen.append(str(said[2]))

        event.listen(bind, "before_cursor_execute", note)
        look(s)
        event.remove(bind, "before_cursor_execute", note)
        return len(seen)

    short = statements()
    add(s, there.sku)
    assert statements() == short == 4


def test_a_basket_says_what_has_changed_since(s: Shop) -> None:
    add(s, s.w.sku, 5)
    set_price(s.session, s.w.sku.id, s.w.sku.price_fen + 100, actor=s.w.owner, now=NOW)

    (line,) = look(s).groups[0].lines
    assert line.problems == ("price_up",)
    assert line.buyable
    assert line.seen_price_fen == line.offer.price_fen - 100
    assert line.as_wanted().seen_price_fen == line.offer.price_fen

    carts.set_quantity(s.session, s.w.sku.id, 4, visitor=VISITOR, actor=NOBODY, now=NOW)
    assert look(s).groups[0].lines[0].problems == ()

    set_status(s.session, s.w.product.id, "unpublished", actor=s.w.owner, now=NOW)
    found = look(s)
    assert found.groups[0].lines[0].problems == ("unpublished",)
    assert found.goods_fen == 0
    assert len(found.blocked) == 1


def test_no_more_is_put_in_than_is_left(s: Shop) -> None:
    add(s, s.w.sku, 4)
    with refused(s.session, TooFewLeft, available="6"):
        add(s, s.w.sku, 3)
    with refused(s.session, TooFewLeft, available="6"):
        carts.set_quantity(s.session, s.w.sku.id, 7, visitor=VISITOR, actor=NOBODY, now=NOW)
    sku, product = other_sku(s.session, s.w)
    with refused(s.session, TooFewLeft, available="0", product=product.name_en):
        add(s, sku)


@pytest.mark.parametrize("fault", ["draft", "hidden", "class", "raw", "inactive", "unknown"])
def test_only_what_is_for_sale_goes_in(s: Shop, fault: str) -> None:
    sku_id = s.w.sku.id
    product = s.session.get_one(Product, s.w.product.id)
    if fault == "draft":
        product.status = "draft"
    elif fault == "hidden":
        product.retail_visible = False
    elif fault == "class":
        from goods.catalogue.models import ComplianceClass

        s.session.get_one(ComplianceClass, product.compliance_code).retail = False
    elif fault == "raw":
        sku_id = s.w.raw.id
    elif fault == "inactive":
        s.w.sku.active = False
    else:
        sku_id = 999_999
    s.session.flush()
    with refused(s.session, NotForSale):
        carts.add_to_cart(s.session, sku_id, visitor=VISITOR, actor=NOBODY, now=NOW)


def test_made_to_measure_is_by_enquiry(s: Shop) -> None:
    s.w.sku.stock_policy = "made_to_order"
    s.session.flush()
    with refused(s.session, ByEnquiry):
        add(s, s.w.sku)


@pytest.mark.parametrize("quantity", [0, -3, 201])
def test_a_silly_quantity_is_refused(s: Shop, quantity: int) -> None:
    with refused(s.session, BadInput, field="quantity"):
        add(s, s.w.sku, quantity)


def test_a_basket_has_an_end(s: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carts, "MOST_CART_LINES", 1)
    there = second_world(s.session, s.w)
    make_lot(there, packs=6)
    add(s, s.w.sku)
    with refused(s.session, BadInput, field="sku"):
        add(s, there.sku)
    assert rules.MOST_CART_LINES == 60


def test_lines_are_changed_and_taken_out(s: Shop) -> None:
    add(s, s.w.sku, 2)
    carts.set_quantity(s.session, s.w.sku.id, 5, visitor=VISITOR, actor=NOBODY, now=NOW)
    assert look(s).count == 5
    carts.remove_from_cart(s.session, s.w.sku.id, visitor=VISITOR, actor=NOBODY, now=NOW)
    assert look(s).groups == ()
    add(s, s.w.sku)
    carts.empty_cart(s.session, visitor=VISITOR, actor=NOBODY, now=later(hours=1))
    assert look(s).count == 0
    carts.empty_cart(s.session, visitor=uuid4(), actor=NOBODY, now=NOW)


def test_what_is_not_in_the_basket_cannot_be_changed(s: Shop) -> None:
    with refused(s.session, NotFound):
        carts.remove_from_cart(s.session, s.w.sku.id, visitor=VISITOR, actor=NOBODY, now=NOW)
    add(s, s.w.sku)
    with refused(s.session, NotFound):
        carts.set_quantity(s.session, 999_999, 1, visitor=VISITOR, actor=NOBODY, now=NOW)
    with refused(s.session, NotFound):
        carts.remove_from_cart(s.session, s.w.sku.id, visitor=None, actor=NOBODY, now=NOW)


def test_a_browser_without_a_number_has_no_basket(s: Shop) -> None:
    with refused(s.session, BadInput):
        add(s, s.w.sku, visitor=None)


def test_an_accounts_basket_is_out_of_a_visitors_reach(s: Shop) -> None:
    mine = carts.add_to_cart(s.session, s.w.sku.id, visitor=None, actor=s.buyer, now=NOW)
    assert look(s, mine.id).count == 0
    assert cart_count(s.session, mine.id, actor=NOBODY) == 0
    with refused(s.session, NotFound):
        carts.remove_from_cart(s.session, s.w.sku.id, visitor=mine.id, actor=NOBODY, now=NOW)
    with refused(s.session, BadInput):
        add(s, s.w.sku, visitor=mine.id)
    assert carts.merge_carts(s.session, mine.id, actor=s.buyer, now=NOW) == 0
    assert cart_count(s.session, None, actor=s.buyer) == 1


def test_signing_in_brings_the_visitors_basket_along(s: Shop) -> None:
    there = second_world(s.session, s.w)
    make_lot(there, packs=6)
    hall = s.session.scalars(
        select(Outlet.place_id).where(Outlet.tier == "city_hall", Outlet.status == "open")
    ).first()
    carts.add_to_cart(s.session, s.w.sku.id, 2, visitor=None, actor=s.buyer, now=NOW)
    carts.add_to_cart(
        s.session, s.w.sku.id, 3, visitor=VISITOR, outlet_id=hall, actor=NOBODY, now=NOW
    )
    add(s, there.sku)

    assert carts.merge_carts(s.session, VISITOR, actor=s.buyer, now=NOW) == 2
    assert carts.merge_carts(s.session, VISITOR, actor=s.buyer, now=NOW) == 0

    found = cart_view(s.session, None, actor=s.buyer, today=TODAY)
    assert sorted(line.quantity for line in found.buyable) == [1, 5]
    assert found.outlet_id == hall
    assert s.session.get(Cart, VISITOR) is None
    with refused(s.session, BadInput):
        carts.merge_carts(s.session, VISITOR, actor=NOBODY, now=NOW)


def test_an_empty_visitors_basket_leaves_no_trace(s: Shop) -> None:
    add(s, s.w.sku)
    carts.empty_cart(s.session, visitor=VISITOR, actor=NOBODY, now=NOW)
    assert carts.merge_carts(s.session, VISITOR, actor=s.buyer, now=NOW) == 0
    assert s.session.scalars(select(Cart)).all() == []


def test_a_basket_comes_from_a_hall_or_zone_that_is_open(s: Shop) -> None:
    counter = s.w.outlet.place_id
    for outlet_id in (counter, 999_999):
        with refused(s.session, NotFound):
            carts.add_to_cart(
                s.session,
                s.w.sku.id,
                visitor=VISITOR,
                outlet_id=outlet_id,
                actor=NOBODY,
                now=NOW,
            )


def test_visitors_baskets_are_forgotten(database: Database) -> None:
    with database.transaction() as session:
        s = shop(session, packs=6)
        add(s, s.w.sku)
        carts.add_to_cart(session, s.w.sku.id, visitor=None, actor=s.buyer, now=NOW)
    assert forget_old_carts(database, later(days=59)) == 0
    assert forget_old_carts(database, later(days=61)) == 1
    with database.reading() as session:
        assert len(session.scalars(select(Cart)).all()) == 1
        assert len(session.scalars(select(CartLine)).all()) == 1
        assert SYSTEM.id is None
