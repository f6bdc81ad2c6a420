"""How values look on a page: money, time, quantities, languages, addresses of files and pages.

Templates get their filters and globals here and decide nothing themselves. Everything is read from
the running request, so nothing in this file may be used by a verb.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask, current_app, request
from flask_babel import get_locale
from markupsafe import Markup

LOCAL = ZoneInfo("Asia/Shanghai")
MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EM DASH}"
LANGUAGES = ("zh", "en")
FEN_IN_YUAN = 100
FEN_IN_WAN = 1_000_000
THOUSAND = 1000
UNITS = {
    "zh": {"g": "克", "kg": "千克", "mL": "毫升", "L": "升", "piece": "件"},
    "en": {"g": "g", "kg": "kg", "mL": "mL", "L": "L", "piece": ""},
}
LARGER_UNIT = {"g": "kg", "mL": "L"}


def lang() -> str:
    """Tell the language of this request: "zh" (also when nothing is known) or "en"."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def pick(thing: object, name: str) -> str:
    """Give `name_zh` or `name_en` of a row or mapping, in the reader's language.

    A text that is missing in that language is given in the other one; missing in both it is empty.
    """
    first = lang()
    for language in (first, *(other for other in LANGUAGES if other != first)):
        key = f"{name}_{language}"
        value = thing.get(key) if isinstance(thing, Mapping) else getattr(thing, key, None)
        if value:
            return str(value)
    return ""


def money(fen: int | None, *, grouped: bool = True) -> str:
    """Write integer fen as yuan with two places: 6800 → "68.00", 123456700 → "1,234,567.00"."""
    if fen is None:
        return UNKNOWN
    yuan, rest = divmod(abs(fen), FEN_IN_YUAN)
    whole = f"{yuan:,}" if grouped else str(yuan)
    return f"{MINUS if fen < 0 else ''}{whole}.{rest:02}"


