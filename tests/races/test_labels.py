"""Clerks who print, withdraw and number at the same moment, on both databases."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from foundation.db import Database
from foundation.errors import Refused
from goods.stock.models import Serial
from tests.factories import NOW, make_lot, world
from tests.races.test_orders import at_once
from traceability.models import LabelPrint
from traceability.printing.services import Printing, Voiding, print_labels, void_serials

pytestmark = pytest.mark.race


def test_clerks_who_print_at_once_get_ranges_without_gap_or_repetition(shared: Database) -> None:
    with shared.transaction() as session:
        w = world(session)
        lot_id, owner = make_lot(w, packs=120).id, w.owner

    def clerk(count: int) -> Callable[[], tuple[str, str]]:
        def act() -> tuple[str, str]:
            with shared.transaction() as session:
                wanted = Printing(lot_id, "a4-3x8", count=count)
                made = print_labels(session, wanted, actor=owner, now=NOW)
                return made.first_serial, made.last_serial

        return act

    counts = [7, 13, 20, 11, 9, 17, 23, 10, 8, 2]  # 120 altogether
    answers = at_once([clerk(count) for count in [*counts, 1]])

    with shared.reading() as session:
        numbers = session.scalars(
            select(Serial.serial).where(Serial.lot_id == lot_id).order_by(Serial.serial)
        ).all()
        prints = session.scalars(select(LabelPrint).order_by(LabelPrint.first_serial)).all()
    covered = [
        number
        for one in prints
        for number in numbers
        if one.first_serial <= number <= one.last_serial
    ]
    assert covered[: len(set(covered))] == sorted(set(covered))
    assert len(covered) == len(set(covered)) == sum(one.count for one in prints)
    assert covered == list(numbers[: len(covered)])
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) + len(prints) == 11
    assert len(refused) == 1


def test_a_number_is_withdrawn_once_and_never_printed_after_that(shared: Database) -> None:
    with shared.transaction() as session:
        w = world(session)
        lot_id, owner = make_lot(w, packs=12).id, w.owner
    with shared.reading() as session:
        numbers = session.scalars(
            select(Serial.serial).where(Serial.lot_id == lot_id).order_by(Serial.serial)
        ).all()

    def clerk(number: int) -> Callable[[], int]:
        def act() -> int:
            with shared.transaction() as session:
                asked = Voiding(f"v{number}", lot_id, numbers[3], numbers[5], "spoilt")
                return void_serials(session, asked, actor=owner, now=NOW).count

        return act

    answers = at_once([clerk(n) for n in range(4)])

    assert [answer for answer in answers if not isinstance(answer, Refused)] == [3]
    with shared.reading() as session:
        gone = session.scalars(select(Serial.serial).where(Serial.withdrawn.is_(True))).all()
        every = session.scalars(select(Serial.serial).where(Serial.lot_id == lot_id)).all()
    assert sorted(gone) == numbers[3:6]
    assert len(every) == len(set(every)) == 15
