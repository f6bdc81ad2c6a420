"""The ledger: every entry in balance, mirrors that cancel out, nothing ever changed."""

from datetime import date

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.factories import NOW
from trade.ledger.models import LedgerAccount, Transfer
from trade.ledger.queries import balance
from trade.ledger.rules import (
    Entry,
    payment_entries,
    refund_entries,
    sale_entries,
    take_back_entries,
)
from trade.ledger.services import post

DAY = date(2026, 11, 20)


def write(session: Session, entries: list[Entry], cause: str = "x") -> None:
    post(session, entries, cause=("sale", cause), business_date=DAY, now=NOW)


def test_what_a_buyer_paid_ends_with_supplier_and_platform(session: Session) -> None:
    write(session, payment_entries("stripe", 10_800))
    sold = sale_entries(
        channel="online", outlet_operator=7, by_supplier={3: 10_000}, shipping={3: 800}
    )
    write(session, sold)
    assert balance(session, "buyers") == 0
    assert balance(session, "stripe") == -10_800
    assert balance(session, "supplier:3") == 10_300
    assert balance(session, "commission") == 500
    assert balance(session, "supplier:4") == 0


def test_at_a_counter_the_operator_owes_what_it_took(session: Session) -> None:
    write(
        session,
        sale_entries(
            channel="counter", outlet_operator=7, by_supplier={4: 200, 3: 100}, shipping={}
        ),
    )
    assert balance(session, "outlet:7") == -300
    assert balance(session, "supplier:3") == 100
    assert balance(session, "commission") == 0
    owners = dict(
        session.execute(select(LedgerAccount.code, LedgerAccount.organisation_id)).tuples().all()
    )
    assert owners["supplier:3"] == 3
    assert owners["outlet:7"] == 7


@pytest.mark.parametrize("parts", [[10_001], [1, 10_000], [3333, 3333, 3335], [1] * 7 + [9994]])
def test_parts_taken_back_mirror_the_whole_to_the_fen(session: Session, parts: list[int]) -> None:
    write(session, payment_entries("stripe", sum(parts)))
    write(
        session,
        sale_entries(channel="online", outlet_operator=7, by_supplier={3: sum(parts)}, shipping={}),
    )
    before = 0
    for part in parts:
        write(
            session,
            take_back_entries(3, goods_fen=part, shipping_fen=0, before_fen=before),
        )
        before += part
    write(session, refund_entries("stripe", sum(parts)))
    codes = session.scalars(select(LedgerAccount.code)).all()
    assert {code: balance(session, code) for code in codes} == dict.fromkeys(codes, 0)


def test_nothing_is_posted_when_there_is_nothing_to_post(session: Session) -> None:
    write(session, [])
    write(session, take_back_entries(3, goods_fen=0, shipping_fen=0))
    assert session.scalar(select(func.count()).select_from(Transfer)) == 0


def test_an_account_opens_once(session: Session) -> None:
    write(session, payment_entries("stripe", 1))
    write(session, payment_entries("stripe", 2))
    assert session.scalar(select(func.count()).select_from(LedgerAccount)) == 2


@pytest.mark.parametrize("verb", ["UPDATE transfers SET amount_fen = 1", "DELETE FROM transfers"])
def test_the_database_refuses_to_change_what_was_posted(session: Session, verb: str) -> None:
    write(session, payment_entries("stripe", 5))
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text(verb))
    assert balance(session, "buyers") == 5


@pytest.mark.parametrize("entry", [Entry("a", "b", 0, "goods"), Entry("a", "a", 1, "goods")])
def test_the_database_refuses_an_entry_of_nothing_or_to_itself(
    session: Session, entry: Entry
) -> None:
    with pytest.raises(DBAPIError), session.begin_nested():
        write(session, [entry])
