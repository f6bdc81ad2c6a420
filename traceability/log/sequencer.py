"""The one sequencer: takes what waits, appends it to both trees, signs; all in one transaction."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from foundation.db import Database, add_rows, core
from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from traceability.epcis.event_hash import event_hash
from traceability.epcis.models import EventIdentifier
from traceability.log import notes
from traceability.log.keys import of_log
from traceability.log.merkle import leaf_hash
from traceability.log.models import (
    EVENTS,
    RECORDS,
    LogCheckpoint,
    LogKey,
    LogLeaf,
    LogQueue,
    LogSubject,
    LogTile,
)
from traceability.log.records import (
    Concern,
    Record,
    form_hash,
    ordered,
    shown_form,
    subjects_root,
    tag_of,
)
from traceability.log.trees import Tree, entry_of, full_tiles, size_now
from traceability.models import EventLot, EventSerial, EventUnit, TraceEvent
from traceability.rules import LotRef, SerialRef, UnitRef

BATCH = 500
"""Events a transaction. Their hashes are made before it begins, so that it stays short."""
MANY = 500
"""Values in one list of a statement."""
GOODS_FIELDS = (
    *("epc", "child", "parent", "input", "output"),
    *("epcClass", "childClass", "inputClass", "outputClass"),
)
"""Where an event names goods, as `traceability.epcis.facts` calls these fields."""
TURN = "transparency-log"
"""The key under which sequencers on PostgreSQL keep apart."""

T = TypeVar("T")
Named = tuple[bytes, bytes | None]
"""The tag of what an event concerns and, of an item, its lot's tag."""


class Waiting(NamedTuple):
    """An event that waits, with everything about it that can be worked out beforehand."""

    queue_id: int
    event_id: UUID
    event_hash: str
    public_hash: bytes
    named: tuple[Named, ...]


def sequence(
    database: Database, signers: Sequence[notes.SignerKey], now: datetime, *, batch: int = BATCH
) -> int:
    """Append everything that waits, batch by batch; give how many leaves were written.

    Any number of these may run beside each other: each leaf is written once, whichever is killed
    at whatever moment.
    """
    done = 0
    while True:
        with database.reading() as session:
            waiting = prepare(session, batch)
            if not waiting and is_signed(session, signers):
                return done
        with database.transaction() as session:
            added = append(session, waiting, signers, now=now)
        if added is None:
            return done
        done += added
        if len(waiting) < batch:
            return done


def prepare(session: Session, batch: int) -> list[Waiting]:
    """Read what waits, oldest first, and work out hashes and tags. Writes nothing."""
    rows = (
        core(session)
        .execute(
            select(LogQueue.id, TraceEvent.id, TraceEvent.document, TraceEvent.capture_job_id)
            .join(TraceEvent, TraceEvent.id == LogQueue.event_id)
            .order_by(LogQueue.id)
            .limit(batch)
        )
        .all()
    )
    named = tags_of(session, [row[1] for row in rows])
    foreign = foreign_tags_of(session, [row[1] for row in rows if row[3] is not None])
    waiting = []
    for queue_id, event_id, text, job in rows:
        document = json.loads(text)
        bare = job is not None and event_id not in named
        waiting.append(
            Waiting(
                queue_id,
                event_id,
                event_hash(document, document.get("@context")),
                form_hash(shown_form(document, bare=bare)),
                tuple((foreign.get(event_id, {}) | named.get(event_id, {})).items()),
            )
        )
    return waiting


def tags_of(session: Session, event_ids: Sequence[UUID]) -> dict[UUID, dict[bytes, bytes | None]]:
    """Give, by event, the tags of the items, lots and cases that it concerns."""
    found: dict[UUID, dict[bytes, bytes | None]] = {}
    tags: dict[tuple[str, str], bytes] = {}
    run = core(session).execute

    def tag(kind: str, uri: str) -> bytes:
        known = tags.get((kind, uri))
        if known is None:
            known = tags[kind, uri] = tag_of(kind, uri)
        return known

    for some in _some(event_ids):
        for event_id, gtin, serial, lot_no in run(
            select(EventSerial.event_id, Sku.gtin, Serial.serial, Lot.lot_no)
            .join(Serial, Serial.id == EventSerial.serial_id)
            .join(Lot, Lot.id == Serial.lot_id)
            .join(Sku, Sku.id == Serial.sku_id)
            .where(EventSerial.event_id.in_(some))
        ):
            lot = LotRef(0, 0, gtin, lot_no, "")
            item = SerialRef(0, lot, serial)
            found.setdefault(event_id, {})[tag_of("item", item.uri)] = tag("lot", lot.uri)
        for event_id, gtin, lot_no, role, whole in run(
            select(EventLot.event_id, Sku.gtin, Lot.lot_no, EventLot.role, EventLot.whole_lot)
            .join(Lot, Lot.id == EventLot.lot_id)
            .join(Sku, Sku.id == Lot.sku_id)
            .where(EventLot.event_id.in_(some))
        ):
            kind = "input" if role == "input" else "lot" if whole else "part"
            uri = LotRef(0, 0, gtin, lot_no, "").uri
            found.setdefault(event_id, {}).setdefault(tag(kind, uri), None)
        for event_id, sscc in run(
            select(EventUnit.event_id, LogisticUnit.sscc)
            .join(LogisticUnit, LogisticUnit.id == EventUnit.unit_id)
            .where(EventUnit.event_id.in_(some))
        ):
            found.setdefault(event_id, {})[tag("case", UnitRef(0, sscc).uri)] = None
    return found


