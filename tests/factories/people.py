"""People for tests, made through the verbs."""

from datetime import UTC, datetime, timedelta
from typing import Final

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.db import Database
from parties.people import services
from parties.people.models import Account, SentMessage
from parties.people.permissions import SYSTEM, Grant, Role
from parties.people.services.sign_in import begin_sign_in

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


def sign_in_as(client: FlaskClient, database: Database, account_id: int) -> None:
    """Let a browser be signed in to an account, past the sign-in page."""
    with database.transaction() as session:
        account = session.get_one(Account, account_id)
        sign_in = begin_sign_in(session, account, how="sign_in_to_demo", now=clock.now())
    with client.session_transaction() as cookie:
        cookie["_user_id"] = str(sign_in.sign_in_id)


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
