"""Checking a story from nothing but the log's key. Pure: whatever is asked comes as data.

What is found is a list of findings. An empty one means that every event is the one that was
logged, in the order in which it was recorded, and that none of the log's is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from traceability.epcis.event_hash import event_hash
from traceability.log import merkle, notes
from traceability.log.keys import verifier_of_log
from traceability.log.models import EVENTS, RECORDS
from traceability.log.records import (
    Concern,
    Record,
    parse_line,
    parse_record,
    public_hash,
    tag_of,
)
from traceability.rules import CONTEXT

CHANGED: Final = "changed"
REMOVED: Final = "removed"
REORDERED: Final = "reordered"
UNPROVEN: Final = "unproven"
UNLOGGED: Final = "unlogged"
MOST_TOLD: Final = 500
"""Events of a lot that its page tells at most."""
PATIENCE: Final = timedelta(minutes=5)
"""An event that was recorded longer ago than this has to be in the log."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was logged."""

    kind: str
    why: str
    leaf: int | None = None
    event_id: str | None = None


@dataclass
class Report:
    """What checking a story came to."""

    code: str
    size: int = 0
    events: int = 0
    recomputed: int = 0
    """Events of which everything is public: their own hash was made anew and is in the log."""
    withheld: int = 0
    """Events that are shown in part: their public form was hashed anew and is in the log."""
    waiting: int = 0
    """Events told that are too new to be in the log."""
    unchecked: int = 0
    """Events of single packs in a lot's story that is too long to prove at once."""
    cosigned_by: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether everything is as it was logged."""
        return not self.findings

    def found(self, kind: str, why: str, leaf: int | None = None, event: object = None) -> None:
        """Add a finding."""
        event_id = str(event) if event else None
        self.findings.append(Finding(kind, why, leaf, event_id))

    def as_json(self) -> dict[str, Any]:
        """Give the report for printing."""
        return {"ok": self.ok, **asdict(self)}


def read_checkpoint(
    text: str, key: notes.VerifierKey, log: str, witnesses: Sequence[notes.VerifierKey] = ()
) -> tuple[notes.Checkpoint, list[str]]:
    """Check a checkpoint's signature by the log's key; give it and the witnesses that cosigned.

    Raises NoteRefused.
    """
    own = verifier_of_log(key, log)
    note = notes.open_note(text.encode(), [own, *witnesses])
    names = [each.name for each in note.verified]
    if (own.name, own.key_id) not in {(each.name, each.key_id) for each in note.verified}:
        raise notes.NoteRefused("the log's own key has not signed this")
    checkpoint = notes.parse_checkpoint(note.text)
    if checkpoint.origin != own.name:
        raise notes.NoteRefused("this is another log's checkpoint")
    return checkpoint, names[1:] if names[:1] == [own.name] else names


def check_story(
    bundle: Mapping[str, Any],
    key: notes.VerifierKey,
    *,
    told: Mapping[str, Any] | None = None,
    now: datetime,
    witnesses: Sequence[notes.VerifierKey] = (),
) -> Report:
    """Check the story of one code.

    `bundle` is what `/log/story` gives, or what a mirror makes of its files; `told` is the EPCIS
    document that the code's own address gives, when it is to be compared.
    """
    report = Report(str(bundle.get("code")))
    try:
        events, report.cosigned_by = read_checkpoint(bundle["checkpoint"], key, EVENTS, witnesses)
        kept, _ = read_checkpoint(bundle["records_checkpoint"], key, RECORDS)
    except (notes.NoteRefused, KeyError) as refusal:
        report.found(UNPROVEN, f"the checkpoint: {refusal}")
        return report
    report.size = events.size
    if events.size != kept.size:
        report.found(UNPROVEN, "the checkpoints of the two logs are of different sizes")
    proven = [_proven(each, events, kept, report) for each in bundle.get("events", ())]
    _Chains(bundle, [each for each in proven if each is not None], report).check()
    if told is not None:
        _compare(told, bundle, report, now=now)
    return report


@dataclass(frozen=True, slots=True)
class _Event:
    """An event whose place in both logs is proven."""

    leaf: int
    public: Mapping[str, Any]
    concerns: tuple[Concern, ...]


def _proven(
    given: Mapping[str, Any],
    events: notes.Checkpoint,
    kept: notes.Checkpoint,
    report: Report,
) -> _Event | None:
    leaf, event_id = given.get("leaf"), given.get("event_id")
    report.events += 1
    if not isinstance(leaf, int):
        report.found(UNPROVEN, "an event without its number in the log")
        return None
    try:
        record = _record(given, leaf, events, kept)
        concerns = tuple(_concern(each, record) for each in given.get("concerns", ()))
    except (merkle.ProofRefused, ValueError, KeyError, TypeError) as refusal:
        report.found(UNPROVEN, f"its proof does not hold: {refusal}", leaf, event_id)
        return None
    public = given.get("public")
    if not isinstance(public, Mapping):
        report.found(REMOVED, "the log holds this event, and it is gone", leaf, event_id)
        return _Event(leaf, {}, concerns)
    _same(public, record, report, leaf, event_id)
    return _Event(leaf, public, concerns)


def _record(
    given: Mapping[str, Any], leaf: int, events: notes.Checkpoint, kept: notes.Checkpoint
) -> Record:
    record = parse_record(given["record"].encode())
    if record.leaf != leaf:
        raise ValueError("the record is another leaf's")
    entry = merkle.leaf_hash(record.event_hash.encode())
    merkle.check_inclusion(entry, leaf, events.size, _hashes(given["proof"]), events.root)
    entry = merkle.leaf_hash(record.entry)
    merkle.check_inclusion(entry, leaf, kept.size, _hashes(given["record_proof"]), kept.root)
    return record


def _concern(given: Mapping[str, Any], record: Record) -> Concern:
    line = merkle.leaf_hash(given["line"].encode())
    merkle.check_inclusion(
        line, given["at"], record.subjects_count, _hashes(given["proof"]), record.subjects_root
    )
    return parse_line(given["line"])


def _hashes(texts: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def _same(
    public: Mapping[str, Any], record: Record, report: Report, leaf: int, event_id: object
) -> None:
    """Hold an event to its record; where all of it is public, to its own hash too."""
    if _printed(public) != record.public_hash:
        report.found(CHANGED, "it is not what was logged", leaf, event_id)
        return
    if _hash_of(public) == record.event_hash:
        report.recomputed += 1
    else:
        report.withheld += 1


def _printed(event: Mapping[str, Any]) -> bytes | None:
    try:
        return public_hash(event)
    except (ValueError, TypeError, AttributeError):  # not the shape of any event
        return None


def _hash_of(public: Mapping[str, Any]) -> str | None:
    try:
        return event_hash(dict(public), CONTEXT)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


class _Chains:
    """Whether a story has every event of everything that it is about."""

    def __init__(self, bundle: Mapping[str, Any], events: Sequence[_Event], report: Report) -> None:
        self.report = report
        self.events = {event.leaf: event for event in events}
        self.uris: dict[bytes, str] = {}
        self.told: dict[bytes, list[int]] = {}
        for each in bundle.get("subjects", ()):
            tag = tag_of(each["kind"], each["uri"])
            self.uris[tag] = each["uri"]
            self.told[tag] = list(each.get("leaves", ()))
        self.kinds = {tag_of(e["kind"], e["uri"]): e["kind"] for e in bundle.get("subjects", ())}
        self.code = str(bundle.get("code"))
        self.links: dict[bytes, dict[int, Concern]] = {}
        for event in events:
            for concern in event.concerns:
                self.links.setdefault(concern.tag, {})[event.leaf] = concern

    def check(self) -> None:
        """Check the chain of the thing itself, of its lot, and of all that was made into it."""
        kind = "item" if "/21/" in self.code else "case" if "/00/" in self.code else "lot"
        own = tag_of(kind, self.code)
        waiting, done = [own], set[bytes]()
        part = tag_of("part", self.code)
        if kind == "lot" and part in self.uris:
            waiting.append(part)
        while waiting:
            tag = waiting.pop()
            if tag in done:
                continue
            done.add(tag)
            self._unbroken(tag, needed=tag != part)
            waiting.extend(self._beyond(tag))
        for event in self.events.values():
            if done.isdisjoint(concern.tag for concern in event.concerns):
                self.report.found(UNPROVEN, "it does not belong to this story", event.leaf)

    def _unbroken(self, tag: bytes, *, needed: bool) -> None:
        links = self.links.get(tag, {})
        about = self.uris.get(tag, f"something with the tag {tag.hex()}")
        if not links and needed:
            self.report.found(REMOVED, f"no event of {about} is shown")
        before: int | None = None
        for leaf in sorted(links):
            previous = links[leaf].previous
            if previous != before:
                self.report.found(REMOVED, f"an event of {about} is left out", previous)
            before = leaf
        for leaf in self.told.get(tag, ()):
            if leaf not in links and leaf in self.events:
                self.report.found(UNPROVEN, f"it is not shown to concern {about}", leaf)

    def _beyond(self, tag: bytes) -> list[bytes]:
        """Give what else the story must have: an item's lot, and what a lot was made from."""
        found = [link.home for link in self.links.get(tag, {}).values() if link.home]
        if self.kinds.get(tag) != "lot":
            return found
        uri = self.uris[tag]
        for leaf in self.links.get(tag, ()):
            found.extend(tag_of("lot", each) for each in made_from(self.events[leaf].public, uri))
        return found


