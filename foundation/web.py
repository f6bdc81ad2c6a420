"""What a door needs from the web application around it."""

from contextlib import AbstractContextManager

from flask import current_app, request
from sqlalchemy.orm import Session

from foundation.db import Database


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
