"""What there is: the root, OPTIONS of every address, and addresses that are not there."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from foundation.errors import NotFound
from parties.people.guards import open_to_all
from traceability.epcis.documents import EPC_FORMATS, collection
from traceability.partners.frame import NotOffered, limit_headers, told, with_token

RESOURCES: Final = (
    "events",
    "eventTypes",
    "epcs",
    "bizSteps",
    "bizLocations",
    "readPoints",
    "dispositions",
    "capture",
    "queries",
)
READ: Final = ("GET", "HEAD", "OPTIONS")
WRITE: Final = ("GET", "HEAD", "POST", "OPTIONS")
REMOVE: Final = ("GET", "HEAD", "DELETE", "OPTIONS")
Methods = Sequence[str]
ALLOWED: Final[Mapping[str, Methods]] = {
    "/": READ,
    "/capture": WRITE,
    "/capture/<capture_id>": READ,
    "/events": WRITE,
    "/events/<path:event_uri>": READ,
    "/queries": WRITE,
    "/queries/<query_name>": REMOVE,
    "/queries/<query_name>/events": READ,
    "/queries/<query_name>/subscriptions": WRITE,
    "/queries/<query_name>/subscriptions/<subscription_id>": REMOVE,
    **{
        address: READ
        for name in ("eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions")
        for address in (
            f"/{name}",
            f"/{name}/<path:epcis_value>",
            f"/{name}/<path:epcis_value>/events",
        )
    },
}
"""Every address of the OpenAPI and the methods that it takes."""


def register(bp: Blueprint) -> None:
    """Hang up the root and the OPTIONS of every address."""
    bp.add_url_rule("/", "root", root, methods=["GET"], provide_automatic_options=False)
    for address in ALLOWED:
        bp.add_url_rule(
            address,
            f"options_{address.strip('/').replace('/', '_') or 'root'}".translate(
                {ord(c): None for c in "<>:."}
            ),
            discover,
            methods=["OPTIONS"],
            provide_automatic_options=False,
        )
    bp.add_url_rule(
        "/nextPageToken/<token>",
        "end_page_token",
        end_page_token,
        methods=["DELETE"],
        provide_automatic_options=False,
    )


def register_unknown(bp: Blueprint) -> None:
    """Answer every other address under this one with problem details."""
    bp.add_url_rule("/<path:rest>", "unknown", unknown, methods=["GET", "POST"])


@with_token
def root() -> ResponseReturnValue:
    """Name the top-level resources."""
    return told(collection(RESOURCES))


@open_to_all
def discover(**_path: Any) -> ResponseReturnValue:
    """Say what an address takes and which versions are spoken."""
    rule = request.url_rule
    address = (rule.rule if rule else "").removeprefix("/epcis") or "/"
    answer = Response(status=204)
    answer.headers["Allow"] = ", ".join(ALLOWED[address])
    answer.headers["GS1-EPC-Format"] = ", ".join(EPC_FORMATS)
    if address == "/capture":
        limit_headers(answer)
        answer.headers["GS1-Capture-Error-Behaviour"] = "all"
    return answer


@with_token
def end_page_token(token: str) -> ResponseReturnValue:  # noqa: ARG001 -- part of the address
    """Refuse: a page's token is not kept anywhere, and ends by itself."""
    raise NotOffered("A nextPageToken ends by itself within the hour")


@with_token
def unknown(rest: str) -> ResponseReturnValue:  # noqa: ARG001 -- part of the address
    """Say that there is nothing."""
    raise NotFound("There is no such resource")
