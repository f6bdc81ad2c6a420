"""What people do after the fact: letters leave."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.outbox import Payload
from parties.people.models import SentMessage
from parties.people.sender import Sender


def on_message_wanted(
    session: Session, payloads: Sequence[Payload], now: datetime, *, sender: Sender
) -> None:
    """Hand waiting letters to `sender`; one that has left, or was erased, is passed over.

    Unless the sender keeps letters, only the fact remains: target and words are emptied.
    """
    ids = [payload["message_id"] for payload in payloads]
    waiting = session.scalars(
        select(SentMessage)
        .where(SentMessage.id.in_(ids), SentMessage.sent_at.is_(None))
        .order_by(SentMessage.id)
        .with_for_update()
    )
    for letter in waiting:
        sender.send(letter.channel, letter.target, letter.subject, letter.body, now=now)
        letter.sent_at = now
        if not sender.keeps_letters:
            letter.target = letter.subject = letter.body = ""
