"""Tables of traceability: events, what they touched, templates, printed labels, recalls."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class TraceEvent(Base):
    """One EPCIS 2.0 event: what, when, where, why, how. Written once, never changed."""

    __tablename__ = "trace_events"
    __table_args__ = (
        Index("ix_trace_events_when", "event_time"),
        Index("ix_trace_events_step", "biz_step", "event_time"),
        Index("ix_trace_events_read_point", "read_point_id", "event_time"),
        Index("ix_trace_events_biz_location", "biz_location_id", "event_time"),
        Index("ix_trace_events_recorded", "record_time", "id"),
        Index(
            "uq_trace_events_event_uri",
            "event_uri",
            unique=True,
            sqlite_where=text("declared_at IS NULL"),
            postgresql_where=text("declared_at IS NULL"),
        ),
        Index("uq_trace_events_declaration", "event_uri", "declared_at", unique=True),
        Index(
            "ix_trace_events_declared",
            "declared_at",
            sqlite_where=text("declared_at IS NOT NULL"),
            postgresql_where=text("declared_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_type: Mapped[str] = mapped_column(String(20))
    action: Mapped[str | None] = mapped_column(String(8))
    biz_step: Mapped[str | None] = mapped_column(String(40))
    disposition: Mapped[str | None] = mapped_column(String(40))
    event_time: Mapped[datetime]
    record_time: Mapped[datetime]
    read_point_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    biz_location_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    """Who recorded it."""
    template_step: Mapped[str | None] = mapped_column(String(30))
    transaction_ref: Mapped[str | None] = mapped_column(String(80), index=True)
    """The act's own business transaction, such as a sale's or a shipment's key."""
    capture_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    """Made by the sender; the same key twice is one event."""
    actor_id: Mapped[int | None] = mapped_column(Big)
    document: Mapped[str] = mapped_column(Text)
    """The whole event as EPCIS 2.0 JSON-LD, every GS1 identifier in its canonical form."""
    event_uri: Mapped[str | None] = mapped_column(String(200))
    """Its eventID; an error declaration repeats the one of the event that it corrects."""
    declared_at: Mapped[datetime | None]
    """When it was declared an error; None for what happened."""
    event_hash: Mapped[str | None] = mapped_column(String(100))
    """CBV 2.0 event hash of a captured event, by which the same eventID is held to its content."""
    capture_job_id: Mapped[UUID | None]
    """The job that captured it; None for what this platform recorded itself."""
    sent: Mapped[str | None] = mapped_column(Text)
    """The event as its sender wrote it, where that differs from `document`."""
    public: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """True for the production steps that the public scan page tells whole."""


insert_only(TraceEvent.__table__)  # type: ignore[arg-type]


class EventLot(Base):
    """A lot that an event touched: as `epc` (observed), `input`, `output` or `child`."""

    __tablename__ = "event_lots"
    __table_args__ = (Index("ix_event_lots_way", "lot_id", "role", "whole_lot", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(8), primary_key=True)
    quantity: Mapped[int]
    """In base units of the lot's SKU."""
    whole_lot: Mapped[bool] = mapped_column(default=False)
    """True when the event is about the lot as such, and so about each of its items."""
    field: Mapped[str | None] = mapped_column(String(12))
    """The list in which the event names it, as in EventIdentifier; None when it does not."""


insert_only(EventLot.__table__)  # type: ignore[arg-type]


class EventSerial(Base):
    """A serialised unit that an event touched, directly or inside a case."""

    __tablename__ = "event_serials"
    __table_args__ = (Index("ix_event_serials_serial", "serial_id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    serial_id: Mapped[int] = mapped_column(ForeignKey("serials.id"), primary_key=True)
    field: Mapped[str | None] = mapped_column(String(12))
    """Where the event names it; None for what is only inside of a case that it names."""


insert_only(EventSerial.__table__)  # type: ignore[arg-type]


class EventUnit(Base):
    """A case that an event touched."""

    __tablename__ = "event_units"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(
        ForeignKey("logistic_units.id"), primary_key=True, index=True
    )
    field: Mapped[str | None] = mapped_column(String(12))
    """Where the event names it."""


insert_only(EventUnit.__table__)  # type: ignore[arg-type]


class EventCertificate(Base):
    """A paper attached to an event."""

    __tablename__ = "event_certificates"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), primary_key=True)
    certificate_id: Mapped[int] = mapped_column(
        ForeignKey("certificates.id"), primary_key=True, index=True
    )


insert_only(EventCertificate.__table__)  # type: ignore[arg-type]


class TraceTemplate(Base):
    """The steps that a kind of goods goes through; a new version leaves the old standing."""

    __tablename__ = "trace_templates"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    code: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(300))
    steps: Mapped[list[Any]] = mapped_column(JSON)


