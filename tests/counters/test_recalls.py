"""Recalls at a counter: the list that tills keep, and what staff do with the goods."""

from flask.testing import FlaskClient
from sqlalchemy import select

from goods.stock.models import Lot
from tests.counters.conftest import Counter, story
from traceability.models import Recall
from traceability.recalls.models import RecallAct
from traceability.recalls.services import recall_lot


def call_back(counter: Counter, lot: Lot) -> int:
    with story(counter) as w:
        return recall_lot(
            w.session,
            lot_id=lot.id,
            reason_zh="水分超标",
            reason_en="Too moist",
            actor=w.official,
            now=counter.now,
        ).id


def test_the_tills_list_has_a_version_and_costs_nothing_while_it_stands(
    clerk: FlaskClient, counter: Counter
) -> None:
    before = clerk.get("/till/api/recalls")
    assert before.status_code == 200
    assert before.json is not None
    assert before.json["goods"] == []
    again = clerk.get("/till/api/recalls", headers={"If-None-Match": before.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["X-List-Time"]

    call_back(counter, counter.lot)
    after = clerk.get("/till/api/recalls", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.json is not None
    assert after.json["version"] > before.json["version"]
    (line,) = after.json["goods"]
    assert (line["lot"], line["serial"], line["reason_zh"]) == (
        *(counter.lot.lot_no, None, "水分超标"),
    )


def test_who_does_not_work_at_a_counter_gets_no_list(client: FlaskClient, counter: Counter) -> None:
    assert counter.jars
    answer = client.get("/till/api/recalls", headers={"Accept": "application/json"})
    assert answer.status_code == 401


def test_staff_note_what_they_did_until_nothing_is_open(
    clerk: FlaskClient, counter: Counter
) -> None:
    path = f"/till/{counter.outlet.code}/recalls"
    assert "没有涉及本柜台的召回" in clerk.get(path).text
    recall_id = call_back(counter, counter.lot)
    page = clerk.get(path).text
    assert "水分超标" in page
    assert "还没处理完" in page
    assert 'style="' not in page
    values = {
        "key": "k-1",
        "recall": str(recall_id),
        "place": str(counter.outlet.place_id),
        "lot": str(counter.lot.id),
        "act": "quarantined",
    }
    much = clerk.post(path, data=values | {"quantity": "9999"})
    assert much.status_code == 400
    held = len(counter.jars)
    assert clerk.post(path, data=values | {"quantity": str(held)}).status_code == 303
    assert clerk.post(path, data=values | {"quantity": str(held)}).status_code == 303
    assert "已处理完" in clerk.get(path).text
    back = values | {"key": "k-2", "act": "destroyed", "serials": counter.jar()}
    assert clerk.post(path, data=back).status_code == 303
    with counter.database.reading() as session:
        acts = session.scalars(select(RecallAct).order_by(RecallAct.id)).all()
        assert [(act.act, act.quantity) for act in acts] == [
            ("quarantined", held),
            ("destroyed", 1),
        ]
        assert session.scalars(select(Recall.closed_at)).all() == [None]


def test_nothing_is_noted_at_somebody_elses_counter(clerk: FlaskClient, counter: Counter) -> None:
    recall_id = call_back(counter, counter.lot)
    values = {
        "key": "k-9",
        "recall": str(recall_id),
        "place": str(counter.other.place_id),
        "lot": str(counter.lot.id),
        "act": "quarantined",
        "quantity": "1",
    }
    assert clerk.post(f"/till/{counter.outlet.code}/recalls", data=values).status_code == 404
    assert clerk.post(f"/till/{counter.other.code}/recalls", data=values).status_code == 403
    with counter.database.reading() as session:
        assert session.scalars(select(RecallAct)).all() == []
