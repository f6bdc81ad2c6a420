"""Error pages: one shape for people, one for programs, in the reader's language."""

import structlog
from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.presentation import pick
from foundation.errors import Named, NotSignedIn, Refused
from foundation.web import request_id, wants_json

log = structlog.get_logger("web")

WORDS = {
    400: "We could not read this request",
    403: "Your account may not open this page",
    404: "There is nothing at this address",
    405: "This address does not take that kind of request",
    413: "That is too large to send",
    429: "Too many requests; please wait a moment",
    500: "Something broke on our side; it has been recorded",
}
CODES = {
    400: "bad_input",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
}


def init_errors(app: Flask) -> None:
    """Answer every refusal and fault of `app` with a page or JSON, never a bare trace."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def sentence(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language, filled in."""
    text: str = gettext(refusal.text)
    params = {name: _shown(value) for name, value in refusal.params.items()}
    return text % params if params else text


def _shown(value: object) -> object:
    if isinstance(value, Refused):
        return sentence(value)
    return pick(value, "name") if isinstance(value, Named) else value


def answer(status: int, code: str, message: str, field: str | None = None) -> ResponseReturnValue:
    """Give the same answer as JSON or as a page."""
    if wants_json():
        body = {"error": code, "message": message, "request_id": request_id()}
        return (body | {"field": field} if field else body), status
    page = render_template(
        "errors/error.html", status=status, code=code, message=message, request_id=request_id()
    )
    return page, status


def _refused(refusal: Refused) -> ResponseReturnValue:
    if isinstance(refusal, NotSignedIn) and not wants_json() and request.method == "GET":
        from flask import redirect, url_for

        return redirect(url_for("people.sign_in", next=request.full_path.rstrip("?")))
    return answer(refusal.status, refusal.code, sentence(refusal), refusal.field)


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    text = gettext("This form is too old or came from elsewhere; please send it again")
    return answer(400, "csrf", text)


def _too_deep(_error: RecursionError) -> ResponseReturnValue:
    """Answer JSON nested so deeply that nobody can read it."""
    return answer(400, "bad_input", gettext(WORDS[400]))


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 -- a redirect is no error
        return error
    message = gettext(WORDS.get(status, WORDS[400]))
    return answer(status, CODES.get(status, f"http_{status}"), message)


def _fault(error: Exception) -> ResponseReturnValue:
    log.error("unhandled fault", path=request.path, exc_info=error)
    return answer(500, "internal", gettext(WORDS[500]))
