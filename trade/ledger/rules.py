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
    """Give the entries of one sale: what the payer's side owes suppliers and platform.

    At a counter the operator took the money and owes it; online the buyer's prepayment is used.
    `by_supplier` and `shipping` are fen by supplier id.
    """
    payer = f"outlet:{outlet_operator}" if channel == "counter" else "buyers"
    entries: list[Entry] = []
    for supplier_id, amount in sorted(by_supplier.items()):
        fee = per_mille(amount, COMMISSION_PER_MILLE[channel])
        entries.append(Entry(payer, f"supplier:{supplier_id}", amount - fee, "goods"))
        entries.append(Entry(payer, "commission", fee, "commission"))
    entries.extend(
        Entry(payer, f"supplier:{supplier_id}", amount, "shipping")
        for supplier_id, amount in sorted(shipping.items())
    )
    return [entry for entry in entries if entry.amount_fen > 0]
