"""A recall against a sale, a promise and a shipment at the same moment: what comes second sees it.

The other act has looked for holds and found none by the time it waits for the goods' balance,
which the announcement has locked; it must look again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import func, select

from foundation.db import Database
from foundation.errors import Refused
from goods.stock.models import Hold, Reservation, StockBalance
from goods.stock.rules import Want
from goods.stock.services import reserve
from tests.factories import NOW, in_cases, make_lot, on_shelf, world
from traceability.models import Shipment
from traceability.recalls.services import recall_lot
from traceability.services.cases import Dispatch, ship_cases
from trade.sales.models import Sale
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

pytestmark = pytest.mark.race


def during_a_recall(database: Database, lot_id: int, act: Callable[[], object]) -> Refused:
    """Announce a recall, let `act` begin before it commits, and give the act's refusal."""
    announced, answered = Event(), Event()

    def announcing() -> None:
        with database.transaction() as session:
            official = world(session).official
            recall_lot(
                session, lot_id=lot_id, reason_zh="抽检", reason_en="", actor=official, now=NOW
            )
            announced.set()
            answered.wait(0.4)

    def acting() -> object:
        announced.wait(10)
        try:
            return act()
        except Refused as refused:
            return refused
        finally:
            answered.set()

    with ThreadPoolExecutor(2) as crowd:
        first, second = crowd.submit(announcing), crowd.submit(acting)
        first.result(30)
        told = second.result(30)
    assert isinstance(told, Refused), told
    return told


def test_a_sale_that_began_before_the_recall_was_there_is_refused(shared: Database) -> None:
    with shared.transaction() as session:
        w = world(session)
        lot, serials = on_shelf(w, packs=3)
        price = w.sku.price_fen
        ticket = Ticket(
            key="in-the-same-moment",
            place_id=w.outlet.place_id,
            channel="counter",
            sold_at=NOW,
            items=(Item(w.sku.gtin, serial=serials[0].serial),),
            tenders=(Paid("cash", price, price),),
        )
        clerk, lot_id = w.clerk, lot.id

    def sell() -> object:
        with shared.transaction() as session:
            return record_sale(session, ticket, actor=clerk, now=NOW)

    assert during_a_recall(shared, lot_id, sell).code == "recalled"
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Sale)) == 0
        assert session.scalar(select(func.count()).select_from(Hold)) == 1


def test_nothing_recalled_is_promised_meanwhile(shared: Database) -> None:
    with shared.transaction() as session:
        w = world(session)
        lot = make_lot(w, packs=3)
        sku_id, place_id, lot_id = w.sku.id, w.place("workshop").id, lot.id

    def promise() -> object:
        with shared.transaction() as session:
            wants = [Want(1, sku_id, 1)]
            return reserve(session, "order:x", wants, [place_id], until=NOW, today=NOW.date())

    assert during_a_recall(shared, lot_id, promise).code == "sold_out"
    with shared.reading() as session:
        assert session.scalars(select(Reservation)).all() == []


def test_no_case_of_it_leaves_meanwhile(shared: Database) -> None:
    with shared.transaction() as session:
        w = world(session)
        lot = make_lot(w, packs=3)
        (unit,) = in_cases(w, lot, cases=1, per_case=3)
        sent = Dispatch("race", (unit.sscc,), w.outlet.place_id, "示例快运", "DEMO1", NOW)
        owner, lot_id = w.owner, lot.id

    def ship() -> object:
        with shared.transaction() as session:
            return ship_cases(session, sent, actor=owner, now=NOW)

    assert during_a_recall(shared, lot_id, ship).code == "case_refused"
    with shared.reading() as session:
        assert session.scalars(select(Shipment)).all() == []
        held = select(StockBalance.on_hand).where(StockBalance.lot_id == lot_id)
        assert sum(session.scalars(held)) == 3
