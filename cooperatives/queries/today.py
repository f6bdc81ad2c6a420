"""What the page of today counts, apart from the lots themselves."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import StockBalance
from parties.network.models import Place

WARN_DAYS = 90
FEW = 5
"""So many rows of each kind stand on the page of today; the lists have them all."""


def expiring_papers(
    session: Session, organisations: Collection[int], today: date
) -> list[Certificate]:
    """Give papers that end within 90 days or ended in the last year, soonest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(
                Certificate.organisation_id.in_(organisations),
                Certificate.valid_to.between(
                    today - timedelta(days=365), today + timedelta(days=WARN_DAYS)
                ),
            )
            .order_by(Certificate.valid_to, Certificate.id)
            .limit(FEW)
        )
    )


class LowStock(NamedTuple):
    """A pack of which less than a case is free at the supplier's places."""

    sku: Sku
    product: Product
    free: int


def low_stock(session: Session, organisations: Collection[int]) -> list[LowStock]:
    """Give published packs that are nearly gone, fewest first. One statement."""
    free = func.coalesce(func.sum(StockBalance.on_hand - StockBalance.reserved), 0)
    own = (
        select(StockBalance.sku_id, free.label("free"))
        .join(Place, Place.id == StockBalance.place_id)
        .where(Place.organisation_id.in_(organisations), Place.kind != "transit")
        .group_by(StockBalance.sku_id)
        .subquery()
    )
    left = func.coalesce(own.c.free, 0)
    rows = session.execute(
        select(Sku, Product, left)
        .join(Product, Product.id == Sku.product_id)
        .outerjoin(own, own.c.sku_id == Sku.id)
        .where(
            Product.supplier_id.in_(organisations),
            Product.status == "published",
            Sku.raw.is_(False),
            Sku.active.is_(True),
            Sku.stock_policy == "stocked",
            left < Sku.units_per_case,
        )
        .order_by(left, Sku.id)
        .limit(FEW)
    ).tuples()
    return [LowStock(sku, product, int(count)) for sku, product, count in rows]
