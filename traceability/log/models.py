"""Tables of the transparency log: what waits, the leaves, full tiles, checkpoints, keys, witnesses.

Only full tiles are kept: what is still growing is read from the rows that it is made of.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big, insert_only

EVENTS = "events"
"""The log whose entries are the hashes of events."""
RECORDS = "records"
"""The log whose entries say what each event's public form is and whom it concerns."""


class LogQueue(Base):
    """An event that is written and not yet in the log; added with it, in its own transaction."""

    __tablename__ = "log_queue"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), unique=True)
    queued_at: Mapped[datetime]


class LogLeaf(Base):
    """One event in the log: where, and what its entries in both logs are made of."""

    __tablename__ = "log_leaves"

    leaf_index: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(ForeignKey("trace_events.id"), unique=True)
    event_hash: Mapped[str] = mapped_column(String(100), index=True)
    """The CBV 2.0 ni URI; its ASCII bytes are the entry of the log of events."""
    public_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 of the event's public form as canonical JSON (RFC 8785)."""
    subjects_root: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Merkle root over the lines that name what the event concerns."""
    subjects_count: Mapped[int]


insert_only(LogLeaf.__table__)  # type: ignore[arg-type]


class LogTile(Base):
    """A full tile of 256 hashes (C2SP tlog-tiles); never changes."""

    __tablename__ = "log_tiles"

    log: Mapped[str] = mapped_column(String(8), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tile_index: Mapped[int] = mapped_column(Big, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Root of the tile's own subtree: its hash in the level above."""
    hashes: Mapped[bytes] = mapped_column(LargeBinary(8192))


insert_only(LogTile.__table__)  # type: ignore[arg-type]


class LogCheckpoint(Base):
    """A signed checkpoint."""

    __tablename__ = "log_checkpoints"
    __table_args__ = (Index("ix_log_checkpoints_size", "log", "size"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    log: Mapped[str] = mapped_column(String(8))
    size: Mapped[int] = mapped_column(Big)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    signed_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
    """The signed note as it is served, without cosignatures."""


insert_only(LogCheckpoint.__table__)  # type: ignore[arg-type]


class LogSubject(Base):
    """One thing that a logged event concerns, under a tag made from the thing's name."""

    __tablename__ = "log_subjects"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 -- SQLAlchemy reads it once

    tag: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    leaf_index: Mapped[int] = mapped_column(
        ForeignKey("log_leaves.leaf_index"), primary_key=True, index=True
    )
    previous: Mapped[int | None] = mapped_column(Big)
    """Leaf of the event before this one that concerned the same thing."""
    home: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """Of an item: the tag of its lot."""


insert_only(LogSubject.__table__)  # type: ignore[arg-type]


class LogKey(Base):
    """A key of the log as it is published; the private half lies in a file or a setting."""

    __tablename__ = "log_keys"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    vkey: Mapped[str] = mapped_column(String(300), unique=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    """From then on it signs no more; what it signed stays good."""


class LogWitness(Base):
    """Somebody outside who watches that the log only grows, and says so by cosignatures."""

    __tablename__ = "log_witnesses"

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    vkey: Mapped[str] = mapped_column(String(300), unique=True)
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class LogCosignature(Base):
    """A witness's cosignature on one checkpoint."""

    __tablename__ = "log_cosignatures"
    __table_args__ = (UniqueConstraint("checkpoint_id", "witness_id"),)

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("log_checkpoints.id"))
    witness_id: Mapped[int] = mapped_column(ForeignKey("log_witnesses.id"), index=True)
    line: Mapped[str] = mapped_column(String(400))
    stamped_at: Mapped[datetime]


insert_only(LogCosignature.__table__)  # type: ignore[arg-type]
