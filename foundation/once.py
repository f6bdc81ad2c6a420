"""Commands that may be sent twice: the same key gives the same answer and does nothing more."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.db import Base
from foundation.errors import BadInput, KeyReused
from foundation.ids import digest
from foundation.locks import lock_key

LONGEST_KEY = 64


class CommandDone(Base):
    """A command that was carried out: its key, a print of what was asked, and the answer."""

    __tablename__ = "commands_done"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    content_digest: Mapped[str] = mapped_column(String(32))
    answer: Mapped[Any] = mapped_column(JSON)
    done_at: Mapped[datetime]


def once(
    session: Session, key: str, content: Any, act: Callable[[], Any], *, now: datetime
) -> tuple[Any, bool]:
    """Carry out `act` unless `key` was carried out before; give its answer and whether it is new.

    `content` is JSON-like and says what was asked, by whom and of what; `act` gives a JSON-like
    answer, mostly ids. Raises BadInput for a missing key, KeyReused when the key came before with
    other content; what `act` refuses leaves no trace.
    """
    if not 1 <= len(key) <= LONGEST_KEY:
        raise BadInput("This form is too old or came from elsewhere; please send it again")
    print_of = digest(content)
    lock_key(session, f"once:{key}")
    done = session.get(CommandDone, key)
    if done is not None:
        if done.content_digest != print_of:
            raise KeyReused("This form was sent before with other content; open the page again")
        return done.answer, False
    answer = act()
    session.add(CommandDone(key=key, content_digest=print_of, answer=answer, done_at=now))
    session.flush()
    return answer, True
