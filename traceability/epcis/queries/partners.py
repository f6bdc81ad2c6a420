"""What the pages about partners' systems show: tokens, captures, subscriptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parties.network.models import Organisation
from parties.people.models import ApiToken
from parties.people.queries import system_tokens
from traceability.epcis.models import CaptureJob, NamedQuery, Subscription, WebhookReport

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """A subscription and what became of its newest report."""

    id: UUID
    organisation_id: int | None
    query_name: str
    dest: str
    stream: bool
    last_notified_at: datetime | None
    ended_at: datetime | None
    waiting: int
    """Reports that have not been taken yet."""
    given_up: int
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class PartnerAccess:
    """Everything on the page."""

    tokens: Sequence[ApiToken]
    jobs: Sequence[CaptureJob]
    subscriptions: Sequence[Delivery]
    organisations: dict[int, Organisation]
    """Names of whose they are."""


def partner_access(session: Session, organisation_ids: Sequence[int] | None) -> PartnerAccess:
    """Give the newest tokens, captures and subscriptions; None asks for everybody's."""
    tokens = system_tokens(session, organisation_ids)
    jobs = select(CaptureJob).order_by(CaptureJob.id.desc()).limit(SHOWN)
    if organisation_ids is not None:
        jobs = jobs.where(CaptureJob.organisation_id.in_(organisation_ids))
    found_jobs = session.scalars(jobs).all()
    subscriptions = _deliveries(session, organisation_ids)
    ids = {token.organisation_id for token in tokens} | {job.organisation_id for job in found_jobs}
    ids |= {one.organisation_id for one in subscriptions}
    rows = session.scalars(select(Organisation).where(Organisation.id.in_(ids - {None})))
    return PartnerAccess(tokens, found_jobs, subscriptions, {row.id: row for row in rows})


def _deliveries(session: Session, organisation_ids: Sequence[int] | None) -> list[Delivery]:
    query = (
        select(Subscription, NamedQuery.name)
        .join(NamedQuery, NamedQuery.id == Subscription.query_id)
        .order_by(Subscription.id.desc())
        .limit(SHOWN)
    )
    if organisation_ids is not None:
        query = query.where(Subscription.organisation_id.in_(organisation_ids))
    rows = session.execute(query).all()
    ids = [row.id for row, _name in rows]
    newest = (
        select(func.max(WebhookReport.id))
        .where(WebhookReport.subscription_id.in_(ids), WebhookReport.attempts > 0)
        .group_by(WebhookReport.subscription_id)
    )
    last: dict[UUID, Any] = {
        report.subscription_id: report
        for report in session.scalars(select(WebhookReport).where(WebhookReport.id.in_(newest)))
    }
    counts = {
        row.subscription_id: row
        for row in session.execute(
            select(
                WebhookReport.subscription_id,
                func.count(WebhookReport.id)
                .filter(WebhookReport.done_at.is_(None), WebhookReport.dead_at.is_(None))
                .label("waiting"),
                func.count(WebhookReport.dead_at).label("given_up"),
            )
            .where(WebhookReport.subscription_id.in_(ids))
            .group_by(WebhookReport.subscription_id)
        )
    }
    return [
        Delivery(
            row.id,
            row.organisation_id,
            name,
            row.dest,
            row.schedule is None,
            row.last_notified_at,
            row.ended_at,
            counts[row.id].waiting if row.id in counts else 0,
            counts[row.id].given_up if row.id in counts else 0,
            last[row.id].last_status if row.id in last else None,
            last[row.id].last_error if row.id in last else None,
        )
        for row, name in rows
    ]
