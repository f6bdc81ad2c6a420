"""Rules on display: licences, fees, returns, privacy, tracing."""

from datetime import date
from typing import Any, Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.web import reading
from goods.catalogue.queries import policies
from parties.people.guards import open_to_all
from shop.frame import POSTED, shop
from shop.queries.network import licences
from shop.words import RETURNS
from trade.ledger.rules import COMMISSION_PER_MILLE

VERSION: Final = (1, date(2026, 11, 23))
"""Version of these rules, and since when it holds; a change makes a new version."""


@open_to_all
def rule(name: str) -> ResponseReturnValue:
    """Show one page of rules."""
    if name not in POSTED:
        raise NotFound("There is nothing at this address")
    with reading() as session:
        more = _more(session, name)
    return render_template(
        f"shop/rules/{name}.html", names=POSTED, name=name, version=VERSION, **more
    )


def _more(session: Session, name: str) -> dict[str, Any]:
    if name == "licences":
        return {"organisations": licences(session)}
    if name == "fees":
        return {"per_mille": COMMISSION_PER_MILLE, "freight": shop().terms.freight}
    if name == "returns":
        return {"policies": policies(session), "words": RETURNS}
    return {}


def hang(bp: Blueprint) -> None:
    """Give these pages their address."""
    bp.add_url_rule("/rules/<name>", "rule", rule)
