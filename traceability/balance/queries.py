"""A lot's books: what came in, what went out, what is there, what nobody can explain."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, StockBalance, StockMove
from parties.network.models import Place
from traceability.balance.models import LotFlow
from traceability.balance.rules import Amount, Shared, split
from traceability.models import EventLot, TraceEvent

MOST_LOTS = 20_000
"""So many relatives are walked; more are beyond one page."""


class Kin(NamedTuple):
    """A lot in the graph, with what its units are."""

    id: int
    lot_no: str
    raw: bool
    base_unit: str
    per_unit: int | None
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    organisation_id: int


class Sums(NamedTuple):
    """What a lot's ledger adds up to, by what it was for; base units, none below nought."""

    harvested: int = 0
    """Came into being here, or came in from outside of the record."""
    made: int = 0
    """Came out of transformations."""
    found: int = 0
    """Booked in because the books fell short: nobody can say from where."""
    sold: int = 0
    taken_back: int = 0
    used: int = 0
    destroyed: int = 0
    missing: int = 0
    """Counted out: nobody can say where to."""
    at_supplier: int = 0
    in_transit: int = 0
    on_shelf: int = 0

    @property
    def on_hand(self) -> int:
        """Give what is there."""
        return self.at_supplier + self.in_transit + self.on_shelf

    @property
    def came(self) -> int:
        """Give what came in, explained or not."""
        return self.harvested + self.made + self.found + self.taken_back

    @property
    def went(self) -> int:
        """Give what went out, and what is there."""
        return self.sold + self.used + self.destroyed + self.missing + self.on_hand

    @property
    def gap(self) -> int:
        """Give by how much the ledger itself does not close: nought in sound books."""
        return self.came - self.went

    @property
    def excess(self) -> int:
        """Give how much more left than ever came in with an explanation, or 0."""
        left = self.sold - self.taken_back + self.used + self.destroyed
        return max(0, left - self.harvested - self.made)


class Stream(NamedTuple):
    """One ribbon of a lot's flow picture."""

    code: str
    """harvested, found, taken_back, lot, sold, used, lost, destroyed, missing, at_supplier,
    in_transit, on_shelf, gap."""
    amount: Fraction
    """In the looked-at lot's base units."""
    lot: Kin | None = None
    """The other lot, where there is one."""
    native: Fraction | None = None
    """The same in the other lot's base units."""


class Chain(NamedTuple):
    """The books of a lot and of everything made from it, in the lot's own base units."""

    lots: int
    came: Fraction
    sold: Fraction
    on_hand: Fraction
    lost: Fraction
    """Lost in the making, destroyed or counted out."""
    unexplained: Fraction
    """Booked in along the way without anybody knowing from where."""

    @property
    def closes(self) -> bool:
        """Tell whether nothing is unexplained."""
        return not self.unexplained


@dataclass(frozen=True, slots=True)
class LotBalance:
    """Everything that the balance page of a lot shows."""

    lot: Kin
    sums: Sums
    inflows: tuple[Stream, ...]
    outflows: tuple[Stream, ...]
    chain: Chain


def relatives(session: Session, lot_ids: Collection[int], *, down: bool) -> list[int]:
    """Give these lots and, level by level, all that was made from them (or that they came from).

    One statement per level of making; cycles end by themselves. Ids come nearest first.
    """
    here, there = (
        (LotFlow.from_lot_id, LotFlow.to_lot_id)
        if down
        else (LotFlow.to_lot_id, LotFlow.from_lot_id)
    )
    found = dict.fromkeys(lot_ids)
    frontier = list(found)
    while frontier and len(found) < MOST_LOTS:
        level: list[int] = []
        for start in range(0, len(frontier), 1000):
            level += session.scalars(
                select(there)
                .where(here.in_(frontier[start : start + 1000]))
                .distinct()
                .order_by(there)
            )
        frontier = [lot_id for lot_id in dict.fromkeys(level) if lot_id not in found]
        found.update(dict.fromkeys(frontier))
    return list(found)


