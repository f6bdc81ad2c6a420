"""tokens of subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "c3d81e5f7a26"
down_revision = "7e3a9c5d1b42"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("token_id", BIG, nullable=True))


def downgrade() -> None:
    op.drop_column("subscriptions", "token_id")
