"""One's own account: profile, password, devices, tokens, data, closing it."""

import json

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from foundation import clock
from foundation.errors import NotFound, NotSignedIn, Refused
from foundation.limits import limiter
from foundation.web import reading, transaction
from parties.people import queries, services
from parties.people.forms import ChangeForm, CloseForm, PeopleForm, ProfileForm, TokenForm
from parties.people.guards import current_actor, requires, signed_in
from parties.people.login import begin_session, caller, end_session, in_person, people
from parties.people.permissions import Can
from parties.people.views.common import device, landing, remember_language


@in_person
@signed_in
def account() -> ResponseReturnValue:
    """Show everything that one may see and change about oneself."""
    return _page()


@limiter.limit("30/minute")
@in_person
@signed_in
def change_profile() -> ResponseReturnValue:
    """Change name and language."""
    form = ProfileForm()
    if not form.validate_on_submit():
        return _page(profile=form), 400
    with transaction() as session:
        services.change_profile(
            session,
            display_name=form.display_name.data or "",
            language=form.language.data,
            actor=current_actor(),
            now=clock.now(),
        )
    flash(_("Saved"))
    answer = redirect(url_for("people.account"), 303)
    remember_language(answer, form.language.data)
    return answer


@limiter.limit("10/minute;60/hour")
@in_person
@signed_in
def change_password() -> ResponseReturnValue:
    """Replace the password; every other device is signed out."""
    form = ChangeForm()
    if not form.validate_on_submit():
        return _page(change=form), 400
    own = _own_id()
    with reading() as session:
        proof = services.check_own_password(session, own, form.old.data or "")
    try:
        with transaction() as session:
            outcome = services.change_password(
                session,
                proof,
                form.password.data or "",
                actor=current_actor(),
                now=clock.now(),
                device=device(),
            )
        outcome.or_raise()
    except Refused as refusal:
        form.refuse(refusal)
        return _page(change=form), refusal.status
    if outcome.sign_in_id is not None:
        begin_session(outcome.sign_in_id)
    flash(_("Your new password is set; other devices have been signed out"))
    return redirect(url_for("people.account"), 303)


@in_person
@signed_in
def end_sign_in(sign_in_id: int) -> ResponseReturnValue:
    """Sign one other device out."""
    with transaction() as session:
        services.sign_out(session, sign_in_id, actor=current_actor(), now=clock.now())
    flash(_("That device has been signed out"))
    return redirect(url_for("people.account"), 303)


@limiter.limit("10/minute")
@in_person
@requires(Can.ISSUE_TOKENS)
def issue_token() -> ResponseReturnValue:
    """Make a token and show it this once."""
    form = TokenForm()
    if not form.validate_on_submit():
        return _page(token=form), 400
    try:
        with transaction() as session:
            secret = services.issue_token(
                session, _own_id(), form.label.data or "", actor=current_actor(), now=clock.now()
            )
    except Refused as refusal:
        form.refuse(refusal)
        return _page(token=form), refusal.status
    return _page(secret=secret)  # no redirect: the secret is nowhere else


@in_person
@requires(Can.ISSUE_TOKENS)
def end_token(token_id: int) -> ResponseReturnValue:
    """End a token."""
    with transaction() as session:
        services.revoke_token(session, token_id, actor=current_actor(), now=clock.now())
    flash(_("The token has ended"))
    return redirect(url_for("people.account"), 303)


@limiter.limit("10/minute")
@signed_in
def own_data() -> ResponseReturnValue:
    """Give everything that is held about one's account, as JSON."""
    own = _own_id()
    with reading() as session:
        held = queries.own_data(session, own)
        for heading, export in people().exports.items():
            held[heading] = export(session, own)
    answer = Response(
        json.dumps(held, ensure_ascii=False, indent=1, default=str), mimetype="application/json"
    )
    answer.headers["Content-Disposition"] = "attachment; filename=my-data.json"
    return answer


@limiter.limit("10/minute")
@in_person
@signed_in
def close() -> ResponseReturnValue:
    """Close the account for good."""
    form = CloseForm()
    if not form.validate_on_submit():
        return _page(close=form), 400
    try:
        with transaction() as session:
            services.erase_account(session, actor=current_actor(), now=clock.now())
    except Refused as refusal:
        form.refuse(refusal)
        return _page(close=form), refusal.status
    end_session()
    flash(_("Your account is closed"))
    return redirect(url_for("people.sign_in"), 303)


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    post = ["POST"]
    bp.add_url_rule("/me/account", "account", account)
    bp.add_url_rule("/me/account/profile", "change_profile", change_profile, methods=post)
    bp.add_url_rule("/me/account/password", "change_password", change_password, methods=post)
    bp.add_url_rule(
        "/me/account/devices/<int:sign_in_id>/end", "end_sign_in", end_sign_in, methods=post
    )
    bp.add_url_rule("/me/account/tokens", "issue_token", issue_token, methods=post)
    bp.add_url_rule("/me/account/tokens/<int:token_id>/end", "end_token", end_token, methods=post)
    bp.add_url_rule("/me/account/data.json", "own_data", own_data)
    bp.add_url_rule("/me/account/close", "close", close, methods=post)


def _own_id() -> int:
    own = current_actor().id
    if own is None:
        raise NotSignedIn("Please sign in first")
    return own


def _page(*, secret: str | None = None, **filled: PeopleForm) -> str:
    user, now = caller(), clock.now()
    if user is None:
        raise NotSignedIn("Please sign in first")
    with reading() as session:
        row = queries.account_of(session, user.visitor.account_id)
        if row is None:
            raise NotFound("There is no such account")
        sign_ins = queries.sign_ins_of(session, row.id, now=now)
        tokens = queries.tokens_of(session, row.id)
    profile = filled.get("profile") or ProfileForm(
        formdata=None, display_name=row.display_name, language=row.language
    )
    return render_template(
        "people/account.html",
        account=row,
        sign_ins=sign_ins,
        this_sign_in=user.visitor.sign_in_id,
        tokens=tokens,
        may_issue=user.visitor.actor.can(Can.ISSUE_TOKENS),
        roles=user.roles,
        profile=profile,
        change=filled.get("change") or ChangeForm(formdata=None),
        token=filled.get("token") or TokenForm(formdata=None),
        close=filled.get("close") or CloseForm(formdata=None),
        secret=secret,
        landing=landing(),
    )
