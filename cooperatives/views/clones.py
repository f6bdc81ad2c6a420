"""Scans of one's own goods that do not fit, and codes for under a coating."""

from typing import Any

from flask import Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, show, tell
from cooperatives.forms.clones import close_form, scratch_form
from cooperatives.queries.lots import DeskLot, desk_lot
from foundation import clock
from foundation.errors import BadInput, NotAllowed, NotFound, Refused
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from goods.stock.models import Serial
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.clones.models import ScanAlarm
from traceability.clones.queries import AskedAlarms, alarm_of, alarm_rows
from traceability.clones.services import MOST_CODES, close_alarm, scratch_codes
from traceability.printing.queries import serials_between

PAGE_SIZE = 20


def kind_words() -> dict[str, str]:
    """Name what does not fit about scans."""
    return {
        "voided": gettext("Destroyed, and scanned"),
        "never_made": gettext("Number never given"),
        "many_devices": gettext("Many phones after the sale"),
        "scratched_again": gettext("Scratch code used again"),
        "scratch_guessed": gettext("Scratch codes guessed"),
        "wrong_lot": gettext("Code names another lot"),
        "far": gettext("Far from where it lies"),
        "not_sent": gettext("Still at the maker's"),
    }


def grade_words() -> dict[str, str]:
    """Name how grave it is."""
    return {"alarm": gettext("Grave"), "warn": gettext("Warning"), "info": gettext("Note")}


def _asked() -> AskedAlarms:
    return AskedAlarms(
        kind=door.asked("kind", 20) or None,
        grade=door.asked("grade", 8) or None,
        code=door.asked("q") or None,
        closed=request.args.get("closed") == "1",
    )


def _rows(permission: Can = Can.SEE_SUPPLIER_DESK) -> Select[Any]:
    return alarm_rows(_asked()).where(ScanAlarm.organisation_id.in_(own(permission)))


@blueprint.get("/scan-alarms")
@requires(Can.SEE_SUPPLIER_DESK)
def scan_alarms() -> ResponseReturnValue:
    """List the alarms that scans of one's own goods raised."""
    with reading() as session:
        return _list(session)


def _list(session: Session, refused: tuple[int, Refused] | None = None) -> str:
    page = page_of(session, _rows(), number=asked_page(), size=PAGE_SIZE)
    forms = {}
    if current_actor().can(Can.RECORD_LOT):
        forms = {
            row.id: close_form(row.id)
            for row in page.items
            if row.grade != "alarm" and not row.closed_at
        }
    if refused is not None and refused[0] in forms:
        forms[refused[0]].refuse(refused[1])
    return show(
        session,
        "scan_alarms.html",
        section="me",
        page=page,
        forms=forms,
        kinds=kind_words(),
        grades=grade_words(),
    )


@blueprint.get("/scan-alarms.csv")
@requires(Can.SEE_SUPPLIER_DESK)
def scan_alarms_csv() -> ResponseReturnValue:
    """Give the list as a file, narrowed as on the page."""
    kinds, grades = kind_words(), grade_words()
    with reading() as session:
        rows = [
            (
                grades[row.grade],
                kinds[row.kind],
                door.named(row),
                row.lot_no,
                row.serial or row.figures.get("serial"),
                row.times,
                row.figures.get("devices"),
                row.first_at,
                row.last_at,
                row.closed_note,
            )
            for row in session.execute(_rows().limit(door.MOST_ROWS))
        ]
    header = [
        gettext("How grave"),
        gettext("What does not fit"),
        gettext("Goods"),
        gettext("Lot number"),
        gettext("Number of the pack"),
        gettext("Scans"),
        gettext("Devices"),
        gettext("First scan"),
        gettext("Last scan"),
        gettext("What you found out"),
    ]
    return door.csv_answer("scan-alarms", header, rows)


@blueprint.post("/scan-alarms/<int:alarm_id>")
@requires(Can.RECORD_LOT)
def close_scan_alarm(alarm_id: int) -> ResponseReturnValue:
    """Close an alarm with what was found out."""
    form = close_form(alarm_id)
    try:
        with transaction() as session:
            alarm_of(session, alarm_id, own(Can.RECORD_LOT))
            close_alarm(
                session, alarm_id, form.note.data or "", actor=current_actor(), now=clock.now()
            )
    except (NotFound, NotAllowed):
        raise
    except Refused as refusal:
        with reading() as session:
            return _list(session, (alarm_id, refusal)), refusal.status
    tell(gettext("Settled. The officials see your note too."))
    return redirect(url_for("cooperatives.scan_alarms"), 303)


@blueprint.get("/lots/<int:lot_id>/scratch")
@requires(Can.PRINT_LABELS)
def lot_scratch(lot_id: int) -> ResponseReturnValue:
    """Ask for which packs of a lot codes under a coating are made."""
    with reading() as session:
        found = desk_lot(session, own(Can.PRINT_LABELS), lot_id)
        return _scratch(session, found, scratch_form(*_range(session, lot_id)))


def _range(session: Session, lot_id: int) -> tuple[str, str]:
    first, last = session.execute(
        select(func.min(Serial.serial), func.max(Serial.serial)).where(Serial.lot_id == lot_id)
    ).one()
    return first or "", last or ""


def _scratch(session: Session, found: DeskLot, form: Any) -> str:
    return show(session, "lot_scratch.html", section="lots", found=found, form=form)


@blueprint.post("/lots/<int:lot_id>/scratch")
@requires(Can.PRINT_LABELS)
def make_scratch(lot_id: int) -> ResponseReturnValue:
    """Make codes and give them as a file, once: only their hashes are kept."""
    form = scratch_form("", "")
    first = (form.first.data or "").strip().upper()
    last = (form.last.data or "").strip().upper()
    secret: str = current_app.config["SECRET_KEY"]
    try:
        with transaction() as session:
            found = desk_lot(session, own(Can.PRINT_LABELS), lot_id)
            serials = serials_between(session, lot_id, first, last, MOST_CODES)
            if not serials or serials[0] != first or serials[-1] != last:
                raise BadInput("These are not numbers of this lot", field="first")
            if len(serials) > MOST_CODES:
                raise BadInput(
                    "Choose between 1 and %(most)s labels to print at a time.",
                    field="last",
                    most=MOST_CODES,
                )
            made = scratch_codes(
                session,
                found.lot,
                serials,
                secret=secret,
                actor=current_actor(),
                now=clock.now(),
            )
            if not made:
                raise BadInput("Each of these packs has been proven already", field="first")
    except (NotFound, NotAllowed):
        raise
    except Refused as refusal:
        form.refuse(refusal)
        with reading() as session:
            found = desk_lot(session, own(Can.PRINT_LABELS), lot_id)
            return _scratch(session, found, form), refusal.status
    return _codes(f"scratch-{found.lot.lot_no}", made)


def _codes(name: str, made: dict[str, str]) -> Response:
    header = [gettext("Number of the pack"), gettext("Code under the coating")]
    answer = door.csv_answer(name, header, list(made.items()))
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
