"""Verbs of the mass balance: drawing the edges of the graph, noting what does not add up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.db import add_rows
from foundation.errors import BadInput, NotFound
from goods.catalogue.models import Sku
from goods.stock.models import Hold, Lot, StockBalance
from parties.network.models import Organisation, Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.balance.models import Discrepancy, LotFlow
from traceability.balance.rules import Amount, weigh
from traceability.models import TraceTemplate
from traceability.rules import Happening

MOST_WORDS = 300
BOOKED = ("booked_late", "more_out")
"""Kinds whose quantity was booked in by a late fact."""


def note_flows(session: Session, event_id: UUID, event: Happening, *, now: datetime) -> None:
    """Enter a transformation in the graph of lots and hold it against its template's range.

    Whoever could be refused was refused before (MassExceeded); what is still outside the range
    here is a fact, and becomes a discrepancy. What is made from goods on hold is on hold too.
    """
    inputs = {part.lot.id: part for part in event.parts if part.role == "input"}
    outputs = {part.lot.id: part for part in event.parts if part.role == "output"}
    edges = [(one, other) for one in inputs for other in outputs if one != other]
    add_rows(
        session,
        LotFlow,
        [
            {"from_lot_id": one, "to_lot_id": other, "event_id": event_id}
            for one, other in sorted(edges)
        ],
    )
    if not outputs:
        return
    _hold_too(session, sorted(inputs), sorted(outputs), now=now)
    _weigh(session, event_id, event, now=now)


def _hold_too(
    session: Session, inputs: Sequence[int], outputs: Sequence[int], *, now: datetime
) -> None:
    standing = select(Hold).where(
        Hold.lot_id.in_(inputs), Hold.released_at.is_(None), Hold.reason == "recalled"
    )
    for hold in session.scalars(standing).all():
        known = set(
            session.scalars(
                select(Hold.lot_id).where(Hold.event_id == hold.event_id, Hold.lot_id.in_(outputs))
            )
        )
        for lot_id in outputs:
            if lot_id not in known:
                session.add(
                    Hold(
                        lot_id=lot_id,
                        reason=hold.reason,
                        note_zh=hold.note_zh,
                        note_en=hold.note_en,
                        event_id=hold.event_id,
                        placed_at=now,
                    )
                )
                session.flush()


def _weigh(session: Session, event_id: UUID, event: Happening, *, now: datetime) -> None:
    skus = {
        sku.id: sku
        for sku in session.scalars(
            select(Sku).where(Sku.id.in_({part.lot.sku_id for part in event.parts}))
        )
    }
    amounts: dict[str, list[Amount]] = {"input": [], "output": []}
    for part in event.parts:
        if part.role in amounts:
            sku = skus[part.lot.sku_id]
            amounts[part.role].append(
                Amount(part.lot.id, part.quantity, sku.base_unit, sku.material_per_unit)
            )
    if not amounts["output"]:
        return
    made = amounts["output"][0].lot_id
    weighed = weigh(_range_of(session, made), amounts["input"], amounts["output"])
    if weighed is None or not (weighed.over or weighed.under):
        return
    note_discrepancy(
        session,
        "yield_over" if weighed.over else "yield_low",
        lot_id=made,
        place_id=event.place.id,
        event_id=event_id,
        quantity=weighed.over or weighed.under,
        figures=weighed.figures(),
        now=now,
    )


def _range_of(session: Session, lot_id: int) -> dict[str, Any] | None:
    """Give the yield range of the template that a lot follows."""
    steps = session.scalar(
        select(TraceTemplate.steps)
        .join(
            Lot,
            (Lot.template == TraceTemplate.code) & (Lot.template_version == TraceTemplate.version),
        )
        .where(Lot.id == lot_id)
    )
    for step in steps or ():
        if step["event_type"] == "TransformationEvent" and step.get("yield"):
            found: dict[str, Any] = step["yield"]
            return found
    return None


def note_discrepancy(
    session: Session,
    kind: str,
    *,
    lot_id: int,
    place_id: int | None,
    event_id: UUID,
    quantity: int,
    now: datetime,
    figures: dict[str, Any] | None = None,
) -> None:
    """Note that goods are out and the books do not add up; the same again changes nothing."""
    known = select(Discrepancy.id).where(
        Discrepancy.event_id == event_id, Discrepancy.lot_id == lot_id, Discrepancy.kind == kind
    )
    if session.scalar(known) is not None:
        return
    session.add(
        Discrepancy(
            kind=kind,
            lot_id=lot_id,
            place_id=place_id,
            county_code=_county(session, lot_id, place_id),
            event_id=event_id,
            quantity=quantity,
            figures=figures or {},
            noted_at=now,
            settled_at=None,
            settled_by=None,
            settled_note="",
        )
    )
    session.flush()


def _county(session: Session, lot_id: int, place_id: int | None) -> str | None:
    county = session.scalar(select(Place.county_code).where(Place.id == place_id))
    return county or session.scalar(
        select(Organisation.county_code)
        .join(Lot, Lot.organisation_id == Organisation.id)
        .where(Lot.id == lot_id)
    )


def note_booked_late(
    session: Session, *, lot_id: int, place_id: int, event_id: UUID, quantity: int, now: datetime
) -> None:
    """Note what a late fact had to book in, and whether by now more left the lot than came in.

    A lot's books always close: came in + booked in late = went out + on hand. So more went out
    than ever came in exactly when more was booked in late than is still on hand anywhere.
    """
    late = session.scalar(
        select(func.sum(Discrepancy.quantity)).where(
            Discrepancy.lot_id == lot_id, Discrepancy.kind.in_(BOOKED)
        )
    )
    held = session.scalar(
        select(func.sum(StockBalance.on_hand)).where(StockBalance.lot_id == lot_id)
    )
    # What has just been booked in is about to be handed over: it counts as booked and not as held.
    excess = int(late or 0) + 2 * quantity - int(held or 0)
    note_discrepancy(
        session,
        "more_out" if excess > 0 else "booked_late",
        lot_id=lot_id,
        place_id=place_id,
        event_id=event_id,
        quantity=quantity,
        figures={"excess": excess} if excess > 0 else {},
        now=now,
    )


def settle_discrepancy(
    session: Session, discrepancy_id: int, note: str, *, actor: Actor, now: datetime
) -> Discrepancy:
    """Close a discrepancy with what was found out. Settling it again changes nothing.

    Raises BadInput on `note` without an explanation, NotFound, NotAllowed outside one's county.
    """
    found = session.get(Discrepancy, discrepancy_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such discrepancy")
    actor.must(Can.RECALL, Scope(county_code=found.county_code))
    if found.settled_at is not None:
        return found
    words = note.strip()
    if not words:
        raise BadInput("Please say what was found out", field="note")
    found.settled_at, found.settled_by, found.settled_note = now, actor.id, words[:MOST_WORDS]
    audit(
        session,
        "settle_discrepancy",
        "discrepancy",
        found.id,
        actor=actor,
        now=now,
        after={"kind": found.kind, "quantity": found.quantity},
    )
    return found
