"""Stock: moved by events, promised first-expired-first-out, never below nought."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.ids import time_uuid
from goods.stock.errors import NotEnough, SoldOut
from goods.stock.models import Lot, Reservation, StockBalance, StockMove
from goods.stock.queries import (
    lot_by_code,
    lot_by_id,
    on_hand_by_sku,
    serials_by_code,
    unit_by_sscc,
)
from goods.stock.rules import Free, Move, Pick, Want, fefo, netted, pick
from goods.stock.services import (
    allocate,
    free_at,
    lock_balances,
    move,
    release,
    reservations_of,
    reserve,
    use,
)
from tests.databases import NOW
from tests.factories import World, make_lot, world
from tests.traceability.ledger import count, held, refused

SOON, LATE = date(2026, 12, 1), date(2027, 6, 1)


@pytest.fixture
def w(session: Session) -> World:
    return world(session)


def test_moves_are_added_up_and_sorted() -> None:
    moves = [Move(2, 1, 9, 5), Move(1, 1, 9, 3), Move(2, 1, 9, -5), Move(1, 1, 9, -1)]
    assert netted(moves) == [Move(1, 1, 9, 2)]


def test_what_expires_first_leaves_first_and_what_never_expires_last() -> None:
    shelf = [Free(1, 1, 9, None, 5), Free(1, 2, 9, LATE, 5), Free(1, 3, 9, SOON, 5)]
    assert [free.lot_id for free in fefo(shelf)] == [3, 2, 1]
    picks, missing = pick([Want(1, 9, 7), Want(2, 9, 4)], shelf)
    assert picks == [
        Pick(1, 1, 3, 9, 5),
        Pick(1, 1, 2, 9, 2),
        Pick(2, 1, 2, 9, 3),
        Pick(2, 1, 1, 9, 1),
    ]
    assert missing == {}


def test_what_is_not_there_is_told_as_missing() -> None:
    picks, missing = pick([Want(1, 9, 7), Want(2, 8, 1)], [Free(1, 1, 9, SOON, 5)])
    assert [chosen.quantity for chosen in picks] == [5]
    assert missing == {9: 2, 8: 1}
    assert pick([Want(1, 9, 2), Want(2, 9, 2)], [Free(1, 1, 9, SOON, 2)])[1] == {9: 2}


def balance(w: World, lot: Lot) -> tuple[int, int]:
    w.session.expire_all()
    row = w.session.scalars(select(StockBalance).where(StockBalance.lot_id == lot.id)).one()
    return row.on_hand, row.reserved


def promise(w: World, owner: str, quantity: int) -> list[Pick]:
    return reserve(
        w.session,
        owner,
        [Want(1, w.sku.id, quantity)],
        [w.place("workshop").id],
        until=NOW + timedelta(minutes=30),
        today=NOW.date(),
    )


def test_a_promise_holds_goods_without_moving_them(w: World) -> None:
    lot = make_lot(w, packs=10)
    assert [chosen.quantity for chosen in promise(w, "order:1", 4)] == [4]
    assert balance(w, lot) == (10, 4)
    assert free_at(w.session, w.place("workshop").id, lot.id) == 6
    assert on_hand_by_sku(w.session, [w.sku.id]) == {w.sku.id: 6}
    assert on_hand_by_sku(w.session, [w.sku.id], [w.outlet.place_id]) == {}
    assert free_at(w.session, w.outlet.place_id, lot.id) == 0


def test_a_promise_is_kept_whole_or_not_made(w: World) -> None:
    lot = make_lot(w, packs=10)
    with refused(w.session, SoldOut) as caught:
        promise(w, "order:1", 11)
    assert isinstance(caught.value, SoldOut)
    assert (caught.value.available, caught.value.sku_id) == (10, w.sku.id)
    assert balance(w, lot) == (10, 0)
    assert count(w.session, Reservation) == 0


def test_what_is_promised_is_not_taken_by_others(w: World) -> None:
    lot = make_lot(w, packs=10)
    promise(w, "order:1", 8)
    out = [Move(w.place("workshop").id, lot.id, w.sku.id, -3)]
    with refused(w.session, NotEnough):
        move(w.session, out, event_id=time_uuid(NOW), now=NOW)
    move(w.session, out, event_id=time_uuid(NOW), now=NOW, reserved=True)
    assert balance(w, lot) == (7, 5)


def test_a_promise_is_allocated_used_or_given_back(w: World) -> None:
    lot = make_lot(w, packs=10)
    promise(w, "order:1", 4)
    promise(w, "order:2", 3)
    (mine,) = allocate(w.session, "order:1")
    assert (mine.state, mine.expires_at) == ("allocated", None)
    assert allocate(w.session, "order:1") == []
    assert release(w.session, "order:2") == 3
    assert release(w.session, "order:2") == 0
    assert balance(w, lot) == (10, 4)
    use(reservations_of(w.session, "order:1"))
    assert reservations_of(w.session, "order:1") == []
    lock_balances(w.session, [w.sku.id], [w.place("workshop").id])


def test_moves_that_cancel_out_leave_no_line(w: World) -> None:
    lot = make_lot(w, packs=2)
    before = count(w.session, StockMove)
    place = w.place("workshop").id
    there_and_back = [Move(place, lot.id, w.sku.id, -2), Move(place, lot.id, w.sku.id, 2)]
    move(w.session, there_and_back, event_id=time_uuid(NOW), now=NOW)
    assert count(w.session, StockMove) == before
    assert held(w.session, lot.id) == {place: 2}


def test_lots_serials_and_cases_are_found_by_code(w: World) -> None:
    lot = make_lot(w, packs=2, lot_no="L-9")
    assert lot_by_id(w.session, lot.id) is lot
    assert lot_by_code(w.session, w.sku.gtin, "L-9") is lot
    assert lot_by_code(w.session, w.sku.gtin, "L-8") is None
    codes = [(w.sku.gtin, "L-9000001"), (w.sku.gtin, "NOPE")]
    assert [(s.serial, g) for s, g in serials_by_code(w.session, codes)] == [
        ("L-9000001", w.sku.gtin)
    ]
    assert serials_by_code(w.session, []) == []
    with pytest.raises(NotFound):
        lot_by_id(w.session, 99_999)
    with pytest.raises(NotFound):
        unit_by_sscc(w.session, "000000000000000000")
