"""Recording a lot, step by step, by its trace template."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import add_rows
from foundation.errors import BadInput, Named, NotFound, Refused
from foundation.locks import lock_key
from goods.catalogue.models import Certificate, Product, Sku
from goods.stock.models import Lot, Serial, StockBalance, StockMove
from goods.stock.queries import holds_on
from parties.network.models import Organisation, Place
from parties.people.audit import audit
from parties.people.permissions import Actor, Can, Scope
from traceability.balance.rules import Amount, refuse_over, weigh
from traceability.models import TraceTemplate
from traceability.queries import lineage, step_of, steps_done, template_of
from traceability.rules import (
    Happening,
    LotRef,
    Part,
    PlaceRef,
    SerialRef,
    read_values,
)
from traceability.services.events import event_by_key, lot_refs, place_ref, record_event

MOST_SERIALS = 20_000
AI10_LENGTH = 20


class StepRefused(Refused):
    """A step can't be recorded now."""

    code = "step_refused"


class Output(NamedTuple):
    """A pack made by a transformation."""

    sku_id: int
    lot_no: str
    quantity: int


class Paper(NamedTuple):
    """A certificate that comes with a step."""

    kind: str
    number: str
    issuer_zh: str
    issuer_en: str
    issued_on: date
    valid_to: date | None
    results: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = {}
    file_key: str | None = None


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One step as its recorder enters it. Quantities are in base units (g, mL or pieces)."""

    key: str
    """Made by the form; sending it twice records one step."""
    lot_id: int
    step: str
    at: datetime
    place_id: int
    """Where it happened; goods lying elsewhere are carried here by receiving and storing."""
    quantity: int | None = None
    outputs: tuple[Output, ...] = ()
    inputs: tuple[tuple[int, int], ...] = ()
    """(lot id, quantity) of further inputs of a transformation."""
    values: Mapping[str, Any] = field(default_factory=dict)
    paper: Paper | None = None


COUNTY = select(Organisation.county_code).where(Organisation.id == bindparam("organisation_id"))


def supplier_scope(session: Session, organisation_id: int) -> Scope:
    """Give whose and where goods of a supplier are, for permissions."""
    county = session.scalar(COUNTY, {"organisation_id": organisation_id})
    return Scope(organisation_id=organisation_id, county_code=county)


def open_lot(
    session: Session,
    *,
    sku_id: int,
    lot_no: str,
    actor: Actor,
    now: datetime,
    demo: bool = False,
) -> Lot:
    """Open a lot of a raw material or a pack, following its product's trace template.

    Raises BadInput on `lot_no` (1 to 20 characters of GS1's set, AI (10)), StepRefused when the
    number is taken, NotAllowed for another supplier's goods.
    """
    row = session.execute(
        select(Sku, Product).join(Product, Product.id == Sku.product_id).where(Sku.id == sku_id)
    ).first()
    if row is None:
        raise NotFound("There is no such product")
    product = row[1]
    actor.must(Can.RECORD_LOT, supplier_scope(session, product.supplier_id))
    number = lot_no.strip().upper()
    if not _fits_ai10(number):
        raise BadInput("A lot number has 1 to 20 letters, digits, dots or dashes", field="lot_no")
    lock_key(session, f"lot:{sku_id}:{number}")
    taken = select(Lot.id).where(Lot.sku_id == sku_id, Lot.lot_no == number)
    if session.scalar(taken) is not None:
        raise StepRefused("There is already a lot %(lot_no)s", field="lot_no", lot_no=number)
    template = template_of(session, product.trace_template)
    lot = Lot(
        sku_id=sku_id,
        lot_no=number,
        organisation_id=product.supplier_id,
        template=template.code,
        template_version=template.version,
        facts={},
        next_serial=1,
        demo=demo,
        created_at=now,
    )
    session.add(lot)
    session.flush()
    audit(session, "open_lot", "lot", lot.id, actor=actor, now=now, after={"lot_no": number})
    return lot


def _fits_ai10(number: str) -> bool:
    return 1 <= len(number) <= AI10_LENGTH and all(
        c.isascii() and (c.isalnum() or c in "-._") for c in number
    )


def record_step(session: Session, entry: StepEntry, *, actor: Actor, now: datetime) -> UUID:
    """Record one step of a lot's template as one EPCIS event; give the event's id.

    The same key again gives the same event. Raises BadInput with the field that is wrong,
    StepRefused when the order of steps or time does not allow it, NotEnough when more is used
    than there is, NotAllowed for another supplier's lot.
    """
    lot = session.get(Lot, entry.lot_id, with_for_update={"key_share": True})
    if lot is None:
        raise NotFound("There is no such lot")
    actor.must(Can.RECORD_LOT, supplier_scope(session, lot.organisation_id))
    if made := event_by_key(session, entry.key):
        return made
    template = template_of(session, lot.template, lot.template_version)
    step = step_of(template, entry.step)
    _check_order(session, lot, template, step, entry, now=now)
    values = read_values(step, entry.values, today=clock.business_date(now))
    place = _own_place(session, entry.place_id, lot.organisation_id, "place_id")
    quantity = _quantity(step, entry, values)
    certificates = _attach(session, lot, step, entry.paper, now=now)
    if step["event_type"] == "TransformationEvent":
        event = _transform(session, lot, step, entry, place, quantity, actor=actor, now=now)
    elif step["biz_step"] == "commissioning":
        event = _commission(session, lot, step, entry, place, quantity, values)
    else:
        event = _observe(session, lot, step, entry, place, quantity)
    ilmd = {"lotNumber": lot.lot_no} if step["action"] == "ADD" else {}
    event = _with(
        event,
        facts=values | dict(event.facts),
        ilmd=ilmd,
        certificate_ids=certificates,
        certification=_paper_uris(entry.paper) if entry.paper else (),
        template_step=entry.step,
        key=entry.key,
    )
    event_id = record_event(session, event, actor=actor, now=now)
    lot.facts = {**lot.facts, **values}
    audit(
        session,
        "record_step",
        "lot",
        lot.id,
        actor=actor,
        now=now,
        after={"step": entry.step, "event": str(event_id)},
    )
    return event_id


def _paper_uris(paper: Paper) -> tuple[str, ...]:
    """Name a paper as certificationInfo wants it: by URIs (EPCIS 2.0 section 7.3.6).

    Its number, and of its file the SHA-256 as RFC 6920 writes it, so that the log holds it too.
    """
    named = f"urn:shanhuo:certificate:{quote(paper.number.strip(), safe='')}"
    if paper.file_key is None:
        return (named,)
    digest = bytes.fromhex(paper.file_key.partition(".")[0])
    told = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return named, f"ni:///sha-256;{told}"


def _with(event: Happening, **changes: Any) -> Happening:
    from dataclasses import replace

    return replace(event, **changes)


def _check_order(
    session: Session,
    lot: Lot,
    template: TraceTemplate,
    step: Mapping[str, Any],
    entry: StepEntry,
    *,
    now: datetime,
) -> None:
    if step["by"] != "supplier":
        raise StepRefused("This step is recorded where the goods are received or sold")
    if entry.at > now:
        raise BadInput("This has not happened yet", field="at")
    sku = session.get_one(Sku, lot.sku_id)
    if step["object"] == "raw_lot" and not sku.raw:
        # Its action may be ADD: packs come out of a transformation and from nowhere else.
        raise StepRefused("This step is recorded for the raw material, not for packs", field="step")
    done = steps_done(session, lineage(session, lot.id))
    for earlier in template.steps:
        if earlier["step"] == step["step"]:
            break
        if sku.stock_policy == "kit" and earlier["object"] == "raw_lot":
            continue
        if earlier["required"] and earlier["by"] == "supplier" and earlier["step"] not in done:
            name = Named(earlier["name_zh"], earlier["name_en"])
            raise StepRefused("Record %(step)s first", step=name, field="step")
    once = step["event_type"] == "TransformationEvent" or step["biz_step"] == "commissioning"
    if once and step["step"] in steps_done(session, [lot.id]) and step["object"] != "raw_lot":
        raise StepRefused("This step is already recorded for this lot", field="step")


def _own_place(session: Session, place_id: int, organisation_id: int, field: str) -> PlaceRef:
    owner = session.scalar(select(Place.organisation_id).where(Place.id == place_id))
    if owner != organisation_id:
        raise BadInput("Please choose one of your own places", field=field)
    return place_ref(session, place_id)


def _attach(
    session: Session, lot: Lot, step: Mapping[str, Any], paper: Paper | None, *, now: datetime
) -> tuple[int, ...]:
    if paper is None:
        return ()
    if not paper.number.strip():
        raise BadInput("Please fill in the paper's number", field="paper_number")
    if paper.issued_on > clock.business_date(now):
        raise BadInput("This paper is dated in the future", field="paper_issued_on")
    product_id = session.scalar(select(Sku.product_id).where(Sku.id == lot.sku_id))
    certificate = Certificate(
        kind=paper.kind or step.get("certificate_kind") or "test_report",
        number=paper.number.strip(),
        organisation_id=lot.organisation_id,
        product_id=product_id,
        issuer_zh=paper.issuer_zh,
        issuer_en=paper.issuer_en,
        issued_on=paper.issued_on,
        valid_to=paper.valid_to,
        results=list(paper.results),
        fields=dict(paper.fields),
        file_key=paper.file_key,
        demo=lot.demo,
        created_at=now,
    )
    session.add(certificate)
    session.flush()
    return (certificate.id,)


def _base(step: Mapping[str, Any], entry: StepEntry, lot: Lot, place: PlaceRef) -> Happening:
    return Happening(
        event_type=step["event_type"],
        action=step["action"],
        biz_step=step["biz_step"],
        disposition=step["disposition"],
        at=entry.at,
        organisation_id=lot.organisation_id,
        place=place,
        whole_lot=True,
    )


def _quantity(step: Mapping[str, Any], entry: StepEntry, values: Mapping[str, Any]) -> int | None:
    """Give the base units a step speaks of: as entered, or from the element the template names."""
    source = step.get("quantity_from")
    if entry.quantity is not None:
        quantity = entry.quantity
    elif source and values.get(source["key_data_element"]) is not None:
        quantity = round(values[source["key_data_element"]] * source["factor"])
    else:
        return None
    if quantity <= 0:
        raise BadInput("This must be more than nothing", field="quantity")
    return quantity


def _held(session: Session, lot_id: int, place_id: int) -> int:
    held = session.scalar(
        select(StockBalance.on_hand).where(
            StockBalance.place_id == place_id, StockBalance.lot_id == lot_id
        )
    )
    return held or 0


def _elsewhere(session: Session, lot: Lot, place_id: int) -> tuple[int, int] | None:
    """Give where else most of a lot lies among its owner's places, and how much."""
    row = session.execute(
        select(StockBalance.place_id, StockBalance.on_hand)
        .join(Place, Place.id == StockBalance.place_id)
        .where(
            StockBalance.lot_id == lot.id,
            StockBalance.place_id != place_id,
            StockBalance.on_hand > 0,
            Place.organisation_id == lot.organisation_id,
            Place.kind != "transit",
        )
        .order_by(StockBalance.on_hand.desc(), StockBalance.place_id)
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def _observe(
    session: Session,
    lot: Lot,
    step: Mapping[str, Any],
    entry: StepEntry,
    place: PlaceRef,
    quantity: int | None,
) -> Happening:
    ref = lot_refs(session, [lot.id])[lot.id]
    event = _base(step, entry, lot, place)
    if step["biz_step"] in {"receiving", "storing"}:
        return _carry(session, lot, step, event, quantity)
    if step["action"] == "ADD" and not quantity:
        raise BadInput("How much was it?", field="quantity")
    # An observation moves nothing: the quantity is what it speaks of.
    return _with(event, parts=(Part(ref, quantity or _held(session, lot.id, place.id)),))


def _carry_serials(
    session: Session, ref: LotRef, from_place_id: int, to_place_id: int, amount: int
) -> tuple[SerialRef, ...]:
    """Bring a lot's loose serialised units along with what is carried."""
    rows = session.execute(
        select(Serial.id, Serial.serial)
        .where(
            Serial.lot_id == ref.id,
            Serial.place_id == from_place_id,
            Serial.state == "commissioned",
            Serial.unit_id.is_(None),
        )
        .order_by(Serial.serial)
        .limit(amount)
    ).all()
    moved = update(Serial).where(Serial.id.in_([row[0] for row in rows]))
    session.execute(moved.values(place_id=to_place_id))
    return tuple(SerialRef(row[0], ref, row[1]) for row in rows)


def _carry(
    session: Session,
    lot: Lot,
    step: Mapping[str, Any],
    event: Happening,
    quantity: int | None,
) -> Happening:
    """Bring goods here: from another place of the owner's, or from outside of the record.

    What lies here already is stored or received where it is, and nothing moves.
    """
    ref = lot_refs(session, [lot.id])[lot.id]
    origin = _elsewhere(session, lot, event.place.id)
    if origin is not None:
        amount = quantity or origin[1]
        serials = _carry_serials(session, ref, origin[0], event.place.id, amount)
        return _with(
            event,
            parts=(Part(ref, amount),),
            serials=serials,
            whole_lot=not serials,
            from_place=place_ref(session, origin[0]),
        )
    here = _held(session, lot.id, event.place.id)
    if here or step["biz_step"] == "storing":
        if quantity and quantity > here:
            raise BadInput("Only %(held)s of this lot are here", field="quantity", held=here)
        return _with(event, parts=(Part(ref, quantity or here),), from_place=event.place)
    if session.scalar(select(StockMove.id).where(StockMove.lot_id == lot.id).limit(1)) is not None:
        raise StepRefused("Nothing of this lot is left to take in", field="quantity")
    if not quantity:
        raise BadInput("How much was it?", field="quantity")
    return _with(event, parts=(Part(ref, quantity),))


def _transform(
    session: Session,
    lot: Lot,
    step: Mapping[str, Any],
    entry: StepEntry,
    place: PlaceRef,
    quantity: int | None,
    *,
    actor: Actor,
    now: datetime,
) -> Happening:
    own = session.get_one(Sku, lot.sku_id)
    base = _with(
        _base(step, entry, lot, place),
        action=None,
        transaction=("prodorder", f"urn:shanhuo:step:{entry.key}"),
    )
    if own.stock_policy == "kit":
        return _assemble(session, lot, own, entry, base, quantity)
    if not quantity:
        raise BadInput("How much was used?", field="quantity")
    if not entry.outputs:
        raise BadInput("How much came out?", field="outputs")
    used = [(lot.id, quantity), *entry.inputs]
    refs = lot_refs(session, [lot_id for lot_id, _ in used])
    _refuse_held(session, refs)
    skus = {
        sku.id: sku
        for sku in session.scalars(
            select(Sku).where(Sku.id.in_([output.sku_id for output in entry.outputs]))
        )
    }
    weighed = weigh(
        step.get("yield"),
        [Amount(lot_id, amount, refs[lot_id].base_unit) for lot_id, amount in used],
        _made(entry.outputs, skus),
    )
    refuse_over(
        weighed, unit=own.base_unit, per_piece=skus[entry.outputs[0].sku_id].material_per_unit
    )
    parts = [Part(refs[lot_id], amount, "input") for lot_id, amount in used]
    parts.extend(
        _output(session, lot, output, skus, entry, actor=actor, now=now) for output in entry.outputs
    )
    facts = {"yieldPercent": float(round(weighed.percent, 1))} if weighed else {}
    return _with(base, parts=tuple(parts), facts=facts)


def _assemble(
    session: Session,
    lot: Lot,
    own: Sku,
    entry: StepEntry,
    base: Happening,
    quantity: int | None,
) -> Happening:
    """Make `quantity` kits of `lot` from component lots that lie at the same place."""
    if not quantity or not entry.inputs:
        raise BadInput("How many were made, and from which lots?", field="quantity")
    refs = lot_refs(session, [lot.id, *(lot_id for lot_id, _ in entry.inputs)])
    _refuse_held(session, refs)
    wanted = {
        sku_id: row["quantity"] * quantity
        for row in own.kit
        for sku_id in session.scalars(select(Sku.id).where(Sku.code == row["sku"]))
    }
    given: dict[int, int] = {}
    for lot_id, amount in entry.inputs:
        given[refs[lot_id].sku_id] = given.get(refs[lot_id].sku_id, 0) + amount
    if wanted != given:
        raise BadInput("The parts do not match what one kit is made of", field="inputs")
    serials = [
        serial
        for lot_id, amount in entry.inputs
        for serial in _use_serials(session, refs[lot_id], base.place, amount)
    ]
    _date(session, lot, own, entry.at)
    parts = [Part(refs[lot_id], amount, "input") for lot_id, amount in entry.inputs]
    parts.append(Part(refs[lot.id], quantity, "output"))
    return _with(base, parts=tuple(parts), serials=tuple(serials))


def _refuse_held(session: Session, lot_ids: Iterable[int]) -> None:
    if holds_on(session, lot_ids=lot_ids):
        raise StepRefused("This lot is on hold; nothing may be made from it", field="inputs")


def _use_serials(session: Session, ref: LotRef, place: PlaceRef, amount: int) -> list[SerialRef]:
    if session.scalar(select(Sku.tracking).where(Sku.id == ref.sku_id)) != "serial":
        return []
    rows = session.execute(
        select(Serial.id, Serial.serial)
        .where(
            Serial.lot_id == ref.id,
            Serial.place_id == place.id,
            Serial.state.in_(("commissioned", "on_shelf")),
            Serial.unit_id.is_(None),
        )
        .order_by(Serial.serial)
        .limit(amount)
        .with_for_update()
    ).all()
    if len(rows) < amount:
        raise StepRefused("There are not that many loose packs of this lot here", field="inputs")
    session.execute(
        update(Serial).where(Serial.id.in_([row[0] for row in rows])).values(state="used")
    )
    return [SerialRef(row[0], ref, row[1]) for row in rows]


def _made(outputs: Sequence[Output], skus: Mapping[int, Sku]) -> list[Amount]:
    made = []
    for output in outputs:
        sku = skus.get(output.sku_id)
        if sku is None:
            raise BadInput("Please choose one of your own packs", field="outputs")
        if output.quantity <= 0:
            raise BadInput("This must be more than nothing", field="outputs")
        made.append(Amount(sku.id, output.quantity, sku.base_unit, sku.material_per_unit))
    return made


def _output(
    session: Session,
    lot: Lot,
    output: Output,
    skus: Mapping[int, Sku],
    entry: StepEntry,
    *,
    actor: Actor,
    now: datetime,
) -> Part:
    sku = skus[output.sku_id]
    product = session.get_one(Product, sku.product_id)
    if product.supplier_id != lot.organisation_id:
        raise BadInput("Please choose one of your own packs", field="outputs")
    made = open_lot(
        session, sku_id=sku.id, lot_no=output.lot_no, actor=actor, now=now, demo=lot.demo
    )
    made.template, made.template_version = lot.template, lot.template_version
    _date(session, made, sku, entry.at)
    made.facts = dict(lot.facts)
    session.flush()
    return Part(
        LotRef(made.id, sku.id, sku.gtin, made.lot_no, sku.base_unit), output.quantity, "output"
    )


def _date(session: Session, lot: Lot, sku: Sku, at: datetime) -> None:
    lot.produced_on = clock.business_date(at)
    days = session.scalar(select(Product.shelf_life_days).where(Product.id == sku.product_id))
    if days:
        lot.best_before = lot.produced_on + timedelta(days=days)


def _commission(
    session: Session,
    lot: Lot,
    step: Mapping[str, Any],
    entry: StepEntry,
    place: PlaceRef,
    quantity: int | None,
    values: dict[str, Any],
) -> Happening:
    ref = lot_refs(session, [lot.id])[lot.id]
    tracking = session.scalar(select(Sku.tracking).where(Sku.id == lot.sku_id))
    held = _held(session, lot.id, place.id)
    if not held:
        raise StepRefused("Nothing of this lot is here yet", field="place_id")
    event = _with(_base(step, entry, lot, place), parts=(Part(ref, held),), whole_lot=True)
    if tracking != "serial":
        return _with(event, action="OBSERVE")
    count = quantity or held
    if not 0 < count <= min(held, MOST_SERIALS):
        raise BadInput("There are %(held)s packs of this lot here", field="quantity", held=held)
    serials = commission_serials(session, lot, ref, place, count)
    values["serial_from"], values["serial_to"] = serials[0].serial, serials[-1].serial
    return _with(event, parts=(Part(ref, count),), serials=tuple(serials), whole_lot=False)


def commission_serials(
    session: Session, lot: Lot, ref: LotRef, place: PlaceRef, count: int
) -> list[SerialRef]:
    """Give the next `count` units of a lot serials: lot number and a running number."""
    first = lot.next_serial
    session.execute(update(Lot).where(Lot.id == lot.id).values(next_serial=first + count))
    names = [f"{lot.lot_no[-13:]}{n:06d}" for n in range(first, first + count)]
    add_rows(
        session,
        Serial,
        [
            {
                "sku_id": lot.sku_id,
                "serial": name,
                "lot_id": lot.id,
                "place_id": place.id,
                "state": "commissioned",
            }
            for name in names
        ],
    )
    made = session.execute(
        select(Serial.id, Serial.serial)
        .where(Serial.lot_id == lot.id, Serial.serial.in_(names))
        .order_by(Serial.serial)
    )
    return [SerialRef(serial_id, ref, name) for serial_id, name in made]
