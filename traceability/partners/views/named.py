"""Named queries, their events, and subscriptions to them (EPCIS 2.0 section 12.7.2)."""

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.limits import limiter
from foundation.web import reading, transaction
from traceability.epcis.facts import moment
from traceability.epcis.models import NamedQuery, Subscription
from traceability.epcis.words import prefixes_of
from traceability.partners.access import MayDo, party_of
from traceability.partners.frame import (
    NotOffered,
    epc_format,
    gs1_headers,
    read_object,
    refused,
    told,
    visitor,
    with_token,
)
from traceability.partners.pages import paging
from traceability.partners.views.events import answer_question, prefixes_of_request
from traceability.partners.webhooks import check_address
from traceability.services.capture import instant
from traceability.services.subscriptions import (
    BadControls,
    Subscriber,
    delete_query,
    query_of,
    read_wanted,
    save_query,
    subscribe,
    unsubscribe,
)

CONTROLS: Final = frozenset(
    {"stream", "second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek"}
    | {"reportIfEmpty", "initialRecordTime"}
)
"""Parameters of an address that only a WebSocket takes."""


def register(bp: Blueprint) -> None:
    """Hang up the addresses."""
    one = "/queries/<query_name>"
    for address, name, view, method in (
        ("/queries", "queries", queries, "GET"),
        ("/queries", "save_query", keep, "POST"),
        (one, "query", query, "GET"),
        (one, "delete_query", forget, "DELETE"),
        (f"{one}/events", "query_events", query_events, "GET"),
        (f"{one}/subscriptions", "subscriptions", subscriptions, "GET"),
        (f"{one}/subscriptions", "subscribe", begin, "POST"),
        (f"{one}/subscriptions/<subscription_id>", "subscription", subscription, "GET"),
        (f"{one}/subscriptions/<subscription_id>", "unsubscribe", end, "DELETE"),
    ):
        bp.add_url_rule(address, name, view, methods=[method], provide_automatic_options=False)


def no_stream() -> ResponseReturnValue | None:
    """Say that streams over WebSocket are not offered, where somebody asks for one.

    No address of the application takes a WebSocket, so that routing itself refused it before.
    """
    if request.routing_exception is None or not request.path.startswith("/epcis/"):
        return None
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return None
    text = "Streams over WebSocket are not offered here; subscribe with an address to report to"
    return gs1_headers(refused(NotOffered(text)))


def query_as_json(row: NamedQuery) -> dict[str, Any]:
    """Give a query as the OpenAPI's QueryDefinition."""
    return {"name": row.name, "query": row.query}


@with_token
def queries() -> ResponseReturnValue:
    """List the party's queries by name."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        page = paging(party.owner)
        asked = select(NamedQuery).where(NamedQuery.owner == party.owner)
        if page.mark:
            asked = asked.where(NamedQuery.id > page.mark)
        rows = session.scalars(asked.order_by(NamedQuery.id).limit(page.size + 1)).all()
        listed = rows[: page.size]
        headers = page.next(listed[-1].id) if len(rows) > page.size else {}
        return told([query_as_json(row) for row in listed], headers=headers)


@limiter.limit("120/minute")
@with_token
def keep() -> ResponseReturnValue:
    """Keep a query under a name."""
    body = read_object()
    with transaction() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        row = save_query(
            session,
            party.owner,
            body.get("name"),
            _explained(body.get("query")),
            actor=party.actor,
            now=clock.now(),
        )
        where = url_for("epcis.query", query_name=row.name)
        return told(query_as_json(row), 201, {"Location": where})


def _explained(query: Any) -> Any:
    """Let a query carry the namespaces that its request's headers explain."""
    if not isinstance(query, dict):
        return query
    known = prefixes_of(query.get("@context"))
    extra = {name: uri for name, uri in prefixes_of_request().items() if name not in known}
    if not extra:
        return query
    context = query.get("@context", [])
    return {**query, "@context": [*(context if isinstance(context, list) else [context]), extra]}


