"""Who listens to what, and what comes round with time: the only place where news travels upward."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from app.settings import Settings
from foundation.db import Database
from foundation.outbox import Handler
from insight.rollups.jobs import on_sale_recorded, run_recounts
from parties.people.jobs import on_message_wanted
from parties.people.messages import MessageWanted
from parties.people.sender import DemoSender, Sender, SmtpSender
from parties.people.services.sweep import forget_old
from trade.sales.messages import SaleRecorded


@dataclass(frozen=True, slots=True)
class Round:
    """Something done every so many seconds."""

    name: str
    every: float
    act: Callable[[Database, datetime], object]


def handlers(settings: Settings) -> dict[str, Sequence[Handler]]:
    """Give, by kind of message, who is told."""
    return {
        MessageWanted.__name__: [partial(on_message_wanted, sender=_sender(settings))],
        SaleRecorded.__name__: [on_sale_recorded],
    }


def rounds(settings: Settings) -> Sequence[Round]:
    """Give what the worker does over and over."""
    del settings
    return (
        Round("forget_old", 3600, _in_transaction(forget_old)),
        Round("recount", 2, run_recounts),
    )


def _in_transaction(verb: Callable[..., object]) -> Callable[[Database, datetime], object]:
    def act(database: Database, now: datetime) -> object:
        with database.transaction() as session:
            return _call(verb, session, now)

    return act


def _call(verb: Callable[..., object], session: Session, now: datetime) -> object:
    return verb(session, now=now)


def _sender(settings: Settings) -> Sender:
    if settings.demo or settings.smtp_url is None:
        return DemoSender()
    return SmtpSender(settings.smtp_url, settings.mail_from)
