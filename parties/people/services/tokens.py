"""Partners' keys to the JSON doors: shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from foundation.clock import business_date
from foundation.errors import BadInput, NotAllowed, NotFound
from parties.people.audit import audit
from parties.people.models import Account, ApiToken
from parties.people.permissions import Actor, Can, Scope
from parties.people.queries import actor_of
from parties.people.rules import normal_name

PREFIX: Final = "shanhuo_"
SHORTEST_SECRET: Final = 24


def token_hash(secret: str) -> str:
    """Give what is kept of a token; it has 256 random bits, so a plain digest is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(
    session: Session,
    account_id: int,
    label: str,
    *,
    actor: Actor,
    now: datetime,
    secret: str | None = None,
) -> str:
    """Make a token that acts as `account_id` and give its secret, which is never shown again.

    For one's own account, if it has a staff role; operators may for any such account. `secret`
    is for the demo, whose tokens must be the same at every start. Raises BadInput (no label),
    NotFound, NotAllowed.
    """
    label = normal_name(label)
    if not label:
        raise BadInput("Give the token a name, so that you know it again", field="label")
    account = session.get(Account, account_id)
    if account is None or account.disabled_at is not None:
        raise NotFound("There is no such account")
    _must_manage(actor, account_id)
    if not actor_of(session, account_id).can(Can.ISSUE_TOKENS):
        raise NotAllowed("Tokens are for the staff of partners and offices")
    if secret is None:
        secret = PREFIX + secrets.token_urlsafe(32)
    elif len(secret) < SHORTEST_SECRET:
        raise BadInput("A token needs at least %(least)s characters", least=SHORTEST_SECRET)
    row = ApiToken(
        label=label, token_hash=token_hash(secret), account_id=account_id, created_at=now
    )
    session.add(row)
    session.flush()
    audit(
        session,
        "issue_token",
        "api_token",
        row.id,
        actor=actor,
        now=now,
        after={"account_id": account_id},
    )
    return secret


SCOPES: Final = ("capture", "query", "subscribe")
"""What a system may be allowed to do with its token."""


def issue_system_token(
    session: Session,
    organisation_id: int,
    label: str,
    scopes: Collection[str],
    *,
    actor: Actor,
    now: datetime,
) -> str:
    """Make a token for a system of an organisation and give its secret, never shown again.

    It opens the partners' interface only, for that organisation only. Raises BadInput without a
    name or a scope, NotAllowed for somebody else's organisation.
    """
    _must_manage_system(actor, organisation_id)
    label = normal_name(label)
    if not label:
        raise BadInput("Give the token a name, so that you know it again", field="label")
    wanted = [scope for scope in SCOPES if scope in scopes]
    if not wanted or len(wanted) < len(set(scopes)):
        raise BadInput("Choose what the token may do", field="scopes")
    if actor.id is None:
        raise NotAllowed("A token belongs to the account that made it")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        label=label,
        token_hash=token_hash(secret),
        account_id=actor.id,
        created_at=now,
        organisation_id=organisation_id,
        scopes=" ".join(wanted),
    )
    session.add(row)
    session.flush()
    audit(
        session,
        "issue_system_token",
        "api_token",
        row.id,
        actor=actor,
        now=now,
        after={"organisation_id": organisation_id, "scopes": wanted},
    )
    return secret


def revoke_token(session: Session, token_id: int, *, actor: Actor, now: datetime) -> None:
    """End a token; a second time changes nothing. NotFound for anybody else's."""
    row = session.get(ApiToken, token_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such token")
    try:
        if row.organisation_id is None:
            _must_manage(actor, row.account_id)
        else:
            _must_manage_system(actor, row.organisation_id)
    except NotAllowed:
        raise NotFound("There is no such token") from None
    if row.revoked_at is None:
        row.revoked_at = now
        audit(
            session,
            "revoke_token",
            "api_token",
            row.id,
            actor=actor,
            now=now,
            before={"account_id": row.account_id},
        )


def note_token_use(session: Session, token_id: int, *, now: datetime) -> None:
    """Write down the business day on which a token changed something."""
    day = business_date(now).isoformat()
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_on=day))


def _must_manage(actor: Actor, account_id: int) -> None:
    if actor.id != account_id or actor.id is None:
        actor.must(Can.OPERATE)


def may_manage_system(organisation_id: int, *, actor: Actor) -> bool:
    """Tell whether somebody may let systems of an organisation in: its head, or an operator."""
    scope = Scope(organisation_id=organisation_id)
    return actor.can(Can.OPERATE) or actor.can(Can.MANAGE_PARTNERS, scope)


def _must_manage_system(actor: Actor, organisation_id: int) -> None:
    if not may_manage_system(organisation_id, actor=actor):
        raise NotAllowed("You may not do this here")
