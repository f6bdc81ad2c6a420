"""recalls of every scope, with level, day and end; what was done with the goods; who was told."""

import sqlalchemy as sa
from alembic import op

import foundation.db
from foundation.db import insert_only_ddl

revision = "c47d09f3b6e1"
down_revision = "c3d81e5f7a26"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {
    "place_id": "places",
    "organisation_id": "organisations",
    "certificate_id": "certificates",
    "serial_id": "serials",
}


def upgrade() -> None:
    with op.batch_alter_table("recalls") as recalls:
        recalls.alter_column("lot_id", existing_type=BIG, nullable=True)
        recalls.add_column(
            sa.Column("scope", sa.String(length=12), nullable=False, server_default="lot")
        )
        for column, table in KEYS.items():
            recalls.add_column(sa.Column(column, BIG, nullable=True))
            recalls.create_foreign_key(op.f(f"fk_recalls_{column}"), table, [column], ["id"])
        recalls.add_column(sa.Column("since", sa.Date(), nullable=True))
        recalls.add_column(sa.Column("until", sa.Date(), nullable=True))
        recalls.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="2"))
        recalls.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        recalls.add_column(sa.Column("closed_by", BIG, nullable=True))
        recalls.add_column(
            sa.Column("outcome", sa.String(length=10), nullable=False, server_default="")
        )
        recalls.add_column(
            sa.Column("end_reason", sa.String(length=300), nullable=False, server_default="")
        )
        recalls.create_check_constraint(
            op.f("ck_recalls_scope"),
            "scope IN ('lot', 'place', 'supplier', 'certificate', 'item')",
        )
        recalls.create_check_constraint(op.f("ck_recalls_level"), "level BETWEEN 1 AND 3")
        recalls.create_check_constraint(
            op.f("ck_recalls_outcome"), "outcome IN ('', 'completed', 'lifted')"
        )
        recalls.create_index(op.f("ix_recalls_event_id"), ["event_id"])
    op.execute("UPDATE recalls SET outcome = 'completed' WHERE closed_at IS NOT NULL")
    op.create_table(
        "recall_acts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("recall_id", BIG, nullable=False),
        sa.Column("place_id", BIG, nullable=False),
        sa.Column("lot_id", BIG, nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("from_quarantine", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("actor_id", BIG, nullable=True),
        sa.CheckConstraint(
            "act IN ('quarantined', 'returned', 'destroyed', 'taken_back')",
            name=op.f("ck_recall_acts_act"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_recall_acts_quantity_positive")),
        sa.CheckConstraint(
            "from_quarantine >= 0 AND from_quarantine <= quantity",
            name=op.f("ck_recall_acts_from_quarantine_within"),
        ),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_acts_recall_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_recall_acts_place_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_recall_acts_lot_id")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_recall_acts_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_acts")),
        sa.UniqueConstraint("key", name=op.f("uq_recall_acts_key")),
    )
    op.create_index("ix_recall_acts_where", "recall_acts", ["recall_id", "place_id", "lot_id"])
    for statement, dialect in insert_only_ddl("recall_acts"):
        if op.get_bind().dialect.name == dialect:
            op.execute(statement)
    op.create_table(
        "recall_notices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("recall_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("told_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_notices_recall_id")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_recall_notices_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_notices")),
        sa.UniqueConstraint(
            "recall_id", "account_id", name=op.f("uq_recall_notices_recall_id_account_id")
        ),
    )
    op.create_index(op.f("ix_recall_notices_account_id"), "recall_notices", ["account_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_recall_notices_account_id"), table_name="recall_notices")
    op.drop_table("recall_notices")
    op.drop_index("ix_recall_acts_where", table_name="recall_acts")
    op.drop_table("recall_acts")
    op.execute("DELETE FROM recalls WHERE lot_id IS NULL")
    with op.batch_alter_table("recalls") as recalls:
        recalls.drop_index(op.f("ix_recalls_event_id"))
        for check in ("outcome", "level", "scope"):
            recalls.drop_constraint(op.f(f"ck_recalls_{check}"), type_="check")
        for column in KEYS:
            recalls.drop_constraint(op.f(f"fk_recalls_{column}"), type_="foreignkey")
            recalls.drop_column(column)
        for column in ("end_reason", "outcome", "closed_by", "due_on", "level", "until", "since"):
            recalls.drop_column(column)
        recalls.drop_column("scope")
        recalls.alter_column("lot_id", existing_type=BIG, nullable=False)
