"""Write the demo outlets of a region from its recipe; the same recipe always gives the same file.

    python tools/make_demo_network.py [data/region ...]

A region's folder holds `region.json`, `counties.json`, `towns.json` and `network_recipe.json`;
`outlets.json` is written beside them. Nothing is drawn by chance or taken from the clock: every
choice is a digest of the recipe's seed and the outlet's place in the list.
"""

import datetime as dt
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]

TIER_DIGIT = {"city_hall": 1, "county_hall": 2, "zone": 3, "counter": 4}
SUFFIX_ZH = "（演示）"
SUFFIX_EN = " (demo)"


def digest(*parts: object) -> int:
    """Turn any parts into one large number, the same on every machine."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8])


def pick(options: Sequence[Any], *parts: object) -> Any:
    """Choose one of the options by the digest of the parts."""
    return options[digest(*parts) % len(options)]


def with_check_digit(body: str) -> str:
    """Append the GS1 check digit (General Specifications 7.9.1) to the digits before it."""
    total = sum(int(c) * (3 if i % 2 == 0 else 1) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def shares(weights: dict[str, float], total: int) -> dict[str, int]:
    """Split a total by weights with the largest remainder; the parts sum to the total."""
    scale = total / sum(weights.values())
    counts = {key: int(weight * scale) for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: (counts[key] - weights[key] * scale, key))
    for key in by_remainder[: total - sum(counts.values())]:
        counts[key] += 1
    return counts


@dataclass(frozen=True)
class Region:
    """What is known of a region before it has outlets."""

    seed: str
    recipe: Row
    city: Row
    counties: dict[str, Row]
    towns: dict[str, list[Row]]
    used: dict[str, int] = field(default_factory=dict)
    """How many outlets bear the same name so far."""

    @classmethod
    def read(cls, folder: Path) -> "Region":
        """Read the files of one region."""
        recipe = load(folder / "network_recipe.json")
        counties = {row["code"]: row for row in load(folder / "counties.json")}
        towns: dict[str, list[Row]] = {code: [] for code in counties}
        for town in load(folder / "towns.json"):
            towns[town["county_code"]].append(town)
        city = load(folder / "region.json")["city"]
        return cls(recipe["seed"], recipe, city, counties, towns)

    def town(self, county: str, n: int) -> Row:
        """Give the nth outlet of a county its town: every second one stands in the seat."""
        seat, *others = self.recipe["seats_first"].get(county) or [
            t["code"] for t in self.towns[county]
        ]
        rest = others or [t["code"] for t in self.towns[county] if t["code"] != seat]
        code = seat if n % 2 == 0 or not rest else pick(rest, self.seed, county, "town", n)
        return next(t for t in self.towns[county] if t["code"] == code)

    def operator(self, venue: str, county: str) -> str:
        """Name the organisation that runs a venue in a county."""
        by_county = self.recipe["operators"][venue]
        return str(by_county.get(county, by_county["*"]))


def load(path: Path) -> Any:
    """Read one JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def spread_statuses(region: Region, tier: str, total: int) -> list[str]:
    """Give every outlet of a tier its status, spread evenly over the list."""
    recipe = region.recipe["tiers"][tier]
    fixed = {int(n): status for n, status in recipe.get("fixed_status", {}).items()}
    counts = dict(recipe["statuses"])
    for status in fixed.values():
        counts[status] -= 1
    free = [n for n in range(1, total + 1) if n not in fixed]
    order = sorted(free, key=lambda n: digest(region.seed, tier, "status", n))
    pool = [s for s in ("planned", "paused", "closed") for _ in range(counts.get(s, 0))]
    pool += ["open"] * (len(free) - len(pool))
    statuses = dict(zip(order, pool, strict=True)) | fixed
    return [statuses[n] for n in range(1, total + 1)]


def day_between(first: str, last: str, *parts: object) -> dt.date:
    """Choose a day in a window, both ends included."""
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    return start + dt.timedelta(days=digest(*parts) % ((end - start).days + 1))


