"""What a counter still has of recalled goods."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from traceability.balance.queries import Kin, kin
from traceability.models import Recall, Shipment
from traceability.recalls.lists import standing_at
from traceability.recalls.queries import affected_of, spots_of
from traceability.recalls.rules import Spot


class LotHere(NamedTuple):
    """One recalled lot here, or on its way here."""

    place_id: int
    coming: bool
    """It is in closed cases on the way; they stay closed."""
    lot: Kin
    spot: Spot


@dataclass(frozen=True, slots=True)
class MetHere:
    """One recall and the goods of it that are here."""

    recall: Recall
    lines: Sequence[LotHere]

    @property
    def open(self) -> bool:
        """Tell whether something is still to be done."""
        return any(line.spot.open for line in self.lines)


def recalls_here(session: Session, place_id: int) -> list[MetHere]:
    """Give the recalls that meet an outlet, what is still open first."""
    coming = set(
        session.scalars(
            select(Shipment.transit_place_id).where(
                Shipment.to_place_id == place_id, Shipment.state == "in_transit"
            )
        )
    )
    met = []
    for recall in standing_at(session, place_id):
        spots = [
            spot
            for spot in spots_of(session, affected_of(session, recall), recall.id)
            if spot.place_id == place_id or spot.place_id in coming
        ]
        lots = kin(session, {spot.lot_id for spot in spots})
        lines = [
            LotHere(spot.place_id, spot.place_id in coming, lots[spot.lot_id], spot)
            for spot in spots
        ]
        met.append(MetHere(recall, lines))
    return sorted(met, key=lambda one: not one.open)
