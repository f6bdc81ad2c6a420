"""What a move is, and which lot leaves first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Move(NamedTuple):
    """So many base units of a lot into (above nought) or out of a place."""

    place_id: int
    lot_id: int
    sku_id: int
    quantity: int


class Free(NamedTuple):
    """What a place can still promise of a lot."""

    place_id: int
    lot_id: int
    sku_id: int
    best_before: date | None
    free: int


@dataclass(frozen=True, slots=True)
class Want:
    """So many of a SKU for one line of an owner."""

    line: int
    sku_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Pick:
    """So many of a lot at a place chosen for a line."""

    line: int
    place_id: int
    lot_id: int
    sku_id: int
    quantity: int


def netted(moves: Iterable[Move]) -> list[Move]:
    """Add up moves of the same lot at the same place, drop those that cancel out, sort by key."""
    sums: dict[tuple[int, int, int], int] = {}
    for place_id, lot_id, sku_id, quantity in moves:
        key = (place_id, lot_id, sku_id)
        sums[key] = sums.get(key, 0) + quantity
    return [Move(*key, quantity) for key, quantity in sorted(sums.items()) if quantity]


def fefo(shelf: Iterable[Free]) -> list[Free]:
    """Sort by what expires first; what never expires comes last; equal dates by lot, then place."""
    return sorted(
        shelf,
        key=lambda f: (f.best_before is None, f.best_before or date.max, f.lot_id, f.place_id),
    )


def pick(wants: Sequence[Want], shelf: Iterable[Free]) -> tuple[list[Pick], dict[int, int]]:
    """Choose lots first-expired-first-out for every want.

    Gives the picks and, by SKU, how many are missing. A want is split over lots when it must be.
    """
    left = {(f.place_id, f.lot_id): f.free for f in shelf}
    by_sku: dict[int, list[Free]] = {}
    for free in fefo(shelf):
        by_sku.setdefault(free.sku_id, []).append(free)
    picks: list[Pick] = []
    missing: dict[int, int] = {}
    for want in wants:
        need = want.quantity
        for free in by_sku.get(want.sku_id, []):
            take = min(need, left[free.place_id, free.lot_id])
            if take <= 0:
                continue
            left[free.place_id, free.lot_id] -= take
            picks.append(Pick(want.line, free.place_id, free.lot_id, want.sku_id, take))
            need -= take
            if not need:
                break
        if need:
            missing[want.sku_id] = missing.get(want.sku_id, 0) + need
    return picks, missing
