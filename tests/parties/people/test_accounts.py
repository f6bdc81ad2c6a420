"""Opening, changing and closing accounts."""

import json

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from foundation.outbox import OutboxMessage
from parties.people import queries, services
from parties.people.errors import (
    AddressTaken,
    LockedOut,
    ScopeMissing,
    WeakPassword,
    WrongCode,
    WrongPassword,
)
from parties.people.models import (
    Account,
    ApiToken,
    AuditEntry,
    OneTimeCode,
    RoleGrant,
    SentMessage,
)
from parties.people.permissions import NOBODY, SYSTEM, Actor, Grant, Role
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

NEW = "山后又是一座山和一条河"


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def send(session: Session, purpose: str, *, seconds: float = 0) -> str:
    services.send_code(session, EMAIL, purpose, actor=NOBODY, now=after(seconds=seconds))  # type: ignore[arg-type]
    return code_in(last_letter(session, EMAIL))


def sign_up(session: Session, code: str, **other: str) -> Outcome:
    told = {"email": EMAIL, "password": PASSWORD, "display_name": "王小禾"} | other
    return services.sign_up_by_email(session, code=code, now=NOON, **told)


def sign_in(session: Session, password: str = PASSWORD) -> Outcome:
    proof = services.check_password(session, EMAIL, password)
    return services.sign_in_by_password(session, proof, now=NOON)


def test_sign_up_opens_a_consumers_account_and_signs_in(session: Session) -> None:
    outcome = sign_up(session, send(session, "sign_up")).or_raise()
    assert outcome.created
    assert outcome.account_id is not None
    account = session.get_one(Account, outcome.account_id)
    assert (account.email, account.display_name, account.language) == (EMAIL, "王小禾", "zh")
    assert account.password_hash is not None
    assert PASSWORD not in account.password_hash
    assert account.password_hash.startswith("$argon2id$")
    assert queries.grants_of(session, account.id) == (Grant(Role.CONSUMER),)
    assert sign_in(session).refusal is None


def test_sign_up_with_a_wrong_code_opens_nothing(session: Session) -> None:
    code = send(session, "sign_up")
    outcome = sign_up(session, f"{(int(code) + 1) % 10**6:06}")
    assert isinstance(outcome.refusal, WrongCode)
    assert count(session, Account) == 0


def test_a_weak_password_does_not_spend_the_code(session: Session) -> None:
    code = send(session, "sign_up")
    with pytest.raises(WeakPassword):
        sign_up(session, code, password="1234567890")
    with pytest.raises(BadInput):
        sign_up(session, code, language="fr")
    assert count(session, Account) == 0


def test_an_address_that_has_an_account_is_told_by_mail_only(session: Session) -> None:
    new_account(session)
    told = services.send_code(session, EMAIL, "sign_up", actor=NOBODY, now=NOON)
    assert told == EMAIL
    letter = last_letter(session, EMAIL)
    assert "已经有账号" in letter.subject
    assert not any(word.isdecimal() and len(word) == 6 for word in letter.body.split())
    assert isinstance(sign_up(session, "000000").refusal, WrongCode)
    assert count(session, Account) == 1


def test_an_address_cannot_get_a_second_account(session: Session) -> None:
    new_account(session, phone=PHONE)
    for other in ({"email": EMAIL}, {"email": None, "phone": PHONE, "password": None}):
        with pytest.raises(AddressTaken):
            new_account(session, **other)
    assert count(session, Account) == 1


def test_an_account_needs_an_address_or_a_phone(session: Session) -> None:
    with pytest.raises(BadInput):
        new_account(session, email=None)
    assert count(session, Account) == 0


def test_an_owner_opens_accounts_for_the_own_house_only(session: Session) -> None:
    owner = Actor(7, (Grant(Role.SUPPLIER_OWNER, organisation_id=1),))
    clerk = services.create_account(
        session,
        display_name="李店员",
        email="li@example.com",
        grants=(Grant(Role.SUPPLIER_CLERK, organisation_id=1),),
        actor=owner,
        now=NOON,
    )
    assert queries.actor_of(session, clerk.id).grants == (
        Grant(Role.SUPPLIER_CLERK, organisation_id=1),
    )
    for grants in ((), (Grant(Role.SUPPLIER_CLERK, organisation_id=2),), (Grant(Role.OPERATOR),)):
        with pytest.raises(NotAllowed), session.begin_nested():
            services.create_account(
                session,
                display_name="",
                email="zhao@example.com",
                grants=grants,
                actor=owner,
                now=NOON,
            )
    with pytest.raises(NotAllowed):
        services.create_account(
            session, display_name="", email="zhao@example.com", actor=NOBODY, now=NOON
        )
    assert count(session, Account) == 1


