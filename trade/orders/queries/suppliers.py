"""A supplier's queue of parcels: what to send, from which lots, to whom (masked)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.paging import Page, page_of
from goods.catalogue.models import Sku
from goods.stock.models import Lot, Reservation
from parties.network.models import Outlet, Place
from parties.people.permissions import Actor, Can
from trade.orders.models import Order, OrderContact, OrderLine, SubOrder
from trade.orders.rules import masked_detail, masked_name, masked_phone, owner_of

State = Literal["awaiting_shipment", "shipped", "received", "refunded"]
STATES: tuple[State, ...] = ("awaiting_shipment", "shipped", "received", "refunded")


class MaskedContact(NamedTuple):
    """A receiver as a pick list or a counter's screen may show it."""

    recipient: str
    phone: str
    province: str
    city: str
    district: str
    detail: str


class Allotted(NamedTuple):
    """So many of a lot at a place that are reserved for a line."""

    lot_no: str
    best_before: Any
    place_id: int
    place_zh: str
    place_en: str
    quantity: int


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One line to pack."""

    sku_id: int
    gtin: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    quantity: int
    total_fen: int
    tracking: str
    allotted: tuple[Allotted, ...]


@dataclass(frozen=True, slots=True)
class QueueParcel:
    """One parcel of the queue; amounts in fen."""

    id: UUID
    order_number: str
    state: str
    delivery: str
    goods_fen: int
    shipping_fen: int
    refunded_fen: int
    placed_at: datetime
    paid_at: datetime | None
    carrier: str
    waybill_no: str
    shipped_at: datetime | None
    received_at: datetime | None
    note: str
    outlet_zh: str
    outlet_en: str
    contact: MaskedContact | None
    """None once the buyer's account was erased."""
    lines: tuple[QueueLine, ...]


def _mine(actor: Actor) -> ColumnElement[bool]:
    """Scope parcels to what the actor may fulfil: the same for lists and look-ups."""
    mine = [
        SubOrder.supplier_id == grant.organisation_id
        for grant in actor.grants_for(Can.FULFIL_ORDERS)
        if grant.organisation_id is not None
    ]
    scope: ColumnElement[bool] = SubOrder.id.is_(None)
    for one in mine:
        scope |= one
    return scope


def _parcels(actor: Actor) -> Select[tuple[UUID]]:
    return (
        select(SubOrder.id)
        .join(Order, Order.id == SubOrder.order_id)
        .where(_mine(actor), SubOrder.state.in_(STATES))
    )


def parcel_queue(
    session: Session,
    state: State | None = "awaiting_shipment",
    *,
    page: int = 1,
    size: int = 20,
    actor: Actor,
) -> Page:
    """Give a page of the actor's organisations' parcels as QueueParcel; None: in every state.

    What waits comes oldest first, what is done newest first. Five statements.
    """
    when = Order.paid_at if state == "awaiting_shipment" else Order.placed_at.desc()
    query = _parcels(actor).order_by(when, SubOrder.id)
    if state is not None:
        query = query.where(SubOrder.state == state)
    found = page_of(session, query, number=page, size=size, scalars=True)
    return Page(_queue(session, list(found.items)), found.number, found.size, found.total)


def parcel_counts(session: Session, *, actor: Actor) -> dict[str, int]:
    """Give how many parcels of the actor's organisations are in each state of the queue."""
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    rows = session.execute(
        select(SubOrder.state, func.count())
        .where(_mine(actor), SubOrder.state.in_(STATES))
        .group_by(SubOrder.state)
    )
    counts.update(dict(rows.tuples().all()))
    return counts


def parcel_view(session: Session, sub_order_id: UUID, *, actor: Actor) -> QueueParcel:
    """Give one parcel of the actor's organisations; raise NotFound for anybody else's."""
    found = session.scalar(_parcels(actor).where(SubOrder.id == sub_order_id))
    if found is None:
        raise NotFound("There is no such parcel")
    return _queue(session, [sub_order_id])[0]


def _queue(session: Session, sub_order_ids: Sequence[UUID]) -> list[QueueParcel]:
    rows = session.execute(
        select(SubOrder, Order, OrderContact, Outlet.name_zh, Outlet.name_en)
        .join(Order, Order.id == SubOrder.order_id)
        .join(Outlet, Outlet.place_id == Order.outlet_id)
        .outerjoin(OrderContact, OrderContact.order_id == Order.id)
        .where(SubOrder.id.in_(sub_order_ids))
    ).all()
    allotted = _allotted(session, [row[1].id for row in rows])
    lines: dict[UUID, list[QueueLine]] = {}
    for line, gtin, tracking, order_id in session.execute(
        select(OrderLine, Sku.gtin, Sku.tracking, SubOrder.order_id)
        .join(Sku, Sku.id == OrderLine.sku_id)
        .join(SubOrder, SubOrder.id == OrderLine.sub_order_id)
        .where(OrderLine.sub_order_id.in_(sub_order_ids))
        .order_by(OrderLine.number)
    ):
        lines.setdefault(line.sub_order_id, []).append(
            QueueLine(
                line.sku_id,
                gtin,
                line.name_zh,
                line.name_en,
                line.spec_zh,
                line.spec_en,
                line.quantity,
                line.total_fen,
                tracking,
                tuple(allotted.get((owner_of(order_id), line.number), ())),
            )
        )
    found = {
        parcel.id: QueueParcel(
            parcel.id,
            order.number,
            parcel.state,
            parcel.delivery,
            parcel.goods_fen,
            parcel.shipping_fen,
            parcel.refunded_fen,
            order.placed_at,
            order.paid_at,
            parcel.carrier,
            parcel.waybill_no,
            parcel.shipped_at,
            parcel.received_at,
            order.note,
            outlet_zh,
            outlet_en,
            _masked(contact),
            tuple(lines.get(parcel.id, ())),
        )
        for parcel, order, contact, outlet_zh, outlet_en in rows
    }
    return [found[one] for one in sub_order_ids]


def _masked(contact: OrderContact | None) -> MaskedContact | None:
    if contact is None:
        return None
    return MaskedContact(
        masked_name(contact.recipient),
        masked_phone(contact.phone),
        contact.province,
        contact.city,
        contact.district,
        masked_detail(contact.detail),
    )


def _allotted(session: Session, order_ids: Sequence[UUID]) -> dict[tuple[str, int], list[Allotted]]:
    rows = session.execute(
        select(
            Reservation.owner,
            Reservation.line,
            Lot.lot_no,
            Lot.best_before,
            Place.id,
            Place.name_zh,
            Place.name_en,
            Reservation.quantity,
        )
        .join(Lot, Lot.id == Reservation.lot_id)
        .join(Place, Place.id == Reservation.place_id)
        .where(
            Reservation.owner.in_([owner_of(one) for one in order_ids]),
            Reservation.state.in_(("allocated", "used")),
        )
        .order_by(Lot.best_before, Lot.id, Place.id)
    )
    found: dict[tuple[str, int], list[Allotted]] = {}
    for owner, line, *rest in rows:
        found.setdefault((owner, line), []).append(Allotted(*rest))
    return found
