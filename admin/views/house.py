"""Minding the house: the audit trail, and messages that could not be delivered."""

from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from admin.door import bp
from admin.exports import csv_file
from admin.forms import AuditFilter, read_audit_filter
from admin.queries.audit import entries, roles_of, said
from foundation import clock
from foundation.outbox import dead_letters as given_up
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from insight.alerts.services import revive_message
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can

PAGE = 50
MOST_ROWS = 50_000


def _args(asked: AuditFilter) -> dict[str, Any]:
    found = asdict(asked)
    named = {
        "from": found["first"].isoformat() if found["first"] else None,
        "to": found["last"].isoformat() if found["last"] else None,
        "verb": found["verb"],
        "kind": found["object_type"],
        "object": found["object_id"],
        "actor": found["actor_id"],
    }
    return {name: value for name, value in named.items() if value}


@bp.get("/audit")
@requires(Can.SEE_AUDIT)
def audit() -> ResponseReturnValue:
    """List who did what to which object, and what changed."""
    asked = read_audit_filter(request.args)
    with reading() as session:
        page = page_of(session, entries(asked), number=asked_page(), size=PAGE, scalars=True)
        verbs, kinds = said(session)
        return render_template(
            "admin/audit.html",
            asked=asked,
            page=page,
            verbs=[(verb, verb) for verb in verbs],
            kinds=[(kind, kind) for kind in kinds],
            roles=roles_of(session, [e.actor_id for e in page.items if e.actor_id]),
            export=url_for("admin.audit_csv", **_args(asked)),
        )


@bp.get("/audit.csv")
@requires(Can.SEE_AUDIT)
@requires(Can.EXPORT_DATA)
def audit_csv() -> ResponseReturnValue:
    """Give the acts as a file, the newest ones where there are very many."""
    header = [
        gettext("Time"),
        gettext("Account no."),
        gettext("Act"),
        gettext("Kind of object"),
        gettext("Object"),
        gettext("Before"),
        gettext("After"),
    ]
    with reading() as session:
        rows = [
            [e.at, e.actor_id, e.verb, e.object_type, e.object_id, e.before or "", e.after or ""]
            for e in session.scalars(entries(read_audit_filter(request.args)).limit(MOST_ROWS))
        ]
    return csv_file("audit", header, rows)


@bp.get("/dead-letters")
@requires(Can.OPERATE)
def dead_letters() -> ResponseReturnValue:
    """List messages that were given up, with the reason."""
    with reading() as session:
        return render_template("admin/dead_letters.html", letters=given_up(session))


@bp.post("/dead-letters/<int:message_id>/again")
@requires(Can.OPERATE)
def send_letter_again(message_id: int) -> ResponseReturnValue:
    """Give a dead letter another life."""
    with transaction() as session:
        revive_message(session, message_id, actor=current_actor(), now=clock.now())
    flash(gettext("The message is on its way again"), "success")
    return redirect(url_for("admin.dead_letters"))
