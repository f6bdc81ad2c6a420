"""Cases on their way to a counter."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.paging import Page, page_of
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot
from goods.stock.queries import holds_on
from parties.network.models import Organisation, Place
from traceability.models import Shipment

PAGE = 10


class CaseLine(NamedTuple):
    """One case and what it holds."""

    sscc: str
    quantity: int
    state: str
    place_id: int
    lot_id: int
    lot_no: str
    best_before: date | None
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str


@dataclass(frozen=True, slots=True)
class Expected:
    """One shipment on its way here, with the cases still to be received."""

    number: str
    shipped_at: datetime
    carrier: str
    waybill_no: str
    supplier: Organisation
    cases: tuple[CaseLine, ...]
    blocked: frozenset[int]
    """Lots of it that are on hold."""


CASE = (
    LogisticUnit.sscc,
    LogisticUnit.quantity,
    LogisticUnit.state,
    LogisticUnit.place_id,
    Lot.id,
    Lot.lot_no,
    Lot.best_before,
    Product.name_zh,
    Product.name_en,
    Sku.spec_zh,
    Sku.spec_en,
)


def expected(session: Session, place_id: int, *, page: int) -> Page:
    """Give a page of what is on its way to this counter, oldest first. Four statements."""
    listed = page_of(
        session,
        select(Shipment, Organisation)
        .join(Organisation, Organisation.id == Shipment.organisation_id)
        .where(Shipment.to_place_id == place_id, Shipment.state == "in_transit")
        .order_by(Shipment.shipped_at, Shipment.id),
        number=page,
        size=PAGE,
    )
    rows = session.execute(
        select(*CASE)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(
            LogisticUnit.place_id.in_([shipment.transit_place_id for shipment, _ in listed.items]),
            LogisticUnit.state == "in_transit",
        )
        .order_by(LogisticUnit.sscc)
    ).all()
    cases: dict[int, list[CaseLine]] = {}
    for row in rows:
        line = CaseLine(*row)
        cases.setdefault(line.place_id, []).append(line)
    holds = holds_on(session, lot_ids={line.lot_id for each in cases.values() for line in each})
    blocked = frozenset(hold.lot_id for hold in holds if hold.lot_id is not None)
    shown = [
        Expected(
            shipment.number,
            shipment.shipped_at,
            shipment.carrier,
            shipment.waybill_no,
            supplier,
            tuple(cases.get(shipment.transit_place_id, ())),
            blocked,
        )
        for shipment, supplier in listed.items
    ]
    return Page(shown, listed.number, listed.size, listed.total)


class CaseFound(NamedTuple):
    """A case as the receiving clerk asks about it."""

    line: CaseLine
    to_place_id: int | None
    to_zh: str
    to_en: str


def case_by_sscc(session: Session, sscc: str) -> CaseFound | None:
    """Give a case, and where it was sent."""
    row = session.execute(
        select(*CASE, Shipment.to_place_id, Place.name_zh, Place.name_en)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .outerjoin(Shipment, Shipment.transit_place_id == LogisticUnit.place_id)
        .outerjoin(Place, Place.id == Shipment.to_place_id)
        .where(LogisticUnit.sscc == sscc)
    ).first()
    if row is None:
        return None
    line = CaseLine(*row[: len(CASE)])
    return CaseFound(line, row[-3], row[-2] or "", row[-1] or "")


def case_with(session: Session, gtin: str, serial: str) -> str | None:
    """Give the SSCC of the closed case that holds this pack."""
    from goods.stock.models import Serial

    return session.scalar(
        select(LogisticUnit.sscc)
        .join(Serial, Serial.unit_id == LogisticUnit.id)
        .join(Sku, Sku.id == Serial.sku_id)
        .where(Sku.gtin == gtin, Serial.serial == serial)
    )
