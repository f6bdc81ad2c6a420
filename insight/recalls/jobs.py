"""After a recall was announced: its buyers are told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.outbox import Payload
from insight.recalls.models import RecallNotice
from insight.recalls.queries import goods_named, wanted_notices
from parties.people.letters import recall_letter
from parties.people.models import Account
from parties.people.services.letters_out import post_letter
from traceability.recalls.queries import affected_of, recall_by_id


def on_recall_announced(session: Session, payloads: Sequence[Payload], now: datetime) -> None:
    """Write to everybody who received affected goods by an order; each is told once a recall.

    By mail where there is an address, else by text message; who closed the account meanwhile can
    only be told on the order's page.
    """
    for payload in payloads:
        _tell(session, int(payload["recall_id"]), now=now)


def _tell(session: Session, recall_id: int, *, now: datetime) -> None:
    recall = recall_by_id(session, recall_id)
    if recall.outcome == "lifted":
        return
    wanted = wanted_notices(session, recall_id)
    told = set(
        session.scalars(select(RecallNotice.account_id).where(RecallNotice.recall_id == recall_id))
    )
    goods = goods_named(session, affected_of(session, recall))
    waiting = sorted(set(wanted) - told)
    accounts = {
        account.id: account
        for account in session.scalars(select(Account).where(Account.id.in_(waiting)))
    }
    for account_id in waiting:
        account = accounts.get(account_id)
        channel, target = "page", None
        if account is not None and account.disabled_at is None:
            channel, target = ("email", account.email) if account.email else ("sms", account.phone)
        if account is not None and target:
            english = account.language == "en"
            letter = recall_letter(
                recall.number,
                [name_en if english else name_zh for name_zh, name_en, _ in goods],
                [lot_no for _, _, lot_no in goods],
                wanted[account_id],
                recall.reason_en if english else recall.reason_zh,
                language=account.language,
            )
            post_letter(session, channel, target, letter, now=now)
        session.add(
            RecallNotice(
                recall_id=recall_id,
                account_id=account_id,
                channel=channel,
                orders=len(wanted[account_id]),
                told_at=now,
            )
        )
    session.flush()