def test_a_reset_gets_the_same_answer_with_and_without_an_account(session: Session) -> None:
    new_account(session)
    for email in (EMAIL, "nobody@example.com"):
        told = services.send_code(session, email, "reset", actor=NOBODY, now=NOON)
        assert told == email
    assert list(session.scalars(select(SentMessage.target))) == [EMAIL]
    for email in (EMAIL, "nobody@example.com"):
        outcome = services.reset_password(
            session, email=email, code="not it", password=NEW, now=NOON
        )
        assert isinstance(outcome.refusal, WrongCode)


def test_a_reset_sets_the_password_once_and_ends_old_sign_ins(session: Session) -> None:
    new_account(session)
    old = sign_in(session).or_raise().sign_in_id
    code = send(session, "reset")
    outcome = services.reset_password(session, email=EMAIL, code=code, password=NEW, now=NOON)
    assert outcome.or_raise().sign_in_id != old
    assert old is not None
    assert outcome.sign_in_id is not None
    assert queries.visitor_by_sign_in(session, old, now=NOON) is None
    assert queries.visitor_by_sign_in(session, outcome.sign_in_id, now=NOON) is not None
    assert isinstance(sign_in(session).refusal, WrongPassword)
    assert sign_in(session, NEW).refusal is None
    assert "密码已更改" in last_letter(session, EMAIL).subject
    again = services.reset_password(session, email=EMAIL, code=code, password=PASSWORD, now=NOON)
    assert isinstance(again.refusal, WrongCode)
    assert sign_in(session, NEW).refusal is None


def test_a_reset_opens_a_locked_account(session: Session) -> None:
    new_account(session)
    for _ in range(5):
        sign_in(session, "wrong")
    assert isinstance(sign_in(session).refusal, LockedOut)
    code = send(session, "reset")
    services.reset_password(session, email=EMAIL, code=code, password=NEW, now=NOON).or_raise()
    assert sign_in(session, NEW).refusal is None


def test_a_new_password_ends_every_other_sign_in(session: Session) -> None:
    account = new_account(session)
    old = sign_in(session).or_raise().sign_in_id
    proof = services.check_own_password(session, account.id, PASSWORD)
    actor = Actor(account.id)
    outcome = services.change_password(session, proof, NEW, actor=actor, now=NOON).or_raise()
    assert old is not None
    assert outcome.sign_in_id is not None
    assert queries.visitor_by_sign_in(session, old, now=NOON) is None
    assert queries.visitor_by_sign_in(session, outcome.sign_in_id, now=NOON) is not None
    assert sign_in(session, NEW).refusal is None


def test_a_new_password_needs_the_old_one(session: Session) -> None:
    account = new_account(session)
    kept = account.password_hash
    actor = Actor(account.id)
    for n in range(5):
        proof = services.check_own_password(session, account.id, "wrong")
        outcome = services.change_password(session, proof, NEW, actor=actor, now=NOON)
        assert isinstance(outcome.refusal, LockedOut if n == 4 else WrongPassword)
    assert account.password_hash == kept


def test_nobody_changes_somebody_elses_password(session: Session) -> None:
    account = new_account(session)
    stranger = new_account(session, email="stranger@example.com")
    kept = account.password_hash
    proof = services.check_own_password(session, account.id, PASSWORD)
    with pytest.raises(NotAllowed):
        services.change_password(session, proof, NEW, actor=Actor(stranger.id), now=NOON)
    with pytest.raises(NotSignedIn):
        services.change_password(session, proof, NEW, actor=NOBODY, now=NOON)
    assert account.password_hash == kept


def test_the_profile_changes_and_the_trail_names_fields_only(session: Session) -> None:
    account = new_account(session)
    actor = Actor(account.id)
    for _ in range(2):
        services.change_profile(session, display_name="王 禾", language="en", actor=actor, now=NOON)
    assert (account.display_name, account.language) == ("王 禾", "en")
    entries = list(session.scalars(select(AuditEntry).where(AuditEntry.verb == "change_profile")))
    assert [entry.after for entry in entries] == [{"fields": ["display_name", "language"]}]
    with pytest.raises(BadInput):
        services.change_profile(session, display_name="", language="fr", actor=actor, now=NOON)
    with pytest.raises(NotFound):
        services.change_profile(
            session, display_name="", language="zh", actor=Actor(999_999), now=NOON
        )


def test_an_erased_account_keeps_its_id_and_nothing_else(session: Session) -> None:
    account = new_account(session, Grant(Role.OPERATOR), phone=PHONE)
    actor = queries.actor_of(session, account.id)
    services.issue_token(session, account.id, "收银台", actor=actor, now=NOON)
    sign_in_id = sign_in(session).or_raise().sign_in_id
    send(session, "reset")
    services.erase_account(session, actor=actor, now=NOON)
    session.expire_all()
    account = session.get_one(Account, account.id)
    assert account.email == f"erased-{account.id}@erased.invalid"
    assert (account.phone, account.password_hash, account.display_name) == (None, None, "")
    assert sign_in_id is not None
    assert queries.visitor_by_sign_in(session, sign_in_id, now=NOON) is None
    assert queries.actor_of(session, account.id) == NOBODY
    assert count(session, SentMessage) == count(session, OneTimeCode) == 0
    assert session.scalars(select(RoleGrant.revoked_at)).one() == NOON
    token = session.scalars(select(ApiToken)).one()
    assert (token.revoked_at, token.label) == (NOON, "")
    kinds = list(session.scalars(select(OutboxMessage.kind)))
    assert kinds.count("AccountErased") == 1
    with pytest.raises(NotFound):
        services.erase_account(session, actor=actor, now=NOON)
    assert new_account(session).id != account.id


