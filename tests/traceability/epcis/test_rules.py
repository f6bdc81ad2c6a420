"""What the ledger's rules say of an event, each by what is known of the things that it names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from traceability.epcis.acts import act_of
from traceability.epcis.identity import Identity
from traceability.epcis.lives import ItemState, States, advance
from traceability.epcis.moments import instant
from traceability.epcis.rules import Answer, Policy, breaches, is_refused, judged
from traceability.epcis.sentences import LEDGER

GTIN = "06921234601013"
JAR = f"https://id.gs1.org/01/{GTIN}/21/7"
OTHER_JAR = f"https://id.gs1.org/01/{GTIN}/21/8"
CASE = "https://id.gs1.org/00/169212340000000011"
OTHER_CASE = "https://id.gs1.org/00/169212340000000028"
BEES, HALL = 1, 2
"""Organisations."""


def event(at: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventTime": f"2026-04-{at}:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        "action": "OBSERVE",
        **fields,
    }


def made(at: str, *items: str) -> dict[str, Any]:
    return event(at, action="ADD", bizStep="commissioning", epcList=list(items))


def packed(at: str, parent: str, *items: str, action: str = "ADD") -> dict[str, Any]:
    return event(
        at,
        type="AggregationEvent",
        action=action,
        bizStep="packing",
        parentID=parent,
        childEPCs=list(items),
    )


def done(at: str, step: str, *items: str) -> dict[str, Any]:
    return event(at, bizStep=step, epcList=list(items))


def after(*events: tuple[int, dict[str, Any]], ours: bool = True) -> States:
    """The states that these events leave, each recorded by its organisation."""
    states: States = {
        item: ItemState(foreign=not ours) for item in (JAR, OTHER_JAR, CASE, OTHER_CASE)
    }
    for organisation_id, one in events:
        advance(act_of(one, organisation_id=organisation_id), states)
    return states


def rules_of(
    one: dict[str, Any], states: States, *, by: int = BEES, policy: Policy | None = None
) -> list[str]:
    found = breaches(act_of(one, organisation_id=by), states, policy or Policy())
    assert all("%(" not in breach.sentence() for breach in found)
    return [breach.rule for breach in found]


def test_a_story_in_its_order_breaks_no_rule() -> None:
    story = [
        (BEES, made("01T08:00", JAR, OTHER_JAR)),
        (BEES, packed("02T08:00", CASE, JAR, OTHER_JAR)),
        (BEES, done("03T08:00", "shipping", CASE)),
        (HALL, done("04T08:00", "receiving", CASE)),
        (HALL, packed("05T08:00", CASE, JAR, action="DELETE")),
        (HALL, done("06T08:00", "retail_selling", JAR)),
        (HALL, done("07T08:00", "receiving", JAR)),
        (HALL, done("08T08:00", "retail_selling", JAR)),
        (HALL, packed("08T09:00", CASE, action="DELETE")),
        (HALL, done("09T08:00", "destroying", OTHER_JAR)),
    ]
    states = after()
    for organisation_id, one in story:
        assert rules_of(one, states, by=organisation_id) == []
        advance(act_of(one, organisation_id=organisation_id), states)


def test_nothing_is_sold_before_it_was_made() -> None:
    states = after((BEES, made("02T08:00", JAR)))
    assert rules_of(done("01T08:00", "retail_selling", JAR), states) == ["before_it_was_made"]
    assert rules_of(done("03T08:00", "retail_selling", OTHER_JAR), states) == ["never_made"]
    assert rules_of(done("03T08:00", "retail_selling", JAR), states) == []


def test_nothing_is_made_twice_or_lives_after_its_end() -> None:
    states = after(
        (BEES, made("01T08:00", JAR, OTHER_JAR)),
        (BEES, done("02T08:00", "destroying", JAR)),
        (BEES, done("02T08:00", "retail_selling", OTHER_JAR)),
    )
    assert rules_of(made("03T08:00", OTHER_JAR), after((BEES, made("01T08:00", OTHER_JAR)))) == [
        "made_twice"
    ]
    assert rules_of(done("03T08:00", "shipping", JAR), states) == ["after_its_end"]
    assert rules_of(done("03T08:00", "retail_selling", OTHER_JAR), states) == ["after_its_end"]
    assert rules_of(done("03T08:00", "receiving", OTHER_JAR), states) == []


def test_a_beginning_is_the_first_that_is_seen_and_may_be_told_again() -> None:
    states = after((BEES, done("02T08:00", "receiving", JAR)), ours=False)
    assert rules_of(made("03T08:00", JAR), states) == ["seen_before_it_was_made"]
    assert rules_of(made("01T08:00", JAR), states) == []
    advance(act_of(made("01T08:00", JAR), organisation_id=BEES), states)
    assert rules_of(made("01T08:00", JAR), states) == []
    assert rules_of(done("01T07:00", "encoding", JAR), states) == []
    assert not states[JAR].foreign


def test_only_the_holder_ships() -> None:
    states = after((BEES, made("01T08:00", JAR)))
    assert rules_of(done("02T08:00", "shipping", JAR), states, by=HALL) == ["not_yours_to_ship"]
    assert rules_of(done("02T08:00", "shipping", JAR), states, by=BEES) == []
    advance(act_of(done("02T08:00", "shipping", JAR), organisation_id=BEES), states)
    assert rules_of(done("03T08:00", "shipping", JAR), states, by=HALL) == ["not_yours_to_ship"]
    advance(act_of(done("03T08:00", "receiving", JAR), organisation_id=HALL), states)
    assert rules_of(done("04T08:00", "shipping", JAR), states, by=HALL) == []


def test_what_is_in_a_case_is_held_with_the_case() -> None:
    states = after(
        (BEES, made("01T08:00", JAR)),
        (BEES, packed("01T09:00", CASE, JAR)),
        (BEES, done("02T08:00", "shipping", CASE)),
        (HALL, done("03T08:00", "receiving", CASE)),
    )
    assert rules_of(done("04T08:00", "shipping", JAR), states, by=BEES) == ["not_yours_to_ship"]
    advance(act_of(packed("05T08:00", CASE, JAR, action="DELETE"), organisation_id=HALL), states)
    assert states[JAR].parent is None
    assert states[JAR].holder == HALL


def test_a_child_has_one_parent() -> None:
    states = after((BEES, made("01T08:00", JAR)), (BEES, packed("02T08:00", CASE, JAR)))
    assert rules_of(packed("03T08:00", OTHER_CASE, JAR), states) == ["in_another_parent"]
    assert rules_of(packed("03T08:00", CASE, JAR), states) == []
    taken_out = packed("03T08:00", OTHER_CASE, JAR, action="DELETE")
    assert rules_of(taken_out, states) == ["not_in_this_parent"]
    assert rules_of(packed("03T08:00", JAR, CASE), states) == ["inside_itself"]
    assert rules_of(packed("03T08:00", CASE, CASE), states) == ["inside_itself"]


def test_a_late_event_is_asked_only_for_what_its_time_can_tell() -> None:
    states = after(
        (BEES, made("01T08:00", JAR)),
        (BEES, packed("05T08:00", CASE, JAR)),
        (HALL, done("06T08:00", "receiving", CASE, JAR)),
    )
    assert rules_of(packed("02T08:00", OTHER_CASE, JAR), states) == []
    assert rules_of(done("02T08:00", "shipping", JAR), states) == []
    advance(act_of(packed("02T08:00", OTHER_CASE, JAR), organisation_id=BEES), states)
    assert states[JAR].parent == CASE


def test_a_transformation_uses_up_what_it_takes() -> None:
    making = event("02T08:00", type="TransformationEvent", inputEPCList=[JAR], outputEPCList=[CASE])
    del making["action"]
    states = after((BEES, made("01T08:00", JAR)), (BEES, making))
    assert states[CASE].began_at == datetime(2026, 4, 2, tzinfo=UTC)
    assert rules_of(done("03T08:00", "shipping", JAR), states) == ["after_its_end"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"epcList": [JAR.replace("013/", "014/")]}, "epcList[0]"),
        ({"epcList": [CASE[:-1] + "9"]}, "epcList[0]"),
        ({"readPoint": {"id": "https://id.gs1.org/414/6921234000077"}}, "readPoint.id"),
        (
            {"quantityList": [{"epcClass": f"https://x.example/01/{GTIN[:-1]}4/10/L"}]},
            "quantityList[0].epcClass",
        ),
    ],
)
def test_a_wrong_check_digit_is_told_with_the_right_one(fields: dict[str, Any], path: str) -> None:
    found = breaches(act_of(event("01T08:00", **fields)), {})
    assert [(breach.rule, breach.path, breach.answer) for breach in found] == [
        ("check_digit_wrong", path, Answer.REFUSE)
    ]
    assert str(found[0].params["right"]) in found[0].sentence()


def test_a_key_is_first_used_by_who_issues_it() -> None:
    def owns(identity: Identity) -> bool | None:
        return None if identity.ai == "414" else (identity.issuer or "").startswith("7")

    one = made("01T08:00", JAR) | {"readPoint": {"id": "https://id.gs1.org/414/6921234000076"}}
    rules = [breach.rule for breach in breaches(act_of(one), {}, owns=owns)]
    assert rules == ["key_of_another"]
    assert breaches(act_of(done("01T08:00", "shipping", JAR)), {}, owns=owns) == []
    assert [b.path for b in breaches(act_of(packed("01T08:00", CASE, JAR)), {}, owns=owns)] == [
        "parentID"
    ]


def test_words_that_others_do_not_know_are_told() -> None:
    one = event(
        "01T08:00",
        bizStep="https://ref.gs1.org/cbv/BizStep-selling",
        disposition="https://hall.example/voc/tasted",
        persistentDisposition={"set": ["recalled", "cbv:Disp-nonsense"]},
    )
    found = breaches(act_of(one), {})
    assert [(breach.path, breach.rule) for breach in found] == [
        ("bizStep", "word_not_in_cbv"),
        ("disposition", "word_of_your_own"),
        ("persistentDisposition.set[1]", "word_not_in_cbv"),
    ]
    assert not is_refused(found)


def test_each_rule_is_switched_off_to_warn_or_to_refuse() -> None:
    states = after((BEES, made("01T08:00", JAR)))
    shipped = act_of(done("02T08:00", "shipping", JAR), organisation_id=HALL)
    for answer in Answer:
        found = breaches(shipped, states, Policy.read(f"custody={answer}"))
        assert [breach.answer for breach in found] == ([] if answer is Answer.OFF else [answer])
    strange = after((BEES, done("01T08:00", "receiving", JAR)), ours=False)
    assert [breach.answer for breach in breaches(shipped, strange)] == [Answer.WARN]
    strict = Policy.read("foreign=refuse, order = off")
    assert is_refused(breaches(shipped, strange, strict))
    assert strict.order is Answer.OFF


@pytest.mark.parametrize("text", ["colour=off", "custody", "custody=maybe", "=off"])
def test_a_policy_that_cannot_be_read_is_no_policy(text: str) -> None:
    with pytest.raises(ValueError, match=r"no rule|not a valid"):
        Policy.read(text)


def test_an_event_that_is_declared_an_error_did_not_happen() -> None:
    states = after((BEES, made("05T08:00", JAR)))
    wrong = done("01T08:00", "retail_selling", JAR)
    wrong["errorDeclaration"] = {"declarationTime": "2026-04-06T00:00:00Z"}
    assert rules_of(wrong, states) == []
    advance(act_of(wrong), states)
    assert states == after((BEES, made("05T08:00", JAR)))


def test_the_events_of_a_document_are_judged_one_after_the_other() -> None:
    events = [
        packed("02T08:00", CASE, JAR),
        packed("03T08:00", OTHER_CASE, JAR),
        packed("04T08:00", CASE, JAR, action="DELETE"),
        packed("05T08:00", OTHER_CASE, JAR),
    ]
    states = after((BEES, made("01T08:00", JAR)))
    told = judged([act_of(one, organisation_id=BEES) for one in events], states)
    assert [[breach.rule for breach in found] for found in told] == [
        [],
        ["in_another_parent"],
        [],
        [],
    ]
    assert states[JAR].parent == OTHER_CASE


def test_every_rule_of_the_ledger_is_said_in_words() -> None:
    assert all(sentence.count("%(") == sentence.count(")s") for sentence in LEDGER.values())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-12t08:30:00.5z", datetime(2026, 4, 12, 8, 30, 0, 500_000, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60+08:00", datetime(2016, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_the_standard_lets_them_be_written(text: str, moment: datetime) -> None:
    assert instant(text) == moment


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:60Z", "2026-04-12T08:30:00", "today"]
)
def test_times_that_cannot_be_kept_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|offset|isoformat"):
        instant(text)
