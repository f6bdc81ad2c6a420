"""The double's API, asked by the real client over HTTP."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from tests.doubles.stripe_process import Double, Payer, running, session_params


def paid_session(double: Double, method: str = "card", **fields: str) -> stripe.checkout.Session:
    client = double.client()
    opened = client.v1.checkout.sessions.create(session_params())
    assert opened.url
    status, text, _ = Payer().pay(opened.url, method, **fields)
    assert status == 303, text
    return client.v1.checkout.sessions.retrieve(opened.id)


def refused(caught: pytest.ExceptionInfo[stripe.StripeError]) -> tuple[int | None, str, str, str]:
    error = caught.value.error
    assert error is not None
    return (
        caught.value.http_status,
        str(error.type),
        str(getattr(error, "code", None)),
        str(getattr(error, "param", None)),
    )


def test_a_session_is_opened_with_its_lines_and_can_be_read_again(double: Double) -> None:
    client = double.client()
    opened = client.v1.checkout.sessions.create(session_params())
    assert opened.id.startswith("cs_test_")
    assert opened.url == f"{double.base}/c/pay/{opened.id}"
    assert (opened.status, opened.payment_status, opened.livemode) == ("open", "unpaid", False)
    assert (opened.amount_total, opened.currency) == (13600, "cny")
    assert client.v1.checkout.sessions.retrieve(opened.id).to_dict() == opened.to_dict()
    lines = client.v1.checkout.sessions.line_items.list(opened.id)
    assert [(line.description, line.quantity, line.amount_total) for line in lines.data] == [
        ("沁水刺槐成熟蜜 500 g（演示）", 2, 12000),
        ("运费", 1, 1600),
    ]


def test_answers_carry_a_request_id_and_the_version_of_the_api(double: Double) -> None:
    answer = double.client().v1.checkout.sessions.create(session_params()).last_response
    assert answer is not None
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == stripe.api_version


def test_the_same_key_with_the_same_parameters_replays_the_first_answer(double: Double) -> None:
    client = double.client()
    params = session_params()
    first = client.v1.checkout.sessions.create(params, {"idempotency_key": "replay-1"})
    again = client.v1.checkout.sessions.create(params, {"idempotency_key": "replay-1"})
    assert again.to_dict() == first.to_dict()
    assert first.last_response is not None
    assert again.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    original = first.last_response.headers["Request-Id"]
    assert again.last_response.headers["Original-Request"] == original
    assert again.last_response.headers["Request-Id"] != original


def test_the_same_key_with_other_parameters_or_elsewhere_is_refused(double: Double) -> None:
    client = double.client()
    opened = client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "other-1"})
    before = len(client.v1.checkout.sessions.list({"limit": 100}).data)
    changed = session_params(client_reference_id="order-2")
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as caught:
        client.v1.checkout.sessions.create(changed, {"idempotency_key": "other-1"})
    assert refused(caught)[:2] == (400, "idempotency_error")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.checkout.sessions.expire(opened.id, None, {"idempotency_key": "other-1"})
    assert len(client.v1.checkout.sessions.list({"limit": 100}).data) == before
    assert client.v1.checkout.sessions.retrieve(opened.id).status == "open"


def test_a_request_that_could_not_be_read_does_not_use_up_its_key(double: Double) -> None:
    client = double.client()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(
            session_params(mode=None), {"idempotency_key": "unread-1"}
        )
    opened = client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "unread-1"})
    assert opened.status == "open"


def test_a_refusal_after_work_began_is_replayed_too(double: Double) -> None:
    client = double.client()
    paid = paid_session(double)
    asked: stripe.params.RefundCreateParams = {
        "payment_intent": str(paid.payment_intent),
        "amount": 13601,
    }
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create(asked, {"idempotency_key": "refused-1"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create(asked, {"idempotency_key": "refused-1"})
    assert caught.value.headers is not None
    assert caught.value.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("changed", "code", "param", "said"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour", "Received unknown parameter: colour"),
        (
            {"payment_method_types": ["card"]},
            "parameter_unknown",
            "payment_method_types",
            "unknown parameter",
        ),
        (
            {"payment_intent_data": {"colour": "red"}},
            "parameter_unknown",
            "payment_intent_data[colour]",
            "payment_intent_data\\[colour\\]",
        ),
        ({"mode": None}, "parameter_missing", "mode", "Missing required param: mode"),
        ({"success_url": None}, "parameter_missing", "success_url", "Missing required param"),
        ({"line_items": None}, "parameter_missing", "line_items", "Missing required param"),
        ({"mode": "gift"}, "None", "mode", "must be one of payment, setup, or subscription"),
        ({"mode": "subscription"}, "double_unsupported", "mode", "this demonstration double"),
        ({"discounts": [{"coupon": "c"}]}, "double_unsupported", "discounts", "double does not"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at", "Invalid integer"),
        ({"success_url": ""}, "parameter_invalid_empty", "success_url", "empty string"),
        ({"success_url": "javascript:x"}, "url_invalid", "success_url", "Not a valid URL"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email", "Invalid email"),
        ({"metadata": {"k" * 41: "v"}}, "None", "metadata", "at most 40 characters"),
        ({"metadata": {"k": "v" * 501}}, "None", "metadata[k]", "up to 500 characters"),
        ({"client_reference_id": "r" * 201}, "None", "client_reference_id", "at most 200"),
        (
            {"allowed_payment_method_types": ["klarna"], "payment_method_options": None},
            "None",
            "allowed_payment_method_types[0]",
            "activated in your dashboard",
        ),
        (
            {"payment_method_options": {"wechat_pay": {"client": "ios"}}},
            "double_unsupported",
            "payment_method_options[wechat_pay][client]",
            "double does not",
        ),
    ],
)
def test_a_session_is_refused_in_stripes_words(
    double: Double, changed: dict[str, object], code: str, param: str, said: str
) -> None:
    client = double.client()
    before = client.v1.checkout.sessions.list({"limit": 1}).to_dict()
    with pytest.raises(stripe.InvalidRequestError, match=said) as caught:
        client.v1.checkout.sessions.create(session_params(**changed))
    assert refused(caught) == (400, "invalid_request_error", code, param)
    assert client.v1.checkout.sessions.list({"limit": 1}).to_dict() == before


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        ({"quantity": 1}, "parameter_missing", "line_items[0][price_data]"),
        (
            {"quantity": 1, "price_data": {"unit_amount": 500, "product_data": {"name": "a"}}},
            "parameter_missing",
            "line_items[0][price_data][currency]",
        ),
        (
            {"quantity": 1, "price_data": {"currency": "cny", "product_data": {"name": "a"}}},
            "parameter_missing",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"price_data": {"currency": "cny", "unit_amount": 5, "product_data": {"name": "a"}}},
            "parameter_missing",
            "line_items[0][quantity]",
        ),
        (
            {
                "quantity": 0,
                "price_data": {"currency": "cny", "unit_amount": 5, "product_data": {"name": "a"}},
            },
            "parameter_invalid_integer",
            "line_items[0][quantity]",
        ),
        (
            {
                "quantity": 1,
                "price_data": {"currency": "cny", "unit_amount": -5, "product_data": {"name": "a"}},
            },
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {
                "quantity": 1,
                "price_data": {"currency": "xxx", "unit_amount": 5, "product_data": {"name": "a"}},
            },
            "None",
            "line_items[0][price_data][currency]",
        ),
        (
            {
                "quantity": 1,
                "price_data": {
                    "currency": "cny",
                    "unit_amount": 399,
                    "product_data": {"name": "a"},
                },
            },
            "amount_too_small",
            "None",
        ),
        (
            {
                "quantity": 100,
                "price_data": {
                    "currency": "cny",
                    "unit_amount": 99_999_999,
                    "product_data": {"name": "a"},
                },
            },
            "amount_too_large",
            "None",
        ),
    ],
)
def test_lines_without_a_sound_price_are_refused(
    double: Double, line: dict[str, object], code: str, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        double.client().v1.checkout.sessions.create(session_params(line_items=[line]))
    assert refused(caught) == (400, "invalid_request_error", code, param)


def test_lines_in_two_currencies_are_refused(double: Double) -> None:
    params = session_params()
    params["line_items"][1]["price_data"]["currency"] = "hkd"
    with pytest.raises(stripe.InvalidRequestError, match="same currency"):
        double.client().v1.checkout.sessions.create(params)


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(minutes=29), "at least 30 minutes"),
        (timedelta(hours=24, minutes=1), "less than 24 hours"),
    ],
)
def test_a_session_lives_half_an_hour_to_a_day(double: Double, ahead: timedelta, said: str) -> None:
    moment = int((datetime.now(UTC) + ahead).timestamp())
    with pytest.raises(stripe.InvalidRequestError, match=said) as caught:
        double.client().v1.checkout.sessions.create(session_params(expires_at=moment))
    assert refused(caught)[3] == "expires_at"


def test_a_wrong_key_no_key_and_a_wrong_version_are_refused(double: Double) -> None:
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*+"):
        double.client("sk_test_somebodyelse").v1.checkout.sessions.list()
    client = double.client()
    with pytest.raises(stripe.AuthenticationError, match="did not provide an API key"):
        client.raw_request("get", "/v1/events", headers={"Authorization": ""})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        client.v1.events.list(None, {"stripe_version": "2020-01-01"})


def test_what_does_not_exist_is_said_to_be_missing(double: Double) -> None:
    client = double.client()
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session") as caught:
        client.v1.checkout.sessions.retrieve("cs_test_none")
    assert refused(caught) == (404, "invalid_request_error", "resource_missing", "session")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.customers.list()


def test_a_refund_gives_back_a_part_and_then_the_rest(double: Double) -> None:
    client = double.client()
    intent = str(paid_session(double).payment_intent)
    part = client.v1.refunds.create(
        {"payment_intent": intent, "amount": 1600, "reason": "requested_by_customer"}
    )
    assert (part.amount, part.status, part.currency) == (1600, "succeeded", "cny")
    charge = client.v1.charges.retrieve(str(part.charge))
    assert (charge.amount_refunded, charge.refunded) == (1600, False)
    rest = client.v1.refunds.create({"payment_intent": intent})
    assert rest.amount == 12000
    charge = client.v1.charges.retrieve(str(part.charge), {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (13600, True)
    assert charge.refunds is not None
    assert [one.id for one in charge.refunds.data] == [rest.id, part.id]
    listed = client.v1.refunds.list({"payment_intent": intent})
    assert [one.id for one in listed.data] == [rest.id, part.id]
    assert client.v1.refunds.retrieve(part.id).to_dict() == part.to_dict()


def test_more_than_is_left_is_not_given_back(double: Double) -> None:
    client = double.client()
    intent = str(paid_session(double).payment_intent)
    client.v1.refunds.create({"payment_intent": intent, "amount": 10000})
    said = r"Refund amount \(¥36.01\) is greater than unrefunded amount on charge \(¥36.00\)"
    with pytest.raises(stripe.InvalidRequestError, match=said) as caught:
        client.v1.refunds.create({"payment_intent": intent, "amount": 3601})
    assert refused(caught) == (400, "invalid_request_error", "None", "amount")
    with pytest.raises(stripe.InvalidRequestError, match="Invalid positive integer"):
        client.v1.refunds.create({"payment_intent": intent, "amount": 0})
    client.v1.refunds.create({"payment_intent": intent, "amount": 3600})
    with pytest.raises(stripe.InvalidRequestError, match="has already been refunded") as caught:
        client.v1.refunds.create({"payment_intent": intent, "amount": 1})
    assert refused(caught)[2] == "charge_already_refunded"
    assert sum(one.amount for one in client.v1.refunds.list({"payment_intent": intent})) == 13600


def test_only_a_payment_that_succeeded_can_be_refunded(double: Double) -> None:
    client = double.client()
    opened = client.v1.checkout.sessions.create(session_params())
    assert opened.url
    Payer().pay(opened.url, "card", number="4000000000000002")
    tried = client.v1.checkout.sessions.retrieve(opened.id)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": str(tried.payment_intent)})
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        client.v1.refunds.create({"payment_intent": "pi_none"})
    with pytest.raises(stripe.InvalidRequestError, match="One of the following params"):
        client.v1.refunds.create({"amount": 5})


def test_a_wallets_refund_is_pending_first_and_a_bad_cards_refund_fails_later(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("refunds") / "double.sqlite3"
    with running(path, "--refund-seconds", "1", "--retry-first", "0.1") as double:
        client = double.client()
        wallet = client.v1.refunds.create(
            {"payment_intent": str(paid_session(double, "wechat_pay").payment_intent)}
        )
        card = client.v1.refunds.create(
            {
                "payment_intent": str(
                    paid_session(double, number="4000 0000 0000 5126").payment_intent
                )
            }
        )
        assert (wallet.status, card.status) == ("pending", "succeeded")
        end = time.monotonic() + 10
        while client.v1.refunds.retrieve(card.id).status != "failed":
            assert time.monotonic() < end
            time.sleep(0.1)
        assert client.v1.refunds.retrieve(wallet.id).status == "succeeded"
        charge = client.v1.charges.retrieve(str(card.charge))
        assert (charge.amount_refunded, charge.refunded) == (0, False)
        kinds = [event.type for event in client.v1.events.list({"limit": 100}).data]
        assert kinds.count("refund.updated") == 1
        assert kinds.count("refund.failed") == 1


def test_an_open_session_can_be_closed_once(double: Double) -> None:
    client = double.client()
    opened = client.v1.checkout.sessions.create(session_params())
    closed = client.v1.checkout.sessions.expire(opened.id)
    assert (closed.status, closed.url, closed.payment_status) == ("expired", None, "unpaid")
    with pytest.raises(stripe.InvalidRequestError, match="has a status of `expired`"):
        client.v1.checkout.sessions.expire(opened.id)
    with pytest.raises(stripe.InvalidRequestError, match="has a status of `complete`"):
        client.v1.checkout.sessions.expire(paid_session(double).id)
    newest = client.v1.events.list({"type": "checkout.session.expired"}).data[0]
    assert newest.data.object["id"] == opened.id


def test_lists_come_newest_first_in_pages(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("lists") / "double.sqlite3") as double:
        client = double.client()
        made = [client.v1.checkout.sessions.create(session_params()).id for _ in range(5)]
        client.v1.checkout.sessions.expire(made[0])
        newest = made[::-1]
        page = client.v1.checkout.sessions.list({"limit": 2})
        assert ([one.id for one in page.data], page.has_more) == (newest[:2], True)
        page = client.v1.checkout.sessions.list({"limit": 3, "starting_after": newest[1]})
        assert ([one.id for one in page.data], page.has_more) == (newest[2:], False)
        page = client.v1.checkout.sessions.list({"limit": 2, "ending_before": newest[3]})
        assert ([one.id for one in page.data], page.has_more) == (newest[1:3], True)
        walked = client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()
        assert [one.id for one in walked] == newest
        closed = client.v1.checkout.sessions.list({"status": "expired"})
        assert [one.id for one in closed.data] == [made[0]]
        moment = client.v1.checkout.sessions.retrieve(made[0]).created
        assert not client.v1.checkout.sessions.list({"created": {"lt": moment}}).data
        assert len(client.v1.checkout.sessions.list({"created": {"gte": moment}}).data) == 5
        with pytest.raises(stripe.InvalidRequestError, match="between 1 and 100"):
            client.v1.checkout.sessions.list({"limit": 101})
        with pytest.raises(stripe.InvalidRequestError, match="one of these parameters"):
            client.v1.checkout.sessions.list({"starting_after": made[0], "ending_before": made[1]})


def test_ids_are_expanded_into_objects_when_asked(double: Double) -> None:
    client = double.client()
    paid = paid_session(double, "alipay")
    full = client.v1.checkout.sessions.retrieve(
        paid.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )
    assert isinstance(full.payment_intent, stripe.PaymentIntent)
    assert full.payment_intent.metadata.to_dict() == {}
    assert isinstance(full.payment_intent.latest_charge, stripe.Charge)
    details = full.payment_intent.latest_charge.payment_method_details
    assert details is not None
    assert details.type == "alipay"
    assert full.line_items is not None
    assert len(full.line_items.data) == 2
    listed = client.v1.refunds.list({"expand": ["data.charge"], "limit": 1})
    assert isinstance(listed.data[0].charge, stripe.Charge)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(paid.id, {"expand": ["customer_details"]})
