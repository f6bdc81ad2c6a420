"""The transparency log for those who run it: how far it is, what waits, keys and witnesses."""

from datetime import timedelta

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin.door import bp
from admin.forms import WitnessForm
from foundation import clock
from foundation.errors import BadInput
from foundation.web import reading, transaction
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.log import proofs
from traceability.log.models import EVENTS
from traceability.log.services import add_witness, remove_witness


@bp.get("/log")
@requires(Can.OPERATE)
def log() -> ResponseReturnValue:
    """Show how long the log is, what waits for it, who signs it and who watches it."""
    with reading() as session:
        return _page(session, WitnessForm())


def _page(session: Session, form: WitnessForm, refusal: BadInput | None = None) -> str:
    queue = proofs.queue(session)
    waited = clock.now() - queue.oldest if queue.oldest else timedelta()
    return render_template(
        "admin/log.html",
        checkpoint=proofs.newest_or_none(session, EVENTS),
        queue=queue,
        waited=int(waited.total_seconds()),
        late=waited > proofs.LATE,
        keys=proofs.keys(session),
        witnesses=proofs.witnesses(session),
        form=form,
        refusal=refusal,
    )


@bp.post("/log/witnesses")
@requires(Can.OPERATE)
def log_witness() -> ResponseReturnValue:
    """Accept a witness's cosignatures from now on."""
    form = WitnessForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                add_witness(session, form.vkey.data or "", actor=current_actor(), now=clock.now())
        except BadInput as refusal:
            with reading() as session:
                return _page(session, form, refusal), refusal.status
        flash(gettext("Cosignatures of this witness are accepted now"), "success")
        return redirect(url_for("admin.log"))
    with reading() as session:
        return _page(session, form), 400


@bp.post("/log/witnesses/<int:witness_id>/remove")
@requires(Can.OPERATE)
def log_witness_removed(witness_id: int) -> ResponseReturnValue:
    """Accept no more cosignatures of a witness."""
    with transaction() as session:
        remove_witness(session, witness_id, actor=current_actor(), now=clock.now())
    flash(gettext("Cosignatures of this witness are no longer accepted"), "success")
    return redirect(url_for("admin.log"))
