"""How a captured event is written down: its form, its times, its context. No database."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from traceability.epcis.facts import EPC_LISTS, QUANTITY_LISTS
from traceability.epcis.identifiers import canonical
from traceability.epcis.words import word


def joined(outer: Any, inner: Any) -> Any:
    """Give a document's context with that of one of its events behind it."""
    parts: list[Any] = []
    for context in (outer, inner):
        for part in context if isinstance(context, list) else [context]:
            if part is not None and part not in parts:
                parts.append(part)
    return parts


def as_text(document: Mapping[str, Any]) -> str:
    """Write JSON as it is kept."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def instant(moment: datetime) -> str:
    """Write a moment as EPCIS writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical_event(
    event: Mapping[str, Any], prefixes: Mapping[str, str]
) -> tuple[dict[str, Any], bool]:
    """Give an event with every GS1 identifier in its one form, and whether that changed it."""
    kept = {name: value for name, value in event.items() if name not in {"@context", "recordTime"}}
    told = dict(kept)
    for name, form in _FORMS.items():
        if name in told:
            told[name] = form(told[name])
    for name in ("bizStep", "disposition"):
        if name in told and ":" not in (one := word(told[name], prefixes)):
            told[name] = one
    return told, told != kept


def _epcs(value: Any) -> Any:
    return list(dict.fromkeys(map(canonical, value)))


def _place(value: Any) -> Any:
    return {**value, "id": canonical(value["id"])}


def _elements(part: str) -> Callable[[Any], Any]:
    return lambda value: [{**each, part: canonical(each[part])} for each in value]


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    **{name: _epcs for name, _field in EPC_LISTS},
    **{name: _elements("epcClass") for name, _field in QUANTITY_LISTS},
    "parentID": canonical,
    "readPoint": _place,
    "bizLocation": _place,
    "bizTransactionList": _elements("bizTransaction"),
    "sourceList": _elements("source"),
    "destinationList": _elements("destination"),
}
