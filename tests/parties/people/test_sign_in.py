"""Signing in by password and by code, lock-out, signing out."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotFound, NotSignedIn
from parties.people import queries, services
from parties.people.errors import (
    AccountClosed,
    LockedOut,
    NoSender,
    TooManyCodes,
    TooSoon,
    WrongCode,
    WrongPassword,
)
from parties.people.models import Account, OneTimeCode, SentMessage, SignIn
from parties.people.permissions import NOBODY, Actor, Grant, Role
from parties.people.services import Outcome
from tests.factories.people import (
    EMAIL,
    NOON,
    PASSWORD,
    PHONE,
    after,
    code_in,
    last_letter,
    new_account,
)


def try_password(session: Session, password: str, *, minutes: float = 0) -> Outcome:
    proof = services.check_password(session, EMAIL, password)
    return services.sign_in_by_password(session, proof, now=after(minutes=minutes))


def send(session: Session, *, seconds: float = 0) -> str:
    services.send_code(session, PHONE, "sign_in", actor=NOBODY, now=after(seconds=seconds))
    return code_in(last_letter(session, PHONE))


def try_code(session: Session, code: str, *, seconds: float = 0) -> Outcome:
    return services.sign_in_by_code(session, PHONE, code, now=after(seconds=seconds))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_the_right_password_signs_in(session: Session) -> None:
    account = new_account(session)
    outcome = try_password(session, PASSWORD).or_raise()
    assert outcome.account_id == account.id
    assert outcome.sign_in_id is not None
    visitor = queries.visitor_by_sign_in(session, outcome.sign_in_id, now=after(days=13))
    assert visitor is not None
    assert visitor.actor == Actor(account.id, (Grant(Role.CONSUMER),))
    assert queries.visitor_by_sign_in(session, outcome.sign_in_id, now=after(days=14)) is None


def test_the_address_may_be_typed_in_capitals_and_full_width(session: Session) -> None:
    new_account(session)
    proof = services.check_password(session, " ＷＡＮＧ@Example.com", PASSWORD)
    assert services.sign_in_by_password(session, proof, now=NOON).refusal is None


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(session: Session) -> None:
    new_account(session)
    known = try_password(session, "not the password")
    proof = services.check_password(session, "nobody@example.com", PASSWORD)
    unknown = services.sign_in_by_password(session, proof, now=NOON)
    assert isinstance(known.refusal, WrongPassword)
    assert isinstance(unknown.refusal, WrongPassword)
    assert known.refusal.text == unknown.refusal.text
    assert session.scalar(select(func.count()).select_from(SignIn)) == 0


def test_what_is_no_address_is_refused_before_any_look_up(session: Session) -> None:
    with pytest.raises(BadInput):
        services.check_password(session, "wang", PASSWORD)


def test_an_account_without_a_password_has_no_right_password(session: Session) -> None:
    new_account(session, password=None)
    assert isinstance(try_password(session, "").refusal, WrongPassword)


def test_five_wrong_passwords_shut_the_account_for_a_minute(session: Session) -> None:
    new_account(session)
    for _ in range(4):
        assert isinstance(try_password(session, "wrong").refusal, WrongPassword)
    fifth = try_password(session, "wrong")
    assert isinstance(fifth.refusal, LockedOut)
    assert fifth.refusal.params == {"minutes": 1}
    assert isinstance(try_password(session, PASSWORD, minutes=0.99).refusal, LockedOut)
    assert try_password(session, PASSWORD, minutes=1).refusal is None


def test_each_further_wrong_password_doubles_the_wait(session: Session) -> None:
    account = new_account(session)
    minute, waits = 0.0, []
    for _ in range(12):
        refusal = try_password(session, "wrong", minutes=minute).refusal
        assert refusal is not None
        wait = refusal.params.get("minutes", 0)
        assert isinstance(wait, int)
        waits.append(wait)
        minute += wait
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert try_password(session, PASSWORD, minutes=minute).refusal is None
    assert account.failures == 0
    assert account.locked_until is None


def test_guesses_at_a_shut_account_are_not_counted(session: Session) -> None:
    account = new_account(session)
    for _ in range(5):
        try_password(session, "wrong")
    until = account.locked_until
    for _ in range(20):
        assert isinstance(try_password(session, "wrong").refusal, LockedOut)
    assert account.failures == 5
    assert account.locked_until == until


def test_a_right_password_wipes_the_count(session: Session) -> None:
    account = new_account(session)
    for _ in range(4):
        try_password(session, "wrong")
    try_password(session, PASSWORD)
    assert account.failures == 0
    for _ in range(4):
        assert isinstance(try_password(session, "wrong").refusal, WrongPassword)


def test_a_password_checked_before_it_was_changed_is_worth_nothing(session: Session) -> None:
    account = new_account(session)
    proof = services.check_password(session, EMAIL, PASSWORD)
    own = services.check_own_password(session, account.id, PASSWORD)
    actor = Actor(account.id)
    services.change_password(session, own, "another long one", actor=actor, now=NOON).or_raise()
    outcome = services.sign_in_by_password(session, proof, now=NOON)
    assert isinstance(outcome.refusal, WrongPassword)


def test_a_closed_account_lets_nobody_in(session: Session) -> None:
    account = new_account(session, phone=PHONE)
    account.disabled_at = NOON
    session.flush()
    assert isinstance(try_password(session, PASSWORD).refusal, AccountClosed)
    assert isinstance(try_code(session, send(session)).refusal, AccountClosed)
    assert queries.actor_of(session, account.id) == NOBODY


def test_a_hash_of_older_parameters_is_renewed(session: Session) -> None:
    account = new_account(session)
    older = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    account.password_hash = older.hash(PASSWORD)
    session.flush()
    before = account.password_hash
    assert try_password(session, PASSWORD).refusal is None
    assert account.password_hash != before
    assert try_password(session, PASSWORD).refusal is None


def test_a_phone_that_is_new_here_gets_a_consumers_account(session: Session) -> None:
    code = send(session)
    outcome = services.sign_in_by_code(session, "+86 139 0356 0000", code, now=NOON).or_raise()
    assert outcome.created
    assert outcome.account_id is not None
    account = session.get_one(Account, outcome.account_id)
    assert account.phone == PHONE
    assert queries.grants_of(session, account.id) == (Grant(Role.CONSUMER),)
    again = try_code(session, send(session, seconds=60), seconds=60).or_raise()
    assert again.account_id == account.id
    assert not again.created


def test_a_code_is_good_once(session: Session) -> None:
    code = send(session)
    try_code(session, code).or_raise()
    refusal = try_code(session, code).refusal
    assert isinstance(refusal, WrongCode)
    assert session.scalar(select(func.count()).select_from(SignIn)) == 1


def test_a_code_is_good_for_five_minutes(session: Session) -> None:
    code = send(session)
    assert isinstance(try_code(session, code, seconds=300).refusal, WrongCode)
    assert try_code(session, code, seconds=299).refusal is None


def test_after_five_wrong_tries_the_code_is_dead(session: Session) -> None:
    code = send(session)
    for _ in range(5):
        assert isinstance(try_code(session, wrong(code)).refusal, WrongCode)
    assert isinstance(try_code(session, code).refusal, WrongCode)
    assert session.scalar(select(func.count()).select_from(Account)) == 0


def test_only_the_newest_code_counts(session: Session) -> None:
    old = send(session)
    new = send(session, seconds=60)
    if old != new:
        assert isinstance(try_code(session, old, seconds=61).refusal, WrongCode)
    assert try_code(session, new, seconds=61).refusal is None


def test_a_code_may_be_typed_with_spaces_and_full_width(session: Session) -> None:
    code = send(session)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert try_code(session, f" {wide[:3]} {wide[3:]} ").refusal is None


def test_a_code_is_good_for_its_own_purpose_only(session: Session) -> None:
    new_account(session)
    services.send_code(session, EMAIL, "reset", actor=NOBODY, now=NOON)
    code = code_in(last_letter(session, EMAIL))
    outcome = services.sign_up_by_email(
        session, email=EMAIL, code=code, password=PASSWORD, now=NOON
    )
    assert isinstance(outcome.refusal, WrongCode)


def test_a_second_code_within_a_minute_is_refused(session: Session) -> None:
    send(session)
    with pytest.raises(TooSoon) as refusal:
        send(session, seconds=20)
    assert refusal.value.params == {"seconds": 40}
    assert session.scalar(select(func.count()).select_from(SentMessage)) == 1
    send(session, seconds=60)


def test_ten_codes_a_day_go_to_one_phone(session: Session) -> None:
    for n in range(10):
        send(session, seconds=n * 60)
    with pytest.raises(TooManyCodes):
        send(session, seconds=3600)
    assert session.scalar(select(func.count()).select_from(OneTimeCode)) == 10
    send(session, seconds=86400)


def test_no_code_is_promised_that_nobody_can_send(session: Session) -> None:
    with pytest.raises(NoSender):
        services.send_code(
            session, PHONE, "sign_in", channels=frozenset({"email"}), actor=NOBODY, now=NOON
        )
    assert session.scalar(select(func.count()).select_from(OneTimeCode)) == 0


def test_the_code_itself_is_not_kept(session: Session) -> None:
    code = send(session)
    assert code not in session.scalars(select(OneTimeCode.code_hash)).one()


def test_signing_out_ends_this_sign_in_only(session: Session) -> None:
    account = new_account(session)
    here, there = (try_password(session, PASSWORD).or_raise().sign_in_id for _ in range(2))
    assert here is not None
    assert there is not None
    services.sign_out(session, here, actor=Actor(account.id), now=NOON)
    services.sign_out(session, here, actor=Actor(account.id), now=after(minutes=1))
    assert queries.visitor_by_sign_in(session, here, now=NOON) is None
    assert queries.visitor_by_sign_in(session, there, now=NOON) is not None
    assert session.get_one(SignIn, here).ended_at == NOON


def test_nobody_signs_somebody_else_out(session: Session) -> None:
    new_account(session)
    sign_in = try_password(session, PASSWORD).or_raise().sign_in_id
    assert sign_in is not None
    stranger = new_account(session, email="stranger@example.com")
    for actor in (Actor(stranger.id), NOBODY):
        with pytest.raises(NotFound):
            services.sign_out(session, sign_in, actor=actor, now=NOON)
    assert queries.visitor_by_sign_in(session, sign_in, now=NOON) is not None


def test_signing_out_everywhere_ends_every_sign_in(session: Session) -> None:
    account = new_account(session)
    ids = [try_password(session, PASSWORD).or_raise().sign_in_id for _ in range(3)]
    assert len(queries.sign_ins_of(session, account.id, now=NOON)) == 3
    assert services.sign_out_everywhere(session, actor=Actor(account.id), now=NOON) == 2
    assert queries.sign_ins_of(session, account.id, now=NOON) == []
    for sign_in in ids:
        assert sign_in is not None
        assert queries.visitor_by_sign_in(session, sign_in, now=NOON) is None
    with pytest.raises(NotSignedIn):
        services.sign_out_everywhere(session, actor=NOBODY, now=NOON)


def test_a_demo_account_opens_without_a_password_and_no_other_does(session: Session) -> None:
    demo = new_account(session, email="demo@demo.example", demo=True)
    other = new_account(session)
    outcome = services.sign_in_to_demo(session, demo.id, now=NOON).or_raise()
    assert outcome.account_id == demo.id
    for account_id in (other.id, 999_999):
        with pytest.raises(NotFound):
            services.sign_in_to_demo(session, account_id, now=NOON)
    assert [one.account_id for one in queries.demo_accounts(session)] == [demo.id]
