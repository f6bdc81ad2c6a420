"""Questions to the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from parties.network.models import (
    County,
    Organisation,
    Outlet,
    OutletStatusChange,
    Place,
    PlanPeriod,
    PlanTarget,
    Region,
)

STOCK_KINDS = ("warehouse", "workshop")


def region(session: Session) -> Region:
    """Give the region of this installation; raise NotFound before its data is taken in."""
    found = session.scalar(select(Region).limit(1))
    if found is None:
        raise NotFound("This installation has no region yet")
    return found


def counties(session: Session) -> Sequence[County]:
    """Give the counties from west to east."""
    return session.scalars(select(County).order_by(County.map_order, County.code)).all()


def current_plan(session: Session, today: date) -> PlanPeriod | None:
    """Give the plan to report against: the newest that has begun, though it may have ended."""
    return session.scalar(
        select(PlanPeriod)
        .where(PlanPeriod.valid_from <= today)
        .order_by(PlanPeriod.valid_from.desc(), PlanPeriod.version.desc())
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class TierProgress:
    """What a plan asks for of one tier, and how many stand."""

    tier: str
    name_zh: str
    name_en: str
    target: int
    by_status: dict[str, int]

    @property
    def open(self) -> int:
        """Give how many are open."""
        return self.by_status.get("open", 0)


def plan_progress(session: Session, plan_id: int, county: str | None = None) -> list[TierProgress]:
    """Give plan against reality by tier, optionally counting only one county's outlets."""
    counted = select(Outlet.tier, Outlet.status, func.count()).group_by(Outlet.tier, Outlet.status)
    if county is not None:
        counted = counted.where(Outlet.county_code == county)
    stand: dict[str, dict[str, int]] = {}
    for tier, status, count in session.execute(counted).tuples():
        stand.setdefault(tier, {})[status] = count
    targets = session.scalars(
        select(PlanTarget).where(PlanTarget.plan_id == plan_id).order_by(PlanTarget.sort)
    )
    return [
        TierProgress(t.tier, t.name_zh, t.name_en, t.count, stand.get(t.tier, {})) for t in targets
    ]


def default_outlet(session: Session) -> Outlet:
    """Give the outlet of an online order that names none."""
    found = session.scalar(
        select(Outlet).join(Region, Region.default_outlet_code == Outlet.code).limit(1)
    )
    if found is None:
        raise NotFound("There is no such outlet")
    return found


def outlet_by_code(session: Session, code: str) -> Outlet:
    """Give an outlet by its code; raise NotFound."""
    found = session.scalar(select(Outlet).where(Outlet.code == code))
    if found is None:
        raise NotFound("There is no such outlet")
    return found


def outlet_history(session: Session, place_id: int) -> Sequence[OutletStatusChange]:
    """Give an outlet's changes of status, oldest first."""
    return session.scalars(
        select(OutletStatusChange)
        .where(OutletStatusChange.place_id == place_id)
        .order_by(OutletStatusChange.changed_on, OutletStatusChange.id)
    ).all()


def stock_places(session: Session, organisation_ids: Sequence[int]) -> list[int]:
    """Give the places from which suppliers send parcels: warehouses first, then workshops."""
    rows = session.execute(
        select(Place.id)
        .where(Place.organisation_id.in_(organisation_ids), Place.kind.in_(STOCK_KINDS))
        .order_by(Place.kind != "warehouse", Place.id)
    )
    return [row[0] for row in rows]


def places_of(session: Session, organisation_id: int) -> Sequence[Place]:
    """Give an organisation's own places, without transit."""
    return session.scalars(
        select(Place)
        .where(Place.organisation_id == organisation_id, Place.kind != "transit")
        .order_by(Place.kind, Place.id)
    ).all()


def organisation(session: Session, organisation_id: int) -> Organisation:
    """Give an organisation; raise NotFound."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound("There is no such organisation")
    return found
