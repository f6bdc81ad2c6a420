"""Lots, and a lot's whole journey."""

from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file
from admin.figures import local
from admin.forms import LotFilter, RecallForm, read_lot_filter
from admin.journey import journey
from admin.queries.choices import choices, product_choices
from admin.queries.lots import lots as found_lots
from admin.queries.lots import one_lot
from foundation import clock
from foundation.errors import Refused
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from insight.alerts.rules import near_expiry
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can, Scope
from traceability.recalls.rules import Announcement, Target
from traceability.recalls.services import announce

PAGE = 50


def _args(asked: LotFilter) -> dict[str, Any]:
    found = asdict(asked)
    found["q"] = found.pop("text")
    found["raw"] = "1" if asked.raw else None
    return {name: value for name, value in found.items() if value}


@bp.get("/lots")
@requires(Can.SEE_LOT_JOURNEY)
def lots() -> ResponseReturnValue:
    """List lots by number, product, supplier or state."""
    today = clock.business_date(clock.now())
    asked = read_lot_filter(request.args)
    within = reach()
    with reading() as session:
        return render_template(
            "admin/lots.html",
            asked=asked,
            choices=choices(session, within),
            products=product_choices(session, within),
            page=page_of(
                session,
                found_lots(session, asked, within, today),
                number=asked_page(),
                size=PAGE,
            ),
            export=url_for("admin.lots_csv", **_args(asked)),
            today=today,
            near=near_expiry,
        )


@bp.get("/lots.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def lots_csv() -> ResponseReturnValue:
    """Give the lots as a file."""
    asked = read_lot_filter(request.args)
    header = [
        gettext("Lot"),
        gettext("Product"),
        gettext("Pack size"),
        gettext("Supplier"),
        gettext("County"),
        gettext("Produced on"),
        gettext("Best before"),
        gettext("Unit"),
        gettext("At the supplier"),
        gettext("In transit now"),
        gettext("On shelves"),
        gettext("Sold"),
        gettext("Recalled"),
    ]
    with reading() as session:
        query = found_lots(session, asked, reach(), clock.business_date(clock.now()))
        rows = [
            [
                row.lot_no,
                local(row, "raw") if row.raw else local(row),
                local(row, "spec"),
                local(row, "short"),
                local(row, "county"),
                row.produced_on,
                row.best_before,
                row.base_unit,
                int(row.at_supplier),
                int(row.in_transit),
                int(row.on_shelf),
                int(row.sold),
                gettext("yes") if row.recalled else gettext("no"),
            ]
            for row in session.execute(query)
        ]
    return csv_file("lots", header, rows)


@bp.get("/lots/<int:lot_id>")
@requires(Can.SEE_LOT_JOURNEY)
def lot(lot_id: int) -> ResponseReturnValue:
    """Show a lot's whole journey on one page."""
    return _lot_page(lot_id, RecallForm())


def _lot_page(lot_id: int, form: RecallForm, refusal: str | None = None) -> str:
    today = clock.business_date(clock.now())
    within = reach()
    with reading() as session:
        head = one_lot(session, lot_id, within)
        scope = Scope(organisation_id=head.supplier.id, county_code=head.supplier.county_code)
        return render_template(
            "admin/lot.html",
            j=journey(session, head, today),
            head=head,
            lot=head.lot,
            sku=head.sku,
            today=today,
            within=within,
            ever={
                "from": clock.business_date(head.lot.created_at).isoformat(),
                "to": today.isoformat(),
            },
            form=form,
            refusal=refusal,
            may_recall=current_actor().can(Can.RECALL, scope),
        )


@bp.post("/lots/<int:lot_id>/recall")
@requires(Can.RECALL)
def recall(lot_id: int) -> ResponseReturnValue:
    """Call a lot back, with everything made from it."""
    form = RecallForm()
    if not form.validate_on_submit():
        return _lot_page(lot_id, form), 400
    try:
        with transaction() as session:
            head = one_lot(session, lot_id, reach())
            asked = Announcement(
                Target("lot", head.lot.id),
                int(form.level.data or 2),
                form.reason_zh.data or "",
                form.reason_en.data or "",
            )
            made = announce(session, asked, actor=current_actor(), now=clock.now())
    except Refused as refusal:
        if refusal.status not in {400, 409}:
            raise
        return _lot_page(lot_id, form, words.sentence(refusal)), refusal.status
    flash(gettext("Recall %(number)s stands; selling has stopped", number=made.number), "success")
    return redirect(url_for("admin.lot", lot_id=lot_id))
