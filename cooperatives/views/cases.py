"""Packing cases, sending them, and what became of what was sent."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, sent_key, show, tell
from cooperatives.forms.lots import packing_form, read_packing
from cooperatives.forms.shipments import read_sending, sending_form
from cooperatives.queries.cases import (
    cases_of,
    destination,
    destinations,
    first_cases,
    loose_at,
    packed_cases,
    shipment,
    shipments_query,
    shipped_cases,
)
from cooperatives.queries.labels import case_labels
from cooperatives.queries.lots import DeskLot, desk_lot
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.once import once
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from goods.stock.models import LogisticUnit
from parties.network.queries import counties
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.labels.case import case_label
from traceability.services.cases import Dispatch, pack_cases, ship_cases

SHIPMENT_STATES = ("in_transit", "received")
MOST_LABELS = 200


def _pack_page(session: Session, found: DeskLot, form: Any = None) -> str:
    loose = loose_at(session, found.lot.id, found.lot.organisation_id)
    if form is None:
        form = packing_form(
            [row.place for row in loose],
            loose=loose[0].loose if loose else 0,
            per_case=found.sku.units_per_case,
            now=clock.now(),
            language=door.language(),
        )
    return show(
        session,
        "pack.html",
        section="lots",
        found=found,
        loose=loose,
        form=form,
        page=cases_of(session, found.lot.id, number=asked_page()),
        case_states=case_states(),
    )


def case_states() -> dict[str, str]:
    """Name the states of a case."""
    return {
        "packed": gettext("Closed, here"),
        "in_transit": gettext("On the way"),
        "received": gettext("Goods received"),
        "opened": gettext("Opened by the receiver"),
    }


@blueprint.get("/lots/<int:lot_id>/cases")
@requires(Can.SEE_SUPPLIER_DESK)
def lot_pack(lot_id: int) -> ResponseReturnValue:
    """Show a lot's cases and the form for packing more."""
    with reading() as session:
        return _pack_page(session, desk_lot(session, own(), lot_id))


