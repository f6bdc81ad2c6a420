"""What a story is made of: plain values in both languages, ready for a page or a program."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID


class Words(NamedTuple):
    """A name in both languages."""

    name_zh: str
    name_en: str


class Spot(NamedTuple):
    """A place as a reader knows it. A transit place names where the goods are going."""

    id: int
    kind: str
    name_zh: str
    name_en: str
    town_zh: str
    town_en: str
    county_zh: str
    county_en: str


class Recorder(NamedTuple):
    """The organisation that wrote an event down."""

    kind: str
    name_zh: str
    name_en: str


def counter_word(spec_zh: str) -> str:
    """Give a pack's counter word: 瓶 of 500g/瓶, 箱 of 5kg/箱（10斤装）; 个 in bulk, else 件."""
    if spec_zh == "散装":
        return "个"
    word = spec_zh.partition("/")[2].partition("（")[0]
    return word if 0 < len(word) <= 2 else "件"  # noqa: PLR2004 -- a counter word


class Amount(NamedTuple):
    """So many base units (piece, g, mL) of a lot in an event."""

    lot_id: int
    lot_no: str
    gtin: str
    quantity: int
    base_unit: str
    name_zh: str
    name_en: str
    spec_zh: str
    spec_en: str
    role: str

    @property
    def unit_zh(self) -> str:
        """Give the counter word of a pack (瓶 of 500g/瓶), or the plain 件."""
        return counter_word(self.spec_zh)


class Value(NamedTuple):
    """One key data element of a step as it was recorded."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    """text, number, choice, boolean or date."""
    text: str
    text_zh: str
    text_en: str
    unit_zh: str
    unit_en: str


class PaperFact(NamedTuple):
    """A paper that came with an event."""

    kind: str
    number: str
    issuer_zh: str
    issuer_en: str
    issued_on: date
    valid_to: date | None
    demo: bool


class Result(NamedTuple):
    """One measured value against its limit; `limit` is None where none is set."""

    name_zh: str
    name_en: str
    unit_zh: str
    unit_en: str
    value: float
    limit: float | None
    at_most: bool

    @property
    def holds(self) -> bool:
        """Tell whether the value keeps its limit."""
        if self.limit is None:
            return True
        return self.value <= self.limit if self.at_most else self.value >= self.limit


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One event as a reader meets it."""

    event_id: UUID
    code: str
    """Of the template's step, or the biz step where no template names it."""
    name_zh: str
    name_en: str
    biz_step: str
    at: datetime
    spot: Spot
    to: Spot | None
    """Where the goods went, when that is somewhere else."""
    recorder: Recorder
    inputs: tuple[Amount, ...]
    outputs: tuple[Amount, ...]
    amount: Amount | None
    """What an event without transformation speaks of."""
    percent: float | None
    """Yield of a transformation."""
    values: tuple[Value, ...]
    papers: tuple[PaperFact, ...]
    until: datetime | None = None
    """Of a summed-up step of a lot: when it last happened."""
    times: int = 1
    places: int = 1


@dataclass(frozen=True, slots=True)
class Conformity:
    """The conformity certificate (承诺达标合格证) with the fields that the law names."""

    number: str
    product_zh: str
    product_en: str
    quantity: str
    quantity_unit_zh: str
    quantity_unit_en: str
    origin_zh: str
    origin_en: str
    issued_on: str
    promisor_zh: str
    promisor_en: str
    contact: str
    basis_zh: str
    basis_en: str
    demo: bool


class Held(NamedTuple):
    """A sale block that stands on the lot or the item."""

    reason: str
    note_zh: str
    note_en: str
    since: datetime
    recall_no: str | None


@dataclass(frozen=True, slots=True)
class Goods:
    """The trade item, its maker and what its label says."""

    gtin: str
    sku_code: str
    product_code: str
    raw: bool
    tracking: str
    base_unit: str
    name_zh: str
    name_en: str
    brand_zh: str
    brand_en: str
    spec_zh: str
    spec_en: str
    illustration: str
    ground: str
    compliance: str
    ingredients_zh: str
    ingredients_en: str
    allergens_zh: str
    allergens_en: str
    storage_zh: str
    storage_en: str
    origin_zh: str
    origin_en: str
    standard: str
    shelf_life_days: int | None
    maker_zh: str
    maker_en: str
    maker_short_zh: str
    maker_short_en: str
    licence: str | None
    county_zh: str
    county_en: str
    demo: bool
    published: bool

    @property
    def unit_zh(self) -> str:
        """Give the counter word of a pack."""
        return counter_word(self.spec_zh)

    @property
    def edible(self) -> bool:
        """Tell whether this is eaten."""
        return self.compliance not in {"textile", "nonfood"}


class Outflow(NamedTuple):
    """What one place received, sold and still holds of a lot, in base units."""

    spot: Spot
    received: int
    sold: int
    on_hand: int


class Sold(NamedTuple):
    """When and where an item was sold; never to whom."""

    at: datetime
    spot: Spot
    by: Recorder
    online: bool


@dataclass(frozen=True, slots=True)
class Story:
    """All that a page about one item or one lot says."""

    goods: Goods
    lot_id: int
    lot_no: str
    produced_on: date | None
    best_before: date | None
    freshness: str
    """none (does not expire), fresh, near (under a third of its life left) or expired."""
    demo: bool
    steps: tuple[StoryStep, ...]
    due: int
    """Required steps that lie before the furthest recorded one, itself included."""
    missing: tuple[Words, ...]
    """Those of them without a record."""
    to_come: tuple[Words, ...]
    """Required steps that are still ahead."""
    verdict: str
    """recalled, held, expired, incomplete or complete."""
    held: Held | None
    results: tuple[Result, ...]
    report: PaperFact | None
    tested: UUID | None
    """The event that the results come from."""
    conformity: Conformity | None
    papers: tuple[PaperFact, ...]
    route: tuple[Spot, ...]
    serial: str | None = None
    """None: this is the story of a lot."""
    state: str | None = None
    """Of the item: as in stock, or withdrawn when its number names nothing any more."""
    now: Spot | None = None
    sold: Sold | None = None
    outlets: tuple[Outflow, ...] = ()
    more_outlets: int = 0
    in_stock: int = 0
    sold_count: int = 0

    @property
    def beyond(self) -> int:
        """Count the results that break their limit."""
        return sum(not result.holds for result in self.results)

    @property
    def sent_without_temperature(self) -> bool:
        """Tell whether goods went on their way and nobody wrote down how warm it was."""
        return any(
            step.biz_step == "shipping"
            and all(value.code != "transport_temperature_c" for value in step.values)
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class CaseStory:
    """A case: what it was packed with, where from, where to, and what became of it."""

    sscc: str
    goods: Goods
    lot_no: str
    quantity: int
    state: str
    packed_at: datetime
    now: Spot
    origin: Spot | None
    destination: Spot | None
    shipment_no: str | None
    shipped_at: datetime | None
    received_at: datetime | None
    opened_at: datetime | None
    held: Held | None
    serials: Sequence[str]


class LotOnSale(NamedTuple):
    """A lot of which something is still to be had."""

    lot_no: str
    produced_on: date | None
    best_before: date | None
    on_hand: int
    outlets: int


@dataclass(frozen=True, slots=True)
class ProductStory:
    """A trade item without lot or serial: what it is and which lots are about."""

    goods: Goods
    lots: tuple[LotOnSale, ...]
