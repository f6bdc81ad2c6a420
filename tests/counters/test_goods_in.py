"""Goods-in: cases by one scan."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from goods.stock.models import LogisticUnit, Lot, Serial, StockBalance
from parties.network.models import Outlet
from tests.counters.conftest import HOST, Counter, statements, story
from tests.factories import in_cases, make_lot, send
from traceability.digital_link import CaseCode, build_uri
from traceability.models import Shipment, TraceEvent
from traceability.recalls.services import recall_lot


def sent(
    counter: Counter, *, cases: int = 2, to: Outlet | None = None
) -> tuple[Lot, list[LogisticUnit]]:
    """Send cases of six jars to a counter."""
    with story(counter) as w:
        lot = make_lot(w, packs=6 * cases, now=counter.now)
        units = in_cases(w, lot, cases=cases, per_case=6, now=counter.now)
        send(w, units, (to or counter.outlet).place_id, now=counter.now)
        return lot, units


def take(client: FlaskClient, counter: Counter, code: str) -> dict[str, Any]:
    answer = client.post(f"{counter.url}/receive", json={"code": code})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def on_hand(counter: Counter, lot: Lot) -> int:
    with counter.database.reading() as session:
        return (
            session.scalar(
                select(StockBalance.on_hand).where(
                    StockBalance.place_id == counter.outlet.place_id,
                    StockBalance.lot_id == lot.id,
                )
            )
            or 0
        )


def test_what_is_on_its_way_stands_there_with_its_contents(
    clerk: FlaskClient, counter: Counter
) -> None:
    lot, units = sent(counter)
    page = clerk.get(f"{counter.url}/receive").text
    for unit in units:
        assert unit.sscc in page
    assert f"{counter.honey_name}" in page
    assert lot.lot_no in page


@pytest.mark.parametrize("way", ["digits", "element string", "address"])
def test_one_scan_receives_a_case_and_its_jars_may_be_sold(
    clerk: FlaskClient, counter: Counter, way: str
) -> None:
    lot, units = sent(counter)
    sscc = units[0].sscc
    code = {
        "digits": sscc,
        "element string": f"]C100{sscc}",
        "address": build_uri(HOST, CaseCode(sscc)),
    }[way]

    answer = take(clerk, counter, code)

    assert (answer["answer"], answer["reason"], answer["title"]) == ("go", "received", "收好了")
    assert answer["item"] == {"sscc": sscc}
    assert on_hand(counter, lot) == 6
    with counter.database.reading() as session:
        states = session.execute(
            select(Serial.state, func.count())
            .where(Serial.lot_id == lot.id)
            .group_by(Serial.state)
            .order_by(Serial.state)
        ).all()
        shipment = session.scalars(select(Shipment).order_by(Shipment.id.desc())).first()
        jar = session.scalars(
            select(Serial).where(Serial.lot_id == lot.id, Serial.state == "on_shelf")
        ).first()
    assert [tuple(row) for row in states] == [("in_transit", 6), ("on_shelf", 6)]
    assert shipment is not None
    assert shipment.state == "in_transit"
    look = clerk.get(
        f"{counter.url}/look",
        query_string={"code": counter.code_of(counter.honey, lot, jar)},
        headers={"Accept": "application/json"},
    )
    assert look.get_json()["answer"] == "go"


def test_the_last_case_closes_the_shipment(clerk: FlaskClient, counter: Counter) -> None:
    _, units = sent(counter)
    for unit in units:
        take(clerk, counter, unit.sscc)
    with counter.database.reading() as session:
        shipment = session.scalars(select(Shipment).order_by(Shipment.id.desc())).first()
    assert shipment is not None
    assert shipment.state == "received"
    assert units[0].sscc not in clerk.get(f"{counter.url}/receive").text


def test_scanning_a_case_again_says_so_and_counts_nothing_twice(
    clerk: FlaskClient, counter: Counter
) -> None:
    lot, units = sent(counter)
    take(clerk, counter, units[0].sscc)
    with counter.database.reading() as session:
        events = session.scalar(select(func.count()).select_from(TraceEvent))

    again = take(clerk, counter, units[0].sscc)

    assert (again["answer"], again["reason"]) == ("ask", "received_before")
    assert on_hand(counter, lot) == 6
    with counter.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(TraceEvent)) == events


def test_another_outlets_case_is_not_taken_and_names_it(
    clerk: FlaskClient, counter: Counter
) -> None:
    lot, units = sent(counter, to=counter.other)
    before = counter.written()

    answer = take(clerk, counter, units[0].sscc)

    assert (answer["answer"], answer["reason"]) == ("stop", "case_refused")
    assert counter.other.name_zh in " ".join(answer["about"])
    assert on_hand(counter, lot) == 0
    assert counter.written() == before


def test_a_recalled_case_stays_closed(clerk: FlaskClient, counter: Counter) -> None:
    lot, units = sent(counter)
    with story(counter) as w:
        recall_lot(
            w.session,
            lot_id=lot.id,
            reason_zh="水分超标",
            reason_en="too wet",
            actor=w.official,
            now=counter.now + timedelta(seconds=1),
        )
    before = counter.written()

    answer = take(clerk, counter, units[0].sscc)

    assert answer["answer"] == "stop"
    assert "召回" in answer["say"]
    assert counter.written() == before
    assert "已召回，别拆箱" in clerk.get(f"{counter.url}/receive").text


def test_a_case_that_was_never_sent_is_not_taken(clerk: FlaskClient, counter: Counter) -> None:
    with story(counter) as w:
        lot = make_lot(w, packs=6, now=counter.now)
        (unit,) = in_cases(w, lot, cases=1, per_case=6, now=counter.now)
        sscc = unit.sscc
    assert take(clerk, counter, sscc)["answer"] == "stop"


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("106141412345678908", "stop"),
        ("6901234567892", "ask"),
        ("hello", "ask"),
        ("", "ask"),
    ],
)
def test_what_is_no_known_case_is_not_taken(
    clerk: FlaskClient, counter: Counter, code: str, answer: str
) -> None:
    before = counter.written()
    said = take(clerk, counter, code)
    assert said["answer"] == answer
    assert said["say"]
    assert counter.written() == before


def test_a_jar_leads_to_the_case_it_is_in(clerk: FlaskClient, counter: Counter) -> None:
    lot, units = sent(counter)
    with counter.database.reading() as session:
        jar = session.scalars(select(Serial).where(Serial.unit_id == units[1].id)).first()
    answer = take(clerk, counter, counter.code_of(counter.honey, lot, jar))
    assert answer["answer"] == "ask"
    assert answer["choices"][0]["href"] == f"{counter.url}/receive?sscc={units[1].sscc}"
    page = clerk.get(answer["choices"][0]["href"]).text
    assert f'value="{units[1].sscc}"' in page


def test_goods_in_works_without_a_script(clerk: FlaskClient, counter: Counter) -> None:
    lot, units = sent(counter)
    page = clerk.post(f"{counter.url}/receive", data={"code": units[0].sscc})
    assert page.status_code == 200
    assert "收好了" in page.text
    assert on_hand(counter, lot) == 6


def test_only_the_counters_own_staff_receive(
    stranger: FlaskClient, client: FlaskClient, counter: Counter
) -> None:
    lot, units = sent(counter)
    body = {"code": units[0].sscc}
    assert stranger.post(f"{counter.url}/receive", json=body).status_code == 403
    assert client.post(f"{counter.url}/receive", json=body).status_code == 401
    assert stranger.get(f"{counter.url}/receive").status_code == 403
    assert on_hand(counter, lot) == 0


def test_the_list_of_cases_takes_as_many_statements_for_one_as_for_many(
    clerk: FlaskClient, counter: Counter
) -> None:
    sent(counter, cases=1)
    clerk.get(f"{counter.url}/receive")
    with statements(counter.database) as few:
        clerk.get(f"{counter.url}/receive")
    for _ in range(3):
        sent(counter, cases=2)
    with statements(counter.database) as many:
        clerk.get(f"{counter.url}/receive")
    assert len(many) == len(few)
