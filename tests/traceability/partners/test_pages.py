"""The desk and the office make tokens, end them, and see what systems sent and were told."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from foundation.db import Database
from parties.people.models import ApiToken
from parties.people.permissions import Grant, Role
from tests.factories.people import new_account, sign_in_as
from tests.traceability.partners.conftest import Partner, observed


@pytest.fixture
def desk(web: Flask, database: Database, supplier_id: int) -> FlaskClient:
    """The cooperative's head at the desk."""
    with database.transaction() as session:
        grant = Grant(Role.SUPPLIER_OWNER, organisation_id=supplier_id)
        account = new_account(session, grant, email="head@example.com")
    client = web.test_client()
    sign_in_as(client, database, account.id)
    return client


@pytest.fixture
def office(web: Flask, database: Database) -> FlaskClient:
    """The operator in the office."""
    with database.transaction() as session:
        account = new_account(session, Grant(Role.OPERATOR), email="operator@example.com")
    client = web.test_client()
    sign_in_as(client, database, account.id)
    return client


def test_a_token_is_made_shown_once_and_ended(
    desk: FlaskClient, database: Database, supplier_id: int
) -> None:
    assert "/coop/partners" in desk.get("/coop/me").text
    form = {"organisation": supplier_id, "label": "仓库软件", "scopes": ["query"]}
    made = desk.post("/coop/partners/tokens", data=form)
    assert made.status_code == 200
    secret = re.search(r"shanhuo_[\w-]{40,}", made.text)
    assert secret is not None
    page = desk.get("/coop/partners").text
    assert "仓库软件" in page
    assert secret[0] not in page
    headers = {"Authorization": f"Bearer {secret[0]}"}
    assert desk.get("/epcis/events", headers=headers).status_code == 200
    with database.reading() as session:
        token_id = session.scalars(select(ApiToken.id).where(ApiToken.label == "仓库软件")).one()
    assert desk.post(f"/coop/partners/tokens/{token_id}/end").status_code == 303
    assert desk.get("/epcis/events", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {"label": "", "scopes": ["query"]},
        {"label": "x"},
        {"label": "x", "scopes": ["everything"]},
        {"label": "x", "scopes": ["query"], "organisation": 999_999},
        {"label": "x" * 70, "scopes": ["query"]},
    ],
)
def test_a_token_without_a_name_a_scope_or_an_organisation_of_ones_own_is_not_made(
    desk: FlaskClient, database: Database, supplier_id: int, form: dict[str, Any]
) -> None:
    answer = desk.post("/coop/partners/tokens", data={"organisation": supplier_id, **form})
    assert answer.status_code == 400
    assert "shanhuo_" not in answer.text
    with database.reading() as session:
        assert session.scalars(select(ApiToken)).all() == []


def test_desk_and_office_see_jobs_with_their_errors_and_subscriptions_with_their_last_delivery(
    desk: FlaskClient, office: FlaskClient, partner: Partner, stranger: Partner
) -> None:
    headers = {"GS1-Capture-Error-Behaviour": "proceed"}
    bad = observed(bizStep="dancing")
    assert partner.capture(observed(), bad, headers=headers)["eventsCaptured"] == 1
    query = {"name": "all-of-it", "query": {}}
    assert partner.ask("/queries", "POST", json=query).status_code == 201
    body = {"dest": "https://wms.example/hook", "stream": True}
    made = partner.ask("/queries/all-of-it/subscriptions", "POST", json=body)
    assert made.status_code == 201
    assert stranger.capture(observed(bizStep="receiving"), observed())["success"]
    for client, address in ((desk, "/coop/partners"), (office, "/office/partners")):
        page = client.get(address).text
        assert "dancing" in page
        assert "https://wms.example/hook" in page
        assert "2 个事件记入了 1 个" in page
    assert "2 个事件记入了 2 个" not in desk.get("/coop/partners").text
    assert "2 个事件记入了 2 个" in office.get("/office/partners").text


def test_nobody_ends_the_token_of_somebody_elses_system(
    desk: FlaskClient, stranger: Partner, database: Database
) -> None:
    with database.reading() as session:
        token_id = session.scalars(
            select(ApiToken.id).where(ApiToken.organisation_id == stranger.organisation_id)
        ).one()
    assert desk.post(f"/coop/partners/tokens/{token_id}/end").status_code == 404
    assert stranger.ask("/events").status_code == 200
