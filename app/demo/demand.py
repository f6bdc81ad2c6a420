"""Who buys what, when and where in the demo's year: drawn from weights, the same at every start."""

import json
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from typing import Any

from foundation.clock import LOCAL, business_date

SEASONS = Path(__file__).parents[2] / "data" / "demo" / "seasons.json"
LONG_LIFE, MIDDLE_LIFE, SHORT_LIFE = 300, 90, 20
ALL_MONTHS = 12
SHELF_SIZES = {"city_hall": 36, "county_hall": 16, "zone": 7, "counter": 3}


@dataclass(frozen=True, slots=True)
class Good:
    """One pack that is sold in the demo."""

    sku_id: int
    sku_code: str
    gtin: str
    tracking: str
    product_id: int
    product_code: str
    category: str
    county: str
    supplier_id: int
    shelf_life: int
    season: tuple[int, ...]
    units_per_case: int
    material: int
    share: int
    """How often this pack is chosen among its product's packs."""


@dataclass(frozen=True, slots=True)
class Shop:
    """One outlet that sells in the demo."""

    place_id: int
    code: str
    tier: str
    county: str | None
    online: bool
    vending: bool
    open_from: date


@dataclass(frozen=True, slots=True)
class Basket:
    """One sale at a counter or one online order."""

    at: datetime
    place_id: int
    lines: tuple[tuple[Good, int], ...]
    online: bool


@dataclass
class Wave:
    """One lot of a product: when it is ready, until when it is sold, and who gets how many."""

    product_code: str
    made: date
    """When the packs were labelled; harvest and making come before."""
    ready: date
    until: date
    counters: dict[tuple[int, int], int] = field(default_factory=dict)
    """(place id, sku id) → packs sold there."""
    online: dict[int, int] = field(default_factory=dict)
    last: bool = False


@dataclass(frozen=True, slots=True)
class Year:
    """The whole plan."""

    baskets: tuple[Basket, ...]
    waves: Mapping[str, Sequence[Wave]]
    shelves: Mapping[int, tuple[Good, ...]]


def read_seasons() -> dict[str, Any]:
    """Read the demo's weights."""
    found: dict[str, Any] = json.loads(SEASONS.read_text(encoding="utf-8"))
    return found