def ten_thousands(fen: int | None) -> str:
    """Write integer fen in 万元 (ten thousand yuan) with one place: 71900000 → "71.9"."""
    if fen is None:
        return UNKNOWN
    tenths = (abs(fen) * 10 + FEN_IN_WAN // 2) // FEN_IN_WAN
    sign = MINUS if fen < 0 and tenths else ""
    return f"{sign}{tenths // 10:,}.{tenths % 10}"


def number(value: int | Decimal | None, places: int = 0) -> str:
    """Write a count with grouped thousands and a true minus sign."""
    if value is None:
        return UNKNOWN
    return f"{value:,.{places}f}".replace("-", MINUS)


def percent(part: int | None, whole: int | None, *, places: int = 1) -> str:
    """Write `part` of `whole` as a percentage.

    An empty whole has no share: it is written as unknown, never as 0 %.
    """
    if part is None or not whole:
        return UNKNOWN
    return f"{Decimal(part) * 100 / Decimal(whole):,.{places}f}%".replace("-", MINUS)


def quantity(value: int | None, unit: str = "piece", name: str | None = None) -> str:
    """Write an integer quantity in its base unit ("piece", "g", "mL") in the reader's language.

    From a thousand on, grams and millilitres become kilograms and litres; `name` replaces the
    unit's word (瓶, jars).
    """
    if value is None:
        return UNKNOWN
    larger = LARGER_UNIT.get(unit)
    if larger and abs(value) >= THOUSAND:
        amount = f"{Decimal(value) / THOUSAND:,.3f}".rstrip("0").rstrip(".")
        unit = larger
    else:
        amount = f"{value:,}"
    word = name if name is not None else UNITS[lang()].get(unit, unit)
    return f"{amount.replace('-', MINUS)} {word}".rstrip()


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone reached a page; times inside are aware and UTC")
    return moment.astimezone(LOCAL)


def local_date(moment: datetime | date | None, style: str = "long") -> str:
    """Write the Asia/Shanghai date of an aware time, or a plain date as it is.

    `style`: "long" (2026年11月23日, 23 Nov 2026), "short" (11月23日, 23 Nov), "iso" (2026-11-23).
    """
    if moment is None:
        return UNKNOWN
    day = _local(moment).date() if isinstance(moment, datetime) else moment
    if style == "iso":
        return day.isoformat()
    if lang() == "en":
        text = f"{day.day} {_ENGLISH_MONTHS[day.month - 1]}"
        return text if style == "short" else f"{text} {day.year}"
    text = f"{day.month}月{day.day}日"
    return text if style == "short" else f"{day.year}年{text}"


_ENGLISH_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def local_time(moment: datetime | None, style: str = "long") -> str:
    """Write the Asia/Shanghai date and minute of an aware time.

    `style`: as for `local_date`, and "clock" for the minute alone (10:42).
    """
    if moment is None:
        return UNKNOWN
    clock = _local(moment).strftime("%H:%M")
    return clock if style == "clock" else f"{local_date(moment, style)} {clock}"


def machine_time(moment: datetime | date | None) -> str:
    """Write what a `<time datetime>` attribute wants: an ISO date, or an ISO time in UTC."""
    if moment is None:
        return ""
    if isinstance(moment, datetime):
        return _local(moment).astimezone(UTC).isoformat(timespec="seconds")
    return moment.isoformat()


def page_url(**changes: str | int | None) -> str:
    """Give this page's address with some query arguments changed; None takes one away.

    Whatever is changed, the list starts again at its first page unless `page` is among the changes.
    """
    query = request.args.to_dict(flat=False)
    if "page" not in changes:
        query.pop("page", None)
    for key, value in changes.items():
        if value is None:
            query.pop(key, None)
        else:
            query[key] = [str(value)]
    return f"{request.path}?{urlencode(query, doseq=True)}" if query else request.path


def here() -> str:
    """Give the address to come back to: this page, or the start when this page was posted to."""
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def url_exists(endpoint: str) -> bool:
    """Tell whether a view with this name is part of the running program."""
    return endpoint in current_app.view_functions


def page_window(page: int, pages: int, around: int = 1) -> list[int | None]:
    """List the page numbers a pager shows; None stands for the numbers left out.

    The first, the last and `around` numbers on each side of `page` stay: 1 … 4 5 6 … 20.
    """
    kept = {1, pages, *range(max(1, page - around), min(pages, page + around) + 1)}
    return list(_with_gaps(sorted(kept)))


def _with_gaps(numbers: Sequence[int]) -> Iterator[int | None]:
    before = 0
    for each in numbers:
        if each - before == 2:  # noqa: PLR2004 -- one missing number is shorter than its ellipsis
            yield before + 1
        elif each - before > 1:
            yield None
        yield each
        before = each


@dataclass(frozen=True, slots=True)
class Bullet:
    """A bar of 100 units: `width` is reached, the plan's `tick` stands where it is due."""

    width: float
    tick: float


def bullet(value: float, aim: float) -> Bullet:
    """Scale a reached value and its plan so that the larger of the two fills the bar."""
    longest = max(value, aim, 1)
    return Bullet(round(100 * max(value, 0) / longest, 1), round(99 * max(aim, 0) / longest, 1))


def limit(value: float, bound: float, at_most: bool = True) -> Bullet:  # noqa: FBT001, FBT002 -- called from templates
    """Scale a test result and its bound so that a result on the safe side looks safe.

    An upper bound stands near the right end, a lower one at three fifths; a result beyond what the
    bar can show fills it.
    """
    tick = 90.0 if at_most else 60.0
    width = tick * max(value, 0) / bound if bound > 0 else 100.0
    return Bullet(round(min(width, 100.0), 1), tick)


@dataclass(frozen=True, slots=True)
class Descent:
    """A line through `spots` (x, y) on the schematic hillside of a trace page, 360 by 132."""

    line: str
    spots: list[tuple[float, float]]


def descent(count: int) -> Descent:
    """Place `count` stops, two or more, on the way from the ridge (west) to the town (east)."""
    first, last, top, bottom = 40, 322, 58, 108
    spots = []
    for i in range(count):
        part = i / max(1, count - 1)
        spots.append(
            (round(first + (last - first) * part, 1), round(top + (bottom - top) * part, 1))
        )
    line = f"M{spots[0][0]} {spots[0][1]}"
    for (ax, ay), (bx, by) in pairwise(spots):
        middle = round((ax + bx) / 2, 1)
        line += f"C{middle} {round(ay + 8, 1)} {middle} {round(by - 8, 1)} {bx} {by}"
    return Descent(line, spots)


def share(value: float, longest: float) -> float:
    """Give a bar's width from 0 to 100 for `value` where `longest` fills it."""
    return round(100 * max(value, 0) / longest, 1) if longest > 0 else 0.0


def shades(values: Sequence[float], steps: int = 4) -> list[int]:
    """Sort values into `steps` shades, 1 (pale) to `steps`, by equal parts of the largest."""
    largest = max(values, default=0)
    if largest <= 0:
        return [1 for _ in values]
    return [min(steps, 1 + int(steps * max(value, 0) / largest)) for value in values]


def asset(path: str) -> str:
    """Give the address of a file under static/ with its content's fingerprint.

    A name with a fragment (`img/icons.svg#ok`) keeps it. A file that is not there (vendor files
    before the build) gets no fingerprint.
    """
    name, mark, fragment = path.partition("#")
    folder = str(current_app.static_folder)
    stamp = _stamp(folder, name) if current_app.debug else 0
    version = _fingerprint(folder, name, stamp)
    query = f"?v={version}" if version else ""
    return f"{request.script_root}{current_app.static_url_path}/{name}{query}{mark}{fragment}"


def _stamp(folder: str, name: str) -> int:
    file = Path(folder, name)
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=1024)
def _fingerprint(folder: str, name: str, _stamp: int) -> str:
    file = Path(folder, name)
    if not file.is_file():
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def styles(*layers: str) -> Markup:
    """Give the links of style sheets under static/css/, in the order of their layers."""
    link = Markup('<link rel="stylesheet" href="{}">')
    return Markup("\n").join(link.format(asset(f"css/{layer}.css")) for layer in layers)


