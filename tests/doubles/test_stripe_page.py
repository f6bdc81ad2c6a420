"""The payment page, as a browser without JavaScript sees it."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.doubles.stripe_process import Double, Payer, session_params


def opened(double: Double, **changed: object) -> tuple[str, str]:
    session = double.client().v1.checkout.sessions.create(session_params(**changed))
    assert session.url
    return session.id, session.url


def test_the_page_says_first_that_no_money_moves_and_shows_the_order(double: Double) -> None:
    _, url = opened(double)
    status, text, _ = Payer().open(url)
    assert status == 200
    body = re.sub(r"<[^>]+>", " ", text.partition("<body>")[2])
    assert body.split()[0] == "演示用的支付替身，不会真的扣款"
    for said in ("136.00", "沁水刺槐成熟蜜 500 g（演示）", "JC20261123001", "取消，回到商店"):
        assert said in text
    assert 'href="http://shop.example/basket"' in text
    assert [m[1] for m in re.finditer(r'name="method" value="(\w+)"', text)] == [
        "wechat_pay",
        "alipay",
        "card",
    ]
    assert "<script" not in text
    assert "style=" not in text


def test_the_page_speaks_english_and_offers_only_what_was_allowed(double: Double) -> None:
    _, url = opened(
        double,
        locale="en",
        allowed_payment_method_types=["alipay"],
        payment_method_options=None,
        line_items=[
            {
                "quantity": 1,
                "price_data": {
                    "currency": "cny",
                    "unit_amount": 6000,
                    "product_data": {"name": "<b>Honey & co</b>"},
                },
            }
        ],
    )
    _, text, _ = Payer().open(url)
    assert 'lang="en"' in text
    assert "no money moves" in text
    assert "&lt;b&gt;Honey &amp; co&lt;/b&gt;" in text
    assert re.findall(r'name="method" value="(\w+)"', text) == ["alipay"]
    status, _, _ = Payer().pay(url, "wechat_pay")
    assert status != 303


@pytest.mark.parametrize("method", ["wechat_pay", "alipay", "card"])
def test_pressing_a_way_to_pay_pays_and_goes_back_to_the_shop(double: Double, method: str) -> None:
    identifier, url = opened(double)
    status, _, location = Payer().pay(url, method)
    assert (status, location) == (303, f"http://shop.example/paid?session={identifier}")
    session = double.client().v1.checkout.sessions.retrieve(identifier)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    intent = double.client().v1.payment_intents.retrieve(str(session.payment_intent))
    assert (intent.status, intent.amount_received) == ("succeeded", 13600)


def test_a_declined_card_is_said_beside_its_field_and_another_try_pays(double: Double) -> None:
    identifier, url = opened(double)
    payer = Payer()
    status, text, _ = payer.pay(url, "card", number="4000 0000 0000 0002")
    assert status == 422
    assert re.search(r'id="number"[^>]*aria-invalid="true" aria-describedby="number-wrong"', text)
    assert "银行没有同意这次付款" in text
    assert 'value="4000 0000 0000 0002"' in text
    client = double.client()
    tried = client.v1.checkout.sessions.retrieve(identifier)
    assert (tried.status, tried.payment_status) == ("open", "unpaid")
    intent = client.v1.payment_intents.retrieve(str(tried.payment_intent))
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "generic_decline"
    assert payer.pay(url, "card")[0] == 303
    paid = client.v1.checkout.sessions.retrieve(identifier)
    assert (paid.payment_status, paid.payment_intent) == ("paid", tried.payment_intent)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"number": "4242 4242 4242 4241"}, "number", "卡号不对"),
        ({"number": "6222021234567894"}, "number", "只收试用卡号"),
        ({"number": "4000000000009995"}, "number", "余额不足"),
        ({"expiry": "12/20"}, "expiry", "有效期已经过了"),
        ({"expiry": "13/34"}, "expiry", "月份不对"),
        ({"expiry": "soon"}, "expiry", "月份不对"),
        ({"cvc": "12"}, "cvc", "三位数字"),
    ],
)
def test_a_card_that_is_mistyped_is_not_taken(
    double: Double, fields: dict[str, str], field: str, said: str
) -> None:
    identifier, url = opened(double)
    status, text, _ = Payer().pay(url, "card", **fields)
    assert status == 422
    told = re.search(rf'id="{field}-wrong" role="alert">([^<]+)', text)
    assert told
    assert said in told[1]
    assert double.client().v1.checkout.sessions.retrieve(identifier).status == "open"


def test_a_form_from_another_site_pays_nothing(double: Double) -> None:
    identifier, url = opened(double)
    mine = Payer()
    guard = mine.guard(url)
    stranger = Payer()
    form = {"guard": guard, "method": "alipay"}
    assert stranger.open(url, form)[0] == 422
    assert mine.open(url, {"method": "alipay"})[0] == 422
    assert mine.open(url, {"guard": guard, "method": "gold"})[0] == 422
    assert double.client().v1.checkout.sessions.retrieve(identifier).status == "open"
    assert mine.open(url, form)[0] == 303


def test_a_page_that_was_paid_is_over_and_does_not_charge_again(double: Double) -> None:
    identifier, url = opened(double)
    payer = Payer()
    form = {"guard": payer.guard(url), "method": "alipay"}
    assert payer.open(url, form)[0] == 303
    status, text, _ = payer.open(url, form)
    assert (status, "这一单已经付过了" in text) == (200, True)
    assert f'href="http://shop.example/paid?session={identifier}"' in text
    session = double.client().v1.checkout.sessions.retrieve(identifier)
    charges = double.client().v1.charges.list({"payment_intent": str(session.payment_intent)})
    assert len(charges.data) == 1


def test_a_closed_page_and_a_made_up_one_say_so(double: Double) -> None:
    identifier, url = opened(double)
    double.client().v1.checkout.sessions.expire(identifier)
    status, text, _ = Payer().open(url)
    assert (status, "没有扣款" in text) == (410, True)
    status, text, _ = Payer().open(f"{double.base}/c/pay/cs_test_none")
    assert (status, "没有这张付款单" in text) == (404, True)


def test_two_windows_pressing_at_once_pay_once(double: Double) -> None:
    identifier, url = opened(double)
    windows = [(payer, payer.guard(url)) for payer in (Payer() for _ in range(8))]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda one: one[0].open(url, {"guard": one[1], "method": "alipay"})[0], windows
            )
        )
    assert answers.count(303) == 1
    assert set(answers) == {200, 303}
    session = double.client().v1.checkout.sessions.retrieve(identifier)
    charges = double.client().v1.charges.list({"payment_intent": str(session.payment_intent)})
    assert len(charges.data) == 1
