"""POST /capture, POST /events, and the jobs that captures leave (EPCIS 2.0 section 12.6)."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from foundation import clock
from foundation.errors import BadInput, NotAllowed, NotFound
from foundation.limits import limiter
from foundation.web import reading, transaction
from traceability.epcis.models import CaptureJob
from traceability.partners.access import MayDo, Party, party_of
from traceability.partners.frame import read_object, told, visitor, with_token
from traceability.partners.pages import paging
from traceability.services.capture import capture, capture_event, instant

BEHAVIOURS = frozenset({"rollback", "proceed"})


def register(bp: Blueprint) -> None:
    """Hang up the addresses."""
    for address, name, view, method in (
        ("/capture", "capture", take_document, "POST"),
        ("/capture", "jobs", jobs, "GET"),
        ("/capture/<capture_id>", "job", job, "GET"),
        ("/events", "take_event", take_event, "POST"),
    ):
        bp.add_url_rule(address, name, view, methods=[method], provide_automatic_options=False)


def _organisation(party: Party) -> int:
    if party.organisation_id is None:
        raise NotAllowed("Only an organisation of the network can capture events")
    return party.organisation_id


@limiter.limit("600/minute")
@with_token
def take_document() -> ResponseReturnValue:
    """Capture an EPCISDocument or EPCISQueryDocument; the job says what became of each event."""
    behaviour = request.headers.get("GS1-Capture-Error-Behaviour", "rollback")
    if behaviour not in BEHAVIOURS:
        raise BadInput(
            "GS1-Capture-Error-Behaviour is rollback or proceed",
            field="GS1-Capture-Error-Behaviour",
        )
    document = read_object()
    with transaction() as session:
        party = party_of(session, visitor(), MayDo.CAPTURE)
        done = capture(
            session,
            document,
            organisation_id=_organisation(party),
            behaviour=behaviour,
            actor=party.actor,
            now=clock.now(),
            policy=current_app.config["EPCIS_RULES"],
        )
        capture_id = done.id
    answer = told(None, 202, {"Location": url_for("epcis.job", capture_id=capture_id)})
    answer.set_data(b"")
    answer.headers["GS1-Capture-Error-Behaviour"] = behaviour
    return answer


@limiter.limit("1200/minute")
@with_token
def take_event() -> ResponseReturnValue:
    """Capture one event at once."""
    event = read_object()
    with transaction() as session:
        party = party_of(session, visitor(), MayDo.CAPTURE)
        done = capture_event(
            session,
            event,
            organisation_id=_organisation(party),
            actor=party.actor,
            now=clock.now(),
            policy=current_app.config["EPCIS_RULES"],
        )
    where = f"{url_for('epcis.events')}/{quote(done.uri, safe='')}"
    return told({**event, "eventID": done.uri}, 201, {"Location": where})


@with_token
def jobs() -> ResponseReturnValue:
    """List the organisation's capture jobs, newest first."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.CAPTURE)
        page = paging(party.owner)
        query = select(CaptureJob).order_by(CaptureJob.id.desc()).limit(page.size + 1)
        query = query.where(CaptureJob.organisation_id == _organisation(party))
        if page.mark:
            query = query.where(CaptureJob.id < UUID(page.mark))
        rows = list(session.scalars(query))
        listed = rows[: page.size]
        headers = page.next(str(listed[-1].id)) if len(rows) > page.size else {}
        return told([as_json(row) for row in listed], headers=headers)


@with_token
def job(capture_id: str) -> ResponseReturnValue:
    """Say what became of one capture."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.CAPTURE)
        found = None
        if (key := _uuid(capture_id)) is not None:
            found = session.scalar(
                select(CaptureJob).where(
                    CaptureJob.id == key, CaptureJob.organisation_id == _organisation(party)
                )
            )
        if found is None:
            raise NotFound("There is no such capture job")
        return told(as_json(found))


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def as_json(row: CaptureJob) -> dict[str, Any]:
    """Give a job as the OpenAPI's CaptureJob, with how many events it had and captured."""
    told_of: dict[str, Any] = {
        "captureID": str(row.id),
        "createdAt": instant(row.created_at),
        "running": row.finished_at is None,
        "success": row.success,
        "captureErrorBehaviour": row.behaviour,
        "errors": [error for error in row.errors if not error.get("warning")],
        "eventsReceived": row.received,
        "eventsCaptured": row.captured,
    }
    if warnings := [error for error in row.errors if error.get("warning")]:
        told_of["warnings"] = warnings
    if row.finished_at is not None:
        told_of["finishedAt"] = instant(row.finished_at)
    return told_of
