"""GET /events and everything else that answers with events (EPCIS 2.0 section 12.7)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import clock
from foundation.errors import NotFound
from foundation.web import reading
from parties.network.models import Region
from traceability.epcis.documents import query_document
from traceability.epcis.queries.lists import namespaces
from traceability.epcis.queries.parameters import Asked, Condition, read_query
from traceability.epcis.queries.select import Answer, event_by_uri, events_page
from traceability.epcis.words import STANDARD, prefixes_of
from traceability.partners.access import MayDo, Party, party_of
from traceability.partners.frame import epc_format, told, visitor, with_token
from traceability.partners.pages import as_mark, mark_as_json, paging


def register(bp: Blueprint) -> None:
    """Hang up the addresses."""
    for address, name, view in (
        ("/events", "events", events),
        ("/events/<path:event_uri>", "event", event),
    ):
        bp.add_url_rule(address, name, view, methods=["GET"], provide_automatic_options=False)


def prefixes_of_request() -> dict[str, str]:
    """Read the namespaces that a request explains: `GS1-Extensions: example=http://…,…`."""
    found = dict(STANDARD)
    for part in request.headers.get("GS1-Extensions", "").split(","):
        name, equals, uri = part.strip().partition("=")
        if equals and name and uri:
            found[name] = uri.strip()
    return found


@with_token
def events() -> ResponseReturnValue:
    """Give the events that the parameters of the URL ask for."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        return answer_question(session, party)


@with_token
def event(event_uri: str) -> ResponseReturnValue:
    """Give the event of one eventID, with its error declaration when there is one."""
    with reading() as session:
        party = party_of(session, visitor(), MayDo.QUERY)
        found = event_by_uri(session, event_uri, party.viewer)
        if not found:
            raise NotFound("There is no such event")
        return document(session, Answer(found, None))


def answer_question(
    session: Session,
    party: Party,
    *conditions: Condition,
    query_name: str = "SimpleEventQuery",
    query: Mapping[str, Any] | None = None,
) -> ResponseReturnValue:
    """Answer the parameters of the URL, or a named query's, under more conditions."""
    page = paging(party.owner)
    given = page.question if query is None else query
    asked = understood(session, party, given)
    answer = events_page(
        session, asked.but(*conditions), party.viewer, size=page.size, start=as_mark(page.mark)
    )
    headers = page.next(mark_as_json(answer.next)) if answer.next else {}
    return document(session, answer, query_name=query_name, headers=headers)


def understood(session: Session, party: Party, given: Mapping[str, Any]) -> Asked:
    """Read a query's parameters with the namespaces that it or earlier events explain."""
    prefixes = {**prefixes_of(given.get("@context")), **prefixes_of_request()}
    return read_query(given, prefixes, namespaces(session, party.viewer))


def document(
    session: Session,
    answer: Answer,
    *,
    query_name: str = "SimpleEventQuery",
    headers: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    """Answer with events in the form of identifiers that was asked for."""
    form = epc_format()
    body = query_document(
        answer.events,
        now=clock.now(),
        epc_format=form,
        query_name=query_name,
        own_prefix=session.scalar(select(Region.gs1_prefix)) or "",
    )
    return told(body, headers={**(headers or {}), "GS1-EPC-Format": form})
