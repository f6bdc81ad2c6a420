"""Tables of orders: baskets, promises, payments, parcels."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big


class Cart(Base):
    """A basket, of a visitor's browser or of an account."""

    __tablename__ = "carts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), unique=True)
    outlet_id: Mapped[int | None] = mapped_column(ForeignKey("outlets.place_id"))
    """The hall or zone through whose shop page the buyer came."""
    touched_at: Mapped[datetime]


class CartLine(Base):
    """So many of one SKU in a basket, and the price the buyer saw."""

    __tablename__ = "cart_lines"
    __table_args__ = (CheckConstraint("quantity > 0", "quantity_positive"),)

    cart_id: Mapped[UUID] = mapped_column(ForeignKey("carts.id"), primary_key=True)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"), primary_key=True)
    quantity: Mapped[int]
    seen_price_fen: Mapped[int]
    added_at: Mapped[datetime]


class Address(Base):
    """Where an account has parcels sent. Personal data."""

    __tablename__ = "addresses"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(String(20))
    province: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(30))
    district: Mapped[str] = mapped_column(String(30))
    detail: Mapped[str] = mapped_column(String(120))
    is_default: Mapped[bool] = mapped_column(default=False)


class Order(Base):
    """One payment's promise: goods of one or more suppliers to one address."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending_payment', 'paid', 'completed', 'cancelled', 'refunded')", "state"
        ),
        Index("ix_orders_account", "account_id", "placed_at"),
        Index("ix_orders_state", "state", "pay_by"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    """Made by the checkout page; sending it twice is one order."""
    content_digest: Mapped[str] = mapped_column(String(32))
    number: Mapped[str] = mapped_column(String(30), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    outlet_id: Mapped[int] = mapped_column(ForeignKey("outlets.place_id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    delivery: Mapped[str] = mapped_column(String(10))
    """What the buyer chose: courier or pickup. Which courier is told by each parcel."""
    ship_to_province: Mapped[str] = mapped_column(String(20), default="")
    """Kept for statistics when the contact is erased."""
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    goods_fen: Mapped[int]
    shipping_fen: Mapped[int]
    total_fen: Mapped[int]
    note: Mapped[str] = mapped_column(String(200), default="")
    consents: Mapped[list[Any]] = mapped_column(JSON, default=list)
    placed_at: Mapped[datetime]
    pay_by: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str] = mapped_column(String(20), default="")


class OrderContact(Base):
    """Who receives an order, and where. Personal data, kept apart so that it can be erased."""

    __tablename__ = "order_contacts"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    recipient: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(String(20))
    province: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(30))
    district: Mapped[str] = mapped_column(String(30))
    detail: Mapped[str] = mapped_column(String(120))


class SubOrder(Base):
    """One supplier's part of an order: one parcel."""

    __tablename__ = "sub_orders"
    __table_args__ = (
        UniqueConstraint("order_id", "supplier_id"),
        CheckConstraint(
            "state IN ('pending_payment', 'awaiting_shipment', 'shipped', 'received', "
            "'cancelled', 'refunded')",
            "state",
        ),
        CheckConstraint(
            "refunded_fen >= 0 AND refunded_fen <= goods_fen + shipping_fen", "refunded_within"
        ),
        Index("ix_sub_orders_supplier", "supplier_id", "state"),
        Index("ix_sub_orders_shipped", "state", "shipped_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    state: Mapped[str] = mapped_column(String(18))
    delivery: Mapped[str] = mapped_column(String(10))
    """courier, cold_chain or pickup; what is kept cool travels cold."""
    goods_fen: Mapped[int]
    shipping_fen: Mapped[int]
    refunded_fen: Mapped[int] = mapped_column(default=0)
    """What was given back, or is about to be."""
    carrier: Mapped[str] = mapped_column(String(40), default="")
    waybill_no: Mapped[str] = mapped_column(String(40), default="")
    shipped_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    sale_id: Mapped[UUID | None] = mapped_column(ForeignKey("sales.id"))
    """The sale that the parcel became; the first, when goods left from several places."""


class OrderLine(Base):
    """So many of one SKU in a sub-order, at the price promised."""

    __tablename__ = "order_lines"
    __table_args__ = (CheckConstraint("quantity > 0", "quantity_positive"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    sub_order_id: Mapped[UUID] = mapped_column(ForeignKey("sub_orders.id"), index=True)
    number: Mapped[int]
    """From 1 within the order; the stock room's reservations name it."""
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(120))
    spec_zh: Mapped[str] = mapped_column(String(40))
    spec_en: Mapped[str] = mapped_column(String(80))
    """Names and return policy are kept as they were promised."""
    return_code: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int]
    unit_price_fen: Mapped[int]
    price_version: Mapped[int]
    total_fen: Mapped[int]


class Payment(Base):
    """One attempt to have an order paid through a provider."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("provider", "external_id"),
        CheckConstraint("state IN ('open', 'paid', 'expired', 'refund_due', 'refunded')", "state"),
        CheckConstraint("refunded_fen >= 0 AND refunded_fen <= paid_fen", "refunds_within_paid"),
        Index("ix_payments_order", "order_id"),
        Index(
            "ix_payments_open",
            "look_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    provider: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str | None] = mapped_column(String(120))
    payment_ref: Mapped[str | None] = mapped_column(String(120), index=True)
    url: Mapped[str] = mapped_column(Text, default="")
    amount_fen: Mapped[int]
    """What was asked for."""
    paid_fen: Mapped[int] = mapped_column(default=0)
    """What the provider says came in."""
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    method: Mapped[str] = mapped_column(String(20), default="")
    state: Mapped[str] = mapped_column(String(12))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """When the provider's page closes by itself."""
    looks: Mapped[int] = mapped_column(default=0)
    look_at: Mapped[datetime]
    """When the provider is next asked how this stands, should no notice come."""
    paid_at: Mapped[datetime | None]
    refunded_fen: Mapped[int] = mapped_column(default=0)
    """What was given back, or is about to be."""


class ProviderEvent(Base):
    """The inbox: every notice of a payment provider, once."""

    __tablename__ = "provider_events"
    __table_args__ = (UniqueConstraint("provider", "event_id"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(60))
    external_id: Mapped[str | None] = mapped_column(String(120))
    received_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(40))


class Refund(Base):
    """Money given back for a payment."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("state IN ('due', 'succeeded', 'failed')", "state"),
        Index(
            "ix_refunds_due",
            "next_at",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), index=True)
    sub_order_id: Mapped[UUID | None] = mapped_column(ForeignKey("sub_orders.id"), index=True)
    """The parcel it is for; None when a payment as a whole is given back."""
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(String(30))
    """cancelled, late, duplicate, mismatch, not_delivered, damaged or goodwill."""
    state: Mapped[str] = mapped_column(String(12))
    external_id: Mapped[str | None] = mapped_column(String(120), index=True)
    """The provider's; with it a refund that is still due is on its way."""
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(80), default="")
    asked_at: Mapped[datetime]
    next_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
