"""transparency log."""

import sqlalchemy as sa
from alembic import op

import foundation.db
from foundation.db import insert_only_ddl

revision = "4c1f0a7e2b9d"
down_revision = "96b47889dc2c"
branch_labels = None
depends_on = None

INSERT_ONLY = (
    "log_checkpoints",
    "log_cosignatures",
    "log_leaves",
    "log_subjects",
    "log_tiles",
)


def upgrade() -> None:
    op.create_table(
        "log_checkpoints",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signed_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_checkpoints")),
    )
    with op.batch_alter_table("log_checkpoints", schema=None) as batch_op:
        batch_op.create_index("ix_log_checkpoints_size", ["log", "size"], unique=False)

    op.create_table(
        "log_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vkey", sa.String(length=300), nullable=False),
        sa.Column("since", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("until", foundation.db.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_keys")),
        sa.UniqueConstraint("vkey", name=op.f("uq_log_keys_vkey")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "tile_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hashes", sa.LargeBinary(length=8192), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "tile_index", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "log_witnesses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vkey", sa.String(length=300), nullable=False),
        sa.Column("added_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("removed_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_witnesses")),
        sa.UniqueConstraint("vkey", name=op.f("uq_log_witnesses_vkey")),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "checkpoint_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "witness_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("line", sa.String(length=400), nullable=False),
        sa.Column("stamped_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"],
            ["log_checkpoints.id"],
            name=op.f("fk_log_cosignatures_checkpoint_id"),
        ),
        sa.ForeignKeyConstraint(
            ["witness_id"], ["log_witnesses.id"], name=op.f("fk_log_cosignatures_witness_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_cosignatures")),
        sa.UniqueConstraint(
            "checkpoint_id", "witness_id", name=op.f("uq_log_cosignatures_checkpoint_id_witness_id")
        ),
    )
    with op.batch_alter_table("log_cosignatures", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_log_cosignatures_witness_id"), ["witness_id"], unique=False
        )

    op.create_table(
        "log_leaves",
        sa.Column(
            "leaf_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_hash", sa.String(length=100), nullable=False),
        sa.Column("public_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subjects_root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subjects_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_log_leaves_event_id")
        ),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_log_leaves")),
        sa.UniqueConstraint("event_id", name=op.f("uq_log_leaves_event_id")),
    )
    with op.batch_alter_table("log_leaves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_log_leaves_event_hash"), ["event_hash"], unique=False)

    op.create_table(
        "log_queue",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("queued_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_log_queue_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_queue")),
        sa.UniqueConstraint("event_id", name=op.f("uq_log_queue_event_id")),
    )
    op.create_table(
        "log_subjects",
        sa.Column("tag", sa.LargeBinary(length=16), nullable=False),
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("previous", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("home", sa.LargeBinary(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["leaf_index"], ["log_leaves.leaf_index"], name=op.f("fk_log_subjects_leaf_index")
        ),
        sa.PrimaryKeyConstraint("tag", "leaf_index", name=op.f("pk_log_subjects")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("log_subjects", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_log_subjects_leaf_index"), ["leaf_index"], unique=False
        )

    dialect = op.get_bind().dialect.name
    for table in INSERT_ONLY:
        for statement, kind in insert_only_ddl(table):
            if kind == dialect:
                op.execute(statement)
    # What was recorded before there was a log waits for it too, in the order of recording.
    op.execute(
        "INSERT INTO log_queue (event_id, queued_at)"
        " SELECT id, record_time FROM trace_events ORDER BY record_time, id"
    )


def downgrade() -> None:
    with op.batch_alter_table("log_subjects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_log_subjects_leaf_index"))

    op.drop_table("log_subjects")
    op.drop_table("log_queue")
    with op.batch_alter_table("log_leaves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_log_leaves_event_hash"))

    op.drop_table("log_leaves")
    with op.batch_alter_table("log_cosignatures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_log_cosignatures_witness_id"))

    op.drop_table("log_cosignatures")
    op.drop_table("log_witnesses")
    op.drop_table("log_tiles")
    op.drop_table("log_keys")
    with op.batch_alter_table("log_checkpoints", schema=None) as batch_op:
        batch_op.drop_index("ix_log_checkpoints_size")

    op.drop_table("log_checkpoints")
