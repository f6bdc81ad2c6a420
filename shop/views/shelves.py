"""The shelves: start page, categories, counties, search."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.web import asked_page, reading
from goods.catalogue import queries as catalogue
from goods.catalogue.queries import Kind
from goods.catalogue.rules import Wish, fragments_of
from parties.network.queries import current_plan, plan_progress
from parties.people.guards import open_to_all
from shop.forms.shelves import MOST_QUERY, read_wish, within
from shop.queries import goods, network

PAGE = 24
MONTH_SIZE, MORE_SIZE = 8, 8


@open_to_all
def home() -> ResponseReturnValue:
    """Show counties, kinds, what the month brings and where the shops are."""
    today = clock.business_date(clock.now())
    with reading() as session:
        plan = current_plan(session, today)
        listed = catalogue.season(session, month=today.month, size=MONTH_SIZE + MORE_SIZE)
        page = {
            "counties": network.counties(session),
            "kinds": catalogue.kinds(session),
            "cards": goods.cards(session, listed, today=today),
            "first": MONTH_SIZE,
            "tiers": plan_progress(session, plan.id) if plan is not None else [],
            "suppliers": network.suppliers(session),
            "outlets": network.some_outlets(session),
            "total": listed[0].total if listed else 0,
            "target": plan.total if plan is not None else 0,
        }
    return render_template("shop/home.html", **page)


@open_to_all
def categories() -> ResponseReturnValue:
    """List every category and county there are goods of."""
    with reading() as session:
        kinds, counties = catalogue.kinds(session), network.counties(session)
    return render_template("shop/categories.html", kinds=kinds, counties=counties)


@open_to_all
def category(code: str) -> ResponseReturnValue:
    """Show one category's goods."""
    wish = within(read_wish(request.args), category=code)
    return _list(wish, "category", code)


@open_to_all
def county(code: str) -> ResponseReturnValue:
    """Show one county's goods."""
    wish = within(read_wish(request.args), county=code)
    return _list(wish, "county", code)


@open_to_all
def search() -> ResponseReturnValue:
    """Show what fits the words; where nothing does, what comes near."""
    return _list(read_wish(request.args), "search", "")


def _list(wish: Wish, what: str, code: str) -> ResponseReturnValue:
    today = clock.business_date(clock.now())
    with reading() as session:
        kinds, counties = catalogue.kinds(session), network.counties(session)
        known: Sequence[Kind | network.CountyRow] = kinds if what == "category" else counties
        here = next((one for one in known if one.code == code), None)
        if code and here is None:
            raise NotFound("There is nothing at this address")
        shelf = _shelf(session, wish, today=today)
        loosely = wish.words and not shelf.items and not wish.loosely
        if loosely:
            looser = replace(Wish(), words=fragments_of(wish.words), loosely=True)
            near = _shelf(session, looser, today=today, size=MONTH_SIZE)
        else:
            near = None
        found = goods.cards(session, (near or shelf).items, today=today)
    return render_template(
        "shop/list.html",
        what=what,
        here_=here,
        wish=wish,
        query=request.args.get("q", "")[:MOST_QUERY],
        shelf=shelf,
        cards=found,
        kinds=kinds,
        counties=counties,
    )


def _shelf(session: Session, wish: Wish, *, today: date, size: int = PAGE) -> catalogue.Shelf:
    return catalogue.shelf(
        session,
        wish,
        number=asked_page(),
        size=size,
        month=today.month,
        only=goods.in_stock() if wish.in_stock else None,
        only_values={"today": today} if wish.in_stock else None,
    )


def hang(bp: Blueprint) -> None:
    """Give these pages their addresses."""
    bp.add_url_rule("/", "home", home)
    bp.add_url_rule("/categories", "categories", categories)
    bp.add_url_rule("/c/<code>", "category", category)
    bp.add_url_rule("/county/<code>", "county", county)
    bp.add_url_rule("/search", "search", search)
