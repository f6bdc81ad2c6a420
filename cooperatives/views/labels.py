"""Labels: what waits to be printed, printing, printing again, the single code, the shelf card."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, sent_key, show, tell
from cooperatives.forms.labels import again_form, print_form, read_again, read_print
from cooperatives.queries.labels import own_print, own_sku, print_jobs, prints_of, sheet_of
from cooperatives.queries.lots import DeskLot, desk_lot
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.once import once
from foundation.web import asked_page, reading, transaction
from goods.stock.models import Serial
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.image import shelf_card, styled_qr_png, styled_qr_svg
from traceability.labels.sheet import LAYOUTS, label_sheet
from traceability.services.labels import print_labels, printed_up_to


@blueprint.get("/labels")
@requires(Can.PRINT_LABELS)
def labels() -> ResponseReturnValue:
    """List lots with numbered packs, those with labels to print first."""
    with reading() as session:
        page = print_jobs(session, own(Can.PRINT_LABELS), number=asked_page())
        return show(session, "labels.html", section="labels", page=page)


@blueprint.get("/labels.csv")
@requires(Can.PRINT_LABELS)
def labels_csv() -> ResponseReturnValue:
    """Give what is printed and what waits as a file."""
    rows: list[tuple[object, ...]] = []
    with reading() as session:
        page, number = print_jobs(session, own(Can.PRINT_LABELS), number=1), 1
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
            page = print_jobs(session, own(Can.PRINT_LABELS), number=number)
    header = [
        gettext("Lot number"),
        gettext("Goods"),
        gettext("Pack"),
        gettext("Numbered"),
        gettext("Printed"),
        gettext("To print"),
    ]
    return door.csv_answer("labels", header, rows)


def _ranges(session: Session, found: DeskLot) -> tuple[int, int, str, str]:
    """Give how many are printed and waiting, and the first and last number that wait."""
    from sqlalchemy import func, select

    last = printed_up_to(session, found.lot.id)
    mine = select(func.count(), func.min(Serial.serial), func.max(Serial.serial)).where(
        Serial.lot_id == found.lot.id
    )
    done = session.execute(mine.where(Serial.serial <= last)).one()
    left = session.execute(mine.where(Serial.serial > last)).one()
    return done[0], left[0], left[1] or "", left[2] or ""


def _labels_page(session: Session, found: DeskLot, form: Any = None, again: Any = None) -> str:
    done, left, first, last = _ranges(session, found)
    serial = found.sku.tracking == "serial"
    if not serial:
        done = sum(printed.count for printed in prints_of(session, found.lot.id))
        left = max(0, found.on_hand - done)
    return show(
        session,
        "lot_labels.html",
        section="labels",
        found=found,
        serial=serial,
        done=done,
        left=left,
        first=first,
        last=last,
        form=form or print_form(left, any_number=not serial),
        again=again or again_form(),
        prints=prints_of(session, found.lot.id),
        layouts=LAYOUTS,
    )


def _label_lot(session: Session, lot_id: int) -> DeskLot:
    found = desk_lot(session, own(Can.PRINT_LABELS), lot_id)
    if found.sku.raw:
        raise NotFound("Material has no labels; print them for the packs made from it")
    return found


@blueprint.get("/lots/<int:lot_id>/labels")
@requires(Can.PRINT_LABELS)
def lot_labels(lot_id: int) -> ResponseReturnValue:
    """Show what of a lot is printed and what waits."""
    with reading() as session:
        return _labels_page(session, _label_lot(session, lot_id))


@blueprint.post("/lots/<int:lot_id>/labels")
@requires(Can.PRINT_LABELS)
def lot_print(lot_id: int) -> ResponseReturnValue:
    """Record a printing and offer its sheet."""
    now, actor, key = clock.now(), current_actor(), sent_key()
    again = "again" in request.form
    raw = {name: text for name, text in request.form.items() if name not in {"csrf_token", "key"}}
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
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            found = _label_lot(session, lot_id)
            left = _ranges(session, found)[1]
            form = print_form(left, any_number=found.sku.tracking != "serial", fresh=again)
            redo = again_form(fresh=not again)
            (redo if again else form).refuse(refusal)
            return _labels_page(session, found, form, redo), refusal.status
    tell(gettext("The sheet is ready. Open it below and print it at its real size."))
    return redirect(url_for("cooperatives.lot_labels", lot_id=lot_id, ready=print_id), 303)


@blueprint.get("/labels/<int:print_id>.pdf")
@requires(Can.PRINT_LABELS)
def label_pdf(print_id: int) -> ResponseReturnValue:
    """Give the sheet of one printing."""
    with reading() as session:
        printed = own_print(session, own(Can.PRINT_LABELS), print_id)
        sheet = sheet_of(session, printed)
    content = label_sheet(sheet, LAYOUTS[printed.layout], host_base=door.public_url())
    return door.file_answer(content, "application/pdf", f"labels-{print_id}.pdf", inline=True)


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
