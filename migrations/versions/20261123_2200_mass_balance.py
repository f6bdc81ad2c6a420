"""the graph of lots, and discrepancies."""

import sqlalchemy as sa
from alembic import op

import foundation.db

revision = "b1c7a52e9d04"
down_revision = "5d0c7b1f2a90"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lot_flows",
        sa.Column("from_lot_id", BIG, nullable=False),
        sa.Column("to_lot_id", BIG, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_lot_id"], ["lots.id"], name=op.f("fk_lot_flows_from_lot_id")
        ),
        sa.ForeignKeyConstraint(["to_lot_id"], ["lots.id"], name=op.f("fk_lot_flows_to_lot_id")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_lot_flows_event_id")
        ),
        sa.PrimaryKeyConstraint("from_lot_id", "to_lot_id", "event_id", name=op.f("pk_lot_flows")),
    )
    op.create_index("ix_lot_flows_to", "lot_flows", ["to_lot_id", "from_lot_id"])
    op.create_table(
        "discrepancies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("lot_id", BIG, nullable=False),
        sa.Column("place_id", BIG, nullable=True),
        sa.Column("county_code", sa.String(length=6), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("noted_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("settled_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("settled_by", BIG, nullable=True),
        sa.Column("settled_note", sa.String(length=300), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_discrepancies_quantity_positive")),
        sa.CheckConstraint(
            "kind IN ('booked_late', 'more_out', 'yield_over', 'yield_low')",
            name=op.f("ck_discrepancies_kind"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_discrepancies_lot_id")),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_discrepancies_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_discrepancies_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancies")),
        sa.UniqueConstraint(
            "event_id", "lot_id", "kind", name=op.f("uq_discrepancies_event_id_lot_id_kind")
        ),
    )
    op.create_index(op.f("ix_discrepancies_lot_id"), "discrepancies", ["lot_id"])
    op.create_index(op.f("ix_discrepancies_county_code"), "discrepancies", ["county_code"])
    op.create_index(
        "ix_discrepancies_open",
        "discrepancies",
        ["noted_at"],
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    _from_events()


def _from_events() -> None:
    """Fill both from the events that are there."""
    op.execute(
        "INSERT INTO lot_flows (from_lot_id, to_lot_id, event_id) "
        "SELECT DISTINCT i.lot_id, o.lot_id, i.event_id FROM event_lots i "
        "JOIN event_lots o ON o.event_id = i.event_id "
        "WHERE i.role = 'input' AND o.role = 'output' AND i.lot_id <> o.lot_id"
    )
    op.execute(
        "INSERT INTO discrepancies (kind, lot_id, place_id, county_code, event_id, quantity, "
        "figures, noted_at, settled_note) "
        "SELECT 'booked_late', l.lot_id, e.biz_location_id, p.county_code, e.id, l.quantity, "
        "'{}', e.record_time, '' FROM trace_events e "
        "JOIN event_lots l ON l.event_id = e.id "
        "LEFT JOIN places p ON p.id = e.biz_location_id "
        "WHERE e.biz_step = 'stock_taking' AND e.action = 'ADD' AND l.quantity > 0"
    )


def downgrade() -> None:
    op.drop_index("ix_discrepancies_open", table_name="discrepancies")
    op.drop_index(op.f("ix_discrepancies_county_code"), table_name="discrepancies")
    op.drop_index(op.f("ix_discrepancies_lot_id"), table_name="discrepancies")
    op.drop_table("discrepancies")
    op.drop_index("ix_lot_flows_to", table_name="lot_flows")
    op.drop_table("lot_flows")
