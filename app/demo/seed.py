"""Seeding the demo, with a progress bar: everything goes through the verbs."""

import gc
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tqdm import tqdm

from app.demo.accounts import make_accounts
from app.demo.demand import Basket, Draw, Good, Shop, Year, plan_year, read_seasons
from app.demo.online import Buyers, Online
from app.demo.supply import Maker, goods_of
from app.jobs import handlers, sequence_log
from app.seeding import SEEDER, take_in_region
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from foundation.outbox import deliver
from goods.catalogue.models import Sku
from goods.catalogue.services import set_assortment, set_price
from insight.rollups.services import rebuild
from parties.network.models import Outlet, OutletStatusChange
from parties.people.permissions import Actor, Grant, Role
from traceability.recalls.services import recall_lot
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

DATA = Path(__file__).parents[2] / "data"
REGION = DATA / "region"
BEGUN = "P01"
"""Of this product a lot is left half recorded, so that its cooperative has a next step."""
BIG_BATCH = 5000
"""Events that the transparency log takes in one go, as nobody waits for the database yet."""
INFERRED_EVERY = 7
"""Of goods tracked by lot, one line in so many is sold without its lot being scanned."""


def seed_demo(database: Database, settings: Settings, *, small: bool = False) -> None:
    """Take in the region and its people, then a year of lots, sales and orders."""
    begun = time.monotonic()
    now = clock.now()
    with database.transaction() as session:
        take_in_region(session, REGION, now=now - timedelta(days=400))
        people = make_accounts(session, settings, actor=SEEDER, now=now - timedelta(days=400))
    Past(database, settings, people, now=now, small=small).run()
    sequence_log(settings, database, now, batch=BIG_BATCH)
    click.echo(f"Seeded in {time.monotonic() - begun:.0f} s", err=True)


def shops_of(session: Session) -> list[Shop]:
    """Give every outlet that is open now, and since when."""
    opened = dict(
        session.execute(
            select(OutletStatusChange.place_id, func.min(OutletStatusChange.changed_on))
            .where(OutletStatusChange.status == "open")
            .group_by(OutletStatusChange.place_id)
        )
        .tuples()
        .all()
    )
    rows = session.scalars(select(Outlet).where(Outlet.status == "open").order_by(Outlet.code))
    return [
        Shop(
            o.place_id,
            o.code,
            o.tier,
            o.county_code,
            o.mode == "online",
            o.counter_type == "vending",
            opened[o.place_id],
        )
        for o in rows
    ]


