"""The process: settings, HTTP, background work, and a clean end."""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from typing_extensions import override

from doubles.stripe import parameters
from doubles.stripe.api import Api, Request, Response
from doubles.stripe.counter import Counter
from doubles.stripe.engine import Engine
from doubles.stripe.store import Store
from doubles.stripe.webhooks import Courier

_LARGEST_BODY = 1_000_000
_log = logging.getLogger("doubles.stripe")


def now() -> datetime:
    """Give the present moment; the double is a program of its own with its own clock."""
    return datetime.fromtimestamp(time.time(), UTC)


class House:
    """Everything the process answers: the API, the payment page, and whether it is well."""

    def __init__(self, api: Api, counter: Counter, courier: Courier) -> None:
        self._api = api
        self._counter = counter
        self._courier = courier

    def answer(self, request: Request) -> Response:
        """Answer any request; a write wakes the courier."""
        if request.path == "/healthz":
            said = {"ok": True, "double": "stripe", "api_version": parameters.api_version()}
            return Response(200, json.dumps(said).encode(), {"Content-Type": "application/json"})
        response = self._counter.answer(request) or self._api.answer(request)
        if request.method == "POST":
            self._courier.wake()
        return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, _Handler)
        self.house: House | None = None

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Write down what failed; a caller that hangs up is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            _log.exception("a request failed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "StripeDouble/1.0"
    sys_version = ""
    timeout = 75
    wbufsize = -1  # one write per answer
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a POST of at most a megabyte."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self._send(Response(413, b"", {}))
            return
        self._answer(self.rfile.read(int(length)))

    def do_DELETE(self) -> None:
        """Answer a DELETE, which nothing here takes."""
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        assert isinstance(self.server, _Server)  # noqa: S101 -- it made this handler
        assert self.server.house is not None  # noqa: S101 -- moved in before serving
        request = Request(self.command, parts.path, parts.query, headers, body)
        self._send(self.server.house.answer(request))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log method, path and status; bodies and addresses of people are nobody's business."""
        _log.debug(format, *args)


def _settings(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m doubles.stripe", description="A stand-in for Stripe. No money moves."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 takes any free port")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file, made when missing")
    parser.add_argument("--secret-key", default="sk_test_demo", help="must start with sk_test_")
    parser.add_argument("--webhook-url", help="where events are told; without it nobody is")
    parser.add_argument("--webhook-secret", default="whsec_demo", help="signs the events")
    parser.add_argument("--public-base", help="address of the payment page as the payer sees it")
    parser.add_argument("--retry-first", type=float, default=2.0, help="seconds to a first retry")
    parser.add_argument("--refund-seconds", type=int, default=5, help="how long wallets take")
    parser.add_argument("--unruly", action="store_true", help="tell every event twice")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the process that started this ends"
    )
    parser.add_argument("--verbose", action="store_true", help="log every request")
    settings = parser.parse_args(argv)
    if not settings.secret_key.startswith("sk_test_"):
        parser.error("--secret-key must start with sk_test_: a real key has no business here")
    if settings.webhook_url and urlsplit(settings.webhook_url).scheme not in {"http", "https"}:
        parser.error("--webhook-url must be an http or https address")
    return settings


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 0 after a clean end.

    Prints one line with its address once it takes requests.
    """
    settings = _settings(argv)
    logging.basicConfig(
        level=logging.DEBUG if settings.verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(message)s",
    )
    server = _Server((settings.host, settings.port))
    base = settings.public_base or f"http://{settings.host}:{server.server_address[1]}"
    store = Store(settings.data)
    engine = Engine(
        store,
        base_url=base,
        notify=bool(settings.webhook_url),
        settle_after=settings.refund_seconds,
    )
    engine.forget(now())
    courier = Courier(
        engine,
        now,
        url=settings.webhook_url,
        secret=settings.webhook_secret,
        first_delay=settings.retry_first,
        unruly=settings.unruly,
    )
    server.house = House(Api(engine, settings.secret_key, now), Counter(engine, now), courier)
    courier.start()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2})
    asked_to_end = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked_to_end.set())
    serving.start()
    sys.stdout.write(f"Stripe double (no money moves) on {base}\n")
    sys.stdout.flush()
    parent = os.getppid()
    while not asked_to_end.wait(1.0):
        if settings.with_parent and os.getppid() != parent:
            break
    server.shutdown()
    serving.join()
    server.server_close()
    courier.stop()
    store.close()
    return 0