class Draw:
    """Weighted choices from one seeded source."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one(self, items: Sequence[Any], weights: Sequence[float]) -> Any:
        """Choose one of `items` by weight."""
        sums = list(accumulate(weights))
        return items[min(bisect(sums, self.random.random() * sums[-1]), len(items) - 1)]


def plan_year(
    goods: Sequence[Good], shops: Sequence[Shop], *, now: datetime, small: bool = False
) -> Year:
    """Draw a year of sales and orders up to `now`, and the lots that they need."""
    seasons, draw = read_seasons(), Draw(1405)
    today = business_date(now)
    first = today - timedelta(days=seasons["volume"]["days"])
    part = 100 if small else 1
    shelves = {shop.place_id: _shelf(shop, goods, seasons, draw) for shop in shops}
    waves = {code: _waves(code, goods, first, today) for code in {g.product_code for g in goods}}
    planner = _Planner(seasons, draw, first, today, now, waves)
    counters = [shop for shop in shops if not shop.online]
    baskets = planner.counter_sales(counters, shelves, seasons["volume"]["counter_sales"] // part)
    by_code = {shop.code: shop for shop in shops}
    baskets += planner.online_orders(by_code, goods, seasons["volume"]["online_orders"] // part)
    baskets.sort(key=lambda basket: basket.at)
    return Year(tuple(baskets), waves, shelves)


def _shelf(
    shop: Shop, goods: Sequence[Good], seasons: Mapping[str, Any], draw: Draw
) -> tuple[Good, ...]:
    """Choose what an outlet carries: more of its own county, fresh goods only in halls."""
    weights = {row["category"]: row["counter_weight"] for row in seasons["categories"]}
    big = shop.tier in {"city_hall", "county_hall"}
    pool = [
        good
        for good in goods
        if (big or good.shelf_life > MIDDLE_LIFE or (shop.tier == "zone" and good.shelf_life > 25))  # noqa: PLR2004
        and (not shop.vending or good.category in seasons["vending_categories"])
    ]
    chosen: list[Good] = []
    own = seasons["own_county_preference"]
    while pool and len(chosen) < SHELF_SIZES[shop.tier]:
        good = draw.one(
            pool,
            [
                weights[g.category] * g.share * (own if g.county == shop.county else 1.0)
                for g in pool
            ],
        )
        pool.remove(good)
        chosen.append(good)
    return tuple(chosen)


def _waves(code: str, goods: Sequence[Good], first: date, today: date) -> list[Wave]:
    good = next(g for g in goods if g.product_code == code)
    life = good.shelf_life
    if life >= LONG_LIFE:
        period = 190
    elif life >= MIDDLE_LIFE:
        period = 75
    elif life >= SHORT_LIFE:
        period = max(12, life * 2 // 3)
    else:
        period = 7
    if life >= LONG_LIFE and 0 < len(good.season) < ALL_MONTHS:
        return _yearly(code, good, first, today)
    waves: list[Wave] = []
    ready = first - timedelta(days=1)
    latest = today - timedelta(days=3 if life >= MIDDLE_LIFE else 0)
    while ready <= latest:
        until = min(ready + timedelta(days=period - 1), ready + timedelta(days=life - 2))
        fresh = life < MIDDLE_LIFE
        if not fresh or not good.season or ready.month in _stretched(good.season, life):
            waves.append(Wave(code, ready - timedelta(days=2), ready, until))
        ready += timedelta(days=period)
    if waves:
        waves[-1].last = waves[-1].until >= today - timedelta(days=life)
    return waves


def _yearly(code: str, good: Good, first: date, today: date) -> list[Wave]:
    """Goods that keep are made once a year, three weeks after their season's last month."""
    month = max(good.season)
    made = [
        date(year, month, 28) + timedelta(days=21)
        for year in (first.year - 1, first.year, today.year)
    ]
    before = [day for day in made if day < first - timedelta(days=8)]
    during = [day for day in made if first - timedelta(days=8) <= day <= today - timedelta(days=10)]
    waves = [Wave(code, before[-1], first - timedelta(days=1), today)] if before else []
    waves += [Wave(code, day, day + timedelta(days=8), today) for day in during]
    for this, following in pairwise(waves):
        this.until = following.ready - timedelta(days=1)
    for wave in waves:
        wave.until = min(wave.until, wave.made + timedelta(days=good.shelf_life - 20))
    waves = [wave for wave in waves if wave.until >= wave.ready]
    waves[-1].last = True
    return waves


def _stretched(season: Sequence[int], life: int) -> set[int]:
    """Fresh goods are sold in the months they are gathered in, and one on if they keep."""
    months = set(season)
    if life >= SHORT_LIFE:
        months |= {month % 12 + 1 for month in season}
    return months


