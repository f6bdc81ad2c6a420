"""The transparency log: appending events, and proving one of them in a long log.

The long log is written by hand: the rows that the sequencer would have written for so many events,
in a file of SQLite on disk. A proof is asked for as a stranger asks for it, by the event's hash.
"""

import random
import sqlite3
import statistics
import time
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select

from benchmarks.databases import KINDS, engine, sqlite_on_disk
from benchmarks.harness import Figure, Size
from foundation.db import Database
from tests.databases import NOW
from tests.factories import on_shelf, world
from traceability.log import merkle
from traceability.log.models import EVENTS, LogLeaf
from traceability.log.notes import SignerKey
from traceability.log.proofs import leaf_by, prove
from traceability.log.sequencer import sequence, sign
from traceability.log.tiles import WIDTH
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

NAME = "log"
ASK_MS = 5.0
LEAVES = {"small": 200_123, "full": 10_000_123}
SALES = {"small": 300, "full": 3000}
PROOFS = {"small": 200, "full": 1000}
KEY = SignerKey("bench.example/log", bytes(32))


def run(size: Size) -> list[Figure]:
    """Append to a log on each database, then prove and read in a long one."""
    figures = [_appending(kind, SALES[size]) for kind in KINDS]
    with sqlite_on_disk() as database:
        count = LEAVES[size]
        lengthen(database, count)
        figures += _proving(database, count, PROOFS[size])
    return figures


def _appending(kind: str, count: int) -> Figure:
    """Time the sequencer on events that the verbs have just recorded."""
    with KINDS[kind]() as database:
        with database.transaction() as session:
            w = world(session)
            _lot, serials = on_shelf(w, packs=count)
            for n, jar in enumerate(serials):
                ticket = Ticket(
                    key=f"bench-{n}",
                    place_id=w.outlet.place_id,
                    channel="counter",
                    sold_at=NOW,
                    items=(Item(w.sku.gtin, 1, serial=jar.serial),),
                    tenders=(Paid("cash", w.sku.price_fen, w.sku.price_fen, ""),),
                )
                record_sale(session, ticket, actor=w.clerk, now=NOW)
        begun = time.perf_counter()
        done = sequence(database, [KEY], NOW)
        rate = done / (time.perf_counter() - begun)
    note = f"{done} events: hashed, appended to both trees, signed"
    return Figure.told(f"log: events taken in, {kind}", rate, "events/s", note=note)


def _proving(database: Database, count: int, proofs: int) -> list[Figure]:
    draw = random.Random(7)
    hashes = [event_hash(draw.randrange(count)) for _ in range(proofs)]
    took: list[float] = []
    read: list[float] = []
    for ni in hashes:
        with database.reading() as session:
            begun = time.perf_counter()
            proven = prove(session, EVENTS, leaf_by(session, ni=ni))
            took.append(time.perf_counter() - begun)
            leaf = merkle.leaf_hash(proven.entry)
            merkle.check_inclusion(leaf, proven.leaf, proven.size, proven.proof, proven.root)
        with database.reading() as session:
            begun = time.perf_counter()
            session.execute(select(LogLeaf).where(LogLeaf.event_hash == ni)).all()
            read.append(time.perf_counter() - begun)
    note = (
        f"root made anew with it; reading the leaf's row: {statistics.median(read) * 1000:.2f} ms"
    )
    name = f"log: proof among {count:,} leaves"
    return [
        Figure.at_most(name, statistics.median(took) * 1000, "ms", ask=ASK_MS, note=note),
        Figure.told(f"{name}, p99", sorted(took)[int(len(took) * 0.99)] * 1000, "ms"),
    ]


def event_hash(leaf: int) -> str:
    """Make an event hash that no event has."""
    return f"ni:///sha-256;{sha256(str(leaf).encode()).hexdigest()}?ver=CBV2.0"


def lengthen(database: Database, count: int) -> None:
    """Write the leaves and tiles of the log of events as the sequencer leaves them, and sign."""
    connection = sqlite3.connect(str(engine(database).url.database))
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("DROP INDEX ix_log_leaves_event_hash")
    connection.executemany("INSERT INTO log_leaves VALUES (?, ?, ?, ?, ?, ?)", _leaves(count))
    connection.execute("CREATE INDEX ix_log_leaves_event_hash ON log_leaves (event_hash)")
    row: Iterator[bytes] = (merkle.leaf_hash(event_hash(n).encode()) for n in range(count))
    level = 0
    while True:
        roots: list[bytes] = []
        connection.executemany(
            "INSERT INTO log_tiles VALUES ('events', ?, ?, ?, ?)", _tiles(level, row, roots)
        )
        if not roots:
            break
        level, row = level + 1, iter(roots)
    connection.commit()
    connection.close()
    with database.transaction() as session:
        sign(session, count, [KEY], now=NOW, logs=(EVENTS,))


def _leaves(count: int) -> Iterator[tuple[int, str, str, bytes, bytes, int]]:
    empty = bytes(32)
    for n in range(count):
        yield n, UUID(int=n).hex, event_hash(n), empty, empty, 0


def _tiles(
    level: int, hashes: Iterator[bytes], roots: list[bytes]
) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Give the full tiles of a level; `roots` takes what the level above is made of."""
    tile: list[bytes] = []
    for each in hashes:
        tile.append(each)
        if len(tile) == WIDTH:
            root = merkle.root_of(tile)
            yield level, len(roots), root, b"".join(tile)
            roots.append(root)
            tile = []
