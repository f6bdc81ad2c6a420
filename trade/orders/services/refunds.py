"""Giving money back: asked for in one transaction, carried out by a sweep, settled in another.

`Payment.refunded_fen` counts what was promised back, and the database keeps it within what came
in; a refund that failed stays promised until somebody tries again.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.ids import time_uuid
from foundation.outbox import publish
from parties.people.audit import audit
from parties.people.permissions import SYSTEM, Actor, Can
from trade.ledger.rules import refund_entries
from trade.ledger.services import post
from trade.orders.errors import NothingToRefund, OrderClosed
from trade.orders.messages import RefundDue, RefundSettled
from trade.orders.models import Payment, Refund
from trade.orders.providers import ProviderRefund

Outcome = Literal["succeeded", "failed", "pending", "already", "unknown"]
LONGEST_WAIT = 3600


def ask_refund(
    session: Session,
    payment: Payment,
    amount_fen: int,
    reason: str,
    *,
    sub_order_id: UUID | None = None,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Promise money back; a sweep has the provider do it. Raises NothingToRefund.

    `payment` is locked by the caller, who holds its order.
    """
    done = session.execute(
        update(Payment)
        .where(
            Payment.id == payment.id,
            Payment.refunded_fen + amount_fen <= Payment.paid_fen,
        )
        .values(refunded_fen=Payment.refunded_fen + amount_fen)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)  # noqa: S101 -- an UPDATE has a row count
    if done.rowcount != 1:
        raise NothingToRefund("No more can be given back than was paid", field="amount_fen")
    session.refresh(payment)
    if payment.refunded_fen == payment.paid_fen:
        payment.state = "refund_due"
    refund_id = time_uuid(now)
    refund = Refund(
        id=refund_id,
        key=f"refund-{refund_id}",
        payment_id=payment.id,
        sub_order_id=sub_order_id,
        amount_fen=amount_fen,
        reason=reason,
        state="due",
        attempts=0,
        last_error="",
        asked_at=now,
        next_at=now,
    )
    session.add(refund)
    session.flush()
    publish(session, RefundDue(str(refund_id)), now=now)
    audit(
        session,
        "ask_refund",
        "refund",
        refund_id,
        actor=actor,
        now=now,
        after={"payment": str(payment.id), "amount_fen": amount_fen, "reason": reason},
    )
    return refund


def settle_refund(
    session: Session, refund_id: UUID, said: ProviderRefund, *, now: datetime
) -> Outcome:
    """Take note of how a refund stands at its provider; the books follow once, whoever calls.

    A refund that failed after it had succeeded is booked back and is due to be looked at again.
    """
    payment = session.scalar(
        select(Payment)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Refund.id == refund_id)
        .with_for_update(of=Payment)
        .execution_options(populate_existing=True)
    )
    if payment is None:
        return "unknown"
    refund = session.get_one(Refund, refund_id, populate_existing=True)
    refund.external_id = refund.external_id or said.external_id
    if refund.state in {said.state, "failed"}:
        return "already"
    if said.state == "pending":
        session.flush()
        return "pending" if refund.state == "due" else "already"
    before = refund.state
    refund.state, refund.done_at = said.state, now
    session.flush()
    _book(session, payment, refund, before, now=now)
    _mark(session, payment)
    publish(session, RefundSettled(str(refund.id), refund.state), now=now)
    audit(
        session,
        "settle_refund",
        "refund",
        refund.id,
        actor=SYSTEM,
        now=now,
        before={"state": before},
        after={"state": refund.state},
    )
    return said.state


def _book(
    session: Session, payment: Payment, refund: Refund, before: str, *, now: datetime
) -> None:
    if payment.currency != "CNY":
        return
    entries = refund_entries(payment.provider, refund.amount_fen)
    if refund.state == "failed":
        if before != "succeeded":
            return
        entries = [e._replace(debit=e.credit, credit=e.debit) for e in entries]
    post(
        session,
        entries,
        cause=("refund", str(refund.id)),
        business_date=clock.business_date(now),
        now=now,
    )


def _mark(session: Session, payment: Payment) -> None:
    given = session.scalar(
        select(func.coalesce(func.sum(Refund.amount_fen), 0)).where(
            Refund.payment_id == payment.id, Refund.state == "succeeded"
        )
    )
    if given == payment.paid_fen:
        payment.state = "refunded"
    elif payment.refunded_fen == payment.paid_fen:
        payment.state = "refund_due"
    session.flush()


def take_refund_notice(
    session: Session, provider: str, said: ProviderRefund, *, now: datetime
) -> Outcome:
    """Settle the refund that a notice speaks of."""
    refund_id = session.scalar(
        select(Refund.id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.provider == provider, Refund.external_id == said.external_id)
    )
    if refund_id is None and said.payment_ref and said.state != "failed":
        # The notice overtook the answer to our own request: it is the one still unnamed.
        refund_id = session.scalar(
            select(Refund.id)
            .join(Payment, Payment.id == Refund.payment_id)
            .where(
                Payment.provider == provider,
                Payment.payment_ref == said.payment_ref,
                Refund.external_id.is_(None),
                Refund.state == "due",
                Refund.amount_fen == said.amount_fen,
            )
            .order_by(Refund.id)
            .limit(1)
        )
    return "unknown" if refund_id is None else settle_refund(session, refund_id, said, now=now)


def refund_declined(session: Session, refund_id: UUID, reason: str, *, now: datetime) -> None:
    """Take note that the provider will not do it: somebody must look at it."""
    said = ProviderRefund(external_id="", state="failed", amount_fen=0)
    refund = session.get_one(Refund, refund_id)
    if settle_refund(session, refund_id, said, now=now) == "failed":
        refund.external_id, refund.last_error = None, reason[:80]
        session.flush()


def refund_put_off(session: Session, refund_id: UUID, reason: str, *, now: datetime) -> None:
    """Take note that the provider could not be reached; the wait doubles each time."""
    refund = session.get_one(Refund, refund_id, with_for_update=True)
    refund.attempts += 1
    refund.last_error = reason[:80]
    refund.next_at = now + timedelta(seconds=min(2**refund.attempts, LONGEST_WAIT))
    session.flush()


def retry_refund(session: Session, refund_id: UUID, *, actor: Actor, now: datetime) -> Refund:
    """Have a failed refund tried again, under a new key. For operators.

    Raises NotAllowed, NotFound, OrderClosed when it has not failed.
    """
    actor.must(Can.REFUND)
    refund = session.get(Refund, refund_id, with_for_update=True)
    if refund is None:
        raise NotFound("There is no such refund")
    if refund.state != "failed":
        raise OrderClosed("Only a refund that has failed can be tried again")
    refund.state, refund.external_id, refund.done_at = "due", None, None
    refund.attempts, refund.next_at = 0, now
    stem, _, round_ = refund.key.partition("#")
    refund.key = f"{stem}#{int(round_ or 1) + 1}"
    session.flush()
    publish(session, RefundDue(str(refund.id)), now=now)
    audit(session, "retry_refund", "refund", refund.id, actor=actor, now=now)
    return refund
