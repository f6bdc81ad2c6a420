"""What goods of a class must have on file, and what their prices were."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.catalogue.models import Certificate, ComplianceClass, Price, Product
from goods.catalogue.rules import demand_state
from parties.network.models import Organisation


class Demand(NamedTuple):
    """One thing that a compliance class asks for: met, missing or declared by the supplier."""

    code: str
    name_zh: str
    name_en: str
    state: str


def valid_papers(session: Session, product: Product, *, today: date) -> list[str]:
    """Give the kinds of papers on file for a product or its supplier that hold today."""
    rows = session.scalars(
        select(Certificate.kind)
        .where(
            Certificate.organisation_id == product.supplier_id,
            (Certificate.product_id == product.id) | Certificate.product_id.is_(None),
            (Certificate.valid_to >= today) | Certificate.valid_to.is_(None),
        )
        .distinct()
    )
    return list(rows)


def demands_of(
    session: Session, product: Product, supplier: Organisation, *, today: date
) -> list[Demand]:
    """Give what must be on file before a product is sold, and whether it is. Two statements."""
    asked = session.get_one(ComplianceClass, product.compliance_code)
    papers = valid_papers(session, product, today=today)
    if supplier.food_licence:
        papers.append("food_licence")
    texts = {
        name: getattr(product, name)
        for name in ("origin_zh", "standard", "ingredients_zh", "storage_zh")
    }
    return [
        Demand(
            row["code"],
            row["name_zh"],
            row["name_en"],
            demand_state(row["code"], texts, papers),
        )
        for row in asked.must
    ]


def price_history(session: Session, sku_ids: Sequence[int]) -> dict[int, list[Price]]:
    """Give the price lines of packs, newest first. One statement."""
    found: dict[int, list[Price]] = {}
    for price in session.scalars(
        select(Price).where(Price.sku_id.in_(sku_ids)).order_by(Price.sku_id, Price.version.desc())
    ):
        found.setdefault(price.sku_id, []).append(price)
    return found
