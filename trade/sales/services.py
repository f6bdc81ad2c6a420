"""Verbs of sales: the only place where a sale is made."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, or_, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import add_rows, core
from foundation.errors import KeyReused, NotFound
from foundation.ids import digest, time_uuid
from foundation.locks import lock_key
from foundation.outbox import publish
from goods.stock.models import Serial
from goods.stock.queries import held_meanwhile
from parties.network.models import Outlet, Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.rules import Happening, Part, PlaceRef
from traceability.services.events import book_in_missing, record_event
from trade.ledger.rules import sale_entries
from trade.ledger.services import post
from trade.sales.errors import (
    AlreadySold,
    OutletClosed,
    WrongTender,
)
from trade.sales.lines import SELLABLE, Line, lines_of, recalled, refuse_blocked
from trade.sales.messages import SaleRecorded
from trade.sales.models import Sale, SaleLine, Tender
from trade.sales.rules import Paid, Ticket, check_ticket


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
    lines = lines_of(session, ticket.items, where.id, day)
    refuse_blocked(session, lines, where.id, day)
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
        raise recalled()
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
