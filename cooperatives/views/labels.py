"""Labels of a lot: what waits, printing, printing again, withdrawing numbers; codes and cards."""

from collections.abc import Mapping
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, sent_key, show, tell
from cooperatives.forms.labels import (
    again_form,
    again_words,
    kind_words,
    layout_words,
    print_form,
    read_again,
    read_print,
    read_void,
    state_words,
    void_form,
    void_words,
)
from cooperatives.queries.labels import (
    own_sku,
    print_jobs,
    prints_of,
    repeats,
    voids_of,
    waits,
)
from cooperatives.queries.lots import DeskLot, desk_lot
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.once import once
from foundation.web import asked_page, reading, transaction
from goods.stock.models import LogisticUnit, Serial
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.bitmap import Bitmap
from traceability.labels.case import draw_case
from traceability.labels.image import shelf_card, styled_qr_png, styled_qr_svg
from traceability.labels.layouts import CASE_LAYOUTS, LAYOUTS
from traceability.labels.sheet import draw_first, labels_for_serials
from traceability.printing.models import LabelJob
from traceability.printing.queries import case_labels, label_of
from traceability.printing.services import print_labels, void_serials

PREVIEW_DOTS = 8
"""To the millimetre: what a label printer draws."""


@blueprint.get("/labels")
@requires(Can.PRINT_LABELS)
def labels() -> ResponseReturnValue:
    """List lots with numbered packs, those with labels to print first."""
    with reading() as session:
        page = print_jobs(
            session, own(Can.PRINT_LABELS), number=asked_page(), words=door.asked("q")
        )
        return show(session, "labels.html", section="labels", page=page)


@blueprint.get("/labels.csv")
@requires(Can.PRINT_LABELS)
def labels_csv() -> ResponseReturnValue:
    """Give what is printed and what waits as a file, narrowed as on the page."""
    rows: list[tuple[object, ...]] = []
    words = door.asked("q")
    with reading() as session:
        page, number = print_jobs(session, own(Can.PRINT_LABELS), number=1, words=words), 1
        while True:
            rows += [
                (
                    job.lot.lot_no,
                    door.named(job.product),
                    door.named(job.sku, "spec"),
                    job.serials,
                    job.printed,
                    job.left,
                )
                for job in page.items
            ]
            if not page.has_next or len(rows) >= door.MOST_ROWS:
                break
            number += 1
            page = print_jobs(session, own(Can.PRINT_LABELS), number=number, words=words)
    header = [
        gettext("Lot number"),
        gettext("Goods"),
        gettext("Pack"),
        gettext("Numbered"),
        gettext("Printed"),
        gettext("To print"),
    ]
    return door.csv_answer("labels", header, rows)


def _kinds(found: DeskLot) -> list[str]:
    """List the kinds of labels that these goods can have, the usual one first."""
    return ["item", "lot", "case"] if found.sku.tracking == "serial" else ["lot", "case"]


def _kind(found: DeskLot, asked: str) -> str:
    kinds = _kinds(found)
    return asked if asked in kinds else kinds[0]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004 -- a 64-bit key


def _labels_page(session: Session, found: DeskLot, forms: Mapping[str, Any], kind: str) -> str:
    lot_id = found.lot.id
    if kind == "lot":
        done, left, first, last = 0, 0, "", ""
    else:
        done, left, first, last = waits(session, lot_id, kind)
    prints = prints_of(session, own(Can.PRINT_LABELS), lot_id)
    layout = door.asked("layout", 20)
    chosen = {"again": ("", "", ""), "void": ("", "", "")}
    for name in chosen:
        asked = _number(door.asked(name, 19))
        for each in prints:
            if each.printed.id == asked and each.printed.kind == kind:
                one = each.printed
                chosen[name] = (one.first_serial, one.last_serial, one.layout)
    again, void = chosen["again"], chosen["void"]
    return show(
        session,
        "lot_labels.html",
        section="labels",
        found=found,
        kind=kind,
        kinds=[(each, kind_words()[each]) for each in _kinds(found)],
        done=done,
        left=left,
        first=first,
        last=last,
        form=forms.get("print") or print_form(left, kind, layout=layout, fresh=True),
        again=forms.get("again")
        or again_form(kind, first=again[0], last=again[1], layout=again[2]),
        void=forms.get("void") or void_form(first=void[0], last=void[1]),
        open_again=bool(again[0]) or "again" in forms,
        open_void=bool(void[0]) or "void" in forms,
        prints=prints,
        repeats=repeats(session, lot_id),
        voids=voids_of(session, own(Can.PRINT_LABELS), lot_id),
        layouts=layout_words(kind),
        all_layouts=dict(layout_words()) | dict(layout_words("case")),
        all_kinds=kind_words(),
        states=state_words(),
        why=again_words(),
        why_void=void_words(),
        may_void=current_actor().can(Can.RECORD_LOT),
    )


