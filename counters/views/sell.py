"""The till: scan, answer, basket, payment. Works without a script; with one it is quicker."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from counters.answers import answer_to, answers_to_items
from counters.forms import read_basket, read_items, read_json, read_ticket, write_basket
from counters.queries.goods import goods_by_gtin
from counters.queries.outlets import outlets_of
from counters.rules import Good, Kind, put, read_yuan, share_out, total_of
from counters.views.common import account_items, asked, may, outlet_here, page, wants_json
from counters.words import Answer, Choice, named, say
from foundation import clock
from foundation.errors import BadInput, NotAllowed, Refused
from foundation.web import needs_wasm, reading, transaction
from parties.network.models import Outlet
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from trade.sales.rules import Item, Ticket, change_due
from trade.sales.services import Made, record_sale

ONE = 1


@requires(Can.SEE_COUNTER)
def till() -> ResponseReturnValue:
    """Lead to one's counter, or let choose among several."""
    with reading() as session:
        outlets = outlets_of(session, current_actor(), Can.SEE_COUNTER)
    if len(outlets) == ONE:
        return redirect(url_for("counters.sell", code=outlets[0].code))
    return render_template(
        "counters/outlets.html", outlets=outlets, account_items=account_items(), named=named
    )


@requires(Can.SELL)
def sell(code: str) -> ResponseReturnValue:
    """Show the till with an empty basket; a script brings back the one on this device."""
    with reading() as session:
        outlet = outlet_here(session, code, Can.SELL)
    return _till_page(outlet, ())


@requires(Can.SELL)
def look(code: str) -> ResponseReturnValue:
    """Answer one code: as JSON for scripts, else as the till's page."""
    with reading() as session:
        outlet = outlet_here(session, code, Can.SELL)
        answer = answer_to(session, outlet, asked("code", 2_000), now=clock.now())
    if wants_json():
        return {**answer.as_json(), "now": clock.now().isoformat()}
    return _till_page(outlet, (), answer=answer)


@requires(Can.SELL)
def scan(code: str) -> ResponseReturnValue:
    """Without a script: answer a code, or change the basket that the page carries."""
    with reading() as session:
        outlet = outlet_here(session, code, Can.SELL)
        items, answer = _changed_basket(), None
        typed = request.form.get("code", "").strip()[:2_000]
        taken = request.form.get("take", "")
        if taken:
            items = _put(items, read_items([_known(json_object(taken))])[0])
        elif typed:
            answer = answer_to(session, outlet, typed, now=clock.now())
            if answer.answer == Kind.GO and answer.item:
                new = read_items([_known(answer.item)])[0]
                grown = put(items, new)
                items, answer = (items, _twice(answer)) if grown is None else (grown, answer)
        goods = goods_by_gtin(session, {item.gtin for item in items})
    return _till_page(outlet, items, answer=answer, goods=goods)


def _put(items: tuple[Item, ...], new: Item) -> tuple[Item, ...]:
    grown = put(items, new)
    return items if grown is None else grown


def _twice(answer: Answer) -> Answer:
    return replace(
        answer,
        answer=str(Kind.ASK),
        title=_("Scanned before"),
        say=_("This pack is on this sale already."),
        next=_("Scan the next one."),
        choices=(),
    )


def json_object(text: str) -> dict[str, Any]:
    """Read one JSON object that a page's button carries."""
    value = read_json(text, "take")
    if not isinstance(value, dict):
        raise BadInput("This is not a sale that can be read", field="take")
    return value


SENT = ("gtin", "serial", "lot", "quantity", "price_fen", "price_version", "certainty")


def _known(item: dict[str, Any]) -> dict[str, Any]:
    """Keep of a basket's item what a sale sends; the rest is for showing."""
    return {name: item[name] for name in SENT if name in item}


def _changed_basket() -> tuple[Item, ...]:
    """Read the basket of a page without a script, with its counts and removals."""
    items = []
    dropped = request.form.get("remove", "")
    for position, item in enumerate(read_basket(request.form.get("basket", ""))):
        typed = request.form.get(f"quantity-{position}", "")
        count = int(typed) if typed.isdecimal() and len(typed) < 5 else item.quantity  # noqa: PLR2004
        if str(position) == dropped or count == 0:
            continue
        items.append(item if item.serial else item._replace(quantity=count))
    return tuple(items)


def _till_page(
    outlet: Outlet,
    items: tuple[Item, ...],
    *,
    answer: Answer | None = None,
    goods: dict[str, Good] | None = None,
) -> str:
    needs_wasm()
    return page(
        "sell",
        outlet,
        answer=answer,
        lines=_lines(items, goods or {}),
        total=total_of(items),
        count=sum(item.quantity for item in items),
        basket=write_basket(items) if items else "",
        shown=_shown(items, goods or {}),
        as_value=_as_value,
        now=clock.now(),
    )


def _shown(items: tuple[Item, ...], goods: dict[str, Good]) -> list[dict[str, Any]]:
    """Give a basket as the script keeps it, for one that begins before the script is there."""
    shown = []
    for item, sent in zip(items, json.loads(write_basket(items)), strict=True):
        good = goods.get(item.gtin)
        names = {"name": named(good), "spec": named(good, "spec")} if good else {"name": item.gtin}
        shown.append({"spec": "", "free": item.quantity, **sent, **names})
    return shown


def _as_value(choice: Choice) -> str:
    return json.dumps(_known(choice.item or {}), separators=(",", ":"))


