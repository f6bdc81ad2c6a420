"""What stands on a counter's shelf, lot by lot."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from counters.queries.goods import GOOD, LOT, batch_of
from counters.rules import Batch, Block, Good, Kind, Reason, Verdict, batch_verdict, days_left
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, StockBalance
from goods.stock.queries import holds_on


@dataclass(frozen=True, slots=True)
class OnShelf:
    """One lot on hand and how it stands."""

    good: Good
    batch: Batch
    verdict: Verdict
    left: int | None
    """Days left; below nought when expired; None when it does not expire."""


def on_shelf(session: Session, place_id: int, *, today: date) -> list[OnShelf]:
    """Give every lot on hand at a counter, what expires first standing first. Two statements.

    A counter holds some hundreds of lots at most; how one stands is a rule, not a condition in SQL.
    """
    rows = session.execute(
        select(*GOOD, *LOT)
        .select_from(StockBalance)
        .join(Lot, Lot.id == StockBalance.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(StockBalance.place_id == place_id, StockBalance.on_hand > 0)
    ).all()
    width = len(GOOD)
    blocks = {
        hold.lot_id: Block(hold.reason, hold.note_zh, hold.note_en)
        for hold in holds_on(session, lot_ids=[row[width] for row in rows])
    }
    shelf = []
    for row in rows:
        good = Good(*row[:width])
        batch = batch_of(row[width:], blocks.get(row[width]))
        left = days_left(batch.best_before, today) if batch.best_before else None
        shelf.append(OnShelf(good, batch, batch_verdict(batch, good, today), left))
    return sorted(shelf, key=lambda each: (each.left is None, each.left or 0, each.batch.lot_id))


STATES = ("ok", "near", "expired", "blocked")


def state_of(line: OnShelf) -> str:
    """Give ok, near, expired or blocked."""
    if line.verdict.reason is Reason.EXPIRED:
        return "expired"
    if line.verdict.kind is Kind.STOP:
        return "blocked"
    return "near" if line.verdict.kind is Kind.SLOW else "ok"


def chosen(lines: Iterable[OnShelf], *, words: str, state: str) -> list[OnShelf]:
    """Keep the lines whose names, codes or lot hold every word, and that stand so."""
    asked = words.lower().split()
    kept = []
    for line in lines:
        good = line.good
        names = f"{good.name_zh} {good.name_en} {good.spec_zh}"
        text = f"{names} {good.gtin} {line.batch.lot_no}".lower()
        if all(word in text for word in asked) and state in ("", state_of(line)):
            kept.append(line)
    return kept
