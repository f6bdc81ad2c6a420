"""Stripe as a payment provider: Checkout Sessions, refunds and signed webhooks.

The official client does the talking, the retries and the checking of signatures; it is
imported when first used, because it costs 25 MB and most processes never pay. Against the
project's own double only the key and `api_base` differ.
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from trade.orders.providers import (
    BadSignature,
    CheckoutRequest,
    OpenedCheckout,
    PaymentDeclined,
    ProviderNotice,
    ProviderPayment,
    ProviderRefund,
    ProviderUnavailable,
    RefundRequest,
)

if TYPE_CHECKING:
    from stripe import StripeClient, StripeError
    from stripe.params import RefundCreateParams
    from stripe.params.checkout import SessionCreateParams

T = TypeVar("T")

# Stripe knows three reasons of its own; ours travels in the metadata.
_STRIPES_REASONS = {"duplicate", "fraudulent", "requested_by_customer"}

_PAYMENT_NOTICES: dict[
    str, Literal["payment_paid", "payment_failed", "payment_expired", "other"]
] = {
    "checkout.session.completed": "payment_paid",
    "checkout.session.async_payment_succeeded": "payment_paid",
    "checkout.session.async_payment_failed": "payment_failed",
    "checkout.session.expired": "payment_expired",
}
_REFUND_NOTICES = {"refund.created", "refund.updated", "refund.failed"}


class StripeProvider:
    """A `PaymentProvider` on `stripe` 16 (API 2026-10-28.endive).

    `api_base` without a closing slash points the client at another address than Stripe's.
    A try lasts at most `connect_timeout` + `timeout` seconds, and is repeated
    `max_network_retries` times under the same key before `ProviderUnavailable` is raised.
    `tolerance` is how many seconds old a notice may be. Safe to share between threads.
    """

    code = "stripe"

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str,
        api_base: str | None = None,
        *,
        connect_timeout: float = 3.05,
        timeout: float = 20.0,
        max_network_retries: int = 2,
        tolerance: int = 300,
    ) -> None:
        self._secret_key = secret_key
        self._webhook_secret = webhook_secret
        self._api_base = api_base
        self._timeout = (connect_timeout, timeout)
        self._max_network_retries = max_network_retries
        self._tolerance = tolerance
        self._lock = threading.Lock()
        self._made: StripeClient | None = None

    def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Create a Checkout Session in `payment` mode."""
        session = self._ask(
            lambda client: client.v1.checkout.sessions.create(
                checkout_params(request), {"idempotency_key": request.idempotency_key}
            ).to_dict()
        )
        return opened_from(session)

    def look_up(self, external_id: str) -> ProviderPayment:
        """Retrieve the session with its payment and latest charge."""
        return payment_from(
            self._ask(
                lambda client: client.v1.checkout.sessions.retrieve(
                    external_id, {"expand": ["payment_intent.latest_charge"]}
                ).to_dict()
            )
        )

    def expire(self, external_id: str) -> ProviderPayment:
        """Expire the session; if it is no longer open, say how it ended."""
        try:
            session = self._ask(
                lambda client: client.v1.checkout.sessions.expire(
                    external_id, None, {"idempotency_key": f"expire-{external_id}"}
                ).to_dict()
            )
        except PaymentDeclined:
            payment = self.look_up(external_id)
            if payment.state == "open":
                raise
            return payment
        return payment_from(session)

    def refund(self, request: RefundRequest) -> ProviderRefund:
        """Refund a part or all of a payment intent."""
        return refund_from(
            self._ask(
                lambda client: client.v1.refunds.create(
                    refund_params(request), {"idempotency_key": request.idempotency_key}
                ).to_dict()
            )
        )

    def read_notice(self, body: bytes, signature: str) -> ProviderNotice:
        """Let the client check the signature and its age, then read the event."""
        import stripe

        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._webhook_secret, self._tolerance
            )
            return notice_from(json.loads(body))
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
            # The last three: signed, perhaps, but not UTF-8, not JSON or not an event.
            raise BadSignature("This notice is not signed by the payment provider.") from error

    def _client(self) -> "StripeClient":
        """Make the client once, when it is first needed."""
        with self._lock:
            if self._made is None:
                import stripe

                stripe.enable_telemetry = False
                self._made = stripe.StripeClient(
                    self._secret_key,
                    base_addresses={"api": self._api_base} if self._api_base else {},
                    max_network_retries=self._max_network_retries,
                    http_client=stripe.RequestsClient(timeout=self._timeout),
                )
            return self._made

    def _ask(self, question: Callable[["StripeClient"], T]) -> T:
        """Put a question to Stripe and turn its refusals into ours."""
        import stripe

        try:
            return question(self._client())
        except (
            stripe.CardError,
            stripe.InvalidRequestError,
            stripe.IdempotencyError,
        ) as error:
            raise PaymentDeclined(
                "The payment provider refused the request (%(reason)s).", reason=_reason(error)
            ) from error
        except stripe.StripeError as error:
            raise ProviderUnavailable(
                "The payment provider cannot be reached just now. Please try again; nothing is "
                "charged twice."
            ) from error


