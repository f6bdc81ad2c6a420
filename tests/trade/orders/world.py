"""A buyer in front of one supplier's honey, made through the verbs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import Refused
from foundation.outbox import OutboxMessage
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot, Reservation, Serial, StockBalance, StockMove
from parties.network.models import Organisation
from parties.people.models import AuditEntry
from parties.people.permissions import Actor, Grant, Role
from tests.factories import NOW, World, make_lot, world
from tests.factories.people import new_account
from trade.ledger.models import Transfer
from trade.orders.models import (
    Address,
    Cart,
    CartLine,
    Order,
    OrderContact,
    OrderLine,
    Payment,
    ProviderEvent,
    Refund,
    SubOrder,
)
from trade.orders.providers import (
    CheckoutRequest,
    OpenedCheckout,
    PaymentDeclined,
    ProviderNotice,
    ProviderPayment,
    ProviderRefund,
    ProviderUnavailable,
    RefundRequest,
)
from trade.orders.queries.baskets import Wanted, quote
from trade.orders.rules import Delivery, Destination
from trade.orders.services.checkout import Checkout, place_order
from trade.orders.services.payments import confirm_payment
from trade.orders.terms import load_terms
from trade.sales.models import Sale

TERMS: Final = load_terms(Path(__file__).parents[3] / "data")
HOME: Final = Destination("王小禾", "13903560000", "山西省", "晋城市", "城区", "泽州路1号2单元301")


def later(**how_long: float) -> datetime:
    """Give a moment so much later than the tests' now."""
    return NOW + timedelta(**how_long)


def new_buyer(session: Session, number: int = 0) -> Actor:
    """Open a consumer's account and give its actor."""
    account = new_account(session, email=f"buyer{number}@example.com", password=None)
    return Actor(account.id, (Grant(Role.CONSUMER),))


@dataclass
class Shop:
    """A small world with a buyer in it and stock to buy."""

    w: World
    buyer: Actor
    lot: Lot

    @property
    def session(self) -> Session:
        """Give the open transaction."""
        return self.w.session


def shop(session: Session, *, packs: int = 24) -> Shop:
    """Take in the region, make a lot of the first supplier's honey and open an account."""
    w = world(session)
    return Shop(w, new_buyer(session), make_lot(w, packs=packs))


def other_sku(session: Session, w: World) -> tuple[Sku, Product]:
    """Give an ambient pack of another supplier that may be bought."""
    row = session.execute(
        select(Sku, Product)
        .join(Product, Product.id == Sku.product_id)
        .where(
            Product.supplier_id != w.supplier.id,
            Sku.raw.is_(False),
            Sku.stock_policy == "stocked",
            Product.storage_class == "ambient",
            Product.retail_visible.is_(True),
        )
        .order_by(Sku.id)
    ).first()
    assert row is not None
    return row[0], row[1]


def second_world(session: Session, w: World) -> World:
    """Give the same world seen from another supplier."""
    sku, product = other_sku(session, w)
    supplier = session.get_one(Organisation, product.supplier_id)
    raw = session.scalars(select(Sku).where(Sku.product_id == product.id, Sku.raw.is_(True))).one()
    owner = Actor(904, (Grant(Role.SUPPLIER_OWNER, supplier.id),))
    return replace(w, supplier=supplier, product=product, sku=sku, raw=raw, owner=owner)


def checkout_for(
    session: Session,
    *wanted: tuple[Sku, int],
    key: str = "checkout-1",
    delivery: Delivery = "courier",
    destination: Destination = HOME,
    **other: object,
) -> Checkout:
    """Fill in a checkout as its page would: quoted, everything ticked."""
    lines = tuple(Wanted(sku.id, quantity, sku.price_fen) for sku, quantity in wanted)
    asked = quote(session, lines, delivery=delivery, province=destination.province, terms=TERMS)
    filled = Checkout(
        key=key,
        lines=lines,
        delivery=delivery,
        total_fen=asked.total_fen,
        consents=tuple(consent.code for consent in asked.consents),
        destination=destination,
    )
    return replace(filled, **other)  # type: ignore[arg-type]


def placed(s: Shop, *, packs: int = 2, key: str = "checkout-1", now: datetime = NOW) -> Order:
    """Let the buyer place an order for some honey."""
    checkout = checkout_for(s.session, (s.w.sku, packs), key=key)
    return place_order(s.session, checkout, terms=TERMS, actor=s.buyer, now=now).order


def paid_notice(order: Order, **other: object) -> ProviderPayment:
    """What the provider says of an order that was paid as asked."""
    said = ProviderPayment(
        external_id=f"cs_{order.number}",
        payment_ref=f"pi_{order.number}",
        state="paid",
        amount_fen=order.total_fen,
        currency="CNY",
        order_id=str(order.id),
        method="alipay",
    )
    return replace(said, **other)  # type: ignore[arg-type]


