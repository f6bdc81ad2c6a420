"""Links that a resolver leads to."""

import sqlalchemy as sa
from alembic import op

import foundation.db

revision = "7e3a9c5d1b42"
down_revision = "7e21c0d94b3f"
branch_labels = None
depends_on = None

STANDING_DEFAULT = "role = 'default' AND retired_at IS NULL"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "resolver_links",
        sa.Column("id", big, nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("key_ai", sa.String(length=4), nullable=False),
        sa.Column("key_value", sa.String(length=30), nullable=False),
        sa.Column("lot_no", sa.String(length=20), nullable=True),
        sa.Column("serial", sa.String(length=20), nullable=True),
        sa.Column("organisation_id", big, nullable=True),
        sa.Column("link_type", sa.String(length=60), nullable=False),
        sa.Column("href", sa.String(length=500), nullable=False),
        sa.Column("title_zh", sa.String(length=80), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("hreflang", sa.String(length=40), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("active_from", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("active_until", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("created_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("created_by", big, nullable=True),
        sa.Column("changed_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("retired_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('plain', 'default', 'variant')", name=op.f("ck_resolver_links_known_role")
        ),
        sa.CheckConstraint(
            "serial IS NULL OR lot_no IS NULL", name=op.f("ck_resolver_links_serial_without_lot")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_resolver_links_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resolver_links")),
    )
    with op.batch_alter_table("resolver_links", schema=None) as batch_op:
        batch_op.create_index("ix_resolver_links_path", ["path"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_resolver_links_key_value"), ["key_value"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_resolver_links_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(
            "uq_resolver_links_default",
            ["path"],
            unique=True,
            sqlite_where=sa.text(STANDING_DEFAULT),
            postgresql_where=sa.text(STANDING_DEFAULT),
        )


def downgrade() -> None:
    op.drop_table("resolver_links")