def checkout_params(request: CheckoutRequest) -> "SessionCreateParams":
    """Say in Stripe's words what is to be paid.

    Raises `ValueError` when the lines do not add up: the payer must never be asked for
    another amount than the order promises.
    """
    total = sum(line.quantity * line.unit_amount_fen for line in request.lines)
    if total != request.amount_fen:
        msg = f"lines add up to {total} fen, the order to {request.amount_fen}"
        raise ValueError(msg)
    currency = request.currency.lower()
    known = {"order_id": request.order_id, "order_number": request.order_number}
    params: SessionCreateParams = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": line.quantity,
                "price_data": {
                    "currency": currency,
                    "unit_amount": line.unit_amount_fen,
                    "product_data": {"name": line.name},
                },
            }
            for line in request.lines
        ],
        "allowed_payment_method_types": list(request.methods),
        "client_reference_id": request.order_id,
        "metadata": known,
        "payment_intent_data": {"metadata": known, "description": request.order_number},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(request.expires_at.timestamp()),
        "locale": request.locale,
    }
    if "wechat_pay" in request.methods:
        # The only client that Checkout has for WeChat Pay: a page, no app id.
        params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
    if request.email:
        params["customer_email"] = request.email
    return params


def refund_params(request: RefundRequest) -> "RefundCreateParams":
    """Say in Stripe's words what is to be given back."""
    reason = request.reason if request.reason in _STRIPES_REASONS else "requested_by_customer"
    return {
        "payment_intent": request.payment_ref,
        "amount": request.amount_fen,
        "reason": reason,
        "metadata": {"reason": request.reason[:500]},
    }


def opened_from(session: Mapping[str, Any]) -> OpenedCheckout:
    """Read a session just opened.

    Raises `PaymentDeclined` when it has no page, as only an open session has one.
    """
    if not session.get("url"):
        raise PaymentDeclined(
            "The payment provider refused the request (%(reason)s).", reason="session_closed"
        )
    return OpenedCheckout(
        external_id=session["id"],
        url=session["url"],
        expires_at=_moment(session["expires_at"]),
    )


def payment_from(session: Mapping[str, Any]) -> ProviderPayment:
    """Read a Checkout Session, with or without its payment intent expanded."""
    intent = session.get("payment_intent")
    state: Literal["open", "paid", "expired"] = "open"
    if session["payment_status"] == "paid":
        state = "paid"
    elif session["status"] == "expired":
        state = "expired"
    return ProviderPayment(
        external_id=session["id"],
        payment_ref=_id_of(intent),
        state=state,
        amount_fen=session["amount_total"],
        currency=session["currency"].upper(),
        order_id=session.get("client_reference_id"),
        method=_method_of(intent) if state == "paid" else None,
    )


def refund_from(refund: Mapping[str, Any]) -> ProviderRefund:
    """Read a refund; what needs an action is pending, what was cancelled has failed."""
    states: dict[str, Literal["succeeded", "pending", "failed"]] = {
        "succeeded": "succeeded",
        "failed": "failed",
        "canceled": "failed",
    }
    return ProviderRefund(
        external_id=refund["id"],
        state=states.get(refund["status"] or "", "pending"),
        amount_fen=refund["amount"],
        payment_ref=_id_of(refund.get("payment_intent")),
    )


def notice_from(event: Mapping[str, Any]) -> ProviderNotice:
    """Read a Stripe event whose signature has been checked."""
    raw_kind: str = event["type"]
    payment: ProviderPayment | None = None
    refund: ProviderRefund | None = None
    kind: Literal["payment_paid", "payment_failed", "payment_expired", "refund_changed", "other"]
    kind = "other"
    if raw_kind in _PAYMENT_NOTICES:
        payment = payment_from(event["data"]["object"])
        kind = _PAYMENT_NOTICES[raw_kind]
        if kind == "payment_paid" and payment.state != "paid":
            kind = "other"  # completed, but the money is still on its way
    elif raw_kind in _REFUND_NOTICES:
        refund = refund_from(event["data"]["object"])
        kind = "refund_changed"
    return ProviderNotice(
        event_id=event["id"],
        kind=kind,
        created=_moment(event["created"]),
        payment=payment,
        refund=refund,
        raw_kind=raw_kind,
    )


def _reason(error: "StripeError") -> str:
    """Give Stripe's code, the bank's code where it is the finer one, or the type of error."""
    body = error.error
    finer = getattr(body, "decline_code", None)
    return str(finer or error.code or getattr(body, "type", None) or "refused")


def _id_of(reference: object) -> str | None:
    """Give the id of something that Stripe sends as an id or, expanded, as an object."""
    if isinstance(reference, Mapping):
        return str(reference["id"])
    return None if reference is None else str(reference)


def _method_of(intent: object) -> str | None:
    """Give the method of the latest charge, when the intent is expanded that far."""
    charge = intent.get("latest_charge") if isinstance(intent, Mapping) else None
    details = charge.get("payment_method_details") if isinstance(charge, Mapping) else None
    return str(details["type"]) if isinstance(details, Mapping) else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
