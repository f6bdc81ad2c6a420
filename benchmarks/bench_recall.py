"""How far a recall reaches, with up to a million items under one lot: the impact list's time.

One raw lot became hundreds of lots of jars, half of them sold at hundreds of outlets, a part of
them by orders. The rows are written in bulk, as the verbs would have left them: a year of recorded
steps would measure the recording and not the recall.
"""

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select

from benchmarks.databases import KINDS
from benchmarks.harness import Figure, Size
from foundation.db import Database
from foundation.ids import time_uuid
from goods.catalogue.models import Sku
from goods.stock.models import Lot, Serial, StockBalance
from insight.recalls.queries import buyers_of
from insight.recalls.report import report_of
from parties.network.models import Outlet
from tests.databases import NOW
from tests.factories import make_lot, world
from traceability.balance.models import LotFlow
from traceability.models import EventLot
from traceability.recalls.queries import affected_by, impact_of
from traceability.recalls.rules import Target
from trade.sales.models import Sale, SaleLine

NAME = "recall"
ITEMS: dict[Size, int] = {"small": 100_000, "full": 1_000_000}
PER_LOT = 2_000
SOLD_EACH = 2
"""One of so many items is sold."""
ASK_SECONDS = 2.0
ROUNDS = 5
STEP = 20_000


def laid_out(database: Database, items: int) -> Target:
    """Put so many items under one raw lot; give it as a recall's target."""
    with database.transaction() as session:
        w = world(session)
        first = make_lot(w, packs=24)
        raw = session.scalars(select(Lot).where(Lot.lot_no == f"R{first.lot_no}")).one()
        sku, event_id = session.get_one(Sku, first.sku_id), _maker(session, first.id)
        outlets = session.scalars(select(Outlet.place_id).order_by(Outlet.place_id)).all()
        lots = [
            {
                "sku_id": sku.id,
                "lot_no": f"B{n:06d}",
                "organisation_id": first.organisation_id,
                "template": first.template,
                "template_version": first.template_version,
                "facts": {},
                "next_serial": PER_LOT + 1,
                "demo": True,
                "created_at": NOW,
            }
            for n in range(items // PER_LOT)
        ]
        session.execute(insert(Lot), lots)
        ids = list(
            session.scalars(select(Lot.id).where(Lot.lot_no.like("B______")).order_by(Lot.id))
        )
        session.execute(
            insert(LotFlow),
            [{"from_lot_id": raw.id, "to_lot_id": one, "event_id": event_id} for one in ids],
        )
        session.execute(
            insert(StockBalance),
            [
                {
                    "place_id": place,
                    "lot_id": one,
                    "sku_id": sku.id,
                    "on_hand": PER_LOT // SOLD_EACH // 4,
                    "reserved": 0,
                }
                for n, one in enumerate(ids)
                for place in sorted({outlets[(n + k) % len(outlets)] for k in range(4)})
            ],
        )
        for start in range(0, items, STEP):
            _items(session, sku.id, ids, outlets, range(start, min(items, start + STEP)))
        return Target("lot", raw.id)


def _maker(session: Any, lot_id: int) -> Any:
    return session.scalars(
        select(EventLot.event_id).where(EventLot.lot_id == lot_id, EventLot.role == "output")
    ).one()


def _items(session: Any, sku_id: int, lots: Any, outlets: Any, numbers: range) -> None:
    serials, sales, lines = [], [], []
    for n in numbers:
        lot_id, sold = lots[n // PER_LOT], n % SOLD_EACH == 0
        place = outlets[(n // PER_LOT + n % 4) % len(outlets)]
        serials.append(
            {
                "sku_id": sku_id,
                "serial": f"B{n:09d}",
                "lot_id": lot_id,
                "place_id": place,
                "unit_id": None,
                "state": "sold" if sold else "on_shelf",
            }
        )
        if not sold:
            continue
        at = NOW + timedelta(seconds=n)
        sale_id = time_uuid(at)
        sales.append(
            {
                "id": sale_id,
                "key": f"bench-{n}",
                "content_digest": "",
                "number": f"B-{n}",
                "place_id": place,
                "channel": "online" if n % 50 == 0 else "counter",
                "order_ref": f"O{n // 100}" if n % 50 == 0 else None,
                "sold_at": at,
                "recorded_at": at,
                "business_date": at.date(),
                "currency": "CNY",
                "total_fen": 100,
                "event_id": sale_id,
                "actor_id": None,
            }
        )
        lines.append(
            {
                "sale_id": sale_id,
                "sku_id": sku_id,
                "lot_id": lot_id,
                "serial_id": None,
                "supplier_id": 1,
                "quantity": 1,
                "unit_price_fen": 100,
                "list_price_fen": 100,
                "price_version": 1,
                "total_fen": 100,
                "lot_certainty": "inferred" if n % 10 == 0 else "scanned",
            }
        )
    supplier = session.scalar(select(Lot.organisation_id).where(Lot.id == lots[0]))
    for line in lines:
        line["supplier_id"] = supplier
    session.execute(insert(Serial), serials)
    session.execute(insert(Sale), sales)
    session.execute(insert(SaleLine), lines)


def impact_seconds(database: Database, target: Target, items: int) -> float:
    """Work the whole reach out once, as a drill reports it; give how long it took."""
    begun = time.perf_counter()
    with database.reading() as session:
        impact = impact_of(session, affected_by(session, target))
        buyers = buyers_of(session, impact.affected)
        report = report_of(target, impact, buyers, now=NOW, drill=True)
    spent = time.perf_counter() - begun
    known = sum(impact.items.values())
    if known < items or report["totals"]["sold"] != items // SOLD_EACH:
        raise RuntimeError(f"{known} items and {report['totals']} are not what was laid out")
    return spent


def run(size: Size) -> list[Figure]:
    """Ask for the reach of one lot on both databases; the middle of five."""
    figures = []
    items = ITEMS[size]
    for kind, opened in KINDS.items():
        with opened() as database:
            target = laid_out(database, items)
            if database.dialect == "postgresql":
                _analyse(database)
            with database.reading() as session:
                lines = session.scalar(select(func.count()).select_from(SaleLine))
            taken = sorted(impact_seconds(database, target, items) for _ in range(ROUNDS))
            note = f"{items:,} items, {items // PER_LOT} lots, {lines:,} sale lines; middle of five"
            name = f"recall: impact list on {kind}"
            figures.append(
                Figure.at_most(name, taken[ROUNDS // 2], "s", ask=ASK_SECONDS, note=note)
            )
    return figures


def _analyse(database: Database) -> None:
    """Let PostgreSQL count its rows, as its own worker does within a minute of such a load."""
    from sqlalchemy import text

    from benchmarks.databases import engine

    with engine(database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
