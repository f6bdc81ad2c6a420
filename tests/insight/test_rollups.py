"""Totals are counted afresh from the sales, and so can never drift from them."""

import random
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jobs import handlers
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from foundation.outbox import deliver
from insight.reach import EVERYWHERE, Reach
from insight.rollups.jobs import on_sale_recorded, run_recounts
from insight.rollups.models import DirtyCell, SalesCell
from insight.rollups.queries import cells, days
from insight.rollups.rules import Slice
from insight.rollups.services import mark_dirty, rebuild, recount_dirty
from parties.network.models import Outlet
from tests.factories import NOW, on_shelf, world
from tests.insight.trading import a_week_of_trade, outlet, sell
from trade.sales.models import Sale, SaleLine

LATER = NOW + timedelta(days=10)
COLUMNS = tuple(SalesCell.__table__.columns)


def all_cells(session: Session) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in session.execute(select(*COLUMNS)))


def payload_of(session: Session, sale_id: object) -> dict[str, object]:
    sale = session.scalars(select(Sale).where(Sale.id == sale_id)).one()
    return {
        "sale_id": str(sale.id),
        "place_id": sale.place_id,
        "business_date": sale.business_date.isoformat(),
    }


def test_a_sale_told_of_marks_its_day_and_outlet_once(session: Session) -> None:
    w = world(session)
    _, packs = on_shelf(w)
    first = payload_of(session, sell(w, packs[:1], w.outlet).id)
    second = payload_of(session, sell(w, packs[1:2], w.outlet).id)

    on_sale_recorded(session, [first, second, first], NOW)
    on_sale_recorded(session, [first], NOW)

    marks = session.scalars(select(DirtyCell)).all()
    assert [(m.place_id, m.business_date) for m in marks] == [
        (w.outlet.place_id, clock.business_date(NOW))
    ]


def test_counting_twice_or_hearing_twice_changes_nothing(session: Session) -> None:
    w = world(session)
    _, packs = on_shelf(w)
    told = payload_of(session, sell(w, packs[:3], w.outlet).id)

    for _ in range(3):
        on_sale_recorded(session, [told], NOW)
        assert recount_dirty(session, now=NOW) == 1

    (cell,) = session.scalars(select(SalesCell)).all()
    assert (cell.quantity, cell.sales, cell.amount_fen) == (3, 1, 3 * w.sku.price_fen)
    assert (cell.tier, cell.origin_county, cell.product_id) == (
        "counter",
        w.product.county_code,
        w.product.id,
    )
    assert session.scalar(select(func.count()).select_from(DirtyCell)) == 0


