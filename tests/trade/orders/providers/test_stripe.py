"""The Stripe adapter, on the real client, against the double over HTTP."""

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from doubles.stripe.webhooks import signature
from tests.doubles.stripe_process import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    Double,
    Payer,
    Receiver,
    receiving,
    running,
)
from trade.orders.providers import (
    BadSignature,
    CheckoutLine,
    CheckoutRequest,
    OpenedCheckout,
    PaymentDeclined,
    PaymentProvider,
    ProviderNotice,
    ProviderPayment,
    ProviderUnavailable,
    RefundRequest,
)
from trade.orders.providers.stripe import StripeProvider, checkout_params, opened_from


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    with running(tmp_path_factory.mktemp("stripe") / "double.sqlite3") as started:
        yield started


def provider_at(base: str, **settings: float) -> StripeProvider:
    return StripeProvider(
        SECRET_KEY,
        WEBHOOK_SECRET,
        base,
        connect_timeout=settings.get("connect_timeout", 3),
        timeout=settings.get("timeout", 5),
        max_network_retries=int(settings.get("retries", 0)),
    )


@pytest.fixture(scope="module")
def provider(double: Double) -> PaymentProvider:
    return provider_at(double.base)


def request(key: str) -> CheckoutRequest:
    return CheckoutRequest(
        order_id="0193-order",
        order_number="JC20261123001",
        amount_fen=13600,
        currency="CNY",
        lines=(
            CheckoutLine("沁水刺槐成熟蜜 500 g（演示）", 2, 6000),
            CheckoutLine("运费", 1, 1600),
        ),
        email="buyer@example.cn",
        methods=("wechat_pay", "alipay", "card"),
        success_url="http://shop.example/orders/1?paid={CHECKOUT_SESSION_ID}",
        cancel_url="http://shop.example/basket",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=35),
        locale="zh",
        idempotency_key=key,
    )


def paid(provider: PaymentProvider, key: str, method: str = "alipay") -> ProviderPayment:
    opened = provider.open_checkout(request(key))
    assert Payer().pay(opened.url, method)[0] == 303
    return provider.look_up(opened.external_id)


def test_the_client_is_loaded_only_when_it_is_first_used() -> None:
    code = (
        "import sys; from trade.orders.providers.stripe import StripeProvider; "
        "StripeProvider('sk_test_x', 'whsec_x'); sys.exit('stripe' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_checkout_is_opened_with_the_orders_own_facts(
    double: Double, provider: PaymentProvider
) -> None:
    asked = request("open-1")
    opened = provider.open_checkout(asked)
    assert opened.expires_at == asked.expires_at
    assert provider.look_up(opened.external_id) == ProviderPayment(
        external_id=opened.external_id,
        payment_ref=None,
        state="open",
        amount_fen=13600,
        currency="CNY",
        order_id="0193-order",
        method=None,
    )
    session = double.client().v1.checkout.sessions.retrieve(opened.external_id)
    assert session.client_reference_id == "0193-order"
    assert session.metadata is not None
    assert session.metadata["order_number"] == "JC20261123001"
    assert session.payment_method_types == ["wechat_pay", "alipay", "card"]
    assert session.locale == "zh"
    _, text, _ = Payer().open(opened.url)
    assert "沁水刺槐成熟蜜 500 g（演示）" in text


def test_the_same_key_opens_one_checkout_and_other_content_is_refused(
    double: Double, provider: PaymentProvider
) -> None:
    asked = request("same-1")
    assert provider.open_checkout(asked) == provider.open_checkout(asked)
    before = len(double.client().v1.checkout.sessions.list({"limit": 100}).data)
    with pytest.raises(PaymentDeclined) as caught:
        provider.open_checkout(replace(asked, order_number="JC2"))
    assert caught.value.params == {"reason": "idempotency_error"}
    assert len(double.client().v1.checkout.sessions.list({"limit": 100}).data) == before


