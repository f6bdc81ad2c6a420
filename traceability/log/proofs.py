"""Questions to the log: checkpoints, tiles, proofs, and everything that proves one story."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, true
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound
from goods.catalogue.models import Sku
from goods.stock.models import Lot, Serial
from traceability.digital_link import CaseCode, Code, ItemCode, canonical_uri, parse_uri
from traceability.log import merkle, tiles
from traceability.log.models import (
    EVENTS,
    RECORDS,
    LogCheckpoint,
    LogCosignature,
    LogKey,
    LogLeaf,
    LogQueue,
    LogSubject,
    LogWitness,
)
from traceability.log.records import (
    Concern,
    Record,
    bare_form,
    canonical,
    form_hash,
    line_hashes,
    ordered,
    public_form,
    tag_of,
)
from traceability.log.trees import Tree, entry_of, records
from traceability.log.verification import made_from
from traceability.models import TraceEvent

MOST_EVENTS: Final = 500
"""Events that one answer proves; a lot of which more parts were sold is proven as a lot."""
LATE: Final = timedelta(seconds=60)
"""An event that waits longer than this for the log shows that no worker takes it in."""
NEWEST: Final = (
    select(LogCheckpoint)
    .where(LogCheckpoint.log == bindparam("log"))
    .order_by(LogCheckpoint.id.desc())
    .limit(1)
)


class NotLogged(NotFound):
    """The log doesn't hold this, or not yet."""

    code = "not_logged"


def newest(session: Session, log: str) -> LogCheckpoint:
    """Give the newest checkpoint of a log; raise NotLogged before there is one."""
    found = session.scalar(NEWEST, {"log": log})
    if found is None:
        raise NotLogged("The log has no checkpoint yet")
    return found


def newest_or_none(session: Session, log: str) -> LogCheckpoint | None:
    """Give the newest checkpoint of a log, if there is one."""
    return session.scalar(NEWEST, {"log": log})


