"""Links that somebody set for a trade item, a lot, a unit, a case, a place or any other GS1 key."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.db import Base, Big

STANDING_DEFAULT = "role = 'default' AND retired_at IS NULL"


class ResolverLink(Base):
    """One link; retired links stay for the record.

    Our own scan pages are no rows: they are links of everything that the ledger knows.
    """

    __tablename__ = "resolver_links"
    __table_args__ = (
        Index("ix_resolver_links_path", "path"),
        Index(
            "uq_resolver_links_default",
            "path",
            unique=True,
            sqlite_where=text(STANDING_DEFAULT),
            postgresql_where=text(STANDING_DEFAULT),
        ),
        CheckConstraint("role IN ('plain', 'default', 'variant')", "known_role"),
        CheckConstraint("serial IS NULL OR lot_no IS NULL", "serial_without_lot"),
    )

    id: Mapped[int] = mapped_column(Big, primary_key=True)
    path: Mapped[str] = mapped_column(String(300))
    """Key and qualifiers as a Digital Link's path, `/01/.../10/...`, percent-encoded."""
    key_ai: Mapped[str] = mapped_column(String(4))
    key_value: Mapped[str] = mapped_column(String(30), index=True)
    lot_no: Mapped[str | None] = mapped_column(String(20))
    serial: Mapped[str | None] = mapped_column(String(20))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    """Whose goods the link is for; None: nobody's in this network."""
    link_type: Mapped[str] = mapped_column(String(60))
    """Name in the GS1 Web Vocabulary, such as `pip`."""
    href: Mapped[str] = mapped_column(String(500))
    title_zh: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(120))
    hreflang: Mapped[str] = mapped_column(String(40), default="")
    """Languages of the target, separated by commas; empty: not said."""
    media_type: Mapped[str] = mapped_column(String(80), default="")
    role: Mapped[str] = mapped_column(String(8), default="plain")
    """`default`, `variant` (one of gs1:defaultLinkMulti) or `plain`."""
    active_from: Mapped[datetime]
    active_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(Big)
    changed_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
