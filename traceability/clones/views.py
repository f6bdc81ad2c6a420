"""Scans are noted and scratch codes checked here: two forms, open to all, without a session."""

import secrets
from typing import Any, Final

from flask import Blueprint, Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput
from foundation.limits import limiter
from foundation.web import transaction
from parties.network.models import County
from parties.people.guards import open_to_all
from traceability.clones.queries import Checks, checks_of
from traceability.clones.rules import area_of, cookie_of
from traceability.clones.services import note_scan, prove
from traceability.digital_link import Code, ItemCode, build_uri, parse_uri
from traceability.forms import ANYWHERE
from traceability.stories.shape import Story

bp = Blueprint("clones", __name__)

COOKIE: Final = "scan"
COOKIE_DAYS: Final = 180
LONGEST: Final = 400


def this_device() -> str | None:
    """Give the random cookie of this browser, None when it has none yet."""
    return cookie_of(request.cookies.get(COOKIE))


def secret() -> str:
    """Give the secret from which the keys of all hashes are made."""
    found: str = current_app.config["SECRET_KEY"]
    return found


def checks(session: Session, story: Story, wrong_lot: str | None, now: Any) -> Checks | None:
    """Tell what scans say about the item of a story; None of a lot. One statement."""
    if story.serial is None or story.state is None:
        return None
    return checks_of(
        session,
        story.goods.gtin,
        story.serial,
        story.state,
        named_lot=wrong_lot,
        cookie=this_device(),
        secret=secret(),
        now=now,
    )


def _sent_code() -> Code | None:
    """Read the code that a page sent back; None when it is none."""
    sent = request.form.get("code", "")[:LONGEST]
    if not sent.startswith("/"):
        return None
    try:
        return parse_uri(ANYWHERE + sent)
    except BadInput:
        return None


def _area() -> str | None:
    """Give the county: as the person chose it, else as the front server says."""
    header = current_app.extensions["settings"].area_header
    told = area_of(request.headers.get(header)) if header else None
    return area_of(request.form.get("area")) or told


@bp.post("/trace/scans")
@open_to_all
@limiter.limit("60/minute;600/hour")
def scanned() -> ResponseReturnValue:
    """Note one scan: quietly for a page's script, with a page for the button.

    It needs no proof of where it was sent from: all it can do is to add one row.
    """
    code, cookie = _sent_code(), this_device()
    device = cookie or secrets.token_urlsafe(16)
    with transaction() as session:
        note_scan(session, code, cookie=device, secret=secret(), area=_area(), now=clock.now())
        counties = session.execute(
            select(County.code, County.name_zh, County.name_en).order_by(County.map_order)
        ).all()
    if request.form.get("quiet"):
        answer = Response(status=204)
    else:
        answer = make_response(
            render_template(
                "trace/checked.html",
                code=request.form.get("code", "")[:LONGEST],
                path=_path(code),
                area=area_of(request.form.get("area")),
                counties=counties,
            )
        )
    if cookie is None:
        answer.set_cookie(
            COOKIE,
            device,
            max_age=COOKIE_DAYS * 24 * 3600,
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True,
            samesite="Lax",
        )
    return answer


def _path(code: Code | None) -> str | None:
    """Give the way back to the page that was left: never what was sent, but what was read."""
    if code is None:
        return None
    return build_uri(ANYWHERE, code).removeprefix(ANYWHERE).partition("?")[0]


@bp.post("/trace/scratch")
@open_to_all
@limiter.limit("10/minute;60/hour")
def scratched() -> ResponseReturnValue:
    """Check the code under an item's coating, which proves the item once."""
    code = _sent_code()
    if not isinstance(code, ItemCode) or code.serial is None:
        raise BadInput("This code can't be read", field="code")
    with transaction() as session:
        proof = prove(
            session,
            code.gtin,
            code.serial,
            request.form.get("scratch", "")[:40],
            secret=secret(),
            now=clock.now(),
        )
    page = render_template("trace/scratch.html", proof=proof, path=_path(code), serial=code.serial)
    return page, 200 if proof.result in {"genuine", "used"} else 400
