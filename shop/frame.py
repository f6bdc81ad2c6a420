"""What every page of the storefront stands in: navigation, the basket's count, cookies.

A visitor's basket is known by a UUID in a signed cookie; the hall or zone somebody came through
by its slug in another one. Neither is written to the database by a page that is only looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from flask import Flask, Response, current_app, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import user_logged_in
from itsdangerous import BadSignature, URLSafeSerializer

from foundation import clock
from foundation.ids import time_uuid
from foundation.web import reading, transaction
from parties.people.guards import current_actor
from trade.orders.queries.baskets import cart_count
from trade.orders.rules import Terms
from trade.orders.services.carts import merge_carts

BASKET: Final = "basket"
OUTLET: Final = "outlet"
KEPT_FOR: Final = 90 * 24 * 3600
PAGES: Final = ("home", "categories", "outlets", "mine", "recalls")
POSTED: Final = {
    "licences": _l("Licences on display"),
    "fees": _l("Fees"),
    "returns": _l("Returns"),
    "privacy": _l("Privacy"),
    "tracing": _l("About tracing"),
}
"""The pages of rules, as every page's foot links to them."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What the storefront of one application knows: terms, its signer, names of trace steps."""

    terms: Terms
    signer: URLSafeSerializer
    steps: dict[tuple[str, int], tuple[dict[str, Any], ...]] = field(default_factory=dict)
    """Steps of trace templates by code and version; a version never changes once written."""


def init_shop(app: Flask, *, terms: Terms) -> None:
    """Give `app` a storefront; `terms` say what freight costs and where parcels go."""
    app.extensions["shop"] = Shop(terms, URLSafeSerializer(str(app.secret_key), salt=BASKET))
    user_logged_in.connect(_bring_basket, app)


def shop() -> Shop:
    """Give what the storefront of this application knows."""
    found: Shop = current_app.extensions["shop"]
    return found


def visitor() -> UUID | None:
    """Give the UUID of this browser's basket, if it has one."""
    kept = request.cookies.get(BASKET)
    if not kept:
        return None
    try:
        return UUID(hex=str(shop().signer.loads(kept)))
    except (BadSignature, ValueError):
        return None


def new_visitor() -> UUID:
    """Make the UUID of a basket to be."""
    return time_uuid(clock.now())


def remember_visitor(answer: Response, basket: UUID) -> None:
    """Let this browser keep its basket for ninety days."""
    answer.set_cookie(
        BASKET,
        str(shop().signer.dumps(basket.hex)),
        max_age=KEPT_FOR,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def came_through() -> str:
    """Give the slug of the hall or zone through whose page this browser came, or ""."""
    return request.cookies.get(OUTLET, "")[:60]


def remember_outlet(answer: Response, slug: str) -> None:
    """Let orders of this browser name this hall or zone; "" forgets it."""
    if not slug:
        answer.delete_cookie(OUTLET, samesite="Lax")
        return
    answer.set_cookie(
        OUTLET,
        slug,
        max_age=KEPT_FOR,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _bring_basket(_app: Flask, **_: object) -> None:
    """Move what a visitor gathered into the account that has just signed in."""
    gathered = visitor()
    if gathered is None:
        return
    with transaction() as session:
        merge_carts(session, gathered, actor=current_actor(), now=clock.now())


def basket_count() -> int:
    """Give how many packs lie in the basket; asks nothing where there can be none."""
    actor, browser = current_actor(), visitor()
    if actor.id is None and browser is None:
        return 0
    with reading() as session:
        return cart_count(session, browser, actor=actor)


@lru_cache(maxsize=8)
def _addresses(script_root: str) -> Mapping[str, str]:
    """Give the addresses that stand on every page; they differ only by where the house is hung."""
    del script_root
    found = {name: url_for(f"shop.{name}") for name in PAGES}
    found |= {name: url_for("shop.rule", name=name) for name in POSTED}
    return found | {"basket": url_for("shop.basket"), "account": url_for("people.account")}


def frame() -> dict[str, Any]:
    """Give what the storefront's layout shows around a page."""
    at = partial(_is_at, request.endpoint or "")
    to = _addresses(request.script_root)
    categories = (to["categories"], "grid", _("Categories"), at("categories", "category"))
    outlets = (to["outlets"], "store", _("Outlets"), at("outlets", "outlet"))
    basket = (to["basket"], "basket", _("Basket"), at("basket", "checkout"))
    own = at("mine", "order", "addresses", "address", "pay", "back")
    mine = (to["mine"], "user", _("Mine"), own)
    return {
        "nav_items": (categories, outlets),
        "tab_items": ((to["home"], "home", _("Home"), at("home")), categories, basket, mine),
        "account_items": (
            (to["mine"], "box", _("My orders"), False),
            (to["account"], "gear", _("My account"), False),
        ),
        "footer_links": [
            *((to[name], label) for name, label in POSTED.items()),
            (to["recalls"], _("Recalls")),
        ],
        "basket_count": basket_count,
    }


def _is_at(endpoint: str, *names: str) -> bool:
    return endpoint.removeprefix("shop.") in names
