"""Yields and shares are exact: whole numbers and fractions, no floats."""

from fractions import Fraction

import pytest

from traceability.balance.rules import (
    Amount,
    MassExceeded,
    decimal,
    material,
    refuse_over,
    split,
    weigh,
)

TEA = {"min_pct": 18, "max_pct": 30}


def leaf(quantity: int, lot_id: int = 1) -> Amount:
    return Amount(lot_id, quantity, "g")


def boxes(quantity: int, lot_id: int = 9, per_unit: int | None = 100) -> Amount:
    return Amount(lot_id, quantity, "piece", per_unit)


@pytest.mark.parametrize(
    ("made", "over", "under"), [(18, 0, 0), (30, 0, 0), (31, 100, 0), (17, 0, 100)]
)
def test_a_yield_is_inside_its_range_up_to_the_bound_itself(
    made: int, over: int, under: int
) -> None:
    weighed = weigh(TEA, [leaf(10_000)], [boxes(made)])
    assert weighed is not None
    assert (int(weighed.percent), weighed.over, weighed.under) == (made, over, under)


def test_a_bound_with_decimals_is_read_as_it_is_written() -> None:
    rule = {"min_pct": 0.1, "max_pct": 33.3}
    weighed = weigh(rule, [leaf(1000)], [boxes(333, per_unit=1)])
    assert weighed is not None
    assert weighed.over == 0
    more = weigh(rule, [leaf(1000)], [boxes(334, per_unit=1)])
    assert more is not None
    assert more.over == 1


def test_what_can_not_be_compared_is_not_weighed() -> None:
    assert weigh(None, [leaf(10)], [boxes(1)]) is None
    assert weigh(TEA, [], [boxes(1)]) is None
    assert weigh(TEA, [leaf(0)], [boxes(1)]) is None
    assert weigh(TEA, [leaf(10)], [boxes(1, per_unit=None)]) is None
    assert material([boxes(2), Amount(3, 50, "mL")]) == 250


def test_too_much_is_refused_with_its_figures_in_kilograms_or_by_count() -> None:
    with pytest.raises(MassExceeded) as told:
        refuse_over(weigh(TEA, [leaf(10_000)], [boxes(31)]), unit="g", per_piece=100)
    assert told.value.code == "mass_exceeded"
    assert told.value.params == {"needs": "10.333", "used": "10", "most": 30}
    eggs = weigh({"max_pct": 100}, [Amount(1, 59, "piece")], [boxes(2, per_unit=30)])
    with pytest.raises(MassExceeded) as counted:
        refuse_over(eggs, unit="piece", per_piece=30)
    assert counted.value.params == {"needs": "60", "used": 59, "most": 1}
    refuse_over(weigh(TEA, [leaf(10_000)], [boxes(30)]), unit="g")
    refuse_over(None, unit="g")


def test_many_into_many_are_shared_out_in_proportion_and_nothing_is_lost_in_rounding() -> None:
    shared = split([leaf(2000, 1), leaf(1000, 2)], [boxes(4, 8), boxes(3, 9)])
    given = {(s.from_lot, s.to_lot): s.given for s in shared.shares}
    assert given == {
        (1, 8): Fraction(800, 3),
        (1, 9): Fraction(200),
        (2, 8): Fraction(400, 3),
        (2, 9): Fraction(100),
    }
    assert shared.lost == {1: Fraction(4600, 3), 2: Fraction(2300, 3)}
    assert sum(given.values()) + sum(shared.lost.values()) == 3000
    assert sum(s.became for s in shared.shares if s.to_lot == 8) == 4


def test_parts_of_a_kit_go_into_it_whole() -> None:
    shared = split([boxes(10, 1, None), boxes(20, 2, None)], [Amount(9, 10, "piece", None)])
    assert {s.from_lot: s.given for s in shared.shares} == {1: 10, 2: 20}
    assert set(shared.lost.values()) == {0}
    assert sum(s.became for s in shared.shares) == 10


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(94, 3), "31.3"),
        (Fraction(30), "30"),
        (Fraction(1, 20), "0"),
        (Fraction(-5, 2), "-2.5"),
    ],
)
def test_fractions_are_written_with_few_places(value: Fraction, text: str) -> None:
    assert decimal(value) == text
