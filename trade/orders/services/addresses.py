"""Verbs of addresses: an account's own, and nobody else's."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, NotSignedIn
from foundation.locks import lock_key
from parties.people.audit import audit
from parties.people.permissions import Actor
from trade.orders.models import Address
from trade.orders.rules import MOST_ADDRESSES, Destination, Provinces, read_destination


def add_address(
    session: Session,
    wanted: Destination,
    *,
    provinces: Provinces,
    default: bool = False,
    actor: Actor,
    now: datetime,
) -> Address:
    """Keep a new address; the first one is the default. Raises BadInput, NotSignedIn."""
    account_id = _account(session, actor)
    destination = read_destination(wanted, provinces)
    count = session.scalar(
        select(func.count()).select_from(Address).where(Address.account_id == account_id)
    )
    if (count or 0) >= MOST_ADDRESSES:
        raise BadInput("An account keeps at most %(most)s addresses", most=MOST_ADDRESSES)
    address = Address(account_id=account_id, is_default=False)
    _write(address, destination)
    session.add(address)
    session.flush()
    if default or not count:
        _make_default(session, address)
    audit(session, "add_address", "address", address.id, actor=actor, now=now)
    return address


def change_address(
    session: Session,
    address_id: int,
    wanted: Destination,
    *,
    provinces: Provinces,
    actor: Actor,
    now: datetime,
) -> Address:
    """Write an address anew; orders already placed keep the old one. Raises BadInput, NotFound."""
    address = _own(session, address_id, actor)
    _write(address, read_destination(wanted, provinces))
    session.flush()
    audit(session, "change_address", "address", address.id, actor=actor, now=now)
    return address


def remove_address(session: Session, address_id: int, *, actor: Actor, now: datetime) -> None:
    """Forget an address; if it was the default, the newest left is. Raises NotFound."""
    address = _own(session, address_id, actor)
    was_default = address.is_default
    session.delete(address)
    session.flush()
    if was_default:
        newest = session.scalar(
            select(Address)
            .where(Address.account_id == actor.id)
            .order_by(Address.id.desc())
            .limit(1)
        )
        if newest is not None:
            _make_default(session, newest)
    audit(session, "remove_address", "address", address_id, actor=actor, now=now)


def make_default_address(
    session: Session, address_id: int, *, actor: Actor, now: datetime
) -> Address:
    """Say which address a checkout proposes first. Raises NotFound."""
    address = _own(session, address_id, actor)
    _make_default(session, address)
    audit(session, "make_default_address", "address", address.id, actor=actor, now=now)
    return address


def _account(session: Session, actor: Actor) -> int:
    if actor.id is None:
        raise NotSignedIn("Please sign in first")
    lock_key(session, f"addresses:{actor.id}")
    return actor.id


def _own(session: Session, address_id: int, actor: Actor) -> Address:
    account_id = _account(session, actor)
    address = session.scalar(
        select(Address)
        .where(Address.id == address_id, Address.account_id == account_id)
        .with_for_update()
    )
    if address is None:
        raise NotFound("There is no such address")
    return address


def _make_default(session: Session, address: Address) -> None:
    session.execute(
        update(Address)
        .where(Address.account_id == address.account_id, Address.id != address.id)
        .values(is_default=False)
    )
    address.is_default = True
    session.flush()


def _write(address: Address, destination: Destination) -> None:
    address.recipient, address.phone = destination.recipient, destination.phone
    address.province, address.city = destination.province, destination.city
    address.district, address.detail = destination.district, destination.detail