def _request_nonce() -> str:
    nonce: str = request.environ.setdefault("shanhuo.csp_nonce", secrets.token_urlsafe(16))
    return nonce


def init_presentation(app: Flask) -> None:
    """Register filters and globals on `app`; call it after Babel and whatever brings a nonce.

    Names that a door or the frame gives by itself (`csp_nonce`, `demo_mode`, `nav_items`, …) are
    only filled in here where nobody else did.
    """
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    filters: dict[str, Any] = {
        "money": money,
        "ten_thousands": ten_thousands,
        "number": number,
        "percent": percent,
        "quantity": quantity,
        "local_date": local_date,
        "local_time": local_time,
        "machine_time": machine_time,
    }
    app.jinja_env.filters.update(filters)
    functions: dict[str, Any] = {
        "asset": asset,
        "styles": styles,
        "lang": lang,
        "pick": pick,
        "page_url": page_url,
        "here": here,
        "url_exists": url_exists,
        "page_window": page_window,
        "bullet": bullet,
        "share": share,
        "shades": shades,
        "limit": limit,
        "descent": descent,
        "label_point": label_point,
    }
    app.jinja_env.globals.update(functions)
    fallbacks: dict[str, Any] = {
        "csp_nonce": _request_nonce,
        "demo_mode": False,
        "home_url": "/",
        "nav_items": (),
        "tab_items": (),
        "account_items": (),
        "footer_links": (),
    }
    for name, value in fallbacks.items():
        app.jinja_env.globals.setdefault(name, value)


Point = tuple[float, float]


@lru_cache(maxsize=64)
def label_point(path: str) -> Point:
    """Find where a name fits best in an SVG outline made of absolute M, L and Z.

    Gives the middle of the widest free place: the grid point farthest from every side.
    """
    rings = _rings(path)
    points = [point for ring in rings for point in ring]
    if not points:
        return (0.0, 0.0)
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    sides = [(a, b) for ring in rings for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
    steps = 24
    best, best_room = ((left + right) / 2, (top + bottom) / 2), -1.0
    for i in range(1, steps):
        for j in range(1, steps):
            point = (left + (right - left) * i / steps, top + (bottom - top) * j / steps)
            if _inside(point, sides):
                room = min(_distance(point, a, b) for a, b in sides)
                if room > best_room:
                    best, best_room = point, room
    return (round(best[0], 1), round(best[1], 1))


def _rings(path: str) -> list[list[Point]]:
    rings = []
    for part in path.replace("Z", " ").replace("L", " ").replace(",", " ").split("M"):
        values = [float(each) for each in part.split()]
        if values:
            rings.append(list(zip(values[::2], values[1::2], strict=True)))
    return rings


def _inside(point: Point, sides: Sequence[tuple[Point, Point]]) -> bool:
    x, y = point
    crossed = 0
    for (ax, ay), (bx, by) in sides:
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            crossed += 1
    return crossed % 2 == 1


def _distance(point: Point, a: Point, b: Point) -> float:
    length = (b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2
    along = 0.0
    if length:
        along = ((point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])) / length
        along = min(1.0, max(0.0, along))
    return float(
        (
            (point[0] - a[0] - along * (b[0] - a[0])) ** 2
            + (point[1] - a[1] - along * (b[1] - a[1])) ** 2
        )
        ** 0.5
    )