def test_a_role_needs_what_it_is_limited_to(session: Session) -> None:
    account = new_account(session)
    for grant in (
        Grant(Role.SUPPLIER_OWNER),
        Grant(Role.SUPPLIER_CLERK, place_id=1),
        Grant(Role.OUTLET_MANAGER, organisation_id=1),
        Grant(Role.COUNTER_CLERK),
        Grant(Role.COUNTY_OFFICIAL),
    ):
        with pytest.raises(ScopeMissing):
            services.grant_role(session, account.id, grant, actor=SYSTEM, now=NOON)
    assert queries.grants_of(session, account.id) == (Grant(Role.CONSUMER),)


def test_a_role_is_given_once_taken_back_and_written_down(session: Session) -> None:
    account = new_account(session)
    grant = Grant(Role.COUNTER_CLERK, place_id=5)
    first = services.grant_role(session, account.id, grant, actor=SYSTEM, now=NOON)
    second = services.grant_role(session, account.id, grant, actor=SYSTEM, now=NOON)
    assert first.id == second.id
    assert grant in queries.actor_of(session, account.id).grants
    for _ in range(2):
        services.revoke_role(session, first.id, actor=SYSTEM, now=after(minutes=1))
    assert grant not in queries.actor_of(session, account.id).grants
    own = (AuditEntry.object_type == "account") & (AuditEntry.object_id == str(account.id))
    verbs = list(session.scalars(select(AuditEntry.verb).where(own).order_by(AuditEntry.id)))
    assert verbs == ["create_account", "grant_role", "grant_role", "revoke_role"]


@pytest.mark.parametrize(
    ("own", "given"),
    [
        (Grant(Role.SUPPLIER_OWNER, organisation_id=1), Grant(Role.SUPPLIER_CLERK, 2)),
        (Grant(Role.SUPPLIER_OWNER, organisation_id=1), Grant(Role.SUPPLIER_OWNER, 1)),
        (Grant(Role.SUPPLIER_CLERK, organisation_id=1), Grant(Role.SUPPLIER_CLERK, 1)),
        (Grant(Role.OUTLET_MANAGER, place_id=1), Grant(Role.COUNTER_CLERK, None, 2)),
        (Grant(Role.CITY_OFFICIAL), Grant(Role.OPERATOR)),
        (Grant(Role.COUNTY_OFFICIAL, county_code="140524"), Grant(Role.AUDITOR)),
        (Grant(Role.AUDITOR), Grant(Role.CONSUMER)),
    ],
)
def test_nobody_gives_or_takes_a_role_beyond_their_own_reach(
    session: Session, own: Grant, given: Grant
) -> None:
    account = new_account(session)
    actor = Actor(7, (own,))
    with pytest.raises(NotAllowed):
        services.grant_role(session, account.id, given, actor=actor, now=NOON)
    held = services.grant_role(session, account.id, given, actor=SYSTEM, now=NOON)
    with pytest.raises(NotAllowed):
        services.revoke_role(session, held.id, actor=actor, now=NOON)
    assert held.revoked_at is None


def test_roles_go_to_open_accounts_only(session: Session) -> None:
    account = new_account(session)
    services.erase_account(session, actor=Actor(account.id), now=NOON)
    for account_id in (account.id, 999_999):
        with pytest.raises(NotFound):
            services.grant_role(session, account_id, Grant(Role.OPERATOR), actor=SYSTEM, now=NOON)
    with pytest.raises(NotFound):
        services.revoke_role(session, 999_999, actor=SYSTEM, now=NOON)


def test_own_data_holds_what_is_known_and_no_secrets(session: Session) -> None:
    account = new_account(session, Grant(Role.CONSUMER), Grant(Role.OPERATOR))
    actor = queries.actor_of(session, account.id)
    secret = services.issue_token(session, account.id, "收银台", actor=actor, now=NOON)
    sign_in(session)
    code = send(session, "reset")
    text = json.dumps(queries.own_data(session, account.id), ensure_ascii=False)
    for known in (EMAIL, "王小禾", "consumer", "operator", "收银台", "sign_in_by_password"):
        assert known in text
    assert account.password_hash is not None
    for hidden in (account.password_hash, secret, services.token_hash(secret), code):
        assert hidden not in text
    assert queries.own_data(session, 999_999) == {}
