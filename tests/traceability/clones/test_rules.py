"""Which scans fit, from values alone."""

from datetime import timedelta

import pytest

from tests.databases import NOW
from traceability.clones.rules import (
    PERIOD,
    Facts,
    area_of,
    cookie_of,
    device_hash,
    judge,
    period_of,
    scratch_digest,
    typed_code,
)

HOME, NEXT, AFAR = "990121", "990122", "110101"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts("item", "on_shelf"), []),
        (Facts("item", "on_shelf", 40), []),
        (Facts("item", "in_transit", 3, NEXT, HOME), []),
        (Facts("item", "sold", 4), []),
        (Facts("item", "sold", 5), [("many_devices", "info")]),
        (Facts("item", "sold", 10), [("many_devices", "warn")]),
        (Facts("item", "sold", 20, AFAR, HOME), [("many_devices", "alarm")]),
        (Facts("item", "commissioned", 1), [("not_sent", "info")]),
        (Facts("item", "commissioned", 8), [("not_sent", "alarm")]),
        (Facts("item", "on_shelf", 1, NEXT, HOME), [("far", "info")]),
        (Facts("item", "on_shelf", 1, AFAR, HOME), [("far", "warn")]),
        (Facts("item", "on_shelf", 5, AFAR, HOME), [("far", "alarm")]),
        (Facts("item", "on_shelf", 1, None, HOME), []),
        (Facts("item", "destroyed", 1), [("voided", "alarm")]),
        (Facts("unknown", "", 1), [("never_made", "warn")]),
        (Facts("unknown", "", 3), [("never_made", "alarm")]),
        (Facts("foreign", "", 9), []),
        (Facts("unreadable", "", 9), []),
        (
            Facts("item", "commissioned", 1, AFAR, HOME, "OTHER"),
            [("wrong_lot", "warn"), ("far", "warn"), ("not_sent", "info")],
        ),
    ],
)
def test_a_scan_is_judged_by_what_it_does_not_fit(
    facts: Facts, expected: list[tuple[str, str]]
) -> None:
    assert [(one.kind, one.grade) for one in judge(facts)] == expected


def test_no_two_codes_of_one_phone_can_be_brought_together() -> None:
    seen = {
        device_hash("secret", period, "c" * 22, gtin, serial)
        for period in (1, 2)
        for gtin, serial in (("1", "A"), ("1", "B"), ("2", "A"))
    }
    assert len(seen) == 6
    assert device_hash("secret", 1, "c" * 22, "1", "A") in seen
    assert device_hash("other", 1, "c" * 22, "1", "A") not in seen
    assert period_of(NOW + PERIOD) == period_of(NOW) + 1
    assert period_of(NOW) == period_of(NOW + timedelta(microseconds=1))


def test_what_comes_from_outside_is_read_or_is_nothing() -> None:
    assert area_of("990121") == "990121"
    assert [area_of(each) for each in (None, "", "99012", "9901211", "abcdef", "0990121")] == [
        None
    ] * 6
    assert cookie_of("A" * 22) == "A" * 22
    assert [cookie_of(each) for each in (None, "", "A" * 21, "<" * 22)] == [None] * 4
    assert typed_code(" abcd-2345 ") == "ABCD2345"
    assert len(typed_code("x" * 99)) == 9
    assert scratch_digest("s", "1", "A", "X") != scratch_digest("s", "1", "B", "X")
