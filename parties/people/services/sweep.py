"""Forgetting what need not be kept."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from parties.people.models import OneTimeCode, SentMessage, SignIn

KEEP_CODES: Final = timedelta(days=2)
KEEP_LETTERS: Final = timedelta(days=30)
KEEP_SIGN_INS: Final = timedelta(days=90)


def forget_old(session: Session, *, now: datetime) -> None:
    """Remove codes after two days, sent letters after thirty, past sign-ins after ninety."""
    session.execute(delete(OneTimeCode).where(OneTimeCode.sent_at < now - KEEP_CODES))
    session.execute(delete(SentMessage).where(SentMessage.sent_at < now - KEEP_LETTERS))
    session.execute(delete(SignIn).where(SignIn.until < now - KEEP_SIGN_INS))
