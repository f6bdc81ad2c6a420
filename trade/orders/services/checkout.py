"""Placing an order: goods are priced, confirmed and reserved, all or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import add_rows
from foundation.errors import BadInput, KeyReused, Named, NotFound, NotSignedIn
from foundation.ids import digest, time_uuid
from foundation.locks import lock_key
from foundation.money import yuan
from foundation.outbox import publish
from goods.stock.errors import SoldOut
from goods.stock.rules import Free, Want
from goods.stock.services import reserve, shelf
from parties.network.models import Outlet, Place
from parties.network.queries import STOCK_KINDS, default_outlet
from parties.people.audit import audit
from parties.people.permissions import Actor, Can
from trade.orders.errors import ConsentMissing, NotForSale, PriceChanged, TooFewLeft, WrongDelivery
from trade.orders.messages import OrderPlaced
from trade.orders.models import Address, Cart, CartLine, Order, OrderContact, OrderLine, SubOrder
from trade.orders.queries.baskets import Offer, Quote, QuoteLine, Wanted, offers, quote_of
from trade.orders.rules import (
    MOST_CART_LINES,
    MOST_NOTE,
    PAY_WITHIN,
    Delivery,
    Destination,
    Terms,
    check_pieces,
    check_quantity,
    owner_of,
    plain,
    read_contact,
    read_destination,
)
from trade.orders.services.carts import refuse_unless_for_sale, shop_outlet

KEY_LENGTH = range(8, 81)


@dataclass(frozen=True, slots=True)
class Checkout:
    """All that a checkout page hands over. `key` makes a second sending harmless."""

    key: str
    lines: tuple[Wanted, ...]
    """From the basket (`CartLineView.as_wanted`), or one line of a buy-now."""
    delivery: Delivery
    total_fen: int
    """What the page said is to be paid; nobody is ever asked for another amount."""
    consents: tuple[str, ...]
    """Codes of what the buyer ticked, see `rules.Consent`."""
    address_id: int | None = None
    """One of the account's own addresses; or else `destination`."""
    destination: Destination | None = None
    outlet_id: int | None = None
    """The hall or zone whose order this is; None: the region's online hall."""
    note: str = ""
    from_cart: bool = True
    """Take the lines out of the account's basket."""
    provider: str = "stripe"

    def content(self) -> dict[str, Any]:
        """Give what the key stands for, without the key."""
        content = asdict(self)
        del content["key"]
        return content


class Placed(NamedTuple):
    """The order, and whether this call made it."""

    order: Order
    new: bool


def place_order(
    session: Session, checkout: Checkout, *, terms: Terms, actor: Actor, now: datetime
) -> Placed:
    """Promise goods for a payment within half an hour: one order, one parcel per supplier.

    The same key again gives the order it made the first time; other content under it is refused
    (KeyReused). Raises BadInput, NotForSale, ByEnquiry, PriceChanged, WrongDelivery,
    ConsentMissing, TooFewLeft (says which product and how many are left), NotFound, NotAllowed,
    and then writes nothing.
    """
    actor.must(Can.BUY)
    if actor.id is None:
        raise NotSignedIn("Please sign in first")
    if len(checkout.key) not in KEY_LENGTH:
        raise BadInput("A checkout needs a key of 8 to 80 characters", field="key")
    fingerprint = digest([actor.id, checkout.content()])
    lock_key(session, f"checkout:{checkout.key}")
    before = session.scalar(select(Order).where(Order.key == checkout.key))
    if before is not None:
        if before.content_digest != fingerprint:
            raise KeyReused("This key was already used for another order")
        return Placed(before, new=False)
    destination = _destination(session, checkout, actor.id, terms)
    outlet_id = _outlet(session, checkout)
    priced = _priced(session, checkout, destination, terms)
    return Placed(
        _write(
            session,
            checkout,
            priced,
            destination,
            outlet_id,
            fingerprint,
            actor=actor,
            now=now,
        ),
        new=True,
    )


def _destination(
    session: Session, checkout: Checkout, account_id: int, terms: Terms
) -> Destination:
    wanted = checkout.destination
    if checkout.address_id is not None:
        address = session.scalar(
            select(Address).where(
                Address.id == checkout.address_id, Address.account_id == account_id
            )
        )
        if address is None:
            raise NotFound("There is no such address")
        wanted = Destination(
            address.recipient,
            address.phone,
            address.province,
            address.city,
            address.district,
            address.detail,
        )
    if wanted is None:
        raise BadInput("Please say where the parcel goes", field="address")
    if checkout.delivery == "pickup":
        return read_contact(wanted)
    return read_destination(wanted, terms.provinces)


