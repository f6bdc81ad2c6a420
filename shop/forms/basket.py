"""Reading what the basket's small forms send."""

from collections.abc import Mapping
from dataclasses import dataclass

from foundation.errors import BadInput

MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Put:
    """So many of one pack, and what the buyer wants to do next: basket or buy."""

    sku_id: int
    quantity: int
    then: str = "basket"
    product: str = ""


def read_put(form: Mapping[str, str]) -> Put:
    """Read a pack and a quantity. Raises BadInput naming the field."""
    return Put(
        read_sku(form),
        read_count(form.get("quantity", "1")),
        "buy" if form.get("then") == "buy" else "basket",
        form.get("product", "")[:20],
    )


def read_sku(form: Mapping[str, str]) -> int:
    """Read which pack is meant. Raises BadInput."""
    text = form.get("sku", "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 18:  # noqa: PLR2004 -- 64 bits
        raise BadInput("Choose a pack first", field="sku")
    return int(text)


def read_count(text: str) -> int:
    """Read a whole number as typed, full-width digits too. Raises BadInput."""
    text = text.strip()
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise BadInput("Write a whole number", field="quantity")
    return int(text)
