"""The checkout: where it goes, how it gets there, what is confirmed, what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import KeyReused, Named, NotFound, Refused
from foundation.limits import limiter
from foundation.web import reading, transaction
from parties.people.guards import current_actor, open_to_all, signed_in
from shop.forms.orders import CheckoutForm
from shop.frame import came_through, shop
from shop.queries import network
from shop.spoken import sentence
from trade.orders.errors import TooFewLeft
from trade.orders.models import Address
from trade.orders.queries.baskets import (
    Quote,
    Wanted,
    cart_view,
    free_to_promise,
    names_of,
    offers,
    quote,
)
from trade.orders.queries.buyers import addresses_of
from trade.orders.rules import MOST_ADDRESSES
from trade.orders.services.addresses import add_address
from trade.orders.services.carts import refuse_unless_for_sale
from trade.orders.services.checkout import Checkout, place_order

CONSENTS = ("receivers", "returns", "abroad")


@dataclass(frozen=True, slots=True)
class Basis:
    """What a checkout page is made of, read in one go."""

    lines: tuple[Wanted, ...]
    quote: Quote
    addresses: Sequence[Address]
    outlet: network.OutletRow | None
    consents: list[dict[str, Any]]


@signed_in
def checkout() -> ResponseReturnValue:
    """Ask what an order needs to know."""
    form = CheckoutForm(
        formdata=None,
        key=uuid4().hex,
        sku=request.args.get("sku", "")[:18],
        n=request.args.get("n", "1")[:6],
    )
    try:
        with reading() as session:
            _must_be_there(session, form)
            basis = _basis(session, form)
    except Refused as refusal:
        flash(sentence(refusal), "error")
        return redirect(url_for("shop.basket"), 303)
    if not basis.lines:
        flash(_("There is nothing in the basket to order"), "info")
        return redirect(url_for("shop.basket"), 303)
    return _page(form, basis)


@limiter.limit("60/minute")
@signed_in
def place() -> ResponseReturnValue:
    """Take the form: count anew, or place the order and go on to pay it."""
    form = CheckoutForm()
    try:
        with reading() as session:
            basis = _basis(session, form)
    except Refused as refusal:
        flash(sentence(refusal), "error")
        return redirect(url_for("shop.basket"), 303)
    if request.form.get("then") != "order":
        return _page(form, basis)
    try:
        number = _place(form, basis)
    except Refused as refusal:
        return _again(form, refusal)
    return redirect(url_for("shop.pay", number=number), 303)


def _place(form: CheckoutForm, basis: Basis) -> str:
    actor, now = current_actor(), clock.now()
    fresh = form.address_id is None
    asked = request.form.get("total", "")
    wanted = Checkout(
        key=(form.key.data or "")[:80],
        lines=basis.lines,
        delivery=form.way,
        total_fen=int(asked) if asked.isdecimal() and len(asked) < 12 else -1,  # noqa: PLR2004
        consents=tuple(request.form.getlist("consent")),
        address_id=form.address_id,
        destination=form.read() if fresh else None,
        outlet_id=_outlet_id(form, basis),
        note=form.note.data or "",
        from_cart=form.single is None,
    )
    with transaction() as session:
        placed = place_order(session, wanted, terms=shop().terms, actor=actor, now=now)
        room = len(basis.addresses) < MOST_ADDRESSES
        if placed.new and fresh and form.keep.data and room and form.way == "courier":
            add_address(
                session, form.read(), provinces=shop().terms.provinces, actor=actor, now=now
            )
        return placed.order.number


def _outlet_id(form: CheckoutForm, basis: Basis) -> int | None:
    if form.way == "pickup":
        return form.pickup_id
    return basis.outlet.place_id if basis.outlet is not None else None


def _again(form: CheckoutForm, refusal: Refused) -> ResponseReturnValue:
    """Show the form again with what was typed, the reason, and today's prices."""
    with reading() as session:
        basis = _basis(session, form)
    if not basis.lines and not isinstance(refusal, KeyReused):
        flash(sentence(refusal), "error")
        return redirect(url_for("shop.basket"), 303)
    missing = refusal.field if refusal.field in CONSENTS else ""
    if not missing:
        form.refuse(refusal)
    if isinstance(refusal, KeyReused):
        form.key.data = uuid4().hex
    body = _page(form, basis, missing=missing or "", why=sentence(refusal))
    return body, refusal.status


