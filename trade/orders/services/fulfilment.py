"""Sending parcels: the promise becomes a sale, and the reserved goods leave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import CompoundSelect, Integer, bindparam, exists, literal, or_, select, union_all
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput, Named
from foundation.outbox import publish
from goods.catalogue.models import Sku
from goods.stock.errors import SoldOut
from goods.stock.models import Hold, LogisticUnit, Lot, Reservation, Serial, StockBalance
from goods.stock.rules import Want
from goods.stock.services import allocate, give_back, lock_balances, use
from parties.people.audit import audit
from parties.people.permissions import Actor, Can
from traceability.services.cases import open_case
from traceability.services.events import place_ref
from traceability.services.lots import supplier_scope
from trade.orders.errors import OrderClosed, ParcelBlocked, WrongUnit
from trade.orders.messages import ParcelShipped
from trade.orders.models import Order, OrderContact, OrderLine, Payment, SubOrder
from trade.orders.rules import Destination, owner_of, plain
from trade.orders.services.checkout import reserve_together, supplier_places
from trade.orders.services.endings import line_reservations, lock_parcel
from trade.sales.lines import SELLABLE
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What a supplier's clerk hands over with a parcel."""

    sub_order_id: UUID
    carrier: str
    waybill_no: str
    at: datetime
    scanned: tuple[tuple[str, str], ...] = ()
    """(GTIN, serial) of packs scanned while packing; what is not scanned is chosen by the program,
    first-expired-first-out."""


class Promise(NamedTuple):
    """One line of the parcel as its sale needs it."""

    number: int
    gtin: str
    tracking: str
    unit_price_fen: int
    price_version: int
    name: Named


def dispatch_sub_order(
    session: Session, dispatch: Dispatch, *, actor: Actor, now: datetime
) -> SubOrder:
    """Send a paid parcel: choose its units, record the sale and its event, use the reservation.

    Sending the same waybill twice changes nothing. A reserved lot that was recalled or has
    expired meanwhile is replaced by another, if there is one. Raises NotFound, NotAllowed for
    another supplier's parcel, BadInput, OrderClosed when it is not waiting to be sent,
    ParcelBlocked when nothing may be sent, WrongUnit for a scanned pack that does not belong in.
    """
    order, parcel = lock_parcel(session, dispatch.sub_order_id)
    actor.must(Can.FULFIL_ORDERS, supplier_scope(session, parcel.supplier_id))
    carrier = plain(dispatch.carrier, 40, "carrier")
    waybill_no = plain(dispatch.waybill_no, 40, "waybill_no")
    if parcel.state in {"shipped", "received"} and parcel.waybill_no == waybill_no:
        return parcel
    if parcel.state != "awaiting_shipment":
        raise OrderClosed("This parcel is not waiting to be sent")
    if order.paid_at is not None and timedelta() < order.paid_at - dispatch.at < MINUTE:
        dispatch = replace(dispatch, at=order.paid_at)  # people write whole minutes
    if dispatch.at > now or (order.paid_at is not None and dispatch.at < order.paid_at):
        raise BadInput("A parcel is sent after it was paid and not in the future", field="at")
    promises = _promises(session, parcel.id)
    reserved = _usable(session, order, parcel, promises, today=clock.business_date(dispatch.at))
    parts = _parts(reserved)
    scanned = _scanned(session, dispatch, promises, parts)
    packing = Packing(session, parcel.supplier_id, dispatch.at, actor, now)
    freight = parcel.shipping_fen
    reference = _payment_reference(session, order.id)
    for place_id in sorted({part.place_id for part in parts}):
        here = [part for part in parts if part.place_id == place_id]
        items = _items(packing, here, promises, scanned)
        goods = sum(item.quantity * (item.price_fen or 0) for item in items)
        made = record_sale(
            session,
            Ticket(
                key=f"parcel:{parcel.id}:{place_id}",
                place_id=order.outlet_id,
                channel="online",
                sold_at=dispatch.at,
                items=tuple(items),
                tenders=(Paid("stripe", goods + freight, goods + freight, reference),),
                order_ref=order.number,
                shipping_fen=((parcel.supplier_id, freight),) if freight else (),
            ),
            actor=actor,
            now=now,
            dispatched_from=place_ref(session, place_id),
        )
        parcel.sale_id = parcel.sale_id or made.id
        freight = 0
    use(reserved)
    parcel.state, parcel.shipped_at = "shipped", dispatch.at
    parcel.carrier, parcel.waybill_no = carrier, waybill_no
    session.flush()
    publish(session, ParcelShipped(str(parcel.id)), now=now)
    audit(
        session,
        "dispatch_sub_order",
        "sub_order",
        parcel.id,
        actor=actor,
        now=now,
        before={"state": "awaiting_shipment"},
        after={"state": "shipped", "sale": str(parcel.sale_id)},
    )
    return parcel


PROMISES = (
    select(
        OrderLine.sku_id,
        OrderLine.number,
        Sku.gtin,
        Sku.tracking,
        OrderLine.unit_price_fen,
        OrderLine.price_version,
        OrderLine.name_zh,
        OrderLine.name_en,
    )
    .join(Sku, Sku.id == OrderLine.sku_id)
    .where(OrderLine.sub_order_id == bindparam("parcel"))
)