def checkpoint_at(session: Session, log: str, size: int) -> LogCheckpoint:
    """Give the newest checkpoint of a size; raise NotLogged when none was signed."""
    found = session.scalar(
        select(LogCheckpoint)
        .where(LogCheckpoint.log == log, LogCheckpoint.size == size)
        .order_by(LogCheckpoint.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotLogged("No checkpoint of this size was signed")
    return found


def cosigned(session: Session, log: str) -> LogCheckpoint:
    """Give the newest checkpoint that a witness has cosigned; raise NotLogged."""
    found = session.scalar(
        select(LogCheckpoint)
        .join(LogCosignature, LogCosignature.checkpoint_id == LogCheckpoint.id)
        .where(LogCheckpoint.log == log)
        .order_by(LogCheckpoint.size.desc(), LogCheckpoint.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotLogged("No witness has cosigned a checkpoint yet")
    return found


def note_of(session: Session, checkpoint: LogCheckpoint) -> str:
    """Give a checkpoint's note with every cosignature that came in for it."""
    lines = session.scalars(
        select(LogCosignature.line)
        .where(LogCosignature.checkpoint_id == checkpoint.id)
        .order_by(LogCosignature.id)
    )
    return checkpoint.note + "".join(lines)


def tile_bytes(session: Session, log: str, tile: tiles.Tile) -> bytes:
    """Give a tile, or a bundle of entries, as it is served; raise NotLogged when there is none."""
    size = newest(session, log).size
    if tiles.width_at(tile.level, tile.index, size) < tile.width:
        raise NotLogged("The log is not that long yet")
    if tile.level == tiles.ENTRIES:
        start = tile.index * tiles.WIDTH
        found = records(session, start, start + tile.width)
        return tiles.bundle([entry_of(log, record) for record in found])
    return b"".join(Tree(session, log, size).hashes(tile.level, tile.index, tile.width))


def span_of(session: Session, tile: tiles.Tile) -> range:
    """Give the leaves of a bundle; raise NotLogged when the log is not that long."""
    if tiles.width_at(tiles.ENTRIES, tile.index, newest(session, EVENTS).size) < tile.width:
        raise NotLogged("The log is not that long yet")
    start = tile.index * tiles.WIDTH
    return range(start, start + tile.width)


def subject_lines(session: Session, leaves: range) -> list[str]:
    """Give what the records of these leaves are about: leaf, then the line under its root."""
    rows = session.execute(
        select(LogSubject.leaf_index, LogSubject.tag, LogSubject.previous, LogSubject.home)
        .where(LogSubject.leaf_index >= leaves.start, LogSubject.leaf_index < leaves.stop)
        .order_by(LogSubject.leaf_index, LogSubject.tag)
    )
    return [f"{row[0]} {_concern(row[1:]).line}" for row in rows]


def public_events(session: Session, leaves: Iterable[int]) -> dict[int, dict[str, Any] | None]:
    """Give, by leaf, what everybody may see of an event; None where the event is gone."""
    wanted = list(leaves)
    found: dict[int, dict[str, Any] | None] = dict.fromkeys(wanted)
    rows = session.execute(
        select(
            LogLeaf.leaf_index, LogLeaf.public_hash, TraceEvent.document, TraceEvent.capture_job_id
        )
        .join(TraceEvent, TraceEvent.id == LogLeaf.event_id)
        .where(LogLeaf.leaf_index.in_(wanted))
    )
    for leaf, logged, text, job in rows:
        form = public_form(json.loads(text))
        if job is not None and form_hash(form) != bytes(logged):
            form = bare_form(form)  # what was logged says which of the two forms it is
        found[leaf] = form
    return found


class Proven(NamedTuple):
    """A leaf with its proof."""

    leaf: int
    size: int
    entry: bytes
    proof: list[bytes]
    root: bytes


def leaf_by(session: Session, *, event: str = "", ni: str = "", index: str = "") -> int:
    """Find a leaf by its event's id, by its hash or by its number.

    Raises BadInput for what is none of these and NotLogged for what the log doesn't hold.
    """
    if event:
        try:
            wanted = LogLeaf.event_id == UUID(event.removeprefix("urn:uuid:"))
        except ValueError as error:
            raise BadInput("This is not the id of an event", field="event") from error
    elif ni:
        wanted = LogLeaf.event_hash == ni
    elif index.isdecimal() and len(index) < 19:  # noqa: PLR2004 -- 63 bits
        wanted = LogLeaf.leaf_index == int(index)
    else:
        raise BadInput("Say which leaf: by event, hash or index")
    found = session.scalar(
        select(LogLeaf.leaf_index).where(wanted).order_by(LogLeaf.leaf_index).limit(1)
    )
    if found is None:
        raise NotLogged("The log doesn't hold this, or not yet")
    return found


def prove(session: Session, log: str, leaf: int, size: int | None = None) -> Proven:
    """Prove that a leaf is in the log of `size`, or of the newest checkpoint's size."""
    signed = newest(session, log)
    size = signed.size if size is None else size
    if not leaf < size <= signed.size:
        raise NotLogged("The log of this size doesn't hold this leaf")
    (record,) = records(session, leaf, leaf + 1)
    tree = Tree(session, log, size)
    root = bytes(signed.root) if size == signed.size else tree.root()
    return Proven(leaf, size, entry_of(log, record), tree.inclusion(leaf), root)


def prove_growth(
    session: Session, log: str, first: int, second: int | None = None
) -> tuple[list[bytes], int]:
    """Prove that the log of `first` leaves begins that of `second`; give proof and `second`."""
    longest = newest(session, log).size
    second = longest if second is None else second
    if not 0 < first <= second <= longest:
        raise BadInput("Ask from a size above zero to a size that was signed")
    return Tree(session, log, second).consistency(first), second


IN_LOG: Final = (
    select(
        func.count(LogLeaf.leaf_index).label("logged"),
        func.max(LogLeaf.leaf_index).label("last"),
    )
    .where(LogLeaf.event_id.in_(bindparam("events", expanding=True)))
    .subquery("in_log")
)
SIGNED: Final = (
    select(LogCheckpoint.size, LogCheckpoint.signed_at)
    .where(LogCheckpoint.log == EVENTS)
    .order_by(LogCheckpoint.id.desc())
    .limit(1)
    .subquery("signed")
)
LOGGED: Final = select(
    IN_LOG.c.logged, IN_LOG.c.last, SIGNED.c.size, SIGNED.c.signed_at
).select_from(IN_LOG.join(SIGNED, true()))


class Logged(NamedTuple):
    """How far a story has reached the log."""

    events: int
    """Of how many events."""
    logged: int
    """How many of them are in it."""
    last: int | None
    """The leaf of the newest of them."""
    size: int
    signed_at: datetime

    @property
    def waiting(self) -> int:
        """Give how many are not in it yet."""
        return self.events - self.logged


def logged_of(session: Session, event_ids: Sequence[UUID]) -> Logged | None:
    """Tell how many of a story's events are in the log, and of which checkpoint.

    One statement. None before the log's first checkpoint.
    """
    row = session.connection().execute(LOGGED, {"events": event_ids}).first()
    return Logged(len(event_ids), *row) if row is not None else None


def keys(session: Session) -> Sequence[LogKey]:
    """Give every key that signs or has signed, oldest first."""
    return session.scalars(select(LogKey).order_by(LogKey.id)).all()


def witnesses(session: Session) -> Sequence[Any]:
    """Give the witnesses whose cosignatures are accepted, with how many came and the newest."""
    return session.execute(
        select(
            LogWitness.id,
            LogWitness.vkey,
            LogWitness.added_at,
            func.count(LogCosignature.id).label("cosignatures"),
            func.max(LogCosignature.stamped_at).label("newest"),
        )
        .outerjoin(LogCosignature, LogCosignature.witness_id == LogWitness.id)
        .where(LogWitness.removed_at.is_(None))
        .group_by(LogWitness.id)
        .order_by(LogWitness.id)
    ).all()


class Queue(NamedTuple):
    """What waits for the log."""

    depth: int
    oldest: datetime | None


def queue(session: Session) -> Queue:
    """Tell how many events wait, and since when the oldest one does."""
    row = session.execute(select(func.count(LogQueue.id), func.min(LogQueue.queued_at))).one()
    return Queue(*row)


def _concern(row: Sequence[Any]) -> Concern:
    tag, previous, home = row
    return Concern(bytes(tag), previous, bytes(home) if home is not None else None)


class Chain(NamedTuple):
    """One thing that a story is about, and the leaves that concern it."""

    kind: str
    uri: str
    leaves: list[int]

    @property
    def tag(self) -> bytes:
        """Give the tag under which records name it."""
        return tag_of(self.kind, self.uri)


def chains_of(session: Session, code: Code, size: int) -> list[Chain]:
    """Give what the story of a code is made of: the thing itself, its lot, what that was made of.

    Raises NotLogged when the log knows nothing of it.
    """
    match code:
        case ItemCode(gtin=gtin, serial=str() as serial):
            item = _chain(session, "item", canonical_uri(ItemCode(gtin, serial=serial)), size)
            found = [item, *_lots(session, _homes(session, item), size)]
        case ItemCode(gtin=gtin, lot=str() as lot):
            uri = canonical_uri(ItemCode(gtin, lot))
            found = [*_lots(session, [uri], size)]
            parts = _chain(session, "part", uri, size)
            if sum(len(each.leaves) for each in (*found, parts)) <= MOST_EVENTS:
                found.append(parts)
        case CaseCode(sscc=sscc):
            found = [_chain(session, "case", canonical_uri(CaseCode(sscc)), size)]
        case _:
            raise BadInput("Only items, lots and cases have a story")
    if not any(each.leaves for each in found):
        raise NotLogged("The log doesn't hold this, or not yet")
    return found


def _chain(session: Session, kind: str, uri: str, size: int) -> Chain:
    leaves = session.scalars(
        select(LogSubject.leaf_index)
        .where(LogSubject.tag == tag_of(kind, uri), LogSubject.leaf_index < size)
        .order_by(LogSubject.leaf_index)
    )
    return Chain(kind, uri, list(leaves))


def _homes(session: Session, item: Chain) -> list[str]:
    """Give the lots that an item's records say it belongs to, as the item's events name them."""
    homes = set(
        session.scalars(
            select(LogSubject.home).where(
                LogSubject.tag == item.tag, LogSubject.leaf_index.in_(item.leaves)
            )
        )
    )
    known = {bytes(home) for home in homes if home is not None}
    return [uri for uri in lot_uris(session, item.uri) if tag_of("lot", uri) in known]


def lot_uris(session: Session, item_uri: str) -> list[str]:
    """Give the lot of an item, as stock has it."""
    code = parse_uri(item_uri)
    if not isinstance(code, ItemCode):
        return []
    rows = session.execute(
        select(Sku.gtin, Lot.lot_no)
        .join(Lot, Lot.sku_id == Sku.id)
        .join(Serial, Serial.lot_id == Lot.id)
        .where(Sku.gtin == code.gtin, Serial.serial == code.serial)
    )
    return [canonical_uri(ItemCode(gtin, lot_no)) for gtin, lot_no in rows]


def _lots(session: Session, uris: Sequence[str], size: int) -> list[Chain]:
    """Give lots and, by what was recorded of their making, every lot that they were made from."""
    found: dict[str, Chain] = {}
    waiting = list(uris)
    while waiting:
        uri = waiting.pop(0)
        if uri in found:
            continue
        found[uri] = chain = _chain(session, "lot", uri, size)
        for event in public_events(session, chain.leaves).values():
            waiting.extend(made_from(event or {}, uri))
    return list(found.values())


def story(session: Session, code: Code) -> dict[str, Any]:
    """Give everything that a stranger needs to check the story of a code; see `verification`."""
    first = newest(session, EVENTS)
    size = first.size
    second = checkpoint_at(session, RECORDS, size)
    chains = chains_of(session, code, size)
    leaves = sorted({leaf for chain in chains for leaf in chain.leaves})
    if len(leaves) > MOST_EVENTS:
        raise BadInput("This story is too long to prove at once; mirror the log and verify there")
    trees = {log: Tree(session, log, size) for log in (EVENTS, RECORDS)}
    tags = {chain.tag for chain in chains}
    public = public_events(session, leaves)
    ids = dict(
        session.execute(
            select(LogLeaf.leaf_index, LogLeaf.event_id).where(LogLeaf.leaf_index.in_(leaves))
        )
        .tuples()
        .all()
    )
    return {
        "code": canonical_uri(code),
        "checkpoint": note_of(session, first),
        "records_checkpoint": note_of(session, second),
        "subjects": [
            {"kind": c.kind, "uri": c.uri, "tag": c.tag.hex(), "leaves": c.leaves} for c in chains
        ],
        "events": [
            {
                "leaf": leaf,
                "event_id": str(ids[leaf]) if leaf in ids else None,
                "public": public[leaf],
                **_proofs(session, leaf, trees, tags),
            }
            for leaf in leaves
        ],
    }


def _proofs(
    session: Session, leaf: int, trees: dict[str, Tree], tags: set[bytes]
) -> dict[str, Any]:
    found = records(session, leaf, leaf + 1)
    if not found:
        return {}
    record: Record = found[0]
    rows = session.execute(
        select(LogSubject.tag, LogSubject.previous, LogSubject.home).where(
            LogSubject.leaf_index == leaf
        )
    )
    concerns = ordered(_concern(row) for row in rows)
    hashes = line_hashes(concerns)
    node = merkle.nodes_of(hashes)
    return {
        "record": record.entry.decode(),
        "proof": [each.hex() for each in trees[EVENTS].inclusion(leaf)],
        "record_proof": [each.hex() for each in trees[RECORDS].inclusion(leaf)],
        "concerns": [
            {
                "line": concern.line,
                "at": at,
                "proof": [each.hex() for each in merkle.inclusion_proof(at, len(hashes), node)],
            }
            for at, concern in enumerate(concerns)
            if concern.tag in tags
        ],
    }


def event_lines(session: Session, leaves: range) -> list[bytes]:
    """Give what everybody may see of these events, one canonical JSON text a leaf, or `null`."""
    return [canonical(event) for event in public_events(session, leaves).values()]
