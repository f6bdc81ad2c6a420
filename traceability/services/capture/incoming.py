"""One event on its way in: what it says, who it is, and whether it came before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.ids import time_uuid
from traceability.epcis import facts
from traceability.epcis.event_hash import event_hash
from traceability.epcis.facts import EventRead
from traceability.epcis.problems import Fault
from traceability.epcis.words import prefixes_of
from traceability.models import TraceEvent
from traceability.services.capture.form import joined

LONGEST_ID: Final = 200


@dataclass(slots=True)
class Incoming:
    """One event of a document on its way into the ledger."""

    index: int
    event: Mapping[str, Any]
    context: Any
    prefixes: Mapping[str, str]
    read: EventRead
    uri: str | None
    hash: str
    id: UUID
    same_as: UUID | None = None
    """The event recorded before under this eventID with this content."""
    corrects: UUID | None = None
    """The event that this one declares an error."""


class Key(NamedTuple):
    """What must be unique among events."""

    uri: str
    declared_at: datetime | None


def incoming(each: tuple[int, Mapping[str, Any]], context: Any, *, now: datetime) -> Incoming:
    """Read one event of a document; raise ValueError when something in it is out of range."""
    index, event = each
    whole = joined(context, event["@context"]) if "@context" in event else context
    prefixes = prefixes_of(whole)
    uri = event.get("eventID")
    if uri is not None and len(uri) > LONGEST_ID:
        raise ValueError("its eventID is too long")
    return Incoming(
        index=index,
        event=event,
        context=whole,
        prefixes=prefixes,
        read=facts.read_event(event, prefixes),
        uri=uri,
        hash=event_hash(dict(event), whole),
        id=time_uuid(now),
    )


def recorded_before(
    session: Session, taken: Sequence[Incoming], organisation_id: int
) -> list[Fault]:
    """Find the events whose eventID is known; give the faults of those with other content."""
    named = [one for one in taken if one.uri is not None]
    if not named:
        return []
    made: dict[Key, tuple[UUID, str | None, int]] = {}
    uris = sorted({one.uri for one in named if one.uri})
    for first in range(0, len(uris), 500):
        rows = session.execute(
            select(
                TraceEvent.event_uri,
                TraceEvent.declared_at,
                TraceEvent.id,
                TraceEvent.event_hash,
                TraceEvent.organisation_id,
            ).where(TraceEvent.event_uri.in_(uris[first : first + 500]))
        )
        for uri, declared_at, event_id, hash_, owner in rows:
            made[Key(uri or "", declared_at)] = (event_id, hash_, owner)
    errors: list[Fault] = []
    for one in named:
        key = Key(one.uri or "", one.read.declared_at)
        before = made.get(key)
        original = made.get(Key(key.uri, None)) if key.declared_at is not None else None
        if before is not None:
            if not _same(session, before, one.hash):
                errors.append(_takenfault_of(one))
            else:
                one.same_as = before[0]
            continue
        if original is not None:
            if original[2] != organisation_id:
                errors.append(fault_of(one, "errorDeclaration", "declarer", NOT_YOURS))
                continue
            if not _same(session, original, one.hash):
                errors.append(fault_of(one, "errorDeclaration", "declared", DIFFERS))
                continue
            one.corrects = original[0]
        made[key] = (one.id, one.hash, organisation_id)
    return errors


NOT_YOURS: Final = "Only who recorded an event may declare it an error"
DIFFERS: Final = "An error declaration repeats the event that it corrects, word for word"


def _same(session: Session, before: tuple[UUID, str | None, int], hash_: str) -> bool:
    """Hold an eventID to its content; our own events' hashes are made when they are needed."""
    event_id, known_hash, _owner = before
    if known_hash is None:
        text = session.scalar(select(TraceEvent.document).where(TraceEvent.id == event_id))
        if text is None:
            return False
        document = json.loads(text)
        known_hash = event_hash(document, document.get("@context"))
    return known_hash == hash_


def _takenfault_of(one: Incoming) -> Fault:
    text = f"The eventID {one.uri} is another event's; the same eventID needs the same content"
    return Fault(one.index, "eventID", "unique", text, kind="ResourceAlreadyExistsException")


def fault_of(one: Incoming, name: str, rule: str, sentence: str) -> Fault:
    """Say what is wrong with an event."""
    return Fault(one.index, name, rule, sentence)
