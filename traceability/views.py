"""The scan page's small door: every printed code leads here, and all of it is open to all."""

import re
from collections.abc import Callable, Sequence
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
from traceability.clones.queries import Checks
from traceability.clones.views import checks
from traceability.digital_link import (
    CaseCode,
    Code,
    CodeKindUnsupported,
    DigitalLink,
    ItemCode,
    build_uri,
    code_of,
)
from traceability.digital_link.identifiers import KEYS
from traceability.forms import ANYWHERE, asked_link, raw_path, typed_address
from traceability.log.proofs import logged_of
from traceability.resolver.rules import path_text
from traceability.resolver.views import (
    CONTEXT,
    PAGES,
    context_document,
    description,
    leads_elsewhere,
    names_a_page,
    opened,
    preflight,
    stays_here,
)
from traceability.resolver.views import answer as resolver_answer
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
    *((f"/{ai}/<path:rest>", f"key_{ai}") for ai in sorted(KEYS - {"00", "01"})),
    ("/eh<epc>", "epc_hex"),
    ("/ex<epc>", "epc_base64"),
)
"""Addresses and the names by which other pages link to them; all are read from the raw path."""
_LOOKS_LIKE_EPC: Final = re.compile(r"[0-9a-f]{12,}|[A-Za-z0-9_-]{8,}")


@open_to_all
def scanned(**path: str) -> ResponseReturnValue:
    """Resolve what was scanned: our own page about it, a redirect, or the list of its links."""
    try:
        link = asked_link(request.environ)
    except BadInput as refusal:
        return opened(_not_a_link(refusal, path.get("epc")), None)
    if request.method == "OPTIONS":
        return preflight(link)
    with reading() as session:
        return opened(_resolved(session, link), link)


def _resolved(session: Session, link: DigitalLink) -> Response:
    if (names_a_page() or _asks_for_data()) and stays_here(session, link):
        here = _shown(session, link)
        here.headers["Content-Location"] = PAGES + path_text(link.path)
        if here.status_code != NotFound.status or not leads_elsewhere(session, link):
            return here
    try:
        return resolver_answer(session, link)
    except NotFound as refusal:
        return _unknown(refusal, link)


def _not_a_link(refusal: BadInput, epc: str | None) -> Response:
    """Refuse: 404 for what only looks like an EPC by chance or is one of no key, else 400."""
    if isinstance(refusal, CodeKindUnsupported):
        return _unknown(NotFound(refusal.text), None)
    if epc is not None and not _LOOKS_LIKE_EPC.fullmatch(epc):
        return _unknown(NotFound("There is nothing at this address"), None)
    return _unreadable(refusal)


@open_to_all
def page_about(**_path: str) -> ResponseReturnValue:
    """Show what a code names at an address of its own: where resolving it leads to."""
    try:
        link = asked_link(request.environ, PAGES)
    except BadInput as refusal:
        return _unreadable(refusal)
    with reading() as session:
        return _shown(session, link)


def _shown(session: Session, link: DigitalLink) -> Response:
    """Show the page about an item, a lot, a case or a trade item, or its records as data."""
    try:
        code = code_of(link)
        if _asks_for_data():
            return make_response(_data(session, code))
        return make_response(_story(session, code))
    except CodeKindUnsupported as refusal:
        return _unknown(NotFound(refusal.text), link)
    except NotFound as refusal:
        return _unknown(refusal, link)


def _unreadable(refusal: BadInput) -> Response:
    if _asks_for_data():
        return _no(refusal)
    return _page(
        "unreadable", refusal.status, refusal=refusal, path=raw_path(request.environ, PAGES)[:400]
    )


def _unknown(refusal: NotFound, link: DigitalLink | None) -> Response:
    if _asks_for_data():
        return _no(refusal)
    text = path_text(link.path) if link else raw_path(request.environ, PAGES)
    more = link is not None and len(link.path) > 1
    gtin = dict(link.path).get("01") if link and more else None
    return _page("unknown", refusal.status, gtin=gtin, path=text)


def _no(refusal: Refused) -> Response:
    """Refuse in JSON, also where only `?format=json` asked for it."""
    body = {"error": refusal.code, "message": told(refusal), "request_id": request_id()}
    return make_response(jsonify(body), refusal.status)


for rule, name in ADDRESSES:
    bp.add_url_rule(rule, name, scanned, methods=["GET", "OPTIONS"])
bp.add_url_rule(f"{PAGES}/<path:rest>", "page", page_about)


@bp.route("/.well-known/gs1resolver", methods=["GET", "OPTIONS"])
@open_to_all
def described() -> ResponseReturnValue:
    """Describe this resolver."""
    if request.method == "OPTIONS":
        return preflight(None)
    return opened(jsonify(description()), None)


@bp.route(CONTEXT, methods=["GET", "OPTIONS"])
@open_to_all
def context() -> ResponseReturnValue:
    """Give the JSON-LD context of linksets."""
    if request.method == "OPTIONS":
        return preflight(None)
    answer = jsonify(context_document())
    answer.mimetype = LINKED_DATA
    return opened(answer, None)


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
            found = checks(session, story, wrong_lot, now)
            return _told(session, story, path, now, wrong_lot, found)
        case ItemCode(gtin=gtin, lot=str() as lot):
            return _told(session, lot_story(session, gtin, lot, now=now), path, now, None)
        case ItemCode(gtin=gtin):
            return _page("product", story=product_story(session, gtin, now=now), path=path)
        case CaseCode(sscc=sscc):
            return _page("case", story=case_story(session, sscc), path=path)
    raise UnknownItem("Nobody has recorded a pack with this code")


def _told(
    session: Session,
    story: Story,
    path: str,
    now: datetime,
    wrong_lot: str | None,
    scans: Checks | None = None,
) -> Response:
    told = {step.event_id for step in story.steps if step.event_id.int}
    return _page(
        "story",
        story=story,
        stops=stop_names(story.route),
        wrong_lot=wrong_lot,
        logged=logged_of(session, list(told)),
        path=path,
        now=now,
        checks=scans,
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


def stop_names(route: Sequence[Spot]) -> list[str]:
    """Name places shortly, for a drawing: each by its town and what kind of place it is."""
    kinds = [KINDS.get(spot.kind, "") for spot in route]
    if str(get_locale()) == "en":
        towns = [(spot.town_en or spot.county_en).split(" ")[0] for spot in route]
        return [f"{town} {kind}".strip() for town, kind in zip(towns, kinds, strict=True)]
    towns = [spot.town_zh or spot.county_zh for spot in route]
    return [f"{town}{kind}" for town, kind in zip(towns, kinds, strict=True)]


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
    answer.headers["Vary"] = "Accept, Cookie"
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
