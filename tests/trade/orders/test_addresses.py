"""Addresses: an account's own and nobody else's."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, NotSignedIn
from parties.people.models import AuditEntry
from parties.people.permissions import NOBODY, Actor
from tests.factories import NOW
from tests.trade.orders.world import HOME, TERMS, new_buyer, refused
from trade.orders.models import Address
from trade.orders.queries.buyers import address_of, addresses_of
from trade.orders.services import addresses

AWAY = replace(HOME, recipient="李四", detail="凤台街9号")


@pytest.fixture
def buyer(session: Session) -> Actor:
    return new_buyer(session)


def add(session: Session, buyer: Actor, *, default: bool = False) -> Address:
    return addresses.add_address(
        session, AWAY, provinces=TERMS.provinces, default=default, actor=buyer, now=NOW
    )


def test_the_first_address_is_the_default_until_another_is(session: Session, buyer: Actor) -> None:
    first = addresses.add_address(session, HOME, provinces=TERMS.provinces, actor=buyer, now=NOW)
    second = add(session, buyer)
    assert [a.id for a in addresses_of(session, actor=buyer)] == [first.id, second.id]

    addresses.make_default_address(session, second.id, actor=buyer, now=NOW)
    session.expire_all()
    assert [(a.id, a.is_default) for a in addresses_of(session, actor=buyer)] == [
        (second.id, True),
        (first.id, False),
    ]
    third = add(session, buyer, default=True)
    session.expire_all()
    assert [a.is_default for a in addresses_of(session, actor=buyer)] == [True, False, False]
    assert addresses_of(session, actor=buyer)[0].id == third.id


def test_when_the_default_goes_the_newest_left_is(session: Session, buyer: Actor) -> None:
    first, second = add(session, buyer), add(session, buyer)
    addresses.remove_address(session, first.id, actor=buyer, now=NOW)
    assert address_of(session, second.id, actor=buyer).is_default
    addresses.remove_address(session, second.id, actor=buyer, now=NOW)
    assert addresses_of(session, actor=buyer) == []


def test_removing_another_leaves_the_default(session: Session, buyer: Actor) -> None:
    first, second = add(session, buyer), add(session, buyer)
    addresses.remove_address(session, second.id, actor=buyer, now=NOW)
    assert address_of(session, first.id, actor=buyer).is_default


def test_an_address_is_written_anew(session: Session, buyer: Actor) -> None:
    kept = add(session, buyer)
    addresses.change_address(
        session, kept.id, HOME, provinces=TERMS.provinces, actor=buyer, now=NOW
    )
    assert (kept.recipient, kept.detail) == (HOME.recipient, HOME.detail)


def test_a_wrong_address_is_not_kept(session: Session, buyer: Actor) -> None:
    kept = add(session, buyer)
    with refused(session, BadInput, field="phone"):
        addresses.change_address(
            session,
            kept.id,
            replace(HOME, phone="1"),
            provinces=TERMS.provinces,
            actor=buyer,
            now=NOW,
        )


def test_nobody_touches_another_accounts_address(session: Session, buyer: Actor) -> None:
    kept, other = add(session, buyer), new_buyer(session, 1)
    with refused(session, NotFound):
        addresses.remove_address(session, kept.id, actor=other, now=NOW)
    with refused(session, NotFound):
        addresses.make_default_address(session, kept.id, actor=other, now=NOW)
    with refused(session, NotFound):
        addresses.change_address(
            session, kept.id, HOME, provinces=TERMS.provinces, actor=other, now=NOW
        )
    with pytest.raises(NotFound):
        address_of(session, kept.id, actor=other)
    with refused(session, NotSignedIn):
        add(session, NOBODY)


def test_an_account_keeps_a_shelf_of_addresses_not_a_warehouse(
    session: Session, buyer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "MOST_ADDRESSES", 1)
    add(session, buyer)
    with refused(session, BadInput):
        add(session, buyer)


def test_the_audit_trail_holds_no_name_and_no_street(session: Session, buyer: Actor) -> None:
    add(session, buyer)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.object_type == "address")).all()
    assert [(e.verb, e.before, e.after) for e in entries] == [("add_address", None, None)]
