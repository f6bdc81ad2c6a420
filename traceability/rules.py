"""What an event is, what it moves, and how it is written in EPCIS 2.0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote

from biip.checksums import gs1_standard_check_digit

from foundation.errors import BadInput
from goods.stock.rules import Move

ID = "https://id.gs1.org"
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"shanhuo": "https://shanhuo.example/voc/"},
]
UOM = {"g": "GRM", "mL": "MLT", "kg": "KGM"}
"""UN/ECE Recommendation 20 codes; pieces carry none (EPCIS 2.0 section 7.3.3.3)."""


class Flow(StrEnum):
    """Which way an event carries goods."""

    IN = "in"
    """Into the place: they came into being, or were found."""
    OUT = "out"
    """Out of the place: sold, destroyed, or found missing."""
    CARRY = "carry"
    """From one place to another: into transit, or out of it."""
    CONVERT = "convert"
    """Inputs out, outputs in, at one place."""
    NONE = "none"


PRIVATE = frozenset({"operator_id", "waybill_no", "ear_tags", "picker_group", "discrepancy"})
"""Facts of an event that are nobody's business outside: a person's number, a parcel's number."""

MOVES: dict[tuple[str, str | None, str | None], Flow] = {
    ("ObjectEvent", "ADD", "creating_class_instance"): Flow.IN,
    ("ObjectEvent", "ADD", "accepting"): Flow.IN,
    ("ObjectEvent", "ADD", "stock_taking"): Flow.IN,
    ("ObjectEvent", "DELETE", "stock_taking"): Flow.OUT,
    ("ObjectEvent", "DELETE", "destroying"): Flow.OUT,
    ("ObjectEvent", "OBSERVE", "shipping"): Flow.CARRY,
    ("ObjectEvent", "OBSERVE", "receiving"): Flow.CARRY,
    ("ObjectEvent", "OBSERVE", "retail_selling"): Flow.OUT,
    ("ObjectEvent", "OBSERVE", "storing"): Flow.CARRY,
    ("TransformationEvent", None, None): Flow.CONVERT,
}
"""The one table of what moves stock; whatever is not here moves nothing."""


class LotRef(NamedTuple):
    """A lot as an event needs it."""

    id: int
    sku_id: int
    gtin: str
    lot_no: str
    base_unit: str

    @property
    def uri(self) -> str:
        """Give its canonical Digital Link, an EPC class."""
        return f"{ID}/01/{self.gtin}/10/{quote(self.lot_no, safe='')}"


class SerialRef(NamedTuple):
    """A serialised unit as an event needs it."""

    id: int
    lot: LotRef
    serial: str

    @property
    def uri(self) -> str:
        """Give its canonical Digital Link, an EPC; the lot is an attribute and not part of it."""
        return f"{ID}/01/{self.lot.gtin}/21/{quote(self.serial, safe='')}"


class UnitRef(NamedTuple):
    """A case as an event needs it."""

    id: int
    sscc: str

    @property
    def uri(self) -> str:
        """Give its canonical Digital Link."""
        return f"{ID}/00/{self.sscc}"


class PlaceRef(NamedTuple):
    """A place as an event needs it; a transit place has no GLN and is named by its shipment."""

    id: int
    gln: str | None

    @property
    def uri(self) -> str | None:
        """Give its canonical Digital Link, when it has one."""
        return f"{ID}/414/{self.gln}" if self.gln else None


