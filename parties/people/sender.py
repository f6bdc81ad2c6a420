"""How letters leave: an interface, the demo's sender that keeps them, and mail by SMTP."""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

PATIENCE: Final = 10
"""Seconds; short, because on SQLite the sending transaction holds up every other writer."""


class CanNotSend(Exception):  # noqa: N818 -- the outbox keeps the letter and tries again
    """The letter did not leave."""


class Sender(Protocol):
    """Hands one letter on. Runs only from the outbox, after the request that wanted it."""

    @property
    def channels(self) -> frozenset[str]:
        """Give what it can send: "email", "sms"."""
        ...

    @property
    def keeps_letters(self) -> bool:
        """Tell whether letters stay readable after sending; true only of the demo's."""
        ...

    def send(self, channel: str, target: str, subject: str, body: str, *, now: datetime) -> None:
        """Hand the letter on, or raise CanNotSend or OSError to be called again later."""
        ...


@dataclass(frozen=True, slots=True)
class DemoSender:
    """Sends nothing: the letter stays in `sent_messages`, and the demo shows it on a page."""

    channels: frozenset[str] = frozenset({"email", "sms"})
    keeps_letters: bool = True

    def send(self, channel: str, target: str, subject: str, body: str, *, now: datetime) -> None:
        """Leave the letter where it is."""


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Sends mails through the server at `url`: smtp://user:password@host:587 or smtps://…:465."""

    url: str
    mail_from: str
    channels: frozenset[str] = frozenset({"email"})
    keeps_letters: bool = False

    def send(self, channel: str, target: str, subject: str, body: str, *, now: datetime) -> None:
        """Hand a mail to the server. Raises CanNotSend (not a mail) and what smtplib raises."""
        if channel != "email":
            raise CanNotSend(f"no sender for {channel}")
        mail = EmailMessage()
        domain = self.mail_from.rpartition("@")[2].rstrip(">") or "localhost"
        mail["From"], mail["To"], mail["Subject"] = self.mail_from, target, subject
        mail["Date"], mail["Message-ID"] = format_datetime(now), make_msgid(domain=domain)
        mail.set_content(body)
        with self._connect() as server:
            server.send_message(mail)

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, parts.port or 465, timeout=PATIENCE, context=context
            )
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=PATIENCE)
            if parts.username:  # a password never travels in the clear
                server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        return server


class MailSettings(Protocol):
    """The settings that choose a sender."""

    @property
    def demo(self) -> bool:
        """Tell whether this is a demo."""
        ...

    @property
    def smtp_url(self) -> str | None:
        """Give the mail server's address."""
        ...

    @property
    def mail_from(self) -> str:
        """Give the address in From."""
        ...


def sender_for(settings: MailSettings) -> Sender:
    """Choose the sender that the settings ask for; CanNotSend when production has none."""
    if settings.demo:
        return DemoSender()
    if settings.smtp_url is None:
        raise CanNotSend("SMTP_URL is missing")
    return SmtpSender(settings.smtp_url, settings.mail_from)
