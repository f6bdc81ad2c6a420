"""A lot's whole journey on one page, put together for a template to lay out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from flask_babel import gettext
from sqlalchemy import Row
from sqlalchemy.orm import Session

from admin.figures import in_english, local
from admin.queries import lots as queries
from admin.queries.lots import Family, Happened, LotHead, Node, Standing
from admin.words import BIZ_STEPS, word
from foundation import clock
from goods.catalogue.models import Certificate
from insight.alerts.rules import near_expiry
from traceability.models import Recall

BY_CASE = frozenset({"packing", "unpacking", "shipping", "receiving", "stocking", "stock_taking"})
"""Steps that come case by case: a day's are told in one line."""
MOST_SELLING_DAYS = 15
"""Sales on more days than this are told by month."""
RANK = {"packing": 1, "shipping": 2, "receiving": 3, "unpacking": 4, "stocking": 5}
"""What comes first among happenings of the same moment; the rest comes before or is a sale."""
FAR_AND_WIDE = frozenset({"receiving", "unpacking", "stocking", "retail_selling", "stock_taking"})
"""Steps that many organisations take; their lines name places only."""
LOOKS = {"retail_selling": "sold", "holding": "halt", "stock_taking": "odd"}


@dataclass(slots=True)
class Stop:
    """One line of the journey: an event, or a day's events of the same kind at the same place."""

    title: str
    look: str
    first: datetime
    last: datetime
    recorded_at: datetime
    places: list[Row[Any]]
    organisation: str
    count: int = 0
    quantities: dict[tuple[int, str], int] = field(default_factory=dict)
    """Base units by lot and role."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    papers: list[Certificate] = field(default_factory=list)
    event_ids: list[Any] = field(default_factory=list)
    by_place: dict[int, int] = field(default_factory=dict)
    """Base units by place, where several places share a line."""
    sold_from: date | None = None
    sold_to: date | None = None
    """The days whose sales this line stands for."""

    @property
    def lines(self) -> list[tuple[int, str, int]]:
        """Give (lot id, role, base units)."""
        return [(lot_id, role, n) for (lot_id, role), n in self.quantities.items()]


class Balance(NamedTuple):
    """A lot's mass balance, in base units of its SKU."""

    made: int
    found: int
    """Booked in because the books fell short."""
    sold: int
    used: int
    """Went into other lots."""
    lost: int
    """Destroyed or counted out."""
    on_hand: int
    on_shelf: int
    in_transit: int

    @property
    def at_supplier(self) -> int:
        """Give what neither left for an outlet nor stands in one."""
        return self.on_hand - self.on_shelf - self.in_transit

    @property
    def came(self) -> int:
        """Give all that came in."""
        return self.made + self.found

    @property
    def out(self) -> int:
        """Give all that went out, and what is there."""
        return self.sold + self.used + self.lost + self.on_hand

    @property
    def gap(self) -> int:
        """Give what came in less what went out and is there: nought in sound books."""
        return self.came - self.out


class Yield(NamedTuple):
    """The making that a lot came from: what went in, and all that came out of it."""

    inputs: list[tuple[Node, int]]
    output: int
    """Of this lot."""
    others: int
    """How many further lots came out of the same making."""
    mass: int | None
    """Of all that came out, in the first input's base unit; None where it can't be compared."""

    @property
    def used(self) -> int:
        """Give all that went in."""
        return sum(quantity for _, quantity in self.inputs)


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything that the page shows."""

    head: LotHead
    family: Family
    stops: list[Stop]
    balance: Balance
    made_from: Yield | None
    places: list[Standing]
    reached: queries.Reached
    recall: Recall | None
    expired: bool
    near: bool
    cut_off: bool


def journey(session: Session, head: LotHead, today: date) -> Journey:
    """Gather a lot's journey with everything it was made from and that was made from it."""
    lot = head.lot
    kin = queries.family(session, lot.id)
    happened = sorted(
        queries.happenings(session, list(kin.nodes)),
        key=lambda h: (
            h.at,
            RANK.get(h.biz_step or "", 9 if h.biz_step == "retail_selling" else 0),
        ),
    )
    moves = queries.moves_of(session, lot.id)
    standing = queries.by_place(session, lot.id, moves)
    return Journey(
        head=head,
        family=kin,
        stops=_stops(session, happened, kin),
        balance=balance_of(moves, standing),
        made_from=_made_from(session, happened, lot.id),
        places=[place for place in standing if place.kind != "transit" or place.on_hand],
        reached=queries.reached(session, [lot.id, *kin.down]),
        recall=queries.recall_of(session, lot.id),
        expired=lot.best_before is not None and lot.best_before < today,
        near=near_expiry(lot.produced_on, lot.best_before, today),
        cut_off=len(happened) >= queries.MOST_EVENTS,
    )


def balance_of(moves: Iterable[Row[Any]], standing: Sequence[Standing]) -> Balance:
    """Add a lot's moves up by what they were for."""
    made = found = sold = used = lost = 0
    for move in moves:
        quantity = int(move.quantity)
        match (move.event_type, move.biz_step):
            case ("TransformationEvent", _):
                made, used = (made + quantity, used) if quantity > 0 else (made, used - quantity)
            case (_, "retail_selling"):
                sold -= quantity
            case (_, "stock_taking" | "accepting") if quantity > 0:
                found += quantity
            case (_, "stock_taking" | "destroying"):
                lost -= quantity
            case _:
                # Carrying between places adds up to nought; what is left came from outside.
                made += quantity
    return Balance(
        made,
        found,
        sold,
        used,
        lost,
        on_hand=sum(place.on_hand for place in standing),
        on_shelf=sum(place.on_hand for place in standing if place.kind == "outlet"),
        in_transit=sum(place.on_hand for place in standing if place.kind == "transit"),
    )


