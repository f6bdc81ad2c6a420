"""Sending parcels: which packs leave, and what the books say."""

from datetime import date

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound
from foundation.outbox import OutboxMessage
from goods.catalogue.models import Product, Sku
from goods.stock.models import Hold, LogisticUnit, Lot, Reservation, Serial, StockBalance
from parties.network.models import Place
from parties.people.models import AuditEntry
from parties.people.permissions import Actor, Grant, Role
from tests.factories import NOW, in_cases, make_lot
from tests.trade.orders.world import (
    HOME,
    TERMS,
    Shop,
    checkout_for,
    later,
    paid,
    paid_notice,
    parcel_of,
    placed,
    refused,
    second_world,
    shop,
)
from traceability.models import TraceEvent
from traceability.recalls.services import recall_lot
from trade.orders.errors import OrderClosed, ParcelBlocked, WrongUnit
from trade.orders.models import Order, OrderContact, SubOrder
from trade.orders.services.checkout import place_order
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order, shipping_label
from trade.orders.services.payments import confirm_payment
from trade.sales.models import Sale, SaleLine, Tender

AT = later(hours=2)


@pytest.fixture
def s(session: Session) -> Shop:
    return shop(session)


def send(s: Shop, order: Order, *, actor: Actor | None = None, **other: object) -> SubOrder:
    given: dict[str, object] = {"carrier": "示例快递", "waybill_no": "YT001", "at": AT} | other
    dispatch = Dispatch(parcel_of(s.session, order).id, **given)  # type: ignore[arg-type]
    return dispatch_sub_order(s.session, dispatch, actor=actor or s.w.owner, now=AT)


