"""One place that commits: moments, locks, turns, on both databases."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from foundation.db import Database, TicketLock, add_rows
from foundation.locks import lock_key
from foundation.once import CommandDone

NOON = datetime(2026, 11, 23, 4, 0, 0, 123456, tzinfo=UTC)


def done(key: str, at: datetime = NOON) -> CommandDone:
    return CommandDone(key=key, content_digest="d", answer=1, done_at=at)


def test_a_moment_comes_back_as_it_went_in_and_in_utc(session: Session) -> None:
    session.add(done("k", NOON.astimezone(timezone(timedelta(hours=8)))))
    session.flush()
    session.expire_all()
    kept = session.get_one(CommandDone, "k").done_at
    assert kept == NOON
    assert kept.tzinfo is UTC


def test_moments_sort_as_time_does(session: Session) -> None:
    moments = [NOON + timedelta(microseconds=n * 333_333) for n in range(10)]
    for position, moment in enumerate(reversed(moments)):
        session.add(done(f"k{position}", moment))
    session.flush()
    assert session.scalars(select(CommandDone.done_at).order_by(CommandDone.done_at)).all() == (
        moments
    )


def test_a_moment_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(StatementError, match="aware"), session.begin_nested():
        session.execute(select(CommandDone).where(CommandDone.done_at > NOON.replace(tzinfo=None)))


def test_a_transaction_that_raises_leaves_nothing(shared: Database) -> None:
    def writes_and_fails() -> None:
        with shared.transaction() as session:
            session.add(done("k"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        writes_and_fails()
    with shared.reading() as session:
        assert session.get(CommandDone, "k") is None


def test_a_reading_session_is_refused_every_write(shared: Database) -> None:
    with shared.reading() as session:
        session.add(done("k"))
        with pytest.raises(DBAPIError):
            session.flush()
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(CommandDone)) == 0


def test_rows_may_refer_to_what_the_session_still_holds_back(session: Session) -> None:
    session.add(done("first"))
    add_rows(
        session,
        CommandDone,
        [{"key": "second", "content_digest": "d", "answer": 1, "done_at": NOON}],
    )
    add_rows(session, CommandDone, [])
    assert session.scalar(select(func.count()).select_from(CommandDone)) == 2


def test_whoever_waited_longest_is_served_first() -> None:
    lock, served = TicketLock(), []
    ready = [threading.Event() for _ in range(6)]

    def wait(number: int) -> None:
        ready[number].set()
        with lock:
            served.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(6)]
    with lock:
        for number, thread in enumerate(threads):
            thread.start()
            ready[number].wait(5)
            while len(lock._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert served == [0, 1, 2, 3, 4, 5]


def test_a_lock_is_given_back_when_its_holder_fails() -> None:
    lock = TicketLock()
    with pytest.raises(ValueError, match="held"), lock:
        raise ValueError("held")
    with lock:
        assert lock._held
    assert not lock._held


@pytest.mark.race
def test_many_writers_at_once_all_come_through(shared: Database) -> None:
    def write(worker: int) -> None:
        for number in range(15):
            with shared.transaction() as session:
                session.add(done(f"w{worker}-{number}"))

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(write, worker) for worker in range(4)]:
            future.result(30)
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(CommandDone)) == 60


@pytest.mark.race
def test_what_is_read_and_then_written_under_a_key_is_never_lost(shared: Database) -> None:
    """Eight at once add one to a number that they read before: the key keeps them apart."""
    with shared.transaction() as session:
        counter = done("counter")
        counter.answer = 0
        session.add(counter)
    gate = threading.Barrier(8)

    def add_one() -> None:
        gate.wait(10)
        with shared.transaction() as session:
            lock_key(session, "counter")
            counter = session.get_one(CommandDone, "counter")
            seen = counter.answer
            time.sleep(0.002)
            counter.answer = seen + 1

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(add_one) for _ in range(8)]:
            future.result(30)
    with shared.reading() as session:
        assert session.get_one(CommandDone, "counter").answer == 8


def test_readers_do_not_wait_for_a_writer(shared: Database) -> None:
    with shared.transaction() as writer:
        writer.add(done("k"))
        writer.flush()
        begun = time.monotonic()
        with shared.reading() as session:
            assert session.get(CommandDone, "k") is None
        assert time.monotonic() - begun < 2
    with shared.reading() as session:
        assert session.get(CommandDone, "k") is not None
