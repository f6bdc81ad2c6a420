"""The till's rules, from values alone."""

from datetime import date, timedelta

import pytest

from counters.rules import near_expiry, put, read_yuan, share_out, total_of
from foundation.errors import BadInput, Refused
from trade.sales.rules import Item

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("left", "life", "near"),
    [(100, 300, False), (99, 300, True), (0, 300, True), (10, 30, False), (9, 30, True)],
)
def test_less_than_a_third_of_the_life_is_near_expiry(left: int, life: int, near: bool) -> None:  # noqa: FBT001
    best = TODAY + timedelta(days=left)
    made = best - timedelta(days=life)
    by_date = near_expiry(best_before=best, produced_on=made, shelf_life_days=None, today=TODAY)
    by_life = near_expiry(best_before=best, produced_on=None, shelf_life_days=life, today=TODAY)
    assert by_date is by_life is near


def test_without_a_known_life_a_month_is_near() -> None:
    def near(days: int) -> bool:
        best = TODAY + timedelta(days=days)
        return near_expiry(best_before=best, produced_on=None, shelf_life_days=None, today=TODAY)

    assert near(29)
    assert not near(30)
    assert not near_expiry(best_before=None, produced_on=None, shelf_life_days=300, today=TODAY)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("50", 5000), ("19.8", 1980), ("19.80", 1980), (" ¥1,000 ", 100000), ("", 0), ("3.", 300)],
)
def test_amounts_are_read_as_typed(text: str, fen: int) -> None:
    assert read_yuan(text, "cash") == fen


@pytest.mark.parametrize("text", ["-5", "1.234", "five", "1e3", "٥", "99999999", "1 2"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_yuan(text, "cash")


def test_cash_pays_what_vouchers_and_codes_leave_and_gives_change() -> None:
    paid = share_out(10_000, cash=5_000, shop_qr=3_000, voucher=2_500, reference="GH-1")
    assert [(p.kind, p.amount_fen, p.received_fen) for p in paid] == [
        ("voucher", 2_500, 2_500),
        ("shop_qr", 3_000, 3_000),
        ("cash", 4_500, 5_000),
    ]
    assert sum(p.amount_fen for p in paid) == 10_000


@pytest.mark.parametrize(
    ("cash", "shop_qr", "voucher"), [(0, 0, 0), (99, 0, 0), (0, 101, 0), (0, 0, 200), (1, 100, 0)]
)
def test_too_little_or_too_much_is_refused(cash: int, shop_qr: int, voucher: int) -> None:
    with pytest.raises(Refused):
        share_out(100, cash=cash, shop_qr=shop_qr, voucher=voucher, reference="x")


def test_a_basket_counts_lots_up_and_takes_a_unit_once() -> None:
    millet = Item("0952", 1, None, "L1", 1500, 1, "scanned")
    jar = Item("0953", 1, "S1", "L2", 5600, 1, "scanned")
    basket = put((), millet)
    assert basket is not None
    basket = put(basket, millet)
    assert basket is not None
    assert [item.quantity for item in basket] == [2]
    other = put(basket, millet._replace(certainty="chosen"))
    assert other is not None
    assert len(other) == 2
    with_jar = put(basket, jar)
    assert with_jar is not None
    assert put(with_jar, jar) is None
    assert total_of(with_jar) == 8600


def test_a_basket_without_prices_has_no_total() -> None:
    with pytest.raises(BadInput):
        total_of([Item("0952")])
