"""How far the double resembles what the installed client expects of Stripe."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from doubles.stripe import client_schema, main
from doubles.stripe.engine import Engine
from doubles.stripe.errors import ApiError
from doubles.stripe.forms import decode
from doubles.stripe.in_process import PastStripe
from doubles.stripe.store import Json, Store, Wanted
from tests.doubles.stripe_process import running, session_params
from trade.orders.providers import (
    BadSignature,
    CheckoutLine,
    CheckoutRequest,
    PaymentDeclined,
    RefundRequest,
)

NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def test_the_list_of_parameters_is_the_installed_clients() -> None:
    written = client_schema.PARAMETERS.read_text(encoding="utf-8")
    assert json.loads(written) == client_schema.read_client()
    assert written == client_schema.as_text(client_schema.read_client())


def objects() -> list[tuple[Json, Any]]:
    engine = Engine(Store(":memory:"))
    opened = engine.create_session(session_params(expires_at=None), now=NOON)
    line = engine.lines(opened["id"])[0]
    paid = engine.pay(opened["id"], "card", now=NOON)
    refund = engine.refund({"payment_intent": paid["payment_intent"]}, now=NOON)
    intent = engine.find("payment_intent", paid["payment_intent"], "")
    charge = engine.find("charge", intent["latest_charge"], "")
    event, _ = engine.store.page("event", Wanted(limit=1))
    engine.store.close()
    return [
        (paid, stripe.checkout.Session),
        (line, stripe.LineItem),
        (line["price"], stripe.Price),
        (intent, stripe.PaymentIntent),
        (charge, stripe.Charge),
        (refund, stripe.Refund),
        (event[0], stripe.Event),
    ]


@pytest.mark.parametrize("index", range(7))
def test_an_object_has_the_fields_of_stripes_and_no_others(index: int) -> None:
    body, resource = objects()[index]
    known = {name for name in resource.__annotations__ if name.islower()}
    assert set(body) <= known
    asked_always = {
        name
        for name, one in resource.__annotations__.items()
        if name.islower() and "None" not in str(one) and "Optional" not in str(one)
    }
    assert asked_always <= set(body)


def test_the_double_does_not_load_the_client() -> None:
    code = "import doubles.stripe.server, sys; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_real_key_is_turned_away_at_the_door(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", str(tmp_path / "d.sqlite3"), "--secret-key", "sk_live_real"])
    assert caught.value.code == 2
    assert not (tmp_path / "d.sqlite3").exists()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0][x]=1&a[1][x]=2", {"a": [{"x": "1"}, {"x": "2"}]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a%5B10%5D=k&a%5B2%5D=j", {"a": ["j", "k"]}),
    ],
)
def test_nested_forms_are_read(text: str, read: dict[str, object]) -> None:
    assert decode(text) == read


@pytest.mark.parametrize("text", ["a[b=1", "[a]=1", "a=1&a[b]=2", "a[b]=2&a=1", "a" + "[b]" * 20])
def test_crooked_forms_are_refused(text: str) -> None:
    with pytest.raises(ApiError):
        decode(text + ("" if "=" in text else "=1"))


def request(key: str = "k", amount: int = 13600, now: datetime = NOON) -> CheckoutRequest:
    return CheckoutRequest(
        order_id="order-1",
        order_number="JC20260301001",
        amount_fen=amount,
        currency="CNY",
        lines=(CheckoutLine("蜜（演示）", 1, amount),),
        email=None,
        methods=("card", "alipay", "wechat_pay"),
        success_url="http://shop.example/paid",
        cancel_url="http://shop.example/basket",
        expires_at=now + timedelta(minutes=35),
        locale="zh",
        idempotency_key=key,
    )


def test_a_seeded_past_can_be_read_and_refunded_over_http(tmp_path: Path) -> None:
    path = tmp_path / "d.sqlite3"
    store = Store(path)
    past = PastStripe(Engine(store, keep_events=False), NOON)
    with past.batch():
        opened = past.open_checkout(request())
        payment = past.pay(opened.external_id, "wechat_pay")
        assert payment.payment_ref
        assert (payment.state, payment.method, payment.amount_fen) == ("paid", "wechat_pay", 13600)
        given = past.refund(RefundRequest(payment.payment_ref, 600, "damaged", "r1"))
        assert given.state == "pending"
        past.now = NOON + timedelta(days=1)
        past.settle()
        lost = past.open_checkout(request("k2", now=past.now))
        assert past.expire(lost.external_id).state == "expired"
        assert past.expire(payment.external_id) == payment
    store.close()
    with running(path) as double:
        client = double.client()
        found = client.v1.checkout.sessions.retrieve(payment.external_id)
        assert (found.payment_status, found.created) == ("paid", int(NOON.timestamp()))
        assert client.v1.refunds.retrieve(given.external_id).status == "succeeded"
        rest = client.v1.refunds.create({"payment_intent": payment.payment_ref})
        assert rest.amount == 13000
        kinds = {one.type for one in client.v1.events.list().data}
        assert kinds == {"refund.created", "charge.refunded"}


def test_a_seeded_past_refuses_what_the_double_refuses() -> None:
    store = Store(":memory:")
    past = PastStripe(Engine(store, keep_events=False), NOON)
    with pytest.raises(PaymentDeclined) as caught:
        past.open_checkout(request(amount=100))
    assert caught.value.params == {"reason": "amount_too_small"}
    with pytest.raises(PaymentDeclined) as caught:
        past.look_up("cs_test_none")
    assert caught.value.params == {"reason": "resource_missing"}
    opened = past.open_checkout(request())
    with pytest.raises(PaymentDeclined):
        past.pay(opened.external_id, "gold")
    assert past.look_up(opened.external_id).state == "open"
    with pytest.raises(BadSignature):
        past.read_notice(b"{}", "t=1,v1=2")
    assert store.count("charge") == 0
    store.close()
