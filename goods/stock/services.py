"""Verbs of the stock room. Only traceability moves stock; orders reserve it."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Integer, Table, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.db import add_rows, core
from goods.stock.errors import NotEnough, SoldOut
from goods.stock.models import Hold, Lot, Reservation, StockBalance, StockMove
from goods.stock.queries import holds_on
from goods.stock.rules import Free, Move, Pick, Want, netted, pick

MOST_KEYS = 5000
"""So many keys go into one statement."""
BALANCE = cast(Table, StockBalance.__table__)
MANY = bindparam("many", type_=Integer)
HERE = (BALANCE.c.place_id == bindparam("at_place"), BALANCE.c.lot_id == bindparam("of_lot"))
FREE = select(BALANCE.c.on_hand - BALANCE.c.reserved).where(*HERE)
TAKE = (
    update(BALANCE)
    .where(*HERE, BALANCE.c.on_hand - BALANCE.c.reserved >= MANY)
    .values(on_hand=BALANCE.c.on_hand - MANY)
)
PROMISE = update(BALANCE).where(*HERE).values(reserved=BALANCE.c.reserved + MANY)
TAKE_RESERVED = (
    update(BALANCE)
    .where(*HERE, BALANCE.c.reserved >= MANY)
    .values(on_hand=BALANCE.c.on_hand - MANY, reserved=BALANCE.c.reserved - MANY)
)


def move(
    session: Session,
    moves: Sequence[Move],
    *,
    event_id: UUID,
    now: datetime,
    reserved: bool = False,
) -> None:
    """Write `moves` in the ledger and carry the balances along, in key order.

    What goes out must be free, or, with `reserved`, must have been promised before. Raises
    NotEnough when a balance would fall below what it has promised; the transaction is then void.
    """
    lines = netted(moves)
    for line in lines:
        if line.quantity > 0:
            _put(session, line)
        elif not _take(session, line, reserved=reserved):
            raise NotEnough("There are fewer than %(wanted)s here", wanted=-line.quantity)
    if lines:
        add_rows(
            session,
            StockMove,
            [
                {
                    "event_id": event_id,
                    "place_id": line.place_id,
                    "lot_id": line.lot_id,
                    "quantity": line.quantity,
                    "moved_at": now,
                }
                for line in lines
            ],
        )


def _put(session: Session, line: Move) -> None:
    session.execute(
        _put_statement(session.get_bind().dialect.name),
        {
            "place_id": line.place_id,
            "lot_id": line.lot_id,
            "sku_id": line.sku_id,
            "on_hand": line.quantity,
            "reserved": 0,
        },
    )


@cache
def _put_statement(dialect_name: str) -> Any:
    dialect: Any = sqlite if dialect_name == "sqlite" else postgresql
    fresh = dialect.insert(BALANCE)
    return fresh.on_conflict_do_update(
        index_elements=["place_id", "lot_id"],
        set_={"on_hand": BALANCE.c.on_hand + fresh.excluded.on_hand},
    )


def _take(session: Session, line: Move, *, reserved: bool) -> bool:
    done = core(session).execute(
        TAKE_RESERVED if reserved else TAKE,
        {"at_place": line.place_id, "of_lot": line.lot_id, "many": -line.quantity},
    )
    return done.rowcount == 1


def free_at(session: Session, place_id: int, lot_id: int) -> int:
    """Give how many of a lot a place can still take out or promise."""
    return core(session).scalar(FREE, {"at_place": place_id, "of_lot": lot_id}) or 0


def shelf(
    session: Session,
    sku_ids: Sequence[int],
    place_ids: Sequence[int],
    *,
    today: date,
    lock: bool = False,
) -> list[Free]:
    """Give what may be sold or promised of `sku_ids` at `place_ids`: not held, not expired."""
    blocked_lots = select(Hold.lot_id).where(Hold.lot_id.is_not(None), Hold.released_at.is_(None))
    blocked_places = select(Hold.place_id).where(
        Hold.place_id.is_not(None), Hold.released_at.is_(None)
    )
    query = (
        select(
            StockBalance.place_id,
            StockBalance.lot_id,
            StockBalance.sku_id,
            Lot.best_before,
            (StockBalance.on_hand - StockBalance.reserved).label("free"),
        )
        .join(Lot, Lot.id == StockBalance.lot_id)
        .where(
            StockBalance.sku_id.in_(sku_ids),
            StockBalance.place_id.in_(place_ids),
            StockBalance.on_hand > StockBalance.reserved,
            or_(Lot.best_before.is_(None), Lot.best_before >= today),
            StockBalance.lot_id.not_in(blocked_lots),
            StockBalance.place_id.not_in(blocked_places),
        )
        .order_by(StockBalance.place_id, StockBalance.lot_id)
    )
    if lock:
        query = query.with_for_update(of=StockBalance)
    found = [Free(*row) for row in session.execute(query)]
    if lock and session.get_bind().dialect.name == "postgresql":
        # A hold may have been placed while this waited for its locks.
        held = holds_on(session, lot_ids={free.lot_id for free in found})
        blocked = {hold.lot_id for hold in held}
        found = [free for free in found if free.lot_id not in blocked]
    return found


def reserve(
    session: Session,
    owner: str,
    wants: Sequence[Want],
    place_ids: Sequence[int],
    *,
    until: datetime,
    today: date,
    on_shelf: Sequence[Free] | None = None,
) -> list[Pick]:
    """Promise `wants` to `owner` until `until`, first-expired-first-out over `place_ids`.

    `on_shelf` is what the caller has just read there under lock. All or nothing. Raises SoldOut
    naming the first SKU that falls short and how many are free.
    """
    skus = sorted({want.sku_id for want in wants})
    if on_shelf is None:
        on_shelf = shelf(session, skus, place_ids, today=today, lock=True)
    picks, missing = pick(wants, on_shelf)
    for sku_id in skus:
        if sku_id in missing:
            available = sum(f.free for f in on_shelf if f.sku_id == sku_id)
            raise SoldOut("Only %(available)s left", sku_id=sku_id, available=available)
    taken: dict[tuple[int, int], int] = {}
    for chosen in picks:
        key = (chosen.place_id, chosen.lot_id)
        taken[key] = taken.get(key, 0) + chosen.quantity
    for (place_id, lot_id), quantity in sorted(taken.items()):
        session.execute(PROMISE, {"at_place": place_id, "of_lot": lot_id, "many": quantity})
    add_rows(
        session,
        Reservation,
        [
            {
                "owner": owner,
                "line": chosen.line,
                "place_id": chosen.place_id,
                "lot_id": chosen.lot_id,
                "sku_id": chosen.sku_id,
                "quantity": chosen.quantity,
                "state": "held",
                "expires_at": until,
            }
            for chosen in picks
        ],
    )
    return picks


def reservations_of(
    session: Session, owner: str, *, states: Sequence[str] = ("held", "allocated")
) -> list[Reservation]:
    """Give the live reservations of `owner`, in key order, locked for this transaction."""
    return list(
        session.scalars(
            select(Reservation)
            .where(Reservation.owner == owner, Reservation.state.in_(states))
            .order_by(Reservation.place_id, Reservation.lot_id, Reservation.id)
            .with_for_update()
        )
    )


def allocate(session: Session, owner: str) -> list[Reservation]:
    """Turn what is held for `owner` into an allocation without expiry; give what was turned."""
    held = reservations_of(session, owner, states=("held",))
    for reservation in held:
        reservation.state, reservation.expires_at = "allocated", None
    return held


def release(session: Session, owner: str) -> int:
    """Give back everything held or allocated for `owner`; give how many base units."""
    return give_back(session, reservations_of(session, owner))


def give_back(session: Session, reservations: Sequence[Reservation]) -> int:
    """Give back `reservations`, locked and in key order; give how many base units."""
    given = 0
    for reservation in reservations:
        session.execute(
            update(BALANCE)
            .where(
                BALANCE.c.place_id == reservation.place_id, BALANCE.c.lot_id == reservation.lot_id
            )
            .values(reserved=BALANCE.c.reserved - reservation.quantity)
        )
        reservation.state = "released"
        given += reservation.quantity
    return given


def lock_balances(session: Session, sku_ids: Sequence[int], place_ids: Sequence[int]) -> None:
    """Lock every balance of `sku_ids` at `place_ids` in key order, held and empty ones too.

    For an act that touches these balances more than once and not in key order.
    """
    session.execute(
        select(StockBalance.place_id)
        .where(StockBalance.sku_id.in_(sku_ids), StockBalance.place_id.in_(place_ids))
        .order_by(StockBalance.place_id, StockBalance.lot_id)
        .with_for_update()
    ).all()


def lock_lots(session: Session, lot_ids: Sequence[int]) -> None:
    """Lock every balance of these lots in key order, wherever they are.

    Whoever takes goods out changes a balance and so waits here, or is waited for.
    """
    for start in range(0, len(lot_ids), MOST_KEYS):
        session.execute(
            select(StockBalance.place_id)
            .where(StockBalance.lot_id.in_(lot_ids[start : start + MOST_KEYS]))
            .order_by(StockBalance.place_id, StockBalance.lot_id)
            .with_for_update()
        ).all()


def use(reservations: Sequence[Reservation]) -> None:
    """Mark `reservations` as used; the event that takes the goods out lowers the balances."""
    for reservation in reservations:
        reservation.state = "used"
