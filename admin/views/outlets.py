"""The registry of outlets, and one outlet."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file, fen
from admin.figures import local
from admin.forms import OutletFilter, StatusForm, named_period, read_outlet_filter
from admin.queries.choices import choices, operator_choices
from admin.queries.network import one_outlet, plan_targets, stands, stock_at
from admin.queries.network import outlets as registry
from foundation import clock
from foundation.errors import Refused
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from insight.alerts.rules import near_expiry
from insight.reach import EVERYWHERE
from insight.rollups.queries import days
from insight.rollups.rules import Slice
from parties.network.queries import current_plan, outlet_history
from parties.network.services import change_outlet_status
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can, Scope

PAGE = 50
LOOK = timedelta(days=29)


def _args(asked: OutletFilter, **changes: Any) -> dict[str, Any]:
    found = asdict(asked)
    found["q"] = found.pop("text")
    return {name: value for name, value in (found | changes).items() if value}


@bp.get("/outlets")
@requires(Can.SEE_DASHBOARD)
def outlets() -> ResponseReturnValue:
    """List the registry, with plan against reality above it."""
    today = clock.business_date(clock.now())
    asked = read_outlet_filter(request.args)
    within = reach()
    with reading() as session:
        plan = current_plan(session, today)
        standing = stands(session, within)
        return render_template(
            "admin/outlets.html",
            asked=asked,
            choices=choices(session, within),
            operators=operator_choices(session, within),
            page=page_of(
                session,
                registry(asked, within, since=today - LOOK, until=today),
                number=asked_page(),
                size=PAGE,
            ),
            progress=_progress(
                plan_targets(session, plan.id) if plan and within.whole else [], standing, asked
            ),
            export=url_for("admin.outlets_csv", **_args(asked)),
            since=today - LOOK,
            today=today,
            within=within,
        )


def _progress(
    targets: list[Any], standing: dict[tuple[str, str], dict[str, int]], asked: OutletFilter
) -> list[dict[str, Any]]:
    aims = {target.tier: target.count for target in targets}
    rows = []
    for tier in words.TIERS:
        sums = dict.fromkeys(words.STATUSES, 0)
        for (county, kind), statuses in standing.items():
            if kind == tier and asked.county in (None, county):
                for status, count in statuses.items():
                    sums[status] += count
        rows.append(
            {
                "tier": tier,
                "name": words.word(words.TIERS, tier),
                "aim": None if asked.county else aims.get(tier),
                "open": sums["open"],
                "statuses": [
                    (
                        status,
                        count,
                        url_for("admin.outlets", **_args(asked, tier=tier, status=status)),
                    )
                    for status, count in sums.items()
                ],
            }
        )
    return rows


@bp.get("/outlets.csv")
@requires(Can.SEE_DASHBOARD)
@requires(Can.EXPORT_DATA)
def outlets_csv() -> ResponseReturnValue:
    """Give the registry as a file."""
    today = clock.business_date(clock.now())
    asked = read_outlet_filter(request.args)
    header = [
        gettext("No."),
        gettext("GLN"),
        gettext("Registered name"),
        gettext("Tier"),
        gettext("County"),
        gettext("Operator"),
        gettext("On site or online"),
        gettext("Kind of counter"),
        gettext("Status"),
        gettext("Sold in 30 days, yuan"),
    ]
    with reading() as session:
        rows = [
            [
                row.code,
                row.gln,
                local(row),
                words.word(words.TIERS, row.tier),
                local(row, "county") if row.county_code else "",
                local(row, "short"),
                words.word(words.MODES, row.mode),
                words.word(words.COUNTER_TYPES, row.counter_type),
                words.word(words.STATUSES, row.status),
                fen(int(row.sold_fen)),
            ]
            for row in session.execute(registry(asked, reach(), since=today - LOOK, until=today))
        ]
    return csv_file("outlets", header, rows)


@bp.get("/outlets/<code>")
@requires(Can.SEE_DASHBOARD)
def outlet(code: str) -> ResponseReturnValue:
    """Show one outlet: where, whose, its history, sales and stock."""
    return _outlet_page(code, StatusForm())


def _outlet_page(code: str, form: StatusForm, refusal: str | None = None) -> str:
    now = clock.now()
    today = clock.business_date(now)
    year = named_period("12m", today)
    within = reach()
    with reading() as session:
        found, place, operator, county, town = one_outlet(session, code, within)
        scope = Scope(found.operator_id, found.place_id, found.county_code)
        sold = days(session, Slice(year.first, year.last, outlet=code), EVERYWHERE)
        recent = today - LOOK
        if form.on.data is None:
            form.on.data = today
        return render_template(
            "admin/outlet.html",
            outlet=found,
            place=place,
            operator=operator,
            county=county,
            town=town,
            history=outlet_history(session, found.place_id),
            stock=[
                (
                    row,
                    row.best_before is not None and row.best_before < today,
                    near_expiry(row.produced_on, row.best_before, today),
                )
                for row in stock_at(session, found.place_id)
            ],
            sold_year=sum(day.amount_fen for day in sold),
            sold_recent=sum(day.amount_fen for day in sold if day.day >= recent),
            pieces_recent=sum(day.quantity for day in sold if day.day >= recent),
            last_sale=max((day.day for day in sold), default=None),
            recent=recent,
            year=year,
            today=today,
            within=within,
            form=form,
            refusal=refusal,
            may_change=current_actor().can(Can.MANAGE_NETWORK, scope),
        )


@bp.post("/outlets/<code>/status")
@requires(Can.MANAGE_NETWORK)
def set_status(code: str) -> ResponseReturnValue:
    """Open, pause or close an outlet."""
    form = StatusForm()
    if not form.validate_on_submit() or form.on.data is None:
        return _outlet_page(code, form), 400
    now = clock.now()
    try:
        with transaction() as session:
            found = one_outlet(session, code, reach())[0]
            change_outlet_status(
                session,
                found.place_id,
                form.status.data,
                on=form.on.data,
                actor=current_actor(),
                now=now,
            )
    except Refused as refusal:
        if refusal.status != 400:  # noqa: PLR2004 -- only bad input is shown at the form
            raise
        return _outlet_page(code, form, words.sentence(refusal)), 400
    flash(gettext("The outlet's status is changed"), "success")
    return redirect(url_for("admin.outlet", code=code))
