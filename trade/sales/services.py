"""Verbs of sales: the only place where a sale is made."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import add_rows, core
from foundation.errors import KeyReused, NotFound
from foundation.ids import digest, time_uuid
from foundation.locks import lock_key
from foundation.outbox import publish
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Serial
from goods.stock.queries import held_meanwhile, holds_on, standing_hold
from goods.stock.rules import Want, pick
from goods.stock.services import shelf
from parties.network.models import Outlet, Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.rules import Happening, LotRef, Part, PlaceRef, SerialRef
from traceability.services.events import book_in_missing, record_event
from trade.ledger.rules import sale_entries
from trade.ledger.services import post
from trade.sales.errors import (
    AlreadySold,
    Expired,
    NotHere,
    OutletClosed,
    Recalled,
    UnknownItem,
    WrongTender,
)
from trade.sales.messages import SaleRecorded
from trade.sales.models import Sale, SaleLine, Tender
from trade.sales.rules import Item, Paid, Ticket, check_ticket

SELLABLE = ("on_shelf", "commissioned", "returned")


class Line(NamedTuple):
    """One priced line of a sale."""

    lot: LotRef
    serial: SerialRef | None
    best_before: date | None
    supplier_id: int
    quantity: int
    price_fen: int
    list_price_fen: int
    price_version: int
    certainty: str

    @property
    def total_fen(self) -> int:
        """Give quantity times price."""
        return self.quantity * self.price_fen


class Seller(NamedTuple):
    """The outlet that sells, as a sale needs it."""

    place: PlaceRef
    code: str
    operator_id: int
    county_code: str | None
    status: str


class Made(NamedTuple):
    """The sale, and whether this call made it."""

    id: UUID
    number: str
    total_fen: int
    new: bool


def record_sale(
    session: Session,
    ticket: Ticket,
    *,
    actor: Actor,
    now: datetime,
    dispatched_from: PlaceRef | None = None,
) -> Made:
    """Turn a ticket into a sale: priced, traced, out of stock, in the ledger, and told onwards.

    Sending the same ticket again gives the sale it made the first time; the same key with other
    content is refused (KeyReused). Raises UnknownItem, AlreadySold, Recalled, Expired, NotHere,
    WrongTender, OutletClosed or NotAllowed, and then writes nothing. Goods in the clerk's hand
    that the books lack are first booked in by a discrepancy event.

    `dispatched_from` is the place whose reserved goods leave for an online parcel.
    """
    check_ticket(ticket)
    lock_key(session, f"sale:{ticket.key}")
    seller, made, content = _seller(session, ticket)
    if dispatched_from is None:
        actor.must(Can.SELL, Scope(seller.operator_id, ticket.place_id, seller.county_code))
    fingerprint = digest(ticket.content())
    if made is not None:
        if content != fingerprint:
            raise KeyReused("This key was already used for another sale")
        return made
    if seller.status != "open" and ticket.channel == "counter":
        raise OutletClosed("This outlet is not open")
    where = dispatched_from or seller.place
    day = clock.business_date(ticket.sold_at)
    lines = _lines(session, ticket.items, where.id, day)
    _refuse_blocked(session, lines, where.id, day)
    total = sum(line.total_fen for line in lines)
    freight = dict(ticket.shipping_fen)
    _check_tenders(ticket.tenders, total + sum(freight.values()))
    sale_id = time_uuid(now)
    _hand_over(session, lines, where.id)
    event_id = _record(
        session,
        lines,
        where,
        seller,
        sale_id,
        ticket,
        actor=actor,
        now=now,
        reserved=dispatched_from is not None,
    )
    if held_meanwhile(
        session,
        lot_ids={line.lot.id for line in lines},
        serial_ids=[line.serial.id for line in lines if line.serial],
        place_id=where.id,
    ):
        raise _recalled()
    number = f"{seller.code}-{day:%y%m%d}-{sale_id.hex[-6:].upper()}"
    add_rows(
        session,
        Sale,
        [
            {
                "id": sale_id,
                "key": ticket.key,
                "content_digest": fingerprint,
                "number": number,
                "place_id": ticket.place_id,
                "channel": ticket.channel,
                "order_ref": ticket.order_ref,
                "sold_at": ticket.sold_at,
                "recorded_at": now,
                "business_date": day,
                "currency": "CNY",
                "total_fen": total,
                "event_id": event_id,
                "actor_id": actor.id,
            }
        ],
    )
    _write_lines(session, sale_id, lines)
    _write_tenders(session, sale_id, ticket.tenders)
    goods: dict[int, int] = {}
    for line in lines:
        goods[line.supplier_id] = goods.get(line.supplier_id, 0) + line.total_fen
    entries = sale_entries(
        channel=ticket.channel,
        outlet_operator=seller.operator_id,
        by_supplier=goods,
        shipping=freight,
    )
    post(session, entries, cause=("sale", str(sale_id)), business_date=day, now=now)
    audit(
        session,
        "record_sale",
        "sale",
        sale_id,
        actor=actor,
        now=now,
        after={"place": ticket.place_id, "total_fen": total, "lines": len(lines)},
    )
    publish(session, SaleRecorded(str(sale_id), ticket.place_id, day.isoformat()), now=now)
    return Made(sale_id, number, total, new=True)


SELLER = (
    select(
        Place.id,
        Place.gln,
        Outlet.code,
        Outlet.operator_id,
        Outlet.county_code,
        Outlet.status,
        Sale.id,
        Sale.number,
        Sale.total_fen,
        Sale.content_digest,
    )
    .join(Outlet, Outlet.place_id == Place.id)
    .outerjoin(Sale, Sale.key == bindparam("key"))
    .where(Place.id == bindparam("place_id"))
)


def _seller(session: Session, ticket: Ticket) -> tuple[Seller, Made | None, str]:
    """Give who sells, the sale that the ticket's key made before, and that one's content."""
    asked = {"place_id": ticket.place_id, "key": ticket.key}
    row = core(session).execute(SELLER, asked).first()
    if row is None:
        raise NotFound("There is no such outlet")
    made = Made(row[6], row[7], row[8], new=False) if row[6] is not None else None
    return Seller(PlaceRef(row[0], row[1]), *row[2:6]), made, row[9]


def _lines(session: Session, items: Sequence[Item], place_id: int, today: date) -> list[Line]:
    serials = _find_serials(session, items)
    lots = _find_lots(session, [item for item in items if not item.serial], place_id, today)
    lines: list[Line] = []
    for item in items:
        if item.serial:
            found = serials.get((item.gtin, item.serial))
            if found is None:
                raise UnknownItem("Nobody has made a pack with this code; do not sell it")
            lines.append(_refuse_gone(found, item, place_id))
        else:
            lines.extend(lots[item])
    return lines


SKU_COLUMNS = (Sku.price_fen, Sku.price_version, Product.supplier_id)
SERIALS = (
    select(
        Sku.gtin,
        Serial.serial,
        Serial.id,
        case((Serial.withdrawn, "withdrawn"), else_=Serial.state),
        Serial.place_id,
        Lot.id,
        Lot.sku_id,
        Lot.lot_no,
        Lot.best_before,
        Sku.base_unit,
        *SKU_COLUMNS,
        standing_hold(Lot.id, Serial.id, Serial.place_id),
    )
    .join(Lot, Lot.id == Serial.lot_id)
    .join(Sku, Sku.id == Serial.sku_id)
    .join(Product, Product.id == Sku.product_id)
    .where(
        Sku.gtin.in_(bindparam("gtins", expanding=True)),
        Serial.serial.in_(bindparam("serials", expanding=True)),
    )
)


PACKS = (
    select(Sku.gtin, Sku.id, Sku.base_unit, *SKU_COLUMNS)
    .join(Product, Product.id == Sku.product_id)
    .where(Sku.gtin.in_(bindparam("gtins", expanding=True)), Sku.raw.is_(False))
)
NAMED_LOTS = (
    select(Sku.gtin, Lot.id, Lot.lot_no, Lot.best_before)
    .join(Sku, Sku.id == Lot.sku_id)
    .where(
        Sku.gtin.in_(bindparam("gtins", expanding=True)),
        Lot.lot_no.in_(bindparam("lot_nos", expanding=True)),
    )
)


def _find_serials(
    session: Session, items: Sequence[Item]
) -> dict[tuple[str, str], tuple[Any, ...]]:
    wanted = [(item.gtin, item.serial) for item in items if item.serial]
    if not wanted:
        return {}
    rows = core(session).execute(
        SERIALS,
        {"gtins": [gtin for gtin, _ in wanted], "serials": [serial for _, serial in wanted]},
    )
    return {(row[0], row[1]): tuple(row) for row in rows}


def _refuse_gone(found: tuple[Any, ...], item: Item, place_id: int) -> Line:
    gtin, serial, serial_id, state, at_place, lot_id, sku_id, lot_no, best_before, unit = found[:10]
    price, version, supplier_id, held = found[10:]
    if state == "sold":
        raise AlreadySold("This pack has already been sold; do not sell it again")
    if state == "withdrawn":
        raise NotHere("This number was withdrawn; do not sell a pack under it")
    if at_place != place_id or state not in SELLABLE:
        raise NotHere("This pack has not been received here; receive its case first")
    if held:
        raise _recalled()
    lot = LotRef(lot_id, sku_id, gtin, lot_no, unit)
    return Line(
        lot,
        SerialRef(serial_id, lot, serial),
        best_before,
        supplier_id,
        1,
        price if item.price_fen is None else item.price_fen,
        price,
        item.price_version or version,
        item.certainty or "scanned",
    )


def _find_lots(
    session: Session, items: Sequence[Item], place_id: int, today: date
) -> dict[Item, list[Line]]:
    if not items:
        return {}
    rows = session.execute(PACKS, {"gtins": sorted({item.gtin for item in items})})
    skus = {row[0]: tuple(row[1:]) for row in rows}
    named = _named_lots(session, items)
    lines: dict[Item, list[Line]] = {}
    guessed = [item for item in items if not item.lot_no]
    on_shelf = (
        shelf(
            session, [skus[i.gtin][0] for i in guessed if i.gtin in skus], [place_id], today=today
        )
        if guessed
        else []
    )
    free = {(f.lot_id): f for f in on_shelf}
    for item in items:
        if item.gtin not in skus:
            raise UnknownItem("No product here has this code")
        sku_id, unit, price, version, supplier_id = skus[item.gtin]
        charged = price if item.price_fen is None else item.price_fen
        if item.lot_no:
            chosen = [(named.get((item.gtin, item.lot_no)), item.quantity)]
            certainty = item.certainty or "scanned"
        else:
            chosen = _infer(session, item, sku_id, free)
            certainty = "inferred"
        lines[item] = []
        for lot, quantity in chosen:
            if lot is None:
                raise UnknownItem("Nobody has recorded this lot; do not sell it")
            lot_id, lot_no, best_before = lot
            lines[item].append(
                Line(
                    LotRef(lot_id, sku_id, item.gtin, lot_no, unit),
                    None,
                    best_before,
                    supplier_id,
                    quantity,
                    charged,
                    price,
                    item.price_version or version,
                    certainty,
                )
            )
    return lines


def _named_lots(
    session: Session, items: Sequence[Item]
) -> dict[tuple[str, str], tuple[int, str, date | None]]:
    wanted = [(item.gtin, item.lot_no) for item in items if item.lot_no]
    if not wanted:
        return {}
    rows = session.execute(
        NAMED_LOTS,
        {"gtins": [gtin for gtin, _ in wanted], "lot_nos": [lot_no for _, lot_no in wanted]},
    )
    return {(gtin, lot_no): (lot_id, lot_no, best) for gtin, lot_id, lot_no, best in rows}


def _infer(
    session: Session, item: Item, sku_id: int, free: Mapping[int, Any]
) -> list[tuple[tuple[int, str, date | None] | None, int]]:
    """Choose lots first-expired-first-out; what no lot on hand covers goes to the newest lot."""
    mine = [f for f in free.values() if f.sku_id == sku_id]
    picks, missing = pick([Want(0, sku_id, item.quantity)], mine)
    quantities = {chosen.lot_id: chosen.quantity for chosen in picks}
    short = missing.get(sku_id, 0)
    if short:
        newest = session.scalar(
            select(Lot.id).where(Lot.sku_id == sku_id).order_by(Lot.id.desc()).limit(1)
        )
        if newest is None:
            return [(None, item.quantity)]
        quantities[newest] = quantities.get(newest, 0) + short
    rows = session.execute(
        select(Lot.id, Lot.lot_no, Lot.best_before).where(Lot.id.in_(quantities)).order_by(Lot.id)
    )
    return [((row[0], row[1], row[2]), quantities[row[0]]) for row in rows]


def _refuse_blocked(session: Session, lines: Sequence[Line], place_id: int, day: date) -> None:
    loose = [line.lot.id for line in lines if not line.serial]
    if loose and holds_on(session, lot_ids=loose, place_id=place_id):
        raise _recalled()
    for line in lines:
        if line.best_before is not None and line.best_before < day:
            raise Expired("This lot expired on %(day)s; do not sell it", day=line.best_before)


def _recalled() -> Recalled:
    return Recalled("This lot is recalled; take it off the shelf and do not sell it")


def _check_tenders(tenders: Sequence[Paid], total: int) -> None:
    if sum(tender.amount_fen for tender in tenders) != total:
        raise WrongTender("The amounts paid do not add up to the total", field="tenders")
    for tender in tenders:
        over = tender.received_fen - tender.amount_fen
        if over < 0 or (over and tender.kind != "cash"):
            raise WrongTender("Less was received than is owed", field="tenders")


SERIAL = cast(Table, Serial.__table__)
SELL = (
    update(SERIAL)
    .where(
        SERIAL.c.id.in_(bindparam("ids", expanding=True)),
        SERIAL.c.place_id == bindparam("at_place"),
        or_(*(SERIAL.c.state == state for state in SELLABLE)),
    )
    .values(state="sold", unit_id=None)
)


def _hand_over(session: Session, lines: Sequence[Line], place_id: int) -> None:
    ids = sorted(line.serial.id for line in lines if line.serial)
    if not ids:
        return
    done = core(session).execute(SELL, {"ids": ids, "at_place": place_id})
    if done.rowcount != len(ids):
        raise AlreadySold("This pack has already been sold; do not sell it again")


def _record(
    session: Session,
    lines: Sequence[Line],
    where: PlaceRef,
    seller: Seller,
    sale_id: UUID,
    ticket: Ticket,
    *,
    actor: Actor,
    now: datetime,
    reserved: bool,
) -> UUID:
    reference = ("inv", f"urn:uuid:{sale_id}")
    sums: dict[int, Part] = {}
    for line in lines:
        before = sums.get(line.lot.id)
        sums[line.lot.id] = Part(line.lot, line.quantity + (before.quantity if before else 0))
    parts = tuple(sums[lot_id] for lot_id in sorted(sums))
    event = Happening(
        event_type="ObjectEvent",
        action="OBSERVE",
        biz_step="retail_selling",
        disposition="retail_sold",
        at=ticket.sold_at,
        organisation_id=seller.operator_id,
        place=where,
        parts=parts,
        serials=tuple(line.serial for line in lines if line.serial),
        template_step="sell",
        transaction=reference,
        facts={"channel": ticket.channel},
    )
    if not reserved:
        for part in parts:
            book_in_missing(
                session,
                part,
                where,
                organisation_id=seller.operator_id,
                transaction=reference,
                at=ticket.sold_at,
                actor=actor,
                now=now,
            )
    return record_event(session, event, actor=actor, now=now, reserved=reserved)


def _write_lines(session: Session, sale_id: UUID, lines: Sequence[Line]) -> None:
    add_rows(
        session,
        SaleLine,
        [
            {
                "sale_id": sale_id,
                "sku_id": line.lot.sku_id,
                "lot_id": line.lot.id,
                "serial_id": line.serial.id if line.serial else None,
                "supplier_id": line.supplier_id,
                "quantity": line.quantity,
                "unit_price_fen": line.price_fen,
                "list_price_fen": line.list_price_fen,
                "price_version": line.price_version,
                "total_fen": line.total_fen,
                "lot_certainty": line.certainty,
            }
            for line in lines
        ],
    )


def _write_tenders(session: Session, sale_id: UUID, tenders: Sequence[Paid]) -> None:
    if tenders:
        add_rows(
            session,
            Tender,
            [
                {
                    "sale_id": sale_id,
                    "kind": tender.kind,
                    "amount_fen": tender.amount_fen,
                    "received_fen": tender.received_fen,
                    "reference": tender.reference,
                }
                for tender in tenders
            ],
        )
