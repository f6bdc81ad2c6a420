"""Receipts, their list, and the day's totals."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from counters.exports import csv_answer
from counters.queries.receipts import (
    Day,
    Receipt,
    day_of,
    receipt_of,
    receipts_exported,
    receipts_page,
)
from counters.rules import read_yuan
from counters.views.common import asked, may, outlet_here, page
from counters.words import CERTAINTY_WORDS, TENDER_WORDS, named, say
from foundation import clock
from foundation.errors import BadInput, NotAllowed
from foundation.money import yuan
from foundation.web import asked_page, reading
from parties.network.models import Outlet
from parties.people.guards import requires
from parties.people.permissions import Can
from traceability.digital_link import ItemCode, build_uri
from traceability.labels.drawing import QUIET_MODULES, qr_modules

PAPERS = ("80", "58")


class Published(Protocol):
    """The one setting that receipts read."""

    public_url: str


@requires(Can.SEE_COUNTER)
def receipt(code: str, sale_id: UUID) -> ResponseReturnValue:
    """Show one receipt, on screen and for 58 or 80 mm paper."""
    with reading() as session:
        outlet = outlet_here(session, code)
        found = receipt_of(session, outlet.place_id, sale_id)
    paper = asked("paper", 2)
    return page(
        "receipt",
        outlet,
        sale=found.sale,
        lines=_lines(found),
        tenders=found.tenders,
        change=sum(tender.received_fen - tender.amount_fen for tender in found.tenders),
        pieces=sum(line[0].quantity for line in found.lines),
        demo=outlet.demo or any(line[2].demo for line in found.lines),
        paper=paper if paper in PAPERS else PAPERS[0],
        papers=PAPERS,
        tender_words=TENDER_WORDS,
        named=named,
    )


def _lines(found: Receipt) -> list[dict[str, Any]]:
    settings: Published = current_app.extensions["settings"]
    shown = []
    for line, sku, product, lot_no, serial in found.lines:
        uri = build_uri(settings.public_url, ItemCode(sku.gtin, lot_no, serial))
        shown.append(
            {
                "line": line,
                "name": named(product),
                "spec": named(sku, "spec"),
                "lot": lot_no,
                "serial": serial,
                "certainty": CERTAINTY_WORDS[line.lot_certainty],
                "uri": uri,
                "qr": _qr_path(uri),
                "differs": line.unit_price_fen != line.list_price_fen,
            }
        )
    return shown


def _qr_path(uri: str) -> dict[str, Any]:
    """Give a QR code as one SVG path and the side of its square, quiet zone and all."""
    modules = qr_modules(uri, "M")
    steps = [
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h1v1h-1z"
        for y, row in enumerate(modules.rows)
        for x, dark in enumerate(row)
        if dark
    ]
    return {"side": modules.count_with_quiet_zone, "path": "".join(steps)}


def _asked_day(today: date) -> date | None:
    try:
        return date.fromisoformat(asked("day", 10)) if asked("day", 10) else None
    except ValueError:
        return today


@requires(Can.SEE_COUNTER)
def receipts(code: str) -> ResponseReturnValue:
    """List receipts, newest first: today's unless another day or a number is asked for."""
    today = clock.business_date(clock.now())
    number = asked("number", 40)
    day = _asked_day(today)
    if day is None and not number:
        day = today
    with reading() as session:
        outlet = outlet_here(session, code)
        if asked("as") == "csv":
            if not may(outlet, Can.EXPORT_DATA):
                raise NotAllowed("You may not do this here")
            rows = receipts_exported(session, outlet.place_id, day=day, number=number)
            return _file(outlet, rows)
        listed, paid = receipts_page(
            session, outlet.place_id, day=day, number=number, page=asked_page()
        )
    return page(
        "receipts",
        outlet,
        listed=listed,
        paid=paid,
        day=day,
        today=today,
        number=number,
        tender_words=TENDER_WORDS,
        may_export=may(outlet, Can.EXPORT_DATA),
    )


def _file(outlet: Outlet, rows: Iterable[Any]) -> ResponseReturnValue:
    head = (_("Receipt"), _("Time"), _("Business day"), _("Pieces"), _("Total in yuan"))
    lines = [
        (
            row[1],
            row[2].astimezone(clock.LOCAL).strftime("%Y-%m-%d %H:%M:%S"),
            row[3],
            row[5],
            yuan(row[4]).replace(",", ""),
        )
        for row in rows
    ]
    return csv_answer(f"receipts-{outlet.code}", head, lines)


@requires(Can.SEE_COUNTER)
def day(code: str) -> ResponseReturnValue:
    """Show a business day so far: by way of paying and by pack, to compare with the drawer."""
    today = clock.business_date(clock.now())
    chosen = _asked_day(today) or today
    with reading() as session:
        outlet = outlet_here(session, code)
        sums = day_of(session, outlet.place_id, chosen)
    if asked("as") == "csv":
        if not may(outlet, Can.EXPORT_DATA):
            raise NotAllowed("You may not do this here")
        return _day_file(outlet, chosen, sums)
    counted, wrong = _counted()
    cash = sums.by_tender.get("cash", (0, 0))[1]
    return page(
        "day",
        outlet,
        sums=sums,
        day=chosen,
        today=today,
        cash=cash,
        counted=counted,
        wrong=wrong,
        difference=None if counted is None else counted - cash,
        typed=asked("counted", 20),
        pieces=sum(pack.quantity for pack in sums.by_pack),
        tender_words=TENDER_WORDS,
        may_export=may(outlet, Can.EXPORT_DATA),
        named=named,
        now=clock.now(),
    )


def _counted() -> tuple[int | None, str | None]:
    """Read the cash that was counted; it is compared and not kept."""
    if not asked("counted", 20):
        return None, None
    try:
        return read_yuan(asked("counted", 20), "counted"), None
    except BadInput as refusal:
        return None, say(refusal)


def _day_file(outlet: Outlet, chosen: date, sums: Day) -> ResponseReturnValue:
    head = (_("Barcode"), _("Article"), _("Pack size"), _("Quantity"), _("Total in yuan"))
    rows = [
        (
            pack.gtin,
            named(pack),
            named(pack, "spec"),
            pack.quantity,
            yuan(pack.total_fen).replace(",", ""),
        )
        for pack in sums.by_pack
    ]
    return csv_answer(f"day-{outlet.code}-{chosen.isoformat()}", head, rows)


def hang(bp: Blueprint) -> None:
    """Hang the addresses of receipts and totals."""
    bp.add_url_rule("/<code>/receipts", view_func=receipts)
    bp.add_url_rule("/<code>/receipts/<uuid:sale_id>", view_func=receipt)
    bp.add_url_rule("/<code>/day", view_func=day)
