"""Which events a party may see: one rule, used by every list and every look-up by id.

A party sees what it recorded, what happened at its places, what names its places as source or
destination, every event of a lot that it made; and the custody chain: events that share an item or
a case with any of those, and the events of a lot that lies or lay at its places as long as they
name no items or cases. What a party says of itself opens nothing: an identifier that is not of
this platform's goods makes a chain only where somebody else's event names the party. Public are
the production steps that the scan page tells whole.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from goods.stock.models import Lot, StockBalance
from parties.network.models import Organisation, Place
from parties.people.permissions import Actor, Can
from traceability.epcis.models import EventFact, EventIdentifier
from traceability.models import EventLot, EventSerial, EventUnit, TraceEvent

PARTIES: Final = tuple(
    f"{side}|{kind}"
    for side in ("source", "destination")
    for kind in ("location", "possessing_party", "owning_party")
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes events are looked at with."""

    everything: bool = False
    organisation_ids: tuple[int, ...] = ()
    place_ids: tuple[int, ...] = ()
    party_uris: tuple[str, ...] = ()
    """Its places' GLNs as location (414) and as party (417)."""


def viewer_of(session: Session, actor: Actor, organisation_id: int | None) -> Viewer:
    """Give what an actor, or a token bound to an organisation, may see."""
    if organisation_id is not None:
        return _of(session, (organisation_id,), ())
    grants = actor.grants_for(Can.SEE_LOT_JOURNEY)
    if any(grant.county_code is None for grant in grants):
        return Viewer(everything=True)
    counties = {grant.county_code for grant in grants}
    organisations = set(
        session.scalars(select(Organisation.id).where(Organisation.county_code.in_(counties)))
    )
    organisations |= {g.organisation_id for g in actor.grants if g.organisation_id is not None}
    places = tuple(g.place_id for g in actor.grants if g.place_id is not None)
    return _of(session, tuple(sorted(organisations)), places)


def _of(session: Session, organisations: tuple[int, ...], places: tuple[int, ...]) -> Viewer:
    rows = session.execute(
        select(Place.id, Place.gln).where(
            or_(Place.organisation_id.in_(organisations), Place.id.in_(places)),
            Place.kind != "transit",
        )
    ).all()
    uris = [f"https://id.gs1.org/{ai}/{gln}" for _id, gln in rows if gln for ai in ("414", "417")]
    ids = tuple(sorted(row[0] for row in rows))
    return Viewer(organisation_ids=organisations, place_ids=ids, party_uris=tuple(uris))


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Give the condition under which `viewer` sees a row of trace_events."""
    if viewer.everything:
        return true()
    return or_(
        TraceEvent.public.is_(True),
        _direct(viewer, TraceEvent),
        _made_by(viewer),
        _shares_items(viewer),
        _shares_lot(viewer),
        _shares_identifier(viewer),
    )


def _direct(viewer: Viewer, events: Any) -> ColumnElement[bool]:
    """Ask for what it recorded, what was at its places, and what names one as a party."""
    return or_(
        _recorded_by(viewer, events),
        _names(viewer, events),
    )


def _recorded_by(viewer: Viewer, events: Any) -> ColumnElement[bool]:
    return (
        events.organisation_id.in_(viewer.organisation_ids) if viewer.organisation_ids else false()
    )


def _names(viewer: Viewer, events: Any) -> ColumnElement[bool]:
    if not viewer.place_ids:
        return false()
    return or_(
        events.read_point_id.in_(viewer.place_ids),
        events.biz_location_id.in_(viewer.place_ids),
        events.id.in_(
            select(EventFact.event_id).where(
                EventFact.path.in_(PARTIES), EventFact.text.in_(viewer.party_uris)
            )
        ),
    )


def _made_by(viewer: Viewer) -> ColumnElement[bool]:
    if not viewer.organisation_ids:
        return false()
    return TraceEvent.id.in_(
        select(EventLot.event_id)
        .join(Lot, Lot.id == EventLot.lot_id)
        .where(Lot.organisation_id.in_(viewer.organisation_ids))
    )


def _shares_items(viewer: Viewer) -> ColumnElement[bool]:
    found = []
    for table, key in ((EventSerial, "serial_id"), (EventUnit, "unit_id")):
        here: Any = aliased(table)
        mine: Any = aliased(table)
        event = aliased(TraceEvent)
        found.append(
            exists(
                select(1)
                .select_from(here)
                .join(mine, getattr(mine, key) == getattr(here, key))
                .join(event, event.id == mine.event_id)
                .where(here.event_id == TraceEvent.id, _direct(viewer, event))
                .correlate(TraceEvent)
            )
        )
    return or_(*found)


def _shares_lot(viewer: Viewer) -> ColumnElement[bool]:
    if not viewer.place_ids:
        return false()
    return and_(
        TraceEvent.id.in_(
            select(EventLot.event_id)
            .join(StockBalance, StockBalance.lot_id == EventLot.lot_id)
            .where(StockBalance.place_id.in_(viewer.place_ids))
        ),
        ~exists(select(1).where(EventSerial.event_id == TraceEvent.id).correlate(TraceEvent)),
        ~exists(select(1).where(EventUnit.event_id == TraceEvent.id).correlate(TraceEvent)),
    )


def _shares_identifier(viewer: Viewer) -> ColumnElement[bool]:
    if not viewer.place_ids:
        return false()
    here, theirs, event = aliased(EventIdentifier), aliased(EventIdentifier), aliased(TraceEvent)
    return exists(
        select(1)
        .select_from(here)
        .join(theirs, theirs.canonical == here.canonical)
        .join(event, event.id == theirs.event_id)
        .where(
            here.event_id == TraceEvent.id,
            here.field.not_in(("readPoint", "bizLocation")),
            theirs.field.not_in(("readPoint", "bizLocation")),
            ~_recorded_by(viewer, event),
            _names(viewer, event),
        )
        .correlate(TraceEvent)
    )
