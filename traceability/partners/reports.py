"""Telling subscribers: what a query newly finds becomes a report, and reports are posted.

A report is written with the mark of how far its subscription has been told, in one transaction;
it is posted outside of any, so that a slow subscriber holds up nobody, and tried again with a
doubled wait until it is taken or given up. Reports of one subscription go out in order.
"""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from foundation.db import Database, add_rows
from foundation.errors import Refused
from parties.network.models import Region
from parties.people.models import ApiToken
from parties.people.queries import actor_of
from traceability.epcis.documents import query_document
from traceability.epcis.models import (
    NamedQuery,
    ReportedEvent,
    Subscription,
    WebhookReport,
)
from traceability.epcis.queries.lists import namespaces
from traceability.epcis.queries.parameters import NotReported, Order, When, read_query
from traceability.epcis.queries.scope import viewer_of
from traceability.epcis.queries.select import Found, events_page
from traceability.epcis.schedule import next_run
from traceability.epcis.words import prefixes_of
from traceability.partners.webhooks import Answer, post

OVERLAP: Final = timedelta(minutes=2)
"""So long a transaction may take to commit; what it records is then found late."""
PAUSE: Final = timedelta(seconds=1)
MOST_EVENTS: Final = 500
MOST_AT_ONCE: Final = 20
MOST_ATTEMPTS: Final = 8
GONE: Final = 410
CLAIMED_FOR: Final = timedelta(minutes=1)
Post = Callable[[str, bytes, dict[str, str]], Answer]
log = structlog.get_logger("subscriptions")


def report_news(database: Database, now: datetime) -> int:
    """Write a report for every subscription that is due; give how many were written."""
    with database.reading() as session:
        due = session.scalars(
            select(Subscription.id)
            .where(Subscription.ended_at.is_(None), Subscription.next_at <= now)
            .order_by(Subscription.next_at)
            .limit(200)
        ).all()
    written = 0
    for key in due:
        with database.transaction() as session:
            written += _report(session, key, now)
    return written


