"""Who bought recalled goods, and where: asked of sales and orders, which stand above the trace."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, distinct, func, or_, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Product, Sku
from goods.stock.models import Hold, Lot, Reservation, Serial
from insight.reach import EVERYWHERE, Reach
from insight.recalls.models import RecallNotice
from parties.network.models import Outlet, Place
from traceability.models import Recall
from traceability.recalls.queries import CHUNK, Affected, affected_of, chunks, recall_by_id
from trade.orders.models import Order
from trade.sales.models import Sale, SaleLine


class SoldAt(NamedTuple):
    """What one outlet sold of affected goods."""

    place_id: int
    code: str
    name_zh: str
    name_en: str
    county_code: str | None
    quantity: int
    inferred: int
    """Of them, how many whose lot was only inferred."""
    lines: int


@dataclass(frozen=True, slots=True)
class Buyers:
    """Whom affected goods reached; nobody is named."""

    sold_at: Sequence[SoldAt]
    orders: int
    """Online orders with affected goods in them."""
    accounts: int
    """Buyers who can be told."""
    promised: int
    """Base units promised to orders that have not been sent."""

    @property
    def quantity(self) -> int:
        """Give all that was sold."""
        return sum(each.quantity for each in self.sold_at)

    @property
    def inferred(self) -> int:
        """Give what was sold of an inferred lot."""
        return sum(each.inferred for each in self.sold_at)


def line_conditions(affected: Affected) -> list[ColumnElement[bool]]:
    """Give the conditions, one statement each, that a sale line is of affected goods."""
    if affected.serial_id is not None:
        return [SaleLine.serial_id == affected.serial_id]
    if affected.place_id is not None:
        condition = Sale.place_id == affected.place_id
        if affected.since is not None:
            condition &= Sale.business_date >= affected.since
        if affected.until is not None:
            condition &= Sale.business_date <= affected.until
        return [condition]
    return [SaleLine.lot_id.in_(part) for part in chunks(affected.lot_ids)]


def buyers_of(session: Session, affected: Affected, reach: Reach = EVERYWHERE) -> Buyers:
    """Count what was sold of affected goods by outlet, and the orders and buyers it reached.

    Lines whose lot was only inferred are included, and counted apart.
    """
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    refs: set[str] = set()
    guessed = case((SaleLine.lot_certainty == "inferred", SaleLine.quantity), else_=0)
    for condition in line_conditions(affected):
        # One pass over the lines: sales at counters carry no order and fold into their outlet.
        rows = session.execute(
            select(
                Sale.place_id,
                Sale.order_ref,
                func.sum(SaleLine.quantity),
                func.sum(guessed),
                func.count(),
            )
            .join(Sale, Sale.id == SaleLine.sale_id)
            .where(condition)
            .group_by(Sale.place_id, Sale.order_ref)
        )
        for place_id, order_ref, *counts in rows:
            if order_ref is not None:
                refs.add(order_ref)
            for position, count in enumerate(counts):
                sums[place_id][position] += int(count)
    outlets = {
        row.place_id: row
        for row in session.scalars(
            select(Outlet).where(Outlet.place_id.in_(sums), reach.within(Outlet.county_code))
        )
    }
    sold_at = [
        SoldAt(
            place_id,
            outlets[place_id].code,
            outlets[place_id].name_zh,
            outlets[place_id].name_en,
            outlets[place_id].county_code,
            *counts,
        )
        for place_id, counts in sorted(sums.items(), key=lambda each: -each[1][0])
        if place_id in outlets
    ]
    accounts = {row[1] for row in orders_named(session, sorted(refs))}
    return Buyers(sold_at, len(refs), len(accounts), _promised(session, affected))


def orders_named(session: Session, numbers: Sequence[str]) -> list[tuple[str, int]]:
    """Give (order number, account id) of orders by their numbers."""
    found: list[tuple[str, int]] = []
    for start in range(0, len(numbers), 1000):
        rows = session.execute(
            select(Order.number, Order.account_id).where(
                Order.number.in_(numbers[start : start + 1000])
            )
        )
        found += [(number, account_id) for number, account_id in rows]
    return found


def _promised(session: Session, affected: Affected) -> int:
    live = Reservation.state.in_(("held", "allocated"))
    query = select(func.coalesce(func.sum(Reservation.quantity), 0)).where(live)
    if affected.place_id is not None:
        return int(session.scalar(query.where(Reservation.place_id == affected.place_id)) or 0)
    return sum(
        int(session.scalar(query.where(Reservation.lot_id.in_(part))) or 0)
        for part in chunks(affected.lot_ids)
    )


class Line(NamedTuple):
    """One sold line of affected goods, as it is exported."""

    number: str
    sold_at: datetime
    channel: str
    outlet_code: str
    outlet_zh: str
    outlet_en: str
    order_ref: str | None
    name_zh: str
    name_en: str
    gtin: str
    lot_no: str
    serial: str | None
    quantity: int
    base_unit: str
    lot_certainty: str


def sold_lines(session: Session, affected: Affected, reach: Reach) -> Iterator[Line]:
    """Give every sold line of affected goods within reach, row by row."""
    for condition in line_conditions(affected):
        rows = session.execute(
            select(
                Sale.number,
                Sale.sold_at,
                Sale.channel,
                Outlet.code,
                Outlet.name_zh,
                Outlet.name_en,
                Sale.order_ref,
                Product.name_zh,
                Product.name_en,
                Sku.gtin,
                Lot.lot_no,
                Serial.serial,
                SaleLine.quantity,
                Sku.base_unit,
                SaleLine.lot_certainty,
            )
            .select_from(SaleLine)
            .join(Sale, Sale.id == SaleLine.sale_id)
            .join(Outlet, Outlet.place_id == Sale.place_id)
            .join(Lot, Lot.id == SaleLine.lot_id)
            .join(Sku, Sku.id == SaleLine.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .outerjoin(Serial, Serial.id == SaleLine.serial_id)
            .where(condition, reach.within(Outlet.county_code, Product.county_code))
            .order_by(Sale.sold_at, SaleLine.id)
            .execution_options(yield_per=2000)
        )
        for row in rows:
            yield Line._make(row)


class Item(NamedTuple):
    """One serialised item of affected goods and where it is by the record."""

    gtin: str
    lot_no: str
    serial: str
    state: str
    place_zh: str
    place_en: str


def items_of(session: Session, affected: Affected) -> Iterator[Item]:
    """Give every serialised item of affected goods, row by row."""
    if affected.serial_id is not None:
        conditions: list[ColumnElement[bool]] = [Serial.id == affected.serial_id]
    elif affected.place_id is not None:
        conditions = [Serial.place_id == affected.place_id]
    else:
        conditions = [Serial.lot_id.in_(part) for part in chunks(affected.lot_ids)]
    for condition in conditions:
        rows = session.execute(
            select(Sku.gtin, Lot.lot_no, Serial.serial, Serial.state, Place.name_zh, Place.name_en)
            .join(Lot, Lot.id == Serial.lot_id)
            .join(Sku, Sku.id == Serial.sku_id)
            .join(Place, Place.id == Serial.place_id)
            .where(condition)
            .order_by(Serial.lot_id, Serial.serial)
            .execution_options(yield_per=5000)
        )
        for row in rows:
            yield Item._make(row)


class Told(NamedTuple):
    """How many buyers were told of a recall, and how."""

    letters: int
    pages: int
    orders: int


def told_of(session: Session, recall_id: int) -> Told:
    """Count the notices of a recall."""
    by_letter = case((RecallNotice.channel != "page", 1), else_=0)
    row = session.execute(
        select(
            func.coalesce(func.sum(by_letter), 0),
            func.count(),
            func.coalesce(func.sum(RecallNotice.orders), 0),
        ).where(RecallNotice.recall_id == recall_id)
    ).one()
    letters, all_of_them, orders = (int(each) for each in row)
    return Told(letters, all_of_them - letters, orders)


class OnOrder(NamedTuple):
    """A recall that meets goods of an order."""

    number: str
    reason_zh: str
    reason_en: str
    opened_at: datetime
    name_zh: str
    name_en: str
    lot_no: str
    quantity: int


def recalls_on_order(session: Session, order_number: str) -> list[OnOrder]:
    """Give the recalls that meet goods sent with an order, for its buyer to read."""
    met = or_(Hold.lot_id == SaleLine.lot_id, Hold.serial_id == SaleLine.serial_id)
    rows = session.execute(
        select(
            Recall.number,
            Recall.reason_zh,
            Recall.reason_en,
            Recall.opened_at,
            Product.name_zh,
            Product.name_en,
            Lot.lot_no,
            func.sum(SaleLine.quantity),
        )
        .select_from(Sale)
        .join(SaleLine, SaleLine.sale_id == Sale.id)
        .join(Hold, met)
        .join(Recall, Recall.event_id == Hold.event_id)
        .join(Lot, Lot.id == SaleLine.lot_id)
        .join(Sku, Sku.id == SaleLine.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(Sale.order_ref == order_number, Recall.outcome != "lifted")
        .group_by(
            Recall.id,
            Recall.number,
            Recall.reason_zh,
            Recall.reason_en,
            Recall.opened_at,
            Product.id,
            Product.name_zh,
            Product.name_en,
            Lot.lot_no,
        )
        .order_by(Recall.id, Lot.lot_no)
    )
    return [OnOrder._make((*row[:7], int(row[7]))) for row in rows]


def wanted_notices(session: Session, recall_id: int) -> dict[int, list[str]]:
    """Give, by account, the numbers of the orders in which it received affected goods."""
    affected = affected_of(session, recall_by_id(session, recall_id))
    refs: set[str] = set()
    for condition in line_conditions(affected):
        refs.update(
            session.scalars(
                select(distinct(Sale.order_ref))
                .join(SaleLine, SaleLine.sale_id == Sale.id)
                .where(condition, Sale.order_ref.is_not(None))
            )
        )
    wanted: dict[int, list[str]] = defaultdict(list)
    for number, account_id in sorted(orders_named(session, sorted(refs))):
        wanted[account_id].append(number)
    return dict(wanted)


def goods_named(session: Session, affected: Affected) -> list[tuple[str, str, str]]:
    """Give (Chinese name, English name, lot number) of what was on sale, at most twenty."""
    lots = affected.lot_ids or affected.seeds
    rows = session.execute(
        select(Product.name_zh, Product.name_en, Lot.lot_no)
        .select_from(Lot)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(Lot.id.in_(lots[:CHUNK]), Sku.raw.is_(False))
        .order_by(Lot.id)
        .limit(20)
    )
    return [(row[0], row[1], row[2]) for row in rows]
