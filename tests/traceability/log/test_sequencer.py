"""Events reach the log once, in order, signed, whatever is killed at whatever moment."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from typing_extensions import override

from foundation.db import Database, open_database
from tests.databases import NOW
from tests.factories import World, on_shelf, world
from traceability.epcis.event_hash import event_hash
from traceability.log import keys, merkle, notes
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
from traceability.log.records import Concern, subjects_root, tag_of
from traceability.log.sequencer import append, prepare, sequence
from traceability.log.trees import Tree, entry_of, full_tiles, records
from traceability.models import TraceEvent

KEY = notes.SignerKey("shanhuo.example/log", bytes(range(32)))


def sequenced(session: Session) -> int:
    """Sequence within an open transaction; give how many leaves were added."""
    return append(session, prepare(session, 100_000), [KEY], now=NOW) or 0


def latest(session: Session, log: str) -> LogCheckpoint:
    return session.scalars(
        select(LogCheckpoint).where(LogCheckpoint.log == log).order_by(LogCheckpoint.id.desc())
    ).all()[0]


def test_every_event_waits_and_is_then_a_leaf_of_both_trees(session: Session, w: World) -> None:
    on_shelf(w)
    events = session.scalar(select(func.count(TraceEvent.id)))
    assert session.scalar(select(func.count(LogQueue.id))) == events
    assert sequenced(session) == events
    assert session.scalar(select(func.count(LogQueue.id))) == 0
    for log in (EVENTS, RECORDS):
        checkpoint = latest(session, log)
        leaves = [
            merkle.leaf_hash(entry_of(log, each)) for each in records(session, 0, checkpoint.size)
        ]
        assert len(leaves) == events
        assert checkpoint.root == merkle.root_of(leaves)
        verifier = keys.verifier_of_log(KEY.verifier, log)
        note = notes.open_note(checkpoint.note.encode(), [verifier])
        assert notes.parse_checkpoint(note.text).root == checkpoint.root


def test_a_leaf_is_the_hash_of_the_stored_event(session: Session, w: World) -> None:
    on_shelf(w)
    sequenced(session)
    for leaf, document in session.execute(
        select(LogLeaf, TraceEvent.document).join(TraceEvent, TraceEvent.id == LogLeaf.event_id)
    ):
        whole = json.loads(document)
        assert leaf.event_hash == event_hash(whole, whole["@context"])


def test_each_event_of_an_item_names_the_one_before(session: Session, w: World) -> None:
    _lot, serials = on_shelf(w)
    sequenced(session)
    tag = tag_of("item", f"https://id.gs1.org/01/{w.sku.gtin}/21/{serials[0].serial}")
    rows = session.scalars(
        select(LogSubject).where(LogSubject.tag == tag).order_by(LogSubject.leaf_index)
    ).all()
    assert len(rows) > 3
    assert [row.previous for row in rows] == [None, *(row.leaf_index for row in rows[:-1])]
    for row in rows:
        concerns = [
            Concern(each.tag, each.previous, each.home)
            for each in session.scalars(
                select(LogSubject).where(LogSubject.leaf_index == row.leaf_index)
            )
        ]
        leaf = session.get_one(LogLeaf, row.leaf_index)
        assert subjects_root(concerns) == leaf.subjects_root
        assert len(concerns) == leaf.subjects_count


class Grown(Tree):
    """A tree whose tiles are kept in a dictionary."""

    def __init__(self, leaves: list[bytes], size: int, kept: dict[tuple[int, int], bytes]) -> None:
        self.leaves, self.size, self.kept = leaves, size, kept
        self._tiles = {}

    @override
    def hashes(self, level: int, index: int, width: int) -> list[bytes]:
        """Give a tile's hashes."""
        start = index * 256
        if level == 0:
            return self.leaves[start : start + width]
        return [self.kept[level - 1, at] for at in range(start, start + width)]


def test_batches_of_any_size_make_the_same_tiles_and_root() -> None:
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(66_000)]
    kept: dict[tuple[int, int], bytes] = {}
    at = 0
    for step in (1, 255, 1, 254, 1, 88, 300, 100, 64_535, 1, 464):
        tree = Grown(leaves, at, kept)
        for level, index, root, _hashes in full_tiles(tree, at, leaves[at : at + step]):
            assert (level, index) not in kept
            kept[level, index] = root
        at += step
    assert at == len(leaves)
    assert sorted(kept) == [*((0, n) for n in range(257)), (1, 0)]
    tree = Grown(leaves, at, kept)
    root = merkle.root_of(leaves)
    assert tree.root() == root
    for index in (0, 1, 65_535, 65_536, 65_999, 12_345):
        merkle.check_inclusion(leaves[index], index, at, tree.inclusion(index), root)
    for size in (1, 255, 256, 257, 65_536, 65_999):
        proof = tree.consistency(size)
        merkle.check_consistency(size, at, proof, merkle.root_of(leaves[:size]), root)


