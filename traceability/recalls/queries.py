"""How far a recall reaches, forward and back, and how far it has got."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, distinct, exists, func, select, true
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from goods.catalogue.models import Certificate, Sku
from goods.stock.models import Hold, LogisticUnit, Lot, Serial, StockBalance, StockMove
from parties.network.models import Organisation, Outlet, Place
from traceability.balance.queries import Kin, kin, relatives
from traceability.models import EventCertificate, EventLot, Recall, Shipment, TraceEvent
from traceability.recalls.models import RecallAct
from traceability.recalls.rules import Spot, Target

CHUNK = 5000
"""So many ids go into one statement; databases have a limit."""
AROUND = ("commissioned", "in_transit", "on_shelf", "returned")
"""States of an item that somebody of the network still has."""


class Affected(NamedTuple):
    """What a recall comes to: whole lots, all that is or was at an outlet, or one item."""

    seeds: tuple[int, ...]
    """The lots that the scope itself names."""
    lot_ids: tuple[int, ...] = ()
    """They, and everything made from them."""
    place_id: int | None = None
    serial_id: int | None = None
    since: date | None = None
    until: date | None = None

    @property
    def nothing(self) -> bool:
        """Tell whether there are no goods in it."""
        return not self.lot_ids and self.place_id is None and self.serial_id is None


class PlaceName(NamedTuple):
    """A place, and whose outlet it is or which outlet its goods are on their way to."""

    id: int
    kind: str
    name_zh: str
    name_en: str
    county_code: str | None
    organisation_id: int
    outlet_code: str | None
    minded_by: int
    """The place whose people see to the goods: itself, or where a shipment goes."""


@dataclass(frozen=True, slots=True)
class Impact:
    """A recall's reach as far as the trace goes; who bought is asked of trade."""

    affected: Affected
    lots: Mapping[int, Kin]
    """Every affected lot by id, those of an outlet's shelf too."""
    upstream: Sequence[Kin]
    """What went into them, back to the first record."""
    spots: Sequence[Spot]
    places: Mapping[int, PlaceName]
    items: Mapping[str, int]
    """Serialised items by state."""
    cases: int
    """Closed cases."""
    suppliers: Sequence[tuple[int, str, str]]
    """Whose goods these are: id and short names."""

    def amounts(self, field: str) -> dict[str, int]:
        """Add a figure of the spots up by base unit: pieces first, never mixed with grams."""
        sums: dict[str, int] = {}
        for spot in self.spots:
            unit = self.lots[spot.lot_id].base_unit
            sums[unit] = sums.get(unit, 0) + int(getattr(spot, field))
        return {unit: sums[unit] for unit in sorted(sums, key=lambda one: one != "piece")}


def chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    """Cut ids into pieces that fit into a statement."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def days_between(column: Any, since: date | None, until: date | None) -> ColumnElement[bool]:
    """Give the condition that a moment lies within these days of the region's own time."""
    condition: ColumnElement[bool] = true()
    if since is not None:
        condition &= column >= datetime.combine(since, time.min, clock.LOCAL)
    if until is not None:
        condition &= column < datetime.combine(until + timedelta(days=1), time.min, clock.LOCAL)
    return condition


def affected_by(session: Session, target: Target) -> Affected:
    """Work out what recalling `target` would come to; raise NotFound for an unknown id."""
    match target.scope:
        case "item":
            serial = session.get(Serial, target.id)
            if serial is None:
                raise NotFound("There is no such item")
            return Affected((serial.lot_id,), serial_id=serial.id)
        case "place":
            kind = session.scalar(select(Place.kind).where(Place.id == target.id))
            if kind is None:
                raise NotFound("There is no such place")
            if kind == "outlet":
                there = session.scalars(
                    select(StockBalance.lot_id)
                    .where(StockBalance.place_id == target.id, StockBalance.on_hand > 0)
                    .order_by(StockBalance.lot_id)
                )
                return Affected(
                    tuple(there), place_id=target.id, since=target.since, until=target.until
                )
            seeds = _of_place(session, target)
        case "supplier":
            if session.get(Organisation, target.id) is None:
                raise NotFound("There is no such supplier")
            seeds = session.scalars(
                select(Lot.id)
                .where(
                    Lot.organisation_id == target.id,
                    days_between(Lot.created_at, target.since, target.until),
                )
                .order_by(Lot.id)
            ).all()
        case "certificate":
            seeds = _of_certificate(session, target.id)
        case _:
            if session.get(Lot, target.id) is None:
                raise NotFound("There is no such lot")
            seeds = [target.id]
    return Affected(
        tuple(seeds),
        tuple(relatives(session, seeds, down=True)),
        since=target.since,
        until=target.until,
    )


