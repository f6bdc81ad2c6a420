"""Outlets and suppliers as the storefront shows them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from foundation.db import core
from foundation.paging import Page, page_of
from goods.catalogue.models import Assortment, ComplianceClass, Product
from goods.catalogue.queries import VISIBLE, escaped
from parties.network.models import County, Organisation, Outlet, Place, Region
from trade.orders.services.carts import SHOP_TIERS


class CountyRow(NamedTuple):
    """A county as a slip on the ridge or an entry of a filter."""

    code: str
    name_zh: str
    name_en: str
    short_zh: str
    short_en: str
    specialities: list[dict[str, str]]


COUNTIES = select(
    County.code,
    County.name_zh,
    County.name_en,
    County.short_zh,
    County.short_en,
    County.specialities,
).order_by(County.map_order, County.code)


def counties(session: Session) -> list[CountyRow]:
    """Give the counties from west to east."""
    return [CountyRow(*row) for row in core(session).execute(COUNTIES).all()]


class Suppliers(NamedTuple):
    """How many suppliers have goods on the shelf, and whom they stand for; only counts."""

    sellers: int
    members: int
    linked: int


def suppliers(session: Session) -> Suppliers:
    """Count the suppliers of what is on sale. One statement."""
    selling = (
        exists()
        .where(Product.supplier_id == Organisation.id, VISIBLE)
        .where(ComplianceClass.code == Product.compliance_code)
    )
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Organisation.member_households), 0),
            func.coalesce(func.sum(Organisation.linked_households), 0),
        ).where(Organisation.role == "supplier", selling)
    ).one()
    return Suppliers(int(row[0]), int(row[1]), int(row[2]))


class OutletRow(NamedTuple):
    """An outlet in a list."""

    place_id: int
    slug: str
    code: str
    tier: str
    level: str | None
    mode: str
    counter_type: str | None
    status: str
    name_zh: str
    name_en: str
    hours: str
    county_code: str | None
    county_zh: str | None
    county_en: str | None
    address_zh: str
    address_en: str

    @property
    def has_page(self) -> bool:
        """Tell whether the outlet has a shop page of its own: halls and zones that are open."""
        return self.tier in SHOP_TIERS and self.status == "open"


OUTLET_ROWS = (
    select(
        Outlet.place_id,
        Outlet.slug,
        Outlet.code,
        Outlet.tier,
        Outlet.level,
        Outlet.mode,
        Outlet.counter_type,
        Outlet.status,
        Outlet.name_zh,
        Outlet.name_en,
        Outlet.hours,
        Outlet.county_code,
        County.short_zh,
        County.short_en,
        Place.address_zh,
        Place.address_en,
    )
    .join(Place, Place.id == Outlet.place_id)
    .outerjoin(County, County.code == Outlet.county_code)
)


@dataclass(frozen=True, slots=True)
class OutletWish:
    """What somebody looks for among the outlets."""

    tier: str | None = None
    county: str | None = None
    words: tuple[str, ...] = ()


def outlets(session: Session, wish: OutletWish, *, number: int = 1, size: int = 24) -> Page:
    """Give one page of the outlets that are open, halls first. Two statements."""
    query = OUTLET_ROWS.where(Outlet.status == "open")
    if wish.tier:
        query = query.where(Outlet.tier == wish.tier)
    if wish.county:
        query = query.where(Outlet.county_code == wish.county)
    for word in wish.words:
        text = func.lower(
            Outlet.name_zh + " " + Outlet.name_en + " " + Place.address_zh + " " + Place.address_en
        )
        query = query.where(text.like(f"%{escaped(word)}%", escape="\\"))
    order = query.order_by(
        Outlet.tier != "city_hall",
        Outlet.tier != "county_hall",
        Outlet.tier != "zone",
        Outlet.mode,
        Outlet.code,
    )
    page = page_of(session, order, number=number, size=size)
    return Page([OutletRow(*row) for row in page.items], page.number, page.size, page.total)


def some_outlets(session: Session) -> list[OutletRow]:
    """Give one open place of each tier that can be walked into. One statement."""
    first = (
        select(func.min(Outlet.place_id))
        .where(Outlet.status == "open", Outlet.mode == "offline")
        .group_by(Outlet.tier)
    )
    rows = session.execute(
        OUTLET_ROWS.where(Outlet.place_id.in_(first)).order_by(
            Outlet.tier != "city_hall", Outlet.tier != "county_hall", Outlet.tier != "zone"
        )
    )
    return [OutletRow(*row) for row in rows]


class OutletFacts(NamedTuple):
    """A hall's or zone's own page."""

    row: OutletRow
    story_zh: str
    story_en: str
    operator_zh: str
    operator_en: str
    own_assortment: bool
    demo: bool


OUTLET_FACTS = (
    OUTLET_ROWS.add_columns(
        Outlet.story_zh,
        Outlet.story_en,
        Organisation.name_zh,
        Organisation.name_en,
        exists().where(Assortment.place_id == Outlet.place_id),
        Outlet.demo,
    )
    .join(Organisation, Organisation.id == Outlet.operator_id)
    .where(Outlet.slug == bindparam("slug"), Outlet.tier.in_(SHOP_TIERS), Outlet.status == "open")
)


def outlet_page(session: Session, slug: str) -> OutletFacts | None:
    """Give a hall or zone that is open, by its slug; None for any other. One statement."""
    row = core(session).execute(OUTLET_FACTS, {"slug": slug}).first()
    if row is None:
        return None
    width = len(OutletRow._fields)
    rest: tuple[Any, ...] = tuple(row[width:])
    return OutletFacts(OutletRow(*row[:width]), *rest)


def shop_outlets(session: Session) -> list[OutletRow]:
    """Give every hall and zone that is open, to choose from. One statement."""
    rows = session.execute(
        OUTLET_ROWS.where(Outlet.status == "open", Outlet.tier.in_(SHOP_TIERS)).order_by(
            Outlet.tier != "city_hall",
            Outlet.tier != "county_hall",
            Outlet.county_code,
            Outlet.code,
        )
    )
    return [OutletRow(*row) for row in rows]


def named_outlet(session: Session, slug: str, place_id: int | None) -> OutletRow | None:
    """Give the hall or zone an order is to name: by slug, else by id, else the default one.

    One that has closed meanwhile counts as not named. At most two statements.
    """
    named = OUTLET_ROWS.where(Outlet.status == "open", Outlet.tier.in_(SHOP_TIERS))
    rows = session.execute(
        named.where((Outlet.slug == slug) | (Outlet.place_id == (place_id or 0)))
    ).all()
    found = [OutletRow(*row) for row in rows]
    by_slug = next((one for one in found if one.slug == slug), None)
    if by_slug is not None or found:
        return by_slug or found[0]
    row = session.execute(
        OUTLET_ROWS.join(Region, Region.default_outlet_code == Outlet.code)
    ).first()
    return OutletRow(*row) if row is not None else None


class Licence(NamedTuple):
    """An organisation that sells or runs the platform, and its numbers."""

    role: str
    name_zh: str
    name_en: str
    uscc: str
    food_licence: str | None
    demo: bool


def licences(session: Session) -> list[Licence]:
    """Give the platform's operator, then every supplier of goods on sale. One statement."""
    selling = (
        exists()
        .where(Product.supplier_id == Organisation.id, VISIBLE)
        .where(ComplianceClass.code == Product.compliance_code)
    )
    rows = session.execute(
        select(
            Organisation.role,
            Organisation.name_zh,
            Organisation.name_en,
            Organisation.uscc,
            Organisation.food_licence,
            Organisation.demo,
        )
        .where((Organisation.role == "platform_operator") | selling)
        .order_by(Organisation.role != "platform_operator", Organisation.code)
    )
    return [Licence(*row) for row in rows]