def sold(s: Shop) -> list[tuple[str | None, int, str]]:
    rows = s.session.execute(
        select(Serial.serial, SaleLine.quantity, SaleLine.lot_certainty)
        .outerjoin(Serial, Serial.id == SaleLine.serial_id)
        .order_by(SaleLine.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def serials(s: Shop, lot: Lot) -> list[Serial]:
    return list(
        s.session.scalars(select(Serial).where(Serial.lot_id == lot.id).order_by(Serial.serial))
    )


def recall(s: Shop, lot: Lot) -> None:
    recall_lot(
        s.session, lot_id=lot.id, reason_zh="抽检", reason_en="test", actor=s.w.official, now=NOW
    )


def test_loose_packs_leave_in_the_order_of_their_serials(s: Shop) -> None:
    order = paid(s, packs=3)
    parcel = send(s, order)
    assert [serial for serial, _, _ in sold(s)] == [one.serial for one in serials(s, s.lot)[:3]]
    assert (parcel.carrier, parcel.waybill_no, parcel.shipped_at) == ("示例快递", "YT001", AT)
    tender = s.session.scalars(select(Tender)).one()
    assert (tender.kind, tender.amount_fen, tender.reference) == (
        "stripe",
        order.total_fen,
        f"pi_{order.number}",
    )
    sale = s.session.scalars(select(Sale)).one()
    assert (sale.total_fen, sale.order_ref) == (order.goods_fen, order.number)
    told = s.session.scalars(select(OutboxMessage.kind)).all()
    assert told.count("ParcelShipped") == told.count("SaleRecorded") == 1


def test_a_case_is_opened_when_too_few_are_loose(s: Shop) -> None:
    first, second = in_cases(s.w, s.lot, cases=2, per_case=11)
    order = paid(s, packs=5)
    send(s, order)
    s.session.expire_all()
    assert (first.state, second.state) == ("opened", "packed")
    steps = s.session.scalars(select(TraceEvent.biz_step)).all()
    assert steps.count("unpacking") == 1
    assert len(sold(s)) == 5
    assert set(s.session.scalars(select(Serial.state))) == {
        "sold",
        "commissioned",
    }


def test_packs_that_the_clerk_scanned_are_the_ones_that_leave(s: Shop) -> None:
    (case,) = in_cases(s.w, s.lot, cases=1, per_case=4)
    inside = s.session.scalars(select(Serial).where(Serial.unit_id == case.id)).all()[0]
    loose = [one for one in serials(s, s.lot) if one.unit_id is None]
    free = [one.serial for one in serials(s, s.lot)]
    order = paid(s, packs=3)
    scanned = ((s.w.sku.gtin, loose[-1].serial), (s.w.sku.gtin, inside.serial))
    send(s, order, scanned=(*scanned, scanned[0]))
    left = min(serial for serial in free if serial not in {code for _, code in scanned})
    assert set(sold(s)) == {
        (loose[-1].serial, 1, "scanned"),
        (inside.serial, 1, "scanned"),
        (left, 1, "chosen"),
    }
    s.session.expire_all()
    assert s.session.get_one(LogisticUnit, case.id).state == "opened"


@pytest.mark.parametrize("fault", ["unknown", "other lot", "too many", "sold"])
def test_a_scanned_pack_that_does_not_belong_in_stops_the_parcel(s: Shop, fault: str) -> None:
    mine = serials(s, s.lot)
    codes = [one.serial for one in mine[:3]]
    if fault == "unknown":
        codes = ["NOSUCH1"]
    elif fault == "other lot":
        codes = [serials(s, make_lot(s.w, packs=3))[0].serial]
    elif fault == "sold":
        send(s, paid(s, packs=1))
        codes = [mine[0].serial]
        s.session.expire_all()
    order = paid(s, packs=2, key="another-one")
    parcel = s.session.scalars(select(SubOrder).where(SubOrder.order_id == order.id)).one()
    dispatch = Dispatch(
        parcel.id, "示例快递", "YT2", AT, tuple((s.w.sku.gtin, code) for code in codes)
    )
    with refused(s.session, WrongUnit, field="scanned"):
        dispatch_sub_order(s.session, dispatch, actor=s.w.owner, now=AT)


def test_goods_without_serials_leave_by_lot(s: Shop) -> None:
    there = second_world(s.session, s.w)
    make_lot(there, packs=6)
    assert there.sku.tracking == "lot"
    checkout = checkout_for(s.session, (there.sku, 4))
    order = place_order(s.session, checkout, terms=TERMS, actor=s.buyer, now=NOW).order
    confirm_payment(s.session, "stripe", paid_notice(order), now=NOW)
    send(s, order, actor=there.owner)
    assert sold(s) == [(None, 4, "chosen")]


def test_packs_that_were_never_labelled_leave_by_lot(s: Shop) -> None:
    held = serials(s, s.lot)
    s.session.execute(
        update(Serial).where(Serial.id.in_([one.id for one in held[2:]])).values(state="destroyed")
    )
    order = paid(s, packs=5)
    send(s, order)
    assert [(row[1], row[2]) for row in sold(s)] == [(1, "chosen"), (1, "chosen"), (3, "chosen")]


def test_a_held_pack_is_left_standing(s: Shop) -> None:
    first, second, *_ = serials(s, s.lot)
    event_id = s.session.scalars(select(TraceEvent.id)).first()
    s.session.add(
        Hold(
            serial_id=first.id,
            reason="inspection",
            note_zh="待查",
            note_en="to be looked at",
            event_id=event_id,
            placed_at=NOW,
        )
    )
    s.session.flush()
    send(s, paid(s, packs=1))
    assert [row[0] for row in sold(s)] == [second.serial]


def test_goods_at_two_places_become_two_sales(s: Shop) -> None:
    home = s.session.scalars(
        select(StockBalance).where(StockBalance.lot_id == s.lot.id, StockBalance.on_hand > 0)
    ).one()
    spare = Place(
        gln="9521000000000",
        kind="workshop",
        name_zh="另一处",
        name_en="Elsewhere",
        organisation_id=s.w.supplier.id,
    )
    s.session.add(spare)
    s.session.flush()
    moved = [one.id for one in serials(s, s.lot)[:10]]
    s.session.execute(update(Serial).where(Serial.id.in_(moved)).values(place_id=spare.id))
    home.on_hand -= 10
    s.session.add(
        StockBalance(place_id=spare.id, lot_id=s.lot.id, sku_id=s.w.sku.id, on_hand=10, reserved=0)
    )
    s.session.flush()
    order = paid(s, packs=20)

    parcel = send(s, order)

    s.session.expire_all()
    sales = {sale.key: sale.id for sale in s.session.scalars(select(Sale))}
    keys = [f"parcel:{parcel.id}:{place_id}" for place_id in sorted([home.place_id, spare.id])]
    assert sorted(sales) == sorted(keys)
    assert parcel.sale_id == sales[keys[0]]
    paid_in = s.session.scalar(select(func.sum(Tender.amount_fen)))
    assert paid_in == order.total_fen
    assert s.session.scalar(select(func.sum(StockBalance.reserved))) == 0
    assert set(s.session.scalars(select(Reservation.state))) == {"used"}


def test_a_recalled_lot_is_exchanged_for_another(s: Shop) -> None:
    order = paid(s, packs=2)
    recall(s, s.lot)
    spare = make_lot(s.w, packs=4)

    send(s, order)

    s.session.expire_all()
    assert {row[0] for row in sold(s)} <= {one.serial for one in serials(s, spare)}
    states = s.session.execute(
        select(Reservation.lot_id, Reservation.state).order_by(Reservation.id)
    ).all()
    assert [tuple(row) for row in states] == [(s.lot.id, "released"), (spare.id, "used")]
    assert s.session.scalar(select(func.sum(StockBalance.reserved))) == 0


def test_what_stands_in_adds_to_what_is_reserved_of_the_same_lot(s: Shop) -> None:
    spare = make_lot(s.w, packs=30, now=later(days=1))
    s.session.get_one(Lot, spare.id).best_before = date(2030, 1, 1)
    s.session.flush()
    order = paid(s, packs=26)
    recall(s, s.lot)
    send(s, order)
    assert len(sold(s)) == 26
    assert len({row[0] for row in sold(s)}) == 26


@pytest.mark.parametrize("fault", ["recalled", "expired", "place"])
def test_a_parcel_that_may_not_leave_is_refused_by_name(s: Shop, fault: str) -> None:
    order = paid(s, packs=2)
    if fault == "recalled":
        recall(s, s.lot)
    elif fault == "expired":
        s.session.get_one(Lot, s.lot.id).best_before = date(2026, 11, 1)
    else:
        reserved = s.session.scalars(select(Reservation)).one()
        s.session.add(
            Hold(
                place_id=reserved.place_id,
                reason="inspection",
                note_zh="停用",
                note_en="closed",
                event_id=s.session.scalars(select(TraceEvent.id)).first(),
                placed_at=NOW,
            )
        )
    s.session.flush()
    with refused(s.session, ParcelBlocked, product=s.w.product.name_en):
        send(s, order)


def test_sending_the_same_waybill_twice_is_sending_once(s: Shop) -> None:
    order = paid(s)
    first = send(s, order)
    assert send(s, order).id == first.id
    assert s.session.scalar(select(func.count()).select_from(Sale)) == 1
    with refused(s.session, OrderClosed):
        send(s, order, waybill_no="YT999")


def test_an_unpaid_parcel_stays(s: Shop) -> None:
    order = placed(s)
    with refused(s.session, OrderClosed):
        send(s, order)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"carrier": " "}, "carrier"),
        ({"waybill_no": ""}, "waybill_no"),
        ({"at": later(days=1)}, "at"),
        ({"at": later(hours=-1)}, "at"),
    ],
)
def test_a_parcel_has_a_carrier_a_number_and_a_time(
    s: Shop, given: dict[str, object], field: str
) -> None:
    order = paid(s)
    with refused(s.session, BadInput, field=field):
        send(s, order, **given)  # type: ignore[arg-type]


