"""Reads of people: who is asking, and what the account page shows."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from foundation.paging import Page, page_of
from parties.people.models import (
    Account,
    ApiToken,
    AuditEntry,
    RoleGrant,
    SentMessage,
    SignIn,
)
from parties.people.permissions import NOBODY, Actor, Grant, Role


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in, as far as a page needs to know."""

    account_id: int
    display_name: str
    language: str
    demo: bool
    actor: Actor
    sign_in_id: int | None = None
    """The sign-in of this browser; None for a token."""
    token_id: int | None = None
    token_used_on: str | None = None
    token_organisation_id: int | None = None
    """The organisation to which a system's token is bound."""
    token_scopes: frozenset[str] = frozenset()


GRANT = (RoleGrant.role, RoleGrant.organisation_id, RoleGrant.place_id, RoleGrant.county_code)


def grants_of(session: Session, account_id: int) -> tuple[Grant, ...]:
    """Give the roles that an account holds now."""
    rows = session.execute(
        select(*GRANT)
        .where(RoleGrant.account_id == account_id, RoleGrant.revoked_at.is_(None))
        .order_by(RoleGrant.id)
    )
    return tuple(_grant(row) for row in rows)


def actor_of(session: Session, account_id: int) -> Actor:
    """Give an account as an actor; NOBODY when there is none or it is closed."""
    visitor = _visitor(session, _visitors().where(Account.id == account_id))
    return visitor.actor if visitor is not None else NOBODY


def visitor_by_sign_in(session: Session, sign_in_id: int, *, now: datetime) -> Visitor | None:
    """Give who is behind a sign-in that still counts, with their roles; one statement."""
    query = (
        _visitors(SignIn.id.label("sign_in_id"))
        .join(SignIn, SignIn.account_id == Account.id)
        .where(
            SignIn.id == sign_in_id,
            SignIn.ended_at.is_(None),
            SignIn.until > now,
            SignIn.session_version == Account.session_version,
        )
    )
    return _visitor(session, query)


def visitor_by_token(session: Session, secret: str) -> Visitor | None:
    """Give who a token acts as, with their roles; None when it has ended. One statement."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    query = (
        _visitors(
            ApiToken.id.label("token_id"),
            ApiToken.last_used_on.label("token_used_on"),
            ApiToken.organisation_id.label("token_organisation_id"),
            ApiToken.scopes.label("token_scopes"),
        )
        .join(ApiToken, ApiToken.account_id == Account.id)
        .where(ApiToken.token_hash == digest, ApiToken.revoked_at.is_(None))
    )
    return _visitor(session, query)


def actor_by_token(session: Session, secret: str) -> Actor:
    """Give whom a token acts as; NOBODY when it is unknown or ended."""
    visitor = visitor_by_token(session, secret)
    return visitor.actor if visitor is not None else NOBODY


def account_of(session: Session, account_id: int) -> Account | None:
    """Give an open account's row."""
    return session.scalar(
        select(Account).where(Account.id == account_id, Account.disabled_at.is_(None))
    )


def sign_ins_of(session: Session, account_id: int, *, now: datetime) -> list[SignIn]:
    """Give the devices on which an account is signed in now, newest first."""
    return list(
        session.scalars(
            select(SignIn)
            .where(
                SignIn.account_id == account_id,
                SignIn.ended_at.is_(None),
                SignIn.until > now,
            )
            .order_by(SignIn.id.desc())
            .limit(20)
        )
    )


def tokens_of(session: Session, account_id: int) -> list[ApiToken]:
    """Give the tokens of an account that still work, newest first."""
    return list(
        session.scalars(
            select(ApiToken)
            .where(
                ApiToken.account_id == account_id,
                ApiToken.revoked_at.is_(None),
                ApiToken.organisation_id.is_(None),
            )
            .order_by(ApiToken.id.desc())
        )
    )


def system_tokens(session: Session, organisation_ids: Collection[int] | None) -> list[ApiToken]:
    """Give the tokens of organisations' systems, newest first; None asks for everybody's."""
    query = select(ApiToken).where(ApiToken.organisation_id.is_not(None))
    if organisation_ids is not None:
        query = query.where(ApiToken.organisation_id.in_(organisation_ids))
    return list(session.scalars(query.order_by(ApiToken.id.desc()).limit(200)))


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One of the demo's sign-ins, with the first of its roles."""

    account_id: int
    display_name: str
    email: str | None
    phone: str | None
    role: Role


