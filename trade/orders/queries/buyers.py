"""An account's own orders and addresses. Lists and look-ups are scoped by the same query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.paging import Page, page_of
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Serial
from parties.network.models import Organisation, Outlet
from parties.people.permissions import Actor
from trade.orders.models import (
    Address,
    Order,
    OrderContact,
    OrderLine,
    Payment,
    Refund,
    SubOrder,
)
from trade.sales.models import Sale, SaleLine

Tab = Literal["all", "pending_payment", "awaiting_shipment", "shipped", "received", "refunds"]
TABS: tuple[Tab, ...] = (
    "all",
    "pending_payment",
    "awaiting_shipment",
    "shipped",
    "received",
    "refunds",
)


class TracedUnit(NamedTuple):
    """One sold pack or lot of a parcel, with what its public scan page is found by."""

    sku_id: int
    gtin: str
    lot_no: str
    serial: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of an order; amounts in fen. Names are those of the day of ordering."""

    sku_id: int
    product_id: int
    product_code: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    illustration: str
    ground: str
    quantity: int
    unit_price_fen: int
    total_fen: int
    return_code: str
    traced: tuple[TracedUnit, ...] = ()


@dataclass(frozen=True, slots=True)
class ParcelView:
    """One supplier's part of an order."""

    id: UUID
    supplier_id: int
    name_zh: str
    name_en: str
    state: str
    delivery: str
    goods_fen: int
    shipping_fen: int
    refunded_fen: int
    carrier: str
    waybill_no: str
    shipped_at: datetime | None
    received_at: datetime | None
    lines: tuple[LineView, ...]

    @property
    def can_cancel(self) -> bool:
        """Tell whether its buyer may still call it off."""
        return self.state == "awaiting_shipment"

    @property
    def can_confirm(self) -> bool:
        """Tell whether its buyer may say that it has arrived."""
        return self.state == "shipped"


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its buyer sees it."""

    id: UUID
    number: str
    state: str
    delivery: str
    goods_fen: int
    shipping_fen: int
    total_fen: int
    placed_at: datetime
    pay_by: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    close_reason: str
    note: str
    outlet_zh: str
    outlet_en: str
    parcels: tuple[ParcelView, ...]
    refund_state: Literal["", "due", "refunded", "failed"] = ""
    """Whether money is on its way back, has arrived, or is stuck and being looked at."""
    refunded_fen: int = 0
    pay_method: str = ""
    contact: OrderContact | None = None
    """Only in `order_view`; None once it was erased."""

    @property
    def can_pay(self) -> bool:
        """Tell whether a payment may be started; the clock is asked by `start_payment`."""
        return self.state == "pending_payment"

    @property
    def can_cancel(self) -> bool:
        """Tell whether its buyer may still call the whole order off."""
        sent = any(p.state not in {"awaiting_shipment", "refunded"} for p in self.parcels)
        return self.state == "pending_payment" or (self.state == "paid" and not sent)


def addresses_of(session: Session, *, actor: Actor) -> Sequence[Address]:
    """Give the actor's own addresses, the default first."""
    return session.scalars(
        select(Address)
        .where(Address.account_id == actor.id)
        .order_by(Address.is_default.desc(), Address.id.desc())
    ).all()


def address_of(session: Session, address_id: int, *, actor: Actor) -> Address:
    """Give one of the actor's own addresses; raise NotFound."""
    found = session.scalar(
        select(Address).where(Address.id == address_id, Address.account_id == actor.id)
    )
    if found is None:
        raise NotFound("There is no such address")
    return found


def _own(actor: Actor, tab: Tab) -> Select[tuple[UUID]]:
    query = select(Order.id).where(Order.account_id == actor.id)
    parcels = select(SubOrder.order_id)
    match tab:
        case "pending_payment":
            return query.where(Order.state == "pending_payment")
        case "awaiting_shipment" | "shipped" | "received":
            return query.where(Order.id.in_(parcels.where(SubOrder.state == tab)))
        case "refunds":
            refunded = select(Payment.order_id).where(Payment.refunded_fen > 0)
            return query.where(Order.id.in_(refunded))
        case "all":
            return query


def orders_of(
    session: Session, tab: Tab = "all", *, page: int = 1, size: int = 10, actor: Actor
) -> Page:
    """Give a page of the actor's own orders as OrderView, newest first. Six statements."""
    query = _own(actor, tab).order_by(Order.placed_at.desc(), Order.id.desc())
    found = page_of(session, query, number=page, size=size, scalars=True)
    return Page(_views(session, list(found.items)), found.number, found.size, found.total)


def order_counts(session: Session, *, actor: Actor) -> dict[str, int]:
    """Give how many of the actor's orders stand under each tab but `all` and `refunds`."""
    counts: dict[str, int] = dict.fromkeys(TABS[1:5], 0)
    counts["pending_payment"] = (
        session.scalar(
            select(func.count()).where(
                Order.account_id == actor.id, Order.state == "pending_payment"
            )
        )
        or 0
    )
    rows = session.execute(
        select(SubOrder.state, func.count(SubOrder.order_id.distinct()))
        .join(Order, Order.id == SubOrder.order_id)
        .where(
            Order.account_id == actor.id,
            SubOrder.state.in_(("awaiting_shipment", "shipped", "received")),
        )
        .group_by(SubOrder.state)
    )
    counts.update(dict(rows.tuples().all()))
    return counts


def order_view(session: Session, order_id: UUID, *, actor: Actor) -> OrderView:
    """Give one of the actor's own orders with contact and traced packs; raise NotFound."""
    mine = session.scalar(_own(actor, "all").where(Order.id == order_id))
    if mine is None:
        raise NotFound("There is no such order")
    traced = _traced(session, order_id)
    contact = session.get(OrderContact, order_id)
    return _views(session, [order_id], traced=traced, contact=contact)[0]


