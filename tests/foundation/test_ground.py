"""Money, clock, ids and pages: the ground on which everything stands."""

import random
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.clock import LOCAL, business_date, now
from foundation.ids import digest, time_uuid
from foundation.money import per_mille, spread, yuan
from foundation.paging import page_of
from goods.catalogue.models import Product

MOMENT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def test_spread_money_adds_up_and_nobody_is_a_fen_off() -> None:
    dice = random.Random(7)  # noqa: S311 -- the same amounts at every run
    for _ in range(500):
        amount = dice.randint(-100_000, 100_000)
        weights = [dice.randint(0, 50) for _ in range(dice.randint(1, 12))]
        parts = spread(amount, weights)
        shares = weights if any(weights) else [1] * len(weights)
        assert sum(parts) == amount
        for part, share in zip(parts, shares, strict=True):
            assert abs(part - amount * share / sum(shares)) < 1
            assert part * amount >= 0


def test_equal_remainders_go_to_the_earlier_part() -> None:
    assert spread(100, [1, 1, 1]) == [34, 33, 33]
    assert spread(-100, [1, 1, 1]) == [-34, -33, -33]
    assert spread(2, [0, 0, 0]) == [1, 1, 0]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_there_must_be_something_to_spread_over(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        spread(1, weights)


def test_there_is_one_rounding_rule_for_both_signs() -> None:
    assert [per_mille(fen, 15) for fen in (100, 33, 34, 0)] == [2, 0, 1, 0]
    assert per_mille(-100, 15) == -2
    assert yuan(123_456_789) == "1,234,567.89"
    assert yuan(-5) == "-0.05"


def test_the_business_day_is_the_regions_own() -> None:
    assert business_date(datetime(2026, 11, 23, 15, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert business_date(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)
    assert now().tzinfo is UTC
    assert LOCAL.key == "Asia/Shanghai"


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [time_uuid(MOMENT + timedelta(milliseconds=n)) for n in range(200)]
    assert ids == sorted(ids)
    assert len({time_uuid(MOMENT) for _ in range(1000)}) == 1000
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {"specified in RFC 4122"}


def test_a_print_depends_on_content_and_not_on_the_order_of_its_names() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert len(digest("x")) == 32


def test_a_page_beyond_the_last_is_the_last(session: Session) -> None:
    query = select(Product).order_by(Product.id)
    everything = session.scalars(query).all()
    assert len(everything) >= 3
    first = page_of(session, query, number=1, size=2, scalars=True)
    assert list(first.items) == list(everything[:2])
    assert first.has_next
    for asked in (10_000, first.pages):
        last = page_of(session, query, number=asked, size=2, scalars=True)
        assert last.number == first.pages
        assert not last.has_next
    assert page_of(session, query, number=-3, size=2).number == 1
    empty = page_of(session, query.where(Product.id < 0))
    assert (empty.pages, empty.total, list(empty.items)) == (1, 0, [])


def test_other_zones_are_kept_as_the_same_moment() -> None:
    there = MOMENT.astimezone(timezone(timedelta(hours=8)))
    assert business_date(there) == business_date(MOMENT)
