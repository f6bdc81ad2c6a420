"""Partner access for the office: every organisation's systems."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.door import bp
from foundation import clock
from foundation.errors import Refused
from foundation.web import reading, transaction
from parties.network.models import Organisation
from parties.people.guards import current_actor, requires
from parties.people.login import in_person
from parties.people.permissions import Can
from parties.people.services import issue_system_token, revoke_token
from traceability.epcis.queries.partners import partner_access
from traceability.partners.forms import SCOPE_WORDS, SystemTokenForm

ROLES = ("supplier", "outlet_operator", "platform_operator", "buyer")
"""Organisations whose systems may be let in."""


def _form(session: Session) -> SystemTokenForm:
    english = str(get_locale()) == "en"
    rows = session.scalars(
        select(Organisation).where(Organisation.role.in_(ROLES)).order_by(Organisation.code)
    )
    return SystemTokenForm.offering(
        [(row.id, (english and row.name_en) or row.name_zh) for row in rows]
    )


def _page(
    form: SystemTokenForm | None = None,
    *,
    secret: str | None = None,
    refusal: Refused | None = None,
) -> str:
    with reading() as session:
        return render_template(
            "admin/partners.html",
            found=partner_access(session, None),
            form=form or _form(session),
            words=SCOPE_WORDS,
            secret=secret,
            refusal=gettext(refusal.text) if refusal else None,
        )


@bp.get("/partners")
@in_person
@requires(Can.OPERATE)
def partners() -> ResponseReturnValue:
    """Show tokens, captures and subscriptions."""
    return _page()


@bp.post("/partners/tokens")
@in_person
@requires(Can.OPERATE)
def make_system_token() -> ResponseReturnValue:
    """Make a token for an organisation and show it this once."""
    with reading() as session:
        form = _form(session)
    if not form.validate_on_submit():
        return _page(form), 400
    try:
        with transaction() as session:
            secret = issue_system_token(
                session,
                form.organisation.data,
                form.label.data or "",
                form.scopes.data or (),
                actor=current_actor(),
                now=clock.now(),
            )
    except Refused as refusal:
        return _page(form, refusal=refusal), refusal.status
    return _page(secret=secret)  # no redirect: the secret is nowhere else


@bp.post("/partners/tokens/<int:token_id>/end")
@in_person
@requires(Can.OPERATE)
def end_system_token(token_id: int) -> ResponseReturnValue:
    """End a token, and with it the subscriptions that it made."""
    with transaction() as session:
        revoke_token(session, token_id, actor=current_actor(), now=clock.now())
    flash(gettext("The token has ended"), "success")
    return redirect(url_for("admin.partners"), 303)
