"""The database: one Base for all tables, one place that commits, on SQLite and PostgreSQL."""

import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, cast

from sqlalchemy import (
    DDL,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Insert,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    create_engine,
    event,
    insert,
)
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeEngine
from typing_extensions import override

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Big = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; SQLite counts its rows only in columns declared INTEGER."""


class Moment(TypeDecorator[datetime]):
    """An aware moment in UTC. SQLite keeps ISO text, which sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment must be aware of its time zone")
        value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds") if dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {datetime: Moment()}


INSERT_ONLY: set[str] = set()
"""Tables whose rows are never changed or removed; a trigger in the database holds this too."""

PG_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%% is insert-only', TG_TABLE_NAME; END $$
"""


def insert_only(table: Table) -> None:
    """Let the database refuse every UPDATE and DELETE of `table`."""
    INSERT_ONLY.add(table.name)
    for statement, dialect in ((PG_REFUSE, "postgresql"), *insert_only_ddl(table.name)):
        ddl = DDL(statement)  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def insert_only_ddl(table: str) -> list[tuple[str, str]]:
    """Give (statement, dialect) pairs that make `table` insert-only."""
    return [
        (
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "postgresql",
        ),
        *(
            (
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN"
                f" SELECT RAISE(ABORT, '{table} is insert-only'); END",
                "sqlite",
            )
            for verb in ("UPDATE", "DELETE")
        ),
    ]


class TicketLock:
    """A lock that serves whoever has waited longest.

    SQLite lets one writer in at a time and wakes the waiting ones by chance; under load that
    makes some wait for seconds. Taking tickets before `BEGIN IMMEDIATE` keeps the order.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class NoLock:
    """Where the database itself keeps writers apart."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def add_rows(session: Session, table: type["Base"], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows` by one Core statement: the quick way for facts that are only ever added.

    What the session still holds back is written first, so that the rows may refer to it.
    """
    if rows:
        core(session).execute(_insert(table), rows if len(rows) > 1 else rows[0])


@cache
def _insert(table: type["Base"]) -> Insert:
    return insert(cast(Table, table.__table__)).inline()  # nobody asks for the new keys


READS, HELD = "reads", "held"
"""What a session that only reads is marked with, and where its one connection is kept."""


def core(session: Session) -> Connection:
    """Give the connection of `session`, once what the session holds back is written.

    For statements over columns this does the same as the session, at half the cost.
    """
    held: Connection | None = session.info.get(HELD)
    if held is not None:
        return held
    session.flush()
    connection = session.connection()
    if session.info.get(READS):
        session.info[HELD] = connection
    return connection


class Database:
    """A source of transactions, and the only place that ends them."""

    def __init__(self, bind: Engine | Connection, *, reader: Engine | None = None) -> None:
        self.bind = bind
        self.dialect = bind.dialect.name
        mode: Any = "create_savepoint"
        self._turns = (
            TicketLock() if self.dialect == "sqlite" and isinstance(bind, Engine) else NoLock()
        )
        self._writers = sessionmaker(bind, join_transaction_mode=mode, expire_on_commit=False)
        self._readers = sessionmaker(
            reader or bind,
            join_transaction_mode=mode,
            expire_on_commit=False,
            autoflush=False,
        )

    @contextmanager
    def transaction(self) -> Generator[Session, None, None]:
        """Open a session that may write; commit when the block ends, roll back when it raises."""
        with self._turns, self._writers.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Generator[Session, None, None]:
        """Open a session that may only read; the database itself refuses writes."""
        with self._readers() as session:
            session.info[READS] = True
            yield session

    def dispose(self) -> None:
        """Close every connection."""
        for maker in (self._writers, self._readers):
            bind = maker.kw["bind"]
            if isinstance(bind, Engine):
                bind.dispose()


def open_database(url: str, *, pool_size: int = 8) -> Database:
    """Open `url`: SQLite with WAL and one writer at a time, or PostgreSQL through psycopg 3.

    Errors do not repeat the values of a statement: they may be names, phones and addresses, and
    errors are logged and kept with outbox messages.
    """
    pool: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "hide_parameters": True,
    }
    if url.startswith("sqlite"):
        writer = create_engine(url, **pool)
        reader = create_engine(url, **pool)
        prepare_sqlite(writer, begin="BEGIN IMMEDIATE")
        prepare_sqlite(reader, begin="BEGIN", read_only=True)
        return Database(writer, reader=reader)
    writer = create_engine(url, pool_pre_ping=True, **pool)
    reader = writer.execution_options(postgresql_readonly=True)
    return Database(writer, reader=reader)


def prepare_sqlite(engine: Engine, *, begin: str, read_only: bool = False) -> None:
    """Set the pragmas of every new connection and begin transactions by our own statement."""

    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            "cache_size=-16000",
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        driver = connection.connection.dbapi_connection
        assert driver is not None  # noqa: S101
        driver.execute(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
