"""The overview, put together from the totals; templates only lay it out."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext

from admin.figures import FEN_IN_WAN, UNKNOWN, change, local, shown, wan
from admin.forms import SalesFilter
from admin.words import CHANNELS, TIERS, word
from insight.reach import Reach
from insight.rollups.rules import Cell, DayCell, Total, buckets, fold, households, into_buckets
from parties.network.models import County
from parties.network.queries import TierProgress
from parties.network.rules import shown_households

MOST_ROWS = 10


class Tile(NamedTuple):
    """One figure against the plan."""

    label: str
    open: int
    aim: int
    foot: str
    href: str
    all: bool = False


class Ranked(NamedTuple):
    """One row of a ranking."""

    label: str
    href: str
    amount_fen: int
    quantity: int
    change: str
    households: str = ""
    outlets: int | None = 0
    """None: not for this reader to see."""
    outlets_href: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking and what all of it adds up to."""

    rows: list[Ranked]
    total: Ranked
    more: int = 0

    @property
    def longest(self) -> int:
        """Give the largest amount, which fills the bar."""
        return max((row.amount_fen for row in self.rows), default=0)


def tiles(progress: Sequence[TierProgress], county: str | None) -> list[Tile]:
    """Give plan against reality: all tiers together, then each.

    The plan sets no figures for a single county; there, what is registered is the aim.
    """

    def aim(tier: TierProgress) -> int:
        return sum(tier.by_status.values()) if county else tier.target

    every = TierProgress("", "", "", sum(aim(t) for t in progress), {})
    for tier in progress:
        for status, count in tier.by_status.items():
            every.by_status[status] = every.by_status.get(status, 0) + count
    link: dict[str, Any] = {"status": "open", "county": county}
    found = [
        Tile(
            gettext("Halls, zones and counters"),
            every.open,
            every.target,
            _foot(every, every.target, whole=True),
            url_for("admin.outlets", **link),
            all=True,
        )
    ]
    found += [
        Tile(
            word(TIERS, tier.tier),
            tier.open,
            aim(tier),
            _foot(tier, aim(tier)),
            url_for("admin.outlets", tier=tier.tier, **link),
        )
        for tier in progress
        if aim(tier)
    ]
    return found


def _foot(tier: TierProgress, aim: int, *, whole: bool = False) -> str:
    lacking, planned = aim - tier.open, tier.by_status.get("planned", 0)
    if lacking <= 0:
        return str(gettext("Target reached"))
    if whole:
        share = tier.open * 100 // max(aim, 1)
        return str(
            gettext("%(percent)s open, %(lacking)s to go", percent=f"{share}%", lacking=lacking)
        )
    if planned:
        return str(
            gettext("%(lacking)s to go, %(planned)s being set up", lacking=lacking, planned=planned)
        )
    return str(gettext("%(lacking)s to go", lacking=lacking))


