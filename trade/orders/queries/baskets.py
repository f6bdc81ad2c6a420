"""What is offered at which price, what lies in a basket, and what an order would cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from goods.catalogue.models import ComplianceClass, Product, ReturnPolicy, Sku
from goods.stock.models import Hold, Lot, StockBalance
from parties.network.models import Organisation, Place
from parties.network.queries import STOCK_KINDS
from parties.people.permissions import Actor
from trade.orders.errors import WrongDelivery
from trade.orders.models import Cart, CartLine
from trade.orders.rules import (
    Consent,
    Delivery,
    Method,
    Problem,
    Terms,
    consents_needed,
    freight_of,
    method_for,
    problems_of,
)

BLOCKING = frozenset({"unpublished", "by_enquiry", "sold_out", "few_left"})


class Wanted(NamedTuple):
    """So many of one SKU, and the price (fen) that the buyer was shown."""

    sku_id: int
    quantity: int
    seen_price_fen: int


class Offer(NamedTuple):
    """One SKU as it is offered now."""

    sku_id: int
    product_id: int
    supplier_id: int
    supplier_zh: str
    supplier_en: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    price_fen: int
    price_version: int
    stock_policy: str
    storage_class: str
    return_code: str
    confirm: bool
    """Its return policy wants the buyer's confirmation with each purchase."""
    illustration: str
    ground: str
    status: str
    retail_visible: bool
    retail: bool
    raw: bool
    active: bool

    @property
    def for_sale(self) -> bool:
        """Tell whether anybody may buy it online."""
        shown = self.status == "published" and self.retail_visible and self.retail
        return shown and self.active and not self.raw

    @property
    def by_enquiry(self) -> bool:
        """Tell whether its maker must be asked first."""
        return self.stock_policy == "made_to_order"


OFFERS = (
    select(
        Sku.id,
        Product.id,
        Product.supplier_id,
        Organisation.short_zh,
        Organisation.short_en,
        Product.name_zh,
        Product.name_en,
        Sku.spec_zh,
        Sku.spec_en,
        Sku.price_fen,
        Sku.price_version,
        Sku.stock_policy,
        Product.storage_class,
        Product.return_code,
        ReturnPolicy.confirm,
        Product.illustration,
        Product.ground,
        Product.status,
        Product.retail_visible,
        ComplianceClass.retail,
        Sku.raw,
        Sku.active,
    )
    .join(Product, Product.id == Sku.product_id)
    .join(Organisation, Organisation.id == Product.supplier_id)
    .join(ReturnPolicy, ReturnPolicy.code == Product.return_code)
    .join(ComplianceClass, ComplianceClass.code == Product.compliance_code)
    .where(Sku.id.in_(bindparam("skus", expanding=True)))
)


def offers(session: Session, sku_ids: Sequence[int]) -> dict[int, Offer]:
    """Give what is known of each SKU by its id, for sale or not; unknown ids are left out."""
    rows = session.execute(OFFERS, {"skus": list(sku_ids)})
    return {row[0]: Offer(*row) for row in rows}


def free_to_promise(session: Session, sku_ids: Sequence[int], *, today: date) -> dict[int, int]:
    """Give, by SKU, how many can be promised online now.

    Counts the supplier's own warehouses and workshops, not outlets; no held and no expired lots.
    """
    if not sku_ids:
        return {}
    held_lots = select(Hold.lot_id).where(Hold.lot_id.is_not(None), Hold.released_at.is_(None))
    held_places = select(Hold.place_id).where(
        Hold.place_id.is_not(None), Hold.released_at.is_(None)
    )
    rows = session.execute(
        select(StockBalance.sku_id, func.sum(StockBalance.on_hand - StockBalance.reserved))
        .join(Lot, Lot.id == StockBalance.lot_id)
        .join(Place, Place.id == StockBalance.place_id)
        .where(
            StockBalance.sku_id.in_(sku_ids),
            StockBalance.on_hand > StockBalance.reserved,
            Place.organisation_id == Lot.organisation_id,
            Place.kind.in_(STOCK_KINDS),
            or_(Lot.best_before.is_(None), Lot.best_before >= today),
            StockBalance.lot_id.not_in(held_lots),
            StockBalance.place_id.not_in(held_places),
        )
        .group_by(StockBalance.sku_id)
    )
    return {sku_id: int(free) for sku_id, free in rows.tuples()}


