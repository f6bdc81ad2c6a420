"""An event as the ledger's rules read it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from traceability.epcis.identity import canonical
from traceability.epcis.moments import instant
from traceability.epcis.vocabulary import BIZ_STEPS, DISPOSITIONS, Words, short_name


@dataclass(frozen=True, slots=True)
class Act:
    """An event as the rules read it. Identifiers are canonical; `at` is aware and UTC.

    `paths` says where each identifier stands.
    """

    event_type: str
    action: str | None
    step: str | None
    """Its short name; None for a word of the sender's own."""
    at: datetime
    things: tuple[str, ...] = ()
    """Instances that it is about: observed, added, deleted."""
    classes: tuple[str, ...] = ()
    parent: str | None = None
    children: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    organisation_id: int | None = None
    """Who recorded it."""
    declared_error: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)
    words: tuple[tuple[str, str, Words], ...] = ()
    """(path, word, list) of its step and dispositions as they came."""

    @property
    def issued(self) -> tuple[str, ...]:
        """Give the keys that the event is the first to use: things come into being by it."""
        if self.event_type == "TransformationEvent":
            return self.outputs
        if self.event_type == "ObjectEvent" and self.action == "ADD":
            return (*self.things, *self.classes)
        return ()

    @property
    def named(self) -> tuple[str, ...]:
        """Give every instance whose state the rules ask for."""
        parent = () if self.parent is None else (self.parent,)
        return (*self.things, *parent, *self.children, *self.inputs, *self.outputs)


_QUANTITIES: Final = (
    ("quantityList", "things"),
    ("childQuantityList", "children"),
    ("inputQuantityList", "inputs"),
    ("outputQuantityList", "outputs"),
)


def act_of(event: Mapping[str, Any], *, organisation_id: int | None = None) -> Act:
    """Read an event whose form is right (`validation`).

    Raises ValueError when its time is out of the range that a computer keeps.
    """
    paths: dict[str, str] = {}

    def read(name: str) -> tuple[str, ...]:
        found = []
        for index, text in enumerate(event.get(name) or ()):
            one = canonical(text)
            paths.setdefault(one, f"{name}[{index}]")
            found.append(one)
        return tuple(found)

    classes = []
    for name, _role in _QUANTITIES:
        for index, element in enumerate(event.get(name) or ()):
            one = canonical(element["epcClass"])
            paths.setdefault(one, f"{name}[{index}].epcClass")
            classes.append(one)
    for name in ("readPoint", "bizLocation"):
        if place := event.get(name):
            paths.setdefault(canonical(place["id"]), f"{name}.id")
    parent = event.get("parentID")
    if parent is not None:
        parent = canonical(parent)
        paths.setdefault(parent, "parentID")
    step = event.get("bizStep")
    return Act(
        event_type=str(event["type"]),
        action=event.get("action"),
        step=None if step is None else short_name(step, BIZ_STEPS),
        at=instant(event["eventTime"]),
        things=read("epcList"),
        classes=tuple(classes),
        parent=parent,
        children=read("childEPCs"),
        inputs=read("inputEPCList"),
        outputs=read("outputEPCList"),
        organisation_id=organisation_id,
        declared_error="errorDeclaration" in event,
        paths=paths,
        words=tuple(_words(event)),
    )


def _words(event: Mapping[str, Any]) -> Iterator[tuple[str, str, Words]]:
    if "bizStep" in event:
        yield "bizStep", event["bizStep"], BIZ_STEPS
    if "disposition" in event:
        yield "disposition", event["disposition"], DISPOSITIONS
    for kind, words in (event.get("persistentDisposition") or {}).items():
        for index, word in enumerate(words):
            yield f"persistentDisposition.{kind}[{index}]", word, DISPOSITIONS
