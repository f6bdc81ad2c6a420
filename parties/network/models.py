"""Tables of the network: the plan and what stands of it, as data of one region."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only


class Region(Base):
    """The one region of this installation and how its storefront is named."""

    __tablename__ = "regions"

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))
    site_zh: Mapped[str] = mapped_column(String(60))
    site_en: Mapped[str] = mapped_column(String(60))
    view_box: Mapped[str] = mapped_column(String(60))
    """Of the schematic map that the counties' shapes are drawn in."""
    map_note_zh: Mapped[str] = mapped_column(String(100), default="")
    map_note_en: Mapped[str] = mapped_column(String(200), default="")
    default_outlet_code: Mapped[str] = mapped_column(String(12))
    gs1_prefix: Mapped[str] = mapped_column(String(12))
    """GS1 company prefix under which this installation makes SSCCs."""


class PlanPeriod(Base):
    """One version of a plan; its targets are numbers to report against, never limits."""

    __tablename__ = "plan_periods"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(200))
    issued_on: Mapped[date]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    total: Mapped[int]


class PlanTarget(Base):
    """How many outlets of one tier a plan asks for."""

    __tablename__ = "plan_targets"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan_periods.id"), primary_key=True)
    tier: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int]
    sort: Mapped[int]
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))


class County(Base):
    """One county of the region."""

    __tablename__ = "counties"

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(30))
    name_en: Mapped[str] = mapped_column(String(60))
    short_zh: Mapped[str] = mapped_column(String(10))
    short_en: Mapped[str] = mapped_column(String(30))
    plan_class: Mapped[str] = mapped_column(String(20))
    specialities: Mapped[list[Any]] = mapped_column(JSON)
    map_order: Mapped[int]
    shape: Mapped[str] = mapped_column(String(4000))
    label_x: Mapped[int]
    label_y: Mapped[int]


class Town(Base):
    """One town, township or street office."""

    __tablename__ = "towns"

    code: Mapped[str] = mapped_column(String(9), primary_key=True)
    county_code: Mapped[str] = mapped_column(ForeignKey("counties.code"), index=True)
    name_zh: Mapped[str] = mapped_column(String(30))
    name_en: Mapped[str] = mapped_column(String(60))


class Organisation(Base):
    """A cooperative, union, enterprise, family farm, operator, institution or bureau."""

    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    kind: Mapped[str] = mapped_column(String(30))
    role: Mapped[str] = mapped_column(String(20), index=True)
    """supplier, platform_operator, outlet_operator, official, auditor or buyer."""
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(120))
    short_zh: Mapped[str] = mapped_column(String(30))
    short_en: Mapped[str] = mapped_column(String(60))
    story_zh: Mapped[str] = mapped_column(String(600), default="")
    story_en: Mapped[str] = mapped_column(String(1200), default="")
    uscc: Mapped[str] = mapped_column(String(18), unique=True)
    county_code: Mapped[str | None] = mapped_column(ForeignKey("counties.code"), index=True)
    town_code: Mapped[str | None] = mapped_column(ForeignKey("towns.code"))
    food_licence: Mapped[str | None] = mapped_column(String(20))
    member_households: Mapped[int] = mapped_column(default=0)
    linked_households: Mapped[int] = mapped_column(default=0)
    """Only a count; pages hide it below 5."""
    aid_mechanisms: Mapped[list[Any]] = mapped_column(JSON, default=list)
    demo: Mapped[bool] = mapped_column(default=False)


class Place(Base):
    """Somewhere goods can be. A transit place belongs to one shipment and has no GLN."""

    __tablename__ = "places"
    __table_args__ = (CheckConstraint("gln IS NOT NULL OR kind = 'transit'", "gln_unless_transit"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    gln: Mapped[str | None] = mapped_column(String(13), unique=True)
    kind: Mapped[str] = mapped_column(String(20), index=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(120))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    county_code: Mapped[str | None] = mapped_column(ForeignKey("counties.code"))
    town_code: Mapped[str | None] = mapped_column(ForeignKey("towns.code"))
    address_zh: Mapped[str] = mapped_column(String(120), default="")
    address_en: Mapped[str] = mapped_column(String(200), default="")


class Outlet(Base):
    """A hall, zone or counter: one row in the registry of the three specials."""

    __tablename__ = "outlets"
    __table_args__ = (
        CheckConstraint("mode IN ('online', 'offline')", "mode"),
        CheckConstraint("status IN ('planned', 'open', 'paused', 'closed')", "status"),
        Index("ix_outlets_tier_status", "tier", "status"),
    )

    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    tier: Mapped[str] = mapped_column(String(20))
    level: Mapped[str | None] = mapped_column(String(10))
    county_code: Mapped[str | None] = mapped_column(ForeignKey("counties.code"), index=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    mode: Mapped[str] = mapped_column(String(10))
    counter_type: Mapped[str | None] = mapped_column(String(10))
    venue: Mapped[str] = mapped_column(String(20), default="")
    status: Mapped[str] = mapped_column(String(10))
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(120))
    hours: Mapped[str] = mapped_column(String(40), default="")
    story_zh: Mapped[str] = mapped_column(String(600), default="")
    story_en: Mapped[str] = mapped_column(String(1200), default="")
    demo: Mapped[bool] = mapped_column(default=False)


class OutletStatusChange(Base):
    """One line of an outlet's history."""

    __tablename__ = "outlet_status_changes"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("outlets.place_id"), index=True)
    status: Mapped[str] = mapped_column(String(10))
    changed_on: Mapped[date]
    recorded_at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(Big)


insert_only(OutletStatusChange.__table__)  # type: ignore[arg-type]
