"""The payer's side: shows the payment page and takes what is pressed there."""

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from doubles.stripe import page
from doubles.stripe.api import Request, Response
from doubles.stripe.cards import Card
from doubles.stripe.engine import CardDeclined, Engine
from doubles.stripe.errors import ApiError
from doubles.stripe.rules import METHODS
from doubles.stripe.store import Json

COOKIE = "stripe_double_guard"
_PATH = re.compile(r"/c/pay/([A-Za-z0-9_]{1,100})")
_EXPIRY = re.compile(r"\s*(\d{1,2})\s*[/.-]\s*(?:20)?(\d{2})\s*")


class Counter:
    """`GET` and `POST /c/pay/{session}`. Safe to share between threads."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._secret = engine.store.setting("guard_secret", secrets.token_hex(32))

    def answer(self, request: Request) -> Response | None:
        """Answer a request for a payment page, or None when it asks for something else."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method not in {"GET", "POST"}:
            return None
        accepted = request.headers.get("accept-language", "")
        try:
            session = self._engine.session(match[1], now=self._now())
        except ApiError:
            return _shown(page.closed_page(None, page.language(None, accepted)))
        lang = page.language(session, accepted)
        if session["status"] != "open":
            return _shown(page.closed_page(session, lang))
        if request.method == "POST":
            return self._take(request, session, lang)
        return self._open(session, lang, _cookie(request))

    def _open(
        self, session: Json, lang: str, guard: str | None, form: page.Form | None = None
    ) -> Response:
        """Show the page, and give the browser the cookie that its forms are bound to."""
        fresh = guard or secrets.token_urlsafe(24)
        token = page.guard_token(self._secret, fresh, session["id"])
        lines = self._engine.lines(session["id"])
        response = _shown(page.open_page(session, lines, lang, token, form))
        if guard is None:
            response.headers["Set-Cookie"] = (
                f"{COOKIE}={fresh}; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400"
            )
        return response

    def _take(self, request: Request, session: Json, lang: str) -> Response:
        """Pay as was pressed; a refused card comes back beside its field."""
        typed = {
            name: values[0]
            for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()
        }
        form = page.Form(
            typed.get("number", "")[:23], typed.get("expiry", "")[:7], typed.get("cvc", "")[:4]
        )
        guard = _cookie(request)
        expected = page.guard_token(self._secret, guard or "", session["id"])
        given = typed.get("guard", "")
        method = typed.get("method", "")
        if (
            guard is None
            or not compare_digest(given.encode(), expected.encode())
            or method not in METHODS
        ):
            return self._open(session, lang, guard, page.Form(wrong={"page": "stale"}))
        try:
            card = _card(form) if method == "card" else None
            paid = self._engine.pay(session["id"], method, now=self._now(), card=card)
        except CardDeclined as declined:
            refusal = declined.refusal
            said = page.refusal_text(lang, refusal.code, refusal.decline_code)
            again = page.Form(form.number, form.expiry, form.cvc, {refusal.field: said})
            return self._open(session, lang, guard, again)
        except ApiError:
            # Somebody was faster: the other window has paid, or the time is up.
            now_closed = self._engine.session(session["id"], now=self._now())
            return _shown(page.closed_page(now_closed, lang))
        return Response(303, b"", {"Location": page.success_url(paid)})


def _card(form: page.Form) -> Card:
    """Read the card's fields; what cannot be read becomes a card that is refused."""
    expiry = _EXPIRY.fullmatch(form.expiry)
    month, year = (int(expiry[1]), 2000 + int(expiry[2])) if expiry else (0, 0)
    return Card(re.sub(r"[\s-]", "", form.number), month, year, form.cvc.strip())


def _cookie(request: Request) -> str | None:
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _shown(shown: page.Page) -> Response:
    return Response(
        shown.status,
        shown.html.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": shown.policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