def _promises(session: Session, sub_order_id: UUID) -> dict[int, Promise]:
    return {
        row[0]: Promise(row[1], row[2], row[3], row[4], row[5], Named(row[6], row[7]))
        for row in session.execute(PROMISES, {"parcel": sub_order_id})
    }


def _usable(
    session: Session,
    order: Order,
    parcel: SubOrder,
    promises: Mapping[int, Promise],
    *,
    today: date,
) -> list[Reservation]:
    """Give the parcel's reservations, blocked lots exchanged for others."""
    lines = {promise.number for promise in promises.values()}
    reserved = line_reservations(session, order.id, lines)
    blocked = _blocked(session, reserved, today)
    lot_ids = {one.lot_id for one in reserved}
    if not blocked:
        _lock_lots(session, lot_ids)
        return reserved
    sku_ids = sorted({one.sku_id for one in blocked})
    places = supplier_places(session, [parcel.supplier_id]).get(parcel.supplier_id, [])
    stocked = select(StockBalance.lot_id).where(
        StockBalance.sku_id.in_(sku_ids), StockBalance.place_id.in_(places)
    )
    _lock_lots(session, lot_ids.union(session.scalars(stocked)))
    lock_balances(session, sku_ids, places)
    give_back(session, blocked)
    session.flush()
    wants = [Want(one.line, one.sku_id, one.quantity) for one in blocked]
    owner = owner_of(order.id)
    try:
        reserve_together(session, owner, wants, places, until=order.pay_by, today=today)
    except SoldOut as refused:
        raise ParcelBlocked(
            "A lot of %(product)s in this parcel is recalled, on hold or expired, and no other lot "
            "has enough; call the parcel off or wait for new goods",
            product=promises[refused.sku_id].name,
        ) from refused
    allocate(session, owner)
    session.flush()
    return line_reservations(session, order.id, lines)


STANDING = Hold.released_at.is_(None)
STOPPED: CompoundSelect[tuple[str, int | None]] = union_all(
    select(literal("lot"), Lot.id).where(
        Lot.id.in_(bindparam("lots", expanding=True)),
        or_(
            Lot.best_before < bindparam("today"),
            exists().where(Hold.lot_id == Lot.id, STANDING),
        ),
    ),
    select(literal("place"), Hold.place_id).where(
        Hold.place_id.in_(bindparam("places", expanding=True)), STANDING
    ),
)


def _blocked(session: Session, reserved: Sequence[Reservation], today: date) -> list[Reservation]:
    found = session.execute(
        STOPPED,
        {
            "lots": [one.lot_id for one in reserved],
            "places": [one.place_id for one in reserved],
            "today": today,
        },
    )
    stopped = {tuple(row) for row in found}
    return [
        one
        for one in reserved
        if ("lot", one.lot_id) in stopped or ("place", one.place_id) in stopped
    ]


LOCK_LOTS = (
    select(Lot.id)
    .where(Lot.id.in_(bindparam("lots", expanding=True)))
    .order_by(Lot.id)
    .with_for_update(key_share=True)
)


def _lock_lots(session: Session, lot_ids: Collection[int]) -> None:
    """Keep others from choosing units of the same lots until this parcel has left.

    Rows that refer to these lots may still be written meanwhile, by a checkout for instance.
    """
    session.execute(LOCK_LOTS, {"lots": list(lot_ids)}).all()


class Part(NamedTuple):
    """So many of one lot at one place that leave with the parcel."""

    place_id: int
    lot_id: int
    sku_id: int
    quantity: int


def _parts(reserved: Sequence[Reservation]) -> list[Part]:
    """Add up reservations of the same lot at the same place."""
    sums: dict[tuple[int, int, int], int] = {}
    for one in reserved:
        key = (one.place_id, one.lot_id, one.sku_id)
        sums[key] = sums.get(key, 0) + one.quantity
    return [Part(*key, quantity) for key, quantity in sorted(sums.items())]


def _payment_reference(session: Session, order_id: UUID) -> str:
    reference = session.scalar(
        select(Payment.payment_ref).where(Payment.order_id == order_id, Payment.state == "paid")
    )
    return (reference or "")[:80]


class Unit(NamedTuple):
    """A serialised pack that leaves, and the case it is in."""

    serial: str
    unit_id: int | None


Scanned = dict[tuple[int, int], list[Unit]]
"""By (place, lot)."""


class Packing(NamedTuple):
    """Who packs for whom, and when."""

    session: Session
    supplier_id: int
    at: datetime
    actor: Actor
    now: datetime

    def open(self, unit_id: int) -> None:
        """Open a case, so that its packs can leave one by one."""
        open_case(
            self.session,
            unit_id,
            organisation_id=self.supplier_id,
            at=self.at,
            actor=self.actor,
            now=self.now,
        )


