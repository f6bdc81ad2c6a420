"""What the books say about scanned goods: the same few statements for one code or for many."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from counters.rules import Batch, Block, Found, Good, Unit, Wanted
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial, StockBalance
from goods.stock.queries import Blocked, holds_on
from parties.network.models import Outlet, Place
from traceability.models import Shipment
from trade.sales.models import Sale, SaleLine


class Books(NamedTuple):
    """Answers of the books, and whether the whole outlet is blocked."""

    found: list[Found]
    place_block: Block | None


GOOD: tuple[Any, ...] = (
    Sku.id,
    Sku.gtin,
    Product.name_zh,
    Product.name_en,
    Sku.spec_zh,
    Sku.spec_en,
    Sku.price_fen,
    Sku.price_version,
    Sku.tracking,
    Sku.base_unit,
    Product.retail_visible,
    Product.shelf_life_days,
    Product.demo,
)
LOT: tuple[Any, ...] = (
    Lot.id,
    Lot.sku_id,
    Lot.lot_no,
    Lot.produced_on,
    Lot.best_before,
    func.coalesce(StockBalance.on_hand, 0),
    func.coalesce(StockBalance.on_hand - StockBalance.reserved, 0),
)


def batch_of(row: Sequence[Any], block: Block | None) -> Batch:
    """Make a lot of the columns `LOT` and what blocks it."""
    lot_id, sku_id, lot_no, produced_on, best_before, on_hand, free = row
    return Batch(lot_id, sku_id, lot_no, produced_on, best_before, on_hand, free, block)


def find(session: Session, place_id: int, wanted: Sequence[Wanted]) -> Books:
    """Say what the books know of `wanted`, in its order. Five statements at most."""
    goods = _goods(session, {one.gtin for one in wanted})
    serial_rows = _serials(session, wanted)
    lot_rows = _lots(session, place_id, wanted, goods)
    lots = {row[0]: row for row in [*(row[6:] for row in serial_rows.values()), *lot_rows]}
    holds = holds_on(
        session,
        lot_ids=lots,
        serial_ids=[row[2] for row in serial_rows.values()],
        place_id=place_id,
    )
    lot_blocks = {h.lot_id: _block(h) for h in holds if h.lot_id is not None}
    serial_blocks = {h.serial_id: _block(h) for h in holds if h.serial_id is not None}
    batches = {key: batch_of(row, lot_blocks.get(key)) for key, row in lots.items()}
    shelves: dict[int, list[Batch]] = {}
    for row in lot_rows:
        if row[5] > 0:
            shelves.setdefault(row[1], []).append(batches[row[0]])
    with_lots = _with_lots(session, wanted, goods, shelves)

    def one(asked: Wanted) -> Found:
        good = goods.get(asked.gtin)
        if good is None:
            return Found(asked, None)
        shelf = tuple(sorted(shelves.get(good.sku_id, ()), key=_fefo))
        row = serial_rows.get((asked.gtin, asked.serial)) if asked.serial else None
        unit = None
        if row:
            unit = Unit(row[2], row[1], row[3], row[4], batches[row[6]], serial_blocks.get(row[2]))
        named = next(
            (b for b in batches.values() if (b.sku_id, b.lot_no) == (good.sku_id, asked.lot_no)),
            None,
        )
        return Found(
            asked,
            good,
            unit,
            unit.batch if unit else named,
            shelf,
            good.sku_id in with_lots or bool(shelf),
        )

    place_block = next((_block(hold) for hold in holds if hold.place_id is not None), None)
    return Books([one(asked) for asked in wanted], place_block)


def _block(hold: Blocked) -> Block:
    return Block(hold.reason, hold.note_zh, hold.note_en)


def _fefo(batch: Batch) -> tuple[bool, str, int]:
    return (batch.best_before is None, str(batch.best_before), batch.lot_id)


def goods_by_gtin(session: Session, gtins: Iterable[str]) -> dict[str, Good]:
    """Give the packs of these GTINs; raw materials are nobody's to sell."""
    return _goods(session, set(gtins))


def _goods(session: Session, gtins: set[str]) -> dict[str, Good]:
    rows = session.execute(
        select(*GOOD)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.gtin.in_(gtins), Sku.raw.is_(False))
    )
    return {row[1]: Good(*row) for row in rows}