def _views(
    session: Session,
    order_ids: Sequence[UUID],
    *,
    traced: Mapping[tuple[int, int], list[TracedUnit]] | None = None,
    contact: OrderContact | None = None,
) -> list[OrderView]:
    parcels = _parcels(session, order_ids, traced or {})
    money = _money(session, order_ids)
    rows = session.execute(
        select(Order, Outlet.name_zh, Outlet.name_en)
        .join(Outlet, Outlet.place_id == Order.outlet_id)
        .where(Order.id.in_(order_ids))
    )
    found: dict[UUID, OrderView] = {}
    for order, outlet_zh, outlet_en in rows:
        came = money.get(order.id, NO_MONEY)
        found[order.id] = OrderView(
            id=order.id,
            number=order.number,
            state=order.state,
            delivery=order.delivery,
            goods_fen=order.goods_fen,
            shipping_fen=order.shipping_fen,
            total_fen=order.total_fen,
            placed_at=order.placed_at,
            pay_by=order.pay_by,
            paid_at=order.paid_at,
            closed_at=order.closed_at,
            close_reason=order.close_reason,
            note=order.note,
            outlet_zh=outlet_zh,
            outlet_en=outlet_en,
            parcels=tuple(parcels.get(order.id, ())),
            refund_state=came.state,
            refunded_fen=came.fen,
            pay_method=came.method,
            contact=contact,
        )
    return [found[order_id] for order_id in order_ids]


def _parcels(
    session: Session,
    order_ids: Sequence[UUID],
    traced: Mapping[tuple[int, int], list[TracedUnit]],
) -> dict[UUID, list[ParcelView]]:
    lines: dict[UUID, list[LineView]] = {}
    suppliers: dict[UUID, int] = {}
    rows = session.execute(
        select(SubOrder.id, SubOrder.supplier_id, OrderLine, Product)
        .join(OrderLine, OrderLine.sub_order_id == SubOrder.id)
        .join(Product, Product.id == OrderLine.product_id)
        .where(SubOrder.order_id.in_(order_ids))
        .order_by(OrderLine.number)
    )
    for parcel_id, supplier_id, line, product in rows:
        suppliers[parcel_id] = supplier_id
        lines.setdefault(parcel_id, []).append(
            LineView(
                line.sku_id,
                line.product_id,
                product.code,
                line.name_zh,
                line.name_en,
                line.spec_zh,
                line.spec_en,
                product.illustration,
                product.ground,
                line.quantity,
                line.unit_price_fen,
                line.total_fen,
                line.return_code,
                tuple(traced.get((supplier_id, line.sku_id), ())),
            )
        )
    found: dict[UUID, list[ParcelView]] = {}
    parcels = session.execute(
        select(SubOrder, Organisation.short_zh, Organisation.short_en)
        .join(Organisation, Organisation.id == SubOrder.supplier_id)
        .where(SubOrder.order_id.in_(order_ids))
        .order_by(SubOrder.supplier_id)
    )
    for one, name_zh, name_en in parcels:
        found.setdefault(one.order_id, []).append(
            ParcelView(
                one.id,
                one.supplier_id,
                name_zh,
                name_en,
                one.state,
                one.delivery,
                one.goods_fen,
                one.shipping_fen,
                one.refunded_fen,
                one.carrier,
                one.waybill_no,
                one.shipped_at,
                one.received_at,
                tuple(lines.get(one.id, ())),
            )
        )
    return found


class Money(NamedTuple):
    """What came of an order's payments."""

    state: Literal["", "due", "refunded", "failed"]
    fen: int
    method: str


NO_MONEY = Money("", 0, "")


def _money(session: Session, order_ids: Sequence[UUID]) -> dict[UUID, Money]:
    rows = session.execute(
        select(
            Payment.order_id,
            func.max(Payment.method),
            func.coalesce(func.sum(Refund.amount_fen).filter(Refund.state == "succeeded"), 0),
            func.count(Refund.id).filter(Refund.state == "due"),
            func.count(Refund.id).filter(Refund.state == "failed"),
        )
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .where(
            Payment.order_id.in_(order_ids),
            Payment.paid_at.is_not(None),
        )
        .group_by(Payment.order_id)
    )
    found: dict[UUID, Money] = {}
    for order_id, method, given, due, failed in rows:
        state: Literal["", "due", "refunded", "failed"] = "refunded" if given else ""
        if due:
            state = "due"
        elif failed:
            state = "failed"
        found[order_id] = Money(state, int(given), method or "")
    return found


def _traced(session: Session, order_id: UUID) -> dict[tuple[int, int], list[TracedUnit]]:
    """Give what was sold of an order, by (supplier, SKU): the way to each pack's scan page."""
    rows = session.execute(
        select(
            SaleLine.supplier_id,
            SaleLine.sku_id,
            Sku.gtin,
            Lot.lot_no,
            Serial.serial,
            SaleLine.quantity,
        )
        .join(Sale, Sale.id == SaleLine.sale_id)
        .join(Order, Order.number == Sale.order_ref)
        .join(Sku, Sku.id == SaleLine.sku_id)
        .join(Lot, Lot.id == SaleLine.lot_id)
        .outerjoin(Serial, Serial.id == SaleLine.serial_id)
        .where(Order.id == order_id)
        .order_by(SaleLine.id)
    )
    found: dict[tuple[int, int], list[TracedUnit]] = {}
    for supplier_id, *unit in rows:
        found.setdefault((supplier_id, unit[0]), []).append(TracedUnit(*unit))
    return found
