"""What a sale asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from foundation.errors import BadInput

TENDERS = ("cash", "shop_qr", "voucher", "stripe")
MOST_LINES = 500


class Item(NamedTuple):
    """One scanned or chosen good, by code. A serial counts one; else `lot_no` or FEFO decides."""

    gtin: str
    quantity: int = 1
    serial: str | None = None
    lot_no: str | None = None
    price_fen: int | None = None
    """What the till charged per unit; None: what the list says now."""
    price_version: int | None = None
    certainty: str | None = None
    """How sure the lot is: scanned, chosen, inferred; None: told from what was given."""


class Paid(NamedTuple):
    """One tender: `amount_fen` of the total, `received_fen` handed over (cash gives change)."""

    kind: str
    amount_fen: int
    received_fen: int
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """All that a till or a dispatch hands over. `key` makes a second sending harmless."""

    key: str
    place_id: int
    channel: str
    sold_at: datetime
    items: tuple[Item, ...]
    tenders: tuple[Paid, ...]
    order_ref: str | None = None
    shipping_fen: tuple[tuple[int, int], ...] = ()
    """(supplier id, fen) of freight that goes with these goods."""

    def content(self) -> list[Any]:
        """Give what the key stands for, without the key."""
        return [
            self.place_id,
            self.channel,
            self.sold_at.isoformat(),
            [list(item) for item in self.items],
            [list(tender) for tender in self.tenders],
            self.order_ref,
        ]


def check_ticket(ticket: Ticket) -> None:
    """Raise BadInput when a ticket makes no sense whatever the stock."""
    if not 0 < len(ticket.items) <= MOST_LINES:
        raise BadInput("A sale has between 1 and 500 lines", field="items")
    if not 0 < len(ticket.key) <= 80:  # noqa: PLR2004 -- the column's width
        raise BadInput("A sale needs a key of at most 80 characters", field="key")
    serials = [(item.gtin, item.serial) for item in ticket.items if item.serial]
    if len(serials) != len(set(serials)):
        raise BadInput("The same unit is on this sale twice", field="items")
    for item in ticket.items:
        if not 0 < item.quantity <= 10_000 or (item.serial and item.quantity != 1):  # noqa: PLR2004
            raise BadInput("A quantity is a whole number above nought", field="items")
        if item.price_fen is not None and not 0 <= item.price_fen <= 100_000_000:  # noqa: PLR2004
            raise BadInput("This price can't be right", field="items")
    for tender in ticket.tenders:
        if tender.kind not in TENDERS or tender.amount_fen <= 0:
            raise BadInput("This way of paying is unknown", field="tenders")


def change_due(tenders: Iterable[Paid]) -> int:
    """Give the change (fen) that the clerk hands back."""
    return sum(tender.received_fen - tender.amount_fen for tender in tenders)
