"""Tokens: shown once, kept as a hash, ended at will."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound
from parties.people import queries, services
from parties.people.models import ApiToken
from parties.people.permissions import NOBODY, SYSTEM, Actor, Grant, Role
from tests.factories.people import NOON, new_account

CLERK = Grant(Role.COUNTER_CLERK, place_id=5)


def test_a_token_acts_as_its_account(session: Session) -> None:
    account = new_account(session, CLERK)
    own = queries.actor_of(session, account.id)
    secret = services.issue_token(session, account.id, "收银台", actor=own, now=NOON)
    assert queries.actor_by_token(session, secret) == Actor(account.id, (CLERK,))
    row = session.scalars(select(ApiToken)).one()
    assert secret not in (row.token_hash, row.label)
    assert row.token_hash == services.token_hash(secret)


def test_a_token_that_is_unknown_or_ended_acts_as_nobody(session: Session) -> None:
    account = new_account(session, CLERK)
    own = queries.actor_of(session, account.id)
    secret = services.issue_token(session, account.id, "收银台", actor=own, now=NOON)
    token = session.scalars(select(ApiToken)).one()
    for _ in range(2):
        services.revoke_token(session, token.id, actor=own, now=NOON)
    assert queries.actor_by_token(session, secret) == NOBODY
    assert queries.actor_by_token(session, "shanhuo_made_up") == NOBODY
    assert queries.tokens_of(session, account.id) == []


def test_a_token_of_a_closed_account_acts_as_nobody(session: Session) -> None:
    account = new_account(session, CLERK)
    own = queries.actor_of(session, account.id)
    secret = services.issue_token(session, account.id, "收银台", actor=own, now=NOON)
    account.disabled_at = NOON
    session.flush()
    assert queries.actor_by_token(session, secret) == NOBODY


def test_shoppers_have_no_tokens(session: Session) -> None:
    account = new_account(session)
    own = queries.actor_of(session, account.id)
    with pytest.raises(NotAllowed):
        services.issue_token(session, account.id, "x", actor=own, now=NOON)
    assert session.scalar(select(func.count()).select_from(ApiToken)) == 0


def test_nobody_makes_or_ends_somebody_elses_token(session: Session) -> None:
    account = new_account(session, CLERK)
    stranger = Actor(account.id + 1, (CLERK,))
    with pytest.raises(NotAllowed):
        services.issue_token(session, account.id, "x", actor=stranger, now=NOON)
    with pytest.raises(NotFound):
        services.issue_token(session, 999_999, "x", actor=SYSTEM, now=NOON)
    services.issue_token(session, account.id, "x", actor=SYSTEM, now=NOON)
    token = session.scalars(select(ApiToken)).one()
    for token_id in (token.id, 999_999):
        with pytest.raises(NotFound):
            services.revoke_token(session, token_id, actor=stranger, now=NOON)
    assert token.revoked_at is None
    services.revoke_token(session, token.id, actor=SYSTEM, now=NOON)
    assert token.revoked_at == NOON


def test_a_token_needs_a_name_and_a_long_secret(session: Session) -> None:
    account = new_account(session, CLERK)
    with pytest.raises(BadInput):
        services.issue_token(session, account.id, " ", actor=SYSTEM, now=NOON)
    with pytest.raises(BadInput):
        services.issue_token(session, account.id, "x", actor=SYSTEM, now=NOON, secret="short")
    assert session.scalar(select(func.count()).select_from(ApiToken)) == 0


def test_the_demos_token_is_the_same_at_every_start(session: Session) -> None:
    account = new_account(session, CLERK)
    secret = "shanhuo_demo_counter_000000"
    given = services.issue_token(session, account.id, "x", actor=SYSTEM, now=NOON, secret=secret)
    assert given == secret
    assert queries.actor_by_token(session, secret).id == account.id


def test_the_last_day_of_use_is_the_local_one(session: Session) -> None:
    account = new_account(session, CLERK)
    services.issue_token(session, account.id, "x", actor=SYSTEM, now=NOON)
    token = session.scalars(select(ApiToken)).one()
    services.note_token_use(session, token.id, now=NOON.replace(hour=17))
    session.refresh(token)
    assert token.last_used_on == "2026-11-24"
