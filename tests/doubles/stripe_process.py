"""Starts the double as a process of its own, and a receiver for its webhooks."""

import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from stripe import RequestsClient, StripeClient
from typing_extensions import override

SECRET_KEY = "sk_test_ourtests"
WEBHOOK_SECRET = "whsec_ourtests"


@dataclass
class Double:
    """A running double: where it is, and how to stop and start it on the same file."""

    data: Path
    options: tuple[str, ...] = ()
    base: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait for the line that tells the address."""
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "doubles.stripe",
                *("--port", "0", "--data", str(self.data), "--with-parent"),
                *("--secret-key", SECRET_KEY, "--webhook-secret", WEBHOOK_SECRET),
                *self.options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.search(r"http://\S+", line)
        assert match, line
        self.base = match[0]

    def stop(self) -> int:
        """End as Ctrl-C would, and give the exit status."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.terminate()
        status = self.process.wait(20)
        self.process.stdout.close()
        self.process = None
        return status

    def client(self, key: str = SECRET_KEY) -> StripeClient:
        """Give the real client, pointed here."""
        return StripeClient(
            key,
            base_addresses={"api": self.base},
            max_network_retries=0,
            http_client=RequestsClient(timeout=10),
        )


@contextmanager
def running(data: Path, *options: str) -> Iterator[Double]:
    """Run a double for the block."""
    double = Double(data, options)
    double.start()
    try:
        yield double
    finally:
        if double.process is not None:
            double.stop()


@dataclass
class Receiver:
    """Takes webhooks and answers as told: the next of `answers`, then 200."""

    answers: list[int] = field(default_factory=list)
    taken: list[tuple[bytes, str]] = field(default_factory=list)
    url: str = ""

    def wait_for(self, enough: Callable[["Receiver"], bool], seconds: float = 10) -> None:
        """Wait until enough has come, or fail."""
        end = time.monotonic() + seconds
        while not enough(self):
            assert time.monotonic() < end, f"only {len(self.taken)} webhooks came"
            time.sleep(0.02)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver for the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.taken.append((body, self.headers["Stripe-Signature"]))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/stripe"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _StayHere(urllib.request.HTTPRedirectHandler):
    @override
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> None:
        """Let the test see the redirect."""


@dataclass
class Payer:
    """A browser without JavaScript that follows no redirect."""

    jar: CookieJar = field(default_factory=CookieJar)

    def open(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Give status, text and Location."""
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self.jar),
            _StayHere(),
        )
        data = urlencode(form).encode() if form is not None else None
        try:
            with opener.open(url, data, timeout=10) as response:
                return response.status, response.read().decode(), ""
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode(), answer.headers.get("Location") or ""

    def guard(self, url: str) -> str:
        """Open the page and give what its forms are bound with."""
        _, text, _ = self.open(url)
        guard = re.search(r'name="guard" value="(\w+)"', text)
        assert guard, text
        return guard[1]

    def pay(self, url: str, method: str, **fields: str) -> tuple[int, str, str]:
        """Open the page, fill in what its form holds, and press a button."""
        card = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123"}
        typed = {**card, **fields} if method == "card" else {}
        return self.open(url, {"guard": self.guard(url), "method": method, **typed})


def session_params(**changed: Any) -> Any:
    """Give the parameters of a good session: two jars and their freight, ¥136.00."""
    line = {
        "quantity": 2,
        "price_data": {
            "currency": "cny",
            "unit_amount": 6000,
            "product_data": {"name": "沁水刺槐成熟蜜 500 g（演示）"},
        },
    }
    freight = {
        "quantity": 1,
        "price_data": {
            "currency": "cny",
            "unit_amount": 1600,
            "product_data": {"name": "运费"},
        },
    }
    params = {
        "mode": "payment",
        "line_items": [line, freight],
        "allowed_payment_method_types": ["card", "alipay", "wechat_pay"],
        "payment_method_options": {"wechat_pay": {"client": "web"}},
        "client_reference_id": "order-1",
        "metadata": {"order_number": "JC20261123001"},
        "success_url": "http://shop.example/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.example/basket",
        "expires_at": int((datetime.now(UTC) + timedelta(minutes=40)).timestamp()),
        "locale": "zh",
    }
    return {name: one for name, one in {**params, **changed}.items() if one is not None}
