"""Verbs of rollups: cells are counted afresh from the sales, never added to."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Table, delete, distinct, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.locks import lock_key
from goods.catalogue.models import Product, Sku
from insight.rollups.models import DirtyCell, SalesCell
from parties.network.models import Outlet
from trade.sales.models import Sale, SaleLine

Cell = tuple[date, int]
"""A business day of an outlet: (business date, place id)."""

DIRTY = cast(Table, DirtyCell.__table__)
TURN = "sales_cells"
COLUMNS = (
    "business_date",
    "place_id",
    "sku_id",
    "channel",
    "product_id",
    "supplier_id",
    "category_code",
    "origin_county",
    "outlet_county",
    "tier",
    "sales",
    "quantity",
    "amount_fen",
)


def mark_dirty(session: Session, cells: Sequence[Cell], *, now: datetime) -> None:
    """Say that these days of these outlets must be counted afresh; marking twice is once.

    The mark is an update where there already is one, so that it waits for a count that is just
    taking that mark away and then stands anew.
    """
    wanted = sorted(set(cells))
    if not wanted:
        return
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(DIRTY).values(
        [{"business_date": day, "place_id": place_id, "marked_at": now} for day, place_id in wanted]
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["business_date", "place_id"],
            set_={"marked_at": statement.excluded.marked_at},
        )
    )


def recount_dirty(session: Session, *, now: datetime, limit: int = 300) -> int:
    """Count up to `limit` marked cells afresh, longest marked first; give how many.

    Only one count runs at a time; a sale that comes in between marks its cell again.
    """
    lock_key(session, TURN)
    rows = session.execute(
        select(DirtyCell.business_date, DirtyCell.place_id)
        .where(DirtyCell.marked_at <= now)
        .order_by(DirtyCell.marked_at, DirtyCell.business_date, DirtyCell.place_id)
        .limit(limit)
        .with_for_update()
    )
    cells = [(row[0], row[1]) for row in rows]
    if not cells:
        return 0
    session.execute(
        delete(DirtyCell)
        .where(tuple_(DirtyCell.business_date, DirtyCell.place_id).in_(cells))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(SalesCell)
        .where(tuple_(SalesCell.business_date, SalesCell.place_id).in_(cells))
        .execution_options(synchronize_session=False)
    )
    counted = _counted().where(tuple_(Sale.business_date, Sale.place_id).in_(cells))
    session.execute(insert(SalesCell).from_select(COLUMNS, counted))
    return len(cells)


def rebuild(session: Session) -> int:
    """Throw all cells away and count every sale again; give how many cells there are now."""
    lock_key(session, TURN)
    session.execute(delete(DirtyCell).execution_options(synchronize_session=False))
    session.execute(delete(SalesCell).execution_options(synchronize_session=False))
    session.execute(insert(SalesCell).from_select(COLUMNS, _counted()))
    return session.scalar(select(func.count()).select_from(SalesCell)) or 0


def _counted() -> Any:
    return (
        select(
            Sale.business_date,
            Sale.place_id,
            SaleLine.sku_id,
            Sale.channel,
            Sku.product_id,
            func.min(SaleLine.supplier_id),
            Product.category_code,
            Product.county_code,
            Outlet.county_code,
            Outlet.tier,
            func.count(distinct(SaleLine.sale_id)),
            func.sum(SaleLine.quantity),
            func.sum(SaleLine.total_fen),
        )
        .join(SaleLine, SaleLine.sale_id == Sale.id)
        .join(Sku, Sku.id == SaleLine.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Outlet, Outlet.place_id == Sale.place_id)
        .group_by(
            Sale.business_date,
            Sale.place_id,
            SaleLine.sku_id,
            Sale.channel,
            Sku.product_id,
            Product.category_code,
            Product.county_code,
            Outlet.county_code,
            Outlet.tier,
        )
    )
