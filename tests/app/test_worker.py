"""The worker hands messages on: again after a failure, not for ever, one not blocking others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from threading import enumerate as enumerate_threads

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs import handlers, rounds
from app.settings import Settings
from app.work import Worker, start_inline
from foundation.db import Database
from foundation.outbox import (
    MOST_ATTEMPTS,
    Handler,
    OutboxMessage,
    Payload,
    dead_letters,
    deliver,
    publish,
    send_again,
)
from tests.databases import NOW


@dataclass(frozen=True)
class Told:
    """News for tests."""

    number: int


class Ear:
    """Hears news; fails on the numbers it was told to fail on."""

    def __init__(self, *fails_on: int) -> None:
        self.fails_on = set(fails_on)
        self.heard: list[int] = []

    def __call__(self, _session: Session, payloads: list[Payload], _now: datetime) -> None:
        """Hear them, or fail."""
        for payload in payloads:
            if payload["number"] in self.fails_on:
                raise ValueError(f"number {payload['number']}")
        self.heard += [payload["number"] for payload in payloads]


def tell(database: Database, *numbers: int) -> None:
    with database.transaction() as session:
        for number in numbers:
            publish(session, Told(number), now=NOW)


def listening(*ears: Handler) -> dict[str, Sequence[Handler]]:
    return {"Told": ears}


def messages(database: Database) -> list[OutboxMessage]:
    with database.reading() as session:
        return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_messages_reach_everybody_who_listens_once(shared: Database) -> None:
    tell(shared, 1, 2)
    one, other = Ear(), Ear()
    assert deliver(shared, listening(one, other), now=NOW) == 2
    assert deliver(shared, listening(one, other), now=NOW) == 0
    assert one.heard == other.heard == [1, 2]
    assert all(message.done_at == NOW for message in messages(shared))


def test_a_message_of_a_transaction_that_failed_never_leaves(shared: Database) -> None:
    def tells_and_fails() -> None:
        with shared.transaction() as session:
            publish(session, Told(1), now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        tells_and_fails()
    assert messages(shared) == []


def test_one_bad_message_does_not_hold_up_the_others(shared: Database) -> None:
    tell(shared, 1, 2, 3)
    ear = Ear(2)
    assert deliver(shared, listening(ear), now=NOW) == 2
    assert sorted(ear.heard) == [1, 3]
    bad = messages(shared)[1]
    assert (bad.attempts, bad.done_at, bad.dead_at) == (1, None, None)
    assert bad.last_error is not None
    assert "number 2" in bad.last_error


def test_a_failing_message_waits_twice_as_long_each_time_and_is_given_up(shared: Database) -> None:
    tell(shared, 7)
    ear, at = Ear(7), NOW
    waits = []
    for _ in range(MOST_ATTEMPTS):
        deliver(shared, listening(ear), now=at)
        (message,) = messages(shared)
        waits.append(message.next_at - at)
        assert deliver(shared, listening(ear), now=at) == 0
        at = message.next_at
    assert waits == [timedelta(seconds=2**n) for n in range(1, MOST_ATTEMPTS + 1)]
    with shared.reading() as session:
        assert [letter.dead_at for letter in dead_letters(session)] == [at - waits[-1]]
    assert deliver(shared, listening(Ear()), now=at + timedelta(days=30)) == 0


def test_a_dead_letter_that_is_sent_again_arrives(shared: Database) -> None:
    tell(shared, 7)
    at = NOW
    for _ in range(MOST_ATTEMPTS):
        deliver(shared, listening(Ear(7)), now=at)
        at = messages(shared)[0].next_at
    with shared.transaction() as session:
        assert send_again(session, messages(shared)[0].id, now=at)
        assert not send_again(session, 999_999, now=at)
    ear = Ear()
    assert deliver(shared, listening(ear), now=at) == 1
    assert ear.heard == [7]


def test_what_a_handler_wrote_before_it_failed_is_undone(shared: Database) -> None:
    tell(shared, 1)

    def writes_and_fails(session: Session, _payloads: list[Payload], now: datetime) -> None:
        publish(session, Told(99), now=now)
        session.flush()
        raise ValueError("after writing")

    deliver(shared, listening(writes_and_fails), now=NOW)
    assert [message.payload["number"] for message in messages(shared)] == [1]


def test_a_worker_killed_between_handling_and_ticking_off_hands_over_again(
    shared: Database,
) -> None:
    tell(shared, 1)

    def dies(_session: Session, _payloads: list[Payload], _now: datetime) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(shared, listening(dies), now=NOW)
    (message,) = messages(shared)
    assert (message.attempts, message.done_at) == (0, None)
    ear = Ear()
    assert deliver(shared, listening(ear), now=NOW) == 1
    assert ear.heard == [1]


def test_nobody_listening_is_no_fault(shared: Database) -> None:
    tell(shared, 1)
    assert deliver(shared, {}, now=NOW) == 1
    assert messages(shared)[0].done_at == NOW


def test_every_message_of_the_house_has_a_listener_and_every_round_ends(
    shared: Database, settings: Settings
) -> None:
    assert all(listeners for listeners in handlers(settings).values())
    names = [one.name for one in rounds(settings)]
    assert len(set(names)) == len(names)
    for one in rounds(settings):
        one.act(shared, NOW)


def test_the_worker_goes_on_when_a_round_fails(
    shared: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import work
    from app.jobs import Round

    acted = []

    def fails(_database: Database, _now: datetime) -> None:
        raise ValueError("this round fails")

    def acts(_database: Database, _now: datetime) -> None:
        acted.append(1)

    monkeypatch.setattr(
        work, "rounds", lambda _settings: (Round("a", 0, fails), Round("b", 0, acts))
    )
    assert Worker(shared, settings).turn() == 0
    assert acted == [1]


def test_a_worker_in_this_process_works_until_it_is_told_to_stop(
    shared: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import work

    assert tmp_path.exists()
    ear, done = Ear(), Event()

    def hears(session: Session, payloads: list[Payload], now: datetime) -> None:
        ear(session, payloads, now)
        done.set()

    monkeypatch.setattr(work, "handlers", lambda _settings: listening(hears))
    monkeypatch.setattr(work, "rounds", lambda _settings: ())
    stopping = start_inline(shared, settings)
    tell(shared, 5)
    assert done.wait(10)
    stopping.set()
    for thread in enumerate_threads():
        if thread.name == "worker":
            thread.join(10)
    assert ear.heard == [5]