def test_lines_that_do_not_add_up_are_never_sent(double: Double, provider: PaymentProvider) -> None:
    before = len(double.client().v1.checkout.sessions.list({"limit": 100}).data)
    with pytest.raises(ValueError, match="13600 fen, the order to 13500"):
        provider.open_checkout(replace(request("sum-1"), amount_fen=13500))
    assert len(double.client().v1.checkout.sessions.list({"limit": 100}).data) == before


@pytest.mark.parametrize("method", ["wechat_pay", "alipay", "card"])
def test_a_paid_checkout_says_how_it_was_paid(provider: PaymentProvider, method: str) -> None:
    payment = paid(provider, f"paid-{method}", method)
    assert (payment.state, payment.method, payment.amount_fen) == ("paid", method, 13600)
    assert payment.payment_ref is not None
    assert payment.payment_ref.startswith("pi_")


def test_a_declined_card_leaves_the_payment_open(provider: PaymentProvider) -> None:
    opened = provider.open_checkout(request("decline-1"))
    Payer().pay(opened.url, "card", number="4000000000000002")
    payment = provider.look_up(opened.external_id)
    assert (payment.state, payment.method) == ("open", None)


def test_an_open_checkout_can_be_closed_again_and_again(provider: PaymentProvider) -> None:
    opened = provider.open_checkout(request("expire-1"))
    assert provider.expire(opened.external_id).state == "expired"
    assert provider.expire(opened.external_id).state == "expired"
    assert Payer().open(opened.url)[0] == 410


def test_closing_comes_too_late_when_the_payer_was_faster(provider: PaymentProvider) -> None:
    payment = paid(provider, "race-1")
    assert provider.expire(payment.external_id) == payment


def test_a_payment_nobody_knows_is_declined(provider: PaymentProvider) -> None:
    with pytest.raises(PaymentDeclined) as caught:
        provider.look_up("cs_test_none")
    assert caught.value.params == {"reason": "resource_missing"}
    with pytest.raises(PaymentDeclined):
        provider.expire("cs_test_none")


def test_too_small_an_amount_is_declined_with_stripes_reason(provider: PaymentProvider) -> None:
    tiny = replace(request("tiny-1"), amount_fen=100, lines=(CheckoutLine("蜜", 1, 100),))
    with pytest.raises(PaymentDeclined) as caught:
        provider.open_checkout(tiny)
    assert caught.value.params == {"reason": "amount_too_small"}


def test_money_is_given_back_in_parts_and_never_more_than_was_paid(
    double: Double, provider: PaymentProvider
) -> None:
    payment = paid(provider, "refund-1", "card")
    assert payment.payment_ref
    part = RefundRequest(payment.payment_ref, 1600, "damaged", "refund-part")
    refund = provider.refund(part)
    assert (refund.state, refund.amount_fen) == ("succeeded", 1600)
    assert refund.payment_ref == payment.payment_ref
    assert provider.refund(part) == refund
    with pytest.raises(PaymentDeclined) as caught:
        provider.refund(RefundRequest(payment.payment_ref, 12001, "damaged", "refund-over"))
    assert caught.value.params == {"reason": "invalid_request_error"}
    provider.refund(RefundRequest(payment.payment_ref, 12000, "duplicate", "refund-rest"))
    with pytest.raises(PaymentDeclined) as caught:
        provider.refund(RefundRequest(payment.payment_ref, 1, "damaged", "refund-more"))
    assert caught.value.params == {"reason": "charge_already_refunded"}
    made = double.client().v1.refunds.list({"payment_intent": payment.payment_ref}).data
    assert [(one.amount, one.reason) for one in made] == [
        (12000, "duplicate"),
        (1600, "requested_by_customer"),
    ]
    assert made[1].metadata is not None
    assert made[1].metadata["reason"] == "damaged"


def test_a_wallets_refund_is_pending_at_first(provider: PaymentProvider) -> None:
    payment = paid(provider, "refund-2", "wechat_pay")
    assert payment.payment_ref
    refund = provider.refund(RefundRequest(payment.payment_ref, 13600, "cancelled", "refund-w"))
    assert refund.state == "pending"


def notices(provider: PaymentProvider, receiver: Receiver) -> dict[str, ProviderNotice]:
    read = [provider.read_notice(body, signed) for body, signed in receiver.taken]
    return {one.raw_kind: one for one in read}


