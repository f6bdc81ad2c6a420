"""A stranger with nothing but the key finds whatever was changed, removed or told otherwise."""

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from tests.databases import NOW
from tests.factories import World, on_shelf
from tests.traceability.log.test_sequencer import KEY, sequenced
from traceability.digital_link import ItemCode
from traceability.log import proofs
from traceability.log.models import LogLeaf
from traceability.log.verification import Report, check_story
from traceability.models import EventLot, EventSerial, TraceEvent
from traceability.stories.epcis import item_document
from trade.sales.rules import Item, Paid, Ticket
from trade.sales.services import record_sale

Story = dict[str, Any]


def sold_jar(session: Session, w: World) -> ItemCode:
    """Give a jar that went the whole way, with everything in the log."""
    _lot, serials = on_shelf(w)
    record_sale(
        session,
        Ticket(
            key="sale-of-a-jar",
            place_id=w.outlet.place_id,
            channel="counter",
            sold_at=NOW,
            items=(Item(w.sku.gtin, 1, serial=serials[0].serial),),
            tenders=(Paid("cash", w.sku.price_fen, w.sku.price_fen, ""),),
        ),
        actor=w.clerk,
        now=NOW,
    )
    sequenced(session)
    return ItemCode(w.sku.gtin, serial=serials[0].serial)


def checked(bundle: Story, told: Story | None = None) -> Report:
    return check_story(bundle, KEY.verifier, told=told, now=NOW + timedelta(hours=1))


def told_of(session: Session, jar: ItemCode) -> Story:
    assert jar.serial is not None
    return item_document(session, jar.gtin, jar.serial, now=NOW)


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings}


def test_a_jar_whose_story_is_whole_has_no_findings(session: Session, w: World) -> None:
    jar = sold_jar(session, w)
    told = json.loads(json.dumps(told_of(session, jar)))
    report = checked(json.loads(json.dumps(proofs.story(session, jar))), told)
    assert report.findings == []
    assert report.events == len(told["epcisBody"]["eventList"]) > 8
    assert report.recomputed > 3
    assert report.withheld > 0
    assert report.recomputed + report.withheld == report.events


def test_a_lots_and_a_cases_story_are_whole_too(session: Session, w: World) -> None:
    jar = sold_jar(session, w)
    bundle = proofs.story(session, jar)
    lot = next(each["uri"] for each in bundle["subjects"] if each["kind"] == "lot")
    lot_no = lot.rpartition("/")[2]
    report = checked(proofs.story(session, ItemCode(w.sku.gtin, lot_no)))
    assert report.findings == []
    assert report.events > 8


def changed_field(story: Story) -> None:
    story["events"][1]["public"]["eventTime"] = "2026-01-01T00:00:00.000Z"


def changed_fact(story: Story) -> None:
    event = next(e for e in story["events"] if "shanhuo:items" in e["public"])
    event["public"]["shanhuo:items"] += 1


def left_out_in_the_middle(story: Story) -> None:
    del story["events"][len(story["events"]) // 2]


def left_out_at_the_beginning(story: Story) -> None:
    del story["events"][0]


def gone_but_listed(story: Story) -> None:
    story["events"][3]["public"] = None


def another_leaf(story: Story) -> None:
    first, second = story["events"][2], story["events"][3]
    first["leaf"], second["leaf"] = second["leaf"], first["leaf"]


def swapped_events(story: Story) -> None:
    first, second = story["events"][2], story["events"][3]
    first["public"], second["public"] = second["public"], first["public"]


def concern_withheld(story: Story) -> None:
    story["events"][0]["concerns"] = []


def a_lot_withheld(story: Story) -> None:
    lots = [each for each in story["subjects"] if each["kind"] == "lot"]
    gone = set(lots[-1]["leaves"])
    story["subjects"].remove(lots[-1])
    story["events"] = [each for each in story["events"] if each["leaf"] not in gone]


def signed_by_another(story: Story) -> None:
    story["checkpoint"] = story["checkpoint"].replace("— shanhuo", "— shanhua")


def shorter_checkpoint(story: Story) -> None:
    lines = story["checkpoint"].split("\n")
    lines[1] = str(int(lines[1]) - 1)
    story["checkpoint"] = "\n".join(lines)


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (changed_field, "changed"),
        (changed_fact, "changed"),
        (left_out_in_the_middle, "removed"),
        (left_out_at_the_beginning, "removed"),
        (gone_but_listed, "removed"),
        (another_leaf, "unproven"),
        (swapped_events, "changed"),
        (concern_withheld, "removed"),
        (a_lot_withheld, "removed"),
        (signed_by_another, "unproven"),
        (shorter_checkpoint, "unproven"),
    ],
)
def test_a_story_that_was_tampered_with_is_found(
    session: Session, w: World, tamper: Callable[[Story], None], kind: str
) -> None:
    bundle = json.loads(json.dumps(proofs.story(session, sold_jar(session, w))))
    assert checked(bundle).findings == []
    tamper(bundle)
    report = checked(bundle)
    assert not report.ok
    assert kind in kinds(report)


def test_a_page_that_tells_otherwise_than_the_log_is_found(session: Session, w: World) -> None:
    jar = sold_jar(session, w)
    bundle, told = proofs.story(session, jar), told_of(session, jar)
    changes: list[tuple[Callable[[list[Story]], object], str]] = [
        (lambda events: events[4].update(bizStep="destroying"), "changed"),
        (lambda events: events.pop(), "removed"),
        (lambda events: events.insert(0, events.pop()), "reordered"),
        (lambda events: events.append({**events[-1], "eventID": "urn:uuid:0"}), "unlogged"),
    ]
    for change, kind in changes:
        other = copy.deepcopy(told)
        change(other["epcisBody"]["eventList"])
        assert kinds(checked(bundle, other)) == {kind}


@pytest.mark.parametrize("which", ["changed", "removed"])
def test_what_was_done_to_the_database_behind_its_triggers_is_found(
    session: Session, w: World, which: str
) -> None:
    jar = sold_jar(session, w)
    last = session.scalars(select(LogLeaf).order_by(LogLeaf.leaf_index.desc())).all()[0]
    behind_the_triggers(session, which, last.event_id)
    report = checked(json.loads(json.dumps(proofs.story(session, jar))), told_of(session, jar))
    assert which in kinds(report)


def behind_the_triggers(session: Session, which: str, event_id: object) -> None:
    """Do as somebody with all rights to the database might."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET session_replication_role = replica"))
    else:
        for table in ("trace_events", "event_lots", "event_serials"):
            for verb in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
    if which == "changed":
        document = session.scalar(select(TraceEvent.document).where(TraceEvent.id == event_id))
        assert document is not None
        session.execute(
            update(TraceEvent)
            .where(TraceEvent.id == event_id)
            .values(document=document.replace("retail_sold", "recalled"))
        )
    else:
        session.execute(delete(EventLot).where(EventLot.event_id == event_id))
        session.execute(delete(EventSerial).where(EventSerial.event_id == event_id))
        session.execute(delete(TraceEvent).where(TraceEvent.id == event_id))
    session.expire_all()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET session_replication_role = DEFAULT"))
