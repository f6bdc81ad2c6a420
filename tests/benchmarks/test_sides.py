"""The other sides of the benches do the same work as ours, or there would be no comparing them."""

from functools import partial

from flask import Flask
from sqlalchemy import func, select

from benchmarks.bench_epcis_core import figures_of
from benchmarks.bench_sale import stocked
from benchmarks.constant import bare, captured
from foundation.db import Database
from goods.stock.models import Serial, StockBalance
from trade.sales.models import Sale, SaleLine


def test_a_sale_by_hand_leaves_what_a_sale_by_the_verb_leaves(shared: Database) -> None:
    till = stocked(shared, packs=8, sales=2)
    pattern = till.learn()

    till.by_verb()
    till.by_hand(pattern)

    assert till.wrote["verb"] == till.wrote["hand"]
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Sale)) == 6
        keys = set(session.scalars(select(Sale.key)))
        serials = session.scalars(
            select(Serial.serial).join(SaleLine, SaleLine.serial_id == Serial.id)
        )
        assert keys == {f"bench-{serial}" for serial in serials}
        here = StockBalance.place_id == till.place_id
        assert session.scalar(select(func.sum(StockBalance.on_hand)).where(here)) == 2


def test_a_page_from_constants_reads_as_the_real_page(web: Flask) -> None:
    pages = captured(web, ["/categories"])
    ask = partial(bare(web, pages).test_client().get, "/categories")

    real, constant = web.test_client().get("/categories"), ask()

    assert constant.status_code == 200
    assert len(constant.data) == len(real.data)
    assert constant.headers.get("Set-Cookie") is None


def test_the_events_of_the_epcis_bench_are_what_it_says() -> None:
    found = figures_of(100, rounds=1)
    assert [figure.unit for figure in found] == ["events/s"] * 3
    assert all(figure.against for figure in found)
