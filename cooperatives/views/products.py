"""The desk's products: list, texts, prices, on and off the shelf, a file of products."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import blueprint, own, sent_key, show, tell
from cooperatives.forms.base import read_price
from cooperatives.forms.products import (
    CSV_COLUMNS,
    MOST_BYTES,
    Known,
    csv_example,
    read_products,
    text_words,
    texts_form,
    upload_form,
)
from cooperatives.queries.catalogue import (
    codes,
    own_product,
    packs_of,
    products_query,
)
from foundation import clock
from foundation.errors import NotFound, Refused
from foundation.once import once
from foundation.paging import page_of
from foundation.web import asked_page, reading, transaction
from goods.catalogue.demands import demands_of, price_history
from goods.catalogue.services import edit_texts, import_products, set_price, set_status
from parties.network.queries import organisation
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can


def status_words() -> dict[str, str]:
    """Name the states of a product."""
    return {
        "draft": gettext("Draft"),
        "published": gettext("On sale"),
        "unpublished": gettext("Taken off"),
    }


@blueprint.get("/products")
@requires(Can.SEE_SUPPLIER_DESK)
def products() -> ResponseReturnValue:
    """List the desk's products with packs, prices, stock and status."""
    with reading() as session:
        query = products_query(own(), status=door.asked("status"), words=door.asked("q"))
        page = page_of(session, query, number=asked_page(), size=20, scalars=True)
        return show(
            session,
            "products.html",
            section="me",
            page=page,
            packs=packs_of(session, own(), [product.id for product in page.items]),
            statuses=status_words(),
            may_manage=current_actor().can(Can.MANAGE_CATALOGUE),
        )


@blueprint.get("/products.csv")
@requires(Can.SEE_SUPPLIER_DESK)
def products_csv() -> ResponseReturnValue:
    """Give packs with prices and stock as a file, narrowed as on the page."""
    words = status_words()
    with reading() as session:
        query = products_query(own(), status=door.asked("status"), words=door.asked("q"))
        found = list(session.scalars(query.limit(door.MOST_ROWS)))
        packs = packs_of(session, own(), [product.id for product in found])
        rows = [
            (
                product.code,
                door.named(product),
                sku.code,
                sku.gtin,
                door.named(sku, "spec"),
                f"{sku.price_fen / 100:.2f}",
                free,
                words[product.status],
            )
            for product in found
            for sku, free in packs.get(product.id, ())
            if not sku.raw
        ]
    header = [
        gettext("Product code"),
        gettext("Goods"),
        gettext("Pack code"),
        "GTIN",
        gettext("Pack"),
        gettext("Price (yuan)"),
        gettext("Free stock"),
        gettext("State"),
    ]
    return door.csv_answer("products", header, rows)


def _product_page(
    session: Session, product_id: int, *, form: Any = None, wrong_price: Any = None
) -> str:
    product, supplier = own_product(session, own(), product_id)
    packs = packs_of(session, own(), [product.id]).get(product.id, [])
    today = clock.business_date(clock.now())
    return show(
        session,
        "product.html",
        section="me",
        product=product,
        packs=packs,
        prices=price_history(session, [sku.id for sku, _ in packs]),
        demands=demands_of(session, product, supplier, today=today),
        statuses=status_words(),
        text_names=text_words(),
        form=form or texts_form(product),
        wrong_price=wrong_price,
        key=door.new_key(),
        may_manage=current_actor().can(Can.MANAGE_CATALOGUE),
    )


@blueprint.get("/products/<int:product_id>")
@requires(Can.SEE_SUPPLIER_DESK)
def product(product_id: int) -> ResponseReturnValue:
    """Show one product."""
    with reading() as session:
        return _product_page(session, product_id)


