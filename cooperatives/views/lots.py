"""Lots: the list, a new one, one lot with its next step, recording a step."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, sent_key, show, tell
from cooperatives.forms.base import choices_of
from cooperatives.forms.entries import field_names, read_entry
from cooperatives.forms.lots import new_lot_form, read_new_lot
from cooperatives.forms.steps import step_form
from cooperatives.present import progress_marks, step_name, values_of
from cooperatives.queries.lots import (
    STATES,
    DeskLot,
    desk_lot,
    desk_lots,
    lying,
    records,
    suggest_lot_no,
)
from cooperatives.queries.steps import step_context, step_named
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.files import MOST_BYTES, keep
from foundation.once import once
from foundation.paging import Page
from foundation.web import asked_page, reading, transaction
from goods.catalogue.models import Product, Sku
from goods.stock.models import Lot
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.models import EventLot
from traceability.services.events import event_by_key
from traceability.services.lots import open_lot, record_step

PAGE_SIZE = 20


def _asked_lots(session: Session) -> list[DeskLot]:
    product = door.asked("product")
    found = desk_lots(
        session,
        own(),
        product_id=int(product) if product.isdecimal() and len(product) < 19 else None,  # noqa: PLR2004 -- a 64-bit key
        words=door.asked("q"),
    )
    state = door.asked("state")
    return [one for one in found if one.state == state] if state in STATES else found


def own_products(session: Session) -> list[Product]:
    """Give the desk's own products by name; one statement."""
    query = select(Product).where(Product.supplier_id.in_(own())).order_by(Product.code)
    return list(session.scalars(query))


