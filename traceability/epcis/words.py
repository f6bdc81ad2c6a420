"""Words of the Core Business Vocabulary 2.0 in one form, and names with their namespace.

A standard value is kept as its bare word, however it was written; any other one as its URI.
"""

from collections.abc import Mapping
from typing import Any, Final

from traceability.epcis import vocabulary

BIZ_STEPS: Final = tuple(sorted(vocabulary.BIZ_STEPS.names))
DISPOSITIONS: Final = tuple(sorted(vocabulary.DISPOSITIONS.names))
EVENT_TYPES: Final = (
    "AggregationEvent",
    "AssociationEvent",
    "ObjectEvent",
    "TransactionEvent",
    "TransformationEvent",
)
OTHER_EVENT: Final = "ExtendedEvent"
"""Stands in the column of event types for a type of somebody's own."""

STANDARD: Final = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes that the standard's own context brings."""

_DASHED: Final = tuple(
    base + kind
    for base in ("https://ref.gs1.org/cbv/", "https://ns.gs1.org/cbv/", "http://ns.gs1.org/cbv/")
    for kind in ("BizStep-", "Disp-", "BTT-", "SDT-", "ER-", "Comp-")
)
_COLONED: Final = tuple(
    f"urn:epcglobal:cbv:{kind}:" for kind in ("bizstep", "disp", "btt", "sdt", "er", "comp")
)
_PLAIN: Final = (
    "https://gs1.org/voc/",
    "http://gs1.org/voc/",
    "https://www.gs1.org/voc/",
    "http://www.gs1.org/voc/",
    "https://ref.gs1.org/epcis/",
)
_STANDARD_BASES: Final = (*_DASHED, *_COLONED, *_PLAIN)


def prefixes_of(context: Any) -> dict[str, str]:
    """Give the prefixes and terms that a JSON-LD @context defines, the standard's own included."""
    found = dict(STANDARD)
    parts = context if isinstance(context, list) else [context]
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        for name, meaning in part.items():
            uri = meaning.get("@id") if isinstance(meaning, Mapping) else meaning
            if isinstance(uri, str) and not name.startswith("@"):
                found[name] = uri
    return found


def own_prefixes(context: Any) -> dict[str, str]:
    """Give what a context defines beyond the standard's."""
    return {name: uri for name, uri in prefixes_of(context).items() if STANDARD.get(name) != uri}


def written_out(name: str, prefixes: Mapping[str, str]) -> str:
    """Write a compact name out: `example:myField` becomes its namespace and `myField`."""
    prefix, colon, local = name.partition(":")
    if not colon:
        return prefixes.get(name, name)
    if local.startswith("//"):
        return name
    if base := prefixes.get(prefix):
        return written_out(base, prefixes) + local if base != name else name
    return name


def word(value: str, prefixes: Mapping[str, str] = STANDARD) -> str:
    """Give a vocabulary value in its one form; a bare word is itself."""
    if ":" not in value:
        return value
    full = written_out(value, prefixes)
    for base in _STANDARD_BASES:
        if full.startswith(base):
            return full.removeprefix(base)
    return full
