"""Named queries are kept by their party; subscribers are told what they find, once and signed."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import func, select
from typing_extensions import override

from foundation import clock
from foundation.db import Database
from parties.people.models import ApiToken
from tests.traceability.partners.conftest import EXAMPLE, Partner, events_in, observed
from traceability.epcis.models import Subscription, WebhookReport
from traceability.epcis.schedule import ZONE, next_run, read_schedule
from traceability.epcis.validation import problems
from traceability.partners.reports import MOST_ATTEMPTS, post_reports, report_news, send_reports
from traceability.partners.webhooks import Answer, check_address, post
from traceability.services.subscriptions import BadAddress

SHIPPED = {"name": "shipped", "query": {"EQ_bizStep": ["shipping"]}}


@dataclass
class Server:
    """A subscriber's server."""

    dest: str
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def hook() -> Iterator[Server]:
    """A subscriber's server on this machine."""
    found = Server("")

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, *_: Any) -> None: ...

    http = HTTPServer(("127.0.0.1", 0), Taker)
    found.dest = f"http://127.0.0.1:{http.server_port}/hook?x=1"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield found
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_query_is_kept_run_and_forgotten_by_its_party_only(
    partner: Partner, stranger: Partner
) -> None:
    made = partner.ask("/queries", "POST", json=SHIPPED)
    assert (made.status_code, made.headers["Location"]) == (201, "/epcis/queries/shipped")
    again = partner.ask("/queries", "POST", json=SHIPPED)
    assert (again.status_code, again.json["type"]) == (
        409,
        "epcisException:ResourceAlreadyExistsException",
    )
    assert partner.ask("/queries").json == [SHIPPED]
    assert partner.ask("/queries/shipped").json == SHIPPED
    assert partner.capture(observed(), observed(bizStep="packing"))["success"]
    answer = partner.ask("/queries/shipped/events")
    assert [event["bizStep"] for event in events_in(answer.json)] == ["shipping"]
    assert answer.json["epcisBody"]["queryResults"]["queryName"] == "shipped"
    for method, address in (
        ("GET", "/queries/shipped"),
        ("GET", "/queries/shipped/events"),
        ("DELETE", "/queries/shipped"),
        ("GET", "/queries/shipped/subscriptions"),
    ):
        assert stranger.ask(address, method).status_code == 404
    assert stranger.ask("/queries").json == []
    assert partner.ask("/queries/shipped", "DELETE").status_code == 204
    assert partner.ask("/queries/shipped").status_code == 404


def test_a_query_brings_its_own_namespaces_and_is_checked_when_it_is_kept(
    partner: Partner,
) -> None:
    query = {"@context": {"mine": EXAMPLE["example"]}, "EQ_mine:note": ["x"]}
    assert partner.ask("/queries", "POST", json={"name": "n", "query": query}).status_code == 201
    assert partner.capture(observed(**{"example:note": "x"}), observed())["success"]
    assert len(partner.events("/queries/n/events")) == 1
    for body, kind in (
        ({"name": "w", "query": {"EQ_nothing": 1}}, "QueryParameterException"),
        ({"name": "w"}, "QueryValidationException"),
        ({"name": "", "query": {}}, "QueryValidationException"),
        ({"name": 7, "query": {}}, "QueryValidationException"),
    ):
        answer = partner.ask("/queries", "POST", json=body)
        assert (answer.status_code, answer.json["type"]) == (400, f"epcisException:{kind}")
    assert len(partner.ask("/queries").json) == 1


def test_streams_by_websocket_are_said_not_to_be_offered(partner: Partner) -> None:
    partner.ask("/queries", "POST", json=SHIPPED)
    asked = {"Upgrade": "websocket", "Connection": "Upgrade"}
    answer = partner.ask("/queries/shipped/events?stream=true", headers=asked)
    assert (answer.status_code, answer.mimetype) == (501, "application/problem+json")
    assert "WebSocket" in answer.json["detail"]
    plain = partner.ask("/queries/shipped/events?stream=true")
    assert plain.json["type"] == "epcisException:SubscriptionControlsException"


