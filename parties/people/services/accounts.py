"""Opening, changing and closing accounts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from foundation.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from foundation.locks import lock_key
from foundation.outbox import publish
from parties.people.audit import audit
from parties.people.errors import AddressTaken, WrongCode, WrongPassword
from parties.people.letters import changed_letter
from parties.people.messages import AccountErased
from parties.people.models import Account, ApiToken, OneTimeCode, RoleGrant, SentMessage, SignIn
from parties.people.passwords import hash_password
from parties.people.permissions import Actor, Can, Grant, Role
from parties.people.rules import check_password_rules, normal_email, normal_name, normal_phone
from parties.people.services.codes import account_at, use_code
from parties.people.services.letters_out import post_letter
from parties.people.services.outcome import Outcome
from parties.people.services.roles import add_grant, grant_role
from parties.people.services.sign_in import Proof, begin_sign_in, end_sign_ins, spend_proof

LANGUAGES = ("zh", "en")


def sign_up_by_email(
    session: Session,
    *,
    email: str,
    code: str,
    password: str,
    display_name: str = "",
    language: str = "zh",
    now: datetime,
    device: str = "",
) -> Outcome:
    """Open a consumer's account for an address whose code (purpose `sign_up`) has come back.

    Signs in at once. The outcome's refusal is WrongCode. Raises BadInput and WeakPassword before
    the code is touched.
    """
    email = normal_email(email)
    name = normal_name(display_name)
    password = check_password_rules(password, email=email)
    refusal = use_code(session, email, "sign_up", code, now=now)
    if refusal is not None:
        return Outcome(refusal=refusal)
    if account_at(session, email) is not None:
        raise AddressTaken("This e-mail address already has an account", field="email")
    account = Account(
        email=email,
        password_hash=hash_password(password),
        display_name=name,
        language=_language(language),
        created_at=now,
    )
    session.add(account)
    session.flush()
    own = Actor(account.id)
    audit(
        session,
        "sign_up_by_email",
        "account",
        account.id,
        actor=own,
        now=now,
        after={"fields": ["email", "password", "display_name"], "language": account.language},
    )
    add_grant(session, account.id, Grant(Role.CONSUMER), actor=own, now=now)
    return begin_sign_in(
        session, account, how="sign_in_by_code", now=now, device=device, created=True
    )


def create_account(  # noqa: PLR0913 -- an account has that many parts
    session: Session,
    *,
    display_name: str,
    email: str | None = None,
    phone: str | None = None,
    password: str | None = None,
    language: str = "zh",
    grants: Sequence[Grant] = (),
    demo: bool = False,
    actor: Actor,
    now: datetime,
) -> Account:
    """Open an account for somebody else, with its roles: for operators, owners and seeding.

    Raises NotAllowed (each role needs the right to give it there; an account without roles, or a
    demo account, is for operators only), AddressTaken, BadInput, WeakPassword, ScopeMissing.
    """
    actor.must(Can.GRANT_ROLES)
    if demo or not grants:
        actor.must(Can.OPERATE)
    email = normal_email(email) if email else None
    phone = normal_phone(phone) if phone else None
    if email is None and phone is None:
        raise BadInput("An account needs an e-mail address or a phone", field="email")
    if password is not None:
        password = check_password_rules(password, email=email)
    for target in sorted(filter(None, (email, phone))):
        lock_key(session, f"people:{target}")
        if account_at(session, target) is not None:
            raise AddressTaken("This e-mail address or phone already has an account")
    account = Account(
        email=email,
        phone=phone,
        password_hash=hash_password(password) if password is not None else None,
        display_name=normal_name(display_name),
        language=_language(language),
        created_at=now,
        demo=demo,
    )
    session.add(account)
    session.flush()
    audit(
        session,
        "create_account",
        "account",
        account.id,
        actor=actor,
        now=now,
        after={"language": account.language, "demo": demo},
    )
    for grant in grants:
        grant_role(session, account.id, grant, actor=actor, now=now)
    return account


def reset_password(
    session: Session, *, email: str, code: str, password: str, now: datetime, device: str = ""
) -> Outcome:
    """Set a new password with the code sent for it, end every sign-in and sign in here.

    Also opens a locked account. The outcome's refusal is WrongCode. Raises BadInput and
    WeakPassword before the code is touched.
    """
    email = normal_email(email)
    password = check_password_rules(password, email=email)
    refusal = use_code(session, email, "reset", code, now=now)
    if refusal is not None:
        return Outcome(refusal=refusal)
    account = session.scalar(select(Account).where(Account.email == email).with_for_update())
    if account is None or account.disabled_at is not None:
        return Outcome(refusal=WrongCode("This is not the code that we sent", field="code"))
    _keep_demo(account)
    account.failures, account.locked_until = 0, None
    _set_password(session, account, password, verb="reset_password", now=now)
    return begin_sign_in(session, account, how="sign_in_by_code", now=now, device=device)


def change_password(
    session: Session,
    proof: Proof,
    new_password: str,
    *,
    actor: Actor,
    now: datetime,
    device: str = "",
) -> Outcome:
    """Replace one's own password after `check_own_password`; every other device is signed out.

    The outcome carries a new sign-in for this device. A wrong old password counts like one at
    sign-in: its refusal is WrongPassword or LockedOut. Raises WeakPassword, NotAllowed.
    """
    own = _own_account(session, actor)
    _keep_demo(own)
    if proof.account_id != own.id or own.email is None:
        raise NotAllowed("You may not do this here")
    password = check_password_rules(new_password, email=own.email)
    account = spend_proof(session, proof, now=now)
    if not isinstance(account, Account):
        if isinstance(account.refusal, WrongPassword):
            return Outcome(refusal=WrongPassword("This is not the password until now", field="old"))
        return account
    _set_password(session, account, password, verb="change_password", now=now)
    return begin_sign_in(session, account, how="sign_in_by_password", now=now, device=device)


def change_profile(
    session: Session, *, display_name: str, language: str, actor: Actor, now: datetime
) -> None:
    """Change one's own display name and language. Raises BadInput, NotSignedIn."""
    account = _own_account(session, actor)
    name, language = normal_name(display_name), _language(language)
    fields = [
        field
        for field, before, after in (
            ("display_name", account.display_name, name),
            ("language", account.language, language),
        )
        if before != after
    ]
    if not fields:
        return
    account.display_name, account.language = name, language
    audit(
        session,
        "change_profile",
        "account",
        account.id,
        actor=actor,
        now=now,
        after={"fields": fields},
    )


