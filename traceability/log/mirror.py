"""A copy of the log in a folder, and checking it without a network.

The files lie as they are served, so that a mirror may be served on: `checkpoint`, `tile/…`,
`records/checkpoint`, `records/tile/…`, `records/subjects/…`, `records/events/…`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from traceability.log import merkle, notes, tiles
from traceability.log.models import EVENTS, RECORDS
from traceability.log.records import (
    Concern,
    Record,
    canonical,
    line_hashes,
    parse_line,
    parse_record,
    tag_of,
)
from traceability.log.verification import (
    CHANGED,
    REMOVED,
    UNPROVEN,
    Report,
    made_from,
    read_checkpoint,
)

Fetch = Callable[[str], bytes]
"""Gives the file at a path below the log's prefix."""
PREFIX: Final = {EVENTS: "", RECORDS: f"{RECORDS}/"}


class MirrorRefused(ValueError):  # noqa: N818 -- "no" is called refused in this house
    """A log that can't be mirrored as it is, or a folder that holds no mirror."""


def copy_log(fetch: Fetch, folder: Path) -> int:
    """Bring `folder` up to date; give how many files were fetched.

    Full tiles and bundles that are there are not fetched again. The checkpoints are written last,
    and only when the trees that the files make are those that were signed and contain what was
    mirrored before. Raises MirrorRefused otherwise.
    """
    signed = {log: fetch(f"{PREFIX[log]}checkpoint") for log in (EVENTS, RECORDS)}
    size = min(_unverified(note).size for note in signed.values())
    if size != max(_unverified(note).size for note in signed.values()):
        raise MirrorRefused("the two logs were caught between two checkpoints; try again")
    fetched = 0
    for path in paths_of(size):
        target = folder / path
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, fetch(path))
        fetched += 1
    before = folder / "checkpoint"
    for log, note in signed.items():
        leaves = _leaves(folder, log, size)
        if merkle.root_of(leaves) != _unverified(note).root:
            raise MirrorRefused(f"the files of the log of {log} do not make the signed tree")
        if before.exists():
            old = _unverified((folder / f"{PREFIX[log]}checkpoint").read_bytes())
            if old.size > size or merkle.root_of(leaves[: old.size]) != old.root:
                raise MirrorRefused(f"the log of {log} has not grown, it has been changed")
    for log in (RECORDS, EVENTS):
        _write(folder / f"{PREFIX[log]}checkpoint", signed[log])
    _tidy(folder, size)
    return fetched + len(signed)


def _tidy(folder: Path, size: int) -> None:
    """Throw away what was partial and has grown since."""
    wanted = {folder / path for path in paths_of(size)}
    for partial in folder.rglob("*.p"):
        for file in partial.iterdir():
            if file not in wanted:
                file.unlink()
        if not any(partial.iterdir()):
            partial.rmdir()


def paths_of(size: int) -> Iterator[str]:
    """Name every file of a log of `size`, but for the checkpoints."""
    for tile in tiles.tiles_of(size):
        for prefix in PREFIX.values():
            yield prefix + tile.path
        if tile.level == tiles.ENTRIES:
            number = tile.path.removeprefix("tile/entries/")
            yield f"records/subjects/{number}"
            yield f"records/events/{number}"


def _write(target: Path, data: bytes) -> None:
    fresh = target.with_name(f"{target.name}.new")
    fresh.write_bytes(data)
    fresh.replace(target)


def _unverified(note: bytes) -> notes.Checkpoint:
    text, _ = notes.read_note(note)
    return notes.parse_checkpoint(text)


