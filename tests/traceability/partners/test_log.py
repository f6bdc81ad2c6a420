"""What partners capture is logged with the rest, and told to nobody whom it does not concern."""

import json

from sqlalchemy import select

from foundation.db import Database
from tests.databases import NOW
from tests.traceability.log.test_sequencer import KEY, sequenced
from tests.traceability.partners.conftest import Partner, observed
from traceability.digital_link import ItemCode
from traceability.log import proofs
from traceability.log.models import LogLeaf
from traceability.log.verification import check_story
from traceability.models import TraceEvent


def test_a_partners_events_are_proven_and_say_only_that_they_happened(
    partner: Partner, database: Database
) -> None:
    first = observed("urn:epc:id:sgtin:4012345.011111.987")
    later = observed("urn:epc:id:sgtin:4012345.011111.987", eventTime="2026-11-21T10:00:00Z")
    later["example:secret"] = "between us"
    later["@context"] = [{"example": "https://example.com/"}]
    for event in (first, later):
        assert partner.capture(event)["success"]
    with database.transaction() as session:
        assert sequenced(session) == 2
        for leaf, event_hash in session.execute(
            select(LogLeaf.event_hash, TraceEvent.event_hash).join(
                TraceEvent, TraceEvent.id == LogLeaf.event_id
            )
        ):
            assert leaf == event_hash
        code = ItemCode("04012345111118", serial="987")
        bundle = json.loads(json.dumps(proofs.story(session, code)))
        assert "between us" not in json.dumps(bundle)
        assert "414" not in json.dumps([each["public"] for each in bundle["events"]])
        report = check_story(bundle, KEY.verifier, now=NOW)
        assert (report.findings, report.events) == ([], 2)
        del bundle["events"][0]
        assert not check_story(bundle, KEY.verifier, now=NOW).ok