@blueprint.post("/products/<int:product_id>/texts")
@requires(Can.MANAGE_CATALOGUE)
def product_texts(product_id: int) -> ResponseReturnValue:
    """Give a product other texts."""
    now, actor = clock.now(), current_actor()
    texts = {name: request.form.get(name, "") for name in text_words() if name in request.form}
    try:
        with transaction() as session:
            own_product(session, own(Can.MANAGE_CATALOGUE), product_id)

            def act() -> int:
                return edit_texts(session, product_id, texts, actor=actor, now=now).id

            asked = ["edit_texts", actor.id, product_id, texts]
            once(session, sent_key(), asked, act, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            found, _ = own_product(session, own(Can.MANAGE_CATALOGUE), product_id)
            form = texts_form(found)
            form.refuse(refusal)
            return _product_page(session, product_id, form=form), refusal.status
    tell(gettext("The texts are saved."))
    return redirect(url_for("cooperatives.product", product_id=product_id), 303)


def _pack_of(session: Session, product_id: int, text: str) -> int:
    packs = packs_of(session, own(Can.MANAGE_CATALOGUE), [product_id])[product_id]
    for sku, _ in packs:
        if not sku.raw and str(sku.id) == text:
            return sku.id
    raise NotFound("There is no such product")


@blueprint.post("/products/<int:product_id>/prices")
@requires(Can.MANAGE_CATALOGUE)
def product_price(product_id: int) -> ResponseReturnValue:
    """Give one pack a new price; the history keeps the old one."""
    now, actor = clock.now(), current_actor()
    text, sku_text = request.form.get("price", ""), request.form.get("sku", "")
    try:
        with transaction() as session:
            own_product(session, own(Can.MANAGE_CATALOGUE), product_id)
            sku_id = _pack_of(session, product_id, sku_text)
            fen = read_price(text, "price")

            def act() -> int:
                return set_price(session, sku_id, fen, actor=actor, now=now).id

            once(session, sent_key(), ["price", actor.id, sku_text, fen], act, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        with reading() as session:
            wrong = (sku_text, text, door.say(refusal))
            return _product_page(session, product_id, wrong_price=wrong), refusal.status
    tell(gettext("The new price stands from now on."))
    return redirect(url_for("cooperatives.product", product_id=product_id), 303)


@blueprint.post("/products/<int:product_id>/status")
@requires(Can.MANAGE_CATALOGUE)
def product_status(product_id: int) -> ResponseReturnValue:
    """Put a product on the shelf or take it off."""
    now, actor = clock.now(), current_actor()
    status = request.form.get("status", "")
    try:
        with transaction() as session:
            own_product(session, own(Can.MANAGE_CATALOGUE), product_id)

            def act() -> int:
                return set_status(session, product_id, status, actor=actor, now=now).id

            once(session, sent_key(), ["status", actor.id, product_id, status], act, now=now)
    except NotFound:
        raise
    except Refused as refusal:
        tell(door.say(refusal), "error")
        with reading() as session:
            return _product_page(session, product_id), refusal.status
    told = gettext("It is on sale now.") if status == "published" else gettext("It is taken off.")
    tell(told)
    return redirect(url_for("cooperatives.product", product_id=product_id), 303)


@blueprint.get("/products/upload")
@requires(Can.MANAGE_CATALOGUE)
def product_upload() -> ResponseReturnValue:
    """Ask for a file of products."""
    with reading() as session:
        return show(session, "upload.html", section="me", form=upload_form())


@blueprint.post("/products/upload")
@requires(Can.MANAGE_CATALOGUE)
def product_take_in() -> ResponseReturnValue:
    """Take in a file of products, all or none."""
    now, actor = clock.now(), current_actor()
    name, content = door.sent_file("file", MOST_BYTES) or ("", b"")
    try:
        with transaction() as session:
            mine = sorted(own(Can.MANAGE_CATALOGUE))
            supplier = organisation(session, mine[0]).code
            rows = read_products(content, name, Known(supplier, *codes(session)))

            def act() -> list[int]:
                return [one.id for one in import_products(session, rows, actor=actor, now=now)]

            taken, _new = once(session, sent_key(), ["upload", actor.id, rows], act, now=now)
    except Refused as refusal:
        form = upload_form()
        form.refuse(refusal, dict.fromkeys([refusal.field or ""], "file"))
        with reading() as session:
            return show(session, "upload.html", section="me", form=form), refusal.status
    tell(gettext("%(count)s products are taken in. New ones wait as drafts.", count=len(taken)))
    return redirect(url_for("cooperatives.products"), 303)


@blueprint.get("/products/template.csv")
@requires(Can.MANAGE_CATALOGUE)
def product_template() -> ResponseReturnValue:
    """Give the CSV form with one example line."""
    with reading() as session:
        code = organisation(session, min(own(Can.MANAGE_CATALOGUE))).code
    return door.csv_answer("products-template", CSV_COLUMNS, csv_example(code))
