"""Money: whole fen of one currency, never a float."""

from collections.abc import Sequence


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide `amount` (fen) over `weights` so that the parts add up exactly.

    Largest remainder; equal remainders go to the earlier part. All-zero weights count as equal.
    Raises ValueError when there is nothing to spread over or a weight is negative.
    """
    if not weights or any(weight < 0 for weight in weights):
        raise ValueError("weights must be a non-empty sequence of non-negative integers")
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    sign, size = (-1, -amount) if amount < 0 else (1, amount)
    parts = [size * share // whole for share in shares]
    remainders = [size * share % whole for share in shares]
    order = sorted(range(len(shares)), key=lambda i: (-remainders[i], i))
    for i in order[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def per_mille(amount: int, rate: int) -> int:
    """Take `rate` thousandths of `amount` (fen), rounded half up: the one rounding rule."""
    sign, size = (-1, -amount) if amount < 0 else (1, amount)
    return sign * ((size * rate + 500) // 1000)


def yuan(fen: int) -> str:
    """Write fen as yuan with two decimals, such as 6800 as '68.00'."""
    sign, size = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{size // 100:,}.{size % 100:02d}"
