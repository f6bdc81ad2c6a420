"""Faults of captured documents as sentences and as problem details (RFC 7807)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traceability.epcis.validation import Problem, problems

PREFIX: Final = "epcisException:"
DOCUMENTS: Final = frozenset({"EPCISDocument", "EPCISQueryDocument"})
MOST_FAULTS: Final = 100_000
"""More than any document can have that fits into one capture: a bad event is never missed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: in which event (None: the document), field, and rule."""

    event: int | None
    field: str
    rule: str
    sentence: str
    kind: str = "ValidationException"
    """A GS1 exception type."""

    def problem(self, events: Sequence[Any] = ()) -> dict[str, Any]:
        """Give it as problem details; `eventIndex` counts from 0."""
        where = "" if self.event is None else f"Event {self.event + 1}"
        place = ", ".join(part for part in (where, self.field) if part)
        told: dict[str, Any] = {
            "type": PREFIX + self.kind,
            "title": f"{place}: {self.sentence}" if place else self.sentence,
            "status": 409 if self.kind == "ResourceAlreadyExistsException" else 400,
            "detail": self.sentence,
            "rule": self.rule,
        }
        if self.field:
            told["field"] = self.field
        if self.event is not None:
            told["eventIndex"] = self.event
            event = events[self.event] if self.event < len(events) else None
            if isinstance(event, Mapping) and isinstance(event.get("eventID"), str):
                told["eventID"] = event["eventID"]
        return told


def faults_of(document: Mapping[str, Any]) -> list[Fault]:
    """Hold a document to the form of EPCIS 2.0; an empty list says that it is valid."""
    if document.get("type") not in DOCUMENTS:
        text = "A capture holds an EPCISDocument or an EPCISQueryDocument."
        return [Fault(None, "type", "not_a_document", text)]
    return [_fault(each) for each in problems(dict(document), most=MOST_FAULTS)]


def faults_of_event(event: Mapping[str, Any]) -> list[Fault]:
    """Hold one event that stands alone, with its @context, to the form of EPCIS 2.0."""
    if event.get("type") in DOCUMENTS:
        text = "This address takes one event; documents are sent to /capture."
        return [Fault(None, "type", "not_an_event", text)]
    return [_fault(each) for each in problems(dict(event), most=MOST_FAULTS)]


def _fault(each: Problem) -> Fault:
    return Fault(each.event, each.path, each.rule, each.sentence())