def paid(s: Shop, *, packs: int = 2, key: str = "checkout-1", now: datetime = NOW) -> Order:
    """Let the buyer place an order and pay it."""
    order = placed(s, packs=packs, key=key, now=now)
    assert confirm_payment(s.session, "stripe", paid_notice(order), now=now) == "paid"
    return order


def parcel_of(session: Session, order: Order) -> SubOrder:
    """Give an order's only parcel."""
    return session.scalars(select(SubOrder).where(SubOrder.order_id == order.id)).one()


class FakeProvider:
    """A provider that keeps its promises: one key, one answer. It can be out of reach."""

    code = "stripe"

    def __init__(self, *, now: datetime = NOW) -> None:
        self.now = now
        self.pages: dict[str, ProviderPayment] = {}
        self.opened: dict[str, tuple[CheckoutRequest, OpenedCheckout]] = {}
        self.refunds: dict[str, ProviderRefund] = {}
        self.asked: list[str] = []
        self.out_of_reach = False
        self.declines = ""
        self.pending = False
        self._lock = Lock()

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.out_of_reach:
            raise ProviderUnavailable("The payment provider cannot be reached just now.")
        if self.declines:
            raise PaymentDeclined("Refused (%(reason)s).", reason=self.declines)

    def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open a page; a repeated key with other content is refused, as Stripe does."""
        self._answer("open")
        with self._lock:
            known = self.opened.get(request.idempotency_key)
            if known is not None:
                if known[0] != request:
                    raise PaymentDeclined("Refused (%(reason)s).", reason="idempotency_error")
                return known[1]
            assert sum(x.quantity * x.unit_amount_fen for x in request.lines) == request.amount_fen
            assert timedelta(minutes=30) <= request.expires_at - self.now <= timedelta(hours=24)
            external_id = f"cs_{len(self.pages) + 1}"
            page = OpenedCheckout(external_id, f"https://pay/{external_id}", request.expires_at)
            self.opened[request.idempotency_key] = (request, page)
            self.pages[external_id] = ProviderPayment(
                external_id,
                None,
                "open",
                request.amount_fen,
                request.currency,
                request.order_id,
                None,
            )
            return page

    def pay(self, external_id: str) -> ProviderPayment:
        """Pay, as the buyer does on the page."""
        paid = replace(
            self.pages[external_id],
            state="paid",
            payment_ref=f"pi_{external_id}",
            method="alipay",
        )
        self.pages[external_id] = paid
        return paid

    def look_up(self, external_id: str) -> ProviderPayment:
        """Tell how a page stands."""
        self._answer("look_up")
        if external_id not in self.pages:
            raise PaymentDeclined("Refused (%(reason)s).", reason="resource_missing")
        return self.pages[external_id]

    def expire(self, external_id: str) -> ProviderPayment:
        """Close a page, unless it was paid."""
        self._answer("expire")
        page = self.pages[external_id]
        if page.state == "open":
            page = self.pages[external_id] = replace(page, state="expired")
        return page

    def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back, once per key."""
        self._answer("refund")
        with self._lock:
            state: Literal["pending", "succeeded"] = "pending" if self.pending else "succeeded"
            made = ProviderRefund(
                f"re_{len(self.refunds) + 1}", state, request.amount_fen, request.payment_ref
            )
            return self.refunds.setdefault(request.idempotency_key, made)

    def read_notice(self, body: bytes, signature: str) -> ProviderNotice:
        """Read a notice; tests make theirs themselves."""
        raise AssertionError((body, signature))


WATCHED: Final = (
    Cart,
    CartLine,
    Address,
    Order,
    OrderContact,
    OrderLine,
    SubOrder,
    Payment,
    ProviderEvent,
    Refund,
    Reservation,
    StockBalance,
    StockMove,
    Serial,
    Sale,
    Transfer,
    OutboxMessage,
    AuditEntry,
)


def everything(session: Session) -> list[list[tuple[object, ...]]]:
    """Read every row that an order's verbs may touch."""
    session.flush()
    return [
        sorted(tuple(map(str, row)) for row in session.execute(select(table.__table__)))
        for table in WATCHED
    ]


@contextmanager
def refused(session: Session, refusal: type[Refused], **params: object) -> Iterator[None]:
    """Expect a refusal, naming some of its parameters, and that it leaves nothing behind."""
    before = everything(session)
    with pytest.raises(refusal) as caught, session.begin_nested():
        yield
    assert type(caught.value) is refusal
    said = {"field": caught.value.field} | {k: str(v) for k, v in caught.value.params.items()}
    assert {name: said.get(name) for name in params} == params
    session.expire_all()
    assert everything(session) == before
