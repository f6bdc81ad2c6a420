"""The one parser of a step, for pages and for partners' programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from cooperatives.forms.base import (
    Wrong,
    read_amount,
    read_count,
    read_moment,
    take,
    text_of,
    written_amount,
)
from cooperatives.forms.papers import read_paper
from cooperatives.queries.steps import Component, StepContext
from foundation import clock
from foundation.errors import BadInput, Named, Refused
from traceability.rules import read_values
from traceability.services.lots import Output, StepEntry

UNITS = {"g": ("千克", "kg"), "mL": ("升", "litres"), "piece": ("个", "pieces")}


def field_names(context: StepContext, raw: Mapping[str, Any]) -> dict[str, str]:
    """Say which field of the form stands for each name that a refusal may carry.

    What is said of all packs stands beside the first pack that was filled in.
    """
    names = {element["code"]: f"v_{element['code']}" for element in context.elements}
    needs = context.needs
    for fact, code in needs.items():
        if code is not None:
            names[f"paper_{fact}"] = f"v_{code}"
    if context.packs:
        ids = [pack.sku.id for pack in context.packs]
        first = next((one for one in ids if text_of(raw, f"out_{one}_count")), ids[0])
        names |= {"outputs": f"out_{first}_count", "lot_no": f"out_{first}_lot"}
    source = context.step.get("quantity_from")
    if source:
        names["quantity"] = f"v_{source['key_data_element']}"
    return names | {"file": "paper_file", "inputs": "quantity"}


def read_entry(
    raw: Mapping[str, Any],
    context: StepContext,
    *,
    key: str,
    now: datetime,
    file_key: str | None = None,
) -> StepEntry:
    """Read a step as typed on the page or sent by a partner; raise Wrong naming every fault."""
    faults: dict[str, Refused] = {}
    step, today = context.step, clock.business_date(now)
    if not key:
        raise BadInput("This form is too old or came from elsewhere; please send it again")
    at = take(faults, "at", lambda: read_moment(text_of(raw, "at"), "at"))
    place_id = take(faults, "place_id", lambda: _read_place(text_of(raw, "place_id"), context))
    quantity = None
    if context.asks_quantity:
        quantity = take(faults, "quantity", lambda: _read_quantity(raw, context))
    if context.transforms and context.kit is None and quantity and place_id:
        take(faults, "quantity", lambda: _must_lie(context, place_id, quantity))
    values: dict[str, Any] = {}
    for element in step["key_data_elements"]:
        code = element["code"]
        given = {code: text_of(raw, f"v_{code}")}
        alone = partial(read_values, {"key_data_elements": [element]}, given, today=today)
        values |= take(faults, code, alone) or {}
    outputs: tuple[Output, ...] = ()
    if context.transforms and context.kit is None:
        outputs = take(faults, "outputs", lambda: _read_outputs(raw, context)) or ()
    inputs: tuple[tuple[int, int], ...] = ()
    if context.kit is not None and context.transforms and quantity and place_id:
        inputs = take(faults, "quantity", lambda: _pick(context, place_id, quantity)) or ()
    paper = None
    if step.get("certificate_kind"):
        paper = take(
            faults, "paper_number", lambda: read_paper(raw, context, values, file_key, faults)
        )
    if faults:
        raise Wrong(faults)
    return StepEntry(
        key=key,
        lot_id=context.found.lot.id,
        step=step["step"],
        at=at,
        place_id=place_id,
        quantity=quantity,
        outputs=outputs,
        inputs=inputs,
        values={code: value for code, value in values.items() if value is not None},
        paper=paper,
    )


def _read_place(text: str, context: StepContext) -> int:
    allowed = {str(place.id): place.id for place in context.places}
    allowed |= {place.gln: place.id for place in context.places if place.gln}
    if text not in allowed:
        raise BadInput("Please choose one of your own places", field="place_id")
    return allowed[text]


def _read_quantity(raw: Mapping[str, Any], context: StepContext) -> int:
    if base := text_of(raw, "quantity_base"):
        return read_count(base, "quantity", most=1_000_000_000)
    text = text_of(raw, "quantity")
    if not text:
        raise BadInput("Please fill in this field", field="quantity")
    if context.factor == 1:
        return read_count(text, "quantity", most=1_000_000_000)
    return read_amount(text, "quantity", context.factor)


def _must_lie(context: StepContext, place_id: int, quantity: int) -> None:
    """Refuse to use more of a material than lies at the place, in the words of the field."""
    held = next((held for place, held in context.lying if place.id == place_id), 0)
    if quantity > held:
        raise BadInput(
            "Only %(held)s %(unit)s of it lie at this place",
            field="quantity",
            held=written_amount(held, context.factor),
            unit=Named(*UNITS.get(context.unit, UNITS["piece"])),
        )


def _read_outputs(raw: Mapping[str, Any], context: StepContext) -> tuple[Output, ...]:
    outputs = []
    for pack in context.packs:
        count = text_of(raw, f"out_{pack.sku.id}_count")
        if not count or count == "0":
            continue
        number = read_count(count, f"out_{pack.sku.id}_count")
        lot_no = text_of(raw, f"out_{pack.sku.id}_lot") or pack.lot_no
        outputs.append(Output(pack.sku.id, lot_no, number))
    if not outputs:
        raise BadInput("How much came out?", field="outputs")
    return tuple(outputs)


def _pick(context: StepContext, place_id: int, kits: int) -> tuple[tuple[int, int], ...]:
    """Choose component lots for `kits` pieces at a place, in the order given: first to expire."""
    here: Sequence[Component] = next(
        (lots for place, lots in context.components if place.id == place_id), ()
    )
    picked: list[tuple[int, int]] = []
    for sku_id, each in (context.kit or {}).items():
        missing = each * kits
        for component in here:
            if component.sku_id == sku_id and missing:
                amount = min(missing, component.free)
                picked.append((component.lot_id, amount))
                missing -= amount
        if missing:
            raise BadInput(
                "There are not enough parts here for %(kits)s; fetch more or make fewer",
                field="quantity",
                kits=kits,
            )
    return tuple(picked)
