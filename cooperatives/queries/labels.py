"""Labels: what is printed and what waits, and everything that a label says."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Integer, Select, case, cast, func, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.paging import Page, page_of
from goods.catalogue.models import Product, Sku
from goods.catalogue.rules import per_hundred
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import County, Organisation, Place
from traceability.digital_link import CaseCode, ItemCode
from traceability.labels.case import CaseLabel, CaseLine
from traceability.labels.image import ShelfCard
from traceability.labels.sheet import Label, labels_for_serials
from traceability.models import LabelPrint, Shipment
from traceability.services.labels import serials_between


class PrintJob(NamedTuple):
    """A lot with numbered packs: how many labels are printed and how many are not yet."""

    lot: Lot
    sku: Sku
    product: Product
    serials: int
    printed: int

    @property
    def left(self) -> int:
        """Give how many labels are still to be printed."""
        return self.serials - self.printed


def _jobs(organisations: Collection[int]) -> Select[tuple[Lot, Sku, Product, int, int]]:
    highest = (
        select(LabelPrint.lot_id, func.max(LabelPrint.last_serial).label("last"))
        .group_by(LabelPrint.lot_id)
        .subquery()
    )
    done = cast(func.sum(case((Serial.serial <= highest.c.last, 1), else_=0)), Integer)
    counted = (
        select(Serial.lot_id, func.count().label("serials"), done.label("printed"))
        .join(Lot, Lot.id == Serial.lot_id)
        .outerjoin(highest, highest.c.lot_id == Serial.lot_id)
        .where(Lot.organisation_id.in_(organisations))
        .group_by(Serial.lot_id)
        .subquery()
    )
    return (
        select(Lot, Sku, Product, counted.c.serials, counted.c.printed)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(counted, counted.c.lot_id == Lot.id)
        .where(Lot.organisation_id.in_(organisations))
        .order_by((counted.c.serials - counted.c.printed > 0).desc(), Lot.id.desc())
    )


def waiting_jobs(session: Session, organisations: Collection[int], most: int) -> list[PrintJob]:
    """Give the newest lots with labels that are not printed yet. One statement."""
    rows = session.execute(_jobs(organisations).limit(most)).tuples()
    return [job for job in (PrintJob(*row) for row in rows) if job.left > 0]


def print_jobs(session: Session, organisations: Collection[int], *, number: int) -> Page:
    """Give a page of lots with numbered packs, those with something to print first."""
    found = page_of(session, _jobs(organisations), number=number, size=20)
    return Page([PrintJob(*row) for row in found.items], found.number, found.size, found.total)


def prints_of(session: Session, lot_id: int) -> Sequence[LabelPrint]:
    """Give what was printed of a lot, newest first."""
    return session.scalars(
        select(LabelPrint)
        .where(LabelPrint.lot_id == lot_id)
        .order_by(LabelPrint.id.desc())
        .limit(50)
    ).all()


def own_print(session: Session, organisations: Collection[int], print_id: int) -> LabelPrint:
    """Give one printing of these organisations' lots; raise NotFound."""
    found = session.scalar(
        select(LabelPrint)
        .join(Lot, Lot.id == LabelPrint.lot_id)
        .where(LabelPrint.id == print_id, Lot.organisation_id.in_(organisations))
    )
    if found is None:
        raise NotFound("These labels are not on record")
    return found


def sheet_of(session: Session, printed: LabelPrint) -> list[Label]:
    """Give the labels of one printing as they are set on the sheet."""
    lot, sku, product, county, owner = (
        session.execute(
            select(Lot, Sku, Product, County, Organisation)
            .join(Sku, Sku.id == Lot.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .join(County, County.code == Product.county_code)
            .join(Organisation, Organisation.id == Lot.organisation_id)
            .where(Lot.id == printed.lot_id)
        )
        .tuples()
        .one()
    )
    label = Label(
        code=ItemCode(sku.gtin, lot=lot.lot_no),
        product_name=product.name_zh,
        spec=sku.spec_zh,
        origin=product.origin_zh or county.name_zh,
        county=county.short_zh,
        producer=owner.short_zh,
        produced_on=lot.produced_on,
        best_before=lot.best_before,
        demo=lot.demo or product.demo,
    )
    if not printed.first_serial:
        return [label] * printed.count
    numbers = serials_between(session, lot.id, printed.first_serial, printed.last_serial)
    return labels_for_serials(label, numbers)


@dataclass(frozen=True, slots=True)
class OwnSku:
    """A pack of the desk's own with what its shelf card says."""

    sku: Sku
    product: Product
    county: County
    owner: Organisation

    def card(self) -> ShelfCard:
        """Give the card that stands beside these goods on a shelf."""
        unit = per_hundred(self.sku.price_fen, self.sku.net_content, self.sku.net_unit)
        return ShelfCard(
            code=ItemCode(self.sku.gtin),
            product_name=self.product.name_zh,
            spec=self.sku.spec_zh,
            origin=self.product.origin_zh or self.county.name_zh,
            county=self.county.short_zh,
            producer=self.owner.short_zh,
            price_fen=self.sku.price_fen,
            price_unit=self.sku.spec_zh.rpartition("/")[2],
            unit_price=f"¥{unit[0] / 100:.2f}/{unit[1]}" if unit else "",
            demo=self.product.demo,
        )


def own_sku(session: Session, organisations: Collection[int], sku_id: int) -> OwnSku:
    """Give a pack of these organisations; raise NotFound."""
    row = session.execute(
        select(Sku, Product, County, Organisation)
        .join(Product, Product.id == Sku.product_id)
        .join(County, County.code == Product.county_code)
        .join(Organisation, Organisation.id == Product.supplier_id)
        .where(Sku.id == sku_id, Sku.raw.is_(False), Product.supplier_id.in_(organisations))
    ).first()
    if row is None:
        raise NotFound("There is no such product")
    return OwnSku(*row)


def case_labels(
    session: Session, organisations: Collection[int], unit_ids: Sequence[int]
) -> list[CaseLabel]:
    """Give the labels of cases of these organisations, with the receiver where it is known."""
    receiver = (
        select(Shipment.transit_place_id, Place.name_zh.label("receiver"))
        .join(Place, Place.id == Shipment.to_place_id)
        .subquery()
    )
    rows = session.execute(
        select(LogisticUnit, Lot, Sku, Product, Organisation.name_zh, receiver.c.receiver)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Organisation, Organisation.id == Lot.organisation_id)
        .outerjoin(receiver, receiver.c.transit_place_id == LogisticUnit.place_id)
        .where(LogisticUnit.id.in_(unit_ids), Lot.organisation_id.in_(organisations))
        .order_by(LogisticUnit.sscc)
    ).tuples()
    return [
        CaseLabel(
            code=CaseCode(unit.sscc),
            lines=[
                CaseLine(
                    product_name=product.name_zh,
                    spec=sku.spec_zh,
                    lot=lot.lot_no,
                    quantity=unit.quantity,
                    unit=sku.spec_zh.rpartition("/")[2] or "件",
                    best_before=lot.best_before,
                )
            ],
            sender=sender,
            receiver=to or "",
            packed_on=unit.packed_at.date(),
            demo=lot.demo,
        )
        for unit, lot, sku, product, sender, to in rows
    ]
