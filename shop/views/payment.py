"""Paying an order: to the provider's page and back, and the provider's own notices."""

from flask import (
    Blueprint,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from foundation import clock
from foundation.errors import Refused
from foundation.limits import limiter
from foundation.web import database, reading, transaction, wants_json
from parties.people.guards import current_actor, open_to_all, signed_in
from shop.queries.orders import order_id_of, own_order
from shop.spoken import language, sentence
from trade.orders.paying import PaymentPage, check_payment, start_payment
from trade.orders.providers import PaymentProvider
from trade.orders.services.payments import take_notice

MOST_LOOKS = 8


def provider() -> PaymentProvider:
    """Give whoever takes this installation's money."""
    found: PaymentProvider = current_app.extensions["payment_provider"]
    return found


@signed_in
def pay(number: str) -> ResponseReturnValue:
    """Say what is to be paid and until when."""
    with reading() as session:
        order = own_order(session, number, actor=current_actor())
    now = clock.now()
    if not order.can_pay or order.pay_by <= now:
        return redirect(url_for("shop.order", number=number))
    return render_template("shop/pay.html", order=order, now=now)


@limiter.limit("20/minute")
@signed_in
def start(number: str) -> ResponseReturnValue:
    """Open the provider's page, or the one that is open already, and go there."""
    with reading() as session:
        order_id = order_id_of(session, number, actor=current_actor())
    back = url_for("shop.back", number=number, _external=True)
    page = PaymentPage(
        success_url=f"{back}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=url_for("shop.pay", number=number, _external=True),
        locale="en" if language() == "en" else "zh",
    )
    try:
        payment = start_payment(
            database(), provider(), order_id, page, actor=current_actor(), now=clock.now()
        )
    except Refused as refusal:
        flash(sentence(refusal), "error")
        return redirect(url_for("shop.order", number=number), 303)
    return redirect(payment.url, 303)


@signed_in
def back(number: str) -> ResponseReturnValue:
    """Show how the payment stands after the provider's page; arriving here pays nothing."""
    with reading() as session:
        order = own_order(session, number, actor=current_actor())
    asked = request.args.get("look", "0")
    look = int(asked) if asked.isdecimal() and len(asked) < 3 else 0  # noqa: PLR2004 -- below a hundred
    again = url_for("shop.back", number=number, look=look + 1) if look < MOST_LOOKS else None
    return render_template("shop/back.html", order=order, again=again)


@limiter.limit("60/minute")
@signed_in
def check(number: str) -> ResponseReturnValue:
    """Ask the provider how the order's payment stands, and take note of the answer."""
    with reading() as session:
        order_id = order_id_of(session, number, actor=current_actor())
    try:
        check_payment(database(), provider(), order_id, now=clock.now())
    except Refused as refusal:
        if wants_json():
            raise
        flash(sentence(refusal), "warning")
        return redirect(url_for("shop.back", number=number), 303)
    with reading() as session:
        order = own_order(session, number, actor=current_actor())
    if wants_json():
        return jsonify({"state": order.state})
    if order.state == "pending_payment":
        flash(_("The payment provider has not seen your payment yet"), "info")
    return redirect(url_for("shop.back", number=number), 303)


@open_to_all
def stripe_notice() -> ResponseReturnValue:
    """Take in a signed notice of the payment provider: 200 once it is written down.

    400 for a notice that is not signed by the provider; anything that goes wrong here answers
    500, and the provider sends it again.
    """
    said = provider().read_notice(request.get_data(), request.headers.get("Stripe-Signature", ""))
    with transaction() as session:
        outcome = take_notice(session, provider().code, said, now=clock.now())
    return jsonify({"received": True, "outcome": outcome})


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    bp.add_url_rule("/orders/<number>/pay", "pay", pay)
    bp.add_url_rule("/orders/<number>/pay", "start", start, methods=["POST"])
    bp.add_url_rule("/orders/<number>/return", "back", back)
    bp.add_url_rule("/orders/<number>/check", "check", check, methods=["POST"])
    bp.add_url_rule("/payments/stripe", "stripe_notice", stripe_notice, methods=["POST"])