def _scanned(
    session: Session, dispatch: Dispatch, promises: Mapping[int, Promise], parts: Sequence[Part]
) -> Scanned:
    """Give what was scanned where it is reserved; raise WrongUnit for any other pack."""
    if not dispatch.scanned:
        return {}
    rows = session.execute(
        select(
            Sku.gtin,
            Serial.serial,
            Serial.place_id,
            Serial.lot_id,
            Serial.state,
            Serial.unit_id,
        )
        .join(Sku, Sku.id == Serial.sku_id)
        .where(
            Serial.sku_id.in_(promises),
            Serial.serial.in_([serial for _, serial in dispatch.scanned]),
        )
    )
    known = {(row[0], row[1]): row for row in rows if row[4] in SELLABLE}
    room = {(part.place_id, part.lot_id): part.quantity for part in parts}
    found: Scanned = {}
    for code in dict.fromkeys(dispatch.scanned):
        row = known.get(code)
        key = (row[2], row[3]) if row is not None else None
        if row is None or key is None or room.get(key, 0) < 1:
            raise WrongUnit(
                "Pack %(serial)s does not belong in this parcel; take one of the lot on the list",
                field="scanned",
                serial=code[1],
            )
        room[key] -= 1
        found.setdefault(key, []).append(Unit(row[1], row[5]))
    return found


def _items(
    packing: Packing, parts: Sequence[Part], promises: Mapping[int, Promise], scanned: Scanned
) -> list[Item]:
    """Give the lines of the sale at one place: serials where packs have them, else lots."""
    items: list[Item] = []
    for part in parts:
        promise, left = promises[part.sku_id], part.quantity
        sold = Item(
            promise.gtin,
            price_fen=promise.unit_price_fen,
            price_version=promise.price_version,
            certainty="chosen",
        )
        if promise.tracking == "serial":
            seen = scanned.get((part.place_id, part.lot_id), [])
            for unit_id in sorted({unit.unit_id for unit in seen if unit.unit_id is not None}):
                packing.open(unit_id)
            picked = _pick_units(packing, part, left - len(seen), [unit.serial for unit in seen])
            items += [sold._replace(serial=unit.serial, certainty="scanned") for unit in seen]
            items += [sold._replace(serial=serial) for serial in picked]
            left -= len(seen) + len(picked)
        if left:
            lot_no = packing.session.get_one(Lot, part.lot_id).lot_no
            items.append(sold._replace(quantity=left, lot_no=lot_no))
    return items


def _pick_units(packing: Packing, part: Part, wanted: int, besides: Sequence[str]) -> list[str]:
    """Choose loose packs in the order of their serials; open cases when too few are loose."""
    session = packing.session
    loose = _loose(session, part, wanted, besides)
    missing = wanted - len(loose)
    if missing <= 0:
        return loose
    cases = session.execute(
        select(LogisticUnit.id, LogisticUnit.quantity)
        .where(
            LogisticUnit.lot_id == part.lot_id,
            LogisticUnit.place_id == part.place_id,
            LogisticUnit.state == "packed",
        )
        .order_by(LogisticUnit.id)
    ).all()
    for unit_id, quantity in cases:
        if missing > 0:
            packing.open(unit_id)
            missing -= quantity
    session.flush()
    return _loose(session, part, wanted, besides)


LOOSE = (
    select(Serial.serial)
    .where(
        Serial.lot_id == bindparam("lot"),
        Serial.place_id == bindparam("place"),
        Serial.state.in_(SELLABLE),
        Serial.unit_id.is_(None),
        Serial.serial.not_in(bindparam("besides", expanding=True)),
        Serial.id.not_in(select(Hold.serial_id).where(Hold.serial_id.is_not(None), STANDING)),
    )
    .order_by(Serial.serial)
    .limit(bindparam("wanted", type_=Integer))
)


def _loose(session: Session, part: Part, wanted: int, besides: Sequence[str]) -> list[str]:
    if wanted <= 0:
        return []
    given = {
        "lot": part.lot_id,
        "place": part.place_id,
        "besides": list(besides),
        "wanted": wanted,
    }
    return list(session.scalars(LOOSE, given))


class ShippingLabel(NamedTuple):
    """What a parcel's label needs. Personal data; reading it is written down."""

    order_number: str
    destination: Destination
    note: str


def shipping_label(
    session: Session, sub_order_id: UUID, *, actor: Actor, now: datetime
) -> ShippingLabel:
    """Give a supplier's clerk the full address for the label, and keep who asked for it.

    Raises NotFound, NotAllowed, OrderClosed when the parcel is not paid or the address is gone.
    """
    order, parcel = lock_parcel(session, sub_order_id)
    actor.must(Can.FULFIL_ORDERS, supplier_scope(session, parcel.supplier_id))
    contact = session.get(OrderContact, order.id)
    if parcel.state not in {"awaiting_shipment", "shipped"} or contact is None:
        raise OrderClosed("This parcel needs no label")
    audit(session, "read_address", "sub_order", parcel.id, actor=actor, now=now)
    return ShippingLabel(
        order.number,
        Destination(
            contact.recipient,
            contact.phone,
            contact.province,
            contact.city,
            contact.district,
            contact.detail,
        ),
        order.note,
    )
