"""Events, their signatures and their delivery; restarts; time that passes."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from typing_extensions import override

from doubles.stripe.api import Api, Request, Response
from doubles.stripe.engine import Engine
from doubles.stripe.errors import ApiError
from doubles.stripe.store import Json, Store
from tests.doubles.stripe_process import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    Payer,
    Receiver,
    receiving,
    running,
    session_params,
)

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FAST = ("--retry-first", "0.1", "--refund-seconds", "1")


def kinds(receiver: Receiver) -> list[str]:
    return [json.loads(body)["type"] for body, _ in receiver.taken]


def has(kind: str, times: int = 1) -> Callable[[Receiver], bool]:
    return lambda receiver: kinds(receiver).count(kind) >= times


def test_a_payment_is_told_by_notices_whose_signature_the_real_client_accepts(
    tmp_path: Path,
) -> None:
    with (
        receiving() as receiver,
        running(tmp_path / "d.sqlite3", *FAST, "--webhook-url", receiver.url) as double,
    ):
        client = double.client()
        opened = client.v1.checkout.sessions.create(session_params())
        assert opened.url
        Payer().pay(opened.url, "wechat_pay")
        receiver.wait_for(lambda one: len(one.taken) >= 4)
        told = [
            client.construct_event(body, signature, WEBHOOK_SECRET)
            for body, signature in receiver.taken
        ]
        assert sorted(event.type for event in told) == [
            "charge.succeeded",
            "checkout.session.completed",
            "payment_intent.created",
            "payment_intent.succeeded",
        ]
        completed = next(one for one in told if one.type == "checkout.session.completed")
        assert completed.api_version == stripe.api_version
        assert completed.data.object["id"] == opened.id
        assert completed.data.object["payment_status"] == "paid"
        body, signature = receiver.taken[0]
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body.replace(b"13600", b"1"), signature, WEBHOOK_SECRET)
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body, signature, "whsec_another")


def test_a_notice_comes_again_after_the_receiver_failed(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        running(tmp_path / "d.sqlite3", *FAST, "--webhook-url", receiver.url) as double,
    ):
        receiver.answers = [500, 301]
        client = double.client()
        opened = client.v1.checkout.sessions.create(session_params())
        client.v1.checkout.sessions.expire(opened.id)
        receiver.wait_for(lambda one: len(one.taken) >= 3)
        ids = {json.loads(body)["id"] for body, _ in receiver.taken}
        assert len(ids) == 1
        event_id = ids.pop()
        receiver.wait_for(lambda _: client.v1.events.retrieve(event_id).pending_webhooks == 0)
        assert kinds(receiver) == ["checkout.session.expired"] * 3


def test_an_unruly_double_tells_everything_twice(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        running(tmp_path / "d.sqlite3", "--unruly", "--webhook-url", receiver.url) as double,
    ):
        client = double.client()
        client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(session_params()).id)
        receiver.wait_for(has("checkout.session.expired", 2))
        assert len({json.loads(body)["id"] for body, _ in receiver.taken}) == 1


def test_an_event_is_told_once_more_when_asked_for(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        running(tmp_path / "d.sqlite3", *FAST, "--webhook-url", receiver.url) as double,
    ):
        client = double.client()
        client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(session_params()).id)
        receiver.wait_for(has("checkout.session.expired"))
        event = client.v1.events.list().data[0]
        client.raw_request("post", f"/v1/events/{event.id}/retry")
        receiver.wait_for(has("checkout.session.expired", 2))
        with pytest.raises(stripe.InvalidRequestError, match="No such event"):
            client.raw_request("post", "/v1/events/evt_none/retry")


def test_a_restart_forgets_nothing_and_tells_what_was_not_told(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        running(tmp_path / "d.sqlite3", *FAST, "--webhook-url", receiver.url) as double,
    ):
        receiver.answers = [500] * 100
        client = double.client()
        params = session_params()
        opened = client.v1.checkout.sessions.create(params, {"idempotency_key": "before"})
        assert opened.url
        Payer().pay(opened.url, "alipay")
        paid = client.v1.checkout.sessions.retrieve(opened.id)
        receiver.wait_for(lambda one: len(one.taken) >= 4)
        assert double.stop() == 0
        receiver.answers = []
        receiver.taken = []

        double.start()
        client = double.client()
        assert client.v1.checkout.sessions.retrieve(opened.id).to_dict() == paid.to_dict()
        again = client.v1.checkout.sessions.create(params, {"idempotency_key": "before"})
        assert again.id == opened.id
        receiver.wait_for(lambda one: len(set(kinds(one))) >= 4)
        assert "checkout.session.completed" in kinds(receiver)


def test_a_session_whose_time_is_up_expires_by_itself_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "d.sqlite3"
    store = Store(path)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    moment = int((long_ago + timedelta(minutes=31)).timestamp())
    old = Engine(store).create_session(session_params(expires_at=moment), now=long_ago)
    store.close()
    with (
        receiving() as receiver,
        running(path, *FAST, "--webhook-url", receiver.url) as double,
    ):
        receiver.wait_for(has("checkout.session.expired"))
        found = double.client().v1.checkout.sessions.retrieve(old["id"])
        assert (found.status, found.url) == ("expired", None)


def test_the_double_stays_small(tmp_path: Path) -> None:
    with running(tmp_path / "d.sqlite3") as double:
        for _ in range(20):
            double.client().v1.checkout.sessions.create(session_params())
        assert double.process is not None
        status = Path(f"/proc/{double.process.pid}/status")
        if not status.exists():
            pytest.skip("no /proc here")
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmRSS"))
        assert int(line.split()[1]) < 45_000


def ask(api: Api, path: str, key: str) -> Response:
    """Open a session in this process, as the client would over HTTP."""
    form = (
        "mode=payment&success_url=http%3A%2F%2Fshop.example%2F&line_items[0][quantity]=1"
        "&line_items[0][price_data][currency]=cny&line_items[0][price_data][unit_amount]=500"
        "&line_items[0][price_data][product_data][name]=honey"
    )
    headers = {"authorization": f"Bearer {SECRET_KEY}", "idempotency-key": key}
    return api.answer(Request("POST", path, "", headers, form.encode()))


def test_two_requests_at_once_under_one_key_do_one_thing() -> None:
    begun = threading.Event()
    go_on = threading.Event()

    class Slow(Engine):
        @override
        def create_session(self, params: Any, *, now: datetime, origin: Any = None) -> Json:
            begun.set()
            assert go_on.wait(10)
            return super().create_session(params, now=now, origin=origin)

    engine = Slow(Store(":memory:"))
    api = Api(engine, SECRET_KEY, lambda: NOON)
    answers: list[Response] = []
    first = threading.Thread(
        target=lambda: answers.append(ask(api, "/v1/checkout/sessions", "twice"))
    )
    first.start()
    assert begun.wait(10)
    second = ask(api, "/v1/checkout/sessions", "twice")
    assert second.status == 409
    assert json.loads(second.body)["error"]["code"] == "idempotency_key_in_use"
    go_on.set()
    first.join()
    assert answers[0].status == 200
    assert ask(api, "/v1/checkout/sessions", "twice").body == answers[0].body
    assert engine.store.count("checkout.session") == 1
    engine.store.close()


def test_a_key_may_be_used_anew_after_a_day() -> None:
    engine = Engine(Store(":memory:"))
    first = ask(Api(engine, SECRET_KEY, lambda: NOON), "/v1/checkout/sessions", "daily")
    later = Api(engine, SECRET_KEY, lambda: NOON + timedelta(hours=25))
    assert ask(later, "/v1/checkout/sessions", "daily").body != first.body
    assert engine.store.count("checkout.session") == 2
    engine.store.close()


def test_a_session_cannot_be_paid_after_its_time() -> None:
    engine = Engine(Store(":memory:"))
    opened = engine.create_session(
        session_params(expires_at=int((NOON + timedelta(minutes=30)).timestamp())), now=NOON
    )
    late = NOON + timedelta(minutes=30)
    with pytest.raises(ApiError, match="expired"):
        engine.pay(opened["id"], "alipay", now=late)
    assert engine.store.count("charge") == 0
    assert engine.session(opened["id"], now=late)["status"] == "expired"
    engine.store.close()


def test_a_delayed_payment_completes_unpaid_and_is_settled_later() -> None:
    engine = Engine(Store(":memory:"))
    params = session_params(expires_at=None)
    ends = {}
    for succeeded in (True, False):
        opened = engine.create_session(params, now=NOON)
        waiting = engine.pay(opened["id"], "alipay", now=NOON, delayed=True)
        assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
        done = engine.settle(opened["id"], succeeded=succeeded, now=NOON + timedelta(hours=1))
        ends[succeeded] = done["payment_status"]
    assert ends == {True: "paid", False: "unpaid"}
    assert engine.store.count("charge") == 1
    engine.store.close()


def test_old_events_and_answers_are_dropped() -> None:
    engine = Engine(Store(":memory:"), notify=True)
    opened = engine.create_session(session_params(expires_at=None), now=NOON)
    engine.expire_session(opened["id"], now=NOON)
    engine.forget(NOON + timedelta(days=29))
    assert engine.store.count("event") == 1
    engine.forget(NOON + timedelta(days=31))
    assert engine.store.count("event") == 0
    assert engine.store.count("checkout.session") == 1
    engine.store.close()
