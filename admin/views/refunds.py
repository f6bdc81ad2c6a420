"""Money on its way back: what the payment provider has still to do, and what it would not do."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin import words
from admin.door import bp
from admin.exports import csv_file, fen
from foundation import clock
from foundation.paging import Page
from foundation.web import asked_page, reading, transaction
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from trade.orders.queries.troubles import STATES, refund_counts, refunds_in
from trade.orders.services.refunds import retry_refund

PAGE, MOST_ROWS = 50, 50_000


def _asked_state() -> str:
    asked = request.args.get("state", "")
    return asked if asked in STATES else STATES[0]


def _page(session: Session, state: str, number: int, size: int) -> Page:
    return refunds_in(session, (state,), page=number, size=size, actor=current_actor())


@bp.get("/refunds")
@requires(Can.REFUND)
def refunds() -> ResponseReturnValue:
    """List refunds by state, those that failed first of all."""
    state = _asked_state()
    with reading() as session:
        return render_template(
            "admin/refunds.html",
            state=state,
            counts=refund_counts(session, actor=current_actor()),
            page=_page(session, state, asked_page(), PAGE),
            export=url_for("admin.refunds_csv", state=state),
        )


@bp.get("/refunds.csv")
@requires(Can.REFUND)
@requires(Can.EXPORT_DATA)
def refunds_csv() -> ResponseReturnValue:
    """Give the refunds of one state as a file."""
    header = [
        gettext("Order number"),
        gettext("Amount (yuan)"),
        gettext("Reason"),
        gettext("State"),
        gettext("Asked for"),
        gettext("Given back at"),
        gettext("Attempts"),
        gettext("Last error"),
    ]
    with reading() as session:
        rows = [
            [
                row.order_number,
                fen(row.refund.amount_fen),
                words.word(words.REFUND_REASONS, row.refund.reason),
                words.word(words.REFUND_STATES, row.refund.state),
                row.refund.asked_at,
                row.refund.done_at,
                row.refund.attempts,
                row.refund.last_error,
            ]
            for row in _page(session, _asked_state(), 1, MOST_ROWS).items
        ]
    return csv_file("refunds", header, rows)


@bp.post("/refunds/<uuid:refund_id>/again")
@requires(Can.REFUND)
def refund_again(refund_id: UUID) -> ResponseReturnValue:
    """Have a refund that failed tried once more."""
    with transaction() as session:
        retry_refund(session, refund_id, actor=current_actor(), now=clock.now())
    flash(gettext("The refund is tried again now"), "success")
    return redirect(url_for("admin.refunds"), 303)
