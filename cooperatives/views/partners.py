"""The same lots and steps for partners' programs: JSON in, JSON out, a token as key."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from cooperatives import door
from cooperatives.door import api, own
from cooperatives.forms.base import Wrong
from cooperatives.forms.entries import read_entry
from cooperatives.forms.lots import read_new_lot
from cooperatives.queries.catalogue import packs_of, products_query
from cooperatives.queries.lots import DeskLot, desk_lot, records
from cooperatives.queries.steps import StepContext, step_context, step_named
from foundation import clock
from foundation.errors import BadInput
from foundation.once import once
from foundation.web import reading, transaction
from goods.catalogue.models import Product
from parties.people.guards import current_actor, requires
from parties.people.permissions import Can
from traceability.services.events import event_by_key
from traceability.services.lots import open_lot, record_step


def _body() -> Mapping[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadInput("Please send one JSON object")
    return found


def _key(body: Mapping[str, Any]) -> str:
    key = body.get("key")
    if not isinstance(key, str) or not 8 <= len(key) <= 60:  # noqa: PLR2004 -- a UUID fits
        raise BadInput("Send a key of 8 to 60 characters of your own making", field="key")
    return key


def _told(found: DeskLot) -> dict[str, Any]:
    """Give a lot as partners see it; quantities in base units."""
    return {
        "id": found.lot.id,
        "lot_no": found.lot.lot_no,
        "gtin": found.sku.gtin,
        "sku": found.sku.code,
        "product": found.product.code,
        "template": found.lot.template,
        "state": found.state,
        "on_hand": found.on_hand,
        "unit": found.sku.base_unit,
        "produced_on": found.lot.produced_on.isoformat() if found.lot.produced_on else None,
        "best_before": found.lot.best_before.isoformat() if found.lot.best_before else None,
        "steps_done": sorted(found.own_done),
        "next_step": _asked_of(found.next) if found.next else None,
    }


def _asked_of(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": step["step"],
        "name_zh": step["name_zh"],
        "name_en": step["name_en"],
        "values": [
            {name: element.get(name) for name in ("code", "type", "required", "min", "max", "unit")}
            | {"choices": [choice["code"] for choice in element.get("choices") or ()]}
            for element in step["key_data_elements"]
        ],
    }


@api.get("/lots/<int:lot_id>")
@requires(Can.SEE_SUPPLIER_DESK)
def lot(lot_id: int) -> ResponseReturnValue:
    """Give one lot: its state, what comes next, and every recorded event."""
    with reading() as session:
        found = desk_lot(session, own(), lot_id)
        told = _told(found)
        told["events"] = [record.document for record in records(session, [lot_id])]
    return told


@api.post("/lots")
@requires(Can.RECORD_LOT)
def lot_open() -> ResponseReturnValue:
    """Open a lot: {"key", "sku", "lot_no"}; `sku` is the code of a raw material or a kit."""
    now, actor = clock.now(), current_actor()
    body = _body()
    key = _key(body)
    with transaction() as session:
        openable = _openable(session)
        sku_id = openable.get(str(body.get("sku")), (0, False))
        raw = {"sku_id": sku_id[0], "lot_no": str(body.get("lot_no") or "")[:40]}
        wanted = read_new_lot(raw, [one for one, _ in openable.values()])

        def act() -> int:
            return open_lot(
                session,
                sku_id=wanted.sku_id,
                lot_no=wanted.lot_no,
                actor=actor,
                now=now,
                demo=sku_id[1],
            ).id

        asked = ["open_lot", actor.id, wanted.sku_id, wanted.lot_no]
        lot_id, new = once(session, key, asked, act, now=now)
        told = _told(desk_lot(session, own(Can.RECORD_LOT), lot_id))
    return told, 201 if new else 200


def _openable(session: Session) -> dict[str, tuple[int, bool]]:
    mine = own(Can.RECORD_LOT)
    products: dict[int, Product] = {one.id: one for one in session.scalars(products_query(mine))}
    packs = packs_of(session, mine, list(products))
    return {
        row.sku.code: (row.sku.id, products[product_id].demo)
        for product_id, rows in packs.items()
        for row in rows
        if row.sku.raw or row.sku.stock_policy == "kit"
    }


@api.post("/lots/<int:lot_id>/steps")
@requires(Can.RECORD_LOT)
def lot_record(lot_id: int) -> ResponseReturnValue:
    """Record a step, by the same parser and verb as the page.

    {"key", "step", "at": ISO 8601, "place": GLN, "quantity": base units, "values": {code: value},
    "outputs": [{"sku", "lot_no", "quantity"}], "paper": {"number", "issuer", "issued_on",
    "valid_to"}}. Answers 201 with the event's id and the lot, 200 when the key came before.
    """
    now, actor = clock.now(), current_actor()
    body = _body()
    key = f"api-{actor.id}-{_key(body)}"[:80]
    try:
        with transaction() as session:
            found = desk_lot(session, own(Can.RECORD_LOT), lot_id)
            made = event_by_key(session, key)
            if made is None:
                step = step_named(found, str(body.get("step") or ""))
                context = step_context(session, found, step, today=clock.business_date(now))
                entry = read_entry(_flat(body, context), context, key=key, now=now)
                event_id = record_step(session, entry, actor=actor, now=now)
            else:
                event_id = made
            told = _told(desk_lot(session, own(Can.RECORD_LOT), lot_id))
    except Wrong as refusal:
        return {
            "error": refusal.code,
            "message": door.say(refusal),
            "field": refusal.field,
            "faults": {name: door.say(fault) for name, fault in refusal.faults.items()},
        }, refusal.status
    return {"event_id": str(event_id), "lot": told}, 200 if made else 201


def _flat(body: Mapping[str, Any], context: StepContext) -> dict[str, Any]:
    """Write a partner's step as the page's form writes it."""
    raw: dict[str, Any] = {"at": body.get("at"), "place_id": body.get("place")}
    if body.get("quantity") is not None:
        raw["quantity_base"] = body["quantity"]
    values = body.get("values") or {}
    outputs = body.get("outputs") or []
    paper = body.get("paper") or {}
    if not isinstance(values, dict) or not isinstance(outputs, list) or not isinstance(paper, dict):
        raise BadInput("Values and paper are objects, outputs are a list", field="values")
    raw |= {f"v_{code}": value for code, value in values.items()}
    raw |= {
        f"paper_{name}": paper.get(name) for name in ("number", "issuer", "issued_on", "valid_to")
    }
    packs = {pack.sku.code: pack.sku.id for pack in context.packs}
    for output in outputs:
        if not isinstance(output, dict) or output.get("sku") not in packs:
            raise BadInput("Please choose one of your own packs", field="outputs")
        sku_id = packs[output["sku"]]
        raw[f"out_{sku_id}_count"] = output.get("quantity")
        raw[f"out_{sku_id}_lot"] = output.get("lot_no")
    return raw
