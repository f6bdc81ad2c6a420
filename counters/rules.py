"""What a till answers, told from values alone."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from foundation.errors import BadInput
from trade.sales.errors import WrongTender
from trade.sales.rules import Item, Paid

LIFE_PARTS = 3
"""Goods with less than one of so many parts of their life left are near expiry."""
FEW_DAYS = 30
"""Near expiry where nobody knows how long a life was."""
SELLABLE = frozenset({"on_shelf", "commissioned", "returned"})
MOST_FEN = 2_000_000_000


class Kind(StrEnum):
    """The till's answers: three on goods, and `ask` where the clerk must say more first."""

    GO = "go"
    SLOW = "slow"
    STOP = "stop"
    ASK = "ask"


class Reason(StrEnum):
    """Why a till answers as it does."""

    OK = "ok"
    NEAR_EXPIRY = "near_expiry"
    UNKNOWN_ITEM = "unknown_item"
    UNKNOWN_LOT = "unknown_lot"
    LABEL_MISMATCH = "label_mismatch"
    ALREADY_SOLD = "already_sold"
    RECALLED = "recalled"
    ON_HOLD = "on_hold"
    EXPIRED = "expired"
    CASE_CLOSED = "case_closed"
    ELSEWHERE = "elsewhere"
    NOT_SENT = "not_sent"
    GONE = "gone"
    WITHDRAWN = "withdrawn"
    WHOLESALE_ONLY = "wholesale_only"
    OUTLET_CLOSED = "outlet_closed"
    CASE_CODE = "case_code"
    IN_STORE = "in_store"
    UNREADABLE = "unreadable"
    SCAN_ITEM = "scan_item"
    CHOOSE_LOT = "choose_lot"
    NOT_IN_BOOKS = "not_in_books"


class Verdict(NamedTuple):
    """One answer and its reason."""

    kind: Kind
    reason: Reason


@dataclass(frozen=True, slots=True)
class Block:
    """A sale block: `reason` is recalled or inspection."""

    reason: str
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True)
class Good:
    """A trade item as a till needs it; prices in fen."""

    sku_id: int
    gtin: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    price_fen: int
    price_version: int
    tracking: str
    base_unit: str
    retail: bool
    shelf_life_days: int | None
    demo: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """A lot, how many of it this outlet may still hand out, and what blocks it."""

    lot_id: int
    sku_id: int
    lot_no: str
    produced_on: date | None
    best_before: date | None
    on_hand: int
    free: int
    block: Block | None


@dataclass(frozen=True, slots=True)
class Unit:
    """One pack with a serial: its state, where it is, and what blocks it."""

    serial_id: int
    serial: str
    state: str
    place_id: int
    batch: Batch
    block: Block | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a code asks for: a unit when it has a serial, else a lot, else any of its kind."""

    gtin: str
    serial: str | None = None
    lot_no: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """All that the books say about what was asked for."""

    wanted: Wanted
    good: Good | None
    unit: Unit | None = None
    batch: Batch | None = None
    """The lot that the code names; of a unit its own."""
    shelf: tuple[Batch, ...] = ()
    """Every lot of this kind on hand, what expires first standing first."""
    has_lots: bool = False
    """Somebody has recorded a lot of this kind somewhere."""


def days_left(best_before: date, today: date) -> int:
    """Give how many days goods may still be sold, today not counted."""
    return (best_before - today).days


def near_expiry(
    *,
    best_before: date | None,
    produced_on: date | None,
    shelf_life_days: int | None,
    today: date,
) -> bool:
    """Tell whether less than a third of the life is left; the counters' yellow."""
    if best_before is None:
        return False
    left = days_left(best_before, today)
    life = days_left(best_before, produced_on) if produced_on else shelf_life_days
    if not life or life < 0:
        return left < FEW_DAYS
    return left * LIFE_PARTS < life


def batch_verdict(batch: Batch, good: Good, today: date) -> Verdict:
    """Answer for a lot as such, whatever is on hand."""
    if batch.block is not None:
        return _blocked(batch.block)
    if batch.best_before is not None and batch.best_before < today:
        return Verdict(Kind.STOP, Reason.EXPIRED)
    if near_expiry(
        best_before=batch.best_before,
        produced_on=batch.produced_on,
        shelf_life_days=good.shelf_life_days,
        today=today,
    ):
        return Verdict(Kind.SLOW, Reason.NEAR_EXPIRY)
    return Verdict(Kind.GO, Reason.OK)


def _blocked(block: Block) -> Verdict:
    return Verdict(Kind.STOP, Reason.RECALLED if block.reason == "recalled" else Reason.ON_HOLD)


def judge(found: Found, *, place_id: int, today: date) -> Verdict:
    """Answer whether what was scanned may be sold at `place_id` today.

    A unit that lies elsewhere is told `elsewhere`; whoever asks knows the places and may say it
    more exactly.
    """
    good = found.good
    if good is None:
        return Verdict(Kind.STOP, Reason.UNKNOWN_ITEM)
    if not good.retail:
        return Verdict(Kind.STOP, Reason.WHOLESALE_ONLY)
    if found.wanted.serial is not None:
        return _judge_unit(found, good, place_id, today)
    if good.tracking == "serial":
        block = found.batch.block if found.batch else None
        return _blocked(block) if block else Verdict(Kind.ASK, Reason.SCAN_ITEM)
    if found.wanted.lot_no is not None:
        return _judge_lot(found, good, today)
    return _judge_kind(found, good, today)


