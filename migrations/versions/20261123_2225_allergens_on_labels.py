"""What a product's label says of allergens."""

import sqlalchemy as sa
from alembic import op

revision = "7e21c0d94b3f"
down_revision = "7b9e24d1c0aa"
branch_labels = None
depends_on = None

COLUMNS = (("allergens_zh", 100), ("allergens_en", 200))


def upgrade() -> None:
    for name, length in COLUMNS:
        column = sa.Column(name, sa.String(length), nullable=False, server_default="")
        op.add_column("products", column)


def downgrade() -> None:
    for name, _ in COLUMNS:
        op.drop_column("products", name)