def history(region: Region, code: str, status: str) -> list[Row]:
    """Tell how an outlet came to its status: planned, opened, perhaps paused, reopened, closed."""
    windows = region.recipe["windows"]
    late = status == "open" and (
        digest(region.seed, code, "late") % 100 < region.recipe["late_percent"]
    )
    key = "planned_only" if status == "planned" else "opened_late" if late else "opened"
    if code in region.recipe["opened_first"]:
        key = "opened_first"
    opened = day_between(*windows[key], region.seed, code, "opened")
    if status == "planned":
        return [{"status": "planned", "on": opened.isoformat()}]
    lead = dt.timedelta(days=30 + digest(region.seed, code, "lead") % 90)
    steps = [("planned", opened - lead), ("open", opened)]
    if status in {"paused", "closed"}:
        steps.append((status, day_between(*windows[status], region.seed, code, status)))
    elif not late and digest(region.seed, code, "pause") % 100 < region.recipe["pause_percent"]:
        paused = day_between(*windows["pause"], region.seed, code, "pause-day")
        back = paused + dt.timedelta(days=10 + digest(region.seed, code, "back") % 40)
        steps += [("paused", paused), ("open", back)] if paused > opened else []
    return [{"status": name, "on": day.isoformat()} for name, day in sorted(steps, key=by_day)]


def by_day(step: tuple[str, dt.date]) -> dt.date:
    """Order the steps of a history."""
    return step[1]


def plan_tier(region: Region, tier: str) -> Iterator[tuple[str, str]]:
    """Yield the county and venue of every outlet of a tier in order, counties taking turns."""
    recipe = region.recipe["tiers"][tier]
    queues: dict[str, list[str]] = {}
    for county, total in recipe["per_county"].items():
        counts = shares(recipe["venues"].get(county, recipe["venues"]["*"]), total)
        sorts = [(venue, i, count) for venue, count in counts.items() for i in range(count)]
        queues[county] = [v for v, i, n in sorted(sorts, key=lambda s: ((s[1] + 0.5) / s[2], s[0]))]
    if recipe.get("order") == "by_county":
        for county, venues in queues.items():
            yield from ((county, venue) for venue in venues)
        return
    slots = [
        ((i + 0.5) / len(venues), county, venue)
        for county, venues in queues.items()
        for i, venue in enumerate(venues)
    ]
    yield from ((county, venue) for _, county, venue in sorted(slots))