def subscribed(partner: Partner, hook: Server, **more: Any) -> Any:
    """Subscribe the server to what is shipped."""
    partner.ask("/queries", "POST", json=SHIPPED)
    body = {"dest": hook.dest, "signatureToken": "s3cret", "stream": True, **more}
    if "schedule" in more:
        del body["stream"]
    answer = partner.ask("/queries/shipped/subscriptions", "POST", json=body)
    assert answer.status_code == 201, answer.text
    assert "s3cret" not in answer.text
    return answer.json


def soon(seconds: float = 2) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def test_a_subscriber_is_told_of_each_capture_once_and_signed(
    partner: Partner, stranger: Partner, hook: Server, database: Database
) -> None:
    assert partner.capture(observed())["success"]
    made = subscribed(partner, hook)
    assert partner.capture(observed(), observed(bizStep="packing"))["success"]
    assert stranger.capture(observed())["success"]
    assert report_news(database, soon()) == 1
    assert send_reports(database, soon(), private_ok=True) == 1
    ((headers, body),) = hook.got
    mac = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["GS1-Signature"] == f"sha256={mac}"
    told = json.loads(body)
    assert problems(told) == []
    assert len(events_in(told)) == 1
    results = told["epcisBody"]["queryResults"]
    assert (results["subscriptionID"], results["queryName"]) == (made["subscriptionID"], "shipped")
    assert report_news(database, soon(5)) == 0
    assert partner.capture(observed())["success"]
    assert report_news(database, soon(9)) == 1
    assert send_reports(database, soon(9), private_ok=True) == 1
    assert len(hook.got) == 2
    address = f"/queries/shipped/subscriptions/{made['subscriptionID']}"
    assert "lastNotifiedAt" in partner.ask(address).json
    assert len(partner.ask("/queries/shipped/subscriptions").json) == 1
    assert partner.ask(address, "DELETE").status_code == 204
    assert partner.ask(address).status_code == 404
    assert partner.capture(observed())["success"]
    assert report_news(database, soon(20)) == 0


def test_a_subscription_can_begin_in_the_past_and_come_by_the_clock(
    partner: Partner, hook: Server, database: Database
) -> None:
    assert partner.capture(observed())["success"]
    past = (clock.now() - timedelta(hours=1)).isoformat()
    subscribed(
        partner,
        hook,
        schedule={"second": "[0-59]"},
        reportIfEmpty=True,
        initialRecordTime=past,
    )
    assert report_news(database, soon()) == 1
    assert report_news(database, soon(9)) == 1, "an empty report was asked for"
    assert send_reports(database, soon(9), private_ok=True) == 1
    assert send_reports(database, soon(9), private_ok=True) == 1
    assert [len(events_in(json.loads(body))) for _h, body in hook.got] == [1, 0]


def test_a_report_is_tried_again_later_and_later_and_then_given_up(
    partner: Partner, hook: Server, database: Database
) -> None:
    subscribed(partner, hook)
    partner.capture(observed())
    report_news(database, soon())
    hook.status = 503
    at, waits, row = soon(), [], WebhookReport()
    for _attempt in range(MOST_ATTEMPTS):
        assert post_reports(database, at, lambda *_: Answer(503, "busy")) == 0
        with database.reading() as session:
            row = session.scalars(select(WebhookReport)).one()
        waits.append((row.next_at - at).total_seconds())
        assert post_reports(database, at, lambda *_: Answer(200)) == 0, "not before its time"
        at = row.next_at
    assert waits == [2.0**n for n in range(1, MOST_ATTEMPTS + 1)]
    assert row.dead_at is not None
    assert (row.last_status, row.last_error) == (503, "busy")
    assert send_reports(database, at, private_ok=True) == 0


