"""Test cards: what each number does, as in https://docs.stripe.com/testing."""

from dataclasses import dataclass

# number: (decline code, code, wording)
_DECLINED = {
    "4000000000000002": ("generic_decline", "card_declined", "Your card was declined."),
    "4000000000009995": (
        "insufficient_funds",
        "card_declined",
        "Your card has insufficient funds.",
    ),
    "4000000000000069": ("expired_card", "expired_card", "Your card has expired."),
    "4000000000000127": (
        "incorrect_cvc",
        "incorrect_cvc",
        "Your card's security code is incorrect.",
    ),
    "4000000000000119": (
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}
_NOT_A_TEST_CARD = (
    "test_mode_live_card",
    "card_declined",
    "Your card was declined. Your request was in test mode, but used a non test card.",
)
# The charge succeeds; a refund of it starts as pending, or fails afterwards.
REFUND_PENDING = "4000000000007726"
REFUND_FAILS = "4000000000005126"
_ACCEPTED = {
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "6200000000000005",
    REFUND_PENDING,
    REFUND_FAILS,
}
_DIGITS = 16
_MONTHS = 12
_CVC = (3, 4)


@dataclass(frozen=True, slots=True)
class Card:
    """A card as typed by the payer."""

    number: str
    expires_month: int
    expires_year: int
    cvc: str

    @property
    def brand(self) -> str:
        """Name the scheme by the first digits."""
        return {"4": "visa", "5": "mastercard", "6": "unionpay"}.get(self.number[:1], "unknown")


@dataclass(frozen=True, slots=True)
class CardRefusal:
    """Why a card is not taken: Stripe's code, finer code and wording, and the field meant."""

    code: str
    decline_code: str | None
    message: str
    field: str


TEST_CARD = Card("4242424242424242", 12, 2034, "123")


def refusal(card: Card, year: int, month: int) -> CardRefusal | None:
    """Say why a card is refused in the given month, or None when it pays.

    Numbers that are no test cards are refused, real ones too: nobody should type a real
    card into a demonstration.
    """
    mistyped = _mistyped(card, year, month)
    if mistyped is not None or card.number in _ACCEPTED:
        return mistyped
    decline_code, code, message = _DECLINED.get(card.number, _NOT_A_TEST_CARD)
    return CardRefusal(code, decline_code, message, _FIELDS.get(code, "number"))


def _mistyped(card: Card, year: int, month: int) -> CardRefusal | None:
    if not (card.number.isdecimal() and len(card.number) == _DIGITS and _luhn(card.number)):
        return CardRefusal("incorrect_number", None, "Your card number is incorrect.", "number")
    if not 1 <= card.expires_month <= _MONTHS:
        return CardRefusal(
            "invalid_expiry_month", None, "Your card's expiration month is invalid.", "expiry"
        )
    if (card.expires_year, card.expires_month) < (year, month):
        return CardRefusal(
            "invalid_expiry_year", None, "Your card's expiration year is invalid.", "expiry"
        )
    if not (card.cvc.isdecimal() and len(card.cvc) in _CVC):
        return CardRefusal("invalid_cvc", None, "Your card's security code is invalid.", "cvc")
    return None


_FIELDS = {"expired_card": "expiry", "incorrect_cvc": "cvc"}


def _luhn(number: str) -> bool:
    """Check the last digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 -- sum of two digits
    return total % 10 == 0
