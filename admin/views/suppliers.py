"""Suppliers and their products."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from admin import words
from admin.door import bp, reach
from admin.exports import csv_file, fen
from admin.figures import local, shown
from admin.forms import (
    ProductFilter,
    ProductStatusForm,
    named_period,
    read_product_filter,
    text_of,
)
from admin.queries.choices import choices
from admin.queries.products import one_product
from admin.queries.products import products as found_products
from admin.queries.suppliers import one_supplier
from admin.queries.suppliers import suppliers as found_suppliers
from foundation import clock
from foundation.errors import BadInput
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from goods.catalogue.services import set_status as set_product_status
from insight.alerts.queries import missing_by_product
from insight.alerts.rules import warning_band
from insight.rollups.queries import days
from insight.rollups.rules import Slice
from parties.network.rules import shown_households
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can, Scope

PAGE = 50


def _asked_suppliers() -> dict[str, Any]:
    today = clock.business_date(clock.now())
    year = named_period("12m", today)
    return {
        "text": text_of(request.args, "q"),
        "county": text_of(request.args, "county"),
        "since": year.first,
        "until": year.last,
    }


@bp.get("/suppliers")
@requires(Can.SEE_DASHBOARD)
def suppliers() -> ResponseReturnValue:
    """List suppliers."""
    asked = _asked_suppliers()
    within = reach()
    with reading() as session:
        return render_template(
            "admin/suppliers.html",
            asked=asked,
            choices=choices(session, within),
            page=page_of(session, found_suppliers(within, **asked), number=asked_page(), size=PAGE),
            households=lambda count: shown(shown_households(count)),
            export=url_for("admin.suppliers_csv", q=asked["text"], county=asked["county"]),
        )


@bp.get("/suppliers.csv")
@requires(Can.SEE_DASHBOARD)
@requires(Can.EXPORT_DATA)
def suppliers_csv() -> ResponseReturnValue:
    """Give the suppliers as a file."""
    header = [
        gettext("No."),
        gettext("Registered name"),
        gettext("Kind"),
        gettext("County"),
        gettext("Credit code"),
        gettext("Food production licence"),
        gettext("Households"),
        gettext("Products on sale"),
        gettext("Lots"),
        gettext("Sold in 12 months, yuan"),
    ]
    with reading() as session:
        rows = [
            [
                row.code,
                local(row),
                words.word(words.KINDS, row.kind),
                local(row, "county"),
                row.uscc,
                row.food_licence,
                shown(shown_households(row.linked_households)),
                row.products,
                row.lots,
                fen(int(row.sold_fen)),
            ]
            for row in session.execute(found_suppliers(reach(), **_asked_suppliers()))
        ]
    return csv_file("suppliers", header, rows)


@bp.get("/suppliers/<code>")
@requires(Can.SEE_DASHBOARD)
def supplier(code: str) -> ResponseReturnValue:
    """Show one supplier: who they are, their papers, goods, lots and sales."""
    today = clock.business_date(clock.now())
    year = named_period("12m", today)
    recent = today - timedelta(days=29)
    within = reach()
    with reading() as session:
        found = one_supplier(session, code, within)
        sold = days(session, Slice(year.first, year.last, supplier=code), within)
        organisation = found.organisation
        return render_template(
            "admin/supplier.html",
            one=found,
            organisation=organisation,
            households=shown(shown_households(organisation.linked_households)),
            papers=[
                (paper, warning_band(paper.valid_to, today) if paper.valid_to else None)
                for paper in found.papers
            ],
            sold_year=sum(day.amount_fen for day in sold),
            sold_recent=sum(day.amount_fen for day in sold if day.day >= recent),
            year=year,
            recent=recent,
            today=today,
        )


def _product_args(asked: ProductFilter) -> dict[str, Any]:
    found = asdict(asked)
    found["q"], found["line"] = found.pop("text"), found.pop("category")
    found["lacking"] = "1" if asked.lacking else None
    return {name: value for name, value in found.items() if value}


@bp.get("/products")
@requires(Can.SEE_DASHBOARD)
def products() -> ResponseReturnValue:
    """List products with the papers they lack."""
    asked = read_product_filter(request.args)
    within = reach()
    actor = current_actor()

    def may_approve(row: Any) -> bool:
        scope = Scope(organisation_id=row.supplier_id, county_code=row.supplier_county)
        return actor.can(Can.APPROVE_PRODUCT, scope)

    with reading() as session:
        lacking = missing_by_product(session, clock.business_date(clock.now()), within)
        return render_template(
            "admin/products.html",
            asked=asked,
            choices=choices(session, within),
            page=page_of(
                session,
                found_products(asked, within, lacking),
                number=asked_page(),
                size=PAGE,
            ),
            lacking=lacking,
            may_approve=may_approve,
            export=url_for("admin.products_csv", **_product_args(asked)),
        )


@bp.get("/products.csv")
@requires(Can.SEE_DASHBOARD)
@requires(Can.EXPORT_DATA)
def products_csv() -> ResponseReturnValue:
    """Give the products as a file."""
    asked = read_product_filter(request.args)
    within = reach()
    header = [
        gettext("No."),
        gettext("Product"),
        gettext("Product line"),
        gettext("County"),
        gettext("Supplier"),
        gettext("Compliance class"),
        gettext("Status"),
        gettext("Pack sizes"),
        gettext("From, yuan"),
        gettext("Papers missing"),
    ]
    with reading() as session:
        lacking = missing_by_product(session, clock.business_date(clock.now()), within)
        rows = [
            [
                row.code,
                local(row),
                local(row, "line"),
                local(row, "county"),
                local(row, "short"),
                local(row, "class"),
                words.word(words.PRODUCT_STATUSES, row.status),
                row.packs,
                fen(row.from_fen or 0),
                " ".join(demand["name_zh"] for demand in lacking.get(row.id, ())),
            ]
            for row in session.execute(found_products(asked, within, lacking))
        ]
    return csv_file("products", header, rows)


@bp.post("/products/<code>/status")
@requires(Can.APPROVE_PRODUCT)
def set_product(code: str) -> ResponseReturnValue:
    """Put a product on sale, or take it off."""
    form = ProductStatusForm()
    if not form.validate_on_submit():
        raise BadInput("A product is published or taken off", field="status")
    with transaction() as session:
        product = one_product(session, code, reach())
        changed = set_product_status(
            session,
            product.id,
            str(form.status.data),
            actor=current_actor(),
            now=clock.now(),
        )
        name, status = local(changed), changed.status
    said = (
        gettext("%(name)s is on sale")
        if status == "published"
        else gettext("%(name)s is taken off sale")
    )
    flash(said % {"name": name}, "success")
    return redirect(url_for("admin.products", q=code))
