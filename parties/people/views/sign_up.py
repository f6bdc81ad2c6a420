"""Signing up by e-mail, and a new password for a forgotten one: address, code, password."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from foundation import clock
from foundation.errors import Refused
from foundation.limits import limiter
from foundation.web import transaction
from parties.people import services
from parties.people.forms import AddressForm, ResetForm, SignUpForm
from parties.people.guards import current_actor, open_to_all
from parties.people.login import caller, people
from parties.people.services.codes import Purpose
from parties.people.views.common import asked_next, device, enter, landing, language


@limiter.limit("10/minute;60/hour", methods=["POST"])
@open_to_all
def sign_up() -> ResponseReturnValue:
    """Ask for an e-mail address and send a code there."""
    if caller() is not None:
        return redirect(asked_next() or landing())
    form = AddressForm(next=asked_next())
    if request.method == "GET":
        return _address_page("people/sign_up.html", form)
    email, status = _send(form, "sign_up")
    if email is None:
        return _address_page("people/sign_up.html", form), status
    return _sign_up_page(SignUpForm(formdata=None, email=email, next=asked_next()))


@limiter.limit("20/minute;200/hour", methods=["POST"])
@open_to_all
def finish_sign_up() -> ResponseReturnValue:
    """Take code and password and open the account."""
    if request.method == "GET":
        return redirect(url_for("people.sign_up"))
    form = SignUpForm()
    if not form.email.validate(form):
        return redirect(url_for("people.sign_up"))
    status = 400
    if form.validate_on_submit():
        wish = form.read()
        try:
            with transaction() as session:
                outcome = services.sign_up_by_email(
                    session,
                    email=wish.email,
                    code=wish.code,
                    password=wish.password,
                    display_name=wish.display_name,
                    language=language(),
                    now=clock.now(),
                    device=device(),
                )
            answer = enter(outcome)
        except Refused as refusal:
            form.refuse(refusal)
            status = refusal.status
        else:
            flash(_("Your account is open"))
            return answer
    return _sign_up_page(form), status


@limiter.limit("10/minute;60/hour", methods=["POST"])
@open_to_all
def forgot_password() -> ResponseReturnValue:
    """Ask for an e-mail address and, if it has an account, send a code there."""
    form = AddressForm()
    if request.method == "GET":
        return _address_page("people/forgot.html", form)
    email, status = _send(form, "reset")
    if email is None:
        return _address_page("people/forgot.html", form), status
    return _reset_page(ResetForm(formdata=None, email=email))


@limiter.limit("20/minute;200/hour", methods=["POST"])
@open_to_all
def reset_password() -> ResponseReturnValue:
    """Take code and new password; every device is signed out but this one."""
    if request.method == "GET":
        return redirect(url_for("people.forgot_password"))
    form = ResetForm()
    if not form.email.validate(form):
        return redirect(url_for("people.forgot_password"))
    status = 400
    if form.validate_on_submit():
        wish = form.read()
        try:
            with transaction() as session:
                outcome = services.reset_password(
                    session,
                    email=wish.email,
                    code=wish.code,
                    password=wish.password,
                    now=clock.now(),
                    device=device(),
                )
            answer = enter(outcome)
        except Refused as refusal:
            form.refuse(refusal)
            status = refusal.status
        else:
            flash(_("Your new password is set"))
            return answer
    return _reset_page(form), status


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    both = ["GET", "POST"]
    bp.add_url_rule("/signup", "sign_up", sign_up, methods=both)
    bp.add_url_rule("/signup/finish", "finish_sign_up", finish_sign_up, methods=both)
    bp.add_url_rule("/password/forgot", "forgot_password", forgot_password, methods=both)
    bp.add_url_rule("/password/reset", "reset_password", reset_password, methods=both)


def _send(form: AddressForm, purpose: Purpose) -> tuple[str | None, int]:
    if not form.validate_on_submit():
        return None, 400
    try:
        with transaction() as session:
            email = services.send_code(
                session,
                form.read(),
                purpose,
                language=language(),
                channels=people().channels,
                actor=current_actor(),
                now=clock.now(),
            )
    except Refused as refusal:
        form.refuse(refusal)
        return None, refusal.status
    return email, 200


def _address_page(template: str, form: AddressForm) -> str:
    phones = "sms" in people().channels
    return render_template(template, form=form, next=asked_next(), phones=phones)


def _sign_up_page(form: SignUpForm) -> str:
    return render_template(
        "people/sign_up_code.html", form=form, email=form.email.data, next=asked_next()
    )


def _reset_page(form: ResetForm) -> str:
    return render_template("people/reset.html", form=form, email=form.email.data)