def foreign_tags_of(
    session: Session, event_ids: Sequence[UUID]
) -> dict[UUID, dict[bytes, bytes | None]]:
    """Give, by captured event, the tags of what it names and this platform doesn't keep."""
    found: dict[UUID, dict[bytes, bytes | None]] = {}
    for some in _some(event_ids):
        for event_id, field, uri in session.execute(
            select(EventIdentifier.event_id, EventIdentifier.field, EventIdentifier.canonical)
            .where(EventIdentifier.event_id.in_(some), EventIdentifier.field.in_(GOODS_FIELDS))
            .order_by(EventIdentifier.canonical)
        ):
            if field.endswith("Class"):
                kind = "input" if field.startswith("input") else "lot"
            else:
                kind = "case" if "/00/" in uri else "item"
            found.setdefault(event_id, {})[tag_of(kind, uri)] = None
    return found


def append(
    session: Session,
    waiting: Sequence[Waiting],
    signers: Sequence[notes.SignerKey],
    *,
    now: datetime,
) -> int | None:
    """Append what still waits to both trees and sign; None when another sequencer is at it."""
    if not _my_turn(session):
        return None
    queued = _still_waiting(session, waiting)
    batch = [each for each in waiting if each.queue_id in queued]
    start = size_now(session)
    records, subjects = _records(session, batch, start)
    for log in (EVENTS, RECORDS):
        leaves = [leaf_hash(entry_of(log, record)) for record in records]
        tiles = full_tiles(Tree(session, log, start), start, leaves)
        add_rows(
            session,
            LogTile,
            [
                {"log": log, "level": level, "tile_index": index, "root": root, "hashes": hashes}
                for level, index, root, hashes in tiles
            ],
        )
    add_rows(
        session,
        LogLeaf,
        [
            {
                "leaf_index": record.leaf,
                "event_id": each.event_id,
                "event_hash": record.event_hash,
                "public_hash": record.public_hash,
                "subjects_root": record.subjects_root,
                "subjects_count": record.subjects_count,
            }
            for each, record in zip(batch, records, strict=True)
        ],
    )
    add_rows(session, LogSubject, subjects)
    for some in _some([each.queue_id for each in batch]):
        session.execute(delete(LogQueue).where(LogQueue.id.in_(some)))
    publish_keys(session, signers, now=now)
    sign(session, start + len(batch), signers, now=now)
    return len(batch)


def _my_turn(session: Session) -> bool:
    """Take the sequencers' turn until this transaction ends; on SQLite it is ours already."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    key = func.hashtextextended(TURN, 0)
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(key))))


def _still_waiting(session: Session, waiting: Sequence[Waiting]) -> set[int]:
    found: set[int] = set()
    for some in _some([each.queue_id for each in waiting]):
        found.update(session.scalars(select(LogQueue.id).where(LogQueue.id.in_(some))))
    return found


def _records(
    session: Session, batch: Sequence[Waiting], start: int
) -> tuple[list[Record], list[dict[str, object]]]:
    """Make the batch's records, each naming the event before for whatever it concerns."""
    last = _last_leaves(session, {tag for each in batch for tag, _ in each.named})
    records: list[Record] = []
    subjects: list[dict[str, object]] = []
    for index, each in enumerate(batch, start):
        concerns = ordered(Concern(tag, last.get(tag), home) for tag, home in each.named)
        for one in concerns:
            last[one.tag] = index
            subjects.append(
                {
                    "tag": one.tag,
                    "leaf_index": index,
                    "previous": one.previous,
                    "home": one.home,
                }
            )
        root = subjects_root(concerns)
        records.append(Record(index, each.event_hash, each.public_hash, root, len(concerns)))
    return records, subjects


def _last_leaves(session: Session, tags: set[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for some in _some(sorted(tags)):
        rows = core(session).execute(
            select(LogSubject.tag, func.max(LogSubject.leaf_index))
            .where(LogSubject.tag.in_(some))
            .group_by(LogSubject.tag)
        )
        found.update({bytes(tag): int(index) for tag, index in rows})
    return found


def publish_keys(session: Session, signers: Sequence[notes.SignerKey], *, now: datetime) -> None:
    """Publish the keys that sign from now on, and say of the others that they sign no more."""
    known = {key.vkey: key for key in session.scalars(select(LogKey))}
    signing = {signer.verifier.text for signer in signers}
    for vkey, key in known.items():
        if vkey in signing:
            key.until = None
        elif key.until is None:
            key.until = now
    for signer in signers:
        if signer.verifier.text not in known:
            session.add(LogKey(vkey=signer.verifier.text, since=now))
    session.flush()


def sign(
    session: Session,
    size: int,
    signers: Sequence[notes.SignerKey],
    *,
    now: datetime,
    logs: Sequence[str] = (EVENTS, RECORDS),
) -> None:
    """Sign both trees at `size` by every key that signs now."""
    for log in logs:
        keys = [of_log(signer, log) for signer in signers]
        root = Tree(session, log, size).root()
        text = notes.Checkpoint(keys[0].name, size, root).text
        note = notes.write_note(text, [key.sign(text) for key in keys]).decode()
        add_rows(
            session,
            LogCheckpoint,
            [{"log": log, "size": size, "root": root, "signed_at": now, "note": note}],
        )


def is_signed(session: Session, signers: Sequence[notes.SignerKey]) -> bool:
    """Tell whether the newest checkpoint is signed by exactly these keys."""
    note = session.scalar(
        select(LogCheckpoint.note)
        .where(LogCheckpoint.log == EVENTS)
        .order_by(LogCheckpoint.id.desc())
        .limit(1)
    )
    if note is None:
        return False
    _, signatures = notes.read_note(note.encode())
    return {each.key_id for each in signatures} == {s.verifier.key_id for s in signers}


def _some(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(values), MANY):
        yield values[at : at + MANY]
