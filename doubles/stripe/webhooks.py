"""Signs events and delivers them: at least once, in no order, again after a failure."""

import hashlib
import hmac
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.client import HTTPException
from secrets import SystemRandom
from typing import IO

from typing_extensions import override

from doubles.stripe.engine import Engine
from doubles.stripe.store import Delivery

_AT_ONCE = 4
_LEASE = 60.0
_LONGEST_WAIT = 600.0
_GIVE_UP_AFTER = 3 * 24 * 3600.0


def signature(secret: str, body: bytes, at: int) -> str:
    """Give the Stripe-Signature header: HMAC-SHA256 over `{t}.{body}`.

    https://docs.stripe.com/webhooks#verify-manually
    """
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is a failure, as with Stripe."""

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
        del req, fp, code, msg, headers, newurl


class Courier:
    """One thread that lets due things happen and carries events to the webhook.

    A failed attempt is repeated after `first_delay` seconds, then twice as long each time,
    at most ten minutes, for three days. `unruly` sends every event twice, to see whether the
    receiver minds.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        *,
        url: str | None = None,
        secret: str = "",
        first_delay: float = 2.0,
        timeout: float = 10.0,
        unruly: bool = False,
    ) -> None:
        self._engine = engine
        self._now = now
        self._url = url
        self._secret = secret
        self._first_delay = first_delay
        self._timeout = timeout
        self._unruly = unruly
        self._wake = threading.Event()
        self._stopped = threading.Event()
        # No proxies: the receiver is one of our own.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin; what an earlier run left waiting is carried on."""
        self._thread.start()

    def stop(self) -> None:
        """End after the deliveries under way; the rest waits in the file."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(self._timeout + 5)

    def wake(self) -> None:
        """Look now, because something has happened."""
        self._wake.set()

    def _run(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="delivery") as pool:
            while not self._stopped.is_set():
                self._engine.advance(self._now())
                if self._url and self.carry(pool):
                    continue
                self._wake.wait(min(1.0, self._first_delay))
                self._wake.clear()

    def carry(self, pool: ThreadPoolExecutor) -> int:
        """Deliver what is due, several at once and in any order; give how many were tried."""
        claimed = self._engine.store.claim(self._now().timestamp(), _LEASE, 5 * _AT_ONCE)
        SystemRandom().shuffle(claimed)
        list(pool.map(self._deliver, claimed))
        return len(claimed)

    def _deliver(self, delivery: Delivery) -> None:
        event = self._engine.store.get("event", delivery.event_id)
        if event is None:
            return
        body = json.dumps(event, ensure_ascii=False, indent=2).encode()
        ok, result = self._post(body)
        if ok and self._unruly:
            ok, result = self._post(body)
        now = self._now().timestamp()
        wait = min(self._first_delay * 2 ** (delivery.attempts - 1), _LONGEST_WAIT)
        if ok:
            state = "delivered"
        elif now + wait - delivery.first_at > _GIVE_UP_AFTER:
            state = "given_up"
        else:
            state = "waiting"
        self._engine.store.note_delivery(delivery.event_id, state, now + wait, result)

    def _post(self, body: bytes) -> tuple[bool, str]:
        """Send one signed request; anything but a 2xx in time is a failure."""
        request = urllib.request.Request(  # noqa: S310 -- the address is a setting, http(s) only
            str(self._url),
            data=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "StripeDouble/1.0 (demonstration; no money moves)",
                "Stripe-Signature": signature(self._secret, body, int(self._now().timestamp())),
            },
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return True, str(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return False, str(error.code)
        except (OSError, HTTPException) as error:
            return False, type(error).__name__
