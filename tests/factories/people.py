"""People for tests, made through the verbs."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from parties.people import services
from parties.people.models import Account, SentMessage
from parties.people.permissions import SYSTEM, Grant, Role

NOON: Final = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
EMAIL: Final = "wang@example.com"
PHONE: Final = "13903560000"
PASSWORD: Final = "山前山后十里花开2026"


def after(**how_long: float) -> datetime:
    """Give a moment so much later than noon."""
    return NOON + timedelta(**how_long)


def new_account(session: Session, *grants: Grant, **other: object) -> Account:
    """Open an account by the verb; a consumer's unless told otherwise."""
    wanted = {"email": EMAIL, "password": PASSWORD, "display_name": "王小禾"} | other
    return services.create_account(
        session,
        grants=grants or (Grant(Role.CONSUMER),),
        actor=SYSTEM,
        now=NOON,
        **wanted,  # type: ignore[arg-type]
    )


def last_letter(session: Session, target: str) -> SentMessage:
    """Give the newest letter to `target`."""
    letter = session.scalar(
        select(SentMessage).where(SentMessage.target == target).order_by(SentMessage.id.desc())
    )
    assert letter is not None
    return letter


def code_in(letter: SentMessage) -> str:
    """Read the six digits out of a letter, as its reader would."""
    return next(word for word in letter.body.replace("】", " ").split() if word.isdecimal())
