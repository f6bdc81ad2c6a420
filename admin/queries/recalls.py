"""Recalls as the office sees them: one, its acts, and how far each place has got."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from goods.stock.models import Lot
from insight.alerts.queries import recall_rows
from insight.reach import Reach
from parties.network.models import Place
from traceability.models import Recall
from traceability.recalls.lists import Head
from traceability.recalls.models import RecallAct
from traceability.recalls.queries import Impact, PlaceName
from traceability.recalls.rules import Spot


def one_recall(session: Session, recall_id: int, reach: Reach) -> Head:
    """Give a recall that somebody may see; raise NotFound."""
    row = session.execute(recall_rows(reach).where(Recall.id == recall_id)).first()
    if row is None:
        raise NotFound("There is no such recall")
    return Head._make(row)


class AtPlace(NamedTuple):
    """How a recall stands at one place, over all its lots of one base unit."""

    place: PlaceName
    unit: str
    spots: Sequence[Spot]
    affected: int
    quarantined: int
    returned: int
    destroyed: int
    taken_back: int
    open: int

    @property
    def done(self) -> int:
        """Give what is accounted for."""
        return self.affected - self.open


def by_place(impact: Impact, reach: Reach, *, whole: bool) -> list[AtPlace]:
    """Fold a recall's spots by place: what is still open first.

    Without `whole` only places within reach are given: somebody else's recall met them.
    """
    folded: dict[tuple[int, str], list[Spot]] = {}
    for spot in impact.spots:
        key = (spot.place_id, impact.lots[spot.lot_id].base_unit)
        folded.setdefault(key, []).append(spot)
    rows = [
        AtPlace(
            impact.places[place_id],
            unit,
            spots,
            sum(spot.affected for spot in spots),
            sum(spot.quarantined for spot in spots),
            sum(spot.returned for spot in spots),
            sum(spot.destroyed for spot in spots),
            sum(spot.taken_back for spot in spots),
            sum(spot.open for spot in spots),
        )
        for (place_id, unit), spots in folded.items()
        if whole or reach.covers(impact.places[place_id].county_code)
    ]
    return sorted(rows, key=lambda row: (-row.open, row.place.id))


class Did(NamedTuple):
    """One act, as the page tells it."""

    at: datetime
    act: str
    quantity: int
    lot_no: str
    place_zh: str
    place_en: str


def acts_of(session: Session, recall_id: int, place_ids: Sequence[int]) -> list[Did]:
    """Give the newest acts of a recall at these places."""
    rows: Sequence[Row[Any]] = session.execute(
        select(
            RecallAct.at,
            RecallAct.act,
            RecallAct.quantity,
            Lot.lot_no,
            Place.name_zh,
            Place.name_en,
        )
        .join(Lot, Lot.id == RecallAct.lot_id)
        .join(Place, Place.id == RecallAct.place_id)
        .where(RecallAct.recall_id == recall_id, RecallAct.place_id.in_(place_ids))
        .order_by(RecallAct.id.desc())
        .limit(100)
    ).all()
    return [Did._make(row) for row in rows]


def totals(rows: Sequence[AtPlace]) -> Mapping[str, list[tuple[str, int]]]:
    """Add the places up, by base unit: pieces first."""
    fields = ("affected", "quarantined", "returned", "destroyed", "taken_back", "open")
    units = sorted({row.unit for row in rows}, key=lambda unit: unit != "piece") or ["piece"]
    return {
        name: [
            (unit, sum(int(getattr(row, name)) for row in rows if row.unit == unit))
            for unit in units
        ]
        for name in fields
    }
