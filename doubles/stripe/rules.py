"""Which sessions and refunds Stripe takes, beyond the shape of their parameters."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from doubles.stripe import parameters
from doubles.stripe.errors import ApiError, bad
from doubles.stripe.store import Json

METHODS = ("card", "alipay", "wechat_pay")
SHORTEST = 30 * 60
LONGEST = 24 * 60 * 60
LARGEST = 99_999_999
# Least total per currency: Stripe's HK$4.00 and US$0.50; for CNY it converts to the account's
# currency, here taken as ¥4.00 (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
LEAST = {"cny": 400, "hkd": 400, "usd": 50}
SIGNS = {"cny": "¥", "hkd": "HK$", "usd": "$"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+$")
_MOST_LINES = 100
_LONGEST_REFERENCE = 200

# What is done of what Stripe takes; None: any value, tuple: these values.
SESSION: dict[str, Any] = {
    "mode": ("payment",),
    "ui_mode": ("hosted_page",),
    "currency": None,
    "line_items": {
        "quantity": None,
        "metadata": None,
        "price_data": {
            "currency": None,
            "unit_amount": None,
            "product_data": {
                "name": None,
                "description": None,
                "metadata": None,
                "unit_label": None,
            },
        },
    },
    "allowed_payment_method_types": None,
    "payment_method_options": {"wechat_pay": {"client": ("web",)}, "alipay": {}, "card": {}},
    "payment_intent_data": {"metadata": None, "description": None, "receipt_email": None},
    "client_reference_id": None,
    "metadata": None,
    "customer_email": None,
    "success_url": None,
    "cancel_url": None,
    "expires_at": None,
    "locale": None,
    "submit_type": ("auto", "pay"),
    "billing_address_collection": ("auto",),
    "expand": None,
}
REFUND: dict[str, Any] = {
    "payment_intent": None,
    "charge": None,
    "amount": None,
    "reason": None,
    "metadata": None,
    "expand": None,
}


def money(amount: int, currency: str) -> str:
    """Write an amount of minor units as Stripe does in its messages: `¥68.00`."""
    return f"{SIGNS[currency]}{amount // 100:,}.{amount % 100:02d}"


def refund_amount(charged: Json, asked: int | None) -> int:
    """Give how much is refunded, all that is left by default."""
    left = int(charged["amount"] - charged["amount_refunded"])
    if left == 0:
        raise ApiError(
            f"Charge {charged['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if asked is None else asked
    if amount < 1:
        raise bad("Invalid positive integer", "amount", "parameter_invalid_integer")
    if amount > left:
        # Stripe sends no code here.
        raise ApiError(
            f"Refund amount ({money(amount, charged['currency'])}) is greater than unrefunded "
            f"amount on charge ({money(left, charged['currency'])})",
            param="amount",
        )
    return amount


def check_session(given: Json, created: int) -> None:
    """Refuse sessions that Stripe would refuse, after their shape was found good."""
    parameters.refuse_unsupported(given, SESSION)
    for name in ("mode", "line_items", "success_url"):
        if not given.get(name):
            raise parameters.missing_param(name)
    for name in ("success_url", "cancel_url"):
        if name in given:
            _check_url(given[name], name)
    if len(given.get("client_reference_id", "")) > _LONGEST_REFERENCE:
        raise bad(
            f"client_reference_id can be at most {_LONGEST_REFERENCE} characters.",
            "client_reference_id",
        )
    email = given.get("customer_email")
    if email is not None and not _EMAIL.match(email):
        raise bad(f"Invalid email address: {email}", "customer_email", "email_invalid")
    _check_methods(given)
    _check_expiry(given.get("expires_at"), created)
    _check_lines(given["line_items"], given.get("currency"))


def _check_url(url: str, name: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise bad("Not a valid URL", name, "url_invalid")


def _check_methods(given: Json) -> None:
    """Take the methods of an account on which these three are switched on."""
    name = "allowed_payment_method_types"
    if name not in given:
        return
    if not given[name]:
        raise parameters.missing_param(name)
    for index, method in enumerate(given[name]):
        if method not in METHODS:
            raise bad(
                f"The payment method type provided: {method} is invalid. Please ensure the "
                "provided type is activated in your dashboard and your account is enabled for any "
                "preview features that you are trying to use.",
                f"{name}[{index}]",
            )


def _check_expiry(expires_at: int | None, created: int) -> None:
    if expires_at is None:
        return
    if expires_at < created + SHORTEST:
        raise bad(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            "expires_at",
        )
    if expires_at > created + LONGEST:
        raise bad(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            "expires_at",
        )


def _check_lines(lines: Sequence[Json], currency: str | None) -> None:
    """Check prices and quantities, one currency, and the least and largest total."""
    if len(lines) > _MOST_LINES:
        raise bad(f"You can have at most {_MOST_LINES} line items.", "line_items")
    total = 0
    for index, line in enumerate(lines):
        at = f"line_items[{index}]"
        if "price_data" not in line:
            raise parameters.missing_param(f"{at}[price_data]")
        price = line["price_data"]
        for name in ("unit_amount", "product_data"):
            if name not in price:
                raise parameters.missing_param(f"{at}[price_data][{name}]")
        _check_currency(price["currency"], f"{at}[price_data][currency]")
        currency = currency or price["currency"]
        if price["currency"] != currency:
            raise bad(
                "All prices on a Checkout Session must have the same currency. You provided "
                f"`{currency}` and `{price['currency']}`.",
                f"{at}[price_data][currency]",
            )
        if price["unit_amount"] < 0:
            raise bad(
                "Invalid non-negative integer",
                f"{at}[price_data][unit_amount]",
                "parameter_invalid_integer",
            )
        if "quantity" not in line:
            raise parameters.missing_param(f"{at}[quantity]")
        if line["quantity"] < 1:
            raise bad(
                "This value must be greater than or equal to 1.",
                f"{at}[quantity]",
                "parameter_invalid_integer",
            )
        total += price["unit_amount"] * line["quantity"]
    _check_total(total, str(currency))


def _check_currency(currency: str, param: str) -> None:
    if currency not in LEAST:
        raise bad(
            f"Invalid currency: {currency}. This account takes these currencies: "
            f"{', '.join(LEAST)}",
            param,
        )


def _check_total(total: int, currency: str) -> None:
    if total < LEAST[currency]:
        raise bad(
            "The Checkout Session's total amount due must add up to at least "
            f"{money(LEAST[currency], currency)} {currency}",
            None,
            "amount_too_small",
        )
    if total > LARGEST:
        raise bad(
            "The Checkout Session's total amount due must be no more than "
            f"{money(LARGEST, currency)} {currency}",
            None,
            "amount_too_large",
        )
