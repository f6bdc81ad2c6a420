"""Lots as the desk sees them: what is recorded, what comes next, what lies where."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from foundation.errors import NotFound
from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import Hold, LogisticUnit, Lot, StockBalance
from parties.network.models import Place
from traceability.models import EventCertificate, EventLot, TraceEvent, TraceTemplate

Step = Mapping[str, Any]

RECORDING, COMPLETE, HELD, USED = "recording", "complete", "held", "used"
STATES = (RECORDING, COMPLETE, HELD, USED)


@dataclass(frozen=True, slots=True)
class DeskLot:
    """One lot with its way through the template, as far as the supplier has a part in it."""

    lot: Lot
    sku: Sku
    product: Product
    steps: Sequence[Step]
    """The steps that this lot itself goes through."""
    before: Sequence[Step]
    """The steps that the lots it was made from went through."""
    after: Sequence[Step]
    """The steps that follow: those of the packs made from it, and sending them."""
    done: Mapping[str, datetime]
    """Steps recorded for this lot or for what it was made from, and when they last happened."""
    own_done: frozenset[str]
    on_hand: int
    """Base units at the supplier's own places."""
    packed: int
    """How many of these stand in closed cases."""
    hold: Hold | None = None
    parents: tuple[int, ...] = ()
    missing: tuple[Step, ...] = field(default=())
    """Required steps of its own that are not recorded yet."""

    @property
    def next(self) -> Step | None:
        """Give the first required step that is not recorded yet."""
        return self.missing[0] if self.missing and self.hold is None else None

    @property
    def others(self) -> list[Step]:
        """Give the further steps that may be recorded now: optional ones, or ones done again."""
        return [
            step
            for step in self.steps
            if may_record(self, step) and (self.next is None or step["step"] != self.next["step"])
        ]

    @property
    def state(self) -> str:
        """Tell recording, complete, held or used."""
        if self.hold is not None:
            return HELD
        if self.missing:
            return RECORDING
        return COMPLETE if self.on_hand else USED

    @property
    def last_at(self) -> datetime:
        """Give when something last happened to it."""
        return max(self.done.values(), default=self.lot.created_at)

    @property
    def due_on(self) -> date:
        """Give the day by which the next step usually happens."""
        days = (self.next or {}).get("typical_days") or 0
        return (self.last_at + timedelta(days=days)).date()

    @property
    def loose(self) -> int:
        """Give how many packs are not in a case."""
        return self.on_hand - self.packed

    @property
    def name_zh(self) -> str:
        """Name what it is of, in Chinese."""
        return self.sku.name_zh or self.product.name_zh

    @property
    def name_en(self) -> str:
        """Name what it is of, in English."""
        return self.sku.name_en or self.product.name_en

    @property
    def progress(self) -> list[tuple[Step, str]]:
        """List required steps, from the first material on, as done, now or todo."""
        marks: list[tuple[Step, str]] = []
        for step in (*self.before, *self.steps, *self.after):
            if step["step"] in self.done and step["required"]:
                marks.append((step, "done"))
            elif step["required"]:
                now = self.next is not None and step["step"] == self.next["step"]
                marks.append((step, "now" if now else "todo"))
        return marks


def is_once(step: Step) -> bool:
    """Tell whether a step can be recorded only once for a lot."""
    once = step["event_type"] == "TransformationEvent" or step["biz_step"] == "commissioning"
    return bool(once and step["object"] != "raw_lot")


def may_record(found: DeskLot, step: Step) -> bool:
    """Tell whether a step's turn has come, and it is not over."""
    if found.hold is not None or step["event_type"] == "AggregationEvent":
        return False
    if is_once(step) and step["step"] in found.own_done:
        return False
    for earlier in found.steps:
        if earlier["step"] == step["step"]:
            return True
        if earlier["required"] and earlier["step"] not in found.done:
            return False
    return False


@dataclass(frozen=True, slots=True)
class Way:
    """A template cut for one sort of lot."""

    steps: Sequence[Step]
    before: Sequence[Step] = ()
    after: Sequence[Step] = ()


def way_of(steps: Sequence[Step], *, raw: bool, tracking: str) -> Way:
    """Cut a template into what a lot of this sort goes through, what came before, what follows.

    Raw material goes up to the step that makes packs of it; packs go on from there. A kit has
    no such material: its empty boxes are counted, everything else is recorded for the kit.
    """
    mine = [
        step
        for step in steps
        if step["by"] == "supplier"
        and (not step.get("applies_to_tracking") or tracking in step["applies_to_tracking"] or raw)
    ]
    sending = [step for step in steps if step["biz_step"] == "shipping"]
    if any(step.get("inputs") == "kit_components" for step in mine):
        boxes = [step for step in mine if step["object"] == "raw_lot"]
        return Way(boxes) if raw else Way([s for s in mine if s not in boxes], after=sending)
    turn = next(
        (n for n, step in enumerate(mine, 1) if step["event_type"] == "TransformationEvent"),
        len(mine),
    )
    if raw:
        return Way(mine[:turn], after=[*mine[turn:], *sending])
    return Way(mine[turn:], before=mine[:turn], after=sending)


