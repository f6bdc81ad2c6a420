"""Index rows of events, our own and captured, so that one query finds both."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from foundation.db import add_rows
from traceability.epcis.facts import EPC_LISTS, QUANTITY_LISTS, Fact, read_event
from traceability.epcis.models import EventFact
from traceability.epcis.words import prefixes_of

Row = dict[str, Any]


def fact_rows(event_id: UUID, facts: Iterable[Fact]) -> list[Row]:
    """Give the rows of an event's facts, each value once."""
    return [
        {
            "event_id": event_id,
            "line": line,
            "path": fact.path[:300],
            "text": fact.text,
            "number": fact.number,
            "moment": fact.moment,
        }
        for line, fact in enumerate(dict.fromkeys(facts))
    ]


def index_own(session: Session, event_id: UUID, document: Mapping[str, Any]) -> None:
    """Index an event that this platform recorded itself; its goods have tables of their own."""
    prefixes = prefixes_of(document["@context"])
    add_rows(session, EventFact, fact_rows(event_id, read_event(document, prefixes).facts))


def named_in(document: Mapping[str, Any]) -> dict[str, str]:
    """Give, by canonical URI, the field in which an event of our own names it."""
    found: dict[str, str] = {}
    for name, field in EPC_LISTS:
        for uri in document.get(name, ()):
            found[uri] = field
    for name, field in QUANTITY_LISTS:
        for element in document.get(name, ()):
            found.setdefault(element["epcClass"], field)
    if parent := document.get("parentID"):
        found[parent] = "parent"
    return found


def chunked(rows: Sequence[Row], size: int = 1000) -> Iterable[Sequence[Row]]:
    """Cut rows into statements that both databases take."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]