class Part(NamedTuple):
    """So many base units of a lot in an event."""

    lot: LotRef
    quantity: int
    role: str = "epc"
    """epc, input, output."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event about to be recorded."""

    event_type: str
    action: str | None
    biz_step: str | None
    disposition: str | None
    at: datetime
    organisation_id: int
    place: PlaceRef
    """Where it was seen: the read point."""
    to_place: PlaceRef | None = None
    """Where the goods are afterwards; None: where they were seen."""
    from_place: PlaceRef | None = None
    """Where they came from; None: where they were seen, or outside of this record."""
    parts: tuple[Part, ...] = ()
    """Every lot touched, with how many base units."""
    serials: tuple[SerialRef, ...] = ()
    units: tuple[UnitRef, ...] = ()
    """Cases: the goods themselves, or the parent of an aggregation."""
    inside: bool = False
    """`serials` and `parts` are what the cases hold, and are not named in the event."""
    whole_lot: bool = False
    """The event is about its lots as such, and so about each of their items."""
    template_step: str | None = None
    transaction: tuple[str, str] | None = None
    """CBV business transaction type and reference."""
    certificate_ids: tuple[int, ...] = ()
    certification: tuple[str, ...] = ()
    """References of the attached papers, for certificationInfo."""
    ilmd: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Key data elements of the step, as user extensions."""
    key: str | None = None

    @property
    def flow(self) -> Flow:
        """Tell which way the goods go."""
        step = None if self.event_type == "TransformationEvent" else self.biz_step
        return MOVES.get((self.event_type, self.action, step), Flow.NONE)

    @property
    def public(self) -> bool:
        """Tell whether everybody may see the whole event: a step of production, no packs named."""
        names_packs = self.serials or self.units
        private = PRIVATE & self.facts.keys()
        return self.template_step is not None and not names_packs and not private

    def moves(self) -> list[Move]:
        """Give the stock movements that this event is the cause of."""
        here = self.place.id
        there = (self.to_place or self.place).id
        moves: list[Move] = []
        for lot, quantity, role in self.parts:
            match self.flow:
                case Flow.IN:
                    moves.append(Move(there, lot.id, lot.sku_id, quantity))
                case Flow.OUT:
                    moves.append(Move(here, lot.id, lot.sku_id, -quantity))
                case Flow.CARRY:
                    if self.from_place is not None:
                        moves.append(Move(self.from_place.id, lot.id, lot.sku_id, -quantity))
                    moves.append(Move(there, lot.id, lot.sku_id, quantity))
                case Flow.CONVERT:
                    sign, where = (-1, here) if role == "input" else (1, there)
                    moves.append(Move(where, lot.id, lot.sku_id, sign * quantity))
                case Flow.NONE:
                    pass
        return moves


def _quantity(part: Part) -> dict[str, Any]:
    element: dict[str, Any] = {"epcClass": part.lot.uri, "quantity": part.quantity}
    if uom := UOM.get(part.lot.base_unit):
        element["uom"] = uom
    return element


def epcis_document(event: Happening, event_id: str, recorded: datetime) -> dict[str, Any]:
    """Write an event as EPCIS 2.0 JSON-LD (GS1 EPCIS 2.0 section 10, JSON binding)."""
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "type": event.event_type,
        "eventID": f"urn:uuid:{event_id}",
        "eventTime": _instant(event.at),
        "eventTimeZoneOffset": "+08:00",
        "recordTime": _instant(recorded),
    }
    if event.action:
        document["action"] = event.action
    if event.biz_step:
        document["bizStep"] = event.biz_step
    if event.disposition:
        document["disposition"] = event.disposition
    document |= _what(event)
    if uri := event.place.uri:
        document["readPoint"] = {"id": uri}
    where = event.to_place or event.place
    if uri := where.uri:
        document["bizLocation"] = {"id": uri}
    if event.transaction:
        kind, reference = event.transaction
        document["bizTransactionList"] = [{"type": kind, "bizTransaction": reference}]
    if event.from_place and event.from_place.uri and event.from_place != event.place:
        document["sourceList"] = [{"type": "location", "source": event.from_place.uri}]
    if event.certification:
        document["certificationInfo"] = list(event.certification)
    if event.ilmd:
        document["ilmd"] = {f"shanhuo:{name}": value for name, value in event.ilmd.items()}
    document |= {f"shanhuo:{name}": value for name, value in event.facts.items()}
    return document


def _instant(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _what(event: Happening) -> dict[str, Any]:
    units = [unit.uri for unit in event.units]
    serials = [serial.uri for serial in event.serials]
    counted = [part for part in event.parts if part.role == "epc"]
    if event.event_type == "TransformationEvent":
        return {
            "inputQuantityList": [_quantity(p) for p in event.parts if p.role == "input"],
            "outputQuantityList": [_quantity(p) for p in event.parts if p.role == "output"],
        }
    if event.event_type == "AggregationEvent":
        what: dict[str, Any] = {"parentID": units[0], "childEPCs": serials}
        if not serials:
            what["childQuantityList"] = [_quantity(part) for part in counted]
        return what
    what = {"epcList": units if event.inside else [*units, *serials]}
    named = {serial.lot.id for serial in event.serials}
    loose = [part for part in counted if part.lot.id not in named]
    if not event.inside and loose:
        what["quantityList"] = [_quantity(part) for part in loose]
    return what


def sscc_of(prefix: str, reference: int) -> str:
    """Make an SSCC (GS1 General Specifications 2.2.1) with extension digit 0."""
    body = f"0{prefix}{reference:0{16 - len(prefix)}d}"
    return f"{body}{gs1_standard_check_digit(body)}"


AUTOMATIC = frozenset({"serial_from", "serial_to", "sscc", "units_per_case", "component_lots"})
"""Key data elements that the program itself fills in."""


def read_values(
    step: Mapping[str, Any], given: Mapping[str, Any], *, today: date
) -> dict[str, Any]:
    """Check the key data elements of a template's step; give them typed, or raise BadInput.

    The refusal's `field` is the element's code.
    """
    values: dict[str, Any] = {}
    for element in step.get("key_data_elements", ()):
        code = element["code"]
        raw = given.get(code)
        text = "" if raw is None else str(raw).strip()
        if not text:
            if element.get("required") and code not in AUTOMATIC:
                raise BadInput("Please fill in this field", field=code)
            continue
        values[code] = _typed(element, text, today=today)
    return values


def _typed(element: Mapping[str, Any], text: str, *, today: date) -> Any:
    code, kind = element["code"], element.get("type", "text")
    try:
        if kind in {"number", "integer"}:
            number = float(text) if kind == "number" else int(text)
            return _within(element, number)
        if kind == "date":
            day = date.fromisoformat(text)
            if day > today + timedelta(days=3660):
                raise BadInput("This date is too far ahead", field=code)
            return day.isoformat()
    except ValueError as error:
        wanted = "Please enter a date" if kind == "date" else "Please enter a number"
        raise BadInput(wanted, field=code) from error
    if kind == "boolean":
        return text.lower() in {"1", "true", "yes", "on", "y"}
    if kind == "choice":
        allowed = [c["code"] if isinstance(c, Mapping) else c for c in element.get("choices", ())]
        if text not in allowed:
            raise BadInput("Please choose one of the list", field=code)
        return text
    if len(text) > 200:  # noqa: PLR2004 -- one line of a form
        raise BadInput("Please keep this under 200 characters", field=code)
    return text


def _within(element: Mapping[str, Any], number: float) -> float:
    low, high = element.get("min"), element.get("max")
    if low is not None and number < low:
        raise BadInput("This must be at least %(low)s", field=element["code"], low=low)
    if high is not None and number > high:
        raise BadInput("This must be at most %(high)s", field=element["code"], high=high)
    return number


def next_step(steps: Sequence[Mapping[str, Any]], done: set[str]) -> Mapping[str, Any] | None:
    """Give the first of the supplier's own steps that is not yet recorded."""
    for step in steps:
        if step.get("by") == "supplier" and step["step"] not in done:
            return step
    return None
