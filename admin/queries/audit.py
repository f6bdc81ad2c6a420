"""The audit trail."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from admin.forms import AuditFilter
from foundation.clock import LOCAL
from parties.people.models import AuditEntry, RoleGrant


def entries(asked: AuditFilter) -> Select[Any]:
    """Select acts, newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if asked.first is not None:
        query = query.where(AuditEntry.at >= datetime.combine(asked.first, time(), LOCAL))
    if asked.last is not None:
        end = datetime.combine(asked.last + timedelta(days=1), time(), LOCAL)
        query = query.where(AuditEntry.at < end)
    if asked.verb:
        query = query.where(AuditEntry.verb == asked.verb)
    if asked.object_type:
        query = query.where(AuditEntry.object_type == asked.object_type)
    if asked.object_id:
        query = query.where(AuditEntry.object_id == asked.object_id)
    if asked.actor_id is not None:
        query = query.where(AuditEntry.actor_id == asked.actor_id)
    return query


def said(session: Session) -> tuple[list[str], list[str]]:
    """Give every verb and kind of object that the trail knows."""
    verbs = session.scalars(select(AuditEntry.verb).distinct().order_by(AuditEntry.verb))
    kinds = session.scalars(
        select(AuditEntry.object_type).distinct().order_by(AuditEntry.object_type)
    )
    return list(verbs), list(kinds)


def roles_of(session: Session, account_ids: list[int]) -> dict[int, list[str]]:
    """Give the roles of accounts, so that a number tells something without naming anybody."""
    rows = session.execute(
        select(RoleGrant.account_id, RoleGrant.role)
        .where(RoleGrant.account_id.in_(account_ids), RoleGrant.revoked_at.is_(None))
        .order_by(RoleGrant.id)
    )
    found: dict[int, list[str]] = {}
    for account_id, role in rows:
        if role not in found.setdefault(account_id, []):
            found[account_id].append(role)
    return found