def _report(session: Session, key: UUID, now: datetime) -> int:
    row = session.scalar(
        select(Subscription)
        .where(Subscription.id == key, Subscription.ended_at.is_(None), Subscription.next_at <= now)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return 0
    query = session.get_one(NamedQuery, row.query_id)
    if _has_ended(session, row):
        row.ended_at = now
        return 0
    try:
        events = _news(session, row, query, now)
    except Refused as refusal:
        log.warning("subscription can't run", subscription=str(key), code=refusal.code)
        events = []
    full = len(events) == MOST_EVENTS
    if row.schedule is None or full:
        row.next_at = now + PAUSE
    else:
        row.next_at = next_run(row.schedule, now) or now + timedelta(days=1)
    row.min_record_time = events[-1].record_time if full else max(now, row.min_record_time)
    session.execute(
        delete(ReportedEvent).where(
            ReportedEvent.subscription_id == key,
            ReportedEvent.recorded_at < row.min_record_time - 2 * OVERLAP,
        )
    )
    if not events and not (row.report_if_empty and row.schedule is not None):
        return 0
    add_rows(
        session,
        ReportedEvent,
        [
            {"subscription_id": key, "event_id": one.id, "recorded_at": one.record_time}
            for one in events
        ],
    )
    body = query_document(
        events,
        now=now,
        epc_format=row.epc_format,
        query_name=query.name,
        subscription_id=str(key),
        own_prefix=session.scalar(select(Region.gs1_prefix)) or "",
    )
    session.add(
        WebhookReport(
            subscription_id=key,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            events=len(events),
            made_at=now,
            next_at=now,
        )
    )
    return 1


def _has_ended(session: Session, row: Subscription) -> bool:
    """Tell whether the token that subscribed has ended, or the account behind it."""
    if actor_of(session, row.account_id).id is None:
        return True
    if row.token_id is None:
        return False
    token = session.get(ApiToken, row.token_id)
    return token is None or token.revoked_at is not None


def _news(session: Session, row: Subscription, query: NamedQuery, now: datetime) -> list[Found]:
    viewer = viewer_of(session, actor_of(session, row.account_id), row.organisation_id)
    asked = read_query(
        query.query, prefixes_of(query.query.get("@context")), namespaces(session, viewer)
    )
    since = max(row.initial_record_time, row.min_record_time - OVERLAP)
    asked = asked.but(
        When("recordTime", "GE", since),
        When("recordTime", "LT", now + timedelta(milliseconds=1)),
        NotReported(row.id),
    ).ordered(Order("recordTime", descending=False))
    return list(events_page(session, asked, viewer, size=MOST_EVENTS).events)


def send_reports(database: Database, now: datetime, *, private_ok: bool = False) -> int:
    """Post the reports that wait; give how many were taken by their subscribers.

    `private_ok` lets reports go to addresses of one's own network: for demo and tests.
    """
    return post_reports(database, now, partial(post, private_ok=private_ok))


_SENDING: Final = threading.Lock()


def send_reports_aside(database: Database, now: datetime, *, private_ok: bool = False) -> None:
    """Post the reports that wait in a thread of their own, unless one is at it already.

    A subscriber may take its time to answer; the worker has other things to do.
    """
    if not _SENDING.acquire(blocking=False):
        return

    def act() -> None:
        try:
            send_reports(database, now, private_ok=private_ok)
        finally:
            _SENDING.release()

    threading.Thread(target=act, name="reports", daemon=True).start()


def post_reports(database: Database, now: datetime, send: Post) -> int:
    """Claim the reports that wait, post each, and write down what became of it."""
    taken = 0
    for key in _claimed(database, now):
        with database.reading() as session:
            row = session.get(WebhookReport, key)
            found = session.get(Subscription, row.subscription_id) if row else None
        if row is None or found is None:
            continue
        body = row.body.encode()
        answer = send(found.dest, body, _headers(found, body))
        with database.transaction() as session:
            taken += _noted(session, key, answer, now)
    return taken


def _headers(row: Subscription, body: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "GS1-EPCIS-Version": "2.0.0",
        "GS1-CBV-Version": "2.0.0",
        "GS1-EPC-Format": row.epc_format,
        "GS1-Query-Min-Record-Time": row.min_record_time.isoformat(timespec="milliseconds"),
    }
    if row.secret:
        mac = hmac.new(row.secret.encode(), body, hashlib.sha256).hexdigest()
        headers["GS1-Signature"] = f"sha256={mac}"
    return headers


def _claimed(database: Database, now: datetime) -> list[int]:
    """Take the oldest waiting report of each subscription for oneself."""
    waiting = (WebhookReport.done_at.is_(None), WebhookReport.dead_at.is_(None))
    first = select(func.min(WebhookReport.id)).where(*waiting)
    first = first.group_by(WebhookReport.subscription_id)
    with database.reading() as session:
        if session.scalar(select(WebhookReport.id).where(*waiting).limit(1)) is None:
            return []
    with database.transaction() as session:
        rows = session.scalars(
            select(WebhookReport)
            .where(*waiting, WebhookReport.next_at <= now, WebhookReport.id.in_(first))
            .order_by(WebhookReport.next_at)
            .limit(MOST_AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.next_at = now + CLAIMED_FOR
        return [row.id for row in rows]


def _noted(session: Session, key: int, answer: Answer, now: datetime) -> int:
    row = session.get(WebhookReport, key, with_for_update=True)
    if row is None:
        return 0
    found = session.get_one(Subscription, row.subscription_id)
    row.attempts += 1
    row.last_status, row.last_error = answer.status, answer.error
    if answer.taken:
        row.done_at = found.last_notified_at = now
        row.body = ""  # what was taken is not kept twice
        return 1
    row.next_at = now + timedelta(seconds=2**row.attempts)
    if answer.status == GONE:
        found.ended_at = row.dead_at = now
    elif row.attempts >= MOST_ATTEMPTS:
        row.dead_at = now
    return 0