def kin(session: Session, lot_ids: Collection[int]) -> dict[int, Kin]:
    """Give lots by id with their names and units."""
    rows = session.execute(
        select(
            Lot.id,
            Lot.lot_no,
            Sku.raw,
            Sku.base_unit,
            Sku.material_per_unit,
            func.coalesce(func.nullif(Sku.name_zh, ""), Product.name_zh),
            func.coalesce(func.nullif(Sku.name_en, ""), Product.name_en),
            Sku.spec_zh,
            Sku.spec_en,
            Lot.organisation_id,
        )
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(Lot.id.in_(lot_ids))
    )
    return {row[0]: Kin._make(row) for row in rows}


def sums_of(session: Session, lot_ids: Collection[int]) -> dict[int, Sums]:
    """Add the ledgers of these lots up. Two statements."""
    tallies: dict[int, dict[str, int]] = {lot_id: defaultdict(int) for lot_id in lot_ids}
    inward = (StockMove.quantity > 0).label("inward")
    moves = session.execute(
        select(
            StockMove.lot_id,
            TraceEvent.event_type,
            TraceEvent.biz_step,
            inward,
            func.sum(StockMove.quantity),
        )
        .join(TraceEvent, TraceEvent.id == StockMove.event_id)
        .where(StockMove.lot_id.in_(lot_ids))
        .group_by(StockMove.lot_id, TraceEvent.event_type, TraceEvent.biz_step, inward)
    )
    for lot_id, event_type, biz_step, into, quantity in moves:
        amount = abs(int(quantity))
        tally = tallies[lot_id]
        match (event_type, biz_step, bool(into)):
            case ("TransformationEvent", _, True):
                tally["made"] += amount
            case ("TransformationEvent", _, False):
                tally["used"] += amount
            case (_, "retail_selling", _):
                tally["sold"] += amount
            case (_, "accepting", True):
                tally["taken_back"] += amount
            case (_, "stock_taking", True):
                tally["found"] += amount
            case (_, "stock_taking", False):
                tally["missing"] += amount
            case (_, "destroying", _):
                tally["destroyed"] += amount
            case _:
                # Carrying between places adds up to nought; what is left came from outside.
                tally["harvested"] += int(quantity)
    held = session.execute(
        select(StockBalance.lot_id, Place.kind, func.sum(StockBalance.on_hand))
        .join(Place, Place.id == StockBalance.place_id)
        .where(StockBalance.lot_id.in_(lot_ids), StockBalance.on_hand > 0)
        .group_by(StockBalance.lot_id, Place.kind)
    )
    for lot_id, kind, on_hand in held:
        where = {"outlet": "on_shelf", "transit": "in_transit"}.get(kind, "at_supplier")
        tallies[lot_id][where] += int(on_hand)
    return {lot_id: Sums(**tally) for lot_id, tally in tallies.items()}


class Making(NamedTuple):
    """A transformation, split up."""

    event_id: UUID
    inputs: tuple[Amount, ...]
    outputs: tuple[Amount, ...]
    shared: Shared