def test_only_its_supplier_sends_a_parcel_and_sees_where_it_goes(s: Shop) -> None:
    order = paid(s)
    parcel = parcel_of(s.session, order)
    stranger = Actor(950, (Grant(Role.SUPPLIER_OWNER, s.w.supplier.id + 1),))
    for actor in (stranger, s.buyer, s.w.clerk, s.w.official):
        with refused(s.session, NotAllowed):
            send(s, order, actor=actor)
        with refused(s.session, NotAllowed):
            shipping_label(s.session, parcel.id, actor=actor, now=NOW)
    with refused(s.session, NotFound):
        shipping_label(s.session, order.id, actor=s.w.owner, now=NOW)


def test_reading_an_address_is_written_down_without_it(s: Shop) -> None:
    order = paid(s)
    parcel = parcel_of(s.session, order)
    label = shipping_label(s.session, parcel.id, actor=s.w.owner, now=NOW)
    assert label.destination == HOME
    assert label.order_number == order.number
    entry = s.session.scalars(select(AuditEntry).where(AuditEntry.verb == "read_address")).one()
    assert (entry.actor_id, entry.object_id, entry.after) == (s.w.owner.id, str(parcel.id), None)


def test_there_is_no_label_without_a_payment_or_an_address(s: Shop) -> None:
    unpaid = placed(s, key="another-one")
    parcel = parcel_of(s.session, unpaid)
    with refused(s.session, OrderClosed):
        shipping_label(s.session, parcel.id, actor=s.w.owner, now=NOW)
    order = paid(s)
    s.session.delete(s.session.get_one(OrderContact, order.id))
    s.session.flush()
    with refused(s.session, OrderClosed):
        shipping_label(s.session, parcel_of(s.session, order).id, actor=s.w.owner, now=NOW)


def test_the_price_promised_is_the_price_of_the_sale(s: Shop) -> None:
    order = paid(s, packs=1)
    s.session.execute(update(Sku).where(Sku.id == s.w.sku.id).values(price_fen=1, price_version=2))
    s.session.get_one(Product, s.w.product.id)
    send(s, order)
    line = s.session.scalars(select(SaleLine)).one()
    assert (line.unit_price_fen, line.price_version, line.total_fen) == (
        order.goods_fen,
        1,
        order.goods_fen,
    )
