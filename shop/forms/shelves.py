"""Reading the address of a list: what is looked for, from where to where, in which order."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from goods.catalogue.rules import SORTS, Sort, Wish, words_of
from shop.queries.network import OutletWish

CODE: Final = re.compile(r"[a-z0-9_]{1,20}")
YUAN: Final = re.compile(r"\d{1,7}(\.\d{1,2})?")
MOST_QUERY: Final = 80


def read_wish(args: Mapping[str, str]) -> Wish:
    """Read a list's query; whatever can't be read counts as not asked."""
    sort = args.get("sort", "fit")
    return Wish(
        words=words_of(args.get("q", "")[:MOST_QUERY]),
        county=_code(args.get("county")),
        category=_code(args.get("category")),
        least_fen=read_yuan(args.get("from")),
        most_fen=read_yuan(args.get("to")),
        in_stock=args.get("stock") == "1",
        sort=cast("Sort", sort) if sort in SORTS else "fit",
    )


def within(wish: Wish, *, category: str | None = None, county: str | None = None) -> Wish:
    """Keep a list to the category or county whose page it stands on."""
    if category is not None:
        wish = replace(wish, category=category)
    return replace(wish, county=county) if county is not None else wish


def read_outlet_wish(args: Mapping[str, str], tiers: tuple[str, ...]) -> OutletWish:
    """Read the query of the list of outlets."""
    tier = args.get("tier", "")
    return OutletWish(
        tier=tier if tier in tiers else None,
        county=_code(args.get("county")),
        words=words_of(args.get("q", "")[:MOST_QUERY]),
    )


def read_yuan(text: str | None) -> int | None:
    """Read an amount in yuan as fen; None for anything else."""
    text = (text or "").strip()
    if not YUAN.fullmatch(text):
        return None
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or "0")


def _code(text: str | None) -> str | None:
    return text if text and CODE.fullmatch(text) else None