def _must_be_there(session: Session, form: CheckoutForm) -> None:
    """Refuse a buy-now of what can't be had, before anything is asked."""
    single = form.single
    if single is None:
        return
    sku_id, quantity = single
    offer = offers(session, [sku_id]).get(sku_id)
    if offer is None:
        raise NotFound("This is not for sale here")
    refuse_unless_for_sale(offer)
    today = clock.business_date(clock.now())
    free = free_to_promise(session, [sku_id], today=today).get(sku_id, 0)
    if free < quantity:
        name = Named(offer.name_zh, offer.name_en)
        raise TooFewLeft(product=name, sku_id=sku_id, available=free)


def _basis(session: Session, form: CheckoutForm) -> Basis:
    actor, terms = current_actor(), shop().terms
    addresses = addresses_of(session, actor=actor)
    cart = cart_view(session, None, actor=actor, today=clock.business_date(clock.now()))
    lines = _lines(session, form) or tuple(line.as_wanted() for line in cart.buyable)
    pickups = [one for one in network.shop_outlets(session) if one.mode == "offline"]
    form.offer(addresses, pickups, terms.provinces)
    chosen = next((one for one in addresses if one.id == form.address_id), None)
    province = chosen.province if chosen is not None else form.province.data or ""
    found = quote(session, lines, delivery=form.way, province=province, terms=terms)
    return Basis(
        lines,
        found,
        addresses,
        network.named_outlet(session, came_through(), cart.outlet_id),
        _consents(session, found),
    )


def _lines(session: Session, form: CheckoutForm) -> tuple[Wanted, ...]:
    single = form.single
    if single is None:
        return ()
    sku_id, quantity = single
    offer = offers(session, [sku_id]).get(sku_id)
    if offer is None:
        raise NotFound("This is not for sale here")
    return (Wanted(sku_id, quantity, offer.price_fen),)


def _consents(session: Session, found: Quote) -> list[dict[str, Any]]:
    """Give each consent with the names it is about, as (Chinese, English)."""
    names = names_of(session, [i for c in found.consents if c.kind == "returns" for i in c.ids])
    suppliers = {one.supplier_id: (one.name_zh, one.name_en) for one in found.parcels}
    known = {"receivers": suppliers, "returns": names}
    return [
        {
            "kind": one.kind,
            "code": one.code,
            "names": [known[one.kind][i] for i in one.ids] if one.kind in known else [],
        }
        for one in found.consents
    ]


def _page(form: CheckoutForm, basis: Basis, *, missing: str = "", why: str = "") -> str:
    return render_template(
        "shop/checkout.html",
        form=form,
        basis=basis,
        quote=basis.quote,
        ticked=request.form.getlist("consent"),
        missing=missing,
        why=why,
        refusal=sentence(basis.quote.refusal) if basis.quote.refusal is not None else "",
        codes=shop().terms.provinces.codes,
    )


@open_to_all
def places(code: str) -> ResponseReturnValue:
    """Give one province's cities and their districts, for the two selects that follow."""
    provinces = shop().terms.provinces
    name = next((name for name, known in provinces.codes.items() if known == code), None)
    if name is None:
        raise NotFound("There is nothing at this address")
    found = {
        city: sorted(names)
        for (province, city), names in provinces.districts.items()
        if province == name
    }
    answer = jsonify(found)
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    bp.add_url_rule("/checkout", "checkout", checkout)
    bp.add_url_rule("/checkout", "place", place, methods=["POST"])
    bp.add_url_rule("/places/<code>.json", "places", places)
