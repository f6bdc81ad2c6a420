"""Tables of people. The only ones that hold names, phones and addresses of persons."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from foundation.db import Base, Big, insert_only


class Account(Base):
    """Somebody who can sign in, by e-mail and password or by phone and one-time code."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", "email_or_phone"),
        CheckConstraint("language IN ('zh', 'en')", "language"),
        CheckConstraint("failures >= 0 AND session_version > 0", "counters"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    created_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    session_version: Mapped[int] = mapped_column(default=1)
    """Raised by a password change or 'sign out everywhere'; older cookies stop working."""
    disabled_at: Mapped[datetime | None]
    demo: Mapped[bool] = mapped_column(default=False)
    grants: Mapped[list["RoleGrant"]] = relationship(back_populates="account", lazy="raise")


class RoleGrant(Base):
    """One role of an account and what it is limited to."""

    __tablename__ = "role_grants"
    __table_args__ = (
        CheckConstraint(
            "role NOT IN ('supplier_owner', 'supplier_clerk') OR organisation_id IS NOT NULL",
            "supplier_has_organisation",
        ),
        CheckConstraint(
            "role NOT IN ('outlet_manager', 'counter_clerk') OR place_id IS NOT NULL",
            "counter_has_place",
        ),
        CheckConstraint(
            "role <> 'county_official' OR county_code IS NOT NULL", "official_has_county"
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    role: Mapped[str] = mapped_column(String(30))
    organisation_id: Mapped[int | None] = mapped_column(Big)
    place_id: Mapped[int | None] = mapped_column(Big)
    county_code: Mapped[str | None] = mapped_column(String(6))
    granted_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship(back_populates="grants", lazy="raise")


class OneTimeCode(Base):
    """A code sent to a phone or mailbox; only its hash is kept."""

    __tablename__ = "one_time_codes"
    __table_args__ = (Index("ix_one_time_codes_target", "target", "purpose"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    target: Mapped[str] = mapped_column(String(254))
    purpose: Mapped[str] = mapped_column(String(20))
    code_hash: Mapped[str] = mapped_column(String(128))
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class SignIn(Base):
    """One device on which somebody is signed in; the cookie names this row and nothing else."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    session_version: Mapped[int]
    """The account's version when this began; the sign-in counts only while they are equal."""
    began_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    device: Mapped[str] = mapped_column(String(60), default="")
    """Browser and system in two words, so that its owner knows it again."""


class ApiToken(Base):
    """A partner's key to the JSON doors; only its hash is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    last_used_on: Mapped[str | None] = mapped_column(String(10))
    """The last business day on which it changed something; reading leaves no mark."""
    revoked_at: Mapped[datetime | None]
    organisation_id: Mapped[int | None] = mapped_column(Big, index=True)
    """The organisation for whose systems it is; None for one that acts as its account."""
    scopes: Mapped[str] = mapped_column(String(120), default="", server_default="")
    """What a system may do with it, in words with blanks between; empty for one of an account."""


class SentMessage(Base):
    """A mail or text message, kept here so that the outbox holds its id and no person's address.

    `sent_at` is empty until a sender has taken it. A sender that hands it to somebody else
    leaves only the fact: target and texts are emptied. The demo's sender keeps them to be read.
    """

    __tablename__ = "sent_messages"
    __table_args__ = (CheckConstraint("channel IN ('email', 'sms')", "channel"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    channel: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    wanted_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what to which object, when, and what changed; ids and values only."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_object", "object_type", "object_id"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(Big, index=True)
    verb: Mapped[str] = mapped_column(String(60))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(60))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)


insert_only(AuditEntry.__table__)  # type: ignore[arg-type]