def desk_lots(
    session: Session,
    organisations: Collection[int],
    *,
    lot_id: int | None = None,
    product_id: int | None = None,
    words: str = "",
) -> list[DeskLot]:
    """Give lots of these organisations with their state, newest first. Seven statements."""
    query = (
        select(Lot, Sku, Product)
        .join(Sku, Sku.id == Lot.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .where(Lot.organisation_id.in_(organisations))
        .order_by(Lot.created_at.desc(), Lot.id.desc())
    )
    if lot_id is not None:
        query = query.where(Lot.id == lot_id)
    if product_id is not None:
        query = query.where(Product.id == product_id)
    if words:
        like = f"%{words.lower().replace('%', '').replace('_', '')}%"
        query = query.where(func.lower(Lot.lot_no).like(like) | Product.search_text.like(like))
    rows = session.execute(query).tuples().all()
    ids = [lot.id for lot, _, _ in rows]
    templates = _templates(session)
    parents = _parents(session, ids)
    lineage = {lot_id: _line(parents, lot_id) for lot_id in ids}
    everyone = {one for line in lineage.values() for one in line}
    done = _done(session, everyone)
    on_hand, packed = _on_hand(session, ids), _packed(session, ids)
    holds = _holds(session, ids)
    found = []
    for lot, sku, product in rows:
        template = templates.get((lot.template, lot.template_version), [])
        way = way_of(template, raw=sku.raw, tracking=sku.tracking)
        line = {
            step: at for one in reversed(lineage[lot.id]) for step, at in done.get(one, {}).items()
        }
        found.append(
            DeskLot(
                lot=lot,
                sku=sku,
                product=product,
                steps=way.steps,
                before=way.before,
                after=way.after,
                done=line,
                own_done=frozenset(done.get(lot.id, {})),
                on_hand=on_hand.get(lot.id, 0),
                packed=packed.get(lot.id, 0),
                hold=holds.get(lot.id),
                parents=parents.get(lot.id, ()),
                missing=tuple(s for s in way.steps if s["required"] and s["step"] not in line),
            )
        )
    return found


def desk_lot(session: Session, organisations: Collection[int], lot_id: int) -> DeskLot:
    """Give one lot of these organisations by the query of the list; raise NotFound."""
    found = desk_lots(session, organisations, lot_id=lot_id)
    if not found:
        raise NotFound("There is no such lot")
    return found[0]


def most_urgent(lots: Sequence[DeskLot]) -> DeskLot | None:
    """Give the lot whose next step is due first; the older lot where two are due together."""
    waiting = [found for found in lots if found.next is not None]
    return min(waiting, key=lambda found: (found.due_on, found.lot.id), default=None)


def _templates(session: Session) -> dict[tuple[str, int], list[Step]]:
    rows = session.execute(
        select(TraceTemplate.code, TraceTemplate.version, TraceTemplate.steps)
    ).tuples()
    return {(code, version): steps for code, version, steps in rows}


def _parents(session: Session, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    made, used = aliased(EventLot), aliased(EventLot)
    rows = session.execute(
        select(made.lot_id, used.lot_id)
        .join(used, (used.event_id == made.event_id) & (used.role == "input"))
        .where(made.role == "output", made.lot_id.in_(ids))
        .distinct()
        .order_by(made.lot_id, used.lot_id)
    ).tuples()
    parents: dict[int, tuple[int, ...]] = {}
    for child, parent in rows:
        parents[child] = (*parents.get(child, ()), parent)
    return parents


def _line(parents: Mapping[int, tuple[int, ...]], lot_id: int) -> list[int]:
    line = [lot_id]
    for one in line:
        line.extend(parent for parent in parents.get(one, ()) if parent not in line)
    return line


def _done(session: Session, ids: Collection[int]) -> dict[int, dict[str, datetime]]:
    rows = session.execute(
        select(EventLot.lot_id, TraceEvent.template_step, func.max(TraceEvent.event_time))
        .join(TraceEvent, TraceEvent.id == EventLot.event_id)
        .where(
            EventLot.lot_id.in_(ids),
            TraceEvent.template_step.is_not(None),
            TraceEvent.template_step.not_in(("sell", "receive", "stock")),
        )
        .group_by(EventLot.lot_id, TraceEvent.template_step)
        .order_by(func.max(TraceEvent.event_time))
    ).tuples()
    done: dict[int, dict[str, datetime]] = {}
    for lot_id, step, at in rows:
        if step is not None:
            done.setdefault(lot_id, {})[step] = at
    return done


def _on_hand(session: Session, ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(StockBalance.lot_id, func.sum(StockBalance.on_hand))
        .join(Place, Place.id == StockBalance.place_id)
        .join(Lot, Lot.id == StockBalance.lot_id)
        .where(
            StockBalance.lot_id.in_(ids),
            Place.kind != "transit",
            Place.organisation_id == Lot.organisation_id,
        )
        .group_by(StockBalance.lot_id)
    ).tuples()
    return {lot_id: int(total) for lot_id, total in rows}


def _packed(session: Session, ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(
        select(LogisticUnit.lot_id, func.sum(LogisticUnit.quantity))
        .where(LogisticUnit.lot_id.in_(ids), LogisticUnit.state == "packed")
        .group_by(LogisticUnit.lot_id)
    ).tuples()
    return {lot_id: int(total) for lot_id, total in rows}


def _holds(session: Session, ids: Sequence[int]) -> dict[int, Hold]:
    rows = session.scalars(
        select(Hold).where(Hold.lot_id.in_(ids), Hold.released_at.is_(None)).order_by(Hold.id)
    )
    return {hold.lot_id: hold for hold in rows if hold.lot_id is not None}


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded step as the lot's page shows it."""

    event: TraceEvent
    place: Place | None
    quantity: int
    unit: str
    role: str
    papers: tuple[Certificate, ...]
    document: Mapping[str, Any]


def records(session: Session, lot_ids: Sequence[int], *, most: int = 200) -> list[Record]:
    """Give the steps recorded for these lots, oldest first. Two statements."""
    rows = session.execute(
        select(TraceEvent, Place, EventLot.quantity, Sku.base_unit, EventLot.role)
        .join(EventLot, EventLot.event_id == TraceEvent.id)
        .join(Lot, Lot.id == EventLot.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .outerjoin(Place, Place.id == TraceEvent.read_point_id)
        .where(EventLot.lot_id.in_(lot_ids), TraceEvent.template_step.is_not(None))
        .where(TraceEvent.template_step.not_in(("sell", "receive", "stock", "case", "ship")))
        .order_by(TraceEvent.event_time, TraceEvent.id)
        .limit(most)
    ).tuples()
    seen: dict[Any, tuple[TraceEvent, Place | None, int, str, str]] = {}
    for event, place, quantity, unit, role in rows:
        # a step that made packs is told once, by what came out where that is known
        if event.id not in seen or role == "output":
            seen[event.id] = (event, place, quantity, unit, role)
    papers: dict[Any, list[Certificate]] = {}
    for event_id, paper in session.execute(
        select(EventCertificate.event_id, Certificate)
        .join(Certificate, Certificate.id == EventCertificate.certificate_id)
        .where(EventCertificate.event_id.in_(list(seen)))
        .order_by(Certificate.id)
    ).tuples():
        papers.setdefault(event_id, []).append(paper)
    return [
        Record(
            event,
            place,
            quantity,
            unit,
            role,
            tuple(papers.get(event_id, ())),
            json.loads(event.document),
        )
        for event_id, (event, place, quantity, unit, role) in seen.items()
    ]


def suggest_lot_no(session: Session, sku_id: int, today: date, wanted: str = "") -> str:
    """Give a lot number that is free: the wanted one, or the next of this month (L2611-03)."""
    taken = set(session.scalars(select(Lot.lot_no).where(Lot.sku_id == sku_id)))
    if wanted and wanted not in taken:
        return wanted
    stem, number = (wanted[:17], 2) if wanted else (f"L{today:%y%m}", 1)
    while f"{stem}-{number:02d}" in taken:
        number += 1
    return f"{stem}-{number:02d}"


def own_places(
    session: Session, organisation_id: int, kinds: Collection[str] | None = None
) -> list[Place]:
    """Give an organisation's own places, those of `kinds` when given, in a steady order."""
    query = (
        select(Place)
        .where(Place.organisation_id == organisation_id, Place.kind.not_in(("transit", "outlet")))
        .order_by(Place.kind, Place.id)
    )
    if kinds is not None:
        query = query.where(Place.kind.in_(kinds))
    return list(session.scalars(query))


def lying(session: Session, lot_id: int, organisation_id: int) -> list[tuple[Place, int]]:
    """Give where a lot lies among its owner's places and how much, most first."""
    rows = session.execute(
        select(Place, StockBalance.on_hand)
        .join(Place, Place.id == StockBalance.place_id)
        .where(
            StockBalance.lot_id == lot_id,
            StockBalance.on_hand > 0,
            Place.organisation_id == organisation_id,
            Place.kind != "transit",
        )
        .order_by(StockBalance.on_hand.desc(), Place.id)
    )
    return [(place, held) for place, held in rows.tuples()]
