"""What is linked to the thing that a Digital Link names, at each of its levels."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, bindparam, or_, select
from sqlalchemy.orm import Session

from foundation.db import core
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from traceability.digital_link import Element
from traceability.resolver.models import ResolverLink
from traceability.resolver.rules import Level, Link, levels_of, path_text

LINKED_DATA: Final = "application/ld+json"
PAGE: Final = "text/html"
BOTH: Final = ("zh", "en")

_LINK = ResolverLink.__table__.c
MOST_LEVELS: Final = 6
"""As many entities as links of one thing may hang on; an IN would be spelled out on every run."""
_STANDING: Final = (
    select(
        _LINK.path,
        _LINK.link_type,
        _LINK.href,
        _LINK.title_zh,
        _LINK.title_en,
        _LINK.hreflang,
        _LINK.media_type,
        _LINK.role,
    )
    .where(
        or_(*(_LINK.path == bindparam(f"path{i}") for i in range(MOST_LEVELS))),
        _LINK.retired_at.is_(None),
        _LINK.active_from <= bindparam("now"),
        or_(_LINK.active_until.is_(None), _LINK.active_until > bindparam("now")),
    )
    .order_by(_LINK.id)
)


class Words(NamedTuple):
    """Titles of our own pages in the reader's language, whose tag is `language`."""

    language: str
    page: str
    story: str
    records: str
    recall: str


class Known(NamedTuple):
    """What the ledger knows of a thing: its name, and which of lot and unit are recorded."""

    name_zh: str
    name_en: str
    lot: bool
    unit: bool


def standing_links(
    session: Session, path: Sequence[Element], *, now: datetime
) -> dict[tuple[Element, ...], list[Row[Any]]]:
    """Give the set links of a thing by level, the most granular level first."""
    levels = {path_text(level): level for level in levels_of(path)}
    found: dict[tuple[Element, ...], list[Row[Any]]] = {level: [] for level in levels.values()}
    asked = [*levels, *repeat(path_text(path), MOST_LEVELS - len(levels))]
    given = {f"path{i}": asked[i] for i in range(MOST_LEVELS)}
    for row in core(session).execute(_STANDING, given | {"now": now}).all():
        found[levels[row.path]].append(row)
    return found


def known(session: Session, path: Sequence[Element]) -> Known | None:
    """Give what the ledger knows of a trade item, its lot and unit, or of a case; else None."""
    given = dict(path)
    if "235" in given:
        return None
    if "00" in given:
        case = session.execute(
            select(Sku.name_zh, Product.name_zh, Sku.name_en, Product.name_en)
            .join(Product, Product.id == Sku.product_id)
            .join(Lot, Lot.sku_id == Sku.id)
            .join(LogisticUnit, LogisticUnit.lot_id == Lot.id)
            .where(LogisticUnit.sscc == given["00"])
        ).first()
        return Known(case[0] or case[1], case[2] or case[3], lot=True, unit=True) if case else None
    if "01" not in given:
        return None
    lot = select(Lot.id).where(Lot.sku_id == Sku.id, Lot.lot_no == given.get("10", "")).exists()
    unit = (
        select(Serial.id)
        .where(Serial.sku_id == Sku.id, Serial.serial == given.get("21", ""))
        .exists()
    )
    row = session.execute(
        select(Sku.name_zh, Product.name_zh, Sku.name_en, Product.name_en, lot, unit)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.gtin == given["01"])
    ).first()
    return Known(row[0] or row[1], row[2] or row[3], bool(row[4]), bool(row[5])) if row else None


def levels(
    session: Session,
    path: Sequence[Element],
    *,
    base: str,
    pages: str,
    words: Words,
    now: datetime,
) -> list[Level]:
    """Give every level that has links, the most granular first; the union of 2.5.9, rule 4.

    `base` is scheme and host of the request, `pages` what our own pages' addresses begin with.
    The first level's anchor is the URI that was asked for, so that a lot that stands beside a
    serial stays in it.
    """
    set_links = standing_links(session, path, now=now)
    ours = known(session, path)
    asked = path_text(path)
    out = []
    for place, (level, rows) in enumerate(set_links.items()):
        about = asked if place == 0 else path_text(level)
        links = [_link(row, words.language) for row in rows]
        default = next((link for link in links if link.role == "default"), None)
        if ours is not None:
            own = _own_links(level, ours, pages + about, words, first=place == 0)
            taken = {link.type_name for link in links}
            links += [link for link in own if link.type_name not in taken]
            if default is None and own:
                default = own[0]
        if links:
            out.append(Level(base + about, _description(level, ours, words), tuple(links), default))
    return out


def _link(row: Row[Any], language: str) -> Link:
    return Link(
        row.link_type,
        row.href,
        row.title_en if language == "en" else row.title_zh,
        tuple(tag for tag in row.hreflang.split(",") if tag),
        row.media_type,
        row.role,
    )


def _own_links(
    level: Sequence[Element], ours: Known, address: str, words: Words, *, first: bool
) -> list[Link]:
    """Give our own pages about a level: the story, and the records if there are any."""
    ais = {ai for ai, _value in level}
    recorded = "00" in ais or ("21" in ais and ours.unit) or ("10" in ais and ours.lot)
    if len(level) > 1 and not (recorded or first):
        return []
    story = Link("traceability", address, words.story, BOTH, PAGE)
    own = [story, Link("pip", address, words.page, BOTH, PAGE)]
    if recorded:
        own.append(Link("epcis", f"{address}?format=json", words.records, (), LINKED_DATA))
        own.append(Link("recallStatus", address, words.recall, BOTH, PAGE))
    return own


def _description(level: Sequence[Element], ours: Known | None, words: Words) -> str:
    given = [value for _ai, value in level[1:]]
    if ours is None:
        return " ".join(value for _ai, value in level)
    name = ours.name_en if words.language == "en" else ours.name_zh
    return " ".join([name or ours.name_zh, *given])


def default_of(found: Sequence[Level]) -> Link | None:
    """Give the default link: that of the most granular level which has one (2.5.9)."""
    return next((level.default for level in found if level.default), None)


def variants_of(found: Sequence[Level]) -> tuple[Link, ...]:
    """Give the variants of the level that the default link is of."""
    return next((level.variants for level in found if level.default), ())


def of_type(found: Sequence[Level], name: str) -> tuple[Link, ...]:
    """Give the links of a type at the most granular level that has any."""
    return next((links for level in found if (links := level.of_type(name))), ())


def has_own_default(set_links: Mapping[tuple[Element, ...], Sequence[Row[Any]]]) -> bool:
    """Tell whether somebody set a default, or variants of it, for the very thing asked about."""
    first = next(iter(set_links.values()), ())
    return any(row.role != "plain" for row in first)
