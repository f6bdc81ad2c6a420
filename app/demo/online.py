"""The demo's online orders: placed, paid at the double, sent, received, some called off."""

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.demand import Basket, Draw
from app.settings import Settings
from doubles.stripe.engine import Engine
from doubles.stripe.in_process import PastStripe
from doubles.stripe.store import Store
from foundation import clock
from foundation.errors import Refused
from parties.people.permissions import SYSTEM, Actor, Grant, Role
from parties.people.services.accounts import create_account
from trade.orders.models import Order, SubOrder
from trade.orders.providers import CheckoutLine, CheckoutRequest
from trade.orders.queries.baskets import Offer, QuoteLine, Wanted, offers, quote_of
from trade.orders.rules import Destination, Terms
from trade.orders.services.checkout import Checkout, place_order
from trade.orders.services.endings import cancel_order, confirm_receipt
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.orders.services.payments import confirm_payment
from trade.orders.terms import load_terms

MANY_BUYERS = 90
CARRIER = "示例快运（演示）"


class Buyers:
    """The demo's buyers: the two who can sign in, and a crowd that nobody can sign in as."""

    def __init__(self, session: Session, people: Mapping[str, int], *, now: datetime) -> None:
        self.known = [people["consumer-1"], people["consumer-2"]]
        then = now - timedelta(days=390)
        seeder = Actor(None, (Grant(Role.OPERATOR),))
        self.crowd = [
            create_account(
                session,
                display_name=f"示例买家{number:03d}",
                email=f"crowd{number:03d}@demo.example",
                grants=(Grant(Role.CONSUMER),),
                demo=True,
                actor=seeder,
                now=then,
            ).id
            for number in range(1, MANY_BUYERS + 1)
        ]

    def choose(self, draw: Draw) -> int:
        """Choose who orders; the known two now and then."""
        if draw.random.randrange(150) == 0:
            return draw.random.choice(self.known)
        return draw.random.choice(self.crowd)


