"""The JSON of Stripe's objects, with every field that the client knows and may ask for."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from doubles.stripe.cards import Card

Json = dict[str, Any]


def token(length: int) -> str:
    """Make letters and digits that nobody can guess."""
    return secrets.token_urlsafe(length)[:length].replace("-", "0").replace("_", "1")


def new_id(prefix: str) -> str:
    """Make an id as Stripe's look: `pi_3`, say, and 23 letters and digits."""
    return f"{prefix}{token(23)}"


def session(params: Mapping[str, Any], lines: Sequence[Json], *, created: int) -> Json:
    """Make an open Checkout Session. `url` is filled in when it is shown."""
    total = sum(line["amount_total"] for line in lines)
    methods = list(params.get("allowed_payment_method_types", ("card", "alipay", "wechat_pay")))
    return {
        "id": f"cs_test_a1{token(56)}",
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": lines[0]["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_account": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": params["expires_at"],
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": {"enabled": False},
        "metadata": dict(params.get("metadata", {})),
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": dict(params.get("payment_method_options", {})),
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }


def line_item(params: Mapping[str, Any], *, created: int) -> Json:
    """Make one line of a session, with the one-time price that it was given in place of one."""
    price = params["price_data"]
    quantity = params.get("quantity", 1)
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li_1"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "adjustable_quantity": None,
        "description": price["product_data"]["name"],
        "metadata": dict(params.get("metadata", {})),
        "price": {
            "id": new_id("price_1"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": created,
            "currency": price["currency"],
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": f"prod_{token(14)}",
            "recurring": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": price["unit_amount"],
            "unit_amount_decimal": str(price["unit_amount"]),
        },
        "quantity": quantity,
    }


def payment_intent(paid: Json, data: Mapping[str, Any], *, created: int) -> Json:
    """Make the payment intent of a session, when the payer first tries to pay."""
    identifier = new_id("pi_3")
    return {
        "id": identifier,
        "object": "payment_intent",
        "allowed_payment_method_types": paid["allowed_payment_method_types"],
        "amount": paid["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{identifier}_secret_{token(25)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": paid["currency"],
        "customer": None,
        "customer_account": None,
        "description": data.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": dict(data.get("metadata", {})),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": paid["payment_method_options"],
        "payment_method_types": paid["payment_method_types"],
        "processing": None,
        "receipt_email": data.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(intent: Json, details: Json, *, email: str | None, created: int) -> Json:
    """Make a succeeded charge of the whole intent."""
    return {
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": new_id("txn_3"),
        "billing_details": {
            "address": {
                "city": None,
                "country": None,
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": email,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "DEMO DOUBLE",
        "captured": True,
        "created": created,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm_1"),
        "payment_method_details": details,
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def method_details(method: str, card: Card | None) -> Json:
    """Say what was paid with. Of a card only what Stripe shows: scheme and last four digits."""
    if method == "alipay":
        return {
            "type": "alipay",
            "alipay": {
                "buyer_id": f"2088{secrets.randbelow(10**12):012d}",
                "fingerprint": token(16),
                "transaction_id": f"DEMO{secrets.randbelow(10**24):024d}",
            },
        }
    if method == "wechat_pay":
        return {
            "type": "wechat_pay",
            "wechat_pay": {
                "fingerprint": token(16),
                "location": None,
                "reader": None,
                "transaction_id": f"DEMO{secrets.randbelow(10**24):024d}",
            },
        }
    assert card is not None  # noqa: S101 -- the engine asks for a card first
    return {
        "type": "card",
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "CN" if card.brand == "unionpay" else "US",
            "exp_month": card.expires_month,
            "exp_year": card.expires_year,
            "fingerprint": token(16),
            "funding": "credit",
            "installments": None,
            "last4": card.number[-4:],
            "mandate": None,
            "network": card.brand,
            "three_d_secure": None,
            "wallet": None,
        },
    }


def refund(charged: Json, amount: int, params: Mapping[str, Any], *, created: int) -> Json:
    """Make a refund that has succeeded; the engine says when it has not yet."""
    return {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn_3"),
        "charge": charged["id"],
        "created": created,
        "currency": charged["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": {
            "type": charged["payment_method_details"]["type"],
            charged["payment_method_details"]["type"]: {},
        },
        "metadata": dict(params.get("metadata", {})),
        "payment_intent": charged["payment_intent"],
        "payment_method": charged["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def event(kind: str, body: Json, *, created: int, version: str, request: Json, told: int) -> Json:
    """Make an event around a copy of an object as it is now; `told` webhooks wait for it."""
    return {
        "id": new_id("evt_1"),
        "object": "event",
        "api_version": version,
        "created": created,
        "data": {"object": body},
        "livemode": False,
        "pending_webhooks": told,
        "request": request,
        "type": kind,
    }