class _Planner:
    def __init__(
        self,
        seasons: Mapping[str, Any],
        draw: Draw,
        first: date,
        today: date,
        now: datetime,
        waves: Mapping[str, list[Wave]],
    ) -> None:
        self.seasons, self.draw, self.waves, self.now = seasons, draw, waves, now
        self.days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
        self.months = {row["category"]: row["months"] for row in seasons["categories"]}

    def festival(self, day: date) -> Mapping[str, Any] | None:
        """Give the festival whose window holds `day`; windows may cross the year's end."""
        mark = f"{day:%m-%d}"
        for one in self.seasons["festivals"]:
            begin, end = one["from"], one["to"]
            inside = begin <= mark <= end if begin <= end else mark >= begin or mark <= end
            if inside:
                found: Mapping[str, Any] = one
                return found
        return None

    def heat(self, category: str, day: date) -> float:
        """Tell how much a category is wanted on a day."""
        festival = self.festival(day)
        lift = festival["uplift"].get(category, festival["default"]) if festival else 1.0
        return float(self.months[category][day.month - 1]) * float(lift)

    def day_weights(self, channel: str) -> list[float]:
        """Give each day's weight for a channel; trade grows over the year."""
        weekdays = self.seasons["weekdays"][channel]
        weights = []
        for number, day in enumerate(self.days):
            festival = self.festival(day)
            lift = festival["default"] if festival else 1.0
            growth = 0.75 + 0.5 * number / len(self.days)
            weights.append(weekdays[day.weekday()] * lift * growth)
        return weights

    def moment(self, day: date, channel: str) -> datetime:
        """Choose a time of day; never one that is still to come."""
        hours = self.seasons["hours"][channel]
        hour = self.draw.one(range(24), hours)
        random = self.draw.random
        local = datetime.combine(day, time(hour, random.randrange(60), random.randrange(60)), LOCAL)
        latest = self.now - timedelta(minutes=random.randrange(5, 400))
        return min(local.astimezone(UTC), latest)

    def wave_of(self, good: Good, day: date) -> Wave | None:
        """Give the lot that a day's sale comes from."""
        found = None
        for wave in self.waves[good.product_code]:
            if wave.ready > day:
                break
            found = wave
        return found if found is not None and found.until >= day else None

    def lines(
        self, pool: Sequence[Good], day: date, channel: str, weight: str
    ) -> list[tuple[Good, int]]:
        """Fill one basket from what is there on that day."""
        weights = {row["category"]: row[weight] for row in self.seasons["categories"]}
        there = [good for good in pool if self.wave_of(good, day) is not None]
        wanted = self.draw.one((1, 2, 3, 4), self.seasons["lines_per_sale"][channel])
        chosen: list[tuple[Good, int]] = []
        while there and len(chosen) < wanted:
            heats = [weights[g.category] * self.heat(g.category, day) * g.share for g in there]
            if not any(heats):
                break
            good = self.draw.one(there, heats)
            there.remove(good)
            chosen.append((good, self.draw.one((1, 2, 3), (80, 16, 4))))
        return chosen

    def counter_sales(
        self, shops: Sequence[Shop], shelves: Mapping[int, Sequence[Good]], count: int
    ) -> list[Basket]:
        """Draw `count` sales at counters; every outlet that is open has at least one."""
        counties = {row["county"]: row["weight"] for row in self.seasons["county_weights"]}
        tiers = self.seasons["tier_weights"]
        weights = [tiers[s.tier] * (0.5 + counties.get(s.county or "", 10) / 40) for s in shops]
        day_weights = self.day_weights("counter")
        baskets: list[Basket] = []
        turn = list(shops)
        while len(baskets) < count:
            shop = turn.pop() if turn else self.draw.one(shops, weights)
            day = self.draw.one(self.days, day_weights)
            if day < shop.open_from:
                day = max(shop.open_from, self.days[-1] - timedelta(days=3))
            lines = self.lines(shelves[shop.place_id], day, "counter", "counter_weight")
            if not lines:
                continue
            for good, quantity in lines:
                wave = self.wave_of(good, day)
                assert wave is not None  # noqa: S101 -- chosen from what is there
                key = (shop.place_id, good.sku_id)
                wave.counters[key] = wave.counters.get(key, 0) + quantity
            baskets.append(
                Basket(self.moment(day, "counter"), shop.place_id, tuple(lines), online=False)
            )
        return baskets

    def online_orders(
        self, shops: Mapping[str, Shop], goods: Sequence[Good], count: int
    ) -> list[Basket]:
        """Draw `count` online orders, each of the hall or zone through which it came."""
        rows = [row for row in self.seasons["online_outlets"] if row["outlet"] in shops]
        day_weights = self.day_weights("online")
        keeps = [good for good in goods if good.shelf_life > SHORT_LIFE]
        baskets: list[Basket] = []
        while len(baskets) < count:
            row = self.draw.one(rows, [row["weight"] for row in rows])
            day = self.draw.one(self.days, day_weights)
            lines = self.lines(keeps, day, "online", "online_weight")
            if not lines:
                continue
            for good, quantity in lines:
                wave = self.wave_of(good, day)
                assert wave is not None  # noqa: S101 -- chosen from what is there
                wave.online[good.sku_id] = wave.online.get(good.sku_id, 0) + quantity
            place_id = shops[row["outlet"]].place_id
            baskets.append(Basket(self.moment(day, "online"), place_id, tuple(lines), online=True))
        return baskets
