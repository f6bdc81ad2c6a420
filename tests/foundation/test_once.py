"""Commands by key: the same key gives the same answer and does nothing more."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, KeyReused, Refused
from foundation.once import CommandDone, once
from tests.factories import NOW


def test_the_same_key_acts_once_and_answers_the_same(session: Session) -> None:
    acts: list[int] = []

    def act() -> int:
        acts.append(1)
        return 7

    assert once(session, "k", ["a", 1], act, now=NOW) == (7, True)
    assert once(session, "k", ["a", 1], act, now=NOW) == (7, False)
    assert acts == [1]


def test_other_content_under_the_same_key_is_refused(session: Session) -> None:
    once(session, "k", ["a", 1], lambda: 7, now=NOW)
    with pytest.raises(KeyReused):
        once(session, "k", ["a", 2], lambda: 8, now=NOW)


def test_what_is_refused_leaves_no_trace_and_may_be_tried_again(session: Session) -> None:
    def refuse() -> int:
        raise Refused("no")

    with pytest.raises(Refused), session.begin_nested():
        once(session, "k", ["a"], refuse, now=NOW)
    assert session.scalar(select(func.count()).select_from(CommandDone)) == 0
    assert once(session, "k", ["a"], lambda: 1, now=NOW) == (1, True)


@pytest.mark.parametrize("key", ["", "x" * 65])
def test_a_form_without_a_proper_key_is_refused(session: Session, key: str) -> None:
    with pytest.raises(BadInput):
        once(session, key, ["a"], lambda: 1, now=NOW)
