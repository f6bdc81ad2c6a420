"""Which outlets somebody works at."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import Session

from parties.network.models import Outlet
from parties.network.queries import outlet_by_code
from parties.people.permissions import Actor, Can, Scope

MOST = 400


def within(actor: Actor, permission: Can) -> ColumnElement[bool]:
    """Give the condition that an outlet lies within `actor`'s grants for `permission`."""
    held: list[ColumnElement[bool]] = []
    for grant in actor.grants_for(permission):
        limits: list[ColumnElement[bool]] = []
        if grant.organisation_id is not None:
            limits.append(Outlet.operator_id == grant.organisation_id)
        if grant.place_id is not None:
            limits.append(Outlet.place_id == grant.place_id)
        if grant.county_code is not None:
            limits.append(Outlet.county_code == grant.county_code)
        held.append(and_(true(), *limits))
    return or_(false(), *held)


def outlets_of(session: Session, actor: Actor, permission: Can) -> Sequence[Outlet]:
    """Give the outlets where `actor` may, open ones first; at most 400."""
    query: Select[tuple[Outlet]] = select(Outlet).where(within(actor, permission))
    return session.scalars(query.order_by(Outlet.status != "open", Outlet.code).limit(MOST)).all()


def outlet_for(session: Session, code: str, actor: Actor, permission: Can) -> Outlet:
    """Give one outlet; raise NotFound, or NotAllowed when it is not `actor`'s."""
    outlet = outlet_by_code(session, code)
    actor.must(permission, scope_of(outlet))
    return outlet


def scope_of(outlet: Outlet) -> Scope:
    """Give whose and where an outlet is, for permissions."""
    return Scope(outlet.operator_id, outlet.place_id, outlet.county_code)
