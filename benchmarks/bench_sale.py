"""A sale at a counter, by the verb and by hand.

Ours is `record_sale`: one serialised pack, one transaction, with every check, read and refusal of
a till's sale. Against it stand the very same rows, ready-made before the clock starts and written
by bare SQLAlchemy Core in one transaction with the same BEGIN, the same lock and the same two
conditional updates: what nobody could write much faster, and what checks nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    Insert,
    Table,
    Update,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    update,
)

from benchmarks.databases import KINDS, engine
from benchmarks.harness import Figure, Size, paired
from foundation.db import Base, Database
from foundation.ids import time_uuid
from parties.people.permissions import Actor
from tests.databases import NOW
from tests.factories import on_shelf, world
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

NAME = "sale"
ASK = 0.35
SALES = {"small": 100, "full": 1000}
ROUNDS = {"small": 7, "full": 9}

Row = dict[str, Any]

TABLES = Base.metadata.sorted_tables
SALE = Base.metadata.tables["sales"]
SERIAL = Base.metadata.tables["serials"]
BALANCE = Base.metadata.tables["stock_balances"]
SELL = (
    update(SERIAL)
    .where(
        SERIAL.c.id == bindparam("its"),
        SERIAL.c.place_id == bindparam("place"),
        SERIAL.c.state.in_(("on_shelf", "commissioned", "returned")),
    )
    .values(state="sold", unit_id=None)
)
TAKE = (
    update(BALANCE)
    .where(
        BALANCE.c.place_id == bindparam("place"),
        BALANCE.c.lot_id == bindparam("lot"),
        BALANCE.c.on_hand - BALANCE.c.reserved >= 1,
    )
    .values(on_hand=BALANCE.c.on_hand - 1)
)
LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)))


class Pack(NamedTuple):
    """One pack on the shelf."""

    id: int
    serial: str
    lot_id: int


@dataclass(frozen=True)
class Pattern:
    """What one sale of the verb wrote, from which the other side's rows are made ready."""

    sale_id: UUID
    event_id: UUID
    number: str
    pack: Pack
    tables: list[tuple[Insert, list[Row]]]

    def ready(self, pack: Pack) -> list[tuple[Insert, list[Row]]]:
        """Give the same rows for another pack, with ids and numbers of their own."""
        sale_id, event_id = time_uuid(NOW), time_uuid(NOW)
        number = f"{self.number.rpartition('-')[0]}-{sale_id.hex[-6:].upper()}"
        known: dict[object, object] = {
            self.sale_id: sale_id,
            self.event_id: event_id,
            self.pack.id: pack.id,
        }
        texts = {
            str(self.sale_id): str(sale_id),
            str(self.event_id): str(event_id),
            self.number: number,
            self.pack.serial: pack.serial,
        }

        def filled(name: str, value: Any) -> Any:
            if isinstance(value, dict):
                return {key: filled(key, inner) for key, inner in value.items()}
            if isinstance(value, UUID) or name == "serial_id":
                return known[value]
            if name == "lot_id":
                return pack.lot_id
            if isinstance(value, str):
                for old, new in texts.items():
                    value = value.replace(old, new)
            return value

        return [
            (statement, [{name: filled(name, row[name]) for name in row} for row in rows])
            for statement, rows in self.tables
        ]


