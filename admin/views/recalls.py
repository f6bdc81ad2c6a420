"""Recalls: the list, trying one out, announcing it, seeing it through, ending it."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file, csv_stream
from admin.figures import local
from admin.forms import EndRecallForm, RecallForm, ScopeAsked, read_deed, read_scope
from admin.queries.lots import within_reach
from admin.queries.recalls import acts_of, by_place, one_recall, totals
from foundation import clock
from foundation.errors import NotAllowed, NotFound, Refused
from foundation.web import reading, transaction, wants_json
from insight.alerts.queries import recalls as found_recalls
from insight.reach import EVERYWHERE, Reach
from insight.recalls.queries import buyers_of, items_of, sold_lines, told_of
from insight.recalls.report import report_of
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.recalls.acts import Deed, note_act
from traceability.recalls.codes import find_target
from traceability.recalls.queries import Impact, affected_by, affected_of, impact_of, recall_by_id
from traceability.recalls.rules import Announcement, Target
from traceability.recalls.services import announce, drill, end_recall, must_recall


@bp.get("/recalls")
@requires(Can.SEE_LOT_JOURNEY)
def recalls() -> ResponseReturnValue:
    """List recalls and what each still has to reach."""
    within = reach()
    state = request.args.get("state", "")
    with reading() as session:
        found = found_recalls(session, within, standing=state == "standing")
    return render_template(
        "admin/recalls.html",
        recalls=[one for one in found if state != "ended" or one.closed_at],
        state=state,
        within=within,
        today=clock.business_date(clock.now()),
        may_recall=current_actor().can(Can.RECALL),
        export=url_for("admin.recalls_csv"),
    )


@bp.get("/recalls.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def recalls_csv() -> ResponseReturnValue:
    """Give the recalls as a file."""
    header = [
        gettext("No."),
        gettext("Scope"),
        gettext("Level"),
        gettext("Product"),
        gettext("Lot"),
        gettext("Reason"),
        gettext("Since"),
        gettext("Due"),
        gettext("Ended"),
        gettext("Lots"),
        gettext("On shelves"),
        gettext("Outlets"),
        gettext("Elsewhere"),
        gettext("Sold"),
    ]
    with reading() as session:
        rows = [
            [
                one.number,
                words.word(words.SCOPE_NAMES, one.scope),
                one.level,
                local(one),
                one.lot_no or one.paper or "",
                local(one, "reason"),
                one.opened_at,
                one.due_on,
                one.closed_at,
                one.lots,
                one.on_shelves,
                one.outlets,
                one.elsewhere,
                one.sold,
            ]
            for one in found_recalls(session, reach())
        ]
    return csv_file("recalls", header, rows)


@bp.get("/recalls/new")
@requires(Can.RECALL)
def recall_new() -> ResponseReturnValue:
    """Ask what is to be recalled; once that is known, show how far it would reach."""
    asked = read_scope(request.args)
    if not asked.code:
        return render_template("admin/recall_new.html", asked=asked, found=None, refusal=None)
    return _preview(asked, RecallForm())


def _preview(
    asked: ScopeAsked, form: RecallForm, refusal: str | None = None
) -> ResponseReturnValue:
    actor = current_actor()
    try:
        with reading() as session:
            target = _target(session, asked)
            must_recall(session, target, actor=actor)
            found = _shown(session, target)
    except NotAllowed:
        raise
    except Refused as not_found:
        sentence = words.sentence(not_found)
        page = render_template("admin/recall_new.html", asked=asked, found=None, refusal=sentence)
        return page, not_found.status
    page = render_template(
        "admin/recall_new.html", asked=asked, found=found, form=form, refusal=refusal
    )
    return page, 409 if refusal else 400 if form.errors else 200


def _target(session: Session, asked: ScopeAsked) -> Target:
    return find_target(session, asked.code, asked.scope, since=asked.since, until=asked.until)


def _shown(session: Session, target: Target) -> dict[str, Any]:
    impact = impact_of(session, affected_by(session, target))
    return _described(session, impact) | {"target": target}


def _described(
    session: Session, impact: Impact, buyers_within: Reach = EVERYWHERE
) -> dict[str, Any]:
    within = reach()
    lots = [*impact.lots, *(lot.id for lot in impact.upstream)]
    return {
        "impact": impact,
        "buyers": buyers_of(session, impact.affected, buyers_within),
        "links": {
            lot_id: url_for("admin.lot", lot_id=lot_id)
            for lot_id in within_reach(session, lots[:5000], within)
        },
    }


@bp.post("/recalls/new")
@requires(Can.RECALL)
def recall_announce() -> ResponseReturnValue:
    """Announce a recall: selling, promising and shipping stop in this transaction."""
    asked, form = read_scope(request.form), RecallForm()
    if not form.validate_on_submit():
        return _preview(asked, form)
    try:
        with transaction() as session:
            announcement = Announcement(
                _target(session, asked),
                int(form.level.data or 2),
                form.reason_zh.data or "",
                form.reason_en.data or "",
            )
            made = announce(session, announcement, actor=current_actor(), now=clock.now())
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _preview(asked, form, words.sentence(refusal))
    flash(gettext("Recall %(number)s stands; selling has stopped", number=made.number), "success")
    return redirect(url_for("admin.recall_page", recall_id=made.id), 303)


@bp.post("/recalls/drill")
@requires(Can.RECALL)
def recall_drill() -> ResponseReturnValue:
    """Try a recall out: the same reach as a report to print or to keep; nothing changes."""
    asked, now = read_scope(request.form), clock.now()
    with transaction() as session:
        target = _target(session, asked)
        impact = drill(session, target, actor=current_actor(), now=now)
        found = _described(session, impact) | {"target": target}
    report = report_of(target, impact, found["buyers"], now=now, drill=True)
    if wants_json() or request.form.get("as") == "json":
        answer = jsonify(report)
        answer.headers["Content-Disposition"] = 'attachment; filename="recall-drill.json"'
        return answer
    return render_template(
        "admin/recall_drill.html", asked=asked, found=found, report=report, now=now
    )


@bp.get("/recalls/<int:recall_id>")
@requires(Can.SEE_LOT_JOURNEY)
def recall_page(recall_id: int) -> ResponseReturnValue:
    """Show a recall: how far it has got at every place, who bought, who was told."""
    return _page(recall_id, EndRecallForm())


def _page(
    recall_id: int,
    form: EndRecallForm,
    refusal: str | None = None,
    said: str | None = None,
) -> str:
    within, actor = reach(), current_actor()
    with reading() as session:
        head = one_recall(session, recall_id, within)
        recall = recall_by_id(session, recall_id)
        impact = impact_of(session, affected_of(session, recall), recall_id)
        whole = within.covers(head.county_code)
        rows = by_place(impact, within, whole=whole)
        chosen = request.values.get("place", "")
        return render_template(
            "admin/recall.html",
            head=head,
            recall=recall,
            rows=rows,
            sums=totals(rows),
            at=next((row for row in rows if str(row.place.id) == chosen), None),
            acts=acts_of(session, recall_id, [row.place.id for row in rows]),
            told=told_of(session, recall_id),
            whole=whole,
            within=within,
            today=clock.business_date(clock.now()),
            form=form,
            refusal=refusal,
            said=said,
            key=uuid4().hex,
            may_act=actor.can(Can.RECALL) and recall.outcome != "lifted",
            may_end=actor.can(Can.END_RECALL) and recall.closed_at is None,
            **_described(session, impact, EVERYWHERE if whole else within),
        )


@bp.post("/recalls/<int:recall_id>/acts")
@requires(Can.RECALL)
def recall_act(recall_id: int) -> ResponseReturnValue:
    """Note what was done with recalled goods at a place."""
    asked = read_deed(request.form)
    try:
        with transaction() as session:
            one_recall(session, recall_id, reach())
            deed = Deed(
                asked.key or uuid4().hex,
                recall_id,
                asked.place_id,
                asked.lot_id,
                asked.act,
                asked.quantity,
                asked.serials,
            )
            note_act(session, deed, actor=current_actor(), now=clock.now())
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        page = _page(recall_id, EndRecallForm(formdata=None), said=words.sentence(refusal))
        return page, refusal.status
    flash(gettext("What was done is noted"), "success")
    there = url_for("admin.recall_page", recall_id=recall_id, place=asked.place_id, _anchor="at")
    return redirect(there, 303)


@bp.post("/recalls/<int:recall_id>/end")
@requires(Can.END_RECALL)
def recall_end(recall_id: int) -> ResponseReturnValue:
    """End a recall: everything is accounted for, or it was a mistake."""
    form = EndRecallForm()
    if not form.validate_on_submit():
        return _page(recall_id, form), 400
    try:
        with transaction() as session:
            one_recall(session, recall_id, reach())
            end_recall(
                session,
                recall_id,
                form.outcome.data or "",
                form.reason.data or "",
                actor=current_actor(),
                now=clock.now(),
            )
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _page(recall_id, form, words.sentence(refusal)), refusal.status
    flash(gettext("The recall has ended"), "success")
    return redirect(url_for("admin.recall_page", recall_id=recall_id), 303)


@bp.get("/recalls/<int:recall_id>/progress.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def recall_progress_csv(recall_id: int) -> ResponseReturnValue:
    """Give how far each place has got as a file."""
    header = [
        gettext("Place"),
        gettext("Outlet"),
        gettext("Lot"),
        gettext("Product"),
        gettext("Unit"),
        gettext("Affected"),
        gettext("Set apart"),
        gettext("Sent back"),
        gettext("Destroyed"),
        gettext("Taken back"),
        gettext("Still open"),
    ]
    within = reach()
    with reading() as session:
        head = one_recall(session, recall_id, within)
        recall = recall_by_id(session, recall_id)
        impact = impact_of(session, affected_of(session, recall), recall_id)
        rows = [
            [
                local(row.place),
                row.place.outlet_code or "",
                impact.lots[spot.lot_id].lot_no,
                local(impact.lots[spot.lot_id]),
                impact.lots[spot.lot_id].base_unit,
                spot.affected,
                spot.quarantined,
                spot.returned,
                spot.destroyed,
                spot.taken_back,
                spot.open,
            ]
            for row in by_place(impact, within, whole=within.covers(head.county_code))
            for spot in row.spots
        ]
    return csv_file(f"recall-{recall_id}-progress", header, rows)


@bp.get("/recalls/<int:recall_id>/sold.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def recall_sold_csv(recall_id: int) -> ResponseReturnValue:
    """Give every sold line as a file; lines of an inferred lot are in it and say so."""
    header = [
        gettext("Sale number"),
        gettext("Time"),
        gettext("Channel"),
        gettext("Outlet code"),
        gettext("Outlet"),
        gettext("Order number"),
        gettext("Product"),
        gettext("GTIN"),
        gettext("Lot"),
        gettext("Serial"),
        gettext("Quantity"),
        gettext("Unit"),
        gettext("Lot certainty"),
    ]
    within = reach()
    with reading() as session:
        one_recall(session, recall_id, within)

    def rows(session: Session) -> Iterable[list[object]]:
        recall = recall_by_id(session, recall_id)
        for line in sold_lines(session, affected_of(session, recall), within):
            yield [
                line.number,
                line.sold_at,
                words.word(words.CHANNELS, line.channel),
                line.outlet_code,
                local(line, "outlet"),
                line.order_ref or "",
                local(line),
                line.gtin,
                line.lot_no,
                line.serial or "",
                line.quantity,
                line.base_unit,
                words.word(words.CERTAINTIES, line.lot_certainty),
            ]

    return csv_stream(f"recall-{recall_id}-sold", header, rows)


@bp.get("/recalls/<int:recall_id>/items.csv")
@requires(Can.SEE_LOT_JOURNEY)
@requires(Can.EXPORT_DATA)
def recall_items_csv(recall_id: int) -> ResponseReturnValue:
    """Give every serialised item as a file; only to those whose goods or region it is."""
    header = [
        gettext("GTIN"),
        gettext("Lot"),
        gettext("Serial"),
        gettext("State"),
        gettext("Place"),
    ]
    within = reach()
    with reading() as session:
        head = one_recall(session, recall_id, within)
    if not within.covers(head.county_code):
        raise NotAllowed("You may not do this here")

    def rows(session: Session) -> Iterable[list[object]]:
        recall = recall_by_id(session, recall_id)
        for item in items_of(session, affected_of(session, recall)):
            yield [
                item.gtin,
                item.lot_no,
                item.serial,
                words.word(words.ITEM_STATES, item.state),
                local(item, "place"),
            ]

    return csv_stream(f"recall-{recall_id}-items", header, rows)