def _serials(
    session: Session, wanted: Sequence[Wanted]
) -> dict[tuple[str, str | None], tuple[Any, ...]]:
    asked = [(one.gtin, one.serial) for one in wanted if one.serial]
    if not asked:
        return {}
    rows = session.execute(
        select(
            Sku.gtin,
            Serial.serial,
            Serial.id,
            case((Serial.withdrawn, "withdrawn"), else_=Serial.state),
            Serial.place_id,
            Serial.unit_id,
            *LOT,
        )
        .join(Sku, Sku.id == Serial.sku_id)
        .join(Lot, Lot.id == Serial.lot_id)
        .outerjoin(
            StockBalance,
            and_(StockBalance.lot_id == Lot.id, StockBalance.place_id == Serial.place_id),
        )
        .where(
            Sku.gtin.in_({gtin for gtin, _ in asked}),
            Serial.serial.in_({serial for _, serial in asked}),
        )
    )
    return {(row[0], row[1]): tuple(row) for row in rows}


def _lots(
    session: Session, place_id: int, wanted: Sequence[Wanted], goods: dict[str, Good]
) -> list[tuple[Any, ...]]:
    """Give the lots that are named, and those on hand where no lot is."""
    loose = [one for one in wanted if not one.serial and one.gtin in goods]
    if not loose:
        return []
    named = {one.lot_no for one in loose if one.lot_no}
    open_skus = {goods[one.gtin].sku_id for one in loose if not one.lot_no}
    rows = session.execute(
        select(*LOT)
        .outerjoin(
            StockBalance, and_(StockBalance.lot_id == Lot.id, StockBalance.place_id == place_id)
        )
        .where(
            Lot.sku_id.in_({goods[one.gtin].sku_id for one in loose}),
            or_(
                Lot.lot_no.in_(named),
                and_(Lot.sku_id.in_(open_skus), StockBalance.on_hand > 0),
            ),
        )
    )
    return [tuple(row) for row in rows]


def _with_lots(
    session: Session,
    wanted: Sequence[Wanted],
    goods: dict[str, Good],
    shelves: dict[int, list[Batch]],
) -> set[int]:
    """Give the kinds of which somebody recorded a lot, asked only where the shelf is empty."""
    asked = {
        goods[one.gtin].sku_id
        for one in wanted
        if not one.serial and not one.lot_no and one.gtin in goods
    } - shelves.keys()
    if not asked:
        return set()
    return set(session.scalars(select(Lot.sku_id).where(Lot.sku_id.in_(asked)).distinct()))


class SoldBefore(NamedTuple):
    """When and where a unit was sold."""

    sold_at: datetime
    place_id: int
    name_zh: str
    name_en: str
    channel: str


def sold_before(session: Session, serial_id: int) -> SoldBefore | None:
    """Give the last sale of a unit."""
    row = session.execute(
        select(Sale.sold_at, Sale.place_id, Outlet.name_zh, Outlet.name_en, Sale.channel)
        .join(SaleLine, SaleLine.sale_id == Sale.id)
        .join(Outlet, Outlet.place_id == Sale.place_id)
        .where(SaleLine.serial_id == serial_id)
        .order_by(Sale.sold_at.desc())
        .limit(1)
    ).first()
    return SoldBefore(*row) if row else None


class Whereabouts(NamedTuple):
    """Where goods are that are not here: a kind of place, and where a transit place leads."""

    kind: str
    name_zh: str
    name_en: str
    to_place_id: int | None


def whereabouts(session: Session, place_id: int) -> Whereabouts | None:
    """Say what sort of place goods lie at."""
    row = session.execute(
        select(Place.kind, Place.name_zh, Place.name_en, Shipment.to_place_id)
        .outerjoin(Shipment, Shipment.transit_place_id == Place.id)
        .where(Place.id == place_id)
    ).first()
    return Whereabouts(*row) if row else None


def case_of(session: Session, serial_id: int) -> str | None:
    """Give the SSCC of the case that a unit is packed in."""
    return session.scalar(
        select(LogisticUnit.sscc)
        .join(Serial, Serial.unit_id == LogisticUnit.id)
        .where(Serial.id == serial_id)
    )