class Online:
    """Places, pays, sends and receives orders at their moments of the past."""

    def __init__(
        self,
        settings: Settings,
        draw: Draw,
        seasons: Mapping[str, Any],
        buyers: Buyers,
        *,
        data: Path,
        now: datetime,
    ) -> None:
        self.settings, self.draw, self.seasons, self.buyers = settings, draw, seasons, buyers
        self.terms: Terms = load_terms(data)
        self.now = now
        self.due: list[tuple[datetime, int, str, UUID, int]] = []
        self.number = 0
        self.homes = _homes(data, seasons)
        self.past: PastStripe | None = None
        self.known: dict[int, Offer] = {}

    @contextmanager
    def provider(self) -> Iterator[PastStripe]:
        """Open the double's own file, so that seeded payments can be looked up and refunded."""
        store = Store(self.settings.data_dir / "stripe-double.db")
        self.past = PastStripe(Engine(store, keep_events=False), self.now)
        yield self.past

    def order(self, session: Session, basket: Basket, prices: Mapping[int, int]) -> None:
        """Place one order and pay it, or leave it unpaid; what follows is queued."""
        buyer = Actor(self.buyers.choose(self.draw), (Grant(Role.CONSUMER),))
        wanted = tuple(
            Wanted(good.sku_id, quantity, prices[good.sku_id]) for good, quantity in basket.lines
        )
        destination = self._home()
        known = self._offers(session, wanted)
        quote = quote_of(
            [QuoteLine(known[one.sku_id], one.quantity) for one in wanted],
            delivery="courier",
            province=destination.province,
            terms=self.terms,
            provider="stripe",
        )
        if quote.refusal is not None:
            return
        self.number += 1
        checkout = Checkout(
            key=f"demo-order-{self.number:06d}",
            lines=wanted,
            delivery="courier",
            total_fen=quote.total_fen,
            consents=tuple(consent.code for consent in quote.consents),
            destination=destination,
            outlet_id=basket.place_id,
            from_cart=False,
        )
        try:
            with session.begin_nested():
                placed = place_order(
                    session, checkout, terms=self.terms, actor=buyer, now=basket.at
                ).order
        except Refused:  # sold out that day: the buyer went away
            return
        if self._happens(self.seasons["after_sales"]["cancel_percent"]):
            self._later(basket.at + timedelta(minutes=9), "cancel", placed.id, buyer.id or 0)
            return
        self._pay(session, placed, basket.at + timedelta(minutes=2 + self.number % 17))

    def _offers(self, session: Session, wanted: Sequence[Wanted]) -> dict[int, Offer]:
        """Give what is offered, asked anew only when a price is another than last time."""
        if any(
            one.sku_id not in self.known or self.known[one.sku_id].price_fen != one.seen_price_fen
            for one in wanted
        ):
            self.known |= offers(session, [one.sku_id for one in wanted])
        return self.known

    def _happens(self, percent: float) -> bool:
        return self.draw.random.random() * 100 < percent

    def _pay(self, session: Session, order: Order, at: datetime) -> None:
        assert self.past is not None  # noqa: S101 -- opened before the first order
        at = min(at, self.now)
        self.past.now = order.placed_at
        methods = self.seasons["payment_methods"]
        opened = self.past.open_checkout(
            CheckoutRequest(
                order_id=str(order.id),
                order_number=order.number,
                amount_fen=order.total_fen,
                currency="CNY",
                lines=(CheckoutLine(order.number, 1, order.total_fen),),
                email=None,
                methods=("card", "alipay", "wechat_pay"),
                success_url=f"{self.settings.public_url}/orders/{order.number}/return",
                cancel_url=f"{self.settings.public_url}/orders/{order.number}",
                expires_at=order.placed_at + timedelta(minutes=35),
                locale="zh",
                idempotency_key=f"demo-{order.id}",
            )
        )
        self.past.now = at
        method = self.draw.one(list(methods), list(methods.values()))
        paid = self.past.pay(opened.external_id, method)
        confirm_payment(session, "stripe", paid, now=at, actor=SYSTEM)
        hours = 5 + self.draw.random.randrange(40)
        self._later(at + timedelta(hours=hours), "send", order.id, order.account_id)

    def _later(self, at: datetime, what: str, order_id: UUID, account_id: int) -> None:
        self.number += 1
        heapq.heappush(self.due, (at, self.number, what, order_id, account_id))

    def catch_up(self, session: Session, day: date) -> None:
        """Do what is due before `day` ends and lies in the past."""
        while self.due and clock.business_date(self.due[0][0]) <= day and self.due[0][0] < self.now:
            at, _, what, order_id, account_id = heapq.heappop(self.due)
            if what == "cancel":
                buyer = Actor(account_id, (Grant(Role.CONSUMER),))
                cancel_order(session, order_id, actor=buyer, now=at)
            elif what == "send":
                self._send(session, order_id, account_id, at)
            else:
                self._receive(session, order_id, account_id, at)

    def _parcels(self, session: Session, order_id: UUID) -> Sequence[SubOrder]:
        query = select(SubOrder).where(SubOrder.order_id == order_id).order_by(SubOrder.id)
        return session.scalars(query).all()

    def _send(self, session: Session, order_id: UUID, account_id: int, at: datetime) -> None:
        if self._happens(self.seasons["after_sales"]["refund_percent"]):
            buyer = Actor(account_id, (Grant(Role.CONSUMER),))
            cancel_order(session, order_id, actor=buyer, now=at)
            return
        for parcel in self._parcels(session, order_id):
            clerk = Actor(None, (Grant(Role.SUPPLIER_CLERK, organisation_id=parcel.supplier_id),))
            self.number += 1
            dispatch_sub_order(
                session,
                Dispatch(parcel.id, CARRIER, f"DEMO{self.number:08d}", at),
                actor=clerk,
                now=at,
            )
        days = 2 + self.draw.random.randrange(4)
        self._later(at + timedelta(days=days), "receive", order_id, account_id)

    def _receive(self, session: Session, order_id: UUID, account_id: int, at: datetime) -> None:
        buyer = Actor(account_id, (Grant(Role.CONSUMER),))
        for parcel in self._parcels(session, order_id):
            confirm_receipt(session, parcel.id, actor=buyer, now=at)

    def _home(self) -> Destination:
        row = self.draw.one(self.homes, [weight for weight, _ in self.homes])
        place: tuple[str, str, str] = row[1]
        number = self.draw.random.randrange(1000)
        return Destination(
            f"示例{number:03d}（演示）", f"199{number:08d}", *place, "演示路 1 号（演示地址）"
        )


def _homes(data: Path, seasons: Mapping[str, Any]) -> list[tuple[float, tuple[str, str, str]]]:
    provinces = {
        row["code"]: row
        for row in json.loads((data / "places" / "provinces.json").read_text(encoding="utf-8"))
    }
    homes: list[tuple[float, tuple[str, str, str]]] = []
    for row in seasons["buyer_provinces"]:
        province = provinces[row["province"]]
        shares = row.get("cities") or {city["code"]: 1 for city in province["cities"][:4]}
        for city in province["cities"]:
            if city["code"] in shares:
                weight = row["weight"] * shares[city["code"]] / sum(shares.values())
                place = (province["name_zh"], city["name"], city["counties"][0][1])
                homes.append((weight, place))
    return homes