def own_cart(session: Session, visitor: UUID | None, *, actor: Actor) -> Cart | None:
    """Give the account's basket, or for somebody not signed in the basket of this browser."""
    query = select(Cart)
    if actor.id is not None:
        return session.scalar(query.where(Cart.account_id == actor.id))
    if visitor is None:
        return None
    return session.scalar(query.where(Cart.id == visitor, Cart.account_id.is_(None)))


def cart_count(session: Session, visitor: UUID | None, *, actor: Actor) -> int:
    """Give how many packs lie in the basket, for the badge on every page. One statement."""
    if actor.id is None and visitor is None:
        return 0
    mine = Cart.account_id == actor.id
    if actor.id is None:
        mine = (Cart.id == visitor) & Cart.account_id.is_(None)
    total = session.scalar(
        select(func.sum(CartLine.quantity)).join(Cart, Cart.id == CartLine.cart_id).where(mine)
    )
    return int(total or 0)


@dataclass(frozen=True, slots=True)
class CartLineView:
    """One line of a basket as a page shows it; amounts in fen."""

    offer: Offer
    quantity: int
    seen_price_fen: int
    free: int
    problems: tuple[Problem, ...]

    @property
    def buyable(self) -> bool:
        """Tell whether this line can go into an order as it stands."""
        return not BLOCKING.intersection(self.problems)

    @property
    def total_fen(self) -> int:
        """Give quantity times the price now."""
        return self.quantity * self.offer.price_fen

    def as_wanted(self) -> Wanted:
        """Give the line as a checkout takes it, at the price shown now."""
        return Wanted(self.offer.sku_id, self.quantity, self.offer.price_fen)


@dataclass(frozen=True, slots=True)
class CartGroup:
    """One supplier's lines in a basket."""

    supplier_id: int
    name_zh: str
    name_en: str
    lines: tuple[CartLineView, ...]

    @property
    def goods_fen(self) -> int:
        """Give the total of the lines that can be bought."""
        return sum(line.total_fen for line in self.lines if line.buyable)


@dataclass(frozen=True, slots=True)
class CartView:
    """A basket as a page shows it, grouped by supplier in the order things were added."""

    cart_id: UUID | None
    outlet_id: int | None
    groups: tuple[CartGroup, ...]

    @property
    def goods_fen(self) -> int:
        """Give the total of all lines that can be bought."""
        return sum(group.goods_fen for group in self.groups)

    @property
    def count(self) -> int:
        """Give how many packs there are."""
        return sum(line.quantity for group in self.groups for line in group.lines)

    @property
    def buyable(self) -> tuple[CartLineView, ...]:
        """Give the lines that can go into an order."""
        return tuple(line for group in self.groups for line in group.lines if line.buyable)

    @property
    def blocked(self) -> tuple[CartLineView, ...]:
        """Give the lines that can't, until the buyer changes or removes them."""
        return tuple(line for group in self.groups for line in group.lines if not line.buyable)


def cart_view(session: Session, visitor: UUID | None, *, actor: Actor, today: date) -> CartView:
    """Give the basket with today's prices and stock; an empty one where there is none.

    Four statements, however long the basket is.
    """
    cart = own_cart(session, visitor, actor=actor)
    if cart is None:
        return CartView(None, None, ())
    lines = session.execute(
        select(CartLine.sku_id, CartLine.quantity, CartLine.seen_price_fen)
        .where(CartLine.cart_id == cart.id)
        .order_by(CartLine.added_at, CartLine.sku_id)
    ).all()
    sku_ids = [line[0] for line in lines]
    known = offers(session, sku_ids)
    free = free_to_promise(session, sku_ids, today=today)
    groups: dict[int, list[CartLineView]] = {}
    for sku_id, quantity, seen in lines:
        offer, left = known[sku_id], free.get(sku_id, 0)
        problems = problems_of(
            for_sale=offer.for_sale,
            by_enquiry=offer.by_enquiry,
            free=left,
            quantity=quantity,
            seen_fen=seen,
            price_fen=offer.price_fen,
        )
        line = CartLineView(offer, quantity, seen, left, problems)
        groups.setdefault(offer.supplier_id, []).append(line)
    return CartView(
        cart.id,
        cart.outlet_id,
        tuple(
            CartGroup(supplier_id, one[0].offer.supplier_zh, one[0].offer.supplier_en, tuple(one))
            for supplier_id, one in groups.items()
        ),
    )


