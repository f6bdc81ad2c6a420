"""The event hash of CBV 2.0: one name for one event, made from nothing but its content.

CBV 2.0 section 8.9: the fields of an event are written one after the other in a fixed order
(the pre-hash string), identifiers and words in their canonical form, times in UTC with
milliseconds; its SHA-256 is the event's `ni:` address (RFC 6920). The same event has the same
hash however it was written down.

Nothing is ever fetched. The standard's own context is known here; the prefixes of user
extensions come from the document's inline `@context`.

What the public test set of the hash shows, beyond the standard's words, is followed: business
transactions, sources, destinations, ILMD and user extensions stand last, in the order of their
text; a type stands before its value; text that reads as a decimal number is written as one,
since XML knows no types; `rdfs:comment` says nothing about the event. Where a JSON document has
what XML can't have, XML's way of writing it counts: `true`, not `True`; null is no value.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from traceability.epcis.fields import FIRST, FIRST_SET, LAST, TREE, extension, left_over
from traceability.epcis.names import Names
from traceability.epcis.vocabulary import EPCIS


def pre_hash(
    event: Mapping[str, Any], context: object = None, *, ignore: Iterable[str] = ()
) -> str:
    """Give the string that an event's hash is made of.

    `event` is one EPCIS 2.0 event as parsed JSON, `context` the `@context` of its document when
    the event carries none itself (both count). `ignore` are names of user extensions at the top
    of the event, as `prefix:name`, that are left out. Never refuses: what a field may hold is
    asked by `validation`.
    """
    return _pre_hash(event, Names(context), frozenset(ignore))


def event_hash(
    event: Mapping[str, Any], context: object = None, *, ignore: Iterable[str] = ()
) -> str:
    """Give an event's `ni:///sha-256;…?ver=CBV2.0` address; parameters as of `pre_hash`."""
    return _ni(_pre_hash(event, Names(context), frozenset(ignore)))


def hashes(document: Mapping[str, Any]) -> list[str]:
    """Give the hash of each event of a document, in its order.

    Takes an EPCISDocument, an EPCISQueryDocument or one bare event. A document may name user
    extensions that a store added (`…:ignoreFields`) and that are no part of its events.
    """
    names = Names(document.get("@context"))
    ignored = frozenset(_ignored(document))
    return [_ni(_pre_hash(event, names, ignored)) for event in events_of(document)]


def events_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the events of a document, or the bare event itself; what is no event is left out."""
    body = document.get("epcisBody")
    if not isinstance(body, dict):
        return [document] if str(document.get("type", "")).endswith("Event") else []
    results = body.get("queryResults")
    if isinstance(results, dict) and isinstance(results.get("resultsBody"), dict):
        body = results["resultsBody"]
    found = body.get("eventList", body.get("event"))
    every = found if isinstance(found, list) else [found]
    return [event for event in every if isinstance(event, dict)]


def _ignored(document: Mapping[str, Any]) -> Iterator[str]:
    body = document.get("epcisBody")
    results = body.get("queryResults") if isinstance(body, dict) else None
    for level in (document, results):
        for key, value in level.items() if isinstance(level, dict) else ():
            if key.partition(":")[2] == "ignoreFields" and isinstance(value, list):
                yield from (name for name in value if isinstance(name, str))


def _ni(text: str) -> str:
    return f"ni:///sha-256;{sha256(text.encode(errors='surrogatepass')).hexdigest()}?ver=CBV2.0"


def _event_type(value: object, names: Names) -> str:
    kind = names.value(value) if isinstance(value, str) else str(value)
    return kind.removeprefix(EPCIS)


def _pre_hash(event: Mapping[str, Any], names: Names, ignore: frozenset[str]) -> str:
    if "@context" in event:
        names = Names(event["@context"], names)
    rest: list[str] = []
    parts = ["eventType=" + _event_type(event.get("type"), names)]
    for name, write in FIRST:
        value = event.get(name)
        if value is not None:
            parts.append(write(name, value, names))
            if name in TREE and (left := left_over(name, value, TREE[name], names)):
                rest.append(left)
    for key in event.keys() - FIRST_SET:
        value = event[key]
        last = LAST.get(key)
        if last is not None:
            if value is not None:
                rest.append(last(key, value, names))
        elif key not in ignore and not names.says_nothing(key):
            rest.extend(extension(key, value, names))
    rest.sort()
    return "".join(parts + rest)
