"""Taking in events that partners send: whole, each once, and only as they were sent.

Only an equal eventID merges two events. The same eventID with other content is refused; with an
error declaration it declares the first event an error (EPCIS 2.0 section 7.4.1.2).
"""

from traceability.services.capture.form import instant
from traceability.services.capture.verbs import (
    MOST_EVENTS,
    Captured,
    EventIdTaken,
    NotCaptured,
    TooManyEvents,
    capture,
    capture_event,
)

__all__ = [
    "MOST_EVENTS",
    "Captured",
    "EventIdTaken",
    "NotCaptured",
    "TooManyEvents",
    "capture",
    "capture_event",
    "instant",
]
