"""A partner's document captured from end to end, against the raw insert of the same rows.

The verb reads the JSON, holds each event to the schema and to the ledger's rules, makes its hash,
resolves identifiers, moves stock, indexes facts and queues for the log. The other side inserts the
same rows ready-made, one statement a table, and takes the same quantities out of stock; both commit
durably. Events are of all kinds, one in ten moves stock. Asked: a quarter of the raw insert.

At full size on PostgreSQL also: the answer by EPC, by lot and by place at a million events and at
ten million, brought in by COPY; asked: the 99th percentile grows no more than twofold.
"""

import io
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, bindparam, func, insert, select, text, update

from benchmarks.databases import KINDS, engine
from benchmarks.harness import Figure, Size, paired
from foundation.db import Base, Database
from foundation.ids import time_uuid
from goods.stock.models import Lot, StockBalance
from parties.network.models import Place
from parties.people.permissions import Actor
from tests.databases import NOW
from tests.factories import make_lot, world
from traceability.epcis.queries.parameters import Asked, At, Match, Order
from traceability.epcis.queries.scope import Viewer
from traceability.epcis.queries.select import events_page
from traceability.services.capture import capture

NAME = "capture"
ASK = 0.25
EVENTS = {"small": 200, "full": 1000}
ROUNDS = {"small": 7, "full": 9}
STORED = {"small": (2_000, 20_000), "full": (1_000_000, 10_000_000)}
QUESTIONS = 300
ASK_GROWTH = 2.0

Row = dict[str, Any]
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"example": "http://ns.example.com/epcis/"},
]
BALANCE = Base.metadata.tables["stock_balances"]
TAKE = (
    update(BALANCE)
    .where(BALANCE.c.place_id == bindparam("place"), BALANCE.c.lot_id == bindparam("lot"))
    .values(on_hand=BALANCE.c.on_hand - bindparam("many"))
)
BY_EVENT = ("event_facts", "event_identifiers", "event_lots", "log_queue", "stock_moves")


def mixed(count: int, goods: "Goods") -> str:
    """Write a document of so many events of all kinds, none of which was seen before."""
    tag = uuid4().hex[:10]
    events = [_event(n, f"{tag}{n}", goods) for n in range(count)]
    return json.dumps(
        {
            "@context": CONTEXT,
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-20T10:00:00+08:00",
            "epcisBody": {"eventList": events},
        }
    )


def _event(n: int, tag: str, goods: "Goods") -> Row:
    base: Row = {
        "eventID": f"urn:uuid:{uuid4()}",
        "eventTime": "2026-11-19T10:00:00.000+08:00",
        "eventTimeZoneOffset": "+08:00",
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.122"},
    }
    items = [f"urn:epc:id:sgtin:4012345.011111.{tag}{i}" for i in range(5)]
    match n % 10:
        case 0:
            amount = {"epcClass": goods.lot, "quantity": 1}
            return base | {
                "type": "ObjectEvent",
                "action": "OBSERVE",
                "bizStep": "retail_selling",
                "quantityList": [amount],
                "readPoint": {"id": goods.place},
            }
        case 1 | 2:
            return base | {
                "type": "AggregationEvent",
                "action": "ADD",
                "bizStep": "packing",
                "parentID": f"urn:epc:id:sscc:4012345.1{random.randrange(10**9):09d}",
                "childEPCs": items,
            }
        case 3:
            return base | {
                "type": "TransformationEvent",
                "inputEPCList": items,
                "outputEPCList": [f"{items[0]}m"],
                "ilmd": {"example:farm": "5", "example:depth": 3},
            }
        case 4:
            report = {"type": "Temperature", "value": 4.5, "uom": "CEL"}
            return base | {
                "type": "ObjectEvent",
                "action": "OBSERVE",
                "bizStep": "sensor_reporting",
                "epcList": items[:1],
                "sensorElementList": [{"sensorReport": [report]}],
            }
        case _:
            order = f"http://acme.example/po/{tag}"
            return base | {
                "type": "ObjectEvent",
                "action": "OBSERVE",
                "bizStep": "receiving",
                "disposition": "in_progress",
                "epcList": items,
                "bizTransactionList": [{"type": "po", "bizTransaction": order}],
                "example:note": "by hand",
            }


