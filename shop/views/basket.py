"""The basket."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import Refused
from foundation.limits import limiter
from foundation.web import reading, transaction
from parties.people.guards import current_actor, open_to_all
from shop.forms.basket import Put, read_count, read_put, read_sku
from shop.frame import came_through, new_visitor, remember_visitor, shop, visitor
from shop.queries import network
from shop.spoken import sentence
from trade.orders.queries.baskets import CartView, Quote, cart_view, quote
from trade.orders.services import carts


@open_to_all
def basket() -> ResponseReturnValue:
    """Show the basket with today's prices and stock."""
    return _page()


def _page(
    refusal: Refused | None = None, sku_id: int | None = None, typed: str = ""
) -> ResponseReturnValue:
    actor, today = current_actor(), clock.business_date(clock.now())
    with reading() as session:
        found = cart_view(session, visitor(), actor=actor, today=today)
        page = {
            "cart": found,
            "quote": _quote(session, found),
            "outlet": network.named_outlet(session, came_through(), found.outlet_id),
            "outlets": network.shop_outlets(session),
        }
    said = sentence(refusal) if refusal is not None else ""
    body = render_template(
        "shop/basket.html", said=said, refused_sku=sku_id, typed=typed, terms=shop().terms, **page
    )
    return body, refusal.status if refusal is not None else 200


def _quote(session: Session, found: CartView) -> Quote | None:
    wanted = [line.as_wanted() for line in found.buyable]
    if not wanted:
        return None
    return quote(session, wanted, delivery="courier", province="", terms=shop().terms)


@limiter.limit("120/minute")
@open_to_all
def add() -> ResponseReturnValue:
    """Put a pack into the basket, or go straight on to buy it."""
    product = request.form.get("product", "")[:20]
    try:
        put = read_put(request.form)
        if put.then == "buy":
            target = url_for("shop.checkout", sku=put.sku_id, n=put.quantity)
            return redirect(target, 303)
        return _add(put)
    except Refused as refusal:
        flash(sentence(refusal), "error")
        if not product:
            return redirect(url_for("shop.basket"), 303)
        typed = request.form.get("quantity", "1")[:6]
        return redirect(url_for("shop.product", code=product, n=typed), 303)


def _add(put: Put) -> ResponseReturnValue:
    actor, browser = current_actor(), visitor()
    if actor.id is None and browser is None:
        browser = new_visitor()
    slug = came_through()
    with transaction() as session:
        outlet = network.outlet_page(session, slug) if slug else None
        carts.add_to_cart(
            session,
            put.sku_id,
            put.quantity,
            visitor=browser,
            outlet_id=outlet.row.place_id if outlet is not None else None,
            actor=actor,
            now=clock.now(),
        )
    flash(_("Put into the basket"))
    target = url_for("shop.product", code=put.product) if put.product else url_for("shop.basket")
    answer = make_response(redirect(target, 303))
    if actor.id is None and browser is not None:
        remember_visitor(answer, browser)
    return answer


@limiter.limit("120/minute")
@open_to_all
def change() -> ResponseReturnValue:
    """Change how many of a pack lie in the basket."""
    typed = request.form.get("quantity", "")[:12]
    sku_id: int | None = None
    try:
        sku_id = read_sku(request.form)
        quantity = read_count(typed)
        with transaction() as session:
            carts.set_quantity(
                session,
                sku_id,
                quantity,
                visitor=visitor(),
                actor=current_actor(),
                now=clock.now(),
            )
    except Refused as refusal:
        return _page(refusal, sku_id, typed)
    return redirect(url_for("shop.basket"), 303)


@limiter.limit("120/minute")
@open_to_all
def remove() -> ResponseReturnValue:
    """Take a pack out of the basket."""
    try:
        with transaction() as session:
            carts.remove_from_cart(
                session,
                read_sku(request.form),
                visitor=visitor(),
                actor=current_actor(),
                now=clock.now(),
            )
    except Refused as refusal:
        return _page(refusal)
    flash(_("Taken out of the basket"))
    return redirect(url_for("shop.basket"), 303)


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    bp.add_url_rule("/basket", "basket", basket)
    bp.add_url_rule("/basket/add", "add", add, methods=["POST"])
    bp.add_url_rule("/basket/quantity", "change", change, methods=["POST"])
    bp.add_url_rule("/basket/remove", "remove", remove, methods=["POST"])
