"""The scan page's small door: every printed code leads here, and all of it is open to all."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import BadInput, NotFound, Refused
from foundation.web import needs_wasm, reading, request_id, wants_json
from parties.people.guards import open_to_all
from traceability.digital_link import CaseCode, Code, ItemCode, build_uri
from traceability.forms import ANYWHERE, asked_code, typed_address
from traceability.log.proofs import logged_of
from traceability.stories.epcis import case_document, item_document, lot_document
from traceability.stories.queries import (
    UnknownItem,
    case_story,
    item_story,
    lot_story,
    product_story,
    sample_item,
)
from traceability.stories.shape import Spot, Story

bp = Blueprint("trace", __name__)

LINKED_DATA: Final = "application/ld+json"
ADDRESSES: Final = (
    ("/01/<gtin>", "product"),
    ("/01/<gtin>/10/<lot>", "lot"),
    ("/01/<gtin>/21/<serial>", "serial"),
    ("/01/<gtin>/10/<lot>/21/<serial>", "item"),
    ("/00/<sscc>", "case"),
    ("/01/<path:rest>", "goods"),
    ("/00/<path:rest>", "unit"),
)
"""Addresses and the names by which other pages link to them; all are read from the raw path."""


@open_to_all
def scanned(**_path: str) -> ResponseReturnValue:
    """Show what a code names: an item, a lot, a case or a trade item."""
    try:
        code = asked_code(request.environ)
    except BadInput as refusal:
        if _asks_for_data():
            return _no(refusal)
        return _page("unreadable", refusal.status, refusal=refusal)
    try:
        with reading() as session:
            if _asks_for_data():
                return _data(session, code)
            return _story(session, code)
    except NotFound as refusal:
        if _asks_for_data():
            return _no(refusal)
        return _page("unknown", refusal.status, code=code, path=_path_of(code))


def _no(refusal: Refused) -> ResponseReturnValue:
    """Refuse in JSON, also where only `?format=json` asked for it."""
    body = {"error": refusal.code, "message": told(refusal), "request_id": request_id()}
    return jsonify(body), refusal.status


for rule, name in ADDRESSES:
    bp.add_url_rule(rule, name, scanned)


def _asks_for_data() -> bool:
    if request.args.get("format") == "json" or wants_json():
        return True
    best = request.accept_mimetypes.best_match(["text/html", LINKED_DATA])
    return best == LINKED_DATA


def _story(session: Session, code: Code) -> ResponseReturnValue:
    now = clock.now()
    path = _path_of(code)
    match code:
        case ItemCode(gtin=gtin, lot=lot, serial=str() as serial):
            story = item_story(session, gtin, serial, now=now)
            wrong_lot = lot if lot is not None and lot != story.lot_no else None
            return _told(session, story, path, now, wrong_lot)
        case ItemCode(gtin=gtin, lot=str() as lot):
            return _told(session, lot_story(session, gtin, lot, now=now), path, now, None)
        case ItemCode(gtin=gtin):
            return _page("product", story=product_story(session, gtin, now=now), path=path)
        case CaseCode(sscc=sscc):
            return _page("case", story=case_story(session, sscc), path=path)
    raise UnknownItem("Nobody has recorded a pack with this code")


def _told(
    session: Session, story: Story, path: str, now: datetime, wrong_lot: str | None
) -> Response:
    told = {step.event_id for step in story.steps if step.event_id.int}
    return _page(
        "story",
        story=story,
        stops=[stop_name(spot) for spot in story.route],
        wrong_lot=wrong_lot,
        logged=logged_of(session, list(told)),
        path=path,
        now=now,
    )


KINDS: Final = {
    "apiary": _l("apiary"),
    "garden": _l("garden"),
    "field": _l("field"),
    "farm": _l("farm"),
    "workshop": _l("workshop"),
    "warehouse": _l("warehouse"),
    "outlet": _l("outlet"),
}


def stop_name(spot: Spot) -> str:
    """Name a place shortly, for a drawing: its town and what kind of place it is."""
    kind = KINDS.get(spot.kind, "")
    if str(get_locale()) == "en":
        return f"{(spot.town_en or spot.county_en).split(' ')[0]} {kind}".strip()
    return f"{spot.town_zh or spot.county_zh}{kind}"


def _data(session: Session, code: Code) -> ResponseReturnValue:
    now = clock.now()
    match code:
        case ItemCode(gtin=gtin, serial=str() as serial):
            document = item_document(session, gtin, serial, now=now)
        case ItemCode(gtin=gtin, lot=str() as lot):
            document = lot_document(session, gtin, lot, now=now)
        case CaseCode(sscc=sscc):
            document = case_document(session, sscc, now=now)
        case _:
            raise NotFound("This code names a kind of goods, and events happen to lots and packs")
    answer = jsonify(document)
    if request.accept_mimetypes.best_match(["application/json", LINKED_DATA]) == LINKED_DATA:
        answer.mimetype = LINKED_DATA
    answer.vary.add("Accept")
    return answer


def _path_of(code: Code) -> str:
    return build_uri(ANYWHERE, code).removeprefix(ANYWHERE).partition("?")[0]


def _page(name: str, status: int = 200, **shown: Any) -> Response:
    answer = make_response(render_template(f"trace/{name}.html", **shown), status)
    answer.vary.add("Accept")
    answer.vary.add("Cookie")
    return answer


@bp.get("/trace")
@open_to_all
def start() -> ResponseReturnValue:
    """Ask for a code, typed or seen by the camera, and lead to its page."""
    typed = request.args.get("code", "").strip()
    needs_wasm()
    if not typed:
        return _page("start", typed="", refusal=None)
    try:
        return redirect(typed_address(typed), 303)
    except BadInput as refusal:
        if wants_json():
            raise
        return _page("start", refusal.status, typed=typed[:200], refusal=refusal)


@bp.get("/trace/sample")
@open_to_all
def sample() -> ResponseReturnValue:
    """Lead to an item whose page shows what a page can show."""
    with reading() as session:
        found = sample_item(session)
    if found is None:
        raise UnknownItem("Nothing has been recorded here yet")
    return redirect(_path_of(ItemCode(found.gtin, found.lot_no, found.serial)), 303)


def told(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language."""
    text = gettext(refusal.text)
    return str(text % refusal.params if refusal.params else text)


@bp.app_context_processor
def _words() -> dict[str, Callable[[Refused], str]]:
    return {"told": told}
