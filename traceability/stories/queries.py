"""Stories, put together from few statements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from foundation import clock
from foundation.errors import NotFound
from goods.catalogue.models import Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Place
from traceability.models import EventUnit, Shipment, TraceEvent
from traceability.stories import rows
from traceability.stories.rules import (
    HIDDEN,
    UNNAMED,
    amounts,
    conformity_of,
    freshness,
    progress,
    results_of_paper,
    results_of_step,
    route_of,
    values_of,
    verdict,
)
from traceability.stories.shape import (
    Amount,
    CaseStory,
    Conformity,
    Goods,
    Held,
    LotOnSale,
    Outflow,
    PaperFact,
    ProductStory,
    Recorder,
    Result,
    Sold,
    Spot,
    Story,
    StoryStep,
    Words,
)

MOST_OUTLETS = 24
MOST_SERIALS = 48
OWN = "shanhuo:"


class UnknownItem(NotFound):
    """Nobody has recorded such a thing."""

    code = "unknown_item"


class Evidence(NamedTuple):
    """A paper as it was attached, with what its page needs and the page does not show as such."""

    paper: PaperFact
    results: Sequence[Mapping[str, Any]]
    fields: Mapping[str, Any]


class Told(NamedTuple):
    """Steps of a story and the raw facts behind them."""

    steps: list[StoryStep]
    facts: dict[UUID, Mapping[str, Any]]
    evidence: dict[UUID, list[Evidence]]


def item_story(session: Session, gtin: str, serial: str, *, now: datetime) -> Story:
    """Tell the way of one item. Raises UnknownItem (404) when nobody made it."""
    head = rows.item_head(session, gtin, serial)
    if head is None:
        raise UnknownItem("Nobody has recorded a pack with this code")
    told = _told(session, head.lot_id, head.serial_id, rows.steps_of(head))
    held = rows.held_on(session, head.lot_id, head.serial_id) if head.held else None
    sold = _sold(told) if head.state == "sold" else None
    story = _story(
        head,
        told,
        held,
        today=clock.business_date(now),
        straight=sold is not None and sold.online,
    )
    return replace(story, serial=head.serial, state=head.state, now=rows.spot_of(head), sold=sold)


def lot_story(session: Session, gtin: str, lot_no: str, *, now: datetime) -> Story:
    """Tell the way of one lot, summed up by outlet. Raises UnknownItem when nobody made it."""
    head = rows.lot_head(session, gtin, lot_no)
    if head is None:
        raise UnknownItem("Nobody has recorded this lot")
    goods = rows.goods_of(head)
    told = _told(session, head.lot_id, None, rows.steps_of(head))
    flows = rows.flow_rows(session, head.lot_id)
    told.steps.extend(_summed_up(flows, head, goods))
    turn = {step["step"]: n for n, step in enumerate(rows.steps_of(head))}
    told.steps.sort(key=lambda step: (step.at, turn.get(step.code, len(turn))))
    held = rows.held_on(session, head.lot_id, None) if head.held else None
    outlets = _outflows(flows, rows.balance_rows(session, head.lot_id))
    done = {step.code for step in told.steps}
    story = _story(
        head,
        told,
        held,
        today=clock.business_date(now),
        straight="receive" not in done and "sell" in done,
    )
    return replace(
        story,
        outlets=tuple(outlets[:MOST_OUTLETS]),
        more_outlets=max(0, len(outlets) - MOST_OUTLETS),
        in_stock=sum(flow.on_hand for flow in outlets),
        sold_count=sum(flow.sold for flow in outlets),
    )


def _story(head: rows.Read, told: Told, held: Held | None, *, today: date, straight: bool) -> Story:
    goods, template = rows.goods_of(head), rows.steps_of(head)
    fresh = freshness(head.produced_on, head.best_before, today)
    done = {step.code for step in told.steps}
    due, missing, to_come = progress(template, done, tracking=goods.tracking, straight=straight)
    results, report, tested = _results(told, template)
    return Story(
        goods=goods,
        lot_id=head.lot_id,
        lot_no=head.lot_no,
        produced_on=head.produced_on,
        best_before=head.best_before,
        freshness=fresh,
        demo=head.lot_demo or goods.demo,
        steps=tuple(told.steps),
        due=due,
        missing=missing,
        to_come=to_come,
        verdict=verdict(held, fresh, missing, len(told.steps)),
        held=held,
        results=results,
        report=report,
        tested=tested,
        conformity=_conformity(told, goods),
        papers=tuple(e.paper for step in told.steps for e in told.evidence.get(step.event_id, ())),
        route=route_of(told.steps),
    )


def _told(
    session: Session,
    lot_id: int,
    serial_id: int | None,
    template: Sequence[Mapping[str, Any]],
) -> Told:
    by_code = {step["step"]: step for step in template}
    found = rows.event_rows(session, lot_id, serial_id)
    evidence: dict[UUID, list[Evidence]] = {}
    for row in rows.paper_rows(session, list(dict.fromkeys(row.id for row in found))):
        paper = PaperFact(
            row.kind,
            row.number,
            row.issuer_zh,
            row.issuer_en,
            row.issued_on,
            row.valid_to,
            row.demo,
        )
        evidence.setdefault(row.event_id, []).append(Evidence(paper, row.results, row.fields))
    own = {lot_id} | {row.lot_id for row in found if row.role == "input"}
    steps: list[StoryStep] = []
    facts: dict[UUID, Mapping[str, Any]] = {}
    for event_id, group in groupby(found, key=lambda row: row.id):
        lines = list(group)
        first = lines[0]
        if first.biz_step in HIDDEN:
            continue
        facts[event_id] = NOTHING if first.document is None else _facts(first.document)
        papers = tuple(each.paper for each in evidence.get(event_id, ()))
        steps.append(_step(lines, own, by_code, facts[event_id], papers))
    # What one act records has one time, and ids say nothing of the order: the template does.
    turn = {code: n for n, code in enumerate(by_code)}
    steps.sort(key=lambda step: (step.at, turn.get(step.code, len(turn))))
    return Told(steps, facts, evidence)


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@lru_cache(maxsize=512)
def _facts(document: str) -> Mapping[str, Any]:
    """Read the facts out of an event; it never changes, so the same text is parsed once."""
    start = len(OWN)
    found = {k[start:]: v for k, v in json.loads(document).items() if k.startswith(OWN)}
    return MappingProxyType(found)


def _step(
    lines: Sequence[rows.Read],
    own: set[int],
    by_code: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, Any],
    papers: tuple[PaperFact, ...],
) -> StoryStep:
    first = lines[0]
    step = by_code.get(first.template_step or "")
    name = _name(step, first.biz_step, first.disposition)
    spot = rows.spot_of(first)
    parts = [_amount(line) for line in lines]
    observed = [part for part in parts if part.role == "epc" and part.lot_id in own]
    percent = facts.get("yieldPercent")
    elsewhere = first.to_id is not None and first.to_id != first.place_id
    return StoryStep(
        event_id=first.id,
        code=first.template_step or first.biz_step or "",
        name_zh=name.name_zh,
        name_en=name.name_en,
        biz_step=first.biz_step or "",
        at=first.event_time,
        spot=spot,
        to=_to(first) if elsewhere else None,
        recorder=Recorder(first.party_kind, first.party_zh, first.party_en),
        inputs=amounts(parts, "input"),
        outputs=amounts(parts, "output"),
        amount=observed[0] if observed else None,
        percent=float(percent) if isinstance(percent, int | float) else None,
        values=values_of(step, facts, clock.business_date(first.event_time)),
        papers=papers,
    )


def _name(step: Mapping[str, Any] | None, biz_step: str | None, disposition: str | None) -> Words:
    if step is not None:
        return Words(step["name_zh"], step["name_en"])
    if disposition == "recalled":
        return Words("召回", "Recalled")
    return UNNAMED.get(biz_step or "", Words("其他记录", "Another record"))


def _to(row: rows.Read) -> Spot:
    return Spot(row.to_id, row.to_kind, row.to_zh, row.to_en, "", "", "", "")


def _amount(row: rows.Read) -> Amount:
    return Amount(
        row.lot_id,
        row.lot_no,
        row.gtin,
        row.quantity,
        row.base_unit,
        row.own_zh or row.name_zh,
        row.own_en or row.name_en,
        row.spec_zh,
        row.spec_en,
        row.role,
    )


def _sold(told: Told) -> Sold | None:
    for step in reversed(told.steps):
        if step.biz_step == "retail_selling":
            facts = told.facts[step.event_id]
            online = facts.get("channel") == "online" or step.spot.kind != "outlet"
            return Sold(step.at, step.spot, step.recorder, online)
    return None


def _results(
    told: Told, template: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Result, ...], PaperFact | None, UUID | None]:
    """Give the newest test's results, its report and its event.

    They come from the report when that lists them, else from the step.
    """
    tests = {step["step"]: step for step in template if step["certificate_kind"] == "test_report"}
    for step in reversed(told.steps):
        for evidence in reversed(told.evidence.get(step.event_id, [])):
            if evidence.paper.kind == "test_report" and evidence.results:
                return results_of_paper(evidence.results), evidence.paper, step.event_id
        if step.code in tests and (
            found := results_of_step(tests[step.code], told.facts.get(step.event_id, {}))
        ):
            return found, step.papers[0] if step.papers else None, step.event_id
    return (), None, None


def _conformity(told: Told, goods: Goods) -> Conformity | None:
    for step in told.steps:
        papers = [
            each
            for each in told.evidence.get(step.event_id, ())
            if each.paper.kind == "conformity_certificate"
        ]
        facts = told.facts.get(step.event_id, {})
        if papers:
            return conformity_of(step, papers[0].paper, papers[0].fields, facts, goods)
        if facts.get("certificate_no"):
            return conformity_of(step, None, {}, facts, goods)
    return None


def _summed_up(
    flows: Sequence[rows.Read],
    head: rows.Read,
    goods: Goods,
) -> Iterable[StoryStep]:
    """Make one step of all that happened under one name, wherever it did."""
    by_code = {step["step"]: step for step in rows.steps_of(head)}
    grouped: dict[str, list[rows.Read]] = {}
    for row in flows:
        if row.biz_step not in HIDDEN:
            grouped.setdefault(row.template_step or row.biz_step or "", []).append(row)
    for code, lines in grouped.items():
        first = lines[0]
        name = _name(by_code.get(code), first.biz_step, None)
        yield StoryStep(
            event_id=UUID(int=0),
            code=code,
            name_zh=name.name_zh,
            name_en=name.name_en,
            biz_step=first.biz_step or "",
            at=first.first,
            spot=rows.spot_of(first),
            to=None,
            recorder=Recorder(first.party_kind, first.party_zh, first.party_en),
            inputs=(),
            outputs=(),
            amount=Amount(
                head.lot_id,
                head.lot_no,
                goods.gtin,
                sum(int(line.quantity) for line in lines),
                goods.base_unit,
                goods.name_zh,
                goods.name_en,
                goods.spec_zh,
                goods.spec_en,
                "epc",
            ),
            percent=None,
            values=(),
            papers=(),
            until=max(line.last for line in lines),
            times=sum(line.times for line in lines),
            places=len({line.place_id for line in lines}),
        )


def _outflows(flows: Sequence[rows.Read], balances: Sequence[rows.Read]) -> list[Outflow]:
    spots: dict[int, Spot] = {}
    counts: dict[int, list[int]] = {}
    for row in [*flows, *balances]:
        spots[row.place_id] = rows.spot_of(row)
    for row in flows:
        count = counts.setdefault(row.place_id, [0, 0, 0])
        if row.biz_step == "receiving":
            count[0] += int(row.quantity)
        elif row.biz_step == "retail_selling":
            count[1] += int(row.quantity)
    for row in balances:
        counts.setdefault(row.place_id, [0, 0, 0])[2] = row.on_hand
    listed = [Outflow(spots[place], *count) for place, count in counts.items() if any(count)]
    return sorted(listed, key=lambda flow: (-flow.sold - flow.on_hand, flow.spot.id))


def case_story(session: Session, sscc: str) -> CaseStory:
    """Tell the way of one case. Raises UnknownItem when nobody packed it."""
    case = session.execute(
        select(LogisticUnit, Lot.lot_no, Sku.gtin)
        .join(Lot, Lot.id == LogisticUnit.lot_id)
        .join(Sku, Sku.id == Lot.sku_id)
        .where(LogisticUnit.sscc == sscc)
    ).first()
    if case is None:
        raise UnknownItem("Nobody has packed a case with this code")
    unit, lot_no, gtin = case
    goods = rows.goods_head(session, gtin)
    here = rows.place_spots(session, [unit.place_id])[unit.place_id]
    first, then = aliased(Place), aliased(Place)
    sent = session.execute(
        select(Shipment, first.id, then.id)
        .join(TraceEvent, TraceEvent.biz_location_id == Shipment.transit_place_id)
        .join(EventUnit, EventUnit.event_id == TraceEvent.id)
        .join(first, first.id == Shipment.from_place_id)
        .join(then, then.id == Shipment.to_place_id)
        .where(EventUnit.unit_id == unit.id, TraceEvent.biz_step == "shipping")
        .order_by(Shipment.id.desc())
        .limit(1)
    ).first()
    spots = rows.place_spots(session, list(sent[1:])) if sent else {}
    times = dict(
        session.execute(
            select(TraceEvent.biz_step, func.max(TraceEvent.event_time))
            .join(EventUnit, EventUnit.event_id == TraceEvent.id)
            .where(EventUnit.unit_id == unit.id)
            .group_by(TraceEvent.biz_step)
        )
        .tuples()
        .all()
    )
    serials = session.scalars(
        select(Serial.serial)
        .where(Serial.unit_id == unit.id)
        .order_by(Serial.serial)
        .limit(MOST_SERIALS)
    ).all()
    return CaseStory(
        sscc=unit.sscc,
        goods=rows.goods_of(goods),  # type: ignore[arg-type]
        lot_no=lot_no,
        quantity=unit.quantity,
        state=unit.state,
        packed_at=unit.packed_at,
        now=here,
        origin=spots[sent[1]] if sent else None,
        destination=spots[sent[2]] if sent else None,
        shipment_no=sent[0].number if sent else None,
        shipped_at=sent[0].shipped_at if sent else None,
        received_at=times.get("receiving"),
        opened_at=times.get("unpacking"),
        held=rows.held_on(session, unit.lot_id, None),
        serials=serials,
    )


def product_story(session: Session, gtin: str, *, now: datetime) -> ProductStory:
    """Tell what a trade item is and which lots of it are about. Raises UnknownItem."""
    head = rows.goods_head(session, gtin)
    if head is None:
        raise UnknownItem("Nobody here makes goods with this code")
    lots = rows.lots_about(session, head.sku_id, clock.business_date(now))
    return ProductStory(
        rows.goods_of(head),
        tuple(
            LotOnSale(row.lot_no, row.produced_on, row.best_before, int(row.on_hand), row.outlets)
            for row in lots
        ),
    )


class SampleItem(NamedTuple):
    """An item whose page shows what a page can show."""

    gtin: str
    lot_no: str
    serial: str


def sample_item(session: Session) -> SampleItem | None:
    """Give the latest item that has come far: sold by an outlet, else there, else still made."""
    for state, kind in (("sold", "outlet"), ("on_shelf", "outlet"), ("commissioned", "workshop")):
        row = session.execute(
            select(Sku.gtin, Lot.lot_no, Serial.serial)
            .join(Lot, Lot.id == Serial.lot_id)
            .join(Sku, Sku.id == Serial.sku_id)
            .join(Place, Place.id == Serial.place_id)
            .where(Serial.state == state, Place.kind == kind)
            .order_by(Serial.id.desc())
            .limit(1)
        ).first()
        if row is not None:
            return SampleItem(*row)
    return None


__all__ = [
    "UnknownItem",
    "case_story",
    "item_story",
    "lot_story",
    "product_story",
    "sample_item",
]
