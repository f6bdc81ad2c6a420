"""An index that finds what happened to a lot as such without walking its packs."""

from alembic import op

revision = "5d0c7b1f2a90"
down_revision = "4c1f0a7e2b9d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_event_lots_way", "event_lots", ["lot_id", "role", "whole_lot", "event_id"])
    op.drop_index("ix_event_lots_lot", "event_lots")


def downgrade() -> None:
    op.create_index("ix_event_lots_lot", "event_lots", ["lot_id", "event_id"])
    op.drop_index("ix_event_lots_way", "event_lots")