def fix_heads(region: Region, tier: str, planned: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Move the recipe's fixed outlets to their numbers, keeping every county's total."""
    fixed = region.recipe["tiers"][tier].get("fixed", {})
    rest = list(planned)
    heads = [(row["county"], row["venue"]) for row in fixed.values()]
    for head in heads:
        same_county = [p for p in rest if p[0] == head[0]]
        rest.remove(head if head in rest else same_county[-1])
    return heads + rest


def texts(region: Region, tier: str, n: int, county: str, venue: str) -> Row:
    """Write the name and address of the nth outlet of a tier."""
    town = region.town(county, n)
    names = region.recipe["tiers"][tier]["names"].get(venue) or region.recipe["names"][venue]
    zh, en = names[digest(region.seed, tier, county, venue, n) % len(names)]
    home = region.counties[county]
    place = {
        "town_zh": town["short_zh"],
        "town_en": town["short_en"],
        "county_zh": home["short_zh"],
        "county_en": home["short_en"],
    }
    zh, en = zh.format(**place), en.format(**place)
    number = region.used[zh] = region.used.get(zh, 0) + 1
    last_zh = f"{number}号" if number > 1 else ""
    last_en = f" {number}" if number > 1 else ""
    street, house = (
        1 + digest(region.seed, tier, n) % 9,
        1 + digest(region.seed, tier, n, "no") % 99,
    )
    name = {"name_zh": zh + last_zh + SUFFIX_ZH, "name_en": en + last_en + SUFFIX_EN}
    if venue == "online":
        where = {"address_zh": "线上" + SUFFIX_ZH, "address_en": "Online" + SUFFIX_EN}
        return {"town": None, **name, **where}
    return {
        "town": town["code"],
        **name,
        "address_zh": f"{region.city['name_zh']}{home['name_zh']}{town['name_zh']}"
        f"演示{street}街{house}号（演示地址）",
        "address_en": f"{house} Demo Street {street}, {town['name_en']}, {home['name_en']},"
        f" {region.city['short_en']} (demo address)",
    }


def story(region: Region, tier: str, n: int, row: Row) -> Row:
    """Write the two sentences of a hall or zone."""
    home = region.counties[row["county"]]
    goods_zh, goods_en = region.recipe["goods"][row["county"]]
    zh, en = pick(region.recipe["stories"][row["venue"]], region.seed, tier, n, "story")
    known = {
        "county_zh": home["short_zh"],
        "county_en": home["short_en"],
        "goods_zh": goods_zh,
        "goods_en": goods_en,
    }
    return {"story_zh": zh.format(**known), "story_en": en.format(**known)}


def outlet(region: Region, tier: str, n: int, site: tuple[str, str], status: str) -> Row:
    """Make the nth outlet of a tier."""
    recipe = region.recipe["tiers"][tier]
    county, venue = site
    code = recipe["code"].format(n=n)
    cabinet = recipe.get("vending_percent", {}).get(venue, 0)
    vending = digest(region.seed, code, "type") % 100 < cabinet
    row: Row = {
        "code": code,
        "gln": with_check_digit(
            f"{region.recipe['gln_prefix']}{TIER_DIGIT[tier]}"
            f"{n:0{11 - len(region.recipe['gln_prefix'])}d}"
        ),
        "slug": recipe["slug"].format(n=n),
        "tier": tier,
        "level": level(region, recipe, venue, n),
        "county": county,
        "operator": region.operator(venue, county),
        "mode": "online" if venue == "online" else "offline",
        "counter_type": ("vending" if vending else "shelf") if tier == "counter" else None,
        "status": status,
        "history": history(region, code, status),
        "hours": "00:00-24:00"
        if vending or venue == "online"
        else pick(region.recipe["hours"][venue], region.seed, code),
        "venue": venue,
        "demo": True,
    }
    row |= texts(region, tier, n, county, venue)
    row |= recipe.get("fixed", {}).get(str(n), {})
    if tier == "counter":
        return row
    return story(region, tier, n, row) | row


def level(region: Region, recipe: Row, venue: str, n: int) -> str | None:
    """Say who owns an outlet: the plan names no level for counters."""
    fixed: str | None = recipe["level"]
    if fixed != "mixed":
        return fixed
    city = venue in recipe["city_venues"] or (
        digest(region.seed, "level", n) % 100 < recipe["city_percent"]
    )
    return "city" if city else "county"


def make(folder: Path) -> list[Row]:
    """Make all outlets of a region, halls first."""
    region = Region.read(folder)
    rows: list[Row] = []
    for tier, recipe in region.recipe["tiers"].items():
        sites = fix_heads(region, tier, list(plan_tier(region, tier)))
        statuses = spread_statuses(region, tier, len(sites))
        if len(sites) != sum(recipe["statuses"].values()):
            raise SystemExit(f"{tier}: {len(sites)} outlets, but other numbers in its statuses")
        rows += [
            outlet(region, tier, n, site, status)
            for n, (site, status) in enumerate(zip(sites, statuses, strict=True), 1)
        ]
    return rows


def main(folders: Sequence[str]) -> None:
    """Write outlets.json in every folder named."""
    for name in folders or ["data/region"]:
        folder = Path(name)
        rows = make(folder)
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / "outlets.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        print(f"{folder}: {len(rows)} outlets")


if __name__ == "__main__":
    main(sys.argv[1:])
