"""Putting a letter into the outbox."""

from datetime import datetime

from sqlalchemy.orm import Session

from foundation.outbox import publish
from parties.people.letters import Letter
from parties.people.messages import MessageWanted
from parties.people.models import SentMessage


def post_letter(
    session: Session, channel: str, target: str, letter: Letter, *, now: datetime
) -> int:
    """Keep a letter for `target` and ask for its sending; the outbox learns only its id."""
    message = SentMessage(
        channel=channel, target=target, subject=letter.subject, body=letter.body, wanted_at=now
    )
    session.add(message)
    session.flush()
    publish(session, MessageWanted(message.id), now=now)
    return message.id