@dataclass(frozen=True)
class Goods:
    """A lot of the capturer's own with enough of it, and where it lies."""

    organisation_id: int
    lot: str
    place: str


@dataclass
class Capturer:
    """Both ways of bringing the same rows in."""

    database: Database
    goods: Goods
    events: int
    wrote: dict[str, set[tuple[tuple[str, int], ...]]] = field(default_factory=dict)

    def by_verb(self) -> float:
        """Capture a document; give how many events a second."""
        sent = mixed(self.events, self.goods)
        return self._timed("verb", partial(self._capture, sent))

    def _capture(self, sent: str) -> UUID:
        with self.database.transaction() as session:
            job = capture(
                session,
                json.loads(sent),
                organisation_id=self.goods.organisation_id,
                behaviour="rollback",
                actor=Actor(None),
                now=NOW,
            )
            if not job.success:
                raise RuntimeError(f"the bench's events were refused: {job.errors[:3]}")
            return job.id

    def learn(self) -> dict[str, list[Row]]:
        """Capture once, and read back every row that it wrote."""
        key = self._capture(mixed(self.events, self.goods))
        with self.database.reading() as session:
            connection = session.connection()
            events = Base.metadata.tables["trace_events"]
            jobs = Base.metadata.tables["capture_jobs"]
            found = {
                "capture_jobs": connection.execute(select(jobs).where(jobs.c.id == key)),
                "trace_events": connection.execute(
                    select(events).where(events.c.capture_job_id == key)
                ),
            }
            rows = {name: [dict(r) for r in some.mappings()] for name, some in found.items()}
            ids = [row["id"] for row in rows["trace_events"]]
            for name in BY_EVENT:
                table = Base.metadata.tables[name]
                rows[name] = [
                    {k: v for k, v in row.items() if not (k == "id" and isinstance(v, int))}
                    for row in connection.execute(
                        select(table).where(table.c.event_id.in_(ids))
                    ).mappings()
                ]
            return rows

    def by_hand(self, pattern: dict[str, list[Row]]) -> float:
        """Insert the same rows under new ids; give how many events a second."""
        ready, taken = _renewed(pattern)
        return self._timed("hand", partial(self._insert, ready, taken))

    def _insert(self, ready: list[tuple[Table, list[Row]]], taken: list[Row]) -> None:
        with engine(self.database).begin() as connection:
            for table, rows in ready:
                connection.execute(insert(table), rows)
            connection.execute(TAKE, taken)

    def _timed(self, side: str, act: Callable[[], object]) -> float:
        before = self._counts()
        begun = time.perf_counter()
        act()
        spent = time.perf_counter() - begun
        added = {name: n - before[name] for name, n in self._counts().items() if n != before[name]}
        self.wrote.setdefault(side, set()).add(tuple(sorted(added.items())))
        return self.events / spent

    def _counts(self) -> dict[str, int]:
        with self.database.reading() as session:
            return {
                name: session.scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
            }


def _renewed(pattern: dict[str, list[Row]]) -> tuple[list[tuple[Table, list[Row]]], list[Row]]:
    ids = {row["id"]: time_uuid(NOW) for row in pattern["trace_events"]}
    job = time_uuid(NOW)
    ready = []
    for table in Base.metadata.sorted_tables:
        if table.name not in pattern or not pattern[table.name]:
            continue
        rows = []
        for row in pattern[table.name]:
            fresh = dict(row)
            if "event_id" in fresh:
                fresh["event_id"] = ids[row["event_id"]]
            elif table.name == "trace_events":
                fresh |= {
                    "id": ids[row["id"]],
                    "event_uri": f"urn:uuid:{uuid4()}",
                    "capture_job_id": job,
                }
            else:
                fresh["id"] = job
            rows.append(fresh)
        ready.append((table, rows))
    taken = [
        {"place": row["place_id"], "lot": row["lot_id"], "many": -row["quantity"]}
        for row in pattern["stock_moves"]
    ]
    return ready, taken