def test_notices_are_read_from_signed_webhooks(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        running(
            tmp_path / "d.sqlite3", "--webhook-url", receiver.url, "--refund-seconds", "1"
        ) as double,
    ):
        provider = provider_at(double.base)
        payment = paid(provider, "notice-1", "wechat_pay")
        lost = provider.open_checkout(request("notice-2"))
        provider.expire(lost.external_id)
        assert payment.payment_ref
        refund = provider.refund(RefundRequest(payment.payment_ref, 600, "damaged", "notice-r"))
        receiver.wait_for(lambda one: len(one.taken) >= 9)
        told = notices(provider, receiver)

        done = told["checkout.session.completed"]
        assert done.kind == "payment_paid"
        # What was paid with is not in a notice; everything else is.
        assert done.payment == replace(payment, method=None)
        assert done.event_id.startswith("evt_")
        assert abs(done.created - datetime.now(UTC)) < timedelta(minutes=1)
        closed = told["checkout.session.expired"]
        assert closed.kind == "payment_expired"
        assert closed.payment is not None
        assert (closed.payment.external_id, closed.payment.state) == (lost.external_id, "expired")
        assert told["refund.created"].refund == refund
        changed = told["refund.updated"]
        assert (changed.kind, changed.payment) == ("refund_changed", None)
        assert changed.refund == replace(refund, state="succeeded")
        for other in ("charge.succeeded", "payment_intent.succeeded", "charge.refunded"):
            assert (told[other].kind, told[other].payment, told[other].refund) == (
                "other",
                None,
                None,
            )


def notice_body(kind: str, **changed: object) -> bytes:
    session = {
        "id": "cs_test_1",
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "amount_total": 13600,
        "currency": "cny",
        "client_reference_id": "o",
        **changed,
    }
    event = {"id": "evt_1", "object": "event", "created": 1764000000, "type": kind}
    return json.dumps({**event, "data": {"object": session}}).encode()


@pytest.mark.parametrize(
    ("kind", "status", "read"),
    [
        ("checkout.session.completed", "unpaid", "other"),
        ("checkout.session.async_payment_succeeded", "paid", "payment_paid"),
        ("checkout.session.async_payment_failed", "unpaid", "payment_failed"),
        ("something.new", "paid", "other"),
    ],
)
def test_a_delayed_payment_is_paid_only_when_its_money_came(
    kind: str, status: str, read: str
) -> None:
    body = notice_body(kind, payment_status=status)
    signed = signature(WEBHOOK_SECRET, body, int(time.time()))
    assert provider_at("http://127.0.0.1:9").read_notice(body, signed).kind == read


def test_a_notice_that_is_not_signed_well_is_refused() -> None:
    provider = provider_at("http://127.0.0.1:9")
    body = notice_body("checkout.session.completed")
    now = int(time.time())
    for bad_body, signed in (
        (body.replace(b"13600", b"1"), signature(WEBHOOK_SECRET, body, now)),
        (body, signature("whsec_another", body, now)),
        (body, signature(WEBHOOK_SECRET, body, now - 301)),
        (body, "nonsense"),
        (body, ""),
        (b"\xff\xfe", signature(WEBHOOK_SECRET, b"\xff\xfe", now)),
        (b"not json", signature(WEBHOOK_SECRET, b"not json", now)),
        (b"[]", signature(WEBHOOK_SECRET, b"[]", now)),
        (b'{"object": "event"}', signature(WEBHOOK_SECRET, b'{"object": "event"}', now)),
    ):
        with pytest.raises(BadSignature):
            provider.read_notice(bad_body, signed)


def test_a_plain_card_payment_asks_for_nothing_of_wechat_or_mail() -> None:
    params = checkout_params(replace(request("plain-1"), methods=("card",), email=None))
    assert params["allowed_payment_method_types"] == ["card"]
    assert "payment_method_options" not in params
    assert "customer_email" not in params


def test_a_session_without_a_page_is_no_checkout() -> None:
    with pytest.raises(PaymentDeclined) as caught:
        opened_from({"id": "cs_test_1", "url": None, "expires_at": 1764000000})
    assert caught.value.params == {"reason": "session_closed"}


