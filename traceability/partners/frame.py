"""What every answer of the interface has: guards, GS1 headers, versions, media types, problems."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

import structlog
from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from foundation.errors import BadInput, NotAllowed, NotFound, NotSignedIn, Refused
from foundation.web import request_id
from parties.people.login import bearer, caller
from parties.people.queries import Visitor
from traceability.epcis.documents import EPC_FORMATS
from traceability.epcis.problems import PREFIX
from traceability.epcis.validation import read
from traceability.services.capture import MOST_EVENTS, NotCaptured

log = structlog.get_logger("epcis")

EPCIS_VERSION: Final = "2.0.0"
CBV_VERSION: Final = "2.0.0"
VENDOR_VERSION: Final = "1.0.0"
MOST_BYTES: Final = 8 * 1024 * 1024
LONGEST_URL: Final = 8000
JSON: Final = "application/json"
LINKED_DATA: Final = "application/ld+json"
PROBLEM: Final = "application/problem+json"

View = Callable[..., ResponseReturnValue]


class NotAcceptable(Refused):
    """The answer can't be given in the form or version asked for."""

    code = "not_acceptable"
    status = 406


class UnsupportedMedia(Refused):
    """The body is not JSON."""

    code = "unsupported_media_type"
    status = 415


class AddressTooLong(Refused):
    """The address is longer than this interface reads."""

    code = "uri_too_long"
    status = 414


class NotOffered(Refused):
    """The standard lets a server leave this out, and this one does."""

    code = "not_implemented"
    status = 501


KINDS: Final[Mapping[str, str]] = {
    "not_captured": "ValidationException",
    "capture_limit": "CaptureLimitExceededException",
    "event_id_taken": "ResourceAlreadyExistsException",
    "query_exists": "ResourceAlreadyExistsException",
    "query_parameter": "QueryParameterException",
    "query_invalid": "QueryValidationException",
    "query_too_large": "QueryTooLargeException",
    "query_too_complex": "QueryTooComplexException",
    "subscription_controls": "SubscriptionControlsException",
    "invalid_uri": "InvalidURIException",
    "not_acceptable": "NotAcceptableException",
    "unsupported_media_type": "UnsupportedMediaTypeException",
    "uri_too_long": "URITooLongException",
    "not_implemented": "ImplementationException",
}
"""GS1 exception types by the codes of refusals; others by their status."""
BY_STATUS: Final[Mapping[int, str]] = {
    400: "ValidationException",
    401: "SecurityException",
    403: "SecurityException",
    404: "NoSuchResourceException",
    406: "NotAcceptableException",
    409: "ResourceAlreadyExistsException",
    413: "CaptureLimitExceededException",
    414: "URITooLongException",
    415: "UnsupportedMediaTypeException",
    429: "ImplementationException",
}
TITLES: Final[Mapping[str, str]] = {
    "ValidationException": "This is not valid EPCIS 2.0",
    "CaptureLimitExceededException": "Capture payload too large",
    "ResourceAlreadyExistsException": "A resource with this identifier already exists",
    "QueryParameterException": "EPCIS query parameter error",
    "QueryValidationException": "EPCIS query exception",
    "QueryTooLargeException": "Query result too large",
    "QueryTooComplexException": "Query too complex",
    "SubscriptionControlsException": "Subscription error",
    "InvalidURIException": "This address can't be used",
    "SecurityException": "Access to resource forbidden",
    "NoSuchResourceException": "Resource not found",
    "NotAcceptableException": "Conflicting request and response headers",
    "UnsupportedMediaTypeException": "Unsupported media type",
    "URITooLongException": "URI too long",
    "ImplementationException": "Functionality not supported by server",
}


def problem(status: int, kind: str, detail: str, more: Mapping[str, Any] | None = None) -> Response:
    """Answer with problem details (RFC 7807) of one of GS1's exception types."""
    title = "Unauthorised request" if status == 401 else TITLES.get(kind, detail)  # noqa: PLR2004 -- HTTP
    body = {
        "type": PREFIX + kind,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{request_id()}",
        **(more or {}),
    }
    answer = jsonify(body)
    answer.status_code = status
    answer.mimetype = PROBLEM
    if status == 401:  # noqa: PLR2004 -- HTTP
        answer.headers["WWW-Authenticate"] = 'Bearer realm="epcis"'
    if status == 413:  # noqa: PLR2004 -- HTTP
        limit_headers(answer)
    return answer


def refused(refusal: Refused) -> Response:
    """Answer a refusal."""
    kind = KINDS.get(refusal.code) or BY_STATUS.get(refusal.status, "ValidationException")
    more: dict[str, Any] = {"code": refusal.code}
    if refusal.field:
        more["field"] = refusal.field
    if isinstance(refusal, NotCaptured):
        more["errors"] = [fault.problem() for fault in refusal.faults[:100]]
    return problem(refusal.status, kind, str(refusal), more)


