"""Outlets: the list of all, and the shop page of each hall and zone."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from foundation import clock
from foundation.errors import NotFound
from foundation.web import asked_page, reading
from goods.catalogue import queries as catalogue
from goods.catalogue.rules import Wish
from parties.network.queries import current_plan, plan_progress
from parties.people.guards import open_to_all
from shop.forms.shelves import MOST_QUERY, read_outlet_wish
from shop.frame import remember_outlet
from shop.queries import goods, network
from shop.words import TIERS

PAGE = 24


@open_to_all
def outlets() -> ResponseReturnValue:
    """List the outlets that are open."""
    wish = read_outlet_wish(request.args, tuple(TIERS))
    today = clock.business_date(clock.now())
    with reading() as session:
        page = network.outlets(session, wish, number=asked_page(), size=PAGE)
        counties = network.counties(session)
        plan = current_plan(session, today)
        tiers = plan_progress(session, plan.id) if plan is not None else []
    return render_template(
        "shop/outlets.html",
        page=page,
        wish=wish,
        query=request.args.get("q", "")[:MOST_QUERY],
        counties=counties,
        tiers=tiers,
        words=TIERS,
        target=plan.total if plan is not None else 0,
    )


@open_to_all
def outlet(slug: str) -> ResponseReturnValue:
    """Show a hall's or zone's own shop, and let this browser's orders name it."""
    today = clock.business_date(clock.now())
    with reading() as session:
        found = network.outlet_page(session, slug)
        if found is None:
            raise NotFound("There is no such outlet")
        own = found.row.place_id if found.own_assortment else None
        shelf = catalogue.shelf(
            session, Wish(place_id=own), number=asked_page(), size=PAGE, month=today.month
        )
        cards = goods.cards(session, shelf.items, today=today)
    page = render_template("shop/outlet.html", outlet=found, shelf=shelf, cards=cards, words=TIERS)
    answer = make_response(page)
    remember_outlet(answer, slug)
    return answer


@open_to_all
def choose_outlet() -> ResponseReturnValue:
    """Choose the hall or zone that this browser's orders name."""
    slug = request.form.get("slug", "")[:60]
    with reading() as session:
        found = network.outlet_page(session, slug) if slug else None
    if slug and found is None:
        raise NotFound("There is no such outlet")
    back = "shop.checkout" if request.form.get("back") == "checkout" else "shop.basket"
    answer = redirect(url_for(back), 303)
    remember_outlet(answer, slug)  # type: ignore[arg-type]
    flash(
        _("Your order will name this shop") if slug else _("Your order will name the online hall")
    )
    return answer


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    bp.add_url_rule("/outlets", "outlets", outlets)
    bp.add_url_rule("/shop/<slug>", "outlet", outlet)
    bp.add_url_rule("/outlet", "choose_outlet", choose_outlet, methods=["POST"])