def makings(session: Session, lot_ids: Collection[int]) -> list[Making]:
    """Give every transformation that used or made one of these lots, oldest first."""
    touching = (
        select(EventLot.event_id)
        .where(EventLot.lot_id.in_(lot_ids), EventLot.role.in_(("input", "output")))
        .distinct()
    )
    rows = session.execute(
        select(
            EventLot.event_id,
            EventLot.role,
            EventLot.lot_id,
            EventLot.quantity,
            Sku.base_unit,
            Sku.material_per_unit,
        )
        .join(TraceEvent, TraceEvent.id == EventLot.event_id)
        .join(Lot, Lot.id == EventLot.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .where(EventLot.event_id.in_(touching))
        .order_by(TraceEvent.event_time, TraceEvent.record_time, EventLot.event_id, EventLot.lot_id)
    )
    parts: dict[UUID, tuple[list[Amount], list[Amount]]] = {}
    for event_id, role, *amount in rows:
        ins, outs = parts.setdefault(event_id, ([], []))
        (ins if role == "input" else outs).append(Amount(*amount))
    return [
        Making(event_id, tuple(ins), tuple(outs), split(ins, outs))
        for event_id, (ins, outs) in parts.items()
    ]


def lot_balance(session: Session, lot_id: int) -> LotBalance:
    """Give a lot's whole balance, and that of everything made from it; raise NotFound."""
    family = relatives(session, [lot_id], down=True)
    every = makings(session, family)
    names = kin(session, {lot_id, *(one.lot_id for m in every for one in (*m.inputs, *m.outputs))})
    if lot_id not in names:
        raise NotFound("There is no such lot")
    sums = sums_of(session, family)
    own = sums[lot_id]
    return LotBalance(
        lot=names[lot_id],
        sums=own,
        inflows=tuple(_inflows(lot_id, own, every, names)),
        outflows=tuple(_outflows(lot_id, own, every, names)),
        chain=_chain(lot_id, sums, every),
    )


def _plain(own: Sums, codes: Sequence[str]) -> list[Stream]:
    amounts = [(code, int(getattr(own, code))) for code in codes]
    return [Stream(code, Fraction(amount)) for code, amount in amounts if amount]


def _inflows(
    lot_id: int, own: Sums, every: Sequence[Making], names: Mapping[int, Kin]
) -> list[Stream]:
    became: dict[int, Fraction] = defaultdict(Fraction)
    given: dict[int, Fraction] = defaultdict(Fraction)
    for making in every:
        for share in making.shared.shares:
            if share.to_lot == lot_id:
                became[share.from_lot] += share.became
                given[share.from_lot] += share.given
    streams = [Stream("lot", became[one], names[one], given[one]) for one in sorted(became)]
    streams += _plain(own, ("harvested", "taken_back", "found"))
    if own.gap < 0:
        streams.append(Stream("gap", Fraction(-own.gap)))
    return streams


def _outflows(
    lot_id: int, own: Sums, every: Sequence[Making], names: Mapping[int, Kin]
) -> list[Stream]:
    given: dict[int, Fraction] = defaultdict(Fraction)
    became: dict[int, Fraction] = defaultdict(Fraction)
    lost = Fraction(0)
    for making in every:
        lost += making.shared.lost.get(lot_id, Fraction(0))
        for share in making.shared.shares:
            if share.from_lot == lot_id:
                given[share.to_lot] += share.given
                became[share.to_lot] += share.became
    streams = [Stream("lot", given[one], names[one], became[one]) for one in sorted(given)]
    if lost:
        streams.append(Stream("lost", lost))
    streams += _plain(
        own, ("sold", "destroyed", "missing", "on_shelf", "in_transit", "at_supplier")
    )
    if own.gap > 0:
        streams.append(Stream("gap", Fraction(own.gap)))
    return streams


def _chain(root: int, sums: Mapping[int, Sums], every: Sequence[Making]) -> Chain:
    """Follow the root's substance through the graph: exactly, and once through in order of time."""
    own = sums[root]
    held: dict[int, Fraction] = defaultdict(Fraction)
    held[root] = Fraction(own.harvested + own.made)
    made = {lot_id: one.made + one.harvested for lot_id, one in sums.items()}
    lost = Fraction(0)

    def per_unit(lot_id: int) -> Fraction:
        return held[lot_id] / made[lot_id] if made.get(lot_id) else Fraction(0)

    for making in every:
        for share in making.shared.shares:
            if share.to_lot in sums and share.to_lot != root and share.from_lot in sums:
                held[share.to_lot] += share.given * per_unit(share.from_lot)
        for lot_id, gone in making.shared.lost.items():
            if lot_id in sums:
                lost += gone * per_unit(lot_id)
    sold = on_hand = unexplained = Fraction(0)
    for lot_id, one in sums.items():
        worth = per_unit(lot_id)
        sold += worth * (one.sold - one.taken_back)
        on_hand += worth * one.on_hand
        lost += worth * (one.destroyed + one.missing)
        unexplained += worth * one.found
    return Chain(len(sums), held[root], sold, on_hand, lost, unexplained)
