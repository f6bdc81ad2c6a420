"""A stand-in for Stripe: a small HTTP process of its own. No money moves here.

It keeps to what Stripe does in the parts this project uses: Checkout Sessions in `payment`
mode with cards, Alipay and WeChat Pay, refunds, events, signed webhooks with retries,
idempotency keys and Stripe's own errors. What Stripe knows and this double does not is
refused by name, never silently ignored.

    python -m doubles.stripe --port 8100 --data var/stripe.sqlite3 --secret-key sk_test_demo
        --webhook-url http://127.0.0.1:8000/payments/stripe --webhook-secret whsec_demo

`engine` is the state machine without HTTP, `in_process` a payment provider on top of it for
seeding. Where the double is softer or harder than Stripe is written in the README here.
"""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the double until interrupted; see `--help` for the settings."""
    from doubles.stripe.server import main as run

    return run(argv)
