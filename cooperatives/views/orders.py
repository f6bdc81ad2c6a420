"""Orders: what is to be sent, the pick list, sending a parcel, its label with the address."""

from typing import Any
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, show, tell
from cooperatives.forms.orders import dispatch_form, read_dispatch
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.web import asked_page, reading, transaction
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from trade.orders.queries.suppliers import (
    STATES,
    QueueParcel,
    State,
    parcel_counts,
    parcel_queue,
    parcel_view,
)
from trade.orders.services.endings import cancel_parcel
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order, shipping_label

PICK_SIZE = 100


def state_words() -> dict[str, str]:
    """Name the states of a parcel."""
    return {
        "awaiting_shipment": gettext("To send"),
        "shipped": gettext("Parcel sent"),
        "received": gettext("Goods received"),
        "refunded": gettext("Refunded"),
    }


def _asked_state() -> State | None:
    asked = door.asked("state")
    if asked == "all":
        return None
    return asked if asked in STATES else "awaiting_shipment"


@blueprint.get("/orders")
@requires(Can.FULFIL_ORDERS)
def orders() -> ResponseReturnValue:
    """List parcels by state, what waits longest on top."""
    state, actor = _asked_state(), current_actor()
    with reading() as session:
        return show(
            session,
            "orders.html",
            section="orders",
            page=parcel_queue(session, state, page=asked_page(), actor=actor),
            counts=parcel_counts(session, actor=actor),
            state=state or "all",
            words=state_words(),
        )


@blueprint.get("/orders.csv")
@requires(Can.FULFIL_ORDERS)
def orders_csv() -> ResponseReturnValue:
    """Give parcels of one state as a file, receivers masked as on the page."""
    state, actor, words = _asked_state(), current_actor(), state_words()
    rows: list[tuple[object, ...]] = []
    with reading() as session:
        number = 1
        while len(rows) < door.MOST_ROWS:
            page = parcel_queue(session, state, page=number, size=PICK_SIZE, actor=actor)
            rows += [_row(parcel, words) for parcel in page.items]
            if not page.has_next:
                break
            number += 1
    header = [
        gettext("Order number"),
        gettext("State"),
        gettext("Paid at"),
        gettext("Goods"),
        gettext("Amount (yuan)"),
        gettext("Receiver"),
        gettext("Phone"),
        gettext("Town of the receiver"),
        gettext("Carrier"),
        gettext("Waybill number"),
        gettext("Sent at"),
    ]
    return door.csv_answer("orders", header, rows)


def _row(parcel: QueueParcel, words: dict[str, str]) -> tuple[object, ...]:
    contact = parcel.contact
    return (
        parcel.order_number,
        words[parcel.state],
        _local(parcel.paid_at),
        "; ".join(
            f"{door.named(line)} {door.named(line, 'spec')} x {line.quantity}"
            for line in parcel.lines
        ),
        f"{(parcel.goods_fen + parcel.shipping_fen) / 100:.2f}",
        contact.recipient if contact else "",
        contact.phone if contact else "",
        f"{contact.province}{contact.city}{contact.district}" if contact else "",
        parcel.carrier,
        parcel.waybill_no,
        _local(parcel.shipped_at),
    )


def _local(moment: Any) -> str:
    return moment.astimezone(clock.LOCAL).isoformat(timespec="minutes") if moment else ""


@blueprint.get("/orders/pick")
@requires(Can.FULFIL_ORDERS)
def pick_list() -> ResponseReturnValue:
    """Show what to take from which lot for every parcel that waits, to be printed."""
    with reading() as session:
        page = parcel_queue(session, size=PICK_SIZE, actor=current_actor())
        return show(session, "pick.html", section="orders", page=page)


def _order_page(session: Session, parcel_id: UUID, form: Any = None) -> str:
    parcel = parcel_view(session, parcel_id, actor=current_actor())
    serial = any(line.tracking == "serial" for line in parcel.lines)
    return show(
        session,
        "order.html",
        section="orders",
        parcel=parcel,
        words=state_words(),
        form=form or dispatch_form(now=clock.now(), serial=serial),
    )


@blueprint.get("/orders/<uuid:parcel_id>")
@requires(Can.FULFIL_ORDERS)
def order(parcel_id: UUID) -> ResponseReturnValue:
    """Show one parcel: what to take, to whom, and the form for sending it."""
    with reading() as session:
        return _order_page(session, parcel_id)


@blueprint.post("/orders/<uuid:parcel_id>/dispatch")
@requires(Can.FULFIL_ORDERS)
def order_send(parcel_id: UUID) -> ResponseReturnValue:
    """Hand a parcel to its carrier: the promise becomes a sale."""
    now, actor = clock.now(), current_actor()
    try:
        with transaction() as session:
            parcel_view(session, parcel_id, actor=actor)
            handed = read_dispatch(request.form)
            dispatch_sub_order(session, Dispatch(parcel_id, *handed), actor=actor, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            parcel = parcel_view(session, parcel_id, actor=actor)
            serial = any(line.tracking == "serial" for line in parcel.lines)
            form = dispatch_form(now=now, serial=serial)
            form.refuse(refusal)
            return _order_page(session, parcel_id, form), refusal.status
    tell(gettext("The parcel is sent. The buyer sees the waybill now."))
    return redirect(url_for("cooperatives.orders"), 303)


@blueprint.post("/orders/<uuid:parcel_id>/cancel")
@requires(Can.FULFIL_ORDERS)
def order_cancel(parcel_id: UUID) -> ResponseReturnValue:
    """Call off a parcel that can't be sent: the buyer's money goes back."""
    now, actor = clock.now(), current_actor()
    try:
        with transaction() as session:
            parcel_view(session, parcel_id, actor=actor)
            cancel_parcel(session, parcel_id, reason="not_delivered", actor=actor, now=now)
        tell(gettext("Called off. The buyer's money is on its way back."))
    except NotFound:
        raise
    except Refused as refusal:
        tell(door.say(refusal), "error")
    return redirect(url_for("cooperatives.order", parcel_id=parcel_id), 303)


@blueprint.post("/orders/<uuid:parcel_id>/label")
@requires(Can.FULFIL_ORDERS)
def order_label(parcel_id: UUID) -> ResponseReturnValue:
    """Show the parcel's label with the full address; that it was read is written down."""
    now, actor = clock.now(), current_actor()
    with transaction() as session:
        label = shipping_label(session, parcel_id, actor=actor, now=now)
    with reading() as session:
        parcel = parcel_view(session, parcel_id, actor=actor)
        return show(session, "order_label.html", section="orders", label=label, parcel=parcel)
