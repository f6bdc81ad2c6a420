"""Partner access: the tokens of the desk's own systems, what they sent, whom they want told."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, show
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


def _form(session: Session) -> SystemTokenForm:
    ids = own(Can.MANAGE_PARTNERS)
    query = select(Organisation).where(Organisation.id.in_(ids)).order_by(Organisation.id)
    choices = [(row.id, door.named(row, "short")) for row in session.scalars(query)]
    return SystemTokenForm.offering(choices)


def _page(
    form: SystemTokenForm | None = None,
    *,
    secret: str | None = None,
    refusal: Refused | None = None,
) -> str:
    with reading() as session:
        return show(
            session,
            "partners.html",
            section="me",
            found=partner_access(session, sorted(own(Can.MANAGE_PARTNERS))),
            form=form or _form(session),
            words=SCOPE_WORDS,
            secret=secret,
            refusal=door.say(refusal) if refusal else None,
        )


@blueprint.get("/partners")
@in_person
@requires(Can.MANAGE_PARTNERS)
def partner_systems() -> ResponseReturnValue:
    """Show tokens, captures and subscriptions."""
    return _page()


@blueprint.post("/partners/tokens")
@in_person
@requires(Can.MANAGE_PARTNERS)
def make_system_token() -> ResponseReturnValue:
    """Make a token and show it this once."""
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


@blueprint.post("/partners/tokens/<int:token_id>/end")
@in_person
@requires(Can.MANAGE_PARTNERS)
def end_system_token(token_id: int) -> ResponseReturnValue:
    """End a token, and with it the subscriptions that it made."""
    with transaction() as session:
        revoke_token(session, token_id, actor=current_actor(), now=clock.now())
    door.tell(gettext("The token has ended"))
    return redirect(url_for("cooperatives.partner_systems"), 303)
