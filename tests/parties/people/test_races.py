"""Two at once: truly concurrent transactions on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import func, select

from foundation.db import Database
from foundation.errors import Refused
from parties.people import services
from parties.people.errors import TooSoon, WrongCode
from parties.people.models import Account, SentMessage, SignIn
from parties.people.permissions import NOBODY
from parties.people.services import Outcome
from tests.factories.people import EMAIL, NOON, PHONE, code_in, last_letter, new_account

pytestmark = pytest.mark.race
CROWD = 8
T = TypeVar("T")


def at_once(act: Callable[[], T]) -> list[T]:
    start = Barrier(CROWD)

    def one() -> T:
        start.wait()
        return act()

    with ThreadPoolExecutor(CROWD) as crowd:
        return [done.result() for done in [crowd.submit(one) for _ in range(CROWD)]]


def test_of_many_who_bring_the_same_code_one_gets_in(shared: Database) -> None:
    with shared.transaction() as session:
        services.send_code(session, PHONE, "sign_in", actor=NOBODY, now=NOON)
        code = code_in(last_letter(session, PHONE))

    def bring() -> Outcome:
        with shared.transaction() as session:
            return services.sign_in_by_code(session, PHONE, code, now=NOON)

    outcomes = at_once(bring)
    assert [outcome.refusal for outcome in outcomes].count(None) == 1
    assert sum(isinstance(outcome.refusal, WrongCode) for outcome in outcomes) == CROWD - 1
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 1
        assert session.scalar(select(func.count()).select_from(SignIn)) == 1


def test_of_many_who_ask_for_a_code_one_is_sent(shared: Database) -> None:
    def ask() -> bool:
        try:
            with shared.transaction() as session:
                services.send_code(session, PHONE, "sign_in", actor=NOBODY, now=NOON)
        except TooSoon:
            return False
        return True

    assert at_once(ask).count(True) == 1
    with shared.reading() as session:
        assert session.scalar(select(func.count()).select_from(SentMessage)) == 1


def test_many_wrong_passwords_at_once_are_all_counted(shared: Database) -> None:
    with shared.transaction() as session:
        account_id = new_account(session).id

    def guess() -> Refused | None:
        with shared.reading() as session:
            proof = services.check_password(session, EMAIL, "wrong")
        with shared.transaction() as session:
            return services.sign_in_by_password(session, proof, now=NOON).refusal

    assert None not in at_once(guess)
    with shared.reading() as session:
        account = session.get_one(Account, account_id)
        assert account.failures == 5
        assert account.locked_until is not None
