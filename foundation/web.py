"""What a door needs from the web application around it."""

import secrets
import time
from contextlib import AbstractContextManager

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session

from foundation.db import Database

MOST_ID = 64
log = structlog.get_logger("web")


def database() -> Database:
    """Give the database of this application."""
    found: Database = current_app.extensions["database"]
    return found


def transaction() -> AbstractContextManager[Session]:
    """Open the one transaction of this command."""
    return database().transaction()


def reading() -> AbstractContextManager[Session]:
    """Open a session for a page; it can't write."""
    return database().reading()


def wants_json() -> bool:
    """Tell whether this request asked for JSON rather than a page."""
    if request.path.startswith("/api/") or request.is_json:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def asked_page() -> int:
    """Read `?page=`; anything unreadable is page one."""
    asked = request.args.get("page", "1")
    return int(asked) if asked.isdecimal() and len(asked) < 7 else 1  # noqa: PLR2004 -- a million pages


def request_id() -> str:
    """Give this request's id, as logged and as shown on error pages."""
    found: str = g.get("request_id", "-")
    return found


def csp_nonce() -> str:
    """Give this response's nonce for scripts, made when first asked for."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def init_web(app: Flask, *, secure: bool) -> None:
    """Give every request an id and a log line, and every response its security headers."""

    @app.before_request
    def _begin() -> None:
        asked = request.headers.get("X-Request-Id", "")
        g.request_id = asked if asked.isalnum() and len(asked) <= MOST_ID else secrets.token_hex(8)
        g.begun = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _finish(response: Response) -> Response:
        nonce = g.get("csp_nonce")
        script = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
        wasm = " 'wasm-unsafe-eval'" if g.get("needs_wasm") else ""
        headers = response.headers
        headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src {script}{wasm}; style-src 'self'; "
            "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
            "base-uri 'none'; frame-ancestors 'none'; form-action 'self' "
            + app.config.get("CSP_FORM_ACTION", ""),
        )
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=(self)")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        headers["X-Request-Id"] = request_id()
        if "begun" in g and not request.path.startswith("/static/"):
            took = round((time.perf_counter() - g.begun) * 1000, 1)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=took,
            )
        return response


def needs_wasm() -> None:
    """Let this response's page run WebAssembly: the scanner's reader."""
    g.needs_wasm = True
