"""What tills send, turned into something trusted: allow-listed, bounded, typed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from counters.rules import MOST_FEN, repeated
from foundation.errors import BadInput
from traceability.digital_link import ItemCode, gtin14
from traceability.scan_codes import read_code
from trade.sales.rules import MOST_LINES, Item, Paid, Ticket

TILL_TENDERS: Final = ("cash", "shop_qr", "voucher")
KEY: Final = re.compile(r"[A-Za-z0-9._:-]{8,80}", re.ASCII)
AHEAD: Final = timedelta(minutes=10)
"""How far a till's clock may run before ours."""
BEHIND: Final = timedelta(days=31)
MOST_QUANTITY: Final = 10_000
MOST_REFERENCE: Final = 80
MOST_VERSION: Final = 2_000_000_000
MOST_DIGITS: Final = 16

TICKET_FIELDS: Final = frozenset({"key", "sold_at", "items", "tenders"})
ITEM_FIELDS: Final = frozenset(
    {
        *("code", "gtin", "serial", "lot"),
        *("quantity", "price_fen", "price_version", "certainty"),
    }
)
TENDER_FIELDS: Final = frozenset({"kind", "amount_fen", "received_fen", "reference"})


def read_ticket(body: Any, *, place_id: int, now: datetime) -> Ticket:
    """Read a sale as tills and partner systems send it; the shape is in docs/till.md.

    Raises BadInput naming the field; nothing that is unknown passes.
    """
    fields = _mapping(body, TICKET_FIELDS, "sale")
    key = fields.get("key")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise BadInput(
            "A sale needs a key of 8 to 80 letters, digits or marks . _ : -", field="key"
        )
    items = read_items(fields.get("items"))
    tenders = fields.get("tenders", [])
    if not isinstance(tenders, list) or len(tenders) > 20:  # noqa: PLR2004 -- nobody splits finer
        raise BadInput("The tenders are a list", field="tenders")
    return Ticket(
        key=key,
        place_id=place_id,
        channel="counter",
        sold_at=_sold_at(fields.get("sold_at"), now),
        items=items,
        tenders=tuple(_tender(each) for each in tenders),
    )


