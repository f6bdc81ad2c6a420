"""Small true things to start a story with; all of them go through the verbs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.seeding import SEEDER
from goods.catalogue.models import Product, Sku
from goods.stock.models import LogisticUnit, Lot, Serial
from parties.network.models import Organisation, Outlet, Place
from parties.people.permissions import Actor, Grant, Role
from tests.databases import NOW
from traceability.queries import template_of
from traceability.services.cases import Dispatch, pack_cases, receive_case, ship_cases
from traceability.services.lots import Output, StepEntry, open_lot, record_step


def actor(
    role: Role,
    *,
    account_id: int = 900,
    organisation_id: int | None = None,
    place_id: int | None = None,
    county_code: str | None = None,
) -> Actor:
    """Somebody with one role."""
    return Actor(account_id, (Grant(role, organisation_id, place_id, county_code),))


@dataclass
class World:
    """One region with one supplier's honey on its way to one outlet."""

    session: Session
    supplier: Organisation
    product: Product
    sku: Sku
    raw: Sku
    outlet: Outlet
    owner: Actor
    clerk: Actor
    official: Actor

    def place(self, kind: str) -> Place:
        """Give the supplier's first place of a kind."""
        return (
            self.session.scalars(
                select(Place)
                .where(Place.organisation_id == self.supplier.id, Place.kind == kind)
                .order_by(Place.id)
            ).first()
            or self.session.scalars(
                select(Place).where(
                    Place.organisation_id == self.supplier.id, Place.kind == "workshop"
                )
            ).one()
        )


def world(session: Session) -> World:
    """Pick the region's first serialised product, its supplier and an open counter."""
    sku = session.scalars(
        select(Sku).where(Sku.tracking == "serial", Sku.raw.is_(False)).order_by(Sku.id)
    ).all()[0]
    product = session.get_one(Product, sku.product_id)
    raw = session.scalars(select(Sku).where(Sku.product_id == product.id, Sku.raw.is_(True))).one()
    supplier = session.get_one(Organisation, product.supplier_id)
    outlet = session.scalars(
        select(Outlet)
        .where(Outlet.tier == "counter", Outlet.status == "open")
        .order_by(Outlet.code)
    ).all()[0]
    return World(
        session,
        supplier,
        product,
        sku,
        raw,
        outlet,
        owner=actor(Role.SUPPLIER_OWNER, account_id=901, organisation_id=supplier.id),
        clerk=actor(Role.COUNTER_CLERK, account_id=902, place_id=outlet.place_id),
        official=actor(Role.CITY_OFFICIAL, account_id=903),
    )


def example_values(step: dict[str, object]) -> dict[str, str]:
    """Fill a step's key data elements with the template's own examples."""
    values: dict[str, str] = {}
    for element in step["key_data_elements"]:  # type: ignore[attr-defined]
        if element["example"] is not None:
            values[element["code"]] = str(element["example"])
    return values


def make_lot(
    w: World,
    *,
    packs: int = 24,
    lot_no: str | None = None,
    now: datetime = NOW,
    days_ago: int = 30,
) -> Lot:
    """Record every step of the supplier's own up to labelled packs; give the packs' lot."""
    number = lot_no or f"T{uuid4().hex[:8].upper()}"
    raw = open_lot(w.session, sku_id=w.raw.id, lot_no=f"R{number}", actor=w.owner, now=now)
    template = template_of(w.session, raw.template)
    at = now - timedelta(days=days_ago)
    needed = packs * (w.sku.material_per_unit or 1)
    lot = raw
    for step in template.steps:
        if step["by"] != "supplier" or step["event_type"] == "AggregationEvent":
            continue
        if not step["required"]:
            continue
        at += timedelta(hours=6)
        place = w.place(step["place_kind"])
        transforms = step["event_type"] == "TransformationEvent"
        gone = needed * 100 // round(step["yield"]["max_pct"]) + 1 if transforms else None
        entry = StepEntry(
            key=f"step-{number}-{step['step']}",
            lot_id=lot.id,
            step=step["step"],
            at=at,
            place_id=place.id,
            quantity=gone if transforms else _harvest(step, needed),
            outputs=(Output(w.sku.id, number, packs),) if transforms else (),
            values=example_values(step),
        )
        record_step(w.session, entry, actor=w.owner, now=now)
        if transforms:
            lot = w.session.scalars(
                select(Lot).where(Lot.sku_id == w.sku.id, Lot.lot_no == number)
            ).one()
    return lot


def _harvest(step: dict[str, object], needed: int) -> int | None:
    if step["action"] == "ADD" and step["object"] == "raw_lot":
        return needed * 20
    return needed * 20 if step["biz_step"] == "receiving" else None


def on_shelf(
    w: World, *, packs: int = 12, outlet: Outlet | None = None, now: datetime = NOW
) -> tuple[Lot, list[Serial]]:
    """Make a lot, send one case of it to an outlet and receive it there; give lot and serials."""
    lot = make_lot(w, packs=packs * 2, now=now)
    (unit,) = in_cases(w, lot, cases=1, per_case=packs, now=now)
    target = outlet or w.outlet
    send(w, [unit], target.place_id, now=now)
    clerk = actor(Role.COUNTER_CLERK, account_id=902, place_id=target.place_id)
    receive_case(w.session, sscc=unit.sscc, place_id=target.place_id, at=now, actor=clerk, now=now)
    serials = w.session.scalars(
        select(Serial)
        .where(Serial.lot_id == lot.id, Serial.place_id == target.place_id)
        .order_by(Serial.serial)
    ).all()
    return lot, list(serials)


def in_cases(
    w: World, lot: Lot, *, cases: int, per_case: int, now: datetime = NOW
) -> list[LogisticUnit]:
    """Pack a lot's loose units at the workshop."""
    return pack_cases(
        w.session,
        lot_id=lot.id,
        place_id=w.place("workshop").id,
        cases=cases,
        per_case=per_case,
        at=now - timedelta(days=3),
        actor=w.owner,
        now=now,
    )


def send(w: World, units: list[LogisticUnit], to_place_id: int, *, now: datetime = NOW) -> None:
    """Ship cases to a place."""
    ship_cases(
        w.session,
        Dispatch(
            key=f"ship-{uuid4().hex[:12]}",
            ssccs=tuple(unit.sscc for unit in units),
            to_place_id=to_place_id,
            carrier="示例快运",
            waybill_no="DEMO0001",
            at=now - timedelta(days=2),
        ),
        actor=w.owner,
        now=now,
    )


__all__ = [
    "NOW",
    "SEEDER",
    "World",
    "actor",
    "in_cases",
    "make_lot",
    "on_shelf",
    "send",
    "world",
]
