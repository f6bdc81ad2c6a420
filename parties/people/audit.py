"""The audit trail: one row per act, in the act's own transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from foundation.db import add_rows
from parties.people.models import AuditEntry
from parties.people.permissions import Actor


def audit(
    session: Session,
    verb: str,
    object_type: str,
    object_id: object,
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write who did what to which object; `before` and `after` hold ids and plain values only."""
    add_rows(
        session,
        AuditEntry,
        [
            {
                "at": now,
                "actor_id": actor.id,
                "verb": verb,
                "object_type": object_type,
                "object_id": str(object_id),
                "before": before,
                "after": after,
            }
        ],
    )