@dataclass(frozen=True, slots=True)
class Sums:
    """Cells of a period and of the one before, and how to link to what is behind them."""

    asked: SalesFilter
    now: Sequence[Cell]
    earlier: Sequence[Cell]
    linked: Mapping[int, int]
    """Linked households by supplier id."""

    def link(self, **changes: Any) -> str:
        """Give the address of the sale lines behind a figure."""
        return url_for("admin.sales", **self.asked.args(**changes))

    def ranking(
        self,
        by: Callable[[Cell], Hashable],
        named: Mapping[Any, str],
        argument: Callable[[Any], dict[str, Any]],
        *,
        every: bool = False,
        most: int | None = None,
    ) -> Ranking:
        """Rank by a dimension; `named` names its values, `argument` narrows the link to one."""
        totals = fold(self.now, self.earlier, by)
        if every:
            for key in named:
                totals.setdefault(key, Total())
        rows = [
            self._ranked(named.get(key, str(key)), total, self.link(**argument(key)))
            for key, total in totals.items()
            if every or total.amount_fen
        ]
        return Ranking(rows[:most], self.total(), max(0, len(rows) - most) if most else 0)

    def _ranked(self, label: str, total: Total, href: str) -> Ranked:
        count = households(total.suppliers, self.linked)
        return Ranked(
            label,
            href,
            total.amount_fen,
            total.quantity,
            change(total.amount_fen, total.before_fen),
            shown(shown_households(count)) if total.suppliers else "0",
        )

    def total(self) -> Ranked:
        """Give the sum of everything."""
        whole = fold(self.now, self.earlier, lambda _: "").get("", Total())
        return self._ranked(gettext("Total"), whole, self.link())

    def counties(
        self, counties: Sequence[County], by: str, outlets: Mapping[str, int], reach: Reach
    ) -> tuple[Ranking, list[dict[str, Any]]]:
        """Rank the counties by their goods (`county`) or their outlets (`at`); give the map too.

        Beyond reach nothing but the sales is told: households and outlets are others' business.
        """
        key: Callable[[Cell], str] = (
            (lambda c: c.outlet_county or "") if by == "at" else lambda c: c.origin_county
        )
        totals = fold(self.now, self.earlier, key)
        for county in counties:
            totals.setdefault(county.code, Total())
        named = {county.code: county for county in counties}
        rows, visible = [], 0
        for code, total in totals.items():
            if code not in named:
                continue
            row = self._ranked(local(named[code]), total, self.link(**{by: code}))
            if not reach.covers(code):
                rows.append(row._replace(households=UNKNOWN, outlets=None))
                continue
            visible += shown_households(households(total.suppliers, self.linked)) or 0
            rows.append(
                row._replace(
                    outlets=outlets.get(code, 0),
                    outlets_href=url_for("admin.outlets", county=code, status="open"),
                )
            )
        whole = self.total()._replace(outlets=sum(outlets.values()))
        if by != "at" or not reach.whole:
            # Only what is shown is added up, or a hidden count could be worked out.
            whole = whole._replace(households=f"{visible:,}")
        ranking = Ranking(
            rows, whole._replace(outlets_href=url_for("admin.outlets", status="open"))
        )
        return ranking, _cells(counties, totals, self.link, by)

    def chart(self, days: Sequence[DayCell]) -> dict[str, Any]:
        """Give the chart of sales by day, or by month for a long period, split by channel."""
        cut = buckets(self.asked.slice.first, self.asked.slice.last)
        by_day = all(bucket.first == bucket.last for bucket in cut)
        return {
            "kind": "bar",
            "stacked": True,
            "axis": gettext("Day") if by_day else gettext("Month"),
            "unit": gettext("10,000 yuan"),
            "places": 2,
            "labels": [
                f"{b.first.month}-{b.first.day}" if by_day else f"{b.first.year}-{b.first.month:02}"
                for b in cut
            ],
            "series": [
                {
                    "name": word(CHANNELS, channel),
                    "values": [wan(fen) for fen in into_buckets(days, cut, channel)],
                }
                for channel in CHANNELS
            ],
            "links": [
                self.link(**{"from": b.first.isoformat(), "to": b.last.isoformat()}) for b in cut
            ],
        }


def _cells(
    counties: Sequence[County], totals: Mapping[str, Total], link: Callable[..., str], by: str
) -> list[dict[str, Any]]:
    amounts = [totals[county.code].amount_fen for county in counties]
    top = max(amounts, default=0)
    return [
        {
            "code": county.code,
            "name": local(county),
            "shape": county.shape,
            "x": county.label_x,
            "y": county.label_y,
            "text": f"{amount / FEN_IN_WAN:,.{_places(top)}f}",
            "level": 1 if top <= 0 else min(4, 1 + 4 * amount // top),
            "href": link(**{by: county.code}),
        }
        for county, amount in zip(counties, amounts, strict=True)
    ]


def _places(top: int) -> int:
    """Give how many places amounts need on the map: under 10 (10,000 yuan) a second one."""
    return 1 if top >= 10 * FEN_IN_WAN else 2


def legend(amounts: Sequence[int]) -> list[str]:
    """Name the four shades of the map in ten thousand yuan."""
    top = max(amounts, default=0)
    if top <= 0:
        return []
    places = _places(top)
    cuts = [f"{top * n / 4 / FEN_IN_WAN:,.{places}f}" for n in (1, 2, 3)]
    return [
        gettext("under %(amount)s", amount=cuts[0]),
        f"{cuts[0]}–{cuts[1]}",
        f"{cuts[1]}–{cuts[2]}",
        gettext("%(amount)s and over", amount=cuts[2]),
    ]