@pytest.mark.parametrize("table", [LogLeaf, LogCheckpoint, LogSubject])
def test_the_log_can_only_be_added_to(session: Session, w: World, table: type[LogLeaf]) -> None:
    on_shelf(w)
    sequenced(session)
    before = session.scalar(select(func.count()).select_from(table))
    column = {LogLeaf: "subjects_count", LogCheckpoint: "size", LogSubject: "previous"}[table]
    for change in (delete(table), update(table).values({column: 7})):
        with pytest.raises(DBAPIError, match="insert-only"), session.begin_nested():
            session.execute(change)
    assert session.scalar(select(func.count()).select_from(table)) == before
    assert LogTile.__tablename__ == "log_tiles"


def test_a_new_key_signs_beside_the_old_one_until_that_is_retired(
    session: Session, w: World, tmp_path: Path
) -> None:
    on_shelf(w)
    folder = tmp_path / "keys"
    (first,) = keys.signers(folder, host="shanhuo.example")
    assert first.name == "shanhuo.example/log"
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]
    append(session, prepare(session, 3), [first], now=NOW)
    with pytest.raises(keys.RotationRefused):
        keys.retire(folder)
    second = keys.rotate(folder)
    with pytest.raises(keys.RotationRefused):
        keys.rotate(folder)
    append(session, [], keys.stored(folder), now=NOW)
    both = latest(session, EVENTS).note.encode()
    assert len(notes.open_note(both, [first.verifier, second.verifier]).verified) == 2
    assert keys.retire(folder) == first
    append(session, [], keys.stored(folder), now=NOW)
    last = latest(session, EVENTS).note.encode()
    assert len(notes.open_note(last, [second.verifier]).verified) == 1
    with pytest.raises(notes.NoteRefused):
        notes.open_note(last, [first.verifier])
    published = session.scalars(select(LogKey).order_by(LogKey.id)).all()
    assert [(key.vkey, key.until) for key in published] == [
        (first.verifier.text, NOW),
        (second.verifier.text, None),
    ]
    assert len(list(folder.glob("*.retired"))) == 1


def whole(database: Database) -> None:
    """Hold the log to its own rules: no gap, no repetition, roots that the leaves make."""
    with database.reading() as session:
        count = session.scalar(select(func.count()).select_from(LogLeaf)) or 0
        last = session.scalar(select(func.max(LogLeaf.leaf_index)))
        waiting = session.scalar(select(func.count()).select_from(LogQueue)) or 0
        events = session.scalar(select(func.count(TraceEvent.id))) or 0
        assert (count, last) == (events - waiting, count - 1)
        leaves = [merkle.leaf_hash(each.event_hash.encode()) for each in records(session, 0, count)]
        for checkpoint in session.scalars(select(LogCheckpoint).where(LogCheckpoint.log == EVENTS)):
            assert checkpoint.root == merkle.root_of(leaves[: checkpoint.size])
        assert latest(session, EVENTS).size == count


def sequence_forever(url: str) -> None:
    """What a worker does, in a process of its own and one event at a time."""
    database = open_database(url)
    while True:
        sequence(database, [KEY], NOW, batch=1)


@pytest.mark.race
def test_a_sequencer_killed_at_any_moment_writes_each_leaf_once(shared: Database) -> None:
    with shared.transaction() as session:
        on_shelf(world(session))
    assert isinstance(shared.bind, Engine)
    url = shared.bind.url.render_as_string(hide_password=False)
    shared.dispose()  # a forked process must not share our connections
    left: int | None = None
    for delay in (0.02, 0.05, 0.07, 0.09, 0.11, 0.13):
        worker = os.fork()
        if worker == 0:
            try:
                sequence_forever(url)
            finally:
                os._exit(1)
        time.sleep(delay)
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        with shared.reading() as session:
            before, left = left, session.scalar(select(func.count()).select_from(LogQueue))
        assert left is not None
        assert before is None or left <= before
    sequence(shared, [KEY], NOW, batch=2)
    whole(shared)


@pytest.mark.race
def test_two_sequencers_at_once_write_each_leaf_once(shared: Database) -> None:
    with shared.transaction() as session:
        on_shelf(world(session))

    def run(_number: int) -> None:
        for _ in range(30):
            sequence(shared, [KEY], NOW, batch=1)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    sequence(shared, [KEY], NOW)
    whole(shared)
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(LogQueue)) == 0
        assert session.scalar(text("SELECT count(DISTINCT event_id) FROM log_leaves"))
