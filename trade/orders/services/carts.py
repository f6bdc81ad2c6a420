"""Verbs of baskets.

A visitor's basket is known by the UUID in a signed cookie, an account's by the account; signing
in merges the two.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput, Named, NotFound
from foundation.ids import time_uuid
from foundation.locks import lock_key
from parties.network.models import Outlet
from parties.people.permissions import Actor
from trade.orders.errors import ByEnquiry, NotForSale, TooFewLeft
from trade.orders.models import Cart, CartLine
from trade.orders.queries.baskets import Offer, free_to_promise, offers, own_cart
from trade.orders.rules import MOST_CART_LINES, MOST_QUANTITY, check_quantity

SHOP_TIERS = ("city_hall", "county_hall", "zone")
"""Outlets with a shop page of their own."""


def add_to_cart(
    session: Session,
    sku_id: int,
    quantity: int = 1,
    *,
    visitor: UUID | None,
    outlet_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> Cart:
    """Put so many more of a SKU into the basket, which opens itself; give the basket.

    `visitor` is the browser's own UUID and only counts for somebody not signed in. `outlet_id` is
    the hall or zone through whose page the buyer came. Raises NotForSale, ByEnquiry, TooFewLeft,
    BadInput (too many), NotFound (no such outlet).
    """
    check_quantity(quantity)
    offer = _offered(session, sku_id)
    cart = _cart(session, visitor, actor=actor, now=now)
    if outlet_id is not None:
        cart.outlet_id = shop_outlet(session, outlet_id)
    line = session.get(CartLine, (cart.id, sku_id))
    wanted = check_quantity(quantity + (line.quantity if line else 0))
    _must_be_free(session, offer, wanted, now=now)
    if line is None:
        lines = session.scalar(
            select(func.count()).select_from(CartLine).where(CartLine.cart_id == cart.id)
        )
        if (lines or 0) >= MOST_CART_LINES:
            raise BadInput(
                "A basket holds at most %(most)s kinds of goods", field="sku", most=MOST_CART_LINES
            )
        line = CartLine(cart_id=cart.id, sku_id=sku_id, quantity=wanted, added_at=now)
        session.add(line)
    line.quantity, line.seen_price_fen = wanted, offer.price_fen
    session.flush()
    return cart


def set_quantity(
    session: Session,
    sku_id: int,
    quantity: int,
    *,
    visitor: UUID | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change how many of a SKU lie in the basket; the price now counts as seen.

    Raises NotFound when the basket has no such line, BadInput, NotForSale, ByEnquiry, TooFewLeft.
    """
    check_quantity(quantity)
    line = _line(session, sku_id, visitor, actor=actor, now=now)
    offer = _offered(session, sku_id)
    _must_be_free(session, offer, quantity, now=now)
    line.quantity, line.seen_price_fen = quantity, offer.price_fen
    session.flush()


def remove_from_cart(
    session: Session, sku_id: int, *, visitor: UUID | None, actor: Actor, now: datetime
) -> None:
    """Take a SKU out of the basket. Raises NotFound when it is not in it."""
    session.delete(_line(session, sku_id, visitor, actor=actor, now=now))
    session.flush()


def empty_cart(session: Session, *, visitor: UUID | None, actor: Actor, now: datetime) -> None:
    """Take everything out of the basket."""
    cart = own_cart(session, visitor, actor=actor)
    if cart is not None:
        session.execute(delete(CartLine).where(CartLine.cart_id == cart.id))
        cart.touched_at = now
        session.flush()


def merge_carts(session: Session, visitor: UUID, *, actor: Actor, now: datetime) -> int:
    """Move what a visitor gathered into the account that has just signed in; give how many lines.

    The same SKU in both adds up, to no more than one line may hold. Doing it twice changes nothing.
    """
    if actor.id is None:
        raise BadInput("Please sign in first")
    lock_key(session, f"cart:{visitor}")
    gathered = session.get(Cart, visitor, with_for_update=True)
    if gathered is None or gathered.account_id is not None:
        return 0
    lines = session.scalars(select(CartLine).where(CartLine.cart_id == visitor)).all()
    if lines:
        cart = _cart(session, None, actor=actor, now=now)
        cart.outlet_id = gathered.outlet_id or cart.outlet_id
        for line in lines:
            _merge_line(session, cart.id, line)
    session.flush()
    session.execute(delete(CartLine).where(CartLine.cart_id == visitor))
    session.delete(gathered)
    session.flush()
    return len(lines)