def stocked(database: Database) -> Goods:
    """Make a lot of which there is enough."""
    with database.transaction() as session:
        w = world(session)
        lot = make_lot(w)
        row = session.execute(
            select(StockBalance).where(StockBalance.lot_id == lot.id, StockBalance.on_hand > 0)
        ).scalar_one()
        row.on_hand = 10_000_000
        place = session.get_one(Place, row.place_id)
        return Goods(
            w.supplier.id,
            f"https://id.gs1.org/01/{w.sku.gtin}/10/{lot.lot_no}",
            f"https://id.gs1.org/414/{place.gln}",
        )


def run(size: Size) -> list[Figure]:
    """Capture in turns by the verb and by hand, on both databases; then ask at two sizes."""
    figures = []
    for kind, opened in KINDS.items():
        with opened() as database:
            capturer = Capturer(database, stocked(database), EVENTS[size])
            pattern = capturer.learn()
            by_hand = partial(capturer.by_hand, pattern)
            pair = paired(capturer.by_verb, by_hand, rounds=ROUNDS[size])
        if capturer.wrote["verb"] != capturer.wrote["hand"]:
            raise RuntimeError(f"the two sides wrote different rows: {capturer.wrote}")
        rows = sum(n for _name, n in next(iter(capturer.wrote["verb"]))) / EVENTS[size]
        note = f"{rows:.1f} rows an event on both sides; {EVENTS[size]} events in a document"
        name = f"capture: mixed events from end to end on {kind}"
        figures.append(Figure.versus(name, pair, "events/s", ask=ASK, note=note))
    with KINDS["PostgreSQL"]() as database:
        figures += asked(database, STORED[size])
    return figures


# Asking at two sizes


