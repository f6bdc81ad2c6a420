"""Questions to the catalogue: what is on the shelves, and one product with its packs.

Everything a shopper may see passes `VISIBLE`: published, meant for retail, in a class that may be
sold to consumers. Rows come as small tuples, never as mapped objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from foundation.db import core
from goods.catalogue.models import (
    Assortment,
    Category,
    ComplianceClass,
    Product,
    ReturnPolicy,
    Sku,
)
from goods.catalogue.rules import Wish
from parties.network.models import County, Organisation

VISIBLE = and_(
    Product.status == "published",
    Product.retail_visible,
    ComplianceClass.retail,
)
"""With `ComplianceClass` joined: what a shopper may see at all."""

ON_SHELF = and_(Sku.active, ~Sku.raw)
"""Packs that a shopper may see; raw materials never."""

LOWEST = (
    select(func.min(Sku.price_fen))
    .where(Sku.product_id == Product.id, ON_SHELF)
    .correlate(Product)
    .scalar_subquery()
)


class Listed(NamedTuple):
    """One product on a shelf, as the list statement gives it; `total` counts the whole list."""

    id: int
    code: str
    name_zh: str
    name_en: str
    county_code: str
    county_zh: str
    county_en: str
    supplier_id: int
    supplier_zh: str
    supplier_en: str
    category_code: str
    illustration: str
    ground: str
    storage_class: str
    lowest_fen: int
    total: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of listed products."""

    items: tuple[Listed, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """Give how many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def has_next(self) -> bool:
        """Tell whether a page follows."""
        return self.number < self.pages


def shelf(
    session: Session,
    wish: Wish,
    *,
    number: int = 1,
    size: int = 24,
    month: int = 1,
    only: ColumnElement[bool] | None = None,
    only_values: dict[str, Any] | None = None,
) -> Shelf:
    """Give one page of what fits `wish`: one statement, two when `number` is beyond the last.

    `month` (1 to 12) puts goods in season first where nothing else decides. `only` narrows the
    list further by what other rooms know (stock); it names its parameters in `only_values`.
    """
    statement = _list_statement(_shape(wish), len(wish.words))
    if only is not None:
        statement = statement.where(only)
    values: dict[str, Any] = {
        "size": size,
        "month": f"% {month},%",
        "county": wish.county,
        "category": wish.category,
        "place": wish.place_id,
        "supplier": wish.supplier_id,
        "least": wish.least_fen,
        "most": wish.most_fen,
        **(only_values or {}),
    }
    for i, word in enumerate(wish.words):
        values[f"word{i}"] = f"%{escaped(word)}%"
    number = max(1, number)
    rows = core(session).execute(statement, values | {"skipped": (number - 1) * size}).all()
    if not rows and number > 1:
        first = core(session).execute(statement, values | {"skipped": 0}).all()
        total = first[0].total if first else 0
        number = max(1, -(-total // size))
        rows = first
        if number > 1:
            rows = core(session).execute(statement, values | {"skipped": (number - 1) * size}).all()
    items = tuple(Listed(*row) for row in rows)
    return Shelf(items, number, size, items[0].total if items else 0)


def escaped(word: str) -> str:
    """Take the meaning of LIKE's signs out of a word."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


Shape = tuple[bool, bool, bool, bool, bool, bool, bool, str]


def _shape(wish: Wish) -> Shape:
    return (
        wish.loosely,
        wish.county is not None,
        wish.category is not None,
        wish.place_id is not None,
        wish.supplier_id is not None,
        wish.least_fen is not None,
        wish.most_fen is not None,
        wish.sort,
    )


@lru_cache(maxsize=512)
def _list_statement(shape: Shape, words: int) -> Select[Any]:
    """Build the list's statement once per shape; values come as parameters."""
    loosely, county, category, place, supplier, least, most, sort = shape
    found = (
        select(
            Product.id,
            Product.code,
            Product.name_zh,
            Product.name_en,
            Product.county_code,
            County.short_zh.label("county_zh"),
            County.short_en.label("county_en"),
            Product.supplier_id,
            Organisation.short_zh.label("supplier_zh"),
            Organisation.short_en.label("supplier_en"),
            Product.category_code,
            Product.illustration,
            Product.ground,
            Product.storage_class,
            LOWEST.label("lowest_fen"),
            func.count().over().label("total"),
        )
        .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
        .join(County, County.code == Product.county_code)
        .join(Organisation, Organisation.id == Product.supplier_id)
        .join(Category, Category.code == Product.category_code)
        .where(VISIBLE, exists().where(Sku.product_id == Product.id, ON_SHELF))
        .limit(bindparam("size"))
        .offset(bindparam("skipped"))
    )
    wanted: list[tuple[bool, ColumnElement[bool]]] = [
        (county, Product.county_code == bindparam("county")),
        (category, Product.category_code == bindparam("category")),
        (supplier, Product.supplier_id == bindparam("supplier")),
        (least, bindparam("least") <= LOWEST),
        (most, bindparam("most") >= LOWEST),
    ]
    for asked, condition in wanted:
        if asked:
            found = found.where(condition)
    if place:
        found = found.join(
            Assortment,
            and_(Assortment.product_id == Product.id, Assortment.place_id == bindparam("place")),
        )
    hits = _hits(words)
    if hits:
        found = found.where(or_(*hits) if loosely else and_(*hits))
    order: list[Any] = []
    if sort in ORDERS:
        order = [ORDERS[sort]]
    elif hits:
        order = [_rank(hits, loosely=loosely).desc()]
    elif place:
        order = [Assortment.sort]
    return found.order_by(*order, _in_season().desc(), Category.sort, Product.code)


ORDERS: Mapping[str, Any] = {
    "price": LOWEST,
    "-price": LOWEST.desc(),
    "new": Product.published_at.desc(),
}


def _hits(words: int) -> list[ColumnElement[bool]]:
    return [
        Product.search_text.like(bindparam(f"word{i}", unique=False), escape="\\")
        for i in range(words)
    ]


def _rank(hits: Sequence[ColumnElement[bool]], *, loosely: bool) -> ColumnElement[int]:
    """Count two for each word that the product's own name holds; loosely, one for each hit."""
    names = func.lower(Product.name_zh + " " + Product.name_en)
    rank: ColumnElement[int] = literal(0)
    for i, hit in enumerate(hits):
        named = names.like(bindparam(f"word{i}", unique=False), escape="\\")
        rank = rank + case((named, 2), else_=0)
        if loosely:
            rank = rank + case((hit, 1), else_=0)
    return rank


def _in_season() -> ColumnElement[int]:
    """Give 1 for goods of this month; the months are a short JSON list, asked for as text."""
    text = literal(" ") + func.replace(
        func.replace(cast(Product.season_months, String), "[", " "), "]", ","
    )
    return case((text.like(bindparam("month")), 1), else_=0)


def season(
    session: Session, *, month: int, size: int, only: ColumnElement[bool] | None = None
) -> tuple[Listed, ...]:
    """Give what the month brings, and what is there all year after it. One statement."""
    return shelf(session, Wish(), size=size, month=month, only=only).items


class Kind(NamedTuple):
    """A category with goods to show, and how many."""

    code: str
    name_zh: str
    name_en: str
    illustration: str
    ground: str
    products: int


KINDS = (
    select(
        Category.code,
        Category.name_zh,
        Category.name_en,
        Category.illustration,
        Category.ground,
        func.count(Product.id),
    )
    .join(Product, Product.category_code == Category.code)
    .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
    .where(VISIBLE)
    .group_by(
        Category.code,
        Category.name_zh,
        Category.name_en,
        Category.illustration,
        Category.ground,
        Category.sort,
    )
    .order_by(Category.sort, Category.code)
)


def kinds(session: Session) -> list[Kind]:
    """Give the categories that have something to show, in the shop's order."""
    return [Kind(*row) for row in core(session).execute(KINDS).all()]


class Facts(NamedTuple):
    """One product with its supplier, county, category and return policy."""

    id: int
    code: str
    name_zh: str
    name_en: str
    brand_zh: str
    brand_en: str
    summary_zh: str
    summary_en: str
    description_zh: str
    description_en: str
    ingredients_zh: str
    ingredients_en: str
    storage_zh: str
    storage_en: str
    storage_class: str
    origin_zh: str
    origin_en: str
    standard: str
    shelf_life_days: int | None
    faq: list[dict[str, str]]
    illustration: str
    ground: str
    demo: bool
    trace_template: str
    return_code: str
    policy_zh: str
    policy_en: str
    confirm: bool
    compliance_code: str
    category_code: str
    category_zh: str
    category_en: str
    county_code: str
    county_zh: str
    county_en: str
    supplier_id: int
    supplier_zh: str
    supplier_en: str
    story_zh: str
    story_en: str
    food_licence: str | None
    member_households: int
    linked_households: int
    aid_mechanisms: list[Any]


FACTS = (
    select(
        Product.id,
        Product.code,
        Product.name_zh,
        Product.name_en,
        Product.brand_zh,
        Product.brand_en,
        Product.summary_zh,
        Product.summary_en,
        Product.description_zh,
        Product.description_en,
        Product.ingredients_zh,
        Product.ingredients_en,
        Product.storage_zh,
        Product.storage_en,
        Product.storage_class,
        Product.origin_zh,
        Product.origin_en,
        Product.standard,
        Product.shelf_life_days,
        Product.faq,
        Product.illustration,
        Product.ground,
        Product.demo,
        Product.trace_template,
        Product.return_code,
        ReturnPolicy.name_zh,
        ReturnPolicy.name_en,
        ReturnPolicy.confirm,
        Product.compliance_code,
        Product.category_code,
        Category.name_zh,
        Category.name_en,
        Product.county_code,
        County.short_zh,
        County.short_en,
        Product.supplier_id,
        Organisation.name_zh,
        Organisation.name_en,
        Organisation.story_zh,
        Organisation.story_en,
        Organisation.food_licence,
        Organisation.member_households,
        Organisation.linked_households,
        Organisation.aid_mechanisms,
    )
    .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
    .join(ReturnPolicy, ReturnPolicy.code == Product.return_code)
    .join(County, County.code == Product.county_code)
    .join(Organisation, Organisation.id == Product.supplier_id)
    .join(Category, Category.code == Product.category_code)
    .where(VISIBLE, Product.code == bindparam("code"))
)


def facts(session: Session, code: str) -> Facts | None:
    """Give a product that a shopper may see; None for any other. One statement."""
    row = core(session).execute(FACTS, {"code": code}).first()
    return Facts(*row) if row is not None else None


class Policy(NamedTuple):
    """A return policy as the rules page lists it."""

    code: str
    name_zh: str
    name_en: str
    confirm: bool
    products: int


POLICIES = (
    select(
        ReturnPolicy.code,
        ReturnPolicy.name_zh,
        ReturnPolicy.name_en,
        ReturnPolicy.confirm,
        func.count(Product.id),
    )
    .join(Product, Product.return_code == ReturnPolicy.code)
    .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
    .where(VISIBLE)
    .group_by(ReturnPolicy.code, ReturnPolicy.name_zh, ReturnPolicy.name_en, ReturnPolicy.confirm)
    .order_by(func.count(Product.id).desc(), ReturnPolicy.code)
)


def policies(session: Session) -> list[Policy]:
    """Give the return policies of what is on sale, the most frequent first."""
    return [Policy(*row) for row in core(session).execute(POLICIES)]


def carries_all(session: Session, place_id: int) -> bool:
    """Tell whether an outlet has no assortment of its own, and so carries everything."""
    return (
        session.scalar(
            select(Assortment.product_id).where(Assortment.place_id == place_id).limit(1)
        )
        is None
    )


def sku_ids_of(session: Session, product_ids: Sequence[int]) -> dict[int, list[int]]:
    """Give the packs on the shelf of these products, by product."""
    found: dict[int, list[int]] = {}
    rows = session.execute(
        select(Sku.product_id, Sku.id)
        .where(Sku.product_id.in_(product_ids), ON_SHELF)
        .order_by(Sku.sort, Sku.id)
    )
    for product_id, sku_id in rows:
        found.setdefault(product_id, []).append(sku_id)
    return found