def _label_lot(session: Session, lot_id: int, permission: Can = Can.PRINT_LABELS) -> DeskLot:
    found = desk_lot(session, own(permission), lot_id)
    if found.sku.raw:
        raise NotFound("Material has no labels; print them for the packs made from it")
    return found


@blueprint.get("/lots/<int:lot_id>/labels")
@requires(Can.PRINT_LABELS)
def lot_labels(lot_id: int) -> ResponseReturnValue:
    """Show what of a lot is printed, what waits and what was withdrawn."""
    with reading() as session:
        found = _label_lot(session, lot_id)
        return _labels_page(session, found, {}, _kind(found, door.asked("kind", 4)))


def _sent() -> dict[str, str]:
    return {name: text for name, text in request.form.items() if name not in {"csrf_token", "key"}}


@blueprint.post("/lots/<int:lot_id>/labels")
@requires(Can.PRINT_LABELS)
def lot_print(lot_id: int) -> ResponseReturnValue:
    """Record a printing and offer its file, or say that it is being made."""
    now, actor, key = clock.now(), current_actor(), sent_key()
    again, raw = "again" in request.form, _sent()
    try:
        wanted = read_again(raw, lot_id) if again else read_print(raw, lot_id)
        with transaction() as session:
            _label_lot(session, lot_id)
            print_id, _new = once(
                session,
                key,
                ["print", actor.id, lot_id, raw],
                lambda: print_labels(session, wanted, actor=actor, now=now).id,
                now=now,
            )
            job = session.get(LabelJob, print_id)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            found = _label_lot(session, lot_id)
            kind = _kind(found, raw.get("kind", ""))
            left = waits(session, lot_id, kind).left
            form = again_form(kind, fresh=False) if again else print_form(left, kind)
            form.refuse(
                refusal, {"kind": "layout"} if again else {"kind": "layout", "last": "until"}
            )
            forms = {"again" if again else "print": form}
            return _labels_page(session, found, forms, kind), refusal.status
    if job is not None:
        return redirect(url_for("cooperatives.label_print", print_id=print_id), 303)
    tell(gettext("The file is ready. Open it below and print it at its real size."))
    asked = {"lot_id": lot_id, "ready": print_id, "kind": wanted.kind or None}
    return redirect(url_for("cooperatives.lot_labels", **asked), 303)


@blueprint.post("/lots/<int:lot_id>/labels/void")
@requires(Can.RECORD_LOT)
def lot_void(lot_id: int) -> ResponseReturnValue:
    """Withdraw numbers whose labels never went onto packs."""
    now, actor, key, raw = clock.now(), current_actor(), sent_key(), _sent()
    try:
        with transaction() as session:
            _label_lot(session, lot_id, Can.RECORD_LOT)
            asked = read_void(raw, lot_id, key)
            done, _new = once(
                session,
                key,
                ["void", actor.id, lot_id, raw],
                lambda: _counted(void_serials(session, asked, actor=actor, now=now)),
                now=now,
            )
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            found = _label_lot(session, lot_id, Can.RECORD_LOT)
            form = void_form(fresh=False)
            form.refuse(refusal)
            return _labels_page(session, found, {"void": form}, "item"), refusal.status
    count, renumbered = done
    if renumbered:
        tell(
            gettext(
                "%(count)s numbers are withdrawn. The packs have new numbers, which wait below.",
                count=count,
            )
        )
    else:
        tell(gettext("%(count)s numbers are withdrawn.", count=count))
    return redirect(url_for("cooperatives.lot_labels", lot_id=lot_id), 303)