def _bundles(folder: Path, kind: str, size: int) -> Iterator[tuple[range, bytes]]:
    for start in range(0, size, tiles.WIDTH):
        width = min(tiles.WIDTH, size - start)
        tile = tiles.Tile(tiles.ENTRIES, start // tiles.WIDTH, width)
        number = tile.path.removeprefix("tile/entries/")
        path = folder / kind / number
        if not path.is_file():
            raise MirrorRefused(f"the mirror lacks {kind}/{number}")
        yield range(start, start + width), path.read_bytes()


def entries(folder: Path, log: str, size: int) -> list[bytes]:
    """Give a log's entries."""
    found: list[bytes] = []
    for leaves, data in _bundles(folder, f"{PREFIX[log]}tile/entries", size):
        bundle = tiles.unbundle(data)
        if len(bundle) != len(leaves):
            raise MirrorRefused(f"the bundle from leaf {leaves.start} has another length")
        found.extend(bundle)
    return found


def _leaves(folder: Path, log: str, size: int) -> list[bytes]:
    return [merkle.leaf_hash(entry) for entry in entries(folder, log, size)]


class Mirror:
    """A mirrored log, read into memory."""

    def __init__(self, folder: Path) -> None:
        """Read the files; raise MirrorRefused when some are missing or malformed."""
        self.folder = folder
        if not (folder / "checkpoint").is_file():
            raise MirrorRefused(f"{folder} holds no mirror of a log")
        self.notes = {
            log: (folder / f"{PREFIX[log]}checkpoint").read_text("utf-8") for log in PREFIX
        }
        self.size = _unverified(self.notes[EVENTS].encode()).size
        self.hashes = entries(folder, EVENTS, self.size)
        kept = entries(folder, RECORDS, self.size)
        self.nodes = {
            EVENTS: merkle.nodes_of([merkle.leaf_hash(entry) for entry in self.hashes]),
            RECORDS: merkle.nodes_of([merkle.leaf_hash(entry) for entry in kept]),
        }
        try:
            self.records = [parse_record(entry) for entry in kept]
        except ValueError as error:
            raise MirrorRefused("a record can't be read") from error
        self.concerns: list[list[Concern]] = [[] for _ in kept]
        self.by_tag: dict[bytes, list[int]] = {}
        self._read_subjects()
        self.public: list[bytes] = []
        for leaves, data in _bundles(folder, "records/events", self.size):
            lines = data.split(b"\n")[:-1]
            self.public.extend([*lines, *[b"null"] * (len(leaves) - len(lines))])

    def _read_subjects(self) -> None:
        for _, data in _bundles(self.folder, "records/subjects", self.size):
            for line in data.decode().splitlines():
                leaf, _, rest = line.partition(" ")
                try:
                    concern, at = parse_line(rest), int(leaf)
                    self.concerns[at].append(concern)
                except (ValueError, IndexError) as error:
                    raise MirrorRefused("what a record is about can't be read") from error
                self.by_tag.setdefault(concern.tag, []).append(at)

    def audit(self, key: notes.VerifierKey) -> Report:
        """Check everything: both trees, every record, every public event, every chain."""
        report = Report("*", self.size, self.size)
        for log in PREFIX:
            try:
                checkpoint, _ = read_checkpoint(self.notes[log], key, log)
            except notes.NoteRefused as refusal:
                report.found(UNPROVEN, f"the checkpoint of the log of {log}: {refusal}")
                continue
            root = merkle.range_root(0, self.size, self.nodes[log])
            if (checkpoint.size, checkpoint.root) != (self.size, root):
                report.found(CHANGED, f"the entries of the log of {log} are not those signed")
        last: dict[bytes, int] = {}
        for leaf, record in enumerate(self.records):
            self._audit_leaf(leaf, record, last, report)
        return report

    def _audit_leaf(
        self, leaf: int, record: Record, last: dict[bytes, int], report: Report
    ) -> None:
        event = self.event(leaf)
        event_id = (event or {}).get("eventID")
        if (record.leaf, record.event_hash.encode()) != (leaf, self.hashes[leaf]):
            report.found(CHANGED, "its record is another event's", leaf, event_id)
        if event is None:
            report.found(REMOVED, "the log holds this event, and it is gone", leaf)
        elif sha256(canonical(event)).digest() != record.public_hash:
            report.found(CHANGED, "it is not what was logged", leaf, event_id)
        concerns = self.concerns[leaf]
        hashes = line_hashes(concerns)
        if (merkle.root_of(hashes), len(hashes)) != (record.subjects_root, record.subjects_count):
            report.found(CHANGED, "what it is about is not what was logged", leaf, event_id)
        for concern in concerns:
            if concern.previous != last.get(concern.tag):
                report.found(REMOVED, "the event before it is another", leaf, event_id)
            last[concern.tag] = leaf

    def event(self, leaf: int) -> dict[str, Any] | None:
        """Give what everybody may see of an event, or None when it is gone."""
        try:
            found = json.loads(self.public[leaf])
        except (ValueError, IndexError):
            return None
        return found if isinstance(found, dict) else None

    def story(self, code: str, kind: str, *, lots: Sequence[str] = ()) -> dict[str, Any]:
        """Give the story of a code as `/log/story` does; see `verification.check_story`.

        `kind` is item, lot or case; `lots` are the names of lots that may be an item's own.
        """
        subjects: dict[tuple[str, str], list[int]] = {}
        waiting = [(kind, code)]
        if kind == "lot":
            waiting.append(("part", code))
        while waiting:
            asked = waiting.pop()
            if asked in subjects:
                continue
            leaves = self.by_tag.get(tag_of(*asked), [])
            subjects[asked] = leaves
            waiting.extend(self._beyond(*asked, leaves, lots))
        tags = {tag_of(*each) for each in subjects}
        leaves = sorted({leaf for each in subjects.values() for leaf in each})
        return {
            "code": code,
            "checkpoint": self.notes[EVENTS],
            "records_checkpoint": self.notes[RECORDS],
            "subjects": [
                {"kind": each[0], "uri": each[1], "tag": tag_of(*each).hex(), "leaves": leaves_}
                for each, leaves_ in subjects.items()
            ],
            "events": [self._proven(leaf, tags) for leaf in leaves],
        }

    def _beyond(
        self, kind: str, uri: str, leaves: Sequence[int], lots: Sequence[str]
    ) -> list[tuple[str, str]]:
        if kind == "item":
            homes = {c.home for leaf in leaves for c in self.concerns[leaf] if c.home}
            known = {tag_of("lot", each): each for each in (*lots, *self._lots_named())}
            return [("lot", known[home]) for home in homes if home in known]
        if kind != "lot":
            return []
        return [("lot", each) for leaf in leaves for each in made_from(self.event(leaf) or {}, uri)]

    def _lots_named(self) -> set[str]:
        """Give every lot that a public event names, so that a tag can be told back to its lot."""
        found: set[str] = set()
        for leaf in range(self.size):
            event = self.event(leaf) or {}
            for name in ("outputQuantityList", "quantityList", "inputQuantityList"):
                for each in event.get(name) or ():
                    found.add(str(each.get("epcClass")))
        return found

    def _proven(self, leaf: int, tags: set[bytes]) -> dict[str, Any]:
        record, concerns = self.records[leaf], self.concerns[leaf]
        hashes = line_hashes(concerns)
        node = merkle.nodes_of(hashes)
        event = self.event(leaf)
        return {
            "leaf": leaf,
            "event_id": (event or {}).get("eventID"),
            "public": event,
            "record": record.entry.decode(),
            "proof": [
                each.hex() for each in merkle.inclusion_proof(leaf, self.size, self.nodes[EVENTS])
            ],
            "record_proof": [
                each.hex() for each in merkle.inclusion_proof(leaf, self.size, self.nodes[RECORDS])
            ],
            "concerns": [
                {
                    "line": concern.line,
                    "at": at,
                    "proof": [x.hex() for x in merkle.inclusion_proof(at, len(hashes), node)],
                }
                for at, concern in enumerate(concerns)
                if concern.tag in tags
            ],
        }

    def prove(self, event_hash: str) -> tuple[int, list[bytes]] | None:
        """Give the leaf of a whole event by its hash, with its proof; None when it has none."""
        try:
            leaf = self.hashes.index(event_hash.encode())
        except ValueError:
            return None
        return leaf, merkle.inclusion_proof(leaf, self.size, self.nodes[EVENTS])

    def growth(self, log: str, first: int) -> list[bytes]:
        """Prove that a log of `first` leaves begins the mirrored one."""
        return merkle.consistency_proof(first, self.size, self.nodes[log])