def demo_accounts(session: Session) -> list[DemoAccount]:
    """Give the demo's sign-ins in the order of roles; those without a password are extras."""
    rows = session.execute(
        select(Account.id, Account.display_name, Account.email, Account.phone, RoleGrant.role)
        .join(RoleGrant, RoleGrant.account_id == Account.id)
        .where(
            Account.demo.is_(True),
            Account.password_hash.is_not(None),
            Account.disabled_at.is_(None),
            RoleGrant.revoked_at.is_(None),
        )
        .order_by(Account.id, RoleGrant.id)
    )
    found: dict[int, DemoAccount] = {}
    for row in rows:
        found.setdefault(
            row.id, DemoAccount(row.id, row.display_name, row.email, row.phone, Role(row.role))
        )
    order = list(Role)
    return sorted(found.values(), key=lambda one: (order.index(one.role), one.account_id))


def letters(session: Session, *, number: int = 1, size: int = 20) -> Page:
    """Give the demo's mails and text messages, newest first."""
    query = select(SentMessage).order_by(SentMessage.id.desc())
    return page_of(session, query, number=number, size=size, scalars=True)


def own_data(session: Session, account_id: int) -> dict[str, Any]:
    """Give everything that people's tables hold about an account, as JSON-like values."""
    account = session.get(Account, account_id)
    if account is None:
        return {}
    targets = [target for target in (account.email, account.phone) if target]
    sign_ins = session.scalars(select(SignIn).where(SignIn.account_id == account_id))
    tokens = session.scalars(select(ApiToken).where(ApiToken.account_id == account_id))
    grants = session.scalars(select(RoleGrant).where(RoleGrant.account_id == account_id))
    sent = session.scalars(select(SentMessage).where(SentMessage.target.in_(targets)))
    acts = session.scalars(select(AuditEntry).where(AuditEntry.actor_id == account_id))
    return {
        "account": {
            "id": account.id,
            "email": account.email,
            "phone": account.phone,
            "display_name": account.display_name,
            "language": account.language,
            "created_at": _iso(account.created_at),
            "has_password": account.password_hash is not None,
        },
        "roles": [
            {
                "role": grant.role,
                "organisation_id": grant.organisation_id,
                "place_id": grant.place_id,
                "county_code": grant.county_code,
                "granted_at": _iso(grant.granted_at),
                "revoked_at": _iso(grant.revoked_at),
            }
            for grant in grants
        ],
        "sign_ins": [
            {
                "began_at": _iso(row.began_at),
                "until": _iso(row.until),
                "ended_at": _iso(row.ended_at),
                "device": row.device,
            }
            for row in sign_ins
        ],
        "tokens": [
            {
                "label": row.label,
                "created_at": _iso(row.created_at),
                "last_used_on": row.last_used_on,
                "revoked_at": _iso(row.revoked_at),
            }
            for row in tokens
        ],
        "messages": [
            {"channel": row.channel, "subject": row.subject, "sent_at": _iso(row.sent_at)}
            for row in sent
        ],
        "acts": [
            {
                "at": _iso(row.at),
                "verb": row.verb,
                "object_type": row.object_type,
                "object_id": row.object_id,
            }
            for row in acts
        ],
    }


def _visitors(*more: Any) -> Select[Any]:
    return (
        select(Account.id, Account.display_name, Account.language, Account.demo, *GRANT, *more)
        .select_from(Account)
        .outerjoin(
            RoleGrant,
            (RoleGrant.account_id == Account.id) & RoleGrant.revoked_at.is_(None),
        )
        .where(Account.disabled_at.is_(None))
        .order_by(RoleGrant.id)
    )


def _visitor(session: Session, query: Select[Any]) -> Visitor | None:
    rows = session.execute(query).all()
    if not rows:
        return None
    first = rows[0]._mapping  # noqa: SLF001 -- SQLAlchemy's public name for it
    grants = tuple(_grant(row) for row in rows if row.role is not None)
    return Visitor(
        account_id=first["id"],
        display_name=first["display_name"],
        language=first["language"],
        demo=first["demo"],
        actor=Actor(first["id"], grants),
        sign_in_id=first.get("sign_in_id"),
        token_id=first.get("token_id"),
        token_used_on=first.get("token_used_on"),
        token_organisation_id=first.get("token_organisation_id"),
        token_scopes=frozenset((first.get("token_scopes") or "").split()),
    )


def _grant(row: Row[Any]) -> Grant:
    return Grant(Role(row.role), row.organisation_id, row.place_id, row.county_code)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
