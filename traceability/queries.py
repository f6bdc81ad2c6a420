"""Questions to traceability."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from traceability.models import EventLot, TraceEvent, TraceTemplate


def template_of(session: Session, code: str, version: int | None = None) -> TraceTemplate:
    """Give a trace template in the asked version, or its newest; raise NotFound."""
    query = select(TraceTemplate).where(TraceTemplate.code == code)
    if version is not None:
        query = query.where(TraceTemplate.version == version)
    found = session.scalar(query.order_by(TraceTemplate.version.desc()).limit(1))
    if found is None:
        raise NotFound("There is no trace template %(code)s", code=code)
    return found


def step_of(template: TraceTemplate, code: str) -> dict[str, Any]:
    """Give one step of a template; raise NotFound."""
    for step in template.steps:
        if step["step"] == code:
            found: dict[str, Any] = step
            return found
    raise NotFound("This kind of goods has no step %(code)s", code=code)


def lineage(session: Session, lot_id: int) -> list[int]:
    """Give a lot and every lot it was made from, nearest first."""
    found, frontier = [lot_id], [lot_id]
    while frontier:
        made = select(EventLot.event_id).where(
            EventLot.lot_id.in_(frontier), EventLot.role == "output"
        )
        parents = session.scalars(
            select(EventLot.lot_id)
            .where(EventLot.event_id.in_(made), EventLot.role == "input")
            .distinct()
            .order_by(EventLot.lot_id)
        ).all()
        frontier = [parent for parent in parents if parent not in found]
        found.extend(frontier)
    return found


def descendants(session: Session, lot_id: int) -> list[int]:
    """Give a lot and every lot made from it, nearest first."""
    found, frontier = [lot_id], [lot_id]
    while frontier:
        used = select(EventLot.event_id).where(
            EventLot.lot_id.in_(frontier), EventLot.role == "input"
        )
        children = session.scalars(
            select(EventLot.lot_id)
            .where(EventLot.event_id.in_(used), EventLot.role == "output")
            .distinct()
            .order_by(EventLot.lot_id)
        ).all()
        frontier = [child for child in children if child not in found]
        found.extend(frontier)
    return found


def steps_done(session: Session, lot_ids: list[int]) -> set[str]:
    """Give the template steps recorded so far for any of these lots."""
    steps = session.scalars(
        select(TraceEvent.template_step)
        .join(EventLot, EventLot.event_id == TraceEvent.id)
        .where(EventLot.lot_id.in_(lot_ids), TraceEvent.template_step.is_not(None))
        .distinct()
    )
    return {step for step in steps if step}
