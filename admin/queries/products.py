"""Products as the office sees them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from admin.forms import ProductFilter
from foundation.errors import NotFound
from goods.catalogue.models import Category, ComplianceClass, Product, Sku
from insight.reach import Reach
from parties.network.models import County, Organisation


def products(asked: ProductFilter, reach: Reach, lacking: Collection[int]) -> Select[Any]:
    """Select products; `lacking` are the ids of those without the papers they must have."""
    packs = (
        select(func.count())
        .select_from(Sku)
        .where(Sku.product_id == Product.id, Sku.raw.is_(False))
        .correlate(Product)
        .scalar_subquery()
    )
    lowest = (
        select(func.min(Sku.price_fen))
        .where(Sku.product_id == Product.id, Sku.raw.is_(False))
        .correlate(Product)
        .scalar_subquery()
    )
    query = (
        select(
            Product.id,
            Product.code,
            Product.name_zh,
            Product.name_en,
            Product.status,
            Product.retail_visible,
            Product.demo,
            Category.name_zh.label("line_zh"),
            Category.name_en.label("line_en"),
            County.name_zh.label("county_zh"),
            County.name_en.label("county_en"),
            ComplianceClass.name_zh.label("class_zh"),
            ComplianceClass.name_en.label("class_en"),
            Organisation.code.label("supplier_code"),
            Organisation.id.label("supplier_id"),
            Organisation.county_code.label("supplier_county"),
            Organisation.short_zh,
            Organisation.short_en,
            packs.label("packs"),
            lowest.label("from_fen"),
        )
        .join(Category, Category.code == Product.category_code)
        .join(County, County.code == Product.county_code)
        .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
        .join(Organisation, Organisation.id == Product.supplier_id)
        .where(reach.within(Product.county_code))
        .order_by(Product.code)
    )
    plain: list[tuple[Any, str | None]] = [
        (Product.county_code, asked.county),
        (Product.category_code, asked.category),
        (Organisation.code, asked.supplier),
        (Product.status, asked.status),
    ]
    query = query.where(*(column == value for column, value in plain if value is not None))
    if asked.lacking:
        query = query.where(Product.id.in_(lacking))
    if asked.text:
        low = asked.text.lower()
        query = query.where(
            or_(
                Product.search_text.contains(low, autoescape=True),
                func.lower(Product.code) == low,
            )
        )
    return query


def one_product(session: Session, code: str, reach: Reach) -> Product:
    """Give a product within reach; raise NotFound."""
    found = session.scalar(
        select(Product).where(Product.code == code, reach.within(Product.county_code))
    )
    if found is None:
        raise NotFound("There is no such product")
    return found
