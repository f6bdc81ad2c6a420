"""Named queries and who is told of what they find (EPCIS 2.0 sections 8.2.5 and 12.7.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import time_uuid
from foundation.locks import lock_key
from parties.people.audit import audit
from parties.people.permissions import Actor
from traceability.epcis.models import (
    NamedQuery,
    ReportedEvent,
    Subscription,
    WebhookReport,
)
from traceability.epcis.queries.parameters import read_query
from traceability.epcis.schedule import next_run, read_schedule
from traceability.epcis.words import prefixes_of

LONGEST_NAME: Final = 120
LONGEST_ADDRESS: Final = 500
MOST_QUERIES: Final = 200
MOST_SUBSCRIPTIONS: Final = 50


class QueryExists(Refused):
    """The name is another query's."""

    code = "query_exists"
    status = 409


class QueryInvalid(BadInput):
    """The query is none that can be kept."""

    code = "query_invalid"


class BadControls(BadInput):
    """A subscription's schedule or other controls are not what they must be."""

    code = "subscription_controls"


class BadAddress(BadInput):
    """Reports can't be sent to this address."""

    code = "invalid_uri"


def save_query(
    session: Session,
    owner: str,
    name: object,
    query: object,
    *,
    actor: Actor,
    now: datetime,
) -> NamedQuery:
    """Keep a query under a name of its owner's; raise QueryInvalid, BadParameter, QueryExists."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or "/" in name:
        raise QueryInvalid(
            "A query has a name of 1 to %(most)s characters, without /",
            field="name",
            most=LONGEST_NAME,
        )
    if not isinstance(query, dict):
        raise QueryInvalid("The query must be a JSON object of parameters", field="query")
    read_query(query, prefixes_of(query.get("@context")))
    lock_key(session, f"queries:{owner}")
    names = set(session.scalars(select(NamedQuery.name).where(NamedQuery.owner == owner)))
    if name in names:
        raise QueryExists("There is a query of this name already", field="name")
    if len(names) >= MOST_QUERIES:
        raise QueryInvalid("You may keep %(most)s queries", most=MOST_QUERIES)
    row = NamedQuery(owner=owner, name=name, query=query, created_at=now)
    session.add(row)
    session.flush()
    audit(session, "save_query", "named_query", row.id, actor=actor, now=now)
    return row


def query_of(session: Session, owner: str, name: str) -> NamedQuery:
    """Give a query of an owner's; raise NotFound."""
    row = session.scalar(
        select(NamedQuery).where(NamedQuery.owner == owner, NamedQuery.name == name)
    )
    if row is None:
        raise NotFound("There is no such query")
    return row


def delete_query(session: Session, owner: str, name: str, *, actor: Actor, now: datetime) -> None:
    """Forget a query and end its subscriptions; raise NotFound."""
    row = query_of(session, owner, name)
    for key in session.scalars(select(Subscription.id).where(Subscription.query_id == row.id)):
        _forget(session, key)
    audit(session, "delete_query", "named_query", row.id, actor=actor, now=now)
    session.delete(row)
    session.flush()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription as it was asked for."""

    dest: str
    secret: str | None
    schedule: dict[str, str] | None
    """None for a stream."""
    report_if_empty: bool
    initial_record_time: datetime | None
    epc_format: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """For whom events are looked at, and by which token it was asked."""

    owner: str
    account_id: int
    organisation_id: int | None
    token_id: int | None


def read_wanted(body: Mapping[str, Any], initial: datetime | None, epc_format: str) -> Wanted:
    """Read a subscription; raise BadControls, BadAddress."""
    dest, secret = body.get("dest"), body.get("signatureToken")
    if not isinstance(dest, str) or not dest or len(dest) > LONGEST_ADDRESS:
        raise BadAddress("A subscription needs the address to report to", field="dest")
    if secret is not None and (not isinstance(secret, str) or not 0 < len(secret) <= 200):  # noqa: PLR2004 -- column
        raise BadControls("A signatureToken has 1 to 200 characters", field="signatureToken")
    stream, schedule = body.get("stream"), body.get("schedule")
    if (stream is True) == (schedule is not None) or stream not in (None, True):
        raise BadControls(
            "A subscription has either a schedule or stream: true",
            field="schedule" if schedule is not None else "stream",
        )
    if schedule is not None:
        if not isinstance(schedule, dict):
            raise BadControls("A schedule is an object of cron fields", field="schedule")
        try:
            schedule = read_schedule(schedule)
        except ValueError as error:
            raise BadControls(
                "The schedule's %(name)s is none that can be kept", field="schedule", name=error
            ) from error
    empty = body.get("reportIfEmpty", False)
    if not isinstance(empty, bool):
        raise BadControls("reportIfEmpty is true or false", field="reportIfEmpty")
    return Wanted(dest, secret, schedule, empty, initial, epc_format)


def subscribe(
    session: Session,
    query: NamedQuery,
    wanted: Wanted,
    subscriber: Subscriber,
    *,
    actor: Actor,
    now: datetime,
) -> Subscription:
    """Report what a query finds from now on, or from its initial record time on."""
    lock_key(session, f"subscriptions:{query.id}")
    running = session.scalars(
        select(Subscription.id).where(
            Subscription.query_id == query.id, Subscription.ended_at.is_(None)
        )
    ).all()
    if len(running) >= MOST_SUBSCRIPTIONS:
        raise BadControls("A query may have %(most)s subscriptions", most=MOST_SUBSCRIPTIONS)
    begun = wanted.initial_record_time or now
    first = now if wanted.schedule is None else next_run(wanted.schedule, now)
    row = Subscription(
        id=time_uuid(now),
        query_id=query.id,
        account_id=subscriber.account_id,
        organisation_id=subscriber.organisation_id,
        token_id=subscriber.token_id,
        dest=wanted.dest,
        secret=wanted.secret,
        schedule=wanted.schedule,
        report_if_empty=wanted.report_if_empty,
        epc_format=wanted.epc_format,
        initial_record_time=begun,
        min_record_time=begun,
        next_at=first or now,
        created_at=now,
    )
    session.add(row)
    session.flush()
    audit(session, "subscribe", "subscription", row.id, actor=actor, now=now)
    return row


def unsubscribe(
    session: Session, query: NamedQuery, subscription_id: UUID, *, actor: Actor, now: datetime
) -> None:
    """End a subscription and forget what was still to be sent; raise NotFound."""
    row = session.get(Subscription, subscription_id)
    if row is None or row.query_id != query.id:
        raise NotFound("There is no such subscription")
    _forget(session, subscription_id)
    audit(session, "unsubscribe", "subscription", subscription_id, actor=actor, now=now)


def _forget(session: Session, subscription_id: UUID) -> None:
    for table in (ReportedEvent, WebhookReport):
        session.execute(delete(table).where(table.subscription_id == subscription_id))
    session.execute(delete(Subscription).where(Subscription.id == subscription_id))