def _made_from(session: Session, happened: Sequence[Happened], lot_id: int) -> Yield | None:
    maker = next((h.event_id for h in happened if h.lot_id == lot_id and h.role == "output"), None)
    if maker is None:
        return None
    parts = queries.parts_of(session, maker)
    inputs = [(node, quantity) for node, role, quantity in parts if role == "input"]
    outputs = [(node, quantity) for node, role, quantity in parts if role == "output"]
    masses = [_mass(node, quantity) for node, quantity in outputs]
    comparable = len({node.base_unit for node, _ in inputs}) == 1 and None not in masses
    return Yield(
        inputs,
        sum(quantity for node, quantity in outputs if node.id == lot_id),
        sum(1 for node, _ in outputs if node.id != lot_id),
        sum(mass for mass in masses if mass is not None)
        if comparable and inputs[0][0].base_unit != "piece"
        else None,
    )


def _mass(node: Node, quantity: int) -> int | None:
    if node.material_per_unit is not None:
        return quantity * node.material_per_unit
    return quantity if node.base_unit != "piece" else None


def _stops(session: Session, happened: Sequence[Happened], kin: Family) -> list[Stop]:
    places = queries.places_named(
        session, {p for h in happened for p in (h.read_point_id, h.place_id) if p is not None}
    )
    organisations = queries.organisations_named(session, {h.organisation_id for h in happened})
    templates = queries.templates_of(
        session, {(node.template, node.template_version) for node in kin.nodes.values()}
    )
    steps = {
        key: {step["step"]: step for step in template.steps} for key, template in templates.items()
    }
    selling_days = {clock.business_date(h.at) for h in happened if h.biz_step == "retail_selling"}
    by_month = len(selling_days) > MOST_SELLING_DAYS
    stops: dict[tuple[Any, ...], Stop] = {}
    shown_facts: dict[Any, tuple[Stop, Mapping[str, Any]]] = {}
    for event in happened:
        node = kin.nodes[event.lot_id]
        step = steps.get((node.template, node.template_version), {}).get(event.template_step or "")
        key = _fold_key(event, by_month=by_month)
        if key not in stops:
            stops[key] = _stop(event, step, places, organisations)
        stop = stops[key]
        if event.event_id not in stop.event_ids:
            stop.event_ids.append(event.event_id)
            stop.count += 1
        stop.last = max(stop.last, event.at)
        amount = (event.lot_id, event.role)
        stop.quantities[amount] = stop.quantities.get(amount, 0) + event.quantity
        place = places.get(event.place_id or 0)
        if place is not None and event.biz_step != "shipping":
            if place not in stop.places:
                stop.places.append(place)
            stop.by_place[place.id] = stop.by_place.get(place.id, 0) + event.quantity
        if event.biz_step == "retail_selling":
            day = clock.business_date(event.at)
            stop.sold_from = min(stop.sold_from or day, day)
            stop.sold_to = max(stop.sold_to or day, day)
        if event.biz_step != "retail_selling" and stop.count == 1:
            shown_facts[event.event_id] = (stop, step or {})
    facts = queries.facts_of(session, list(shown_facts))
    papers = queries.papers_of(session, list(shown_facts))
    for event_id, (stop, step) in shown_facts.items():
        stop.facts = _told(facts.get(event_id, {}), step)
        stop.papers = papers.get(event_id, [])
    return list(stops.values())


def _fold_key(event: Happened, *, by_month: bool) -> tuple[Any, ...]:
    day = clock.business_date(event.at)
    if event.biz_step == "retail_selling":
        return ("sold", day.replace(day=1) if by_month else day)
    if event.biz_step in BY_CASE and event.event_type != "TransformationEvent":
        return (event.biz_step, event.action, event.lot_id, day)
    return (event.event_id,)


def _stop(
    event: Happened,
    step: Mapping[str, Any] | None,
    places: Mapping[int, Row[Any]],
    organisations: Mapping[int, Row[Any]],
) -> Stop:
    sold = event.biz_step == "retail_selling"
    seen = places.get(event.read_point_id or 0)
    organisation = organisations.get(event.organisation_id)
    title = _step_name(step) if step and not sold else word(BIZ_STEPS, event.biz_step)
    return Stop(
        title=title,
        look=LOOKS.get(event.biz_step or "", ""),
        first=event.at,
        last=event.at,
        recorded_at=event.recorded_at,
        places=[seen] if seen is not None else [],
        organisation=local(organisation)
        if organisation and event.biz_step not in FAR_AND_WIDE
        else "",
    )


def _step_name(step: Mapping[str, Any]) -> str:
    return str(step["name_en" if in_english() else "name_zh"])


def _told(facts: Mapping[str, Any], step: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name the facts of an event by its template's words; what has no words is left out."""
    language = "en" if in_english() else "zh"
    told = []
    for element in step.get("key_data_elements", ()):
        value = facts.get(element["code"])
        if value is None or value == "":
            continue
        text = str(value)
        if isinstance(value, bool):
            text = gettext("yes") if value else gettext("no")
        for choice in element.get("choices") or ():
            if isinstance(choice, dict) and choice["code"] == value:
                text = str(choice[language])
        unit = element.get("unit") or {}
        label = unit.get(f"label_{language}", "") if isinstance(unit, dict) else ""
        told.append((str(element[f"name_{language}"]), f"{text} {label}".strip()))
    if (rate := facts.get("yieldPercent")) is not None:
        told.append((gettext("Yield"), f"{rate}%"))
    if reason := facts.get("reason"):
        told.append((gettext("Reason"), str(reason)))
    return told
