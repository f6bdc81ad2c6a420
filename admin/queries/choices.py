"""What filters offer."""

from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Category, Product
from insight.reach import Reach
from parties.network.models import County, Organisation, Outlet


class Choices(NamedTuple):
    """Rows with code, name_zh and name_en for the selects of a filter."""

    counties: list[Row[Any]]
    categories: list[Row[Any]]
    suppliers: list[Row[Any]]


def choices(session: Session, reach: Reach) -> Choices:
    """Give counties from west to east, product lines, and suppliers within reach."""
    return Choices(
        counties=list(
            session.execute(
                select(County.code, County.name_zh, County.name_en).order_by(
                    County.map_order, County.code
                )
            )
        ),
        categories=list(
            session.execute(
                select(Category.code, Category.name_zh, Category.name_en).order_by(Category.sort)
            )
        ),
        suppliers=list(
            session.execute(
                select(
                    Organisation.code,
                    Organisation.short_zh.label("name_zh"),
                    Organisation.short_en.label("name_en"),
                )
                .where(Organisation.role == "supplier", reach.within(Organisation.county_code))
                .order_by(Organisation.code)
            )
        ),
    )


def product_choices(session: Session, reach: Reach) -> list[Row[Any]]:
    """Give products within reach for a select."""
    return list(
        session.execute(
            select(Product.code, Product.name_zh, Product.name_en)
            .where(reach.within(Product.county_code))
            .order_by(Product.code)
        )
    )


def operator_choices(session: Session, reach: Reach) -> list[Row[Any]]:
    """Give organisations that run outlets within reach."""
    running = select(Outlet.operator_id).where(reach.within(Outlet.county_code))
    return list(
        session.execute(
            select(
                Organisation.code,
                Organisation.short_zh.label("name_zh"),
                Organisation.short_en.label("name_en"),
            )
            .where(Organisation.id.in_(running))
            .order_by(Organisation.code)
        )
    )
