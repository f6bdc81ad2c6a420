"""Who listens to what, and what comes round with time: the only place where news travels upward."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from app.payments import payment_provider
from app.settings import Settings
from foundation.db import Database
from foundation.outbox import Handler
from insight.recalls.jobs import on_recall_announced
from insight.rollups.jobs import on_sale_recorded, run_recounts
from parties.people.jobs import on_message_wanted
from parties.people.messages import AccountErased, MessageWanted
from parties.people.sender import sender_for
from parties.people.services.sweep import forget_old
from traceability.clones.services import forget_scans
from traceability.log.keys import signers
from traceability.log.sequencer import BATCH, sequence
from traceability.partners.reports import report_news, send_reports_aside
from traceability.printing.files import LabelFiles
from traceability.printing.jobs import forget_files, make_labels, on_labels_wanted
from traceability.printing.messages import LabelsWanted
from traceability.recalls.messages import RecallAnnounced
from trade.orders import sweeps
from trade.orders.jobs import on_account_erased, on_order_ended
from trade.orders.messages import OrderEnded
from trade.orders.providers import PaymentProvider
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
        MessageWanted.__name__: [partial(on_message_wanted, sender=sender_for(settings))],
        SaleRecorded.__name__: [on_sale_recorded],
        AccountErased.__name__: [on_account_erased],
        OrderEnded.__name__: [on_order_ended],
        RecallAnnounced.__name__: [on_recall_announced],
        LabelsWanted.__name__: [on_labels_wanted],
    }


def rounds(settings: Settings) -> Sequence[Round]:
    """Give what the worker does over and over."""
    asked = partial(_asking, payment_provider(settings))
    return (
        Round("forget_old", 3600, _in_transaction(forget_old)),
        Round("forget_scans", 24 * 3600, _in_transaction(forget_scans)),
        Round("recount", 2, run_recounts),
        Round("sequence_log", 1, partial(sequence_log, settings)),
        Round("make_labels", 0, partial(_with_files, make_labels, settings)),
        Round("forget_label_files", 24 * 3600, partial(_with_files, forget_files, settings)),
        Round("expire_unpaid", 5, asked(sweeps.expire_unpaid)),
        Round("reconcile_payments", 5, asked(sweeps.reconcile_open_payments)),
        Round("run_refunds", 3, asked(sweeps.run_due_refunds)),
        Round("auto_confirm", 300, sweeps.auto_confirm),
        Round("report_news", 1, report_news),
        Round("send_reports", 1, partial(send_reports_aside, private_ok=settings.demo)),
        Round("forget_carts", 24 * 3600, sweeps.forget_old_carts),
    )


def sequence_log(
    settings: Settings, database: Database, now: datetime, *, batch: int = BATCH
) -> int:
    """Append what waits to the transparency log, and sign it; give how many leaves were added."""
    keys = signers(settings.log_keys_dir, host=settings.public_host, given=settings.log_key)
    return sequence(database, keys, now, batch=batch)


def _with_files(
    act: Callable[[Database, LabelFiles, datetime], int],
    settings: Settings,
    database: Database,
    now: datetime,
) -> int:
    return act(database, LabelFiles(settings.files_dir / "labels", settings.public_url), now)


Sweep = Callable[[Database, PaymentProvider, datetime], object]


def _asking(provider: PaymentProvider, sweep: Sweep) -> Callable[[Database, datetime], object]:
    def act(database: Database, now: datetime) -> object:
        return sweep(database, provider, now)

    return act


def _in_transaction(verb: Callable[..., object]) -> Callable[[Database, datetime], object]:
    def act(database: Database, now: datetime) -> object:
        with database.transaction() as session:
            return _call(verb, session, now)

    return act


def _call(verb: Callable[..., object], session: Session, now: datetime) -> object:
    return verb(session, now=now)