def made_from(event: Mapping[str, Any], uri: str) -> list[str]:
    """Give the lots that an event turned into the lot at `uri`."""
    if uri not in _classes(event.get("outputQuantityList")):
        return []
    return _classes(event.get("inputQuantityList"))


def _classes(quantities: Any) -> list[str]:
    return [each["epcClass"] for each in quantities or () if "epcClass" in each]


def _compare(
    told: Mapping[str, Any], bundle: Mapping[str, Any], report: Report, *, now: datetime
) -> None:
    """Hold the story as its page tells it to the story as it was logged."""
    logged = {
        each["public"].get("eventID"): each
        for each in bundle.get("events", ())
        if isinstance(each.get("public"), Mapping)
    }
    shown = events_of(told)
    seen = {event.get("eventID") for event in shown}
    in_part = _is_in_part(bundle)
    for event in shown:
        event_id = event.get("eventID")
        entry = logged.get(event_id)
        if entry is None:
            if in_part:
                report.unchecked += 1
            elif _is_new(event, now):
                report.waiting += 1
            else:
                report.found(UNLOGGED, "it is told and was never logged", None, event_id)
        elif _printed(event) != _printed(entry["public"]):
            report.found(CHANGED, "it is told otherwise than logged", entry["leaf"], event_id)
    for event_id, entry in logged.items():
        if event_id not in seen and not (in_part and len(shown) >= MOST_TOLD):
            report.found(REMOVED, "it is logged and left out", entry["leaf"], event_id)
    check_order(shown, report)


def _is_in_part(bundle: Mapping[str, Any]) -> bool:
    """Tell whether a lot's story is proven without what happened to its single packs."""
    code = str(bundle.get("code"))
    kinds = {each["kind"] for each in bundle.get("subjects", ())}
    return "/10/" in code and "/21/" not in code and "part" not in kinds


def check_order(shown: Sequence[Mapping[str, Any]], report: Report) -> None:
    """Hold a story to the order in which things happened."""
    before = ""
    for event in shown:
        at = str(event.get("eventTime"))
        if at < before:
            report.found(REORDERED, "it is told out of its turn", None, event.get("eventID"))
        before = max(at, before)


def _is_new(event: Mapping[str, Any], now: datetime) -> bool:
    try:
        recorded = datetime.fromisoformat(str(event.get("recordTime")))
    except ValueError:
        return False
    return recorded.tzinfo is not None and now - recorded < PATIENCE


def events_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the events of an EPCIS document, or the one event that it is."""
    body = document.get("epcisBody")
    if isinstance(body, Mapping):
        listed = body.get("eventList") or ([body["event"]] if "event" in body else [])
        return [dict(each) for each in listed]
    return [dict(document)] if "eventTime" in document else []
