"""Goods in: a case by one scan."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counters.forms import read_json
from counters.queries.shipments import CaseFound, case_by_sscc, case_with, expected
from counters.rules import Kind
from counters.views.common import asked, outlet_here, page
from counters.words import Answer, Choice, named, say
from foundation import clock
from foundation.errors import BadInput, NotAllowed, Refused
from foundation.web import asked_page, needs_wasm, reading, transaction, wants_json
from parties.network.models import Outlet
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.scan_codes import Scanned, ScannedKind, read_code
from traceability.services.cases import receive_case


@requires(Can.RECEIVE_GOODS)
def receive(code: str) -> ResponseReturnValue:
    """Show what is on its way, and the field to scan a case."""
    return _receive_page(code, None, typed=asked("sscc", 40))


@requires(Can.RECEIVE_GOODS)
def receive_one(code: str) -> ResponseReturnValue:
    """Receive the scanned case, or say why not. The same case again changes nothing."""
    fields = read_json(request.get_data(), "code") if request.is_json else request.form
    text = str(fields.get("code", ""))[:2_000] if isinstance(fields, dict) else ""
    now = clock.now()
    with reading() as session:
        outlet = outlet_here(session, code, Can.RECEIVE_GOODS)
        scanned, answer = _read(session, outlet, text)
        case = case_by_sscc(session, scanned.sscc or "") if scanned else None
    if answer is None:
        answer = _received(outlet, case, (scanned.sscc if scanned else None) or "", now)
    if wants_json():
        return answer.as_json()
    return _receive_page(code, answer)


def _read(session: Session, outlet: Outlet, text: str) -> tuple[Scanned | None, Answer | None]:
    """Read a code; anything but a case is answered at once."""
    try:
        scanned = read_code(text)
    except BadInput as refusal:
        return None, _ask(_("Other code"), say(refusal))
    if scanned.kind is ScannedKind.CASE:
        return scanned, None
    inside = None
    if scanned.gtin and scanned.serial:
        inside = case_with(session, scanned.gtin, scanned.serial)
    answer = _ask(
        _("Other code"),
        _("This is the code of one pack."),
        then=_("Goods in goes by the long code on the case."),
    )
    if inside:
        way = url_for("counters.receive", code=outlet.code, sscc=inside)
        answer = replace(answer, choices=(Choice(_("Receive its case"), href=way),))
    return scanned, answer


def _ask(title: str, sentence: str, *, then: str = "") -> Answer:
    return Answer(str(Kind.ASK), "unreadable", title, sentence, (), then)


def _received(outlet: Outlet, case: CaseFound | None, sscc: str, now: datetime) -> Answer:
    try:
        with transaction() as session:
            _unit, new = receive_case(
                session,
                sscc=sscc,
                place_id=outlet.place_id,
                at=now,
                actor=current_actor(),
                now=now,
            )
    except NotAllowed:
        raise
    except Refused as refusal:
        return _refused(case, sscc, refusal, outlet)
    about = _contents(case)
    if new:
        return Answer(
            str(Kind.GO),
            "received",
            _("Case received"),
            "",
            about,
            _("The packs may be sold now."),
            item={"sscc": sscc},
        )
    return Answer(
        str(Kind.ASK),
        "received_before",
        _("Scanned before"),
        _("This case has been received here already."),
        about,
        _("Nothing was counted twice."),
        item={"sscc": sscc},
    )


def _contents(case: CaseFound | None) -> tuple[str, ...]:
    if case is None:
        return ()
    line = case.line
    goods = _(
        "%(name)s %(spec)s, %(count)s packs",
        name=named(line),
        spec=named(line, "spec"),
        count=line.quantity,
    )
    return (goods, _("lot %(lot)s", lot=line.lot_no))


def _refused(case: CaseFound | None, sscc: str, refusal: Refused, outlet: Outlet) -> Answer:
    if case is None:
        about: tuple[str, ...] = (sscc,)
        sentence, then = (
            _("Nobody has recorded a case with this code."),
            _("Put it aside and ask the sender."),
        )
    else:
        about, sentence, then = _contents(case), say(refusal), ""
        if case.to_place_id not in (None, outlet.place_id):
            about = (*about, _("it was sent to: %(place)s", place=named(case, "to")))
    return Answer(str(Kind.STOP), refusal.code, _("Do not take"), sentence, about, then)


def _receive_page(code: str, answer: Answer | None, *, typed: str = "") -> str:
    with reading() as session:
        outlet = outlet_here(session, code, Can.RECEIVE_GOODS)
        listed = expected(session, outlet.place_id, page=asked_page())
    needs_wasm()
    values: dict[str, Any] = {"answer": answer, "listed": listed, "typed": typed, "named": named}
    return page("receive", outlet, **values)


def hang(bp: Blueprint) -> None:
    """Hang the addresses of goods-in."""
    bp.add_url_rule("/<code>/receive", view_func=receive)
    bp.add_url_rule("/<code>/receive", view_func=receive_one, methods=["POST"])
