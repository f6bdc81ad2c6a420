"""Rules of events, yields and values; rules of stories."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.seeding import SEEDER
from foundation.errors import BadInput, NotAllowed, NotFound
from goods.stock.rules import Move
from tests.factories import World
from tests.traceability.ledger import refused
from traceability.digital_link import check_digit_holds
from traceability.queries import step_of, template_of
from traceability.rules import (
    Flow,
    Happening,
    LotRef,
    Part,
    PlaceRef,
    UnitRef,
    epcis_document,
    next_step,
    read_values,
    sscc_of,
)
from traceability.services.templates import import_templates
from traceability.stories.rules import (
    applies,
    freshness,
    number_text,
    progress,
    results_of_paper,
    results_of_step,
    route_of,
    values_of,
    verdict,
)
from traceability.stories.shape import Held, Recorder, Spot, StoryStep, counter_word

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HERE, THERE, TRANSIT = PlaceRef(1, "9528101000015"), PlaceRef(2, "9528101000022"), PlaceRef(3, None)
HONEY = LotRef(7, 70, "09528001010015", "L/1", "g")


def happening(**more: Any) -> Happening:
    given: dict[str, Any] = {
        "event_type": "ObjectEvent",
        "action": "OBSERVE",
        "biz_step": "inspecting",
        "disposition": None,
        "at": AT,
        "organisation_id": 5,
        "place": HERE,
        "parts": (Part(HONEY, 9),),
    }
    return Happening(**given | more)


@pytest.mark.parametrize(
    ("more", "flow", "moves"),
    [
        ({}, Flow.NONE, []),
        (
            {"action": "ADD", "biz_step": "creating_class_instance"},
            *(Flow.IN, [Move(1, 7, 70, 9)]),
        ),
        ({"biz_step": "retail_selling"}, Flow.OUT, [Move(1, 7, 70, -9)]),
        ({"action": "DELETE", "biz_step": "destroying"}, Flow.OUT, [Move(1, 7, 70, -9)]),
        (
            {"biz_step": "shipping", "from_place": HERE, "to_place": TRANSIT},
            *(Flow.CARRY, [Move(1, 7, 70, -9), Move(3, 7, 70, 9)]),
        ),
        ({"biz_step": "receiving"}, Flow.CARRY, [Move(1, 7, 70, 9)]),
        (
            {
                "event_type": "TransformationEvent",
                "action": None,
                "parts": (Part(HONEY, 9, "input"), Part(HONEY, 4, "output")),
            },
            *(Flow.CONVERT, [Move(1, 7, 70, -9), Move(1, 7, 70, 4)]),
        ),
    ],
)
def test_one_table_says_what_moves(more: dict[str, Any], flow: Flow, moves: list[Move]) -> None:
    event = happening(**more)
    assert event.flow is flow
    assert event.moves() == moves


def test_a_transit_place_has_no_name_in_an_event() -> None:
    event = happening(biz_step="shipping", from_place=HERE, to_place=TRANSIT)
    document = epcis_document(event, "x", AT)
    assert "bizLocation" not in document
    assert document["readPoint"] == {"id": "https://id.gs1.org/414/9528101000015"}
    back = epcis_document(happening(place=THERE, from_place=HERE), "x", AT)
    assert back["sourceList"] == [
        {"type": "location", "source": "https://id.gs1.org/414/9528101000015"}
    ]


def test_quantities_carry_a_unit_unless_they_are_pieces() -> None:
    weighed = epcis_document(happening(), "x", AT)["quantityList"]
    assert weighed == [
        {"epcClass": "https://id.gs1.org/01/09528001010015/10/L%2F1", "quantity": 9, "uom": "GRM"}
    ]
    pieces = happening(parts=(Part(HONEY._replace(base_unit="piece"), 9),))
    assert "uom" not in epcis_document(pieces, "x", AT)["quantityList"][0]


def test_a_case_of_unnumbered_packs_says_how_many() -> None:
    event = happening(
        event_type="AggregationEvent",
        action="ADD",
        biz_step="packing",
        units=(UnitRef(1, "095280000000000018"),),
    )
    document = epcis_document(event, "x", AT)
    assert document["parentID"] == "https://id.gs1.org/00/095280000000000018"
    assert document["childQuantityList"][0]["quantity"] == 9


def test_case_numbers_have_eighteen_digits_and_a_check() -> None:
    number = sscc_of("9528000", 42)
    assert len(number) == 18
    assert check_digit_holds(number)


# --- values and yields ---

STEP: dict[str, Any] = {
    "step": "test",
    "certificate_kind": None,
    "quantity_from": {"key_data_element": "weight", "factor": 1000},
    "key_data_elements": [
        {"code": "weight", "name_zh": "重", "name_en": "Weight", "type": "number"},
        {"code": "ok", "name_zh": "合格", "name_en": "Fine", "type": "boolean"},
        {
            "code": "grade",
            "name_zh": "等级",
            "name_en": "Grade",
            "type": "choice",
            "choices": [{"code": "a", "zh": "一级", "en": "First"}, "b"],
        },
        {"code": "operator_id", "name_zh": "操作员", "name_en": "Operator", "type": "text"},
        {"code": "done_on", "name_zh": "日期", "name_en": "Day", "type": "date"},
        {
            "code": "moisture",
            "name_zh": "水分",
            "name_en": "Moisture",
            "type": "number",
            "unit": {"label_zh": "%", "label_en": "%"},
            "min": 0,
            "max": 18,
        },
        {
            "code": "sugar",
            "name_zh": "糖",
            "name_en": "Sugar",
            "type": "number",
            "min": 60,
            "max": 100,
        },
        {"code": "sample_size", "name_zh": "抽样", "name_en": "Samples", "type": "integer"},
    ],
}
TODAY = date(2026, 11, 20)


def test_values_become_what_their_element_is() -> None:
    given = {"weight": " 12.5 ", "ok": "on", "grade": "b", "done_on": "2026-11-19", "x": "y"}
    assert read_values(STEP, given, today=TODAY) == {
        "weight": 12.5,
        "ok": True,
        "grade": "b",
        "done_on": "2026-11-19",
    }
    with pytest.raises(BadInput) as caught:
        read_values(STEP, {"grade": "z"}, today=TODAY)
    assert caught.value.field == "grade"


def test_the_next_step_is_the_first_of_ones_own_that_is_missing() -> None:
    steps = [{"step": "a", "by": "supplier"}, {"step": "b", "by": "outlet"}]
    steps.append({"step": "c", "by": "supplier"})
    assert next_step(steps, {"a"}) == steps[2]
    assert next_step(steps, {"a", "c"}) is None


def test_templates_come_in_once_per_version_and_by_those_who_may(
    w: World, session: Session
) -> None:
    row = {"code": "new", "version": 1, "name_zh": "新", "name_en": "New", "steps": [STEP]}
    assert import_templates(session, [row], actor=SEEDER) == 1
    assert import_templates(session, [row | {"name_zh": "改"}], actor=SEEDER) == 0
    assert import_templates(session, [row | {"version": 2}], actor=SEEDER) == 1
    assert template_of(session, "new").version == 2
    assert template_of(session, "new", 1).name_zh == "新"
    assert step_of(template_of(session, "new"), "test")["step"] == "test"
    with pytest.raises(NotFound):
        template_of(session, "none")
    with pytest.raises(NotFound):
        step_of(template_of(session, "new"), "none")
    with refused(session, NotAllowed):
        import_templates(session, [row | {"version": 3}], actor=w.owner)


# --- stories ---


@pytest.mark.parametrize(
    ("made", "best", "today", "said"),
    [
        (None, None, TODAY, "none"),
        (None, date(2026, 12, 1), TODAY, "fresh"),
        (date(2026, 12, 2), date(2026, 12, 1), TODAY, "fresh"),
        (date(2026, 11, 1), date(2026, 12, 1), date(2026, 11, 21), "fresh"),
        (date(2026, 11, 1), date(2026, 12, 1), date(2026, 11, 22), "near"),
        (date(2026, 11, 1), date(2026, 12, 1), date(2026, 12, 1), "near"),
        (date(2026, 11, 1), date(2026, 12, 1), date(2026, 12, 2), "expired"),
    ],
)
def test_how_a_date_stands(made: date | None, best: date | None, today: date, said: str) -> None:
    assert freshness(made, best, today) == said


def test_due_is_what_lies_before_the_furthest_record() -> None:
    def step(code: str, by: str = "supplier", **more: Any) -> dict[str, Any]:
        return {"step": code, "by": by, "required": True, "name_zh": code, "name_en": code} | more

    way = [
        *(step("grow"), step("note", required=False), step("pack")),
        step("label", applies_to_tracking=["serial"]),
        *(step("ship", "system"), step("receive", "outlet"), step("sell", "system")),
    ]
    due, missing, ahead = progress(way, {"grow", "ship"}, tracking="lot", straight=False)
    assert due == 3
    assert [each.name_en for each in missing] == ["pack"]
    assert [each.name_en for each in ahead] == ["receive", "sell"]
    due, missing, ahead = progress(way, {"grow", "pack", "sell"}, tracking="lot", straight=True)
    assert (due, missing, ahead) == (3, (), ())
    assert progress(way, set(), tracking="serial", straight=False)[:2] == (0, ())
    assert applies(way[3], "serial")
    assert not applies(way[3], "lot")


def test_danger_is_said_before_gaps() -> None:
    recalled = Held("recalled", "", "", AT, None)
    assert verdict(recalled, "expired", (), 3) == "recalled"
    assert verdict(recalled._replace(reason="inspection"), "expired", (), 3) == "held"
    assert verdict(None, "expired", (), 3) == "expired"
    assert verdict(None, "near", (), 3) == "complete"
    assert verdict(None, "fresh", (), 0) == "incomplete"


def test_private_and_doubled_values_are_not_told() -> None:
    facts = {
        "weight": 12.5,
        "ok": True,
        "grade": "a",
        "operator_id": "C02",
        "done_on": "2026-11-20",
        "moisture": 17.0,
    }
    told = values_of(STEP, facts, TODAY)
    assert [(v.code, v.text_zh, v.text_en) for v in told] == [
        *(("ok", "是", "yes"), ("grade", "一级", "First"), ("moisture", "17", "17")),
    ]
    assert values_of(None, facts, TODAY) == ()
    measured = values_of(STEP | {"certificate_kind": "test_report"}, facts, TODAY)
    assert [v.code for v in measured] == ["ok", "grade"]


def test_measured_values_meet_the_templates_bounds() -> None:
    found = results_of_step(STEP, {"moisture": 18.5, "sugar": 60, "weight": 3, "sample_size": 6})
    assert [(r.name_en, r.limit, r.at_most, r.holds) for r in found] == [
        ("Weight", None, True, True),
        ("Moisture", 18.0, True, False),
        ("Sugar", 60.0, False, True),
    ]
    assert results_of_paper([{"value": "clean"}, {"value": True}]) == ()


def test_numbers_are_written_as_people_do() -> None:
    assert [number_text(n) for n in (410.0, 17.6, 2_000_000.0, True, "x")] == [
        *("410", "17.6", "2000000", "True", "x"),
    ]


def test_a_counter_word_comes_from_the_pack() -> None:
    specs = ("500g/瓶", "5kg/箱（10斤装）", "2g×20袋", "散装", "100g/三角包装")
    assert [counter_word(spec) for spec in specs] == ["瓶", "箱", "件", "个", "件"]


def test_a_long_way_is_drawn_with_its_ends() -> None:
    def stop(n: int, kind: str = "workshop", biz_step: str = "other") -> StoryStep:
        spot = Spot(n, kind, str(n), str(n), "", "", "", "")
        return StoryStep(
            event_id=None,  # type: ignore[arg-type]
            code="",
            name_zh="",
            name_en="",
            biz_step=biz_step,
            at=AT,
            spot=spot,
            to=None,
            recorder=Recorder("", "", ""),
            inputs=(),
            outputs=(),
            amount=None,
            percent=None,
            values=(),
            papers=(),
        )

    way = [stop(1), stop(1), stop(9, "transit"), stop(2), stop(8, biz_step="holding")]
    assert [spot.id for spot in route_of(way)] == [1, 2]
    long = [spot.id for spot in route_of(stop(n) for n in range(1, 9))]
    assert (len(long), long[0], long[-1]) == (5, 1, 8)
