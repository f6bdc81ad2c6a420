"""scans, the alarms that they raise, and codes under a coating."""

import sqlalchemy as sa
from alembic import op

import foundation.db

revision = "c40e9d7a3b15"
down_revision = "c4a90b6d71e2"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = foundation.db.Moment(timezone=True)


def upgrade() -> None:
    op.create_table(
        "scans",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(length=6), nullable=True),
        sa.CheckConstraint(
            "kind IN ('item', 'unknown', 'foreign', 'unreadable')", name=op.f("ck_scans_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
    )
    op.create_index("ix_scans_code", "scans", ["gtin", "serial", "at"])
    op.create_index("ix_scans_at", "scans", ["at"])
    op.create_table(
        "scan_alarms",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("grade", sa.String(length=5), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("lot_id", BIG, nullable=True),
        sa.Column("organisation_id", BIG, nullable=False),
        sa.Column("county_code", sa.String(length=6), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", BIG, nullable=True),
        sa.Column("closed_note", sa.String(length=300), nullable=False),
        sa.CheckConstraint("grade IN ('info', 'warn', 'alarm')", name=op.f("ck_scan_alarms_grade")),
        sa.CheckConstraint(
            "kind IN ('not_sent', 'many_devices', 'far', 'never_made', 'voided', 'wrong_lot',"
            " 'scratched_again', 'scratch_guessed')",
            name=op.f("ck_scan_alarms_kind"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_scan_alarms_lot_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_scan_alarms_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_alarms")),
    )
    for column in ("lot_id", "organisation_id", "county_code", "last_at"):
        op.create_index(op.f(f"ix_scan_alarms_{column}"), "scan_alarms", [column])
    op.create_index(
        "uq_scan_alarms_open",
        "scan_alarms",
        ["gtin", "serial", "kind"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "scratch_codes",
        sa.Column("serial_id", BIG, nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["serial_id"], ["serials.id"], name=op.f("fk_scratch_codes_serial_id")
        ),
        sa.PrimaryKeyConstraint("serial_id", name=op.f("pk_scratch_codes")),
    )
    op.create_index("uq_scratch_codes_item", "scratch_codes", ["gtin", "serial"], unique=True)


def downgrade() -> None:
    op.drop_table("scratch_codes")
    op.drop_table("scan_alarms")
    op.drop_table("scans")