@blueprint.get("/lots")
@requires(Can.SEE_SUPPLIER_DESK)
def lots() -> ResponseReturnValue:
    """List the lots, to be narrowed by state, product and words."""
    with reading() as session:
        found = _asked_lots(session)
        total, number = len(found), asked_page()
        number = min(number, max(1, -(-total // PAGE_SIZE)))
        part = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return show(
            session,
            "lots.html",
            section="lots",
            page=Page(part, number, PAGE_SIZE, total),
            products=own_products(session),
            states=state_words(),
        )


@blueprint.get("/lots.csv")
@requires(Can.SEE_SUPPLIER_DESK)
def lots_csv() -> ResponseReturnValue:
    """Give the list as a file, narrowed as on the page."""
    words = state_words()
    with reading() as session:
        rows = [
            (
                found.lot.lot_no,
                door.named(found),
                door.named(found.sku, "spec"),
                words[found.state],
                door.named(found.next) if found.next else "",
                found.on_hand,
                found.sku.base_unit,
                found.lot.produced_on,
                found.lot.best_before,
                clock.business_date(found.lot.created_at),
            )
            for found in _asked_lots(session)[: door.MOST_ROWS]
        ]
    header = [
        gettext("Lot number"),
        gettext("Goods"),
        gettext("Pack"),
        gettext("State"),
        gettext("Next step"),
        gettext("On hand"),
        gettext("Unit"),
        gettext("Made on"),
        gettext("Best before"),
        gettext("Opened on"),
    ]
    return door.csv_answer("lots", header, rows)


def state_words() -> dict[str, str]:
    """Name the states of a lot."""
    return {
        "recording": gettext("Being recorded"),
        "complete": gettext("Records complete"),
        "held": gettext("On hold"),
        "used": gettext("Gone"),
    }


def _openable(session: Session) -> list[Sku]:
    """Give what a new lot can be of: raw materials and kits of the desk's own."""
    return list(
        session.scalars(
            select(Sku)
            .join(Product, Product.id == Sku.product_id)
            .where(
                Product.supplier_id.in_(own(Can.RECORD_LOT)),
                Sku.active.is_(True),
                Sku.raw.is_(True) | (Sku.stock_policy == "kit"),
            )
            .order_by(Product.code, Sku.raw.desc(), Sku.sort)
        )
    )


def _new_lot_page(session: Session, form: Any = None) -> str:
    skus = _openable(session)
    products = {product.id: product for product in own_products(session)}
    choices = []
    for sku in skus:
        product = products[sku.product_id]
        material = door.named(sku) or door.named(sku, "spec")
        choices.append((sku.id, f"{door.named(product)} · {material}"))
    chosen = door.asked("sku")
    first = int(chosen) if chosen.isdecimal() else (skus[0].id if skus else None)
    if form is None:
        today = clock.business_date(clock.now())
        number = suggest_lot_no(session, first, today) if first else ""
        form = new_lot_form(choices, number, first)
    else:
        form.sku_id.choices = choices_of(choices)
    return show(session, "lot_new.html", section="lots", form=form, any_material=bool(skus))


@blueprint.get("/lots/new")
@requires(Can.RECORD_LOT)
def lot_new() -> ResponseReturnValue:
    """Ask what the new lot is of and what its number is."""
    with reading() as session:
        return _new_lot_page(session)


@blueprint.post("/lots/new")
@requires(Can.RECORD_LOT)
def lot_open() -> ResponseReturnValue:
    """Open a lot and go on to its first step."""
    form = new_lot_form((), "", None)
    now, actor = clock.now(), current_actor()
    try:
        with transaction() as session:
            skus = {sku.id: sku for sku in _openable(session)}
            wanted = read_new_lot(request.form.to_dict(), list(skus))
            product = session.get_one(Product, skus[wanted.sku_id].product_id)

            def act() -> int:
                lot = open_lot(
                    session,
                    sku_id=wanted.sku_id,
                    lot_no=wanted.lot_no,
                    actor=actor,
                    now=now,
                    demo=product.demo,
                )
                return lot.id

            asked = ["open_lot", actor.id, wanted.sku_id, wanted.lot_no]
            lot_id, _new = once(session, sent_key(), asked, act, now=now)
    except Refused as refusal:
        form.refuse(refusal)
        with reading() as session:
            return _new_lot_page(session, form), refusal.status
    tell(gettext("The lot is open. Record its first step."))
    return redirect(url_for("cooperatives.lot", lot_id=lot_id), 303)


def lot_page(session: Session, found: DeskLot, *, form: Any = None, step: Any = None) -> str:
    """Show one lot: its way, its next step as a form, where it lies, what is recorded."""
    now = clock.now()
    step = step or found.next
    context = None
    if step is not None:
        context = step_context(session, found, step, today=clock.business_date(now))
        if form is None:
            form = step_form(context, now=now, language=door.language())
    every_step = (*found.before, *found.steps, *found.after)
    told = records(session, [found.lot.id, *_older(session, found)])
    return show(
        session,
        "lot.html",
        section="lots",
        found=found,
        context=context,
        form=form,
        marks=progress_marks(found),
        records=[
            (r, step_name(every_step, r.event.template_step), values_of(r, every_step))
            for r in told
        ],
        lying=lying(session, found.lot.id, found.lot.organisation_id),
        relatives=_relatives(session, found),
        states=state_words(),
        may_record=current_actor().can(Can.RECORD_LOT),
        may_manage_links=current_actor().can(Can.MANAGE_LINKS),
        key=door.new_key(),
    )


def _older(session: Session, found: DeskLot) -> list[int]:
    from traceability.queries import lineage

    return lineage(session, found.lot.id)[1:] if found.parents else []


def _relatives(session: Session, found: DeskLot) -> list[tuple[Lot, Sku, Product]]:
    """Give the lots made from this one and those it was made from, of the same desk."""
    used = select(EventLot.event_id).where(
        EventLot.lot_id == found.lot.id, EventLot.role == "input"
    )
    made = select(EventLot.lot_id).where(EventLot.event_id.in_(used), EventLot.role == "output")
    rows = session.execute(
        select(Lot, Sku, Product)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(
            Lot.id.in_(made) | Lot.id.in_(found.parents),
            Lot.id != found.lot.id,
            Lot.organisation_id.in_(own()),
        )
        .order_by(Lot.id)
    )
    return list(rows.tuples())


@blueprint.get("/lots/<int:lot_id>")
@requires(Can.SEE_SUPPLIER_DESK)
def lot(lot_id: int) -> ResponseReturnValue:
    """Show one lot; `?step=` asks for the form of another step."""
    with reading() as session:
        found = desk_lot(session, own(), lot_id)
        code = door.asked("step")
        step = None
        if code:
            step = step_named(found, code)
            if step not in found.others and step is not found.next:
                raise NotFound("This step can't be recorded now")
        return lot_page(session, found, step=step)


def _signer() -> URLSafeSerializer:
    from flask import current_app

    return URLSafeSerializer(current_app.secret_key or "", salt="cooperatives.paper")


def sent_paper() -> str | None:
    """Keep the file that came with the form, or find the one that came with it before.

    A form that was refused carries a signed note of its file, so that it need not be chosen
    again; nobody can name a file that they did not send.
    """
    if sent := door.sent_file("paper_file", MOST_BYTES):
        return keep(door.files_dir(), sent[1]).key
    kept = request.form.get("paper_kept")
    try:
        return str(_signer().loads(kept)) if kept else None
    except BadSignature:
        return None


@blueprint.post("/lots/<int:lot_id>/steps")
@requires(Can.RECORD_LOT)
def lot_record(lot_id: int) -> ResponseReturnValue:
    """Record one step of a lot."""
    now, actor, key = clock.now(), current_actor(), sent_key()
    code, file_key = request.form.get("step", "")[:30], None
    try:
        file_key = sent_paper()
        with transaction() as session:
            found = desk_lot(session, own(Can.RECORD_LOT), lot_id)
            step = step_named(found, code)
            if event_by_key(session, key) is None:
                context = step_context(session, found, step, today=clock.business_date(now))
                entry = read_entry(request.form, context, key=key, now=now, file_key=file_key)
                record_step(session, entry, actor=actor, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            found = desk_lot(session, own(Can.RECORD_LOT), lot_id)
            step = step_named(found, code)
            context = step_context(session, found, step, today=clock.business_date(now))
            form = step_form(context, now=now, language=door.language())
            form.refuse(refusal, field_names(context, request.form))
            if file_key and "paper_kept" in form:
                form.paper_kept.data = _signer().dumps(file_key)
            return lot_page(session, found, form=form, step=step), refusal.status
    tell(gettext("Recorded: %(step)s", step=step[f"name_{door.language()}"]))
    if request.form.get("from") == "today":
        return redirect(url_for("cooperatives.today"), 303)
    return redirect(url_for("cooperatives.lot", lot_id=_go_on(found, step)), 303)


def _go_on(found: DeskLot, step: Any) -> int:
    """Give the lot at which work goes on: packs that a step made, or the lot itself."""
    if step["event_type"] != "TransformationEvent":
        return found.lot.id
    with reading() as session:
        made = [lot.id for lot, _, _ in _relatives(session, found) if lot.id not in found.parents]
        return made[0] if made else found.lot.id
