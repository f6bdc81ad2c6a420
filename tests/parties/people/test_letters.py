"""Letters leave through the outbox, and no personal data stays behind where it must not."""

import smtplib
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from typing import Any, Self

import pytest
import structlog
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.logs import init_logs
from foundation.db import Database
from foundation.outbox import OutboxMessage, deliver
from parties.people import sender, services
from parties.people.jobs import on_message_wanted
from parties.people.models import Account, AuditEntry, OneTimeCode, SentMessage, SignIn
from parties.people.permissions import NOBODY, Actor, Grant, Role
from parties.people.sender import CanNotSend, DemoSender, SmtpSender, sender_for
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


@dataclass
class Postman:
    """A sender that remembers."""

    channels: frozenset[str] = frozenset({"email", "sms"})
    keeps_letters: bool = False
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    broken: bool = False

    def send(self, channel: str, target: str, subject: str, body: str, *, now: datetime) -> None:
        """Remember the letter without its body."""
        assert body
        assert now.tzinfo is not None
        if self.broken:
            raise CanNotSend("no line")
        self.sent.append((channel, target, subject))


def ask_for_code(database: Database) -> None:
    with database.transaction() as session:
        services.send_code(session, PHONE, "sign_in", actor=NOBODY, now=NOON)


def test_a_letter_leaves_once_and_its_words_are_forgotten(database: Database) -> None:
    ask_for_code(database)
    postman = Postman()
    job = partial(on_message_wanted, sender=postman)
    assert deliver(database, {"MessageWanted": [job]}, now=after(seconds=1)) == 1
    assert postman.sent == [("sms", PHONE, "登录验证码")]
    with database.transaction() as session:
        letter = session.scalars(select(SentMessage)).one()
        assert (letter.target, letter.subject, letter.body) == ("", "", "")
        assert letter.sent_at == after(seconds=1)
        job(session, [{"message_id": letter.id}], NOON)
    assert len(postman.sent) == 1


def test_a_letter_that_does_not_leave_is_tried_again(database: Database) -> None:
    ask_for_code(database)
    postman = Postman(broken=True)
    handlers = {"MessageWanted": [partial(on_message_wanted, sender=postman)]}
    assert deliver(database, handlers, now=after(seconds=1)) == 0
    with database.reading() as session:
        letter = session.scalars(select(SentMessage)).one()
        assert letter.sent_at is None
        assert letter.target == PHONE
        waiting = session.scalars(select(OutboxMessage)).one()
        assert waiting.attempts == 1
        assert PHONE not in (waiting.last_error or "")
    postman.broken = False
    assert deliver(database, handlers, now=after(seconds=60)) == 1


def test_the_demo_keeps_its_letters(database: Database) -> None:
    ask_for_code(database)
    handlers = {"MessageWanted": [partial(on_message_wanted, sender=DemoSender())]}
    deliver(database, handlers, now=after(seconds=1))
    with database.reading() as session:
        letter = last_letter(session, PHONE)
        assert letter.sent_at == after(seconds=1)
        assert len(code_in(letter)) == 6


def test_letters_speak_the_readers_language(session: Session) -> None:
    services.send_code(session, PHONE, "sign_in", language="en", actor=NOBODY, now=NOON)
    assert "Your sign-in code" in last_letter(session, PHONE).subject
    new_account(session, language="en")
    services.send_code(session, EMAIL, "reset", language="zh", actor=NOBODY, now=NOON)
    assert "Your password reset code" in last_letter(session, EMAIL).subject


def test_trail_and_outbox_hold_no_personal_data(session: Session) -> None:
    name = "王小禾"
    account = new_account(session, Grant(Role.CONSUMER), Grant(Role.OPERATOR), phone=PHONE)
    actor = Actor(account.id, (Grant(Role.OPERATOR),))
    for _ in range(6):
        proof = services.check_password(session, EMAIL, "wrong")
        services.sign_in_by_password(session, proof, now=NOON)
    services.send_code(session, EMAIL, "reset", actor=NOBODY, now=NOON)
    code = code_in(last_letter(session, EMAIL))
    services.reset_password(session, email=EMAIL, code=code, password=PASSWORD, now=NOON)
    services.send_code(session, "13800000000", "sign_in", actor=NOBODY, now=NOON)
    services.change_profile(session, display_name="李四", language="en", actor=actor, now=NOON)
    services.issue_token(session, account.id, name, actor=actor, now=NOON)
    services.erase_account(session, actor=actor, now=NOON)
    entries = session.execute(select(AuditEntry.__table__)).all()
    messages = session.execute(select(OutboxMessage.__table__)).all()
    assert {entry.verb for entry in entries} >= {"lock_account", "reset_password", "erase_account"}
    text = f"{entries} {messages}"
    for hidden in (name, "李四", EMAIL, PHONE, "13800000000", code, PASSWORD):
        assert hidden not in text


