"""A lot's balance as a flow picture: ribbons as wide as what they carry, laid out without a script.

The picture is drawn by the server so that it is there on every device and in print; the table
beneath it says the same in words and figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from flask_babel import get_locale, gettext

from traceability.balance.queries import Chain, Kin, LotBalance, Stream

WIDTH = 720
BAR = 14
LEFT, MIDDLE, RIGHT = 188, 353, 518
"""Where the three columns of bars begin."""
TALL = 240
"""What the lot's own bar measures."""
SLOT, GAP, TOP = 36, 10, 34
"""Room for a label of two lines, the space between bars, and the room above for the lot's name."""
LOOKS = {
    "lot": "lot",
    "harvested": "lot",
    "taken_back": "lot",
    "found": "unsure",
    "missing": "unsure",
    "gap": "unsure",
    "lost": "lost",
    "destroyed": "lost",
    "sold": "sold",
    "on_shelf": "here",
    "in_transit": "here",
    "at_supplier": "here",
}
MOST_LABEL = 13


class Bar(NamedTuple):
    """One end of a ribbon, with what stands beside it; px of the picture."""

    x: int
    y: int
    height: int
    label: str
    note: str
    """The other lot's number, where there is one."""
    amount: int
    look: str
    text_y: int


class Ribbon(NamedTuple):
    """What flows between a bar and the lot."""

    path: str
    look: str


class Row(NamedTuple):
    """One line of the table."""

    inward: bool
    label: str
    lot: Kin | None
    amount: int
    native: int | None
    look: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A flow picture and its table."""

    width: int
    height: int
    lot: Bar
    bars: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]
    rows: tuple[Row, ...]
    made_lots: int
    """How many lots were made from it, near and far."""
    chain: tuple[tuple[str, int, str], ...]
    """Of what came in, over everything made from it: (words, base units, look of a badge)."""

    @property
    def sides(self) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
        """Give the table's lines that came in, and those that went out."""
        return (
            tuple(row for row in self.rows if row.inward),
            tuple(row for row in self.rows if not row.inward),
        )


def word_of(code: str, *, raw: bool = False) -> str:
    """Name what a stream is."""
    words: dict[str, str] = {
        "harvested": gettext("Harvested or taken in")
        if raw
        else gettext("Taken in from elsewhere"),
        "taken_back": gettext("Taken back from buyers"),
        "found": gettext("Unexplained: booked in late"),
        "missing": gettext("Unexplained: counted out"),
        "gap": gettext("Unexplained: the books do not close"),
        "lost": gettext("Lost in the making"),
        "destroyed": gettext("Destroyed"),
        "sold": gettext("Sold"),
        "on_shelf": gettext("On shelves"),
        "in_transit": gettext("On the way"),
        "at_supplier": gettext("With the supplier"),
    }
    return words[code]


def picture_of(balance: LotBalance) -> Picture:
    """Lay a lot's balance out."""
    into, out = balance.inflows, balance.outflows
    total = max(_total(into), _total(out), Fraction(1))
    scale = Fraction(TALL) / total
    left, left_height = _column(into, LEFT, scale, raw=balance.lot.raw)
    right, right_height = _column(out, RIGHT, scale, raw=balance.lot.raw)
    height = TOP + max(left_height, right_height, TALL + 2 * GAP) + GAP
    middle = TOP + (height - TOP - TALL) // 2
    lot = Bar(MIDDLE, middle, TALL, balance.lot.lot_no, "", int(total), "self", middle - 12)
    ribbons = [
        *_ribbons(left, into, scale, middle, inward=True),
        *_ribbons(right, out, scale, middle, inward=False),
    ]
    rows = [_row(one, inward=True, raw=balance.lot.raw) for one in into]
    rows += [_row(one, inward=False, raw=balance.lot.raw) for one in out]
    return Picture(
        WIDTH,
        height,
        lot,
        (*left, *right),
        tuple(ribbons),
        tuple(rows),
        balance.chain.lots - 1,
        _chain(balance.chain) if balance.chain.lots > 1 else (),
    )


def _chain(chain: Chain) -> tuple[tuple[str, int, str], ...]:
    return (
        (gettext("Came in"), round(chain.came), ""),
        (gettext("Sold"), round(chain.sold), ""),
        (gettext("There now"), round(chain.on_hand), ""),
        (gettext("Lost in the making or destroyed"), round(chain.lost), ""),
        (gettext("Unexplained"), round(chain.unexplained), "trace" if chain.closes else "unsure"),
    )


def _total(streams: Sequence[Stream]) -> Fraction:
    return sum((stream.amount for stream in streams), Fraction(0))


def _named(stream: Stream, *, raw: bool) -> str:
    if stream.lot is None:
        return word_of(stream.code, raw=raw)
    locale = get_locale()
    english = locale is not None and locale.language == "en"
    name = stream.lot.name_en if english else stream.lot.name_zh
    return name or stream.lot.name_zh


def _short(text: str) -> str:
    room = MOST_LABEL if any(ord(letter) > 0x2E80 for letter in text) else 2 * MOST_LABEL  # noqa: PLR2004 -- Chinese begins here
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _column(
    streams: Sequence[Stream], x: int, scale: Fraction, *, raw: bool
) -> tuple[list[Bar], int]:
    bars: list[Bar] = []
    y = TOP
    for stream in streams:
        height = max(2, round(stream.amount * scale))
        slot = max(SLOT, height)
        top = y + (slot - height) // 2
        bars.append(
            Bar(
                x,
                top,
                height,
                _short(_named(stream, raw=raw)),
                stream.lot.lot_no if stream.lot else "",
                round(stream.amount),
                LOOKS[stream.code],
                y + slot // 2,
            )
        )
        y += slot + GAP
    return bars, y - TOP


def _ribbons(
    bars: Sequence[Bar], streams: Sequence[Stream], scale: Fraction, middle: int, *, inward: bool
) -> list[Ribbon]:
    ribbons = []
    at = Fraction(middle)
    for bar, stream in zip(bars, streams, strict=True):
        width = stream.amount * scale
        top, bottom = round(at), max(round(at) + 2, round(at + width))
        at += width
        x1, x2 = (LEFT + BAR, MIDDLE) if inward else (MIDDLE + BAR, RIGHT)
        one, other = ((bar.y, bar.y + bar.height), (top, bottom))
        (a1, b1), (a2, b2) = (one, other) if inward else (other, one)
        bend = (x1 + x2) // 2
        path = (
            f"M{x1} {a1}C{bend} {a1} {bend} {a2} {x2} {a2}V{b2}C{bend} {b2} {bend} {b1} {x1} {b1}Z"
        )
        ribbons.append(Ribbon(path, bar.look))
    return ribbons


def _row(stream: Stream, *, inward: bool, raw: bool) -> Row:
    return Row(
        inward,
        _named(stream, raw=raw),
        stream.lot,
        round(stream.amount),
        round(stream.native) if stream.native is not None else None,
        LOOKS[stream.code],
    )
