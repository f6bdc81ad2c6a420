"""What people's pages share: where to go next, and how a new sign-in reaches the browser."""

from flask import Response, current_app, redirect, request, url_for
from flask_babel import get_locale

from parties.people.login import begin_session, caller, people
from parties.people.permissions import Role
from parties.people.rules import device_name, safe_path
from parties.people.services import Outcome

LANGUAGE_COOKIE = "lang"
YEAR = 365 * 24 * 3600


def language() -> str:
    """Give the language of this request, "zh" or "en"."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def device() -> str:
    """Give the browser and system that ask."""
    return device_name(request.headers.get("User-Agent", ""))


def asked_next() -> str:
    """Give the path of this site that the visitor was on the way to, or ""."""
    return safe_path(request.values.get("next")) or ""


def landing() -> str:
    """Give the address where the one who has signed in begins their work."""
    user = caller()
    held: tuple[Role, ...] = user.roles if user is not None else ()
    for role, endpoint in people().landing.items():
        if role in held and endpoint in current_app.view_functions:
            return url_for(endpoint)
    return url_for("people.account") if user is not None else "/"


def enter(outcome: Outcome) -> Response:
    """Let this browser in after an attempt that may have been refused, and lead it on."""
    outcome.or_raise()
    if outcome.sign_in_id is None:
        raise RuntimeError("an outcome without a refusal carries a sign-in")
    user = begin_session(outcome.sign_in_id)
    answer = redirect(asked_next() or landing(), 303)
    if LANGUAGE_COOKIE not in request.cookies:
        remember_language(answer, user.language)
    return answer  # type: ignore[return-value]


def remember_language(answer: object, chosen: str) -> None:
    """Let this browser speak `chosen` for a year."""
    answer.set_cookie(  # type: ignore[attr-defined]
        LANGUAGE_COOKIE,
        chosen,
        max_age=YEAR,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