def test_a_sale_that_comes_late_is_counted_into_its_own_day(session: Session) -> None:
    w = world(session)
    _, packs = on_shelf(w)
    on_sale_recorded(session, [payload_of(session, sell(w, packs[:1], w.outlet).id)], NOW)
    recount_dirty(session, now=NOW)

    late = sell(w, packs[1:2], w.outlet, at=NOW + timedelta(minutes=1))
    on_sale_recorded(session, [payload_of(session, late.id)], LATER)
    recount_dirty(session, now=LATER)

    (cell,) = session.scalars(select(SalesCell)).all()
    assert (cell.sales, cell.quantity) == (2, 2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_the_order_of_counting_a_rebuild_gives_the_same(
    session: Session, seed: int
) -> None:
    w = world(session)
    dice = random.Random(seed)  # noqa: S311 -- a repeatable story, no secret
    shelves = [(o, on_shelf(w, packs=12, outlet=o)[1]) for o in map_outlets(session)]
    for _ in range(25):
        place, packs = dice.choice(shelves)
        taken = [packs.pop() for _ in range(min(len(packs), dice.randint(1, 2)))]
        if not taken:
            continue
        made = sell(
            w,
            taken,
            place,
            at=NOW + timedelta(hours=dice.randint(0, 96)),
            channel=dice.choice(["counter", "online"]),
            price_fen=dice.choice([None, 100, 9900]),
        )
        on_sale_recorded(session, [payload_of(session, made.id)], NOW)
        if dice.random() < 0.4:
            recount_dirty(session, now=NOW, limit=dice.randint(1, 3))
    while recount_dirty(session, now=NOW, limit=2):
        pass
    counted = all_cells(session)

    assert rebuild(session) == len(counted) > 3
    assert all_cells(session) == counted
    assert sum(int(str(cell[-1])) for cell in counted) == session.scalar(
        select(func.sum(SaleLine.total_fen))
    )


def map_outlets(session: Session) -> list[Outlet]:
    return [outlet(session, code) for code in ("K-01", "K-02", "Z-1")]


def test_a_county_sees_its_goods_anywhere_and_its_outlets_whatever_they_sell(
    session: Session,
) -> None:
    w = world(session)
    a_week_of_trade(w)
    rebuild(session)
    week = Slice(clock.business_date(NOW), clock.business_date(LATER))
    home, other = w.product.county_code, outlet(session, "K-02").county_code
    assert other is not None
    assert other != home

    everything = sum(cell.amount_fen for cell in cells(session, week, EVERYWHERE))
    at_home = sum(cell.amount_fen for cell in cells(session, week, Reach(frozenset({home}))))
    next_door = cells(session, week, Reach(frozenset({other})))

    assert at_home == everything == session.scalar(select(func.sum(SaleLine.total_fen)))
    assert {cell.outlet_county for cell in next_door} == {other}
    assert 0 < sum(cell.amount_fen for cell in next_door) < everything
    assert cells(session, week, Reach(frozenset({"999999"}))) == []
    assert cells(session, week, Reach(frozenset())) == []


def test_every_dimension_narrows_to_what_the_sales_say(session: Session) -> None:
    w = world(session)
    a_week_of_trade(w)
    rebuild(session)
    first, last = clock.business_date(NOW), clock.business_date(LATER)

    def sold(**narrowed: str) -> int:
        found = cells(session, Slice(first, last, **narrowed), EVERYWHERE)
        return sum(cell.quantity for cell in found)

    online = session.scalar(
        select(func.sum(SaleLine.quantity)).join(Sale).where(Sale.channel == "online")
    )
    assert sold() == session.scalar(select(func.sum(SaleLine.quantity)))
    assert sold(channel="online") == online
    assert sold(outlet="K-01") == sold(outlet="K-02") == sold() / 2
    assert sold(product=w.product.code) == sold(supplier=w.supplier.code) == sold()
    assert sold(category=w.product.category_code, tier="counter") == sold()
    assert sold(product="nothing") == sold(outlet="nothing") == sold(tier="zone") == 0
    assert {day.day for day in days(session, Slice(first, first), EVERYWHERE)} == {first}


@pytest.mark.race
def test_counts_that_run_beside_sales_lose_none_of_them(
    shared: Database, settings: Settings
) -> None:
    with shared.transaction() as session:
        w = world(session)
        serials = [on_shelf(w, packs=20, outlet=o)[1] for o in map_outlets(session)]
        places = [s[0].place_id for s in serials]
    broken: list[BaseException] = []

    def selling(number: int) -> None:
        try:
            for one in serials[number]:
                with shared.transaction() as session:
                    mine = world(session)
                    place = session.get_one(type(w.outlet), places[number])
                    sell(mine, [session.merge(one)], place)
        except BaseException as error:  # noqa: BLE001 -- told to the test's own thread
            broken.append(error)

    def counting() -> None:
        try:
            for _ in range(15):
                now = clock.now() + timedelta(days=1)
                deliver(shared, handlers(settings), now=now)
                run_recounts(shared, now)
        except BaseException as error:  # noqa: BLE001 -- told to the test's own thread
            broken.append(error)

    threads = [Thread(target=selling, args=(n,)) for n in range(3)]
    threads += [Thread(target=counting) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    end = clock.now() + timedelta(days=2)
    while deliver(shared, handlers(settings), now=end):
        pass
    run_recounts(shared, end)

    assert not broken
    with shared.transaction() as session:
        counted = all_cells(session)
        assert sum(int(str(cell[-2])) for cell in counted) == 60
        rebuild(session)
        assert all_cells(session) == counted
    assert run_recounts(shared, end) == 0


def test_nothing_is_marked_when_nothing_was_sold(session: Session) -> None:
    mark_dirty(session, [], now=NOW)

    assert recount_dirty(session, now=NOW) == 0
    assert rebuild(session) == 0