def read_json(data: bytes | str, field: str = "sale") -> Any:
    """Read JSON from outside; what is cut short, nested without end or no JSON is refused."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput("This is not a sale that can be read", field=field) from error


def read_items(listed: Any) -> tuple[Item, ...]:
    """Read the items of a sale."""
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_LINES:
        raise BadInput("A sale has between 1 and 500 lines", field="items")
    items = tuple(_item(each) for each in listed)
    twice = repeated(items)
    if twice is not None:
        raise BadInput("The same unit is on this sale twice", field=f"items.{twice}")
    return items


def read_basket(text: str) -> tuple[Item, ...]:
    """Read the basket that a page without a script carries in a hidden field; empty is empty."""
    if not text.strip():
        return ()
    listed = read_json(text, "basket")
    return read_items(listed) if listed else ()


def write_basket(items: tuple[Item, ...]) -> str:
    """Write a basket as `read_basket` reads it."""
    return json.dumps(
        [
            {
                "gtin": item.gtin,
                "serial": item.serial,
                "lot": item.lot_no,
                "quantity": item.quantity,
                "price_fen": item.price_fen,
                "price_version": item.price_version,
                "certainty": item.certainty,
            }
            for item in items
        ],
        separators=(",", ":"),
    )


def _mapping(value: Any, known: frozenset[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("This is not a sale that can be read", field=what)
    strange = sorted(set(value) - known)
    if strange:
        raise BadInput("The field %(name)s is unknown", field=what, name=strange[0][:40])
    return value


def _whole(value: Any, field: str, *, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadInput("%(name)s is a whole number that makes sense", field=field, name=field)
    return value


def _text(value: Any, field: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadInput("%(name)s is a text", field=field, name=field)
    return value


def _sold_at(value: Any, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(
            "sold_at is a time with its zone, like 2026-11-23T10:42:00+08:00", field="sold_at"
        )
    if not now - BEHIND <= moment <= now + AHEAD:
        raise BadInput(
            "The clock of this till is wrong; set it and send the sale again", field="sold_at"
        )
    return moment.astimezone(UTC)


def _item(value: Any) -> Item:
    fields = _mapping(value, ITEM_FIELDS, "items")
    gtin, serial, lot = _code_of(fields)
    certainty = _text(fields.get("certainty"), "certainty")
    if certainty not in (None, "scanned", "chosen", "inferred"):
        raise BadInput("The certainty is scanned, chosen or inferred", field="items")
    price, version = fields.get("price_fen"), fields.get("price_version")
    quantity = _whole(fields.get("quantity", 1), "quantity", least=1, most=MOST_QUANTITY)
    if serial is not None and quantity != 1:
        raise BadInput("A quantity is a whole number above nought", field="items")
    return Item(
        gtin=gtin,
        quantity=quantity,
        serial=serial,
        lot_no=lot,
        price_fen=None if price is None else _whole(price, "price_fen", least=0, most=100_000_000),
        price_version=(
            None
            if version is None
            else _whole(version, "price_version", least=1, most=MOST_VERSION)
        ),
        certainty=certainty,
    )


def _code_of(fields: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    """Give GTIN, serial and lot; a unit is named by its serial, and its lot is looked up."""
    text = _text(fields.get("code"), "code")
    gtin, serial, lot = (_text(fields.get(name), name) for name in ("gtin", "serial", "lot"))
    if text is not None:
        if gtin or serial or lot:
            raise BadInput("Send the code or its parts, not both", field="items")
        scanned = read_code(text)
        gtin, serial, lot = scanned.gtin, scanned.serial, scanned.lot
    if gtin is None:
        raise BadInput("Every item needs a code or a GTIN", field="items")
    code = ItemCode(gtin14(gtin), lot, serial)
    return code.gtin, code.serial, None if code.serial else code.lot


def _tender(value: Any) -> Paid:
    fields = _mapping(value, TENDER_FIELDS, "tenders")
    kind = _text(fields.get("kind"), "kind")
    if kind not in TILL_TENDERS:
        raise BadInput("This way of paying is unknown", field="tenders")
    amount = _whole(fields.get("amount_fen"), "amount_fen", least=1, most=MOST_FEN)
    received = fields.get("received_fen")
    reference = (_text(fields.get("reference"), "reference") or "").strip()
    if kind == "voucher" and not reference:
        raise BadInput("A voucher needs its number", field="reference")
    if len(reference) > MOST_REFERENCE:
        raise BadInput("This number is too long", field="reference")
    return Paid(
        kind,
        amount,
        amount if received is None else _whole(received, "received_fen", least=0, most=MOST_FEN),
        reference,
    )


@dataclass(frozen=True, slots=True)
class DeedSent:
    """What somebody at a counter says was done with recalled goods."""

    key: str
    recall_id: int
    place_id: int
    lot_id: int
    act: str
    quantity: int
    serials: tuple[str, ...]


def read_deed(form: Mapping[str, str]) -> DeedSent:
    """Read one lot's form; an unreadable number is nought, and so refused by the verb.

    Scanned codes count by their serial.
    """

    def number(name: str) -> int:
        text = form.get(name, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS else 0

    return DeedSent(
        key=form.get("key", "")[:80],
        recall_id=number("recall"),
        place_id=number("place"),
        lot_id=number("lot"),
        act=form.get("act", "")[:12],
        quantity=number("quantity"),
        serials=tuple(dict.fromkeys(map(_serial, form.get("serials", "").split()[:500]))),
    )


def _serial(text: str) -> str:
    try:
        return read_code(text).serial or text
    except BadInput:
        return text.upper()[:20]
