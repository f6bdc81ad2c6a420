"""Sales, line by line, and one sale."""

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file, fen
from admin.figures import local
from admin.forms import SalesFilter, read_sales_filter, read_uuid
from admin.queries.choices import Choices, choices
from admin.queries.sales import one_sale, sale_lines, sums
from foundation import clock
from foundation.paging import page_of
from foundation.web import asked_page, reading
from parties.people.guards import requires
from parties.people.permissions import Can

PAGE = 50


@bp.get("/sales")
@requires(Can.SEE_DASHBOARD)
def sales() -> ResponseReturnValue:
    """List the sale lines behind a figure."""
    asked = read_sales_filter(request.args, clock.business_date(clock.now()))
    within = reach()
    with reading() as session:
        offered = choices(session, within)
        return render_template(
            "admin/sales.html",
            asked=asked,
            choices=offered,
            chips=chips(asked, offered),
            sums=sums(session, asked, within),
            page=page_of(session, sale_lines(asked, within), number=asked_page(), size=PAGE),
            export=url_for("admin.sales_csv", **asked.args()),
        )


def chips(asked: SalesFilter, offered: Choices) -> list[tuple[str, str]]:
    """Give the conditions that no field of the filter shows: (label, address without it)."""

    def without(name: str) -> str:
        return url_for("admin.sales", **asked.args(**{name: None}))

    found: list[tuple[str, str]] = []
    pairs: list[tuple[str, str | None]] = [
        ("outlet", asked.slice.outlet),
        ("product", asked.slice.product),
        ("lot", str(asked.lot_id) if asked.lot_id else None),
    ]
    labels = {
        "outlet": gettext("Outlet"),
        "product": gettext("Product"),
        "lot": gettext("Lot record"),
    }
    found += [(f"{labels[name]} {value}", without(name)) for name, value in pairs if value]
    if asked.slice.supplier not in (None, *(row.code for row in offered.suppliers)):
        found.append((f"{gettext('Supplier')} {asked.slice.supplier}", without("supplier")))
    counties = {row.code: local(row) for row in offered.counties}
    if asked.slice.outlet_county:
        name = counties.get(asked.slice.outlet_county, asked.slice.outlet_county)
        found.append((gettext("Sold in %(county)s", county=name), without("at")))
    return found


@bp.get("/sales.csv")
@requires(Can.SEE_DASHBOARD)
@requires(Can.EXPORT_DATA)
def sales_csv() -> ResponseReturnValue:
    """Give the same lines as a file."""
    asked = read_sales_filter(request.args, clock.business_date(clock.now()))
    header = [
        gettext("Sale number"),
        gettext("Time"),
        gettext("Business day"),
        gettext("Outlet code"),
        gettext("Outlet"),
        gettext("Product code"),
        gettext("Product"),
        gettext("Pack size"),
        gettext("Lot"),
        gettext("How sure the lot is"),
        gettext("Supplier"),
        gettext("Channel"),
        gettext("Quantity"),
        gettext("Price charged, yuan"),
        gettext("List price, yuan"),
        gettext("Amount, yuan"),
    ]
    with reading() as session:
        certainties = {code: str(name) for code, name in words.CERTAINTIES.items()}
        channels = {code: str(name) for code, name in words.CHANNELS.items()}
        rows = [
            _csv_row(row, certainties, channels)
            for row in session.execute(sale_lines(asked, reach()))
        ]
    return csv_file("sales", header, rows)


def _csv_row(row: Any, certainties: Mapping[str, str], channels: Mapping[str, str]) -> list[object]:
    return [
        row.number,
        row.sold_at,
        row.business_date,
        row.outlet_code,
        local(row, "outlet"),
        row.product_code,
        local(row),
        local(row, "spec"),
        row.lot_no,
        certainties[row.lot_certainty],
        local(row, "short"),
        channels[row.channel],
        row.quantity,
        fen(row.unit_price_fen),
        fen(row.list_price_fen),
        fen(row.total_fen),
    ]


@bp.get("/sales/<sale_id>")
@requires(Can.SEE_DASHBOARD)
def sale(sale_id: str) -> ResponseReturnValue:
    """Show one sale."""
    wanted = read_uuid(sale_id)
    within = reach()
    with reading() as session:
        found = one_sale(session, wanted, within)
        return render_template(
            "admin/sale.html",
            one=found,
            sale=found.sale,
            outlet=found.outlet,
            own_outlet=within.covers(found.outlet.county_code),
            within=within,
        )
