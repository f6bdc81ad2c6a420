"""What the till answers to each kind of code."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from foundation import clock
from goods.catalogue.models import Product
from goods.stock.models import Hold, LogisticUnit, Serial
from parties.network.models import Outlet
from parties.people.permissions import Grant, Role
from parties.people.services.roles import grant_role
from tests.counters.conftest import HOST, Counter, aged, statements, story
from tests.factories import actor, in_cases, make_lot, on_shelf, send
from traceability.digital_link import CaseCode, ItemCode, build_uri
from traceability.recalls.services import recall_lot


def ask(client: FlaskClient, counter: Counter, code: str, at: str = "") -> dict[str, Any]:
    answer = client.get(
        f"/till/{at or counter.outlet.code}/look",
        query_string={"code": code},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def told(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["answer"], answer["reason"]


def text(answer: dict[str, Any]) -> str:
    return " ".join([answer["title"], answer["say"], *answer["about"], answer["next"]])


def test_a_jar_on_the_shelf_may_be_sold_and_says_name_price_and_date(
    clerk: FlaskClient, counter: Counter
) -> None:
    answer = ask(clerk, counter, counter.jar())

    assert told(answer) == ("go", "ok")
    assert answer["title"] == "可以卖"
    assert counter.honey_name in text(answer)
    assert "¥56.00" in text(answer)
    assert counter.lot.best_before is not None
    assert counter.lot.best_before.isoformat() in text(answer)
    item = answer["item"]
    assert (item["gtin"], item["serial"]) == (counter.honey.gtin, counter.jars[0].serial)
    assert (item["price_fen"], item["price_version"], item["certainty"]) == (5600, 1, "scanned")


def test_less_than_a_third_of_the_life_left_wants_the_customer_told(
    clerk: FlaskClient, counter: Counter
) -> None:
    sku, lot, serial = aged(counter, "Q01", days=700)

    answer = ask(clerk, counter, counter.code_of(sku, lot, serial))

    assert told(answer) == ("slow", "near_expiry")
    assert answer["title"] == "快到期"
    assert lot.best_before is not None
    left = (lot.best_before - clock.business_date(clock.now())).days
    assert f"还剩 {left} 天" in text(answer)
    assert [choice["label"] for choice in answer["choices"]] == ["告诉了，加入"]
    assert answer["choices"][0]["item"]["serial"] == answer["item"]["serial"]


def test_expired_goods_are_not_sold(clerk: FlaskClient, counter: Counter) -> None:
    sku, lot, serial = aged(counter, "Q01", days=800)

    answer = ask(clerk, counter, counter.code_of(sku, lot, serial))

    assert told(answer) == ("stop", "expired")
    assert answer["item"] is None
    assert "下架" in answer["next"]
    assert str(lot.best_before) in text(answer)


def test_a_recalled_lot_is_not_sold_and_says_why(clerk: FlaskClient, counter: Counter) -> None:
    with story(counter) as w:
        recall_lot(
            w.session,
            lot_id=counter.lot.id,
            reason_zh="水分超标",
            reason_en="too wet",
            actor=w.official,
            now=counter.now,
        )

    by_item = ask(clerk, counter, counter.jar())
    by_lot = ask(clerk, counter, counter.code_of(counter.honey, counter.lot))

    assert told(by_item) == told(by_lot) == ("stop", "recalled")
    assert "水分超标" in text(by_item)


def test_a_sold_jar_says_when_and_where(
    clerk: FlaskClient, stranger: FlaskClient, counter: Counter
) -> None:
    assert clerk.post(f"{counter.url}/sales", json=counter.sale(0)).status_code == 201

    here = ask(clerk, counter, counter.jar())
    elsewhere = ask(stranger, counter, counter.jar(), at=counter.other.code)

    assert told(here) == ("stop", "already_sold")
    day = clock.business_date(counter.now).isoformat()
    assert f"{day} " in text(here)
    assert "在本网点卖出" in text(here)
    assert f"在{counter.outlet.name_zh}卖出" in text(elsewhere)


def test_an_unknown_serial_and_an_unknown_number_are_not_sold(
    clerk: FlaskClient, counter: Counter
) -> None:
    strange = build_uri(HOST, ItemCode(counter.honey.gtin, counter.lot.lot_no, "NOSUCH"))
    assert told(ask(clerk, counter, strange)) == ("stop", "unknown_item")
    assert told(ask(clerk, counter, "6901234567892")) == ("stop", "unknown_item")


def test_a_label_with_another_jars_lot_is_not_sold(clerk: FlaskClient, counter: Counter) -> None:
    forged = build_uri(HOST, ItemCode(counter.honey.gtin, "OTHER1", counter.jars[0].serial))
    assert told(ask(clerk, counter, forged)) == ("stop", "label_mismatch")


def test_a_jar_whose_case_was_not_received_leads_to_its_case(
    clerk: FlaskClient, counter: Counter
) -> None:
    with story(counter) as w:
        lot = make_lot(w, packs=12, now=counter.now)
        (unit,) = in_cases(w, lot, cases=1, per_case=12, now=counter.now)
        send(w, [unit], counter.outlet.place_id, now=counter.now)
        inside = w.session.scalars(select(Serial).where(Serial.unit_id == unit.id)).first()
        assert inside is not None
        code, sscc = counter.code_of(w.sku, lot, inside), unit.sscc

    answer = ask(clerk, counter, code)

    assert told(answer) == ("stop", "case_closed")
    assert answer["choices"][0]["href"] == f"{counter.url}/receive?sscc={sscc}"


def test_a_jar_of_another_outlet_names_it(clerk: FlaskClient, counter: Counter) -> None:
    with story(counter) as w:
        lot, serials = on_shelf(w, packs=4, outlet=counter.other, now=counter.now)
        code = counter.code_of(w.sku, lot, serials[0])

    answer = ask(clerk, counter, code)

    assert told(answer) == ("stop", "elsewhere")
    assert counter.other.name_zh in text(answer)


def test_a_jar_that_never_left_its_supplier_is_not_sold(
    clerk: FlaskClient, counter: Counter
) -> None:
    with story(counter) as w:
        lot = make_lot(w, packs=4, now=counter.now)
        serial = w.session.scalars(select(Serial).where(Serial.lot_id == lot.id)).first()
        code = counter.code_of(w.sku, lot, serial)
    assert told(ask(clerk, counter, code)) == ("stop", "not_sent")


def test_a_destroyed_jar_is_not_sold(clerk: FlaskClient, counter: Counter) -> None:
    with story(counter) as w:
        w.session.execute(
            update(Serial).where(Serial.id == counter.jars[1].id).values(state="destroyed")
        )
    assert told(ask(clerk, counter, counter.jar(1))) == ("stop", "gone")


def test_a_withdrawn_number_is_not_sold_and_the_answer_says_why(
    clerk: FlaskClient, counter: Counter
) -> None:
    with story(counter) as w:
        w.session.execute(
            update(Serial)
            .where(Serial.id == counter.jars[1].id)
            .values(state="destroyed", withdrawn=True)
        )
    answer = ask(clerk, counter, counter.jar(1))
    assert told(answer) == ("stop", "withdrawn")
    assert "作废" in text(answer)


def test_the_number_below_the_bars_asks_for_the_jars_own_code(
    clerk: FlaskClient, counter: Counter
) -> None:
    answer = ask(clerk, counter, counter.honey.gtin[1:])
    assert told(answer) == ("ask", "scan_item")
    assert "二维码" in answer["next"]
    assert answer["item"] is None


def test_the_only_lot_of_millet_is_inferred_from_the_number(
    clerk: FlaskClient, counter: Counter
) -> None:
    answer = ask(clerk, counter, counter.millet.gtin[1:])
    assert told(answer) == ("go", "ok")
    assert (answer["item"]["lot"], answer["item"]["certainty"]) == (
        counter.millet_lot.lot_no,
        "inferred",
    )


def test_several_lots_of_millet_are_offered_first_to_expire_first(
    clerk: FlaskClient, counter: Counter
) -> None:
    _, older, _ = aged(counter, "Q02", days=60)
    _, blocked, _ = aged(counter, "Q02", days=500)

    answer = ask(clerk, counter, counter.millet.gtin[1:])

    assert told(answer) == ("ask", "choose_lot")
    offered = [(c["label"], c["item"] and c["item"]["certainty"]) for c in answer["choices"]]
    assert offered == [
        (blocked.lot_no, None),
        (older.lot_no, "chosen"),
        (counter.millet_lot.lot_no, "chosen"),
        ("看不清批次", "inferred"),
    ]
    assert answer["choices"][-1]["item"]["lot"] == older.lot_no


def test_a_lots_own_code_is_a_scanned_lot(clerk: FlaskClient, counter: Counter) -> None:
    answer = ask(clerk, counter, counter.code_of(counter.millet, counter.millet_lot))
    assert told(answer) == ("go", "ok")
    assert answer["item"]["certainty"] == "scanned"
    assert answer["item"]["free"] == 10


def test_goods_that_the_books_lack_are_added_only_when_the_clerk_holds_them(
    stranger: FlaskClient, counter: Counter
) -> None:
    looked = ask(stranger, counter, counter.millet.gtin[1:], at=counter.other.code)
    by_lot = ask(
        stranger,
        counter,
        counter.code_of(counter.millet, counter.millet_lot),
        at=counter.other.code,
    )

    assert told(looked) == told(by_lot) == ("ask", "not_in_books")
    assert looked["choices"][0]["item"]["certainty"] == "inferred"
    assert by_lot["choices"][0]["item"]["lot"] == counter.millet_lot.lot_no


def test_goods_of_which_nobody_recorded_a_lot_are_not_sold(
    clerk: FlaskClient, counter: Counter
) -> None:
    with story(counter, "Q03") as w:
        gtin = w.sku.gtin
    strange = build_uri(HOST, ItemCode(counter.millet.gtin, "NOLOT"))
    assert told(ask(clerk, counter, gtin)) == ("stop", "unknown_lot")
    assert told(ask(clerk, counter, strange)) == ("stop", "unknown_lot")


def test_wholesale_goods_are_not_sold_at_a_counter(clerk: FlaskClient, counter: Counter) -> None:
    with story(counter) as w:
        w.session.execute(
            update(Product)
            .where(Product.id == counter.millet.product_id)
            .values(retail_visible=False)
        )
    assert told(ask(clerk, counter, counter.millet.gtin)) == ("stop", "wholesale_only")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("2112345678900", "in_store"),
        ("https://example.org/hello", "unreadable"),
        ("hello", "unreadable"),
        ("6901234567890", "unreadable"),
        ("", "unreadable"),
    ],
)
def test_other_codes_say_what_to_scan_instead(
    clerk: FlaskClient, counter: Counter, code: str, reason: str
) -> None:
    answer = ask(clerk, counter, code)
    assert told(answer) == ("ask", reason)
    assert answer["title"] == "换个码"
    assert answer["say"]
    assert not answer["say"].isascii()


def test_a_case_leads_to_goods_in(clerk: FlaskClient, counter: Counter) -> None:
    with counter.database.reading() as session:
        sscc = session.scalars(select(LogisticUnit.sscc)).all()[0]
    answer = ask(clerk, counter, build_uri(HOST, CaseCode(sscc)))
    assert told(answer) == ("ask", "case_code")
    assert answer["choices"][0]["href"] == f"{counter.url}/receive?sscc={sscc}"


def test_nothing_is_sold_where_the_outlet_is_closed_or_blocked(
    clerk: FlaskClient, counter: Counter
) -> None:
    with story(counter) as w:
        event_id = w.session.scalars(select(Hold.event_id)).first()
        assert event_id is None
        recall = recall_lot(
            w.session,
            lot_id=counter.millet_lot.id,
            reason_zh="试",
            reason_en="x",
            actor=w.official,
            now=counter.now,
        )
        w.session.add(
            Hold(
                place_id=counter.outlet.place_id,
                reason="inspection",
                note_zh="冷柜断电",
                note_en="no power",
                event_id=recall.event_id,
                placed_at=counter.now,
            )
        )
    blocked = ask(clerk, counter, counter.jar())
    assert told(blocked) == ("stop", "on_hold")
    assert "冷柜断电" in text(blocked)
    with story(counter) as w:
        w.session.execute(
            update(Outlet).where(Outlet.place_id == counter.outlet.place_id).values(status="paused")
        )
    assert told(ask(clerk, counter, counter.jar())) == ("stop", "outlet_closed")


def test_an_answer_takes_a_few_statements(clerk: FlaskClient, counter: Counter) -> None:
    ask(clerk, counter, counter.jar())
    with statements(counter.database) as seen:
        ask(clerk, counter, counter.jar())
    assert len(seen) <= 6


def test_a_look_is_for_those_who_sell_there(
    client: FlaskClient, clerk: FlaskClient, counter: Counter
) -> None:
    elsewhere = clerk.get(f"/till/{counter.other.code}/look?code=1")
    nobody = client.get(f"{counter.url}/look?code=1", headers={"Accept": "application/json"})
    unknown = clerk.get("/till/K-99/look?code=1")
    assert (elsewhere.status_code, nobody.status_code, unknown.status_code) == (403, 401, 404)


def test_english_is_spoken_to_those_who_ask_for_it(clerk: FlaskClient, counter: Counter) -> None:
    clerk.set_cookie("lang", "en")
    answer = ask(clerk, counter, counter.jar())
    assert answer["title"] == "Sell"
    assert "best before" in text(answer)


def test_the_clerks_of_several_outlets_choose_one(clerk: FlaskClient, counter: Counter) -> None:
    only = clerk.get("/till/")
    assert only.location == counter.url
    with story(counter) as w:
        grant = Grant(Role.COUNTER_CLERK, place_id=counter.other.place_id)
        operator = actor(Role.OPERATOR)
        grant_role(w.session, counter.clerk, grant, actor=operator, now=counter.now)
    both = clerk.get("/till/")
    assert both.status_code == 200
    assert counter.outlet.name_zh in both.text
    assert counter.other.name_zh in both.text
