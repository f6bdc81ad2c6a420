"""The verbs of capture (EPCIS 2.0 section 8.1 and 12.6)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from foundation.db import add_rows
from foundation.errors import BadInput, Refused
from foundation.ids import time_uuid
from parties.network.models import Place
from parties.people.permissions import Actor
from traceability.balance.services import note_flows
from traceability.epcis.identifiers import known
from traceability.epcis.models import CaptureJob
from traceability.epcis.problems import Fault, faults_of, faults_of_event
from traceability.epcis.rules import USUAL, Answer, Policy, is_refused
from traceability.epcis.state import ledger_breaches
from traceability.log.services import enqueue
from traceability.models import TraceEvent
from traceability.rules import Flow, Happening
from traceability.services.capture.incoming import (
    Incoming,
    fault_of,
    incoming,
    recorded_before,
)
from traceability.services.capture.rows import Batch, collect, moved, touched, uris_of
from traceability.services.capture.vocabulary import keep_master_data, keep_words

MOST_EVENTS: Final = 2000
"""GS1-EPCIS-Capture-Limit: how many events one document may hold."""


class NotCaptured(BadInput):
    """A document or event that is refused as a whole, with every fault found."""

    code = "not_captured"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults[0].sentence if faults else "This is no EPCIS document")
        self.faults = tuple(faults)


class TooManyEvents(Refused):
    """A document with more events than one capture takes."""

    code = "capture_limit"
    status = 413


class EventIdTaken(Refused):
    """The eventID is another event's."""

    code = "event_id_taken"
    status = 409


def events_of(document: Mapping[str, Any]) -> list[Any]:
    """Give the events of an EPCISDocument or EPCISQueryDocument; an empty list when it has none."""
    found: Any = document.get("epcisBody")
    for name in ("queryResults", "resultsBody") if _is_answer(document) else ():
        found = found.get(name) if isinstance(found, Mapping) else None
    listed = found.get("eventList") if isinstance(found, Mapping) else None
    return listed if isinstance(listed, list) else []


def _is_answer(document: Mapping[str, Any]) -> bool:
    return document.get("type") == "EPCISQueryDocument"


def capture(
    session: Session,
    document: Mapping[str, Any],
    *,
    organisation_id: int,
    behaviour: str,
    actor: Actor,
    now: datetime,
    policy: Policy = USUAL,
) -> CaptureJob:
    """Take in a document; give the job that says what became of each event.

    `rollback`: all events or none. `proceed`: all that can be. `policy` says what a breach of
    the ledger's rules is answered with; those that only warn stand among the job's errors,
    marked as warnings. Raises NotCaptured when the
    document itself is malformed or, with `rollback`, any event of it is; TooManyEvents.
    """
    events = events_of(document)
    if len(events) > MOST_EVENTS:
        raise TooManyEvents("One document may hold %(most)s events", most=MOST_EVENTS)
    found = faults_of(document)
    if found and (behaviour == "rollback" or any(fault.event is None for fault in found)):
        raise NotCaptured(found)
    job = CaptureJob(
        id=time_uuid(now),
        organisation_id=organisation_id,
        account_id=actor.id,
        behaviour=behaviour,
        created_at=now,
        success=True,
        received=len(events),
        captured=0,
        errors=[],
        envelope=_envelope(document),
    )
    bad = {fault.event for fault in found}
    good = [(n, event) for n, event in enumerate(events) if n not in bad]
    errors, taken = list(found), 0
    warnings: list[Fault] = []
    try:
        with session.begin_nested():
            taken, more, warnings = _take(
                session, good, document.get("@context"), job, actor=actor, now=now, policy=policy
            )
            errors.extend(more)
            _undo_unless(ok=not more or behaviour == "proceed")
            keep_master_data(session, document, organisation_id, now=now)
    except _UndoneError:
        taken = 0
    job.errors = [fault.problem(events) for fault in sorted(errors, key=_place_in_document)]
    job.errors += [fault.problem(events) | WARNING for fault in warnings]
    job.success, job.captured, job.finished_at = not errors, taken, now
    session.add(job)
    session.flush()
    return job


WARNING: Final = {"warning": True}
"""Marks what a job tells of events that it recorded all the same."""


def _undo_unless(*, ok: bool) -> None:
    if not ok:
        raise _UndoneError


class _UndoneError(Exception):
    """Lets the savepoint of a refused document roll back."""


def _place_in_document(fault: Fault) -> tuple[int, str]:
    return (-1 if fault.event is None else fault.event, fault.field)


class Captured(NamedTuple):
    """What became of one event: its eventID, and whether it is newly recorded."""

    event_id: UUID
    uri: str
    new: bool