def _judge_unit(found: Found, good: Good, place_id: int, today: date) -> Verdict:
    unit = found.unit
    if unit is None:
        return Verdict(Kind.STOP, Reason.UNKNOWN_ITEM)
    block = unit.block or unit.batch.block
    if block is not None:
        return _blocked(block)
    gone = _gone(unit, found.wanted.lot_no, place_id)
    return Verdict(Kind.STOP, gone) if gone else batch_verdict(unit.batch, good, today)


def _gone(unit: Unit, lot_no: str | None, place_id: int) -> Reason | None:
    """Say why a pack cannot be the one on this counter; None when it can."""
    if unit.state == "sold":
        return Reason.ALREADY_SOLD
    if lot_no not in (None, unit.batch.lot_no):
        return Reason.LABEL_MISMATCH
    if unit.state == "withdrawn":
        return Reason.WITHDRAWN
    if unit.state in {"used", "destroyed"}:
        return Reason.GONE
    if unit.place_id != place_id or unit.state not in SELLABLE:
        return Reason.ELSEWHERE
    return None


def _judge_lot(found: Found, good: Good, today: date) -> Verdict:
    if found.batch is None:
        return Verdict(Kind.STOP, Reason.UNKNOWN_LOT)
    verdict = batch_verdict(found.batch, good, today)
    if verdict.kind is not Kind.STOP and found.batch.free <= 0:
        return Verdict(Kind.ASK, Reason.NOT_IN_BOOKS)
    return verdict


def _judge_kind(found: Found, good: Good, today: date) -> Verdict:
    if not found.shelf:
        known = found.has_lots
        return (
            Verdict(Kind.ASK, Reason.NOT_IN_BOOKS)
            if known
            else Verdict(Kind.STOP, Reason.UNKNOWN_LOT)
        )
    verdicts = [batch_verdict(batch, good, today) for batch in found.shelf]
    if all(verdict.kind is Kind.STOP for verdict in verdicts):
        return verdicts[0]
    if len(found.shelf) > 1 and good.tracking == "lot":
        return Verdict(Kind.ASK, Reason.CHOOSE_LOT)
    return next(verdict for verdict in verdicts if verdict.kind is not Kind.STOP)


def inferred_batch(found: Found, today: date) -> Batch | None:
    """Give the lot that leaves first when the pack does not tell: first expired, first out."""
    if found.good is None:
        return None
    for batch in found.shelf:
        if batch_verdict(batch, found.good, today).kind is not Kind.STOP:
            return batch
    return None


def read_yuan(text: str, field: str) -> int:
    """Read an amount as typed, such as 50 or 19.8, as fen; empty is nought."""
    clean = text.strip().replace("，", "").replace(",", "").replace("。", ".").lstrip("¥￥")
    if not clean:
        return 0
    if not re.fullmatch(r"\d{1,7}(?:\.\d{0,2})?", clean, re.ASCII):
        raise BadInput("Type an amount like 50 or 19.80", field=field)
    yuan, _point, rest = clean.partition(".")
    return int(yuan) * 100 + int(rest.ljust(2, "0") or "0")


def total_of(items: Iterable[Item]) -> int:
    """Give what a basket costs (fen); every item must carry the price it was shown with."""
    total = 0
    for item in items:
        if item.price_fen is None:
            raise BadInput("Every item needs its price", field="items")
        total += item.quantity * item.price_fen
    return total


def share_out(
    total: int, *, cash: int, shop_qr: int, voucher: int, reference: str
) -> tuple[Paid, ...]:
    """Turn what was handed over (fen) into tenders: vouchers and codes first, cash pays the rest.

    Raises WrongTender when it is too little, or when anything but cash is too much.
    """
    left = total - voucher - shop_qr
    if left < 0:
        raise WrongTender(
            "Vouchers and codes may not be worth more than the goods", field="voucher"
        )
    if cash < left:
        raise WrongTender("Less was received than is owed", field="cash")
    paid: list[Paid] = []
    if voucher:
        paid.append(Paid("voucher", voucher, voucher, reference))
    if shop_qr:
        paid.append(Paid("shop_qr", shop_qr, shop_qr))
    if left:
        paid.append(Paid("cash", left, cash))
    elif cash:
        raise WrongTender("It is already paid in full without cash", field="cash")
    return tuple(paid)


def repeated(items: Sequence[Item]) -> int | None:
    """Give the position of the first unit that stands in a basket twice."""
    seen: set[tuple[str, str]] = set()
    for position, item in enumerate(items):
        if item.serial is None:
            continue
        if (item.gtin, item.serial) in seen:
            return position
        seen.add((item.gtin, item.serial))
    return None


def put(items: Sequence[Item], more: Item) -> tuple[Item, ...] | None:
    """Add `more` to a basket; None when this very unit is in it already.

    The same lot at the same price and certainty counts up instead of standing twice.
    """
    if more.serial is not None:
        taken = any((item.gtin, item.serial) == (more.gtin, more.serial) for item in items)
        return None if taken else (*items, more)
    for position, item in enumerate(items):
        if item._replace(quantity=1) == more._replace(quantity=1):
            grown = item._replace(quantity=item.quantity + more.quantity)
            return (*items[:position], grown, *items[position + 1 :])
    return (*items, more)
