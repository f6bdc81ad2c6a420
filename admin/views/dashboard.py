"""The overview and what needs attention."""

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.attention import attention
from admin.dashboard import Sums, legend, tiles
from admin.door import bp, reach
from admin.figures import local
from admin.forms import SalesFilter, read_sales_filter
from admin.queries.choices import choices
from admin.queries.network import stands
from admin.words import CHANNELS, PERIODS, TIERS
from foundation import clock
from foundation.web import reading
from goods.catalogue.models import Product
from insight.reach import Reach
from insight.rollups.queries import cells, days, first_day, waiting_since
from insight.rollups.rules import before
from parties.network.models import Organisation
from parties.network.queries import counties, current_plan, plan_progress, region
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can

MOST_ROWS = 10
MOST_ATTENTION = 6


@bp.get("/")
@requires(Can.SEE_DASHBOARD)
def dashboard() -> ResponseReturnValue:
    """Show plan against reality and what was sold, each figure leading to its rows."""
    now = clock.now()
    today = clock.business_date(now)
    asked = read_sales_filter(request.args, today)
    within = reach()
    with reading() as session:
        page = _overview(session, asked, within)
        plan = current_plan(session, today)
        progress = plan_progress(session, plan.id, within.county) if plan else []
        return render_template(
            "admin/dashboard.html",
            asked=asked,
            now=now,
            plan=plan,
            plan_ended=plan is not None and plan.valid_to < today,
            county=within.county,
            tiles=tiles(progress, within.county),
            waiting=waiting_since(session),
            attention=attention(session, current_actor(), within, now=now),
            most_attention=MOST_ATTENTION,
            periods=[
                (url_for("admin.dashboard", **_period_args(asked, name)), name, PERIODS[name])
                for name in PERIODS
            ],
            choices=choices(session, within),
            **page,
        )


def _period_args(asked: SalesFilter, name: str) -> dict[str, Any]:
    args = asked.args(period=name)
    return {key: value for key, value in args.items() if key not in {"from", "to"}}


def _overview(session: Session, asked: SalesFilter, within: Reach) -> dict[str, Any]:
    by = "at" if request.args.get("map") == "at" else "county"
    found = counties(session)
    suppliers = {
        row.id: row
        for row in session.execute(
            select(
                Organisation.id,
                Organisation.code,
                Organisation.short_zh.label("name_zh"),
                Organisation.short_en.label("name_en"),
                Organisation.linked_households,
            ).where(Organisation.role == "supplier")
        )
    }
    products = {
        row.id: row
        for row in session.execute(
            select(Product.id, Product.code, Product.name_zh, Product.name_en)
        )
    }
    earlier = before(asked.slice)
    begun = first_day(session)
    # A period that began before the records did is no measure for this one.
    comparable = begun is not None and begun <= earlier.first
    sums = Sums(
        asked,
        cells(session, asked.slice, within),
        cells(session, earlier, within) if comparable else [],
        {row.id: row.linked_households for row in suppliers.values()},
    )
    standing = stands(session, within)
    opened = {
        county.code: sum(standing.get((county.code, tier), {}).get("open", 0) for tier in TIERS)
        for county in found
    }
    ranking, cells_of_map = sums.counties(found, by, opened, within)
    lines = {row.code: local(row) for row in choices(session, within).categories}
    return {
        "view_box": region(session).view_box,
        "map_by": by,
        "map_links": {
            "county": url_for("admin.dashboard", **asked.args()),
            "at": url_for("admin.dashboard", **asked.args(map="at")),
        },
        "total": sums.total(),
        "county_ranking": ranking,
        "map_cells": cells_of_map,
        "map_legend": legend([row.amount_fen for row in ranking.rows]),
        "chart": sums.chart(days(session, asked.slice, within)),
        "by_line": sums.ranking(lambda c: c.category, lines, lambda key: {"line": key}),
        "by_tier": sums.ranking(
            lambda c: c.tier,
            {key: str(name) for key, name in TIERS.items()},
            lambda key: {"tier": key},
            every=True,
        ),
        "by_channel": sums.ranking(
            lambda c: c.channel,
            {key: str(name) for key, name in CHANNELS.items()},
            lambda key: {"channel": key},
            every=True,
        ),
        "by_supplier": sums.ranking(
            lambda c: c.supplier_id,
            {key: local(row) for key, row in suppliers.items()},
            lambda key: {"supplier": suppliers[key].code},
            most=MOST_ROWS,
        ),
        "by_product": sums.ranking(
            lambda c: c.product_id,
            {key: local(row) for key, row in products.items()},
            lambda key: {"product": products[key].code},
            most=MOST_ROWS,
        ),
        "network": _network(found, standing, within),
    }


def _network(
    found: Any, standing: dict[tuple[str, str], dict[str, int]], within: Reach
) -> dict[str, Any]:
    """Lay out open and registered outlets by county and tier."""

    def cell(code: str | None, tier: str | None) -> dict[str, Any]:
        stands_here = [
            statuses
            for (county, kind), statuses in standing.items()
            if code in (None, county) and tier in (None, kind)
        ]
        return {
            "open": sum(statuses.get("open", 0) for statuses in stands_here),
            "all": sum(sum(statuses.values()) for statuses in stands_here),
            "href": url_for("admin.outlets", county=code, tier=tier, status="open"),
            "all_href": url_for("admin.outlets", county=code, tier=tier),
        }

    tiers = [*TIERS, None]
    return {
        "tiers": [str(name) for name in TIERS.values()],
        "rows": [
            (local(county), [cell(county.code, tier) for tier in tiers])
            for county in found
            if within.covers(county.code)
        ],
        "total": [cell(None, tier) for tier in tiers],
    }


@bp.get("/attention", endpoint="attention")
@requires(Can.SEE_DASHBOARD)
def attention_page() -> ResponseReturnValue:
    """List everything that needs attention, kind by kind."""
    now = clock.now()
    within = reach()
    with reading() as session:
        return render_template(
            "admin/attention.html",
            items=attention(session, current_actor(), within, now=now),
            kind=request.args.get("kind"),
        )
