"""Verbs of whoever minds the house."""

from datetime import datetime

from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.outbox import OutboxMessage, send_again
from parties.people.audit import audit
from parties.people.permissions import Actor, Can


def revive_message(session: Session, message_id: int, *, actor: Actor, now: datetime) -> None:
    """Send a dead letter again. Raises NotAllowed, and NotFound when it is not dead any more."""
    actor.must(Can.OPERATE)
    if not send_again(session, message_id, now=now):
        raise NotFound("This message is not waiting to be sent again")
    kind = session.get_one(OutboxMessage, message_id).kind
    audit(
        session,
        "revive_message",
        "outbox",
        message_id,
        actor=actor,
        now=now,
        after={"kind": kind},
    )
