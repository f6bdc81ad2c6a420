"""Signing in and out."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.limits import limiter
from foundation.web import reading, transaction
from parties.people import queries, services
from parties.people.forms import CodeForm, PasswordForm, PhoneForm
from parties.people.guards import current_actor, open_to_all, signed_in
from parties.people.login import caller, end_session, in_person, people
from parties.people.views.common import asked_next, device, enter, landing, language


@open_to_all
def sign_in() -> ResponseReturnValue:
    """Ask for a phone, or for an e-mail address and a password."""
    if caller() is not None:
        return redirect(asked_next() or landing())
    if request.args.get("by") == "password":
        return _page("password", PasswordForm(next=asked_next()))
    return _page("phone", PhoneForm(next=asked_next()))


@limiter.limit("10/minute;60/hour", methods=["POST"])
@open_to_all
def send_sign_in_code() -> ResponseReturnValue:
    """Send a code to a phone and ask for it."""
    if request.method == "GET":
        return redirect(url_for("people.sign_in", next=asked_next() or None))
    form = PhoneForm()
    if not form.validate_on_submit():
        return _page("phone", form), 400
    try:
        with transaction() as session:
            phone = services.send_code(
                session,
                form.read(),
                "sign_in",
                language=language(),
                channels=people().channels,
                actor=current_actor(),
                now=clock.now(),
            )
    except Refused as refusal:
        form.refuse(refusal)
        return _page("phone", form), refusal.status
    entry = CodeForm(formdata=None, phone=phone, next=asked_next())
    return render_template("people/code.html", form=entry, phone=phone, next=asked_next())


@limiter.limit("20/minute;200/hour")
@open_to_all
def sign_in_by_code() -> ResponseReturnValue:
    """Take the code and let its phone's owner in."""
    form = CodeForm()
    if not form.phone.validate(form):
        return redirect(url_for("people.sign_in"))
    status = 400
    if form.validate_on_submit():
        wish = form.read()
        with transaction() as session:
            outcome = services.sign_in_by_code(
                session,
                wish.phone,
                wish.code,
                now=clock.now(),
                device=device(),
                language=language(),
            )
        try:
            return enter(outcome)
        except Refused as refusal:
            form.refuse(refusal)
            status = refusal.status
    page = render_template("people/code.html", form=form, phone=form.phone.data, next=asked_next())
    return page, status


@limiter.limit("20/minute;200/hour")
@open_to_all
def sign_in_by_password() -> ResponseReturnValue:
    """Take an e-mail address and a password and let their owner in."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _page("password", form), 400
    wish = form.read()
    with reading() as session:
        proof = services.check_password(session, wish.email, wish.password)
    with transaction() as session:
        outcome = services.sign_in_by_password(session, proof, now=clock.now(), device=device())
    try:
        return enter(outcome)
    except Refused as refusal:
        form.refuse(refusal)
        return _page("password", form), refusal.status


@limiter.limit("30/minute")
@open_to_all
def demo_sign_in() -> ResponseReturnValue:
    """Let the visitor of a demo be one of its people."""
    asked = request.form.get("account_id", "")
    if not people().demo or not asked.isdecimal() or len(asked) > 18:  # noqa: PLR2004 -- 64 bits
        raise NotFound("There is no such demo account")
    with transaction() as session:
        outcome = services.sign_in_to_demo(session, int(asked), now=clock.now(), device=device())
    return enter(outcome)


@open_to_all
def sign_out() -> ResponseReturnValue:
    """End this sign-in, on the server too."""
    user = caller()
    if user is not None and user.visitor.sign_in_id is not None:
        with transaction() as session:
            services.sign_out(
                session, user.visitor.sign_in_id, actor=current_actor(), now=clock.now()
            )
    end_session()
    flash(_("You have signed out"))
    return redirect(url_for("people.sign_in"), 303)


@in_person
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End every sign-in of this account."""
    with transaction() as session:
        services.sign_out_everywhere(session, actor=current_actor(), now=clock.now())
    end_session()
    flash(_("You have signed out on every device"))
    return redirect(url_for("people.sign_in"), 303)


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    bp.add_url_rule("/signin", "sign_in", sign_in)
    bp.add_url_rule("/signin/code", "send_sign_in_code", send_sign_in_code, methods=["GET", "POST"])
    bp.add_url_rule("/signin/phone", "sign_in_by_code", sign_in_by_code, methods=["POST"])
    bp.add_url_rule(
        "/signin/password", "sign_in_by_password", sign_in_by_password, methods=["POST"]
    )
    bp.add_url_rule("/demo/signin", "demo_sign_in", demo_sign_in, methods=["POST"])
    bp.add_url_rule("/signout", "sign_out", sign_out, methods=["POST"])
    bp.add_url_rule(
        "/signout/everywhere", "sign_out_everywhere", sign_out_everywhere, methods=["POST"]
    )


def _page(way: str, form: PhoneForm | PasswordForm) -> str:
    accounts = []
    if people().demo:
        with reading() as session:
            accounts = queries.demo_accounts(session)
    return render_template(
        "people/sign_in.html",
        way=way,
        form=form,
        next=asked_next(),
        phones="sms" in people().channels,
        demo_accounts=accounts,
    )