class LabelPrint(Base):
    """One printed range of labels."""

    __tablename__ = "label_prints"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lots.id"), index=True)
    kind: Mapped[str] = mapped_column(String(4), default="item")
    """item, lot or case; a case's numbers are SSCCs, a lot's labels have none."""
    first_serial: Mapped[str] = mapped_column(String(20))
    last_serial: Mapped[str] = mapped_column(String(20))
    count: Mapped[int]
    layout: Mapped[str] = mapped_column(String(20))
    again: Mapped[bool] = mapped_column(default=False)
    """These labels had been printed before."""
    reason: Mapped[str] = mapped_column(String(12), default="")
    """Why again: spoilt, lost or misprinted."""
    printed_at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(Big)


class Shipment(Base):
    """Cases on their way from one place to another, in a transit place of their own."""

    __tablename__ = "shipments"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    number: Mapped[str] = mapped_column(String(30), unique=True)
    from_place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    to_place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    transit_place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    carrier: Mapped[str] = mapped_column(String(40), default="")
    waybill_no: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[str] = mapped_column(String(12))
    """in_transit, received."""
    shipped_at: Mapped[datetime]
    received_at: Mapped[datetime | None]


class Recall(Base):
    """Goods called back, from which moment on nobody may sell them.

    What is recalled is said by `scope`: a lot, a place, a supplier's goods, what a certificate
    vouches for, or one item; exactly the id of that kind is set. Which lots that comes to are the
    holds that its event placed.
    """

    __tablename__ = "recalls"
    __table_args__ = (
        CheckConstraint("scope IN ('lot', 'place', 'supplier', 'certificate', 'item')", "scope"),
        CheckConstraint("level BETWEEN 1 AND 3", "level"),
        CheckConstraint("outcome IN ('', 'completed', 'lifted')", "outcome"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    number: Mapped[str] = mapped_column(String(30), unique=True)
    scope: Mapped[str] = mapped_column(String(12), default="lot", server_default="lot")
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lots.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("certificates.id"))
    serial_id: Mapped[int | None] = mapped_column(ForeignKey("serials.id"))
    since: Mapped[date | None]
    until: Mapped[date | None]
    """The days to which a place or a supplier is limited; None is no limit."""
    level: Mapped[int] = mapped_column(default=2, server_default="2")
    """1: grave harm, 2: some harm, 3: label only."""
    due_on: Mapped[date | None]
    reason_zh: Mapped[str] = mapped_column(String(300))
    reason_en: Mapped[str] = mapped_column(String(600))
    opened_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(Big)
    event_id: Mapped[UUID] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(Big)
    outcome: Mapped[str] = mapped_column(String(10), default="", server_default="")
    """completed: everything is accounted for, the goods stay blocked; lifted: a mistake, the
    blocks are gone."""
    end_reason: Mapped[str] = mapped_column(String(300), default="", server_default="")


class SsccSeries(Base):
    """The last serial reference given to a case under a GS1 company prefix."""

    __tablename__ = "sscc_series"

    gs1_prefix: Mapped[str] = mapped_column(String(12), primary_key=True)
    last_reference: Mapped[int] = mapped_column(Integer, default=0)
