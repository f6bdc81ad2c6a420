"""Questions to sales."""

from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Serial
from trade.sales.models import Sale, SaleLine, Tender


def sale_by_id(session: Session, sale_id: UUID) -> Sale | None:
    """Give a sale, if it is known."""
    return session.get(Sale, sale_id)


def lines_of(session: Session, sale_id: UUID) -> list[Row[tuple[SaleLine, Sku, Product, str, str]]]:
    """Give each line of a sale with its SKU, product, lot number and serial."""
    return list(
        session.execute(
            select(SaleLine, Sku, Product, Lot.lot_no, Serial.serial)
            .join(Sku, Sku.id == SaleLine.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .join(Lot, Lot.id == SaleLine.lot_id)
            .outerjoin(Serial, Serial.id == SaleLine.serial_id)
            .where(SaleLine.sale_id == sale_id)
            .order_by(SaleLine.id)
        )
    )


def tenders_of(session: Session, sale_id: UUID) -> list[Tender]:
    """Give how a sale was paid."""
    return list(
        session.scalars(select(Tender).where(Tender.sale_id == sale_id).order_by(Tender.id))
    )


def sales_of_order(session: Session, order_ref: str) -> list[Sale]:
    """Give the sales (one per parcel) that an order became."""
    return list(session.scalars(select(Sale).where(Sale.order_ref == order_ref).order_by(Sale.id)))
