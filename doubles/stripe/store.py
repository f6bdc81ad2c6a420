"""Where the double keeps what it was told: one SQLite file, so that a restart forgets nothing."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    parent TEXT,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, created DESC, seq DESC);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (parent, kind, seq);
CREATE TABLE IF NOT EXISTS due (
    object_id TEXT NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (object_id, what)
);
CREATE INDEX IF NOT EXISTS due_by_time ON due (at);
CREATE TABLE IF NOT EXISTS deliveries (
    event_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts INTEGER NOT NULL DEFAULT 0,
    first_at REAL NOT NULL,
    next_at REAL NOT NULL,
    last_result TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries (next_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


_NEWER = "(created, seq) > (SELECT created, seq FROM objects WHERE id = ?)"
_OLDER = "(created, seq) < (SELECT created, seq FROM objects WHERE id = ?)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response kept under an idempotency key."""

    endpoint: str
    fingerprint: str
    status: int
    body: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to the webhook."""

    event_id: str
    state: str
    attempts: int
    first_at: float
    next_at: float
    last_result: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of a list: top-level fields, kinds of events, time span with both ends."""

    limit: int = 10
    after: str | None = None
    before: str | None = None
    span: tuple[int, int] = (0, 2**62)
    equal: Mapping[str, object] = field(default_factory=dict)
    types: tuple[str, ...] = ()


