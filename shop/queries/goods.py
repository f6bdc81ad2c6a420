"""Packs with what is free to promise, the lot that would be sent, and how far it has come."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from foundation.db import core
from goods.catalogue.models import Product, Sku
from goods.catalogue.queries import ON_SHELF, Listed
from goods.catalogue.rules import per_hundred
from goods.stock.models import Hold, Lot, StockBalance
from parties.network.models import Place
from parties.network.queries import STOCK_KINDS
from traceability.models import EventLot, TraceEvent

TODAY: ColumnElement[date] = bindparam("today", type_=Lot.best_before.type)

SENT_FROM = (
    select(Place.id)
    .where(Place.organisation_id == Product.supplier_id, Place.kind.in_(STOCK_KINDS))
    .correlate(Product)
)
"""A supplier's own warehouses and workshops: parcels leave from there."""

AT_SUPPLIER = and_(
    StockBalance.sku_id == Sku.id,
    StockBalance.place_id.in_(SENT_FROM),
    StockBalance.on_hand > StockBalance.reserved,
)
"""What is free there. Asked by place, as a pack may lie at hundreds of outlets too."""

SELLABLE = and_(
    or_(Lot.best_before.is_(None), Lot.best_before >= TODAY),
    ~exists().where(
        Hold.released_at.is_(None),
        or_(Hold.lot_id == StockBalance.lot_id, Hold.place_id == StockBalance.place_id),
    ),
)

FREE = (
    select(func.coalesce(func.sum(StockBalance.on_hand - StockBalance.reserved), 0))
    .join(Lot, Lot.id == StockBalance.lot_id)
    .where(AT_SUPPLIER, SELLABLE)
    .correlate(Sku, Product)
    .scalar_subquery()
)

PACKS = (
    select(
        Sku.product_id,
        Sku.id,
        Sku.code,
        Sku.gtin,
        Sku.spec_zh,
        Sku.spec_en,
        Sku.net_content,
        Sku.net_unit,
        Sku.stock_policy,
        Sku.price_fen,
        FREE.label("free"),
        Product.compliance_code,
    )
    .join(Product, Product.id == Sku.product_id)
    .where(Sku.product_id.in_(bindparam("products", expanding=True)), ON_SHELF)
    .order_by(Sku.product_id, Sku.sort, Sku.id)
)


NOT_BY_WEIGHT: Final = frozenset({"textile", "nonfood"})
"""Compliance classes of goods that nobody compares by weight."""


class Pack(NamedTuple):
    """One pack of a product: what it holds, costs (fen), and how many can be promised now."""

    product_id: int
    id: int
    code: str
    gtin: str
    spec_zh: str
    spec_en: str
    net_content: int | None
    net_unit: str
    stock_policy: str
    price_fen: int
    free: int
    compliance_code: str

    @property
    def by_enquiry(self) -> bool:
        """Tell whether its maker must be asked first."""
        return self.stock_policy == "made_to_order"

    @property
    def per(self) -> tuple[int, str] | None:
        """Give the price (fen) of 100 g or 100 mL and that unit, where it says something."""
        if self.compliance_code in NOT_BY_WEIGHT:
            return None
        return per_hundred(self.price_fen, self.net_content, self.net_unit)


def packs_of(session: Session, product_ids: Sequence[int], *, today: date) -> dict[int, list[Pack]]:
    """Give the packs on the shelf of these products, by product. One statement."""
    found: dict[int, list[Pack]] = {}
    if product_ids:
        rows = core(session).execute(PACKS, {"products": list(product_ids), "today": today})
        for row in rows.all():
            found.setdefault(row[0], []).append(Pack(*row))
    return found


def in_stock() -> ColumnElement[bool]:
    """Give the condition that some pack of a product can be promised; its value is `today`."""
    return (
        exists()
        .where(Sku.product_id == Product.id, ON_SHELF, Lot.id == StockBalance.lot_id)
        .where(AT_SUPPLIER, SELLABLE)
        .correlate(Product)
    )


class Card(NamedTuple):
    """A product as its card on a shelf shows it: the pack that is shown, and how many there are."""

    listed: Listed
    pack: Pack
    packs: int
    free: int


def cards(session: Session, listed: Sequence[Listed], *, today: date) -> list[Card]:
    """Give the cards of listed products, each with its cheapest pack. One statement."""
    packs = packs_of(session, [one.id for one in listed], today=today)
    found = []
    for one in listed:
        mine = packs.get(one.id)
        if mine:
            shown = min(mine, key=_price)
            found.append(Card(one, shown, len(mine), sum(pack.free for pack in mine)))
    return found


def _price(pack: Pack) -> int:
    return pack.price_fen


class LotOnSale(NamedTuple):
    """The lot of a pack that would be sent next."""

    id: int
    lot_no: str
    gtin: str
    template: str
    template_version: int
    produced_on: date | None
    best_before: date | None


NEXT_LOT = (
    select(
        Lot.id,
        Lot.lot_no,
        Sku.gtin,
        Lot.template,
        Lot.template_version,
        Lot.produced_on,
        Lot.best_before,
    )
    .select_from(Sku)
    .join(Product, Product.id == Sku.product_id)
    .join(StockBalance, StockBalance.sku_id == Sku.id)
    .join(Lot, Lot.id == StockBalance.lot_id)
    .where(Sku.id == bindparam("sku"), AT_SUPPLIER, SELLABLE)
    .order_by(Lot.best_before.is_(None), Lot.best_before, Lot.id)
    .limit(1)
)


def lot_on_sale(session: Session, sku_id: int, *, today: date) -> LotOnSale | None:
    """Give the lot that leaves first: the one whose date is nearest. One statement."""
    row = core(session).execute(NEXT_LOT, {"sku": sku_id, "today": today}).first()
    return LotOnSale(*row) if row is not None else None


_OUT, _IN = aliased(EventLot), aliased(EventLot)
_LINE = select(bindparam("lot", type_=Lot.id.type).label("lot_id")).cte("line", recursive=True)
_LINE = _LINE.union(
    select(_IN.lot_id)
    .select_from(_LINE)
    .join(_OUT, and_(_OUT.lot_id == _LINE.c.lot_id, _OUT.role == "output"))
    .join(_IN, and_(_IN.event_id == _OUT.event_id, _IN.role == "input"))
)
PROGRESS = (
    select(
        TraceEvent.template_step,
        func.min(TraceEvent.event_time),
        func.count(TraceEvent.id.distinct()),
    )
    .join(EventLot, EventLot.event_id == TraceEvent.id)
    .join(_LINE, _LINE.c.lot_id == EventLot.lot_id)
    .where(EventLot.role.in_(("epc", "output")), EventLot.whole_lot)
    .group_by(TraceEvent.template_step)
)


class Progress(NamedTuple):
    """How far a lot has come: when each step was first taken, and how many records there are.

    Counted is what happened to the lot as such, not what became of its packs: their number grows
    with every sale, and a page must not.
    """

    begun: dict[str, datetime]
    records: int


def progress_of(session: Session, lot_id: int) -> Progress:
    """Give what is recorded of a lot and of the lots it was made from. One statement."""
    begun: dict[str, datetime] = {}
    records = 0
    for step, first, count in core(session).execute(PROGRESS, {"lot": lot_id}).all():
        records += count
        if step:
            begun[step] = first
    return Progress(begun, records)