@dataclass
class Till:
    """A counter with enough on its shelf, and both ways of selling it."""

    database: Database
    clerk: Actor
    place_id: int
    gtin: str
    price_fen: int
    packs: Iterator[Pack]
    sales: int
    """How many sales one turn makes."""
    wrote: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    """By side: how many rows a turn added to each table; every turn must add the same."""

    def ticket(self, pack: Pack) -> Ticket:
        """Ask for one pack, paid in cash."""
        item = Item(self.gtin, serial=pack.serial)
        paid = Paid("cash", self.price_fen, self.price_fen + 100)
        return Ticket(f"bench-{pack.serial}", self.place_id, "counter", NOW, (item,), (paid,))

    def sell(self, ticket: Ticket) -> UUID:
        """Sell by the verb."""
        with self.database.transaction() as session:
            return record_sale(session, ticket, actor=self.clerk, now=NOW).id

    def write(self, pack: Pack, tables: list[tuple[Insert, list[Row]]]) -> None:
        """Sell by hand: every row is ready."""
        bind = engine(self.database)
        with bind.begin() as connection:
            if bind.dialect.name == "postgresql":
                connection.execute(LOCK, {"key": f"sale:bench-{pack.serial}"})
            _changed(connection, SELL, {"its": pack.id, "place": self.place_id})
            for statement, rows in tables:
                connection.execute(statement, rows)
            _changed(connection, TAKE, {"place": self.place_id, "lot": pack.lot_id})

    def by_verb(self) -> float:
        """Make a turn's sales by the verb; give how many a second."""
        tickets = [self.ticket(next(self.packs)) for _ in range(self.sales)]
        return self._timed("verb", [partial(self.sell, ticket) for ticket in tickets])

    def by_hand(self, pattern: Pattern) -> float:
        """Write a turn's ready-made rows by hand; give how many sales a second."""
        packs = [next(self.packs) for _ in range(self.sales)]
        return self._timed("hand", [partial(self.write, p, pattern.ready(p)) for p in packs])

    def _timed(self, side: str, acts: Sequence[Callable[[], object]]) -> float:
        before = self.counts()
        begun = time.perf_counter()
        for act in acts:
            act()
        spent = time.perf_counter() - begun
        added = [now - then for now, then in zip(self.counts(), before, strict=True)]
        self.wrote.setdefault(side, set()).add(tuple(added))
        return len(acts) / spent

    def counts(self) -> list[int]:
        """Count the rows of every table."""
        with self.database.reading() as session:
            return [session.scalar(select(func.count()).select_from(one)) or 0 for one in TABLES]

    def learn(self) -> Pattern:
        """Make one sale by the verb, and read back what it wrote."""
        self.sell(self.ticket(next(self.packs)))  # opens accounts that later sales find open
        pack, before = next(self.packs), self.counts()
        sale_id = self.sell(self.ticket(pack))
        added = [now - then for now, then in zip(self.counts(), before, strict=True)]
        with self.database.reading() as session:
            connection = session.connection()
            event_id, number = connection.execute(
                select(SALE.c.event_id, SALE.c.number).where(SALE.c.id == sale_id)
            ).one()
            ids = {sale_id, event_id}
            tables = [
                (insert(table), _added(connection, table, count, ids))
                for table, count in zip(TABLES, added, strict=True)
                if count
            ]
        return Pattern(sale_id, event_id, number, pack, tables)


def _changed(connection: Connection, statement: Update, values: Row) -> None:
    if connection.execute(statement, values).rowcount != 1:
        raise RuntimeError("a pack of the bench was not where it should be")


def _added(connection: Connection, table: Table, count: int, ids: set[UUID]) -> list[Row]:
    """Read the rows that one sale added to a table, less the keys that the database counts up."""
    key = next(
        (table.c[name] for name in ("event_id", "sale_id", "id") if name in table.c), table.c[0]
    )
    by_id = isinstance(key.type, Uuid)
    query = select(table)
    query = query.where(key.in_(ids)) if by_id else query.order_by(key.desc()).limit(count)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if len(rows) != count:
        raise RuntimeError(f"{len(rows)} of the {count} rows added to {table.name} were found")
    return [
        {
            name: value
            for name, value in row.items()
            if not (table.c[name].primary_key and name == "id" and isinstance(value, int))
        }
        for row in rows
    ]


def stocked(database: Database, *, packs: int, sales: int) -> Till:
    """Put so many packs on a counter's shelf, through the verbs."""
    with database.transaction() as session:
        w = world(session)
        found = [on_shelf(w, packs=min(500, packs - n))[1] for n in range(0, packs, 500)]
        shelf = [Pack(one.id, one.serial, one.lot_id) for some in found for one in some]
        place_id, price = w.outlet.place_id, w.sku.price_fen
        return Till(database, w.clerk, place_id, w.sku.gtin, price, iter(shelf), sales)


def run(size: Size) -> list[Figure]:
    """Sell in turns by the verb and by hand, on both databases."""
    figures = []
    for kind, opened in KINDS.items():
        rounds, sales = ROUNDS[size], SALES[size]
        with opened() as database:
            till = stocked(database, packs=2 * (rounds + 1) * sales + 2, sales=sales)
            pattern = till.learn()
            pair = paired(till.by_verb, partial(till.by_hand, pattern), rounds=rounds)
        if till.wrote["verb"] != till.wrote["hand"] or len(till.wrote["verb"]) != 1:
            raise RuntimeError(f"the two sides wrote different rows: {till.wrote}")
        rows = sum(next(iter(till.wrote["verb"]))) // sales
        note = f"{rows} rows and 2 updates per sale on both sides; commits durable on disk"
        name = f"sale: record_sale on {kind}"
        figures.append(Figure.versus(name, pair, "sales/s", ask=ASK, note=note))
    return figures
