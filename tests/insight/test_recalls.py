"""Buyers of recalled goods are counted, told once, and read it on their order."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.outbox import OutboxMessage
from insight.recalls.jobs import on_recall_announced
from insight.recalls.models import RecallNotice
from insight.recalls.queries import buyers_of, recalls_on_order, told_of
from parties.people.models import Account, SentMessage
from parties.people.permissions import Role
from tests.databases import NOW
from tests.factories import actor, make_lot, on_shelf, world
from tests.insight.trading import outlet, sell
from tests.trade.orders.world import later, paid, parcel_of, shop
from traceability.recalls.queries import affected_by, affected_of
from traceability.recalls.rules import Target
from traceability.recalls.services import end_recall, recall_lot
from trade.orders.models import Order
from trade.orders.services.fulfilment import Dispatch, dispatch_sub_order
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale


def sent(session: Session) -> tuple[Order, int]:
    """One order of two packs that has been sent; give it and its lot."""
    s = shop(session)
    order = paid(s)
    parcel = parcel_of(session, order)
    dispatch = Dispatch(parcel.id, "示例快递", "YT001", later(hours=1))
    dispatch_sub_order(session, dispatch, actor=s.w.owner, now=later(hours=1))
    return order, s.lot.id


def test_buyers_are_told_once_and_their_order_says_it(session: Session) -> None:
    order, lot_id = sent(session)
    official = world(session).official
    assert recalls_on_order(session, order.number) == []
    recall = recall_lot(
        session, lot_id=lot_id, reason_zh="抽检不合格", reason_en="", actor=official, now=NOW
    )
    payload = {"recall_id": recall.id}
    for _ in range(2):
        on_recall_announced(session, [payload], NOW)
    (notice,) = session.scalars(select(RecallNotice)).all()
    assert (notice.account_id, notice.channel, notice.orders) == (order.account_id, "email", 1)
    letters = session.scalars(
        select(SentMessage).where(SentMessage.subject == "您买的商品已召回")
    ).all()
    assert len(letters) == 1
    assert order.number in letters[0].body
    assert "抽检不合格。" in letters[0].body
    wanted = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "MessageWanted"))
    assert {"message_id": letters[0].id} in [message.payload for message in wanted]
    assert told_of(session, recall.id) == (1, 0, 1)
    (line,) = recalls_on_order(session, order.number)
    assert (line.number, line.quantity) == (recall.number, 2)
    end_recall(session, recall.id, "lifted", "弄错了", actor=official, now=NOW)
    assert recalls_on_order(session, order.number) == []


def test_a_buyer_without_a_mail_address_gets_a_text_and_a_closed_account_none(
    session: Session,
) -> None:
    order, lot_id = sent(session)
    account = session.get_one(Account, order.account_id)
    account.email, account.phone, account.language = None, "13900000001", "en"
    official = world(session).official
    recall = recall_lot(
        session, lot_id=lot_id, reason_zh="抽检", reason_en="Failed", actor=official, now=NOW
    )
    on_recall_announced(session, [{"recall_id": recall.id}], NOW)
    assert session.scalars(select(RecallNotice.channel)).all() == ["sms"]
    text = session.scalars(select(SentMessage).where(SentMessage.channel == "sms")).all()[-1]
    assert "Failed." in text.body


def test_lines_of_an_inferred_lot_are_counted_and_marked(session: Session) -> None:
    w = world(session)
    counter = outlet(session, "K-01")
    lot, packs = on_shelf(w, packs=6, outlet=counter)
    sell(w, packs[:2], counter)
    price = w.sku.price_fen
    record_sale(
        session,
        Ticket(
            "guess",
            counter.place_id,
            "counter",
            NOW,
            (Item(w.sku.gtin, 1),),
            (Paid("cash", price, price),),
        ),
        actor=actor(Role.COUNTER_CLERK, place_id=counter.place_id),
        now=NOW,
    )
    other = make_lot(w, packs=2)
    buyers = buyers_of(session, affected_by(session, Target("lot", lot.id)))
    assert (buyers.quantity, buyers.inferred, buyers.orders) == (3, 1, 0)
    assert [each.code for each in buyers.sold_at] == ["K-01"]
    assert buyers_of(session, affected_by(session, Target("lot", other.id))).quantity == 0
    recall = recall_lot(
        session, lot_id=lot.id, reason_zh="抽检", reason_en="", actor=w.official, now=NOW
    )
    assert buyers_of(session, affected_of(session, recall)).quantity == 3
