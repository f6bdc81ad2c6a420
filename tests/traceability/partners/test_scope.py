"""A party sees its own events and its custody chain; strangers see what is public, and no more."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from foundation.db import Database
from parties.network.models import Place
from parties.people.permissions import Actor, Grant, Role
from parties.people.services import issue_token
from tests.databases import NOW
from tests.factories import in_cases, on_shelf, send, world
from tests.factories.people import new_account, sign_in_as
from tests.traceability.partners.conftest import EPCIS, Partner, observed, partner_of

FOREIGN = "urn:epc:id:sgtin:4012345.011111.987"


def test_a_stranger_sees_nothing_of_what_another_captured(
    partner: Partner, stranger: Partner
) -> None:
    event = observed(eventID="urn:uuid:1f4a4f4e-0000-4000-8000-00000000000a")
    assert partner.capture(event)["success"]
    job = partner.ask("/capture").json[0]["captureID"]
    for address in (
        f"/events/{event['eventID']}",
        f"/epcs/{FOREIGN}",
        f"/epcs/{FOREIGN}/events",
        f"/capture/{job}",
    ):
        assert partner.ask(address).status_code == 200, address
        answer = stranger.ask(address)
        assert answer.status_code == 404, address
        assert answer.json["type"] == "epcisException:NoSuchResourceException"
    assert stranger.events(f"/events?MATCH_epc={FOREIGN}") == []
    assert stranger.ask("/capture").json == []
    listed = stranger.ask("/epcs?perPage=1000").json["member"]
    assert "https://id.gs1.org/01/04012345111118/21/987" not in listed


def test_naming_somebody_elses_goods_opens_nothing(partner: Partner, stranger: Partner) -> None:
    assert partner.capture(observed())["success"]
    assert stranger.capture(observed(bizStep="receiving"))["success"]
    assert len(stranger.events(f"/events?MATCH_epc={FOREIGN}")) == 1
    assert len(partner.events(f"/events?MATCH_epc={FOREIGN}")) == 1


def test_who_is_named_as_the_destination_sees_the_event_and_what_came_before(
    partner: Partner, stranger: Partner, database: Database
) -> None:
    with database.reading() as session:
        gln = session.scalar(
            select(Place.gln).where(
                Place.organisation_id == stranger.organisation_id, Place.gln.is_not(None)
            )
        )
    destination = [{"type": "location", "destination": f"https://id.gs1.org/414/{gln}"}]
    before = observed(bizStep="commissioning", action="ADD")
    assert partner.capture(before, observed(destinationList=destination))["success"]
    steps = {e["bizStep"] for e in stranger.events(f"/events?MATCH_epc={FOREIGN}")}
    assert steps == {"shipping", "commissioning"}


def test_public_steps_are_seen_by_all_and_packs_and_sales_only_along_their_way(
    partner: Partner, stranger: Partner, web: Flask, database: Database
) -> None:
    with database.transaction() as session:
        w = world(session)
        lot, _serials = on_shelf(w)
        unit, _rest = in_cases(w, lot, cases=2, per_case=6)
        send(w, [unit], w.outlet.place_id)
        outlet = session.get_one(Place, w.outlet.place_id).organisation_id
    mine = partner.events("/events?perPage=1000")
    theirs = stranger.events("/events?perPage=1000")
    assert 0 < len(theirs) < len(mine)
    assert all("/21/" not in str(event) and "/00/" not in str(event) for event in theirs)
    assert not any("waybill_no" in key for event in theirs for key in event)
    counter = partner_of(web, database, outlet)
    seen = counter.events("/events?perPage=1000")
    assert any(event["bizStep"] == "shipping" for event in seen)
    assert len(theirs) < len(seen)


def test_a_token_does_what_it_is_for_and_nothing_else(
    web: Flask, database: Database, supplier_id: int
) -> None:
    reader = partner_of(web, database, supplier_id, scopes=["query"])
    assert reader.ask("/events").status_code == 200
    refused = reader.ask("/events", "POST", json={"@context": [EPCIS], **observed()})
    assert refused.status_code == 403
    assert refused.json["type"] == "epcisException:SecurityException"
    assert reader.ask("/capture").status_code == 403
    headers = {"Authorization": f"Bearer {reader.token}"}
    for address in ("/supplier/", "/me/account", "/admin/", "/"):
        assert reader.client.get(address, headers=headers).status_code in {403, 404}, address


@pytest.mark.parametrize(
    ("role", "sees", "captures"),
    [
        (Role.CITY_OFFICIAL, True, 403),
        (Role.AUDITOR, True, 403),
        (Role.SUPPLIER_OWNER, True, 202),
        (Role.OUTLET_MANAGER, False, 202),
        (Role.CONSUMER, None, None),
    ],
)
def test_tokens_of_accounts_see_as_their_roles_do(
    partner: Partner,
    database: Database,
    role: Role,
    sees: bool | None,  # noqa: FBT001 -- one row of a table
    captures: int | None,
) -> None:
    assert partner.capture(observed())["success"]
    with database.transaction() as session:
        w = world(session)
        limits = {
            Role.SUPPLIER_OWNER: {"organisation_id": w.supplier.id},
            Role.OUTLET_MANAGER: {"place_id": w.outlet.place_id},
        }.get(role, {})
        grant = Grant(role, **limits)  # type: ignore[arg-type]
        account = new_account(session, grant, email=f"{role}@example.com")
        if sees is None:
            return
        token = issue_token(session, account.id, "t", actor=Actor(account.id, (grant,)), now=NOW)
    somebody = Partner(partner.client, 0, token)
    assert bool(somebody.events(f"/events?MATCH_epc={FOREIGN}")) is sees
    body = {"@context": [EPCIS], "type": "EPCISDocument", "schemaVersion": "2.0"}
    body |= {"creationDate": "2026-11-20T10:00:00Z", "epcisBody": {"eventList": [observed()]}}  # type: ignore[dict-item]
    assert somebody.ask("/capture", "POST", json=body).status_code == captures


def test_without_a_token_nobody_enters_and_a_cookie_does_not_count(
    client: FlaskClient, database: Database, supplier_id: int
) -> None:
    with database.transaction() as session:
        grant = Grant(Role.SUPPLIER_OWNER, organisation_id=supplier_id)
        account = new_account(session, grant, email="cookie@example.com")
    sign_in_as(client, database, account.id)
    for method, address in (("GET", "/"), ("GET", "/events"), ("POST", "/capture"), ("GET", "/x")):
        answer: Any = client.open(f"/epcis{address}", method=method)
        assert answer.status_code == 401
        assert answer.json["type"] == "epcisException:SecurityException"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = client.get("/epcis/events", headers={"Authorization": "Bearer nonsense"})
    assert (wrong.status_code, wrong.mimetype) == (401, "application/problem+json")


def test_a_revoked_token_has_ended(partner: Partner, database: Database) -> None:
    from parties.people.models import ApiToken
    from parties.people.services import revoke_token

    with database.transaction() as session:
        row = session.scalars(
            select(ApiToken).where(ApiToken.organisation_id == partner.organisation_id)
        ).one()
        grant = Grant(Role.SUPPLIER_OWNER, organisation_id=partner.organisation_id)
        revoke_token(session, row.id, actor=Actor(row.account_id, (grant,)), now=NOW)
    assert partner.ask("/events").status_code == 401
