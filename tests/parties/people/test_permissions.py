"""Who may do what, where: roles, scopes, guards and the database's own checks."""

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from foundation.errors import NotAllowed
from parties.people.guards import current_actor, open_to_all, requires, set_actor
from parties.people.models import RoleGrant
from parties.people.permissions import (
    MAY_GRANT,
    NOBODY,
    ROLES,
    SCOPED_BY,
    SYSTEM,
    Actor,
    Can,
    Grant,
    Role,
    Scope,
)
from tests.factories.people import NOON, new_account


def test_every_role_is_written_down_and_every_permission_is_held_by_somebody() -> None:
    assert set(ROLES) == set(SCOPED_BY) == set(Role)
    assert set().union(*ROLES.values()) == set(Can)


def test_nobody_grants_a_role_who_may_not_grant_roles() -> None:
    for role in Role:
        assert (role in MAY_GRANT) == (Can.GRANT_ROLES in ROLES[role])


def test_only_operators_make_officials_above_the_county_and_operators() -> None:
    for role in (Role.OPERATOR, Role.CITY_OFFICIAL, Role.AUDITOR):
        assert [one for one, given in MAY_GRANT.items() if role in given] == [Role.OPERATOR]


def test_a_grant_covers_what_lies_within_its_limits() -> None:
    clerk = Grant(Role.COUNTER_CLERK, place_id=5)
    assert clerk.covers(Scope(place_id=5, county_code="140524"))
    assert not clerk.covers(Scope(place_id=6))
    assert not clerk.covers(Scope())
    assert Grant(Role.CITY_OFFICIAL).covers(Scope(place_id=6, county_code="140521"))
    county = Grant(Role.COUNTY_OFFICIAL, county_code="140524")
    assert county.covers(Scope(organisation_id=1, county_code="140524"))
    assert not county.covers(Scope(organisation_id=1, county_code="140521"))


def test_an_actor_may_by_any_one_grant_and_never_by_a_mixture() -> None:
    actor = Actor(
        7,
        (
            Grant(Role.COUNTER_CLERK, place_id=5),
            Grant(Role.SUPPLIER_OWNER, organisation_id=1),
            Grant(Role.COUNTER_CLERK, place_id=6),
        ),
    )
    assert actor.can(Can.SELL)
    assert actor.can(Can.SELL, Scope(place_id=6))
    assert not actor.can(Can.SELL, Scope(organisation_id=1, place_id=9))
    assert actor.places(Can.SELL) == {5, 6}
    assert actor.organisations(Can.MANAGE_CATALOGUE) == {1}
    assert actor.organisations(Can.SELL) == frozenset()
    actor.must(Can.MANAGE_CATALOGUE, Scope(organisation_id=1))
    with pytest.raises(NotAllowed):
        actor.must(Can.MANAGE_CATALOGUE, Scope(organisation_id=2))


def test_a_visitor_may_nothing_and_the_program_what_operators_may() -> None:
    assert not any(NOBODY.can(permission) for permission in Can)
    assert {one for one in Can if SYSTEM.can(one)} == ROLES[Role.OPERATOR]


@pytest.mark.parametrize("role", [role for role in Role if SCOPED_BY[role]])
def test_the_database_refuses_a_role_without_its_limit(session: Session, role: Role) -> None:
    account = new_account(session)
    row = {"account_id": account.id, "role": role.value, "granted_at": NOON}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(RoleGrant), row)


def test_a_route_asks_the_kind(web: Flask) -> None:
    @requires(Can.SELL)
    def till() -> str:
        return "till"

    @open_to_all
    def street() -> str:
        return "street"

    assert till.__dict__["guard"] is Can.SELL
    assert street.__dict__["guard"] == "open"
    with web.test_request_context("/"):
        assert current_actor() is NOBODY
        set_actor(Actor(7, (Grant(Role.CONSUMER),)))
        with pytest.raises(NotAllowed):
            till()
        set_actor(Actor(7, (Grant(Role.COUNTER_CLERK, place_id=1),)))
        assert till() == "till"
        assert street() == "street"
