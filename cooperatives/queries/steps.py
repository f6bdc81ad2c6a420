"""What a step's form needs to know: places, stock, packs that may come out, parts of a kit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cooperatives.queries.lots import DeskLot, lying, own_places, suggest_lot_no
from foundation.errors import NotFound
from goods.catalogue.models import Sku
from goods.stock.rules import fefo
from goods.stock.services import shelf
from parties.network.models import Place
from traceability.rules import AUTOMATIC

Element = Mapping[str, Any]

BULK: Final = {"g": 1000, "mL": 1000, "piece": 1}
"""How many base units one unit of the fields is: people weigh in kilograms, not in grams."""
PAPER_NUMBER: Final = ("report_no", "certificate_no", "quarantine_no", "meat_inspection_no")
PAPER_ISSUER: Final = ("lab", "promisor", "slaughterhouse")
PAPER_DAY: Final = ("tested_on", "issued_at", "slaughter_date")


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that a transformation may give: how much material one holds, and a free lot number."""

    sku: Sku
    lot_no: str


@dataclass(frozen=True, slots=True)
class Component:
    """A lot of what a kit is packed from, as it lies at the place of packing."""

    lot_id: int
    sku_id: int
    free: int


@dataclass(frozen=True, slots=True)
class StepContext:
    """Everything a step's form is built from and read against."""

    found: DeskLot
    step: Mapping[str, Any]
    places: Sequence[Place]
    lying: Sequence[tuple[Place, int]]
    packs: Sequence[Pack] = ()
    components: Sequence[tuple[Place, Sequence[Component]]] = ()
    kit: Mapping[int, int] | None = None
    """Of a kit: how many of each SKU one piece takes."""

    @property
    def transforms(self) -> bool:
        """Tell whether packs come out of this step."""
        return bool(self.step["event_type"] == "TransformationEvent")

    @property
    def asks_quantity(self) -> bool:
        """Tell whether the form asks how much, apart from the template's own values."""
        if self.step["biz_step"] == "commissioning" and self.found.sku.tracking != "serial":
            return False
        return bool(self.step["states_quantity"]) and not self.step.get("quantity_from")

    @property
    def elements(self) -> list[Element]:
        """Give the values that people write; the program fills in the others."""
        found: list[Element] = [
            element
            for element in self.step["key_data_elements"]
            if element["code"] not in AUTOMATIC
        ]
        return found

    @property
    def unit(self) -> str:
        """Give the base unit of the lot."""
        return self.found.sku.base_unit

    @property
    def factor(self) -> int:
        """Give how many base units one unit of the quantity field is."""
        return BULK.get(self.unit, 1)

    @property
    def place(self) -> Place | None:
        """Give the likeliest place: where the goods lie, else the first that will do."""
        allowed = {place.id for place in self.places}
        here = next((place for place, _ in self.lying if place.id in allowed), None)
        return here or (self.places[0] if self.places else None)

    @property
    def held(self) -> int:
        """Give how much of the lot lies at the likeliest place, or else anywhere of its owner's."""
        here = self.place.id if self.place else None
        at_place = next((held for place, held in self.lying if place.id == here), 0)
        return at_place or max((held for _, held in self.lying), default=0)

    @property
    def most_percent(self) -> float | None:
        """Give how much of the material may at most come out, in per cent."""
        rule = self.step.get("yield")
        return float(rule["max_pct"]) if rule else None

    def most_packs(self, used: int, sku: Sku) -> int | None:
        """Give how many packs `used` base units of material fill at most."""
        if not sku.material_per_unit or self.most_percent is None:
            return None
        return int(used * self.most_percent / 100 // sku.material_per_unit)

    @property
    def needs(self) -> dict[str, str | None]:
        """Name, for each fact of the paper, the template's value that gives it."""
        codes = [element["code"] for element in self.elements]

        def first(names: Sequence[str]) -> str | None:
            return next((name for name in names if name in codes), None)

        return {
            "number": first(PAPER_NUMBER),
            "issuer": first(PAPER_ISSUER),
            "issued_on": first(PAPER_DAY),
        }


def step_context(
    session: Session, found: DeskLot, step: Mapping[str, Any], *, today: date
) -> StepContext:
    """Gather what the form of `step` is built from. At most six statements."""
    organisation_id = found.lot.organisation_id
    transforms = step["event_type"] == "TransformationEvent"
    here = lying(session, found.lot.id, organisation_id)
    mine = own_places(session, organisation_id)
    kinds = list(step["place_kinds"] or ())
    places = sorted(
        (place for place in mine if place.kind in kinds), key=lambda one: kinds.index(one.kind)
    )
    if transforms:  # what lies elsewhere can only be worked on there
        places += [place for place, _ in here if place not in places]
    places = places or mine  # whoever has no such place records where the goods are worked on
    kit = _kit(session, found.sku) if found.sku.stock_policy == "kit" else None
    return StepContext(
        found=found,
        step=step,
        places=places,
        lying=here,
        packs=_packs(session, found, today) if transforms and kit is None else (),
        components=_components(session, places, kit, today) if transforms and kit else (),
        kit=kit,
    )


def step_named(found: DeskLot, code: str) -> Mapping[str, Any]:
    """Give one of the steps that this lot itself goes through; raise NotFound."""
    for step in found.steps:
        if step["step"] == code:
            return step
    raise NotFound("This kind of goods has no step %(code)s", code=code)


def _packs(session: Session, found: DeskLot, today: date) -> list[Pack]:
    skus = session.scalars(
        select(Sku)
        .where(Sku.product_id == found.product.id, Sku.raw.is_(False), Sku.active.is_(True))
        .order_by(Sku.sort, Sku.id)
    )
    return [Pack(sku, suggest_lot_no(session, sku.id, today, found.lot.lot_no)) for sku in skus]


def _kit(session: Session, sku: Sku) -> dict[int, int]:
    wanted = {row["sku"]: row["quantity"] for row in sku.kit}
    rows = session.execute(select(Sku.code, Sku.id).where(Sku.code.in_(wanted))).tuples()
    return {sku_id: wanted[code] for code, sku_id in rows}


def _components(
    session: Session, places: Sequence[Place], kit: Mapping[int, int], today: date
) -> list[tuple[Place, Sequence[Component]]]:
    free = shelf(session, list(kit), [place.id for place in places], today=today)
    return [
        (
            place,
            [Component(f.lot_id, f.sku_id, f.free) for f in fefo(free) if f.place_id == place.id],
        )
        for place in places
    ]
