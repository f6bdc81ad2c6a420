"""One-time codes: six digits to a phone or mailbox, good once and for five minutes."""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import Refused
from foundation.locks import lock_key
from parties.people.audit import audit
from parties.people.errors import NoSender, TooManyCodes, TooSoon, WrongCode
from parties.people.letters import code_letter, taken_letter
from parties.people.models import Account, OneTimeCode
from parties.people.permissions import Actor
from parties.people.rules import (
    CODE_DIGITS,
    CODE_LIFE,
    CODE_TRIES,
    DAY,
    code_wait,
    normal_code,
    normal_email,
    normal_phone,
)
from parties.people.services.letters_out import post_letter

Purpose = Literal["sign_in", "sign_up", "reset"]
BOTH_CHANNELS = frozenset({"email", "sms"})


def send_code(
    session: Session,
    target: str,
    purpose: Purpose,
    *,
    language: str = "zh",
    channels: frozenset[str] = BOTH_CHANNELS,
    actor: Actor,
    now: datetime,
) -> str:
    """Send a code to a phone (`sign_in`) or an e-mail address (`sign_up`, `reset`).

    Gives the target's one spelling. The answer is the same whether or not an account goes with
    the target: a sign-up for an address that has one sends its owner a warning instead, a reset
    for one that has none sends nothing.

    Raises BadInput (no such address can be), NoSender (this installation has no sender for the
    channel; `channels` names those it has), TooSoon (one code a minute) and TooManyCodes (ten a
    day).
    """
    channel = "sms" if purpose == "sign_in" else "email"
    target = normal_phone(target) if channel == "sms" else normal_email(target)
    if channel not in channels:
        raise NoSender("Codes can't be sent from here yet; please sign in another way")
    lock_key(session, f"people:{target}")
    _check_pace(session, target, now)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    row = OneTimeCode(
        target=target,
        purpose=purpose,
        code_hash=_hash(code),
        sent_at=now,
        expires_at=now + CODE_LIFE,
        tries=0,
    )
    session.add(row)
    session.flush()
    audit(session, "send_code", "one_time_code", row.id, actor=actor, now=now)
    account = account_at(session, target)
    minutes = int(CODE_LIFE.total_seconds() // 60)
    if purpose == "reset" and (account is None or account.disabled_at is not None):
        return target
    if purpose == "sign_up" and account is not None:
        row.expires_at = now  # nobody is told this code, and nobody may guess it
        letter = taken_letter(language=account.language)
    else:
        spoken = account.language if account is not None else language
        letter = code_letter(purpose, code, minutes, language=spoken)
    post_letter(session, channel, target, letter, now=now)
    return target


def use_code(
    session: Session, target: str, purpose: Purpose, code: str, *, now: datetime
) -> Refused | None:
    """Spend the newest code of `target`; None when it was right, else why not.

    Of two who bring the same code at once, one wins. A wrong one is counted, and after five the
    code is dead: the caller must commit even when the answer is no.
    """
    lock_key(session, f"people:{target}")
    row = session.scalar(
        select(OneTimeCode)
        .where(OneTimeCode.target == target, OneTimeCode.purpose == purpose)
        .order_by(OneTimeCode.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.used_at is not None or row.expires_at <= now or row.tries >= CODE_TRIES:
        return WrongCode("This code is no longer valid; please ask for a new one", field="code")
    if not _matches(normal_code(code), row.code_hash):
        row.tries += 1
        session.flush()
        return WrongCode("This is not the code that we sent", field="code")
    row.used_at = now
    session.flush()
    return None


def account_at(session: Session, target: str) -> Account | None:
    """Give the account whose e-mail address or phone is `target`, in its one spelling."""
    column = Account.email if "@" in target else Account.phone
    return session.scalar(select(Account).where(column == target))


def _check_pace(session: Session, target: str, now: datetime) -> None:
    sent = session.scalars(
        select(OneTimeCode.sent_at).where(
            OneTimeCode.target == target, OneTimeCode.sent_at > now - DAY
        )
    )
    wait = code_wait(list(sent), now)
    if wait is None:
        return
    if wait.seconds is None:
        raise TooManyCodes("No more codes go there today; please try again tomorrow")
    raise TooSoon(
        "A code has just been sent; the next one can go in %(seconds)s seconds",
        seconds=wait.seconds,
    )


def _hash(code: str, salt: str | None = None) -> str:
    salt = salt or secrets.token_hex(16)
    return f"{salt}${hashlib.sha256(f'{salt}:{code}'.encode()).hexdigest()}"


def _matches(code: str, code_hash: str) -> bool:
    salt, _, _ = code_hash.partition("$")
    return hmac.compare_digest(_hash(code, salt), code_hash)
