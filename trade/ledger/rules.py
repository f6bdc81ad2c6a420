"""What a transfer is, and what the platform keeps."""

from collections.abc import Mapping
from typing import NamedTuple

from foundation.money import per_mille

COMMISSION_PER_MILLE: Mapping[str, int] = {"counter": 0, "online": 50}
"""What the platform keeps of goods sold, by channel, in thousandths."""


class Entry(NamedTuple):
    """An amount (fen) from the credited account to the debited one, both named by code."""

    debit: str
    credit: str
    amount_fen: int
    kind: str


def sale_entries(
    *,
    channel: str,
    outlet_operator: int,
    by_supplier: Mapping[int, int],
    shipping: Mapping[int, int],
) -> list[Entry]:
    """Give the entries of one sale: what the payer's side owes suppliers, and they the platform.

    At a counter the operator took the money and owes it; online the buyer's prepayment is used.
    `by_supplier` and `shipping` are fen by supplier id.
    """
    payer = f"outlet:{outlet_operator}" if channel == "counter" else "buyers"
    entries: list[Entry] = []
    for supplier_id, amount in sorted(by_supplier.items()):
        supplier = f"supplier:{supplier_id}"
        fee = per_mille(amount, COMMISSION_PER_MILLE[channel])
        entries.append(Entry(payer, supplier, amount, "goods"))
        entries.append(Entry(supplier, "commission", fee, "commission"))
    entries.extend(
        Entry(payer, f"supplier:{supplier_id}", amount, "shipping")
        for supplier_id, amount in sorted(shipping.items())
    )
    return [entry for entry in entries if entry.amount_fen > 0]


def payment_entries(provider: str, amount_fen: int) -> list[Entry]:
    """Give the entry of a payment that came in: the provider owes us what we owe the buyers."""
    return [Entry(provider, "buyers", amount_fen, "payment")]


def refund_entries(provider: str, amount_fen: int) -> list[Entry]:
    """Give the entry of money given back: the mirror of its payment."""
    return [Entry("buyers", provider, amount_fen, "refund")]


def take_back_entries(
    supplier_id: int, *, goods_fen: int, shipping_fen: int, before_fen: int = 0
) -> list[Entry]:
    """Give the mirror of an online sale's entries, in part or in whole.

    `before_fen` is what was taken back of the same goods before; the fees of all parts together
    are the fee of the whole.
    """
    rate = COMMISSION_PER_MILLE["online"]
    fee = per_mille(before_fen + goods_fen, rate) - per_mille(before_fen, rate)
    supplier = f"supplier:{supplier_id}"
    entries = [
        Entry(supplier, "buyers", goods_fen, "goods"),
        Entry("commission", supplier, fee, "commission"),
        Entry(supplier, "buyers", shipping_fen, "shipping"),
    ]
    return [entry for entry in entries if entry.amount_fen > 0]
