"""Who takes this installation's money."""

from functools import cache

from flask import Flask

from app.settings import Settings
from trade.orders.providers import PaymentProvider
from trade.orders.providers.stripe import StripeProvider


@cache
def payment_provider(settings: Settings) -> PaymentProvider:
    """Give the provider that the settings name; one per process, shared by threads."""
    return StripeProvider(settings.stripe_key, settings.stripe_webhook_secret, settings.stripe_base)


def init_payments(app: Flask, settings: Settings) -> None:
    """Let pages find the provider under `app.extensions["payment_provider"]`."""
    app.extensions["payment_provider"] = payment_provider(settings)
