"""Tables of the EPCIS interface: indexes over events, capture jobs, queries, subscriptions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class EventIdentifier(Base):
    """An identifier in an event that is not one of our own serials, lots, cases or places."""

    __tablename__ = "event_identifiers"
    __table_args__ = (Index("ix_event_identifiers_canonical", "canonical", "field", "event_time"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Where it stands: epc, child, parent, input, output, the same with Class, or a place."""
    canonical: Mapped[str] = mapped_column(String(300), primary_key=True)
    """Its one form: a Digital Link URI at id.gs1.org where GS1 defines one, else as it came."""
    event_time: Mapped[datetime]


insert_only(EventIdentifier.__table__)  # type: ignore[arg-type]


class EventFact(Base):
    """One value in an event that a query may ask for, under the path of its field."""

    __tablename__ = "event_facts"
    __table_args__ = (
        Index(
            "ix_event_facts_text",
            "path",
            "text",
            sqlite_where=text("text IS NOT NULL"),
            postgresql_where=text("text IS NOT NULL"),
        ),
        Index(
            "ix_event_facts_number",
            "path",
            "number",
            sqlite_where=text("number IS NOT NULL"),
            postgresql_where=text("number IS NOT NULL"),
        ),
        Index(
            "ix_event_facts_moment",
            "path",
            "moment",
            sqlite_where=text("moment IS NOT NULL"),
            postgresql_where=text("moment IS NOT NULL"),
        ),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(300))
    """As `traceability.epcis.facts` names fields, with namespaces written out."""
    text: Mapped[str | None] = mapped_column(String(240))
    number: Mapped[float | None]
    moment: Mapped[datetime | None]


insert_only(EventFact.__table__)  # type: ignore[arg-type]


class EpcisWord(Base):
    """A word that is not the standard's own and that came in with an event.

    Kinds: `prefix` (with its namespace), `bizStep`, `disposition`, `eventType`.
    """

    __tablename__ = "epcis_words"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    word: Mapped[str] = mapped_column(String(300), primary_key=True)
    namespace: Mapped[str] = mapped_column(String(300), primary_key=True, default="")


class MasterAttribute(Base):
    """One attribute of a vocabulary element, captured in a document's header (EPCIS 2.0 §6.5)."""

    __tablename__ = "master_attributes"
    __table_args__ = (
        Index("ix_master_attributes_value", "attribute", "value"),
        UniqueConstraint("organisation_id", "element", "attribute", "value"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    vocabulary: Mapped[str] = mapped_column(String(120))
    element: Mapped[str] = mapped_column(String(300), index=True)
    attribute: Mapped[str] = mapped_column(String(300))
    """Written out; `child` names the element's direct descendants."""
    value: Mapped[str] = mapped_column(String(300))
    recorded_at: Mapped[datetime]


class CaptureJob(Base):
    """One document or event that a partner sent, and what became of it."""

    __tablename__ = "capture_jobs"
    __table_args__ = (
        CheckConstraint("behaviour IN ('rollback', 'proceed')", "behaviour"),
        Index("ix_capture_jobs_mine", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    account_id: Mapped[int | None] = mapped_column(Big)
    behaviour: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    success: Mapped[bool]
    received: Mapped[int]
    """How many events the document held."""
    captured: Mapped[int]
    """How many of them are recorded, those that had been before included."""
    errors: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Problem details (RFC 7807), one for each refused event."""
    envelope: Mapped[str] = mapped_column(Text, default="")
    """The document without its events, as it was sent: sender, receiver, header, context."""


class NamedQuery(Base):
    """A query that a party keeps under a name."""

    __tablename__ = "named_queries"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    owner: Mapped[str] = mapped_column(String(30))
    """`o` and an organisation's id, or `a` and an account's."""
    name: Mapped[str] = mapped_column(String(120))
    query: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class Subscription(Base):
    """Who is told of what a named query finds, when, and what was last told."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index(
            "ix_subscriptions_due",
            "next_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    query_id: Mapped[int] = mapped_column(ForeignKey("named_queries.id"), index=True)
    account_id: Mapped[int] = mapped_column(Big)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    token_id: Mapped[int | None] = mapped_column(Big)
    """The token that subscribed; when it ends, so does the subscription."""
    dest: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str | None] = mapped_column(String(200))
    """The subscriber's signature token; reports are signed with it."""
    schedule: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Cron fields; None for a stream."""
    report_if_empty: Mapped[bool] = mapped_column(default=False)
    epc_format: Mapped[str] = mapped_column(String(30), default="No_Preference")
    initial_record_time: Mapped[datetime]
    min_record_time: Mapped[datetime]
    """Events recorded before have been told of, less a few that a slow transaction hid."""
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_notified_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class ReportedEvent(Base):
    """An event that a subscription has reported lately, so that none is told of twice."""

    __tablename__ = "reported_events"

    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("subscriptions.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    recorded_at: Mapped[datetime]


class WebhookReport(Base):
    """One report on its way to a subscriber, tried again with a doubled wait until it is taken."""

    __tablename__ = "webhook_reports"
    __table_args__ = (
        Index(
            "ix_webhook_reports_waiting",
            "next_at",
            sqlite_where=text("done_at IS NULL AND dead_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND dead_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    events: Mapped[int]
    made_at: Mapped[datetime]
    next_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(String(300))
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