def test_a_fault_is_kept_and_logged_without_personal_data(
    shared: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"email": "li@example.com", "display_name": "李四", "language": "fr", "created_at": NOON}

    def break_down(session: Session, _payloads: object, _now: datetime) -> None:
        session.execute(insert(Account), row)

    ask_for_code(shared)
    kept = structlog.get_config()
    try:
        init_logs()
        deliver(shared, {"MessageWanted": [break_down]}, now=after(seconds=1))
        with pytest.raises(IntegrityError) as error, shared.transaction() as session:
            session.execute(insert(Account), row)
        structlog.get_logger().error("fault", exc_info=error.value)
    finally:
        structlog.configure(**kept)
    with shared.reading() as session:
        letter = session.scalars(select(OutboxMessage)).one()
        assert "IntegrityError" in (letter.last_error or "")
    logged = capsys.readouterr().err
    assert "IntegrityError" in logged
    for hidden in ("li@example.com", "李四", PHONE):
        assert hidden not in f"{letter.last_error}{logged}"


def test_what_is_old_is_forgotten(session: Session) -> None:
    new_account(session)
    proof = services.check_password(session, EMAIL, PASSWORD)
    services.sign_in_by_password(session, proof, now=NOON)
    services.send_code(session, EMAIL, "reset", actor=NOBODY, now=NOON)
    last_letter(session, EMAIL).sent_at = NOON
    session.flush()
    services.forget_old(session, now=after(days=1))
    assert len(session.scalars(select(OneTimeCode)).all()) == 1
    services.forget_old(session, now=after(days=120))
    for table in (OneTimeCode, SentMessage, SignIn):
        assert session.scalars(select(table)).all() == []


@dataclass
class FakeServer:
    """Stands in for smtplib's connection and writes down what was asked of it."""

    asked: list[Any]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.append("quit")

    def starttls(self, **_: object) -> None:
        """Note that it was asked for."""
        self.asked.append("starttls")

    def login(self, user: str, password: str) -> None:
        """Note who came."""
        self.asked.append(("login", user, password))

    def send_message(self, mail: EmailMessage) -> None:
        """Keep the mail."""
        self.asked.append(mail)


@pytest.mark.parametrize(
    ("url", "port", "first"),
    [
        ("smtp://shop:p%40ss@mail.example", 587, "starttls"),
        ("smtps://shop:p%40ss@mail.example", 465, ("login", "shop", "p@ss")),
        ("smtp://localhost:2525", 2525, None),
    ],
)
def test_mail_goes_to_the_server_and_passwords_only_under_tls(
    monkeypatch: pytest.MonkeyPatch, url: str, port: int, first: object
) -> None:
    asked: list[Any] = []

    def connect(host: str, at: int, **_: object) -> FakeServer:
        asked.append((host, at))
        return FakeServer(asked)

    monkeypatch.setattr(smtplib, "SMTP", connect)
    monkeypatch.setattr(smtplib, "SMTP_SSL", connect)
    post = SmtpSender(url, "山货 <post@shop.example>")
    post.send("email", EMAIL, "登录验证码", "正文", now=NOON)
    assert asked[0][1] == port
    if first is not None:
        assert asked[1] == first
    mail = asked[-2]
    assert (mail["To"], mail["Subject"]) == (EMAIL, "登录验证码")
    assert mail["Message-ID"].endswith("@shop.example>")
    assert mail.get_content().strip() == "正文"


def test_a_mail_server_sends_no_text_messages() -> None:
    with pytest.raises(CanNotSend):
        SmtpSender("smtp://localhost", "a@b.example").send("sms", PHONE, "", "x", now=NOON)


@dataclass(frozen=True)
class MailOnly:
    """As much of the settings as a sender is chosen by."""

    demo: bool
    smtp_url: str | None
    mail_from: str = "post@shop.example"


def test_settings_choose_the_sender() -> None:
    assert isinstance(sender_for(MailOnly(demo=True, smtp_url="smtp://x")), DemoSender)
    assert sender_for(MailOnly(demo=False, smtp_url="smtp://x")).channels == {"email"}
    with pytest.raises(CanNotSend):
        sender_for(MailOnly(demo=False, smtp_url=None))
    assert sender.PATIENCE <= 10
