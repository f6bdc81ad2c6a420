"""What this platform records itself is asked for and answered like what partners send."""

from urllib.parse import quote

import pytest
from sqlalchemy import select

from foundation.db import Database
from goods.stock.models import Serial
from parties.network.models import Place
from tests.factories import in_cases, on_shelf, send, world
from tests.traceability.partners.conftest import Partner, events_in
from traceability.epcis.validation import problems
from traceability.models import TraceEvent


@pytest.fixture
def trade(database: Database) -> dict[str, str]:
    """Honey on a counter's shelf, and a case on its way."""
    with database.transaction() as session:
        w = world(session)
        lot, serials = on_shelf(w)
        unit, _rest = in_cases(w, lot, cases=2, per_case=6)
        send(w, [unit], w.outlet.place_id)
        jar = session.get_one(Serial, serials[0].id)
        workshop = session.get_one(Place, w.place("workshop").id)
        return {
            "lot": f"https://id.gs1.org/01/{w.sku.gtin}/10/{quote(lot.lot_no, safe='')}",
            "jar": f"https://id.gs1.org/01/{w.sku.gtin}/21/{jar.serial}",
            "case": f"https://id.gs1.org/00/{unit.sscc}",
            "place": f"https://id.gs1.org/414/{workshop.gln}",
        }


def test_every_event_of_our_own_is_valid_epcis(
    partner: Partner, trade: dict[str, str], database: Database
) -> None:
    assert trade
    answer = partner.ask("/events?perPage=1000")
    assert problems(answer.json) == []
    found = events_in(answer.json)
    with database.reading() as session:
        recorded = session.scalars(select(TraceEvent.event_uri)).all()
    assert {event["eventID"] for event in found} == set(recorded)
    assert {event["type"] for event in found} >= {
        "ObjectEvent",
        "AggregationEvent",
        "TransformationEvent",
    }


@pytest.mark.parametrize(
    ("question", "least"),
    [
        ("MATCH_epc={jar}", 1),
        ("MATCH_anyEPC={case}", 2),
        ("MATCH_parentID={case}", 1),
        ("MATCH_outputEPCClass={lot}", 1),
        ("EQ_bizStep=shipping", 1),
        ("eventType=TransformationEvent", 1),
        ("EQ_readPoint={place}", 1),
        ("EQ_bizLocation={place}&EQ_action=OBSERVE", 1),
        ("EXISTS_ILMD_shanhuo:lot_no", 0),
        ("GE_eventTime=2020-01-01T00:00:00Z&orderBy=eventTime", 5),
    ],
)
def test_our_own_events_answer_the_same_questions(
    partner: Partner, trade: dict[str, str], question: str, least: int
) -> None:
    asked = question.format(**{name: quote(uri, safe="") for name, uri in trade.items()})
    found = partner.events(f"/events?{asked}&perPage=1000")
    assert len(found) >= least
    wanted = question.partition("=")[2].strip("{}").partition("}")[0]
    if wanted in trade and question.startswith("MATCH"):
        assert all(trade[wanted] in str(event) for event in found)


def test_what_is_inside_a_case_is_not_named_by_what_happens_to_the_case(
    partner: Partner, trade: dict[str, str]
) -> None:
    found = partner.events(f"/events?MATCH_epc={quote(trade['jar'], safe='')}&perPage=1000")
    steps = {event["bizStep"] for event in found}
    assert "shipping" not in steps
    assert "stocking" in steps
