"""Puts the house together: factory, settings, error pages, jobs, command line."""

from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_compress import Compress
from sqlalchemy import text
from typing_extensions import override
from werkzeug.middleware.proxy_fix import ProxyFix

from app.doors import init_doors
from app.errors import init_errors
from app.presentation import init_presentation
from app.settings import Settings
from app.turns import Turns
from foundation.db import Database
from foundation.limits import limiter
from foundation.web import csp_nonce, init_web, reading
from parties.people.guards import open_to_all
from parties.people.login import Csrf

HOUSE = Path(__file__).parents[1]
DOMAINS = (
    *("layout", "people", "shop", "cooperatives", "counters", "admin"),
    *("trace", "log", "recalls", "clones", "wings", "partners"),
)
LANGUAGES = ("zh", "en")


class House(Flask):
    """The application; static files are kept for a year under their fingerprint."""

    @override
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Give the seconds a browser may keep a file without asking again."""
        return YEAR if "v" in request.args else 0

    @override
    def send_static_file(self, filename: str) -> Response:
        """Send a file; one that is text is read at once, so that it can be compressed."""
        answer = super().send_static_file(filename)
        if answer.mimetype in TEXTS:
            answer.direct_passthrough = False
            answer.make_sequence()
        return answer


TEXTS = {"text/css", "text/javascript", "image/svg+xml"}
YEAR = 365 * 24 * 3600


def create_app(settings: Settings, database: Database) -> Flask:
    """Build the web application around `database`."""
    app = House(
        "app", static_folder=str(HOUSE / "static"), template_folder=str(HOUSE / "templates")
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="shanhuo",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_ENABLED=settings.rate_limits,
        RATELIMIT_STORAGE_URI="memory://",
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
        BABEL_TRANSLATION_DIRECTORIES=";".join([str(HOUSE / "translations")] * len(DOMAINS)),
        BABEL_DOMAIN=";".join(DOMAINS),
        EPCIS_RULES=settings.epcis_rules,
        CSP_FORM_ACTION=settings.stripe_base or "https://checkout.stripe.com",
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    if database.dialect == "sqlite":
        app.wsgi_app = Turns(app.wsgi_app)  # type: ignore[method-assign]
    app.extensions["database"] = database
    app.extensions["settings"] = settings
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.jinja_env.globals["demo_mode"] = settings.demo
    # Cookies are SameSite=Lax, so that nobody elsewhere can have a page with secrets compressed
    # together with words of their own.
    Compress(app)
    init_web(app, secure=settings.secure_cookies)
    Babel(app, locale_selector=language)
    csrf = Csrf(app)
    limiter.init_app(app)
    init_presentation(app)
    init_errors(app)
    init_doors(app, settings, csrf)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    _guard_static(app)
    return app


def language() -> str:
    """Give the language that this browser chose, or the first one."""
    chosen = request.cookies.get("lang", "zh")
    return chosen if chosen in LANGUAGES else "zh"


def _guard_static(app: Flask) -> None:
    app.view_functions["static"] = open_to_all(app.view_functions["static"])


@open_to_all
def healthz() -> ResponseReturnValue:
    """Say that the process answers."""
    return {"status": "ok"}


@open_to_all
def readyz() -> ResponseReturnValue:
    """Say that the database answers too."""
    with reading() as session:
        session.execute(text("SELECT 1"))
    return {"status": "ready"}
