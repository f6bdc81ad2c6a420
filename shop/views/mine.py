"""What is one's own: orders with their parcels, addresses."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.limits import limiter
from foundation.web import asked_page, reading, transaction
from insight.recalls.queries import recalls_on_order
from parties.people.guards import current_actor, signed_in
from shop.forms.orders import AddressForm
from shop.frame import shop
from shop.queries.orders import order_id_of, own_order
from shop.spoken import sentence
from shop.words import ORDER_STATES, PARCEL_STATES, TAB_WORDS
from trade.orders.queries.buyers import (
    TABS,
    Tab,
    address_of,
    addresses_of,
    order_counts,
    orders_of,
)
from trade.orders.services import addresses as verbs
from trade.orders.services.carts import add_to_cart
from trade.orders.services.endings import cancel_order, cancel_parcel, confirm_receipt


@signed_in
def mine() -> ResponseReturnValue:
    """List one's orders under their tabs."""
    asked = request.args.get("tab", "all")
    tab: Tab = asked if asked in TABS else "all"
    actor = current_actor()
    with reading() as session:
        counts = order_counts(session, actor=actor)
        page = orders_of(session, tab, page=asked_page(), actor=actor)
    return render_template(
        "shop/mine.html",
        tab=tab,
        tabs=TAB_WORDS,
        counts=counts,
        page=page,
        order_words=ORDER_STATES,
        parcel_words=PARCEL_STATES,
        now=clock.now(),
    )


@signed_in
def order(number: str) -> ResponseReturnValue:
    """Show one order: state, parcels, each item's way to its trace page."""
    with reading() as session:
        found = own_order(session, number, actor=current_actor())
        recalls = recalls_on_order(session, found.number)
    return render_template(
        "shop/order.html",
        order=found,
        recalls=recalls,
        order_words=ORDER_STATES,
        parcel_words=PARCEL_STATES,
        now=clock.now(),
    )


@signed_in
def cancel(number: str) -> ResponseReturnValue:
    """Call an order off."""
    actor = current_actor()
    try:
        with transaction() as session:
            order_id = order_id_of(session, number, actor=actor)
            ended = cancel_order(session, order_id, actor=actor, now=clock.now())
            paid = ended.state == "refunded"
        flash(_("Called off; your money is on its way back") if paid else _("Called off"))
    except NotFound:
        raise
    except Refused as refusal:
        flash(sentence(refusal), "error")
    return redirect(url_for("shop.order", number=number), 303)


def _asked_parcel() -> UUID:
    try:
        return UUID(request.form.get("parcel", ""))
    except ValueError:
        raise NotFound("There is no such order") from None


@signed_in
def cancel_one(number: str) -> ResponseReturnValue:
    """Call off one parcel of an order that comes in several."""
    actor, parcel_id = current_actor(), _asked_parcel()
    try:
        with transaction() as session:
            order_id_of(session, number, actor=actor)
            cancel_parcel(session, parcel_id, reason="cancelled", actor=actor, now=clock.now())
        flash(_("Called off; your money is on its way back"))
    except NotFound:
        raise
    except Refused as refusal:
        flash(sentence(refusal), "error")
    return redirect(url_for("shop.order", number=number), 303)


@signed_in
def received(number: str) -> ResponseReturnValue:
    """Say that a parcel has arrived."""
    actor, parcel_id = current_actor(), _asked_parcel()
    try:
        with transaction() as session:
            order_id_of(session, number, actor=actor)
            confirm_receipt(session, parcel_id, actor=actor, now=clock.now())
        flash(_("Noted as received"))
    except NotFound:
        raise
    except Refused as refusal:
        flash(sentence(refusal), "error")
    return redirect(url_for("shop.order", number=number), 303)


@limiter.limit("20/minute")
@signed_in
def again(number: str) -> ResponseReturnValue:
    """Put what was ordered into the basket once more; say what can't be had."""
    actor, now = current_actor(), clock.now()
    with reading() as session:
        found = own_order(session, number, actor=actor)
    for parcel in found.parcels:
        for line in parcel.lines:
            try:
                with transaction() as session:
                    add_to_cart(
                        session, line.sku_id, line.quantity, visitor=None, actor=actor, now=now
                    )
            except Refused as refusal:
                flash(sentence(refusal), "warning")
    return redirect(url_for("shop.basket"), 303)


@signed_in
def addresses() -> ResponseReturnValue:
    """List one's addresses."""
    with reading() as session:
        found = addresses_of(session, actor=current_actor())
    return render_template("shop/addresses.html", addresses=found)


@signed_in
def address() -> ResponseReturnValue:
    """Write a new address, or one of one's own anew."""
    form = AddressForm(formdata=None)
    address_id = _asked_address()
    if address_id is not None:
        with reading() as session:
            form.show(address_of(session, address_id, actor=current_actor()))
    return _address_page(form, address_id)


@limiter.limit("30/minute")
@signed_in
def keep_address() -> ResponseReturnValue:
    """Keep an address as it was typed."""
    form = AddressForm()
    address_id = _asked_address()
    if request.form.get("then") == "places":
        return _address_page(form, address_id)
    actor, now, provinces = current_actor(), clock.now(), shop().terms.provinces
    try:
        with transaction() as session:
            if address_id is None:
                verbs.add_address(session, form.read(), provinces=provinces, actor=actor, now=now)
            else:
                verbs.change_address(
                    session, address_id, form.read(), provinces=provinces, actor=actor, now=now
                )
    except NotFound:
        raise
    except Refused as refusal:
        form.refuse(refusal)
        return _address_page(form, address_id), refusal.status
    flash(_("Address kept"))
    return redirect(url_for("shop.addresses"), 303)


@signed_in
def change_addresses() -> ResponseReturnValue:
    """Forget an address, or propose it first from now on."""
    actor, now = current_actor(), clock.now()
    address_id = _asked_address()
    if address_id is None:
        raise NotFound("There is no such address")
    with transaction() as session:
        if request.form.get("then") == "remove":
            verbs.remove_address(session, address_id, actor=actor, now=now)
        else:
            verbs.make_default_address(session, address_id, actor=actor, now=now)
    flash(_("Addresses changed"))
    return redirect(url_for("shop.addresses"), 303)


def _asked_address() -> int | None:
    text = request.values.get("id", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004 -- 64 bits


def _address_page(form: AddressForm, address_id: int | None) -> str:
    form.fill(shop().terms.provinces)
    return render_template(
        "shop/address.html", form=form, address_id=address_id, codes=shop().terms.provinces.codes
    )


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    post = ["POST"]
    bp.add_url_rule("/me", "mine", mine)
    bp.add_url_rule("/me/addresses", "addresses", addresses)
    bp.add_url_rule("/me/addresses", "change_addresses", change_addresses, methods=post)
    bp.add_url_rule("/me/address", "address", address)
    bp.add_url_rule("/me/address", "keep_address", keep_address, methods=post)
    bp.add_url_rule("/orders/<number>", "order", order)
    bp.add_url_rule("/orders/<number>/cancel", "cancel", cancel, methods=post)
    bp.add_url_rule("/orders/<number>/cancel-parcel", "cancel_one", cancel_one, methods=post)
    bp.add_url_rule("/orders/<number>/received", "received", received, methods=post)
    bp.add_url_rule("/orders/<number>/again", "again", again, methods=post)
