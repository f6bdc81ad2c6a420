"""Sales for tests of what they add up to, made through the verb."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from goods.catalogue.models import Sku
from goods.stock.models import Lot, Serial
from parties.network.models import Outlet
from parties.people.permissions import Role
from tests.factories import NOW, World, actor, example_values, on_shelf
from traceability.queries import template_of
from traceability.services.lots import Output, StepEntry, open_lot, record_step
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import Made, record_sale


def outlet(session: Session, code: str) -> Outlet:
    """Give an outlet of the region by its code."""
    return session.scalars(select(Outlet).where(Outlet.code == code)).one()


def sell(
    w: World,
    packs: Sequence[Serial],
    at_outlet: Outlet,
    *,
    at: datetime = NOW,
    channel: str = "counter",
    price_fen: int | None = None,
) -> Made:
    """Sell these packs at an outlet."""
    total = (w.sku.price_fen if price_fen is None else price_fen) * len(packs)
    clerk = actor(Role.COUNTER_CLERK, account_id=902, place_id=at_outlet.place_id)
    return record_sale(
        w.session,
        Ticket(
            key=f"sale-{uuid4().hex[:12]}",
            place_id=at_outlet.place_id,
            channel=channel,
            sold_at=at,
            items=tuple(Item(w.sku.gtin, serial=p.serial, price_fen=price_fen) for p in packs),
            tenders=(Paid("cash", total, total),),
        ),
        actor=clerk,
        now=at,
    )


def a_week_of_trade(w: World) -> list[Lot]:
    """Sell one lot's packs at a counter of its own county and at one of the next, over a week."""
    lots = []
    for code in ("K-01", "K-02"):
        place = outlet(w.session, code)
        lot, packs = on_shelf(w, packs=12, outlet=place)
        lots.append(lot)
        for day in range(6):
            sell(
                w,
                packs[day * 2 : day * 2 + 1 + day % 2],
                place,
                at=NOW + timedelta(days=day),
                channel="online" if day == 3 else "counter",
                price_fen=w.sku.price_fen - 100 if day == 4 else None,
            )
    return lots


def bare_lot(session: Session, sku: Sku, supplier_id: int) -> Lot:
    """Open a lot of a pack without recording any step of it."""
    owner = actor(Role.SUPPLIER_OWNER, account_id=901, organisation_id=supplier_id)
    return open_lot(session, sku_id=sku.id, lot_no="BARE-1", actor=owner, now=NOW)


def make_two_packs(w: World) -> int:
    """Make one raw lot into packs of two kinds at once; give the first kind's lot id."""
    other = w.session.scalars(
        select(Sku).where(Sku.product_id == w.product.id, Sku.raw.is_(False), Sku.id != w.sku.id)
    ).all()[0]
    assert w.sku.material_per_unit
    assert other.material_per_unit
    raw = open_lot(w.session, sku_id=w.raw.id, lot_no="R2", actor=w.owner, now=NOW)
    used = 10 * w.sku.material_per_unit + 10 * other.material_per_unit
    template = template_of(w.session, raw.template)
    at = NOW - timedelta(days=9)
    for step in template.steps:
        makes = step["event_type"] == "TransformationEvent"
        if step["by"] != "supplier" or not step["required"]:
            continue
        at += timedelta(hours=6)
        entry = StepEntry(
            key=f"two-{step['step']}",
            lot_id=raw.id,
            step=step["step"],
            at=at,
            place_id=w.place(step["place_kind"]).id,
            quantity=used if makes or step["states_quantity"] else None,
            outputs=(Output(w.sku.id, "TWO-A", 10), Output(other.id, "TWO-B", 10)) if makes else (),
            values=example_values(step),
        )
        record_step(w.session, entry, actor=w.owner, now=NOW)
        if makes:
            break
    return w.session.scalars(select(Lot.id).where(Lot.lot_no == "TWO-A")).one()