class Past:
    """The year that has gone by, played day by day."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        people: dict[str, int],
        *,
        now: datetime,
        small: bool,
    ) -> None:
        self.database, self.settings, self.people = database, settings, people
        self.now, self.draw, self.seasons = now, Draw(434), read_seasons()
        with database.reading() as session:
            self.goods = goods_of(session)
            self.shops = shops_of(session)
            self.prices = dict(session.execute(select(Sku.id, Sku.price_fen)).tuples().all())
        self.year: Year = plan_year(self.goods, self.shops, now=now, small=small)
        self.codes = {good.sku_code: good for good in self.goods}

    def run(self) -> None:
        """Play the year: prices, assortments, lots, goods-in, sales, orders, recall, totals."""
        gc.disable()  # so much is made and kept in one go that looking for garbage costs a tenth
        baskets = self.year.baskets
        waves = sorted(
            (wave for waves in self.year.waves.values() for wave in waves),
            key=lambda wave: (wave.ready, wave.product_code),
        )
        bar = tqdm(total=len(baskets) + 20 * len(waves), desc="A year of the region", unit="")
        with self.database.transaction() as session:
            self._assortments(session)
            self._old_prices(session)
            maker = Maker(session, {good.sku_id: good for good in self.goods})
            buyers = Buyers(session, self.people, now=self.now)
        online = Online(self.settings, self.draw, self.seasons, buyers, data=DATA, now=self.now)
        days = groupby(baskets, key=lambda basket: clock.business_date(basket.at))
        with bar, online.provider() as provider:
            for day, of_day in days:
                with self.database.transaction() as session, provider.batch():
                    maker.session = session
                    while waves and waves[0].ready <= day + timedelta(days=1):
                        wave = waves.pop(0)
                        if wave.counters or wave.online or wave.last:
                            maker.deliver(wave, maker.make(wave), latest=self.now)
                        bar.update(20)
                    self._new_prices(session, day)
                    online.catch_up(session, day)
                    for basket in of_day:
                        if basket.online:
                            online.order(session, basket, self.prices)
                        else:
                            self._sell(session, basket, maker)
                        bar.update()
            with self.database.transaction() as session, provider.batch():
                maker.session = session
                for wave in waves:
                    maker.deliver(wave, maker.make(wave), latest=self.now)
                online.catch_up(session, clock.business_date(self.now))
                maker.begin(BEGUN, now=self.now)
        with self.database.transaction() as session:
            self._recall(session)
        self._totals()

    def _assortments(self, session: Session) -> None:
        for shop in self.shops:
            if shop.tier != "counter" and not shop.online:
                products = dict.fromkeys(g.product_id for g in self.year.shelves[shop.place_id])
                set_assortment(session, shop.place_id, products, actor=SEEDER, now=self.now)

    def _old_prices(self, session: Session) -> None:
        for change in self.seasons["price_changes"]:
            good = self.codes.get(change["sku"])
            if good:
                then = self.now - timedelta(days=399)
                set_price(session, good.sku_id, change["before_fen"], actor=SEEDER, now=then)
                change["after_fen"] = self.prices[good.sku_id]
                self.prices[good.sku_id] = change["before_fen"]

    def _new_prices(self, session: Session, day: object) -> None:
        for change in self.seasons["price_changes"]:
            good = self.codes.get(change["sku"])
            moment = self.now - timedelta(days=change["days_ago"])
            due = clock.business_date(moment) <= day  # type: ignore[operator]
            if good and due and self.prices[good.sku_id] != change["after_fen"]:
                set_price(session, good.sku_id, change["after_fen"], actor=SEEDER, now=moment)
                self.prices[good.sku_id] = change["after_fen"]

    def _sell(self, session: Session, basket: Basket, maker: Maker) -> None:
        items: list[Item] = []
        for good, quantity in basket.lines:
            items.extend(self._items(maker, basket.place_id, good, quantity))
        if not items:
            return
        total = sum(self.prices[self._sku(item.gtin)] * item.quantity for item in items)
        kinds = self.seasons["tenders"]
        kind = self.draw.one(list(kinds), list(kinds.values()))
        received = -(-total // 1000) * 1000 if kind == "cash" else total
        clerk = Actor(None, (Grant(Role.COUNTER_CLERK, place_id=basket.place_id),))
        ticket = Ticket(
            key=f"demo-{basket.place_id}-{int(basket.at.timestamp())}-{len(items)}-{total}",
            place_id=basket.place_id,
            channel="counter",
            sold_at=basket.at,
            items=tuple(items),
            tenders=(Paid(kind, total, received, "DEMO" if kind == "voucher" else ""),),
        )
        record_sale(session, ticket, actor=clerk, now=basket.at)

    def _sku(self, gtin: str) -> int:
        return self._by_gtin[gtin]

    @property
    def _by_gtin(self) -> dict[str, int]:
        if not hasattr(self, "_gtins"):
            self._gtins = {good.gtin: good.sku_id for good in self.goods}
        return self._gtins

    def _items(self, maker: Maker, place_id: int, good: Good, quantity: int) -> Iterator[Item]:
        """Take packs off the shelf in the order they came; a lot sold twice is one line."""
        waiting = maker.shelf.get((place_id, good.sku_id))
        taken = [waiting.popleft() for _ in range(min(quantity, len(waiting)))] if waiting else []
        for lot_no, packs in groupby(taken, key=lambda pack: pack[1]):
            listed = list(packs)
            if good.tracking == "serial":
                yield from (Item(good.gtin, serial=serial) for serial, _ in listed)
            elif self.draw.random.randrange(INFERRED_EVERY) == 0:
                yield Item(good.gtin, len(listed))
            else:
                yield Item(good.gtin, len(listed), lot_no=lot_no)

    def _recall(self, session: Session) -> None:
        """Call back the newest tea lot that is on shelves, as the demo's data says."""
        from goods.stock.models import Lot

        wanted = self.seasons["recall"]
        good = self.codes[wanted["sku"]]
        then = self.now - timedelta(days=wanted["days_ago"])
        lot = session.scalars(
            select(Lot)
            .where(Lot.sku_id == good.sku_id, Lot.created_at < then)
            .order_by(Lot.id.desc())
        ).first()
        if lot is not None:
            recall_lot(
                session,
                lot_id=lot.id,
                reason_zh=wanted["reason_zh"],
                reason_en=wanted["reason_en"],
                actor=Actor(self.people["city-official"], (Grant(Role.CITY_OFFICIAL),)),
                now=self.now - timedelta(hours=20),
            )

    def _totals(self) -> None:
        """Hand on what waits in the outbox, then count every total once."""
        while deliver(self.database, handlers(self.settings), now=clock.now(), batch=2000):
            pass
        with self.database.transaction() as session:
            rebuild(session)
