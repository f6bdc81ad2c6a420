"""What is sold: codes and lots turned into priced lines, or refused."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, select
from sqlalchemy.orm import Session

from foundation.db import core
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Serial
from goods.stock.queries import holds_on, standing_hold
from goods.stock.rules import Want, pick
from goods.stock.services import shelf
from traceability.rules import LotRef, SerialRef
from trade.sales.errors import AlreadySold, Expired, NotHere, Recalled, UnknownItem
from trade.sales.rules import Item

SELLABLE = ("on_shelf", "commissioned", "returned")
"""States of a serialised pack in which it can be handed over."""


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


def lines_of(session: Session, items: Sequence[Item], place_id: int, today: date) -> list[Line]:
    """Give what is sold, priced and with its lot: scanned, chosen, or inferred first expired first.

    Raises UnknownItem, AlreadySold, NotHere or Recalled.
    """
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
        raise recalled()
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


def refuse_blocked(session: Session, lines: Sequence[Line], place_id: int, day: date) -> None:
    """Refuse lines that are held (Recalled) or past their date on `day` (Expired)."""
    loose = [line.lot.id for line in lines if not line.serial]
    if loose and holds_on(session, lot_ids=loose, place_id=place_id):
        raise recalled()
    for line in lines:
        if line.best_before is not None and line.best_before < day:
            raise Expired("This lot expired on %(day)s; do not sell it", day=line.best_before)


def recalled() -> Recalled:
    """Give the refusal of what is called back or held."""
    return Recalled("This lot is recalled; take it off the shelf and do not sell it")
