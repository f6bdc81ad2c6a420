"""What is recalled, for everybody to read."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from foundation.web import reading
from parties.people.guards import open_to_all
from traceability.recalls.lists import public_recalls


@open_to_all
def recalls() -> ResponseReturnValue:
    """List recalls: those that stand first, then those that have ended."""
    with reading() as session:
        found = public_recalls(session)
    return render_template("shop/recalls.html", recalls=found)


def hang(bp: Blueprint) -> None:
    """Give the page its address."""
    bp.add_url_rule("/recalls", "recalls", recalls)
