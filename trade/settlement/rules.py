"""Which column of a statement an entry of the ledger belongs in."""

from datetime import date, timedelta
from typing import Final, Literal

from foundation.errors import BadInput

Column = Literal["goods", "commission", "shipping", "refunds", "payouts"]
LONGEST: Final = timedelta(days=366 * 2)
OF_A_SALE: Final[dict[str, Column]] = {
    "goods": "goods",
    "commission": "commission",
    "shipping": "shipping",
}


def column_of(cause_type: str, kind: str) -> Column:
    """Give the column of an entry on a supplier's account."""
    if cause_type == "refund":
        return "refunds"
    return OF_A_SALE.get(kind, "payouts")


def read_period(since: date, until: date) -> None:
    """Raise BadInput when a period is turned round or longer than two years."""
    if since > until:
        raise BadInput("The first day must not be after the last", field="since")
    if until - since > LONGEST:
        raise BadInput("A statement covers at most two years", field="since")