def test_a_refusal_to_close_an_open_checkout_is_passed_on() -> None:
    class StillOpen(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {**json.loads(notice_body("x"))["data"]["object"], "status": "open"}
            self.say(200, {**found, "payment_status": "unpaid", "payment_intent": None})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.say(400, {"error": {"type": "invalid_request_error", "code": "lock_timeout"}})

        def say(self, status: int, body: object) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with serving(StillOpen) as base, pytest.raises(PaymentDeclined) as caught:
        provider_at(base).expire("cs_test_1")
    assert caught.value.params == {"reason": "lock_timeout"}


@contextmanager
def answering(status: int, body: str, delay: float = 0) -> Iterator[str]:
    """Answer everything the same way."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(delay)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with serving(Handler) as base:
        yield base


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    class Server(ThreadingHTTPServer):
        @override
        def handle_error(self, request: object, client_address: object) -> None:
            """A caller that gave up is what these tests are about."""

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, '{"error": {"type": "api_error", "message": "oops"}}'),
        (503, "<html>busy</html>"),
        (429, '{"error": {"type": "invalid_request_error", "code": "rate_limit"}}'),
        (403, '{"error": {"type": "invalid_request_error"}}'),
        (200, "<html>a login page in a café</html>"),
    ],
)
def test_an_answer_that_is_none_means_the_provider_is_unavailable(status: int, body: str) -> None:
    with answering(status, body) as base, pytest.raises(ProviderUnavailable):
        provider_at(base).look_up("cs_test_1")


def test_a_card_error_is_declined_with_the_banks_reason() -> None:
    error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
    with (
        answering(402, json.dumps({"error": error})) as base,
        pytest.raises(PaymentDeclined) as caught,
    ):
        provider_at(base).look_up("cs_test_1")
    assert caught.value.params == {"reason": "insufficient_funds"}


def test_a_slow_provider_is_unavailable_after_the_time_out() -> None:
    with answering(200, "{}", delay=1) as base:
        begun = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            provider_at(base, timeout=0.2).look_up("cs_test_1")
        assert time.monotonic() - begun < 0.9


def test_nobody_there_means_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ProviderUnavailable):
        provider_at(f"http://127.0.0.1:{port}").open_checkout(request("nobody-1"))


def test_a_key_that_is_not_ours_means_unavailable(double: Double) -> None:
    with pytest.raises(ProviderUnavailable):
        StripeProvider("sk_test_other", WEBHOOK_SECRET, double.base).look_up("cs_test_1")


@contextmanager
def losing_the_first_answer(behind: str) -> Iterator[str]:
    """Pass everything on, but lose the first answer to a POST on its way back."""
    lost: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            passed = urllib.request.Request(  # noqa: S310 -- our own double
                f"{behind}{self.path}", data=body, headers=dict(self.headers), method="POST"
            )
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(passed, timeout=5) as response:
                said = response.read()
            if not lost:
                lost.append(self.path)
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with serving(Handler) as base:
        yield base


def test_asking_again_after_a_lost_answer_acts_once(double: Double) -> None:
    client = double.client()
    before = len(client.v1.checkout.sessions.list({"limit": 100}).data)
    asked = request("lost-1")
    with losing_the_first_answer(double.base) as base:
        provider = provider_at(base)
        with pytest.raises(ProviderUnavailable):
            provider.open_checkout(asked)
        opened = provider.open_checkout(asked)
    assert isinstance(opened, OpenedCheckout)
    assert len(client.v1.checkout.sessions.list({"limit": 100}).data) == before + 1


def test_the_client_asks_again_by_itself_when_it_may(double: Double) -> None:
    client = double.client()
    before = len(client.v1.checkout.sessions.list({"limit": 100}).data)
    with losing_the_first_answer(double.base) as base:
        opened = provider_at(base, retries=1).open_checkout(request("lost-2"))
    assert opened.external_id.startswith("cs_test_")
    assert len(client.v1.checkout.sessions.list({"limit": 100}).data) == before + 1