def capture_event(
    session: Session,
    event: Mapping[str, Any],
    *,
    organisation_id: int,
    actor: Actor,
    now: datetime,
    policy: Policy = USUAL,
) -> Captured:
    """Take in one event; the same event again changes nothing.

    Raises NotCaptured when it is malformed, its goods are not where it says or a rule of the
    ledger refuses it, EventIdTaken.
    """
    if found := faults_of_event(event):
        raise NotCaptured(found)
    job = CaptureJob(
        id=time_uuid(now),
        organisation_id=organisation_id,
        account_id=actor.id,
        behaviour="rollback",
        created_at=now,
        finished_at=now,
        success=True,
        received=1,
        captured=1,
        errors=[],
    )
    try:
        one = incoming((0, event), event.get("@context"), now=now)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotCaptured([unreadable(0, error)]) from error
    errors = recorded_before(session, [one], organisation_id)
    if errors:
        raise EventIdTaken(errors[0].sentence)
    if one.same_as is None:
        errors, warnings = _write(session, [one], job, actor=actor, now=now, policy=policy)
        if errors:
            raise NotCaptured(errors)
        job.errors = [fault.problem([event]) | WARNING for fault in warnings]
        session.add(job)
        session.flush()
    uri = one.uri or f"urn:uuid:{one.same_as or one.id}"
    return Captured(one.same_as or one.id, uri, one.same_as is None)


def _envelope(document: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in document.items() if name != "epcisBody"}
    return json.dumps(rest, ensure_ascii=False, separators=(",", ":"))


def _take(
    session: Session,
    events: Sequence[tuple[int, Any]],
    context: Any,
    job: CaptureJob,
    *,
    actor: Actor,
    now: datetime,
    policy: Policy,
) -> tuple[int, list[Fault], list[Fault]]:
    taken: list[Incoming] = []
    errors: list[Fault] = []
    for each in events:
        try:
            taken.append(incoming(each, context, now=now))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            errors.append(unreadable(each[0], error))
    errors += recorded_before(session, taken, job.organisation_id)
    refused = {fault.event for fault in errors}
    good = [one for one in taken if one.index not in refused]
    fresh = [one for one in good if one.same_as is None]
    late, warnings = _write(session, fresh, job, actor=actor, now=now, policy=policy)
    return len(good) - len({fault.event for fault in late}), errors + late, warnings


def unreadable(index: int, error: Exception) -> Fault:
    """Say that an event of the right form holds something that cannot be kept."""
    return Fault(index, "", "unreadable", f"This event is unreadable: {error}")


def _write(
    session: Session,
    taken: Sequence[Incoming],
    job: CaptureJob,
    *,
    actor: Actor,
    now: datetime,
    policy: Policy,
) -> tuple[list[Fault], list[Fault]]:
    """Write events and what they touch, once their goods have moved.

    Gives what was refused, and what the ledger's rules only warn of.
    """
    if not taken:
        return [], []
    organisation_id = job.organisation_id
    found = known(session, {uri for one in taken for uri in uris_of(one.read)})
    own = set(session.scalars(select(Place.id).where(Place.organisation_id == organisation_id)))
    batch = Batch()
    taken, errors, warnings = _judged(session, taken, organisation_id, policy)
    made: list[tuple[UUID, Happening]] = []
    for one in taken:
        try:
            lines = touched(one, found, own, organisation_id)
            event = moved(session, one, lines, found, job, now=now)
        except Refused as refusal:
            errors.append(fault_of(one, "", refusal.code, str(refusal)))
            continue
        if event is not None and event.flow is Flow.CONVERT:
            made.append((one.id, event))
        collect(batch, one, lines, job, actor=actor, now=now)
    try:
        with session.begin_nested():
            for table, rows in batch.rows.items():
                add_rows(session, table, rows)
            enqueue(session, [row["id"] for row in batch.rows.get(TraceEvent, ())], now=now)
    except IntegrityError as error:
        raise EventIdTaken(
            "Somebody captured one of these events at this moment; send it again"
        ) from error
    for event_id, event in made:
        note_flows(session, event_id, event, now=now)
    keep_words(session, taken, organisation_id)
    refused = {fault.event for fault in errors}
    return errors, [fault for fault in warnings if fault.event not in refused]


def _judged(
    session: Session, taken: Sequence[Incoming], organisation_id: int, policy: Policy
) -> tuple[list[Incoming], list[Fault], list[Fault]]:
    """Hold events to the rules of the ledger; give those that stand, refusals and warnings."""
    events = [one.event for one in taken]
    told = ledger_breaches(session, events, organisation_id=organisation_id, policy=policy)
    kept: list[Incoming] = []
    refusals: list[Fault] = []
    warnings: list[Fault] = []
    for one, breached in zip(taken, told, strict=True):
        if not is_refused(breached):
            kept.append(one)
        for breach in breached:
            faults = refusals if breach.answer is Answer.REFUSE else warnings
            faults.append(fault_of(one, breach.path, breach.rule, breach.sentence()))
    return kept, refusals, warnings
