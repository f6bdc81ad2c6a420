"""What is public of an event is said in three places, and they say the same."""

from pathlib import Path

import pytest

from traceability.log.records import (
    PRIVATE_TRANSACTIONS,
    canonical,
    number,
    public_form,
    public_hash,
)
from traceability.rules import PRIVATE
from traceability.stories import epcis

SCRIPT = Path(__file__).parents[3] / "static" / "js" / "verify.js"


def test_pages_log_and_browser_leave_out_the_same() -> None:
    assert {f"shanhuo:{name}" for name in PRIVATE} == epcis.HIDDEN_KEYS
    assert PRIVATE_TRANSACTIONS == epcis.PRIVATE_TRANSACTIONS
    (line,) = [t for t in SCRIPT.read_text("utf-8").splitlines() if t.startswith("const PRIVATE")]
    assert all(f'"{name}"' in line for name in PRIVATE)
    assert line.count('"') == 2 * len(PRIVATE)


def test_the_public_form_counts_packs_and_is_its_own_public_form() -> None:
    event = {
        "type": "ObjectEvent",
        "epcList": ["https://id.gs1.org/01/1/21/a", "https://id.gs1.org/00/2"],
        "bizTransactionList": [{"type": "inv", "bizTransaction": "x"}, {"type": "po"}],
        "shanhuo:operator_id": 7,
        "shanhuo:yieldPercent": 12.0,
    }
    form = public_form(event)
    assert form == {
        "type": "ObjectEvent",
        "epcList": ["https://id.gs1.org/00/2"],
        "bizTransactionList": [{"type": "po"}],
        "shanhuo:yieldPercent": 12.0,
        "shanhuo:items": 1,
    }
    assert public_form(form) == form
    told = event | {"epcList": ["https://id.gs1.org/00/2"], "shanhuo:otherItems": 1}
    assert public_hash(told) == public_hash(event)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (12.5, "12.5"),
        (1e-5, "0.00001"),
        (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-4.35, "-4.35"),
        (5e-324, "5e-324"),
    ],
)
def test_numbers_are_written_as_javascript_does(value: float, text: str) -> None:
    assert number(value) == text
    assert canonical({"b": [value], "a": "é"}) == f'{{"a":"é","b":[{text}]}}'.encode()


def test_what_json_can_not_say_is_refused() -> None:
    for value in (float("nan"), float("inf"), 2**60 + 1, {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            canonical([value])
