"""What a captured event touched and moved, as rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from parties.people.permissions import Actor
from traceability.epcis.facts import Amount, EventRead
from traceability.epcis.identifiers import Known, KnownLot
from traceability.epcis.index import Row, fact_rows
from traceability.epcis.models import CaptureJob, EventFact, EventIdentifier
from traceability.models import EventLot, EventSerial, EventUnit, TraceEvent
from traceability.rules import Happening, Part
from traceability.services import captured_stock as stock
from traceability.services.capture.form import as_text, canonical_event, instant
from traceability.services.capture.incoming import Incoming


@dataclass(slots=True)
class Batch:
    """Rows about to be written."""

    rows: dict[Any, list[Row]] = field(default_factory=dict)

    def add(self, table: Any, row: Row) -> None:
        """Keep a row for its table."""
        self.rows.setdefault(table, []).append(row)


def uris_of(read: EventRead) -> Iterable[str]:
    """Give every identifier in an event."""
    yield from (uri for _field, uri in read.identifiers)
    yield from (amount.canonical for amount in read.amounts)


@dataclass(slots=True)
class Lines:
    """What an event touched: our goods by their tables, everything else by its identifier."""

    serials: dict[int, str] = field(default_factory=dict)
    units: dict[int, str] = field(default_factory=dict)
    lots: dict[tuple[int, str], list[Any]] = field(default_factory=dict)
    """(lot, role) → base units, field that names it or None, whole lot."""
    foreign: list[tuple[str, str]] = field(default_factory=list)
    read_point: int | None = None
    biz_location: int | None = None


ROLES: Final = {
    "input": "input",
    "output": "output",
    "inputClass": "input",
    "outputClass": "output",
}


def touched(one: Incoming, found: Known, own: set[int], organisation_id: int) -> Lines:
    """Tell our own goods and places in an event from everything else."""
    lines = Lines()
    for name, uri in one.read.identifiers:
        if name in {"readPoint", "bizLocation"}:
            place = found.places.get(uri)
            if place is None:
                lines.foreign.append((name, uri))
            elif name == "readPoint":
                lines.read_point = place.id
            else:
                lines.biz_location = place.id
        elif (serial := found.serials.get(uri)) and stock.speaks_of(
            found.lots_by_id[serial.lot_id], serial.place_id, organisation_id, own
        ):
            lines.serials.setdefault(serial.id, name)
            _add_lot(lines, serial.lot_id, ROLES.get(name, "epc"), 1, None)
        elif (unit := found.units.get(uri)) and stock.speaks_of(
            found.lots_by_id[unit.lot_id], unit.place_id, organisation_id, own
        ):
            lines.units.setdefault(unit.id, name)
            _add_lot(lines, unit.lot_id, ROLES.get(name, "epc"), unit.quantity, None)
        else:
            lines.foreign.append((name, uri))
    named = {key[0] for key in lines.lots}
    for amount in one.read.amounts:
        lot = found.lots.get(amount.canonical)
        if lot is None or not stock.speaks_of(lot, None, organisation_id, own):
            lines.foreign.append((amount.field, amount.canonical))
            continue
        _add_amount(lines, lot, amount, counted=lot.id not in named)
    return lines


def _add_lot(lines: Lines, lot_id: int, role: str, quantity: int, name: str | None) -> None:
    line = lines.lots.setdefault((lot_id, role), [0, None, False])
    line[0] += quantity
    line[1] = line[1] or name


def _add_amount(lines: Lines, lot: KnownLot, amount: Amount, *, counted: bool) -> None:
    """Add a quantity of a lot; what items of the same event count is not counted again."""
    base = None
    if amount.quantity is not None:
        base = stock.base_quantity(lot, amount.quantity, amount.uom)
    role = ROLES.get(amount.field, "epc")
    _add_lot(lines, lot.id, role, (base or 0) if counted else 0, amount.field)
    if amount.quantity is None:
        lines.lots[lot.id, role][2] = True


def moved(
    session: Session,
    one: Incoming,
    lines: Lines,
    found: Known,
    job: CaptureJob,
    *,
    now: datetime,
) -> Happening | None:
    """Move what an event moves, and give what happened. Refused as by `captured_stock`."""
    if one.read.declared_at is not None:
        if one.corrects is None:
            return None
        with session.begin_nested():
            stock.reverse(
                session,
                one.corrects,
                event_id=one.id,
                serials=tuple(lines.serials),
                now=now,
            )
        return None
    if not lines.lots or (lines.read_point is None and lines.biz_location is None):
        return None
    places = {place.id: place for place in found.places.values()}
    parts = tuple(
        Part(stock.lot_ref(found.lots_by_id[lot_id]), line[0], role)
        for (lot_id, role), line in lines.lots.items()
        if line[0]
    )
    act = stock.Act(
        event_id=one.id,
        read=one.read,
        touched=stock.Touched(tuple(lines.serials), tuple(lines.units), parts),
        read_point=places.get(lines.read_point or 0),
        biz_location=places.get(lines.biz_location or 0),
        organisation_id=job.organisation_id,
    )
    with session.begin_nested():
        return stock.moves_of(session, act, now=now)


def collect(
    batch: Batch,
    one: Incoming,
    lines: Lines,
    job: CaptureJob,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Add the rows of one event."""
    uri = one.uri or f"urn:uuid:{one.id}"
    kept, changed = canonical_event(one.event, one.prefixes)
    kept |= {"eventID": uri, "recordTime": instant(now)}
    document = {"@context": one.context, **kept}
    verbatim = None
    if changed or "recordTime" in one.event:
        verbatim = as_text({"@context": one.context, **one.event})
    read = one.read
    batch.add(
        TraceEvent,
        {
            "id": one.id,
            "event_type": read.event_type,
            "action": read.action,
            "biz_step": read.biz_step,
            "disposition": read.disposition,
            "event_time": read.event_time,
            "record_time": now,
            "read_point_id": lines.read_point,
            "biz_location_id": lines.biz_location,
            "organisation_id": job.organisation_id,
            "template_step": None,
            "transaction_ref": None,
            "capture_key": None,
            "actor_id": actor.id,
            "document": as_text(document),
            "event_uri": uri,
            "declared_at": read.declared_at,
            "event_hash": one.hash,
            "capture_job_id": job.id,
            "sent": verbatim,
            "public": False,
        },
    )
    for (lot_id, role), (quantity, name, whole) in lines.lots.items():
        batch.add(
            EventLot,
            {
                "event_id": one.id,
                "lot_id": lot_id,
                "role": role,
                "quantity": quantity,
                "whole_lot": whole,
                "field": name,
            },
        )
    for serial_id, name in lines.serials.items():
        batch.add(EventSerial, {"event_id": one.id, "serial_id": serial_id, "field": name})
    for unit_id, name in lines.units.items():
        batch.add(EventUnit, {"event_id": one.id, "unit_id": unit_id, "field": name})
    for name, foreign in dict.fromkeys(lines.foreign):
        batch.add(
            EventIdentifier,
            {
                "event_id": one.id,
                "field": name,
                "canonical": foreign,
                "event_time": read.event_time,
            },
        )
    for row in fact_rows(one.id, read.facts):
        batch.add(EventFact, row)