@blueprint.post("/lots/<int:lot_id>/cases")
@requires(Can.RECORD_LOT)
def lot_pack_do(lot_id: int) -> ResponseReturnValue:
    """Close cases of loose packs; each gets an SSCC of its own."""
    now, actor, key = clock.now(), current_actor(), sent_key()
    raw = {name: request.form.get(name, "") for name in ("cases", "per_case", "at", "place_id")}
    try:
        with transaction() as session:
            found = desk_lot(session, own(Can.RECORD_LOT), lot_id)

            def act() -> list[int]:
                places = [row.place for row in loose_at(session, lot_id, found.lot.organisation_id)]
                packing = read_packing(raw, places, now=now)
                units = pack_cases(
                    session,
                    lot_id=lot_id,
                    place_id=packing.place_id,
                    cases=packing.cases,
                    per_case=packing.per_case,
                    at=packing.at,
                    actor=actor,
                    now=now,
                )
                return [unit.id for unit in units]

            done, _new = once(session, key, ["pack", actor.id, lot_id, raw], act, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            found = desk_lot(session, own(Can.RECORD_LOT), lot_id)
            loose = loose_at(session, lot_id, found.lot.organisation_id)
            form = packing_form(
                [row.place for row in loose],
                loose=loose[0].loose if loose else 0,
                per_case=found.sku.units_per_case,
                now=now,
                language=door.language(),
            )
            form.refuse(refusal)
            return _pack_page(session, found, form), refusal.status
    tell(
        gettext(
            "%(count)s cases are closed. Print their labels and stick them on.", count=len(done)
        )
    )
    return redirect(url_for("cooperatives.lot_pack", lot_id=lot_id), 303)


@blueprint.get("/lots/<int:lot_id>/cases.pdf")
@requires(Can.PRINT_LABELS)
def lot_case_labels(lot_id: int) -> ResponseReturnValue:
    """Give the labels of a lot's closed cases, or of the one case that is asked for."""
    with reading() as session:
        found = desk_lot(session, own(Can.PRINT_LABELS), lot_id)
        query = (
            select(LogisticUnit.id)
            .where(LogisticUnit.lot_id == lot_id)
            .order_by(LogisticUnit.sscc)
            .limit(MOST_LABELS)
        )
        sscc = door.asked("sscc", 18)
        query = query.where(LogisticUnit.sscc == sscc if sscc else LogisticUnit.state == "packed")
        labels = case_labels(session, own(Can.PRINT_LABELS), session.scalars(query).all())
    content = case_label(*labels, host_base=door.public_url())
    name = f"cases-{found.lot.lot_no}.pdf"
    return door.file_answer(content, "application/pdf", name, inline=True)


@blueprint.get("/shipments")
@requires(Can.SEE_SUPPLIER_DESK)
def shipments() -> ResponseReturnValue:
    """List what was sent to outlets and stores."""
    state = door.asked("state")
    with reading() as session:
        query = shipments_query(
            own(), state=state if state in SHIPMENT_STATES else "", words=door.asked("q")
        )
        return show(
            session,
            "shipments.html",
            section="lots",
            page=page_of(session, query, number=asked_page(), size=20),
            waiting=sum(row.cases for row in packed_cases(session, own())),
        )


@blueprint.get("/shipments.csv")
@requires(Can.SEE_SUPPLIER_DESK)
def shipments_csv() -> ResponseReturnValue:
    """Give the list as a file, narrowed as on the page."""
    state = door.asked("state")
    with reading() as session:
        query = shipments_query(
            own(), state=state if state in SHIPMENT_STATES else "", words=door.asked("q")
        ).limit(door.MOST_ROWS)
        rows = [
            (
                sent.number,
                door.named(origin),
                door.named(target),
                sent.carrier,
                sent.waybill_no,
                case_states()[sent.state],
                sent.shipped_at.astimezone(clock.LOCAL).isoformat(timespec="minutes"),
                sent.received_at.astimezone(clock.LOCAL).isoformat(timespec="minutes")
                if sent.received_at
                else "",
            )
            for sent, origin, target in session.execute(query).tuples()
        ]
    header = [
        gettext("Shipment"),
        gettext("From"),
        gettext("To"),
        gettext("Carrier"),
        gettext("Waybill number"),
        gettext("State"),
        gettext("Sent at"),
        gettext("Received at"),
    ]
    return door.csv_answer("shipments", header, rows)


def _asked_lot() -> int | None:
    text = request.values.get("lot", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None  # noqa: PLR2004 -- a 64-bit key


@blueprint.get("/shipments/new")
@requires(Can.SHIP_GOODS)
def ship_new() -> ResponseReturnValue:
    """Choose where cases go, then which cases and with whom."""
    to = door.asked("to", 18)
    with reading() as session:
        if to.isdecimal():
            return _ship_page(session, int(to))
        return show(
            session,
            "ship_where.html",
            section="lots",
            lot_id=_asked_lot(),
            any_case=bool(packed_cases(session, own(Can.SHIP_GOODS), _asked_lot())),
            counties=counties(session),
            page=destinations(
                session,
                own(Can.SHIP_GOODS),
                words=door.asked("q"),
                county=door.asked("county", 6),
                number=asked_page(),
            ),
        )


def _ship_page(session: Session, place_id: int, form: Any = None) -> str:
    packed = packed_cases(session, own(Can.SHIP_GOODS), _asked_lot())
    return show(
        session,
        "ship.html",
        section="lots",
        lot_id=_asked_lot(),
        target=destination(session, place_id),
        packed=packed,
        form=form or sending_form(packed, now=clock.now()),
    )


@blueprint.post("/shipments/new")
@requires(Can.SHIP_GOODS)
def ship_do() -> ResponseReturnValue:
    """Send closed cases to a place."""
    now, actor, key = clock.now(), current_actor(), sent_key()
    to = request.form.get("to", "")
    place_id = int(to) if to.isdecimal() and len(to) < 19 else 0  # noqa: PLR2004 -- a 64-bit key
    raw = {name: text for name, text in request.form.items() if name not in {"csrf_token", "key"}}
    try:
        with transaction() as session:
            target = destination(session, place_id)

            def act() -> int:
                packed = packed_cases(session, own(Can.SHIP_GOODS), _asked_lot())
                sending = read_sending(raw, packed, now=now)
                ssccs = [
                    sscc
                    for lot_id, from_id, cases in sending.lots
                    for sscc in first_cases(session, lot_id, from_id, cases)
                ]
                dispatch = Dispatch(
                    key=f"desk-{key}"[:60],
                    ssccs=tuple(ssccs),
                    to_place_id=target.id,
                    carrier=sending.carrier,
                    waybill_no=sending.waybill_no,
                    at=sending.at,
                )
                return ship_cases(session, dispatch, actor=actor, now=now).id

            sent_id, _new = once(session, key, ["ship", actor.id, raw], act, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            packed = packed_cases(session, own(Can.SHIP_GOODS), _asked_lot())
            form = sending_form(packed, now=now)
            first = f"n_{packed[0].lot.id}_{packed[0].place.id}" if packed else ""
            form.refuse(refusal, {"ssccs": first})
            return _ship_page(session, place_id, form), refusal.status
    tell(gettext("The cases are on their way. The receiver scans each case once."))
    return redirect(url_for("cooperatives.shipment_page", shipment_id=sent_id), 303)


@blueprint.get("/shipments/<int:shipment_id>")
@requires(Can.SEE_SUPPLIER_DESK)
def shipment_page(shipment_id: int) -> ResponseReturnValue:
    """Show one shipment: its cases and how far it is; printed, it is the dispatch advice."""
    with reading() as session:
        sent, origin, target = shipment(session, own(), shipment_id)
        return show(
            session,
            "shipment.html",
            section="lots",
            sent=sent,
            origin=origin,
            target=target,
            cases=shipped_cases(session, sent),
            case_states=case_states(),
        )


@blueprint.get("/shipments/<int:shipment_id>/labels.pdf")
@requires(Can.PRINT_LABELS)
def shipment_labels(shipment_id: int) -> ResponseReturnValue:
    """Give the labels of a shipment's cases, with the receiver on them."""
    with reading() as session:
        sent, _, _ = shipment(session, own(Can.PRINT_LABELS), shipment_id)
        ids = [unit.id for unit, _, _, _ in shipped_cases(session, sent)]
        labels = case_labels(session, own(Can.PRINT_LABELS), ids[:MOST_LABELS])
    content = case_label(*labels, host_base=door.public_url())
    return door.file_answer(content, "application/pdf", f"{sent.number}.pdf", inline=True)