@with_token
def query(query_name: str) -> ResponseReturnValue:
    """Give a query."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        return told(query_as_json(query_of(session, party.owner, query_name)))


@with_token
def forget(query_name: str) -> ResponseReturnValue:
    """Forget a query; its subscriptions end with it."""
    with transaction() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        delete_query(session, party.owner, query_name, actor=party.actor, now=clock.now())
    return Response(status=204)


@with_token
def query_events(query_name: str) -> ResponseReturnValue:
    """Give the events that a query finds."""
    if CONTROLS & request.args.keys():
        raise BadControls("Schedules belong to a subscription", field="stream")
    with reading() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        kept = query_of(session, party.owner, query_name)
        return answer_question(session, party, query_name=kept.name, query=kept.query)


def subscription_as_json(row: Subscription) -> dict[str, Any]:
    """Give a subscription; the secret that signs its reports is told to nobody."""
    body: dict[str, Any] = {
        "subscriptionID": str(row.id),
        "dest": row.dest,
        "createdAt": instant(row.created_at),
        "initialRecordTime": instant(row.initial_record_time),
        "minRecordTime": instant(row.min_record_time),
        "epcFormat": row.epc_format,
    }
    if row.last_notified_at is not None:
        body["lastNotifiedAt"] = instant(row.last_notified_at)
    if row.schedule is None:
        return {**body, "stream": True}
    return {**body, "schedule": row.schedule, "reportIfEmpty": row.report_if_empty}


@with_token
def subscriptions(query_name: str) -> ResponseReturnValue:
    """List a query's subscriptions."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.SUBSCRIBE)
        kept = query_of(session, party.owner, query_name)
        page = paging(party.owner)
        asked = select(Subscription).where(
            Subscription.query_id == kept.id, Subscription.ended_at.is_(None)
        )
        if page.mark:
            asked = asked.where(Subscription.id > UUID(page.mark))
        rows = session.scalars(asked.order_by(Subscription.id).limit(page.size + 1)).all()
        listed = rows[: page.size]
        headers = page.next(str(listed[-1].id)) if len(rows) > page.size else {}
        return told([subscription_as_json(row) for row in listed], headers=headers)


@limiter.limit("60/minute")
@with_token
def begin(query_name: str) -> ResponseReturnValue:
    """Subscribe a server to what a query finds."""
    body = read_object()
    form = epc_format() if "GS1-EPC-Format" in request.headers else "No_Preference"
    wanted = read_wanted(body, _initial(body.get("initialRecordTime")), form)
    check_address(wanted.dest, private_ok=current_app.extensions["settings"].demo)
    with transaction() as session:
        party = party_of(session, visitor(), MayDo.SUBSCRIBE)
        kept = query_of(session, party.owner, query_name)
        row = subscribe(
            session,
            kept,
            wanted,
            Subscriber(party.owner, party.account_id, party.bound_to, party.token_id),
            actor=party.actor,
            now=clock.now(),
        )
        where = url_for("epcis.subscription", query_name=kept.name, subscription_id=row.id)
        return told(subscription_as_json(row), 201, {"Location": where})


def _initial(said: Any) -> Any:
    if said is None:
        return None
    try:
        return moment(said)
    except (ValueError, TypeError) as error:
        raise BadControls(
            "initialRecordTime is a time with its offset", field="initialRecordTime"
        ) from error


def _one(session: Session, kept: NamedQuery, said: str) -> Subscription:
    try:
        row = session.get(Subscription, UUID(said))
    except ValueError:
        row = None
    if row is None or row.query_id != kept.id or row.ended_at is not None:
        raise NotFound("There is no such subscription")
    return row


@with_token
def subscription(query_name: str, subscription_id: str) -> ResponseReturnValue:
    """Give a subscription."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.SUBSCRIBE)
        row = _one(session, query_of(session, party.owner, query_name), subscription_id)
        return told(subscription_as_json(row))


@with_token
def end(query_name: str, subscription_id: str) -> ResponseReturnValue:
    """End a subscription."""
    with transaction() as session:
        party = party_of(session, visitor(), MayDo.SUBSCRIBE)
        kept = query_of(session, party.owner, query_name)
        row = _one(session, kept, subscription_id)
        unsubscribe(session, kept, row.id, actor=party.actor, now=clock.now())
    return Response(status=204)