def erase_account(session: Session, *, actor: Actor, now: datetime) -> None:
    """Close one's own account for good and forget who it was.

    What it did stays, under its id. Address, phone, name and password go; so do its roles,
    tokens, sign-ins, codes and letters. Other rooms hear of it by AccountErased.
    """
    account = _own_account(session, actor)
    _keep_demo(account)
    targets = [target for target in (account.email, account.phone) if target]
    session.execute(delete(OneTimeCode).where(OneTimeCode.target.in_(targets)))
    session.execute(delete(SentMessage).where(SentMessage.target.in_(targets)))
    end_sign_ins(session, account, now=now)
    session.execute(update(SignIn).where(SignIn.account_id == account.id).values(device=""))
    for table in (RoleGrant, ApiToken):
        session.execute(
            update(table)
            .where(table.account_id == account.id, table.revoked_at.is_(None))
            .values(revoked_at=now)
        )
    session.execute(update(ApiToken).where(ApiToken.account_id == account.id).values(label=""))
    account.email = f"erased-{account.id}@erased.invalid"  # RFC 2606: never anybody's address
    account.phone, account.password_hash, account.display_name = None, None, ""
    account.failures, account.locked_until = 0, None
    account.disabled_at = now
    audit(session, "erase_account", "account", account.id, actor=actor, now=now)
    publish(session, AccountErased(account.id), now=now)


def _own_account(session: Session, actor: Actor) -> Account:
    if actor.id is None:
        raise NotSignedIn("Please sign in first")
    account = session.get(Account, actor.id, with_for_update=True)
    if account is None or account.disabled_at is not None:
        raise NotFound("There is no such account")
    return account


def _keep_demo(account: Account) -> None:
    if account.demo:  # everybody who tries the demo signs in with it
        raise NotAllowed("The demo's accounts keep their passwords and stay open")


def _set_password(
    session: Session, account: Account, password: str, *, verb: str, now: datetime
) -> None:
    account.password_hash = hash_password(password)
    version = end_sign_ins(session, account, now=now)
    audit(
        session,
        verb,
        "account",
        account.id,
        actor=Actor(account.id),
        now=now,
        after={"fields": ["password"], "session_version": version},
    )
    if account.email is not None:
        letter = changed_letter(language=account.language)
        post_letter(session, "email", account.email, letter, now=now)


def _language(asked: str) -> str:
    if asked not in LANGUAGES:
        raise BadInput("This language is not spoken here", field="language")
    return asked