def _of_place(session: Session, target: Target) -> Sequence[int]:
    """Give the lots that ever were at a place, or were there within the days asked for."""
    query = select(StockBalance.lot_id).where(StockBalance.place_id == target.id)
    if target.since or target.until:
        moved = (
            exists()
            .where(
                StockMove.lot_id == StockBalance.lot_id,
                StockMove.place_id == target.id,
                TraceEvent.id == StockMove.event_id,
                days_between(TraceEvent.event_time, target.since, target.until),
            )
            .correlate(StockBalance)
        )
        query = query.where(moved)
    return session.scalars(query.order_by(StockBalance.lot_id)).all()


def _of_certificate(session: Session, certificate_id: int) -> Sequence[int]:
    """Give the lots whose records a paper came with; else those of the goods it was issued for."""
    paper = session.get(Certificate, certificate_id)
    if paper is None:
        raise NotFound("There is no such certificate")
    came_with = session.scalars(
        select(EventLot.lot_id)
        .join(EventCertificate, EventCertificate.event_id == EventLot.event_id)
        .where(EventCertificate.certificate_id == certificate_id)
        .distinct()
        .order_by(EventLot.lot_id)
    ).all()
    if came_with:
        return came_with
    query = (
        select(Lot.id)
        .join(Sku, Sku.id == Lot.sku_id)
        .where(
            Lot.organisation_id == paper.organisation_id,
            days_between(Lot.created_at, paper.issued_on, paper.valid_to),
        )
        .order_by(Lot.id)
    )
    if paper.product_id is not None:
        query = query.where(Sku.product_id == paper.product_id)
    return session.scalars(query).all()


def affected_of(session: Session, recall: Recall) -> Affected:
    """Give what an announced recall comes to: its holds, and so what was added to it since."""
    if recall.scope == "item" and recall.serial_id is not None:
        lot_id = session.scalar(select(Serial.lot_id).where(Serial.id == recall.serial_id))
        return Affected((lot_id,) if lot_id else (), serial_id=recall.serial_id)
    held = session.scalars(
        select(Hold.lot_id)
        .where(Hold.event_id == recall.event_id, Hold.lot_id.is_not(None))
        .distinct()
        .order_by(Hold.lot_id)
    ).all()
    lots = tuple(lot_id for lot_id in held if lot_id is not None)
    at_outlet = session.scalar(
        select(Hold.place_id).where(Hold.event_id == recall.event_id, Hold.place_id.is_not(None))
    )
    seeds = (recall.lot_id,) if recall.lot_id else lots
    return Affected(seeds, lots, at_outlet, None, recall.since, recall.until)


def spots_of(session: Session, affected: Affected, recall_id: int | None = None) -> list[Spot]:
    """Give where affected goods are and what was done with them, by place and lot."""
    on_hand: dict[tuple[int, int], int] = {}
    if affected.serial_id is not None:
        serial = session.get_one(Serial, affected.serial_id)
        if serial.state in AROUND:
            on_hand[serial.place_id, serial.lot_id] = 1
    elif affected.place_id is not None:
        on_hand = _balances(session, StockBalance.place_id == affected.place_id)
    else:
        for part in chunks(affected.lot_ids):
            on_hand |= _balances(session, StockBalance.lot_id.in_(part))
    acts: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    if recall_id is not None:
        rows = session.execute(
            select(
                RecallAct.place_id,
                RecallAct.lot_id,
                RecallAct.act,
                func.sum(RecallAct.quantity),
                func.sum(RecallAct.from_quarantine),
            )
            .where(RecallAct.recall_id == recall_id)
            .group_by(RecallAct.place_id, RecallAct.lot_id, RecallAct.act)
        )
        for place_id, lot_id, act, quantity, released in rows:
            acts[place_id, lot_id][act] += int(quantity)
            acts[place_id, lot_id]["released"] += int(released)
    return [
        Spot(
            *key,
            on_hand.get(key, 0),
            acts[key]["quarantined"] - acts[key]["released"],
            acts[key]["returned"],
            acts[key]["destroyed"],
            acts[key]["taken_back"],
        )
        for key in sorted({*on_hand, *acts})
    ]


