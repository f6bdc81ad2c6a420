"""record_sale: what a ticket becomes."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import KeyReused, NotAllowed
from foundation.outbox import OutboxMessage
from goods.stock.models import Serial, StockBalance, StockMove
from parties.people.permissions import Role
from tests.factories import NOW, World, actor, on_shelf, world
from trade.ledger.models import Transfer
from trade.ledger.queries import balance
from trade.sales.errors import AlreadySold, NotHere, UnknownItem, WrongTender
from trade.sales.models import Sale, SaleLine
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


def ticket(w: World, serials: list[Serial], *, key: str = "k1", paid: int | None = None) -> Ticket:
    total = w.sku.price_fen * len(serials) if paid is None else paid
    return Ticket(
        key=key,
        place_id=w.outlet.place_id,
        channel="counter",
        sold_at=NOW,
        items=tuple(Item(w.sku.gtin, serial=serial.serial) for serial in serials),
        tenders=(Paid("cash", total, total + 100),),
    )


def counts(session: Session) -> list[int]:
    return [how_many(session, table) for table in (Sale, SaleLine, Transfer, StockMove)]


def how_many(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def w(session: Session) -> World:
    return world(session)


def test_a_sale_takes_its_goods_out_of_stock_and_credits_the_supplier(w: World) -> None:
    lot, serials = on_shelf(w, packs=12)

    made = record_sale(w.session, ticket(w, serials[:2]), actor=w.clerk, now=NOW)
    w.session.expire_all()

    left = w.session.get_one(StockBalance, (w.outlet.place_id, lot.id))
    assert left.on_hand == 10
    assert made.total_fen == 2 * w.sku.price_fen
    assert balance(w.session, f"supplier:{w.supplier.id}") == 2 * w.sku.price_fen
    assert {s.state for s in w.session.scalars(select(Serial).where(Serial.lot_id == lot.id))} >= {
        "sold",
        "on_shelf",
    }


def test_the_same_ticket_sent_twice_is_one_sale(w: World) -> None:
    _, serials = on_shelf(w)
    first = record_sale(w.session, ticket(w, serials[:1]), actor=w.clerk, now=NOW)
    messages = how_many(w.session, OutboxMessage)

    again = record_sale(w.session, ticket(w, serials[:1]), actor=w.clerk, now=NOW)

    assert (again.id, again.new) == (first.id, False)
    assert how_many(w.session, Sale) == 1
    assert how_many(w.session, OutboxMessage) == messages


def test_a_key_used_for_other_content_is_refused(w: World) -> None:
    _, serials = on_shelf(w)
    record_sale(w.session, ticket(w, serials[:1]), actor=w.clerk, now=NOW)

    with pytest.raises(KeyReused):
        record_sale(w.session, ticket(w, serials[1:2]), actor=w.clerk, now=NOW)

    assert how_many(w.session, Sale) == 1


@pytest.mark.parametrize("fault", ["sold", "unknown", "elsewhere", "tender", "stranger"])
def test_a_sale_that_may_not_be_leaves_nothing_behind(w: World, fault: str) -> None:
    _, serials = on_shelf(w)
    record_sale(w.session, ticket(w, serials[:1], key="first"), actor=w.clerk, now=NOW)
    w.session.flush()
    before = (
        how_many(w.session, Sale),
        how_many(w.session, SaleLine),
        how_many(w.session, Transfer),
    )
    asked = ticket(w, serials[1:2], key="second")
    clerk = w.clerk
    refusal: type[Exception]
    if fault == "sold":
        asked, refusal = ticket(w, serials[:1], key="second"), AlreadySold
    elif fault == "unknown":
        item = Item(w.sku.gtin, serial="NOSUCH1")
        asked = Ticket("second", w.outlet.place_id, "counter", NOW, (item,), asked.tenders)
        refusal = UnknownItem
    elif fault == "elsewhere":
        away = w.session.scalars(select(Serial).where(Serial.state == "commissioned")).all()[0]
        asked, refusal = ticket(w, [away], key="second"), NotHere
    elif fault == "tender":
        asked, refusal = ticket(w, serials[1:2], key="second", paid=1), WrongTender
    else:
        clerk, refusal = actor(Role.COUNTER_CLERK, place_id=w.outlet.place_id + 1), NotAllowed

    with pytest.raises(refusal), w.session.begin_nested():
        record_sale(w.session, asked, actor=clerk, now=NOW)

    after = (
        how_many(w.session, Sale),
        how_many(w.session, SaleLine),
        how_many(w.session, Transfer),
    )
    assert after == before


def test_goods_in_hand_that_the_books_lack_are_booked_in_first(w: World) -> None:
    lot, _ = on_shelf(w)
    w.session.flush()
    item = Item(w.sku.gtin, quantity=20, lot_no=lot.lot_no)
    total = 20 * w.sku.price_fen
    late = Ticket(
        "late", w.outlet.place_id, "counter", NOW, (item,), (Paid("shop_qr", total, total),)
    )

    record_sale(w.session, late, actor=w.clerk, now=NOW)
    w.session.expire_all()

    assert w.session.get_one(StockBalance, (w.outlet.place_id, lot.id)).on_hand == 0
