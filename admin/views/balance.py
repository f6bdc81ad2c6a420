"""A lot's mass balance, and the list of what does not add up."""

from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file
from admin.figures import local
from admin.forms import SettleForm, text_of
from admin.queries.choices import choices
from admin.queries.lots import one_lot, within_reach
from foundation import clock
from foundation.errors import NotAllowed, NotFound, Refused
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from insight.alerts.discrepancies import Asked, discrepancy_rows, one_discrepancy
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.balance.picture import picture_of
from traceability.balance.queries import lot_balance
from traceability.balance.services import settle_discrepancy

PAGE = 50
MOST_ROWS = 50_000


@bp.get("/lots/<int:lot_id>/balance")
@requires(Can.SEE_LOT_JOURNEY)
def balance(lot_id: int) -> ResponseReturnValue:
    """Show what came into a lot, what went out, and what nobody can explain."""
    within = reach()
    with reading() as session:
        head = one_lot(session, lot_id, within)
        found = lot_balance(session, lot_id)
        others = {stream.lot.id for stream in (*found.inflows, *found.outflows) if stream.lot}
        links = {
            one: url_for("admin.balance", lot_id=one)
            for one in within_reach(session, others, within)
        }
    return render_template(
        "admin/balance.html",
        head=head,
        lot=head.lot,
        balance=found,
        picture=picture_of(found),
        links=links,
    )


def _asked() -> Asked:
    return Asked(
        kind=text_of(request.args, "kind"),
        county=text_of(request.args, "county"),
        supplier=text_of(request.args, "supplier"),
        lot_no=text_of(request.args, "lot"),
        settled=request.args.get("settled") == "1",
    )


def _args(asked: Asked) -> dict[str, Any]:
    found = asdict(asked)
    found["lot"] = found.pop("lot_no")
    found["settled"] = "1" if asked.settled else None
    return {name: value for name, value in found.items() if value}


@bp.get("/discrepancies")
@requires(Can.SEE_LOT_JOURNEY)
def discrepancies() -> ResponseReturnValue:
    """List where goods are out and the books do not add up."""
    asked, within = _asked(), reach()
    with reading() as session:
        return render_template(
            "admin/discrepancies.html",
            asked=asked,
            page=page_of(session, discrepancy_rows(asked, within), number=asked_page(), size=PAGE),
            choices=choices(session, within),
            within=within,
            may_settle=current_actor().can(Can.RECALL),
            export=url_for("admin.discrepancies_csv", **_args(asked)),
        )


@bp.get("/discrepancies.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def discrepancies_csv() -> ResponseReturnValue:
    """Give the list as a file."""
    header = [
        gettext("Noted"),
        gettext("Kind"),
        gettext("Product"),
        gettext("Lot"),
        gettext("Supplier"),
        gettext("Outlet"),
        gettext("Off by"),
        gettext("Unit"),
        gettext("Used"),
        gettext("Made"),
        gettext("Yield in per cent"),
        gettext("Looked into by"),
        gettext("Settled"),
        gettext("What was found out"),
    ]
    with reading() as session:
        rows = [
            [
                row.noted_at,
                words.word(words.DISCREPANCIES, row.kind),
                local(row),
                row.lot_no,
                local(row, "short"),
                local(row, "outlet") if row.code else "",
                row.quantity,
                row.base_unit,
                row.figures.get("used"),
                row.figures.get("made"),
                row.figures.get("percent"),
                local(row, "owner") if row.owner_code else "",
                row.settled_at,
                row.settled_note,
            ]
            for row in session.execute(discrepancy_rows(_asked(), reach()).limit(MOST_ROWS))
        ]
    return csv_file("discrepancies", header, rows)


@bp.get("/discrepancies/<int:discrepancy_id>")
@requires(Can.RECALL)
def discrepancy(discrepancy_id: int) -> ResponseReturnValue:
    """Show one discrepancy, to be settled."""
    return _page(discrepancy_id, SettleForm())


def _page(discrepancy_id: int, form: SettleForm, refusal: str | None = None) -> str:
    within = reach()
    with reading() as session:
        found = one_discrepancy(session, discrepancy_id, within)
        asked = Asked(settled=found.settled_at is not None, id=found.id)
        row = session.execute(discrepancy_rows(asked, within)).one()
    return render_template(
        "admin/discrepancy.html", row=row, form=form, refusal=refusal, within=within
    )


@bp.post("/discrepancies/<int:discrepancy_id>")
@requires(Can.RECALL)
def settle(discrepancy_id: int) -> ResponseReturnValue:
    """Settle a discrepancy with what was found out."""
    form = SettleForm()
    if not form.validate_on_submit():
        return _page(discrepancy_id, form), 400
    try:
        with transaction() as session:
            found = one_discrepancy(session, discrepancy_id, reach())
            settle_discrepancy(
                session, found.id, form.note.data or "", actor=current_actor(), now=clock.now()
            )
    except (NotFound, NotAllowed):
        raise
    except Refused as refusal:
        return _page(discrepancy_id, form, words.sentence(refusal)), refusal.status
    flash(gettext("Settled"), "success")
    return redirect(url_for("admin.discrepancies"), 303)