def _balances(session: Session, condition: ColumnElement[bool]) -> dict[tuple[int, int], int]:
    rows = session.execute(
        select(StockBalance.place_id, StockBalance.lot_id, StockBalance.on_hand).where(
            condition, StockBalance.on_hand > 0
        )
    )
    return {(place_id, lot_id): held for place_id, lot_id, held in rows}


def places_named(session: Session, ids: Collection[int]) -> dict[int, PlaceName]:
    """Give places by id, and for goods on their way the outlet that waits for them."""
    rows = session.execute(
        select(
            Place.id,
            Place.kind,
            Place.name_zh,
            Place.name_en,
            Place.county_code,
            Place.organisation_id,
            Outlet.code,
            func.coalesce(Shipment.to_place_id, Place.id),
        )
        .outerjoin(Shipment, Shipment.transit_place_id == Place.id)
        .outerjoin(Outlet, Outlet.place_id == func.coalesce(Shipment.to_place_id, Place.id))
        .where(Place.id.in_(ids))
    )
    return {row[0]: PlaceName._make(row) for row in rows}


def items_of(session: Session, affected: Affected) -> dict[str, int]:
    """Count the serialised items by state: from an index, however many there are."""
    counts: dict[str, int] = defaultdict(int)
    if affected.serial_id is not None:
        return {session.get_one(Serial, affected.serial_id).state: 1}
    conditions: list[ColumnElement[bool]] = (
        [Serial.lot_id.in_(affected.seeds) & (Serial.place_id == affected.place_id)]
        if affected.place_id is not None
        else [Serial.lot_id.in_(part) for part in chunks(affected.lot_ids)]
    )
    for condition in conditions:
        rows = session.execute(
            select(Serial.state, func.count()).where(condition).group_by(Serial.state)
        )
        for state, count in rows:
            counts[state] += count
    return dict(counts)


def _cases(session: Session, affected: Affected) -> int:
    if affected.serial_id is not None:
        return 0
    closed = LogisticUnit.state != "opened"
    query = select(func.count()).select_from(LogisticUnit)
    if affected.place_id is not None:
        return session.scalar(query.where(closed, LogisticUnit.place_id == affected.place_id)) or 0
    return sum(
        session.scalar(query.where(closed, LogisticUnit.lot_id.in_(part))) or 0
        for part in chunks(affected.lot_ids)
    )


def impact_of(session: Session, affected: Affected, recall_id: int | None = None) -> Impact:
    """Give a recall's whole reach in the trace, before or after it was announced."""
    spots = spots_of(session, affected, recall_id)
    lot_ids = {*affected.seeds, *affected.lot_ids, *(spot.lot_id for spot in spots)}
    before = relatives(session, sorted(lot_ids), down=False)
    named: dict[int, Kin] = {}
    for part in chunks(sorted({*before, *lot_ids})):
        named |= kin(session, part)
    lots = {lot_id: named[lot_id] for lot_id in sorted(lot_ids)}
    owners = {lot.organisation_id for lot in lots.values()}
    suppliers = session.execute(
        select(Organisation.id, Organisation.short_zh, Organisation.short_en)
        .where(Organisation.id.in_(owners))
        .order_by(Organisation.id)
    )
    return Impact(
        affected=affected,
        lots=lots,
        upstream=[named[lot_id] for lot_id in before if lot_id not in lot_ids],
        spots=spots,
        places=places_named(session, {spot.place_id for spot in spots}),
        items=items_of(session, affected),
        cases=_cases(session, affected),
        suppliers=[(row[0], row[1], row[2]) for row in suppliers],
    )


def recall_by_id(session: Session, recall_id: int) -> Recall:
    """Give a recall, or raise NotFound."""
    found = session.get(Recall, recall_id)
    if found is None:
        raise NotFound("There is no such recall")
    return found


def lots_under_recall(session: Session) -> list[Lot]:
    """Give every lot that is blocked by a recall now."""
    held = select(distinct(Hold.lot_id)).where(
        Hold.released_at.is_(None), Hold.reason == "recalled", Hold.lot_id.is_not(None)
    )
    return list(session.scalars(select(Lot).where(Lot.id.in_(held)).order_by(Lot.id)))
