"""Pages of long answers: perPage, nextPageToken and the Link header (OpenAPI, RFC 8288)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from foundation import clock
from traceability.epcis.queries.parameters import BadParameter
from traceability.epcis.queries.select import Mark

PER_PAGE: Final = 30
MOST_PER_PAGE: Final = 1000
TOKEN_LIVES: Final = timedelta(hours=1)
PAGING: Final = frozenset({"perPage", "nextPageToken"})
Question = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of which question is asked for, and by whom."""

    question: Question
    """The parameters of the URL, less those of paging."""
    owner: str
    size: int
    mark: Any
    """What the token says of where the page before ended; None on the first page."""

    def next(self, mark: Any) -> dict[str, str]:
        """Give the headers that lead to the next page."""
        held = {"q": self.question, "o": self.owner, "u": request.path, "m": mark}
        token = _signer().dumps(held)
        pairs = [(name, each) for name, values in self.question.items() for each in values]
        asked = urlencode([*pairs, ("perPage", str(self.size)), ("nextPageToken", token)])
        ends = (clock.now() + TOKEN_LIVES).isoformat(timespec="seconds")
        return {
            "Link": f'<{_address()}?{asked}>; rel="next"',
            "GS1-Next-Page-Token-Expires": ends,
        }


def paging(owner: str) -> Paging:
    """Read the page asked for; raise BadParameter.

    A token brings its question along; it is for one party and address, and lives an hour.
    """
    said = request.args.get("perPage", str(PER_PAGE))
    if not (said.isascii() and said.isdigit()) or not int(said[:9]) > 0:
        raise BadParameter("perPage takes a whole number above 0", field="perPage")
    size = min(int(said[:9]), MOST_PER_PAGE)
    given = {name: request.args.getlist(name) for name in request.args if name not in PAGING}
    token = request.args.get("nextPageToken")
    if token is None:
        return Paging(given, owner, size, None)
    try:
        held = _signer().loads(token, max_age=int(TOKEN_LIVES.total_seconds()))
    except BadData as error:
        raise BadParameter(
            "This nextPageToken is unknown or has ended; begin again", field="nextPageToken"
        ) from error
    same = held["o"] == owner and held["u"] == request.path
    if not same or (given and given != held["q"]):
        raise BadParameter("This nextPageToken is another question's", field="nextPageToken")
    return Paging(held["q"], owner, size, held["m"])


def _address() -> str:
    """Give the address asked for, with what was encoded in its path encoded again."""
    return request.host_url.rstrip("/") + quote(request.script_root + request.path, safe="/:")


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="epcis-pages")


def as_mark(held: Any) -> Mark | None:
    """Read where a page of events ended."""
    if held is None:
        return None
    return Mark(
        after=datetime.fromisoformat(held["a"]) if held.get("a") else None,
        id=UUID(held["i"]) if held.get("i") else None,
        offset=held.get("n", 0),
        left=held.get("l"),
    )


def mark_as_json(mark: Mark) -> Mapping[str, Any]:
    """Write where a page of events ended."""
    return {
        "a": mark.after.isoformat() if mark.after else None,
        "i": str(mark.id) if mark.id else None,
        "n": mark.offset,
        "l": mark.left,
    }