class QuoteLine(NamedTuple):
    """One line of a parcel at today's price."""

    offer: Offer
    quantity: int

    @property
    def total_fen(self) -> int:
        """Give quantity times price."""
        return self.quantity * self.offer.price_fen


@dataclass(frozen=True, slots=True)
class Parcel:
    """One supplier's part of an order to be; amounts in fen.

    `refusal` says why the parcel can't be sent there; its freight is then nought.
    """

    supplier_id: int
    name_zh: str
    name_en: str
    method: Method
    lines: tuple[QuoteLine, ...]
    shipping_fen: int
    refusal: WrongDelivery | None

    @property
    def goods_fen(self) -> int:
        """Give the goods' total."""
        return sum(line.total_fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost, and what the buyer must confirm."""

    parcels: tuple[Parcel, ...]
    consents: tuple[Consent, ...]

    @property
    def goods_fen(self) -> int:
        """Give the goods' total."""
        return sum(parcel.goods_fen for parcel in self.parcels)

    @property
    def shipping_fen(self) -> int:
        """Give the freight's total."""
        return sum(parcel.shipping_fen for parcel in self.parcels)

    @property
    def total_fen(self) -> int:
        """Give what is to be paid."""
        return self.goods_fen + self.shipping_fen

    @property
    def refusal(self) -> WrongDelivery | None:
        """Give the first reason why this can't be sent, if there is one."""
        return next((parcel.refusal for parcel in self.parcels if parcel.refusal), None)


def quote(
    session: Session,
    wanted: Sequence[Wanted],
    *,
    delivery: Delivery,
    province: str,
    terms: Terms,
    provider: str = "stripe",
) -> Quote:
    """Price `wanted` for a checkout page; `province` is a Chinese name or empty. One statement."""
    known = offers(session, [one.sku_id for one in wanted])
    lines = [QuoteLine(known[w.sku_id], w.quantity) for w in wanted if w.sku_id in known]
    return quote_of(lines, delivery=delivery, province=province, terms=terms, provider=provider)


def quote_of(
    lines: Sequence[QuoteLine], *, delivery: Delivery, province: str, terms: Terms, provider: str
) -> Quote:
    """Put priced lines into parcels, by supplier id, and add freight and consents."""
    by_supplier: dict[int, list[QuoteLine]] = {}
    for line in lines:
        by_supplier.setdefault(line.offer.supplier_id, []).append(line)
    code = terms.provinces.codes.get(province)
    parcels = tuple(
        _parcel(supplier_id, by_supplier[supplier_id], delivery, code, terms)
        for supplier_id in sorted(by_supplier)
    )
    consents = consents_needed(
        by_supplier, [line.offer.product_id for line in lines if line.offer.confirm], provider
    )
    return Quote(parcels, consents)


def _parcel(
    supplier_id: int,
    lines: Sequence[QuoteLine],
    delivery: Delivery,
    province_code: str | None,
    terms: Terms,
) -> Parcel:
    freight = terms.freight
    method = method_for(delivery, [line.offer.storage_class for line in lines], freight)
    refusal: WrongDelivery | None = None
    shipping = 0
    try:
        goods = sum(line.total_fen for line in lines)
        shipping = freight_of(method, goods, province_code, freight)
    except WrongDelivery as refused:
        refusal = refused
    first = lines[0].offer
    return Parcel(
        supplier_id,
        first.supplier_zh,
        first.supplier_en,
        method,
        tuple(lines),
        shipping,
        refusal,
    )


def names_of(session: Session, product_ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
    """Give (Chinese, English) names of products, to spell out a consent."""
    rows = session.execute(
        select(Product.id, Product.name_zh, Product.name_en).where(Product.id.in_(product_ids))
    )
    return {row[0]: (row[1], row[2]) for row in rows}
