"""Signing in and out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from foundation.errors import NotFound, NotSignedIn
from parties.people.audit import audit
from parties.people.errors import AccountClosed, LockedOut, WrongPassword
from parties.people.models import Account, SignIn
from parties.people.passwords import hash_password, is_outdated, is_password
from parties.people.permissions import SYSTEM, Actor, Grant, Role
from parties.people.queries import grants_of
from parties.people.rules import (
    lock_for,
    minutes_left,
    normal_email,
    normal_password,
    normal_phone,
    stay_for,
)
from parties.people.services.codes import account_at, use_code
from parties.people.services.outcome import Outcome
from parties.people.services.roles import add_grant


@dataclass(frozen=True, slots=True)
class Proof:
    """What a check of a password came to; made by `check_password`, spent by a verb."""

    account_id: int | None
    right: bool
    password_hash: str | None = None
    """The hash that was compared; when the account has another by now, the proof is worthless."""
    fresh_hash: str | None = None
    """A hash with today's parameters, when the kept one is outdated."""


def check_password(session: Session, email: str, password: str) -> Proof:
    """Compare a password with the one of the account at `email`.

    It is slow on purpose and only reads: call it outside the transaction, or on SQLite every
    till would wait for it. Takes as long when there is no such account. Raises BadInput when
    `email` is no e-mail address.
    """
    return _prove(account_at(session, normal_email(email)), password)


def check_own_password(session: Session, account_id: int, password: str) -> Proof:
    """Compare a password with the one of a known account; otherwise like `check_password`."""
    return _prove(session.get(Account, account_id), password)


def sign_in_by_password(
    session: Session, proof: Proof, *, now: datetime, device: str = ""
) -> Outcome:
    """Sign in with a password that `check_password` has compared.

    The outcome's refusal is WrongPassword, LockedOut (after five wrong ones in a row: one minute,
    doubling to an hour; a right password does not open a locked account) or AccountClosed.
    """
    account = spend_proof(session, proof, now=now)
    if not isinstance(account, Account):
        return account
    if account.disabled_at is not None:
        return Outcome(refusal=_closed())
    if proof.fresh_hash is not None:
        account.password_hash = proof.fresh_hash
    return begin_sign_in(session, account, how="sign_in_by_password", now=now, device=device)


def spend_proof(session: Session, proof: Proof, *, now: datetime) -> Account | Outcome:
    """Count a proof against its account: the locked row when it holds, else the refusal."""
    wrong = Outcome(refusal=WrongPassword("The e-mail address or the password is wrong"))
    if proof.account_id is None:
        return wrong
    account = session.get(Account, proof.account_id, with_for_update=True)
    if account is None:
        return wrong
    if account.locked_until is not None and account.locked_until > now:
        return Outcome(refusal=_locked(account.locked_until, now))
    if not proof.right or account.password_hash != proof.password_hash:
        account.failures += 1
        lock = lock_for(account.failures)
        if lock is None:
            return wrong
        account.locked_until = now + lock
        audit(
            session,
            "lock_account",
            "account",
            account.id,
            actor=SYSTEM,
            now=now,
            after={"failures": account.failures, "minutes": int(lock.total_seconds() // 60)},
        )
        return Outcome(refusal=_locked(account.locked_until, now))
    account.failures, account.locked_until = 0, None
    return account


def sign_in_by_code(
    session: Session,
    phone: str,
    code: str,
    *,
    now: datetime,
    device: str = "",
    language: str = "zh",
) -> Outcome:
    """Sign in by the code sent to a phone; a phone that is new here gets a consumer's account.

    The outcome's refusal is WrongCode or AccountClosed. Raises BadInput when `phone` is none.
    """
    phone = normal_phone(phone)
    refusal = use_code(session, phone, "sign_in", code, now=now)
    if refusal is not None:
        return Outcome(refusal=refusal)
    account = account_at(session, phone)
    created = account is None
    if account is None:
        account = Account(phone=phone, display_name="", language=language, created_at=now)
        session.add(account)
        session.flush()
        add_grant(session, account.id, Grant(Role.CONSUMER), actor=Actor(account.id), now=now)
        audit(
            session,
            "sign_up_by_code",
            "account",
            account.id,
            actor=Actor(account.id),
            now=now,
            after={"fields": ["phone"], "language": language},
        )
    if account.disabled_at is not None:
        return Outcome(refusal=_closed())
    return begin_sign_in(
        session,
        account,
        how="sign_in_by_code",
        now=now,
        device=device,
        created=created,
    )


def sign_in_to_demo(
    session: Session, account_id: int, *, now: datetime, device: str = ""
) -> Outcome:
    """Sign in to one of the demo's accounts without a password; NotFound for every other."""
    account = session.get(Account, account_id)
    if account is None or not account.demo or account.disabled_at is not None:
        raise NotFound("There is no such demo account")
    if account.password_hash is None:  # one of the crowd that fills the demo's year
        raise NotFound("There is no such demo account")
    return begin_sign_in(session, account, how="sign_in_to_demo", now=now, device=device)


def begin_sign_in(
    session: Session,
    account: Account,
    *,
    how: str,
    now: datetime,
    device: str = "",
    created: bool = False,
) -> Outcome:
    """Write down a new sign-in of `account`; two weeks for shoppers, twelve hours for staff."""
    roles = frozenset(grant.role for grant in grants_of(session, account.id))
    row = SignIn(
        account_id=account.id,
        session_version=account.session_version,
        began_at=now,
        until=now + stay_for(roles),
        device=device[:60],
    )
    session.add(row)
    session.flush()
    audit(session, how, "sign_in", row.id, actor=Actor(account.id), now=now)
    return Outcome(account_id=account.id, sign_in_id=row.id, created=created)


def sign_out(session: Session, sign_in_id: int, *, actor: Actor, now: datetime) -> None:
    """End one of the actor's own sign-ins; NotFound for anybody else's."""
    row = session.get(SignIn, sign_in_id)
    if row is None or row.account_id != actor.id:
        raise NotFound("There is no such sign-in")
    if row.ended_at is None:
        row.ended_at = now
        audit(session, "sign_out", "sign_in", row.id, actor=actor, now=now)


def sign_out_everywhere(session: Session, *, actor: Actor, now: datetime) -> int:
    """End every sign-in of the actor, this one too; give the account's new session version."""
    account = session.scalar(select(Account).where(Account.id == actor.id).with_for_update())
    if account is None:
        raise NotSignedIn("Please sign in first")
    version = end_sign_ins(session, account, now=now)
    audit(
        session,
        "sign_out_everywhere",
        "account",
        account.id,
        actor=actor,
        now=now,
        before={"session_version": version - 1},
        after={"session_version": version},
    )
    return version


def end_sign_ins(session: Session, account: Account, *, now: datetime) -> int:
    """Raise the account's session version, which every older cookie then lacks."""
    account.session_version += 1
    session.execute(
        update(SignIn)
        .where(SignIn.account_id == account.id, SignIn.ended_at.is_(None))
        .values(ended_at=now)
    )
    session.flush()
    return account.session_version


def _prove(account: Account | None, password: str) -> Proof:
    password = normal_password(password)
    kept = account.password_hash if account is not None else None
    right = is_password(password, kept)
    fresh = hash_password(password) if right and kept and is_outdated(kept) else None
    return Proof(account.id if account is not None else None, right, kept, fresh)


def _locked(until: datetime, now: datetime) -> LockedOut:
    return LockedOut(
        "Too many wrong passwords; please try again in %(minutes)s minutes",
        minutes=minutes_left(until, now),
    )


def _closed() -> AccountClosed:
    return AccountClosed("This account has been closed")
