"""The office's blueprint, its side rail and how far its visitor may look."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, NamedTuple

from flask import Blueprint, request, url_for
from flask_babel import gettext

from admin import words
from admin.figures import FEN_IN_WAN, MINUS, local
from insight.reach import Reach, reach_of
from parties.people.guards import current_actor
from parties.people.permissions import Actor, Can

bp = Blueprint("admin", __name__, url_prefix="/office")


class Entry(NamedTuple):
    """One entry of the side rail; `pages` are the endpoints during which it is current."""

    endpoint: str
    icon: str
    label: str
    permission: Can
    pages: tuple[str, ...] = ()


def entries() -> list[Entry]:
    """Give all entries; each visitor sees those they may open."""
    return [
        Entry("dashboard", "bars", gettext("Overview"), Can.SEE_DASHBOARD),
        Entry("attention", "bell", gettext("To be dealt with"), Can.SEE_DASHBOARD),
        Entry("sales", "list", gettext("Sales"), Can.SEE_DASHBOARD, ("sale",)),
        Entry("outlets", "store", gettext("Outlets"), Can.SEE_DASHBOARD, ("outlet", "set_status")),
        Entry("products", "tag", gettext("Products"), Can.SEE_DASHBOARD, ("set_product",)),
        Entry("lots", "box", gettext("Lots"), Can.SEE_LOT_JOURNEY, ("lot", "recall", "balance")),
        Entry(
            "recalls",
            "stop",
            gettext("Recalls"),
            Can.SEE_LOT_JOURNEY,
            ("recall_page", "recall_new", "recall_announce", "recall_drill", "recall_end"),
        ),
        Entry(
            "discrepancies", "ask", gettext("Discrepancies"), Can.SEE_LOT_JOURNEY, ("discrepancy",)
        ),
        Entry(
            "scan_alarms",
            "scan",
            gettext("Odd scans"),
            Can.SEE_LOT_JOURNEY,
            ("scan_alarm", "close_scan_alarm", "scans"),
        ),
        Entry("suppliers", "people", gettext("Suppliers"), Can.SEE_DASHBOARD, ("supplier",)),
        Entry("refunds", "money", gettext("Refunds"), Can.REFUND),
        Entry("audit", "shield", gettext("Audit trail"), Can.SEE_AUDIT),
        Entry(
            "partners",
            "link",
            gettext("Partner access"),
            Can.OPERATE,
            ("make_system_token", "end_system_token"),
        ),
        Entry("links", "go", gettext("Links of codes"), Can.OPERATE, ("link", "link_new")),
        Entry("log", "key", gettext("Transparency log"), Can.OPERATE, ("log_witness",)),
        Entry("dead_letters", "mail", gettext("Undelivered messages"), Can.OPERATE),
    ]


def nav_items(actor: Actor) -> list[tuple[str, str, str, bool]]:
    """Give the side rail of `actor`: (url, icon, label, current)."""
    here = (request.endpoint or "").removeprefix("admin.")
    return [
        (url_for(f"admin.{e.endpoint}"), e.icon, e.label, here in (e.endpoint, *e.pages))
        for e in entries()
        if actor.can(e.permission)
    ]


def reach() -> Reach:
    """Give how far whoever is asking may look."""
    return reach_of(current_actor())


@bp.app_template_filter("wan")
def wan(fen: int) -> str:
    """Write fen in ten thousand yuan with two places."""
    return f"{Decimal(fen) / FEN_IN_WAN:,.2f}".replace("-", MINUS)


@bp.app_template_filter("codes")
def codes(rows: Iterable[Any]) -> list[tuple[str, str]]:
    """Give rows with code and names as a select's options."""
    return [(row.code, local(row)) for row in rows]


@bp.app_template_filter("by_turns")
def by_turns(items: Sequence[Any], most: int) -> list[Any]:
    """Take at most so many items, from every kind in turn, and keep their order."""
    kinds: dict[str, list[Any]] = {}
    for item in items:
        kinds.setdefault(item.kind, []).append(item)
    turns = [item for group in zip_longest(*kinds.values()) for item in group if item is not None]
    taken = turns[:most]
    return [item for item in items if any(item is one for one in taken)]


@bp.context_processor
def _frame() -> dict[str, Any]:
    actor = current_actor()
    return {
        "nav_items": nav_items(actor),
        "home_url": url_for("admin.dashboard"),
        "office_name": gettext("Office of the city")
        if reach_of(actor).whole
        else gettext("Office of the county"),
        "may_export": actor.can(Can.EXPORT_DATA),
        "words": words,
        "word": words.word,
    }