def test_a_server_that_is_gone_ends_its_subscription_and_so_does_the_end_of_the_token(
    partner: Partner, hook: Server, database: Database
) -> None:
    subscribed(partner, hook)
    subscribed(partner, hook)
    partner.capture(observed())
    assert report_news(database, soon()) == 2
    answers = iter([Answer(410), Answer(200)])
    post_reports(database, soon(), lambda *_: next(answers))
    with database.transaction() as session:
        running = select(func.count()).where(Subscription.ended_at.is_(None))
        assert session.scalar(running) == 1
        for token in session.scalars(select(ApiToken)):
            token.revoked_at = clock.now()
    assert report_news(database, soon(9)) == 0
    with database.reading() as session:
        assert session.scalar(running) == 0


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"stream": True}, "InvalidURIException"),
        ({"dest": "ftp://a.example/x", "stream": True}, "InvalidURIException"),
        ({"dest": "https://user:pw@a.example/", "stream": True}, "InvalidURIException"),
        ({"dest": "https://a.example/"}, "SubscriptionControlsException"),
        ({"dest": "https://a.example/", "stream": False}, "SubscriptionControlsException"),
        (
            {"dest": "https://a.example/", "stream": True, "schedule": {"hour": "1"}},
            "SubscriptionControlsException",
        ),
        ({"dest": "https://a.example/", "schedule": {}}, "SubscriptionControlsException"),
        (
            {"dest": "https://a.example/", "schedule": {"hour": "24"}},
            "SubscriptionControlsException",
        ),
        (
            {"dest": "https://a.example/", "schedule": {"month": "2", "dayOfMonth": "30"}},
            "SubscriptionControlsException",
        ),
        (
            {"dest": "https://a.example/", "stream": True, "initialRecordTime": "now"},
            "SubscriptionControlsException",
        ),
    ],
)
def test_subscriptions_that_make_no_sense_are_refused(
    partner: Partner, database: Database, body: dict[str, Any], kind: str
) -> None:
    partner.ask("/queries", "POST", json=SHIPPED)
    answer = partner.ask("/queries/shipped/subscriptions", "POST", json=body)
    assert (answer.status_code, answer.json["type"]) == (400, f"epcisException:{kind}")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscription)) == 0


def test_reports_go_to_no_private_address_in_production() -> None:
    for dest in ("http://a.example/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/"):
        with pytest.raises(BadAddress):
            check_address(dest, private_ok=False)
    check_address("https://a.example/", private_ok=False)
    assert post("https://localhost/", b"", {}, private_ok=False) == Answer(
        None, "the address is within a private network"
    )
    assert post("http://127.0.0.1:1/", b"", {}, private_ok=True).status is None


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ({"hour": "1", "minute": "5"}, (2026, 11, 20, 1, 4, 59), (2026, 11, 20, 1, 5, 0)),
        ({"hour": "1", "minute": "5"}, (2026, 11, 20, 1, 5, 0), (2026, 11, 21, 1, 5, 0)),
        ({"second": "30"}, (2026, 11, 20, 1, 5, 30), (2026, 11, 20, 1, 6, 30)),
        ({"minute": "[10-12],50"}, (2026, 11, 20, 1, 12, 0), (2026, 11, 20, 1, 50, 0)),
        ({"dayOfWeek": "1"}, (2026, 11, 20, 1, 0, 0), (2026, 11, 23, 0, 0, 0)),
        ({"month": "2", "dayOfMonth": "29"}, (2026, 11, 20, 1, 0, 0), (2028, 2, 29, 0, 0, 0)),
    ],
)
def test_a_schedule_names_the_next_moment(
    schedule: dict[str, str], after: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    begun = datetime(*after, tzinfo=ZONE)  # type: ignore[misc, arg-type]
    wanted = datetime(*expected, tzinfo=ZONE)  # type: ignore[misc, arg-type]
    assert next_run(read_schedule(schedule), begun.astimezone(UTC)) == wanted