@dataclass
class Filled:
    """A database filled with events of lots, items and places, by COPY."""

    database: Database
    organisation_id: int
    lots: list[tuple[int, str]]
    """(id, canonical address)."""
    places: list[tuple[int, str]]
    stored: int = 0

    def fill(self, upto: int) -> None:
        """Bring in events until there are so many, each about a foreign item and a lot of ours."""
        chance = random.Random(upto)
        raw = engine(self.database).raw_connection()
        try:
            cursor: Any = raw.cursor()
            while self.stored < upto:
                many = min(50_000, upto - self.stored)
                self._copy(cursor, chance, many)
                self.stored += many
                raw.commit()
        finally:
            raw.close()
        with engine(self.database).begin() as connection:
            connection.execute(text("ANALYZE"))

    def _copy(self, cursor: Any, chance: random.Random, many: int) -> None:
        events, named, lots = io.StringIO(), io.StringIO(), io.StringIO()
        for n in range(self.stored, self.stored + many):
            at = NOW + timedelta(seconds=n)
            key = time_uuid(at)
            place_id, place = self.places[chance.randrange(len(self.places))]
            lot_id, lot = self.lots[n % len(self.lots)]
            moment = at.isoformat()
            epc = item(n // 5)
            document = json.dumps(
                {
                    "@context": CONTEXT,
                    "type": "ObjectEvent",
                    "eventID": f"urn:uuid:{key}",
                    "eventTime": moment,
                    "eventTimeZoneOffset": "+08:00",
                    "action": "OBSERVE",
                    "bizStep": "receiving",
                    "epcList": [epc],
                    "quantityList": [{"epcClass": lot, "quantity": 1}],
                    "bizLocation": {"id": place},
                }
            )
            events.write(
                f"{key}\tObjectEvent\tOBSERVE\treceiving\t{moment}\t{moment}\t{place_id}\t"
                f"{self.organisation_id}\t{document}\turn:uuid:{key}\tf\n"
            )
            named.write(f"{key}\tepc\t{epc}\t{moment}\n")
            lots.write(f"{key}\t{lot_id}\tepc\t1\tf\tepcClass\n")
        for table, columns, lines in (
            (
                "trace_events",
                "id, event_type, action, biz_step, event_time, record_time, biz_location_id,"
                " organisation_id, document, event_uri, public",
                events,
            ),
            ("event_identifiers", "event_id, field, canonical, event_time", named),
            ("event_lots", "event_id, lot_id, role, quantity, whole_lot, field", lots),
        ):
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                copy.write(lines.getvalue())

    def asks(self) -> dict[str, list[Asked]]:
        """Give the questions by kind."""
        chance = random.Random(1)
        newest = Order("eventTime")
        return {
            "by EPC": [
                Asked((Match(("epc", "child"), (item(chance.randrange(self.stored // 5)),)),))
                for _ in range(QUESTIONS)
            ],
            "by lot": [
                Asked((Match(("epcClass",), (chance.choice(self.lots)[1],)),), newest)
                for _ in range(QUESTIONS)
            ],
            "by place": [
                Asked(
                    (At("bizLocation", (chance.choice(self.places)[1],), descendants=False),),
                    newest,
                )
                for _ in range(QUESTIONS)
            ],
        }

    def p99(self, questions: Sequence[Asked]) -> float:
        """Ask one after the other; give the 99th percentile in milliseconds."""
        spent = []
        for question in questions:
            begun = time.perf_counter()
            with self.database.reading() as session:
                page = events_page(session, question, Viewer(everything=True), size=30)
            spent.append((time.perf_counter() - begun) * 1000)
            if not page.events:
                raise RuntimeError("a question of the bench found nothing")
        return sorted(spent)[int(len(spent) * 0.99) - 1]


def item(n: int) -> str:
    """Name an item of somebody else's."""
    return f"https://id.gs1.org/01/04012345111118/21/B{n}"


def asked(database: Database, sizes: tuple[int, int]) -> list[Figure]:
    """Ask by EPC, lot and place at both sizes; each lot has as many events at either."""
    filled = prepared(database, lots=max(20, sizes[1] // 500))
    found: list[dict[str, float]] = []
    for size in sizes:
        filled.fill(size)
        questions = filled.asks()
        for some in questions.values():
            filled.p99(some[:50])  # warms caches and plans
        found.append({kind: filled.p99(some) for kind, some in questions.items()})
    return [
        Figure.at_most(
            f"query {kind}: p99 at {sizes[1]:,} events over that at {sizes[0]:,}",
            found[1][kind] / found[0][kind],
            "×",
            ask=ASK_GROWTH,
            note=f"{found[0][kind]:.1f} ms and {found[1][kind]:.1f} ms, pages of 30",
        )
        for kind in found[0]
    ]


def prepared(database: Database, *, lots: int) -> Filled:
    """Make the lots and take the places that events will name."""
    with database.transaction() as session:
        w = world(session)
        rows = [
            Lot(
                sku_id=w.sku.id,
                lot_no=f"BENCH{n:07d}",
                organisation_id=w.supplier.id,
                template="honey",
                created_at=NOW,
            )
            for n in range(lots)
        ]
        session.add_all(rows)
        session.flush()
        places = session.execute(
            select(Place.id, Place.gln).where(Place.gln.is_not(None)).order_by(Place.id)
        )
        return Filled(
            database,
            w.supplier.id,
            [(row.id, f"https://id.gs1.org/01/{w.sku.gtin}/10/{row.lot_no}") for row in rows],
            [(key, f"https://id.gs1.org/414/{gln}") for key, gln in places],
        )


__all__ = ["NAME", "asked", "run"]
