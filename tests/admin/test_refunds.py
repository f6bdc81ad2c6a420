"""Refunds in the office: what a provider refused waits for an operator."""

import csv
import io

from sqlalchemy import select

from foundation.db import Database
from tests.admin.conftest import AUDITOR, CITY, OPERATOR, Office
from tests.databases import NOW
from tests.trade.orders.world import later, paid, shop
from trade.orders.models import Refund
from trade.orders.services.endings import cancel_order
from trade.orders.services.refunds import refund_declined


def refused_refund(database: Database) -> tuple[str, Refund]:
    """Let an order be paid and called off, and its provider keep the money."""
    with database.transaction() as session:
        s = shop(session)
        order = paid(s)
        cancel_order(session, order.id, actor=s.buyer, now=later(minutes=1))
        refund = session.scalars(select(Refund)).one()
        refund_declined(session, refund.id, "insufficient_balance", now=NOW)
        return order.number, refund


def test_an_operator_sees_a_failed_refund_and_has_it_tried_again(
    office: Office, database: Database
) -> None:
    number, refund = refused_refund(database)
    assert "1 笔退款等待处理" in office.read("/attention", OPERATOR)
    page = office.read("/refunds")
    assert number in page
    assert "insufficient_balance" in page
    rows = list(csv.reader(io.StringIO(office.get("/refunds.csv").get_data(as_text=True))))
    assert [rows[1][0], rows[1][2], rows[1][7]] == [number, "买家取消", "insufficient_balance"]

    again = f"/refunds/{refund.id}/again"
    assert office.post(again, OPERATOR).status_code == 303
    assert number not in office.read("/refunds")
    assert number in office.read("/refunds?state=due")
    assert office.post(again).status_code == 409
    assert "笔退款等待处理" not in office.read("/attention")


def test_refunds_are_for_operators_alone(office: Office, database: Database) -> None:
    _, refund = refused_refund(database)
    for who in (CITY, AUDITOR):
        assert office.get("/refunds", who).status_code == 403
        assert office.get("/refunds.csv").status_code == 403
        assert office.post(f"/refunds/{refund.id}/again").status_code == 403
        assert "笔退款等待处理" not in office.read("/attention")
    with database.reading() as session:
        assert session.get_one(Refund, refund.id).state == "failed"
    assert office.post(f"/refunds/{refund.payment_id}/again", OPERATOR).status_code == 404
