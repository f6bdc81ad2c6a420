"""Making what the demo's year sells: lots step by step, cases to outlets, all through the verbs."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.demo.demand import Good, Wave
from app.demo.papers import demo_paper
from foundation.clock import LOCAL
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Organisation, Place
from parties.people.permissions import Actor, Grant, Role
from traceability.printing.services import AT_ONCE, Printing, print_labels
from traceability.queries import template_of
from traceability.services.cases import Dispatch, pack_cases, receive_case, ship_cases
from traceability.services.lots import Output, StepEntry, open_lot, record_step

CARRIER = "示例快运（演示）"
LEFT_ON_SHELF = 5
LEFT_ONLINE = 90
Shelf = dict[tuple[int, int], deque[tuple[str | None, str]]]
"""(place id, sku id) → packs in the order they arrived: (serial or None, lot number)."""


@dataclass
class Maker:
    """Makes lots and brings them to outlets; remembers what lies on which shelf."""

    session: Session
    goods: Mapping[int, Good]
    shelf: Shelf = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.places: dict[int, list[Place]] = {}
        for place in self.session.scalars(select(Place).order_by(Place.id)):
            if place.kind not in {"transit", "outlet"}:
                self.places.setdefault(place.organisation_id, []).append(place)
        self.organisations = {o.id: o for o in self.session.scalars(select(Organisation))}
        self.raw = {sku.product_id: sku for sku in self.session.scalars(select(Sku).where(Sku.raw))}

    def owner(self, supplier_id: int) -> Actor:
        """Give a supplier's owner."""
        return Actor(None, (Grant(Role.SUPPLIER_OWNER, organisation_id=supplier_id),))

    def place(self, supplier_id: int, kinds: Sequence[str]) -> Place:
        """Give a supplier's first place of one of `kinds`, or its first place."""
        own = self.places[supplier_id]
        for kind in kinds:
            for place in own:
                if place.kind == kind:
                    return place
        return own[0]

    def make(self, wave: Wave) -> list[Lot]:
        """Record one lot of raw material and the packs made from it; give the packs' lots."""
        counts = self._counts(wave)
        first = self.goods[next(iter(counts))]
        product = self.session.get_one(Product, first.product_id)
        template = template_of(self.session, product.trace_template)
        owner = self.owner(first.supplier_id)
        steps = [s for s in template.steps if s["by"] == "supplier" and s["step"] != "case"]
        spans = [max(1, s.get("typical_days") or 1) for s in steps]
        ends = datetime.combine(wave.made, time(15), LOCAL).astimezone(UTC)
        at = ends - timedelta(days=min(sum(spans[1:]), 60))
        self.number += 1
        stamp = f"{wave.made:%y%m}-{self.number:03d}"
        raw = open_lot(
            self.session,
            sku_id=self.raw[product.id].id,
            lot_no=f"Y{stamp}",
            actor=owner,
            now=at,
            demo=True,
        )
        used = self._material(counts, steps)
        lots: list[Lot] = []
        for step, span in zip(steps, spans, strict=True):
            for lot in lots or [raw]:
                entry = self._entry(step, lot, product, at, used)
                if step["event_type"] == "TransformationEvent":
                    entry = self._with_outputs(entry, counts, stamp, used)
                elif step["object"] == "serials" and self._untracked(lot):
                    continue
                record_step(self.session, entry, actor=owner, now=at + timedelta(hours=1))
            if step["event_type"] == "TransformationEvent":
                lots = self._packs(counts, stamp)
            at = min(at + timedelta(days=span), ends)
        for lot in lots:
            self.print_all(lot, at=ends)
        return lots

    def print_all(self, lot: Lot, *, at: datetime) -> None:
        """Print the labels of a lot that was just made, one small file after the other."""
        packs = self.session.scalar(
            select(func.count()).select_from(Serial).where(Serial.lot_id == lot.id)
        )
        left = packs or 0
        while left > 0:
            wanted = Printing(lot_id=lot.id, layout="a4-3x8", count=min(left, AT_ONCE))
            print_labels(self.session, wanted, actor=self.owner(lot.organisation_id), now=at)
            left -= AT_ONCE

    def begin(self, product_code: str, *, now: datetime) -> None:
        """Begin a lot of `product_code` and leave it where its packs are to be made next."""
        good = next(g for g in self.goods.values() if g.product_code == product_code)
        product = self.session.get_one(Product, good.product_id)
        steps = template_of(self.session, product.trace_template).steps
        owner = self.owner(good.supplier_id)
        at = now - timedelta(days=6)
        lot = open_lot(
            self.session,
            sku_id=self.raw[product.id].id,
            lot_no=f"Y{at:%y%m}-{self.number + 1:03d}",
            actor=owner,
            now=at,
            demo=True,
        )
        for step in steps:
            if step["event_type"] == "TransformationEvent":
                break
            if step["by"] == "supplier" and step["required"]:
                entry = self._entry(step, lot, product, at, 410_000)
                record_step(self.session, entry, actor=owner, now=at)
                at += timedelta(days=1)

    def _counts(self, wave: Wave) -> dict[int, int]:
        counts: dict[int, int] = {}
        for (_, sku_id), packs in wave.counters.items():
            counts[sku_id] = counts.get(sku_id, 0) + packs + (LEFT_ON_SHELF if wave.last else 0)
        for sku_id, packs in wave.online.items():
            counts[sku_id] = counts.get(sku_id, 0) + packs
        for good in self.goods.values():
            if good.product_code == wave.product_code and (wave.last or not counts):
                extra = LEFT_ONLINE if good.shelf_life > 20 else 20  # noqa: PLR2004 -- fresh goods
                counts[good.sku_id] = counts.get(good.sku_id, 0) + extra
        return counts

    def _untracked(self, lot: Lot) -> bool:
        return self.goods[lot.sku_id].tracking != "serial"

    def _material(self, counts: Mapping[int, int], steps: Sequence[Mapping[str, Any]]) -> int:
        whole = sum(self.goods[sku_id].material * packs for sku_id, packs in counts.items())
        rule = next((s["yield"] for s in steps if s["event_type"] == "TransformationEvent"), None)
        share = (rule["min_pct"] + 3 * rule["max_pct"]) / 4 if rule else 100
        return int(whole * 100 / share) + 1

    def _entry(
        self, step: Mapping[str, Any], lot: Lot, product: Product, at: datetime, used: int
    ) -> StepEntry:
        day = at.astimezone(LOCAL).date()
        supplier = self.organisations[lot.organisation_id]
        values: dict[str, str] = {}
        for element in step["key_data_elements"]:
            example = element["example"]
            if element["type"] == "date":
                example = day.isoformat() if element["required"] else None
            elif element["code"] in {"supplier_of_lot", "promisor"}:
                example = supplier.short_zh
            elif element["code"].endswith("_no") and isinstance(example, str):
                example = f"DEMO-{lot.lot_no}-{element['code'][:3].upper()}"
            if example is not None:
                values[element["code"]] = str(example)
        source = step.get("quantity_from")
        moves_raw = step["object"] == "raw_lot" and step["biz_step"] in {
            "creating_class_instance",
            "receiving",
        }
        if source and moves_raw:
            amount = used / source["factor"]
            values[source["key_data_element"]] = (
                f"{amount:.3f}" if source["factor"] != 1 else str(used)
            )
        kind = step.get("certificate_kind")
        paper = None
        if kind:
            paper = demo_paper(
                kind,
                number=f"DEMO-{kind[:2].upper()}-{lot.lot_no}",
                issued_on=day,
                template=lot.template,
                product={
                    "name_zh": product.name_zh,
                    "name_en": product.name_en,
                    "origin_zh": product.origin_zh,
                    "origin_en": product.origin_en,
                    "supplier_zh": supplier.name_zh,
                    "supplier_en": supplier.name_en,
                    "quantity_kg": used / 1000,
                },
            )
        kinds = step.get("place_kinds") or [step["place_kind"]]
        return StepEntry(
            key=f"demo-{lot.id}-{step['step']}",
            lot_id=lot.id,
            step=step["step"],
            at=at,
            place_id=self.place(lot.organisation_id, kinds).id,
            quantity=used if moves_raw else None,
            values=values,
            paper=paper,
        )

    def _with_outputs(
        self, entry: StepEntry, counts: Mapping[int, int], stamp: str, used: int
    ) -> StepEntry:
        from dataclasses import replace

        outputs = tuple(
            Output(sku_id, f"L{stamp}{'ABC'[n]}" if len(counts) > 1 else f"L{stamp}", packs)
            for n, (sku_id, packs) in enumerate(sorted(counts.items()))
        )
        return replace(entry, quantity=used, outputs=outputs)

    def _packs(self, counts: Mapping[int, int], stamp: str) -> list[Lot]:
        return list(
            self.session.scalars(
                select(Lot)
                .where(Lot.sku_id.in_(counts), Lot.lot_no.startswith(f"L{stamp}"))
                .order_by(Lot.id)
            )
        )

    def deliver(self, wave: Wave, lots: Sequence[Lot], *, latest: datetime) -> int:
        """Pack what each outlet will sell into cases, send them and receive them; give how many."""
        packed: dict[int, list[LogisticUnit]] = {}
        owner = self.owner(lots[0].organisation_id)
        sent = datetime.combine(wave.ready - timedelta(days=1), time(9), LOCAL).astimezone(UTC)
        sent = min(sent, latest - timedelta(hours=30))
        for lot in lots:
            wanted = sorted(
                (packs + (LEFT_ON_SHELF if wave.last else 0), place_id)
                for (place_id, sku_id), packs in wave.counters.items()
                if sku_id == lot.sku_id
            )
            at_place = self._where(lot)
            sizes = sorted({packs for packs, _ in wanted})
            for size in sizes:
                places = [place_id for packs, place_id in wanted if packs == size]
                units = pack_cases(
                    self.session,
                    lot_id=lot.id,
                    place_id=at_place,
                    cases=len(places),
                    per_case=size,
                    at=sent - timedelta(hours=2),
                    actor=owner,
                    now=sent,
                )
                for place_id, unit in zip(places, units, strict=True):
                    packed.setdefault(place_id, []).append(unit)
        for place_id, units in sorted(packed.items()):
            self.send(units, place_id, owner, sent=sent, latest=latest)
        return sum(len(units) for units in packed.values())

    def _where(self, lot: Lot) -> int:
        from goods.stock.models import StockBalance

        found = self.session.scalar(
            select(StockBalance.place_id)
            .where(StockBalance.lot_id == lot.id, StockBalance.on_hand > 0)
            .order_by(StockBalance.on_hand.desc())
        )
        assert found is not None  # noqa: S101 -- the lot was just made
        return found

    def send(
        self,
        units: Sequence[LogisticUnit],
        place_id: int,
        owner: Actor,
        *,
        sent: datetime,
        latest: datetime,
        receiver: Actor | None = None,
    ) -> None:
        """Ship cases to a place and receive each by a scan a day later."""
        self.number += 1
        ship_cases(
            self.session,
            Dispatch(
                key=f"demo-ship-{self.number}",
                ssccs=tuple(unit.sscc for unit in units),
                to_place_id=place_id,
                carrier=CARRIER,
                waybill_no=f"DEMO{self.number:08d}",
                at=sent,
            ),
            actor=owner,
            now=sent,
        )
        arrived = min(sent + timedelta(hours=20 + self.number % 7), latest)
        clerk = receiver or Actor(None, (Grant(Role.COUNTER_CLERK, place_id=place_id),))
        for unit in units:
            lot = self.session.get_one(Lot, unit.lot_id)
            serials: Sequence[str] = self.session.scalars(
                select(Serial.serial).where(Serial.unit_id == unit.id).order_by(Serial.serial)
            ).all()
            receive_case(
                self.session,
                sscc=unit.sscc,
                place_id=place_id,
                at=arrived,
                actor=clerk,
                now=arrived,
            )
            waiting = self.shelf.setdefault((place_id, lot.sku_id), deque())
            if serials:
                waiting.extend((serial, lot.lot_no) for serial in serials)
            else:
                waiting.extend((None, lot.lot_no) for _ in range(unit.quantity))


def goods_of(session: Session) -> list[Good]:
    """Give every pack that the demo sells by itself: stocked, retail, not a kit."""
    rows = session.execute(
        select(Sku, Product)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.raw.is_(False), Product.retail_visible, Sku.stock_policy == "stocked")
        .order_by(Sku.id)
    )
    return [
        Good(
            sku.id,
            sku.code,
            sku.gtin,
            sku.tracking,
            product.id,
            product.code,
            product.category_code,
            product.county_code,
            product.supplier_id,
            product.shelf_life_days or 3650,
            tuple(product.season_months),
            sku.units_per_case,
            sku.material_per_unit or 1,
            3 if sku.sort == 0 else 2 if sku.sort == 1 else 1,
        )
        for sku, product in rows
    ]