def _counted(void: Any) -> list[int]:
    return [void.count, void.renumbered]


@blueprint.get("/lots/<int:lot_id>/labels/preview.png")
@requires(Can.PRINT_LABELS)
def label_preview(lot_id: int) -> ResponseReturnValue:
    """Draw the first label that waits, or else the lot's first, as a picture."""
    asked = door.asked("layout", 20)
    with reading() as session:
        found = _label_lot(session, lot_id)
        kind = "case" if asked in CASE_LAYOUTS else _kind(found, door.asked("kind", 4))
        if kind == "case":
            query = select(LogisticUnit.id).where(LogisticUnit.lot_id == lot_id)
            first = session.scalars(query.order_by(LogisticUnit.sscc).limit(1)).all()
            cases = case_labels(session, first)
            if not cases:
                raise NotFound("No case of this lot is packed yet")
            page = Bitmap(100, 150, PREVIEW_DOTS)
            draw_case(page, cases[0], build_uri(door.public_url(), cases[0].code))
        else:
            label = label_of(session, lot_id)
            if kind == "item":
                number: str | None = waits(session, lot_id, "item").first or session.scalar(
                    select(Serial.serial)
                    .where(Serial.lot_id == lot_id, Serial.withdrawn.is_(False))
                    .order_by(Serial.serial)
                    .limit(1)
                )
                label = labels_for_serials(label, [number])[0] if number else label
            layout = LAYOUTS.get(asked) or next(iter(LAYOUTS.values()))
            page = Bitmap(layout.label_width_mm, layout.label_height_mm, PREVIEW_DOTS)
            draw_first(page, layout, label, host_base=door.public_url())
    return door.file_answer(page.png(), "image/png", f"label-{lot_id}.png", inline=True)


@blueprint.get("/lots/<int:lot_id>/code.<kind>")
@requires(Can.PRINT_LABELS)
def lot_code(lot_id: int, kind: str) -> ResponseReturnValue:
    """Give the drawn code of a lot as SVG or PNG."""
    with reading() as session:
        found = _label_lot(session, lot_id)
        code = ItemCode(found.sku.gtin, lot=found.lot.lot_no)
        title, demo = found.product.name_zh, found.lot.demo
    return _code(code, title, kind, f"{found.sku.code}-{found.lot.lot_no}", demo=demo)


@blueprint.get("/packs/<int:sku_id>/code.<kind>")
@requires(Can.PRINT_LABELS)
def pack_code(sku_id: int, kind: str) -> ResponseReturnValue:
    """Give the drawn code of a pack, for every lot of it, as SVG or PNG."""
    with reading() as session:
        found = own_sku(session, own(Can.PRINT_LABELS), sku_id)
        code, title = ItemCode(found.sku.gtin), found.product.name_zh
    return _code(code, title, kind, found.sku.code, demo=found.product.demo)


def _code(code: ItemCode, title: str, kind: str, name: str, *, demo: bool) -> ResponseReturnValue:
    uri = build_uri(door.public_url(), code)
    if kind == "svg":
        drawn = styled_qr_svg(uri, title=title, demo=demo)
        return door.file_answer(drawn, "image/svg+xml", f"{name}.svg", inline=False)
    if kind == "png":
        image = styled_qr_png(uri, title=title, demo=demo)
        return door.file_answer(image, "image/png", f"{name}.png", inline=False)
    raise NotFound("There is nothing at this address")


@blueprint.get("/packs/<int:sku_id>/card.pdf")
@requires(Can.PRINT_LABELS)
def pack_card(sku_id: int) -> ResponseReturnValue:
    """Give the card that stands beside a pack on a shelf."""
    with reading() as session:
        found = own_sku(session, own(Can.PRINT_LABELS), sku_id)
        card = found.card()
    content = shelf_card(card, host_base=door.public_url())
    return door.file_answer(content, "application/pdf", f"{found.sku.code}.pdf", inline=True)