def _lines(items: tuple[Item, ...], goods: dict[str, Good]) -> list[dict[str, Any]]:
    lines = []
    for item in items:
        good = goods.get(item.gtin)
        price = item.price_fen or 0
        lines.append(
            {
                "name": named(good) if good else item.gtin,
                "spec": named(good, "spec") if good else "",
                "item": item,
                "price_fen": price,
                "total_fen": price * item.quantity,
            }
        )
    return lines


@requires(Can.SELL)
def pay(code: str) -> ResponseReturnValue:
    """Without a script: ask how the basket is paid. Nothing is written yet."""
    with reading() as session:
        outlet = outlet_here(session, code, Can.SELL)
        items = _changed_basket()
        goods = goods_by_gtin(session, {item.gtin for item in items})
    if not items:
        return redirect(url_for("counters.sell", code=code), 303)
    return _pay_page(outlet, items, goods, key=f"page-{uuid4()}", sold_at=clock.now())


def _pay_page(
    outlet: Outlet,
    items: tuple[Item, ...],
    goods: dict[str, Good],
    *,
    key: str,
    sold_at: datetime | str,
    refusal: Refused | None = None,
) -> str:
    return page(
        "pay",
        outlet,
        lines=_lines(items, goods),
        items=items,
        total=total_of(items),
        basket=write_basket(items),
        key=key,
        sold_at=sold_at if isinstance(sold_at, str) else sold_at.isoformat(),
        refusal=say(refusal) if refusal else None,
        field=refusal.field if refusal else None,
        typed=request.form,
    )


@requires(Can.SELL)
def sales(code: str) -> ResponseReturnValue:
    """Record a sale: JSON from the till's script, or the fields of the page without one."""
    now = clock.now()
    if request.is_json:
        return sale_as_json(code, read_json(request.get_data()), now=now)
    with reading() as session:
        outlet = outlet_here(session, code, Can.SELL)
    items = read_basket(request.form.get("basket", ""))
    try:
        ticket = _ticket_of_form(outlet, items, now)
        with transaction() as session:
            made = record_sale(session, ticket, actor=current_actor(), now=now)
    except NotAllowed:
        raise
    except Refused as refusal:
        if not items:
            raise
        with reading() as session:
            goods = goods_by_gtin(session, {item.gtin for item in items})
        key = request.form.get("key", "")
        sold_at = request.form.get("sold_at", "")
        shown = _pay_page(outlet, items, goods, key=key, sold_at=sold_at, refusal=refusal)
        return shown, refusal.status
    return redirect(url_for("counters.receipt", code=code, sale_id=made.id), 303)


def _ticket_of_form(outlet: Outlet, items: tuple[Item, ...], now: datetime) -> Ticket:
    form = request.form
    reference = form.get("reference", "").strip()
    voucher = read_yuan(form.get("voucher", ""), "voucher")
    if voucher and not reference:
        raise BadInput("A voucher needs its number", field="reference")
    paid = share_out(
        total_of(items),
        cash=read_yuan(form.get("cash", ""), "cash"),
        shop_qr=read_yuan(form.get("shop_qr", ""), "shop_qr"),
        voucher=voucher,
        reference=reference,
    )
    body = {
        "key": form.get("key"),
        "sold_at": form.get("sold_at"),
        "items": json.loads(write_basket(items)),
        "tenders": [tender._asdict() for tender in paid],
    }
    return read_ticket(body, place_id=outlet.place_id, now=now)


def sale_as_json(code: str, body: Any, *, now: datetime) -> ResponseReturnValue:
    """Record a sale sent as JSON; 201 when it is new, 200 when it was known, else the refusal.

    A refusal over one item says which (`item`, from nought) and what the till would answer to it.
    """
    with reading() as session:
        outlet = outlet_here(session, code, Can.SELL)
    ticket = read_ticket(body, place_id=outlet.place_id, now=now)
    try:
        with transaction() as session:
            made = record_sale(session, ticket, actor=current_actor(), now=now)
    except NotAllowed:
        raise
    except Refused as refusal:
        told: dict[str, Any] = {"error": refusal.code, "message": say(refusal)}
        if refusal.field:
            told["field"] = refusal.field
        return {**told, **_culprit(outlet, ticket.items, now)}, refusal.status
    return _made(outlet, ticket, made), 201 if made.new else 200


def _culprit(outlet: Outlet, items: tuple[Item, ...], now: datetime) -> dict[str, Any]:
    """Find the first item that may not be sold, to show the refusal beside it."""
    with reading() as session:
        answers = answers_to_items(session, outlet, items, now=now)
    for position, answer in enumerate(answers):
        if answer.answer == Kind.STOP:
            return {"item": position, "answer": answer.as_json()}
    return {}


def _made(outlet: Outlet, ticket: Ticket, made: Made) -> dict[str, Any]:
    return {
        "sale": str(made.id),
        "number": made.number,
        "total_fen": made.total_fen,
        "change_fen": change_due(ticket.tenders),
        "receipt": url_for("counters.receipt", code=outlet.code, sale_id=made.id),
    }


def hang(bp: Blueprint) -> None:
    """Hang the till's addresses."""
    bp.add_url_rule("/", view_func=till)
    bp.add_url_rule("/<code>", view_func=sell)
    bp.add_url_rule("/<code>/look", view_func=look)
    bp.add_url_rule("/<code>/scan", view_func=scan, methods=["POST"])
    bp.add_url_rule("/<code>/pay", view_func=pay, methods=["POST"])
    bp.add_url_rule("/<code>/sales", view_func=sales, methods=["POST"])


__all__ = ["hang", "may", "sale_as_json"]
