"""How figures of the office are put into words and links."""

from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import get_locale, gettext

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EM DASH}"
FEN_IN_WAN = 1_000_000


def change(now: int, before: int) -> str:
    """Write how much `now` is above or below `before`, in per cent; unknown from nothing."""
    if before <= 0:
        return UNKNOWN
    rate = Decimal(now - before) * 100 / Decimal(before)
    sign = "+" if rate > 0 else MINUS if rate < 0 else ""
    return f"{sign}{abs(rate):,.1f}%"


def wan(fen: int) -> float:
    """Give fen in ten thousand yuan, rounded to two places, for a chart."""
    return round(fen / FEN_IN_WAN, 2)


def shown(count: int | None) -> str:
    """Write a count of households; None was too small to be shown."""
    return gettext("under 5") if count is None else f"{count:,}"


def in_english() -> bool:
    """Tell whether the reader wants English; else it is Chinese."""
    locale = get_locale()
    return locale is not None and locale.language == "en"


def local(row: Any, name: str = "name") -> str:
    """Give a row's Chinese or English text, whichever the reader wants and there is."""
    first, other = ("en", "zh") if in_english() else ("zh", "en")
    return str(getattr(row, f"{name}_{first}") or getattr(row, f"{name}_{other}") or "")


def quantity_of(amount: int, base_unit: str) -> str:
    """Write base units as pages do: 12 pieces, 3.5 kg."""
    return str(current_app.jinja_env.filters["quantity"](amount, base_unit))
