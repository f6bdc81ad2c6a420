"""kinds of labels, their reprints, files made in the background, and withdrawn numbers."""

import sqlalchemy as sa
from alembic import op

import foundation.db

revision = "c4a90b6d71e2"
down_revision = "c47d09f3b6e1"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "serials", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "label_prints",
        sa.Column("kind", sa.String(length=4), nullable=False, server_default="item"),
    )
    op.add_column(
        "label_prints",
        sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "label_prints",
        sa.Column("reason", sa.String(length=12), nullable=False, server_default=""),
    )
    op.execute("UPDATE label_prints SET kind = 'lot' WHERE first_serial = ''")
    op.create_table(
        "label_jobs",
        sa.Column("print_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("asked_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("finished_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=300), nullable=False),
        sa.Column("fault_params", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'making', 'done', 'failed', 'cancelled')",
            name=op.f("ck_label_jobs_state"),
        ),
        sa.CheckConstraint(
            "made >= 0 AND made <= total", name=op.f("ck_label_jobs_made_within_total")
        ),
        sa.ForeignKeyConstraint(
            ["print_id"], ["label_prints.id"], name=op.f("fk_label_jobs_print_id")
        ),
        sa.PrimaryKeyConstraint("print_id", name=op.f("pk_label_jobs")),
    )
    op.create_index(
        "ix_label_jobs_making",
        "label_jobs",
        ["print_id"],
        sqlite_where=sa.text("state = 'making'"),
        postgresql_where=sa.text("state = 'making'"),
    )
    op.create_table(
        "label_voids",
        sa.Column("id", BIG, nullable=False),
        sa.Column("lot_id", BIG, nullable=False),
        sa.Column("first_serial", sa.String(length=20), nullable=False),
        sa.Column("last_serial", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("renumbered", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("voided_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("actor_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_label_voids_lot_id")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_label_voids_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_voids")),
    )
    op.create_index(op.f("ix_label_voids_lot_id"), "label_voids", ["lot_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_label_voids_lot_id"), table_name="label_voids")
    op.drop_table("label_voids")
    op.drop_index("ix_label_jobs_making", table_name="label_jobs")
    op.drop_table("label_jobs")
    op.drop_column("label_prints", "reason")
    op.drop_column("label_prints", "again")
    op.drop_column("label_prints", "kind")
    op.drop_column("serials", "withdrawn")
