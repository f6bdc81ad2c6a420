"""What stands on the shelf: all of it, and what is near its date."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from counters.exports import csv_answer
from counters.queries.shelves import STATES, OnShelf, chosen, on_shelf, state_of
from counters.views.common import asked, may, outlet_here, page
from counters.words import SAYINGS, named
from foundation import clock
from foundation.errors import NotAllowed
from foundation.paging import Page
from foundation.web import asked_page, reading
from parties.network.models import Outlet
from parties.people.guards import requires
from parties.people.permissions import Can

PAGE = 40


@requires(Can.SEE_COUNTER)
def stock(code: str) -> ResponseReturnValue:
    """Show every lot on hand, with search, states and pages; as a file for managers."""
    state = asked("state", 10)
    state = state if state in STATES else ""
    words = asked("q", 60)
    today = clock.business_date(clock.now())
    with reading() as session:
        outlet = outlet_here(session, code)
        everything = on_shelf(session, outlet.place_id, today=today)
    kept = chosen(everything, words=words, state=state)
    if asked("as") == "csv":
        return _file(outlet, kept)
    counts = {each: len(chosen(everything, words=words, state=each)) for each in STATES}
    return page(
        "stock",
        outlet,
        listed=_cut(kept),
        words=words,
        state=state,
        counts=counts,
        everything=len(chosen(everything, words=words, state="")),
        pieces=sum(line.batch.on_hand for line in kept if line.good.base_unit == "piece"),
        may_export=may(outlet, Can.EXPORT_DATA),
        state_of=state_of,
        named=named,
        sayings=SAYINGS,
    )


@requires(Can.SEE_COUNTER)
def expiry(code: str) -> ResponseReturnValue:
    """Show what must go: expired or blocked first, then what is near its date."""
    today = clock.business_date(clock.now())
    with reading() as session:
        outlet = outlet_here(session, code)
        everything = on_shelf(session, outlet.place_id, today=today)
    off = [line for line in everything if state_of(line) in {"expired", "blocked"}]
    near = [line for line in everything if state_of(line) == "near"]
    return page(
        "expiry",
        outlet,
        off=off,
        near=_cut(near),
        state_of=state_of,
        named=named,
        sayings=SAYINGS,
        today=today,
    )


def _cut(lines: list[OnShelf]) -> Page:
    pages = max(1, -(-len(lines) // PAGE))
    number = min(asked_page(), pages)
    return Page(lines[(number - 1) * PAGE : number * PAGE], number, PAGE, len(lines))


def _file(outlet: Outlet, lines: list[OnShelf]) -> ResponseReturnValue:
    if not may(outlet, Can.EXPORT_DATA):
        raise NotAllowed("You may not do this here")
    head = (
        _("Barcode"),
        _("Article"),
        _("Pack size"),
        _("Lot"),
        _("Good until"),
        _("Days left"),
        _("Count here"),
        _("Held for orders"),
        _("State"),
    )
    rows = [
        (
            line.good.gtin,
            named(line.good),
            named(line.good, "spec"),
            line.batch.lot_no,
            line.batch.best_before,
            line.left,
            line.batch.on_hand,
            line.batch.on_hand - line.batch.free,
            state_of(line),
        )
        for line in lines
    ]
    return csv_answer(f"stock-{outlet.code}", head, rows)


def hang(bp: Blueprint) -> None:
    """Hang the addresses of the shelf."""
    bp.add_url_rule("/<code>/stock", view_func=stock)
    bp.add_url_rule("/<code>/expiry", view_func=expiry)
