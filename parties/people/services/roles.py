"""Giving and taking roles."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotAllowed, NotFound
from parties.people.audit import audit
from parties.people.errors import ScopeMissing
from parties.people.models import Account, RoleGrant
from parties.people.permissions import MAY_GRANT, SCOPED_BY, Actor, Can, Grant, Role, Scope


def grant_role(
    session: Session, account_id: int, grant: Grant, *, actor: Actor, now: datetime
) -> RoleGrant:
    """Give an account a role with its limits; the same role and limits again changes nothing.

    Raises ScopeMissing (the role lacks the limit named in SCOPED_BY), NotAllowed (the actor may
    not give this role there) and NotFound (no such account).
    """
    needed = SCOPED_BY[grant.role]
    if needed is not None and getattr(grant, needed) is None:
        raise _missing(needed)
    _must_grant(actor, grant)
    account = session.scalar(select(Account).where(Account.id == account_id).with_for_update())
    if account is None or account.disabled_at is not None:
        raise NotFound("There is no such account")
    return add_grant(session, account_id, grant, actor=actor, now=now)


def add_grant(
    session: Session, account_id: int, grant: Grant, *, actor: Actor, now: datetime
) -> RoleGrant:
    """Write a grant whose right has been checked; for this room's verbs only."""
    held = session.scalar(
        select(RoleGrant).where(
            RoleGrant.account_id == account_id,
            RoleGrant.role == grant.role.value,
            RoleGrant.organisation_id.is_not_distinct_from(grant.organisation_id),
            RoleGrant.place_id.is_not_distinct_from(grant.place_id),
            RoleGrant.county_code.is_not_distinct_from(grant.county_code),
            RoleGrant.revoked_at.is_(None),
        )
    )
    if held is not None:
        return held
    row = RoleGrant(
        account_id=account_id,
        role=grant.role.value,
        organisation_id=grant.organisation_id,
        place_id=grant.place_id,
        county_code=grant.county_code,
        granted_at=now,
    )
    session.add(row)
    session.flush()
    audit(
        session,
        "grant_role",
        "account",
        account_id,
        actor=actor,
        now=now,
        after=_words(row),
    )
    return row


def revoke_role(session: Session, grant_id: int, *, actor: Actor, now: datetime) -> None:
    """Take a role back; a second time changes nothing. Raises NotFound, NotAllowed."""
    row = session.get(RoleGrant, grant_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such role")
    _must_grant(actor, Grant(Role(row.role), row.organisation_id, row.place_id, row.county_code))
    if row.revoked_at is None:
        row.revoked_at = now
        audit(
            session,
            "revoke_role",
            "account",
            row.account_id,
            actor=actor,
            now=now,
            before=_words(row),
        )


def _must_grant(actor: Actor, grant: Grant) -> None:
    scope = Scope(grant.organisation_id, grant.place_id, grant.county_code)
    givers = actor.grants_for(Can.GRANT_ROLES)
    if not any(grant.role in MAY_GRANT[own.role] and own.covers(scope) for own in givers):
        raise NotAllowed("You may not give or take this role here")


def _missing(limit: str) -> ScopeMissing:
    if limit == "organisation_id":
        return ScopeMissing("This role needs an organisation", field=limit)
    if limit == "place_id":
        return ScopeMissing("This role needs an outlet", field=limit)
    return ScopeMissing("This role needs a county", field=limit)


def _words(row: RoleGrant) -> dict[str, object]:
    return {
        "role": row.role,
        "organisation_id": row.organisation_id,
        "place_id": row.place_id,
        "county_code": row.county_code,
    }
