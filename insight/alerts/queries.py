"""What needs attention now, worked out from the records themselves; nothing is stored."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, distinct, exists, func, or_, select
from sqlalchemy.orm import Session

from foundation.outbox import OutboxMessage
from goods.catalogue.models import Certificate, ComplianceClass, Product, Sku
from goods.stock.models import Hold, Lot, StockBalance
from insight.alerts.rules import missing_papers, near_expiry, warning_band
from insight.reach import Reach
from parties.network.models import Organisation, Outlet
from traceability.models import Recall
from traceability.recalls.lists import county_of_recall, heads
from trade.sales.models import Sale, SaleLine


class ShelfLot(NamedTuple):
    """A lot on shelves whose date is near or past."""

    lot_id: int
    lot_no: str
    product_id: int
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    base_unit: str
    county_code: str
    best_before: date
    days_left: int
    on_hand: int
    outlets: int

    @property
    def expired(self) -> bool:
        """Tell whether it may no longer be sold."""
        return self.days_left < 0


def dated_lots(session: Session, today: date, reach: Reach) -> list[ShelfLot]:
    """Give the lots on outlets' shelves near their date or past it, nearest first.

    A lot on hold is left out: it comes off the shelf whatever its date.
    """
    held = exists().where(Hold.lot_id == Lot.id, Hold.released_at.is_(None))
    rows = session.execute(
        select(
            Lot.id,
            Lot.lot_no,
            Product.id,
            Product.name_zh,
            Product.name_en,
            Sku.spec_zh,
            Sku.spec_en,
            Sku.base_unit,
            Product.county_code,
            Lot.best_before,
            Lot.produced_on,
            func.sum(StockBalance.on_hand),
            func.count(distinct(StockBalance.place_id)),
        )
        .join(StockBalance, StockBalance.lot_id == Lot.id)
        .join(Outlet, Outlet.place_id == StockBalance.place_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(
            StockBalance.on_hand > 0,
            Lot.best_before.is_not(None),
            ~held,
            reach.within(Product.county_code, Outlet.county_code),
        )
        .group_by(Lot.id, Product.id, Sku.id)
        .order_by(Lot.best_before, Lot.id)
    )
    found = []
    for row in rows:
        best_before, produced = row[9], row[10]
        if best_before < today or near_expiry(produced, best_before, today):
            left = (best_before - today).days
            found.append(ShelfLot._make((*row[:10], left, int(row[11]), int(row[12]))))
    return found


class Recalled(NamedTuple):
    """A recall and what it still has to reach."""

    id: int
    number: str
    scope: str
    level: int
    due_on: date | None
    lot_id: int | None
    lot_no: str | None
    serial: str | None
    paper: str | None
    name_zh: str
    name_en: str
    county_code: str | None
    reason_zh: str
    reason_en: str
    opened_at: datetime
    closed_at: datetime | None
    outcome: str
    event_id: UUID
    lots: int
    on_shelves: int
    outlets: int
    elsewhere: int
    sold: int


def recalls(session: Session, reach: Reach, *, standing: bool = False) -> list[Recalled]:
    """Give recalls, newest first: those of one's own goods, and those on one's own shelves.

    Of goods from elsewhere, only what concerns one's own outlets is counted. Six statements at
    most.
    """
    rows = session.execute(recall_rows(reach, standing=standing)).all()
    if not rows:
        return []
    ids, scopes = [row[0] for row in rows], {row[2] for row in rows}
    lots = _per_recall(session, ids, select(Recall.id, func.count(distinct(Hold.lot_id))))
    shelves = _shelves(session, ids, scopes, reach)
    sold = _sold(session, ids, scopes, reach)
    return [
        Recalled._make(
            (*row, int(lots.get(row[0], (0,))[0]), *shelves[row[0]], sold.get(row[0], 0))
        )
        for row in rows
    ]


def recall_rows(reach: Reach, *, standing: bool = False) -> Select[Any]:
    """Select the recalls that somebody may see, as `traceability.recalls.queries.Head`."""
    on_own_shelf = exists().where(
        Hold.event_id == Recall.event_id,
        StockBalance.lot_id == Hold.lot_id,
        StockBalance.on_hand > 0,
        Outlet.place_id == StockBalance.place_id,
        reach.within(Outlet.county_code),
    )
    query = heads().where(or_(reach.within(county_of_recall()), on_own_shelf))
    return query.where(Recall.closed_at.is_(None)) if standing else query


def _per_recall(session: Session, ids: list[int], query: Select[Any]) -> dict[int, tuple[Any, ...]]:
    rows = session.execute(
        query.join(Hold, Hold.event_id == Recall.event_id)
        .where(Recall.id.in_(ids))
        .group_by(Recall.id)
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def _shelves(
    session: Session, ids: list[int], scopes: set[str], reach: Reach
) -> dict[int, tuple[int, int, int]]:
    """Give by recall: units on shelves, outlets that hold some, units elsewhere."""
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    whole = select(Recall.id, Outlet.place_id, func.sum(StockBalance.on_hand)).join(
        Hold, Hold.event_id == Recall.event_id
    )
    ways = [StockBalance.lot_id == Hold.lot_id]
    if "place" in scopes:
        ways.append(StockBalance.place_id == Hold.place_id)
    for met in ways:
        rows = session.execute(
            whole.join(StockBalance, met)
            .join(Sku, Sku.id == StockBalance.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .outerjoin(Outlet, Outlet.place_id == StockBalance.place_id)
            .where(
                Recall.id.in_(ids),
                StockBalance.on_hand > 0,
                Sku.raw.is_(False),
                reach.within(Product.county_code, Outlet.county_code),
            )
            .group_by(Recall.id, Outlet.place_id)
        )
        for recall_id, outlet, on_hand in rows:
            if outlet is None:
                found[recall_id][2] += int(on_hand)
            else:
                found[recall_id][0] += int(on_hand)
                found[recall_id][1] += 1
    return defaultdict(lambda: (0, 0, 0), {k: (v[0], v[1], v[2]) for k, v in found.items()})


def _sold(session: Session, ids: list[int], scopes: set[str], reach: Reach) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    ways = [SaleLine.lot_id == Hold.lot_id]
    if scopes & {"place", "item"}:
        ways.append(SaleLine.serial_id == Hold.serial_id)
    for met in ways:
        rows = session.execute(
            select(Recall.id, func.sum(SaleLine.quantity))
            .join(Hold, Hold.event_id == Recall.event_id)
            .join(SaleLine, met)
            .join(Sale, Sale.id == SaleLine.sale_id)
            .join(Outlet, Outlet.place_id == Sale.place_id)
            .join(Sku, Sku.id == SaleLine.sku_id)
            .join(Product, Product.id == Sku.product_id)
            .where(Recall.id.in_(ids), reach.within(Product.county_code, Outlet.county_code))
            .group_by(Recall.id)
        )
        for recall_id, quantity in rows:
            found[recall_id] += int(quantity)
    return found


class PaperDue(NamedTuple):
    """A paper whose date is near or past."""

    id: int
    kind: str
    number: str
    organisation_code: str
    short_zh: str
    short_en: str
    valid_to: date
    days_left: int
    band: int
    """0: past; else 7, 30 or 90: as many days or fewer are left."""


def papers_due(session: Session, today: date, reach: Reach) -> list[PaperDue]:
    """Give licences and certificates that end within 90 days or have ended, nearest first.

    A paper that was renewed (the same kind for the same product, valid for longer) is left out.
    """
    rows = session.execute(
        select(
            Certificate.id,
            Certificate.kind,
            Certificate.number,
            Organisation.code,
            Organisation.short_zh,
            Organisation.short_en,
            Certificate.valid_to,
            Certificate.organisation_id,
            Certificate.product_id,
        )
        .join(Organisation, Organisation.id == Certificate.organisation_id)
        .where(Certificate.valid_to.is_not(None), reach.within(Organisation.county_code))
        .order_by(Certificate.valid_to, Certificate.id)
    ).all()
    longest: dict[tuple[Any, ...], date] = {}
    for row in rows:
        key = (row[7], row[1], row[8])
        longest[key] = max(row[6], longest.get(key, row[6]))
    found = []
    for row in rows:
        band = warning_band(row[6], today)
        if band is not None and longest[row[7], row[1], row[8]] == row[6]:
            found.append(PaperDue._make((*row[:7], (row[6] - today).days, band)))
    return found


class Unpapered(NamedTuple):
    """A product on sale that lacks papers which its compliance class demands."""

    product_id: int
    code: str
    name_zh: str
    name_en: str
    short_zh: str
    short_en: str
    missing: tuple[Mapping[str, Any], ...]


def unpapered(session: Session, today: date, reach: Reach) -> list[Unpapered]:
    """Give published products without the papers they must have, by code. Two statements."""
    lacking = missing_by_product(session, today, reach)
    rows = session.execute(
        select(Product, Organisation)
        .join(Organisation, Organisation.id == Product.supplier_id)
        .where(Product.status == "published", Product.id.in_(lacking))
        .order_by(Product.code)
    )
    return [
        Unpapered(p.id, p.code, p.name_zh, p.name_en, o.short_zh, o.short_en, lacking[p.id])
        for p, o in rows
    ]


def missing_by_product(
    session: Session, today: date, reach: Reach
) -> dict[int, tuple[Mapping[str, Any], ...]]:
    """Give by product id which demanded papers are missing; complete products are left out."""
    valid = or_(Certificate.valid_to.is_(None), Certificate.valid_to >= today)
    kinds: dict[tuple[int, int | None], set[str]] = defaultdict(set)
    for owner, product_id, kind in session.execute(
        select(Certificate.organisation_id, Certificate.product_id, Certificate.kind).where(valid)
    ):
        kinds[owner, product_id].add(kind)
    rows = session.execute(
        select(
            Product.id,
            Product.supplier_id,
            Product.origin_zh,
            Product.standard,
            Organisation.food_licence,
            ComplianceClass.must,
        )
        .join(Organisation, Organisation.id == Product.supplier_id)
        .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
        .where(reach.within(Product.county_code))
    )
    found = {}
    for product_id, owner, origin, standard, licence, must in rows:
        has = {
            "origin": origin,
            "producer": owner,
            "standard_no": standard,
            "food_licence": licence,
        }
        lacking = missing_papers(must, has, kinds[owner, product_id] | kinds[owner, None])
        if lacking:
            found[product_id] = tuple(lacking)
    return found


def dead_letter_count(session: Session) -> int:
    """Give how many messages were given up."""
    return (
        session.scalar(
            select(func.count())
            .select_from(OutboxMessage)
            .where(OutboxMessage.dead_at.is_not(None))
        )
        or 0
    )
