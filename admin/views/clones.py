"""Scans that do not fit, and codes that lead nowhere."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Row
from sqlalchemy.orm import Session

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file
from admin.figures import local
from admin.forms import SettleForm, text_of
from admin.queries.choices import choices
from foundation import clock
from foundation.errors import NotAllowed, NotFound, Refused
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from insight.alerts.scan_alarms import one_scan_alarm, scan_alarm_rows
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.clones.models import Scan
from traceability.clones.queries import AskedAlarms, scans_by_area
from traceability.clones.services import close_alarm

PAGE = 50
MOST_ROWS = 50_000
DAYS = (7, 30, 90, 365)


def _asked() -> AskedAlarms:
    return AskedAlarms(
        kind=text_of(request.args, "kind"),
        grade=text_of(request.args, "grade"),
        supplier=text_of(request.args, "supplier"),
        county=text_of(request.args, "county"),
        code=text_of(request.args, "code"),
        closed=request.args.get("closed") == "1",
    )


def _args(asked: AskedAlarms) -> dict[str, Any]:
    found = asdict(asked) | {"closed": "1" if asked.closed else None}
    return {name: value for name, value in found.items() if value}


@bp.get("/scan-alarms")
@requires(Can.SEE_LOT_JOURNEY)
def scan_alarms() -> ResponseReturnValue:
    """List the alarms that scans raised."""
    asked, within = _asked(), reach()
    with reading() as session:
        return render_template(
            "admin/scan_alarms.html",
            asked=asked,
            page=page_of(session, scan_alarm_rows(asked, within), number=asked_page(), size=PAGE),
            choices=choices(session, within),
            within=within,
            may_close=current_actor().can(Can.RECALL),
            export=url_for("admin.scan_alarms_csv", **_args(asked)),
        )


@bp.get("/scan-alarms.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def scan_alarms_csv() -> ResponseReturnValue:
    """Give the list as a file."""
    header = [
        gettext("How grave"),
        gettext("Kind"),
        gettext("Product"),
        gettext("Lot"),
        gettext("Serial"),
        "GTIN",
        gettext("Supplier"),
        gettext("Looked into by"),
        gettext("Scans"),
        gettext("Devices"),
        gettext("First scan"),
        gettext("Last scan"),
        gettext("Settled"),
        gettext("What was found out"),
    ]
    with reading() as session:
        rows = [
            [
                words.word(words.SCAN_GRADES, row.grade),
                words.word(words.SCAN_ALARMS, row.kind),
                local(row),
                row.lot_no,
                row.serial or row.figures.get("serial"),
                row.gtin,
                local(row, "short"),
                local(row, "owner") if row.county_code else "",
                row.times,
                row.figures.get("devices"),
                row.first_at,
                row.last_at,
                row.closed_at,
                row.closed_note,
            ]
            for row in session.execute(scan_alarm_rows(_asked(), reach()).limit(MOST_ROWS))
        ]
    return csv_file("scan-alarms", header, rows)


@bp.get("/scan-alarms/<int:alarm_id>")
@requires(Can.RECALL)
def scan_alarm(alarm_id: int) -> ResponseReturnValue:
    """Show one alarm, to be closed."""
    return _page(alarm_id, SettleForm())


def _page(alarm_id: int, form: SettleForm, refusal: str | None = None) -> str:
    within = reach()
    with reading() as session:
        found = one_scan_alarm(session, alarm_id, within)
        asked = AskedAlarms(closed=found.closed_at is not None)
        query = scan_alarm_rows(asked, within).where(type(found).id == alarm_id)
        row = session.execute(query).one()
    return render_template(
        "admin/scan_alarm.html", row=row, form=form, refusal=refusal, within=within
    )


@bp.post("/scan-alarms/<int:alarm_id>")
@requires(Can.RECALL)
def close_scan_alarm(alarm_id: int) -> ResponseReturnValue:
    """Close an alarm with what was found out."""
    form = SettleForm()
    if not form.validate_on_submit():
        return _page(alarm_id, form), 400
    try:
        with transaction() as session:
            found = one_scan_alarm(session, alarm_id, reach())
            close_alarm(
                session, found.id, form.note.data or "", actor=current_actor(), now=clock.now()
            )
    except (NotFound, NotAllowed):
        raise
    except Refused as refusal:
        return _page(alarm_id, form, words.sentence(refusal)), refusal.status
    flash(gettext("Settled"), "success")
    return redirect(url_for("admin.scan_alarms"), 303)


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked in {str(each) for each in DAYS} else 30


def _counted(session: Session, days: int) -> Sequence[Row[Any]]:
    """Count within reach; scans of which nobody said where are for the whole region's officials."""
    query = scans_by_area().where(reach().within(Scan.area))
    return session.execute(query, {"since": clock.now() - timedelta(days=days)}).all()


@bp.get("/scans")
@requires(Can.SEE_LOT_JOURNEY)
def scans() -> ResponseReturnValue:
    """Count by county how many scans led to an item and how many nowhere."""
    days = _days()
    with reading() as session:
        rows = _counted(session, days)
    return render_template(
        "admin/scans.html",
        rows=rows,
        days=days,
        choices=DAYS,
        export=url_for("admin.scans_csv", days=days),
    )


@bp.get("/scans.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def scans_csv() -> ResponseReturnValue:
    """Give the counts as a file."""
    header = [
        gettext("County"),
        gettext("Led to a pack"),
        gettext("Ours, but never recorded"),
        gettext("Somebody else's"),
        gettext("Unreadable"),
    ]
    with reading() as session:
        rows = [
            [words.area(row), row.item, row.unknown, row.foreign, row.unreadable]
            for row in _counted(session, _days())
        ]
    return csv_file("scans", header, rows)
