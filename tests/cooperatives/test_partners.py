"""Lots and steps for partners' programs: a token as key, JSON answers, the same refusals."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from goods.stock.models import Lot
from parties.people.permissions import Grant, Role
from parties.people.services import issue_token
from tests.cooperatives.conftest import Desk
from tests.factories import NOW, actor, example_values
from tests.factories.people import new_account
from traceability.models import TraceEvent
from traceability.queries import template_of


def opened(desk: Desk, **other: Any) -> Any:
    body = {"key": "partner-key-1", "sku": desk.w.raw.code, "lot_no": "API-1"} | other
    return desk.client.post("/api/coop/lots", json=body)


def step_body(desk: Desk, lot_id: int, **other: Any) -> dict[str, Any]:
    lot = desk.session.get_one(Lot, lot_id)
    step = template_of(desk.session, lot.template, lot.template_version).steps[0]
    return {
        "key": "partner-step-1",
        "step": step["step"],
        "at": "2026-05-03T10:00:00+08:00",
        "place": desk.w.place(step["place_kind"]).gln,
        "values": example_values(step),
    } | other


def test_a_lot_is_opened_and_its_first_step_recorded_once(desk: Desk) -> None:
    said = opened(desk)
    assert said.status_code == 201, said.text
    assert opened(desk).status_code == 200
    lot_id = said.json["id"]
    assert said.json["next_step"]["step"] == "apiary_register"
    first: Any = desk.client.post(f"/api/coop/lots/{lot_id}/steps", json=step_body(desk, lot_id))
    assert first.status_code == 201, first.text
    again: Any = desk.client.post(f"/api/coop/lots/{lot_id}/steps", json=step_body(desk, lot_id))
    assert again.status_code == 200
    assert again.json["event_id"] == first.json["event_id"]
    shown: Any = desk.client.get(f"/api/coop/lots/{lot_id}").json
    assert shown["steps_done"] == ["apiary_register"]
    assert [event["type"] for event in shown["events"]] == ["ObjectEvent"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "short"}, "key"),
        ({"key": 5}, "key"),
        ({"sku": "NOPE"}, "sku_id"),
        ({"sku": ["x"]}, "sku_id"),
        ({"lot_no": "全角"}, "lot_no"),
        ({"lot_no": ""}, "lot_no"),
    ],
)
def test_a_wrong_lot_is_refused_as_json(desk: Desk, body: dict[str, Any], field: str) -> None:
    before = desk.count(Lot)
    said = opened(desk, **body)
    assert said.status_code == 400
    assert said.json["field"] == field
    assert desk.count(Lot) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"values": {}}, "apiary_code"),
        ({"values": "x"}, "values"),
        ({"place": "nowhere"}, "place_id"),
        ({"at": "gestern"}, "at"),
        ({"outputs": [1]}, "outputs"),
    ],
)
def test_a_wrong_step_is_refused_with_every_fault(
    desk: Desk, body: dict[str, Any], field: str
) -> None:
    lot_id = opened(desk).json["id"]
    before = desk.count(TraceEvent)
    said: Any = desk.client.post(
        f"/api/coop/lots/{lot_id}/steps", json=step_body(desk, lot_id, **body)
    )
    assert said.status_code == 400, said.text
    assert field in (said.json["field"], *said.json.get("faults", {}))
    assert desk.count(TraceEvent) == before


def test_what_is_no_json_object_is_refused(desk: Desk) -> None:
    for data in (b"", b"[1]", b"{"):
        said: Any = desk.client.post("/api/coop/lots", data=data, content_type="application/json")
        assert said.status_code == 400
        assert said.json["error"] == "bad_input"


def test_partners_of_others_find_nothing(desk: Desk) -> None:
    lot_id = opened(desk).json["id"]
    body = step_body(desk, lot_id)
    desk.sit(actor(Role.SUPPLIER_OWNER, account_id=55, organisation_id=desk.w.supplier.id + 1))
    before = desk.count(TraceEvent)
    assert desk.client.get(f"/api/coop/lots/{lot_id}").status_code == 404
    assert desk.client.post(f"/api/coop/lots/{lot_id}/steps", json=body).status_code == 404
    assert opened(desk, key="partner-key-2").status_code == 400
    assert desk.count(TraceEvent) == before
    desk.sit(actor(Role.CONSUMER))
    assert desk.client.get(f"/api/coop/lots/{lot_id}").status_code == 403


def test_a_token_opens_the_door_without_a_form_and_a_cookie_does_not(
    desk: Desk, web: Flask
) -> None:
    account = new_account(
        desk.session, Grant(Role.SUPPLIER_CLERK, organisation_id=desk.w.supplier.id)
    )
    clerk = actor(Role.SUPPLIER_CLERK, account_id=account.id, organisation_id=desk.w.supplier.id)
    secret = issue_token(desk.session, account.id, "scale", actor=clerk, now=NOW)
    desk.session.flush()
    web.config["WTF_CSRF_ENABLED"] = True
    assert opened(desk).status_code == 400
    assert desk.session.scalar(select(Lot.id).where(Lot.lot_no == "API-1")) is None
    desk.sitting.clear()
    key = {"Authorization": f"Bearer {secret}"}
    web.before_request_funcs[None] = [
        each for each in web.before_request_funcs[None] if each.__name__ != "_sit"
    ]
    body = {"key": "partner-key-9", "sku": desk.w.raw.code, "lot_no": "API-1"}
    said = desk.client.post("/api/coop/lots", json=body, headers=key)
    assert said.status_code == 201, said.text
    bad = desk.client.post("/api/coop/lots", json=body, headers={"Authorization": "Bearer no"})
    assert bad.status_code == 401