class Store:
    """One file, one connection, one writer at a time; several processes may share the file."""

    def __init__(self, path: str | Path) -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            path, timeout=15, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA cache_size=-1024")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of the block or nothing; blocks inside blocks belong to the outer one."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def add(self, body: Json, *, created: int, parent: str | None = None) -> None:
        """Keep a new object; it is known by its `id` and `object`."""
        self._do(
            "INSERT INTO objects (id, kind, created, parent, body) VALUES (?, ?, ?, ?, ?)",
            (body["id"], body["object"], created, parent, _text(body)),
        )

    def change(self, body: Json) -> None:
        """Keep the new state of an object."""
        self._do("UPDATE objects SET body = ? WHERE id = ?", (_text(body), body["id"]))

    def get(self, kind: str, identifier: str) -> Json | None:
        """Give one object, or None."""
        row = self._one("SELECT body FROM objects WHERE id = ? AND kind = ?", (identifier, kind))
        return None if row is None else json.loads(row[0])

    def children(self, kind: str, parent: str) -> list[Json]:
        """Give the objects made under another, oldest first."""
        rows = self._all(
            "SELECT body FROM objects WHERE parent = ? AND kind = ? ORDER BY seq", (parent, kind)
        )
        return [json.loads(row[0]) for row in rows]

    def page(self, kind: str, wanted: Wanted) -> tuple[list[Json], bool]:
        """Give one page of a kind, newest first, and whether there is more beyond it."""
        where = ["kind = ?", "created BETWEEN ? AND ?"]
        values: list[object] = [kind, *wanted.span]
        for name, value in wanted.equal.items():
            where.append("json_extract(body, ?) = ?")
            values += [f"$.{name}", value]
        if wanted.types:
            marks = ", ".join("?" * len(wanted.types))
            where.append(f"json_extract(body, '$.type') IN ({marks})")
            values += wanted.types
        backwards = wanted.before is not None
        edge = wanted.before or wanted.after
        if edge is not None:
            where.append(_NEWER if backwards else _OLDER)
            values.append(edge)
        way = "ASC" if backwards else "DESC"
        # Only fixed fragments are joined; every value is bound.
        query = (
            f"SELECT body FROM objects WHERE {' AND '.join(where)} "  # noqa: S608
            f"ORDER BY created {way}, seq {way} LIMIT ?"
        )
        rows = self._all(query, (*values, wanted.limit + 1))
        found = [json.loads(row[0]) for row in rows[: wanted.limit]]
        return (found[::-1] if backwards else found), len(rows) > wanted.limit

    def schedule(self, object_id: str, what: str, at: int) -> None:
        """Remember that something becomes due."""
        self._do("INSERT OR REPLACE INTO due VALUES (?, ?, ?)", (object_id, what, at))

    def unschedule(self, object_id: str, what: str) -> None:
        """Forget what is no longer due."""
        self._do("DELETE FROM due WHERE object_id = ? AND what = ?", (object_id, what))

    def due(self, until: int, limit: int = 100) -> list[tuple[str, str]]:
        """Give what is due (object, what), longest due first."""
        rows = self._all(
            "SELECT object_id, what FROM due WHERE at <= ? ORDER BY at LIMIT ?", (until, limit)
        )
        return [(row[0], row[1]) for row in rows]

    def queue(self, event_id: str, at: float) -> None:
        """Put an event on its way to the webhook, or put it there again."""
        self._do(
            "INSERT OR REPLACE INTO deliveries VALUES (?, 'waiting', 0, ?, ?, NULL)",
            (event_id, at, at),
        )

    def claim(self, now: float, lease: float, limit: int) -> list[Delivery]:
        """Take deliveries that are due; nobody else gets them before the lease ends."""
        with self.transaction():
            rows = self._all(
                "SELECT event_id, state, attempts + 1, first_at, next_at, last_result "
                "FROM deliveries WHERE state = 'waiting' AND next_at <= ? "
                "ORDER BY next_at LIMIT ?",
                (now, limit),
            )
            for row in rows:
                self._do(
                    "UPDATE deliveries SET attempts = ?, next_at = ? WHERE event_id = ?",
                    (row[2], now + lease, row[0]),
                )
        return [Delivery(*row) for row in rows]

    def note_delivery(self, event_id: str, state: str, next_at: float, result: str) -> None:
        """Write down how an attempt ended."""
        self._do(
            "UPDATE deliveries SET state = ?, next_at = ?, last_result = ? WHERE event_id = ?",
            (state, next_at, result, event_id),
        )

    def delivery(self, event_id: str) -> Delivery | None:
        """Give how an event's delivery stands, or None when nobody is to be told."""
        row = self._one(
            "SELECT event_id, state, attempts, first_at, next_at, last_result "
            "FROM deliveries WHERE event_id = ?",
            (event_id,),
        )
        return None if row is None else Delivery(*row)

    def answer(self, key: str, since: int) -> Answer | None:
        """Give the answer kept under a key, unless it is older than `since`."""
        row = self._one(
            "SELECT endpoint, fingerprint, status, body, request_id FROM answers "
            "WHERE key = ? AND at >= ?",
            (key, since),
        )
        return None if row is None else Answer(*row)

    def keep_answer(self, key: str, answer: Answer, at: int) -> None:
        """Keep an answer under its key."""
        self._do(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                answer.endpoint,
                answer.fingerprint,
                answer.status,
                answer.body,
                answer.request_id,
                at,
            ),
        )

    def forget_events(self, before: int) -> None:
        """Drop old events and what is known of their delivery."""
        self._do(
            "DELETE FROM deliveries WHERE event_id IN "
            "(SELECT id FROM objects WHERE kind = 'event' AND created < ?)",
            (before,),
        )
        self._do("DELETE FROM objects WHERE kind = 'event' AND created < ?", (before,))

    def forget_answers(self, before: int) -> None:
        """Drop answers that are too old to be replayed."""
        self._do("DELETE FROM answers WHERE at < ?", (before,))

    def setting(self, name: str, fresh: str) -> str:
        """Give a value kept with the file; `fresh` becomes it when there is none yet."""
        with self.transaction():
            self._do("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, fresh))
            row = self._one("SELECT value FROM meta WHERE name = ?", (name,))
        return str(row[0]) if row else fresh

    def count(self, kind: str) -> int:
        """Count the objects of a kind."""
        row = self._one("SELECT count(*) FROM objects WHERE kind = ?", (kind,))
        return int(row[0]) if row else 0

    def _do(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock:
            self._connection.execute(statement, values)

    def _all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return row


def _text(body: Json) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
