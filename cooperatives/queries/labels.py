"""Labels: what is printed and what waits, who printed it again and why, what was withdrawn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Integer, Select, case, cast, func, or_, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.paging import Page, page_of
from goods.catalogue.models import Product, Sku
from goods.catalogue.rules import per_hundred
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import County, Organisation
from parties.people.models import Account
from traceability.digital_link import ItemCode
from traceability.labels.case import CaseLabel
from traceability.labels.image import ShelfCard
from traceability.models import LabelPrint
from traceability.printing import queries as printing
from traceability.printing.models import LabelJob, LabelVoid


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


def _jobs(
    organisations: Collection[int], words: str = ""
) -> Select[tuple[Lot, Sku, Product, int, int]]:
    highest = (
        select(LabelPrint.lot_id, func.max(LabelPrint.last_serial).label("last"))
        .where(LabelPrint.kind == "item")
        .group_by(LabelPrint.lot_id)
        .subquery()
    )
    done = cast(func.sum(case((Serial.serial <= highest.c.last, 1), else_=0)), Integer)
    counted = (
        select(Serial.lot_id, func.count().label("serials"), done.label("printed"))
        .join(Lot, Lot.id == Serial.lot_id)
        .outerjoin(highest, highest.c.lot_id == Serial.lot_id)
        .where(Lot.organisation_id.in_(organisations), Serial.withdrawn.is_(False))
        .group_by(Serial.lot_id)
        .subquery()
    )
    query = (
        select(Lot, Sku, Product, counted.c.serials, counted.c.printed)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(counted, counted.c.lot_id == Lot.id)
        .where(Lot.organisation_id.in_(organisations))
        .order_by((counted.c.serials - counted.c.printed > 0).desc(), Lot.id.desc())
    )
    if words:
        like = _like(words)
        query = query.where(or_(Lot.lot_no.like(like.upper()), Product.name_zh.like(like)))
    return query


def _like(words: str) -> str:
    return f"%{words.replace('%', '').replace('_', '')}%"


def waiting_jobs(session: Session, organisations: Collection[int], most: int) -> list[PrintJob]:
    """Give the newest lots with labels that are not printed yet. One statement."""
    rows = session.execute(_jobs(organisations).limit(most)).tuples()
    return [job for job in (PrintJob(*row) for row in rows) if job.left > 0]


def print_jobs(
    session: Session, organisations: Collection[int], *, number: int, words: str = ""
) -> Page:
    """Give a page of lots with numbered packs, those with something to print first."""
    found = page_of(session, _jobs(organisations, words), number=number, size=20)
    return Page([PrintJob(*row) for row in found.items], found.number, found.size, found.total)


class Waits(NamedTuple):
    """Of one kind of label of a lot: how many are printed, how many wait, from where to where."""

    done: int
    left: int
    first: str
    last: str


def waits(session: Session, lot_id: int, kind: str) -> Waits:
    """Count the numbers of a lot that are printed and those that wait. Two statements."""
    last = printing.printed_up_to(session, lot_id, kind)
    if kind == "case":
        column, owner = LogisticUnit.sscc, LogisticUnit.lot_id == lot_id
        counted = select(func.count(), func.min(column), func.max(column)).where(owner)
    else:
        column, owner = Serial.serial, Serial.lot_id == lot_id
        counted = select(func.count(), func.min(column), func.max(column)).where(
            owner, Serial.withdrawn.is_(False)
        )
    done = session.execute(counted.where(column <= last)).one()
    left = session.execute(counted.where(column > last)).one()
    return Waits(done[0], left[0], left[1] or "", left[2] or "")


class Printed(NamedTuple):
    """One printing with what it is of, how far its file is, and who asked for it."""

    printed: LabelPrint
    lot: Lot
    sku: Sku
    product: Product
    job: LabelJob | None
    who: str | None


def printed_query(
    organisations: Collection[int],
    *,
    kind: str = "",
    again: bool = False,
    words: str = "",
    lot_id: int | None = None,
) -> Select[tuple[LabelPrint, Lot, Sku, Product, LabelJob, str]]:
    """Select the printings of these organisations' lots, newest first."""
    query = (
        select(LabelPrint, Lot, Sku, Product, LabelJob, Account.display_name)
        .join(Lot, Lot.id == LabelPrint.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .outerjoin(LabelJob, LabelJob.print_id == LabelPrint.id)
        .outerjoin(Account, Account.id == LabelPrint.actor_id)
        .where(Lot.organisation_id.in_(organisations))
        .order_by(LabelPrint.id.desc())
    )
    if kind:
        query = query.where(LabelPrint.kind == kind)
    if again:
        query = query.where(LabelPrint.again.is_(True))
    if lot_id is not None:
        query = query.where(Lot.id == lot_id)
    if words:
        number = words.upper()
        query = query.where(
            or_(
                Lot.lot_no.like(_like(number)),
                Product.name_zh.like(_like(words)),
                (LabelPrint.first_serial <= number) & (LabelPrint.last_serial >= number),
            )
        )
    return query


def prints_of(session: Session, organisations: Collection[int], lot_id: int) -> list[Printed]:
    """Give what was printed of a lot, newest first."""
    query = printed_query(organisations, lot_id=lot_id).limit(50)
    return [Printed(*row) for row in session.execute(query).tuples()]


class Repeats(NamedTuple):
    """How often labels of a lot were printed again, and how many labels that made."""

    times: int
    labels: int


def repeats(session: Session, lot_id: int) -> Repeats:
    """Count what was printed again of a lot. One statement."""
    row = session.execute(
        select(func.count(), func.coalesce(func.sum(LabelPrint.count), 0)).where(
            LabelPrint.lot_id == lot_id, LabelPrint.again.is_(True)
        )
    ).one()
    return Repeats(int(row[0]), int(row[1]))


def own_print(session: Session, organisations: Collection[int], print_id: int) -> Printed:
    """Give one printing of these organisations' lots; raise NotFound."""
    row = session.execute(printed_query(organisations).where(LabelPrint.id == print_id)).first()
    if row is None:
        raise NotFound("These labels are not on record")
    return Printed(*row)


class Withdrawn(NamedTuple):
    """Numbers that were withdrawn, of which lot and by whom."""

    void: LabelVoid
    lot: Lot
    sku: Sku
    product: Product
    who: str | None


def voids_query(
    organisations: Collection[int], *, words: str = "", lot_id: int | None = None
) -> Select[tuple[LabelVoid, Lot, Sku, Product, str]]:
    """Select what was withdrawn of these organisations' lots, newest first."""
    query = (
        select(LabelVoid, Lot, Sku, Product, Account.display_name)
        .join(Lot, Lot.id == LabelVoid.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .outerjoin(Account, Account.id == LabelVoid.actor_id)
        .where(Lot.organisation_id.in_(organisations))
        .order_by(LabelVoid.id.desc())
    )
    if lot_id is not None:
        query = query.where(Lot.id == lot_id)
    if words:
        number = words.upper()
        query = query.where(
            or_(
                Lot.lot_no.like(_like(number)),
                (LabelVoid.first_serial <= number) & (LabelVoid.last_serial >= number),
            )
        )
    return query


def voids_of(session: Session, organisations: Collection[int], lot_id: int) -> list[Withdrawn]:
    """Give what was withdrawn of a lot, newest first."""
    query = voids_query(organisations, lot_id=lot_id).limit(50)
    return [Withdrawn(*row) for row in session.execute(query).tuples()]


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
    ids = session.scalars(
        select(LogisticUnit.id)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .where(LogisticUnit.id.in_(unit_ids), Lot.organisation_id.in_(organisations))
    ).all()
    return printing.case_labels(session, ids)
