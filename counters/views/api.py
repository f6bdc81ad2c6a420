"""Sales from partner systems, by token: the same body and the same answers as the till's own."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from counters.forms import read_json
from counters.views.sell import sale_as_json
from foundation import clock
from foundation.errors import NotSignedIn
from foundation.limits import limiter
from parties.people.guards import requires
from parties.people.login import bearer
from parties.people.permissions import Can

api = Blueprint("counters_api", __name__, url_prefix="/api/outlets")


@api.post("/<code>/sales")
@limiter.limit("1200/minute")
@requires(Can.SELL)
def take_sale(code: str) -> ResponseReturnValue:
    """Record a sale that a partner's register made. A cookie does not count here."""
    if bearer() is None:
        raise NotSignedIn("This address wants a token")
    return sale_as_json(code, read_json(request.get_data()), now=clock.now())