def http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer what the web server itself refuses."""
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 -- a redirect is no error
        return error.get_response()
    if isinstance(error, RequestEntityTooLarge):
        text = f"A capture may be {MOST_BYTES} bytes long"
        return problem(413, "CaptureLimitExceededException", text)
    kind = BY_STATUS.get(status, "ImplementationException")
    return problem(status, kind, error.description or error.name)


def too_deep(_error: RecursionError) -> Response:
    """Answer JSON nested too deeply to be read."""
    return problem(400, "ValidationException", "This is nested too deeply")


def canceled(error: OperationalError) -> Response:
    """Answer a query that the database gave up; every other fault of it stays one."""
    if getattr(error.orig, "sqlstate", "") != "57014":
        raise error
    text = "This query takes too long; ask for less at a time"
    return problem(413, "QueryTooComplexException", text)


def with_token(view: View) -> View:
    """Open an address to whoever brings a token; a cookie does not count here."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        visitor()
        negotiate()
        return view(*args, **kwargs)

    guarded.__dict__["guard"] = "signed_in"
    return guarded


def visitor() -> Visitor:
    """Give who brings the token; raise NotSignedIn."""
    who = caller()
    if bearer() is None or who is None:
        raise NotSignedIn("This address wants a token: Authorization: Bearer …")
    return who.visitor


VERSION: Final = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?")


def _version(name: str) -> tuple[int, int, int] | None:
    said = request.headers.get(name)
    if said is None:
        return None
    found = VERSION.fullmatch(said.strip())
    if found is None:
        raise NotAcceptable("%(name)s is no version", name=name)
    return int(found[1]), int(found[2] or 0), int(found[3] or 0)


def negotiate() -> None:
    """Hold the request to what this interface speaks; raise NotAcceptable."""
    if len(request.full_path) > LONGEST_URL:
        raise AddressTooLong("An address may be %(most)s characters long", most=LONGEST_URL)
    for kind, own in (("EPCIS", (2, 0, 0)), ("CBV", (2, 0, 0))):
        least, most = _version(f"GS1-{kind}-Min"), _version(f"GS1-{kind}-Max")
        exact = _version(f"GS1-{kind}-Version")
        if (
            (least is not None and least > own)
            or (most is not None and most < own)
            or (exact is not None and exact[:2] != own[:2])
        ):
            raise NotAcceptable("This interface speaks %(kind)s 2.0", kind=kind)
    if request.accept_mimetypes and not request.accept_mimetypes.best_match([JSON, LINKED_DATA]):
        raise NotAcceptable("Answers are %(json)s or %(ld)s", json=JSON, ld=LINKED_DATA)
    epc_format()


def epc_format() -> str:
    """Read the form in which identifiers are wanted; Digital Links, when nothing is said."""
    said = request.headers.get("GS1-EPC-Format", "Always_GS1_Digital_Link")
    if said not in EPC_FORMATS:
        raise NotAcceptable("GS1-EPC-Format is one of %(known)s", known=", ".join(EPC_FORMATS))
    return said


def told(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON or JSON-LD, as was asked for."""
    answer = jsonify(body)
    answer.status_code = status
    wanted = request.accept_mimetypes.best_match([JSON, LINKED_DATA])
    answer.mimetype = wanted or JSON
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def read_body() -> Any:
    """Read the JSON body; XML and other forms are refused with a sentence that says so."""
    kind = request.mimetype
    if kind.endswith("xml"):
        raise UnsupportedMedia(
            "This interface takes EPCIS 2.0 in JSON or JSON-LD (application/json); "
            "XML is not taken, please send the JSON form"
        )
    if kind not in {JSON, LINKED_DATA}:
        raise UnsupportedMedia("Send the body as application/json or application/ld+json")
    raw = request.get_data(cache=False)
    if len(raw) > MOST_BYTES:
        raise RequestEntityTooLarge
    return read(raw)


def read_object() -> dict[str, Any]:
    """Read a JSON object."""
    body = read_body()
    if not isinstance(body, dict):
        raise BadInput("The body must be a JSON object")
    return body


def gs1_headers(answer: Response) -> Response:
    """Say on every answer what this interface speaks."""
    headers = answer.headers
    headers.setdefault("GS1-EPCIS-Version", EPCIS_VERSION)
    headers.setdefault("GS1-EPCIS-Min", EPCIS_VERSION)
    headers.setdefault("GS1-EPCIS-Max", EPCIS_VERSION)
    headers.setdefault("GS1-CBV-Version", CBV_VERSION)
    headers.setdefault("GS1-CBV-Min", CBV_VERSION)
    headers.setdefault("GS1-CBV-Max", CBV_VERSION)
    headers.setdefault("GS1-Vendor-Version", VENDOR_VERSION)
    headers.setdefault("GS1-Extensions", "shanhuo=https://shanhuo.example/voc/")
    answer.vary.update(("Accept", "GS1-EPC-Format", "Authorization"))
    headers.setdefault("Cache-Control", "no-store")
    return answer


def limit_headers(answer: Response) -> None:
    """Say how much one capture may hold."""
    answer.headers["GS1-EPCIS-Capture-Limit"] = str(MOST_EVENTS)
    answer.headers["GS1-EPCIS-Capture-File-Size-Limit"] = str(MOST_BYTES)


__all__ = [
    "NotAllowed",
    "NotFound",
    "NotOffered",
    "canceled",
    "epc_format",
    "gs1_headers",
    "http_error",
    "limit_headers",
    "negotiate",
    "problem",
    "read_body",
    "read_object",
    "refused",
    "told",
    "too_deep",
    "visitor",
    "with_token",
]