def _outlet(session: Session, checkout: Checkout) -> int:
    if checkout.outlet_id is None:
        if checkout.delivery == "pickup":
            raise WrongDelivery("Choose the hall or zone where you pick up", field="outlet_id")
        return default_outlet(session).place_id
    outlet_id = shop_outlet(session, checkout.outlet_id)
    if checkout.delivery == "pickup":
        mode = session.scalar(select(Outlet.mode).where(Outlet.place_id == outlet_id))
        if mode != "offline":
            raise WrongDelivery("Choose the hall or zone where you pick up", field="outlet_id")
    return outlet_id


def _priced(session: Session, checkout: Checkout, destination: Destination, terms: Terms) -> Quote:
    """Price the lines anew and hold them against what the buyer saw and confirmed."""
    wanted = checkout.lines
    if not 0 < len(wanted) <= MOST_CART_LINES or len({w.sku_id for w in wanted}) != len(wanted):
        raise BadInput("An order has between 1 and 60 different goods", field="lines")
    known = offers(session, [one.sku_id for one in wanted])
    lines = [_line(one, known) for one in wanted]
    found = quote_of(
        lines,
        delivery=checkout.delivery,
        province=destination.province,
        terms=terms,
        provider=checkout.provider,
    )
    if found.refusal is not None:
        raise found.refusal
    for parcel in found.parcels:
        check_pieces([line.quantity for line in parcel.lines])
    if found.total_fen != checkout.total_fen:
        raise PriceChanged(
            "The total is now ¥%(total)s; please look at it again",
            field="total",
            total=yuan(found.total_fen),
        )
    given = set(checkout.consents)
    for consent in found.consents:
        if consent.code not in given:
            raise ConsentMissing("Please confirm this before you order", field=consent.kind)
    return found


def _line(wanted: Wanted, known: Mapping[int, Offer]) -> QuoteLine:
    check_quantity(wanted.quantity)
    offer = known.get(wanted.sku_id)
    if offer is None:
        raise NotForSale("This is not for sale here")
    refuse_unless_for_sale(offer)
    if offer.price_fen != wanted.seen_price_fen:
        raise PriceChanged(
            "%(product)s now costs ¥%(price)s; please look at it again",
            field="lines",
            product=Named(offer.name_zh, offer.name_en),
            price=yuan(offer.price_fen),
        )
    return QuoteLine(offer, wanted.quantity)


def _write(
    session: Session,
    checkout: Checkout,
    priced: Quote,
    destination: Destination,
    outlet_id: int,
    fingerprint: str,
    *,
    actor: Actor,
    now: datetime,
) -> Order:
    assert actor.id is not None  # noqa: S101 -- asked above
    order_id, day = time_uuid(now), clock.business_date(now)
    numbers = {
        line.offer.sku_id: number
        for number, line in enumerate(
            (line for parcel in priced.parcels for line in parcel.lines), 1
        )
    }
    pay_by = now + PAY_WITHIN
    promise(session, order_id, priced, numbers, until=pay_by, today=day)
    order = Order(
        id=order_id,
        key=checkout.key,
        content_digest=fingerprint,
        number=f"{day:%y%m%d}{order_id.int % 10**10:010d}",
        account_id=actor.id,
        outlet_id=outlet_id,
        state="pending_payment",
        delivery=checkout.delivery,
        ship_to_province=destination.province,
        currency="CNY",
        goods_fen=priced.goods_fen,
        shipping_fen=priced.shipping_fen,
        total_fen=priced.total_fen,
        note=plain(checkout.note, MOST_NOTE, "note") if checkout.note.strip() else "",
        consents=[{"code": c.code, "at": now.isoformat()} for c in priced.consents],
        placed_at=now,
        pay_by=pay_by,
        close_reason="",
    )
    session.add(order)
    session.flush()
    add_rows(session, OrderContact, [{"order_id": order_id, **asdict(destination)}])
    _write_parcels(session, order_id, priced, numbers, now=now)
    if checkout.from_cart:
        session.execute(
            TAKE_OUT,
            {"buyer": actor.id, "skus": list(numbers)},
            execution_options={"synchronize_session": False},
        )
    publish(session, OrderPlaced(str(order_id)), now=now)
    audit(
        session,
        "place_order",
        "order",
        order_id,
        actor=actor,
        now=now,
        after={"total_fen": order.total_fen, "parcels": len(priced.parcels)},
    )
    return order


