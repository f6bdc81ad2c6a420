"""A cooperative's system at the partners' door, and a stranger's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from foundation.db import Database
from parties.network.models import Organisation
from parties.people.permissions import Actor, Grant, Role
from parties.people.services import SCOPES, issue_system_token
from tests.databases import NOW
from tests.factories import world
from tests.factories.people import new_account

EPCIS = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
EXAMPLE = {"example": "http://ns.example.com/epcis/"}


@dataclass
class Partner:
    """One organisation's system."""

    client: FlaskClient
    organisation_id: int
    token: str

    def ask(self, address: str, method: str = "GET", **more: Any) -> Any:
        """Send a request with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.open(f"/epcis{address}", method=method, headers=headers, **more)

    def capture(self, *events: Mapping[str, Any], **more: Any) -> Any:
        """Capture events in one document; give the job."""
        answer = self.ask("/capture", "POST", json=document(*events), **more)
        assert answer.status_code == 202, answer.text
        return self.ask(answer.headers["Location"].removeprefix("/epcis")).json

    def events(self, address: str = "/events", **more: Any) -> list[dict[str, Any]]:
        """Give the events of an answer."""
        answer = self.ask(address, **more)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = events_in(answer.json)
        return found


def events_in(body: Any) -> list[dict[str, Any]]:
    """Give the events of an EPCISQueryDocument."""
    found: list[dict[str, Any]] = body["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


def document(*events: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap events in an EPCISDocument."""
    return {
        "@context": [EPCIS, EXAMPLE],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-20T10:00:00+08:00",
        "epcisBody": {"eventList": list(events)},
    }


def observed(epc: Any = "urn:epc:id:sgtin:4012345.011111.987", **more: Any) -> dict[str, Any]:
    """Give a small event."""
    event = {
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventTime": "2026-11-19T10:00:00.000+08:00",
        "eventTimeZoneOffset": "+08:00",
        "epcList": [epc],
        "bizStep": "shipping",
        **more,
    }
    return {name: value for name, value in event.items() if value is not None}


def partner_of(web: Flask, database: Database, organisation_id: int, **more: Any) -> Partner:
    """Open an account for an organisation and give its system a token."""
    grant = Grant(Role.SUPPLIER_OWNER, organisation_id=organisation_id)
    with database.transaction() as session:
        account = new_account(session, grant, email=f"o{organisation_id}@example.com")
        token = issue_system_token(
            session,
            organisation_id,
            "till",
            more.get("scopes", SCOPES),
            actor=Actor(account.id, (grant,)),
            now=NOW,
        )
    return Partner(web.test_client(), organisation_id, token)


@pytest.fixture
def supplier_id(database: Database) -> int:
    """The cooperative of the region's first product."""
    with database.transaction() as session:
        return world(session).supplier.id


@pytest.fixture
def partner(web: Flask, database: Database, supplier_id: int) -> Partner:
    """The cooperative's system."""
    return partner_of(web, database, supplier_id)


@pytest.fixture
def stranger(web: Flask, database: Database, supplier_id: int) -> Partner:
    """Another supplier's system."""
    with database.transaction() as session:
        other = session.scalars(
            select(Organisation.id)
            .where(Organisation.id != supplier_id, Organisation.role == "supplier")
            .order_by(Organisation.id)
        ).first()
        assert other is not None
    return partner_of(web, database, other)
