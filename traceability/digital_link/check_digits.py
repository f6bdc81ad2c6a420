"""Check digits and check characters of the GS1 General Specifications, section 7.9."""

from typing import Final

_SET_32: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SET_82: Final = (
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
_WORTH: Final = {char: worth for worth, char in enumerate(SET_82)}
# A GMN has 25 characters: 23 of them are weighed
_PRIMES: Final = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73)
_MORE_PRIMES: Final = (79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157)
_WEIGHTS: Final = _PRIMES + _MORE_PRIMES


def check_digit(payload: str) -> str:
    """Give the GS1 modulo-10 check digit of `payload` (ASCII digits without the check digit)."""
    threefold = sum(map(int, payload[::-2]))
    return str(-(3 * threefold + sum(map(int, payload[-2::-2]))) % 10)


def check_digit_holds(number: str) -> bool:
    """Say whether `number` is two or more ASCII digits of which the last is the right check."""
    if len(number) < 2 or not is_digits(number):  # noqa: PLR2004 -- one digit and its check
        return False
    threefold = sum(map(int, number[-2::-2]))
    return (3 * threefold + sum(map(int, number[::-2]))) % 10 == 0


def check_pair(payload: str) -> str:
    """Give the two check characters of a GMN (section 7.9.5); `payload` is text of set 82.

    Refused: `KeyError` for another character, `ValueError` for more than 37 characters.
    """
    total = sum(
        _WORTH[char] * prime
        for char, prime in zip(reversed(payload), _WEIGHTS[: len(payload)], strict=True)
    )
    high, low = divmod(total % 1021, 32)
    return _SET_32[high] + _SET_32[low]


def check_pair_holds(text: str) -> bool:
    """Say whether the last two characters of `text` are the right check characters."""
    payload = text[:-2]
    if len(text) < 2 or len(payload) > len(_WEIGHTS) or not _WORTH.keys() >= set(payload):  # noqa: PLR2004
        return False
    return check_pair(payload) == text[-2:]


def is_digits(text: str) -> bool:
    """Say whether `text` is one or more ASCII digits."""
    return text.isascii() and text.isdigit()
