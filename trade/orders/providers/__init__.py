"""Who takes the money: one interface, whoever stands behind it.

A provider is asked over a network, so nobody holds a lock or a transaction while asking.
Every write carries a key made by the asker: the same key with the same content gives the
same answer, and after `ProviderUnavailable` the very same request may be sent again.

Amounts are whole fen (two-decimal minor units of `currency`, upper case as in ISO 4217);
times are aware.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from foundation.errors import Refused


class PaymentDeclined(Refused):
    """The provider understood and says no; asking the same again will not help.

    `params["reason"]` is the provider's own code: for Stripe `card_declined`,
    `charge_already_refunded`, `amount_too_small`, `resource_missing`, ...
    """

    code = "payment_declined"
    status = 402


class ProviderUnavailable(Refused):
    """No answer to rely on: network, time-out, 5xx, rate limit, or a key not accepted.

    Whether the provider acted is unknown. The same request with the same idempotency
    key may be sent again and will not act twice.
    """

    code = "provider_unavailable"
    status = 503


class BadSignature(Refused):
    """A notice is not signed by the provider, is too old, or is not a notice at all."""

    code = "bad_signature"
    status = 400


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line as the payer will read it. `unit_amount_fen` is never negative.

    Freight is a line of its own; spread discounts over the lines or send one line.
    """

    name: str
    quantity: int
    unit_amount_fen: int


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What is to be paid, by which methods, and where the payer goes afterwards.

    The lines must add up to `amount_fen`, or opening raises `ValueError`. `methods` are
    of `card`, `alipay`, `wechat_pay`. `success_url` may hold `{CHECKOUT_SESSION_ID}`.
    For Stripe `expires_at` lies 30 minutes to 24 hours ahead, and must be the same moment
    in a retry: allow a few minutes more than the least.
    """

    order_id: str
    order_number: str
    amount_fen: int
    currency: str
    lines: tuple[CheckoutLine, ...]
    email: str | None
    methods: tuple[str, ...]
    success_url: str
    cancel_url: str
    expires_at: datetime
    locale: Literal["zh", "en"]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """The provider's page for one payment: send the payer's browser to `url`."""

    external_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """One payment as the provider sees it now.

    `payment_ref` is what a refund names; it is there once somebody has tried to pay.
    `order_id` is the one sent in the request. `method` is what was paid with and is known
    from `look_up` and `expire`; a notice does not say it.
    """

    external_id: str
    payment_ref: str | None
    state: Literal["open", "paid", "expired"]
    amount_fen: int
    currency: str
    order_id: str | None
    method: str | None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Give back `amount_fen` of the payment `payment_ref`.

    `reason` is a short code of ours (`cancelled`, `damaged`, ...), never a person's words:
    it is stored abroad.
    """

    payment_ref: str
    amount_fen: int
    reason: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """One refund as the provider sees it; `pending` becomes one of the others by a notice.

    Alipay and WeChat Pay refunds are pending at first, cards succeed at once.
    """

    external_id: str
    state: Literal["succeeded", "pending", "failed"]
    amount_fen: int
    payment_ref: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderNotice:
    """Something that happened at the provider, told by a signed request.

    Notices come at least once and in any order: keep `event_id` to recognise a repeat, and
    let the state in `payment` or `refund` (as of `created`) only move forward. `other` asks
    for nothing but the answer 200. `raw_kind` is the provider's own name, for the log.
    """

    event_id: str
    kind: Literal["payment_paid", "payment_failed", "payment_expired", "refund_changed", "other"]
    created: datetime
    payment: ProviderPayment | None
    refund: ProviderRefund | None
    raw_kind: str


class PaymentProvider(Protocol):
    """What the house asks of whoever takes the money."""

    @property
    def code(self) -> str:
        """Name the provider, as stored beside its payments: `stripe`."""
        ...

    def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open the provider's payment page. Refuses by the two errors below.

        Raises `PaymentDeclined` when the provider refuses what was asked,
        `ProviderUnavailable` when no answer can be had.
        """
        ...

    def look_up(self, external_id: str) -> ProviderPayment:
        """Ask how a payment stands. Raises `PaymentDeclined` when there is none."""
        ...

    def expire(self, external_id: str) -> ProviderPayment:
        """Close an open payment page and tell how the payment then stands.

        When the payer was faster the answer says `paid`, and nothing is closed.
        """
        ...

    def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back. Raises `PaymentDeclined` when more is asked than is left."""
        ...

    def read_notice(self, body: bytes, signature: str) -> ProviderNotice:
        """Check the signature over the unchanged body and read it, or raise `BadSignature`."""
        ...