TAKE_OUT = delete(CartLine).where(
    CartLine.cart_id.in_(select(Cart.id).where(Cart.account_id == bindparam("buyer"))),
    CartLine.sku_id.in_(bindparam("skus", expanding=True)),
)


def _write_parcels(
    session: Session, order_id: UUID, priced: Quote, numbers: Mapping[int, int], *, now: datetime
) -> None:
    parcels = [(time_uuid(now), parcel) for parcel in priced.parcels]
    add_rows(
        session,
        SubOrder,
        [
            {
                "id": sub_order_id,
                "order_id": order_id,
                "supplier_id": parcel.supplier_id,
                "state": "pending_payment",
                "delivery": parcel.method,
                "goods_fen": parcel.goods_fen,
                "shipping_fen": parcel.shipping_fen,
                "refunded_fen": 0,
                "carrier": "",
                "waybill_no": "",
            }
            for sub_order_id, parcel in parcels
        ],
    )
    add_rows(
        session,
        OrderLine,
        [
            {
                "sub_order_id": sub_order_id,
                "number": numbers[line.offer.sku_id],
                "sku_id": line.offer.sku_id,
                "product_id": line.offer.product_id,
                "name_zh": line.offer.name_zh,
                "name_en": line.offer.name_en,
                "spec_zh": line.offer.spec_zh,
                "spec_en": line.offer.spec_en,
                "return_code": line.offer.return_code,
                "quantity": line.quantity,
                "unit_price_fen": line.offer.price_fen,
                "price_version": line.offer.price_version,
                "total_fen": line.total_fen,
            }
            for sub_order_id, parcel in parcels
            for line in parcel.lines
        ],
    )


def promise(
    session: Session,
    order_id: UUID,
    priced: Quote,
    numbers: Mapping[int, int],
    *,
    until: datetime,
    today: date,
) -> None:
    """Reserve every parcel's goods at its supplier's own places, suppliers in key order.

    Raises TooFewLeft.
    """
    places = supplier_places(session, [parcel.supplier_id for parcel in priced.parcels])
    for parcel in priced.parcels:
        named = {line.offer.sku_id: line.offer for line in parcel.lines}
        wants = [
            Want(numbers[line.offer.sku_id], line.offer.sku_id, line.quantity)
            for line in parcel.lines
        ]
        try:
            reserve_together(
                session,
                owner_of(order_id),
                wants,
                places.get(parcel.supplier_id, ()),
                until=until,
                today=today,
            )
        except SoldOut as refused:
            offer = named[refused.sku_id]
            raise TooFewLeft(
                product=Named(offer.name_zh, offer.name_en),
                sku_id=refused.sku_id,
                available=refused.available,
            ) from refused


PLACES = (
    select(Place.organisation_id, Place.id)
    .where(
        Place.organisation_id.in_(bindparam("suppliers", expanding=True)),
        Place.kind.in_(STOCK_KINDS),
    )
    .order_by(Place.kind != "warehouse", Place.id)
)


def supplier_places(session: Session, supplier_ids: Sequence[int]) -> dict[int, list[int]]:
    """Give, by supplier, the places that parcels leave from: warehouses first, then workshops."""
    found: dict[int, list[int]] = {}
    for supplier_id, place_id in session.execute(PLACES, {"suppliers": list(supplier_ids)}):
        found.setdefault(supplier_id, []).append(place_id)
    return found


def reserve_together(
    session: Session,
    owner: str,
    wants: Sequence[Want],
    place_ids: Sequence[int],
    *,
    until: datetime,
    today: date,
) -> None:
    """Reserve all of `wants` at the first place that has everything, else wherever it is."""
    skus = sorted({want.sku_id for want in wants})
    on_shelf = shelf(session, skus, place_ids, today=today, lock=True)
    chosen = _one_place(wants, on_shelf, place_ids)
    if chosen is not None:
        on_shelf = [free for free in on_shelf if free.place_id == chosen]
    reserve(session, owner, wants, place_ids, until=until, today=today, on_shelf=on_shelf)


def _one_place(
    wants: Sequence[Want], on_shelf: Sequence[Free], place_ids: Sequence[int]
) -> int | None:
    free: dict[tuple[int, int], int] = {}
    for one in on_shelf:
        key = (one.place_id, one.sku_id)
        free[key] = free.get(key, 0) + one.free
    need: dict[int, int] = {}
    for want in wants:
        need[want.sku_id] = need.get(want.sku_id, 0) + want.quantity
    for place_id in place_ids:
        if all(free.get((place_id, sku_id), 0) >= n for sku_id, n in need.items()):
            return place_id
    return None
