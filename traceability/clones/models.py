"""Tables of the scans: single scans, the alarms that they raised, codes under a coating."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big


class Scan(Base):
    """One scan of a code by somebody unknown; rows are added and, when old, swept away.

    Nothing here says who it was: `device` is a keyed hash of a random cookie and of the code, so
    that not even two codes scanned by one phone can be brought together, and its key changes.
    """

    __tablename__ = "scans"
    __table_args__ = (
        CheckConstraint("kind IN ('item', 'unknown', 'foreign', 'unreadable')", "kind"),
        Index("ix_scans_code", "gtin", "serial", "at"),
        Index("ix_scans_at", "at"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(10))
    """item: ours and recorded; unknown: under one of our GTINs, never recorded; foreign: a right
    code of somebody else; unreadable: no code at all."""
    gtin: Mapped[str] = mapped_column(String(14), default="")
    serial: Mapped[str] = mapped_column(String(20), default="")
    state: Mapped[str] = mapped_column(String(12), default="")
    """Of the item when it was scanned."""
    device: Mapped[str] = mapped_column(String(32))
    period: Mapped[int]
    """During which key `device` was made; hashes of two periods can't be compared."""
    area: Mapped[str | None] = mapped_column(String(6))
    """The county, as the front server or the person said; None when nobody did."""


class ScanAlarm(Base):
    """Scans that do not fit the state of what they scanned: for the supplier and officials."""

    __tablename__ = "scan_alarms"
    __table_args__ = (
        CheckConstraint("grade IN ('info', 'warn', 'alarm')", "grade"),
        CheckConstraint(
            "kind IN ('not_sent', 'many_devices', 'far', 'never_made', 'voided', 'wrong_lot',"
            " 'scratched_again', 'scratch_guessed')",
            "kind",
        ),
        Index(
            "uq_scan_alarms_open",
            "gtin",
            "serial",
            "kind",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    grade: Mapped[str] = mapped_column(String(5))
    """info, warn or alarm; while open it only rises."""
    gtin: Mapped[str] = mapped_column(String(14))
    serial: Mapped[str] = mapped_column(String(20))
    """Empty for `never_made`: one alarm for all invented numbers of a GTIN."""
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lots.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    """The supplier whom it concerns."""
    county_code: Mapped[str | None] = mapped_column(String(6), index=True)
    """Whose officials look into it: the county of the goods."""
    times: Mapped[int] = mapped_column(default=1)
    """How many scans it stands for."""
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What made it: devices, area, home, named_lot, serial, as far as they apply."""
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(Big)
    closed_note: Mapped[str] = mapped_column(String(300), default="")


class ScratchCode(Base):
    """The code under one item's coating: its keyed hash, and whether it has proven the item."""

    __tablename__ = "scratch_codes"
    __table_args__ = (Index("uq_scratch_codes_item", "gtin", "serial", unique=True),)

    serial_id: Mapped[int] = mapped_column(ForeignKey("serials.id"), primary_key=True)
    gtin: Mapped[str] = mapped_column(String(14))
    serial: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    wrong_tries: Mapped[int] = mapped_column(default=0)
