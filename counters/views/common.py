"""What the counters' pages share: whose counter it is, and how a page is dressed."""

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counters.queries.outlets import outlet_for, scope_of
from counters.words import named, script_words
from foundation.web import wants_json
from parties.network.models import Outlet
from parties.people.guards import current_actor
from parties.people.permissions import Can

WITHIN = {
    "counters.look": "counters.sell",
    "counters.scan": "counters.sell",
    "counters.pay": "counters.sell",
    "counters.sales": "counters.sell",
    "counters.receive_one": "counters.receive",
    "counters.receipt": "counters.receipts",
    "counters.recalls": "counters.expiry",
    "counters.recall_act": "counters.expiry",
}
"""Which page of the head an address belongs to that is none itself."""
PAGES = (
    ("counters.sell", "scan"),
    ("counters.receive", "box"),
    ("counters.stock", "list"),
    ("counters.expiry", "clock"),
    ("counters.receipts", "doc"),
    ("counters.day", "wallet"),
)


def outlet_here(session: Session, code: str, permission: Can = Can.SEE_COUNTER) -> Outlet:
    """Give the outlet of this address, or refuse whoever does not work there."""
    return outlet_for(session, code, current_actor(), permission)


def may(outlet: Outlet, permission: Can) -> bool:
    """Tell whether whoever asks may do this at `outlet`."""
    return current_actor().can(permission, scope_of(outlet))


def page(template: str, outlet: Outlet, **values: Any) -> str:
    """Render a page of `outlet` with the till's head."""
    labels = {
        "counters.sell": _("Till"),
        "counters.receive": _("Goods in"),
        "counters.stock": _("Stock"),
        "counters.expiry": _("Expiry"),
        "counters.receipts": _("Receipts"),
        "counters.day": _("Today"),
    }
    current = WITHIN.get(request.endpoint or "", request.endpoint)
    items = [
        (url_for(endpoint, code=outlet.code), icon, labels[endpoint], current == endpoint)
        for endpoint, icon in PAGES
    ]
    return render_template(
        f"counters/{template}.html",
        outlet=outlet,
        place_name=named(outlet),
        place_note=_("demo, %(code)s", code=outlet.code) if outlet.demo else outlet.code,
        home_url=url_for("counters.till"),
        nav_items=items,
        account_items=account_items(),
        script_words=script_words,
        **values,
    )


def account_items() -> list[tuple[str, str, str, bool]]:
    """Give the entries of the menu under the clerk's name."""
    return [
        (url_for("people.account"), "user", _("My account"), False),
        (url_for("counters.till"), "store", _("My counters"), False),
    ]


def asked(name: str, most: int = 200) -> str:
    """Give a query argument, trimmed; a longer one is cut."""
    return request.args.get(name, "").strip()[:most]


__all__ = ["account_items", "asked", "may", "outlet_here", "page", "wants_json"]
