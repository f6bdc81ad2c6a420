"""Recalls at a counter: what to take off the shelf, what was done with it, and the till's list."""

from uuid import uuid4

from flask import Blueprint, Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from counters.forms import read_deed
from counters.queries.recalls import recalls_here
from counters.views.common import outlet_here, page
from counters.words import ACTS, say
from foundation import clock
from foundation.errors import NotAllowed, NotFound, Refused
from foundation.web import reading, transaction
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.recalls.acts import Deed, note_act
from traceability.recalls.lists import TillList, till_list, till_version

FRESH_SECONDS = 30


@requires(Can.SEE_COUNTER)
def recalls(code: str) -> ResponseReturnValue:
    """Show the recalls that meet this counter, lot by lot, with what is still to be done."""
    return _page(code)


def _page(code: str, refusal: str | None = None) -> str:
    with reading() as session:
        outlet = outlet_here(session, code)
        met = recalls_here(session, outlet.place_id)
        version = till_version(session)
    return page(
        "recalls",
        outlet,
        met=met,
        version=version,
        acts=ACTS,
        refusal=refusal,
        key=uuid4().hex,
    )


def _must_be_here(session: Session, outlet_id: int, place_id: int) -> None:
    met = recalls_here(session, outlet_id)
    if place_id not in {outlet_id, *(line.place_id for one in met for line in one.lines)}:
        raise NotFound("No recalled goods of this lot are here")


@requires(Can.RECEIVE_GOODS)
def recall_act(code: str) -> ResponseReturnValue:
    """Note what was done with recalled goods here."""
    asked = read_deed(request.form)
    try:
        with transaction() as session:
            outlet = outlet_here(session, code, Can.RECEIVE_GOODS)
            _must_be_here(session, outlet.place_id, asked.place_id)
            deed = Deed(
                asked.key or uuid4().hex,
                asked.recall_id,
                asked.place_id,
                asked.lot_id,
                asked.act,
                asked.quantity,
                asked.serials,
            )
            note_act(session, deed, actor=current_actor(), now=clock.now())
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _page(code, say(refusal)), refusal.status
    flash(_("What was done is noted"))
    return redirect(url_for("counters.recalls", code=code), 303)


@requires(Can.SEE_COUNTER)
def recall_list() -> ResponseReturnValue:
    """Give everything that may not be sold now, as tills keep it for when there is no network.

    The entity tag is the list's version: a till that has it gets 304 and knows that its list is
    as fresh as its last contact.
    """
    now = clock.now()
    with reading() as session:
        version = till_version(session)
        tag = f"recalls-{version}"
        if request.if_none_match.contains(tag):
            answer = Response(status=304)
        else:
            answer = jsonify(_told(till_list(session), now.isoformat(timespec="seconds")))
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-List-Time"] = now.isoformat(timespec="seconds")
    return answer


def _told(found: TillList, made_at: str) -> dict[str, object]:
    return {
        "version": found.version,
        "made_at": made_at,
        "fresh_seconds": FRESH_SECONDS,
        "closed_outlets": list(found.places),
        "goods": [
            {
                "gtin": line.gtin,
                "lot": line.lot_no,
                "serial": line.serial,
                "recall": line.number,
                "level": line.level,
                "reason_zh": line.reason_zh,
                "reason_en": line.reason_en,
            }
            for line in found.lines
        ],
    }


def hang(bp: Blueprint) -> None:
    """Hang the addresses of recalls."""
    bp.add_url_rule("/api/recalls", view_func=recall_list)
    bp.add_url_rule("/<code>/recalls", view_func=recalls)
    bp.add_url_rule("/<code>/recalls", "recall_act", recall_act, methods=["POST"])
