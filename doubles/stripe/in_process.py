"""A payment provider on the double's engine itself, for seeding a past.

It asks what the Stripe adapter asks, in the same parameters, and reads the answers with the
same functions; only the network and the clock are missing. Everything lands in the file
that the server is then started on, so that a seeded order can be looked up and refunded
over HTTP like any other:

    past = PastStripe(Engine(Store(path), keep_events=False), now)
    with past.batch():                      # one transaction for as many orders as you like
        past.now = moment_of_the_order
        opened = past.open_checkout(request)
        payment = past.pay(opened.external_id, "wechat_pay")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from doubles.stripe.engine import CardDeclined, Engine
from doubles.stripe.errors import ApiError
from doubles.stripe.store import Json
from trade.orders.providers import (
    BadSignature,
    CheckoutRequest,
    OpenedCheckout,
    PaymentDeclined,
    ProviderNotice,
    ProviderPayment,
    ProviderRefund,
    RefundRequest,
)
from trade.orders.providers.stripe import (
    checkout_params,
    opened_from,
    payment_from,
    refund_from,
    refund_params,
)


class PastStripe:
    """A `PaymentProvider` whose present is whatever `now` is set to.

    Build the engine with `keep_events=False`: the past is told to nobody. Idempotency keys
    are not kept, because a seeder asks once. Refunds of wallets stay pending until `settle`.
    """

    code = "stripe"

    def __init__(self, engine: Engine, now: datetime) -> None:
        self._engine = engine
        self.now = now

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Do everything in the block as one transaction."""
        with self._engine.batch():
            yield

    def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open a checkout at `now`."""
        params = dict(checkout_params(request))
        with _refusals():
            return opened_from(self._engine.create_session(params, now=self.now))

    def pay(self, external_id: str, method: str) -> ProviderPayment:
        """Pay as the payer would have, at `now`."""
        with _refusals():
            return self._read(self._engine.pay(external_id, method, now=self.now))

    def look_up(self, external_id: str) -> ProviderPayment:
        """Say how the payment stood at `now`."""
        with _refusals():
            return self._read(self._engine.session(external_id, now=self.now))

    def expire(self, external_id: str) -> ProviderPayment:
        """Close an open checkout at `now`; say how it ended if it is closed already."""
        found = self.look_up(external_id)
        if found.state != "open":
            return found
        with _refusals():
            return self._read(self._engine.expire_session(external_id, now=self.now))

    def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back at `now`."""
        params = dict(refund_params(request))
        with _refusals():
            return refund_from(self._engine.refund(params, now=self.now))

    def settle(self) -> None:
        """Let everything happen that was due by `now`: expiries and pending refunds."""
        self._engine.advance(self.now)

    def read_notice(self, body: bytes, signature: str) -> ProviderNotice:
        """Refuse: the past sends no notices."""
        del body, signature
        raise BadSignature("This notice is not signed by the payment provider.")

    def _read(self, session: Json) -> ProviderPayment:
        return payment_from(self._engine.with_charge(session))


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the double's refusals into the house's."""
    try:
        yield
    except ApiError as error:
        raise PaymentDeclined(
            "The payment provider refused the request (%(reason)s).",
            reason=error.code or error.kind,
        ) from error
    except CardDeclined as declined:
        raise PaymentDeclined(
            "The payment provider refused the request (%(reason)s).",
            reason=declined.refusal.decline_code or declined.refusal.code,
        ) from declined