def _merge_line(session: Session, cart_id: UUID, line: CartLine) -> None:
    mine = session.get(CartLine, (cart_id, line.sku_id))
    if mine is None:
        session.add(
            CartLine(
                cart_id=cart_id,
                sku_id=line.sku_id,
                quantity=line.quantity,
                seen_price_fen=line.seen_price_fen,
                added_at=line.added_at,
            )
        )
    else:
        mine.quantity = min(MOST_QUANTITY, mine.quantity + line.quantity)


def forget_visitors_carts(session: Session, *, before: datetime) -> int:
    """Throw away visitors' baskets untouched since `before`; give how many."""
    old = session.scalars(
        select(Cart.id)
        .where(Cart.account_id.is_(None), Cart.touched_at < before)
        .order_by(Cart.id)
        .limit(500)
        .with_for_update()
    ).all()
    session.execute(delete(CartLine).where(CartLine.cart_id.in_(old)))
    session.execute(delete(Cart).where(Cart.id.in_(old)))
    return len(old)


def shop_outlet(session: Session, outlet_id: int) -> int:
    """Give back the id of an outlet that has a shop page and is open; raise NotFound."""
    found = session.scalar(
        select(Outlet.place_id).where(
            Outlet.place_id == outlet_id, Outlet.tier.in_(SHOP_TIERS), Outlet.status == "open"
        )
    )
    if found is None:
        raise NotFound("There is no such outlet")
    return found


def _offered(session: Session, sku_id: int) -> Offer:
    offer = offers(session, [sku_id]).get(sku_id)
    if offer is None:
        raise NotForSale("This is not for sale here")
    refuse_unless_for_sale(offer)
    return offer


def refuse_unless_for_sale(offer: Offer) -> None:
    """Raise NotForSale or ByEnquiry when an offer can't be put into a basket."""
    product = Named(offer.name_zh, offer.name_en)
    if not offer.for_sale:
        raise NotForSale("%(product)s is not for sale at present", product=product)
    if offer.by_enquiry:
        raise ByEnquiry(
            "%(product)s is made to measure; please ask its maker first", product=product
        )


def _must_be_free(session: Session, offer: Offer, quantity: int, *, now: datetime) -> None:
    today = clock.business_date(now)
    free = free_to_promise(session, [offer.sku_id], today=today).get(offer.sku_id, 0)
    if free < quantity:
        raise TooFewLeft(
            product=Named(offer.name_zh, offer.name_en), sku_id=offer.sku_id, available=free
        )


def _cart(session: Session, visitor: UUID | None, *, actor: Actor, now: datetime) -> Cart:
    if actor.id is None and visitor is None:
        raise BadInput("This browser has no basket yet")
    lock_key(session, f"cart:{actor.id if actor.id is not None else visitor}")
    cart = own_cart(session, visitor, actor=actor)
    if cart is None:
        fresh = time_uuid(now) if actor.id is not None or visitor is None else visitor
        if session.get(Cart, fresh) is not None:  # a visitor's cookie that names somebody's basket
            raise BadInput("This browser has no basket yet")
        cart = Cart(id=fresh, account_id=actor.id, touched_at=now)
        session.add(cart)
        session.flush()
    cart.touched_at = now
    return cart


def _line(
    session: Session, sku_id: int, visitor: UUID | None, *, actor: Actor, now: datetime
) -> CartLine:
    cart = own_cart(session, visitor, actor=actor)
    line = session.get(CartLine, (cart.id, sku_id), with_for_update=True) if cart else None
    if cart is None or line is None:
        raise NotFound("This is not in your basket")
    cart.touched_at = now
    return line
