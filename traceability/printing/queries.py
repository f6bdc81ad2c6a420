"""What was printed, what waits, and everything that a label says."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import County, Organisation, Place
from traceability.digital_link import CaseCode, ItemCode
from traceability.labels.case import CaseLabel, CaseLine
from traceability.labels.sheet import Label, labels_for_serials
from traceability.models import LabelPrint, Shipment


def printed_up_to(session: Session, lot_id: int, kind: str = "item") -> str:
    """Give the highest number of a lot that was ever printed; "" when none was."""
    return (
        session.scalar(
            select(func.max(LabelPrint.last_serial)).where(
                LabelPrint.lot_id == lot_id, LabelPrint.kind == kind
            )
        )
        or ""
    )


def serials_between(
    session: Session, lot_id: int, first: str, last: str, most: int, *, after: str = ""
) -> Sequence[str]:
    """Give the serials of a lot from `first` to `last`, in order, but for withdrawn ones.

    At most one more than `most`, and only those behind `after`.
    """
    return session.scalars(
        select(Serial.serial)
        .where(
            Serial.lot_id == lot_id,
            Serial.serial.between(first, last),
            Serial.serial > after,
            Serial.withdrawn.is_(False),
        )
        .order_by(Serial.serial)
        .limit(most + 1)
    ).all()


def units_between(session: Session, lot_id: int, first: str, last: str, most: int) -> Sequence[str]:
    """Give the SSCCs of a lot's cases from `first` to `last`, in order; at most one over `most`."""
    return session.scalars(
        select(LogisticUnit.sscc)
        .where(LogisticUnit.lot_id == lot_id, LogisticUnit.sscc.between(first, last))
        .order_by(LogisticUnit.sscc)
        .limit(most + 1)
    ).all()


def label_of(session: Session, lot_id: int) -> Label:
    """Give what every label of a lot says; its code has no serial. One statement."""
    lot, sku, product, county, owner = (
        session.execute(
            select(Lot, Sku, Product, County, Organisation)
            .join(Sku, Sku.id == Lot.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .join(County, County.code == Product.county_code)
            .join(Organisation, Organisation.id == Lot.organisation_id)
            .where(Lot.id == lot_id)
        )
        .tuples()
        .one()
    )
    return Label(
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


def labels_of(
    session: Session,
    printed: LabelPrint,
    *,
    done: int = 0,
    after: str = "",
    most: int | None = None,
) -> Sequence[Label]:
    """Give the labels of a printing of items or lots, from behind the `done` first ones.

    `after` is the last serial done; `most` limits how many are given.
    """
    label = label_of(session, printed.lot_id)
    count = printed.count - done if most is None else min(most, printed.count - done)
    if printed.kind == "lot":
        return [label] * count
    if count <= 0:
        return []
    numbers = serials_between(
        session, printed.lot_id, printed.first_serial, printed.last_serial, count, after=after
    )
    return labels_for_serials(label, numbers[:count])


def case_labels(session: Session, unit_ids: Sequence[int]) -> list[CaseLabel]:
    """Give the labels of cases in the order of their SSCCs, with the receiver where it is known."""
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
        .where(LogisticUnit.id.in_(unit_ids))
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


def cases_of_print(session: Session, printed: LabelPrint) -> list[CaseLabel]:
    """Give the labels of a printing of cases."""
    ids = session.scalars(
        select(LogisticUnit.id).where(
            LogisticUnit.lot_id == printed.lot_id,
            LogisticUnit.sscc.between(printed.first_serial, printed.last_serial),
        )
    ).all()
    return case_labels(session, ids)
